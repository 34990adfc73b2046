"""Whose session a token belongs to, with the roles they hold at this moment, in one statement: every page asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.crypto.tokens import fingerprint
from bti.models import memberships, municipalities, people, second_factors, sessions
from bti.queries.people import ACTOR_COLUMNS, actor_of, held_by
from bti.statements import Fixed


@dataclass(frozen=True)
class Session:
    """A session as it stands in the table, whoever's it is and whether or not it still counts.

    `level` and `method` are what was proven and how (bti.models.sessions). `has_factor`: the person has a second
    factor; `is_demo`: one logs in as anybody here.
    """

    id: str
    actor: Actor
    level: str
    method: str
    began_at: datetime
    seen_at: datetime
    stepped_up_at: datetime | None
    ended_how: str | None
    has_factor: bool
    is_demo: bool

    @property
    def proven_at(self) -> datetime:
        """When the person last showed that it is them."""
        return self.stepped_up_at or self.began_at


@dataclass(frozen=True)
class OwnSession:
    """One of one's own sessions, for the page that lists them."""

    id: str
    level: str
    method: str
    began_at: datetime
    seen_at: datetime


_s = sessions.c
_SESSION = Fixed(
    sa.select(
        *ACTOR_COLUMNS,
        _s.id.label("session_id"),
        _s.person_id,
        _s.level,
        _s.method,
        _s.began_at,
        _s.seen_at,
        _s.stepped_up_at,
        _s.ended_how,
        second_factors.c.id.label("factor_id"),
        municipalities.c.is_demo,
    )
    .select_from(
        held_by(
            sessions.join(municipalities, municipalities.c.id == _s.municipality_id).join(
                people, sa.and_(people.c.municipality_id == _s.municipality_id, people.c.id == _s.person_id)
            )
        ).outerjoin(
            second_factors,
            sa.and_(
                second_factors.c.municipality_id == _s.municipality_id,
                second_factors.c.person_id == _s.person_id,
                second_factors.c.ended_at.is_(None),
            ),
        )
    )
    .where(
        _s.municipality_id == sa.bindparam("municipality_id", type_=sa.String),
        _s.token_hash == sa.bindparam("token_hash", type_=sa.String),
        people.c.ended_at.is_(None),
    )
    .order_by(memberships.c.started_at, memberships.c.id)
)


def session_of(session: sa.Connection, *, municipality_id: str, token: str, request_id: str = "") -> Session | None:
    """Return the session of a token with the person as they are now; None for an unknown token or an ended person."""
    rows = _SESSION.all(session, {"municipality_id": municipality_id, "token_hash": fingerprint(token)})
    if not rows:
        return None
    first: Any = rows[0]
    return Session(
        id=first.session_id,
        actor=actor_of(rows, municipality_id=municipality_id, person_id=first.person_id, request_id=request_id),
        level=first.level,
        method=first.method,
        began_at=first.began_at,
        seen_at=first.seen_at,
        stepped_up_at=first.stepped_up_at,
        ended_how=first.ended_how,
        has_factor=first.factor_id is not None,
        is_demo=first.is_demo,
    )


def live_sessions(
    session: sa.Connection, *, municipality_id: str, person_id: str, seen_after: datetime, began_after: datetime
) -> tuple[OwnSession, ...]:
    """Return a person's sessions that haven't ended or run out, the one used last first."""
    rows = session.execute(
        sa.select(_s.id, _s.level, _s.method, _s.began_at, _s.seen_at)
        .where(
            _s.municipality_id == municipality_id,
            _s.person_id == person_id,
            _s.ended_at.is_(None),
            _s.seen_at >= seen_after,
            _s.began_at >= began_after,
        )
        .order_by(_s.seen_at.desc(), _s.id)
    )
    return tuple(OwnSession(row.id, row.level, row.method, row.began_at, row.seen_at) for row in rows)
