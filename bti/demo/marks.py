"""Is this database a demo? Asked before anything is touched, and answered without touching anything."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from bti.db import open_database, reading
from bti.models import metadata, municipalities

# `empty`: no tables at all; `demo`: at least one municipality and all of them demos; `other`: anything else.
Mark = Literal["empty", "demo", "other"]


def mark_as_demo(session: sa.Connection, municipality_id: str) -> None:
    """Mark a municipality as invented: `bti demo` may replace it, and anybody may log in as anybody."""
    session.execute(sa.update(municipalities).where(municipalities.c.id == municipality_id).values(is_demo=True))


def mark_of(url: str) -> Mark:
    """Return what the database at `url` is, leaving file and rows as they are.

    Raises `Misconfigured` for a URL that isn't whole and `DatabaseUnavailable` for a server that doesn't answer. A
    file that can't be read as a database is `other`.
    """
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        return _mark_of_file(Path(parts.database or ""))
    engine = open_database(url)
    try:
        with reading(engine) as session:
            return mark_in(session)
    finally:
        engine.dispose()


def mark_in(session: sa.Connection) -> Mark:
    """Return what the database is, as this transaction sees it."""
    tables = set(sa.inspect(session).get_table_names())
    if not tables:
        return "empty"
    known = list(session.execute(sa.select(municipalities.c.is_demo)).scalars()) if _ours(tables) else []
    return _verdict(known)


def _mark_of_file(file: Path) -> Mark:
    if not file.exists() or file.stat().st_size == 0:
        return "empty"
    # Opened by the driver and not by `bti.db`, which would turn on the write-ahead log and so write to the file.
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?{_without_a_trace(file)}", uri=True)
    except sqlite3.Error:
        return "other"
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return "empty"
        rows = connection.execute("SELECT is_demo FROM municipalities").fetchall() if _ours(tables) else []
        return _verdict([bool(is_demo) for (is_demo,) in rows])
    except sqlite3.Error:
        return "other"
    finally:
        connection.close()


def _without_a_trace(file: Path) -> str:
    # With nothing in the write-ahead log, the file is all there is and may be read without taking a lock beside it.
    log = file.with_name(f"{file.name}-wal")
    return "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"


def _ours(tables: set[str]) -> bool:
    return municipalities.name in tables and tables & set(metadata.tables) != set()


def _verdict(known: list[bool]) -> Mark:
    return "demo" if known and all(known) else "other"
