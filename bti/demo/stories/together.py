"""Level 2: two services work together; some came there straight from a wonder."""

from __future__ import annotations

from bti.demo.cases import Case
from bti.demo.journeys import Tale, journey, told
from bti.demo.play import Plot, Stage, Story

JUMPED = Tale(
    "oda",
    "youth16",
    "health wellbeing",
    "Mikal sover om dagen og spiller om natta. Kommer til timen, og vil ha det annerledes.",
    talk="Snakket med Mikal selv. Han vil gjerne ha hjelp til å finne noe å gjøre på dagtid.",
    partner="maria",
    purpose="Arbeidspraksis og hjelp til en dagsrytme",
)
JUMPED_WITH_PPT = Tale(
    "kristin",
    "jan",
    "language",
    "Uttaler mange lyder slik at bare søsteren forstår. Gir ikke opp, og finner andre måter.",
    talk="Foresatte ønsker logoped så fort som mulig.",
    goal="Andre barn forstår Jan i lek",
    measure="Lyttelek hver dag i barnehagen",
    partner="espen",
    purpose="Vurdering av språklyder",
)
PREGNANT = Tale(
    "ane",
    "expecting2",
    "home health",
    "Ung og gravid, uten fast sted å bo. Har et stort nettverk av venninner.",
    talk="Sahra ønsker hjelp til bolig før fødselen.",
    goal="Et trygt hjem før barnet kommer",
    measure="NAV hjelper til med søknad om bolig",
    partner="yusuf",
    purpose="Bolig og økonomi",
    voice="Sahra: «Jeg gleder meg, men jeg vil vite hvor vi skal bo.»",
)
RUNNING = Tale(
    "vidar",
    "vetle",
    "behaviour home",
    "Reagerer med sinne når planer endres. Kan alt om fugler, og lærer bort til andre.",
    talk="Mor og far bor hver for seg og vil gjerne gjøre ting likt.",
    goal="Dagene er forutsigbare",
    measure="Dagsplan med bilder",
    joint="Foreldreveiledning og samme dagsplan i begge hjem",
    partner="henrik",
    purpose="Foreldreveiledning",
    voice="«Jeg liker å vite hva som skjer.»",
)
EVALUATING = Tale(
    "per",
    "iben",
    "learning",
    "Leser sakte og husker lite av det hun har lest. Husker alt hun hører.",
    goal="Iben får med seg innholdet i fagtekster",
    measure="Lydbøker i alle fag",
    joint="Lesekurs hos PPT",
    partner="siri",
    purpose="Kartlegging av lesing",
    voice="«Med lydbok er jeg like god som de andre.»",
)
DECIDING = Tale(
    "mikkel",
    "zofia",
    "home language",
    "Ofte sliten og bekymret for penger hjemme. Ansvarlig, og en god storesøster.",
    talk="Foresatte forteller åpent om økonomien og sier ja til hjelp.",
    goal="Zofia kan være med på fritidsaktiviteter",
    measure="Utstyr og kontingent gjennom fritidskortet",
    joint="Veiledning om økonomi hos NAV",
    result="Familien har fått orden på det viktigste. Zofia er i gang med svømming.",
    partner="yusuf",
    purpose="Råd om økonomi og fritid",
    voice="«Svømming er det beste i uka.»",
)
CARE_ORDER = Tale(
    "mikkel",
    "even",
    "wellbeing",
    "Nytt fosterhjem og ny klasse. Urolig i timene, men trygg på assistenten.",
    talk="Snakket med fosterforeldrene og med kontaktpersonen i barneverntjenesten.",
    goal="Even finner seg til rette",
    measure="Fast assistent i overgangene",
    joint="Samme kveldsrutiner som hjemme på leirskole",
    partner="amir",
    purpose="Søvn og helse",
    voice="«Jeg vil bli på denne skolen.»",
)
NEWCOMER = Tale(
    "hanna",
    "peder",
    "wellbeing friends",
    "Ny i klassen og veldig stille. Tegner detaljerte kart, og er snill mot de små.",
    goal="Peder får en venn",
    measure="Faste makkerpar i en måned",
    partner="oda",
    purpose="Samtaler om å være ny",
    voice="«Det er fint å være to.»",
)
ADDRESS = Tale(
    "silje",
    "sunniva",
    "wellbeing",
    "På vakt hele dagen og spør hvem som skal hente. Varm og morsom når hun er trygg.",
    talk="Snakket med mor. Adressen skal ikke stå noe sted.",
    goal="Sunniva kjenner seg trygg på skolen",
    measure="Samme voksen følger ut hver dag",
    partner="henrik",
    purpose="Støtte til mor og datter",
)


INVITED = Tale(
    "per",
    "jonas_v",
    "learning",
    "Får ikke til å regne med klokke og penger. Flink med ord og en god forteller.",
    goal="Jonas klarer seg på butikken",
    measure="Regning med ekte penger to ganger i uka",
    result="Han prøver mer, men får det fortsatt ikke til alene.",
    voice="«Det er lettere med ordentlige penger.»",
)
SAID_NO = Tale(
    "ingrid",
    "solomiia",
    "friends wellbeing",
    "Snakker med lærerne, men ikke med elevene. Spiller piano når ingen er der.",
    goal="Solomiia har noe å gå til etter skolen",
    measure="Musikkrommet er åpent to dager i uka",
    voice="«Jeg vil spille sammen med noen.»",
)
LEFT_AGAIN = Tale(
    "silje",
    "biret",
    "language health",
    "Hører ikke etter når det er bråk, og veksler mellom samisk og norsk. Leser mye.",
    goal="Biret-Elle får med seg beskjeder",
    measure="Plass foran i klasserommet",
    partner="amir",
    purpose="Hørsel og helse",
    voice="«Jeg hører best når det er stille.»",
)


def invited(stage: Stage) -> Plot:
    """Siri is invited and hasn't answered."""
    case = Case(stage)
    yield from journey(case, INVITED, to="1.5", arrive=-20)
    yield -12
    case.consented("share", "ppt", about="Læring og det vi har prøvd")
    case.confirm()
    case.move("invite_services")
    yield -3
    case.invite("siri", "Kartlegging av regnevansker")
    case.next_date(4, "Vi venter på svar fra PPT.")


def said_no(stage: Stage) -> Plot:
    """The first one asked said no; another one joined."""
    case = Case(stage)
    yield from journey(case, SAID_NO, to="1.5", arrive=-36)
    yield -28
    case.consented("share", "family", "leisure", about="Fritid og støtte hjemme")
    case.confirm()
    case.move("invite_services")
    invitation = case.invite("daniel", "Aktivitet etter skolen")
    yield -22
    case.decline_part("daniel", invitation, "capacity")
    yield -20
    case.join("henrik", "Støtte til mor i hverdagen")
    yield -9
    case.write("meeting", "Skolen tar ettermiddagene, og Familiens hus møter mor.", title="Første samarbeidsmøte")
    case.move("plan")


def left_again(stage: Stage) -> Plot:
    """A second partner has done their part and left; two measures go on, one of them at home."""
    case = Case(stage)
    yield from journey(case, LEFT_AGAIN, to="2.2", arrive=-34)
    yield -30
    case.consented("share", "ppt", about="Språk og hørsel")
    invitation = case.join("espen", "Vurdering av språk")
    case.goal("Biret-Elle bruker begge språkene sine")
    case.measure("Samisk lesestund hver dag", evaluate=14)
    case.measure("Kartlegging av språk", evaluate=-10, responsible="espen")
    case.measure("Leser samisk bok på sengekanten", evaluate=14, responsible="father")
    case.move("carry_out")
    yield -11
    case.evaluate(-2, "Språket er alderssvarende på samisk. Ikke behov for mer fra oss.", effect="good", by="espen")
    case.leave_part("espen", invitation)


STORIES: tuple[Story, ...] = (
    invited,
    said_no,
    left_again,
    told(JUMPED, to="2.1", arrive=-5, jump=True),
    told(JUMPED_WITH_PPT, to="2.2", arrive=-6, jump=True),
    told(PREGNANT, to="2.3", arrive=-9, evaluate=10, jump=True),
    told(RUNNING, to="2.3", arrive=-30, evaluate=3),
    told(EVALUATING, to="2.4", arrive=-6, evaluate=2),
    told(DECIDING, to="2.5", arrive=-2, evaluate=28),
    told(CARE_ORDER, to="2.3", arrive=-14, evaluate=28),
    told(NEWCOMER, to="2.1", arrive=-8),
    told(ADDRESS, to="2.2", arrive=-7, jump=True),
)
