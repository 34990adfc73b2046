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
) -> CaseHead:
    """Return the head of a case for a page and write that it was read.

    `part` names the page (case, log, consents, baton …) in the trail; `views` are those the page can show: full,
    shell (acting without reading), preview (offered or invited). Raises NotFound for everybody else.
    """
    scene = engine.load_scene(session, actor=actor, case_id=case_id, now=now)
    if scene.view is None or scene.view not in views:
        raise NotFound()
    head = head_of(session, scene)
    if scene.view == "preview":
        cause = "offered" if "offered" in scene.standing else "invited"
        engine.write_trail(session, scene, event="case.preview", fields={"cause": cause})
    else:
        engine.write_trail(session, scene, event="case.read", fields={"part": part, "view": scene.view})
    return head


def head_of(session: sa.Connection, scene: Scene) -> CaseHead:
    """Return the head of a case without writing that it was read: for pages whose use case writes it itself."""
    facts = scene.facts
    wanted = {facts.holder_id, facts.author_id, *(p.person_id for p in facts.participants)}
    if facts.offer:
        wanted |= {facts.offer.from_person_id, facts.offer.to_person_id}
    subject = None
    if scene.view == "full" and facts.subject_id:
        subject = casepage.subject_of(session, municipality_id=facts.municipality_id, subject_id=facts.subject_id)
    return CaseHead(
        scene=scene,
        reference=facts.reference,
        subject=subject,
        people=casepage.people_named(session, municipality_id=facts.municipality_id, ids=wanted),
        units=casepage.units_of(session, municipality_id=facts.municipality_id),
    )
