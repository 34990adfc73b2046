"""Who a person is right now: their live roles, and who stands in for a unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor, Membership
from bti.models import memberships, people, units
from bti.statements import Fixed

ACTOR_COLUMNS = (
    people.c.name,
    people.c.title,
    people.c.language,
    memberships.c.unit_id,
    memberships.c.role,
    units.c.kind,
    units.c.name.label("unit_name"),
)


def held_by(staff: sa.FromClause) -> sa.Join:
    """Return `staff`, which has `people` in it, joined with the roles that each of them holds: a row for each role."""
    return staff.outerjoin(
        memberships,
        sa.and_(
            memberships.c.municipality_id == people.c.municipality_id,
            memberships.c.person_id == people.c.id,
            memberships.c.ended_at.is_(None),
        ),
    ).outerjoin(
        units,
        sa.and_(units.c.municipality_id == memberships.c.municipality_id, units.c.id == memberships.c.unit_id),
    )


_ACTOR = Fixed(
    sa.select(*ACTOR_COLUMNS)
    .select_from(held_by(people))
    .where(
        people.c.municipality_id == sa.bindparam("municipality_id", type_=sa.String),
        people.c.id == sa.bindparam("person_id", type_=sa.String),
        people.c.ended_at.is_(None),
    )
    .order_by(memberships.c.started_at, memberships.c.id)
)


def load_actor(session: sa.Connection, *, municipality_id: str, person_id: str, request_id: str = "") -> Actor | None:
    """Return the person with the roles they hold at this moment, or None when they have ended or never were."""
    rows = _ACTOR.all(session, {"municipality_id": municipality_id, "person_id": person_id})
    if not rows:
        return None
    return actor_of(rows, municipality_id=municipality_id, person_id=person_id, request_id=request_id)


def actor_of(rows: Sequence[Any], *, municipality_id: str, person_id: str, request_id: str = "") -> Actor:
    """Return the person of these rows, which have ACTOR_COLUMNS: one for each role, or one without."""
    held = tuple(Membership(r.unit_id, r.role, r.kind, r.unit_name) for r in rows if r.unit_id)
    first = rows[0]
    return Actor(municipality_id, person_id, first.name, held, first.language, first.title, request_id)


def interim_holder(
    session: sa.Connection, *, municipality_id: str, unit_id: str, not_person_id: str, only_asking: bool = False
) -> tuple[str, str] | None:
    """Return (person, unit) who must hold a baton that fell: the unit's leader, else the coordinating unit's.

    Whoever ends them meanwhile waits for us, unless it is `only_asking`, for a page that says beforehand who it would
    be. Source: domain.md, The baton holder: the unit leader holds it in the interim and must appoint.
    """
    own = _first_with_role(municipality_id, "unit_leader", unit_id, not_person_id)
    found = session.execute(own if only_asking else _kept(own)).first()
    if found is None:
        other = _first_with_role(municipality_id, "coordinator", None, not_person_id)
        found = session.execute(other if only_asking else _kept(other)).first()
    return (found.person_id, found.unit_id) if found else None


def _kept(query: sa.Select[Any]) -> sa.Select[Any]:
    # Whoever is given a baton stays until it is theirs: ending them waits, and then finds it.
    return query.with_for_update(read=True, of=[memberships, people])


def _first_with_role(municipality_id: str, role: str, unit_id: str | None, not_person_id: str) -> sa.Select[Any]:
    query = (
        sa.select(memberships.c.person_id, memberships.c.unit_id)
        .join(
            people,
            sa.and_(
                people.c.municipality_id == memberships.c.municipality_id,
                people.c.id == memberships.c.person_id,
            ),
        )
        .where(
            memberships.c.municipality_id == municipality_id,
            memberships.c.role == role,
            memberships.c.ended_at.is_(None),
            people.c.ended_at.is_(None),
            memberships.c.person_id != not_person_id,
        )
        .order_by(memberships.c.started_at, memberships.c.id)
    )
    if unit_id is not None:
        query = query.where(memberships.c.unit_id == unit_id)
    return query.limit(1)


def keep_roles(session: sa.Connection, *, municipality_id: str, person_id: str) -> frozenset[str]:
    """Return the units where the person has a live role that meets children, and let ending them wait for us.

    For what gives somebody a baton: who is being ended at the same moment either gets it first, so that it falls
    on, or has no role left to get it by. SQLite's writers already wait, and ignore FOR SHARE.
    """
    rows = session.execute(
        sa.select(memberships.c.unit_id)
        .where(
            memberships.c.municipality_id == municipality_id,
            memberships.c.person_id == person_id,
            memberships.c.role.in_(("employee", "unit_leader", "coordinator")),
            memberships.c.ended_at.is_(None),
        )
        .with_for_update(read=True)
    )
    return frozenset(rows.scalars())


def is_member(session: sa.Connection, *, municipality_id: str, person_id: str, unit_id: str) -> bool:
    """Return whether the person is live staff of the unit, in a role that meets children."""
    found = session.execute(
        sa.select(sa.literal(1))
        .select_from(memberships)
        .join(
            people,
            sa.and_(
                people.c.municipality_id == memberships.c.municipality_id,
                people.c.id == memberships.c.person_id,
            ),
        )
        .where(
            memberships.c.municipality_id == municipality_id,
            memberships.c.person_id == person_id,
            memberships.c.unit_id == unit_id,
            memberships.c.role.in_(("employee", "unit_leader", "coordinator")),
            memberships.c.ended_at.is_(None),
            people.c.ended_at.is_(None),
        )
        .limit(1)
    )
    return found.first() is not None
