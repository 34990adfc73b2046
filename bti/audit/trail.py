"""The one door through which an audit entry is written: in the caller's transaction, with exactly the listed fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.audit import pace
from bti.audit.vocabulary import EVENTS, PURPOSES
from bti.db import UNTOLD
from bti.errors import NotReady, Refused, Unopened
from bti.models import audit_entries, cases
from bti.statements import Change
from bti.unavailable import told_or_nothing

_COLUMNS = [column for column in audit_entries.c if column.name != "id"]
_VALUES = {column.name: sa.bindparam(column.name, type_=column.type) for column in _COLUMNS}
_ADD = Change(sa.insert(audit_entries).values(_VALUES).inline())
# The case as it was read. On PostgreSQL a change of it waits until the entry is written, and the entry for a change
# that is under way or waits already: shared locks would let reading after reading go before a withdrawal.
_AS_READ = (
    sa.select(cases.c.id)
    .where(
        cases.c.municipality_id == _VALUES["municipality_id"],
        cases.c.id == _VALUES["case_id"],
        cases.c.version == sa.bindparam("seen_version", type_=sa.Integer),
    )
    .with_for_update(key_share=True)
    .subquery("as_read")
)
_ADD_IF_UNCHANGED = Change(
    sa.insert(audit_entries).from_select(
        list(_VALUES), sa.select(*_VALUES.values()).select_from(_AS_READ).where(pace.is_calm(_VALUES))
    )
)
# Where a connection that only reads keeps what is to be told of the reading; see `bti.audit.showing`.
PENDING = "pending_trail"
# The one field that stands in no list: by table, row and column, what `bti.crypto.sealing.commitment` says of the cell.
COMMITMENT = "commitment"


@dataclass
class Pending:
    """Entries of a reading that are not written yet, and which version each case had that was read."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)


def record(
    session: sa.Connection,
    *,
    actor: Actor | None,
    municipality_id: str,
    event: str,
    now: datetime,
    fields: Mapping[str, Any],
    case_id: str | None = None,
    object_id: str | None = None,
    role: str = "",
    unit_id: str | None = None,
    purpose: str = "",
    basis: str = "",
    decision: str = "allowed",
    seen_version: int | None = None,
) -> None:
    """Write one entry in the caller's transaction, or leave it to `show` where that only reads.

    `seen_version` is the version of the case that was read, which then must still be its version. `fields` must be
    exactly those the vocabulary lists for `event`; values are codes, ids, dates, counts. What was sealed in this
    transaction since its last entry is committed to beside them. Raises ValueError for an unknown event or other
    fields: that is a fault of ours, never of a user.
    """
    expected = EVENTS.get(event)
    if expected is None or set(fields) != set(expected):
        raise ValueError(f"{event} carries {expected}, not {tuple(fields)}")
    usual_purpose, usual_basis = PURPOSES.get(event, ("", ""))
    # Commitments to what was sealed since the last entry: an older cell put back in its place is thereby found.
    sealed = session.info.pop(UNTOLD, None)
    entry = {
        "municipality_id": municipality_id,
        "at": now,
        "event": event,
        "actor_id": (actor.person_id or None) if actor else None,
        "unit_id": unit_id or (actor.main_unit if actor else None),
        "role": role or (actor.main_role if actor else "system"),
        "case_id": case_id,
        "object_id": object_id,
        "purpose": purpose or usual_purpose,
        "basis": basis or usual_basis,
        "decision": decision,
        "fields": canonical({**fields, COMMITMENT: sealed} if sealed else fields),
        "request_id": actor.request_id if actor else "",
    }
    pending: Pending | None = session.get_execution_options().get(PENDING)
    if pending is None:
        write(session, [entry])
        return
    pending.entries.append(entry)
    if case_id is not None and seen_version is not None:
        pending.seen[municipality_id, case_id] = seen_version


def write(session: sa.Connection, entries: list[dict[str, Any]]) -> None:
    """Write entries that `record` has made. For this room alone: everybody else asks `record`.

    Raises DatabaseUnavailable when the database doesn't take them, whatever its reason.
    """
    with told_or_nothing():
        for entry in entries:
            _ADD.run(session, entry)


def is_simple(pending: Pending) -> bool:
    """Whether `write_simple` can write what is pending: one entry, and no case read but the one it is about."""
    if len(pending.entries) != 1 or len(pending.seen) > 1:
        return False
    entry = pending.entries[0]
    return all(case == (entry["municipality_id"], entry["case_id"]) for case in pending.seen)


def write_simple(session: sa.Connection, pending: Pending) -> bool:
    """Write the one entry of a reading in one statement; return False, with nothing written, where its case has changed
    since it was read, or its reader has opened so many that somebody has to look closer."""
    entry = pending.entries[0]
    for version in pending.seen.values():
        return _ADD_IF_UNCHANGED.run(session, {**entry, "seen_version": version, **pace.moments(entry)}) == 1
    _ADD.run(session, entry)
    return True


def record_refusal(
    session: sa.Connection,
    *,
    actor: Actor,
    attempt: str,
    refusal: Refused,
    now: datetime,
    case_id: str | None = None,
) -> None:
    """Write that `actor` tried `attempt` and was turned down. Belongs in a transaction of its own."""
    missing = [found.code for found in refusal.missing] if isinstance(refusal, NotReady) else []
    record(
        session,
        actor=actor,
        municipality_id=actor.municipality_id,
        event="refused",
        now=now,
        case_id=case_id,
        decision="refused",
        fields={"attempt": attempt, "code": refusal.code, "missing": missing},
    )


def record_unopened(session: sa.Connection, *, actor: Actor | None, shut: Unopened, now: datetime) -> None:
    """Write that a sealed cell didn't open. Belongs in a transaction of its own."""
    record(
        session,
        actor=actor,
        municipality_id=shut.municipality_id,
        event="cell.unopened",
        now=now,
        object_id=shut.row_id,
        decision="refused",
        fields={"part": shut.table, "column": shut.column, "cause": shut.cause},
    )


def canonical(fields: Mapping[str, Any]) -> str:
    """Return `fields` as JSON with sorted keys and no spaces, dates and moments as ISO 8601."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in the trail")
