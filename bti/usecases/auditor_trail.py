"""What an auditor looks up is told in the trail, like every other reading: before it is shown, by `audit.show`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor


def look_up(session: sa.Connection, actor: Actor, event: str, fields: Mapping[str, Any], now: datetime) -> None:
    """Write that `actor` looked something up as an auditor. Show what was found once the entry is on disk."""
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event=event, now=now, fields=fields,
        role="auditor", unit_id=actor.unit_for("auditor"),
    )  # fmt: skip
