"""Municipality, units, staff and their roles; subjects, guardians and who answers for whom."""

from __future__ import annotations

import sqlalchemy as sa

from bti.models.base import at, code, confidential, flag, key, link, metadata, sealed_text, tenant_table

municipalities = sa.Table(
    "municipalities",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    # The mark that lets `bti demo` touch a database and that opens "Logg inn som".
    sa.Column("is_demo", sa.Boolean, nullable=False),
    sa.Column("definition", sa.String(60), nullable=False),
    sa.Column("definition_version", sa.Integer, nullable=False),
)

# A unit is the service a consent names: this school, this health centre, PPT. `kind` chooses its guide texts.
units = tenant_table(
    "units",
    sa.Column("name", sa.String(120), nullable=False),
    code("kind"),
    flag("is_external"),
    sa.Column("phone", sa.String(40)),
    at("ended_at", nullable=True),
    sa.UniqueConstraint("municipality_id", "name"),
)

people = tenant_table(
    "people",
    sa.Column("username", sa.String(80), nullable=False),
    sealed_text("name"),
    sealed_text("title"),
    sealed_text("email", nullable=True),
    sealed_text("phone", nullable=True),
    sa.Column("language", sa.String(2), nullable=False, default="nb"),
    sa.Column("password_hash", sa.Text),
    at("ended_at", nullable=True),
    sa.UniqueConstraint("municipality_id", "username"),
    owner="municipality_id",
)

memberships = tenant_table(
    "memberships",
    key("person_id"),
    key("unit_id"),
    code("role"),
    at("started_at"),
    at("ended_at", nullable=True),
    key("granted_by", nullable=True),
    link("person_id", "people"),
    link("unit_id", "units"),
    link("granted_by", "people"),
    sa.Index(None, "municipality_id", "unit_id", "role"),
    sa.Index(
        "uq_memberships_live",
        "municipality_id",
        "person_id",
        "unit_id",
        "role",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
)

# The subject (hovedperson): a child or young person, or a pregnant woman. `external_key` is the import's own key.
subjects = tenant_table(
    "subjects",
    code("kind"),
    confidential("given_name"),
    confidential("family_name"),
    confidential("national_id", nullable=True),
    sa.Column("national_id_index", sa.String(64)),
    sa.Column("born_on", sa.Date),
    key("unit_id"),
    sa.Column("group_name", sa.String(40), nullable=False, default=""),
    flag("address_blocked"),
    sa.Column("external_key", sa.String(80)),
    sa.Column("left_on", sa.Date),
    link("unit_id", "units"),
    sa.UniqueConstraint("municipality_id", "external_key"),
    sa.Index(None, "municipality_id", "national_id_index"),
    sa.Index(None, "municipality_id", "unit_id", "group_name"),
    owner="id",
)

guardians = tenant_table(
    "guardians",
    confidential("name"),
    confidential("national_id", nullable=True),
    sa.Column("national_id_index", sa.String(64)),
    confidential("phone", nullable=True),
    confidential("email", nullable=True),
    sa.Column("language", sa.String(2), nullable=False, default="nb"),
    sa.Column("external_key", sa.String(80)),
    sa.UniqueConstraint("municipality_id", "external_key"),
    sa.Index(None, "municipality_id", "national_id_index"),
    owner="id",
)

guardianships = tenant_table(
    "guardianships",
    key("subject_id"),
    key("guardian_id"),
    code("relation"),
    flag("parental_responsibility"),
    sa.Column("started_on", sa.Date),
    sa.Column("ended_on", sa.Date),
    link("subject_id", "subjects"),
    link("guardian_id", "guardians"),
    # In the order they are shown: without the id SQLite reads every guardianship there is rather than sort a few.
    sa.Index(None, "municipality_id", "subject_id", "id"),
)

# Child welfare has taken over care: its unit consents instead of the guardians.
care_orders = tenant_table(
    "care_orders",
    key("subject_id"),
    key("unit_id"),
    sa.Column("started_on", sa.Date, nullable=False),
    sa.Column("ended_on", sa.Date),
    link("subject_id", "subjects"),
    link("unit_id", "units"),
    sa.Index(None, "municipality_id", "subject_id"),
)
