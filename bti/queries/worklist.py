"""The worklist: cases a person stands in, by deadline. One statement for the page whatever the number of cases.

Each relation (holder, author, participant, leader) walks its own index to the first fifty; the union is cut again.
A list never shows what the case page would refuse: the conditions are `policy.ways_in`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from bti import policy
from bti.actor import Actor
from bti.models import (
    cases,
    consent_events,
    consent_parties,
    consents,
    handovers,
    participations,
    people,
    referrals,
    subjects,
    units,
)

PAGE = 50
MOST_COUNTED = 1_000
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


def cases_by_deadline(
    session: sa.Connection, *, actor: Actor, wanted: Filter, today: date, after: Place | None = None, most: int = PAGE
) -> list[Any]:
    """Return up to `most` + 1 cases in order of deadline; one more than asked tells that there are more."""
    ways = policy.ways_in(actor, today)
    branches = [_branch(ways[name], actor, wanted, after).limit(most + 1).subquery() for name in wanted.ways]
    together = sa.union(*(sa.select(branch) for branch in branches)).subquery()
    order = (together.c.sort_on, together.c.id)
    return list(session.execute(sa.select(together).order_by(*order).limit(most + 1)))


def count_cases(session: sa.Connection, *, actor: Actor, wanted: Filter, today: date) -> int:
    """Return how many cases the filter finds, counted to at most one more than MOST_COUNTED."""
    ways = policy.ways_in(actor, today)
    branches = [
        sa.select(cases.c.id)
        .select_from(_tables(wanted))
        .where(*_conditions(ways[name], actor, wanted))
        .limit(MOST_COUNTED + 1)
        .subquery()
        for name in wanted.ways
    ]
    together = sa.union(*(sa.select(branch.c.id) for branch in branches)).subquery()
    capped = sa.select(together.c.id).limit(MOST_COUNTED + 1).subquery()
    return session.execute(sa.select(sa.func.count()).select_from(capped)).scalar_one()


def _branch(way: sa.ColumnElement[bool], actor: Actor, wanted: Filter, after: Place | None) -> sa.Select[Any]:
    sort_on = cases.c.closed_at if wanted.closed else cases.c.due_on
    query = (
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
        .select_from(_tables(wanted))
        .where(*_conditions(way, actor, wanted))
        .order_by(sort_on, cases.c.id)
    )
    if after is not None and not wanted.closed:
        later = sa.or_(cases.c.due_on > after.due_on, sa.and_(cases.c.due_on == after.due_on, cases.c.id > after.id))
        query = query.where(cases.c.due_on >= after.due_on, later)
    return query


def _tables(wanted: Filter) -> Any:
    if not wanted.text:
        return cases
    same = sa.and_(subjects.c.municipality_id == cases.c.municipality_id, subjects.c.id == cases.c.subject_id)
    return cases.outerjoin(subjects, same)


def _conditions(way: sa.ColumnElement[bool], actor: Actor, wanted: Filter) -> list[sa.ColumnElement[bool]]:
    found = [
        cases.c.municipality_id == actor.municipality_id,
        cases.c.closed_at.is_not(None) if wanted.closed else cases.c.closed_at.is_(None),
        way,
    ]
    if wanted.level is not None:
        found.append(cases.c.level_order == wanted.level)
    if wanted.due_before is not None:
        found.append(cases.c.due_on <= wanted.due_before)
    if wanted.text:
        found.append(_matches(wanted.text))
    return found


def _matches(text: str) -> sa.ColumnElement[bool]:
    pattern = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    name = subjects.c.given_name + " " + subjects.c.family_name
    return sa.or_(
        sa.func.upper(cases.c.reference).like(f"%{pattern.upper()}%", escape="\\"),
        sa.func.lower(name).like(f"{pattern.lower()}%", escape="\\"),
        sa.func.lower(subjects.c.family_name).like(f"{pattern.lower()}%", escape="\\"),
    )


# --- what stands beside each case --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Beside:
    """What a page of cases shows besides: names, and what waits."""

    subjects: dict[str, Any]
    people: dict[str, str]
    units: dict[str, str]
    open_requests: dict[str, int]
    offers: dict[str, Any]
    referred: frozenset[str]


def beside(session: sa.Connection, *, municipality_id: str, rows: Iterable[Any]) -> Beside:
    """Return names and waiting things for a page of cases, in a constant number of statements."""
    rows = list(rows)
    ids = sorted({row.id for row in rows})
    offers = _offers(session, municipality_id, ids)
    who = {row.holder_id for row in rows} | {offer.to_person_id for offer in offers.values()}
    return Beside(
        subjects=_subjects(session, municipality_id, sorted({row.subject_id for row in rows if row.subject_id})),
        people=_names(session, people, municipality_id, sorted(who)),
        units=_names(session, units, municipality_id, sorted({row.unit_id for row in rows})),
        open_requests=_open_requests(session, municipality_id, ids),
        offers=offers,
        referred=_referred(session, municipality_id, ids),
    )


def _subjects(session: sa.Connection, municipality_id: str, ids: list[str]) -> dict[str, Any]:
    s = subjects.c
    rows = session.execute(
        sa.select(s.id, s.given_name, s.family_name, s.group_name, s.address_blocked).where(
            s.municipality_id == municipality_id, s.id.in_(ids)
        )
    )
    return {row.id: row for row in rows}


def _names(session: sa.Connection, table: sa.Table, municipality_id: str, ids: list[str]) -> dict[str, str]:
    rows = session.execute(
        sa.select(table.c.id, table.c.name).where(table.c.municipality_id == municipality_id, table.c.id.in_(ids))
    )
    return {row.id: row.name for row in rows}


def _open_requests(session: sa.Connection, municipality_id: str, ids: list[str]) -> dict[str, int]:
    """Count consents that somebody still has to answer: not all have, nobody has said no, and no door is open."""
    e, p = consent_events.c, consent_parties.c
    answers = sa.select(sa.func.count()).where(
        e.municipality_id == consents.c.municipality_id, e.consent_id == consents.c.id
    )
    no = (
        sa.exists()
        .where(e.municipality_id == consents.c.municipality_id, e.consent_id == consents.c.id)
        .where(e.event != "given")
    )
    needed = sa.select(sa.func.count()).where(
        p.municipality_id == consents.c.municipality_id, p.consent_id == consents.c.id
    )
    rows = session.execute(
        sa.select(consents.c.case_id, sa.func.count().label("open"))
        .where(
            consents.c.municipality_id == municipality_id,
            consents.c.case_id.in_(ids),
            sa.not_(no),
            answers.scalar_subquery() < needed.scalar_subquery(),
        )
        .group_by(consents.c.case_id)
    )
    return {row.case_id: row.open for row in rows}


def _offers(session: sa.Connection, municipality_id: str, ids: list[str]) -> dict[str, Any]:
    rows = session.execute(
        sa.select(handovers.c.case_id, handovers.c.to_person_id, handovers.c.expires_on).where(
            handovers.c.municipality_id == municipality_id,
            handovers.c.case_id.in_(ids),
            handovers.c.state == "offered",
        )
    )
    return {row.case_id: row for row in rows}


def _referred(session: sa.Connection, municipality_id: str, ids: list[str]) -> frozenset[str]:
    rows = session.execute(
        sa.select(referrals.c.case_id).where(
            referrals.c.municipality_id == municipality_id,
            referrals.c.case_id.in_(ids),
            referrals.c.decided_at.is_(None),
        )
    )
    return frozenset(rows.scalars())


# --- what waits for an answer of mine -----------------------------------------------------------------------------


def waiting_for(session: sa.Connection, *, actor: Actor, today: date) -> list[Any]:
    """Return the offers and invitations that wait for this person, soonest first: no content, only what is asked."""
    mine = sorted(actor.units())
    offered = (
        sa.select(
            sa.literal("offer").label("what"),
            handovers.c.id,
            cases.c.reference,
            cases.c.level_order,
            handovers.c.from_person_id.label("from_id"),
            handovers.c.expires_on.label("answer_by"),
        )
        .join(cases, sa.and_(cases.c.municipality_id == handovers.c.municipality_id, cases.c.id == handovers.c.case_id))
        .where(
            handovers.c.municipality_id == actor.municipality_id,
            handovers.c.to_person_id == actor.person_id,
            handovers.c.to_unit_id.in_(mine),
            handovers.c.state == "offered",
            handovers.c.expires_on >= today,
        )
    )
    invited = (
        sa.select(
            sa.literal("invitation").label("what"),
            participations.c.id,
            cases.c.reference,
            cases.c.level_order,
            participations.c.invited_by.label("from_id"),
            sa.null().label("answer_by"),
        )
        .join(
            cases,
            sa.and_(
                cases.c.municipality_id == participations.c.municipality_id, cases.c.id == participations.c.case_id
            ),
        )
        .where(
            participations.c.municipality_id == actor.municipality_id,
            participations.c.person_id == actor.person_id,
            participations.c.unit_id.in_(mine),
            participations.c.state == "invited",
        )
    )
    both = sa.union_all(offered, invited).subquery()
    named = sa.select(both, people.c.name.label("from_name")).join(
        people, sa.and_(people.c.municipality_id == actor.municipality_id, people.c.id == both.c.from_id)
    )
    return list(session.execute(named.order_by(both.c.answer_by, both.c.id).limit(PAGE)))


def shells(session: sa.Connection, *, actor: Actor, today: date) -> list[Any]:
    """Return open cases this person answers for but may not read now: reference, step and date, nothing else."""
    readable = sa.or_(*(policy.ways_in(actor, today)[name] for name in ("holder", "unit_leader", "participant")))
    return list(
        session.execute(
            sa.select(cases.c.reference, cases.c.level_order, cases.c.step, cases.c.due_on)
            .where(
                cases.c.municipality_id == actor.municipality_id,
                cases.c.holder_id == actor.person_id,
                cases.c.closed_at.is_(None),
                cases.c.holder_unit_id.in_(sorted(actor.units())),
                sa.not_(readable),
            )
            .order_by(cases.c.due_on, cases.c.id)
            .limit(PAGE)
        )
    )
