"""Consents for an auditor: their state at any moment, who gave them as relation and opaque id, and what they opened.

What a consent is about, its reservations, witnesses and evidence are confidential: of evidence only is read whether
there is any.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from bti.clock import local_day
from bti.models import (
    cases,
    consent_events,
    consent_parties,
    consent_units,
    consents,
    disclosures,
    guardianships,
    people,
    units,
)
from bti.queries.audit import EXPORT_BATCH, MOST_COUNTED, PAGE_ROWS, Conditions, Page
from bti.queries.audit_basis import state_now

c = consents.c


@dataclass(frozen=True)
class ConsentQuery:
    """Which consents, and the moment their state is asked for. Consents asked for later aren't there yet."""

    municipality_id: str
    as_of: datetime
    consent_id: str | None = None
    case_id: str | None = None
    unit_id: str | None = None
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class ConsentRow:
    """A consent on the list. `given` of `parties` had said yes at the moment."""

    id: str
    case: str
    case_id: str
    purpose: str
    kinds: tuple[str, ...]
    units: tuple[str, ...]
    state: str
    valid_to: date
    asked_at: datetime
    asked_by: str
    renews_id: str | None
    parties: int
    given: int


@dataclass(frozen=True)
class PartyRow:
    """One who must answer: relation and authority, never a name. `answer` is what they had said by the moment."""

    id: str
    authority: str
    relation: str
    answer: str


@dataclass(frozen=True)
class EventRow:
    """What was said and how it reached us. Of witness and evidence only whether they are recorded."""

    event: str
    party_id: str | None
    channel: str
    said_on: date
    recorded_at: datetime
    recorded_by: str
    has_witness: bool
    has_evidence: bool


@dataclass(frozen=True)
class DoorRow:
    """A door a consent opened. `is_open` at the moment."""

    id: str
    unit: str
    purpose: str
    kinds: tuple[str, ...]
    opened_at: datetime
    opened_by: str
    valid_to: date
    ended_at: datetime | None
    ended_how: str
    is_open: bool


def consents_page(
    session: sa.Connection, query: ConsentQuery, *, before: tuple[datetime, str] | None
) -> Page[ConsentRow]:
    """Return a page of consents, the last asked for first, with their state at `query.as_of`. Three statements."""
    rows = _select(session, query, before=before, limit=PAGE_ROWS + 1)
    shown = rows[:PAGE_ROWS]
    last = shown[-1] if len(rows) > PAGE_ROWS else None
    few = sa.select(sa.literal(1).label("one")).where(*_conditions(query)).limit(MOST_COUNTED)
    return Page(
        rows=tuple(shown),
        next=f"{last.asked_at.isoformat()}:{last.id}" if last else None,
        count=int(session.execute(sa.select(sa.func.count()).select_from(few.subquery())).scalar_one()),
    )


def count_consents(session: sa.Connection, query: ConsentQuery, *, most: int) -> int:
    """Return how many consents an export would hold, `most` + 1 at most."""
    few = sa.select(sa.literal(1).label("one")).where(*_conditions(query)).limit(most + 1)
    return int(session.execute(sa.select(sa.func.count()).select_from(few.subquery())).scalar_one())


def every_consent(session: sa.Connection, query: ConsentQuery) -> Iterator[list[ConsentRow]]:
    """Give all the consents of a query, the last asked for first, some at a time."""
    before: tuple[datetime, str] | None = None
    while True:
        rows = _select(session, query, before=before, limit=EXPORT_BATCH)
        if rows:
            yield rows
        if len(rows) < EXPORT_BATCH:
            return
        before = (rows[-1].asked_at, rows[-1].id)


def _conditions(query: ConsentQuery) -> Conditions:
    found: Conditions = [c.municipality_id == query.municipality_id, c.asked_at <= query.as_of]
    if query.consent_id is not None:
        found.append(c.id == query.consent_id)
    if query.case_id is not None:
        found.append(c.case_id == query.case_id)
    if query.since is not None:
        found.append(c.asked_at >= query.since)
    if query.until is not None:
        found.append(c.asked_at < query.until)
    if query.unit_id is not None:
        named = consent_units.c
        found.append(
            sa.exists().where(
                named.municipality_id == c.municipality_id,
                named.consent_id == c.id,
                named.unit_id == query.unit_id,
            )
        )
    if query.state:
        found.append(_state(query) == query.state)
    return found


def _state(query: ConsentQuery) -> sa.ColumnElement[str]:
    return state_now(c, query.as_of, local_day(query.as_of))


def _select(
    session: sa.Connection, query: ConsentQuery, *, before: tuple[datetime, str] | None, limit: int
) -> list[ConsentRow]:
    p, v = consent_parties.c, consent_events.c
    of_consent = (p.municipality_id == c.municipality_id, p.consent_id == c.id)
    said_yes = sa.exists().where(
        v.municipality_id == p.municipality_id,
        v.consent_id == p.consent_id,
        v.party_id == p.id,
        v.event == "given",
        v.recorded_at <= query.as_of,
    )
    statement = (
        sa.select(
            c.id, cases.c.reference, c.case_id, c.purpose, c.kinds, c.valid_to, c.asked_at, c.renews_id,
            people.c.name.label("asked_by"), _state(query).label("state"),
            sa.select(sa.func.count()).where(*of_consent).scalar_subquery().label("parties"),
            sa.select(sa.func.count()).where(*of_consent, said_yes).scalar_subquery().label("given"),
        )
        .join(cases, sa.and_(cases.c.municipality_id == c.municipality_id, cases.c.id == c.case_id))
        .join(people, sa.and_(people.c.municipality_id == c.municipality_id, people.c.id == c.asked_by))
        .where(*_conditions(query))
        .order_by(c.asked_at.desc(), c.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        statement = statement.where(sa.or_(c.asked_at < before[0], sa.and_(c.asked_at == before[0], c.id < before[1])))
    rows = session.execute(statement).all()
    named = _units_of(session, query.municipality_id, [row.id for row in rows])
    return [
        ConsentRow(
            row.id, row.reference, row.case_id, row.purpose, row.kinds, tuple(named.get(row.id, ())), row.state,
            row.valid_to, row.asked_at, row.asked_by, row.renews_id, row.parties, row.given,
        )
        for row in rows
    ]  # fmt: skip


def _units_of(session: sa.Connection, municipality_id: str, ids: Collection[str]) -> dict[str, list[str]]:
    if not ids:
        return {}
    named: dict[str, list[str]] = {}
    rows = session.execute(
        sa.select(consent_units.c.consent_id, units.c.name)
        .join(
            units,
            sa.and_(units.c.municipality_id == consent_units.c.municipality_id, units.c.id == consent_units.c.unit_id),
        )
        .where(consent_units.c.municipality_id == municipality_id, consent_units.c.consent_id.in_(ids))
        .order_by(units.c.name)
    )
    for row in rows:
        named.setdefault(row.consent_id, []).append(row.name)
    return named


# --- one consent --------------------------------------------------------------------------------------------------


def consent_row(session: sa.Connection, *, municipality_id: str, consent_id: str, as_of: datetime) -> ConsentRow | None:
    """Return one consent with its state at `as_of`; None when there was none then."""
    rows = _select(session, ConsentQuery(municipality_id, as_of, consent_id=consent_id), before=None, limit=1)
    return rows[0] if rows else None


def events_of(session: sa.Connection, *, municipality_id: str, consent_id: str) -> tuple[EventRow, ...]:
    """Return all that was ever said to a consent, in order."""
    v = consent_events.c
    rows = session.execute(
        sa.select(
            v.event, v.party_id, v.channel, v.said_on, v.recorded_at, people.c.name,
            (v.witness != "").label("has_witness"), (v.evidence != "").label("has_evidence"),
        )
        .join(people, sa.and_(people.c.municipality_id == v.municipality_id, people.c.id == v.recorded_by))
        .where(v.municipality_id == municipality_id, v.consent_id == consent_id)
        .order_by(v.recorded_at, v.id)
    )  # fmt: skip
    return tuple(EventRow(*row) for row in rows)


def parties_of(
    session: sa.Connection, *, municipality_id: str, consent_id: str, events: tuple[EventRow, ...], as_of: datetime
) -> tuple[PartyRow, ...]:
    """Return who must answer, with what each had answered by `as_of`."""
    p, g = consent_parties.c, guardianships.c
    relation = (
        sa.select(g.relation)
        .where(
            g.municipality_id == p.municipality_id,
            g.guardian_id == p.guardian_id,
            g.subject_id == c.subject_id,
        )
        .order_by(g.id)
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(p.id, p.authority, relation.label("relation"))
        .join(consents, sa.and_(c.municipality_id == p.municipality_id, c.id == p.consent_id))
        .where(p.municipality_id == municipality_id, p.consent_id == consent_id)
        .order_by(p.id)
    )
    said = {event.party_id: event.event for event in events if event.recorded_at <= as_of}
    return tuple(PartyRow(row.id, row.authority, row.relation or "", said.get(row.id, "")) for row in rows)


def doors_of(session: sa.Connection, *, municipality_id: str, consent_id: str, as_of: datetime) -> tuple[DoorRow, ...]:
    """Return every door a consent has opened, whether it stood open at `as_of` or not."""
    d = disclosures.c
    rows = session.execute(
        sa.select(
            d.id, units.c.name, d.purpose, d.kinds, d.opened_at, people.c.name.label("opened_by"), d.valid_to,
            d.ended_at, d.ended_how,
        )
        .join(units, sa.and_(units.c.municipality_id == d.municipality_id, units.c.id == d.unit_id))
        .join(people, sa.and_(people.c.municipality_id == d.municipality_id, people.c.id == d.opened_by))
        .where(d.municipality_id == municipality_id, d.consent_id == consent_id)
        .order_by(d.opened_at, d.id)
    )  # fmt: skip
    day = local_day(as_of)
    return tuple(
        DoorRow(
            row.id, row.name, row.purpose, row.kinds, row.opened_at, row.opened_by, row.valid_to, row.ended_at,
            row.ended_how or "",
            row.opened_at <= as_of and (row.ended_at is None or row.ended_at > as_of) and row.valid_to >= day,
        )
        for row in rows
    )  # fmt: skip
