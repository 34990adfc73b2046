"""Numbering: giving committed entries their places in the tree and in their cases, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from bti.audit import record
from bti.audit.leaves import Place, case_of, columns, spell
from bti.audit.stored import Edge, Epoch, Stored, epochs
from bti.db import writing
from bti.models import audit_entries, audit_epochs, audit_leaves, audit_nodes
from bti.sequencer.folder import LogFolder
from bti.sequencer.horizon import Horizon
from bti.statements import Fixed
from bti.verifier.entries import NOTHING_BEFORE
from bti.verifier.epochs import AFTER, BEGIN
from bti.verifier.tree import leaf_hash

# On SQLite nobody else writes while a batch is numbered: a few hundredths of a second.
BATCH = 250
_FIRST = Place("", 0, bytes.fromhex(NOTHING_BEFORE))


class NotSigned(Exception):
    """The tree isn't the one that was signed last: sign first, which says whether that is as it should be."""


def number(database: sa.Engine, folder: LogFolder, municipality_id: str, *, horizon: Horizon) -> int:
    """Number the entries that wait, at most BATCH of them, and return how many.

    A second sequencer waits for its turn. Raises NotSigned when the tree isn't the one that was signed last: nothing
    is put on top of what can't be signed. Raises DatabaseUnavailable.
    """
    with writing(database) as session:
        take_turn(session, municipality_id)
        epoch = epochs(session, municipality_id)[-1]
        edge = Stored(session, epoch).edge()
        last = folder.heads.last(epoch.origin)
        if (last.size, last.root) != (edge.size, edge.root()):
            raise NotSigned()
        decided = horizon.look(session)
        rows = session.execute(_WAITING, {"whose": municipality_id, "after": epoch.numbered_to, "most": BATCH}).all()
        if not rows:
            return 0
        put(session, epoch, edge, rows)
        reached = decided if len(rows) < BATCH else min(decided, rows[-1].id)
        _reach(session, epoch, max(reached, epoch.numbered_to))
        return len(rows)


def begin(session: sa.Connection, epoch: Epoch, *, after: str | None, reason: str, now: datetime) -> None:
    """Write that an epoch begins, as its first entry; `after` is the last signed head of the one before."""
    enter(session, epoch)
    fields = {"epoch": epoch.number, AFTER: after, "reason": reason}
    record(session, actor=None, municipality_id=epoch.municipality_id, event=BEGIN, now=now, fields=fields)
    entry = audit_entries.c
    newest = sa.select(*columns).where(entry.municipality_id == epoch.municipality_id, entry.event == BEGIN)
    row = session.execute(newest.order_by(entry.id.desc()).limit(1)).one()
    put(session, epoch, Edge(0, []), [row])


def enter(session: sa.Connection, epoch: Epoch) -> None:
    """Write an epoch's row."""
    row = {
        "municipality_id": epoch.municipality_id,
        "number": epoch.number,
        "origin": epoch.origin,
        "public_key": epoch.public_key,
        "begun_at": epoch.begun_at,
        "numbered_to": epoch.numbered_to,
    }
    session.execute(sa.insert(audit_epochs), row)


def take_turn(session: sa.Connection, municipality_id: str) -> None:
    """Wait until no other sequencer numbers this municipality's entries, until the transaction ends."""
    if session.dialect.name == "postgresql":
        turn = int.from_bytes(sha256(f"stafett log {municipality_id}".encode()).digest()[:8], "big", signed=True)
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(turn)))


def put(session: sa.Connection, epoch: Epoch, edge: Edge, rows: Sequence[Any]) -> None:
    """Give entries, rows of `columns`, their places from the edge of the tree on, in this order."""
    whose = {"municipality_id": epoch.municipality_id, "epoch": epoch.number}
    last = _last_places(session, epoch.municipality_id, {case for row in rows if (case := case_of(row))})
    leaves = []
    for position, row in enumerate(rows, edge.size):
        case = case_of(row)
        place = Place(case, *last[case]) if case else None
        hashed = leaf_hash(spell(row, place))
        if place:
            last[place.case_id] = (place.seq + 1, hashed)
        leaves.append(
            {
                **whose,
                "position": position,
                "entry_id": row.id,
                "leaf_hash": hashed,
                "case_id": place.case_id if place else None,
                "case_seq": place.seq if place else None,
                "case_prev": place.prev if place else None,
            }
        )
    session.execute(sa.insert(audit_leaves), leaves)
    edge.extend(leaf["leaf_hash"] for leaf in leaves)
    made = [{**whose, "level": level, "position": at, "node_hash": value} for level, at, value in edge.made]
    if made:
        session.execute(sa.insert(audit_nodes), made)


def _last_places(session: sa.Connection, municipality_id: str, cases: set[str]) -> dict[str, tuple[int, bytes]]:
    """Return for each case the number that its next entry gets, and the hash of its entry before that."""
    found = {}
    for case in cases:
        row = _LAST.first(session, {"whose": municipality_id, "case": case})
        found[case] = (row.case_seq + 1, bytes(row.leaf_hash)) if row else (1, _FIRST.prev)
    return found


def _reach(session: sa.Connection, epoch: Epoch, entry_id: int) -> None:
    e = audit_epochs.c
    mine = sa.and_(e.municipality_id == epoch.municipality_id, e.number == epoch.number)
    session.execute(sa.update(audit_epochs).where(mine).values(numbered_to=entry_id))


_WAITING = (
    sa.select(*columns)
    .where(
        audit_entries.c.municipality_id == sa.bindparam("whose"),
        audit_entries.c.id > sa.bindparam("after"),
        ~sa.exists().where(
            audit_leaves.c.municipality_id == audit_entries.c.municipality_id,
            audit_leaves.c.entry_id == audit_entries.c.id,
        ),
    )
    .order_by(audit_entries.c.id)
    .limit(sa.bindparam("most"))
)
_LAST = Fixed(
    sa.select(audit_leaves.c.case_seq, audit_leaves.c.leaf_hash)
    .where(
        audit_leaves.c.municipality_id == sa.bindparam("whose", type_=sa.String),
        audit_leaves.c.case_id == sa.bindparam("case", type_=sa.String),
    )
    .order_by(audit_leaves.c.case_seq.desc())
    .limit(1)
)
