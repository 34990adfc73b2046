"""Reading the trail for an auditor: pages of entries, newest first, with names of staff and units and nothing else.

No statement here selects a column marked confidential; a test compiles every one of them and looks.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from bti.audit.vocabulary import READS
from bti.clock import local_day
from bti.models import audit_entries, cases, people, units
from bti.queries.audit_details import Detail, details_of, ids_in

PAGE_ROWS = 50
# How many entries a page of PAGE_ROWS rows may gather, when many of them are the same read again.
MOST_GATHERED = 400
# Nobody reads past a thousand; counting further costs more than it tells.
MOST_COUNTED = 1001
EXPORT_BATCH = 1000

Row = TypeVar("Row")
e = audit_entries.c
_people, _units, _cases = people.c, units.c, cases.c


@dataclass(frozen=True)
class LogQuery:
    """What to look for, resolved to ids. `auditor_id` is who looks: their own entries are left out."""

    municipality_id: str
    auditor_id: str
    person_ids: tuple[str, ...] = ()
    case_id: str | None = None
    unit_id: str | None = None
    events: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """One entry of the trail as an auditor sees it. `verdict` is set where its basis has been judged anew."""

    id: int
    at: datetime
    event: str
    actor_id: str | None
    actor: str
    unit_id: str | None
    unit: str
    role: str
    case: str
    case_id: str | None
    part: str
    consent_id: str | None
    purpose: str
    basis: str
    decision: str
    view: str
    details: tuple[Detail, ...]
    request_id: str
    verdict: str = ""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, newest first. `next` is where the following page begins; `count` stops at `MOST_COUNTED`.

    `own` is how many rows were left out because they are the auditor's own; `is_bounded` that older entries haven't
    been looked through.
    """

    rows: tuple[Row, ...]
    next: str | None
    count: int
    own: int = 0
    is_bounded: bool = False

    @property
    def is_capped(self) -> bool:
        """Whether there are more than were counted."""
        return self.count >= MOST_COUNTED


Conditions = list[sa.ColumnElement[bool]]
# Coalesced, a moment is only looked at: no planner takes its index, which isn't in the order that is asked for.
looked_at = sa.func.coalesce(e.at, e.at, type_=e.at.type)


def matching(session: sa.Connection, query: LogQuery) -> Conditions:
    """Return the conditions of a query, all but the one about the auditor's own; one statement, for the period.

    The period becomes a range of ids first, so that one index serves both filter and order; the moments are asked
    for too, because an entry's moment is read at the edge and may be a little older than its neighbour's.
    """
    found: Conditions = [e.municipality_id == query.municipality_id]
    if query.person_ids:
        found.append(e.actor_id.in_(query.person_ids))
    if query.case_id is not None:
        found.append(e.case_id == query.case_id)
    if query.unit_id is not None:
        found.append(e.unit_id == query.unit_id)
    if query.events:
        found.append(e.event.in_(query.events))
    return found + _period(session, query)


def _period(session: sa.Connection, query: LogQuery) -> Conditions:
    asked: Conditions = []
    if query.since is not None:
        asked.append(e.at >= query.since)
    if query.until is not None:
        asked.append(e.at < query.until)
    if not asked:
        return []
    first, last = session.execute(
        sa.select(sa.func.min(e.id), sa.func.max(e.id)).where(e.municipality_id == query.municipality_id, *asked)
    ).one()
    if first is None:
        return [sa.false()]
    exact: Conditions = []
    if query.since is not None:
        exact.append(looked_at >= query.since)
    if query.until is not None:
        exact.append(looked_at < query.until)
    return [e.id >= first, e.id <= last, *exact]


def not_own(query: LogQuery) -> sa.ColumnElement[bool]:
    """Return the condition that leaves out what the auditor did: nobody reviews their own access."""
    return sa.or_(e.actor_id.is_(None), e.actor_id != query.auditor_id)


def log_page(session: sa.Connection, query: LogQuery, found: Conditions, *, before: int | None) -> Page[Entry]:
    """Return a page of the entries under the conditions `found`, older than `before`, in four statements.

    As many as make PAGE_ROWS `runs`, and MOST_GATHERED at most.
    """
    others = [*found, not_own(query)]
    rows = _select(session, query, others, before=before, limit=MOST_GATHERED + 1)
    shown = rows[: _fitting(rows[:MOST_GATHERED])]
    return Page(
        rows=tuple(shown),
        next=str(shown[-1].id) if len(rows) > len(shown) else None,
        # A first page that was read to the end has counted itself.
        count=len(rows) if before is None and len(rows) <= MOST_GATHERED else count(session, others),
        own=count(session, [*found, e.actor_id == query.auditor_id]),
    )


def count(session: sa.Connection, found: Sequence[sa.ColumnElement[bool]], *, most: int = MOST_COUNTED) -> int:
    """Return how many entries there are under the conditions, `most` at most."""
    few = sa.select(sa.literal(1).label("one")).select_from(audit_entries).where(*found).limit(most)
    return int(session.execute(sa.select(sa.func.count()).select_from(few.subquery())).scalar_one())


def until_now(session: sa.Connection, query: LogQuery, found: Conditions) -> Conditions:
    """Return the conditions for a copy: without the auditor's own, and without what is written from now on."""
    others = [*found, not_own(query)]
    newest = sa.select(e.id).where(*others).order_by(e.id.desc()).limit(1)
    return [*others, e.id <= (session.execute(newest).scalar_one_or_none() or 0)]


def every_entry(session: sa.Connection, query: LogQuery, found: Conditions) -> Iterator[list[Entry]]:
    """Give all the entries under the conditions of `until_now`, newest first, some at a time."""
    before: int | None = None
    while True:
        rows = _select(session, query, found, before=before, limit=EXPORT_BATCH)
        if rows:
            yield rows
        if len(rows) < EXPORT_BATCH:
            return
        before = rows[-1].id


def numbered(session: sa.Connection, query: LogQuery, ids: Sequence[int]) -> list[Entry]:
    """Return the entries with these numbers, newest first."""
    found: Conditions = [e.municipality_id == query.municipality_id, e.id.in_(ids)]
    return _select(session, query, found, before=None, limit=len(ids)) if ids else []


def _select(
    session: sa.Connection, query: LogQuery, found: Conditions, *, before: int | None, limit: int
) -> list[Entry]:
    statement = (
        sa.select(
            e.id, e.at, e.event, e.actor_id, _people.name.label("actor"), e.unit_id, _units.name.label("unit"),
            e.role, _cases.reference.label("case"), e.case_id, e.object_id, e.purpose, e.basis, e.decision, e.fields,
            e.request_id,
        )
        .select_from(
            audit_entries.outerjoin(people, _same(people, e.actor_id))
            .outerjoin(units, _same(units, e.unit_id))
            .outerjoin(cases, _same(cases, e.case_id))
        )
        .where(*found)
        .order_by(e.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        statement = statement.where(e.id < before)
    rows = session.execute(statement).all()
    told = [json.loads(row.fields) for row in rows]
    names = _names(session, query.municipality_id, (ids_in(r.event, f) for r, f in zip(rows, told, strict=True)))
    return [_entry(row, fields, names) for row, fields in zip(rows, told, strict=True)]


def _same(table: sa.Table, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.municipality_id == e.municipality_id, table.c.id == column)


def _names(session: sa.Connection, municipality_id: str, ids: Iterable[Collection[str]]) -> dict[str, str]:
    """Return the names of staff and units that the fields of entries point to, in one statement."""
    wanted = sorted({one for some in ids for one in some})
    if not wanted:
        return {}
    rows = session.execute(
        sa.select(_people.id, _people.name.label("person"), sa.null().label("unit"))
        .where(_people.municipality_id == municipality_id, _people.id.in_(wanted))
        .union_all(
            sa.select(_units.id, sa.null(), _units.name).where(
                _units.municipality_id == municipality_id, _units.id.in_(wanted)
            )
        )
    )
    return {row.id: row.person or row.unit for row in rows}


def _entry(row: Any, fields: dict[str, Any], names: dict[str, str]) -> Entry:
    consent_id = row.object_id if row.event.startswith("consent.") else None
    if row.basis.startswith("consent:"):
        consent_id = row.basis.removeprefix("consent:")
    return Entry(
        id=row.id, at=row.at, event=row.event, actor_id=row.actor_id, actor=row.actor or "", unit_id=row.unit_id,
        unit=row.unit or "", role=row.role, case=row.case or "", case_id=row.case_id,
        part=str(fields.get("part", "")), consent_id=consent_id, purpose=row.purpose, basis=row.basis,
        decision=row.decision, view=str(fields.get("view", "")),
        details=details_of(row.event, fields, names), request_id=row.request_id,
    )  # fmt: skip


def with_verdicts(rows: Iterable[Entry], verdicts: dict[int, str]) -> tuple[Entry, ...]:
    """Return the entries with the verdict on each."""
    return tuple(replace(row, verdict=verdicts.get(row.id, "")) for row in rows)


# --- the same read again and again ------------------------------------------------------------------------------------


def runs(entries: Iterable[Entry]) -> tuple[tuple[Entry, ...], ...]:
    """Return entries (newest first) with repeated reads together: by the same person, of the same page of the same
    case, on the same ground with the same verdict, on one day. Every other entry stands alone.

    Only reads that were let through are ever joined. A change or a refusal in between, in that case or by that
    person, parts the reads before it from those after it.
    """
    found: list[list[Entry]] = []
    for number, entry in _numbered(entries):
        if number == len(found):
            found.append([])
        found[number].append(entry)
    return tuple(tuple(run) for run in found)


def _fitting(entries: Sequence[Entry]) -> int:
    """Return how many of the entries, from the first on, make no more than PAGE_ROWS runs."""
    return next((place for place, (run, _) in enumerate(_numbered(entries)) if run >= PAGE_ROWS), len(entries))


def _numbered(entries: Iterable[Entry]) -> Iterator[tuple[int, Entry]]:
    """Give each entry with the number of the run it belongs to."""
    number = -1
    still_open: dict[tuple[Any, ...], int] = {}
    for entry in entries:
        who_and_where = (entry.actor_id, entry.case_id)
        if not _is_plain_read(entry):
            still_open = {key: run for key, run in still_open.items() if not _meet(key[0], who_and_where)}
            number += 1
            yield number, entry
            continue
        key = (
            who_and_where, entry.event, entry.part, entry.view, entry.details, entry.unit_id, entry.role,
            entry.purpose, entry.basis, entry.verdict, local_day(entry.at),
        )  # fmt: skip
        if key not in still_open:
            number += 1
            still_open[key] = number
        yield still_open[key], entry


def _is_plain_read(entry: Entry) -> bool:
    # An auditor's look-ups ask each for something else, though they may look alike here.
    is_read = entry.event in READS and not entry.event.startswith(("audit.", "consent."))
    return is_read and entry.decision == "allowed" and entry.actor_id is not None


def _meet(one: tuple[str | None, str | None], other: tuple[str | None, str | None]) -> bool:
    return any(mine is not None and mine == theirs for mine, theirs in zip(one, other, strict=True))


# --- what the filters offer -------------------------------------------------------------------------------------------


def people_named(session: sa.Connection, *, municipality_id: str, text: str) -> tuple[str, ...]:
    """Return the ids of staff whose user name is `text`, or whose name holds it; ended staff too.

    Compared here and not in the database: SQLite doesn't know that Å and å are one letter.
    """
    wanted = text.strip().casefold()
    rows = session.execute(
        sa.select(_people.id, _people.username, _people.name).where(_people.municipality_id == municipality_id)
    ).all()
    exact = tuple(row.id for row in rows if wanted in (row.username.casefold(), row.name.casefold()))
    return exact or tuple(row.id for row in rows if wanted in row.name.casefold())


def case_id_of(session: sa.Connection, *, municipality_id: str, reference: str) -> str | None:
    """Return the id of the case with this pseudonymous reference, however it is typed."""
    found = session.execute(
        sa.select(_cases.id).where(
            _cases.municipality_id == municipality_id, _cases.reference == reference.strip().upper()
        )
    )
    return found.scalar_one_or_none()


def units_of(session: sa.Connection, *, municipality_id: str) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of every unit, ended ones too: what they did is still in the trail."""
    rows = session.execute(
        sa.select(_units.id, _units.name).where(_units.municipality_id == municipality_id).order_by(_units.name)
    )
    return tuple((row.id, row.name) for row in rows)
