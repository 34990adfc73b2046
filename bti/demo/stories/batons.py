"""The baton: offered, declined, expired, fallen and caught; and cases put before the coordinating unit."""

from __future__ import annotations

from bti.demo.cases import Case
from bti.demo.journeys import Tale, journey
from bti.demo.play import Plot, Stage, Story

PENDING = Tale(
    "per",
    "mathilde",
    "learning absence",
    "Lærer fort muntlig, men bokstavene bytter plass. Møter alltid presis.",
    goal="Mathilde finner sin måte å lese på",
    measure="Lydbok og lesepenn",
    joint="Lesekurs hos PPT",
    partner="siri",
    purpose="Kartlegging av lesing",
    voice="«Pennen er kul.»",
)
HANDED = Tale(
    "nils",
    "leif",
    "language",
    "Stammer når han blir spurt, og aldri når han synger. Svært musikalsk.",
    goal="Leif tør å svare høyt",
    measure="Får spørsmålet dagen før",
    joint="Samtaler hos logoped",
    partner="espen",
    purpose="Stamming",
    voice="«Jeg øver med sang.»",
)
DECLINED = Tale(
    "ingrid",
    "daryna",
    "friends language",
    "Er alene på turdager. Kan tre språk, og oversetter for andre.",
    goal="Daryna har en turvenn",
    measure="Faste turgrupper",
)
EXPIRED = Tale(
    "hanna",
    "gabriel",
    "behaviour",
    "Roper for å bli hørt. Flink til å fordele roller i lek.",
    goal="Gabriel venter på tur",
    measure="Taleball i samling",
)
OVERTAKEN = Tale(
    "jonas",
    "marius",
    "learning",
    "Får ikke begynt på oppgaver, men blir i dem når han først er i gang. God kokk.",
)
LEFT = Tale(
    "terje",
    "kaja",
    "home",
    "Sliten på mandager, og kommer uten matpakke. Blid og arbeidsom utover uka.",
    talk="Far jobber turnus, og vil gjerne ha hjelp til mandagene.",
    goal="Kaja er uthvilt på mandag",
    measure="Frokost på skolen",
)
ILL = Tale(
    "julie",
    "tuva",
    "language",
    "Peker i stedet for å snakke. Finner glede i vannlek og musikk.",
    goal="Tuva bruker tegn og ord",
    measure="Tegn til tale i måltidene",
)
STUCK = Tale(
    "ingrid",
    "yasmin",
    "absence wellbeing",
    "Har ikke vært på skolen på fire uker. Svarer på melding hver dag.",
    goal="Yasmin møter en voksen fra skolen hver uke",
    measure="Hjemmebesøk av sosiallærer",
    joint="Møtes på fritidsklubben",
    partner="daniel",
    purpose="Et sted å møtes",
    result="Hun kom to av fire ganger.",
    voice="«Jeg vil, men får det ikke til.»",
)
DECIDED = Tale(
    "jonas",
    "filip",
    "behaviour learning",
    "Forstyrrer i timene, men leder en hel gruppe når han får ansvar.",
    goal="Filip får brukt ledertalentet",
    measure="Hjelpetrener i gymtimene",
    joint="Klubbkveld med ansvar for kiosken",
    partner="daniel",
    purpose="Ansvar på fritidsklubben",
    voice="«Kiosken er min.»",
)


def pending(stage: Stage) -> Plot:
    """Per has offered the baton to Siri, who hasn't answered."""
    case = Case(stage)
    yield from journey(case, PENDING, to="2.3", arrive=-20, evaluate=18)
    yield -2
    case.offer("siri", "Det meste skjer hos dere nå. Mor er enig. Neste møte er om to uker.")


def handed(stage: Stage) -> Plot:
    """The speech therapist has taken the baton."""
    case = Case(stage)
    yield from journey(case, HANDED, to="2.3", arrive=-35, evaluate=9)
    yield -21
    case.hand_over("espen", "Leif øver mest hos dere. Jeg er fortsatt kontaktlærer.")
    yield -14
    case.write("log", "Leif svarte to ganger i timen i dag, uten å bli spurt først.", title="Lysglimt")


def declined(stage: Stage) -> Plot:
    """Offered to a colleague, who said no: Ingrid keeps it."""
    case = Case(stage)
    yield from journey(case, DECLINED, to="1.3", arrive=-22, evaluate=13)
    yield -8
    offer_id = case.offer("mikkel", "Daryna skal over i gruppa di. Kan du ta over?")
    yield -5
    case.decline("mikkel", offer_id, "capacity", "Jeg har tre saker nå. Spør meg gjerne igjen etter jul.")


def expired(stage: Stage) -> Plot:
    """Offered twelve days ago and never answered."""
    case = Case(stage)
    yield from journey(case, EXPIRED, to="1.2", arrive=-13)
    yield -12
    case.offer("nils", "Gabriel har deg i gym og stoler på deg.")
    case.next_date(3, "Vi venter på svar om hvem som tar over.")


def overtaken(stage: Stage) -> Plot:
    """One offer was taken back, and the next one overtaken: the case went up before it was answered."""
    case = Case(stage)
    yield from journey(case, OVERTAKEN, to="1.3", arrive=-40, evaluate=-12)
    yield -24
    offer_id = case.offer("elle", "Kan du ta denne?")
    yield -22
    case.take_back(offer_id)
    yield -13
    case.evaluate(-1, "Han begynner selv hvis noen sitter ved siden av.", again=25, effect="good")
    case.offer("mikkel", "Marius har deg i mat og helse.")
    case.consented("share", "ppt", about="Arbeidsvaner og læring")
    case.join("siri", "Observasjon i timene")
    case.confirm()
    case.move("invite_services", reason="PPT har ledig tid nå, og familien vil ikke vente.")


def left(stage: Stage) -> Plot:
    """Terje has left: his batons fell to Nina, who must appoint somebody."""
    case = Case(stage)
    yield from journey(case, LEFT, to="1.2", arrive=-14)
    yield -10
    wonder = Case(stage)
    wonder.wonder("terje", "", "friends", "En gruppe jenter stenger en annen ute. Flere sier fra til meg.")
    yield -7
    stage.leave("terje")


def ill(stage: Stage) -> Plot:
    """Julie is ill: Stian holds the baton meanwhile."""
    case = Case(stage)
    yield from journey(case, ILL, to="1.3", arrive=-30, evaluate=15)
    yield -6
    case.stand_in("Julie er sykmeldt i seks uker.")


def stuck(stage: Stage) -> Plot:
    """Nothing gets better: referred to the coordinating unit, which hasn't decided."""
    case = Case(stage)
    yield from journey(case, STUCK, to="2.5", arrive=-12, evaluate=24)
    yield -7
    case.refer(
        "stuck",
        "Vi har prøvd i fire måneder, og eleven er fortsatt hjemme. Ingen av tjenestene mener de kan lede videre.",
    )
    case.next_date(6, "Vi venter på avgjørelsen fra koordinerende enhet.")


def decided(stage: Stage) -> Plot:
    """The services disagreed; the coordinating unit decided, and the holder carried it out."""
    case = Case(stage)
    yield from journey(case, DECIDED, to="2.3", arrive=-45, evaluate=8)
    yield -30
    case.refer("disagreement", "Skolen og fritidsklubben er uenige om hvem som bør holde stafettpinnen.")
    yield -26
    case.look()
    case.decide("new_holder", "Det meste skjer på klubben. Fritid og ungdom bør holde stafettpinnen.")
    yield -23
    case.hand_over("daniel", "Avgjort av koordinerende enhet. Jeg blir med på møtene.")


STORIES: tuple[Story, ...] = (
    pending,
    handed,
    declined,
    expired,
    overtaken,
    left,
    ill,
    stuck,
    decided,
)
