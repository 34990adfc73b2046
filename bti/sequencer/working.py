"""The sequencer at work: one turn for one municipality, and turn after turn for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from bti.audit.stored import Damaged
from bti.audit.vocabulary import AT_ONCE
from bti.config import Misconfigured
from bti.db import DatabaseUnavailable, reading
from bti.models import audit_entries, audit_epochs, audit_leaves, municipalities
from bti.sequencer.epochs import begin_log
from bti.sequencer.folder import LogFolder
from bti.sequencer.horizon import Horizon
from bti.sequencer.numbering import BATCH, NotSigned, number
from bti.sequencer.signing import Contradiction, sign
from bti.witness.heads import NotTheLast

# How long an entry waits at most before it is numbered and signed; those of AT_ONCE don't wait for it.
LONGEST_WAIT_SECONDS = 1.0
TICK_SECONDS = 0.1
# A log that can't go on is told of, left alone for a while, and tried again: somebody may be mending it.
SULK_SECONDS = 30.0
# While much is numbered at once, writers get their turns in between.
BREATH_SECONDS = 0.02
MOST_SURPRISES = 20
# What stops one log: it is told of, and the next one goes on.
CANT_GO_ON = (Contradiction, Damaged, Misconfigured, NotSigned, NotTheLast)


@dataclass
class Sequencer:
    """Numbers and signs for all municipalities of a database.

    `host` is the name under which new logs are begun; without one only those go on that have begun. `clock` tells
    the time that heads are signed at, `tell` is given a sentence when something has to be known by whoever runs it.
    """

    database: sa.Engine
    folder: LogFolder
    host: str | None
    clock: Callable[[], datetime]
    tell: Callable[[str], None]
    _horizon: Horizon = field(default_factory=Horizon)

    def turn(self, municipality_id: str) -> int:
        """Number and sign all that waits in one municipality; return how many entries were numbered.

        Raises Contradiction when the tree can't go on, Damaged when hashes are missing from it, Misconfigured
        without a key, DatabaseUnavailable.
        """
        begin_log(self.database, self.folder, municipality_id, host=self.host, now=self.clock())
        self._sign(municipality_id)
        numbered, surprises = 0, 0
        while True:
            try:
                found = number(self.database, self.folder, municipality_id, horizon=self._horizon)
            except NotSigned:
                # Another sequencer was faster, or was stopped in between: what it numbered is signed first.
                surprises += 1
                if surprises > MOST_SURPRISES:
                    raise
                self._sign(municipality_id)
                continue
            if found:
                self._sign(municipality_id)
            numbered += found
            if found < BATCH:
                return numbered
            time.sleep(BREATH_SECONDS)

    def _sign(self, municipality_id: str) -> None:
        try:
            sign(self.database, self.folder, municipality_id, now=self.clock())
        except NotTheLast:
            # Another sequencer moved the memory on meanwhile: from there it goes.
            sign(self.database, self.folder, municipality_id, now=self.clock())

    def run(self, stop: threading.Event) -> None:
        """Go on until `stop` is set. What goes wrong with one log is told, and holds up no other."""
        sulking: dict[str, float] = {}
        whole_round = 0.0
        while not stop.is_set():
            begun = time.monotonic()
            is_whole = begun >= whole_round
            try:
                for municipality_id in waiting(self.database, at_once=not is_whole):
                    self._turn_unless(municipality_id, sulking, begun)
            except DatabaseUnavailable as wrong:
                self.tell(str(wrong))
                stop.wait(LONGEST_WAIT_SECONDS)
            if is_whole:
                whole_round = begun + LONGEST_WAIT_SECONDS
            stop.wait(TICK_SECONDS)

    def _turn_unless(self, municipality_id: str, sulking: dict[str, float], now: float) -> None:
        if sulking.get(municipality_id, 0.0) > now:
            return
        try:
            self.turn(municipality_id)
        except CANT_GO_ON as wrong:
            self.tell(f"{municipality_id}: {wrong}")
            sulking[municipality_id] = now + SULK_SECONDS


def waiting(database: sa.Engine, *, at_once: bool = False) -> list[str]:
    """Return the municipalities in which entries wait; with `at_once` those in which one does that is in a hurry."""
    with reading(database) as session:
        return [row.id for row in session.execute(_HURRIED if at_once else _WAITING)]


def _that_wait(*more: sa.ColumnElement[bool]) -> sa.Select[tuple[str]]:
    m, e = municipalities.c, audit_entries.c
    reached = (
        sa.select(audit_epochs.c.numbered_to)
        .where(audit_epochs.c.municipality_id == m.id)
        .order_by(audit_epochs.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    numbered = sa.exists().where(audit_leaves.c.municipality_id == e.municipality_id, audit_leaves.c.entry_id == e.id)
    waits = sa.exists().where(e.municipality_id == m.id, e.id > sa.func.coalesce(reached, 0), ~numbered, *more)
    return sa.select(m.id).where(waits).order_by(m.id)


_WAITING = _that_wait()
_HURRIED = _that_wait(audit_entries.c.event.in_(sorted(AT_ONCE)))
