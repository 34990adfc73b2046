"""Coming in: by password and perhaps a second factor, or as anybody in a municipality that is marked as a demo."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.crypto.passwords import verify_password
from bti.db import be_in
from bti.errors import Forbidden, NotFound
from bti.models import memberships, municipalities, people, units
from bti.names import name_key
from bti.queries.people import load_actor
from bti.queries.sessions import Session
from bti.usecases import sessions
from bti.usecases.factors import factor_of
from bti.usecases.sessions import Begun, must_have_factor, tell


@dataclass(frozen=True)
class Account:
    """Somebody who may have a password; without a `person_id`, nobody."""

    municipality_id: str
    person_id: str = ""
    password_hash: str | None = field(default=None, repr=False)


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


def find_account(session: sa.Connection, *, municipality_id: str, username: str) -> Account:
    """Return who has this user name here; an account of nobody when there is none. Nobody is told which it was."""
    row = session.execute(
        sa.select(people.c.id, people.c.password_hash).where(
            people.c.municipality_id == municipality_id,
            people.c.username == username.strip().lower(),
            people.c.ended_at.is_(None),
        )
    ).first()
    return Account(municipality_id, row.id, row.password_hash) if row else Account(municipality_id)


def own_account(session: sa.Connection, *, actor: Actor) -> Account:
    """Return the account of somebody who is logged in."""
    row = session.execute(
        sa.select(people.c.id, people.c.password_hash).where(
            people.c.municipality_id == actor.municipality_id,
            people.c.id == actor.person_id,
            people.c.ended_at.is_(None),
        )
    ).first()
    return Account(actor.municipality_id, row.id, row.password_hash) if row else Account("")


def is_right(account: Account, password: str) -> bool:
    """Return whether this is the account's password, after the same work for an account of nobody.

    That work is sixty milliseconds by design: ask outside any transaction.
    """
    return verify_password(account.password_hash, password)


def enter(
    session: sa.Connection, *, account: Account, now: datetime, replaces: Session | None = None, request_id: str = ""
) -> Begun:
    """Begin a session for somebody whose password was right; `replaces` was the browser's session until now.

    It opens nothing yet where a second factor is to follow (`sessions.missing_proof`). Raises Forbidden
    (`wrong_login`) when they were ended, or got another password, in the moment between.
    """
    unchanged = session.execute(
        sa.select(people.c.id)
        .where(
            people.c.municipality_id == account.municipality_id,
            people.c.id == account.person_id,
            people.c.password_hash == account.password_hash,
            people.c.ended_at.is_(None),
        )
        # Ending the person waits for us, and then finds the session to end.
        .with_for_update(read=True)
    ).first()
    if unchanged is None:
        raise Forbidden("wrong_login")
    actor = _known(session, account.municipality_id, account.person_id, request_id)
    begun = _begin(session, actor, "password", "password", now, replaces)
    missing = _missing(session, actor)
    if missing:
        tell(session, actor, "session.ask_factor", begun.id, now, {"awaits": missing})
    else:
        tell(session, actor, "session.login", begun.id, now, {"level": "password", "method": "password"})
    return replace(begun, missing=missing)


def _missing(session: sa.Connection, actor: Actor) -> str:
    if factor_of(session, actor=actor):
        return "totp"
    is_demo = bool(municipality_of(session, municipality_id=actor.municipality_id).get("is_demo"))
    return "enrolment" if must_have_factor(actor, is_demo=is_demo) else ""


def complete(session: sa.Connection, *, found: Session, method: str, now: datetime) -> Begun:
    """Begin the session of somebody who has proven both factors; the one that waited for the second ends.

    Raises NotFound when it has ended meanwhile.
    """
    if not sessions.end(session, found=found, how="completed", now=now):
        raise NotFound()
    begun = sessions.begin(session, actor=found.actor, level="password+totp", method=method, now=now)
    fields = {"level": "password+totp", "method": method}
    tell(session, found.actor, "session.login", begun.id, now, fields)
    return begun


def log_in_as(
    session: sa.Connection,
    *,
    municipality_id: str,
    person_id: str,
    now: datetime,
    replaces: Session | None = None,
    request_id: str = "",
) -> Begun:
    """Begin a session as anybody, without a password, in a demo. Raises Forbidden (`not_a_demo`) everywhere else."""
    if not municipality_of(session, municipality_id=municipality_id).get("is_demo"):
        raise Forbidden("not_a_demo")
    actor = _known(session, municipality_id, person_id, request_id)
    begun = _begin(session, actor, "demo", "demo", now, replaces)
    tell(session, actor, "session.login", begun.id, now, {"level": "demo", "method": "demo"})
    return begun


def _known(session: sa.Connection, municipality_id: str, person_id: str, request_id: str) -> Actor:
    actor = load_actor(session, municipality_id=municipality_id, person_id=person_id, request_id=request_id)
    if actor is None:
        raise Forbidden("wrong_login")
    return actor


def _begin(
    session: sa.Connection, actor: Actor, level: str, method: str, now: datetime, replaces: Session | None
) -> Begun:
    if replaces:
        # It may have been another municipality's.
        be_in(session, replaces.actor.municipality_id)
        sessions.end(session, found=replaces, how="replaced", now=now)
        be_in(session, actor.municipality_id)
    return sessions.begin(session, actor=actor, level=level, method=method, now=now)


def record_failure(
    session: sa.Connection, *, municipality_id: str, method: str, now: datetime, actor: Actor | None = None
) -> None:
    """Write that a proof failed; whose it was to be is said only where they had proven something before.

    A user name may be anything that was typed.
    """
    audit.record(
        session, actor=actor, municipality_id=municipality_id, event="session.fail", now=now, decision="refused",
        fields={"method": method},
    )  # fmt: skip


def demo_people(session: sa.Connection) -> tuple[DemoPerson, ...]:
    """Return everybody of the demo municipalities with their roles, by the order they were added."""
    found: dict[str, DemoPerson] = {}
    for one in municipalities_here(session):
        if one["is_demo"]:
            be_in(session, one["id"])
            found |= _demo_people(session, one["id"])
    return tuple(found.values())


def _demo_people(session: sa.Connection, municipality_id: str) -> dict[str, DemoPerson]:
    rows = session.execute(
        sa.select(
            people.c.id, people.c.name, people.c.title, memberships.c.role, memberships.c.started_at,
            units.c.name.label("unit"),
        )
        .join(
            memberships,
            sa.and_(
                memberships.c.municipality_id == people.c.municipality_id,
                memberships.c.person_id == people.c.id,
                memberships.c.ended_at.is_(None),
            ),
        )
        .join(units, sa.and_(units.c.municipality_id == people.c.municipality_id, units.c.id == memberships.c.unit_id))
        .where(people.c.municipality_id == municipality_id, people.c.ended_at.is_(None))
        .order_by(memberships.c.started_at)
    ).all()  # fmt: skip
    found: dict[str, DemoPerson] = {}
    for row in sorted(rows, key=lambda row: (row.started_at, name_key(row.name))):
        key = f"{municipality_id}:{row.id}"
        known = found.get(key)
        roles = (known.roles if known else ()) + ((row.role, row.unit),)
        found[key] = DemoPerson(key, row.name, row.title, roles)
    return found
