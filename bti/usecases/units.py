"""Units: a school, a health centre, PPT. They are added and ended, never removed: cases go on naming them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.errors import Invalid, NotFound, NotPossible
from bti.models import cases, memberships, new_id, referrals, subjects, units
from bti.policy import LEADER_SEES
from bti.usecases.administration import administer, tell
from bti.usecases.contact import check_name, check_phone
from bti.usecases.text import collect, one_of
from bti.workflow.definition import SERVICE_KINDS


def add_unit(
    session: sa.Connection,
    *,
    actor: Actor,
    name: str,
    kind: str,
    now: datetime,
    is_external: bool = False,
    phone: str = "",
) -> str:
    """Add a unit and return its id. `kind` is one of the definitions' kinds of service and chooses its guides.

    Raises Forbidden, Invalid (name: `missing`, `too_long`, `taken`; kind; phone).
    """
    administer(session, actor)
    _check(session, actor, name, kind, phone, but=None)
    unit_id = new_id()
    session.execute(
        sa.insert(units),
        {
            "municipality_id": actor.municipality_id, "id": unit_id, "name": check_name("name", name), "kind": kind,
            "is_external": is_external, "phone": check_phone("phone", phone),
        },
    )  # fmt: skip
    tell(session, actor=actor, event="unit.add", now=now, object_id=unit_id, fields={"unit": unit_id, "kind": kind})
    return unit_id


def change_unit(
    session: sa.Connection, *, actor: Actor, unit_id: str, name: str, kind: str, phone: str, now: datetime
) -> tuple[str, ...]:
    """Change a unit's name, kind and telephone; return what was changed.

    Whether it is external stays: consents were asked for on the strength of it. Raises Forbidden, NotFound,
    NotPossible (`unit_ended`), Invalid (name, kind, phone).
    """
    administer(session, actor)
    found = live_unit(session, actor, unit_id)
    _check(session, actor, name, kind, phone, but=unit_id)
    wanted = {"name": check_name("name", name), "kind": kind, "phone": check_phone("phone", phone)}
    changed = {column: value for column, value in wanted.items() if getattr(found, column) != value}
    if changed:
        _update(session, actor, unit_id, **changed)
        fields = {"unit": unit_id, "changed": sorted(changed)}
        tell(session, actor=actor, event="unit.change", now=now, object_id=unit_id, fields=fields)
    return tuple(sorted(changed))


def _check(session: sa.Connection, actor: Actor, name: str, kind: str, phone: str, *, but: str | None) -> None:
    collect(
        lambda: _check_free(session, actor, check_name("name", name), but),
        lambda: one_of("kind", kind, SERVICE_KINDS),
        lambda: check_phone("phone", phone),
    )


def _check_free(session: sa.Connection, actor: Actor, name: str, but: str | None) -> None:
    # An ended unit keeps its name too: two units of one name couldn't be told apart in a consent.
    rows = session.execute(sa.select(units.c.id, units.c.name).where(units.c.municipality_id == actor.municipality_id))
    if any(row.name.casefold() == name.casefold() and row.id != but for row in rows):
        raise Invalid(name="taken")


def end_unit(session: sa.Connection, *, actor: Actor, unit_id: str, now: datetime) -> None:
    """End a unit that nobody works in, no child belongs to and no open case depends on.

    Raises Forbidden, NotFound, NotPossible (`unit_ended`; `unit_in_use` with how many `staff`, `children`, `cases`
    and `referrals` there still are, unshared wonders not counted).
    """
    administer(session, actor)
    live_unit(session, actor, unit_id)
    held = _still_there(session, actor, unit_id)
    if any(held.values()):
        # An unshared wonder keeps its unit in use, and is nobody's to count.
        told = {what: str(number) for what, number in held.items() if number and what != "unshared"}
        raise NotPossible("unit_in_use", **told)
    _update(session, actor, unit_id, ended_at=now)
    tell(session, actor=actor, event="unit.end", now=now, object_id=unit_id, fields={"unit": unit_id})


def _still_there(session: sa.Connection, actor: Actor, unit_id: str) -> dict[str, int]:
    m, s, c, r = memberships.c, subjects.c, cases.c, referrals.c
    open_cases = sa.select(sa.func.count()).where(
        c.municipality_id == actor.municipality_id,
        c.closed_at.is_(None),
        sa.or_(c.unit_id == unit_id, c.holder_unit_id == unit_id),
    )
    asked = {
        "staff": sa.select(sa.func.count(m.person_id.distinct())).where(
            m.municipality_id == actor.municipality_id, m.unit_id == unit_id, m.ended_at.is_(None)
        ),
        "children": sa.select(sa.func.count()).where(
            s.municipality_id == actor.municipality_id, s.unit_id == unit_id, s.left_on.is_(None)
        ),
        "cases": open_cases.where(LEADER_SEES),
        "unshared": open_cases.where(sa.not_(LEADER_SEES)),
        "referrals": sa.select(sa.func.count()).where(
            r.municipality_id == actor.municipality_id, r.unit_id == unit_id, r.decided_at.is_(None)
        ),
    }
    return {what: session.execute(query).scalar_one() for what, query in asked.items()}


def live_unit(session: sa.Connection, actor: Actor, unit_id: str) -> Any:
    """Return name, kind and telephone of a unit. Raises NotFound, NotPossible (`unit_ended`)."""
    row = session.execute(
        sa.select(units.c.name, units.c.kind, units.c.phone, units.c.ended_at).where(
            units.c.municipality_id == actor.municipality_id, units.c.id == unit_id
        )
    ).first()
    if row is None:
        raise NotFound()
    if row.ended_at is not None:
        raise NotPossible("unit_ended")
    return row


def _update(session: sa.Connection, actor: Actor, unit_id: str, **values: object) -> None:
    session.execute(
        sa.update(units).where(units.c.municipality_id == actor.municipality_id, units.c.id == unit_id).values(**values)
    )
