"""Sealed columns: room for cells in the register of staff, an index to national ids, the case of what was answered.

Revision: 0006, after 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OF_STAFF = {"name": 120, "title": 120, "email": 200, "phone": 40}


def upgrade() -> None:
    # A cell is longer than what it seals.
    with op.batch_alter_table("people") as people:
        for column, length in OF_STAFF.items():
            people.alter_column(
                column,
                existing_type=sa.String(length=length),
                type_=sa.Text(),
                existing_nullable=column in ("email", "phone"),
            )
    for table in ("subjects", "guardians"):
        op.add_column(table, sa.Column("national_id_index", sa.String(length=64), nullable=True))
        name = f"ix_{table}_municipality_id_national_id_index"
        op.create_index(name, table, ["municipality_id", "national_id_index"], unique=False)
    _case_of_answers()


def _case_of_answers() -> None:
    # An answer is sealed with the key of its case, so its row says which.
    op.add_column("consent_events", sa.Column("case_id", sa.String(length=20), nullable=True))
    op.execute(
        "UPDATE consent_events SET case_id = (SELECT case_id FROM consents WHERE"
        " consents.municipality_id = consent_events.municipality_id AND consents.id = consent_events.consent_id)"
    )
    with op.batch_alter_table("consent_events") as answers:
        answers.alter_column("case_id", existing_type=sa.String(length=20), nullable=False)
        answers.create_foreign_key(
            "fk_consent_events_case_id", "cases", ["municipality_id", "case_id"], ["municipality_id", "id"]
        )


def downgrade() -> None:
    """Migrations go forward only: restore a backup instead."""
    raise NotImplementedError
