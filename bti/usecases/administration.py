"""What every administrative command begins and ends with: the right to, the turn, and the trail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.errors import Forbidden
from bti.models import municipalities


def require_administrator(actor: Actor) -> None:
    """Raise Forbidden unless the person administers the municipality (or is the system itself)."""
    if not actor.has("administrator"):
        raise Forbidden("wrong_role")


def administer(session: sa.Connection, actor: Actor) -> None:
    """Let an administrator in, one at a time in a municipality. Raises Forbidden.

    Rules such as "somebody must administer" and "nobody both audits and meets children" look at many rows; two
    commands at once could each find them kept and break them together. Work in cases goes on meanwhile.
    """
    require_administrator(actor)
    # FOR NO KEY UPDATE: rows that merely refer to the municipality (all of them) don't wait for it.
    session.execute(
        sa.select(municipalities.c.id)
        .where(municipalities.c.id == actor.municipality_id)
        .with_for_update(key_share=True)
    )


def tell(
    session: sa.Connection,
    *,
    actor: Actor,
    event: str,
    now: datetime,
    fields: Mapping[str, Any],
    object_id: str | None = None,
) -> None:
    """Write the trail's entry of an administrative change or read, in the same transaction."""
    role = "administrator" if any(m.role == "administrator" for m in actor.memberships) else ""
    audit.record(
        session,
        actor=actor,
        municipality_id=actor.municipality_id,
        event=event,
        now=now,
        object_id=object_id,
        role=role,
        unit_id=actor.unit_for("administrator"),
        fields=fields,
    )
