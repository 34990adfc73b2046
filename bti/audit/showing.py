"""Reading for a page: what is read is told in the trail, on disk, before any of it is shown.

The reading itself holds up no writer. Its entries are written afterwards in a short transaction of their own, which
first sees that every case that was read still is as it was: has somebody withdrawn a consent meanwhile, nothing is
shown and the reading is done anew. So a reading and its entry stand at one moment, as if in one transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from bti.audit import pace
from bti.audit.trail import PENDING, Pending, is_simple, record, write, write_simple
from bti.db import DatabaseUnavailable, reading, single, writing
from bti.errors import TooManyCases
from bti.models import cases
from bti.statements import Fixed
from bti.unavailable import told_or_nothing

T = TypeVar("T")
# Cases change a few times a day. One that changes under three readings in a row is no reader's fault.
ATTEMPTS = 3


def show(database: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Return what `work(session)` reads, once the entries that it recorded are on disk.

    `work` only reads, and may be called again. Raises what it raises (nothing is recorded then), DatabaseUnavailable
    when the trail can't be written, and TooManyCases for somebody who opens them one after the other.
    """
    for _attempt in range(ATTEMPTS):
        pending = Pending()
        with reading(database) as session:
            found = work(session.execution_options(**{PENDING: pending}))
        # Some databases refuse only when the transaction ends.
        with told_or_nothing():
            if _is_told(database, pending):
                return found
    raise DatabaseUnavailable("busy")


# --- many readings, one commit -----------------------------------------------------------------------------------


@dataclass
class _Told:
    pending: Pending
    is_done: bool = False
    is_kept: bool = False
    problem: Exception | None = None


@dataclass
class _Row:
    """Those of one process who wait for their entries to be on disk. Whoever comes first writes for all."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    door: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[_Told] = field(default_factory=list)

    def join(self, one: _Told) -> None:
        with self.door:
            self.waiting.append(one)

    def leave(self) -> list[_Told]:
        with self.door:
            all_of_them, self.waiting = self.waiting, []
        return all_of_them


_rows: WeakKeyDictionary[sa.Engine, _Row] = WeakKeyDictionary()


def _is_told(database: sa.Engine, pending: Pending) -> bool:
    """Return whether the entries were written, or False where a case has changed since it was read."""
    if not pending.entries:
        return True
    if database.dialect.name != "sqlite":
        # It lets many commits share one write of the disk by itself.
        if is_simple(pending):
            with single(database) as session:
                if write_simple(session, pending):
                    return True
        with writing(database) as session:
            return _is_written_with_care(session, pending)
    row, mine = _rows.setdefault(database, _Row()), _Told(pending)
    row.join(mine)
    with row.turn:
        if not mine.is_done:
            _write_all(database, row.leave())
    if mine.problem:
        raise mine.problem
    return mine.is_kept


def _write_all(database: sa.Engine, together: list[_Told]) -> None:
    try:
        with writing(database) as session:
            kept = [one for one in together if _is_written(session, one)]
    except Exception as problem:
        for one in together:
            one.problem = problem
    else:
        for one in kept:
            one.is_kept = True
    finally:
        for one in together:
            one.is_done = True


def _is_written(session: sa.Connection, one: _Told) -> bool:
    if is_simple(one.pending) and write_simple(session, one.pending):
        return True
    try:
        return _is_written_with_care(session, one.pending)
    except TooManyCases as too_many:
        # Only this reader waits; the others' entries are kept.
        one.problem = too_many
        return False


def _is_written_with_care(session: sa.Connection, pending: Pending) -> bool:
    """Write what is pending; return False, with nothing written, where a case has changed since it was read.

    Raises TooManyCases, with nothing written.
    """
    for (municipality_id, case_id), version in sorted(pending.seen.items()):
        found = _VERSION.first(session, {"municipality_id": municipality_id, "case_id": case_id})
        if found.version != version:
            return False
    alerts = pace.watch(session, pending.entries)
    write(session, pending.entries)
    for alert in alerts:
        record(session, actor=None, **alert)
    return True


# On PostgreSQL a change of the case waits until the entry is written, and the entry for a change that waits already.
# Asked for in order: nobody waits in a ring.
_VERSION = Fixed(
    sa.select(cases.c.version)
    .where(
        cases.c.municipality_id == sa.bindparam("municipality_id", type_=sa.String),
        cases.c.id == sa.bindparam("case_id", type_=sa.String),
    )
    .with_for_update(key_share=True)
)
