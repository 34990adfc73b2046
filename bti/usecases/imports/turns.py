"""Whose turn it is: one import at a time in a municipality, and no file kept longer than somebody waits for it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.errors import NotFound, NotPossible
from bti.models import import_runs
from bti.models.sealed import sealed
from bti.queries.register import Import
from bti.usecases.administration import administer

WORKING = ("checking", "running")
# The largest file takes a minute; after this the process that worked on it is gone.
INTERRUPTED_AFTER = timedelta(minutes=15)
# A checked file holds names of children: it doesn't lie about until somebody remembers it.
KEPT_FOR = timedelta(days=1)


def take_turn(session: sa.Connection, *, actor: Actor, now: datetime) -> None:
    """Make way for a new import. Raises Forbidden, NotPossible (`import_under_way`)."""
    administer(session, actor)
    let_go(session, actor=actor, now=now)
    r = import_runs.c
    others = session.execute(
        sa.select(r.id).where(r.municipality_id == actor.municipality_id, r.state.in_(WORKING)).limit(1)
    )
    if others.first():
        raise NotPossible("import_under_way")


def begin(session: sa.Connection, *, actor: Actor, run_id: str, now: datetime) -> None:
    """Let a checked file go on to be carried out, which counts from now.

    Raises Forbidden, NotFound, NotPossible (`import_under_way`, `import_not_ready`).
    """
    take_turn(session, actor=actor, now=now)
    _checked(session, actor, run_id)
    set_run(session, actor, run_id, started_at=now)


def discard(session: sa.Connection, *, actor: Actor, run_id: str, now: datetime) -> None:
    """Throw a checked file away. Raises Forbidden, NotFound, NotPossible (`import_not_ready`)."""
    administer(session, actor)
    _end(session, actor, _checked(session, actor, run_id), "discarded", now)


def is_interrupted(run: Import, now: datetime) -> bool:
    """Return whether nobody works on the import any more, though it says that somebody does."""
    return run.state in WORKING and run.started_at <= now - INTERRUPTED_AFTER


def let_go(session: sa.Connection, *, actor: Actor, now: datetime) -> None:
    """End imports that were interrupted, and throw away files that nobody came back to. Raises Forbidden."""
    administer(session, actor)
    r = import_runs.c
    for states, age, cause in ((WORKING, INTERRUPTED_AFTER, "interrupted"), (("checked",), KEPT_FOR, "expired")):
        left = session.execute(
            sa.select(r.id, r.findings).where(
                r.municipality_id == actor.municipality_id, r.state.in_(states), r.started_at <= now - age
            )
        )
        for row in left.all():
            _end(session, actor, row, cause, now)


def _checked(session: sa.Connection, actor: Actor, run_id: str) -> Any:
    r = import_runs.c
    row = session.execute(
        sa.select(r.id, r.state, r.findings)
        .where(r.municipality_id == actor.municipality_id, r.id == run_id)
        .with_for_update()
    ).first()
    if row is None:
        raise NotFound()
    if row.state != "checked":
        raise NotPossible("import_not_ready", state=row.state)
    return row


def _end(session: sa.Connection, actor: Actor, row: Any, cause: str, now: datetime) -> None:
    """End a run without having imported anything; its report keeps its numbers and says why."""
    told = json.dumps(json.loads(row.findings or "{}") | {"cause": cause}, ensure_ascii=False)
    set_run(session, actor, row.id, state="failed", content="", findings=told, finished_at=now)


def set_run(session: sa.Connection, actor: Actor, run_id: str, *, only: Any = None, **values: Any) -> None:
    """Write how a run goes; `only` is a condition on its row."""
    r, row = import_runs.c, {"municipality_id": actor.municipality_id, "id": run_id}
    written = sealed(session, import_runs, row | values)
    here = (r.municipality_id == actor.municipality_id, r.id == run_id, *([] if only is None else [only]))
    session.execute(sa.update(import_runs).where(*here).values({name: written[name] for name in values}))
