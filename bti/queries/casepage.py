"""What a case page shows: names, wonder, log, goals, measures, offers. A constant number of statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from bti.models import (
    batons,
    cases,
    entries,
    evaluations,
    goals,
    guardians,
    guardianships,
    handovers,
    measures,
    memberships,
    participations,
    people,
    referrals,
    subjects,
    units,
    wonders,
)
from bti.names import name_key
from bti.policy import Ground, readable_rows, reader
from bti.statements import Ask, Fixed


class UnitLine(NamedTuple):
    """A unit as pages name it."""

    id: str
    name: str
    kind: str
    is_external: bool
    phone: str | None


class PersonLine(NamedTuple):
    """A person of staff as pages name them."""

    id: str
    name: str
    title: str


# Statements of a page that is opened all day are made once; making one costs more than running it.
_HERE = sa.bindparam("municipality_id", type_=sa.String)
_CASE = sa.bindparam("case_id", type_=sa.String)
_SUBJECT = sa.bindparam("subject_id", type_=sa.String)
_IDS = sa.bindparam("ids", type_=sa.String, expanding=True)

_UNITS = Fixed(
    sa.select(units.c.id, units.c.name, units.c.kind, units.c.is_external, units.c.phone)
    .where(units.c.municipality_id == _HERE)
    .order_by(units.c.name),
    UnitLine,
)
_PEOPLE = Fixed(
    sa.select(people.c.id, people.c.name, people.c.title).where(
        people.c.municipality_id == _HERE, people.c.id.in_(_IDS)
    ),
    PersonLine,
)


# Whoever of staff stands in a case: who holds it and wrote it, takes part, was asked, wrote or decided something.
_STANDS_IN_CASE = (
    cases.c.holder_id,
    cases.c.author_id,
    participations.c.person_id,
    handovers.c.from_person_id,
    handovers.c.to_person_id,
    entries.c.author_id,
    evaluations.c.author_id,
    referrals.c.referred_by,
    referrals.c.decided_by,
    wonders.c.feedback_by,
)


def _in_case(column: sa.Column[Any]) -> sa.Select[Any]:
    table = column.table
    case = table.c.id if table is cases else table.c.case_id
    return sa.select(column).where(table.c.municipality_id == _HERE, case == _CASE)


_PEOPLE_OF_CASE = Fixed(
    sa.select(people.c.id, people.c.name, people.c.title).where(
        people.c.municipality_id == _HERE, people.c.id.in_(sa.union(*(_in_case(column) for column in _STANDS_IN_CASE)))
    ),
    PersonLine,
)


def units_of(session: sa.Connection, *, municipality_id: str) -> dict[str, UnitLine]:
    """Return all units of the municipality by id, in the order of their names; ended ones too, for old rows."""
    return units_from(_UNITS.all(session, {"municipality_id": municipality_id}))


def people_named(session: sa.Connection, *, municipality_id: str, ids: Iterable[str]) -> dict[str, PersonLine]:
    """Return the people with these ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return people_from(_PEOPLE.all(session, {"municipality_id": municipality_id, "ids": wanted}))


def units_from(rows: Iterable[Any]) -> dict[str, UnitLine]:
    """Return units by id from the rows of `head_asks`."""
    return {row.id: row for row in rows}


def people_from(rows: Iterable[Any]) -> dict[str, PersonLine]:
    """Return people by id from the rows of `head_asks`."""
    return {row.id: row for row in rows}


def head_asks(*, municipality_id: str, case_id: str, subject_id: str | None) -> list[Ask]:
    """Return what the head of a case's page asks for: all units, the staff who stand in the case and, unless that is
    None, the subject. Staff stand there by name whatever of the case the reader may read."""
    here = {"municipality_id": municipality_id, "case_id": case_id}
    asked: list[Ask] = [(_UNITS, here), (_PEOPLE_OF_CASE, here)]
    return [*asked, (_SUBJECT_ROW, {**here, "subject_id": subject_id})] if subject_id else asked


def staff_of_units(session: sa.Connection, *, municipality_id: str, unit_ids: Iterable[str]) -> tuple[Any, ...]:
    """Return (person_id, name, title, unit_id, open_cases) of live staff who meet children in these units, by name."""
    held = (
        sa.select(sa.func.count())
        .select_from(cases)
        .where(
            cases.c.municipality_id == people.c.municipality_id,
            cases.c.holder_id == people.c.id,
            cases.c.closed_at.is_(None),
            cases.c.has_log.is_(True),
        )
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(people.c.id, people.c.name, people.c.title, memberships.c.unit_id, held.label("open_cases"))
        .join(
            memberships,
            sa.and_(memberships.c.municipality_id == people.c.municipality_id, memberships.c.person_id == people.c.id),
        )
        .where(
            people.c.municipality_id == municipality_id,
            people.c.ended_at.is_(None),
            memberships.c.ended_at.is_(None),
            memberships.c.unit_id.in_(sorted(set(unit_ids))),
            memberships.c.role.in_(("employee", "unit_leader")),
        )
        .group_by(people.c.municipality_id, people.c.id, people.c.name, people.c.title, memberships.c.unit_id)
    )
    return tuple(sorted(rows, key=lambda row: (name_key(row.name), row.unit_id)))


# No page of a case shows the national id: it stays sealed.
_SUBJECT_ROW = Fixed(
    sa.select(*(column for column in subjects.c if not column.name.startswith("national_id"))).where(
        subjects.c.municipality_id == _HERE, subjects.c.id == _SUBJECT
    )
)


def guardians_of(session: sa.Connection, *, municipality_id: str, subject_id: str) -> tuple[Any, ...]:
    """Return (id, name, relation, parental_responsibility, phone) of the subject's guardians."""
    rows = session.execute(
        sa.select(
            guardians.c.id,
            guardians.c.name,
            guardianships.c.relation,
            guardianships.c.parental_responsibility,
            guardians.c.phone,
        )
        .join(
            guardianships,
            sa.and_(
                guardianships.c.municipality_id == guardians.c.municipality_id,
                guardianships.c.guardian_id == guardians.c.id,
            ),
        )
        .where(
            guardianships.c.municipality_id == municipality_id,
            guardianships.c.subject_id == subject_id,
            guardianships.c.ended_on.is_(None),
        )
        .order_by(guardianships.c.id)
    )
    return tuple(rows)


def _of_case(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.municipality_id == _HERE, table.c.case_id == _CASE)


# A wonder belongs to the service it was written in. Whoever takes over the log doesn't take over the wonder.
_WONDER = Fixed(
    sa.select(wonders).where(
        _of_case(wonders),
        sa.exists().where(
            batons.c.municipality_id == wonders.c.municipality_id,
            batons.c.case_id == wonders.c.case_id,
            batons.c.how == "author",
            batons.c.unit_id == sa.bindparam("reader_unit", type_=sa.String),
        ),
    )
)
# Who breaks the glass has a reason to know what it was about.
_WONDER_IN_EMERGENCY = Fixed(sa.select(wonders).where(_of_case(wonders)))
_ENTRIES = Fixed(
    sa.select(entries)
    .where(_of_case(entries), readable_rows(entries))
    .order_by(entries.c.written_at.desc(), entries.c.id)
)
_GOALS = Fixed(sa.select(goals).where(_of_case(goals), readable_rows(goals)).order_by(goals.c.set_at, goals.c.id))
_MEASURES = Fixed(
    sa.select(measures, guardians.c.name.label("guardian_name"), people.c.name.label("person_name"))
    .outerjoin(
        guardians,
        sa.and_(
            guardians.c.municipality_id == measures.c.municipality_id,
            guardians.c.id == measures.c.responsible_guardian_id,
        ),
    )
    .outerjoin(
        people,
        sa.and_(
            people.c.municipality_id == measures.c.municipality_id, people.c.id == measures.c.responsible_person_id
        ),
    )
    .where(_of_case(measures), readable_rows(measures))
    .order_by(measures.c.ended_at.is_not(None), measures.c.evaluate_on, measures.c.id)
)
_EVALUATIONS = Fixed(
    sa.select(evaluations).where(_of_case(evaluations)).order_by(evaluations.c.evaluated_at.desc(), evaluations.c.id)
)
_HANDOVERS = Fixed(
    sa.select(handovers).where(_of_case(handovers)).order_by(handovers.c.offered_at.desc(), handovers.c.id)
)
_REFERRALS = Fixed(
    sa.select(referrals).where(_of_case(referrals)).order_by(referrals.c.referred_at.desc(), referrals.c.id)
)


def wonder_of(session: sa.Connection, *, municipality_id: str, case_id: str, ground: Ground) -> Any:
    """Return the case's wonder to a reader of the service it was written in; None to everybody else."""
    asked = {"municipality_id": municipality_id, "case_id": case_id, "reader_unit": ground.unit_id}
    return _WONDER.first(session, asked)


def goals_of(session: sa.Connection, *, municipality_id: str, case_id: str, ground: Ground) -> tuple[Any, ...]:
    """Return the goals the reader's ground reaches, oldest first."""
    asked = {"municipality_id": municipality_id, "case_id": case_id, **reader(ground)}
    return tuple(_GOALS.all(session, asked))


def measures_of(session: sa.Connection, *, municipality_id: str, case_id: str, ground: Ground) -> tuple[Any, ...]:
    """Return the measures the reader's ground reaches, those to evaluate first on top."""
    asked = {"municipality_id": municipality_id, "case_id": case_id, **reader(ground)}
    return tuple(_MEASURES.all(session, asked))


def by_measure(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Return evaluations by the measure they are of, in the order they come in."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.measure_id, []).append(row)
    return found


def handovers_of(session: sa.Connection, *, municipality_id: str, case_id: str) -> tuple[Any, ...]:
    """Return every offer of the baton, newest first."""
    return tuple(_HANDOVERS.all(session, {"municipality_id": municipality_id, "case_id": case_id}))


def content_asks(*, municipality_id: str, case_id: str, ground: Ground | None) -> list[Ask]:
    """Return what a case's page asks for beside its head and its consents: the offers of the baton and, where a ground
    lets the person read, wonder, entries, goals, measures, evaluations and referrals, in this order."""
    here = {"municipality_id": municipality_id, "case_id": case_id}
    if ground is None:
        return [(_HANDOVERS, here)]
    read = {**here, **reader(ground)}
    return [
        (_HANDOVERS, here),
        (_WONDER_IN_EMERGENCY if ground.is_emergency else _WONDER, {**here, "reader_unit": ground.unit_id}),
        (_ENTRIES, read),
        (_GOALS, read),
        (_MEASURES, read),
        (_EVALUATIONS, here),
        (_REFERRALS, here),
    ]


def participations_of(session: sa.Connection, *, municipality_id: str, case_id: str) -> tuple[Any, ...]:
    """Return everybody who takes part, was invited or has left, the live ones first."""
    rows = session.execute(
        sa.select(participations)
        .where(participations.c.municipality_id == municipality_id, participations.c.case_id == case_id)
        .order_by(participations.c.ended_at.is_not(None), participations.c.invited_at, participations.c.id)
    )
    return tuple(rows)
