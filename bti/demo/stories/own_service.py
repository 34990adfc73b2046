"""Level 1: one service tries what it can, goes round again, or comes down from level 2."""

from __future__ import annotations

from bti.demo.cases import Case
from bti.demo.journeys import Tale, journey, told
from bti.demo.play import Plot, Stage, Story

NEW = Tale(
    "hanna",
    "issat",
    "language",
    "Svarer sjelden på norsk, men forteller lange historier på samisk til assistenten.",
    talk="Foresatte vil gjerne at han får mer samisk i skoledagen.",
)
PLANNING = Tale(
    "julie",
    "ailo",
    "friends",
    "Leker mest alene etter at bestevennen flyttet. Kan alle sangene, og smiler når vi synger.",
    talk="Foresatte har sett det samme, og vil gjerne invitere noen hjem.",
)
LATE = Tale(
    "nils",
    "mina",
    "learning absence",
    "Har falt bakpå i engelsk etter sykdom i vår. Jobber hardt og spør om hjelp.",
    goal="Mina er på høyde med klassen til jul",
    measure="En ekstra time i uka med assistent",
)
BABY = Tale(
    "amir",
    "baby",
    "health home",
    "Mor er svært sliten og ammingen er strevsom. Alma følger kurven og er en blid baby.",
    talk="Begge foreldrene er med. Far tar mer av nettene, og de vil gjerne ha hjemmebesøk.",
    goal="Foreldrene får hvilt, og kjenner seg trygge",
    measure="Hjemmebesøk annenhver uke",
    voice="Alma søker blikket til begge og lar seg trøste. Observert av helsesykepleier.",
)
KINDERGARTEN = Tale(
    "julie",
    "iver",
    "behaviour",
    "Biter og dytter når det blir trangt. Er rolig og omsorgsfull ute i skogen.",
    goal="Iver sier fra med ord",
    measure="Små grupper i overgangene, og en voksen tett på",
)
TO_EVALUATE = Tale(
    "elle",
    "kasper",
    "learning",
    "Leverer ingenting i tre fag, men er den første til å hjelpe andre med data.",
    talk="Kasper og foresatte er enige om at det har låst seg. Han vil ha korte frister.",
    goal="Kasper leverer i alle fag",
    measure="Ukeplan med to korte frister",
    voice="«Korte frister er mye bedre.»",
)
DECIDING = Tale(
    "mikkel",
    "lukas",
    "friends behaviour",
    "Er mye i konflikt på fotballbanen. Rettferdig, og god til å si unnskyld.",
    talk="Mor er enig. Far har ikke foreldreansvar, men vil gjerne hjelpe til på trening.",
    goal="Lukas klarer friminuttene uten å bli sint",
    measure="Trivselsleder sammen med en fra 7. trinn",
    result="Bare to konflikter på fire uker. Nå trenger han flere arenaer.",
    voice="«Jeg liker å bestemme leken.»",
)
LOOP = Tale(
    "marit",
    "ella",
    "wellbeing",
    "Gråter når hun blir levert, hver dag i tre uker. Leker godt etter en halvtime.",
    goal="Ella går glad inn på skolen",
    measure="Blir møtt i porten av samme voksen",
    result="Virket i to uker, så ble det vanskelig igjen.",
    voice="«Jeg vil at mamma skal gå fort.»",
)
KEEPS_ON = Tale(
    "jonas",
    "jakub",
    "language learning",
    "Skjønner ikke oppgavetekstene, men regner best i klassen. Spør aldri.",
    goal="Jakub spør når han lurer",
    measure="Ordbok på polsk og fast plass ved vinduet",
    result="Spør læreren flere ganger hver dag. Vi fortsetter.",
    voice="«Nå tør jeg å spørre.»",
)
DOWN = Tale(
    "per",
    "artem",
    "wellbeing language",
    "Sov dårlig og var redd for høye lyder. Tegner hele tiden, og er veldig flink.",
    goal="Artem kjenner seg trygg på skolen",
    measure="Fast voksen og stille rom ved behov",
    joint="Samtaler hos helsesykepleier hver uke",
    result="Han trenger ikke samtalene lenger, men vil beholde det stille rommet.",
    partner="amir",
    purpose="Samtaler om søvn og trygghet",
    voice="«Jeg vil heller være med i klassen.»",
)


def loop(stage: Stage) -> Plot:
    """1.5 → 1.2: the measure had no lasting effect, so they try something else."""
    case = Case(stage)
    yield from journey(case, LOOP, to="1.5", arrive=-9, evaluate=30)
    yield -6
    case.evaluate(-1, "Avsluttes. Vi prøver noe annet sammen med foresatte.", effect="none", done="partly")
    case.move("new_measures")


def keeps_on(stage: Stage) -> Plot:
    """1.5 → 1.3: it works, and isn't there yet."""
    case = Case(stage)
    yield from journey(case, KEEPS_ON, to="1.5", arrive=-24, evaluate=25)
    yield -20
    case.move("keep_going")
    case.measure("Foreldrene går gjennom ukas ord hjemme", evaluate=25, responsible="mother")


def down(stage: Stage) -> Plot:
    """2.5 → 1.2: the second service isn't needed any more."""
    case = Case(stage)
    yield from journey(case, DOWN, to="2.5", arrive=-9, evaluate=30)
    yield -6
    case.evaluate(-1, "Avsluttes etter ønske fra Artem og mor.", effect="good")
    case.confirm()
    case.move("back_to_own_service", reason="Helsesykepleier trengs ikke lenger.")


STORIES: tuple[Story, ...] = (
    told(NEW, to="1.1", arrive=-4),
    told(PLANNING, to="1.2", arrive=-5),
    told(LATE, to="1.3", arrive=-40, evaluate=-2),
    told(BABY, to="1.3", arrive=-10, evaluate=4),
    told(KINDERGARTEN, to="1.3", arrive=-25, evaluate=6),
    told(TO_EVALUATE, to="1.4", arrive=-4, evaluate=9),
    told(DECIDING, to="1.5", arrive=-3, evaluate=21),
    loop,
    keeps_on,
    down,
)
