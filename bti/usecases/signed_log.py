"""The signed log as pages and commands ask about it: how far it has come, whether it holds, the whole to take along.

Nothing here can sign. What is verified here proves less than `bti-verify` on another machine: the keys are those that
the database names, and what the signer remembers lies where the pages can't read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from bti.actor import Actor
from bti.audit import record
from bti.audit.export import Exported, Progress, export, quiet, signed_epochs
from bti.audit.fsck import Remembered, check_log
from bti.audit.stored import Epoch, epochs, newest_checkpoint
from bti.db import reading, writing
from bti.errors import Forbidden
from bti.models import audit_entries, audit_leaves
from bti.usecases.system import System
from bti.verifier.note import read_key
from bti.verifier.policy import NONE, Policy
from bti.verifier.verdict import Report

# An entry is signed within a second or so. One that waits so long waits for a sequencer that doesn't run.
PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True)
class LogState:
    """How far a municipality's log has come.

    `checkpoint` is the newest signed head as text to copy, `entries` how many it covers; None and 0 before the first.
    `waiting` entries are not covered by it, the oldest of them from `oldest_at`.
    """

    municipality_id: str
    epoch: int
    origin: str
    checkpoint: str | None
    entries: int
    signed_at: datetime | None
    waiting: int
    oldest_at: datetime | None

    def is_stuck(self, now: datetime) -> bool:
        """Return whether entries wait longer than they should: the sequencer doesn't run, or can't go on."""
        return self.oldest_at is not None and now - self.oldest_at > PATIENCE


def state(session: sa.Connection, *, municipality_id: str) -> LogState:
    """Return how far the log of a municipality has come."""
    found = epochs(session, municipality_id)
    epoch = found[-1] if found else None
    head = newest_checkpoint(session, epoch) if epoch else None
    waiting, oldest = _waiting(session, municipality_id, epoch, head.size if head else 0)
    return LogState(
        municipality_id=municipality_id,
        epoch=epoch.number if epoch else 0,
        origin=epoch.origin if epoch else "",
        checkpoint=head.note if head else None,
        entries=head.size if head else 0,
        signed_at=head.signed_at if head else None,
        waiting=waiting,
        oldest_at=oldest,
    )


def _waiting(
    session: sa.Connection, municipality_id: str, epoch: Epoch | None, signed: int
) -> tuple[int, datetime | None]:
    """Return how many entries have no number yet or one that isn't signed, and the moment of the oldest."""
    e, l = audit_entries.c, audit_leaves.c  # noqa: E741
    here = e.municipality_id == municipality_id
    place = sa.and_(l.municipality_id == e.municipality_id, l.entry_id == e.id)
    reached = epoch.numbered_to if epoch else 0
    unnumbered = sa.and_(here, e.id > reached, ~sa.exists().where(place))
    asked = [sa.select(sa.func.count(), sa.func.min(e.at)).where(unnumbered)]
    if epoch:
        unsigned = sa.and_(here, place, l.epoch == epoch.number, l.position >= signed)
        asked.append(sa.select(sa.func.count(), sa.func.min(e.at)).where(unsigned))
    found = [session.execute(query).one() for query in asked]
    oldest = [moment for number, moment in found if number]
    return sum(int(number) for number, _moment in found), min(oldest, default=None)


def named_keys(session: sa.Connection, *, municipality_id: str) -> Policy:
    """Return the policy that believes the keys which the database names, and asks for no witness.

    Whoever can change the database can change these: a policy that came on another way is worth more.
    """
    keys = tuple(read_key(epoch.public_key) for epoch in epochs(session, municipality_id))
    return Policy(keys, {}, {}, NONE)


def verify(
    database: sa.Engine,
    *,
    municipality_id: str,
    policy: Policy | None = None,
    remembered: Remembered | None = None,
    progress: Progress = quiet,
) -> Report:
    """Check the log in the database, as `bti fsck` does; `progress` is told how many entries of how many are looked at.

    Without `policy` the keys are those that the database names, and the report says so. `remembered` is what the
    signer remembers of its last heads, for whoever may read that.
    """
    with reading(database) as session:
        report = check_log(
            session,
            municipality_id=municipality_id,
            policy=policy or named_keys(session, municipality_id=municipality_id),
            remembered=remembered or {},
            progress=progress,
        )
    if policy is None:
        report.notes.append("The keys are those that the database names; bti-verify asks for them on another way.")
    return report


def write_bundle(
    database: sa.Engine, *, actor: Actor, folder: Path, now: datetime, progress: Progress = quiet
) -> Exported:
    """Write the actor's municipality's signed log into a new folder, once the trail tells of it.

    For auditors, and for whoever runs commands on the server. Raises Forbidden, and Misconfigured when nothing is
    signed yet or the folder can't be used.
    """
    if not isinstance(actor, System) and not actor.has("auditor"):
        raise Forbidden("wrong_role")
    here = actor.municipality_id
    with reading(database) as session:
        rows = sum(heads[-1].size for _epoch, heads in signed_epochs(session, here))
    with writing(database) as session:
        record(session, actor=actor, municipality_id=here, event="log.export", now=now, fields={"rows": rows})
    with reading(database) as session:
        return export(session, municipality_id=here, folder=folder, now=now, progress=progress)
