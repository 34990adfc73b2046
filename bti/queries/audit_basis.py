"""Whether a read had a live basis, as conditions in SQL: `bti.queries.audit_past.verdict`, for finding and counting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bti.models import (
    audit_entries,
    break_glass,
    cases,
    consent_events,
    consent_parties,
    consent_units,
    consents,
    disclosures,
)
from bti.queries.audit_sql import field_of, is_turn, lasted

e = audit_entries.c
# Name and version of a definition → its steps on which other services take part.
SharedSteps = Mapping[tuple[str, int], frozenset[str]]


def consent_state(consent: Any, moment: Any, day: Any) -> sa.ColumnElement[str]:
    """Return the state of a consent (columns of `consents`) at `moment`, whose local day is `day`: values or columns.

    `bti.consents.state_at` in SQL.
    """
    table = consent_events.alias()
    events = table.c
    ended = (
        sa.select(events.event)
        .where(*_known(events, consent, moment), events.event.in_(_ENDS))
        .order_by(events.recorded_at, events.id)
        .limit(1)
        .correlate_except(table)
        .scalar_subquery()
    )
    return sa.case(
        (ended.is_not(None), ended),
        (consent.valid_to < day, "expired"),
        (_everybody_said_yes(consent, moment), "given"),
        (_exists(table, *_known(events, consent, moment), events.party_id.is_not(None)), "partly_given"),
        else_="asked",
    )


_ENDS = ("refused", "withdrawn")


def _known(events: Any, consent: Any, moment: Any) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        events.municipality_id == consent.municipality_id,
        events.consent_id == consent.id,
        events.recorded_at <= moment,
    )


def _has_ended(consent: Any, moment: Any) -> sa.ColumnElement[bool]:
    table = consent_events.alias()
    return _exists(table, *_known(table.c, consent, moment), table.c.event.in_(_ENDS))


def _everybody_said_yes(consent: Any, moment: Any) -> sa.ColumnElement[bool]:
    said, must = consent_events.alias(), consent_parties.alias()
    asked = (must.c.municipality_id == consent.municipality_id, must.c.consent_id == consent.id)
    given = _exists(said, *_known(said.c, consent, moment), said.c.party_id == must.c.id, said.c.event == "given")
    return sa.and_(_exists(must, *asked), ~_exists(must, *asked, ~given))


def _exists(table: Any, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return _exist([table], *conditions)


def _exist(tables: Sequence[Any], *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    # Without being told, SQLAlchemy looks for the other tables in the nearest statement only, and would join the
    # whole trail into a question that is asked two levels down.
    return sa.select(sa.literal(1)).select_from(*tables).where(*conditions).correlate_except(*tables).exists()


def had_live_basis(shared: SharedSteps) -> sa.ColumnElement[bool]:
    """Return the condition on `audit_entries` (case.read) that is true where the verdict is sound."""
    return sa.or_(
        sa.and_(e.basis.like("consent:%"), _consent_was_live()),
        sa.and_(e.basis.like("law:%"), _law_door_was_open()),
        sa.and_(e.basis.like("break_glass:%"), _lasted_then()),
        sa.and_(e.basis == "own_service", _was_own_service(), ~_was_shared(shared)),
        sa.and_(e.basis == "", field_of(e.fields, "view") == "shell"),
    )


def was_withdrawn_before() -> sa.ColumnElement[bool]:
    """Return the condition on `audit_entries` that a consent in the case that named the reader's service had been
    withdrawn when the entry was written."""
    c_, u_, w_ = consents.alias(), consent_units.alias(), consent_events.alias()
    c, u, w = c_.c, u_.c, w_.c
    # One inside the other: joined, SQLite may begin with every withdrawal there is.
    named = (u.municipality_id == c.municipality_id, u.consent_id == c.id, u.unit_id == e.unit_id)
    return _exists(
        c_,
        c.municipality_id == e.municipality_id,
        c.case_id == e.case_id,
        _exists(u_, *named),
        _exists(w_, *_known(w, c, e.at), w.event == "withdrawn"),
    )


def rests_on_live_consent() -> sa.ColumnElement[bool]:
    """Return the condition on `audit_entries` that it was made on the strength of a consent that was live then."""
    return sa.and_(e.basis.like("consent:%"), _consent_was_live())


def _consent_was_live() -> sa.ColumnElement[bool]:
    c_, u_, d_ = consents.alias(), consent_units.alias(), disclosures.alias()
    c, u, d = c_.c, u_.c, d_.c
    return _exist(
        (c_, u_, d_),
        c.municipality_id == e.municipality_id,
        c.id == sa.func.substr(e.basis, len("consent:") + 1),
        c.case_id == e.case_id,
        u.municipality_id == c.municipality_id,
        u.consent_id == c.id,
        u.unit_id == e.unit_id,
        d.municipality_id == c.municipality_id,
        d.consent_id == c.id,
        d.unit_id == e.unit_id,
        *_stood_open(d),
        lasted(c.valid_to, e.at),
        ~_has_ended(c, e.at),
        _everybody_said_yes(c, e.at),
    )


def _law_door_was_open() -> sa.ColumnElement[bool]:
    door = disclosures.alias()
    d = door.c
    return _exists(
        door,
        d.municipality_id == e.municipality_id,
        d.case_id == e.case_id,
        d.unit_id == e.unit_id,
        d.law_reference == sa.func.substr(e.basis, len("law:") + 1),
        *_stood_open(d),
    )


def _lasted_then() -> sa.ColumnElement[bool]:
    table = break_glass.alias()
    g = table.c
    return _exists(
        table,
        g.municipality_id == e.municipality_id,
        g.id == sa.func.substr(e.basis, len("break_glass:") + 1),
        g.case_id == e.case_id,
        g.person_id == e.actor_id,
        g.unit_id == e.unit_id,
        g.opened_at <= e.at,
        g.ends_at > e.at,
        sa.or_(g.ended_at.is_(None), g.ended_at > e.at),
    )


def _stood_open(door: Any) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        door.opened_at <= e.at,
        sa.or_(door.ended_at.is_(None), door.ended_at > e.at),
        lasted(door.valid_to, e.at),
    )


def _was_own_service() -> sa.ColumnElement[bool]:
    owner = _last_before(("case.open", "handover.accept"), "unit")
    return sa.func.coalesce(owner, "") == sa.func.coalesce(e.unit_id, "-")


def _was_shared(shared: SharedSteps) -> sa.ColumnElement[bool]:
    case, step = cases.alias(), _last_before(("case.move",), "to")
    k = case.c
    ways = [
        sa.and_(k.definition == name, k.definition_version == version, step.in_(sorted(steps)))
        for (name, version), steps in shared.items()
    ]
    return _exists(case, k.municipality_id == e.municipality_id, k.id == e.case_id, sa.or_(sa.false(), *ways))


def _last_before(events: tuple[str, ...], field: str) -> sa.ScalarSelect[Any]:
    turns = audit_entries.alias()
    turn = turns.c
    return (
        sa.select(field_of(turn.fields, field))
        .where(
            turn.municipality_id == e.municipality_id,
            turn.case_id == e.case_id,
            is_turn(turn),
            turn.event.in_(events),
            turn.id < e.id,
        )
        .order_by(turn.id.desc())
        .limit(1)
        .correlate_except(turns)
        .scalar_subquery()
    )


def state_now(consent: Any, moment: datetime, day: date) -> sa.ColumnElement[str]:
    """Return `consent_state` at one moment for all rows."""
    return consent_state(consent, sa.literal(moment, consents.c.asked_at.type), sa.literal(day, sa.Date))
