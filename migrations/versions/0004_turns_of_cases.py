"""The turns of cases: an index to which step and which unit a case had at any read.

Revision: 0004, after 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TURNS = sa.text("event IN ('case.open', 'case.move', 'handover.accept')")


def upgrade() -> None:
    op.create_index(
        "ix_audit_entries_turns",
        "audit_entries",
        ["municipality_id", "case_id", "id"],
        unique=False,
        sqlite_where=TURNS,
        postgresql_where=TURNS,
    )


def downgrade() -> None:
    """Migrations go forward only: restore a backup instead."""
    raise NotImplementedError
