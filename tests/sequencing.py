"""A log over the cast's trail: a sequencer with keys and memory of its own, and what it has kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakSet

import sqlalchemy as sa

from bti import audit, tenancy
from bti.audit.export import export
from bti.audit.fsck import check_log
from bti.audit.leaves import Leaf, leaves
from bti.audit.stored import Epoch, Signed, Stored, checkpoints, epochs
from bti.db import open_database, reading, writing
from bti.models import audit_entries
from bti.sequencer.epochs import begin_anew
from bti.sequencer.folder import LogFolder
from bti.sequencer.working import Sequencer
from bti.verifier.bundle import check_bundle
from bti.verifier.checkpoint import Checkpoint
from bti.verifier.policy import Policy, read_policy
from bti.verifier.verdict import Report
from tests.cast import HERE, Cast
from tests.databases import as_owner, as_signer

HOST = "stafett.example"


_open: WeakSet[sa.Engine] = WeakSet()


def let_go() -> None:
    """Close every connection that a sequencer keeps open for the next time."""
    for engine in _open:
        engine.dispose()


@dataclass
class Ledger:
    """A cast's log. `database` is what the sequencer sees, who is another role than the pages, whose is the cast's.

    `folder` is what the operating system's rights keep from the web process.
    """

    cast: Cast
    path: Path
    whose: str = HERE
    said: list[str] = field(default_factory=list)
    database: sa.Engine = field(init=False)

    def __post_init__(self) -> None:
        theirs = self.cast.database
        self.database = theirs if theirs.dialect.name == "sqlite" else open_database(as_signer(theirs.url))
        _open.add(self.database)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with tenancy.within(self.whose), reading(self.database) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        with tenancy.within(self.whose), writing(self.database) as session:
            yield session

    def begin_anew(self, reason: str) -> tuple[Checkpoint, Checkpoint]:
        with tenancy.within(self.whose):
            return begin_anew(self.database, self.folder, self.whose, reason=reason, now=self.cast.now)

    @property
    def folder(self) -> LogFolder:
        return LogFolder(self.path)

    def sequencer(self, clock: Callable[[], datetime] | None = None) -> Sequencer:
        return Sequencer(self.database, self.folder, HOST, clock or (lambda: self.cast.now), self.said.append)

    def turn(self) -> int:
        """Let a sequencer number and sign all that waits."""
        return self.sequencer().turn(self.whose)

    def epochs(self) -> list[Epoch]:
        with self.reading() as session:
            return epochs(session, self.whose)

    def leaves(self, epoch: int = 1) -> list[Leaf]:
        with self.reading() as session:
            return list(leaves(session, municipality_id=self.whose, epoch=epoch))

    def heads(self, epoch: int = 1) -> list[Signed]:
        with self.reading() as session:
            return checkpoints(session, epochs(session, self.whose)[epoch - 1])

    def root(self, size: int, epoch: int = 1) -> bytes:
        with self.reading() as session:
            return Stored(session, epochs(session, self.whose)[epoch - 1]).root(size)

    def entry_ids(self) -> list[int]:
        with self.reading() as session:
            e = audit_entries.c
            return list(
                session.execute(sa.select(e.id).where(e.municipality_id == self.whose).order_by(e.id)).scalars()
            )

    def policy_text(self) -> str:
        keys = [self.folder.key(self.whose, number).public for number in self.folder.epochs(self.whose)]
        return "".join(f"log {key}\n" for key in keys) + "quorum none\n"

    def policy(self) -> Policy:
        return read_policy(self.policy_text().encode())


def entry(session: sa.Connection, cast: Cast, **more: object) -> None:
    """Write an entry of no case."""
    fields = {"shown": 1}
    audit.record(session, actor=None, municipality_id=HERE, event="wonder.read", now=cast.now, fields=fields, **more)  # type: ignore[arg-type]


def tamper(database: sa.Engine, *statements: str, **values: Any) -> None:
    """Change the database as its superuser does, whom no key between tables and no trigger holds up."""
    owner = open_database(as_owner(database.url))
    with writing(owner) as session:
        if database.dialect.name == "postgresql":
            session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            named = {name: value for name, value in values.items() if f":{name}" in statement}
            session.execute(sa.text(statement), named)
    owner.dispose()


@dataclass
class Answers:
    """What both checks say: `bti fsck` in the database, `bti-verify` on an export of it with a checkpoint kept."""

    fsck: Report
    bundle: Report

    @property
    def codes(self) -> tuple[int, int]:
        return self.fsck.code, self.bundle.code

    def said(self) -> str:
        return "\n".join(finding.text for report in (self.fsck, self.bundle) for finding in report.findings)


def check(ledger: Ledger, folder: Path, *, held: str = "", policy: Policy | None = None) -> Answers:
    """Check a log in both ways, as an auditor with this policy and this kept checkpoint would."""
    policy = policy or ledger.policy()
    with ledger.reading() as session:
        export(session, municipality_id=ledger.whose, folder=folder, now=ledger.cast.now)
    return Answers(
        fsck=fsck(ledger, policy),
        bundle=check_bundle(folder, policy, held=[held.encode()] if held else [], processes=1),
    )


def fsck(ledger: Ledger, policy: Policy | None = None) -> Report:
    policy = policy or ledger.policy()
    remembered = {key.name: ledger.folder.heads.last(key.name) for key in policy.logs}
    with ledger.reading() as session:
        return check_log(session, municipality_id=ledger.whose, policy=policy, remembered=remembered)
