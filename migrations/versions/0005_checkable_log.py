"""The checkable log: places of entries in a tree, its hashes, and its signed heads.

Revision: 0005, after 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_epochs",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("public_key", sa.String(length=260), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("numbered_to", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_audit_epochs_")),
        sa.PrimaryKeyConstraint("municipality_id", "number", name=op.f("pk_audit_epochs")),
        sa.UniqueConstraint("origin", name=op.f("uq_audit_epochs_origin")),
    )
    op.create_table(
        "audit_leaves",
        *_in_epoch("audit_leaves"),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=True),
        sa.Column("case_seq", sa.Integer(), nullable=True),
        sa.Column("case_prev", sa.LargeBinary(length=32), nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", "epoch", "position", name=op.f("pk_audit_leaves")),
        sa.UniqueConstraint(
            "municipality_id", "case_id", "case_seq", name=op.f("uq_audit_leaves_municipality_id_case_id_case_seq")
        ),
        sa.UniqueConstraint("municipality_id", "entry_id", name=op.f("uq_audit_leaves_municipality_id_entry_id")),
    )
    op.create_table(
        "audit_nodes",
        *_in_epoch("audit_nodes"),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("node_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "epoch", "level", "position", name=op.f("pk_audit_nodes")),
    )
    op.create_table(
        "audit_checkpoints",
        *_in_epoch("audit_checkpoints"),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "epoch", "size", name=op.f("pk_audit_checkpoints")),
    )


def _in_epoch(table: str) -> tuple[sa.Column[str], sa.Column[int], sa.ForeignKeyConstraint]:
    return (
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "epoch"],
            ["audit_epochs.municipality_id", "audit_epochs.number"],
            name=op.f(f"fk_{table}_epoch"),
        ),
    )


def downgrade() -> None:
    """Migrations go forward only: restore a backup instead."""
    raise NotImplementedError
