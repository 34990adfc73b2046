"""`bti backup` and `bti restore`: a copy of the database, and a database from the copy."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bti import backup as backups
from bti.cli.audit import progress_bar
from bti.cli.edge import any_database
from bti.clock import utc_now
from bti.crypto.keys import use_keys

_APART = """
The keys are not in it, nor what the log has signed. Now copy the folder of BTI_KEYS, after this backup and never
before it, to another place; the master key has its recovery shares. Without the keys nothing in the backup opens.
"""
_NEXT = """
On PostgreSQL: bti db allow for the roles of the pages and of the log. Then: bti fsck. If entries were signed after this
backup, bti audit run refuses to go on until bti audit epoch --reason restored says openly that they are lost.
"""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def backup(folder: Path) -> None:
    """Copy the database into FOLDER while people work.

    FOLDER must be new. It gets the database as it is at one moment, and manifest.json with the schema's revision, the
    time, the number of rows in each table and the SHA-256 of each file. Nobody has to wait. No keys are needed, but
    the right to read every table.

    The key store (BTI_KEYS), the master key and the log's folder (BTI_LOG) are NOT in it. Copy the key store after
    each backup, to another place: each new case adds a key. The log's keys are backed up once, elsewhere.
    """
    with any_database() as engine, progress_bar("Copying the database") as progress:
        made = backups.back_up(engine, folder, now=utc_now(), progress=progress)
    click.echo(f"{made.rows} rows in {len(made.tables)} tables at schema {made.schema} are in {folder}.")
    click.echo(_APART.strip())


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore(folder: Path) -> None:
    """Put a backup into an empty database.

    FOLDER is what bti backup wrote. BTI_DATABASE_URL says where to: a SQLite file that isn't there yet, or a database
    of PostgreSQL without tables, as the role that is to own them. BTI_KEYS and the master key must be set, and the key
    store hold every key that the backup needs. An older schema is brought up to date.

    All or nothing: refused where there are tables already, for a damaged file, for a schema newer than this version,
    and when keys are missing. Afterwards run bti fsck; it says whether the log has to begin anew.
    """
    use_keys(os.environ)
    with any_database() as engine, progress_bar("Restoring the database") as progress:
        found = backups.restore(engine, folder, progress=progress)
    click.echo(f"{found.rows} rows in {len(found.tables)} tables are restored, as they were at {found.taken_at}.")
    click.echo(_NEXT.strip())
