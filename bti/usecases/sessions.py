"""Sessions: begun by a login, renewed at every proof, ended by time, by the person, or with what they stood on.

Rows are added and ended. A new level is a new row under a new token, so that a token somebody saw before is worth
nothing after.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.crypto.tokens import fingerprint, new_token
from bti.errors import NotFound
from bti.models import new_id, sessions
from bti.queries.sessions import OwnSession, Session, live_sessions

# Source: trust.md, People.
IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)
# How long the second factor may be waited for.
HALFWAY = timedelta(minutes=10)
# `seen_at` needn't be exact: one write a minute is enough, however many pages are opened.
STALE = timedelta(minutes=1)
# Ended rows are of no use after this; the trail tells when they began and ended.
KEPT = timedelta(days=30)
# Endings that say nothing against the person: what they were writing is still theirs to keep.
HARMLESS = frozenset({"idle", "absolute", "role_granted"})
# Endings by which a newer session took the place of this one in the same browser.
SUCCEEDED = frozenset({"stepped_up", "completed", "replaced"})
_WITH_SECOND_FACTOR = ("auditor", "administrator")


@dataclass(frozen=True)
class Begun:
    """A session that has begun. `token` goes to the browser and is kept nowhere; `missing` is what is still to be
    proven before it opens anything (`missing_proof`)."""

    id: str
    token: str = field(repr=False)
    missing: str = ""


# --- what a session is worth ----------------------------------------------------------------------------------------


def must_have_factor(actor: Actor, *, is_demo: bool) -> bool:
    """Return whether the person may only come in with a second factor: who gives others access, or reviews it."""
    return not is_demo and actor.has(*_WITH_SECOND_FACTOR)


def missing_proof(found: Session) -> str:
    """Return what is still to be proven before the session opens anything: `totp`, `enrolment`, or nothing.

    Asked on every request: a role that demands a second factor closes a session without one, however it was given.
    """
    if found.level != "password":
        return ""
    if found.has_factor:
        return "totp"
    return "enrolment" if must_have_factor(found.actor, is_demo=found.is_demo) else ""


def why_ended(found: Session, now: datetime) -> str:
    """Return how the session ended, in the table or by time (`idle`, `absolute`); nothing while it lives."""
    if found.ended_how:
        return found.ended_how
    if found.level == "demo" and not found.is_demo:
        return "no_demo"
    if now - found.seen_at > IDLE:
        return "idle"
    return "absolute" if now - found.began_at > (HALFWAY if missing_proof(found) else ABSOLUTE) else ""


# --- its life -------------------------------------------------------------------------------------------------------


def begin(
    session: sa.Connection,
    *,
    actor: Actor,
    level: str,
    method: str,
    now: datetime,
    began_at: datetime | None = None,
    stepped_up_at: datetime | None = None,
) -> Begun:
    """Add a session for somebody who has proven who they are. Whoever calls tells the trail what was proven."""
    begun = Begun(new_id(), new_token())
    session.execute(
        sa.insert(sessions),
        {
            "municipality_id": actor.municipality_id, "id": begun.id, "token_hash": fingerprint(begun.token),
            "person_id": actor.person_id, "level": level, "method": method, "began_at": began_at or now,
            "seen_at": now, "stepped_up_at": stepped_up_at,
        },
    )  # fmt: skip
    return begun


def touch(session: sa.Connection, *, found: Session, now: datetime) -> None:
    """Write that the session is in use. Times only go forward, whichever of two requests writes last."""
    session.execute(sa.update(sessions).where(*_this(found), sessions.c.seen_at < now).values(seen_at=now))


def step_up(session: sa.Connection, *, found: Session, method: str, now: datetime) -> Begun:
    """Give a session whose person has shown again that it is them a new token; the old one is void.

    The day it has left is not made longer. Raises NotFound when the session has ended meanwhile.
    """
    if not _end(session, found, "stepped_up", now):
        raise NotFound()
    level = "password+totp" if method in ("totp", "recovery") else found.level
    begun = begin(
        session, actor=found.actor, level=level, method=method, now=now, began_at=found.began_at, stepped_up_at=now
    )
    tell(session, found.actor, "session.step_up", begun.id, now, {"from": found.id, "method": method})
    return begun


def end(session: sa.Connection, *, found: Session, how: str, now: datetime) -> bool:
    """End a session whose time is up, or whose place another one takes; return whether it still lived."""
    lived = _end(session, found, how, now)
    if lived and not missing_proof(found):
        _tell_end(session, found.actor, found.actor.person_id, found.id, how, now)
    return lived


def log_out(session: sa.Connection, *, found: Session, now: datetime) -> None:
    """End a session because its person says so."""
    if _end(session, found, "logout", now) and not missing_proof(found):
        tell(session, found.actor, "session.logout", found.id, now, {})


def _end(session: sa.Connection, found: Session, how: str, now: datetime) -> bool:
    ended = session.execute(sa.update(sessions).where(*_this(found)).values(ended_at=now, ended_how=how))
    return bool(ended.rowcount)


def _this(found: Session) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        sessions.c.municipality_id == found.actor.municipality_id,
        sessions.c.id == found.id,
        sessions.c.ended_at.is_(None),
    )


# --- one's own, and everybody's -------------------------------------------------------------------------------------


def own_sessions(session: sa.Connection, *, actor: Actor, now: datetime) -> tuple[OwnSession, ...]:
    """Return the places where one is logged in now."""
    return live_sessions(
        session,
        municipality_id=actor.municipality_id,
        person_id=actor.person_id,
        seen_after=now - IDLE,
        began_after=now - ABSOLUTE,
    )


def end_own(session: sa.Connection, *, actor: Actor, session_id: str, now: datetime) -> None:
    """End one of one's own sessions. Raises NotFound for somebody else's, and for one that has ended."""
    if not _end_those(session, actor, actor.person_id, "owner", now, sessions.c.id == session_id):
        raise NotFound()


def end_all(
    session: sa.Connection, *, actor: Actor, person_id: str, cause: str, now: datetime, but: str | None = None
) -> int:
    """End every session of a person (but one) at once; return how many.

    Whoever changes what a session stands on calls this after the change, in its transaction: a login that was faster
    is found, and one that comes later finds the change.
    """
    others = () if but is None else (sessions.c.id != but,)
    return _end_those(session, actor, person_id, cause, now, *others)


def _end_those(
    session: sa.Connection, actor: Actor, person_id: str, cause: str, now: datetime, *which: sa.ColumnElement[bool]
) -> int:
    ended = session.execute(
        sa.update(sessions)
        .where(
            sessions.c.municipality_id == actor.municipality_id,
            sessions.c.person_id == person_id,
            sessions.c.ended_at.is_(None),
            *which,
        )
        .values(ended_at=now, ended_how=cause)
        .returning(sessions.c.id)
    ).scalars()
    ids = sorted(ended.all())
    for session_id in ids:
        _tell_end(session, actor, person_id, session_id, cause, now)
    return len(ids)


def tidy(session: sa.Connection, *, actor: Actor, now: datetime) -> tuple[int, int]:
    """Write down which sessions have run out, and forget those that ended long ago; return how many of each."""
    here = sessions.c.municipality_id == actor.municipality_id
    idle, absolute = sessions.c.seen_at < now - IDLE, sessions.c.began_at < now - ABSOLUTE
    count = 0
    for how, late in (("idle", idle), ("absolute", absolute)):
        rows = session.execute(
            sa.update(sessions)
            .where(here, sessions.c.ended_at.is_(None), late)
            .values(ended_at=now, ended_how=how)
            .returning(sessions.c.id, sessions.c.person_id)
        ).all()
        for row in sorted(rows):
            _tell_end(session, actor, row.person_id, row.id, how, now)
        count += len(rows)
    old = session.execute(sa.delete(sessions).where(here, sessions.c.ended_at < now - KEPT))
    return count, old.rowcount


# --- the trail ------------------------------------------------------------------------------------------------------


def _tell_end(session: sa.Connection, actor: Actor, person_id: str, session_id: str, cause: str, now: datetime) -> None:
    tell(session, actor, "session.end", session_id, now, {"person": person_id, "cause": cause})


def tell(
    session: sa.Connection, actor: Actor, event: str, session_id: str, now: datetime, fields: dict[str, str]
) -> None:
    """Write an entry about a session: its beginning, its end or another step in it."""
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event=event, now=now, object_id=session_id,
        fields=fields,
    )  # fmt: skip
