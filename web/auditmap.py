"""From entries of the trail to the rows an auditor sees: in words, with repeated reads on one row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for

from bti.clock import OSLO
from bti.queries.audit import Entry, Page, runs
from bti.queries.audit_details import Detail
from bti.queries.audit_past import SOUND
from web.language import gettext as _
from web.sentences_audit import say
from web.show import moment


def rows_of(found: Page[Entry] | None) -> list[dict[str, Any]]:
    """Return a page of the trail as rows: one for each run of repeated reads, one for each other entry."""
    return [_row(run) for run in runs(found.rows)] if found else []


def row_of(entry: Entry) -> dict[str, Any]:
    """Return one entry of the trail as a row."""
    return _row((entry,))


def _row(run: tuple[Entry, ...]) -> dict[str, Any]:
    entry = run[0]
    kind, _sep, name = entry.basis.partition(":")
    return {
        "entry": entry,
        "what": say("event", entry.event),
        "when": _span(min(one.at for one in run), max(one.at for one in run)),
        "times": [_time(one) for one in run] if len(run) > 1 else [],
        "details": [
            (say("field", detail.field), ", ".join(say(detail.kind, value) for value in detail.values))
            for detail in _worth_saying(entry)
        ],
        "role": say("role", entry.role),
        "basis": say("law", name) if kind == "law" else say("basis", kind) if kind else "",
        "basis_href": _basis_href(kind, name, entry),
        "verdict": say("verdict", entry.verdict) if entry.verdict else "",
        "is_sound": entry.verdict in SOUND,
        "access_href": _then(entry) if len(run) == 1 else "",
        "consents_href": _consents_then(entry) if len(run) == 1 else "",
    }


def _basis_href(kind: str, name: str, entry: Entry) -> str:
    """Return the way to what an entry rests on: to a consent as it was at that moment, or to an emergency access."""
    if kind == "consent":
        return url_for("audit.consent", consent_id=name, tidspunkt=entry.at.isoformat())
    return url_for("oversight.break_glass", break_glass_id=name) if kind == "break_glass" else ""


def _time(entry: Entry) -> dict[str, Any]:
    # With seconds: reads of the same minute are told apart.
    return {"at": entry.at, "text": f"{moment(entry.at)}.{entry.at:%S}", "access_href": _then(entry)}


def _span(first: datetime, last: datetime) -> str:
    """Return a moment, or the first and the last of several on one day."""
    if moment(first) == moment(last):
        return moment(last)
    return _("%(first)s til %(last)s", first=moment(first), last=last.astimezone(OSLO).strftime("%H.%M"))


def _worth_saying(entry: Entry) -> list[Detail]:
    # A list of what was missing says more than that something was; that a reader saw the content, and that they opened
    # the case's own page, goes without saying.
    fields = {detail.field for detail in entry.details}
    unsaid = {("view", ("full",)), ("part", ("case",))}
    return [
        detail
        for detail in entry.details
        if not (detail.field == "code" and "missing" in fields) and (detail.field, detail.values) not in unsaid
    ]


def _then(entry: Entry) -> str:
    """Return the way to who else could open the case at that moment; empty when it isn't a read of a case."""
    if entry.event != "case.read" or not entry.case:
        return ""
    return url_for("audit.access", sak=entry.case, tidspunkt=entry.at.isoformat())


def _consents_then(entry: Entry) -> str:
    """Return the way to the consents of the case as they stood at that moment."""
    return url_for("audit.consents", sak=entry.case, tidspunkt=entry.at.isoformat()) if entry.case else ""
