"""The one place where a case changes: load the scene, ask what it demands, write state and trail in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti import audit, policy
from bti.actor import Actor
from bti.clock import local_day
from bti.decision import Option, options
from bti.errors import Forbidden, NotFound, NotPossible, Stale
from bti.facts import CaseFacts
from bti.models import cases, measures
from bti.queries.facts import case_facts, last_entry_at, lock_case
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


def load_scene(
    session: sa.Connection, *, actor: Actor, case_id: str, now: datetime, lock: bool = False, emergency: bool = False
) -> Scene:
    """Return the case as `actor` meets it. Raises NotFound when it isn't there or they have nothing to do with it.

    `lock` makes other commands on the case wait; take it before anything that changes who may see or hold it.
    `emergency` lets in who has broken the glass: only for what reads and writes nothing.
    """
    if lock:
        lock_case(session, municipality_id=actor.municipality_id, case_id=case_id)
    facts = case_facts(
        session, municipality_id=actor.municipality_id, case_id=case_id, today=local_day(now),
        emergency_at=now if emergency else None,
    )  # fmt: skip
    return scene_of(actor=actor, facts=facts, now=now)


def after_readings(session: sa.Connection, scene: Scene) -> Scene:
    """Return the scene, loaded with a lock, at a moment after everything that the case's trail tells of.

    For what ends access: a command that waited for a reading began before it, and an auditor, who goes by moments,
    would take that reading for one that came too late.
    """
    facts = scene.facts
    last = last_entry_at(session, municipality_id=facts.municipality_id, case_id=facts.id, since=scene.now)
    return scene if last is None else replace(scene, now=last + timedelta(microseconds=1))


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
    if scene.ground is None or scene.ground.is_emergency:
        raise Forbidden("no_ground")
    return scene.ground


def require_reading(scene: Scene) -> policy.Ground:
    """Return the ground to read content, an emergency's too. Raises Forbidden when there is none."""
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
) -> None:
    """Write the trail's entry of something done or read in the case, with the role, unit, purpose and basis of the
    scene."""
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
        purpose=scene.ground.purpose if scene.ground else "",
        basis=scene.ground.basis if scene.ground else "",
        fields=fields,
        seen_version=scene.facts.version,
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


def earliest(step_due: date | None, measure_due: date | None) -> tuple[date | None, str]:
    """Return the case's next date and what it is: the step's deadline or a measure to evaluate."""
    if measure_due is not None and (step_due is None or measure_due < step_due):
        return measure_due, "measure"
    return step_due, "step"
