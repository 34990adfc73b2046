"""Looking up units, people and imports as an administrator. Each look is written in the trail."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bti.actor import Actor
from bti.errors import NotFound
from bti.queries import register
from bti.queries.register import Import, People, Person, Unit
from bti.usecases.administration import require_administrator, tell


def see_units(session: sa.Connection, *, actor: Actor, now: datetime, ended: bool = False) -> tuple[Unit, ...]:
    """Return the units with counts of staff, children and open cases. Raises Forbidden."""
    require_administrator(actor)
    found = register.units_of(session, municipality_id=actor.municipality_id, ended=ended)
    _tell(session, actor, "units", len(found), now)
    return found


def see_unit(session: sa.Connection, *, actor: Actor, unit_id: str, now: datetime) -> Unit:
    """Return one unit, ended or not. Raises Forbidden, NotFound."""
    require_administrator(actor)
    all_units = register.units_of(session, municipality_id=actor.municipality_id, ended=True)
    found = next((unit for unit in all_units if unit.id == unit_id), None)
    if found is None:
        raise NotFound()
    _tell(session, actor, "unit", 1, now)
    return found


def see_people(
    session: sa.Connection,
    *,
    actor: Actor,
    now: datetime,
    search: str = "",
    unit_id: str | None = None,
    ended: bool = False,
    after: str = "",
) -> People:
    """Return a page of the staff by name, with roles. Raises Forbidden."""
    require_administrator(actor)
    found = register.people_of(
        session, municipality_id=actor.municipality_id, search=search, unit_id=unit_id, ended=ended, after=after
    )
    _tell(session, actor, "people", len(found.shown), now)
    return found


def see_person(session: sa.Connection, *, actor: Actor, person_id: str, now: datetime) -> Person:
    """Return one person of the staff, ended or not. Raises Forbidden, NotFound."""
    require_administrator(actor)
    found = register.person_of(session, municipality_id=actor.municipality_id, person_id=person_id)
    if found is None:
        raise NotFound()
    _tell(session, actor, "person", 1, now)
    return found


def see_imports(session: sa.Connection, *, actor: Actor, now: datetime) -> tuple[Import, ...]:
    """Return the latest imports, newest first. Raises Forbidden."""
    require_administrator(actor)
    found = register.imports_of(session, municipality_id=actor.municipality_id)
    _tell(session, actor, "imports", len(found), now)
    return found


def see_import(session: sa.Connection, *, actor: Actor, run_id: str) -> Import:
    """Return how an import goes; a page asks again and again, so it is not written. Raises Forbidden, NotFound."""
    require_administrator(actor)
    found = register.import_of(session, municipality_id=actor.municipality_id, run_id=run_id)
    if found is None:
        raise NotFound()
    return found


def _tell(session: sa.Connection, actor: Actor, part: str, shown: int, now: datetime) -> None:
    tell(session, actor=actor, event="register.read", now=now, fields={"part": part, "shown": shown})
