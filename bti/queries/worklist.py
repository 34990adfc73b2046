"""The worklist: cases a person stands in, by deadline. One statement for the page whatever the number of cases.

Each relation (holder, author, participant, leader) walks its own index to the first fifty; the union is cut again.
A list never shows what the case page would refuse: the conditions are `policy.ways_in`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from bti import policy
from bti.actor import Actor
from bti.models import (
    cases,
    disclosures,
    handovers,
    participations,
    people,
    subjects,
)
from bti.names import folded
from bti.queries.facts import IS_OFFERED

PAGE = 50
# Enough to say that there are too many to read; every case more is one more to ask the rule of.
MOST_COUNTED = 200
MINE = ("holder", "author", "participant")
UNIT = ("unit_leader",)


@dataclass(frozen=True)
class Filter:
    """What to list. `ways` are the relations; `level` an order from 0; `due_before` the last deadline; `closed`
    lists closed cases instead of open ones; `text` matches a reference or the beginning of a name."""

    ways: tuple[str, ...] = MINE
    level: int | None = None
    due_before: date | None = None
    closed: bool = False
    text: str = ""


@dataclass(frozen=True)
class Place:
    """Where a page ended: the next one begins after this deadline and id."""

    due_on: date
    id: str


BEGINNING = Place(date.min, "")


def cases_by_deadline(
    session: sa.Connection, *, actor: Actor, wanted: Filter, today: date, after: Place | None = None, most: int = PAGE
) -> list[Any]:
    """Return up to `most` + 1 cases in order of deadline, closed ones the last closed first.

    One more than asked tells that there are more.
    """
    asked = _asked(session, actor, wanted, today, after or BEGINNING)
    return list(session.execute(_page(_shape(wanted), most + 1), asked))


@dataclass(frozen=True)
class Counted:
    """How many cases a filter finds, and how many of them until a day: both to at most one more than MOST_COUNTED."""

    total: int
    until: int


def count_cases(session: sa.Connection, *, actor: Actor, wanted: Filter, today: date, until: date) -> Counted:
    """Return how many cases the filter finds in all and with a deadline no later than `until`, in one statement."""
    asked = {**_asked(session, actor, wanted, today, BEGINNING), "until": until}
    return Counted(*session.execute(_count(_shape(wanted)), asked).one())


class Shape(NamedTuple):
    """Which parts a filter has, whatever is asked for in them: each shape is one statement, made once."""

    ways: tuple[str, ...]
    level: bool
    due: bool
    closed: bool
    text: bool


def _shape(wanted: Filter) -> Shape:
    return Shape(wanted.ways, wanted.level is not None, wanted.due_before is not None, wanted.closed, bool(wanted.text))


def _asked(session: sa.Connection, actor: Actor, wanted: Filter, today: date, after: Place) -> dict[str, Any]:
    pattern = wanted.text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    asked = {
        **policy.asking(actor, today),
        "level": wanted.level,
        "due_before": wanted.due_before,
        "after_due": after.due_on,
        "after_id": after.id,
        "reference_like": f"%{pattern.upper()}%",
    }
    return {**asked, "named": _named(session, wanted, asked) if wanted.text else []}


def _named(session: sa.Connection, wanted: Filter, asked: dict[str, Any]) -> list[str]:
    """Return whom the text names, among those the reader meets by this filter: names are sealed, and an index of
    their beginnings would tell whoever reads the database how often each stands there."""
    beginning, shape = folded(wanted.text), _shape(wanted)._replace(text=False)
    rows = session.execute(_met(shape), {**asked, "after_due": BEGINNING.due_on, "after_id": BEGINNING.id})
    return [
        row.id
        for row in rows
        if folded(f"{row.given_name} {row.family_name}").startswith(beginning)
        or folded(row.family_name).startswith(beginning)
    ]


@cache
def _met(shape: Shape) -> sa.Select[Any]:
    of_cases = sa.union(*(sa.select(cases.c.subject_id).where(*_conditions(way, shape)) for way in shape.ways))
    return sa.select(subjects.c.id, subjects.c.given_name, subjects.c.family_name).where(
        subjects.c.municipality_id == policy.MY_MUNICIPALITY, subjects.c.id.in_(of_cases)
    )


@cache
def _page(shape: Shape, most: int) -> sa.Select[Any]:
    # The number is written out: a planner that doesn't see it reckons with a tenth of the table.
    limit: sa.ColumnElement[int] = sa.literal_column(str(most))
    branches = [_branch(name, shape).limit(limit).subquery() for name in shape.ways]
    together = sa.union(*(sa.select(branch) for branch in branches)).subquery()
    first = together.c.sort_on.desc() if shape.closed else together.c.sort_on
    return sa.select(together).order_by(first, together.c.id).limit(limit)


@cache
def _count(shape: Shape) -> sa.Select[int, int]:
    most: sa.ColumnElement[int] = sa.literal_column(str(MOST_COUNTED + 1))
    branches = [
        sa.select(cases.c.id, cases.c.due_on)
        .select_from(cases)
        .where(*_conditions(name, shape))
        # The most urgent first, or the number until a day would depend on where the counting stops.
        .order_by(cases.c.due_on, cases.c.id)
        .limit(most)
        .subquery()
        for name in shape.ways
    ]
    together = sa.union(*(sa.select(branch) for branch in branches)).subquery()
    capped = sa.select(together.c.due_on).order_by(together.c.due_on, together.c.id).limit(most).subquery()
    soon = sa.case((capped.c.due_on <= sa.bindparam("until", type_=sa.Date), 1))
    return sa.select(sa.func.count(), sa.func.count(soon)).select_from(capped)


def _branch(way: str, shape: Shape) -> sa.Select[Any]:
    sort_on: sa.ColumnElement[Any] = cases.c.closed_at if shape.closed else cases.c.due_on
    return (
        sa.select(
            cases.c.id,
            cases.c.reference,
            cases.c.definition,
            cases.c.definition_version,
            cases.c.step,
            cases.c.level_order,
            cases.c.subject_id,
            cases.c.unit_id,
            cases.c.holder_id,
            cases.c.is_interim,
            cases.c.due_on,
            cases.c.due_reason,
            cases.c.closed_at,
            cases.c.closing_reason,
            sort_on.label("sort_on"),
        )
        .select_from(cases)
        .where(*_conditions(way, shape))
        .order_by(sort_on.desc() if shape.closed else sort_on, cases.c.id)
    )


# Follows from the rule of the way in, and says where to begin looking: the rule alone would be asked of every case.
_BEGIN_WITH: dict[str, sa.ColumnElement[bool]] = {
    "participant": cases.c.id.in_(
        sa.select(participations.c.case_id).where(
            participations.c.municipality_id == policy.MY_MUNICIPALITY,
            participations.c.person_id == policy.ME,
            participations.c.state == "active",
        )
    )
}


def _conditions(way: str, shape: Shape) -> list[sa.ColumnElement[bool]]:
    found = [cases.c.municipality_id == policy.MY_MUNICIPALITY, policy.WAYS_IN[way]]
    if way in _BEGIN_WITH:
        found.append(_BEGIN_WITH[way])
    if shape.closed:
        found.append(cases.c.closed_at.is_not(None))
    else:
        # An open case has a date. From the place on, also for the first page: closed cases lie before it.
        here = sa.tuple_(cases.c.due_on, cases.c.id)
        place = sa.tuple_(sa.bindparam("after_due", type_=sa.Date), sa.bindparam("after_id", type_=sa.String))
        found += [cases.c.closed_at.is_(None), here > place]
    if shape.level:
        found.append(cases.c.level_order == sa.bindparam("level", type_=sa.Integer))
    if shape.due:
        found.append(cases.c.due_on <= sa.bindparam("due_before", type_=sa.Date))
    if shape.text:
        found.append(_matches())
    return found


def _matches() -> sa.ColumnElement[bool]:
    return sa.or_(
        sa.func.upper(cases.c.reference).like(sa.bindparam("reference_like", type_=sa.String), escape="\\"),
        cases.c.subject_id.in_(sa.bindparam("named", type_=sa.String, expanding=True)),
    )


# --- what waits for an answer of mine -----------------------------------------------------------------------------


def waiting_for(session: sa.Connection, *, actor: Actor, today: date) -> list[Any]:
    """Return the offers and invitations that wait for this person, soonest first: no content, only what is asked."""
    return list(session.execute(_WAITING, policy.asking(actor, today)))


def shells(session: sa.Connection, *, actor: Actor, today: date) -> list[Any]:
    """Return open cases this person answers for but may not read now: reference, step and date, nothing else."""
    return list(session.execute(_SHELLS, {**policy.asking(actor, today), "after_due": BEGINNING.due_on}))


def _is_reached(unit: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """The condition that something lets the unit read: the same as `policy.is_reached`. Until it is tidied away, an
    invitation outlives the consent it stood on."""
    d = disclosures.c
    door = sa.exists().where(
        d.municipality_id == cases.c.municipality_id,
        d.case_id == cases.c.id,
        d.unit_id == unit,
        d.ended_at.is_(None),
        d.valid_to >= policy.DAY,
    )
    return sa.or_(sa.and_(cases.c.is_shared.is_(False), unit == cases.c.unit_id), door)


def _waiting() -> sa.Select[Any]:
    h, p = handovers.c, participations.c
    offered = (
        sa.select(
            sa.literal_column("'offer'").label("what"),
            h.id,
            cases.c.reference,
            cases.c.level_order,
            h.from_person_id.label("from_id"),
            h.expires_on.label("answer_by"),
        )
        .join(cases, sa.and_(cases.c.municipality_id == h.municipality_id, cases.c.id == h.case_id))
        .where(
            h.municipality_id == policy.MY_MUNICIPALITY,
            h.to_person_id == policy.ME,
            h.to_unit_id.in_(policy.MY_UNITS),
            IS_OFFERED,
            h.expires_on >= policy.DAY,
            _is_reached(h.to_unit_id),
        )
    )
    invited = (
        sa.select(
            sa.literal_column("'invitation'"),
            p.id,
            cases.c.reference,
            cases.c.level_order,
            p.invited_by,
            sa.null(),
        )
        .join(cases, sa.and_(cases.c.municipality_id == p.municipality_id, cases.c.id == p.case_id))
        .where(
            p.municipality_id == policy.MY_MUNICIPALITY,
            p.person_id == policy.ME,
            p.unit_id.in_(policy.MY_UNITS),
            p.state == "invited",
            _is_reached(p.unit_id),
        )
    )
    both = sa.union_all(offered, invited).subquery()
    asker = sa.and_(people.c.municipality_id == policy.MY_MUNICIPALITY, people.c.id == both.c.from_id)
    named = sa.select(both, people.c.name.label("from_name")).join(people, asker)
    return named.order_by(both.c.answer_by, both.c.id).limit(PAGE)


_WAITING = _waiting()
_MINE_FIRST = (
    sa.select(cases.c.id)
    .where(
        cases.c.municipality_id == policy.MY_MUNICIPALITY,
        cases.c.holder_id == policy.ME,
        cases.c.closed_at.is_(None),
        cases.c.due_on >= sa.bindparam("after_due", type_=sa.Date),
    )
    .order_by(cases.c.due_on, cases.c.id)
    .limit(sa.literal_column(str(MOST_COUNTED)))
)
# Looked for among the first so many: whoever holds more should not wait for the rule to be asked of them all.
_SHELLS = (
    sa.select(cases.c.reference, cases.c.level_order, cases.c.step, cases.c.due_on)
    .where(
        cases.c.municipality_id == policy.MY_MUNICIPALITY,
        cases.c.id.in_(_MINE_FIRST),
        cases.c.holder_unit_id.in_(policy.MY_UNITS),
        sa.not_(sa.or_(*(policy.WAYS_IN[name] for name in ("holder", "unit_leader", "participant")))),
    )
    .order_by(cases.c.due_on, cases.c.id)
    .limit(PAGE)
)
