"""Whether a database holds what is needed before anybody can use the pages."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bti.db import be_in
from bti.models import cases, memberships, municipalities, people
from bti.workflow.library import released


def not_ready(session: sa.Connection) -> list[str]:
    """Return a sentence for everything that must be added first, with the command that adds it."""
    known = session.execute(sa.select(municipalities).order_by(municipalities.c.id)).all()
    if not known:
        return ["There is no municipality yet: add one with bti municipality add ID --name NAME."]
    # In a demo one logs in as anybody.
    return [
        f"Nobody can log in to {row.id} and administer it: add somebody with "
        f"bti user add USERNAME --name NAME --unit UNIT --role administrator --municipality {row.id}."
        for row in known
        if not row.is_demo and not _somebody_administers(session, row.id)
    ]


def missing_definitions(session: sa.Connection) -> list[str]:
    """Return a sentence for every definition that a municipality or a case follows and that isn't there."""
    there, m = set(released()), municipalities.c
    chosen = session.execute(sa.select(m.id, m.definition, m.definition_version).order_by(m.id)).all()
    followers = [(f"The municipality {row.id} follows", row.definition, row.definition_version) for row in chosen]
    followers += [
        (f"Cases in {one.id} ({row.number}) follow", row.definition, row.definition_version)
        for one in chosen
        for row in _followed(session, one.id)
    ]
    return [
        f"{who_follows} {name}.{version}, and there is no such definition: put it back in the folder of BTI_WORKFLOWS, "
        "or install the version of Stafett that has it."
        for who_follows, name, version in followers
        if (name, version) not in there
    ]


def _followed(session: sa.Connection, municipality_id: str) -> list[Any]:
    """Return every definition that cases follow, closed ones too: they are read and opened again by it."""
    be_in(session, municipality_id)
    c = cases.c
    which = (c.definition, c.definition_version)
    asked = sa.select(*which, sa.func.count().label("number")).where(c.municipality_id == municipality_id)
    return list(session.execute(asked.group_by(*which).order_by(*which)))


def _somebody_administers(session: sa.Connection, municipality_id: str) -> bool:
    be_in(session, municipality_id)
    m, p = memberships.c, people.c
    found = session.execute(
        sa.select(p.id)
        .join(memberships, sa.and_(m.municipality_id == p.municipality_id, m.person_id == p.id))
        .where(
            p.municipality_id == municipality_id,
            p.ended_at.is_(None),
            p.password_hash.is_not(None),
            m.role == "administrator",
            m.ended_at.is_(None),
        )
        .limit(1)
    )
    return found.first() is not None
