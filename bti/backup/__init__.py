"""A copy of the whole database as it is at one moment, made while people work, and put back where there is nothing.

The key store, the master key and the log's folder are no part of it: whoever finds a backup can open nothing in it, and
one that is put back can't make the log forget what it signed.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from bti.audit.export import Progress, quiet
from bti.backup import manifest, postgresql, sqlite
from bti.backup.manifest import Manifest
from bti.config import Misconfigured
from bti.db import current_revision, head_revision, is_behind, knows, reading

__all__ = ["Manifest", "back_up", "restore"]


def back_up(database: sa.Engine, folder: Path, *, now: datetime, progress: Progress = quiet) -> Manifest:
    """Write the database into `folder`, which must be new; return what was written. Nobody waits for it.

    `progress` is told how many pages (SQLite) or rows (PostgreSQL) of how many are written. The manifest comes last: a
    folder without one is no backup. Raises Misconfigured when the schema isn't this program's or the folder can't be
    written, DatabaseUnavailable; then the folder is removed.
    """
    if is_behind(database):
        raise Misconfigured(["The database's schema isn't the one this version needs: run bti db upgrade."])
    try:
        folder.mkdir(mode=0o700)
    except OSError as wrong:
        raise Misconfigured(
            [f"The folder {folder} can't be made: {wrong.strerror}. A backup needs a new one."]
        ) from wrong
    try:
        copying = sqlite if database.dialect.name == "sqlite" else postgresql
        tables = copying.copy_out(database, folder, progress)
        schema = current_revision(database) or ""
        return manifest.write(folder, kind=database.dialect.name, schema=schema, taken_at=now, tables=tables)
    except BaseException as wrong:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(wrong, OSError):
            raise Misconfigured([f"The backup can't be written to {folder}: {wrong.strerror}."]) from wrong
        raise


def restore(database: sa.Engine, folder: Path, *, progress: Progress = quiet) -> Manifest:
    """Put a backup into `database`, which must have no tables, and bring its schema up to date; return what it was.

    All of it or nothing. This process must have the keys (`use_keys`). Raises Misconfigured when the folder is no whole
    backup, a file of it was damaged, it is of the other kind of database or of a newer version, the database isn't
    empty, or the key store lacks keys that it needs; DatabaseUnavailable.
    """
    found = manifest.read(folder)
    if found.kind != database.dialect.name:
        raise Misconfigured([f"This is a backup of {found.kind}, and BTI_DATABASE_URL is {database.dialect.name}."])
    if not knows(found.schema):
        newest = head_revision()
        raise Misconfigured(
            [f"The backup's schema is {found.schema}, and this version knows none after {newest}: install a newer one."]
        )
    _require_empty(database)
    copying = sqlite if found.kind == "sqlite" else postgresql
    manifest.require_whole(folder, found, copying.files(found))
    copying.copy_in(database, folder, found, progress)
    return found


def _require_empty(database: sa.Engine) -> None:
    with reading(database) as session:
        has_tables = bool(sa.inspect(session).get_table_names())
    if has_tables:
        raise Misconfigured(["The database isn't empty, and a backup is never put over what is there: use a new one."])
