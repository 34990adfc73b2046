"""Opening a case to read: nothing is returned before the trail's entry stands in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import engine
from bti.actor import Actor
from bti.engine import Scene
from bti.errors import NotFound
from bti.queries import casepage
from bti.queries.casepage import PersonLine, UnitLine
from bti.queries.consents import Consent, consent_asks, consents_from
from bti.statements import Ask, in_parts, together


@dataclass(frozen=True)
class CaseHead:
    """What stands at the top of every page of a case. `subject` is None for a shell, a preview or no name."""

    scene: Scene
    reference: str
    subject: Any
    people: dict[str, PersonLine]
    units: dict[str, UnitLine]

    def name_of(self, person_id: str | None) -> str:
        """Return a person's name; empty for nobody."""
        found = self.people.get(person_id or "")
        return found.name if found else ""

    def unit_name(self, unit_id: str | None) -> str:
        """Return a unit's name; empty for none."""
        found = self.units.get(unit_id or "")
        return found.name if found else ""


def open_case(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    now: datetime,
    part: str,
    views: tuple[str, ...] = ("full", "shell"),
    emergency: bool = False,
) -> CaseHead:
    """Return the head of a case for a page and write that it was read.

    `part` names the page (case, log, consents, baton …) in the trail; `views` are those the page can show: full,
    shell (acting without reading), preview (offered or invited). `emergency`: a page from which nothing is written,
    open to who has broken the glass. Raises NotFound for everybody else.
    """
    scene = engine.load_scene(session, actor=actor, case_id=case_id, now=now, emergency=emergency)
    return open_scene(session, scene, part=part, views=views)


def open_scene(
    session: sa.Connection, scene: Scene, *, part: str, views: tuple[str, ...] = ("full", "shell")
) -> CaseHead:
    """Do the same as `open_case` with a scene that is loaded already, in the same transaction."""
    _require_view(scene, views)
    head = head_of(session, scene)
    if scene.view == "preview":
        cause = "offered" if "offered" in scene.standing else "invited"
        engine.write_trail(session, scene, event="case.preview", fields={"cause": cause})
    else:
        _tell(session, scene, part)
    return head


def _require_view(scene: Scene, views: tuple[str, ...]) -> None:
    if scene.view is None or scene.view not in views:
        raise NotFound()


def _tell(session: sa.Connection, scene: Scene, part: str) -> None:
    engine.write_trail(session, scene, event="case.read", fields={"part": part, "view": scene.view})


def head_of(session: sa.Connection, scene: Scene) -> CaseHead:
    """Return the head of a case without writing that it was read: for pages whose use case writes it itself."""
    return _head(scene, together(session, *_head_asks(scene)))


def _head_asks(scene: Scene) -> list[Ask]:
    facts = scene.facts
    return casepage.head_asks(
        municipality_id=facts.municipality_id,
        case_id=facts.id,
        subject_id=facts.subject_id if scene.view == "full" else None,
    )


def _head(scene: Scene, found: list[list[Any]]) -> CaseHead:
    units, people, *subjects = found
    return CaseHead(
        scene=scene,
        reference=scene.facts.reference,
        subject=subjects[0][0] if subjects else None,
        people=casepage.people_from(people),
        units=casepage.units_from(units),
    )


@dataclass(frozen=True)
class CasePage:
    """Everything the case page shows. In a shell all content is empty."""

    head: CaseHead
    wonder: Any
    entries: tuple[Any, ...]
    goals: tuple[Any, ...]
    measures: tuple[Any, ...]
    evaluations: dict[str, list[Any]]
    consents: tuple[Consent, ...]
    handovers: tuple[Any, ...]
    referrals: tuple[Any, ...]


@dataclass(frozen=True)
class ToAnswer:
    """What a person who isn't in the case yet may do there: answer. `invitation_id` is None for an offered baton."""

    invitation_id: str | None


def read_case(session: sa.Connection, *, actor: Actor, case_id: str, now: datetime) -> CasePage | ToAnswer:
    """Return the case page for a person who may read it, or its shell; for one who is only asked to come in, what
    to answer, and nothing of the case. Raises NotFound for everybody else."""
    scene = engine.load_scene(session, actor=actor, case_id=case_id, now=now, emergency=True)
    if scene.view == "preview":
        return _to_answer(scene)
    _require_view(scene, ("full", "shell"))
    _tell(session, scene, "case")
    ground = scene.ground
    here = {"municipality_id": actor.municipality_id, "case_id": case_id}
    head_rows, consent_rows, (offers, *content) = in_parts(
        session, _head_asks(scene), consent_asks(**here), casepage.content_asks(ground=ground, **here)
    )
    head, consents = _head(scene, head_rows), consents_from(consent_rows, now)
    if ground is None:
        return CasePage(head, None, (), (), (), {}, consents, tuple(offers), ())
    wonder, entries, goals, measures, evaluations, referrals = content
    return CasePage(
        head=head,
        # The wonder belongs to the author and their own service; no consent opens it to others.
        wonder=wonder[0] if wonder else None,
        entries=tuple(entries),
        goals=tuple(goals),
        measures=tuple(measures),
        evaluations=casepage.by_measure(evaluations),
        consents=consents,
        handovers=tuple(offers),
        referrals=tuple(referrals),
    )


def _to_answer(scene: Scene) -> ToAnswer:
    if "offered" in scene.standing:
        return ToAnswer(None)
    me = scene.actor.person_id
    return ToAnswer(next(p.id for p in scene.facts.participants if p.state == "invited" and p.person_id == me))
