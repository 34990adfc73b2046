"""What is looked after afterwards: emergency access, alerts, and reads that an auditor draws to go through."""

from __future__ import annotations

import sqlalchemy as sa

from bti.models.base import Keys, at, code, confidential, key, link, sealed_text, tenant_table

_AWAITS = sa.text("reviewed_at IS NULL")
_OPEN = sa.text("closed_at IS NULL")
LONGEST_MINUTES = 120

# One person may read one case, and write nothing, until `ends_at`. Added, ended and reviewed, never edited.
# `unit_id` is the unit they work in, `case_unit_id` the one the case belonged to: the leaders of both are told.
break_glass = tenant_table(
    "break_glass",
    key("case_id"),
    key("person_id"),
    key("unit_id"),
    key("case_unit_id"),
    code("cause"),
    confidential("reason"),
    sa.Column("kinds", Keys, nullable=False),
    sa.Column("minutes", sa.Integer, nullable=False),
    at("opened_at"),
    at("ends_at"),
    at("ended_at", nullable=True),
    key("ended_by", nullable=True),
    at("reviewed_at", nullable=True),
    key("reviewed_by", nullable=True),
    code("reviewed_as", nullable=True),
    code("verdict", nullable=True),
    confidential("review_note", nullable=True),
    link("case_id", "cases"),
    link("person_id", "people"),
    link("unit_id", "units"),
    link("case_unit_id", "units"),
    link("ended_by", "people"),
    link("reviewed_by", "people"),
    sa.CheckConstraint(f"minutes BETWEEN 1 AND {LONGEST_MINUTES} AND ends_at > opened_at", name="lasts_some_minutes"),
    sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
    sa.CheckConstraint(
        "(reviewed_at IS NULL) = (reviewed_by IS NULL) AND (reviewed_at IS NULL) = (verdict IS NULL)"
        " AND (reviewed_at IS NULL) = (review_note IS NULL) AND (reviewed_at IS NULL) = (reviewed_as IS NULL)",
        name="reviewed_whole",
    ),
    sa.CheckConstraint("reviewed_by <> person_id", name="reviewed_by_another"),
    sa.Index("ix_break_glass_case", "municipality_id", "case_id", "ends_at"),
    sa.Index("ix_break_glass_person", "municipality_id", "person_id", "ends_at"),
    sa.Index(
        "ix_break_glass_awaits", "municipality_id", "opened_at", "id", sqlite_where=_AWAITS, postgresql_where=_AWAITS
    ),
    owner="case_id",
)

# Something an auditor should look at: `person_id` opened `cases` different cases from `since` on.
alerts = tenant_table(
    "alerts",
    code("kind"),
    key("person_id"),
    sa.Column("cases", sa.Integer, nullable=False),
    at("since"),
    at("raised_at"),
    at("closed_at", nullable=True),
    key("closed_by", nullable=True),
    code("outcome", nullable=True),
    # Of auditors for auditors, who know no child and open no case.
    sealed_text("note", nullable=True),
    link("person_id", "people"),
    link("closed_by", "people"),
    sa.CheckConstraint(
        "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (outcome IS NULL)", name="closed_whole"
    ),
    sa.CheckConstraint("closed_by <> person_id", name="closed_by_another"),
    sa.Index("ix_alerts_person", "municipality_id", "person_id", "raised_at"),
    sa.Index("ix_alerts_open", "municipality_id", "raised_at", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    owner="municipality_id",
)

# Reads of a period, drawn by `seed`: who knows it can draw the same ones again. `population` is how many there were.
samples = tenant_table(
    "samples",
    key("drawn_by"),
    at("drawn_at"),
    at("since"),
    at("until"),
    sa.Column("seed", sa.String(64), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("population", sa.Integer, nullable=False),
    link("drawn_by", "people"),
    sa.Index(None, "municipality_id", "drawn_at", "id"),
)

# `reader_id` is who made the read: nobody judges their own.
sample_items = tenant_table(
    "sample_items",
    key("sample_id"),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("entry_id", sa.BigInteger, nullable=False),
    key("reader_id", nullable=True),
    at("judged_at", nullable=True),
    key("judged_by", nullable=True),
    code("outcome", nullable=True),
    sealed_text("note", nullable=True),
    link("sample_id", "samples"),
    link("judged_by", "people"),
    sa.CheckConstraint(
        "(judged_at IS NULL) = (judged_by IS NULL) AND (judged_at IS NULL) = (outcome IS NULL)", name="judged_whole"
    ),
    sa.CheckConstraint("judged_by <> reader_id", name="judged_by_another"),
    sa.UniqueConstraint("municipality_id", "sample_id", "place"),
    sa.UniqueConstraint("municipality_id", "sample_id", "entry_id"),
    owner="municipality_id",
)
