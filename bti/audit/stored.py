"""The tree as the database keeps it: its hashes, what can be proved with them, and its signed heads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti.models import audit_checkpoints, audit_epochs, audit_leaves, audit_nodes
from bti.statements import Fixed
from bti.verifier.tiles import HEIGHT, WIDTH, nodes, tile_rows
from bti.verifier.tree import Frontier, consistency_proof, inclusion_proof, peaks, root_of


class Damaged(Exception):
    """The tree in the database lacks hashes that it must have: `bti fsck` says which."""


@dataclass(frozen=True)
class Epoch:
    """One tree of a municipality's log: its number, the log's name, its key's public half, where waiting ones begin."""

    municipality_id: str
    number: int
    origin: str
    public_key: str
    begun_at: datetime
    numbered_to: int


@dataclass(frozen=True)
class Signed:
    """A signed head as it is kept: for how many entries, the whole note, when it was signed."""

    size: int
    note: str
    signed_at: datetime


def epochs(session: sa.Connection, municipality_id: str) -> list[Epoch]:
    """Return the trees of a municipality's log, the newest last."""
    e = audit_epochs.c
    query = sa.select(e.municipality_id, e.number, e.origin, e.public_key, e.begun_at, e.numbered_to)
    rows = session.execute(query.where(e.municipality_id == municipality_id).order_by(e.number))
    return [Epoch(*row) for row in rows]


def checkpoints(session: sa.Connection, epoch: Epoch) -> list[Signed]:
    """Return an epoch's signed heads, the newest last."""
    return [Signed(*row) for row in session.execute(_signed(epoch).order_by(audit_checkpoints.c.size))]


def newest_checkpoint(session: sa.Connection, epoch: Epoch) -> Signed | None:
    """Return an epoch's newest signed head, or None."""
    row = session.execute(_signed(epoch).order_by(audit_checkpoints.c.size.desc()).limit(1)).first()
    return Signed(*row) if row else None


def _signed(epoch: Epoch) -> sa.Select[Any]:
    c = audit_checkpoints.c
    return sa.select(c.size, c.note, c.signed_at).where(
        c.municipality_id == epoch.municipality_id, c.epoch == epoch.number
    )


def _neighbours(table: sa.Table, value: sa.ColumnElement[bytes], *more: sa.ColumnElement[bool]) -> Fixed:
    t = table.c
    return Fixed(
        sa.select(value)
        .where(
            t.municipality_id == sa.bindparam("whose", type_=sa.String),
            t.epoch == sa.bindparam("epoch", type_=sa.Integer),
            *more,
            t.position >= sa.bindparam("first", type_=sa.BigInteger),
            t.position < sa.bindparam("end", type_=sa.BigInteger),
        )
        .order_by(t.position)
    )


_LEAVES = _neighbours(audit_leaves, audit_leaves.c.leaf_hash)
_NODES = _neighbours(
    audit_nodes, audit_nodes.c.node_hash, audit_nodes.c.level == sa.bindparam("level", type_=sa.Integer)
)


class Stored:
    """One tree, read through `session`. Methods raise Damaged where hashes are missing."""

    def __init__(self, session: sa.Connection, epoch: Epoch) -> None:
        self._session = session
        self._epoch = epoch
        self._node = nodes(self.read)

    def size(self) -> int:
        """Return how many entries are numbered."""
        l = audit_leaves.c  # noqa: E741
        found = self._session.execute(
            sa.select(sa.func.max(l.position)).where(
                l.municipality_id == self._epoch.municipality_id, l.epoch == self._epoch.number
            )
        ).scalar()
        return 0 if found is None else int(found) + 1

    def read(self, level: int, first: int, count: int) -> list[bytes]:
        """Return `count` neighbouring hashes of a level that is a multiple of 8."""
        asked = {"whose": self._epoch.municipality_id, "epoch": self._epoch.number, "first": first}
        asked |= {"end": first + count} | ({"level": level} if level else {})
        found = [bytes(row[0]) for row in (_NODES if level else _LEAVES).all(self._session, asked)]
        if len(found) != count:
            raise Damaged(f"hashes {first}–{first + count - 1} of level {level} aren't all there")
        return found

    def edge(self) -> Edge:
        """Return the right edge of the tree, to let it grow."""
        size = self.size()
        rows = [self.read(HEIGHT * row.level, row.full * WIDTH, row.partial) for row in tile_rows(size)]
        return Edge(size, rows)

    def root(self, size: int) -> bytes:
        """Return the root of the first `size` entries."""
        return Frontier(size, self._asked(lambda: peaks(size, self._node))).root()

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the tree of `old` entries is the beginning of that of `new`."""
        return self._asked(lambda: consistency_proof(old, new, self._node))

    def inclusion(self, position: int, size: int) -> list[bytes]:
        """Return the proof that the entry at `position` is among the first `size`."""
        return self._asked(lambda: inclusion_proof(position, size, self._node))

    @staticmethod
    def _asked(work: Any) -> list[bytes]:
        try:
            found: list[bytes] = work()
        except ValueError as wrong:
            raise Damaged(str(wrong)) from wrong
        return found


@dataclass
class Edge:
    """A growing tree's right edge: the hashes of the unfinished tile on each tile level. `made` are those finished."""

    size: int
    rows: list[list[bytes]]
    made: list[tuple[int, int, bytes]] = field(default_factory=list)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order; note in `made` (level, position, hash) of each tile that became whole."""
        for leaf in leaves:
            self.size += 1
            self._add(0, leaf)

    def _add(self, row: int, value: bytes) -> None:
        if row == len(self.rows):
            self.rows.append([])
        self.rows[row].append(value)
        if len(self.rows[row]) == WIDTH:
            whole, self.rows[row] = root_of(self.rows[row]), []
            level = HEIGHT * (row + 1)
            self.made.append((level, (self.size >> level) - 1, whole))
            self._add(row + 1, whole)

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        frontier = Frontier()
        for level, hashes in reversed(list(enumerate(self.rows))):
            for one in hashes:
                frontier.add(HEIGHT * level, one)
        return frontier.root()


def spread(found: Sequence[Signed], most: int) -> list[Signed]:
    """Return at most `most` of some heads, spread evenly over them."""
    if len(found) <= most:
        return list(found)
    return [found[at * len(found) // most] for at in range(most)]
