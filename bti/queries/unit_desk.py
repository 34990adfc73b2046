"""What waits on a unit leader's desk: unanswered wonders, cases without a decided holder, offers, late cases, counts.

Every list has the same bounds: cases of the units one leads that have left the author's own desk, and what one holds
in the interim. `readable` says whether the case may be opened; where it isn't, nothing but the reference is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bti import policy
from bti.actor import Actor
from bti.models import cases, handovers, people, subjects, wonders

MOST_LISTED = 50
MOST_COUNTED = 1_000


def wonders_without_feedback(session: sa.Connection, *, actor: Actor, today: date) -> list[Any]:
    """Return open cases whose author shared the wonder and hasn't been answered, the one that waited longest first."""
    c, w = cases.c, wonders.c
    query = (
        _open_cases(actor, today, _led(actor))
        .join(wonders, sa.and_(w.municipality_id == c.municipality_id, w.case_id == c.id))
        .where(c.shared_with_leader_at.is_not(None), w.feedback_at.is_(None))
        .order_by(c.shared_with_leader_at, c.id)
    )
    return list(session.execute(query.limit(MOST_LISTED)))


def cases_without_holder(session: sa.Connection, *, actor: Actor, today: date) -> list[Any]:
    """Return open cases with an interim holder or one that isn't decided for the level, interim ones first.

    Wonders whose holder isn't decided are among them: whether that is needed now depends on their definition.
    """
    c = cases.c
    mine = sa.and_(c.holder_id == actor.person_id, c.holder_unit_id.in_(sorted(actor.units())), c.is_interim.is_(True))
    undecided = sa.or_(c.is_interim.is_(True), c.holder_confirmed.is_(False))
    # Looked for by unit and by holder, each by its index: asked as one condition, every case there is would be read.
    either = sa.union(*(_ids(actor, stands_in).where(undecided) for stands_in in (_led(actor), mine)))
    query = _open_cases(actor, today, c.id.in_(either)).order_by(c.is_interim.desc(), c.has_log.desc(), c.due_on, c.id)
    return list(session.execute(query.limit(MOST_LISTED)))


def late_cases(session: sa.Connection, *, actor: Actor, today: date) -> list[Any]:
    """Return up to 51 open cases past their date, the latest first; the 51st tells that there are more."""
    query = _open_cases(actor, today, _led(actor)).where(cases.c.due_on < today)
    return list(session.execute(query.order_by(cases.c.due_on, cases.c.id).limit(MOST_LISTED + 1)))


def offers(session: sa.Connection, *, actor: Actor, today: date, since: datetime) -> list[Any]:
    """Return offers of the baton in open cases: those without an answer, and those that were declined or ran out
    since `since` and weren't followed by another. Those to be answered first come first."""
    c, h = cases.c, handovers.c
    later = handovers.alias()
    followed = sa.exists().where(
        later.c.municipality_id == h.municipality_id,
        later.c.case_id == h.case_id,
        later.c.offered_at > h.offered_at,
    )
    query = (
        _open_cases(actor, today, _led(actor))
        .add_columns(
            h.from_person_id, h.to_person_id, h.state, h.offered_at, h.expires_on, h.answered_at, h.decline_reason
        )
        .join(handovers, sa.and_(h.municipality_id == c.municipality_id, h.case_id == c.id))
        .where(
            # Says where to begin: in the units' own cases, not in every offer that was ever made.
            h.case_id.in_(_ids(actor, _led(actor))),
            sa.or_(
                h.state == "offered",
                sa.and_(h.state.in_(("declined", "expired")), h.answered_at >= since, sa.not_(followed)),
            ),
        )
        .order_by(h.expires_on, h.id)
    )
    return list(session.execute(query.limit(MOST_LISTED)))


@dataclass(frozen=True)
class Count:
    """How many open cases of a unit stand on a level of a definition."""

    unit_id: str
    definition: str
    definition_version: int
    level_order: int
    cases: int


def counts(session: sa.Connection, *, actor: Actor, today: date) -> tuple[Count, ...]:
    """Return open cases by unit and level; the sum is at most one more than MOST_COUNTED.

    Only cases the leader stands in are counted, those they can't read now included: they answer for them.
    """
    found = (
        _open_cases(actor, today, _led(actor))
        .with_only_columns(cases.c.unit_id, cases.c.definition, cases.c.definition_version, cases.c.level_order)
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    columns = (found.c.unit_id, found.c.definition, found.c.definition_version, found.c.level_order)
    rows = session.execute(sa.select(*columns, sa.func.count()).group_by(*columns).order_by(*columns))
    return tuple(Count(*row) for row in rows)


def names_beside(
    session: sa.Connection, *, municipality_id: str, subject_ids: Iterable[str], person_ids: Iterable[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return children by id (given_name, family_name, group_name, address_blocked) and names of staff by id."""
    s, p = subjects.c, people.c
    children = session.execute(
        sa.select(s.id, s.given_name, s.family_name, s.group_name, s.address_blocked).where(
            s.municipality_id == municipality_id, s.id.in_(sorted(set(subject_ids)))
        )
    )
    staff = session.execute(
        sa.select(p.id, p.name).where(p.municipality_id == municipality_id, p.id.in_(sorted(set(person_ids))))
    )
    return {row.id: row for row in children}, {row.id: row.name for row in staff}


def _led(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the condition that a leader stands in the case: the same as in `policy.relations`."""
    return sa.and_(cases.c.unit_id.in_(sorted(actor.units("unit_leader"))), policy.LEADER_SEES)


def _ids(actor: Actor, stands_in: sa.ColumnElement[bool]) -> sa.Select[str]:
    return sa.select(cases.c.id).where(
        cases.c.municipality_id == actor.municipality_id, cases.c.closed_at.is_(None), stands_in
    )


def _open_cases(actor: Actor, today: date, stands_in: sa.ColumnElement[bool]) -> sa.Select[Any]:
    c = cases.c
    return sa.select(
        c.id, c.reference, c.definition, c.definition_version, c.step, c.level_order, c.has_log, c.subject_id,
        c.unit_id, c.author_id, c.holder_id, c.is_interim, c.holder_confirmed, c.due_on, c.shared_with_leader_at,
        policy.accessible(actor, today).label("readable"),
    ).where(c.municipality_id == actor.municipality_id, c.closed_at.is_(None), stands_in)  # fmt: skip
