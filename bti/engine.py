"""The one place where a case changes: load the scene, decide, write state and trail in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bti import audit, policy
from bti.actor import Actor
from bti.clock import local_day
from bti.decision import Option, decide, options
from bti.errors import Forbidden, Invalid, NotFound, NotPossible, Stale
from bti.facts import CaseFacts
from bti.models import batons, cases, disclosures, handovers, measures, new_id, participations
from bti.queries.facts import case_facts, lock_case
from bti.workflow.definition import CLOSED, Move
from bti.workflow.library import load_definition
from bti.workflow.model import Model


@dataclass(frozen=True)
class Scene:
    """A case as one person meets it at one moment: the facts, its definition, their relations and ground."""

    facts: CaseFacts
    model: Model
    actor: Actor
    standing: frozenset[str]
    ground: policy.Ground | None
    view: policy.View | None
    now: datetime

    @property
    def today(self) -> date:
        """The local day of the moment."""
        return local_day(self.now)

    @property
    def role(self) -> str:
        """The relation written in the trail."""
        if self.ground:
            return self.ground.role
        return next(iter(sorted(self.standing)), self.actor.main_role)

    @property
    def unit_id(self) -> str | None:
        """The unit through which the person stands to the case."""
        if self.ground:
            return self.ground.unit_id
        if "holder" in self.standing:
            return self.facts.holder_unit_id
        if "offered" in self.standing and self.facts.offer:
            return self.facts.offer.to_unit_id
        return self.actor.main_unit

    def options(self) -> tuple[Option, ...]:
        """Every move from here, with who may and what is missing."""
        return options(self.model, self.facts, self.standing)


def load_scene(session: sa.Connection, *, actor: Actor, case_id: str, now: datetime, lock: bool = False) -> Scene:
    """Return the case as `actor` meets it. Raises NotFound when it isn't there or they have nothing to do with it.

    `lock` makes other commands on the case wait; take it before anything that changes who may see or hold it.
    """
    if lock:
        lock_case(session, municipality_id=actor.municipality_id, case_id=case_id)
    facts = case_facts(session, municipality_id=actor.municipality_id, case_id=case_id, today=local_day(now))
    return scene_of(actor=actor, facts=facts, now=now)


def scene_of(*, actor: Actor, facts: CaseFacts, now: datetime) -> Scene:
    """Return the scene of `actor` in the case. Raises NotFound when they have nothing to do with it, or no more:
    a part or an invitation whose door has closed is none. The coordinating unit decides without seeing the case."""
    standing, view = policy.relations(actor, facts), policy.view(actor, facts)
    if view is None and "coordinating_unit" not in standing:
        raise NotFound()
    model = load_definition(facts.definition, facts.definition_version)
    return Scene(facts, model, actor, standing, policy.ground(actor, facts), view, now)


def require_ground(scene: Scene) -> policy.Ground:
    """Return the ground to read and write content. Raises Forbidden when the person only stands at the door."""
    if scene.ground is None:
        raise Forbidden("no_ground")
    return scene.ground


def require_relation(scene: Scene, *wanted: str) -> None:
    """Raise Forbidden unless the person has one of the `wanted` relations to the case."""
    if not scene.standing & set(wanted):
        raise Forbidden("not_your_task", wanted=" ".join(wanted))


def require_open(scene: Scene) -> None:
    """Raise NotPossible when the case is closed."""
    if not scene.facts.is_open:
        raise NotPossible("case_closed")


def require_seen(scene: Scene, seen_version: int) -> None:
    """Raise Stale when the page was shown before somebody else changed the case."""
    if scene.facts.version != seen_version:
        raise Stale()


# --- moving ---------------------------------------------------------------------------------------------------


def move(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    name: str,
    seen_version: int,
    now: datetime,
    reason_given: bool = False,
    closing_reason: str | None = None,
    next_date: date | None = None,
) -> Scene:
    """Take the move `name` from where the case stands and return the scene after it.

    `seen_version` is the version on the page the person acted on; `next_date` replaces the definition's deadline
    and may not be later than it. Raises NotFound, Stale, NotPossible, Forbidden, NotReady (with all that is
    missing) or Invalid. Rules: domain.md, The usual steps; the engine's own needs in `bti.needs`.
    """
    # Locked: a measure or a goal that changes meanwhile would leave needs and next date judged on the old ones.
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_seen(scene, seen_version)
    decision = decide(scene.model, scene.facts, scene.standing, name)
    if decision.refusal or decision.to is None:
        raise decision.refusal or NotPossible("move_not_possible")
    chosen = scene.model.move(name, scene.facts.step)
    _check_answers(scene, chosen, reason_given=reason_given, closing_reason=closing_reason)
    values = values_after(scene, chosen, decision.to, closing_reason=closing_reason, next_date=next_date)
    fields = {
        "move": name,
        "from": scene.facts.step,
        "to": decision.to,
        "unit": scene.facts.unit_id,
        "due_on": values["due_on"],
        "closing_reason": closing_reason,
        "reason_given": reason_given,
    }
    after = change(session, scene, event="case.move", values=values, fields=fields)
    # An offer was made for the level it was made on: a change of level overtakes it, whatever the file says.
    ends: set[str] = {str(end) for end in chosen.ends}
    if scene.model.changes_level(scene.facts.step, decision.to):
        ends.add("offer")
    return _end_what_the_move_ends(session, after, chosen, ends)


def _check_answers(scene: Scene, chosen: Move, *, reason_given: bool, closing_reason: str | None) -> None:
    wrong = {}
    if chosen.reason == "required" and not reason_given:
        wrong["reason"] = "reason_missing"
    if chosen.to == CLOSED:
        known = {choice.key for choice in scene.model.definition.closing_reasons}
        if closing_reason not in known:
            wrong["closing_reason"] = "closing_reason_missing"
    elif closing_reason is not None:
        wrong["closing_reason"] = "closing_reason_not_asked"
    if wrong:
        raise Invalid(**wrong)


def values_after(
    scene: Scene, chosen: Move, to: str, *, closing_reason: str | None = None, next_date: date | None = None
) -> dict[str, Any]:
    """Return what stands in the case's row after a move that has been decided; nothing is written.

    Raises NotPossible (`no_deadline`), Invalid (next_date).
    """
    facts, model, now = scene.facts, scene.model, scene.now
    if to == CLOSED:
        return {
            "step": CLOSED, "level_order": facts.level_order, "has_log": False, "is_shared": False,
            "step_due_on": None, "due_on": None, "due_reason": "", "step_entered_at": now,
            "level_entered_on": facts.level_entered_on, "closed_at": now, "closing_reason": closing_reason,
            "holder_confirmed": False, "shared_with_leader_at": facts.shared_with_leader_at,
        }  # fmt: skip
    order = model.level_index(to)
    new_level = order != facts.level_order or not facts.is_open
    entered = scene.today if new_level else facts.level_entered_on
    step_due = _step_due(scene, chosen, to, entered, next_date)
    keep_measures = "measures" not in chosen.ends
    due, reason = earliest(step_due, facts.next_measure_on if keep_measures else None)
    shares = "share_with_leader" in chosen.does and facts.shared_with_leader_at is None
    return {
        "step": to, "level_order": order, "has_log": model.has_log(to), "is_shared": model.is_shared(to),
        "step_due_on": step_due, "due_on": due, "due_reason": reason, "step_entered_at": now,
        "level_entered_on": entered, "closed_at": None, "closing_reason": None,
        # Who holds the baton is decided again at every change of level.
        "holder_confirmed": facts.holder_confirmed and not new_level,
        "shared_with_leader_at": now if shares else facts.shared_with_leader_at,
    }  # fmt: skip


def _step_due(scene: Scene, chosen: Move, to: str, level_entered_on: date, next_date: date | None) -> date:
    due = scene.model.due(chosen, to, scene.facts.themes, moved_on=scene.today, level_entered_on=level_entered_on)
    if due is None:
        raise NotPossible("no_deadline", step=to)
    if next_date is None:
        return due.on
    if not scene.today <= next_date <= due.on:
        raise Invalid(next_date="next_date_out_of_range")
    return next_date


def earliest(step_due: date | None, measure_due: date | None) -> tuple[date | None, str]:
    """Return the case's next date and what it is: the step's deadline or a measure to evaluate."""
    if measure_due is not None and (step_due is None or measure_due < step_due):
        return measure_due, "measure"
    return step_due, "step"


def _end_what_the_move_ends(session: sa.Connection, scene: Scene, chosen: Move, ends: set[str]) -> Scene:
    closing = chosen.to == CLOSED
    if closing:
        ends |= {"participations", "measures"}
    if scene.facts.offer and "offer" in ends:
        scene = end_offer(session, scene, event="handover.overtake", fields={"cause": chosen.name})
    if "participations" in ends:
        for participant in scene.facts.participants:
            scene = end_participation(session, scene, participant_id=participant.id, cause=chosen.name)
    if "measures" in ends:
        _end_measures(session, scene)
    if closing:
        for cover in scene.facts.covers:
            if cover.unit_id != scene.facts.unit_id:
                scene = end_door(session, scene, cover_id=cover.id, cause="case_closed")
    return scene


def _end_measures(session: sa.Connection, scene: Scene) -> None:
    session.execute(
        sa.update(measures)
        .where(
            measures.c.municipality_id == scene.facts.municipality_id,
            measures.c.case_id == scene.facts.id,
            measures.c.ended_at.is_(None),
        )
        .values(ended_at=scene.now, state="ended")
    )


# --- the door through which every change of a case goes ---------------------------------------------------------

# Made once: building it anew costs more than the database takes to run it. What is set are the names it is given.
_CHANGE = sa.update(cases).where(
    cases.c.municipality_id == sa.bindparam("in_municipality"),
    cases.c.id == sa.bindparam("of_case"),
    cases.c.version == sa.bindparam("seen_version"),
)


def change(
    session: sa.Connection,
    scene: Scene,
    *,
    event: str,
    fields: Mapping[str, Any],
    values: Mapping[str, Any] | None = None,
    object_id: str | None = None,
) -> Scene:
    """Write `values` to the case with a new version, and the trail's entry `event`; return the scene after it.

    Raises Stale when somebody else has changed the case since the scene was loaded: nothing is written then.
    """
    facts, version = scene.facts, scene.facts.version + 1
    values = dict(values or {})
    seen = {"in_municipality": facts.municipality_id, "of_case": facts.id, "seen_version": facts.version}
    written = session.execute(_CHANGE, {**values, "version": version, **seen})
    if written.rowcount != 1:
        raise Stale()
    write_trail(session, scene, event=event, fields={**fields, "version": version}, object_id=object_id)
    known = {name: value for name, value in values.items() if name in CaseFacts.__dataclass_fields__}
    return replace(scene, facts=replace(facts, version=version, **known))


def write_trail(
    session: sa.Connection,
    scene: Scene,
    *,
    event: str,
    fields: Mapping[str, Any],
    object_id: str | None = None,
    purpose: str = "",
) -> None:
    """Write the trail's entry of something done or read in the case, with role, unit and basis of the scene."""
    audit.record(
        session,
        actor=scene.actor,
        municipality_id=scene.facts.municipality_id,
        event=event,
        now=scene.now,
        case_id=scene.facts.id,
        object_id=object_id,
        role=scene.role,
        unit_id=scene.unit_id,
        purpose=purpose,
        basis=scene.ground.basis if scene.ground else "",
        fields=fields,
    )


def refresh_due(session: sa.Connection, scene: Scene) -> None:
    """Set the case's next date anew after its measures have changed."""
    first = (
        sa.select(sa.func.min(measures.c.evaluate_on))
        .where(
            measures.c.municipality_id == scene.facts.municipality_id,
            measures.c.case_id == scene.facts.id,
            measures.c.ended_at.is_(None),
        )
        .scalar_subquery()
    )
    where = (cases.c.municipality_id == scene.facts.municipality_id, cases.c.id == scene.facts.id)
    row = session.execute(sa.select(cases.c.step_due_on, first.label("measure_on")).where(*where)).one()
    due, reason = earliest(row.step_due_on, row.measure_on)
    session.execute(sa.update(cases).where(*where, cases.c.closed_at.is_(None)).values(due_on=due, due_reason=reason))


# --- what use cases share: baton, offers, doors, participants -----------------------------------------------------


def give_baton(
    session: sa.Connection,
    scene: Scene,
    *,
    person_id: str,
    unit_id: str,
    how: str,
    event: str,
    fields: Mapping[str, Any],
    confirmed: bool,
    object_id: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> Scene:
    """End the live baton row, add the new one and write it on the case; the trail says `event`."""
    facts = scene.facts
    live = (
        batons.c.municipality_id == facts.municipality_id,
        batons.c.case_id == facts.id,
        batons.c.ended_at.is_(None),
    )
    session.execute(sa.update(batons).where(*live).values(ended_at=scene.now))
    add_baton(session, scene, person_id=person_id, unit_id=unit_id, how=how)
    written = {
        "holder_id": person_id,
        "holder_unit_id": unit_id,
        "is_interim": how == "interim",
        "holder_confirmed": confirmed,
        **(values or {}),
    }
    told = {**fields, "holder": person_id, "holder_unit": unit_id}
    return change(session, scene, event=event, values=written, fields=told, object_id=object_id)


def add_baton(session: sa.Connection, scene: Scene, *, person_id: str, unit_id: str, how: str) -> None:
    """Add the row that says who holds the baton from now on."""
    session.execute(
        sa.insert(batons),
        {
            "municipality_id": scene.facts.municipality_id,
            "id": new_id(),
            "case_id": scene.facts.id,
            "person_id": person_id,
            "unit_id": unit_id,
            "how": how,
            "started_at": scene.now,
            "ended_at": None,
        },
    )


_OFFER_STATES = {
    "handover.decline": "declined",
    "handover.withdraw": "withdrawn",
    "handover.expire": "expired",
    "handover.overtake": "overtaken",
}


def end_offer(
    session: sa.Connection,
    scene: Scene,
    *,
    event: str,
    fields: Mapping[str, Any],
    answer: Mapping[str, Any] | None = None,
) -> Scene:
    """End the open offer of the baton; the holder stays. Raises NotPossible when there is none."""
    offer = scene.facts.offer
    if offer is None:
        raise NotPossible("no_open_offer")
    session.execute(
        sa.update(handovers)
        .where(
            handovers.c.municipality_id == scene.facts.municipality_id,
            handovers.c.id == offer.id,
            handovers.c.state == "offered",
        )
        .values(state=_OFFER_STATES[event], answered_at=scene.now, **(answer or {}))
    )
    after = change(session, scene, event=event, fields=fields, object_id=offer.id)
    return replace(after, facts=replace(after.facts, offer=None))


def add_participant(session: sa.Connection, scene: Scene, *, person_id: str, unit_id: str) -> Scene:
    """Let somebody who has worked in the case go on in it as a participant, without being asked again."""
    participant_id = new_id()
    session.execute(
        sa.insert(participations),
        {
            "municipality_id": scene.facts.municipality_id, "id": participant_id, "case_id": scene.facts.id,
            "person_id": person_id, "unit_id": unit_id, "state": "active", "purpose": "",
            "invited_at": scene.now, "invited_by": scene.actor.person_id, "answered_at": scene.now,
        },
    )  # fmt: skip
    return change(
        session,
        scene,
        event="participation.accept",
        fields={"person": person_id, "unit": unit_id},
        object_id=participant_id,
    )


def end_participation(session: sa.Connection, scene: Scene, *, participant_id: str, cause: str) -> Scene:
    """End a service's part through one person. Raises NotFound when they take no part."""
    found = next((p for p in scene.facts.participants if p.id == participant_id), None)
    if found is None:
        raise NotFound()
    session.execute(
        sa.update(participations)
        .where(
            participations.c.municipality_id == scene.facts.municipality_id,
            participations.c.id == participant_id,
        )
        .values(state="ended", ended_at=scene.now, ended_how=cause[:60])
    )
    after = change(
        session,
        scene,
        event="participation.end",
        fields={"person": found.person_id, "unit": found.unit_id, "cause": cause},
        object_id=participant_id,
    )
    rest = tuple(p for p in after.facts.participants if p.id != participant_id)
    return replace(after, facts=replace(after.facts, participants=rest))


def end_door(session: sa.Connection, scene: Scene, *, cover_id: str, cause: str) -> Scene:
    """Close the door a consent or a legal basis had opened to a unit."""
    cover = next(c for c in scene.facts.covers if c.id == cover_id)
    session.execute(
        sa.update(disclosures)
        .where(disclosures.c.municipality_id == scene.facts.municipality_id, disclosures.c.id == cover_id)
        .values(ended_at=scene.now, ended_how=cause[:60])
    )
    after = change(
        session,
        scene,
        event="disclosure.end",
        fields={"unit": cover.unit_id, "cause": cause},
        object_id=cover_id,
    )
    rest = tuple(c for c in after.facts.covers if c.id != cover_id)
    return replace(after, facts=replace(after.facts, covers=rest))
