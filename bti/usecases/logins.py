"""Logging in and out: by password, or as anybody in a municipality that is marked as a demo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.crypto.passwords import verify_password
from bti.errors import Forbidden
from bti.models import memberships, municipalities, people, units
from bti.queries.people import load_actor


@dataclass(frozen=True)
class DemoPerson:
    """Somebody to log in as in a demo."""

    id: str
    name: str
    title: str
    roles: tuple[tuple[str, str], ...]


def municipalities_here(session: sa.Connection) -> tuple[dict[str, Any], ...]:
    """Return id, name and demo mark of every municipality in this database, by name."""
    rows = session.execute(
        sa.select(municipalities.c.id, municipalities.c.name, municipalities.c.is_demo).order_by(municipalities.c.name)
    )
    return tuple(dict(row._mapping) for row in rows)


def municipality_of(session: sa.Connection, *, municipality_id: str) -> dict[str, Any]:
    """Return id, name and demo mark of one municipality; empty when there is none."""
    return next((one for one in municipalities_here(session) if one["id"] == municipality_id), {})


def log_in_by_password(
    session: sa.Connection, *, municipality_id: str, username: str, password: str, now: datetime, request_id: str = ""
) -> Actor:
    """Return the person with this user name and password. Raises Forbidden (`wrong_login`), whatever was wrong.

    An unknown user takes as long as a wrong password.
    """
    row = session.execute(
        sa.select(people.c.id, people.c.password_hash).where(
            people.c.municipality_id == municipality_id,
            people.c.username == username.strip().lower(),
            people.c.ended_at.is_(None),
        )
    ).first()
    good = verify_password(row.password_hash if row else None, password)
    actor = None
    if row and good:
        actor = load_actor(session, municipality_id=municipality_id, person_id=row.id, request_id=request_id)
    if actor is None:
        raise Forbidden("wrong_login")
    _tell(session, actor, "session.login", "password", now)
    return actor


def record_failed_login(session: sa.Connection, *, municipality_id: str, now: datetime) -> None:
    """Write that a log-in failed, without saying whose: the user name may be anything that was typed."""
    known = session.execute(sa.select(municipalities.c.id).where(municipalities.c.id == municipality_id)).first()
    if known:
        audit.record(
            session, actor=None, municipality_id=municipality_id, event="session.fail", now=now,
            decision="refused", fields={"method": "password"},
        )  # fmt: skip


def log_in_as(
    session: sa.Connection, *, municipality_id: str, person_id: str, now: datetime, request_id: str = ""
) -> Actor:
    """Return anybody, without a password, in a demo. Raises Forbidden (`not_a_demo`) everywhere else."""
    if not municipality_of(session, municipality_id=municipality_id).get("is_demo"):
        raise Forbidden("not_a_demo")
    actor = load_actor(session, municipality_id=municipality_id, person_id=person_id, request_id=request_id)
    if actor is None:
        raise Forbidden("wrong_login")
    _tell(session, actor, "session.login", "demo", now)
    return actor


def log_out(session: sa.Connection, *, actor: Actor, now: datetime) -> None:
    """Write that a person ended their session."""
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event="session.logout", now=now, fields={}
    )


def _tell(session: sa.Connection, actor: Actor, event: str, method: str, now: datetime) -> None:
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event=event, now=now, fields={"method": method}
    )


def demo_people(session: sa.Connection) -> tuple[DemoPerson, ...]:
    """Return everybody of the demo municipalities with their roles, by the order they were added."""
    rows = session.execute(
        sa.select(
            people.c.id, people.c.name, people.c.title, memberships.c.role, units.c.name.label("unit"),
            municipalities.c.id.label("municipality_id"),
        )
        .join(municipalities, municipalities.c.id == people.c.municipality_id)
        .join(
            memberships,
            sa.and_(
                memberships.c.municipality_id == people.c.municipality_id,
                memberships.c.person_id == people.c.id,
                memberships.c.ended_at.is_(None),
            ),
        )
        .join(units, sa.and_(units.c.municipality_id == people.c.municipality_id, units.c.id == memberships.c.unit_id))
        .where(municipalities.c.is_demo.is_(True), people.c.ended_at.is_(None))
        .order_by(memberships.c.started_at, people.c.name)
    ).all()  # fmt: skip
    found: dict[str, DemoPerson] = {}
    for row in rows:
        key = f"{row.municipality_id}:{row.id}"
        known = found.get(key)
        roles = (known.roles if known else ()) + ((row.role, row.unit),)
        found[key] = DemoPerson(key, row.name, row.title, roles)
    return tuple(found.values())
