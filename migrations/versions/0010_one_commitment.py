"""The trail without its column for a commitment: nothing wrote it, entries commit to sealed cells in their fields.

Revision: 0010, after 0009
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is empty is left out of an entry's bytes, so no hash changes.
    op.drop_column("audit_entries", "commitment")


def downgrade() -> None:
    """Migrations go forward only: restore a backup instead."""
    raise NotImplementedError
