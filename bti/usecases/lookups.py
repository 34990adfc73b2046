"""An auditor's look-up in two parts: finding, which only reads and holds nobody up, and writing down that it was done.

What was found can't be had before it is written down, so that nothing is shown that the trail doesn't tell of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor

Found = TypeVar("Found")


@dataclass(frozen=True)
class LookUp(Generic[Found]):
    """Something found, with the entry that is to stand in the trail before it may be shown: see `write_down`."""

    event: str
    fields: Mapping[str, Any]
    _found: Found = field(repr=False)


def write_down(session: sa.Connection, *, actor: Actor, looked_up: LookUp[Found], now: datetime) -> Found:
    """Write that `actor` looked something up, and return what was found. Show it once the transaction is committed."""
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event=looked_up.event, now=now,
        fields=looked_up.fields, role="auditor", unit_id=actor.unit_for("auditor"),
    )  # fmt: skip
    return looked_up._found
