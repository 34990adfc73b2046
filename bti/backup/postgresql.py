"""A backup of PostgreSQL: every row of one moment, by COPY, municipality by municipality.

Not pg_dump: the walls between municipalities hold for the tables' owner too, so it would need a role that sees over
them, and it must never be older than the server. COPY needs only to be allowed to read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from bti.audit.export import Progress
from bti.backup.keys import require_keys
from bti.backup.manifest import Manifest, Table
from bti.config import Misconfigured
from bti.db import be_in, reading, upgrade_within, writing
from bti.models import metadata, municipalities
from bti.private import new_file

_AT_ONCE = 1 << 20
_SCHEMA = "alembic_version"
_FORCED = sa.text(
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relforcerowsecurity "
    "AND relnamespace = current_schema()::regnamespace ORDER BY 1"
)
_NUMBERED = sa.text("""
    SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name) AS sequence
    FROM information_schema.columns
    WHERE table_schema = current_schema() AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL
""")


def copy_out(database: sa.Engine, folder: Path, progress: Progress) -> list[Table]:
    """Write each table into a file of its own in `folder`; return them."""
    with reading(database) as session:
        _take_time(session)
        counts = _counts(session)
        total, done = sum(counts.values()), 0
        for table in metadata.sorted_tables:
            with new_file(folder / _file(table.name)) as target:
                for rows in _written(session, table, target):
                    done += rows
                    progress(done, total)
                target.flush()
                os.fsync(target.fileno())
        return [Table(table.name, counts[table.name], _columns(table)) for table in metadata.sorted_tables]


def _counts(session: sa.Connection) -> dict[str, int]:
    counts = dict.fromkeys((table.name for table in metadata.sorted_tables), 0)
    for table, mine in _pieces(session):
        query = sa.select(sa.func.count()).select_from(table)
        counts[table.name] += session.execute(query if mine is None else query.where(mine)).scalar_one()
    return counts


def _pieces(session: sa.Connection, *tables: sa.Table) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool] | None]]:
    """Go through tables behind each municipality's walls in turn; whoever sees over walls meets no row twice."""
    for table in tables or metadata.sorted_tables:
        if table is municipalities:
            yield table, None
            continue
        for municipality_id in session.scalars(sa.select(municipalities.c.id).order_by(municipalities.c.id)).all():
            be_in(session, municipality_id)
            yield table, table.c.municipality_id == municipality_id


def _written(session: sa.Connection, table: sa.Table, target: Any) -> Iterator[int]:
    driver: Any = session.connection.driver_connection
    for _table, mine in _pieces(session, table):
        where = sql.SQL("") if mine is None else sql.SQL("WHERE municipality_id = current_setting('bti.municipality')")
        asked = sql.SQL("COPY (SELECT {} FROM {} {}) TO STDOUT").format(
            _named(_columns(table)), sql.Identifier(table.name), where
        )
        with driver.cursor().copy(asked) as copy:
            for block in copy:
                target.write(block)
                # Within a row, line ends are written otherwise.
                yield bytes(block).count(b"\n")


def files(found: Manifest) -> list[str]:
    """Return the names of the files that such a backup has."""
    return [_file(table.name) for table in found.tables]


def copy_in(database: sa.Engine, folder: Path, found: Manifest, progress: Progress) -> None:
    """Make the backup's schema, fill it, and bring it up to date: one transaction."""
    total, done = sum(one.bytes for one in found.files), 0
    with writing(database) as session:
        _take_time(session)
        upgrade_within(session, to=found.schema)
        _require_tables(session, found)
        with _without_walls(session):
            for table in found.tables:
                for size in _filled(session, table, folder / _file(table.name)):
                    done += size
                    progress(done, total)
            _go_on_counting(session)
        upgrade_within(session)
        require_keys(session)


def _require_tables(session: sa.Connection, found: Manifest) -> None:
    there = set(sa.inspect(session).get_table_names()) - {_SCHEMA}
    if there != {table.name for table in found.tables}:
        raise Misconfigured(["The backup is damaged: its tables aren't those of its schema. Nothing was restored."])


@contextmanager
def _without_walls(session: sa.Connection) -> Iterator[None]:
    """Let the tables' owner fill those of all municipalities at once. Nobody else sees them before it commits."""
    forced = session.scalars(_FORCED).all()
    for name in forced:
        _say(session, sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(sql.Identifier(name)))
    yield
    for name in forced:
        _say(session, sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(sql.Identifier(name)))


def _filled(session: sa.Connection, table: Table, file: Path) -> Iterator[int]:
    driver: Any = session.connection.driver_connection
    cursor = driver.cursor()
    where = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), _named(table.columns))
    with file.open("rb") as source, cursor.copy(where) as copy:
        while block := source.read(_AT_ONCE):
            copy.write(block)
            yield len(block)
    if cursor.rowcount != table.rows:
        raise Misconfigured([f"The backup is damaged: {table.name} has other rows than it says. Nothing was restored."])


def _go_on_counting(session: sa.Connection) -> None:
    """Let numbers that the database hands out go on after the largest there is."""
    for name, column, sequence in session.execute(_NUMBERED).all():
        newest = sql.SQL("SELECT setval({}, max({})) FROM {} HAVING max({}) IS NOT NULL").format(
            sql.Literal(sequence), sql.Identifier(column), sql.Identifier(name), sql.Identifier(column)
        )
        _say(session, newest)


def _take_time(session: sa.Connection) -> None:
    session.exec_driver_sql("SET LOCAL statement_timeout = 0")
    session.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def _say(session: sa.Connection, statement: sql.Composable) -> None:
    driver: Any = session.connection.driver_connection
    driver.execute(statement)


def _columns(table: sa.Table) -> list[str]:
    return [column.name for column in table.columns]


def _named(columns: Any) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(name) for name in columns)


def _file(table: str) -> str:
    return f"{table}.copy"
