"""Coming in without a page, and what an app on a telephone shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.crypto.totp import STEP_SECONDS, code_at, new_secret
from bti.errors import Forbidden
from bti.models import audit_entries, sessions
from bti.queries.people import load_actor
from bti.queries.sessions import Session, session_of
from bti.usecases import factors, logins
from bti.usecases.sessions import Begun, begin
from tests.cast import Cast

PASSWORD = "hest batteri stift"


def enter(session: sa.Connection, *, municipality_id: str, username: str, password: str, now: datetime) -> Begun:
    """Come in by password, as the login page lets one. Raises Forbidden."""
    account = logins.find_account(session, municipality_id=municipality_id, username=username)
    if not logins.is_right(account, password):
        raise Forbidden("wrong_login")
    return logins.enter(session, account=account, now=now)


def log_in_by_password(
    session: sa.Connection, *, municipality_id: str, username: str, password: str, now: datetime
) -> Actor:
    """Come in by password and return who it is. Raises Forbidden."""
    begun = enter(session, municipality_id=municipality_id, username=username, password=password, now=now)
    found = session_of(session, municipality_id=municipality_id, token=begun.token)
    assert found is not None
    return found.actor


def begun(cast: Cast, name: str, *, level: str = "password+totp") -> Begun:
    """Begin a session for somebody of the cast."""
    with cast.writing() as session:
        actor = load_actor(session, municipality_id=cast.municipality_id, person_id=cast.id(name))
        assert actor is not None
        return begin(session, actor=actor, level=level, method=level.rpartition("+")[2], now=cast.now)


def look_up(cast: Cast, token: str) -> Session | None:
    """Return what the table says of a token."""
    with cast.reading() as session:
        return session_of(session, municipality_id=cast.municipality_id, token=token)


def found(cast: Cast, begun: Begun) -> Session:
    """Return the session of a token that there is."""
    there = look_up(cast, begun.token)
    assert there is not None
    return there


def how_ended(cast: Cast, begun: Begun) -> str | None:
    """Return how a session ended, None while it lives."""
    with cast.reading() as session:
        here = sessions.c.municipality_id == cast.municipality_id
        return session.execute(sa.select(sessions.c.ended_how).where(here, sessions.c.id == begun.id)).scalar_one()


def with_factor(cast: Cast, name: str) -> tuple[str, tuple[str, ...]]:
    """Give somebody a second factor; return its secret and the recovery codes. The clock goes on past its code."""
    secret, session = new_secret(), found(cast, begun(cast, name))
    with cast.writing() as transaction:
        codes = factors.add(
            transaction, found=session, secret=secret, code=code_at(secret, cast.now), now=cast.now
        )  # fmt: skip
    cast.later(seconds=STEP_SECONDS)
    return secret, codes


def code_now(cast: Cast, secret: str, **delta: float) -> str:
    """Return the code that an app shows at the cast's moment, or so much later."""
    return code_at(secret, cast.now + timedelta(**delta))


def trail(cast: Cast, event: str) -> list[Any]:
    """Return the entries of an event, oldest first."""
    with cast.reading() as session:
        query = sa.select(audit_entries).where(audit_entries.c.event == event).order_by(audit_entries.c.id)
        return list(session.execute(query))
