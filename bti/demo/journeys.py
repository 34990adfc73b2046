"""The usual way through the levels, for stories that are about something else than the way itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bti.demo.cases import Case
from bti.demo.play import Plot, Stage, Story
from bti.demo.town import STAFF

# The steps in their usual order, with how many days after the step before a case comes to each.
PACE = {
    "0.1": 0, "0.2": 0, "0.3": 2, "0.4": 5,
    "1.1": 4, "1.2": 8, "1.3": 5, "1.4": 36, "1.5": 4,
    "2.1": 6, "2.2": 10, "2.3": 6, "2.4": 38, "2.5": 4,
    "3.1": 8, "3.2": 14, "3.3": 7, "3.4": 50, "3.5": 5,
}  # fmt: skip
# In how many days a measure is to be evaluated in a case that only passes through; it always gets there before.
PASSING = 60
FEEDBACKS = (
    "Takk for at du sa fra. Ta en prat med foresatte denne uka, så snakkes vi.",
    "Godt sett. Du kan ringe hjem. Jeg blir gjerne med i samtalen.",
    "Takk. Jeg er enig i at vi bør snakke med foresatte. Si fra hvis du trenger noen med deg.",
    "Fint at du skrev dette ned. Snakk med barnet først, så med foresatte.",
)
MINUTES = (
    "Til stede: foresatte, stafettholder og leder. Vi snakket om det som går bra, og ble enige om hva vi prøver først.",
    "Alle var enige om hva som er vanskelig. Foresatte fortalte hva som virker hjemme. Neste møte er avtalt.",
    "Kort og godt møte. Foresatte er glade for at vi tok kontakt. Vi begynner med ett tiltak og ser det an.",
)


@dataclass(frozen=True)
class Tale:
    """What a case is about: who wonders about whom, and what is seen, said, wanted and done."""

    by: str
    about: str
    themes: str
    seen: str
    talk: str = "Snakket med foresatte. De kjenner seg igjen, og vil gjerne ha hjelp."
    goal: str = ""
    measure: str = ""
    result: str = "Tiltaket har virket noe. Vi tar med oss det som fungerte."
    voice: str = "«Det er litt bedre nå.»"
    partner: str = ""
    purpose: str = ""
    joint: str = ""
    external: str = ""


def steps_to(last: str, *, jump: bool = False) -> list[str]:
    """Return the steps on the usual way to `last`; `jump` goes from 0.4 straight to level 2."""
    way = [step for step in PACE if not (jump and step.startswith("1."))]
    return way[: way.index(last) + 1]


def journey(
    case: Case,
    tale: Tale,
    *,
    to: str,
    arrive: int,
    due: int | None = None,
    evaluate: int = 20,
    jump: bool = False,
    from_step: str = "",
) -> Plot:
    """Take a case the usual way to the step `to`, where it arrives on the day `arrive`.

    `due` sets the next date there; `evaluate` is when measures that still run are to be evaluated. `from_step` is
    where the case already stands.
    """
    way = steps_to(to, jump=jump)
    if from_step:
        way = way[way.index(from_step) + 1 :]
    left = sum(PACE[step] for step in way)
    for step in way:
        left -= PACE[step]
        yield arrive - left
        last = step == to
        # What is planned at .3 and still runs at .4 is to be evaluated there.
        runs_on = last or (step[0] == to[0] and step.endswith(".3") and to.endswith(".4"))
        _ARRIVALS[step](_Leg(case, tale, step, due if last else None, evaluate if runs_on else None))


def told(tale: Tale, *, to: str, arrive: int, due: int | None = None, evaluate: int = 20, jump: bool = False) -> Story:
    """Return a story that is nothing but the usual way to a step."""

    def story(stage: Stage) -> Plot:
        yield from journey(Case(stage), tale, to=to, arrive=arrive, due=due, evaluate=evaluate, jump=jump)

    return story


@dataclass(frozen=True)
class _Leg:
    """One arrival. `evaluate` is None where the case only passes through."""

    case: Case
    tale: Tale
    step: str
    due: int | None
    evaluate: int | None

    @property
    def number(self) -> int:
        """A number of the tale's own, to choose among phrases that many share."""
        return len(self.tale.seen)

    def move(self, name: str) -> None:
        self.case.move(name, due=self.due, reason=_REASONS.get((name, self.step), ""))


_REASONS = {("invite_services", "2.1"): "Vi trenger flere øyne på dette."}


def _wonder(leg: _Leg) -> None:
    leg.case.wonder(leg.tale.by, leg.tale.about, leg.tale.themes, leg.tale.seen)
    if leg.due is not None:
        leg.case.next_date(leg.due, "Jeg vil se det an litt til.")


def _share(leg: _Leg) -> None:
    leg.move("share_with_leader")


def _answer(leg: _Leg) -> None:
    leg.case.look(leg.case.leader)
    leg.case.feedback(FEEDBACKS[leg.number % len(FEEDBACKS)])
    leg.move("clarify_who_talks")


def _talk(leg: _Leg) -> None:
    leg.case.note(leg.tale.talk, "guardian_talk")
    leg.move("decide_on_wonder")


def _own_service(leg: _Leg) -> None:
    leg.case.confirm()
    leg.case.consented("log", about="Hva vi ser, hva vi prøver, og hvordan det går.")
    leg.move("start_own_service")


def _meet(leg: _Leg) -> None:
    leg.case.confirm()
    leg.case.write("meeting", MINUTES[leg.number % len(MINUTES)], title="Oppstartsmøte")
    leg.move("plan")


def _carry_out(leg: _Leg) -> None:
    case, tale = leg.case, leg.tale
    later = leg.step[0] != "1"
    case.goal(tale.goal or "Det går bedre å være sammen med de andre.")
    # Those who only pass through evaluate in time, when they get there.
    passing = (case.today - case.stage.today).days + PASSING
    day = passing if leg.evaluate is None else leg.evaluate
    case.measure((later and tale.joint) or tale.measure or "En fast voksen følger med og tar en prat hver uke.", day)
    leg.move("carry_out")


def _to_evaluation(leg: _Leg) -> None:
    leg.case.voice(leg.tale.voice)
    leg.move("evaluate")


def _decide(leg: _Leg) -> None:
    leg.case.evaluate(-1, leg.tale.result, again=leg.evaluate)
    leg.move("decide")


def _two_services(leg: _Leg) -> None:
    case, tale = leg.case, leg.tale
    if case.row.step == "0.4":
        case.consented("log", about="Hva vi ser, hva vi prøver, og hvordan det går.")
    bring_in(case, tale.partner, tale.purpose)
    case.confirm()
    leg.move("start_with_other_service" if case.row.step == "0.4" else "invite_services")


def bring_in(case: Case, partner: str, purpose: str, *, until: int | None = None) -> str:
    """Ask for the family's yes to a person's service and let them join; return the consent."""
    unit = STAFF[partner].unit
    consent_id = case.consented("share", unit, about=purpose, until=until)
    case.join(partner, purpose)
    case.look(partner)
    return consent_id


def _many_services(leg: _Leg) -> None:
    case, tale = leg.case, leg.tale
    external = tale.external or "eva"
    case.consented(
        "external", STAFF[external].unit, about="Utredning hos BUP, sammen med det vi har prøvd.",
        kinds="everyday measures health",
    )  # fmt: skip
    case.join(external, "Utredning")
    case.look(external)
    case.confirm()
    leg.move("invite_externals")


_ARRIVALS: dict[str, Callable[[_Leg], None]] = {
    "0.1": _wonder, "0.2": _share, "0.3": _answer, "0.4": _talk,
    "1.1": _own_service, "1.2": _meet, "1.3": _carry_out, "1.4": _to_evaluation, "1.5": _decide,
    "2.1": _two_services, "2.2": _meet, "2.3": _carry_out, "2.4": _to_evaluation, "2.5": _decide,
    "3.1": _many_services, "3.2": _meet, "3.3": _carry_out, "3.4": _to_evaluation, "3.5": _decide,
}  # fmt: skip
