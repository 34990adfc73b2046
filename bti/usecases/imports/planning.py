"""What planning an import has in common whatever its kind: going through the rows, and looking up units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from bti.models import units
from bti.usecases.imports.cells import plain
from bti.usecases.imports.report import Finding, Plan, excerpt
from bti.usecases.imports.table import Row, Table, header_of

Progress = Callable[[int, int], None]
_STEP = 500


@dataclass
class Work:
    """One import being planned: what was read, for which municipality, on which day, and the plan so far."""

    session: sa.Connection
    municipality_id: str
    table: Table
    today: date
    plan: Plan
    progress: Progress | None = None

    def rows(self) -> Iterator[tuple[Row, dict[str, Any]]]:
        """Give each row whose cells can be read; what is wrong with the others is in the plan's findings."""
        total = len(self.table.rows)
        for done, row in enumerate(self.table.rows):
            if self.progress and done % _STEP == 0:
                self.progress(done, total)
            values = self.table.values(row, self.today, self.plan.findings)
            if values is not None:
                yield row, values
        if self.progress:
            self.progress(total, total)

    def wrong(self, row: Row, column: str, code: str, *, other_row: int = 0, secret: bool = False) -> None:
        """Add what is wrong with a cell, seen together with other rows or with what is stored."""
        text = excerpt(row.cells.get(column, ""), secret=secret)
        header = header_of(self.table.kind, column)
        self.plan.findings.append(Finding(row.number, header, code, text, other_row))

    def count(self, *, created: bool, changed: bool) -> None:
        """Count what becomes of a row."""
        if created:
            self.plan.created += 1
        elif changed:
            self.plan.changed += 1
        else:
            self.plan.unchanged += 1

    def in_file(self, values: dict[str, Any], *columns: str) -> dict[str, Any]:
        """Return these values, but only of columns that the file has: what it doesn't speak of stays."""
        return {column: values[column] for column in columns if self.table.has(column)}

    def select(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> list[Any]:
        """Return the municipality's rows of a table."""
        query = sa.select(table).where(table.c.municipality_id == self.municipality_id, *conditions)
        return list(self.session.execute(query))


class UnitNames:
    """The municipality's units by name, however its letters are cased."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._known = {plain(row.name): row for row in work.select(units)}

    def find(self, row: Row, name: str) -> str | None:
        """Return the unit's id; None after adding the finding `unknown_unit` or `unit_ended`."""
        found = self._known.get(plain(name))
        if found is None:
            self._work.wrong(row, "unit", "unknown_unit")
            return None
        if found.ended_at is not None:
            self._work.wrong(row, "unit", "unit_ended")
            return None
        id_: str = found.id
        return id_


def differing(known: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return those of the `wanted` values that differ from what is stored."""
    return {column: value for column, value in wanted.items() if getattr(known, column) != value}
