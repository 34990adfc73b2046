"""Writing what was planned, in batches, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.db import UNTOLD
from bti.models import guardians, guardianships, memberships, people, subjects, units
from bti.models.sealed import begin_owner, sealed, sealed_columns
from bti.usecases.administration import tell
from bti.usecases.imports.report import Plan
from bti.usecases.sessions import end_all

_BATCH = 1_000
# What one entry commits to: an entry of the trail has room for 65,535 bytes, and a row's commitments take 200.
_TOLD_AT_ONCE = 250
# A row can only refer to what is there before it.
_ORDER = (units, people, memberships, subjects, guardians, guardianships)


def write(session: sa.Connection, *, actor: Actor, plan: Plan, now: datetime) -> None:
    """Write every row and every entry of the trail that is planned."""
    for table in _ORDER:
        rows = [_completed(table, values, actor, now) for where, values in plan.inserts if where is table]
        insert_rows(session, table, rows, actor=actor, now=now)
        _update(session, table, [(id_, values) for where, id_, values in plan.updates if where is table], actor, now)
    for event, object_id, fields in plan.told:
        tell(session, actor=actor, event=event, now=now, object_id=object_id, fields=fields)
    granted = {values["person_id"] for table, values in plan.inserts if table is memberships}
    for person_id in sorted(granted):
        end_all(session, actor=actor, person_id=person_id, cause="role_granted", now=now)


def _completed(table: sa.Table, values: dict[str, Any], actor: Actor, now: datetime) -> dict[str, Any]:
    given = {"municipality_id": actor.municipality_id, **values}
    if table is memberships:
        given |= {"started_at": now, "granted_by": actor.person_id or None}
    return given


def insert_rows(
    session: sa.Connection, table: sa.Table, rows: list[dict[str, Any]], *, actor: Actor, now: datetime
) -> None:
    """Write new rows of the register; what is sealed in them is told of as it is written."""
    for some in _in_parts(table, rows):
        if table.info.get("owner") == "id":
            for row in some:
                begin_owner(row["municipality_id"], row["id"])
        session.execute(sa.insert(table), [_sealed(session, table, row) for row in some])
        _tell_written(session, table, len(some), actor, now)


def _update(
    session: sa.Connection, table: sa.Table, rows: list[tuple[str, dict[str, Any]]], actor: Actor, now: datetime
) -> None:
    # Rows that change the same columns go in one batch.
    for _names, same in groupby(sorted(rows, key=_columns), key=_columns):
        for some in _in_parts(table, list(same)):
            here = [{"municipality_id": actor.municipality_id, "id": id_, **values} for id_, values in some]
            _update_same(session, table, [_sealed(session, table, row) for row in here])
            _tell_written(session, table, len(some), actor, now)


def _update_same(session: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    columns = [name for name in rows[0] if name not in ("municipality_id", "id")]
    statement = (
        sa.update(table)
        .where(table.c.municipality_id == sa.bindparam("here"), table.c.id == sa.bindparam("row_id"))
        .values({column: sa.bindparam(f"new_{column}", type_=table.c[column].type) for column in columns})
    )
    given = [
        {"here": row["municipality_id"], "row_id": row["id"]} | {f"new_{name}": row[name] for name in columns}
        for row in rows
    ]
    session.execute(statement, given)


def _columns(row: tuple[str, dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(row[1]))


def _in_parts(table: sa.Table, rows: list[Any]) -> Iterator[list[Any]]:
    most = _TOLD_AT_ONCE if sealed_columns(table) else _BATCH
    for start in range(0, len(rows), most):
        yield rows[start : start + most]


def _sealed(session: sa.Connection, table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    return sealed(session, table, row) if set(sealed_columns(table)) & row.keys() else row


def _tell_written(session: sa.Connection, table: sa.Table, rows: int, actor: Actor, now: datetime) -> None:
    if session.info.get(UNTOLD):
        tell(session, actor=actor, event="register.write", now=now, fields={"part": table.name, "rows": rows})
