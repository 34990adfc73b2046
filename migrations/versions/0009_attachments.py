"""Attachments: files that belong to a case, sealed like everything else in it.

Revision: 0009, after 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MINE = "municipality_id = current_setting('bti.municipality', true)"


def upgrade() -> None:
    op.create_table(
        "attachments",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("information_kind", sa.String(length=60), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("author_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_attachments_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "author_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_attachments_author_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_attachments_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_attachments_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_attachments")),
    )
    columns = ["municipality_id", "case_id", "added_at"]
    op.create_index(op.f("ix_attachments_municipality_id_case_id_added_at"), "attachments", columns, unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE attachments ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE attachments FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_municipality ON attachments USING ({MINE}) WITH CHECK ({MINE})")


def downgrade() -> None:
    """Migrations go forward only: restore a backup instead."""
    raise NotImplementedError
