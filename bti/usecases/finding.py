"""From what stands in an address to the row it means."""

from __future__ import annotations

import sqlalchemy as sa

from bti.errors import NotFound
from bti.models import cases
from bti.statements import Fixed

_BY_REFERENCE = Fixed(
    sa.select(cases.c.id).where(
        cases.c.municipality_id == sa.bindparam("municipality_id", type_=sa.String),
        cases.c.reference == sa.bindparam("reference", type_=sa.String),
    )
)


def find_case(session: sa.Connection, *, municipality_id: str, reference: str) -> str:
    """Return the id of the case with this reference. Raises NotFound. Says nothing about who may see it."""
    asked = {"municipality_id": municipality_id, "reference": reference}
    found = _BY_REFERENCE.first(session, asked)
    if found is None:
        raise NotFound()
    id_: str = found.id
    return id_
