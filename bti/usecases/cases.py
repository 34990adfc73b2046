"""Moving a case through its levels, setting its next date, joining a wonder to a case that is already open."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from bti.actor import Actor
from bti.engine import (
    Scene,
    change,
    earliest,
    load_scene,
    require_ground,
    require_open,
    require_relation,
    require_seen,
    write_trail,
)
from bti.errors import Invalid, NotPossible
from bti.models import wonders
from bti.moves import take_move
from bti.usecases import baton
from bti.usecases.text import collect, optional, required
from bti.usecases.wonders import WONDER_KIND, insert_entry
from bti.workflow.definition import CLOSED

JOINED = "joined_other_case"


def move(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    name: str,
    seen_version: int,
    now: datetime,
    reason: str = "",
    closing_reason: str | None = None,
    next_date: date | None = None,
) -> Scene:
    """Take a move of the definition and keep its reason in the log. Arguments and errors as `moves.take_move`."""
    told = optional("reason", reason)

    def keep(before: Scene, to: str, level_order: int) -> None:
        # Every step stands in the log, also one taken without a word.
        _keep_reason(session, before, "closing" if to == CLOSED else "decision", name, told, level_order)

    scene = take_move(
        session,
        actor=actor,
        case_id=case_id,
        name=name,
        seen_version=seen_version,
        now=now,
        reason_given=bool(told),
        closing_reason=closing_reason,
        next_date=next_date,
        keep=keep,
    )
    if scene.facts.is_open and any(way.name == name for way in scene.model.moves_from(CLOSED)):
        scene = baton.catch(session, scene)
    return scene


def _keep_reason(session: sa.Connection, scene: Scene, kind: str, title: str, text: str, level_order: int) -> None:
    # Reasons given at level 0 stay with the wonder; later ones are the log's, of the kind every partner works with.
    information_kind = "measures" if level_order else WONDER_KIND
    insert_entry(
        session,
        scene,
        kind=kind,
        information_kind=information_kind,
        title=title,
        text=text,
        happened_on=scene.today,
    )


def set_next_date(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    next_date: date | None,
    reason: str,
    seen_version: int,
    now: datetime,
) -> None:
    """Move the deadline of the step the case stands on, with a reason that stays in the log.

    From today to a year ahead. Raises NotFound, Forbidden, Stale, NotPossible, Invalid (next_date, reason).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_relation(scene, "holder", "unit_leader")
    require_seen(scene, seen_version)
    collect(lambda: _next_date(scene, next_date), lambda: required("reason", reason, longest=2_000))
    next_date = _next_date(scene, next_date)
    due_on, due_reason = earliest(next_date, scene.facts.next_measure_on)
    values = {"step_due_on": next_date, "due_on": due_on, "due_reason": due_reason}
    fields = {"from": scene.facts.due_on, "to": next_date}
    _keep_reason(session, scene, "decision", "next_date", required("reason", reason), scene.facts.level_order)
    change(session, scene, event="case.next_date", values=values, fields=fields)


def _next_date(scene: Scene, next_date: date | None) -> date:
    if next_date is None:
        raise Invalid(next_date="missing")
    if not scene.today <= next_date <= scene.today + timedelta(days=366):
        raise Invalid(next_date="next_date_out_of_range")
    return next_date


def hand_on(
    session: sa.Connection, *, actor: Actor, case_id: str, to_case_id: str, seen_version: int, now: datetime
) -> None:
    """Give a wonder to the open case of the same child in the own unit, and close the wonder.

    Only somebody who can open both may do it: the unit leader, or an author who takes part in the other case.
    Raises NotFound, Stale, Forbidden, NotPossible (`not_same_subject`, `cannot_close_here`).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    target = load_scene(session, actor=actor, case_id=to_case_id, now=now)
    require_relation(scene, "author", "unit_leader")
    for one in (scene, target):
        require_open(one)
        require_ground(one)
    here, there = scene.facts, target.facts
    if here.level_order or here.id == there.id or here.unit_id != there.unit_id:
        raise NotPossible("not_same_subject")
    if here.subject_id is None or here.subject_id != there.subject_id:
        raise NotPossible("not_same_subject")
    insert_entry(
        session, target, kind="note", information_kind=WONDER_KIND, title="", text=_wonder_text(session, scene),
        happened_on=scene.today,
    )  # fmt: skip
    write_trail(session, target, event="entry.add", fields={"kind": "note", "information_kind": WONDER_KIND})
    write_trail(session, scene, event="case.hand_on", fields={"to_case": to_case_id})
    take_move(
        session, actor=actor, case_id=case_id, name=_way_to_close(scene), seen_version=seen_version, now=now,
        reason_given=True, closing_reason=JOINED,
    )  # fmt: skip


def _wonder_text(session: sa.Connection, scene: Scene) -> str:
    text: str = session.execute(
        sa.select(wonders.c.seen).where(
            wonders.c.municipality_id == scene.facts.municipality_id, wonders.c.case_id == scene.facts.id
        )
    ).scalar_one()
    return text


def _way_to_close(scene: Scene) -> str:
    for option in scene.options():
        if option.to == CLOSED and option.allowed and not option.missing:
            return option.move.name
    raise NotPossible("cannot_close_here")
