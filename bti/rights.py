"""What a role of PostgreSQL may do: the pages' role owns nothing, and adds to the trail but never changes it.

The sequencer's role is another one: it numbers and signs what is in the trail, and sees nothing else of a municipality.
"""

from __future__ import annotations

import sqlalchemy as sa

from bti.config import Misconfigured
from bti.db import writing
from bti.models import (
    audit_checkpoints,
    audit_entries,
    audit_epochs,
    audit_leaves,
    audit_nodes,
    metadata,
    municipalities,
)

# What is only ever added to, and read.
_ADDED_TO = frozenset({audit_entries.name})
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


def _pages() -> dict[str, list[str]]:
    tables = {table.name for table in metadata.sorted_tables}
    return {
        "SELECT, INSERT, UPDATE, DELETE": sorted(tables - _ADDED_TO - _SIGNED),
        "SELECT, INSERT": sorted(_ADDED_TO),
        "SELECT": sorted({*_SIGNED, _SCHEMA}),
    }


def _signers() -> dict[str, list[str]]:
    return {
        "SELECT, INSERT, UPDATE, DELETE": sorted(_SIGNED),
        "SELECT, INSERT": sorted(_ADDED_TO),
        "SELECT": sorted({municipalities.name, _SCHEMA}),
    }


def _statements(role: str, schema: str, may: dict[str, list[str]]) -> list[str]:
    return [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM {role}, PUBLIC",
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        *(f"GRANT {what} ON {', '.join(tables)} TO {role}" for what, tables in may.items()),
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    ]
