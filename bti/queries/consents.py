"""Reading consents: the givers a rule names, and a case's consents with what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bti.clock import age_on
from bti.consents import Event, state_at
from bti.models import (
    care_orders,
    consent_events,
    consent_parties,
    consent_units,
    consents,
    guardians,
    guardianships,
    people,
    subjects,
    units,
)
from bti.statements import Ask, Fixed, together
from bti.workflow.model import Model


@dataclass(frozen=True)
class Giver:
    """Somebody who must consent, and by what authority."""

    authority: str
    name: str
    guardian_id: str | None = None
    subject_id: str | None = None
    unit_id: str | None = None
    relation: str = ""


def givers_for(
    session: sa.Connection, *, municipality_id: str, subject_id: str, purpose: str, model: Model, today: date
) -> tuple[Giver, ...]:
    """Return everybody who must give a consent for this subject today; empty when somebody the rule names isn't known.

    Source: the definition's age table and special rules (domain.md, Consent).
    """
    who = session.execute(
        sa.select(subjects).where(subjects.c.municipality_id == municipality_id, subjects.c.id == subject_id)
    ).one()
    order = session.execute(
        sa.select(care_orders.c.unit_id, units.c.name)
        .join(units, _same(care_orders, units, "unit_id"))
        .where(
            care_orders.c.municipality_id == municipality_id,
            care_orders.c.subject_id == subject_id,
            care_orders.c.started_on <= today,
            sa.or_(care_orders.c.ended_on.is_(None), care_orders.c.ended_on > today),
        )
    ).first()
    age = age_on(who.born_on, today) if who.born_on else None
    named = model.givers(age, purpose, care_order=order is not None, pregnant=who.kind == "pregnant")
    found: list[list[Giver]] = []
    for giver in named:
        if giver == "subject":
            authority = "pregnant" if who.kind == "pregnant" else "own_age"
            found.append([Giver(authority, who.given_name, subject_id=subject_id)])
        elif giver == "child_welfare":
            found.append([] if order is None else [Giver("care_order", order.name, unit_id=order.unit_id)])
        else:
            found.append(_guardians(session, municipality_id, subject_id, today))
    # A youth doesn't consent alone because the register has forgotten the guardians who must consent too.
    return tuple(giver for givers in found for giver in givers) if all(found) else ()


def _guardians(session: sa.Connection, municipality_id: str, subject_id: str, today: date) -> list[Giver]:
    rows = session.execute(
        sa.select(guardians.c.id, guardians.c.name, guardianships.c.relation)
        .join(guardianships, _same(guardianships, guardians, "guardian_id"))
        .where(
            guardianships.c.municipality_id == municipality_id,
            guardianships.c.subject_id == subject_id,
            guardianships.c.parental_responsibility.is_(True),
            sa.or_(guardianships.c.ended_on.is_(None), guardianships.c.ended_on > today),
        )
        .order_by(guardianships.c.id)
    )
    return [Giver("parental_responsibility", r.name, guardian_id=r.id, relation=r.relation) for r in rows]


def _same(child: sa.Table, parent: sa.Table, column: str) -> sa.ColumnElement[bool]:
    return sa.and_(parent.c.municipality_id == child.c.municipality_id, parent.c.id == child.c[column])


@dataclass(frozen=True)
class Party:
    """One who must answer, and what they have answered so far (empty, given, refused, withdrawn)."""

    id: str
    authority: str
    name: str
    relation: str
    answer: str
    said_on: date | None
    channel: str


@dataclass(frozen=True)
class Consent:
    """A consent of a case with its state at the moment it was asked about."""

    id: str
    purpose: str
    kinds: tuple[str, ...]
    about: str
    reservations: str
    valid_to: date
    asked_at: datetime
    asked_by: str
    state: str
    units: tuple[tuple[str, str], ...]
    parties: tuple[Party, ...]
    events: tuple[Any, ...]

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to answer."""
        return self.state in ("asked", "partly_given")

    @property
    def is_live(self) -> bool:
        """Whether it opens its doors."""
        return self.state == "given"


def consents_of_case(
    session: sa.Connection, *, municipality_id: str, case_id: str, moment: datetime
) -> tuple[Consent, ...]:
    """Return the case's consents, newest first, with their state at `moment`, which is now, in one round trip."""
    asked = consent_asks(municipality_id=municipality_id, case_id=case_id)
    return consents_from(together(session, *asked), moment)


def consent_asks(*, municipality_id: str, case_id: str) -> list[Ask]:
    """Return what is asked for to know a case's consents; `consents_from` reads the answer."""
    here = {"municipality_id": municipality_id, "case_id": case_id}
    return [(_ASKED, here), (_UNITS, here), (_PARTIES, here), (_EVENTS, here)]


def consents_from(found: Sequence[list[Any]], moment: datetime) -> tuple[Consent, ...]:
    """Return consents, newest first, with their state at `moment`, from the rows of `consent_asks`."""
    # Put in order here: asked to do it, SQLite walks the whole town's rows in that order, to sort two of them.
    asked = sorted(found[0], key=lambda row: row.id)
    asked.sort(key=lambda row: row.asked_at, reverse=True)
    named = _grouped(sorted(found[1], key=lambda row: row.name))
    parties = _grouped(sorted(found[2], key=lambda row: row.id))
    events = _grouped(sorted(found[3], key=lambda row: (row.recorded_at, row.id)))
    return tuple(
        _consent(row, named.get(row.id, []), parties.get(row.id, []), events.get(row.id, []), moment) for row in asked
    )


_HERE = sa.bindparam("municipality_id", type_=sa.String)
_CASE = sa.bindparam("case_id", type_=sa.String)

_HERE_AND_CASE = (consents.c.municipality_id == _HERE, consents.c.case_id == _CASE)


def _of_this_case(table: sa.Table) -> sa.ColumnElement[bool]:
    # Not a join: SQLite would begin with all of the town's rows.
    these = sa.select(consents.c.id).where(*_HERE_AND_CASE)
    return sa.and_(table.c.municipality_id == _HERE, table.c.consent_id.in_(these.correlate(None)))


_ASKED = Fixed(
    sa.select(consents, people.c.name.label("asked_by_name"))
    .join(people, _same(consents, people, "asked_by"))
    .where(*_HERE_AND_CASE)
)
_UNITS = Fixed(
    sa.select(consent_units.c.consent_id, units.c.id, units.c.name)
    .join(units, _same(consent_units, units, "unit_id"))
    .where(_of_this_case(consent_units))
)
_PARTIES = Fixed(
    sa.select(
        consent_parties.c.consent_id,
        consent_parties.c.id,
        consent_parties.c.authority,
        guardians.c.name.label("guardian"),
        subjects.c.given_name.label("subject"),
        units.c.name.label("unit"),
        sa.select(guardianships.c.relation)
        .where(
            guardianships.c.municipality_id == consent_parties.c.municipality_id,
            guardianships.c.guardian_id == consent_parties.c.guardian_id,
            guardianships.c.subject_id == consents.c.subject_id,
        )
        .limit(sa.literal_column("1"))
        .scalar_subquery()
        .label("relation"),
    )
    .join(consents, _same(consent_parties, consents, "consent_id"))
    .outerjoin(guardians, _same(consent_parties, guardians, "guardian_id"))
    .outerjoin(subjects, _same(consent_parties, subjects, "subject_id"))
    .outerjoin(units, _same(consent_parties, units, "unit_id"))
    .where(_of_this_case(consent_parties))
)
_EVENTS = Fixed(
    sa.select(consent_events, people.c.name.label("recorded_by_name"))
    .join(people, _same(consent_events, people, "recorded_by"))
    .where(_of_this_case(consent_events))
)


def _grouped(rows: Any) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.consent_id, []).append(row)
    return groups


def _consent(row: Any, named: list[Any], parties: list[Any], events: list[Any], moment: datetime) -> Consent:
    # What is written down has happened, also when the clock was turned back since.
    moment = max([moment, *(event.recorded_at for event in events)])
    last = {event.party_id: event for event in events}
    folded = [Event(e.party_id, e.event, e.recorded_at) for e in events]
    return Consent(
        id=row.id,
        purpose=row.purpose,
        kinds=row.kinds,
        about=row.about,
        reservations=row.reservations,
        valid_to=row.valid_to,
        asked_at=row.asked_at,
        asked_by=row.asked_by_name,
        state=state_at([p.id for p in parties], folded, row.valid_to, moment),
        units=tuple((n.id, n.name) for n in named),
        parties=tuple(_party(p, last.get(p.id)) for p in parties),
        events=tuple(events),
    )


def _party(row: Any, last: Any) -> Party:
    return Party(
        id=row.id,
        authority=row.authority,
        name=row.guardian or row.subject or row.unit,
        relation=row.relation or "",
        answer=last.event if last else "",
        said_on=last.said_on if last else None,
        channel=last.channel if last else "",
    )
