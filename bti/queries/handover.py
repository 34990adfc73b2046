"""What stands around the baton and the services: who held it, what was asked, what follows with it, who is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from bti.models import batons, handovers, measures, people, units
from bti.queries.casepage import UnitLine

# Units that never take part in a case as a service.
NO_SERVICES = ("coordinating_unit", "administration")


@dataclass(frozen=True)
class Following:
    """What goes with the baton: measures that aren't ended, and how many of them should have been evaluated."""

    measures: int
    overdue: int


def following(session: sa.Connection, *, municipality_id: str, case_id: str, today: date) -> Following:
    """Return how many open measures the next holder takes over."""
    m = measures.c
    row = session.execute(
        sa.select(
            sa.func.count().label("measures"),
            sa.func.coalesce(sa.func.sum(sa.case((m.evaluate_on < today, 1), else_=0)), 0).label("overdue"),
        ).where(m.municipality_id == municipality_id, m.case_id == case_id, m.ended_at.is_(None))
    ).one()
    return Following(row.measures, row.overdue)


def offer_named(session: sa.Connection, *, municipality_id: str, offer_id: str) -> Any:
    """Return an offer with the names of who asked (`asker`, `asker_title`)."""
    return session.execute(
        sa.select(handovers, people.c.name.label("asker"), people.c.title.label("asker_title"))
        .join(
            people,
            sa.and_(people.c.municipality_id == handovers.c.municipality_id, people.c.id == handovers.c.offered_by),
        )
        .where(handovers.c.municipality_id == municipality_id, handovers.c.id == offer_id)
    ).one()


def batons_of(session: sa.Connection, *, municipality_id: str, case_id: str) -> tuple[Any, ...]:
    """Return who has held the baton, with name and title, the present holder first."""
    rows = session.execute(
        sa.select(batons, people.c.name, people.c.title)
        .join(
            people,
            sa.and_(people.c.municipality_id == batons.c.municipality_id, people.c.id == batons.c.person_id),
        )
        .where(batons.c.municipality_id == municipality_id, batons.c.case_id == case_id)
        .order_by(batons.c.started_at.desc(), batons.c.ended_at.is_not(None), batons.c.id)
    )
    return tuple(rows)


def services(session: sa.Connection, *, municipality_id: str) -> tuple[UnitLine, ...]:
    """Return the live services a consent may name, by name."""
    rows = session.execute(
        sa.select(units.c.id, units.c.name, units.c.kind, units.c.is_external, units.c.phone)
        .where(
            units.c.municipality_id == municipality_id,
            units.c.ended_at.is_(None),
            units.c.kind.not_in(NO_SERVICES),
        )
        .order_by(units.c.is_external, units.c.name)
    )
    return tuple(UnitLine(*row) for row in rows)
