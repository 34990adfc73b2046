"""Walls between municipalities: on PostgreSQL a transaction sees and writes the rows of one municipality only.

Forced, so that the walls hold for the tables' owner too; only a superuser, or a role with BYPASSRLS, sees over them.

Revision: 0008, after 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Whatever has a municipality has a wall. A table that comes later puts up its own.
WITH_A_MUNICIPALITY = sa.text(
    "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'municipality_id' "
    "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND NOT a.attisdropped ORDER BY 1"
)
MINE = "municipality_id = current_setting('bti.municipality', true)"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in op.get_bind().scalars(WITH_A_MUNICIPALITY).all():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_municipality ON {table} USING ({MINE}) WITH CHECK ({MINE})")


def downgrade() -> None:
    """Migrations go forward only: restore a backup instead."""
    raise NotImplementedError
