"""Level 0: a wonder is the employee's own note until they share it. Registering, adding, naming, feedback."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.clock import local_day
from bti.engine import (
    Scene,
    change,
    load_scene,
    require_ground,
    require_open,
    require_relation,
    require_seen,
    write_trail,
)
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import batons, cases, entries, municipalities, new_id, subjects, wonders
from bti.models.sealed import begin_owner, sealed
from bti.queries.people import keep_roles
from bti.usecases.text import collect, one_of, required
from bti.workflow.library import load_definition
from bti.workflow.model import Model

TALKED = ("no", "child", "guardians", "both")
WONDER_KIND = "wonder"
_REFERENCE_SIGNS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


@dataclass(frozen=True)
class Opened:
    """A case that has just begun."""

    case_id: str
    reference: str


def model_in_force(session: sa.Connection, municipality_id: str) -> Model:
    """Return the definition new wonders begin under in this municipality."""
    row = session.execute(
        sa.select(municipalities.c.definition, municipalities.c.definition_version).where(
            municipalities.c.id == municipality_id
        )
    ).one()
    return load_definition(row.definition, row.definition_version)


def register(
    session: sa.Connection,
    *,
    actor: Actor,
    unit_id: str,
    subject_id: str | None,
    themes: Sequence[str],
    seen: str,
    talked: str,
    now: datetime,
) -> Opened:
    """Record a wonder: the author holds it from now on, and it has a next date.

    `subject_id` is a child of the author's own unit, or None ("uten navn"). Raises Forbidden when the author
    doesn't work in the unit, Invalid (themes, seen, talked, subject).
    """
    roles = keep_roles(session, municipality_id=actor.municipality_id, person_id=actor.person_id)
    if unit_id not in actor.units("employee", "unit_leader") & roles:
        raise Forbidden("not_your_unit")
    model = model_in_force(session, actor.municipality_id)
    known = {choice.key for choice in model.definition.themes}
    collect(
        lambda: _themes(themes, known),
        lambda: required("seen", seen),
        lambda: one_of("talked", talked, TALKED),
        lambda: _own_subject(session, actor, unit_id, subject_id),
    )
    due = model.due(None, model.initial_step, themes, moved_on=local_day(now), level_entered_on=local_day(now))
    if due is None:
        raise NotPossible("no_deadline", step=model.initial_step)
    opened = Opened(new_id(), new_reference(now))
    begin_owner(actor.municipality_id, opened.case_id)
    _insert_case(session, actor, model, opened, unit_id, subject_id, due.on, now)
    session.execute(
        sa.insert(wonders),
        sealed(
            session,
            wonders,
            {
                "municipality_id": actor.municipality_id,
                "id": new_id(),
                "case_id": opened.case_id,
                "themes": tuple(themes),
                "seen": required("seen", seen),
                "talked": talked,
            },
        ),
    )
    _tell_opened(session, actor, model, opened, unit_id, subject_id, now)
    return opened


def _themes(themes: Sequence[str], known: set[str]) -> None:
    if not themes:
        raise Invalid(themes="missing")
    if not set(themes) <= known:
        raise Invalid(themes="unknown")


def _own_subject(session: sa.Connection, actor: Actor, unit_id: str, subject_id: str | None) -> None:
    if subject_id is None:
        return
    found = session.execute(
        sa.select(subjects.c.id).where(
            subjects.c.municipality_id == actor.municipality_id,
            subjects.c.id == subject_id,
            subjects.c.unit_id == unit_id,
            subjects.c.left_on.is_(None),
        )
    )
    # A child of another unit and a child that doesn't exist are the same answer.
    if found.first() is None:
        raise Invalid(subject="unknown")


def new_reference(now: datetime) -> str:
    """Return a case reference: the year and five random signs. Numbers in a row would tell how many and which
    are missing."""
    return f"{local_day(now).year}-" + "".join(secrets.choice(_REFERENCE_SIGNS) for _ in range(5))


def _insert_case(
    session: sa.Connection,
    actor: Actor,
    model: Model,
    opened: Opened,
    unit_id: str,
    subject_id: str | None,
    due_on: date,
    now: datetime,
) -> None:
    step = model.initial_step
    tenant = {"municipality_id": actor.municipality_id}
    session.execute(
        sa.insert(cases),
        tenant
        | {
            "id": opened.case_id, "reference": opened.reference, "definition": model.name,
            "definition_version": model.version, "step": step, "level_order": model.level_index(step),
            "has_log": model.has_log(step), "is_shared": model.is_shared(step), "unit_id": unit_id,
            "subject_id": subject_id, "author_id": actor.person_id, "holder_id": actor.person_id,
            "holder_unit_id": unit_id, "is_interim": False, "holder_confirmed": False,
            "step_due_on": due_on, "due_on": due_on, "due_reason": "step", "opened_at": now,
            "step_entered_at": now, "level_entered_on": local_day(now), "version": 1,
        },
    )  # fmt: skip
    session.execute(
        sa.insert(batons),
        tenant
        | {
            "id": new_id(), "case_id": opened.case_id, "person_id": actor.person_id, "unit_id": unit_id,
            "how": "author", "started_at": now, "ended_at": None,
        },
    )  # fmt: skip


def _tell_opened(
    session: sa.Connection,
    actor: Actor,
    model: Model,
    opened: Opened,
    unit_id: str,
    subject_id: str | None,
    now: datetime,
) -> None:
    audit.record(
        session,
        actor=actor,
        municipality_id=actor.municipality_id,
        event="case.open",
        now=now,
        case_id=opened.case_id,
        role="author",
        unit_id=unit_id,
        basis="own_service",
        fields={
            "definition": model.name,
            "definition_version": model.version,
            "step": model.initial_step,
            "unit": unit_id,
            "holder": actor.person_id,
            "holder_unit": unit_id,
            "subject": subject_id,
            "version": 1,
        },
    )


def add_note(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    kind: str,
    text: str,
    happened_on: date | None,
    now: datetime,
) -> None:
    """Add to the wonder: a further `note`, or that the `guardian_talk` has been held.

    Raises NotFound, Forbidden, NotPossible (closed, or beyond level 0), Invalid (text, happened_on).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now)
    require_open(scene)
    if scene.facts.level_order:
        raise NotPossible("has_log_now")
    require_relation(scene, "author", "holder", "unit_leader")
    require_ground(scene)
    collect(
        lambda: one_of("kind", kind, ("note", "guardian_talk")),
        lambda: required("text", text),
        lambda: check_past("happened_on", happened_on, scene.today),
    )
    insert_entry(
        session, scene, kind=kind, information_kind=WONDER_KIND, title="", text=required("text", text),
        happened_on=happened_on or scene.today,
    )  # fmt: skip
    write_trail(session, scene, event="note.add", fields={"kind": kind})


def check_past(field: str, day: date | None, today: date) -> None:
    """Raise Invalid when `day` lies ahead (`in_future`) or is older than anybody's childhood (`too_old`)."""
    if day is None:
        return
    if day > today:
        raise Invalid(**{field: "in_future"})
    if day.year < today.year - 30:
        raise Invalid(**{field: "too_old"})


_INSERT_ENTRY = sa.insert(entries)


def insert_entry(
    session: sa.Connection,
    scene: Scene,
    *,
    kind: str,
    information_kind: str,
    title: str,
    text: str,
    happened_on: date | None,
    asked_by: str = "",
) -> str:
    """Write an entry of the case in the name of the scene's person and unit; return its id."""
    entry_id = new_id()
    session.execute(
        _INSERT_ENTRY,
        sealed(session, entries, {
            "municipality_id": scene.facts.municipality_id,
            "id": entry_id,
            "case_id": scene.facts.id,
            "kind": kind,
            "information_kind": information_kind,
            "title": title,
            "text": text,
            "happened_on": happened_on,
            "asked_by": asked_by,
            "author_id": scene.actor.person_id,
            "unit_id": scene.unit_id or scene.facts.unit_id,
            "written_at": scene.now,
        }),
    )  # fmt: skip
    return entry_id


def identify(
    session: sa.Connection, *, actor: Actor, case_id: str, subject_id: str, seen_version: int, now: datetime
) -> None:
    """Say whom a wonder without a name is about: a child of the own unit.

    Raises NotFound, Forbidden, Stale, NotPossible (`already_named`), Invalid (subject).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_relation(scene, "author", "holder")
    require_seen(scene, seen_version)
    if scene.facts.subject_id is not None:
        raise NotPossible("already_named")
    if not subject_id:
        raise Invalid(subject="missing")
    _own_subject(session, actor, scene.facts.unit_id, subject_id)
    change(
        session,
        scene,
        event="case.identify",
        values={"subject_id": subject_id},
        fields={"subject": subject_id},
    )


def give_feedback(session: sa.Connection, *, actor: Actor, case_id: str, text: str, now: datetime) -> None:
    """Answer the employee who wondered. The leader must, and without sensitive data (domain.md).

    Raises NotFound, Forbidden, NotPossible (`case_closed`, `already_answered`), Invalid (text).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_relation(scene, "unit_leader")
    require_open(scene)
    if scene.facts.feedback_given:
        raise NotPossible("already_answered")
    answer = required("text", text, longest=2_000)
    here = (wonders.c.municipality_id == actor.municipality_id, wonders.c.case_id == case_id)
    wonder_id = session.execute(sa.select(wonders.c.id).where(*here)).scalar_one_or_none()
    if wonder_id is None:
        raise NotFound()
    row = {"municipality_id": actor.municipality_id, "id": wonder_id, "case_id": case_id, "feedback": answer}
    written = sealed(session, wonders, row)["feedback"]
    session.execute(
        sa.update(wonders).where(*here).values(feedback=written, feedback_by=actor.person_id, feedback_at=now)
    )
    write_trail(session, scene, event="feedback.give", fields={"to": scene.facts.author_id})
