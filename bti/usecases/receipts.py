"""Receipts of forms: the same token sent twice has one effect."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bti.actor import Actor
from bti.errors import Invalid
from bti.models import new_id, submissions


def receive(session: sa.Connection, *, actor: Actor, token: str, now: datetime) -> str | None:
    """Take a form's token; return None the first time, and where the first sending led every time after.

    Two at once: the second waits for the first to commit. Raises Invalid (`once`) for a token that isn't one.
    """
    if not 16 <= len(token) <= 64:
        raise Invalid(once="missing")
    insert = postgresql.insert if session.dialect.name == "postgresql" else sqlite.insert
    written = session.execute(
        insert(submissions)
        .values(
            municipality_id=actor.municipality_id,
            id=new_id(),
            person_id=actor.person_id,
            token=token,
            result="",
            received_at=now,
        )
        .on_conflict_do_nothing(index_elements=["municipality_id", "person_id", "token"])
        # The driver for PostgreSQL doesn't count what an INSERT wrote.
        .returning(submissions.c.id)
    )
    if written.first():
        return None
    earlier: str = session.execute(
        sa.select(submissions.c.result).where(
            submissions.c.municipality_id == actor.municipality_id,
            submissions.c.person_id == actor.person_id,
            submissions.c.token == token,
        )
    ).scalar_one()
    return earlier


def finish(session: sa.Connection, *, actor: Actor, token: str, result: str) -> None:
    """Write where the form led, for whoever sends it again."""
    session.execute(
        sa.update(submissions)
        .where(
            submissions.c.municipality_id == actor.municipality_id,
            submissions.c.person_id == actor.person_id,
            submissions.c.token == token,
        )
        .values(result=result[:200])
    )
