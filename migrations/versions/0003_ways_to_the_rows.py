"""Indexes for what was found by reading all of a municipality: a child's guardians, a consent's givers, doors of old.

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NEW: dict[str, list[tuple[str, ...]]] = {
    "guardianships": [("municipality_id", "subject_id", "id")],
    "consent_parties": [("municipality_id", "consent_id", "id")],
    "participations": [("municipality_id", "case_id")],
    "disclosures": [("municipality_id", "case_id", "unit_id")],
}


def upgrade() -> None:
    # The new ones begin as these two do, and put the rows in order besides.
    op.drop_index("ix_guardianships_municipality_id_subject_id", table_name="guardianships")
    op.drop_index("ix_consent_parties_municipality_id_consent_id", table_name="consent_parties")
    for table, indexes in NEW.items():
        for columns in indexes:
            op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), unique=False)
    op.create_index(
        "ix_disclosures_consented_until",
        "disclosures",
        ["municipality_id", "valid_to"],
        unique=False,
        sqlite_where=sa.text("consent_id IS NOT NULL"),
        postgresql_where=sa.text("consent_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Migrations go forward only: restore a backup instead."""
    raise NotImplementedError
