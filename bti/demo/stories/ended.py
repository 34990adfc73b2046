"""Cases that were closed, for every reason there is, and some that were opened again."""

from __future__ import annotations

from bti.demo.cases import Case
from bti.demo.journeys import Tale, journey
from bti.demo.play import Plot, Stage, Story

ENOUGH = Tale(
    "silje",
    "ayaan",
    "language",
    "Snakket nesten ikke i høst. Viser veien til alle nye, med hender og smil.",
    goal="Ayaan forteller om helga si",
    measure="Fortellestund i liten gruppe",
    result="Forteller nå i samling.",
    voice="«Jeg har så mye å si!»",
)
TOGETHER = Tale(
    "mikkel",
    "tora",
    "wellbeing home",
    "Vondt i magen hver gang hun skulle bytte hjem. God på å si hva hun trenger.",
    goal="Tora har det bra i begge hjem",
    measure="Egen perm som følger med",
    joint="Foreldresamtaler på Familiens hus",
    result="Foreldrene snakker sammen selv.",
    partner="henrik",
    purpose="Foreldresamarbeid",
    voice="«Nå er det stille.»",
)
WISH = Tale(
    "ingrid",
    "jon",
    "behaviour",
    "Løper fra undervisningen, men kommer alltid til sløyd. Lager flotte ting.",
    goal="Jon er med hele dagen",
    measure="Sløyd midt på dagen",
)
PLAN = Tale(
    "per",
    "sebastian",
    "health learning",
    "Ny diagnose og mange timeavtaler. Holder humøret, og hjelper andre med data.",
    goal="Sebastian har én plan",
    measure="Timeplan med hvile",
    joint="Felles plan med helsestasjonen",
    partner="amir",
    purpose="Helse og hvile",
    voice="«Bra at dere snakker sammen.»",
)
MOVED = Tale(
    "mikkel",
    "inga",
    "friends language",
    "Savner samisk på skolen. Lærte hele klassen å telle på samisk.",
    goal="Iŋgá får bruke språket sitt",
    measure="Samisk lekestund",
    joint="Språkvurdering hos PPT",
    partner="siri",
    purpose="Tospråklig kartlegging",
)
REFERRED = Tale(
    "amir",
    "toddler",
    "health",
    "Går ennå ikke, og er stiv i beina. Nysgjerrig, og pludrer hele tida.",
    talk="Mor har lurt på det samme, og vil gjerne ha henvisning til sykehuset.",
)
BACK = Tale(
    "jonas",
    "benedikte",
    "wellbeing",
    "Trekker seg unna igjen etter en god vår. Skriver lange og gode tekster.",
    talk="Mor forteller at det var bra en stund.",
)
AGAIN = Tale(
    "silje",
    "adrian",
    "absence",
    "Mange fraværsdager på mandager. Ivrig og med på alt de andre dagene.",
    goal="Adrian er på skolen hver mandag",
    measure="Far og skolen sms-er søndag kveld",
    result="Ikke borte en eneste mandag.",
    voice="«Mandager er ganske fine.»",
)


def closed(tale: Tale, to: str, arrive: int, reason: str, words: str) -> Story:
    """Return the story of a case that goes the usual way to a step and is closed there a few days later."""

    def story(stage: Stage) -> Plot:
        case = Case(stage)
        yield from journey(case, tale, to=to, arrive=arrive, evaluate=arrive + 60)
        yield arrive + 4
        case.move("close", closing=reason, reason=words)

    return story


def reopened(stage: Stage) -> Plot:
    """Closed in spring, and wondered about again."""
    case = Case(stage)
    yield from journey(case, BACK, to="0.4", arrive=-150)
    yield -140
    case.move("close", closing="no_concern", reason="Hun er tilbake i vennegjengen.")
    yield -5
    case.move("reopen", by="jonas", reason="De samme tegnene er tilbake.")


def reopened_with_log(stage: Stage) -> Plot:
    """Closed with the goal reached, opened again with its log when the absence came back."""
    case = Case(stage)
    yield from journey(case, AGAIN, to="1.5", arrive=-80, evaluate=-30)
    yield -76
    case.move("close", closing="goal_reached", reason="Ingen fravær på seks uker.")
    yield -6
    case.confirm()
    case.move("reopen_with_log", reason="Fraværet er tilbake. Far ønsker det samme som virket sist.")


STORIES: tuple[Story, ...] = (
    closed(ENOUGH, "1.5", -40, "goal_reached", "Målet er nådd. Takk for godt samarbeid."),
    closed(TOGETHER, "2.5", -25, "goal_reached", "Foreldrene klarer dette selv nå."),
    closed(WISH, "1.3", -52, "guardians_wish", "Foresatte ønsker å avslutte. De vet at de kan ta kontakt igjen."),
    closed(PLAN, "3.2", -30, "individual_plan", "Individuell plan og barnekoordinator er på plass."),
    closed(MOVED, "2.3", -70, "moved", "Familien har flyttet. De har fått en kopi av loggen."),
    closed(REFERRED, "0.4", -45, "referred", "Henvist til barnehabiliteringen, sammen med mor."),
    reopened,
    reopened_with_log,
)
