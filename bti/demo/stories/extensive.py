"""Level 3: several services, one of them outside the municipality."""

from __future__ import annotations

from bti.demo.cases import Case
from bti.demo.journeys import Tale, journey, told
from bti.demo.play import Plot, Stage, Story

STARTING = Tale(
    "jonas",
    "amalie",
    "health wellbeing",
    "Spiser ikke lunsj og trekker seg fra alt som er gøy. Trener mye. Faglig sterk.",
    talk="Mor og far er redde, og ber om hjelp. Amalie sier ja til å snakke med helsesykepleier.",
    goal="Amalie har krefter til det hun liker",
    measure="Lunsj sammen med en venn og en voksen",
    joint="Ukentlig samtale hos helsesykepleier",
    partner="oda",
    purpose="Samtaler og vekt",
    voice="«Jeg vil ikke at alle skal se på meg.»",
)
PLANNING = Tale(
    "vidar",
    "runa",
    "behaviour health",
    "Raser når noe blir urettferdig, og angrer etterpå. Kloke ord når hun er rolig.",
    goal="Runa finner roen før det koker",
    measure="Pausekort og avtalt sted",
    joint="Felles plan med Familiens hus",
    partner="henrik",
    purpose="Foreldreveiledning",
    voice="«Pausekortet virker når ingen spør.»",
)
TO_EVALUATE = Tale(
    "vidar",
    "olena",
    "wellbeing home",
    "Mistet søvn og matlyst etter flukten. Lærer norsk svært fort, og hjelper mor.",
    goal="Olena sover og leker",
    measure="Fast voksen og skjermet plass",
    joint="Traumebevisst plan på skolen",
    partner="amir",
    purpose="Søvn og helse",
    voice="«Jeg drømmer ikke så ofte nå.»",
)
DECIDING = Tale(
    "elle",
    "ravna",
    "health absence",
    "Svimer av og er mye borte etter lang tids sykdom. Følger med på alt hun kan hjemmefra.",
    goal="Rávdná har en skoledag hun orker",
    measure="Digital time hjemme to dager i uka",
    joint="Skolen og helsestasjonen følger energinivået sammen",
    partner="amir",
    purpose="Helse og oppfølging",
    result="Hun klarer tre dager på skolen. Vi vurderer om BUP kan avslutte.",
    voice="«Nå bestemmer jeg litt selv.»",
)
PLAN = Tale(
    "per",
    "marek",
    "learning behaviour",
    "Forstår mye mer enn han klarer å vise. Elsker å lage mat.",
    goal="Marek har en plan han skjønner",
    measure="Kjøkkentime med matematikk",
    joint="Sakkyndig vurdering hos PPT",
    partner="siri",
    purpose="Sakkyndig vurdering",
    voice="«Jeg lærer når jeg gjør ting.»",
)
DOWN = Tale(
    "ingrid",
    "live",
    "wellbeing absence",
    "Borte i to måneder og redd for å komme tilbake. Skriver sanger.",
    goal="Live er på skolen hele uka",
    measure="Møtes av en venn ved døra",
    joint="Trappes opp med en time i uka",
    result="BUP er ferdige, og Live er på skolen fire dager. Vi fortsetter med helsesykepleier.",
    partner="oda",
    purpose="Samtaler om angst",
    voice="«Jeg sang på fellesmøtet!»",
)
BY_LAW = Tale(
    "per",
    "nora",
    "home",
    "Redd for å gå hjem to dager på rad. Trygg på læreren, og forteller mer og mer.",
    goal="Barnet er trygt",
    measure="Fast voksen hele dagen",
    joint="Samtaler hos Familiens hus",
    partner="henrik",
    purpose="Støtte hjemme",
    voice="«Det er godt å ha noen å snakke med.»",
)


def down(stage: Stage) -> Plot:
    """3.5 → 2.2: the external service is done."""
    case = Case(stage)
    yield from journey(case, DOWN, to="3.5", arrive=-7, evaluate=30)
    yield -5
    case.confirm()
    case.move("back_to_two_services", reason="BUP er ferdige med behandlingen.")


def by_law(stage: Stage) -> Plot:
    """Child welfare sees what it must on a legal basis, without a consent."""
    case = Case(stage)
    yield from journey(case, BY_LAW, to="3.3", arrive=-22, evaluate=23)
    yield -15
    case.open_by_law(
        "welfare", "duty_to_report", "Opplysninger barnet selv har gitt. Meldt samme dag av stafettholder.", until=90
    )
    yield -12
    case.refer("disagreement", "Barneverntjenesten og BUP er uenige om hvem som skal følge opp først.", by="rune")
    yield -9
    case.decide("go_on", "Begge følger opp samtidig. Skolen beholder stafettpinnen, og vi møtes om fire uker.")


STORIES: tuple[Story, ...] = (
    down,
    by_law,
    told(STARTING, to="3.1", arrive=-9),
    told(PLANNING, to="3.2", arrive=-6),
    told(TO_EVALUATE, to="3.4", arrive=-5, evaluate=5),
    told(DECIDING, to="3.5", arrive=-4, evaluate=40),
    told(PLAN, to="3.3", arrive=-33, evaluate=17),
)
