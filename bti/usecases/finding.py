"""From what stands in an address to the row it means."""

from __future__ import annotations

import sqlalchemy as sa

from bti.errors import NotFound
from bti.models import cases


def find_case(session: sa.Connection, *, municipality_id: str, reference: str) -> str:
    """Return the id of the case with this reference. Raises NotFound. Says nothing about who may see it."""
    found = session.execute(
        sa.select(cases.c.id).where(cases.c.municipality_id == municipality_id, cases.c.reference == reference)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound()
    id_: str = found
    return id_
