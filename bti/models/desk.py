"""What lies on the desk rather than in a case: drafts, receipts of forms, anonymous discussions, imports, the trail."""

from __future__ import annotations

import sqlalchemy as sa

from bti.models.base import at, code, confidential, key, link, metadata, tenant_table

# What somebody has typed and not sent. One per person and form.
drafts = tenant_table(
    "drafts",
    key("person_id"),
    sa.Column("form", sa.String(120), nullable=False),
    confidential("content"),
    at("saved_at"),
    link("person_id", "people"),
    sa.UniqueConstraint("municipality_id", "person_id", "form"),
    owner="municipality_id",
    told=False,
)

# The receipt of a form: the same token twice has one effect, and the second sender is told what the first did.
submissions = tenant_table(
    "submissions",
    key("person_id"),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("result", sa.String(200), nullable=False),
    at("received_at"),
    link("person_id", "people"),
    sa.UniqueConstraint("municipality_id", "person_id", "token"),
)

# Holds no identity and has no column that could point to a case or a subject: that is the point of it.
anonymous_discussions = tenant_table(
    "anonymous_discussions",
    key("author_id"),
    key("unit_id"),
    confidential("question"),
    at("asked_at"),
    confidential("answer", nullable=True),
    key("answered_by", nullable=True),
    at("answered_at", nullable=True),
    link("author_id", "people"),
    link("unit_id", "units"),
    link("answered_by", "people"),
    sa.Index(None, "municipality_id", "unit_id", "asked_at"),
    sa.Index(None, "municipality_id", "author_id", "asked_at"),
    owner="municipality_id",
)

import_runs = tenant_table(
    "import_runs",
    key("person_id", nullable=True),
    code("kind"),
    code("state"),
    sa.Column("total_rows", sa.Integer, nullable=False),
    sa.Column("done_rows", sa.Integer, nullable=False),
    sa.Column("created", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    confidential("findings"),
    confidential("content"),
    at("started_at"),
    at("finished_at", nullable=True),
    link("person_id", "people"),
    owner="municipality_id",
    told=False,
)

# Entries after which a case stands on another step or belongs to another unit.
TURNS = ("case.open", "case.move", "handover.accept")
_is_case_read = sa.text("event = 'case.read'")
_is_turn = sa.text(f"event IN ({', '.join(repr(event) for event in TURNS)})")

# The trail: one row per change, read, look-up and refusal. `fields` is canonical JSON with exactly the fields the
# vocabulary lists for the event, and what was sealed with it: codes, ids and commitments, no name and no free text.
audit_entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("municipality_id", sa.String(40), sa.ForeignKey("municipalities.id"), nullable=False),
    sa.Column(
        "id",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
        nullable=False,
    ),
    at("at"),
    code("event"),
    key("actor_id", nullable=True),
    key("unit_id", nullable=True),
    code("role"),
    key("case_id", nullable=True),
    key("object_id", nullable=True),
    code("purpose"),
    # own_service, consent:<id> or law:<reference>; empty where nothing of a case was shown.
    sa.Column("basis", sa.String(160), nullable=False),
    code("decision"),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("request_id", sa.String(40), nullable=False),
    sa.Index(None, "municipality_id", "case_id", "id"),
    sa.Index(None, "municipality_id", "actor_id", "id"),
    sa.Index(None, "municipality_id", "event", "id"),
    # The whole trail of a municipality, newest first: without it every page sorts all of it.
    sa.Index(None, "municipality_id", "id"),
    # With the id in it, an auditor's period becomes a range of ids by reading this index alone.
    sa.Index(None, "municipality_id", "at", "id"),
    # How many cases somebody has opened lately is asked whenever they open one.
    sa.Index(
        "ix_audit_entries_case_reads",
        "municipality_id",
        "actor_id",
        "at",
        "case_id",
        sqlite_where=_is_case_read,
        postgresql_where=_is_case_read,
    ),
    # Which step and unit a case had when it was read is asked of every read that is judged.
    sa.Index(
        "ix_audit_entries_turns",
        "municipality_id",
        "case_id",
        "id",
        sqlite_where=_is_turn,
        postgresql_where=_is_turn,
    ),
    sqlite_autoincrement=True,
)
