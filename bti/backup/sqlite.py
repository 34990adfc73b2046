"""A backup of SQLite: its own backup API copies the pages of one moment, while others read and write."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bti.audit.export import Progress
from bti.backup.keys import require_keys
from bti.backup.manifest import Manifest, Table
from bti.db import open_database, reading, upgrade
from bti.models import metadata
from bti.private import new_file
from bti.unavailable import plain_refusals

NAME = "database.sqlite"
# Between so many pages the bar moves on; the moment that is copied stays the same.
_PAGES = 2_000


def copy_out(database: sa.Engine, folder: Path, progress: Progress) -> list[Table]:
    """Write the database into `folder` as one file; return its tables."""
    file = folder / NAME
    new_file(file).close()
    with closing(sqlite3.connect(file)) as target:
        with reading(database) as session:
            driver: Any = session.connection.driver_connection
            # The transaction sees this moment from its first reading on; without it every writer would make the
            # copying begin anew.
            driver.execute("SELECT count(*) FROM sqlite_master").fetchone()
            driver.backup(target, pages=_PAGES, progress=_told(progress))
        # One file is all there is to it, with no write-ahead log beside it.
        target.execute("PRAGMA journal_mode = DELETE")
        tables = list(_tables(target))
    _settle(file)
    return tables


def _tables(copy: sqlite3.Connection) -> Iterator[Table]:
    for table in metadata.sorted_tables:
        # The name is one of ours.
        rows = copy.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0]  # noqa: S608
        yield Table(table.name, rows, [column.name for column in table.columns])


def files(_found: Manifest) -> list[str]:
    """Return the names of the files that such a backup has."""
    return [NAME]


def copy_in(database: sa.Engine, folder: Path, _found: Manifest, progress: Progress) -> None:
    """Put the file into an empty database, once it has proved to be usable with this program and these keys."""
    with _tried_out(Path(str(database.url.database)), folder / NAME) as source, plain_refusals():
        raw = database.raw_connection()
        try:
            target: Any = raw.driver_connection
            source.backup(target, pages=_PAGES, progress=_told(progress))
        finally:
            raw.close()


@contextmanager
def _tried_out(database: Path, copy: Path) -> Iterator[sqlite3.Connection]:
    """Give the backup as this program needs it, in a file beside the database, so that the backup stays as it is."""
    beside = database.with_name(f"{database.name}.restoring")
    _remove(beside)
    try:
        with copy.open("rb") as source, new_file(beside) as target:
            shutil.copyfileobj(source, target)
        engine = open_database(f"sqlite:///{beside}")
        try:
            upgrade(engine)
            with reading(engine) as session:
                require_keys(session)
        finally:
            engine.dispose()
        with closing(sqlite3.connect(beside)) as usable:
            yield usable
    finally:
        _remove(beside)


def _remove(file: Path) -> None:
    for piece in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        piece.unlink(missing_ok=True)


def _told(progress: Progress) -> Callable[[int, int, int], Any]:
    return lambda _status, left, total: progress(total - left, total)


def _settle(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
