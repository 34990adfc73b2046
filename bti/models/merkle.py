"""The checkable log over the trail: which entry stands where in which tree, and which heads of it were signed.

Entries are written with the change they tell of and carry no number; `bti.sequencer` alone numbers them, afterwards.
What is kept here is what was signed, so that an entry that is changed later differs from it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bti.models.base import at, key, metadata

_HASH = 32
# As long as the names of keys that other programs for signed notes let pass.
ORIGIN_LENGTH = 200


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def _of_an_epoch(name: str, *parts: Any) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("municipality_id", sa.String(40), primary_key=True),
        sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
        *parts,
        sa.ForeignKeyConstraint(["municipality_id", "epoch"], ["audit_epochs.municipality_id", "audit_epochs.number"]),
    )


# One tree after the other: a new one begins when an older backup was restored, or with a new key.
audit_epochs = sa.Table(
    "audit_epochs",
    metadata,
    sa.Column("municipality_id", sa.String(40), sa.ForeignKey("municipalities.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    # The name of the log, which is its key's, and the key's public half as it stands in a policy file.
    sa.Column("origin", sa.String(ORIGIN_LENGTH), nullable=False, unique=True),
    sa.Column("public_key", sa.String(ORIGIN_LENGTH + 60), nullable=False),
    at("begun_at"),
    # Every entry up to this id is numbered: where to look for those that wait. Only ever a help, never believed.
    sa.Column("numbered_to", sa.BigInteger, nullable=False),
)

# An entry's place in the tree, the hash it had when it was given that place, and its link to its case's entry before.
audit_leaves = _of_an_epoch(
    "audit_leaves",
    _number("position"),
    sa.Column("entry_id", sa.BigInteger, nullable=False),
    sa.Column("leaf_hash", sa.LargeBinary(_HASH), nullable=False),
    key("case_id", nullable=True),
    sa.Column("case_seq", sa.Integer, nullable=True),
    sa.Column("case_prev", sa.LargeBinary(_HASH), nullable=True),
    sa.UniqueConstraint("municipality_id", "entry_id"),
    sa.UniqueConstraint("municipality_id", "case_id", "case_seq"),
)

# Hashes of complete subtrees of 256, 65,536 … entries: with them any proof takes a handful of reads.
audit_nodes = _of_an_epoch(
    "audit_nodes",
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    _number("position"),
    sa.Column("node_hash", sa.LargeBinary(_HASH), nullable=False),
)

# Signed heads, each a note with the signatures of the log and of its witnesses.
audit_checkpoints = _of_an_epoch(
    "audit_checkpoints",
    _number("size"),
    sa.Column("note", sa.Text, nullable=False),
    at("signed_at"),
)

__all__ = ["audit_checkpoints", "audit_epochs", "audit_leaves", "audit_nodes"]
