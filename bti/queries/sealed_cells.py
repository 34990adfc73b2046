"""Sealed cells as they lie in the database: whether all of them open, and are those that the trail tells of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from bti.audit.trail import COMMITMENT
from bti.crypto.sealing import commitment, open_cell, ring, version_of
from bti.db import be_in
from bti.errors import Unopened
from bti.models import audit_entries, metadata, people
from bti.models.sealed import sealed_columns
from bti.queries.register import municipality_ids

AT_ONCE = 1_000
Code = Literal["no_key", "not_sealed", "changed", "other_than_told", "never_told", "row_gone"]


@dataclass(frozen=True)
class Finding:
    """A cell that isn't as it should be.

    `no_key`, `not_sealed` and `changed` don't open; `other_than_told` opens, but the trail tells of another (an older
    one was put back); `never_told` is in no entry of the trail; `row_gone` was told of, and isn't there.
    """

    code: Code
    municipality_id: str
    table: str
    column: str
    row_id: str


@dataclass(frozen=True)
class Raw:
    """A row's sealed columns as they lie there, with what they are bound to."""

    municipality_id: str
    row_id: str
    owner: str
    cells: dict[str, str | None]


def sealed_tables() -> tuple[sa.Table, ...]:
    """Return the tables that have sealed columns."""
    return tuple(table for table in metadata.sorted_tables if sealed_columns(table))


def raw_rows(
    session: sa.Connection,
    table: sa.Table,
    *,
    municipality_id: str,
    after: str = "",
    most: int = AT_ONCE,
    lock: bool = False,
) -> list[Raw]:
    """Return up to `most` of a municipality's rows from after the id `after`, unopened.

    The session must be in that municipality. `lock` lets nobody else change them until the transaction ends.
    """
    names = sealed_columns(table)
    raw = [sa.type_coerce(table.c[name], sa.Text).label(name) for name in names]
    query = (
        sa.select(table.c.municipality_id, table.c.id, table.c[table.info["owner"]].label("owner_id"), *raw)
        .where(table.c.municipality_id == municipality_id, table.c.id > after)
        .order_by(table.c.id)
        .limit(most)
    )
    rows = session.execute(query.with_for_update() if lock else query)
    return [Raw(row[0], row[1], row[2], dict(zip(names, row[3:], strict=True))) for row in rows]


def all_rows(session: sa.Connection, table: sa.Table, *, municipality_id: str) -> Iterator[Raw]:
    """Return all of a municipality's rows, unopened, so many at a time as the table allows."""
    after = ""
    most = table.info["at_once"]
    while some := raw_rows(session, table, municipality_id=municipality_id, after=after, most=most):
        yield from some
        after = some[-1].row_id


def key_problems(session: sa.Connection) -> list[str]:
    """Return a sentence for each municipality whose cells the keys of this process don't open, with what to do."""
    return [problem for id_ in municipality_ids(session) if (problem := _problem_of(session, id_))]


def _problem_of(session: sa.Connection, municipality_id: str) -> str | None:
    be_in(session, municipality_id)
    first = next(iter(raw_rows(session, people, municipality_id=municipality_id, most=1)), None)
    cell = first.cells["name"] if first else None
    if cell and version_of(cell) is None:
        return f"What {municipality_id} has written isn't sealed yet: run bti keys seal."
    has_key = ring().store.find(municipality_id, municipality_id) is not None
    if has_key and not (first and _shut(people, first, "name", cell)):
        return None
    return (
        f"The key store doesn't have the keys of {municipality_id}: set BTI_KEYS to the one that belongs to this "
        "database, or restore it from its backup."
    )


def keys_missing(session: sa.Connection) -> int:
    """Return how many owners (cases, children, guardians, municipalities) have sealed cells and no key in the store.

    Keys that were destroyed aren't missing. Goes from municipality to municipality, and leaves the session in the last.
    """
    missing = set()
    for municipality_id in municipality_ids(session):
        be_in(session, municipality_id)
        for table in sealed_tables():
            written = sa.or_(*(sa.type_coerce(table.c[name], sa.Text) != "" for name in sealed_columns(table)))
            owner = table.c[table.info["owner"]]
            asked = sa.select(owner).where(table.c.municipality_id == municipality_id, written).distinct()
            missing |= {
                (municipality_id, one)
                for one in session.execute(asked).scalars()
                if ring().store.find(municipality_id, one) is None
            }
    return len(missing)


def findings_in(session: sa.Connection, municipality_id: str) -> Iterator[Finding]:
    """Return every cell of a municipality, which the session must be in, that doesn't open, and every one that isn't
    what the trail tells of last."""
    told = _told(session, municipality_id)
    for table in sealed_tables():
        for row in all_rows(session, table, municipality_id=municipality_id):
            for column, cell in row.cells.items():
                last = told.pop((table.name, row.row_id, column), _NEVER)
                code = _shut(table, row, column, cell) or (_untold(cell, last) if table.info["told"] else None)
                if code:
                    yield Finding(code, municipality_id, table.name, column, row.row_id)
    for (name, row_id, column), last in sorted(told.items()):
        if last:
            yield Finding("row_gone", municipality_id, name, column, row_id)


_NEVER = "never"


def _shut(table: sa.Table, row: Raw, column: str, cell: str | None) -> Any:
    if not cell:
        return None
    try:
        open_cell(ring(), cell, row.municipality_id, table.name, column, row.row_id, row.owner)
    except Unopened as shut:
        return shut.cause
    return None


def _untold(cell: str | None, last: str | None) -> Code | None:
    if last == _NEVER:
        return "never_told" if cell else None
    return None if last == (cell and commitment(cell)) else "other_than_told"


def _told(session: sa.Connection, municipality_id: str) -> dict[tuple[str, str, str], str | None]:
    """Return what the trail says last of each cell of a municipality: by table, row and column."""
    e = audit_entries.c
    found: dict[tuple[str, str, str], str | None] = {}
    after = 0
    query = (
        sa.select(e.id, e.fields)
        .where(
            e.municipality_id == municipality_id,
            e.id > sa.bindparam("after", type_=sa.BigInteger),
            e.fields.contains(f'"{COMMITMENT}":'),
        )
        .order_by(e.id)
        .limit(AT_ONCE)
    )
    while rows := session.execute(query, {"after": after}).all():
        after = rows[-1].id
        for row in rows:
            for table, cells in json.loads(row.fields).get(COMMITMENT, {}).items():
                for row_id, columns in cells.items():
                    found |= {(table, row_id, column): said for column, said in columns.items()}
    return found
