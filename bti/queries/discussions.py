"""Anonymous discussions: one's own questions, and those put to one's own service. Nothing here knows any case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.models import anonymous_discussions, people, units

PAGE = 25
MOST_UNANSWERED = 50
# Services one asks for advice; schools and kindergartens are those who ask.
HELPING_KINDS = ("ppt", "health_centre", "child_welfare", "family_support", "nav", "coordinating_unit")


@dataclass(frozen=True)
class Place:
    """Where a page ended: the next one begins with older questions."""

    asked_at: datetime
    id: str


def helping_units(session: sa.Connection, *, actor: Actor) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of the municipality's helping services by name, one's own units apart."""
    u = units.c
    rows = session.execute(
        sa.select(u.id, u.name)
        .where(
            u.municipality_id == actor.municipality_id,
            u.kind.in_(HELPING_KINDS),
            u.is_external.is_(False),
            u.ended_at.is_(None),
            u.id.not_in(sorted(actor.units())),
        )
        .order_by(u.name)
    )
    return tuple((row.id, row.name) for row in rows)


def asked_by(session: sa.Connection, *, actor: Actor, after: Place | None) -> list[Any]:
    """Return up to PAGE + 1 of the person's own questions, newest first."""
    d = anonymous_discussions.c
    return _older_than(session, _discussions(actor).where(d.author_id == actor.person_id), after)


def answered_by_us(session: sa.Connection, *, actor: Actor, after: Place | None) -> list[Any]:
    """Return up to PAGE + 1 answered questions put to the person's units, newest first."""
    d = anonymous_discussions.c
    return _older_than(session, _discussions(actor).where(_to_us(actor), d.answered_at.is_not(None)), after)


def unanswered_by_us(session: sa.Connection, *, actor: Actor) -> list[Any]:
    """Return questions put to the person's units that wait for an answer, the one that waited longest first."""
    d = anonymous_discussions.c
    query = _discussions(actor).where(_to_us(actor), d.answered_at.is_(None)).order_by(d.asked_at, d.id)
    return list(session.execute(query.limit(MOST_UNANSWERED)))


def discussion(session: sa.Connection, *, actor: Actor, discussion_id: str) -> Any:
    """Return a discussion the person asked, or that was put to one of their units; None otherwise."""
    d = anonymous_discussions.c
    query = _discussions(actor).where(d.id == discussion_id, sa.or_(d.author_id == actor.person_id, _to_us(actor)))
    return session.execute(query).first()


def _to_us(actor: Actor) -> sa.ColumnElement[bool]:
    return anonymous_discussions.c.unit_id.in_(sorted(actor.units()))


def _older_than(session: sa.Connection, query: sa.Select[Any], after: Place | None) -> list[Any]:
    d = anonymous_discussions.c
    if after is not None:
        earlier = sa.or_(d.asked_at < after.asked_at, sa.and_(d.asked_at == after.asked_at, d.id < after.id))
        query = query.where(d.asked_at <= after.asked_at, earlier)
    return list(session.execute(query.order_by(d.asked_at.desc(), d.id.desc()).limit(PAGE + 1)))


def _discussions(actor: Actor) -> sa.Select[Any]:
    d = anonymous_discussions.c
    asker, answerer = people.alias(), people.alias()
    return (
        sa.select(
            d.id, d.question, d.asked_at, d.answer, d.answered_at, d.author_id, d.unit_id,
            units.c.name.label("unit_name"), asker.c.name.label("author_name"), answerer.c.name.label("answerer_name"),
        )
        .join(units, sa.and_(units.c.municipality_id == d.municipality_id, units.c.id == d.unit_id))
        .join(asker, sa.and_(asker.c.municipality_id == d.municipality_id, asker.c.id == d.author_id))
        .outerjoin(answerer, sa.and_(answerer.c.municipality_id == d.municipality_id, answerer.c.id == d.answered_by))
        .where(d.municipality_id == actor.municipality_id)
    )  # fmt: skip
