"""A legal basis instead of a consent: a law that overrides secrecy opens the case to a service, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa

from bti.actor import Actor
from bti.engine import Scene, after_readings, load_scene, require_open, require_relation, require_seen
from bti.errors import Invalid, NotFound
from bti.grants import open_door
from bti.models import units
from bti.queries.handover import NO_SERVICES
from bti.usecases.doors import check_kinds, check_until, shut
from bti.usecases.text import collect, one_of, required

LONGEST_DAYS = 180


def record(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    unit_id: str,
    kinds: Sequence[str],
    law: str,
    reason: str,
    valid_to: date | None,
    seen_version: int,
    now: datetime,
) -> None:
    """Open the case to a unit on a legal basis that overrides secrecy, with its reference and reason.

    By the unit leader, for at most half a year, `law` one of the definition's legal bases. Raises NotFound,
    Forbidden, Stale, Invalid (unit, kinds, law, reason, valid_to).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_relation(scene, "unit_leader")
    require_seen(scene, seen_version)
    longest = date.fromordinal(scene.today.toordinal() + LONGEST_DAYS)
    known = {choice.key for choice in scene.model.definition.legal_bases}
    collect(
        lambda: _check_lawful_unit(session, scene, unit_id),
        lambda: check_kinds(scene, kinds),
        lambda: one_of("law", law, known),
        lambda: required("reason", reason, longest=2_000),
        lambda: check_until(valid_to or longest, scene.today, longest),
    )
    open_door(
        session, scene, unit_id=unit_id, kinds=kinds, purpose="law", valid_to=valid_to or longest,
        law_reference=law, law_reason=required("reason", reason),
    )  # fmt: skip


def _check_lawful_unit(session: sa.Connection, scene: Scene, unit_id: str) -> None:
    found = session.execute(
        sa.select(units.c.id).where(
            units.c.municipality_id == scene.facts.municipality_id,
            units.c.id == unit_id,
            # Nobody opens their own door: behind it, the leader would decide alone on what they themselves read.
            units.c.id != scene.facts.unit_id,
            units.c.kind.not_in(NO_SERVICES),
            units.c.ended_at.is_(None),
        )
    )
    if not unit_id or found.first() is None:
        raise Invalid(unit="missing" if not unit_id else "unknown")


def end(session: sa.Connection, *, actor: Actor, case_id: str, door_id: str, now: datetime) -> None:
    """Close a door that was opened on a legal basis. Raises NotFound, Forbidden."""
    scene = after_readings(session, load_scene(session, actor=actor, case_id=case_id, now=now, lock=True))
    require_relation(scene, "unit_leader", "holder")
    if not any(cover.id == door_id and cover.law_reference for cover in scene.facts.covers):
        raise NotFound()
    shut(session, scene, frozenset({door_id}), cause="legal_basis_ended")
