"""How dates, names and a definition's words are shown, and what every page's frame needs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import Flask, g, request, url_for
from flask_login import current_user

from bti.clock import OSLO, local_day
from bti.workflow.definition import Words
from web import edge, language
from web.language import gettext as _
from web.language import ngettext
from web.sentences import choices, fixer_name, need_sentence, word


def init_app(app: Flask) -> None:
    """Give templates their filters and the frame its values."""
    app.jinja_env.filters.update(day=day, moment=moment, iso=iso, words=words, short_name=short_name)
    app.jinja_env.globals.update(
        once=edge.once,
        need_sentence=need_sentence,
        fixer_name=fixer_name,
        due_parts=due_parts,
        word=word,
        choices=choices,
    )
    app.context_processor(_frame)


def day(value: date | None) -> str:
    """Return a date as dd.mm.yyyy (Babel's patterns for Northern Sami are wrong for us, so we say it ourselves)."""
    return f"{value.day:02}.{value.month:02}.{value.year:04}" if value else ""


def moment(value: datetime | None) -> str:
    """Return a moment as dd.mm.yyyy kl. HH.MM in Norwegian time."""
    if value is None:
        return ""
    here = value.astimezone(OSLO)
    return _("%(day)s kl. %(time)s", day=day(here), time=f"{here.hour:02}.{here.minute:02}")


def iso(value: date | datetime | None) -> str:
    """Return a date or moment for `<time datetime>`."""
    if isinstance(value, datetime):
        return value.astimezone(OSLO).isoformat(timespec="minutes")
    return value.isoformat() if value else ""


def words(value: Words | None) -> str:
    """Return a definition's text in the reader's language."""
    return value.in_language(language.current()) if value else ""


def short_name(given: str | None, family: str | None) -> str:
    """Return "Ola N.": how a child is named on lists."""
    if not given:
        return _("Uten navn")
    return f"{given} {family[0]}." if family else given


def due_parts(due_on: date | None) -> dict[str, str | None]:
    """Return a deadline as its date and, in words, that it is late or near."""
    if due_on is None:
        return {"date_text": "", "late_text": None, "soon_text": None}
    days = (due_on - local_day(edge.now())).days
    late = ngettext("%(num)d dag over frist", "%(num)d dager over frist", -days) if days < 0 else None
    soon = _("I dag") if days == 0 else _("I morgen") if days == 1 else None
    return {"date_text": day(due_on), "late_text": late, "soon_text": soon}


def _frame() -> dict[str, Any]:
    if not current_user or not current_user.is_authenticated:
        return {"nav": [], "is_demo": g.get("is_demo", False)}
    actor = current_user.actor
    return {
        "nav": _navigation(actor),
        "user_name": actor.name,
        "user_detail": actor.title or (actor.memberships[0].unit_name if actor.memberships else ""),
        "logout_href": url_for("account.logout"),
        "home_href": url_for("cases.home"),
        "municipality_name": municipality().get("name", ""),
        "is_demo": municipality().get("is_demo", False),
        "now": edge.now(),
        "today": local_day(edge.now()),
        "me": actor,
    }


def municipality() -> dict[str, Any]:
    """Return name and demo mark of the reader's municipality; they change so seldom that once a process is enough."""
    from flask import current_app

    known: dict[str, dict[str, Any]] = current_app.extensions.setdefault("bti_municipalities", {})
    id_ = current_user.actor.municipality_id
    if id_ not in known:
        from bti.db import DatabaseUnavailable, reading
        from bti.usecases.logins import municipality_of

        try:
            with reading(current_app.extensions["bti_database"]) as session:
                known[id_] = municipality_of(session, municipality_id=id_)
        except DatabaseUnavailable:
            # The page that says so has a frame too.
            return {}
    return known[id_]


def _navigation(actor: Any) -> list[dict[str, Any]]:
    items = []
    if actor.has("employee", "unit_leader", "coordinator"):
        items.append(("cases.worklist", _("Mine saker")))
    if actor.has("employee", "unit_leader"):
        items.append(("wonders.new", _("Ny undring")))
        items.append(("wonders.mine", _("Mine undringer")))
    if actor.has("unit_leader"):
        items.append(("leader.desk", _("Enheten min")))
    if actor.has("coordinator"):
        items.append(("referrals.desk", _("Henviste saker")))
    if actor.has("employee", "unit_leader", "coordinator"):
        items.append(("discussions.desk", _("Drøfting")))
    if actor.has("auditor"):
        items.append(("audit.questions", _("Revisjon")))
    if actor.has("administrator"):
        items.append(("administration.home", _("Administrasjon")))
    if actor.has("administrator", "bti_team", "coordinator"):
        items.append(("models.index", _("Modellen")))
    return [{"href": url_for(endpoint), "label": label, "active": _is_here(endpoint)} for endpoint, label in items]


def _is_here(endpoint: str) -> bool:
    here = request.endpoint or ""
    if endpoint.startswith("wonders."):
        return here == endpoint
    return here.partition(".")[0] in _ROOMS.get(endpoint, (endpoint.partition(".")[0],))


_ROOMS = {
    "cases.worklist": ("cases", "moves", "log", "attachments", "baton", "consents", "legal_basis", "participants"),
    "administration.home": ("administration", "imports"),
    "audit.questions": ("audit", "oversight", "signed_log"),
}
