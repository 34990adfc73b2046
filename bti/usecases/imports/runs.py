"""Running an import: taken in, checked, carried out as a whole or not at all, and watched meanwhile.

A page takes the file in (`receive`), lets it be checked (`check`), shows the report and carries it out when an
administrator says so (`carry_out`); `bti import` does all three (`run`). What these write about themselves, in
`import_runs`, is committed as they go: that is why they are given the database and not a transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.clock import local_day
from bti.db import DatabaseUnavailable, reading, writing
from bti.errors import Invalid, NotFound, NotPossible
from bti.models import import_runs, new_id
from bti.models.sealed import sealed
from bti.usecases.administration import administer, require_administrator, tell
from bti.usecases.imports.children import plan_children
from bti.usecases.imports.columns import KINDS
from bti.usecases.imports.guardians import plan_guardians
from bti.usecases.imports.planning import Progress, Work
from bti.usecases.imports.report import MOST_FINDINGS, Plan, Report
from bti.usecases.imports.staff import plan_staff
from bti.usecases.imports.table import Table, read
from bti.usecases.imports.turns import WORKING, set_run
from bti.usecases.imports.units import plan_units
from bti.usecases.imports.writing import write
from bti.usecases.text import one_of

Clock = Callable[[], datetime]


def dry_run(
    session: sa.Connection,
    *,
    actor: Actor,
    kind: str,
    content: bytes,
    now: datetime,
    mark_left: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Return what importing the file would do, without doing it. Raises Forbidden, Invalid (kind).

    `progress` is called now and then with how many rows of how many have been looked at.
    """
    require_administrator(actor)
    one_of("kind", kind, KINDS)
    table = read(kind, content)
    plan = _plan(session, actor, table, now, mark_left=mark_left, progress=progress)
    report = _report(table, plan)
    _tell_dry_run(session, actor, report, now)
    return report


def run(
    database: sa.Engine,
    *,
    actor: Actor,
    kind: str,
    content: bytes,
    clock: Clock,
    mark_left: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Import the file, all of it or, when the report has findings, nothing. The same file twice changes nothing.

    `mark_left` also marks imported children who aren't in the file as having left. Raises Forbidden, Invalid (kind).
    """
    with writing(database) as session:
        run_id = receive(session, actor=actor, kind=kind, content=content, now=clock())
    report = check(database, actor=actor, run_id=run_id, clock=clock, progress=progress)
    if not report.is_good:
        return report
    return carry_out(database, actor=actor, run_id=run_id, clock=clock, mark_left=mark_left)


def receive(session: sa.Connection, *, actor: Actor, kind: str, content: bytes, now: datetime) -> str:
    """Take a file in and return the run's id. Raises Forbidden, Invalid (kind; file: `too_large`, `empty_file`,
    `not_text`, which nothing can be made of)."""
    require_administrator(actor)
    one_of("kind", kind, KINDS)
    table = read(kind, content)
    unreadable = next((f.code for f in table.findings if f.code in ("too_large", "empty_file", "not_text")), None)
    if unreadable:
        raise Invalid(file=unreadable)
    run_id = new_id()
    session.execute(
        sa.insert(import_runs),
        sealed(session, import_runs, {
            "municipality_id": actor.municipality_id, "id": run_id, "person_id": actor.person_id or None,
            "kind": kind, "state": "checking", "total_rows": len(table.rows), "done_rows": 0, "created": 0,
            "changed": 0, "findings": json.dumps({"encoding": table.encoding}),
            "content": content.decode(_DECODED[table.encoding]), "started_at": now,
        }),
    )  # fmt: skip
    return run_id


# What is stored is text again; the report remembers how the file was written.
_DECODED = {"utf-8": "utf-8-sig", "windows-1252": "windows-1252", "utf-16": "utf-16"}


def check(database: sa.Engine, *, actor: Actor, run_id: str, clock: Clock, progress: Progress | None = None) -> Report:
    """Look through a file that was taken in and return what importing it would do; state `checked` or `failed`.

    Raises Forbidden, NotFound, NotPossible (`import_not_ready`).
    """
    require_administrator(actor)
    with reading(database) as session:
        table = _stored(session, actor, run_id, "checking")
    try:
        with reading(database) as session:
            plan = _plan(session, actor, table, clock(), progress=_published(database, actor, run_id, progress))
        report = _report(table, plan)
        with writing(database) as session:
            _tell_dry_run(session, actor, report, clock())
            _finish(session, actor, run_id, report, "checked" if report.is_good else "failed", clock())
    except Exception:
        _give_up(database, actor, run_id, clock())
        raise
    return report


def carry_out(database: sa.Engine, *, actor: Actor, run_id: str, clock: Clock, mark_left: bool = False) -> Report:
    """Write everything that a checked file says, in one transaction; state `done`, or `failed` and nothing written.

    Planned again inside the transaction: the register may have changed since the check. Raises Forbidden, NotFound,
    NotPossible (`import_not_ready`, also for a run that was carried out before).
    """
    require_administrator(actor)
    with writing(database) as session:
        table = _stored(session, actor, run_id, "checked", lock=True)
        set_run(session, actor, run_id, state="running")
    try:
        with writing(database) as session:
            administer(session, actor)
            now = clock()
            plan = _plan(session, actor, table, now, mark_left=mark_left)
            report = _report(table, plan)
            if report.is_good:
                write(session, actor=actor, plan=plan, now=now)
                _tell_run(session, actor, run_id, report, now)
            _finish(session, actor, run_id, report, "done" if report.is_good else "failed", now)
    except Exception:
        _give_up(database, actor, run_id, clock())
        raise
    return report


def _plan(
    session: sa.Connection,
    actor: Actor,
    table: Table,
    now: datetime,
    *,
    mark_left: bool = False,
    progress: Progress | None = None,
) -> Plan:
    work = Work(session, actor.municipality_id, table, local_day(now), Plan(), progress)
    # A file without its columns would give the same message for every row.
    if any(finding.row == 0 for finding in table.findings):
        return work.plan
    if table.kind == "units":
        plan_units(work)
    elif table.kind == "staff":
        plan_staff(work)
    elif table.kind == "children":
        plan_children(work, mark_left=mark_left)
    else:
        plan_guardians(work)
    return work.plan


def _report(table: Table, plan: Plan) -> Report:
    findings = sorted([*table.findings, *plan.findings], key=lambda finding: finding.row)
    return Report(
        kind=table.kind,
        rows=len(table.rows),
        created=plan.created,
        changed=plan.changed,
        unchanged=plan.unchanged,
        missing=plan.missing,
        left=plan.left,
        encoding=table.encoding,
        ignored=table.ignored,
        findings=tuple(findings[:MOST_FINDINGS]),
        finding_count=len(findings),
    )


# --- the row that tells how it goes -------------------------------------------------------------------------------


def _stored(session: sa.Connection, actor: Actor, run_id: str, state: str, *, lock: bool = False) -> Table:
    query = sa.select(import_runs).where(
        import_runs.c.municipality_id == actor.municipality_id, import_runs.c.id == run_id
    )
    row = session.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound()
    if row.state != state:
        raise NotPossible("import_not_ready", state=row.state)
    table = read(row.kind, row.content.encode())
    table.encoding = json.loads(row.findings)["encoding"]
    return table


def _published(database: sa.Engine, actor: Actor, run_id: str, progress: Progress | None) -> Progress:
    """Return a callback that also writes how far it has come, for a page that asks."""

    def publish(done: int, total: int) -> None:
        # Another writer may hold the database; the next time will do.
        with suppress(DatabaseUnavailable), writing(database) as session:
            set_run(session, actor, run_id, done_rows=done)
        if progress:
            progress(done, total)

    return publish


def _finish(session: sa.Connection, actor: Actor, run_id: str, report: Report, state: str, now: datetime) -> None:
    told: dict[str, Any] = {
        "state": state, "done_rows": report.rows, "created": report.created, "changed": report.changed,
        "findings": json.dumps(report.as_json(), ensure_ascii=False),
    }  # fmt: skip
    if state != "checked":
        # Names of children aren't kept longer than they are needed.
        told |= {"content": "", "finished_at": now}
    set_run(session, actor, run_id, **told)


def _give_up(database: sa.Engine, actor: Actor, run_id: str, now: datetime) -> None:
    with suppress(DatabaseUnavailable), writing(database) as session:
        working = import_runs.c.state.in_(WORKING)
        set_run(session, actor, run_id, only=working, state="failed", content="", finished_at=now)


def _tell_dry_run(session: sa.Connection, actor: Actor, report: Report, now: datetime) -> None:
    fields = {"kind": report.kind, "rows": report.rows, "findings": report.finding_count}
    tell(session, actor=actor, event="import.dry_run", now=now, fields=fields)


def _tell_run(session: sa.Connection, actor: Actor, run_id: str, report: Report, now: datetime) -> None:
    fields = {
        "kind": report.kind, "rows": report.rows, "created": report.created, "changed": report.changed,
        "left": report.left,
    }  # fmt: skip
    tell(session, actor=actor, event="import.run", now=now, object_id=run_id, fields=fields)
