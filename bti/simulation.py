"""A definition tried out in memory: random people do random things with one case after the other.

Nothing is written. Moves go through the engine's own decision; what people do between them (somebody consents, a
measure is evaluated, a baton is taken) are simple changes of the facts. After every step the promises are looked at.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from bti import policy
from bti.actor import Actor, Membership
from bti.consents import doors_of, effects_of_ending
from bti.decision import decide, options
from bti.engine import Scene
from bti.errors import NotReady, Refused
from bti.facts import CaseFacts, Cover, Participant, PendingOffer
from bti.moves import values_after
from bti.needs import partner_units
from bti.workflow.definition import CLOSED, Move
from bti.workflow.model import Model

BEGINNING = datetime(2026, 8, 17, 8, 0, tzinfo=UTC)
HOME = "school"
EXTERNAL = "hospital"
UNITS = {HOME: "school", "ppt": "ppt", "health": "health_centre", EXTERNAL: "specialist_health"}


def _person(name: str, unit: str, role: str, kind: str) -> Actor:
    return Actor("simulated", name, name, (Membership(unit, role, kind),))


PEOPLE = {
    actor.person_id: actor
    for actor in (
        _person("teacher", HOME, "employee", "school"),
        _person("colleague", HOME, "employee", "school"),
        _person("leader", HOME, "unit_leader", "school"),
        _person("adviser", "ppt", "employee", "ppt"),
        _person("nurse", "health", "employee", "health_centre"),
        _person("psychologist", EXTERNAL, "employee", "specialist_health"),
        _person("coordinator", "coordination", "coordinator", "coordinating_unit"),
        _person("stranger", "other_school", "employee", "school"),
        _person("auditor", "town_hall", "auditor", "administration"),
    )
}


@dataclass(frozen=True)
class Moment:
    """The case and the day, as they are between two steps."""

    facts: CaseFacts
    now: datetime

    @property
    def today(self) -> date:
        """The day of the moment."""
        return self.now.date()


@dataclass
class Walk:
    """What happened, line by line, and each promise with what broke it."""

    lines: list[str] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in PROMISES})
    steps_reached: set[str] = field(default_factory=set)

    @property
    def holds(self) -> bool:
        """Whether every promise was kept all the way."""
        return not any(self.broken.values())


def simulate(model: Model, seed: int, steps: int) -> Walk:
    """Return a walk of `steps` random steps through the definition. The same seed gives the same walk."""
    chance = random.Random(seed)  # noqa: S311 - it must be repeatable; nothing secret hangs on it
    walk, moment = Walk(), _wonder(model, BEGINNING)
    for number in range(1, steps + 1):
        before = moment
        told, moment = _step(model, chance, moment)
        walk.steps_reached.add(moment.facts.step)
        walk.lines.append(f"{number:>5}  {moment.today}  {moment.facts.step:<6}  {told}")
        for name, promise in PROMISES.items():
            walk.broken[name] += [f"step {number}: {said}" for said in promise(model, before.facts, moment)]
        if not moment.facts.is_open and chance.random() < 0.5:
            moment = _wonder(model, moment.now)
            walk.lines.append(f"{'':>5}  {moment.today}  {moment.facts.step:<6}  teacher wonders about another child")
    return walk


def _wonder(model: Model, now: datetime) -> Moment:
    step, today = model.initial_step, now.date()
    due = model.due(None, step, (), moved_on=today, level_entered_on=today)
    facts = CaseFacts(
        municipality_id="simulated", id="case", reference="case", definition=model.name,
        definition_version=model.version, step=step, level_order=0, version=1, unit_id=HOME, subject_id=None,
        author_id="teacher", holder_id="teacher", holder_unit_id=HOME, is_interim=False, holder_confirmed=False,
        has_log=model.has_log(step), is_shared=model.is_shared(step), opened_at=now, level_entered_on=today,
        due_on=due.on if due else None,
    )  # fmt: skip
    return Moment(facts, now)


def _step(model: Model, chance: random.Random, moment: Moment) -> tuple[str, Moment]:
    moment = _a_while_later(chance, moment)
    if chance.random() < 0.5:
        return _try_a_move(model, chance, moment)
    who = chance.choice(sorted(PEOPLE))
    # A consent is taken back more seldom than it is given, or no case would come far.
    happening = chance.choice(sorted(HAPPENINGS) + ["somebody consents", "the holder is decided"] * 3)
    if happening == "a consent is taken back" and chance.random() < 0.7:
        happening = "somebody joins"
    after = HAPPENINGS[happening](chance, moment)
    return f"{who}: {happening}" if after else f"{who}: {happening}, which can't be now", after or moment


def _a_while_later(chance: random.Random, moment: Moment) -> Moment:
    now = moment.now + timedelta(days=chance.choice((0, 0, 0, 0, 1, 2, 7)), hours=1)
    facts, today = moment.facts, now.date()
    covers = tuple(cover for cover in facts.covers if cover.valid_to is None or cover.valid_to >= today)
    if len(covers) < len(facts.covers):
        facts = _shut(facts, frozenset(cover.id for cover in facts.covers) - {cover.id for cover in covers})
    if facts.offer and facts.offer.expires_on < today:
        facts = replace(facts, offer=None)
    return Moment(facts, now)


# --- moves ----------------------------------------------------------------------------------------------------


def _try_a_move(model: Model, chance: random.Random, moment: Moment) -> tuple[str, Moment]:
    facts, actor = moment.facts, PEOPLE[chance.choice([moment.facts.holder_id] * 6 + sorted(PEOPLE))]
    standing = policy.relations(actor, facts)
    # Closing is always possible, and would end most cases before they have gone anywhere.
    ways = [move.name for move in model.moves_from(facts.step) if move.to != CLOSED or chance.random() < 0.1]
    anywhere = sorted({move.name for move in model.definition.moves})
    name = chance.choice(ways if ways and chance.random() < 0.9 else anywhere)
    decision = decide(model, facts, standing, name)
    if decision.to is None:
        return f"{actor.name}: {name} refused ({_why(decision.refusal)})", moment
    chosen = model.move(name, facts.step)
    scene = Scene(facts, model, actor, standing, policy.ground(actor, facts), policy.view(actor, facts), moment.now)
    try:
        values = values_after(scene, chosen, decision.to)
    except Refused as refusal:
        return f"{actor.name}: {name} refused ({_why(refusal)})", moment
    known = {key: value for key, value in values.items() if key in CaseFacts.__dataclass_fields__}
    ends = {str(end) for end in chosen.ends} | ({"offer"} if model.changes_level(facts.step, decision.to) else set())
    return f"{actor.name}: {name} → {decision.to}", replace(moment, facts=_end(replace(facts, **known), chosen, ends))


def _why(refusal: Refused | None) -> str:
    if isinstance(refusal, NotReady):
        return "missing " + ", ".join(found.code for found in refusal.missing)
    return refusal.code if refusal else "no reason"


def _end(facts: CaseFacts, chosen: Move, ends: set[str]) -> CaseFacts:
    closing = chosen.to == CLOSED
    if closing or "participations" in ends:
        facts = replace(facts, participants=())
    if closing or "offer" in ends:
        facts = replace(facts, offer=None)
    if closing or "measures" in ends:
        facts = replace(facts, open_measures=0, incomplete_measures=0, unevaluated_measures=0, next_measure_on=None)
    if closing:
        facts = replace(facts, covers=facts.covers_of(facts.unit_id))
    return _let_fall(facts) if facts.is_open and not _covered(facts, facts.holder_unit_id) else facts


# --- what people do between the moves ---------------------------------------------------------------------------


def _somebody_consents(chance: random.Random, moment: Moment) -> Moment | None:
    facts = moment.facts
    if not facts.is_open or facts.subject_id is None:
        return None
    unit = chance.choice(sorted(UNITS))
    purpose = "log" if unit == HOME else "external" if unit == EXTERNAL else "share"
    consent_id = f"consent-{facts.version}"
    cover = Cover(
        f"door-{facts.version}", unit, purpose, frozenset({"everyday"}), consent_id, None,
        moment.today + timedelta(days=chance.choice((30, 180, 365, 365))),
    )  # fmt: skip
    return _changed(moment, covers=(*facts.covers, cover))


def _somebody_takes_a_consent_back(chance: random.Random, moment: Moment) -> Moment | None:
    given = sorted({cover.consent_id for cover in moment.facts.covers if cover.consent_id})
    if not given:
        return None
    doors = doors_of(moment.facts, chance.choice(given))
    return replace(moment, facts=_shut(moment.facts, doors))


def _shut(facts: CaseFacts, doors: frozenset[str]) -> CaseFacts:
    ending = effects_of_ending(facts, doors)
    facts = replace(
        facts,
        version=facts.version + 1,
        covers=tuple(cover for cover in facts.covers if cover.id not in doors),
        participants=tuple(p for p in facts.participants if p.id not in ending.participants),
        offer=None if ending.offer_ends else facts.offer,
    )
    return _let_fall(facts) if ending.baton_falls else facts


def _let_fall(facts: CaseFacts) -> CaseFacts:
    heir = "coordinator" if facts.holder_id == "leader" else "leader"
    unit = HOME if heir == "leader" else "coordination"
    offer = None if facts.offer and facts.offer.to_person_id == heir else facts.offer
    return replace(
        facts, holder_id=heir, holder_unit_id=unit, is_interim=True, holder_confirmed=False, offer=offer,
    )  # fmt: skip


def _somebody_is_invited_and_joins(chance: random.Random, moment: Moment) -> Moment | None:
    facts, actor = moment.facts, PEOPLE[chance.choice(sorted(PEOPLE))]
    unit = min(actor.units(), default="")
    taken = {p.person_id for p in facts.participants} | {facts.holder_id}
    if not facts.is_open or actor.person_id in taken or not unit or not _covered(facts, unit):
        return None
    joined = Participant(f"part-{facts.version}", actor.person_id, unit, "active", unit == EXTERNAL)
    return _changed(moment, participants=(*facts.participants, joined))


def _the_baton_is_offered(chance: random.Random, moment: Moment) -> Moment | None:
    facts, actor = moment.facts, PEOPLE[chance.choice(sorted(PEOPLE))]
    unit = min(actor.units(), default="")
    if not facts.is_open or facts.offer or actor.person_id == facts.holder_id or not unit:
        return None
    if not _covered(facts, unit):
        return None
    until = moment.today + timedelta(days=7)
    return _changed(moment, offer=PendingOffer("offer", facts.holder_id, actor.person_id, unit, False, until))


def _the_baton_is_accepted(chance: random.Random, moment: Moment) -> Moment | None:
    facts, offer = moment.facts, moment.facts.offer
    if offer is None or not _covered(facts, offer.to_unit_id):
        return None
    rest = tuple(p for p in facts.participants if p.person_id != offer.to_person_id)
    return _changed(
        moment, holder_id=offer.to_person_id, holder_unit_id=offer.to_unit_id, is_interim=False,
        holder_confirmed=True, offer=None, participants=rest,
    )  # fmt: skip


def _the_holder_is_decided(chance: random.Random, moment: Moment) -> Moment | None:
    facts = moment.facts
    if not _covered(facts, facts.holder_unit_id):
        return None
    return _changed(moment, holder_confirmed=True, is_interim=False)


def _covered(facts: CaseFacts, unit: str) -> bool:
    return (unit == facts.unit_id and not facts.is_shared) or bool(facts.covers_of(unit))


def _a_measure_is_planned(chance: random.Random, moment: Moment) -> Moment | None:
    facts = moment.facts
    if not facts.has_log:
        return None
    day = moment.today + timedelta(days=chance.choice((14, 28, 56)))
    return _changed(
        moment, open_goals=facts.open_goals + 1, open_measures=facts.open_measures + 1,
        unevaluated_measures=facts.unevaluated_measures + 1,
        next_measure_on=min(day, facts.next_measure_on or day),
        due_on=min(day, facts.due_on or day),
    )  # fmt: skip


def _measures_are_evaluated(chance: random.Random, moment: Moment) -> Moment | None:
    if not moment.facts.open_measures:
        return None
    return _changed(moment, unevaluated_measures=0, next_measure_on=moment.today + timedelta(days=28))


def _the_child_is_heard(chance: random.Random, moment: Moment) -> Moment | None:
    return _changed(moment, child_voices=1) if moment.facts.has_log else None


def _guardians_are_talked_with(chance: random.Random, moment: Moment) -> Moment | None:
    return _changed(moment, guardian_talks=1) if moment.facts.is_open else None


def _the_leader_answers(chance: random.Random, moment: Moment) -> Moment | None:
    return _changed(moment, feedback_given=True) if moment.facts.shared_with_leader_at else None


def _the_child_is_named(chance: random.Random, moment: Moment) -> Moment | None:
    return _changed(moment, subject_id="child") if moment.facts.is_open else None


def _it_is_referred_or_decided(chance: random.Random, moment: Moment) -> Moment | None:
    if not moment.facts.is_open:
        return None
    unit = None if moment.facts.referral_unit_id else "coordination"
    return _changed(moment, referral_id=unit, referral_unit_id=unit)


def _changed(moment: Moment, **values: object) -> Moment:
    return replace(moment, facts=replace(moment.facts, version=moment.facts.version + 1, **values))  # type: ignore[arg-type]


HAPPENINGS: Mapping[str, Callable[[random.Random, Moment], Moment | None]] = {
    "somebody consents": _somebody_consents,
    "a consent is taken back": _somebody_takes_a_consent_back,
    "somebody joins": _somebody_is_invited_and_joins,
    "the baton is offered": _the_baton_is_offered,
    "the baton is accepted": _the_baton_is_accepted,
    "the holder is decided": _the_holder_is_decided,
    "a measure is planned": _a_measure_is_planned,
    "measures are evaluated": _measures_are_evaluated,
    "the child is heard": _the_child_is_heard,
    "guardians are talked with": _guardians_are_talked_with,
    "the leader answers": _the_leader_answers,
    "the child is named": _the_child_is_named,
    "it is referred or decided": _it_is_referred_or_decided,
}


# --- the promises ---------------------------------------------------------------------------------------------


def _one_holder_and_a_next_date(model: Model, before: CaseFacts, moment: Moment) -> Iterator[str]:
    facts = moment.facts
    if facts.is_open and not (facts.holder_id and facts.holder_unit_id):
        yield f"nobody holds the case at {facts.step}"
    if facts.is_open and facts.due_on is None:
        yield f"the case has no next date at {facts.step}"
    # A measure that is overdue stays the next date, wherever the case goes.
    passed = facts.due_on is not None and facts.due_on < moment.today and facts.due_on != facts.next_measure_on
    if facts.step != before.step and passed:
        yield f"the move to {facts.step} set a date that has passed"


def _a_log_only_with_child_holder_and_consent(model: Model, before: CaseFacts, moment: Moment) -> Iterator[str]:
    facts = moment.facts
    if not facts.has_log or facts.step == before.step or not model.changes_level(before.step, facts.step):
        return
    if facts.subject_id is None:
        yield f"{facts.step} has a log about nobody"
    if before.is_interim or not before.holder_confirmed:
        yield f"{facts.step} was entered though nobody had decided who holds the baton"
    if not any(c.consent_id and c.purpose in ("log", "takeover") for c in facts.covers_of(facts.unit_id)):
        yield f"{facts.step} has a log that nobody consented to"


def _shared_only_with_services_that_are_covered(model: Model, before: CaseFacts, moment: Moment) -> Iterator[str]:
    facts = moment.facts
    if facts.is_shared and not before.is_shared:
        for unit in sorted(partner_units(facts) | {facts.unit_id}):
            if not facts.covers_of(unit):
                yield f"{facts.step} is shared with {unit}, which nothing covers"
    if facts.offer and not _covered(facts, facts.offer.to_unit_id):
        yield f"the baton is offered to {facts.offer.to_unit_id}, which nothing covers"


def _nobody_reads_without_a_ground(model: Model, before: CaseFacts, moment: Moment) -> Iterator[str]:
    facts = moment.facts
    for actor in PEOPLE.values():
        found = policy.ground(actor, facts)
        if found and (actor.person_id in ("stranger", "auditor") or not _covered(facts, found.unit_id)):
            yield f"{actor.name} reads the case at {facts.step} without a ground"


def _always_a_way_on_and_a_way_out(model: Model, before: CaseFacts, moment: Moment) -> Iterator[str]:
    facts = moment.facts
    ways = [way for way in options(model, facts, {"holder"}) if way.allowed]
    if not ways:
        yield f"the holder has no move from {facts.step}"
    if facts.is_open and not any(way.to == CLOSED and not way.missing for way in ways):
        yield f"the holder can't close the case at {facts.step}"


def _options_and_decision_agree(model: Model, before: CaseFacts, moment: Moment) -> Iterator[str]:
    for actor in PEOPLE.values():
        standing = policy.relations(actor, moment.facts)
        for way in options(model, moment.facts, standing):
            offered = way.allowed and not way.missing
            if offered != (decide(model, moment.facts, standing, way.move.name).to is not None):
                yield f"{way.move.name} is offered to {actor.name} otherwise than it is decided"


PROMISES: Mapping[str, Callable[[Model, CaseFacts, Moment], Iterator[str]]] = {
    "one holder and a next date": _one_holder_and_a_next_date,
    "a log only with child, holder and consent": _a_log_only_with_child_holder_and_consent,
    "shared only with services that are covered": _shared_only_with_services_that_are_covered,
    "nobody reads without a ground": _nobody_reads_without_a_ground,
    "always a way on and a way out": _always_a_way_on_and_a_way_out,
    "what is offered is what is decided": _options_and_decision_agree,
}
