"""Consent and the doors it opens. A consent is never edited: what happens to it are events, doors are dated rows."""

from __future__ import annotations

import sqlalchemy as sa

from bti.models.base import Keys, at, code, confidential, key, link, tenant_table

consents = tenant_table(
    "consents",
    key("case_id"),
    key("subject_id"),
    code("purpose"),
    sa.Column("kinds", Keys, nullable=False),
    confidential("about"),
    confidential("reservations"),
    sa.Column("notice_version", sa.String(40), nullable=False),
    sa.Column("notice_hash", sa.String(64), nullable=False),
    sa.Column("valid_to", sa.Date, nullable=False),
    key("asked_by"),
    at("asked_at"),
    key("renews_id", nullable=True),
    link("case_id", "cases"),
    link("subject_id", "subjects"),
    link("asked_by", "people"),
    link("renews_id", "consents"),
    sa.Index(None, "municipality_id", "case_id"),
    # The auditor's list of a municipality's consents, in the order it is shown.
    sa.Index(None, "municipality_id", "asked_at", "id"),
    owner="case_id",
)

# The services it names.
consent_units = tenant_table(
    "consent_units",
    key("consent_id"),
    key("unit_id"),
    link("consent_id", "consents"),
    link("unit_id", "units"),
    sa.UniqueConstraint("municipality_id", "consent_id", "unit_id"),
)

# Everybody who must give it, and by what authority: parental_responsibility, own_age, pregnant, care_order.
consent_parties = tenant_table(
    "consent_parties",
    key("consent_id"),
    code("authority"),
    key("guardian_id", nullable=True),
    key("subject_id", nullable=True),
    key("unit_id", nullable=True),
    link("consent_id", "consents"),
    link("guardian_id", "guardians"),
    link("subject_id", "subjects"),
    link("unit_id", "units"),
    sa.CheckConstraint(
        "(guardian_id IS NOT NULL AND subject_id IS NULL AND unit_id IS NULL)"
        " OR (guardian_id IS NULL AND subject_id IS NOT NULL AND unit_id IS NULL)"
        " OR (guardian_id IS NULL AND subject_id IS NULL AND unit_id IS NOT NULL)",
        name="exactly_one_giver",
    ),
    # In the order they are asked, as with guardianships.
    sa.Index(None, "municipality_id", "consent_id", "id"),
)

# What was said, by whom, how it reached us. `said_on` is what people say; `recorded_at` is the server's clock.
consent_events = tenant_table(
    "consent_events",
    key("case_id"),
    key("consent_id"),
    key("party_id", nullable=True),
    code("event"),
    code("channel"),
    confidential("witness"),
    confidential("evidence"),
    sa.Column("said_on", sa.Date, nullable=False),
    at("recorded_at"),
    key("recorded_by"),
    link("consent_id", "consents"),
    link("party_id", "consent_parties"),
    link("recorded_by", "people"),
    link("case_id", "cases"),
    sa.Index(None, "municipality_id", "consent_id"),
    owner="case_id",
)

# The door itself: this unit may see these kinds in this case, on exactly one basis, until a date.
disclosures = tenant_table(
    "disclosures",
    key("case_id"),
    key("unit_id"),
    sa.Column("kinds", Keys, nullable=False),
    code("purpose"),
    key("consent_id", nullable=True),
    sa.Column("law_reference", sa.String(120)),
    confidential("law_reason", nullable=True),
    at("opened_at"),
    key("opened_by"),
    sa.Column("valid_to", sa.Date, nullable=False),
    at("ended_at", nullable=True),
    code("ended_how", nullable=True),
    link("case_id", "cases"),
    link("unit_id", "units"),
    link("consent_id", "consents"),
    link("opened_by", "people"),
    sa.CheckConstraint("(consent_id IS NULL) <> (law_reference IS NULL)", name="exactly_one_basis"),
    sa.Index(
        "ix_disclosures_live",
        "municipality_id",
        "case_id",
        "unit_id",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    # An auditor asks about doors that were open once, and about those that ran out. The latter's index is no use to
    # anybody else: by the date alone, SQLite would go through all live doors to find those of one case.
    sa.Index(None, "municipality_id", "case_id", "unit_id"),
    sa.Index(
        "ix_disclosures_consented_until",
        "municipality_id",
        "valid_to",
        sqlite_where=sa.text("consent_id IS NOT NULL"),
        postgresql_where=sa.text("consent_id IS NOT NULL"),
    ),
    sa.Index(None, "municipality_id", "consent_id"),
    owner="case_id",
)
