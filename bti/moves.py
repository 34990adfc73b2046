"""Moving a case: decide, write where it stands and when it is due, and end what the move ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.decision import decide
from bti.engine import Scene, change, earliest, load_scene, require_seen
from bti.errors import Invalid, NotPossible
from bti.grants import end_door, end_offer, end_participation
from bti.models import measures
from bti.workflow.definition import CLOSED, Move


def take_move(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    name: str,
    seen_version: int,
    now: datetime,
    reason_given: bool = False,
    closing_reason: str | None = None,
    next_date: date | None = None,
    keep: Callable[[Scene, str, int], None] | None = None,
) -> Scene:
    """Take the move `name` from where the case stands and return the scene after it.

    `seen_version` is the version on the page the person acted on; `next_date` replaces the definition's deadline
    and may not be later than it. `keep` is called with the scene, the step after and its level once the move is
    certain, to write what the trail's entry of the move then commits to. Raises NotFound, Stale, NotPossible,
    Forbidden, NotReady (with all that is missing) or Invalid.

    Rules: domain.md, The usual steps; the engine's own needs in `bti.needs`.
    """
    # Locked: a measure or a goal that changes meanwhile would leave needs and next date judged on the old ones.
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_seen(scene, seen_version)
    decision = decide(scene.model, scene.facts, scene.standing, name)
    if decision.refusal or decision.to is None:
        raise decision.refusal or NotPossible("move_not_possible")
    chosen = scene.model.move(name, scene.facts.step)
    _check_answers(scene, chosen, reason_given=reason_given, closing_reason=closing_reason)
    values = values_after(scene, chosen, decision.to, closing_reason=closing_reason, next_date=next_date)
    fields = {
        "move": name,
        "from": scene.facts.step,
        "to": decision.to,
        "unit": scene.facts.unit_id,
        "due_on": values["due_on"],
        "closing_reason": closing_reason,
        "reason_given": reason_given,
    }
    if keep:
        keep(scene, decision.to, values["level_order"])
    after = change(session, scene, event="case.move", values=values, fields=fields)
    # An offer was made for the level it was made on: a change of level overtakes it, whatever the file says.
    ends: set[str] = {str(end) for end in chosen.ends}
    if scene.model.changes_level(scene.facts.step, decision.to):
        ends.add("offer")
    return _end_what_the_move_ends(session, after, chosen, ends)


def _check_answers(scene: Scene, chosen: Move, *, reason_given: bool, closing_reason: str | None) -> None:
    wrong = {}
    if chosen.reason == "required" and not reason_given:
        wrong["reason"] = "reason_missing"
    if chosen.to == CLOSED:
        known = {choice.key for choice in scene.model.definition.closing_reasons}
        if closing_reason not in known:
            wrong["closing_reason"] = "closing_reason_missing"
    elif closing_reason is not None:
        wrong["closing_reason"] = "closing_reason_not_asked"
    if wrong:
        raise Invalid(**wrong)


def values_after(
    scene: Scene, chosen: Move, to: str, *, closing_reason: str | None = None, next_date: date | None = None
) -> dict[str, Any]:
    """Return what stands in the case's row after a move that has been decided; nothing is written.

    Raises NotPossible (`no_deadline`), Invalid (next_date).
    """
    facts, model, now = scene.facts, scene.model, scene.now
    if to == CLOSED:
        return {
            "step": CLOSED, "level_order": facts.level_order, "has_log": False, "is_shared": False,
            "step_due_on": None, "due_on": None, "due_reason": "", "step_entered_at": now,
            "level_entered_on": facts.level_entered_on, "closed_at": now, "closing_reason": closing_reason,
            "holder_confirmed": False, "shared_with_leader_at": facts.shared_with_leader_at,
        }  # fmt: skip
    order = model.level_index(to)
    new_level = order != facts.level_order or not facts.is_open
    entered = scene.today if new_level else facts.level_entered_on
    step_due = _step_due(scene, chosen, to, entered, next_date)
    keep_measures = "measures" not in chosen.ends
    due, reason = earliest(step_due, facts.next_measure_on if keep_measures else None)
    shares = "share_with_leader" in chosen.does and facts.shared_with_leader_at is None
    return {
        "step": to, "level_order": order, "has_log": model.has_log(to), "is_shared": model.is_shared(to),
        "step_due_on": step_due, "due_on": due, "due_reason": reason, "step_entered_at": now,
        "level_entered_on": entered, "closed_at": None, "closing_reason": None,
        # Who holds the baton is decided again at every change of level.
        "holder_confirmed": facts.holder_confirmed and not new_level,
        "shared_with_leader_at": now if shares else facts.shared_with_leader_at,
    }  # fmt: skip


def _step_due(scene: Scene, chosen: Move, to: str, level_entered_on: date, next_date: date | None) -> date:
    due = scene.model.due(chosen, to, scene.facts.themes, moved_on=scene.today, level_entered_on=level_entered_on)
    if due is None:
        raise NotPossible("no_deadline", step=to)
    if next_date is None:
        return due.on
    if not scene.today <= next_date <= due.on:
        raise Invalid(next_date="next_date_out_of_range")
    return next_date


def _end_what_the_move_ends(session: sa.Connection, scene: Scene, chosen: Move, ends: set[str]) -> Scene:
    closing = chosen.to == CLOSED
    if closing:
        ends |= {"participations", "measures"}
    if scene.facts.offer and "offer" in ends:
        scene = end_offer(session, scene, event="handover.overtake", fields={"cause": chosen.name})
    if "participations" in ends:
        for participant in scene.facts.participants:
            scene = end_participation(session, scene, participant_id=participant.id, cause=chosen.name)
    if "measures" in ends:
        _end_measures(session, scene)
    if closing:
        for cover in scene.facts.covers:
            if cover.unit_id != scene.facts.unit_id:
                scene = end_door(session, scene, cover_id=cover.id, cause="case_closed")
    return scene


def _end_measures(session: sa.Connection, scene: Scene) -> None:
    session.execute(
        sa.update(measures)
        .where(
            measures.c.municipality_id == scene.facts.municipality_id,
            measures.c.case_id == scene.facts.id,
            measures.c.ended_at.is_(None),
        )
        .values(ended_at=scene.now, state="ended")
    )
