"""What became of a wonder, in the few words its author may read; and the hint that the unit has a case already."""

from __future__ import annotations

from typing import Any

from flask import url_for

from bti.clock import local_day
from bti.workflow.library import load_definition
from bti.workflow.model import Model
from web.language import gettext as _
from web.show import day, due_parts, short_name, words


def line(row: Any) -> dict[str, Any]:
    """Return a wonder as its author sees it on a list: whom it is about, what became of it, what comes next."""
    model = load_definition(row.definition, row.definition_version)
    text, colour = became(row)
    is_wonder = row.level_order == 0 and row.closed_at is None
    return {
        "href": url_for("wonders.status", reference=row.reference),
        "case_href": url_for("cases.case", reference=row.reference) if row.readable else "",
        "name": short_name(row.given_name, row.family_name),
        "group": row.group_name if row.may_show_group else "",
        "reference": row.reference,
        "opened": row.opened_at,
        "themes": [words(theme.label) for theme in model.definition.themes if theme.key in row.themes],
        "became": text,
        "colour": colour,
        "due": due_parts(row.due_on) if is_wonder else None,
        "next": _next(model, row) if is_wonder else "",
        "feedback": row.feedback,
        "feedback_by": row.feedback_by,
        "feedback_at": row.feedback_at,
    }


def _next(model: Model, row: Any) -> str:
    term = model.deadline_for(None, row.step, row.themes)
    what = words(term.label if term else model.step(row.step).title)
    if term and term.owner == "unit_leader":
        return _("Neste, for lederen: %(what)s", what=what)
    return _("Neste: %(what)s", what=what)


def became(row: Any) -> tuple[str, str]:
    """Return what became of a wonder, coarsely, and a colour for it.

    Why it was closed is told only when it was closed as a wonder: later reasons are the family's and the case's.
    """
    model = load_definition(row.definition, row.definition_version)
    if row.closed_at is not None and row.level_order == 0:
        reasons = {reason.key: words(reason.label) for reason in model.definition.closing_reasons}
        reason = reasons.get(row.closing_reason or "", "")
        closed = _("Avsluttet %(day)s", day=day(local_day(row.closed_at)))
        return (f"{closed} – {reason[:1].lower()}{reason[1:]}" if reason else closed), "neutral"
    if row.closed_at is not None:
        return _("Ble til en sak – avsluttet"), "neutral"
    if row.level_order > 0:
        level = words(model.definition.levels[row.level_order].label)
        return _("Ble til en sak – %(level)s", level=f"{level[:1].lower()}{level[1:]}"), "success"
    if row.shared_with_leader_at is not None:
        return _("Delt med leder %(day)s", day=day(local_day(row.shared_with_leader_at))), "info"
    return _("Din egen"), "accent"


def hint_sentence() -> str:
    """Return the hint: that there is a case, and not a word of what it says or who holds it."""
    return _("Enheten har allerede en åpen sak for barnet. Snakk med lederen din.")
