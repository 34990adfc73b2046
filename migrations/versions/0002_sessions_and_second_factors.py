"""Sessions on the server, second factors with their recovery codes, and how often somebody has tried.

Revision: 0002, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LIVE = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=60), nullable=False),
        sa.Column("method", sa.String(length=60), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stepped_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_how", sa.String(length=60), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_how IS NULL)", name=op.f("ck_sessions_ended_somehow")),
        sa.ForeignKeyConstraint(
            ["municipality_id", "person_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_sessions_person_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_sessions_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("municipality_id", "token_hash", name=op.f("uq_sessions_municipality_id_token_hash")),
    )
    op.create_index(
        "ix_sessions_live",
        "sessions",
        ["municipality_id", "person_id"],
        unique=False,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_table(
        "second_factors",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_how", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "person_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_second_factors_person_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_second_factors_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_second_factors")),
    )
    op.create_index(
        "uq_second_factors_live",
        "second_factors",
        ["municipality_id", "person_id"],
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_table(
        "recovery_codes",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("factor_id", sa.String(length=20), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "factor_id"],
            ["second_factors.municipality_id", "second_factors.id"],
            name=op.f("fk_recovery_codes_factor_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_recovery_codes_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint(
            "municipality_id",
            "factor_id",
            "code_hash",
            name=op.f("uq_recovery_codes_municipality_id_factor_id_code_hash"),
        ),
    )
    op.create_table(
        "throttles",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("bucket", sa.String(length=64), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_throttles_")),
        sa.PrimaryKeyConstraint("municipality_id", "bucket", name=op.f("pk_throttles")),
    )


def downgrade() -> None:
    """Migrations go forward only: restore a backup instead."""
    raise NotImplementedError
