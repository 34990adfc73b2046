"""Files that belong to a case: added by who leads it, read by those whom the door shows that kind of information."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import policy
from bti.actor import Actor
from bti.engine import (
    Scene,
    load_scene,
    require_ground,
    require_open,
    require_reading,
    require_relation,
    write_trail,
)
from bti.errors import Invalid, NotFound, NotPossible
from bti.models import attachments, new_id, people
from bti.models.sealed import sealed
from bti.usecases.filetypes import TYPES, file_name, type_of
from bti.usecases.reading import CaseHead, open_scene
from bti.usecases.text import collect, one_of, optional

LARGEST = 5 * 1024 * 1024
MOST_IN_A_CASE = 100


@dataclass(frozen=True)
class File:
    """A file as it is handed out: its name, how it is served, and its bytes."""

    name: str
    media_type: str
    content: bytes


def add(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    information_kind: str,
    name: str,
    content: bytes,
    now: datetime,
) -> str:
    """Add a file to the case; return its id.

    Raises NotFound, Forbidden, NotPossible (`case_closed`, `no_log_yet`, `too_many_files`), Invalid (information_kind;
    attachment: `too_large`, `empty`, `unknown_type`, `has_macros`).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_ground(scene)
    require_relation(scene, "holder", "unit_leader")
    if not scene.facts.has_log:
        raise NotPossible("no_log_yet")
    known = [choice.key for choice in scene.model.definition.information_kinds]
    collect(lambda: one_of("information_kind", information_kind, known), lambda: _type(content))
    if _count(session, scene) >= MOST_IN_A_CASE:
        raise NotPossible("too_many_files")
    type_, attachment_id = _type(content), new_id()
    row = {
        "municipality_id": actor.municipality_id, "id": attachment_id, "case_id": case_id,
        "information_kind": information_kind, "name": file_name(optional("attachment", name)[-150:], type_),
        "type": type_, "size": len(content), "content": base64.b64encode(content).decode("ascii"),
        "author_id": actor.person_id, "unit_id": scene.unit_id or scene.facts.unit_id, "added_at": now,
    }  # fmt: skip
    session.execute(sa.insert(attachments), sealed(session, attachments, row))
    fields = {"information_kind": information_kind, "type": type_, "size": len(content)}
    write_trail(session, scene, event="attachment.add", object_id=attachment_id, fields=fields)
    return attachment_id


def _type(content: bytes) -> str:
    if len(content) > LARGEST:
        raise Invalid(attachment="too_large")
    return type_of(content)


def _count(session: sa.Connection, scene: Scene) -> int:
    a = attachments.c
    here = (a.municipality_id == scene.facts.municipality_id, a.case_id == scene.facts.id)
    return session.scalar(sa.select(sa.func.count()).select_from(attachments).where(*here)) or 0


def of_case(session: sa.Connection, *, actor: Actor, case_id: str, now: datetime) -> tuple[CaseHead, tuple[Any, ...]]:
    """Return the head of the case and the files that the person's ground reaches, newest first, without their content.

    Writes that it was read. Raises NotFound.
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, emergency=True)
    head = open_scene(session, scene, part="attachments", views=("full",))
    a = attachments.c
    rows = session.execute(
        sa.select(
            a.id, a.name, a.type, a.size, a.information_kind, a.added_at, people.c.name.label("author"), a.unit_id
        )
        .join(people, sa.and_(people.c.municipality_id == a.municipality_id, people.c.id == a.author_id))
        .where(*_reached(scene))
        .order_by(a.added_at.desc(), a.id)
    )
    return head, tuple(rows)


def download(session: sa.Connection, *, actor: Actor, case_id: str, attachment_id: str, now: datetime) -> File:
    """Return a file, once the trail says that it was read. Raises NotFound, also for one of another case."""
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, emergency=True)
    if scene.view != "full":
        raise NotFound()
    a = attachments.c
    row = session.execute(sa.select(a.name, a.type, a.content).where(*_reached(scene), a.id == attachment_id)).first()
    if row is None:
        raise NotFound()
    write_trail(session, scene, event="attachment.read", object_id=attachment_id, fields={"type": row.type})
    return File(row.name, TYPES[row.type][0], base64.b64decode(row.content))


def _reached(scene: Scene) -> tuple[sa.ColumnElement[bool], ...]:
    a = attachments.c
    here = (a.municipality_id == scene.facts.municipality_id, a.case_id == scene.facts.id)
    return (*here, policy.readable_rows(attachments, require_reading(scene)))
