"""The sequencer at work: one turn for one municipality, and turn after turn for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import tenancy
from bti.audit.stored import Damaged
from bti.audit.vocabulary import AT_ONCE
from bti.config import Misconfigured
from bti.db import DatabaseUnavailable, be_in, reading
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
        with tenancy.within(municipality_id):
            begin_log(self.database, self.folder, municipality_id, host=self.host, now=self.clock())
            self._sign(municipality_id)
            return self._number(municipality_id)

    def _number(self, municipality_id: str) -> int:
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
    asked = _HURRIED if at_once else _WAITING
    with reading(database) as session:
        known = session.execute(_KNOWN).scalars().all()
        return [one for one in known if _waits(session, one, asked)]


def _waits(session: sa.Connection, municipality_id: str, asked: sa.Select[Any]) -> bool:
    be_in(session, municipality_id)
    return session.execute(asked, {"whose": municipality_id}).first() is not None


def _that_wait(*more: sa.ColumnElement[bool]) -> sa.Select[Any]:
    whose: sa.BindParameter[str] = sa.bindparam("whose", type_=sa.String)
    e = audit_entries.c
    reached = (
        sa.select(audit_epochs.c.numbered_to)
        .where(audit_epochs.c.municipality_id == whose)
        .order_by(audit_epochs.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    numbered = sa.exists().where(audit_leaves.c.municipality_id == e.municipality_id, audit_leaves.c.entry_id == e.id)
    waits = (e.municipality_id == whose, e.id > sa.func.coalesce(reached, 0), ~numbered, *more)
    return sa.select(e.id).where(*waits).limit(1)


_KNOWN = sa.select(municipalities.c.id).order_by(municipalities.c.id)
_WAITING = _that_wait()
_HURRIED = _that_wait(audit_entries.c.event.in_(sorted(AT_ONCE)))
