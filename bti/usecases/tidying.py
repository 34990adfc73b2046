"""What time does to cases, written down: offers and doors past their date, batons nobody holds, forgotten files.

None of it decides anything. Whatever is past its date counts as gone from the day itself; this lets the trail and the
register say so, one case in each transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.clock import local_day
from bti.models import cases, disclosures, handovers, import_runs, memberships
from bti.queries.facts import case_facts, lock_case
from bti.usecases import baton
from bti.usecases.imports.turns import WORKING, set_run
from bti.usecases.system import System

# A file with names of children isn't kept for an administrator who never came back to it.
_FORGET_AFTER = timedelta(days=1)
_MEETS_CHILDREN = ("employee", "unit_leader", "coordinator")


def cases_with_old_offers(session: sa.Connection, *, municipality_id: str, now: datetime) -> tuple[str, ...]:
    """Return the cases where the baton was offered, and the offer has run out without an answer."""
    h = handovers.c
    return _ids(
        session,
        sa.select(h.case_id).where(
            h.municipality_id == municipality_id, h.state == "offered", h.expires_on < local_day(now)
        ),
    )


def expire_offer(session: sa.Connection, *, actor: Actor, case_id: str, now: datetime) -> bool:
    """Write that the case's offer ran out; return whether there was one."""
    lock_case(session, municipality_id=actor.municipality_id, case_id=case_id)
    facts = case_facts(session, municipality_id=actor.municipality_id, case_id=case_id, today=local_day(now))
    scene = baton.system_scene(actor, facts, now)
    return baton.expire_offer(session, scene) is not scene


def cases_with_old_doors(session: sa.Connection, *, municipality_id: str, now: datetime) -> tuple[str, ...]:
    """Return the cases with a consent or legal basis that has run out; `doors.tidy_expired` tidies each."""
    d = disclosures.c
    return _ids(
        session,
        sa.select(d.case_id).where(
            d.municipality_id == municipality_id, d.ended_at.is_(None), d.valid_to < local_day(now)
        ),
    )


def cases_nobody_holds(session: sa.Connection, *, municipality_id: str) -> tuple[str, ...]:
    """Return the open cases whose holder no longer works in the unit they hold the baton for.

    Ending a role passes the batons on at once; this finds the case that was opened in the very same moment.
    """
    return _ids(
        session,
        sa.select(cases.c.id).where(
            cases.c.municipality_id == municipality_id, cases.c.closed_at.is_(None), ~_holder_works_there()
        ),
    )


def _holder_works_there() -> sa.Exists:
    m = memberships.c
    return sa.exists().where(
        m.municipality_id == cases.c.municipality_id,
        m.person_id == cases.c.holder_id,
        m.unit_id == cases.c.holder_unit_id,
        m.role.in_(_MEETS_CHILDREN),
        m.ended_at.is_(None),
    )


def let_baton_fall(session: sa.Connection, *, actor: Actor, case_id: str, now: datetime) -> bool:
    """Give the case to an interim holder if its holder is gone; return whether they were.

    Raises NotPossible (`no_interim_holder`).
    """
    lock_case(session, municipality_id=actor.municipality_id, case_id=case_id)
    gone = session.execute(
        sa.select(cases.c.id).where(
            cases.c.municipality_id == actor.municipality_id,
            cases.c.id == case_id,
            cases.c.closed_at.is_(None),
            ~_holder_works_there(),
        )
    ).first()
    if gone is None:
        return False
    facts = case_facts(session, municipality_id=actor.municipality_id, case_id=case_id, today=local_day(now))
    baton.fall(session, baton.system_scene(actor, facts, now), cause="role_ended")
    return True


def forget_files(session: sa.Connection, *, municipality_id: str, now: datetime) -> int:
    """Throw away import files that nobody carried out within a day, also of runs that broke down; return how many."""
    r = import_runs.c
    kept = r.state.in_(("checked", *WORKING))
    left = session.execute(
        sa.select(r.id).where(r.municipality_id == municipality_id, kept, r.started_at < now - _FORGET_AFTER)
    ).all()
    for row in left:
        set_run(session, System(municipality_id), row.id, only=kept, state="failed", content="", finished_at=now)
    return len(left)


def _ids(session: sa.Connection, query: sa.Select[Any]) -> tuple[str, ...]:
    return tuple(sorted({row[0] for row in session.execute(query)}))
