"""From the core's rows to the lines of the worklist: short names, next step, deadline, what is waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for

from bti.clock import local_day
from bti.queries.beside import Beside
from bti.queries.worklist import Filter
from bti.workflow.library import load_definition
from bti.workflow.model import Model
from web import edge
from web.casemap import due_label, step_name
from web.language import gettext as _
from web.sentences import Sentences
from web.show import day, due_parts, short_name, words

VIEWS: Sentences = {
    "mine": lambda: _("Mine saker"),
    "enhet": lambda: _("Hele enheten"),
    "avsluttet": lambda: _("Mine avsluttede"),
    "enhet-avsluttet": lambda: _("Avsluttede i enheten"),
}
HEADINGS: Sentences = {
    "mine": lambda: _("Mine saker"),
    "enhet": lambda: _("Sakene i enheten"),
    "avsluttet": lambda: _("Mine avsluttede saker"),
    "enhet-avsluttet": lambda: _("Avsluttede saker i enheten"),
}
# What a view holds, so that nobody looks for a case where it can't be.
TOLD: Sentences = {
    "mine": lambda: _("Åpne saker der du har stafettpinnen eller er med, og undringene dine."),
    "enhet": lambda: _("Åpne saker i enheten din. Undringer som ikke er delt med deg, er ikke med."),
    "avsluttet": lambda: _("Avsluttede saker der du hadde stafettpinnen til slutt, og undringene dine."),
    "enhet-avsluttet": lambda: _("Avsluttede saker i enheten din. Undringer som ikke ble delt med deg, er ikke med."),
}


def worklist_row(row: Any, beside: Beside, my_id: str) -> dict[str, Any]:
    """Return a case as a line of the worklist."""
    model = load_definition(row.definition, row.definition_version)
    child = beside.subjects.get(row.subject_id)
    level = model.definition.levels[row.level_order]
    return {
        "href": url_for("cases.case", reference=row.reference),
        "name": short_name(child.given_name, child.family_name) if child else _("Uten navn"),
        "detail": _where(child, beside.units.get(row.unit_id, "")),
        "reference": row.reference,
        "levels": len(model.definition.levels),
        "level_order": row.level_order,
        "level": words(level.label),
        "colour": level.colour,
        "next": _why_closed(model, row) if row.closed_at else step_name(model, row.step),
        "why": due_label(model, row),
        "due": due_parts(row.due_on) if not row.closed_at else {"date_text": day(local_day(row.closed_at))},
        "holder": _("Deg") if row.holder_id == my_id else beside.people.get(row.holder_id, ""),
        "tags": _tags(row, beside, my_id),
    }


def _why_closed(model: Model, row: Any) -> str:
    return next((words(one.label) for one in model.definition.closing_reasons if one.key == row.closing_reason), "")


def _where(child: Any, unit: str) -> str:
    # An address block takes school and group off every list.
    if child is None or child.address_blocked:
        return ""
    return child.group_name or unit


def _tags(row: Any, beside: Beside, my_id: str) -> list[tuple[str, str]]:
    tags = []
    offer = beside.offers.get(row.id)
    if offer and offer.to_person_id == my_id:
        tags.append((_("Venter på svar fra deg"), "info"))
    elif offer and offer.expires_on >= local_day(edge.now()):
        tags.append((_("Venter på svar fra %(name)s", name=beside.people.get(offer.to_person_id, "")), "info"))
    if row.is_interim:
        tags.append((_("Midlertidig stafettholder"), "warning"))
    if beside.open_requests.get(row.id):
        tags.append((_("Venter på samtykke"), "warning"))
    if row.id in beside.referred:
        tags.append((_("Henvist"), "plum"))
    return tags


def waiting_row(row: Any) -> dict[str, Any]:
    """Return an offer or invitation that waits for one's answer."""
    if row.what == "offer":
        return {
            "title": _("%(name)s spør om du vil ta stafettpinnen", name=row.from_name),
            "detail": _("Sak %(reference)s · svar innen %(day)s", reference=row.reference, day=day(row.answer_by)),
            "href": url_for("baton.answer", reference=row.reference),
        }
    return {
        "title": _("%(name)s spør om du vil være med i en sak", name=row.from_name),
        "detail": _("Sak %(reference)s", reference=row.reference),
        "href": url_for("participants.answer", reference=row.reference, participation_id=row.id),
    }


def view_links(views: Sequence[str], chosen: str, kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a person may look at as links that keep their other choices."""
    addresses: dict[str, dict[str, Any]] = {view: {**kept, "vis": None if view == "mine" else view} for view in views}
    return [
        {"label": VIEWS[view](), "href": url_for("cases.worklist", **address), "active": view == chosen}
        for view, address in addresses.items()
    ]


def due_choices() -> list[tuple[str, str]]:
    """Return the deadlines to filter by."""
    return [("forfalt", _("Over frist")), ("uke", _("Innen 7 dager"))]


def limits(wanted: Filter, levels: Sequence[tuple[str, str]], due: str) -> list[str]:
    """Return in words what the list is narrowed to, besides the view."""
    found = [_("«%(text)s» i navn eller nummer", text=wanted.text)] if wanted.text else []
    if wanted.level is not None:
        found.append(dict(levels).get(str(wanted.level)) or _("Nivå %(number)s", number=wanted.level))
    return found + ([dict(due_choices())[due]] if due else [])


def level_choices(rows: list[Any]) -> list[tuple[str, str]]:
    """Return the levels to filter by: those of the definitions on the page, else of the standard model."""
    known: dict[int, str] = {}
    models = {(row.definition, row.definition_version) for row in rows} or {("bti", 1)}
    for name, version in sorted(models):
        for order, level in enumerate(load_definition(name, version).definition.levels):
            known.setdefault(order, words(level.label))
    return [(str(order), label) for order, label in sorted(known.items())]
