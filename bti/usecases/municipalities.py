"""A municipality joins, and chooses the definition that its new cases follow."""

from __future__ import annotations

import re
from datetime import datetime

import sqlalchemy as sa

from bti.errors import Invalid, NotFound, NotPossible
from bti.models import municipalities
from bti.models.sealed import begin_owner
from bti.usecases.administration import tell
from bti.usecases.contact import check_name
from bti.usecases.system import System
from bti.usecases.text import collect
from bti.workflow.library import released

_ID = re.compile(r"[a-z][a-z0-9-]{1,39}")


def add_municipality(
    session: sa.Connection, *, actor: System, name: str, definition: str, now: datetime, version: int | None = None
) -> None:
    """Add the municipality `actor.municipality_id`; its new cases follow `definition`, by default the newest version.

    Only the system adds one: no administrator exists yet. Raises Invalid (id: `not_an_id`, `taken`; name;
    definition: `unknown`).
    """
    municipality_id = actor.municipality_id
    collect(
        lambda: _check_id(session, municipality_id),
        lambda: check_name("name", name),
        lambda: _version(definition, version),
    )
    begin_owner(municipality_id, municipality_id)
    session.execute(
        sa.insert(municipalities),
        {
            "id": municipality_id, "name": check_name("name", name), "is_demo": False, "definition": definition,
            "definition_version": _version(definition, version),
        },
    )  # fmt: skip
    fields = {"definition": definition, "definition_version": _version(definition, version)}
    tell(session, actor=actor, event="municipality.add", now=now, fields=fields)


def choose_definition(
    session: sa.Connection, *, actor: System, definition: str, now: datetime, version: int | None = None
) -> tuple[str, int]:
    """Let new cases follow `definition`, by default its newest version; return name and version.

    Cases that are begun go on with the one they have. Raises NotFound (no such municipality), Invalid (definition:
    `unknown`), NotPossible (`already_in_force`).
    """
    row = session.execute(
        sa.select(municipalities.c.definition, municipalities.c.definition_version)
        .where(municipalities.c.id == actor.municipality_id)
        .with_for_update()
    ).first()
    if row is None:
        raise NotFound()
    chosen = definition, _version(definition, version)
    if chosen == tuple(row):
        raise NotPossible("already_in_force", what=f"{definition}.{chosen[1]}")
    session.execute(
        sa.update(municipalities)
        .where(municipalities.c.id == actor.municipality_id)
        .values(definition=chosen[0], definition_version=chosen[1])
    )
    fields = {"definition": chosen[0], "definition_version": chosen[1]}
    tell(session, actor=actor, event="municipality.model", now=now, fields=fields)
    return chosen


def _check_id(session: sa.Connection, municipality_id: str) -> None:
    if not _ID.fullmatch(municipality_id):
        raise Invalid(id="not_an_id")
    if session.execute(sa.select(municipalities.c.id).where(municipalities.c.id == municipality_id)).first():
        raise Invalid(id="taken")


def _version(definition: str, version: int | None) -> int:
    known = [number for name, number in released() if name == definition]
    if not known or (version is not None and version not in known):
        raise Invalid(definition="unknown")
    return version or max(known)
