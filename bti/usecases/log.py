"""The log: entries, the child's view, goals, measures and their evaluations."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from bti.actor import Actor
from bti.engine import Scene, load_scene, refresh_due, require_ground, require_open, require_relation, write_trail
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import evaluations, goals, guardianships, measures, new_id
from bti.models.sealed import sealed
from bti.queries.people import is_member
from bti.usecases.text import collect, one_of, optional, required
from bti.usecases.wonders import check_past, insert_entry
from bti.workflow.library import small_track

ENTRY_KINDS = ("log", "meeting", "child_voice", "guardian_talk")
DONE = ("yes", "partly", "no")
EFFECTS = ("good", "some", "none", "worse")
OUTCOMES = ("continue", "change", "end")
FURTHEST_DAYS = 366


def add_entry(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    kind: str,
    information_kind: str,
    title: str,
    text: str,
    happened_on: date | None,
    asked_by: str,
    now: datetime,
) -> str:
    """Write in the log; return the entry's id. The child's view says who asked and when.

    Raises NotFound, Forbidden, NotPossible (`no_log_yet`, closed), Invalid (kind, information_kind, text,
    happened_on, asked_by).
    """
    scene = _log_scene(session, actor, case_id, now)
    require_relation(scene, "holder", "unit_leader")
    collect(
        lambda: one_of("kind", kind, ENTRY_KINDS),
        lambda: kind == "child_voice" and required("asked_by", asked_by, longest=200),
        lambda: optional("title", title, longest=200),
        lambda: check_past("happened_on", happened_on, scene.today),
        lambda: kind == "child_voice" and _day("happened_on", happened_on),
        lambda: required("text", text),
        lambda: _kind_of_information(scene, information_kind),
    )
    entry_id = insert_entry(
        session, scene, kind=kind, information_kind=information_kind, title=optional("title", title),
        text=required("text", text), happened_on=happened_on or scene.today, asked_by=optional("asked_by", asked_by),
    )  # fmt: skip
    write_trail(
        session, scene, event="entry.add", object_id=entry_id,
        fields={"kind": kind, "information_kind": information_kind},
    )  # fmt: skip
    return entry_id


def _log_scene(session: sa.Connection, actor: Actor, case_id: str, now: datetime) -> Scene:
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_ground(scene)
    if not scene.facts.has_log:
        raise NotPossible("no_log_yet")
    return scene


def _kind_of_information(scene: Scene, key: str) -> str:
    return one_of("information_kind", key, (choice.key for choice in scene.model.definition.information_kinds))


def _day(field: str, day: date | None) -> date:
    if day is None:
        raise Invalid(**{field: "missing"})
    return day


def set_goal(
    session: sa.Connection, *, actor: Actor, case_id: str, information_kind: str, text: str, now: datetime
) -> str:
    """Set a goal; return its id. Raises NotFound, Forbidden, NotPossible, Invalid (information_kind, text)."""
    scene = _log_scene(session, actor, case_id, now)
    require_relation(scene, "holder")
    collect(
        lambda: required("text", text, longest=1_000),
        lambda: _kind_of_information(scene, information_kind),
    )
    goal_id = new_id()
    session.execute(
        sa.insert(goals),
        sealed(session, goals, {
            "municipality_id": actor.municipality_id, "id": goal_id, "case_id": case_id,
            "information_kind": information_kind, "text": required("text", text), "author_id": actor.person_id,
            "unit_id": scene.unit_id, "set_at": now,
        }),
    )  # fmt: skip
    write_trail(session, scene, event="goal.set", object_id=goal_id, fields={"information_kind": information_kind})
    return goal_id


def end_goal(session: sa.Connection, *, actor: Actor, case_id: str, goal_id: str, how: str, now: datetime) -> None:
    """End a goal: reached, changed or dropped. Raises NotFound, Forbidden, NotPossible (`has_open_measures`)."""
    scene = _log_scene(session, actor, case_id, now)
    require_relation(scene, "holder")
    one_of("how", how, ("reached", "changed", "dropped"))
    under_it = session.execute(
        sa.select(sa.literal(1)).where(
            measures.c.municipality_id == actor.municipality_id,
            measures.c.goal_id == goal_id,
            measures.c.ended_at.is_(None),
        )
    ).first()
    if under_it:
        raise NotPossible("has_open_measures")
    ended = session.execute(
        sa.update(goals)
        .where(
            goals.c.municipality_id == actor.municipality_id,
            goals.c.case_id == case_id,
            goals.c.id == goal_id,
            goals.c.ended_at.is_(None),
        )
        .values(ended_at=now, ended_how=how)
    )
    if ended.rowcount != 1:
        raise NotFound()
    write_trail(session, scene, event="goal.end", object_id=goal_id, fields={"how": how})


def plan_measure(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    goal_id: str | None,
    information_kind: str,
    text: str,
    responsible: str,
    starts_on: date | None,
    evaluate_on: date | None,
    now: datetime,
) -> str:
    """Plan a measure; return its id.

    `responsible` is `person:<id>` of somebody in the case or the own unit, or `guardian:<id>` for a measure at
    home. Evaluation at most a year ahead. Raises NotFound, Forbidden, NotPossible, Invalid (goal,
    information_kind, text, responsible, starts_on, evaluate_on).
    """
    scene = _log_scene(session, actor, case_id, now)
    require_relation(scene, "holder")
    starts = starts_on or scene.today
    collect(
        lambda: _known_goal(session, scene, goal_id),
        lambda: required("text", text, longest=1_000),
        lambda: _responsible(session, scene, responsible),
        lambda: _evaluation_day(scene, starts, evaluate_on),
        lambda: _kind_of_information(scene, information_kind),
    )
    person_id, guardian_id = _responsible(session, scene, responsible)
    measure_id = new_id()
    session.execute(
        sa.insert(measures),
        sealed(session, measures, {
            "municipality_id": actor.municipality_id, "id": measure_id, "case_id": case_id, "goal_id": goal_id,
            "information_kind": information_kind, "text": required("text", text),
            "responsible_person_id": person_id, "responsible_guardian_id": guardian_id, "starts_on": starts,
            "evaluate_on": evaluate_on, "state": "active", "author_id": actor.person_id,
            "unit_id": scene.unit_id, "planned_at": now,
        }),
    )  # fmt: skip
    write_trail(
        session, scene, event="measure.plan", object_id=measure_id,
        fields={
            "information_kind": information_kind, "responsible": person_id or guardian_id, "evaluate_on": evaluate_on,
        },
    )  # fmt: skip
    refresh_due(session, scene)
    return measure_id


def _known_goal(session: sa.Connection, scene: Scene, goal_id: str | None) -> None:
    if goal_id is None:
        return
    found = session.execute(
        sa.select(goals.c.id).where(
            goals.c.municipality_id == scene.facts.municipality_id,
            goals.c.case_id == scene.facts.id,
            goals.c.id == goal_id,
            goals.c.ended_at.is_(None),
        )
    )
    if found.first() is None:
        raise Invalid(goal="unknown")


def _responsible(session: sa.Connection, scene: Scene, responsible: str) -> tuple[str | None, str | None]:
    who, _, id_ = responsible.partition(":")
    if not id_:
        raise Invalid(responsible="missing")
    if who == "guardian" and _is_guardian(session, scene, id_):
        return None, id_
    if who == "person" and _may_answer(session, scene, id_):
        return id_, None
    raise Invalid(responsible="unknown")


def _is_guardian(session: sa.Connection, scene: Scene, guardian_id: str) -> bool:
    found = session.execute(
        sa.select(guardianships.c.id).where(
            guardianships.c.municipality_id == scene.facts.municipality_id,
            guardianships.c.subject_id == scene.facts.subject_id,
            guardianships.c.guardian_id == guardian_id,
            guardianships.c.ended_on.is_(None),
        )
    )
    return found.first() is not None


def _may_answer(session: sa.Connection, scene: Scene, person_id: str) -> bool:
    in_case = {scene.facts.holder_id} | {p.person_id for p in scene.facts.participants if p.state == "active"}
    return person_id in in_case or is_member(
        session, municipality_id=scene.facts.municipality_id, person_id=person_id, unit_id=scene.facts.unit_id
    )


def _evaluation_day(scene: Scene, starts_on: date, evaluate_on: date | None) -> None:
    wrong = {}
    if starts_on > scene.today + timedelta(days=FURTHEST_DAYS):
        wrong["starts_on"] = "too_late"
    if evaluate_on is None:
        wrong["evaluate_on"] = "missing"
    elif evaluate_on < max(starts_on, scene.today):
        wrong["evaluate_on"] = "before_start"
    elif evaluate_on > scene.today + timedelta(days=FURTHEST_DAYS):
        wrong["evaluate_on"] = "too_late"
    if wrong:
        raise Invalid(**wrong)


def evaluate_measure(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    measure_id: str,
    done_as_planned: str,
    effect: str,
    outcome: str,
    text: str,
    evaluate_on: date | None,
    now: datetime,
) -> None:
    """Evaluate a measure and continue it (with a new date), change it or end it.

    By the holder or the person responsible. Raises NotFound, Forbidden, NotPossible (`measure_ended`), Invalid
    (done_as_planned, effect, outcome, text, evaluate_on).
    """
    scene = _log_scene(session, actor, case_id, now)
    row = session.execute(
        sa.select(measures).where(
            measures.c.municipality_id == actor.municipality_id,
            measures.c.case_id == case_id,
            measures.c.id == measure_id,
        )
    ).first()
    if row is None:
        raise NotFound()
    if "holder" not in scene.standing and row.responsible_person_id != actor.person_id:
        raise Forbidden("not_your_task", wanted="holder responsible")
    going_on = outcome in ("continue", "change")
    collect(
        lambda: one_of("done_as_planned", done_as_planned, DONE),
        lambda: one_of("effect", effect, EFFECTS),
        lambda: required("text", text),
        lambda: one_of("outcome", outcome, OUTCOMES),
        lambda: _future_day(scene, evaluate_on) if going_on else None,
    )
    if row.ended_at is not None:
        raise NotPossible("measure_ended")
    version = scene.model.definition.definition.measure
    state = small_track("measure", version).next_state(outcome, row.state)
    session.execute(
        sa.insert(evaluations),
        sealed(session, evaluations, {
            "municipality_id": actor.municipality_id, "id": new_id(), "case_id": case_id,
            "measure_id": measure_id, "done_as_planned": done_as_planned, "effect": effect, "outcome": outcome,
            "text": required("text", text), "author_id": actor.person_id, "unit_id": scene.unit_id,
            "evaluated_at": now,
        }),
    )  # fmt: skip
    next_date = evaluate_on if going_on else row.evaluate_on
    session.execute(
        sa.update(measures)
        .where(measures.c.municipality_id == actor.municipality_id, measures.c.id == measure_id)
        .values(state=state, evaluated_at=now, evaluate_on=next_date, ended_at=None if going_on else now)
    )
    write_trail(
        session, scene, event="measure.evaluate", object_id=measure_id,
        fields={"outcome": outcome, "effect": effect, "done_as_planned": done_as_planned, "evaluate_on": next_date},
    )  # fmt: skip
    refresh_due(session, scene)


def _future_day(scene: Scene, day: date | None) -> None:
    if day is None:
        raise Invalid(evaluate_on="missing")
    if day <= scene.today:
        raise Invalid(evaluate_on="in_past")
    if day > scene.today + timedelta(days=FURTHEST_DAYS):
        raise Invalid(evaluate_on="too_late")
