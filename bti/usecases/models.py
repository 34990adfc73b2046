"""Which definition is in force in a municipality."""

from __future__ import annotations

import sqlalchemy as sa

from bti.models import municipalities


def in_force(session: sa.Connection, *, municipality_id: str) -> tuple[str, int]:
    """Return name and version of the definition that new wonders begin under."""
    row = session.execute(
        sa.select(municipalities.c.definition, municipalities.c.definition_version).where(
            municipalities.c.id == municipality_id
        )
    ).one()
    return row.definition, row.definition_version
