"""Sealed columns: the one door by which they are written, and how they open as rows are read.

A column's type sees neither its row nor its case, and a cell opens only with both. On the way out the database is
asked for them together with the cell, so every statement that selects a sealed column opens it, and none can forget to.
On the way in `sealed` takes the whole row; a bare text for a sealed column is refused, in a condition too: nothing can
be searched or sorted by what is sealed, and whoever tries is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from bti.crypto.sealing import commitment, open_cell, ring, seal
from bti.db import UNTOLD

_BETWEEN = sa.literal_column("'|'", sa.Text)


class Cell(str):
    """What stands in a sealed column: only `sealed` makes one."""

    __slots__ = ()


class Sealed(sa.types.TypeDecorator[str]):
    """The type of a sealed column. `owner` is the column of its table that says whose key seals it."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, table: str = "", column: str = "", owner: str = "") -> None:
        super().__init__()
        self.table = table
        self.column = column
        self.owner = owner

    def column_expression(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Ask for municipality, row and owner together with the cell."""
        inner: Any = column
        while isinstance(inner, sa.Label):
            inner = inner.element
        near = inner.table.c
        cell = sa.type_coerce(inner, sa.Text)
        row = near.municipality_id + _BETWEEN + near.id
        return sa.type_coerce(row + _BETWEEN + near[self.owner] + _BETWEEN + cell, self)

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Let sealed cells through, and nothing else."""
        if value is None:
            return None
        if value and not isinstance(value, Cell):
            raise TypeError(f"{self.table}.{self.column} is sealed: rows go through bti.models.sealed")
        return str(value)

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[str | None], str | None]:
        """Return what opens a cell that came with its municipality, row and owner."""
        table, column = self.table, self.column

        def opened(value: str | None) -> str | None:
            if value is None:
                return None
            municipality_id, row_id, owner, cell = value.split("|", 3)
            return cell and open_cell(ring(), cell, municipality_id, table, column, row_id, owner)

        return opened


def sealed(session: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row as it is written: texts of sealed columns sealed, a national id with its index beside it.

    An empty text stays empty: rules and auditors ask whether something was written, and it tells no more than that.

    `row` names its municipality, its id and its owner, also where only some columns are to change. The next entry of
    the trail in this transaction commits to what was sealed, and without one the transaction is turned down. Raises
    Unopened (`no_key`) when the owner has no key.
    """
    written = cells(table, row)
    if table.info.get("told", True):
        found = session.info.setdefault(UNTOLD, {}).setdefault(table.name, {}).setdefault(row["id"], {})
        for column in sealed_columns(table):
            if column in row:
                found[column] = written[column] and commitment(written[column])
    return written


def cells(table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with its sealed columns sealed, without the trail being told: for `sealed`, and for tests."""
    keys, written = ring(), dict(row)
    owner = row[table.info["owner"]]
    place = {"municipality_id": row["municipality_id"], "table": table.name, "row_id": row["id"], "owner": owner}
    for column in sealed_columns(table):
        text = written.get(column)
        if text is not None:
            written[column] = Cell(seal(keys, text, column=column, **place) if text else "")
    if "national_id" in row and "national_id_index" in table.c:
        written["national_id_index"] = national_id_index(row["municipality_id"], row["national_id"])
    return written


def national_id_index(municipality_id: str, national_id: str | None) -> str | None:
    """Return what a national id is found by: an HMAC under a key that is never in the database."""
    return ring().index(municipality_id, national_id) if national_id else None


def begin_owner(municipality_id: str, owner: str) -> None:
    """Make the key of a new case, child, guardian or municipality: before the first row that it seals."""
    ring().begin(municipality_id, owner)


def sealed_columns(table: sa.Table) -> tuple[str, ...]:
    """Return the names of a table's sealed columns."""
    found: tuple[str, ...] = table.info.get("sealed", ())
    return found
