"""A town that grows: what the use cases have written is copied in bulk, with new ids and all constraints kept.

`more_cases` copies the town's cases with everything in them, its children and its trail; `longer_trail` the trail
alone; `more_staff` its people; `more_in_the_case` all that one case holds. Each copy is a row a use case could have
written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bti.db import writing
from bti.models import (
    anonymous_discussions,
    attachments,
    audit_entries,
    batons,
    cases,
    consent_events,
    consent_parties,
    consent_units,
    consents,
    disclosures,
    entries,
    evaluations,
    goals,
    guardians,
    guardianships,
    handovers,
    import_runs,
    measures,
    memberships,
    metadata,
    new_id,
    participations,
    people,
    referrals,
    subjects,
    wonders,
)
from bti.usecases.wonders import new_reference
from tests.cast import Cast
from tests.keys import put

IN_A_CASE = (
    consents, consent_units, consent_parties, consent_events, disclosures, entries, attachments, goals, measures,
    evaluations, participations, handovers, referrals, batons,
)  # fmt: skip
OF_A_CONSENT = (consent_units, consent_parties, consent_events)
THE_CASES = (*IN_A_CASE, cases, wonders, subjects, guardians, guardianships, anonymous_discussions, import_runs)
THE_STAFF = (people, memberships)
_ID = re.compile(r"\b[a-z0-9]{20}\b")

Rows = dict[sa.Table, list[Mapping[str, Any]]]
Ids = dict[str, str]


def more_cases(cast: Cast, times: int) -> None:
    """Copy every case with what is in it, every child, question and import, and the trail of it all."""
    with writing(cast.database) as session:
        rows = {table: _rows(session, table) for table in (*THE_CASES, audit_entries)}
        _copy(session, cast, rows, times)


def longer_trail(cast: Cast, length: int) -> None:
    """Copy the trail alone, until it has at least so many entries."""
    with writing(cast.database) as session:
        rows = {audit_entries: _rows(session, audit_entries)}
        _copy(session, cast, rows, -(-length // len(rows[audit_entries])))


def more_staff(cast: Cast, times: int) -> None:
    """Copy everybody who works in the town, with their roles."""
    with writing(cast.database) as session:
        _copy(session, cast, {table: _rows(session, table) for table in THE_STAFF}, times)


def more_in_the_case(cast: Cast, case_id: str, times: int) -> None:
    """Copy what the case holds: log, plans, consents, doors, offers made before, and partners with their people."""
    with writing(cast.database) as session:
        named = [row["id"] for row in _rows(session, consents) if row["case_id"] == case_id]
        rows: Rows = {table: _rows(session, table) for table in (*IN_A_CASE, *THE_STAFF)}
        for table in IN_A_CASE:
            kept = ("consent_id", named) if table in OF_A_CONSENT else ("case_id", [case_id])
            rows[table] = [row for row in rows[table] if row[kept[0]] in kept[1]]
        partners = {row["person_id"] for row in rows[participations]}
        rows[people] = [row for row in rows[people] if row["id"] in partners]
        rows[memberships] = [row for row in rows[memberships] if row["person_id"] in partners]
        # Only one offer and one referral is open at a time, and one baton is held: the copies are over.
        _over(rows, handovers, state="declined", answered_at=cast.now, decline_reason="no_capacity")
        _over(rows, referrals, decided_at=cast.now, decided_by="berit", outcome="decided")
        _over(rows, batons, ended_at=cast.now)
        _copy(session, cast, rows, times)


def _over(rows: Rows, table: sa.Table, **values: Any) -> None:
    rows[table] = [{**row, **values} for row in rows[table]]


def _rows(session: sa.Connection, table: sa.Table) -> list[Mapping[str, Any]]:
    # In the order they were made: copies of the trail are judged by which entry came before which.
    return [dict(row) for row in session.execute(sa.select(table).order_by(*table.primary_key)).mappings()]


def _copy(session: sa.Connection, cast: Cast, rows: Rows, times: int) -> None:
    for table in metadata.sorted_tables:
        rows.setdefault(table, [])
    copies: Rows = {table: [] for table in metadata.sorted_tables}
    for number in range(times):
        new: Ids = {row["id"]: new_id() for found in rows.values() for row in found if isinstance(row["id"], str)}
        for table, found in rows.items():
            copies[table] += [_renamed(cast, table, row, new, late=number % 2 == 0) for row in found]
    for table in metadata.sorted_tables:
        for part in _parts(copies[table]):
            put(session, table, part)


def _renamed(cast: Cast, table: sa.Table, row: Mapping[str, Any], new: Ids, *, late: bool) -> dict[str, Any]:
    told = {name: _told(value, new) if isinstance(value, str) else value for name, value in row.items()}
    if table is audit_entries:
        del told["id"]
    if table is cases:
        told["reference"] = new_reference(cast.now)
        if late and row["due_on"]:
            told |= dict.fromkeys(("due_on", "step_due_on"), cast.today - timedelta(days=3))
    for name in ("username", "external_key"):
        if told.get(name):
            told[name] = new_id()
    return told


def _told(value: str, new: Ids) -> str:
    """Return the text with every id in it that has been copied made new: keys, bases of reads, fields of the trail."""
    return new[value] if value in new else _ID.sub(lambda found: new.get(found[0], found[0]), value)


def _parts(rows: list[Any], length: int = 2_000) -> Iterator[list[Any]]:
    for start in range(0, len(rows), length):
        yield rows[start : start + length]
