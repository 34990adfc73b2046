"""What all tables share: names of constraints, the tenant key, moments in UTC, keys in one column."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bti.models.sealed import Sealed

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_1_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID_LENGTH = 20
_ALPHABET = "abcdefghjkmnpqrstvwxyz0123456789"


def new_id() -> str:
    """Return a fresh opaque id: 20 characters, 100 random bits, nothing to guess or count."""
    number = secrets.randbits(100)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(0, 100, 5))


def _of_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


class Moment(sa.types.TypeDecorator[datetime]):
    """A point in time, always aware and in UTC. SQLite keeps no zone, so it is put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)

    def result_processor(self, dialect: Any, coltype: object) -> Any:
        # A page reads a hundred moments: SQLite's text is read in one go.
        return _of_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


class Keys(sa.types.TypeDecorator[tuple[str, ...]]):
    """A short list of keys from a definition (themes, kinds of information), space-separated in one column."""

    impl = sa.String(400)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else " ".join(sorted(value))

    def process_result_value(self, value: str | None, dialect: Any) -> tuple[str, ...]:
        return tuple(value.split()) if value else ()


def key(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """Return a column that holds the id of a row."""
    return sa.Column(name, sa.String(ID_LENGTH), nullable=nullable)


def code(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """Return a column for a short code: a state, a step, a kind."""
    return sa.Column(name, sa.String(60), nullable=nullable)


def at(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    """Return a column for a moment."""
    return sa.Column(name, Moment, nullable=nullable)


def sealed_text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """Return a column that is sealed and still shown to auditors: what staff are called, and auditors' own remarks."""
    return sa.Column(name, Sealed(), nullable=nullable)


def confidential(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """Return a column for a name, contact data or free text: sealed, and never read by an auditor."""
    return sa.Column(name, Sealed(), nullable=nullable, info={"confidential": True})


def flag(name: str, *, default: bool = False) -> sa.Column[bool]:
    """Return a yes/no column."""
    return sa.Column(name, sa.Boolean, nullable=False, default=default)


def link(column: str, table: str) -> sa.ForeignKeyConstraint:
    """Return a foreign key from `column` to a row of `table` in the same municipality."""
    return sa.ForeignKeyConstraint(["municipality_id", column], [f"{table}.municipality_id", f"{table}.id"])


def tenant_table(name: str, *parts: Any, owner: str = "", told: bool = True, at_once: int = 1_000) -> sa.Table:
    """Return a table keyed by municipality and id.

    `owner` is the column that says whose key seals the sealed columns: `case_id`, `id` (each row has its own) or
    `municipality_id`. `told` says that the trail commits to every cell that is written, `at_once` how many rows may be
    held in memory together.
    """
    names = []
    for part in parts:
        if isinstance(part, sa.Column) and isinstance(part.type, Sealed):
            if not owner:
                raise ValueError(f"{name}.{part.name} is sealed, and nothing says with whose key")
            part.type = Sealed(name, part.name, owner)
            names.append(part.name)
    return sa.Table(
        name,
        metadata,
        sa.Column("municipality_id", sa.String(40), sa.ForeignKey("municipalities.id"), primary_key=True),
        sa.Column("id", sa.String(ID_LENGTH), primary_key=True),
        *parts,
        info={"owner": owner, "sealed": tuple(names), "told": told, "at_once": at_once},
    )
