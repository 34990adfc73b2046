"""The case and what carries it: wonder, baton, handovers, participants, referrals."""

from __future__ import annotations

import sqlalchemy as sa

from bti.models.base import Keys, at, code, confidential, flag, key, link, tenant_table

# One row from the first wonder to the last closing. The two promises that the database itself keeps:
# an open case has a holder (one column, so never two) and a next date.
cases = tenant_table(
    "cases",
    sa.Column("reference", sa.String(20), nullable=False),
    sa.Column("definition", sa.String(60), nullable=False),
    sa.Column("definition_version", sa.Integer, nullable=False),
    sa.Column("step", sa.String(20), nullable=False),
    sa.Column("level_order", sa.Integer, nullable=False),
    flag("has_log"),
    flag("is_shared"),
    key("unit_id"),
    key("subject_id", nullable=True),
    key("author_id"),
    key("holder_id"),
    key("holder_unit_id"),
    flag("is_interim"),
    flag("holder_confirmed"),
    at("shared_with_leader_at", nullable=True),
    sa.Column("step_due_on", sa.Date),
    sa.Column("due_on", sa.Date),
    sa.Column("due_reason", sa.String(60), nullable=False, default=""),
    at("opened_at"),
    at("step_entered_at"),
    sa.Column("level_entered_on", sa.Date, nullable=False),
    at("closed_at", nullable=True),
    code("closing_reason", nullable=True),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    link("unit_id", "units"),
    link("subject_id", "subjects"),
    link("author_id", "people"),
    link("holder_id", "people"),
    link("holder_unit_id", "units"),
    sa.UniqueConstraint("municipality_id", "reference"),
    sa.CheckConstraint("closed_at IS NOT NULL OR due_on IS NOT NULL", name="open_case_has_next_date"),
    sa.CheckConstraint("(closed_at IS NOT NULL) = (step = 'closed')", name="closed_step_is_closed"),
    sa.CheckConstraint("NOT has_log OR subject_id IS NOT NULL", name="log_has_subject"),
    # The ways into the worklist, each in the order it is shown.
    sa.Index("ix_cases_holder_due", "municipality_id", "holder_id", "due_on", "id"),
    sa.Index("ix_cases_unit_due", "municipality_id", "unit_id", "due_on", "id"),
    sa.Index(
        "ix_cases_wonders_due",
        "municipality_id",
        "author_id",
        "due_on",
        "id",
        sqlite_where=sa.text("level_order = 0 AND closed_at IS NULL"),
        postgresql_where=sa.text("level_order = 0 AND closed_at IS NULL"),
    ),
    sa.Index("ix_cases_author", "municipality_id", "author_id", "opened_at"),
    sa.Index("ix_cases_subject", "municipality_id", "subject_id"),
)

# The wonder that began the case: the author's own note, never opened to other services by a consent.
wonders = tenant_table(
    "wonders",
    key("case_id"),
    sa.Column("themes", Keys, nullable=False),
    confidential("seen"),
    code("talked"),
    confidential("feedback", nullable=True),
    key("feedback_by", nullable=True),
    at("feedback_at", nullable=True),
    link("case_id", "cases"),
    link("feedback_by", "people"),
    sa.UniqueConstraint("municipality_id", "case_id"),
    owner="case_id",
)

# Who held the baton when: rows are added and ended, never edited.
batons = tenant_table(
    "batons",
    key("case_id"),
    key("person_id"),
    key("unit_id"),
    code("how"),
    at("started_at"),
    at("ended_at", nullable=True),
    link("case_id", "cases"),
    link("person_id", "people"),
    link("unit_id", "units"),
    # The first one tells where a wonder was written.
    sa.Index(None, "municipality_id", "case_id"),
    sa.Index(
        "uq_batons_live",
        "municipality_id",
        "case_id",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
)

handovers = tenant_table(
    "handovers",
    key("case_id"),
    key("from_person_id"),
    key("to_person_id"),
    key("to_unit_id"),
    flag("takes_over_log"),
    confidential("note"),
    code("state"),
    at("offered_at"),
    key("offered_by"),
    sa.Column("expires_on", sa.Date, nullable=False),
    at("answered_at", nullable=True),
    code("decline_reason", nullable=True),
    confidential("answer_note", nullable=True),
    link("case_id", "cases"),
    link("from_person_id", "people"),
    link("to_person_id", "people"),
    link("to_unit_id", "units"),
    link("offered_by", "people"),
    sa.CheckConstraint("from_person_id <> to_person_id", name="not_to_oneself"),
    sa.Index(None, "municipality_id", "case_id"),
    sa.Index(
        "uq_handovers_open",
        "municipality_id",
        "case_id",
        unique=True,
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    ),
    sa.Index(None, "municipality_id", "to_person_id", "state"),
    owner="case_id",
)

# A service takes part through a named person: invited, active, declined or ended.
participations = tenant_table(
    "participations",
    key("case_id"),
    key("person_id"),
    key("unit_id"),
    code("state"),
    confidential("purpose"),
    at("invited_at"),
    key("invited_by"),
    at("answered_at", nullable=True),
    code("decline_reason", nullable=True),
    at("ended_at", nullable=True),
    code("ended_how", nullable=True),
    link("case_id", "cases"),
    link("person_id", "people"),
    link("unit_id", "units"),
    link("invited_by", "people"),
    sa.Index(
        "uq_participations_live",
        "municipality_id",
        "case_id",
        "person_id",
        "unit_id",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    sa.Index("ix_participations_person", "municipality_id", "person_id", "state"),
    # Those who have left are shown too.
    sa.Index(None, "municipality_id", "case_id"),
    owner="case_id",
)

# A stuck case or a disagreement put before the coordinating unit: it sees this text, not the case.
referrals = tenant_table(
    "referrals",
    key("case_id"),
    key("unit_id"),
    code("cause"),
    confidential("question"),
    key("referred_by"),
    at("referred_at"),
    code("outcome", nullable=True),
    confidential("reason", nullable=True),
    key("decided_by", nullable=True),
    at("decided_at", nullable=True),
    link("case_id", "cases"),
    link("unit_id", "units"),
    link("referred_by", "people"),
    link("decided_by", "people"),
    sa.Index(
        "uq_referrals_open",
        "municipality_id",
        "case_id",
        unique=True,
        sqlite_where=sa.text("decided_at IS NULL"),
        postgresql_where=sa.text("decided_at IS NULL"),
    ),
    sa.Index(None, "municipality_id", "case_id"),
    sa.Index(None, "municipality_id", "unit_id", "referred_at"),
    owner="case_id",
)
