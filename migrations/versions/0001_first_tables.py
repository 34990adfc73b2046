"""The first tables: people, subjects, cases with their baton, consents and doors, the log, the trail.

Revision: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "municipalities",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("definition", sa.String(length=60), nullable=False),
        sa.Column("definition_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_municipalities")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("actor_id", sa.String(length=20), nullable=True),
        sa.Column("unit_id", sa.String(length=20), nullable=True),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=True),
        sa.Column("object_id", sa.String(length=20), nullable=True),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("basis", sa.String(length=160), nullable=False),
        sa.Column("decision", sa.String(length=60), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_audit_entries_")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_audit_entries_municipality_id_actor_id_id"),
        "audit_entries",
        ["municipality_id", "actor_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_audit_entries_municipality_id_at_id"),
        "audit_entries",
        ["municipality_id", "at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_audit_entries_municipality_id_case_id_id"),
        "audit_entries",
        ["municipality_id", "case_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_audit_entries_municipality_id_id"), "audit_entries", ["municipality_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_audit_entries_municipality_id_event_id"),
        "audit_entries",
        ["municipality_id", "event", "id"],
        unique=False,
    )
    op.create_table(
        "guardians",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("national_id", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("external_key", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_guardians_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_guardians")),
        sa.UniqueConstraint("municipality_id", "external_key", name=op.f("uq_guardians_municipality_id_external_key")),
    )
    op.create_table(
        "people",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_people_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_people")),
        sa.UniqueConstraint("municipality_id", "username", name=op.f("uq_people_municipality_id_username")),
    )
    op.create_table(
        "units",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("is_external", sa.Boolean(), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_units_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_units")),
        sa.UniqueConstraint("municipality_id", "name", name=op.f("uq_units_municipality_id_name")),
    )
    op.create_table(
        "anonymous_discussions",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("author_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.String(length=20), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "answered_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_anonymous_discussions_answered_by"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "author_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_anonymous_discussions_author_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"],
            ["units.municipality_id", "units.id"],
            name=op.f("fk_anonymous_discussions_unit_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_anonymous_discussions_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_anonymous_discussions")),
    )
    op.create_index(
        op.f("ix_anonymous_discussions_municipality_id_author_id_asked_at"),
        "anonymous_discussions",
        ["municipality_id", "author_id", "asked_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_anonymous_discussions_municipality_id_unit_id_asked_at"),
        "anonymous_discussions",
        ["municipality_id", "unit_id", "asked_at"],
        unique=False,
    )
    op.create_table(
        "drafts",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("form", sa.String(length=120), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "person_id"], ["people.municipality_id", "people.id"], name=op.f("fk_drafts_person_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_drafts_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_drafts")),
        sa.UniqueConstraint(
            "municipality_id", "person_id", "form", name=op.f("uq_drafts_municipality_id_person_id_form")
        ),
    )
    op.create_table(
        "import_runs",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=True),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("total_rows", sa.Integer(), nullable=False),
        sa.Column("done_rows", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "person_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_import_runs_person_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_import_runs_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_import_runs")),
    )
    op.create_table(
        "memberships",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("granted_by", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "granted_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_memberships_granted_by"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "person_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_memberships_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_memberships_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_memberships_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_memberships")),
    )
    op.create_index(
        op.f("ix_memberships_municipality_id_unit_id_role"),
        "memberships",
        ["municipality_id", "unit_id", "role"],
        unique=False,
    )
    op.create_index(
        "uq_memberships_live",
        "memberships",
        ["municipality_id", "person_id", "unit_id", "role"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "subjects",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("national_id", sa.Text(), nullable=True),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("group_name", sa.String(length=40), nullable=False),
        sa.Column("address_blocked", sa.Boolean(), nullable=False),
        sa.Column("external_key", sa.String(length=80), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_subjects_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_subjects_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_subjects")),
        sa.UniqueConstraint("municipality_id", "external_key", name=op.f("uq_subjects_municipality_id_external_key")),
    )
    op.create_index(
        op.f("ix_subjects_municipality_id_unit_id_group_name"),
        "subjects",
        ["municipality_id", "unit_id", "group_name"],
        unique=False,
    )
    op.create_table(
        "submissions",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("result", sa.String(length=200), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "person_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_submissions_person_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_submissions_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_submissions")),
        sa.UniqueConstraint(
            "municipality_id", "person_id", "token", name=op.f("uq_submissions_municipality_id_person_id_token")
        ),
    )
    op.create_table(
        "care_orders",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "subject_id"],
            ["subjects.municipality_id", "subjects.id"],
            name=op.f("fk_care_orders_subject_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_care_orders_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_care_orders_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_care_orders")),
    )
    op.create_index(
        op.f("ix_care_orders_municipality_id_subject_id"),
        "care_orders",
        ["municipality_id", "subject_id"],
        unique=False,
    )
    op.create_table(
        "cases",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column("definition", sa.String(length=60), nullable=False),
        sa.Column("definition_version", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("level_order", sa.Integer(), nullable=False),
        sa.Column("has_log", sa.Boolean(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.String(length=20), nullable=True),
        sa.Column("author_id", sa.String(length=20), nullable=False),
        sa.Column("holder_id", sa.String(length=20), nullable=False),
        sa.Column("holder_unit_id", sa.String(length=20), nullable=False),
        sa.Column("is_interim", sa.Boolean(), nullable=False),
        sa.Column("holder_confirmed", sa.Boolean(), nullable=False),
        sa.Column("shared_with_leader_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("step_due_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_reason", sa.String(length=60), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step_entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level_entered_on", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing_reason", sa.String(length=60), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(closed_at IS NOT NULL) = (step = 'closed')", name=op.f("ck_cases_closed_step_is_closed")),
        sa.CheckConstraint("NOT has_log OR subject_id IS NOT NULL", name=op.f("ck_cases_log_has_subject")),
        sa.CheckConstraint(
            "closed_at IS NOT NULL OR due_on IS NOT NULL", name=op.f("ck_cases_open_case_has_next_date")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "author_id"], ["people.municipality_id", "people.id"], name=op.f("fk_cases_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "holder_id"], ["people.municipality_id", "people.id"], name=op.f("fk_cases_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "holder_unit_id"],
            ["units.municipality_id", "units.id"],
            name=op.f("fk_cases_holder_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "subject_id"],
            ["subjects.municipality_id", "subjects.id"],
            name=op.f("fk_cases_subject_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_cases_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_cases_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_cases")),
        sa.UniqueConstraint("municipality_id", "reference", name=op.f("uq_cases_municipality_id_reference")),
    )
    op.create_index("ix_cases_author", "cases", ["municipality_id", "author_id", "opened_at"], unique=False)
    op.create_index("ix_cases_holder_due", "cases", ["municipality_id", "holder_id", "due_on", "id"], unique=False)
    op.create_index("ix_cases_subject", "cases", ["municipality_id", "subject_id"], unique=False)
    op.create_index("ix_cases_unit_due", "cases", ["municipality_id", "unit_id", "due_on", "id"], unique=False)
    op.create_index(
        "ix_cases_wonders_due",
        "cases",
        ["municipality_id", "author_id", "due_on", "id"],
        unique=False,
        sqlite_where=sa.text("level_order = 0 AND closed_at IS NULL"),
        postgresql_where=sa.text("level_order = 0 AND closed_at IS NULL"),
    )
    op.create_table(
        "guardianships",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.String(length=20), nullable=False),
        sa.Column("guardian_id", sa.String(length=20), nullable=False),
        sa.Column("relation", sa.String(length=60), nullable=False),
        sa.Column("parental_responsibility", sa.Boolean(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "guardian_id"],
            ["guardians.municipality_id", "guardians.id"],
            name=op.f("fk_guardianships_guardian_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "subject_id"],
            ["subjects.municipality_id", "subjects.id"],
            name=op.f("fk_guardianships_subject_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_guardianships_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_guardianships")),
    )
    op.create_index(
        op.f("ix_guardianships_municipality_id_subject_id"),
        "guardianships",
        ["municipality_id", "subject_id"],
        unique=False,
    )
    op.create_table(
        "batons",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("how", sa.String(length=60), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_batons_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "person_id"], ["people.municipality_id", "people.id"], name=op.f("fk_batons_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_batons_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_batons_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_batons")),
    )
    op.create_index(op.f("ix_batons_municipality_id_case_id"), "batons", ["municipality_id", "case_id"], unique=False)
    op.create_index(
        "uq_batons_live",
        "batons",
        ["municipality_id", "case_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "consents",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("kinds", sa.String(length=400), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("reservations", sa.Text(), nullable=False),
        sa.Column("notice_version", sa.String(length=40), nullable=False),
        sa.Column("notice_hash", sa.String(length=64), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("asked_by", sa.String(length=20), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renews_id", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "asked_by"], ["people.municipality_id", "people.id"], name=op.f("fk_consents_asked_by")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_consents_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "renews_id"],
            ["consents.municipality_id", "consents.id"],
            name=op.f("fk_consents_renews_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "subject_id"],
            ["subjects.municipality_id", "subjects.id"],
            name=op.f("fk_consents_subject_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_consents_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_consents")),
    )
    op.create_index(
        op.f("ix_consents_municipality_id_asked_at_id"),
        "consents",
        ["municipality_id", "asked_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_consents_municipality_id_case_id"), "consents", ["municipality_id", "case_id"], unique=False
    )
    op.create_table(
        "entries",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("information_kind", sa.String(length=60), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("author_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "author_id"], ["people.municipality_id", "people.id"], name=op.f("fk_entries_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_entries_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_entries_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_entries_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_entries")),
    )
    op.create_index(
        op.f("ix_entries_municipality_id_case_id_written_at"),
        "entries",
        ["municipality_id", "case_id", "written_at"],
        unique=False,
    )
    op.create_table(
        "goals",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("information_kind", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_how", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "author_id"], ["people.municipality_id", "people.id"], name=op.f("fk_goals_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_goals_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_goals_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_goals_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_goals")),
    )
    op.create_index(op.f("ix_goals_municipality_id_case_id"), "goals", ["municipality_id", "case_id"], unique=False)
    op.create_table(
        "handovers",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("from_person_id", sa.String(length=20), nullable=False),
        sa.Column("to_person_id", sa.String(length=20), nullable=False),
        sa.Column("to_unit_id", sa.String(length=20), nullable=False),
        sa.Column("takes_over_log", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offered_by", sa.String(length=20), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decline_reason", sa.String(length=60), nullable=True),
        sa.Column("answer_note", sa.Text(), nullable=True),
        sa.CheckConstraint("from_person_id <> to_person_id", name=op.f("ck_handovers_not_to_oneself")),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_handovers_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "from_person_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_handovers_from_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "offered_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_handovers_offered_by"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "to_person_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_handovers_to_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "to_unit_id"],
            ["units.municipality_id", "units.id"],
            name=op.f("fk_handovers_to_unit_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_handovers_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_handovers")),
    )
    op.create_index(
        op.f("ix_handovers_municipality_id_to_person_id_state"),
        "handovers",
        ["municipality_id", "to_person_id", "state"],
        unique=False,
    )
    op.create_index(
        op.f("ix_handovers_municipality_id_case_id"), "handovers", ["municipality_id", "case_id"], unique=False
    )
    op.create_index(
        "uq_handovers_open",
        "handovers",
        ["municipality_id", "case_id"],
        unique=True,
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_table(
        "participations",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invited_by", sa.String(length=20), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decline_reason", sa.String(length=60), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_how", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"],
            ["cases.municipality_id", "cases.id"],
            name=op.f("fk_participations_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "invited_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_participations_invited_by"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "person_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_participations_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"],
            ["units.municipality_id", "units.id"],
            name=op.f("fk_participations_unit_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_participations_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_participations")),
    )
    op.create_index(
        "ix_participations_person", "participations", ["municipality_id", "person_id", "state"], unique=False
    )
    op.create_index(
        "uq_participations_live",
        "participations",
        ["municipality_id", "case_id", "person_id", "unit_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "referrals",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("cause", sa.String(length=60), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("referred_by", sa.String(length=20), nullable=False),
        sa.Column("referred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.String(length=20), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_referrals_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "decided_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_referrals_decided_by"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "referred_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_referrals_referred_by"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_referrals_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_referrals_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_referrals")),
    )
    op.create_index(
        op.f("ix_referrals_municipality_id_unit_id_referred_at"),
        "referrals",
        ["municipality_id", "unit_id", "referred_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_referrals_municipality_id_case_id"), "referrals", ["municipality_id", "case_id"], unique=False
    )
    op.create_index(
        "uq_referrals_open",
        "referrals",
        ["municipality_id", "case_id"],
        unique=True,
        sqlite_where=sa.text("decided_at IS NULL"),
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "wonders",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("themes", sa.String(length=400), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("talked", sa.String(length=60), nullable=False),
        sa.Column("feedback", sa.Text(), nullable=True),
        sa.Column("feedback_by", sa.String(length=20), nullable=True),
        sa.Column("feedback_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_wonders_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "feedback_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_wonders_feedback_by"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_wonders_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_wonders")),
        sa.UniqueConstraint("municipality_id", "case_id", name=op.f("uq_wonders_municipality_id_case_id")),
    )
    op.create_table(
        "consent_parties",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("consent_id", sa.String(length=20), nullable=False),
        sa.Column("authority", sa.String(length=60), nullable=False),
        sa.Column("guardian_id", sa.String(length=20), nullable=True),
        sa.Column("subject_id", sa.String(length=20), nullable=True),
        sa.Column("unit_id", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "(guardian_id IS NOT NULL AND subject_id IS NULL AND unit_id IS NULL)"
            " OR (guardian_id IS NULL AND subject_id IS NOT NULL AND unit_id IS NULL)"
            " OR (guardian_id IS NULL AND subject_id IS NULL AND unit_id IS NOT NULL)",
            name=op.f("ck_consent_parties_exactly_one_giver"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "consent_id"],
            ["consents.municipality_id", "consents.id"],
            name=op.f("fk_consent_parties_consent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "guardian_id"],
            ["guardians.municipality_id", "guardians.id"],
            name=op.f("fk_consent_parties_guardian_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "subject_id"],
            ["subjects.municipality_id", "subjects.id"],
            name=op.f("fk_consent_parties_subject_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"],
            ["units.municipality_id", "units.id"],
            name=op.f("fk_consent_parties_unit_id"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_consent_parties_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_consent_parties")),
    )
    op.create_index(
        op.f("ix_consent_parties_municipality_id_consent_id"),
        "consent_parties",
        ["municipality_id", "consent_id"],
        unique=False,
    )
    op.create_table(
        "consent_units",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("consent_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "consent_id"],
            ["consents.municipality_id", "consents.id"],
            name=op.f("fk_consent_units_consent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_consent_units_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_consent_units_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_consent_units")),
        sa.UniqueConstraint(
            "municipality_id", "consent_id", "unit_id", name=op.f("uq_consent_units_municipality_id_consent_id_unit_id")
        ),
    )
    op.create_table(
        "disclosures",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("kinds", sa.String(length=400), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("consent_id", sa.String(length=20), nullable=True),
        sa.Column("law_reference", sa.String(length=120), nullable=True),
        sa.Column("law_reason", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(length=20), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_how", sa.String(length=60), nullable=True),
        sa.CheckConstraint(
            "(consent_id IS NULL) <> (law_reference IS NULL)", name=op.f("ck_disclosures_exactly_one_basis")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_disclosures_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "consent_id"],
            ["consents.municipality_id", "consents.id"],
            name=op.f("fk_disclosures_consent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "opened_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_disclosures_opened_by"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_disclosures_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_disclosures_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_disclosures")),
    )
    op.create_index(
        "ix_disclosures_live",
        "disclosures",
        ["municipality_id", "case_id", "unit_id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        op.f("ix_disclosures_municipality_id_consent_id"),
        "disclosures",
        ["municipality_id", "consent_id"],
        unique=False,
    )
    op.create_table(
        "measures",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("goal_id", sa.String(length=20), nullable=True),
        sa.Column("information_kind", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("responsible_person_id", sa.String(length=20), nullable=True),
        sa.Column("responsible_guardian_id", sa.String(length=20), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("evaluate_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("author_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evaluated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "responsible_person_id IS NULL OR responsible_guardian_id IS NULL",
            name=op.f("ck_measures_one_responsible_at_most"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "author_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_measures_author_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_measures_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "goal_id"], ["goals.municipality_id", "goals.id"], name=op.f("fk_measures_goal_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "responsible_guardian_id"],
            ["guardians.municipality_id", "guardians.id"],
            name=op.f("fk_measures_responsible_guardian_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "responsible_person_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_measures_responsible_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_measures_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_measures_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_measures")),
    )
    op.create_index(
        op.f("ix_measures_municipality_id_case_id"), "measures", ["municipality_id", "case_id"], unique=False
    )
    op.create_table(
        "consent_events",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("consent_id", sa.String(length=20), nullable=False),
        sa.Column("party_id", sa.String(length=20), nullable=True),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("said_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "consent_id"],
            ["consents.municipality_id", "consents.id"],
            name=op.f("fk_consent_events_consent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "party_id"],
            ["consent_parties.municipality_id", "consent_parties.id"],
            name=op.f("fk_consent_events_party_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "recorded_by"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_consent_events_recorded_by"),
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_consent_events_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_consent_events")),
    )
    op.create_index(
        op.f("ix_consent_events_municipality_id_consent_id"),
        "consent_events",
        ["municipality_id", "consent_id"],
        unique=False,
    )
    op.create_table(
        "evaluations",
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("measure_id", sa.String(length=20), nullable=False),
        sa.Column("done_as_planned", sa.String(length=60), nullable=False),
        sa.Column("effect", sa.String(length=60), nullable=False),
        sa.Column("outcome", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author_id", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.String(length=20), nullable=False),
        sa.Column("evaluated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "author_id"],
            ["people.municipality_id", "people.id"],
            name=op.f("fk_evaluations_author_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "case_id"], ["cases.municipality_id", "cases.id"], name=op.f("fk_evaluations_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "measure_id"],
            ["measures.municipality_id", "measures.id"],
            name=op.f("fk_evaluations_measure_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "unit_id"], ["units.municipality_id", "units.id"], name=op.f("fk_evaluations_unit_id")
        ),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipalities.id"], name=op.f("fk_evaluations_")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_evaluations")),
    )
    op.create_index(
        op.f("ix_evaluations_municipality_id_case_id"), "evaluations", ["municipality_id", "case_id"], unique=False
    )


def downgrade() -> None:
    """Migrations go forward only: restore a backup instead."""
    raise NotImplementedError
