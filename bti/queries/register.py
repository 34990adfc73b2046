"""What an administrator sees: units, people, roles and imports. Of children, guardians and cases only counts.

A wonder is its author's own until they share it: it isn't counted before that, neither by unit nor by holder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti.models import cases, import_runs, memberships, municipalities, people, subjects, units
from bti.names import folded, name_key
from bti.policy import LEADER_SEES

PAGE = 50


@dataclass(frozen=True)
class Unit:
    """A unit with how many people work there, children belong to it and open cases it answers for.

    Unshared wonders aren't counted.
    """

    id: str
    name: str
    kind: str
    is_external: bool
    phone: str
    ended_at: datetime | None
    staff: int
    leaders: int
    children: int
    open_cases: int


@dataclass(frozen=True)
class Role:
    """A live role of a person. `since` is when it was granted."""

    unit_id: str
    unit_name: str
    role: str
    since: datetime


@dataclass(frozen=True)
class Person:
    """Somebody of the staff with their live roles, and how many batons they hold, those of unshared wonders apart."""

    id: str
    username: str
    name: str
    title: str
    email: str
    phone: str
    language: str
    has_password: bool
    ended_at: datetime | None
    batons: int
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class People:
    """A page of people by name. `after` is where the next page begins, None when this is the last one."""

    shown: tuple[Person, ...]
    after: str | None


@dataclass(frozen=True)
class Import:
    """How an import goes. `state` is checking, checked, running, done or failed."""

    id: str
    kind: str
    state: str
    total_rows: int
    done_rows: int
    created: int
    changed: int
    report: dict[str, Any]
    started_at: datetime
    finished_at: datetime | None
    by: str


def units_of(session: sa.Connection, *, municipality_id: str, ended: bool = False) -> tuple[Unit, ...]:
    """Return the municipality's units by name; `ended` takes in those that have been ended."""
    counts = _unit_counts()
    query = sa.select(units, *counts).where(units.c.municipality_id == municipality_id).order_by(units.c.name)
    if not ended:
        query = query.where(units.c.ended_at.is_(None))
    return tuple(
        Unit(
            row.id, row.name, row.kind, row.is_external, row.phone or "", row.ended_at, row.staff, row.leaders,
            row.children, row.open_cases,
        )
        for row in session.execute(query)
    )  # fmt: skip


def _unit_counts() -> Iterable[sa.Label[int]]:
    m, s, c = memberships.c, subjects.c, cases.c
    here = (m.municipality_id == units.c.municipality_id, m.unit_id == units.c.id, m.ended_at.is_(None))
    return (
        sa.select(sa.func.count(m.person_id.distinct())).where(*here).scalar_subquery().label("staff"),
        sa.select(sa.func.count()).where(*here, m.role == "unit_leader").scalar_subquery().label("leaders"),
        sa.select(sa.func.count())
        .where(s.municipality_id == units.c.municipality_id, s.unit_id == units.c.id, s.left_on.is_(None))
        .scalar_subquery()
        .label("children"),
        sa.select(sa.func.count())
        .where(
            c.municipality_id == units.c.municipality_id, c.unit_id == units.c.id, c.closed_at.is_(None), LEADER_SEES
        )
        .scalar_subquery()
        .label("open_cases"),
    )


def people_of(
    session: sa.Connection,
    *,
    municipality_id: str,
    search: str = "",
    unit_id: str | None = None,
    ended: bool = False,
    after: str = "",
    limit: int = PAGE,
) -> People:
    """Return a page of the staff by name, in three statements.

    `search` is part of a name or user name, `unit_id` keeps to those with a live role there, `after` is where the
    page before said to go on. `ended` shows those who have left instead. Names are sealed: all of them are opened to
    sort the page out.
    """
    p = people.c
    query = sa.select(p.id, p.username, p.name).where(
        p.municipality_id == municipality_id, p.ended_at.is_not(None) if ended else p.ended_at.is_(None)
    )
    if unit_id is not None:
        query = query.where(p.id.in_(_staff_ids(municipality_id, unit_id)))
    wanted = folded(search.strip())
    known = [row for row in session.execute(query) if wanted in folded(row.name) or wanted in row.username]
    places = sorted(f"{name_key(row.name)}|{row.id}" for row in known)
    following = [place for place in places if place > after][: limit + 1]
    ids = [place.rpartition("|")[2] for place in following[:limit]]
    rows = session.execute(sa.select(people, _batons()).where(p.municipality_id == municipality_id, p.id.in_(ids)))
    shown = _with_roles(session, municipality_id, sorted(rows, key=lambda row: ids.index(row.id)))
    return People(shown, following[limit - 1] if len(following) > limit else None)


def person_of(session: sa.Connection, *, municipality_id: str, person_id: str) -> Person | None:
    """Return one person of the staff, ended or not, or None."""
    return _one(session, municipality_id, people.c.id == person_id)


def person_named(session: sa.Connection, *, municipality_id: str, username: str) -> Person | None:
    """Return the person with this user name, ended or not, or None."""
    return _one(session, municipality_id, people.c.username == username.strip().lower())


def _one(session: sa.Connection, municipality_id: str, which: sa.ColumnElement[bool]) -> Person | None:
    rows = session.execute(sa.select(people, _batons()).where(people.c.municipality_id == municipality_id, which)).all()
    return next(iter(_with_roles(session, municipality_id, rows)), None)


def _batons() -> sa.Label[int]:
    return (
        sa.select(sa.func.count())
        .where(
            cases.c.municipality_id == people.c.municipality_id,
            cases.c.holder_id == people.c.id,
            cases.c.closed_at.is_(None),
            LEADER_SEES,
        )
        .scalar_subquery()
        .label("batons")
    )


def _staff_ids(municipality_id: str, unit_id: str) -> sa.Select[Any]:
    m = memberships.c
    return sa.select(m.person_id).where(
        m.municipality_id == municipality_id, m.unit_id == unit_id, m.ended_at.is_(None)
    )


def _with_roles(session: sa.Connection, municipality_id: str, rows: Iterable[Any]) -> tuple[Person, ...]:
    found = list(rows)
    roles: dict[str, list[Role]] = {row.id: [] for row in found}
    m = memberships.c
    live = session.execute(
        sa.select(m.person_id, m.unit_id, units.c.name, m.role, m.started_at)
        .join(units, sa.and_(units.c.municipality_id == m.municipality_id, units.c.id == m.unit_id))
        .where(m.municipality_id == municipality_id, m.person_id.in_(list(roles)), m.ended_at.is_(None))
        .order_by(units.c.name, m.role)
    )
    for row in live:
        roles[row.person_id].append(Role(row.unit_id, row.name, row.role, row.started_at))
    return tuple(
        Person(
            row.id, row.username, row.name, row.title, row.email or "", row.phone or "", row.language,
            row.password_hash is not None, row.ended_at, row.batons, tuple(roles[row.id]),
        )
        for row in found
    )  # fmt: skip


def imports_of(session: sa.Connection, *, municipality_id: str, limit: int = 20) -> tuple[Import, ...]:
    """Return the latest imports, newest first, without their files."""
    return _imports(session, municipality_id, limit=limit)


def import_of(session: sa.Connection, *, municipality_id: str, run_id: str) -> Import | None:
    """Return how one import goes, or None."""
    return next(iter(_imports(session, municipality_id, import_runs.c.id == run_id)), None)


def _imports(
    session: sa.Connection, municipality_id: str, *which: sa.ColumnElement[bool], limit: int = 1
) -> tuple[Import, ...]:
    r = import_runs.c
    rows = session.execute(
        sa.select(
            r.id, r.kind, r.state, r.total_rows, r.done_rows, r.created, r.changed, r.findings, r.started_at,
            r.finished_at, people.c.name,
        )
        .outerjoin(people, sa.and_(people.c.municipality_id == r.municipality_id, people.c.id == r.person_id))
        .where(r.municipality_id == municipality_id, *which)
        .order_by(r.started_at.desc(), r.id)
        .limit(limit)
    )  # fmt: skip
    return tuple(
        Import(
            row.id, row.kind, row.state, row.total_rows, row.done_rows, row.created, row.changed,
            json.loads(row.findings or "{}"), row.started_at, row.finished_at, row.name or "",
        )
        for row in rows
    )  # fmt: skip


def municipality_ids(session: sa.Connection) -> tuple[str, ...]:
    """Return the ids of all municipalities in this database."""
    return tuple(session.execute(sa.select(municipalities.c.id).order_by(municipalities.c.id)).scalars())
