"""Kari Nordmann's worklist, as the pictures of the interface show it."""

from __future__ import annotations

from bti.demo.cases import Case
from bti.demo.journeys import Tale, bring_in, journey
from bti.demo.play import Plot, Stage, Story

OLA = Tale(
    "kari",
    "ola",
    "absence learning",
    "Kommer for sent fire av fem dager og har vært borte ni dager på seks uker. Er ivrig når vi jobber praktisk, men "
    "gir fort opp når vi leser. Sier at han har vondt i magen om morgenen.",
    talk="Møtte mor og snakket med far på telefon. Begge merker magevondt på søndager. Han sover godt hos begge og "
    "har en god venn i nabolaget. De vil at vi prøver noe på skolen først.",
)


def ola(stage: Stage) -> Plot:
    """Level 1: evaluated, half consented to letting PPT in, and one measure two days overdue."""
    case = Case(stage)
    yield from journey(case, OLA, to="1.2", arrive=-60)
    yield -57
    case.goal("Ola er på skolen hver dag")
    case.measure("Fast voksen ved skolestart", evaluate=-8)
    case.goal("Ola leser en kort tekst alene")
    case.measure("Leseverksted to ganger i uka", evaluate=-8, responsible="per")
    case.measure("Sekken pakkes ferdig kvelden før", evaluate=-8, responsible="mother")
    case.move("carry_out")
    yield -30
    case.write("log", "Ola viste lillebroren til en medelev rundt på skolen. Stolt som en hane!", title="Lysglimt")
    yield -12
    case.voice("«Det er fint at Kari står i døra. Jeg vil helst lese når ingen hører på.»")
    case.move("evaluate")
    yield -8
    case.evaluate(0, "Fraværet er redusert fra ni til tre dager. Tiltaket fortsetter.", again=6, effect="good")
    case.evaluate(1, "Kom sent i gang. Prøver to uker til.", again=-2, effect="some", done="partly")
    case.evaluate(2, "Mor forteller at morgenene er roligere.", effect="good")
    yield -6
    case.move("decide")
    consent_id = case.ask("share", "ppt", about="Fravær, leseresultater og tiltakene på skolen")
    yield -4
    case.say(consent_id, who="mother")
    case.too_early("invite_services")
    case.look("rune")
    case.not_theirs("nils")


AISHA = Tale(
    "per",
    "aisha",
    "friends wellbeing",
    "Sitter mye alene i friminuttene etter ferien. Leverer alt hun skal og er god i matematikk. Rekker "
    "ikke lenger opp hånda.",
    talk="Foresatte er bekymret for det samme. Hun er glad og pratsom hjemme og går på håndball.",
    goal="Aisha har noen å være sammen med i friminuttet",
    measure="Ansvar for sjakkgruppa sammen med to andre",
    result="Hun trives i gruppa, men er fortsatt alene resten av dagen.",
    voice="«Sjakk er gøy. Ellers vet jeg ikke.»",
    partner="amir",
    purpose="Samtaler med helsesykepleier om trivsel",
)


def aisha(stage: Stage) -> Plot:
    """Level 2, due tomorrow; Kari took the baton from Per, and leads the reading group Aisha likes."""
    case = Case(stage)
    yield from journey(case, AISHA, to="1.5", arrive=-28)
    yield -20
    case.hand_over("kari", "Aisha kjenner deg fra lesegruppa. Mor vil helst ha melding, ikke telefon.")
    yield -12
    bring_in(case, AISHA.partner, AISHA.purpose)
    case.confirm()
    case.move("invite_services", due=1)
    yield -1
    case.write("log", "Samarbeidsmøtet er holdt. Referatet skal skrives.", title="Møte")


def emil(stage: Stage) -> Plot:
    """Level 0: Kari wants to talk with the parents herself."""
    case = Case(stage)
    yield -6
    case.wonder(
        "kari",
        "emil",
        "behaviour",
        "Kommer ofte i konflikt i friminuttene jeg har tilsyn. Roer seg når en voksen er med i leken, og er god til å "
        "trøste andre.",
        talked="child",
    )
    yield -4
    case.note("To fine friminutt på rad da vi satte i gang fotball.")
    case.move("talk_directly", due=5)


ANNE = Tale(
    "jonas",
    "anne",
    "absence health",
    "Borte hver mandag siden påske. Faglig sterk, og lyser opp når vi bruker samisk. Virker utslitt.",
    talk="Foresatte forteller om lite søvn og mye uro. De vil gjerne ha hjelp, og at noen snakker samisk med henne.",
    goal="Ánne-Márjá kommer på skolen fire dager i uka",
    measure="Kortere mandager og fast kontaktperson",
    joint="PPT og skolen lager en plan for gradvis opptrapping",
    voice="«Jeg vil på skolen, men ikke alt på en gang.»",
    partner="siri",
    purpose="Kartlegging og råd om fravær",
)


def anne(stage: Stage) -> Plot:
    """Level 3, held by Siri, who has offered the baton to Kari."""
    case = Case(stage)
    yield from journey(case, ANNE, to="2.3", arrive=-80)
    yield -70
    case.hand_over("siri", "Du kjenner saken best nå. Familien er enig i byttet.")
    yield -62
    case.write(
        "log", "Ánne-Márjá holdt innlegg på samisk for hele trinnet. Stille i rommet, og så applaus.", title="Lysglimt"
    )
    yield from journey(case, ANNE, to="3.3", arrive=-12, evaluate=8, from_step="2.3")
    yield -5
    case.join("kari", "Samiskspråklig kontakt på skolen")
    case.look("kari")
    yield -3
    case.offer("kari", "Ánne-Márjá ønsker deg som kontaktperson. Far foretrekker telefon etter kl. 16.")


LEON = Tale(
    "kristin",
    "leon",
    "language friends",
    "Snakker lite norsk i lek, mer polsk med søsken. Bygger avanserte ting og forklarer med hendene. Trekker seg "
    "unna i samlingsstund.",
    talk="Foresatte snakker polsk hjemme og leser mye for ham. De er opptatt av at skolestarten blir god.",
    goal="Leon tar del i lek på norsk",
    measure="Språkgruppe tre ganger i uka",
)


def leon(stage: Stage) -> Plot:
    """Level 1: the log followed him from kindergarten towards school, with a consent to exactly that."""
    case = Case(stage)
    yield from journey(case, LEON, to="1.3", arrive=-90, evaluate=-40)
    yield -41
    case.evaluate(0, "Bruker flere setninger i lek. Liker bøker med dyr.", effect="good")
    case.consented("takeover", "school", about="Det barnehagen har prøvd, og hvordan det gikk.")
    case.hand_over("kari", "Leon begynner hos dere. Han liker å bygge og å hjelpe til.", takes_over=True)
    yield -35
    case.look()
    case.goal("Leon kjenner seg trygg i den nye gruppa")
    case.measure("Besøksdager med fadder, og bildekort i overganger", evaluate=12)
    case.measure("Leser samme bok hjemme på polsk som vi leser på norsk", evaluate=26, responsible="mother")
    case.next_date(26, "Vi venter på den siste besøksdagen.")


MAJA = Tale(
    "kari",
    "maja",
    "wellbeing learning",
    "Sier at skolen er uten mening. Leverer lite, men skriver lange og gode tekster når hun får velge tema selv.",
    talk="Snakket med Maja og mor. Maja sover dårlig. Mor er glad for at noen spør.",
    goal="Maja fullfører 10. trinn med karakter i alle fag",
    measure="Valgfrie skriveoppgaver og en fast samtale i uka",
    joint="Helsesykepleier og Kari deler på samtalene",
    voice="«Det hjelper at noen faktisk leser det jeg skriver.»",
    partner="oda",
    purpose="Samtaler om søvn og hverdagen",
)


def maja(stage: Stage) -> Plot:
    """Level 2, going well: she is fifteen and has consented beside her mother."""
    case = Case(stage)
    yield from journey(case, MAJA, to="2.3", arrive=-18, evaluate=19)
    yield -7
    case.write("log", "Maja har levert to tekster og meldt seg på skolerevyen.", title="Lysglimt")


def sondre(stage: Stage) -> Plot:
    """A wonder of Kari's that came to nothing, and was closed."""
    case = Case(stage)
    yield -64
    case.wonder("kari", "sondre", "wellbeing", "Stille og blek to uker på rad. Pleier å være den som tuller mest.")
    yield -60
    case.move("talk_directly")
    case.note("Mor forteller at bestefar døde. De har god støtte i familien.", "guardian_talk")
    case.move("decide_on_wonder")
    case.move("no_need")
    yield -50
    case.move("close", closing="no_concern", reason="Sorgen har fått plass, og han er seg selv igjen.")


STORIES: tuple[Story, ...] = (ola, aisha, emil, anne, leon, maja, sondre)
