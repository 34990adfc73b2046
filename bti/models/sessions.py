"""Being logged in: sessions, the second factor with its recovery codes, and how often somebody has tried."""

from __future__ import annotations

import sqlalchemy as sa

from bti.models.base import at, code, confidential, key, link, metadata, tenant_table

_LIVE = sa.text("ended_at IS NULL")

# Added and ended, never edited but for `seen_at`: a new level is a new row under a new token. Of the token only a
# fingerprint is kept, so that nobody who reads the table can be anybody. `level` is what has been proven (`password`,
# `password+totp`, `demo`), `method` how it was proven last (`password`, `totp`, `recovery`, `demo`).
sessions = tenant_table(
    "sessions",
    sa.Column("token_hash", sa.String(64), nullable=False),
    key("person_id"),
    code("level"),
    code("method"),
    at("began_at"),
    at("seen_at"),
    at("stepped_up_at", nullable=True),
    at("ended_at", nullable=True),
    code("ended_how", nullable=True),
    link("person_id", "people"),
    sa.CheckConstraint("(ended_at IS NULL) = (ended_how IS NULL)", name="ended_somehow"),
    sa.UniqueConstraint("municipality_id", "token_hash"),
    sa.Index(
        "ix_sessions_live", "municipality_id", "person_id", sqlite_where=_LIVE, postgresql_where=_LIVE
    ),
)  # fmt: skip

# `last_step` is the half minute of the code that was used last: no code is used twice.
second_factors = tenant_table(
    "second_factors",
    key("person_id"),
    confidential("secret"),
    sa.Column("last_step", sa.BigInteger, nullable=False),
    at("added_at"),
    at("ended_at", nullable=True),
    code("ended_how", nullable=True),
    link("person_id", "people"),
    sa.Index(
        "uq_second_factors_live",
        "municipality_id",
        "person_id",
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    ),
    owner="municipality_id",
)

recovery_codes = tenant_table(
    "recovery_codes",
    key("factor_id"),
    sa.Column("code_hash", sa.String(64), nullable=False),
    at("used_at", nullable=True),
    link("factor_id", "second_factors"),
    sa.UniqueConstraint("municipality_id", "factor_id", "code_hash"),
)

# How full a bucket of tries is. `bucket` is blinded, so that it tells neither what was typed nor where from;
# `free_at` is the second (since 1970) in which it is empty again.
throttles = sa.Table(
    "throttles",
    metadata,
    sa.Column("municipality_id", sa.String(40), sa.ForeignKey("municipalities.id"), primary_key=True),
    sa.Column("bucket", sa.String(64), primary_key=True),
    sa.Column("free_at", sa.BigInteger, nullable=False),
)
