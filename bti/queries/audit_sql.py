"""What an auditor's statements need and the two databases say differently: local days and fields of an entry.

Both have to be exact in SQL, or pages and counts would disagree with the rule they are to find breaches of.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from bti.models import TURNS


def is_turn(entry: Any) -> sa.ColumnElement[bool]:
    """Return the condition that an entry (columns of `audit_entries`) is one of `bti.models.TURNS`.

    Written out, not as parameters: SQLite takes the turns' own index only for its very words.
    """
    event: sa.ColumnElement[str] = entry.event
    return event.in_([sa.literal_column(f"'{turn}'") for turn in TURNS])


class local_day_of(FunctionElement[Any]):
    """The day in Norway a moment belongs to: `bti.clock.local_day`, for a column."""

    name = "local_day_of"
    type = sa.Date()
    inherit_cache = True


@compiles(local_day_of, "postgresql")
def _local_day_postgresql(element: local_day_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AT TIME ZONE 'Europe/Oslo' AS DATE)"


@compiles(local_day_of, "sqlite")
def _local_day_sqlite(element: local_day_of, compiler: SQLCompiler, **options: Any) -> str:
    # SQLite knows no zones. Summer time lasts from the last Sunday of March to that of October, 01.00 UTC both.
    moment = compiler.process(element.clauses, **options)
    year = f"strftime('%Y', {moment})"
    begins = f"datetime({year} || '-04-01', 'weekday 0', '-7 days', '+1 hour')"
    ends = f"datetime({year} || '-11-01', 'weekday 0', '-7 days', '+1 hour')"
    hours = f"CASE WHEN {moment} >= {begins} AND {moment} < {ends} THEN '+2 hours' ELSE '+1 hour' END"
    return f"date({moment}, {hours})"


def lasted(valid_to: Any, moment: Any) -> sa.ColumnElement[bool]:
    """Return the condition that the day `valid_to` wasn't over at `moment`, both columns.

    A later day in UTC is a later day here too; only on the last day itself is the local one worked out.
    """
    return sa.or_(valid_to > sa.func.date(moment), valid_to >= local_day_of(moment))


class field_of(FunctionElement[Any]):
    """One field of an entry as text: `field_of(audit_entries.c.fields, "to")`. The name is ours, never a reader's."""

    name = "field_of"
    type = sa.String()
    inherit_cache = True

    def __init__(self, fields: sa.ColumnElement[str], name: str) -> None:
        if not name.isidentifier():
            raise ValueError(name)
        super().__init__(fields, sa.literal_column(f"'{name}'"))


@compiles(field_of, "postgresql")
def _field_postgresql(element: field_of, compiler: SQLCompiler, **options: Any) -> str:
    fields, name = (compiler.process(part, **options) for part in element.clauses)
    return f"(CAST({fields} AS json) ->> {name})"


@compiles(field_of, "sqlite")
def _field_sqlite(element: field_of, compiler: SQLCompiler, **options: Any) -> str:
    fields, name = (compiler.process(part, **options) for part in element.clauses)
    return f"json_extract({fields}, '$.' || {name})"
