"""What an employee does at their own desk: finds a child, looks after own wonders; each look-up leaves its entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.clock import local_day
from bti.engine import Scene, load_scene
from bti.errors import Invalid, NotFound
from bti.policy import OWN_SERVICE
from bti.queries import desk
from bti.queries.desk import Child, Place
from bti.usecases import drafts, wonders
from bti.usecases.text import collect, optional

MOST_HITS = 10
# What the page's counter promises: a wonder is a short note, not a journal.
LONGEST_NOTE = 2_000
DRAFT = "wonder"
STAFF_OF_A_UNIT = ("employee", "unit_leader")


# --- children ----------------------------------------------------------------------------------------------------


def find_children(
    session: sa.Connection, *, actor: Actor, text: str, now: datetime, unit_ids: Iterable[str] = ()
) -> tuple[Child, ...]:
    """Return up to ten children of the person's own units whose name or group begins like `text`.

    `unit_ids` narrows to some of the own units; others are left out without a word. Fewer than two letters find
    nobody and are no search.
    """
    own = actor.units(*STAFF_OF_A_UNIT)
    within = own & frozenset(unit_ids) if unit_ids else own
    if len("".join(text.split())) < desk.SHORTEST_SEARCH:
        return ()
    found = desk.matching(
        desk.children_of(session, municipality_id=actor.municipality_id, unit_ids=within), text, most=MOST_HITS
    )
    _told(session, actor, "subject.search", now, shown=len(found))
    return found


def chosen_child(session: sa.Connection, *, actor: Actor, subject_id: str) -> Child:
    """Return a child of the person's own units. Raises Invalid (`subject`: `missing` or `unknown`)."""
    if not subject_id:
        raise Invalid(subject="missing")
    own = actor.units(*STAFF_OF_A_UNIT)
    known = desk.children_of(session, municipality_id=actor.municipality_id, unit_ids=own)
    found = next((child for child in known if child.id == subject_id), None)
    if found is None:
        raise Invalid(subject="unknown")
    return found


# --- registering and adding --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Registered:
    """A wonder that has just been registered: what its author is told next."""

    reference: str
    due_on: date | None
    hint: Hint


def register(
    session: sa.Connection,
    *,
    actor: Actor,
    unit_id: str,
    subject_id: str,
    nameless: bool,
    themes: Sequence[str],
    seen: str,
    talked: str,
    now: datetime,
) -> Registered:
    """Register a wonder and throw its draft away. A child decides the unit; `unit_id` is for one without a name.

    Raises Forbidden (`not_your_unit`) and Invalid with every field at fault (subject, unit, themes, seen, talked).
    """
    about: list[Child] = []
    opened: list[wonders.Opened] = []

    def decide_who() -> None:
        if nameless and subject_id:
            raise Invalid(subject="named_and_nameless")
        if not nameless:
            about.append(chosen_child(session, actor=actor, subject_id=subject_id))

    def decide_unit() -> None:
        if nameless and not unit_id:
            raise Invalid(unit="missing")

    def write() -> None:
        own = sorted(actor.units(*STAFF_OF_A_UNIT))
        unit = about[0].unit_id if about else unit_id or own[0]
        opened.append(
            wonders.register(
                session, actor=actor, unit_id=unit, subject_id=about[0].id if about else None, themes=themes,
                seen=seen, talked=talked, now=now,
            )
        )  # fmt: skip

    # Writing comes last and is undone with the rest when anything before it was at fault.
    collect(decide_who, decide_unit, lambda: optional("seen", seen, longest=LONGEST_NOTE), write)
    drafts.drop(session, actor=actor, form=DRAFT)
    scene = load_scene(session, actor=actor, case_id=opened[0].case_id, now=now)
    return Registered(opened[0].reference, scene.facts.due_on, hint_of(session, scene=scene))


def add_to_wonder(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    kind: str,
    text: str,
    happened_on: date | None,
    now: datetime,
) -> None:
    """Add a note or a talk to what is still a wonder. Errors as `wonders.add_note`, and NotPossible (`has_log_now`)
    once it has become a case: from then on the log is the place to write."""
    collect(
        lambda: optional("text", text, longest=LONGEST_NOTE),
        lambda: wonders.add_note(
            session, actor=actor, case_id=case_id, kind=kind, text=text, happened_on=happened_on, now=now
        ),
    )


# --- own wonders -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wonders:
    """A page of one's own wonders; `after` is where the next one begins."""

    rows: list[Any]
    after: Place | None


def read_wonders(session: sa.Connection, *, actor: Actor, after: Place | None, now: datetime) -> Wonders:
    """Return a page of the person's own wonders, newest first, and write that they were read."""
    found = desk.wonders_of(session, actor=actor, today=local_day(now), after=after)
    page, more = found[: desk.PAGE], len(found) > desk.PAGE
    _told(session, actor, "wonder.read", now, shown=len(page), basis=OWN_SERVICE)
    return Wonders(page, Place(page[-1].opened_at, page[-1].id) if more else None)


@dataclass(frozen=True)
class Hint:
    """Whether the unit has other open cases of the same child: those the reader may open by reference, the rest
    only as the fact that there is one."""

    references: tuple[str, ...] = ()
    hidden: bool = False

    def __bool__(self) -> bool:
        return bool(self.references) or self.hidden


@dataclass(frozen=True)
class OwnWonder:
    """One's own wonder with what one has added to it, and whether the unit has a case of the child already."""

    row: Any
    notes: tuple[Any, ...]
    hint: Hint


def read_wonder(session: sa.Connection, *, actor: Actor, case_id: str, now: datetime) -> OwnWonder:
    """Return the person's own wonder at whatever time: own text, the leader's answer, what became of it.

    Raises NotFound for everybody but its author, and for one who has left the service.
    """
    row = desk.wonder_by(session, actor=actor, case_id=case_id, today=local_day(now))
    if row is None:
        raise NotFound()
    _told(session, actor, "wonder.read", now, case_id=case_id, shown=1, basis=OWN_SERVICE)
    waiting = row.level_order == 0 and row.closed_at is None
    hint = (
        _hint(session, actor, case_id=case_id, unit_id=row.unit_id, subject_id=row.subject_id, now=now)
        if waiting
        else Hint()
    )
    return OwnWonder(row, desk.own_notes(session, actor=actor, case_id=case_id), hint)


def hint_of(session: sa.Connection, *, scene: Scene) -> Hint:
    """Return whether the unit has another open case of the child of this wonder, and write that it was told.

    Only while it is a wonder, and only to those who may read it; an emergency opens one case and tells of no other.
    """
    facts = scene.facts
    if scene.ground is None or scene.ground.is_emergency or facts.level_order or not facts.is_open:
        return Hint()
    return _hint(
        session, scene.actor, case_id=facts.id, unit_id=facts.unit_id, subject_id=facts.subject_id, now=scene.now
    )


def _hint(
    session: sa.Connection, actor: Actor, *, case_id: str, unit_id: str, subject_id: str | None, now: datetime
) -> Hint:
    if subject_id is None:
        return Hint()
    found = desk.open_cases_beside(
        session, actor=actor, unit_id=unit_id, subject_id=subject_id, not_case_id=case_id, today=local_day(now)
    )
    if found:
        audit.record(
            session, actor=actor, municipality_id=actor.municipality_id, event="subject.hint", now=now,
            case_id=case_id, basis=OWN_SERVICE, fields={"subject": subject_id, "open_cases": len(found)},
        )  # fmt: skip
    return Hint(
        references=tuple(row.reference for row in found if row.readable),
        hidden=any(not row.readable for row in found),
    )


def _told(
    session: sa.Connection,
    actor: Actor,
    event: str,
    now: datetime,
    *,
    shown: int,
    case_id: str | None = None,
    basis: str = "",
) -> None:
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event=event, now=now, case_id=case_id,
        basis=basis, fields={"shown": shown},
    )  # fmt: skip
