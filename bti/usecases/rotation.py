"""Sealing everything anew: with new keys, or for the first time. Killed at any moment, it goes on where it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import audit, tenancy
from bti.crypto.sealing import open_cell, ring, version_of
from bti.db import be_in, reading, writing
from bti.errors import NotPossible, Unopened
from bti.models import cases, guardians, subjects
from bti.models.sealed import begin_owner, sealed
from bti.queries.register import municipality_ids
from bti.queries.sealed_cells import Raw, raw_rows, sealed_tables
from bti.usecases.system import System

# What one entry of the trail commits to, and one transaction holds up writers for.
_ROWS_AT_ONCE = 100
_OWNERS = (cases, subjects, guardians)

Clock = Callable[[], datetime]
# Called with how much has been looked through, of how much.
Progress = Callable[[int, int], None]


@dataclass
class Outcome:
    """What was done: cells sealed, and cells that don't open and were left as they are."""

    sealed: int = 0
    left: int = 0


def rotate(database: sa.Engine, *, clock: Clock, progress: Progress = lambda done, total: None) -> Outcome:
    """Give every case and person a new key and seal all cells with it; what is sealed with older keys opens meanwhile.

    Interrupted, the next call goes on with the same rotation. Cells that don't open are left for `bti fsck` to name.
    Raises Misconfigured when somebody else does it right now.
    """
    keys, outcome = ring(), Outcome()
    with keys.store.alone():
        turn = keys.begin_turn()
        owners = list(keys.store.owners())
        total = len(owners) + _count(database)
        for done, (municipality_id, owner) in enumerate(owners):
            keys.renew(municipality_id, owner, turn)
            if done % _ROWS_AT_ONCE == 0:
                progress(done, total)
        # Once more: somebody may have been in the middle of writing with an older key.
        while _seal_anew(database, "keys.rotate", clock, outcome, lambda done: progress(len(owners) + done, total)):
            outcome.left = 0
        keys.end_turn()
    progress(total, total)
    return outcome


def seal_all(database: sa.Engine, *, clock: Clock, progress: Progress = lambda done, total: None) -> Outcome:
    """Seal what isn't sealed, in a database from before there were keys. What is sealed is left as it is.

    Raises NotPossible (`keys_missing`) when it was sealed with keys that this key store doesn't have.
    """
    keys, outcome = ring(), Outcome()
    with keys.store.alone():
        with reading(database) as session:
            known = municipality_ids(session)
            new = [id_ for id_ in known if keys.store.find(id_, id_) is None]
            for id_ in new:
                be_in(session, id_)
                _require_unsealed(session, id_)
            for id_ in new:
                be_in(session, id_)
                for table in _OWNERS:
                    for owner in session.scalars(sa.select(table.c.id).where(table.c.municipality_id == id_)):
                        begin_owner(id_, owner)
                begin_owner(id_, id_)
        total = _count(database)
        _seal_anew(database, "keys.seal", clock, outcome, lambda done: progress(done, total))
    progress(total, total)
    return outcome


def _require_unsealed(session: sa.Connection, municipality_id: str) -> None:
    """Make no new keys for what was sealed with others: they would stand in the way of the right ones."""
    for table in sealed_tables():
        for row in raw_rows(session, table, municipality_id=municipality_id, most=1):
            if any(cell and version_of(cell) is not None for cell in row.cells.values()):
                raise NotPossible("keys_missing", municipality=municipality_id)


def _count(database: sa.Engine) -> int:
    count = 0
    with reading(database) as session:
        for municipality_id in municipality_ids(session):
            be_in(session, municipality_id)
            for table in sealed_tables():
                here = table.c.municipality_id == municipality_id
                count += session.scalar(sa.select(sa.func.count()).select_from(table).where(here)) or 0
    return count


def _seal_anew(database: sa.Engine, event: str, clock: Clock, outcome: Outcome, progress: Callable[[int], None]) -> int:
    """Seal what `event` is to seal, some rows in each transaction; return how many cells that were."""
    before, done = outcome.sealed, 0
    with reading(database) as session:
        known = municipality_ids(session)
    for municipality_id in known:
        for table in sealed_tables():
            after, most = "", min(_ROWS_AT_ONCE, table.info["at_once"])
            while True:
                with tenancy.within(municipality_id), writing(database) as session:
                    rows = raw_rows(session, table, municipality_id=municipality_id, after=after, most=most, lock=True)
                    _seal_rows(session, table, municipality_id, rows, event, clock(), outcome)
                if not rows:
                    break
                after = rows[-1].row_id
                done += len(rows)
                progress(done)
    return outcome.sealed - before


def _seal_rows(
    session: sa.Connection,
    table: sa.Table,
    municipality_id: str,
    rows: list[Raw],
    event: str,
    now: datetime,
    outcome: Outcome,
) -> None:
    changed = 0
    for row in rows:
        texts = _texts(table, row, event, outcome)
        if texts:
            _write(session, table, row, texts)
            outcome.sealed += len(texts)
            changed += 1
    if changed:
        audit.record(
            session, actor=System(municipality_id), municipality_id=municipality_id, event=event, now=now,
            fields={"part": table.name, "rows": changed},
        )  # fmt: skip


def _texts(table: sa.Table, row: Raw, event: str, outcome: Outcome) -> dict[str, str]:
    """Return the texts of those cells of the row that are to be sealed now."""
    found: dict[str, str] = {}
    for column, cell in row.cells.items():
        if not cell:
            continue
        version = version_of(cell)
        if event == "keys.seal":
            if version is None:
                found[column] = cell
        elif version != _newest(row):
            try:
                here = (row.municipality_id, table.name, column, row.row_id, row.owner)
                found[column] = open_cell(ring(), cell, *here)
            except Unopened:
                outcome.left += 1
    return found


def _newest(row: Raw) -> int | None:
    try:
        return ring().sealer(row.municipality_id, row.owner)[0]
    except KeyError:
        # Its keys are gone, so nothing is to be sealed with them.
        return None


def _write(session: sa.Connection, table: sa.Table, row: Raw, texts: dict[str, str]) -> None:
    place: dict[str, Any] = {"municipality_id": row.municipality_id, "id": row.row_id, table.info["owner"]: row.owner}
    written = sealed(session, table, place | texts)
    here = (table.c.municipality_id == row.municipality_id, table.c.id == row.row_id)
    session.execute(sa.update(table).where(*here).values({name: written[name] for name in written.keys() - place}))
