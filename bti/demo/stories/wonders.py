"""Level 0: wonders kept, shared, unanswered, nameless, handed on, and rounded off."""

from __future__ import annotations

from bti.demo.cases import Case
from bti.demo.journeys import Tale, journey, told
from bti.demo.play import Plot, Stage, Story


def private(stage: Stage) -> Plot:
    """Per has kept it to himself, and added to it."""
    case = Case(stage)
    yield -5
    case.wonder(
        "per", "mathias", "learning", "Har glemt lekser og bøker hele uka. Ler det bort, men blir rød i ansiktet."
    )
    yield -2
    case.note("Hadde alt med i dag, og ba om å få lese høyt.")


def forgotten(stage: Stage) -> Plot:
    """Silje has let hers lie past its date."""
    case = Case(stage)
    yield -16
    case.wonder(
        "silje",
        "oskar",
        "behaviour",
        "Går ut av klasserommet midt i timen. Kommer tilbake når han blir spurt om hjelp.",
    )


def nameless(stage: Stage) -> Plot:
    """Marit doesn't say who it is about."""
    case = Case(stage)
    yield -3
    case.wonder(
        "marit", "", "home", "Et barn i gruppa spør ofte om å få være igjen etter skoletid. Leker godt og spiser godt."
    )


def nameless_in_the_club(stage: Stage) -> Plot:
    """Leisure has no register of children: its wonders have no name at all."""
    case = Case(stage)
    yield -6
    case.wonder(
        "daniel",
        "",
        "friends",
        "En av de faste kommer alene og går alene. Stiller alltid opp når noe skal ryddes.",
        talked="child",
    )


def named_later(stage: Stage) -> Plot:
    """Ingrid first wondered without a name; then she said who, and shared it."""
    case = Case(stage)
    yield -9
    case.wonder("ingrid", "", "friends", "En elev på 8. trinn spiser på biblioteket hver dag.")
    yield -4
    case.name_child("herman")
    case.move("share_with_leader")


def unanswered(stage: Stage) -> Plot:
    """Shared ten days ago; Rune hasn't answered."""
    case = Case(stage)
    yield -12
    case.wonder(
        "jonas",
        "mahad",
        "wellbeing absence",
        "Har gått fra å være sosial til å sitte med hetta på. Flere timer borte hver uke. Kommer fortsatt "
        "på hver trening.",
    )
    yield -10
    case.move("share_with_leader")


def shared_yesterday(stage: Stage) -> Plot:
    """Shared yesterday."""
    case = Case(stage)
    yield -1
    case.wonder(
        "elle",
        "tiril",
        "health",
        "Har fortalt at hun ikke får sove før halv fire. Vil gjerne snakke med noen.",
        "child",
    )
    case.move("share_with_leader")


def answered(stage: Stage) -> Plot:
    """The leader has answered; the talk with the parents is to be held."""
    case = Case(stage)
    yield -7
    case.wonder(
        "mikkel", "filippa", "learning", "Gruer seg synlig til alle prøver, også når hun kan stoffet svært godt."
    )
    case.move("share_with_leader")
    yield -3
    case.feedback("Takk. Jeg har hatt henne i norsk og ser det samme. Ring foresatte, og si at vi vil hjelpe.")


def bullying(stage: Stage) -> Plot:
    """A worry about the school environment, which has a shorter term."""
    case = Case(stage)
    yield -2
    case.wonder(
        "marit",
        "william",
        "bullying friends",
        "Kom gråtende inn og sa at de andre gjemmer sekken hans. To venner har sagt fra sammen med ham.",
        "child",
    )
    case.move("talk_directly")


def watched(stage: Stage) -> Plot:
    """Talked about, and to be watched for a while."""
    case = Case(stage)
    yield from journey(case, WATCHED, to="0.4", arrive=-8)
    yield -4
    case.move("back_to_wondering", reason="Foresatte ønsker å se det an til over høstferien.", due=1)


def nothing_more(stage: Stage) -> Plot:
    """No need for more; it is only to be rounded off."""
    case = Case(stage)
    yield from journey(case, NOTHING_MORE, to="0.4", arrive=-6)
    yield -3
    case.move("no_need", reason="Nye briller var det som skulle til.")


def refused(stage: Stage) -> Plot:
    """Asked for a consent to a log; the parents said no."""
    case = Case(stage)
    yield from journey(case, REFUSED, to="0.4", arrive=-6)
    yield -5
    case.confirm()
    consent_id = case.ask("log", about="Hva vi ser, hva vi prøver, og hvordan det går.")
    yield -3
    case.say(consent_id, "refused", who="mother")


def asked(stage: Stage) -> Plot:
    """Asked for a consent to a log; nobody has answered yet."""
    case = Case(stage)
    yield from journey(case, ASKED, to="0.4", arrive=-5)
    yield -2
    case.confirm()
    case.ask("log", about="Hva vi ser, hva vi prøver, og hvordan det går.")


def handed_on(stage: Stage) -> Plot:
    """A second wonder about a child who already has a case: Rune gives it to that one."""
    open_case = Case(stage)
    yield from journey(open_case, HANDED_ON, to="1.2", arrive=-26)
    yield -20
    second = Case(stage)
    second.wonder(
        "marit", HANDED_ON.about, "home", "Fortalte i dag at det er mye krangling når hun gjør lekser.", "child"
    )
    second.move("share_with_leader")
    yield -18
    second.look(second.leader)
    second.feedback("Takk. Vi er alt i gang, og det du skriver, er nyttig for oss.")
    second.hand_on(open_case)
    yield -8
    open_case.goal("Lekser uten krangling")
    open_case.measure("Leksehjelp på skolen tirsdag og torsdag", evaluate=16)
    open_case.measure("Fast tid og plass for lekser hjemme", evaluate=16, responsible="father")
    open_case.move("carry_out")


WATCHED = Tale(
    "ingrid",
    "sander",
    "friends",
    "Har byttet plass i klassen tre ganger på en måned. Sier selv at alt er fint.",
    talk="Foresatte har ikke merket noe. Sander vil ikke ha oppmerksomhet rundt det.",
)
NOTHING_MORE = Tale(
    "hanna",
    "abdi",
    "learning",
    "Myser mot tavla og mister fort konsentrasjonen. Veldig god hukommelse.",
    talk="Foresatte tar ham med til optiker denne uka.",
)
REFUSED = Tale(
    "mikkel",
    "hodan",
    "absence",
    "Har vært borte ti dager uten melding. Er blid og flittig når hun er her.",
    talk="Foresatte syns skolen overdriver, men vil gjerne ha et møte til.",
)
ASKED = Tale(
    "fatima",
    "adam",
    "language",
    "Bruker få ord for alderen, men forstår mye og samarbeider fint i lek.",
    talk="Foresatte kjenner seg igjen. De ønsker råd om språk hjemme.",
)
HANDED_ON = Tale(
    "silje",
    "thea",
    "learning",
    "Blir fort sliten når vi regner, og gråter når hun ikke får det til. Hjelper gjerne andre.",
    talk="Foresatte forteller om lange kvelder med lekser. De er enige i at vi prøver noe.",
)
TALK_IN_THE_NORTH = Tale(
    "nils",
    "astrid",
    "home",
    "Er sulten når hun kommer, og har samme klær flere dager. God venn for mange.",
)
EXPECTING = Tale(
    "ane",
    "expecting",
    "health home",
    "Bekymret for økonomien og sover lite. Møter til alle timer og gleder seg til barnet.",
    talk="Lina vil gjerne ha hjelp til å snakke med NAV, men vil tenke på det til neste time.",
)
YOUTH = Tale(
    "maria",
    "youth17b",
    "absence home",
    "Har sluttet på skolen og sover borte flere netter. Flink med motorer, og vil jobbe.",
)

STORIES: tuple[Story, ...] = (
    private,
    forgotten,
    nameless,
    nameless_in_the_club,
    named_later,
    unanswered,
    shared_yesterday,
    answered,
    bullying,
    watched,
    nothing_more,
    refused,
    asked,
    handed_on,
    told(TALK_IN_THE_NORTH, to="0.3", arrive=-3),
    told(EXPECTING, to="0.4", arrive=-2),
    told(YOUTH, to="0.3", arrive=-9),
)
