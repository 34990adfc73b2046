"""What an auditor looks up and does is told in the trail, a look-up before it is shown, by `audit.show`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor


def tell(
    session: sa.Connection,
    actor: Actor,
    event: str,
    fields: Mapping[str, Any],
    now: datetime,
    *,
    object_id: str | None = None,
) -> None:
    """Write what `actor` did as an auditor, in the caller's transaction; `object_id` is what it was done to."""
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event=event, now=now, fields=fields,
        object_id=object_id, role="auditor", unit_id=actor.unit_for("auditor"),
    )  # fmt: skip
