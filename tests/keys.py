"""Keys for tests, and rows written past the use cases: sealed as they are, and nothing told of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bti.crypto.keys import make_keys, use_keys
from bti.db import be_in
from bti.models.sealed import begin_owner, cells, sealed_columns
from bti.queries.register import municipality_ids
from bti.queries.sealed_cells import Finding, findings_in

# In memory where that can be: a disk makes every key of every test wait.
MEMORY = Path("/dev/shm")  # noqa: S108


def make_test_keys() -> Path:
    """Make keys for this process and the commands that it starts; return the folder to remove."""
    folder = Path(tempfile.mkdtemp(prefix="bti-keys-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    make_keys(folder / "store", folder / "master.key")
    take_test_keys(folder)
    return folder


def take_test_keys(folder: Path) -> None:
    """Let this process, and the commands that it starts, use these keys."""
    os.environ |= {"BTI_KEYS": str(folder / "store"), "BTI_MASTER_KEY_FILE": str(folder / "master.key")}
    use_keys(os.environ)


def remove_test_keys(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def put(session: sa.Connection, table: sa.Table, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Insert rows as they are given, sealed where the table is, with keys for owners that have none."""
    found = [rows] if isinstance(rows, Mapping) else rows
    session.execute(sa.insert(table), [row_of(table, row) for row in found])


def row_of(table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as it is stored."""
    if not sealed_columns(table):
        return dict(row)
    with suppress(ValueError):
        begin_owner(row["municipality_id"], row[table.info["owner"]])
    return cells(table, row)


def change(session: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool], **values: Any) -> None:
    """Change sealed columns of every row that fits, each sealed for its own row."""
    owner = table.info["owner"]
    places = (table.c.municipality_id, table.c.id, table.c[owner].label("of_owner"))
    for row in session.execute(sa.select(*places).where(where)).all():
        place = {"municipality_id": row.municipality_id, "id": row.id, owner: row.of_owner}
        written = cells(table, place | values)
        here = (table.c.municipality_id == row.municipality_id, table.c.id == row.id)
        session.execute(sa.update(table).where(*here).values({name: written[name] for name in written.keys() - place}))


def sealed_findings(session: sa.Connection) -> Iterator[Finding]:
    """Return what `findings_in` has to say of all municipalities, one after the other."""
    for municipality_id in municipality_ids(session):
        be_in(session, municipality_id)
        yield from findings_in(session, municipality_id)
