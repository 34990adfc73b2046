"""Behind the pages, for their tests: what they left in the database, and what somebody does meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from bti.db import writing
from bti.models import audit_entries, cases
from tests.cast import Cast

# Words of Ola's case that nobody may read who isn't in it.
SECRETS = (
    "Snakket med mor og far",
    "Fast voksen ved skolestart",
    "På skolen hver dag",
    "Kommer for sent",
    "Ola",
    "Nordli",
)


def rows(cast: Cast, table: sa.Table = cases) -> list[Any]:
    """Return every row of a table."""
    with writing(cast.database) as session:
        return list(session.execute(sa.select(table)))


def told(cast: Cast, event: str) -> list[dict[str, Any]]:
    """Return the fields of every entry of an event in the trail, oldest first."""
    with writing(cast.database) as session:
        found = session.execute(
            sa.select(audit_entries.c.fields).where(audit_entries.c.event == event).order_by(audit_entries.c.id)
        )
        return [json.loads(fields) for fields in found.scalars()]


def reference(cast: Cast, case_id: str) -> str:
    """Return the reference of a case, as it stands in addresses."""
    with writing(cast.database) as session:
        return str(session.execute(sa.select(cases.c.reference).where(cases.c.id == case_id)).scalar_one())


def act(cast: Cast, usecase: Callable[..., Any], *, by: str, **more: Any) -> Any:
    """Let somebody do something elsewhere than on the page that is tested."""
    with writing(cast.database) as session:
        return usecase(session, actor=cast.actor_in(session, by), now=cast.now, **more)
