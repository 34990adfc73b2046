"""What stands beside each case of the worklist: names, and what waits. As many statements for fifty as for one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bti.models import consent_events, consent_parties, consents, handovers, people, referrals, subjects, units
from bti.queries.facts import IS_OFFERED


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

    def found(statement: sa.Select[Any], ids: set[str]) -> Any:
        return session.execute(statement, {"here": municipality_id, "ids": sorted(ids)})

    ids = {row.id for row in rows}
    offers = {row.case_id: row for row in found(_OFFERS, ids)}
    who = {row.holder_id for row in rows} | {offer.to_person_id for offer in offers.values()}
    return Beside(
        subjects={row.id: row for row in found(_SUBJECTS, {row.subject_id for row in rows if row.subject_id})},
        people=_by_id(found(_PEOPLE, who)),
        units=_by_id(found(_UNITS, {row.unit_id for row in rows})),
        open_requests=_by_id(found(_OPEN_REQUESTS, ids)),
        offers=offers,
        referred=frozenset(found(_REFERRED, ids).scalars()),
    )


def _by_id(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return dict(tuple(pair) for pair in pairs)


_HERE = sa.bindparam("here", type_=sa.String)
_IDS = sa.bindparam("ids", type_=sa.String, expanding=True)

_SUBJECTS = sa.select(
    subjects.c.id, subjects.c.given_name, subjects.c.family_name, subjects.c.group_name, subjects.c.address_blocked
).where(subjects.c.municipality_id == _HERE, subjects.c.id.in_(_IDS))
_PEOPLE = sa.select(people.c.id, people.c.name).where(people.c.municipality_id == _HERE, people.c.id.in_(_IDS))
_UNITS = sa.select(units.c.id, units.c.name).where(units.c.municipality_id == _HERE, units.c.id.in_(_IDS))
_OFFERS = sa.select(handovers.c.case_id, handovers.c.to_person_id, handovers.c.expires_on).where(
    handovers.c.municipality_id == _HERE, handovers.c.case_id.in_(_IDS), IS_OFFERED
)
_REFERRED = sa.select(referrals.c.case_id).where(
    referrals.c.municipality_id == _HERE, referrals.c.case_id.in_(_IDS), referrals.c.decided_at.is_(None)
)


def _open_requests() -> sa.Select[Any]:
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
    return (
        sa.select(consents.c.case_id, sa.func.count().label("open"))
        .where(
            consents.c.municipality_id == _HERE,
            consents.c.case_id.in_(_IDS),
            sa.not_(no),
            answers.scalar_subquery() < needed.scalar_subquery(),
        )
        .group_by(consents.c.case_id)
    )


_OPEN_REQUESTS = _open_requests()
