"""What must be true of every case at any moment, whoever has done what in whichever order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import policy
from bti.actor import CONTENT_FREE_ROLES, Actor
from bti.audit import replay
from bti.clock import local_day
from bti.db import reading
from bti.engine import earliest
from bti.facts import CaseFacts
from bti.models import audit_entries, batons, cases, disclosures, handovers, measures, metadata, participations, people
from bti.queries.consents import consents_of_case
from bti.queries.facts import case_facts
from bti.queries.people import is_member, load_actor
from bti.queries.worklist import MINE, UNIT, Filter, cases_by_deadline, count_cases
from bti.usecases.baton import uncovered
from bti.workflow.library import load_definition


def everything(database: sa.Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables, to compare before and after."""
    with reading(database) as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def trail_of(database: sa.Engine, case_id: str) -> list[Any]:
    """Return a case's trail, oldest first."""
    with reading(database) as session:
        return list(_trail(session, case_id))


def _trail(session: sa.Connection, case_id: str) -> Any:
    return session.execute(
        sa.select(audit_entries).where(audit_entries.c.case_id == case_id).order_by(audit_entries.c.id)
    ).all()


def broken(
    database: sa.Engine, municipality_id: str, now: datetime, *, among: Sequence[str] | None = None
) -> list[str]:
    """Return a sentence for everything that isn't as it must be; none when all is well.

    `among`: whose access is looked at (everybody's when not told).
    """
    with reading(database) as session:
        rows = session.execute(sa.select(cases).where(cases.c.municipality_id == municipality_id)).all()
        facts = {
            row.id: case_facts(session, municipality_id=municipality_id, case_id=row.id, today=local_day(now))
            for row in rows
        }
        found: list[str] = []
        for row in rows:
            for check in (_holder, _next_date, _place, _offer, _doors, _parts, _trail_tells):
                found += [f"{row.reference}: {said}" for said in check(session, row, facts[row.id], now)]
        found += _access(session, municipality_id, facts, now, among)
        return found


def _live(table: sa.Table, facts: CaseFacts, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(table).where(
        table.c.municipality_id == facts.municipality_id, table.c.case_id == facts.id, *conditions
    )


def _holder(session: sa.Connection, row: Any, facts: CaseFacts, now: datetime) -> Iterator[str]:
    held = session.execute(_live(batons, facts, batons.c.ended_at.is_(None))).all()
    if [(one.person_id, one.unit_id) for one in held] != [(row.holder_id, row.holder_unit_id)]:
        yield f"the live batons are {held}, the case says {row.holder_id}"
    if facts.is_open and not is_member(
        session, municipality_id=facts.municipality_id, person_id=row.holder_id, unit_id=row.holder_unit_id
    ):
        yield f"{row.holder_id} holds it, but works no longer in {row.holder_unit_id}"


def _next_date(session: sa.Connection, row: Any, facts: CaseFacts, now: datetime) -> Iterator[str]:
    first = session.execute(
        sa.select(sa.func.min(measures.c.evaluate_on)).where(
            measures.c.municipality_id == facts.municipality_id,
            measures.c.case_id == facts.id,
            measures.c.ended_at.is_(None),
        )
    ).scalar_one()
    if facts.is_open and (row.due_on, row.due_reason) != earliest(row.step_due_on, first):
        yield f"its next date is {row.due_on} ({row.due_reason}), not {earliest(row.step_due_on, first)}"
    if facts.is_open and row.due_on is None:
        yield "it is open without a next date"


def _place(session: sa.Connection, row: Any, facts: CaseFacts, now: datetime) -> Iterator[str]:
    model = load_definition(row.definition, row.definition_version)
    if (row.has_log, row.is_shared) != (model.has_log(row.step), model.is_shared(row.step)):
        yield f"at {row.step} it says log {row.has_log}, shared {row.is_shared}"
    if facts.is_open and row.level_order != model.level_index(row.step):
        yield f"at {row.step} it says level {row.level_order}"


def _offer(session: sa.Connection, row: Any, facts: CaseFacts, now: datetime) -> Iterator[str]:
    offered = session.execute(_live(handovers, facts, handovers.c.state == "offered")).all()
    if len(offered) > 1:
        yield f"the baton is offered {len(offered)} times at once"
    if offered and not facts.is_open:
        yield "it is closed, and its baton on offer"
    offer = facts.offer
    if offer and not _lapsed(session, facts, offer.to_unit_id):
        missing = uncovered(facts, offer.to_unit_id, takes_over_log=offer.takes_over_log)
        if missing:
            yield f"the baton is offered to {offer.to_unit_id}: {[one.code for one in missing]}"


def _lapsed(session: sa.Connection, facts: CaseFacts, unit_id: str) -> bool:
    # A door past its date is shut for every reader; what stood on it is tidied away later.
    shut = {cover.id for cover in facts.covers}
    live = session.execute(
        _live(disclosures, facts, disclosures.c.ended_at.is_(None), disclosures.c.unit_id == unit_id)
    ).all()
    return any(door.id not in shut for door in live)


def _doors(session: sa.Connection, row: Any, facts: CaseFacts, now: datetime) -> Iterator[str]:
    consents = {
        consent.id: consent
        for consent in consents_of_case(session, municipality_id=facts.municipality_id, case_id=facts.id, moment=now)
    }
    for cover in facts.covers:
        if cover.consent_id is None:
            if not cover.law_reference:
                yield f"a door to {cover.unit_id} stands on nothing"
            continue
        consent = consents[cover.consent_id]
        if consent.state != "given":
            yield f"a door to {cover.unit_id} stands on a consent that is {consent.state}"
        if cover.unit_id not in {unit for unit, _ in consent.units} or cover.kinds != set(consent.kinds):
            yield f"a door to {cover.unit_id} opens other than what was consented to"


def _parts(session: sa.Connection, row: Any, facts: CaseFacts, now: datetime) -> Iterator[str]:
    live = session.execute(_live(participations, facts, participations.c.ended_at.is_(None))).all()
    if live and not facts.is_open:
        yield f"it is closed, and {[one.person_id for one in live]} still take part"
    for one in live:
        if uncovered(facts, one.unit_id) and not _lapsed(session, facts, one.unit_id):
            yield f"{one.person_id} takes part for {one.unit_id}, which nothing covers"


def _trail_tells(session: sa.Connection, row: Any, facts: CaseFacts, now: datetime) -> Iterator[str]:
    told = replay(_trail(session, row.id))
    for name in ("step", "unit_id", "subject_id", "holder_id", "holder_unit_id", "is_interim", "version"):
        if getattr(told, name) != getattr(row, name):
            yield f"the trail says {name} {getattr(told, name)}, the row {getattr(row, name)}"
    offered = session.execute(_live(handovers, facts, handovers.c.state == "offered")).all()
    open_offer = offered[0].id if offered else None
    doors = {door.id for door in session.execute(_live(disclosures, facts, disclosures.c.ended_at.is_(None)))}
    parts = {
        one.id: one.state for one in session.execute(_live(participations, facts, participations.c.ended_at.is_(None)))
    }
    if (told.open_offer, told.doors, told.participants) != (open_offer, doors, parts):
        yield f"the trail says {told}, the rows {open_offer}, {doors}, {parts}"
    if told.referral_id != facts.referral_id:
        yield f"the trail says referral {told.referral_id}, the rows {facts.referral_id}"


def _access(
    session: sa.Connection,
    municipality_id: str,
    facts: dict[str, CaseFacts],
    now: datetime,
    among: Sequence[str] | None,
) -> Iterator[str]:
    named = sa.select(people.c.id).where(people.c.municipality_id == municipality_id)
    for person_id in among or session.execute(named).scalars().all():
        actor = load_actor(session, municipality_id=municipality_id, person_id=person_id)
        if actor is None:
            continue
        listed = set(session.execute(sa.select(cases.c.id).where(policy.accessible(actor, local_day(now)))).scalars())
        opened = {case_id for case_id, one in facts.items() if policy.ground(actor, one)}
        if listed != opened:
            yield f"{person_id} finds {listed - opened} in the list only, and opens {opened - listed} not in it"
        yield from _worklist(session, actor, {one for one in opened if facts[one].is_open}, now)
        yield from _strangers(actor, [facts[case_id] for case_id in opened], now)


def _worklist(session: sa.Connection, actor: Actor, opened: set[str], now: datetime) -> Iterator[str]:
    today = local_day(now)
    wanted = Filter(ways=(*MINE, *UNIT))
    shown = [row.id for row in cases_by_deadline(session, actor=actor, wanted=wanted, today=today)]
    counted = count_cases(session, actor=actor, wanted=wanted, today=today, until=today).total
    if len(shown) != len(set(shown)) or set(shown) != opened or counted != len(opened):
        yield f"{actor.person_id} has {shown} on the worklist, counted as {counted}, and opens {opened}"


def _strangers(actor: Actor, opened: list[CaseFacts], now: datetime) -> Iterator[str]:
    if opened and {m.role for m in actor.memberships} <= set(CONTENT_FREE_ROLES):
        yield f"{actor.person_id} has no business with content, and opens {len(opened)} cases"
    for facts in opened:
        found = policy.ground(actor, facts)
        assert found is not None
        own = found.unit_id == facts.unit_id and not facts.is_shared
        if not own and not facts.covers_of(found.unit_id):
            yield f"{actor.person_id} opens {facts.reference} for {found.unit_id}, which nothing covers"
