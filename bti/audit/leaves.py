"""From a row of the trail to the bytes that are hashed, and back through a tree in the order in which it was built.

The bytes are spelt from the row each time, and compared with the hash that was kept when they were numbered: so a row
that was changed afterwards differs. An entry's members are the columns below; what is empty is left out, so that a
column that comes later changes no older entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from unicodedata import is_normalized

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from bti.audit.trail import COMMITMENT, canonical
from bti.models import audit_entries, audit_leaves
from bti.verifier.entries import NotCanonical, encode

# Rows in memory at a time.
AT_ONCE = 4_096
_COLUMNS = {
    "actor": "actor_id",
    "unit": "unit_id",
    "role": "role",
    "object": "object_id",
    "purpose": "purpose",
    "basis": "basis",
    "decision": "decision",
    "request": "request_id",
}
_NO_MOMENT = "0001-01-01T00:00:00.000000Z"


@dataclass(frozen=True)
class Place:
    """An entry's place in its case: the case, the number within it, the hash of the entry before."""

    case_id: str
    seq: int
    prev: bytes


@dataclass(frozen=True)
class Leaf:
    """A numbered entry: its place in the tree, the hash that was kept, and its bytes as the trail has them now.

    `data` is None where the trail has no such entry any more, `case_id` is the case that the row names.
    """

    position: int
    entry_id: int
    leaf_hash: bytes
    place: Place | None
    case_id: str | None
    data: bytes | None


def spell(row: Any, place: Place | None) -> bytes:
    """Return the canonical bytes of a row of `columns`, at its place in its case.

    What has no canonical form (nothing that `record` writes) is told by the hash of all its columns.
    """
    chain = {} if place is None else {"case": place.case_id, "case_seq": place.seq, "case_prev": place.prev.hex()}
    try:
        fields = json.loads(row.fields)
        if canonical(fields) != row.fields:
            raise NotCanonical("its fields could be spelt otherwise")
        # Ids of rows are no words, and only words may be members: what is told of cells is said in pairs.
        sealed = fields.pop(COMMITMENT, None)
        told = {name: getattr(row, column) for name, column in _COLUMNS.items()}
        told[COMMITMENT] = _pairs(sealed)
        told = {name: value for name, value in told.items() if value not in (None, "")}
        return encode({"id": row.id, "at": row.spelt_at, "event": row.event, "fields": fields, **told, **chain})
    except (ValueError, TypeError, RecursionError):
        whole = json.dumps(list(row), default=repr).encode()
        event = row.event if isinstance(row.event, str) and is_normalized("NFC", row.event) else "?"
        return encode({"id": row.id, "at": _NO_MOMENT, "event": event, "unspelt": sha256(whole).hexdigest(), **chain})


def _pairs(value: Any) -> Any:
    """Return objects within objects as lists of pairs, in the order of their keys."""
    return [[key, _pairs(inner)] for key, inner in sorted(value.items())] if isinstance(value, dict) else value


def case_of(row: Any) -> str | None:
    """Return the case that an entry is chained to, or None."""
    found: Any = row.case_id
    return found if isinstance(found, str) and found and is_normalized("NFC", found) else None


def leaves(
    session: sa.Connection, *, municipality_id: str, epoch: int, first: int = 0, last: int | None = None
) -> Iterator[Leaf]:
    """Yield the leaves of a tree in order, from position `first` up to and without `last`."""
    l, given = audit_leaves.c, {"whose": municipality_id, "epoch": epoch}  # noqa: E741
    while last is None or first < last:
        end = first + AT_ONCE if last is None else min(last, first + AT_ONCE)
        rows = session.execute(_LEAVES, {**given, "first": first, "end": end}).all()
        yield from map(_leaf, rows)
        if not rows:
            beyond = sa.select(sa.func.min(l.position)).where(
                l.municipality_id == municipality_id, l.epoch == epoch, l.position >= end
            )
            # Positions without a leaf are for whoever checks; everybody else goes on with the next there is.
            found = session.execute(beyond).scalar()
            if found is None:
                return
            end = found
        first = end


def _leaf(row: Any) -> Leaf:
    chained = row.place_case is not None and row.case_seq is not None and row.case_prev is not None
    place = Place(row.place_case, row.case_seq, bytes(row.case_prev)) if chained else None
    # The bytes name the case that the row names: another one than the chain's is a change like any other.
    told = case_of(row) if row.id is not None else None
    spoken = Place(told, place.seq, place.prev) if place and told else None
    data = spell(_Entry(row), spoken) if row.id is not None else None
    return Leaf(row.position, row.entry_id, bytes(row.leaf_hash), place, told, data)


class _Entry:
    """A row of the two tables seen as one of `columns`."""

    def __init__(self, row: Any) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._row[: len(columns)])


class _spelt(FunctionElement[str]):
    """A moment as the log writes it, and anything else where somebody has written what is no moment."""

    name = "spelt"
    type = sa.String()
    inherit_cache = True


@compiles(_spelt, "postgresql")
def _spelt_postgresql(element: _spelt, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"""to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


@compiles(_spelt, "sqlite")
def _spelt_sqlite(element: _spelt, compiler: SQLCompiler, **options: Any) -> str:
    return f"replace({compiler.process(element.clauses, **options)}, ' ', 'T') || 'Z'"


# What `spell` reads, in an order that never changes.
columns: tuple[sa.ColumnElement[Any], ...] = (
    audit_entries.c.id,
    _spelt(audit_entries.c.at).label("spelt_at"),
    audit_entries.c.event,
    audit_entries.c.actor_id,
    audit_entries.c.unit_id,
    audit_entries.c.role,
    audit_entries.c.case_id,
    audit_entries.c.object_id,
    audit_entries.c.purpose,
    audit_entries.c.basis,
    audit_entries.c.decision,
    audit_entries.c.fields,
    audit_entries.c.request_id,
)

_LEAVES = (
    sa.select(
        *columns,
        audit_leaves.c.position,
        audit_leaves.c.entry_id,
        audit_leaves.c.leaf_hash,
        audit_leaves.c.case_id.label("place_case"),
        audit_leaves.c.case_seq,
        audit_leaves.c.case_prev,
    )
    .select_from(
        audit_leaves.outerjoin(
            audit_entries,
            sa.and_(
                audit_entries.c.municipality_id == audit_leaves.c.municipality_id,
                audit_entries.c.id == audit_leaves.c.entry_id,
            ),
        )
    )
    .where(
        audit_leaves.c.municipality_id == sa.bindparam("whose"),
        audit_leaves.c.epoch == sa.bindparam("epoch"),
        audit_leaves.c.position >= sa.bindparam("first"),
        audit_leaves.c.position < sa.bindparam("end"),
    )
    .order_by(audit_leaves.c.position)
)
