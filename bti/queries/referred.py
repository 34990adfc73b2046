"""What was put before the coordinating unit: the question, where the case stands, who asked. Nothing of its content."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti.models import cases, participations, people, referrals, units

MOST_DECIDED = 50


@dataclass(frozen=True)
class Referred:
    """One referral. `services` are the units in the case while it waits; empty once it is decided."""

    id: str
    case_id: str
    reference: str
    definition: str
    definition_version: int
    step: str
    cause: str
    question: str
    referred_at: datetime
    referred_by: str
    outcome: str | None
    reason: str | None
    decided_at: datetime | None
    services: tuple[str, ...] = ()


def waiting(
    session: sa.Connection, *, municipality_id: str, unit_ids: Collection[str], case_id: str | None = None
) -> tuple[Referred, ...]:
    """Return what waits for a decision, oldest first; only one case's when it is given."""
    query = _asked(municipality_id, unit_ids).where(referrals.c.decided_at.is_(None), cases.c.closed_at.is_(None))
    if case_id is not None:
        query = query.where(referrals.c.case_id == case_id)
    rows = session.execute(query.order_by(referrals.c.referred_at, referrals.c.id)).all()
    partners = _partners(session, municipality_id, [row.case_id for row in rows])
    return tuple(
        # Who takes part for the case's own service is no other service.
        replace(_referred(row), services=tuple(dict.fromkeys((row.own_service, *partners.get(row.case_id, ())))))
        for row in rows
    )


def decided(session: sa.Connection, *, municipality_id: str, unit_ids: Collection[str]) -> tuple[Referred, ...]:
    """Return the latest decisions, newest first."""
    query = _asked(municipality_id, unit_ids).where(referrals.c.decided_at.is_not(None))
    rows = session.execute(query.order_by(referrals.c.decided_at.desc(), referrals.c.id).limit(MOST_DECIDED))
    return tuple(_referred(row) for row in rows)


def _referred(row: Any) -> Referred:
    return Referred(*row[:-1])


def _asked(municipality_id: str, unit_ids: Collection[str]) -> sa.Select[Any]:
    r, own = referrals.c, units.alias()
    return (
        sa.select(
            r.id,
            r.case_id,
            cases.c.reference,
            cases.c.definition,
            cases.c.definition_version,
            cases.c.step,
            r.cause,
            r.question,
            r.referred_at,
            people.c.name,
            r.outcome,
            r.reason,
            r.decided_at,
            own.c.name.label("own_service"),
        )
        .join(cases, sa.and_(cases.c.municipality_id == r.municipality_id, cases.c.id == r.case_id))
        .join(own, sa.and_(own.c.municipality_id == cases.c.municipality_id, own.c.id == cases.c.unit_id))
        .join(people, sa.and_(people.c.municipality_id == r.municipality_id, people.c.id == r.referred_by))
        .where(r.municipality_id == municipality_id, r.unit_id.in_(sorted(unit_ids)))
    )


def _partners(session: sa.Connection, municipality_id: str, case_ids: list[str]) -> dict[str, list[str]]:
    """Return the names of the services that take part in each case, in order."""
    if not case_ids:
        return {}
    p = participations.c
    query = (
        sa.select(p.case_id, units.c.name)
        .join(units, sa.and_(units.c.municipality_id == p.municipality_id, units.c.id == p.unit_id))
        .where(p.municipality_id == municipality_id, p.case_id.in_(case_ids), p.state == "active", p.ended_at.is_(None))
        .order_by(units.c.name)
    )
    found: dict[str, list[str]] = {}
    for case_id, name in session.execute(query):
        found.setdefault(case_id, []).append(name)
    return found
