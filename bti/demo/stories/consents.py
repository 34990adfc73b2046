"""What can become of a consent: half given, refused, withdrawn, about to expire, expired, renewed."""

from __future__ import annotations

from bti.demo.cases import Case
from bti.demo.journeys import Tale, bring_in, journey
from bti.demo.play import Plot, Stage, Story

HALF = Tale(
    "elle",
    "vilja",
    "wellbeing",
    "Slutter å komme på kor, som hun har elsket i årevis. Fortsatt nær venn med to i klassen.",
)
DISAGREE = Tale(
    "silje",
    "ida",
    "wellbeing friends",
    "To hjem med ulike regler, og mye hodepine på byttedager. Har gode venner begge steder.",
    talk="Mor og far ser saken ulikt, men begge vil at Ida skal ha det bra.",
    goal="Ida har færre vondter på byttedager",
    measure="Felles beskjedbok",
    voice="«Jeg vil at de skal snakke sammen.»",
)
WITHDRAWN = Tale(
    "per",
    "signe",
    "learning absence",
    "Leser godt, men skriver nesten ingenting. Mange gode ideer når hun får snakke.",
    goal="Signe får vist hva hun kan",
    measure="Muntlig framføring i stedet for prøve",
    joint="Talestyrt skriving",
    partner="siri",
    purpose="Kartlegging av skriving",
    voice="«Jeg liker å fortelle.»",
)
OWN_WITHDRAWN = Tale(
    "mikkel",
    "noah",
    "behaviour",
    "Finner alltid noen å krangle med. Ærlig når det gjelder.",
    goal="Noah løser en krangel selv",
    measure="Fem minutter med en voksen etter friminuttet",
)
SOON = Tale(
    "kristin",
    "milla",
    "language friends",
    "Sier lite i barnehagen, og mye hjemme. Følger nøye med på alt.",
    goal="Milla sier fra om det hun vil",
    measure="Liten lekegruppe hver formiddag",
    joint="Veiledning fra PPT",
    partner="espen",
    purpose="Veiledning om språk",
    voice="Milla pekte på bildet av lekegruppa og smilte.",
)
EXPIRED = Tale(
    "jonas",
    "vegard",
    "learning",
    "Jobber best alene og gir opp i grupper. Hjelpsom når han ikke blir sett på.",
)
RENEWED = Tale(
    "randi",
    "frida",
    "home health",
    "Ofte syk og trøtt. Hos far og hos mor sover hun til ulike tider. Glad i å synge.",
    goal="Frida er uthvilt",
    measure="Hvilestund etter mat",
    joint="Samme leggetid i begge hjem",
    partner="amir",
    purpose="Søvn og helse",
    voice="Frida vil sove med bamsen begge steder.",
)
YOUTH = Tale(
    "maria",
    "youth17",
    "home absence",
    "Bor annenhver uke hos venner. Møter til alle avtaler, og har drømmer om å bli frisør.",
    talk="Snakket med Emma. Hun vil selv si fra til foreldrene.",
    goal="Emma har et sted å bo og en praksisplass",
    measure="Praksis to dager i uka",
)

LAPSED = Tale(
    "mikkel",
    "fredrik",
    "learning wellbeing",
    "Har mistet troa på seg selv i matematikk. Spiller sjakk på høyt nivå.",
    goal="Fredrik tør å prøve",
    measure="Oppgaver med flere riktige svar",
    partner="siri",
    purpose="Råd om matematikkvansker",
)


def half_given(stage: Stage) -> Plot:
    """The parents have said yes; Vilja is fifteen and hasn't answered for herself."""
    case = Case(stage)
    yield from journey(case, HALF, to="1.2", arrive=-7)
    yield -4
    consent_id = case.ask("share", "health", about="Samtaler med helsesykepleier", kinds="everyday health")
    yield -2
    case.say(consent_id, who="mother")
    case.say(consent_id, who="father")


def parents_disagree(stage: Stage) -> Plot:
    """Mother says yes and father no: not consented."""
    case = Case(stage)
    yield from journey(case, DISAGREE, to="1.5", arrive=-5)
    yield -4
    consent_id = case.ask("share", "family", about="Foreldresamarbeid om to hjem")
    case.say(consent_id, who="mother")
    yield -2
    case.say(consent_id, "refused", who="father")


def withdrawn(stage: Stage) -> Plot:
    """PPT took part until mother took the consent back: the door is shut, and nothing is deleted."""
    case = Case(stage)
    yield from journey(case, WITHDRAWN, to="2.1", arrive=-30)
    yield -16
    shared = case.ask("share", "health", about="Søvn og hverdag")
    case.say(shared)
    case.join("amir", "Søvn")
    case.move("plan")
    case.look("amir")
    yield -11
    case.goal("Signe skriver en side selv")
    case.measure("Talestyrt skriving", evaluate=20)
    case.move("carry_out")
    yield -6
    case.look("amir")
    yield -4
    case.withdraw(shared, "mother", by="amir")


def own_withdrawn(stage: Stage) -> Plot:
    """Level 1 without a consent any more: the service keeps its own, and nobody else sees it."""
    case = Case(stage)
    yield from journey(case, OWN_WITHDRAWN, to="0.4", arrive=-40)
    yield -36
    case.confirm()
    consent_id = case.consented("log", about="Hva vi ser og hva vi prøver")
    case.move("start_own_service")
    yield -30
    case.move("plan")
    yield -26
    case.goal(OWN_WITHDRAWN.goal)
    case.measure(OWN_WITHDRAWN.measure, evaluate=15)
    case.move("carry_out")
    yield -8
    case.withdraw(consent_id, "father")


def expires_soon(stage: Stage) -> Plot:
    """The consent that lets PPT take part has twelve days left."""
    case = Case(stage)
    yield from journey(case, SOON, to="1.5", arrive=-40)
    yield -32
    bring_in(case, SOON.partner, SOON.purpose, until=12)
    case.confirm()
    case.move("invite_services")
    yield from journey(case, SOON, to="2.3", arrive=-16, evaluate=16, from_step="2.1")


def expired(stage: Stage) -> Plot:
    """The consent ran out while a partner took part: nobody could read from that day on."""
    case = Case(stage)
    yield from journey(case, EXPIRED, to="1.5", arrive=-70)
    yield -64
    bring_in(case, "liv", "Råd om gruppearbeid", until=-6)
    case.confirm()
    case.move("invite_services")
    yield from journey(case, EXPIRED, to="2.3", arrive=-40, evaluate=7, from_step="2.1")
    yield -9
    case.look("liv")
    yield -3
    case.tidy()


def renewed(stage: Stage) -> Plot:
    """Renewed before it ran out, by both homes."""
    case = Case(stage)
    yield from journey(case, RENEWED, to="1.5", arrive=-90)
    yield -84
    old = bring_in(case, RENEWED.partner, RENEWED.purpose, until=-2)
    case.confirm()
    case.move("invite_services")
    yield from journey(case, RENEWED, to="2.3", arrive=-60, evaluate=5, from_step="2.1")
    yield -15
    new = case.ask("share", "health", about="Søvn og helse, ett år til", renews=old)
    yield -13
    case.say(new)
    case.look("amir")


def lapsed(stage: Stage) -> Plot:
    """The family's own consent to the log has run out: Mikkel answers for the case, and can't read it."""
    case = Case(stage)
    yield from journey(case, LAPSED, to="0.4", arrive=-45)
    yield -41
    case.confirm()
    case.consented("log", about="Hva vi ser, hva vi prøver, og hvordan det går.", until=-5)
    case.move("start_own_service")
    yield -30
    bring_in(case, LAPSED.partner, LAPSED.purpose)
    case.confirm()
    case.move("invite_services", reason="PPT kan begynne med én gang.")
    yield -16
    case.move("plan")
    case.next_date(2, "Møtet med PPT er flyttet.")


def youth_alone(stage: Stage) -> Plot:
    """Seventeen: she consents alone, and what she has said no to is written down."""
    case = Case(stage)
    yield from journey(case, YOUTH, to="1.3", arrive=-20, evaluate=11)
    yield -9
    consent_id = case.ask(
        "share", "family", about="Kontakt med foreldrene om bosted", reservations="Ikke det Emma har fortalt om helsen."
    )
    case.say(consent_id)


STORIES: tuple[Story, ...] = (
    half_given,
    parents_disagree,
    withdrawn,
    own_withdrawn,
    expires_soon,
    expired,
    renewed,
    lapsed,
    youth_alone,
)
