"""Who stood in a relation to a case at an earlier moment: its baton, its participants, its people's roles then."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor, Membership
from bti.facts import Participant
from bti.models import batons, memberships, participations, people, units
from bti.names import name_key


def holder_at(
    session: sa.Connection, *, municipality_id: str, case_id: str, moment: datetime
) -> tuple[str, str] | None:
    """Return (person, unit) who held the baton at `moment`."""
    b = batons.c
    row = session.execute(
        sa.select(b.person_id, b.unit_id)
        .where(b.municipality_id == municipality_id, b.case_id == case_id, *_lived(b.started_at, b.ended_at, moment))
        .order_by(b.started_at.desc(), b.id)
        .limit(1)
    ).first()
    return (row.person_id, row.unit_id) if row else None


def participants_at(
    session: sa.Connection, *, municipality_id: str, case_id: str, moment: datetime
) -> tuple[Participant, ...]:
    """Return who took part at `moment`: had said yes, and hadn't ended."""
    p = participations.c
    rows = session.execute(
        sa.select(p.id, p.person_id, p.unit_id)
        .where(
            p.municipality_id == municipality_id,
            p.case_id == case_id,
            p.decline_reason.is_(None),
            *_lived(p.answered_at, p.ended_at, moment),
        )
        .order_by(p.answered_at, p.id)
    )
    return tuple(Participant(row.id, row.person_id, row.unit_id, "active") for row in rows)


def staff_at(
    session: sa.Connection, *, municipality_id: str, person_ids: Collection[str], led_unit_id: str, moment: datetime
) -> tuple[Actor, ...]:
    """Return these people and the leaders of a unit, with the roles they had at `moment`, in order of name."""
    m = memberships.c
    rows = session.execute(
        sa.select(m.person_id, people.c.name, m.unit_id, m.role, units.c.kind, units.c.name.label("unit"))
        .join(people, sa.and_(people.c.municipality_id == m.municipality_id, people.c.id == m.person_id))
        .join(units, sa.and_(units.c.municipality_id == m.municipality_id, units.c.id == m.unit_id))
        .where(
            m.municipality_id == municipality_id,
            sa.or_(m.person_id.in_(person_ids), sa.and_(m.unit_id == led_unit_id, m.role == "unit_leader")),
            *_lived(m.started_at, m.ended_at, moment),
            sa.or_(people.c.ended_at.is_(None), people.c.ended_at > moment),
        )
        .order_by(m.person_id, m.started_at, m.id)
    )
    held: dict[str, tuple[str, list[Membership]]] = {}
    for row in sorted(rows, key=lambda row: name_key(row.name)):
        held.setdefault(row.person_id, (row.name, []))[1].append(Membership(row.unit_id, row.role, row.kind, row.unit))
    return tuple(Actor(municipality_id, id_, name, tuple(roles)) for id_, (name, roles) in held.items())


def _lived(started: Any, ended: Any, moment: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return started <= moment, sa.or_(ended.is_(None), ended > moment)
