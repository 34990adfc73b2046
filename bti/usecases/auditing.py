"""The auditor's work: searching the trail and the consents, asking the standing questions, taking copies.

Only the role `auditor`; nobody reviews their own access; every look-up is itself written to the trail, with its
filters as codes, before it is shown: run these by `audit.show`. They only read, and give no case content and no name
of a child or a guardian.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.audit.vocabulary import CHANGES, EVENTS, READS
from bti.clock import local_day
from bti.errors import Forbidden, Invalid, NotFound
from bti.models import audit_entries
from bti.queries import audit as trail
from bti.queries.audit import Entry, LogQuery, Page
from bti.queries.audit_consents import (
    ConsentQuery,
    ConsentRow,
    DoorRow,
    EventRow,
    PartyRow,
    consent_row,
    consents_page,
    doors_of,
    events_of,
    parties_of,
)
from bti.queries.audit_past import past_of, verdict
from bti.queries.audit_questions import (
    ENTRY_QUESTIONS,
    Expired,
    count_expired,
    expired_page,
    question_conditions,
)
from bti.usecases.auditor_trail import tell
from bti.usecases.text import collect
from bti.workflow.library import load_definition, released

QUESTIONS = ("no_live_basis", "expired_with_access", "withdrawn_then_read", "overrides", "refused")
STATES = ("asked", "partly_given", "given", "refused", "withdrawn", "expired")
# One choice for many events, before the single ones.
GROUPS: dict[str, tuple[str, ...]] = {
    "reads": tuple(event for event in READS if not event.startswith(("audit.", "consent.", "log."))),
    "changes": tuple(event for event in CHANGES if not event.startswith("session.")),
    "consents": tuple(e for e in CHANGES if e.startswith(("consent.", "disclosure."))),
    "batons": tuple(e for e in CHANGES if e.startswith(("baton.", "handover."))),
    "logins": tuple(e for e in CHANGES if e.startswith(("session.", "factor."))),
    "lookups": tuple(e for e in READS if e.startswith(("audit.", "consent.", "log."))),
}
# A name that fits so many people isn't a choice yet.
MOST_PEOPLE = 20


@dataclass(frozen=True)
class LogFilter:
    """What an auditor typed or chose: `person` a name or user name, `case` a reference, `unit` an id, `event` an
    event or one of GROUPS, from `since` until before `until`."""

    person: str = ""
    case: str = ""
    unit: str = ""
    event: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class ConsentFilter:
    """What an auditor chose among consents: `state` at the moment asked about, period of asking."""

    case: str = ""
    unit: str = ""
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class ConsentDossier:
    """All of one consent at `as_of`; `later` is how many events came after it. `reads` rest on its strength."""

    consent: ConsentRow
    parties: tuple[PartyRow, ...]
    events: tuple[EventRow, ...]
    doors: tuple[DoorRow, ...]
    reads: Page[Entry]
    as_of: datetime
    later: int


# --- the trail ----------------------------------------------------------------------------------------------------


def access_log(
    session: sa.Connection, *, actor: Actor, filters: LogFilter, now: datetime, before: str | None = None
) -> Page[Entry]:
    """Return a page of the trail, newest first, without what `actor` did; reads carry the verdict on their basis.

    `before` is the `next` of the page above. Raises Forbidden, Invalid (person, case, unit, event, period, page).
    """
    query, codes = resolve(session, actor, filters)
    found = trail.matching(session, query)
    page = judged(session, query, trail.log_page(session, query, found, before=_entry_cursor(before)))
    tell(session, actor, "audit.search", {"question": "log", "filters": codes, "shown": len(page.rows)}, now)
    return page


def question(
    session: sa.Connection,
    *,
    actor: Actor,
    key: str,
    filters: LogFilter,
    now: datetime,
    before: str | None = None,
) -> Page[Any]:
    """Return the answer to one of QUESTIONS: a page of Entry, for `expired_with_access` of Expired.

    Where reads are judged, the newest MOST_JUDGED of the filter are, which the page then says. Raises Forbidden,
    NotFound (no such question), Invalid as `access_log`.
    """
    query, codes = resolve(session, actor, filters)
    page: Page[Any]
    if key == "expired_with_access":
        page = expired_page(session, query, today=local_day(now), before=_day_cursor(before))
    elif key in ENTRY_QUESTIONS:
        asked = question_conditions(session, trail.matching(session, query), key, shared_steps())
        page = trail.log_page(session, query, asked.conditions, before=_entry_cursor(before))
        page = replace(judged(session, query, page), is_bounded=asked.is_bounded)
    else:
        raise NotFound()
    tell(session, actor, "audit.search", {"question": key, "filters": codes, "shown": len(page.rows)}, now)
    return page


@dataclass(frozen=True)
class Overview:
    """How many answers each of QUESTIONS has, 1,001 at most. `is_bounded`: only the newest reads have been judged."""

    counts: dict[str, int]
    is_bounded: bool


def overview(session: sa.Connection, *, actor: Actor, filters: LogFilter, now: datetime) -> Overview:
    """Return how many answers each question has. Raises Forbidden, Invalid."""
    query, codes = resolve(session, actor, filters)
    found = trail.matching(session, query)
    counts, is_bounded = {}, False
    for key in QUESTIONS:
        if key == "expired_with_access":
            counts[key] = count_expired(session, query, today=local_day(now))
            continue
        asked = question_conditions(session, found, key, shared_steps())
        counts[key] = trail.count(session, [*asked.conditions, trail.not_own(query)])
        is_bounded = is_bounded or asked.is_bounded
    fields = {"question": "overview", "filters": codes, "shown": len(counts)}
    tell(session, actor, "audit.search", fields, now)
    return Overview(counts, is_bounded)


def judged(session: sa.Connection, query: LogQuery, page: Page[Entry]) -> Page[Entry]:
    """Return the page with the verdict on every read of a case."""
    return replace(page, rows=judge(session, query.municipality_id, page.rows))


def judge(session: sa.Connection, municipality_id: str, rows: Collection[Entry]) -> tuple[Entry, ...]:
    """Return the entries, each read of a case with the verdict on its basis at that moment."""
    reads = [row for row in rows if row.event == "case.read"]
    past = past_of(session, municipality_id=municipality_id, case_ids={row.case_id for row in reads if row.case_id})
    found = {}
    for row in reads:
        case = past.get(row.case_id or "")
        found[row.id] = verdict(row, case, load_definition(*case.definition).is_shared if case else bool)
    return trail.with_verdicts(rows, found)


def shared_steps() -> dict[tuple[str, int], frozenset[str]]:
    """Return the steps of every released definition on which other services take part."""
    return _shared_steps(released())


@cache
def _shared_steps(definitions: tuple[tuple[str, int], ...]) -> dict[tuple[str, int], frozenset[str]]:
    found = {}
    for name, version in definitions:
        model = load_definition(name, version)
        steps = (step.key for level in model.definition.levels for step in level.steps)
        found[name, version] = frozenset(step for step in steps if model.is_shared(step))
    return found


# --- consents -----------------------------------------------------------------------------------------------------


def consents(
    session: sa.Connection,
    *,
    actor: Actor,
    filters: ConsentFilter,
    as_of: datetime | None,
    now: datetime,
    before: str | None = None,
) -> Page[ConsentRow]:
    """Return a page of consents with their state at `as_of` (now when None), the last asked for first.

    Raises Forbidden, Invalid (case, unit, state, period, as_of, page).
    """
    query, codes = resolve_consents(session, actor, filters, as_of, now)
    page = consents_page(session, query, before=_moment_cursor(before))
    tell(session, actor, "consent.lookup", {"filters": codes, "shown": len(page.rows), "as_of": query.as_of}, now)
    return page


def consent(
    session: sa.Connection, *, actor: Actor, consent_id: str, as_of: datetime | None, now: datetime
) -> ConsentDossier:
    """Return one consent as it was at `as_of`, with who answered what, its doors and the reads on its strength.

    Raises Forbidden, NotFound (also when it hadn't been asked for yet), Invalid (as_of).
    """
    require_auditor(actor)
    moment = _moment(as_of, now)
    here = actor.municipality_id
    row = consent_row(session, municipality_id=here, consent_id=consent_id, as_of=moment)
    if row is None:
        raise NotFound()
    events = events_of(session, municipality_id=here, consent_id=consent_id)
    known = tuple(event for event in events if event.recorded_at <= moment)
    query = LogQuery(here, actor.person_id, case_id=row.case_id, events=("case.read",))
    e = audit_entries.c
    found = [*trail.matching(session, query), e.basis == f"consent:{consent_id}", trail.looked_at <= moment]
    dossier = ConsentDossier(
        consent=row,
        parties=parties_of(session, municipality_id=here, consent_id=consent_id, events=known, as_of=moment),
        events=known,
        doors=doors_of(session, municipality_id=here, consent_id=consent_id, as_of=moment),
        reads=judged(session, query, trail.log_page(session, query, found, before=None)),
        as_of=moment,
        later=len(events) - len(known),
    )
    tell(session, actor, "consent.lookup", {"filters": {"consent": consent_id}, "shown": 1, "as_of": moment}, now)
    return dossier


# --- what was typed, turned into ids ------------------------------------------------------------------------------


def choices(session: sa.Connection, *, actor: Actor) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of the units a filter offers. Raises Forbidden."""
    require_auditor(actor)
    return trail.units_of(session, municipality_id=actor.municipality_id)


def require_auditor(actor: Actor) -> None:
    """Raise Forbidden for everybody else."""
    if not actor.has("auditor"):
        raise Forbidden("wrong_role")


def resolve(session: sa.Connection, actor: Actor, filters: LogFilter) -> tuple[LogQuery, dict[str, Any]]:
    """Return the query a filter asks for, and the same as codes for the trail. Raises Forbidden, Invalid."""
    require_auditor(actor)
    here, found = actor.municipality_id, LogQuery(actor.municipality_id, actor.person_id)
    case_id = _case(session, here, filters.case)
    people = _people(session, here, filters.person)
    units = {id_ for id_, _name in trail.units_of(session, municipality_id=here)} if filters.unit else set()
    collect(
        lambda: _known("case", filters.case.strip() == "" or case_id is not None),
        lambda: _known("person", filters.person.strip() == "" or bool(people)),
        lambda: _refuse("person", "too_many", when=len(people) > MOST_PEOPLE),
        lambda: _known("unit", filters.unit == "" or filters.unit in units),
        lambda: _known("event", filters.event == "" or filters.event in EVENTS or filters.event in GROUPS),
        lambda: _check_period(filters.since, filters.until),
    )
    events = GROUPS.get(filters.event, (filters.event,) if filters.event else ())
    query = replace(
        found, person_ids=people, case_id=case_id, unit_id=filters.unit or None, events=events,
        since=filters.since, until=filters.until,
    )  # fmt: skip
    codes = {"people": list(people), "case": case_id, "unit": filters.unit, "event": filters.event}
    return query, _codes(codes | {"since": filters.since, "until": filters.until})


def resolve_consents(
    session: sa.Connection, actor: Actor, filters: ConsentFilter, as_of: datetime | None, now: datetime
) -> tuple[ConsentQuery, dict[str, Any]]:
    """Return the query a filter on consents asks for, and the same as codes. Raises Forbidden, Invalid."""
    require_auditor(actor)
    here = actor.municipality_id
    case_id = _case(session, here, filters.case)
    units = {id_ for id_, _name in trail.units_of(session, municipality_id=here)} if filters.unit else set()
    collect(
        lambda: _known("case", filters.case.strip() == "" or case_id is not None),
        lambda: _known("unit", filters.unit == "" or filters.unit in units),
        lambda: _known("state", filters.state == "" or filters.state in STATES),
        lambda: _check_period(filters.since, filters.until),
        lambda: _moment(as_of, now),
    )
    query = ConsentQuery(
        here, _moment(as_of, now), case_id=case_id, unit_id=filters.unit or None, state=filters.state,
        since=filters.since, until=filters.until,
    )  # fmt: skip
    codes = {"case": case_id, "unit": filters.unit, "state": filters.state}
    return query, _codes(codes | {"since": filters.since, "until": filters.until})


def _case(session: sa.Connection, municipality_id: str, reference: str) -> str | None:
    if not reference.strip():
        return None
    return trail.case_id_of(session, municipality_id=municipality_id, reference=reference)


def _people(session: sa.Connection, municipality_id: str, text: str) -> tuple[str, ...]:
    return trail.people_named(session, municipality_id=municipality_id, text=text) if text.strip() else ()


def _known(field: str, is_known: bool) -> None:
    _refuse(field, "unknown", when=not is_known)


def _refuse(field: str, code: str, *, when: bool) -> None:
    if when:
        raise Invalid(**{field: code})


def _check_period(since: datetime | None, until: datetime | None) -> None:
    _refuse("period", "ends_before_it_begins", when=since is not None and until is not None and since >= until)


def _moment(as_of: datetime | None, now: datetime) -> datetime:
    _refuse("as_of", "in_future", when=as_of is not None and as_of > now)
    return as_of or now


def _codes(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value}


def _entry_cursor(before: str | None) -> int | None:
    if not before:
        return None
    # Eighteen digits are within what both databases count to.
    _refuse("page", "unknown", when=not (before.isascii() and before.isdecimal() and len(before) <= 18))
    return int(before)


def _day_cursor(before: str | None) -> tuple[date, str] | None:
    if not before:
        return None
    day, _sep, id_ = before.partition(":")
    try:
        return date.fromisoformat(day), id_
    except ValueError as error:
        raise Invalid(page="unknown") from error


def _moment_cursor(before: str | None) -> tuple[datetime, str] | None:
    if not before:
        return None
    moment, _sep, id_ = before.rpartition(":")
    try:
        found = datetime.fromisoformat(moment)
    except ValueError as error:
        raise Invalid(page="unknown") from error
    _refuse("page", "unknown", when=found.tzinfo is None)
    return found, id_


__all__ = [
    "GROUPS", "QUESTIONS", "STATES", "ConsentDossier", "ConsentFilter", "Expired", "LogFilter",
    "access_log", "choices", "consent", "consents", "overview", "question",
]  # fmt: skip
