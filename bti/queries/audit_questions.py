"""The questions an auditor begins with, each as a condition on the trail or on doors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bti.clock import local_day
from bti.models import audit_entries, batons, cases, disclosures, participations, people, units
from bti.names import name_key
from bti.queries.audit import EXPORT_BATCH, MOST_COUNTED, PAGE_ROWS, Conditions, LogQuery, Page
from bti.queries.audit_basis import SharedSteps, had_live_basis, rests_on_live_consent, was_withdrawn_before
from bti.queries.audit_sql import field_of, local_day_of

e = audit_entries.c

# Judging a read asks half a dozen things of its case's past. Older reads are for a shorter period to be asked about.
MOST_JUDGED = 100_000
JUDGED = ("no_live_basis", "withdrawn_then_read")
# Answered by entries of the trail.
ENTRY_QUESTIONS = ("no_live_basis", "withdrawn_then_read", "overrides", "refused")


def answers(key: str, shared: SharedSteps) -> sa.ColumnElement[bool]:
    """Return the condition on `audit_entries` that answers one of ENTRY_QUESTIONS."""
    if key == "no_live_basis":
        return sa.and_(e.event == "case.read", ~had_live_basis(shared))
    if key == "withdrawn_then_read":
        return _withdrawn_then_read()
    if key == "overrides":
        return _overrides()
    return e.event == "refused"


def _withdrawn_then_read() -> sa.ColumnElement[bool]:
    # Reads on another consent that was live are no news; reads on the own service's ground, on law or on nothing are.
    return sa.and_(
        e.event == "case.read",
        sa.or_(e.basis != "", field_of(e.fields, "view") != "shell"),
        was_withdrawn_before(),
        ~rests_on_live_consent(),
    )


def _overrides() -> sa.ColumnElement[bool]:
    lawful = sa.and_(e.event == "disclosure.open", field_of(e.fields, "law_reference").is_not(None))
    return sa.and_(
        e.event.in_(("disclosure.open", "baton.interim", "referral.decide", "break_glass.open")),
        sa.or_(lawful, e.event != "disclosure.open"),
    )


# --- consent expired while somebody had access ------------------------------------------------------------------------


@dataclass(frozen=True)
class Expired:
    """A door whose consent ran out while somebody stood inside. `ended_at` is None when nobody has tidied it away."""

    door_id: str
    consent_id: str
    case: str
    unit: str
    valid_to: date
    ended_at: datetime | None
    people: tuple[tuple[str, str], ...]


def expired_page(
    session: sa.Connection, query: LogQuery, *, today: date, before: tuple[date, str] | None
) -> Page[Expired]:
    """Return doors whose consent ran out before `today` while somebody had access by it, latest first.

    In the order of (valid_to, door); `before` is where the page before ended. Three statements.
    """
    rows = _select_expired(session, query, today, before=before, limit=PAGE_ROWS + 1)
    last = rows[PAGE_ROWS - 1] if len(rows) > PAGE_ROWS else None
    return Page(
        rows=tuple(rows[:PAGE_ROWS]),
        next=f"{last.valid_to.isoformat()}:{last.door_id}" if last else None,
        count=count_expired(session, query, today=today),
    )


def every_expired(session: sa.Connection, query: LogQuery, *, today: date) -> Iterator[list[Expired]]:
    """Give all such doors, latest first, some at a time."""
    before: tuple[date, str] | None = None
    while True:
        rows = _select_expired(session, query, today, before=before, limit=EXPORT_BATCH)
        if rows:
            yield rows
        if len(rows) < EXPORT_BATCH:
            return
        before = rows[-1].valid_to, rows[-1].door_id


def _select_expired(
    session: sa.Connection, query: LogQuery, today: date, *, before: tuple[date, str] | None, limit: int
) -> list[Expired]:
    d = disclosures.c
    statement = (
        sa.select(
            d.id, d.consent_id, d.case_id, d.unit_id, cases.c.reference, units.c.name, d.valid_to, d.ended_at
        )
        .join(cases, sa.and_(cases.c.municipality_id == d.municipality_id, cases.c.id == d.case_id))
        .join(units, sa.and_(units.c.municipality_id == d.municipality_id, units.c.id == d.unit_id))
        .where(*_expired(query, today))
        .order_by(d.valid_to.desc(), d.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        statement = statement.where(sa.or_(d.valid_to < before[0], sa.and_(d.valid_to == before[0], d.id < before[1])))
    rows = session.execute(statement).all()
    inside = _people_inside(session, query, [row.id for row in rows])
    return [
        Expired(r.id, r.consent_id, r.reference, r.name, r.valid_to, r.ended_at, tuple(inside.get(r.id, ())))
        for r in rows
    ]


def count_expired(session: sa.Connection, query: LogQuery, *, today: date, most: int = MOST_COUNTED) -> int:
    """Return how many such doors there are, `most` at most."""
    few = (
        sa.select(sa.literal(1).label("one"))
        .select_from(disclosures)
        .join(
            cases,
            sa.and_(cases.c.municipality_id == disclosures.c.municipality_id, cases.c.id == disclosures.c.case_id),
        )
        .where(*_expired(query, today))
        .limit(most)
    )
    return int(session.execute(sa.select(sa.func.count()).select_from(few.subquery())).scalar_one())


def _expired(query: LogQuery, today: date) -> Conditions:
    d = disclosures.c
    found: Conditions = [
        d.municipality_id == query.municipality_id,
        d.consent_id.is_not(None),
        d.valid_to < today,
        _lasted_beyond(d, d.valid_to),
        sa.or_(cases.c.closed_at.is_(None), local_day_of(cases.c.closed_at) > d.valid_to),
        ~_other_door(d),
        sa.or_(_inside(_batons_inside(d), query), _inside(_parts_inside(d), query)),
    ]
    if query.case_id is not None:
        found.append(d.case_id == query.case_id)
    if query.unit_id is not None:
        found.append(d.unit_id == query.unit_id)
    # A consent runs out when its last day is over: that is the moment the period is about.
    if query.since is not None:
        found.append(d.valid_to >= local_day(query.since))
    if query.until is not None:
        found.append(d.valid_to < local_day(query.until))
    return found


def _lasted_beyond(row: Any, day: Any) -> sa.ColumnElement[bool]:
    return sa.or_(row.ended_at.is_(None), local_day_of(row.ended_at) > day)


def _other_door(d: Any) -> sa.ColumnElement[bool]:
    other = disclosures.alias().c
    return sa.exists().where(
        other.municipality_id == d.municipality_id,
        other.case_id == d.case_id,
        other.unit_id == d.unit_id,
        other.id != d.id,
        local_day_of(other.opened_at) <= d.valid_to,
        other.valid_to > d.valid_to,
        _lasted_beyond(other, d.valid_to),
    )


def _batons_inside(d: Any) -> sa.Select[Any]:
    b = batons.c
    return sa.select(d.id.label("door_id"), b.person_id, sa.literal("holder").label("role")).where(
        b.municipality_id == d.municipality_id,
        b.case_id == d.case_id,
        b.unit_id == d.unit_id,
        local_day_of(b.started_at) <= d.valid_to,
        _lasted_beyond(b, d.valid_to),
    )


def _parts_inside(d: Any) -> sa.Select[Any]:
    p = participations.c
    return sa.select(d.id.label("door_id"), p.person_id, sa.literal("participant").label("role")).where(
        p.municipality_id == d.municipality_id,
        p.case_id == d.case_id,
        p.unit_id == d.unit_id,
        p.decline_reason.is_(None),
        local_day_of(p.answered_at) <= d.valid_to,
        _lasted_beyond(p, d.valid_to),
    )


def _inside(those: sa.Select[Any], query: LogQuery) -> sa.ColumnElement[bool]:
    person = those.selected_columns.person_id
    # The auditor's own access is another auditor's to review.
    those = those.where(person != query.auditor_id).correlate(disclosures)
    if query.person_ids:
        those = those.where(person.in_(query.person_ids))
    return those.exists()


def _people_inside(session: sa.Connection, query: LogQuery, door_ids: list[str]) -> dict[str, list[tuple[str, str]]]:
    if not door_ids:
        return {}
    d = disclosures.c
    these = (d.municipality_id == query.municipality_id, d.id.in_(door_ids))
    inside = sa.union_all(_batons_inside(d).where(*these), _parts_inside(d).where(*these)).subquery()
    rows = session.execute(
        sa.select(inside.c.door_id, people.c.name, inside.c.role)
        .join(people, sa.and_(people.c.municipality_id == query.municipality_id, people.c.id == inside.c.person_id))
        .where(inside.c.person_id != query.auditor_id)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for row in sorted(rows, key=lambda row: (row.role, name_key(row.name))):
        found.setdefault(row.door_id, []).append((row.name, row.role))
    return found


@dataclass(frozen=True)
class Asked:
    """The conditions of a query together with a question's own; `is_bounded`: older reads are left out unjudged."""

    conditions: Conditions
    is_bounded: bool = False


def question_conditions(session: sa.Connection, found: Conditions, key: str, shared: SharedSteps) -> Asked:
    """Return the conditions `found` with those that answer one of ENTRY_QUESTIONS.

    Where reads are judged, it is among the newest MOST_JUDGED of them; one statement, to find where they begin.
    """
    if key not in JUDGED:
        return Asked([*found, answers(key, shared)])
    reads = [*found, e.event == "case.read"]
    oldest = session.execute(
        sa.select(e.id).where(*reads).order_by(e.id.desc()).offset(MOST_JUDGED).limit(1)
    ).scalar_one_or_none()
    bound = [] if oldest is None else [e.id > oldest]
    return Asked([*found, *bound, answers(key, shared)], oldest is not None)
