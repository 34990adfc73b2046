"""Emergency access with its review, alerts, and reads that an auditor has drawn to go through.

Revision: 0007, after 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OPEN = sa.text("closed_at IS NULL")
AWAITS = sa.text("reviewed_at IS NULL")
CASE_READ = sa.text("event = 'case.read'")


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=20), nullable=True),
        sa.Column("outcome", sa.String(length=60), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (outcome IS NULL)",
            name=op.f("ck_alerts_closed_whole"),
        ),
        sa.CheckConstraint("closed_by <> person_id", name=op.f("ck_alerts_closed_by_another")),
        sa.ForeignKeyConstraint(
            ["municipality_id", "closed_by"], ["people.municipality_id", "people.id"], name=op.f("fk_alerts_closed_by")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "person_id"], ["people.municipality_id", "people.id"], name=op.f("fk_alerts_person_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_alerts_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_alerts")),
    )
    op.create_index(
        "ix_alerts_open",
        "alerts",
        ["municipality_id", "raised_at", "id"],
        unique=False,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_alerts_person", "alerts", ["municipality_id", "person_id", "raised_at"], unique=False)
    op.create_table(
        "samples",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("drawn_by", sa.String(length=20), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "drawn_by"], ["people.municipality_id", "people.id"], name=op.f("fk_samples_drawn_by")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_samples_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_samples")),
    )
    op.create_index(
        "ix_samples_municipality_id_drawn_at_id", "samples", ["municipality_id", "drawn_at", "id"], unique=False
    )
    op.create_table(
        "sample_items",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("sample_id", sa.String(length=20), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("reader_id", sa.String(length=20), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_by", sa.String(length=20), nullable=True),
        sa.Column("outcome", sa.String(length=60), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(judged_at IS NULL) = (judged_by IS NULL) AND (judged_at IS NULL) = (outcome IS NULL)",
            name=op.f("ck_sample_items_judged_whole"),
        ),
        sa.CheckConstraint("judged_by <> reader_id", name=op.f("ck_sample_items_judged_by_another")),
        sa.ForeignKeyConstraint(
            ["municipality_id", "judged_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_sample_items_judged_by"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "sample_id"],
            ["samples.municipality_id", "samples.id"],
            name=op.f("fk_sample_items_sample_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_sample_items_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_sample_items")),
        sa.UniqueConstraint(
            "municipality_id", "sample_id", "entry_id", name=op.f("uq_sample_items_municipality_id_sample_id_entry_id")
        ),
        sa.UniqueConstraint(
            "municipality_id", "sample_id", "place", name=op.f("uq_sample_items_municipality_id_sample_id_place")
        ),
    )
    op.create_table(
        "break_glass",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("case_unit_id", sa.String(length=20), nullable=False),
        sa.Column("cause", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("kinds", sa.String(length=400), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=20), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.String(length=20), nullable=True),
        sa.Column("reviewed_as", sa.String(length=60), nullable=True),
        sa.Column("verdict", sa.String(length=60), nullable=True),
        sa.Column("review_note", sa.Text(), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_break_glass_ended_by_somebody")),
        sa.CheckConstraint(
            "(reviewed_at IS NULL) = (reviewed_by IS NULL) AND (reviewed_at IS NULL) = (verdict IS NULL)"
            " AND (reviewed_at IS NULL) = (review_note IS NULL) AND (reviewed_at IS NULL) = (reviewed_as IS NULL)",
            name=op.f("ck_break_glass_reviewed_whole"),
        ),
        sa.CheckConstraint(
            "minutes BETWEEN 1 AND 120 AND ends_at > opened_at", name=op.f("ck_break_glass_lasts_some_minutes")
        ),
        sa.CheckConstraint("reviewed_by <> person_id", name=op.f("ck_break_glass_reviewed_by_another")),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_break_glass_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_unit_id"],
            ["units.municipality_id", "units.id"],
            name=op.f("fk_break_glass_case_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "ended_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_break_glass_ended_by"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "person_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_break_glass_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "reviewed_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_break_glass_reviewed_by"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_break_glass_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_break_glass_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_break_glass")),
    )
    op.create_index(
        "ix_break_glass_awaits",
        "break_glass",
        ["municipality_id", "opened_at", "id"],
        unique=False,
        sqlite_where=AWAITS,
        postgresql_where=AWAITS,
    )
    op.create_index("ix_break_glass_case", "break_glass", ["municipality_id", "case_id", "ends_at"], unique=False)
    op.create_index("ix_break_glass_person", "break_glass", ["municipality_id", "person_id", "ends_at"], unique=False)
    op.create_index(
        "ix_audit_entries_case_reads",
        "audit_entries",
        ["municipality_id", "actor_id", "at", "case_id"],
        unique=False,
        sqlite_where=CASE_READ,
        postgresql_where=CASE_READ,
    )


def downgrade() -> None:
    """Migrations go forward only: restore a backup instead."""
    raise NotImplementedError
