"""Writing what was planned, in batches, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.models import guardians, guardianships, memberships, people, subjects, units
from bti.usecases.administration import tell
from bti.usecases.imports.report import Plan
from bti.usecases.sessions import end_all

_BATCH = 1_000
# A row can only refer to what is there before it.
_ORDER = (units, people, memberships, subjects, guardians, guardianships)


def write(session: sa.Connection, *, actor: Actor, plan: Plan, now: datetime) -> None:
    """Write every row and every entry of the trail that is planned."""
    for table in _ORDER:
        rows = [values for where, values in plan.inserts if where is table]
        _insert(session, table, [_completed(table, values, actor, now) for values in rows])
        _update(session, table, actor, [(id_, values) for where, id_, values in plan.updates if where is table])
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


def _insert(session: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _BATCH):
        session.execute(sa.insert(table), rows[start : start + _BATCH])


def _update(session: sa.Connection, table: sa.Table, actor: Actor, rows: list[tuple[str, dict[str, Any]]]) -> None:
    # Rows that change the same columns go in one batch.
    for columns, same in groupby(sorted(rows, key=_columns), key=_columns):
        statement = (
            sa.update(table)
            .where(table.c.municipality_id == actor.municipality_id, table.c.id == sa.bindparam("row_id"))
            .values({column: sa.bindparam(f"new_{column}", type_=table.c[column].type) for column in columns})
        )
        given = [{"row_id": id_} | {f"new_{name}": value for name, value in values.items()} for id_, values in same]
        for start in range(0, len(given), _BATCH):
            session.execute(statement, given[start : start + _BATCH])


def _columns(row: tuple[str, dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(row[1]))
