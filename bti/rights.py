"""What a role of PostgreSQL may do: the pages' role owns nothing, adds to the trail, and changes nothing said once.

The sequencer's role is another one: it numbers and signs what is in the trail, and sees nothing else of a municipality.
"""

from __future__ import annotations

import sqlalchemy as sa

from bti.config import Misconfigured
from bti.db import writing
from bti.models import (
    attachments,
    audit_checkpoints,
    audit_entries,
    audit_epochs,
    audit_leaves,
    audit_nodes,
    consent_events,
    consent_parties,
    consent_units,
    consents,
    drafts,
    entries,
    evaluations,
    metadata,
    municipalities,
    samples,
    sessions,
    throttles,
)
from bti.models.sealed import sealed_columns

_May = list[tuple[str, list[str]]]

# What is only ever added to, and read: said once, and what comes of it stands in other rows.
_SAID_ONCE = (attachments, consent_events, consent_parties, consent_units, consents, entries, evaluations, samples)
_ADDED_TO = frozenset({audit_entries.name, *(table.name for table in _SAID_ONCE)})
# What goes away by itself. Everything else ends, and stays.
_GOES_AWAY = frozenset({drafts.name, sessions.name, throttles.name})
# What the sequencer alone writes.
_SIGNED = frozenset(table.name for table in (audit_checkpoints, audit_epochs, audit_leaves, audit_nodes))
# Which schema this is; told by migrations alone.
_SCHEMA = "alembic_version"


def allow(engine: sa.Engine, role: str, *, signs: bool = False) -> None:
    """Let `role` do what `bti serve` and the other commands need, and nothing else, whatever it was allowed before.

    With `signs`, what `bti audit` and `bti fsck` need instead. Run by the tables' owner, after every `bti db upgrade`.
    Raises Misconfigured on SQLite, for a role that isn't there, and for one that would see over the walls between
    municipalities.
    """
    if engine.dialect.name != "postgresql":
        raise Misconfigured(["SQLite has no roles: whoever may read the file may do everything."])
    with writing(engine) as session:
        _require_fit(session, role)
        name = session.dialect.identifier_preparer.quote(role)
        schema = session.dialect.identifier_preparer.quote(session.scalar(sa.text("SELECT current_schema()")))
        for statement in _statements(name, schema, _signers() if signs else _pages()):
            session.exec_driver_sql(statement)


def _require_fit(session: sa.Connection, role: str) -> None:
    found = session.execute(
        sa.text(
            "SELECT rolsuper, rolbypassrls, rolname = current_user AS is_owner FROM pg_roles WHERE rolname = :role"
        ),
        {"role": role},
    ).first()
    if found is None:
        raise Misconfigured([f"There is no role {role}: make it with CREATE ROLE {role} LOGIN PASSWORD '…'."])
    if found.is_owner:
        raise Misconfigured([f"{role} owns the tables: the pages need a role of their own, which owns nothing."])
    if found.rolsuper or found.rolbypassrls:
        raise Misconfigured([f"{role} would see over the walls between municipalities: NOSUPERUSER NOBYPASSRLS."])


def _pages() -> _May:
    tables = {table.name for table in metadata.sorted_tables}
    return [
        ("SELECT, INSERT, UPDATE", sorted(tables - _ADDED_TO - _SIGNED)),
        ("DELETE", sorted(_GOES_AWAY)),
        ("SELECT, INSERT", sorted(_ADDED_TO)),
        *(_sealed_anew(table) for table in _SAID_ONCE if sealed_columns(table)),
        ("SELECT", sorted({*_SIGNED, _SCHEMA})),
    ]


def _sealed_anew(table: sa.Table) -> tuple[str, list[str]]:
    # Rotation seals the same text with another key. Another text isn't what the trail commits to.
    return f"UPDATE ({', '.join(sealed_columns(table))})", [table.name]


def _signers() -> _May:
    return [
        ("SELECT, INSERT, UPDATE, DELETE", sorted(_SIGNED)),
        ("SELECT, INSERT", [audit_entries.name]),
        ("SELECT", sorted({municipalities.name, _SCHEMA})),
    ]


def _statements(role: str, schema: str, may: _May) -> list[str]:
    return [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM {role}, PUBLIC",
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        *(f"GRANT {what} ON {', '.join(tables)} TO {role}" for what, tables in may),
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    ]
