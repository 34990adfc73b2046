"""Emergency access: what somebody has now, what waits for a review, and what is looked for in an emergency."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bti import policy
from bti.actor import Actor
from bti.models import audit_entries, break_glass, cases, people, subjects, units

MOST_LISTED = 50
MOST_READS = 200
g, c = break_glass.c, cases.c
_own_unit, _case_unit = units.alias("own_unit"), units.alias("case_unit")


def lasting(session: sa.Connection, *, actor: Actor, now: datetime) -> tuple[Any, ...]:
    """Return (id, reference, ends_at) of what `actor` may read in an emergency now, the first to end first."""
    rows = session.execute(
        sa.select(g.id, c.reference, g.ends_at)
        .join(cases, sa.and_(c.municipality_id == g.municipality_id, c.id == g.case_id))
        .where(policy.emergency(actor, now))
        .order_by(g.ends_at, g.id)
    )
    return tuple(rows)


def awaiting(
    session: sa.Connection, *, municipality_id: str, not_person: str, unit_ids: Collection[str] | None = None
) -> tuple[Any, ...]:
    """Return what waits for a review, oldest first: MOST_LISTED and one more when there are. Nobody's own.

    Only that of people or cases of `unit_ids`, unless that is None.
    """
    found = _reviewable().where(
        g.municipality_id == municipality_id, g.reviewed_at.is_(None), g.person_id != not_person
    )
    if unit_ids is not None:
        ids = sorted(unit_ids)
        found = found.where(sa.or_(g.unit_id.in_(ids), g.case_unit_id.in_(ids)))
    return tuple(session.execute(found.order_by(g.opened_at, g.id).limit(MOST_LISTED + 1)))


def one(session: sa.Connection, *, municipality_id: str, break_glass_id: str) -> Any:
    """Return one emergency access as an auditor sees it, or None."""
    mine = (g.municipality_id == municipality_id, g.id == break_glass_id)
    return session.execute(_reviewable().where(*mine)).first()


def words_of(session: sa.Connection, *, municipality_id: str, break_glass_id: str) -> Any:
    """Return (reason, review_note): for those who answer for the person or the case, not for an auditor."""
    mine = (g.municipality_id == municipality_id, g.id == break_glass_id)
    return session.execute(sa.select(g.reason, g.review_note).where(*mine)).one()


def reads(session: sa.Connection, *, municipality_id: str, case_id: str, break_glass_id: str) -> tuple[Any, ...]:
    """Return (at, fields) of what was read of the case by this emergency access, oldest first, MOST_READS at most."""
    e = audit_entries.c
    mine = (e.municipality_id == municipality_id, e.case_id == case_id, e.event == "case.read")
    found = sa.select(e.at, e.fields).where(*mine, e.basis == f"{policy.BREAK_GLASS}:{break_glass_id}")
    return tuple(session.execute(found.order_by(e.id).limit(MOST_READS)))


def _reviewable() -> sa.Select[Any]:
    reviewer = people.alias("reviewer")
    return (
        sa.select(
            g.id, g.case_id, c.reference, g.person_id, people.c.name.label("person"), g.unit_id,
            _own_unit.c.name.label("unit"), g.case_unit_id, _case_unit.c.name.label("case_unit"), g.cause, g.minutes,
            g.opened_at, g.ends_at, g.ended_at, g.reviewed_at, g.verdict, g.reviewed_as,
            reviewer.c.name.label("reviewer"),
        )
        .join(cases, sa.and_(c.municipality_id == g.municipality_id, c.id == g.case_id))
        .join(people, sa.and_(people.c.municipality_id == g.municipality_id, people.c.id == g.person_id))
        .join(_own_unit, sa.and_(_own_unit.c.municipality_id == g.municipality_id, _own_unit.c.id == g.unit_id))
        .join(_case_unit, sa.and_(_case_unit.c.municipality_id == g.municipality_id, _case_unit.c.id == g.case_unit_id))
        .outerjoin(reviewer, sa.and_(reviewer.c.municipality_id == g.municipality_id, reviewer.c.id == g.reviewed_by))
    )  # fmt: skip


# --- what is looked for -----------------------------------------------------------------------------------------------


def internal_units(session: sa.Connection, *, municipality_id: str, unit_ids: Collection[str]) -> frozenset[str]:
    """Return those of the units that belong to the municipality itself and are there still."""
    u = units.c
    found = session.execute(
        sa.select(u.id).where(
            u.municipality_id == municipality_id,
            u.id.in_(sorted(unit_ids)),
            u.is_external.is_(False),
            u.ended_at.is_(None),
        )
    )
    return frozenset(found.scalars())


def case_by_reference(session: sa.Connection, *, municipality_id: str, reference: str) -> str | None:
    """Return the id of the case with this reference, however it is typed, unless it is a wonder nobody has shared."""
    found = session.execute(
        sa.select(c.id).where(
            c.municipality_id == municipality_id, c.reference == reference.strip().upper(), policy.LEADER_SEES
        )
    )
    return found.scalar_one_or_none()


def case_of_child(session: sa.Connection, *, municipality_id: str, name: str, born_on: date | None) -> str | None:
    """Return the id of the case of the one child with this full name and day of birth, or None.

    An open case before a closed one, then the highest level, then the newest. A child whose address is blocked isn't
    found by name: whoever looks for one mustn't learn here which service knows them.
    """
    s = subjects.c
    born = session.execute(
        sa.select(s.id, s.given_name, s.family_name).where(
            s.municipality_id == municipality_id, s.born_on == born_on, s.address_blocked.is_(False)
        )
    )
    # Compared here and not in the database: SQLite doesn't know that Å and å are one letter.
    wanted = _plain(name)
    found = [row.id for row in born if _plain(f"{row.given_name} {row.family_name}") == wanted]
    if len(found) != 1:
        return None
    ordered = sa.select(c.id).where(c.municipality_id == municipality_id, c.subject_id == found[0], policy.LEADER_SEES)
    ordered = ordered.order_by(c.closed_at.is_not(None), c.level_order.desc(), c.opened_at.desc(), c.id)
    return session.execute(ordered.limit(1)).scalar_one_or_none()


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
