"""Reading the worklist, with the trail's entry in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.clock import local_day
from bti.queries import worklist as lists
from bti.queries.beside import Beside, beside
from bti.queries.worklist import Filter, Place


@dataclass(frozen=True)
class Worklist:
    """A page of cases with what stands beside them, and what else waits for the person."""

    rows: list[Any]
    beside: Beside
    after: Place | None
    total: int
    this_week: int
    waiting: list[Any]
    shells: list[Any]


def read(session: sa.Connection, *, actor: Actor, wanted: Filter, after: Place | None, now: datetime) -> Worklist:
    """Return a page of the person's cases by deadline. Numbers are capped at `lists.MOST_COUNTED` + 1."""
    today = local_day(now)
    rows = lists.cases_by_deadline(session, actor=actor, wanted=wanted, today=today, after=after)
    page, more = rows[: lists.PAGE], len(rows) > lists.PAGE
    plain = Filter(ways=wanted.ways)
    week = today + timedelta(days=7)
    all_mine = lists.count_cases(session, actor=actor, wanted=plain, today=today, until=week)
    counted = (
        all_mine if wanted == plain else lists.count_cases(session, actor=actor, wanted=wanted, today=today, until=week)
    )
    found = Worklist(
        rows=page,
        beside=beside(session, municipality_id=actor.municipality_id, rows=page),
        after=Place(page[-1].due_on, page[-1].id) if more and not wanted.closed else None,
        total=counted.total,
        this_week=all_mine.until,
        waiting=lists.waiting_for(session, actor=actor, today=today) if after is None else [],
        shells=lists.shells(session, actor=actor, today=today) if after is None else [],
    )
    audit.record(
        session,
        actor=actor,
        municipality_id=actor.municipality_id,
        event="worklist.read",
        now=now,
        fields={"filter": _filter_code(wanted), "shown": len(page)},
    )
    return found


def _filter_code(wanted: Filter) -> str:
    """Return the filter as a code for the trail: that a text was searched for, never which."""
    parts = ["+".join(wanted.ways)]
    parts += [f"level={wanted.level}"] if wanted.level is not None else []
    parts += [f"due={wanted.due_before}"] if wanted.due_before else []
    parts += ["closed"] if wanted.closed else []
    parts += ["text"] if wanted.text else []
    return " ".join(parts)
