"""Copies an auditor takes with them: CSV that Norwegian Excel opens, with nothing in it that Excel would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import date, datetime

import sqlalchemy as sa

from bti.actor import Actor
from bti.clock import OSLO, local_day
from bti.errors import Invalid, NotFound
from bti.queries import audit as trail
from bti.queries.audit import Entry
from bti.queries.audit_consents import ConsentRow, count_consents, every_consent
from bti.queries.audit_questions import (
    ENTRY_QUESTIONS,
    Expired,
    count_expired,
    every_expired,
    question_conditions,
)
from bti.usecases.auditing import ConsentFilter, LogFilter, judge, resolve, resolve_consents, shared_steps
from bti.usecases.auditor_trail import tell

# More than anybody reads; somebody who needs all of it asks for a period at a time.
MOST_EXPORTED = 50_000
# Turns a code into words: the kind of code ("event", "role", "column" …) and the code.
Speak = Callable[[str, str], str]

LOG_COLUMNS = (
    "id", "at", "event", "actor", "unit", "role", "case", "basis", "verdict", "decision", "details", "request_id",
)  # fmt: skip
EXPIRED_COLUMNS = ("id", "case", "unit", "consent", "valid_to", "people", "ended_at")
CONSENT_COLUMNS = (
    "id", "case", "purpose", "state", "as_of", "kinds", "units", "asked_at", "asked_by", "valid_to", "given", "parties",
)  # fmt: skip


def as_code(kind: str, code: str) -> str:
    """Return a code as it is."""
    return code


def export_log(
    session: sa.Connection,
    *,
    actor: Actor,
    filters: LogFilter,
    now: datetime,
    question: str | None = None,
    speak: Speak = as_code,
) -> str:
    """Return the trail (or the answer to one of ENTRY_QUESTIONS) as CSV, whole.

    Raises Forbidden, NotFound (no such question), Invalid as a search, and `period` (`too_many_rows`; `too_many_reads`
    to judge: a copy is never a part of the answer).
    """
    query, codes = resolve(session, actor, filters)
    if question is not None and question not in ENTRY_QUESTIONS:
        raise NotFound()
    found = trail.matching(session, query)
    if question is not None:
        asked = question_conditions(session, found, question, shared_steps())
        if asked.is_bounded:
            raise Invalid(period="too_many_reads")
        found = asked.conditions
    found = trail.until_now(session, query, found)
    rows = _check_size(trail.count(session, found, most=MOST_EXPORTED + 1))
    batches = (judge(session, query.municipality_id, batch) for batch in trail.every_entry(session, query, found))
    text = _csv(LOG_COLUMNS, (_log_line(entry, speak) for batch in batches for entry in batch), speak)
    tell(session, actor, "audit.export", {"question": question or "log", "filters": codes, "rows": rows}, now)
    return text


def export_expired(
    session: sa.Connection, *, actor: Actor, filters: LogFilter, now: datetime, speak: Speak = as_code
) -> str:
    """Return the answer to `expired_with_access` as CSV, whole: a line for each service whose access ran out.

    Raises Forbidden, Invalid as a search, and `period: too_many_rows`.
    """
    query, codes = resolve(session, actor, filters)
    today = local_day(now)
    rows = _check_size(count_expired(session, query, today=today, most=MOST_EXPORTED + 1))
    batches = every_expired(session, query, today=today)
    text = _csv(EXPIRED_COLUMNS, (_expired_line(row, speak) for batch in batches for row in batch), speak)
    tell(session, actor, "audit.export", {"question": "expired_with_access", "filters": codes, "rows": rows}, now)
    return text


def export_consents(
    session: sa.Connection,
    *,
    actor: Actor,
    filters: ConsentFilter,
    as_of: datetime | None,
    now: datetime,
    speak: Speak = as_code,
) -> str:
    """Return the consents with their state at `as_of` as CSV, whole.

    Raises Forbidden, Invalid as `auditing.consents`, and `period: too_many_rows`.
    """
    query, codes = resolve_consents(session, actor, filters, as_of, now)
    rows = _check_size(count_consents(session, query, most=MOST_EXPORTED))
    batches = every_consent(session, query)
    text = _csv(CONSENT_COLUMNS, (_consent_line(row, query.as_of, speak) for batch in batches for row in batch), speak)
    tell(session, actor, "consent.export", {"filters": codes, "rows": rows, "as_of": query.as_of}, now)
    return text


def _check_size(rows: int) -> int:
    if rows > MOST_EXPORTED:
        raise Invalid(period="too_many_rows")
    return rows


def _log_line(entry: Entry, speak: Speak) -> list[str]:
    kind, _sep, name = entry.basis.partition(":")
    details = "; ".join(
        f"{speak('field', detail.field)}: {', '.join(speak(detail.kind, value) for value in detail.values)}"
        for detail in entry.details
    )
    return [
        str(entry.id), _moment(entry.at), speak("event", entry.event), entry.actor, entry.unit,
        speak("role", entry.role), entry.case, " ".join(filter(None, (kind and speak("basis", kind), name))),
        entry.verdict and speak("verdict", entry.verdict), speak("decision", entry.decision), details,
        entry.request_id,
    ]  # fmt: skip


def _expired_line(row: Expired, speak: Speak) -> list[str]:
    people = "; ".join(f"{name} ({speak('role', role)})" for name, role in row.people)
    ended = _moment(row.ended_at) if row.ended_at else ""
    return [row.door_id, row.case, row.unit, row.consent_id, _day(row.valid_to), people, ended]


def _consent_line(row: ConsentRow, as_of: datetime, speak: Speak) -> list[str]:
    return [
        row.id, row.case, speak("purpose", row.purpose), speak("consent", row.state), _moment(as_of),
        ", ".join(speak("kind", kind) for kind in row.kinds), ", ".join(row.units), _moment(row.asked_at),
        row.asked_by, _day(row.valid_to), str(row.given), str(row.parties),
    ]  # fmt: skip


def _moment(moment: datetime) -> str:
    return moment.astimezone(OSLO).strftime("%d.%m.%Y %H:%M:%S")


def _day(day: date) -> str:
    return day.strftime("%d.%m.%Y")


def _csv(columns: Iterable[str], lines: Iterable[list[str]], speak: Speak) -> str:
    # The mark at the start tells Excel that it is UTF-8; Norwegian Excel divides at semicolons.
    return "\ufeff" + "".join([_line(speak("column", column) for column in columns), *map(_line, lines)])


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";", lineterminator="\r\n").writerow([harmless(cell) for cell in cells])
    return buffer.getvalue()


def harmless(cell: str) -> str:
    """Return a cell that a spreadsheet shows and doesn't run."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
