"""The auditor's pages: the standing questions first, then the trail and the consents. Never case content.

The role is asked for by the core and not by the view, so that an attempt by anybody else is written to the trail.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request

from bti.audit.vocabulary import EVENTS
from bti.clock import local_day
from bti.errors import Invalid, NotFound
from bti.queries.audit import MOST_COUNTED, Page
from bti.queries.audit_past import SOUND
from bti.queries.audit_questions import MOST_JUDGED
from bti.usecases import auditing, auditing_copies
from bti.usecases.auditing_access import access_at
from web import audit_filters as filters
from web import edge
from web.access import FRESH, me, require_step_up
from web.audit_filters import Chosen
from web.auditmap import rows_of
from web.sentences import choices
from web.sentences_audit import EXPLANATIONS, NOTHING_FOUND, say

pages = Blueprint("audit", __name__, url_prefix="/revisjon")

SLUGS = {
    "uten-grunnlag": "no_live_basis",
    "utlopt-med-tilgang": "expired_with_access",
    "trukket-og-lest": "withdrawn_then_read",
    "overstyringer": "overrides",
    "avviste-forsok": "refused",
}
LOG_FIELDS = ("person", "sak", "enhet", "hendelse", "fra", "til")
CONSENT_FIELDS = ("sak", "enhet", "tilstand", "fra", "til", "dato", "kl")
OVERVIEW_DAYS = 90


@pages.context_processor
def _words() -> dict[str, Any]:
    return {"say": say, "sound": SOUND, "most": MOST_COUNTED - 1, "most_judged": f"{MOST_JUDGED:,}".replace(",", " ")}


@pages.get("")
def questions() -> Any:
    """Show the standing questions with how many answers each has, and the ways to search."""
    form = filters.chosen("fra", "til")
    if not request.args:
        form.values["fra"] = (local_day(edge.now()) - timedelta(days=OVERVIEW_DAYS)).strftime("%d.%m.%Y")
    found, units = _shown(
        form,
        "audit.search",
        lambda s: auditing.overview(s, actor=me(), filters=filters.log_filter(form), now=edge.now()),
    )
    cards = [
        {
            "key": key,
            "title": say("question", key),
            "text": EXPLANATIONS[key](),
            "count": found.counts[key] if found else None,
            "href": form.href("audit.question", slug=slug),
        }
        for slug, key in SLUGS.items()
    ]
    page = render_template("audit/questions.html", form=form, found=found, cards=cards, units=units, events=_events())
    return page, form.status


@pages.get("/logg")
def log() -> Any:
    """Search the trail."""
    form = filters.chosen(*LOG_FIELDS)
    found, units = _shown(
        form,
        "audit.search",
        lambda s: auditing.access_log(
            s, actor=me(), filters=filters.log_filter(form), now=edge.now(), before=filters.cursor()
        ),
    )
    page = render_template(
        "audit/log.html", form=form, found=found, units=units, events=_events(), rows=rows_of(found),
        older=_older(form, "audit.log", found), newest=_newest(form, "audit.log"),
    )  # fmt: skip
    return page, form.status


@pages.get("/logg.csv")
def log_copy() -> Any:
    """Give the trail that a search finds as a file."""
    form = filters.chosen(*LOG_FIELDS)
    return _copy(
        "innsynslogg",
        form,
        "audit.log",
        "audit.export",
        lambda s: auditing_copies.export_log(
            s, actor=me(), filters=filters.log_filter(form), now=edge.now(), speak=say
        ),
    )


@pages.get("/sporsmal/<slug>")
def question(slug: str) -> Any:
    """Show the answer to one of the standing questions."""
    key = _key(slug)
    form = filters.chosen("person", "sak", "enhet", "fra", "til")
    found, units = _shown(
        form,
        "audit.search",
        lambda s: auditing.question(
            s, actor=me(), key=key, filters=filters.log_filter(form), now=edge.now(), before=filters.cursor()
        ),
    )
    is_log = key != "expired_with_access"
    page = render_template(
        "audit/question.html", form=form, found=found, units=units, slug=slug, key=key, is_log=is_log,
        heading=say("question", key), explanation=EXPLANATIONS[key](), nothing=NOTHING_FOUND[key](),
        rows=rows_of(found) if is_log else (), older=_older(form, "audit.question", found, slug=slug),
        newest=_newest(form, "audit.question", slug=slug),
    )  # fmt: skip
    return page, form.status


@pages.get("/sporsmal/<slug>.csv")
def question_copy(slug: str) -> Any:
    """Give the answer to one of the standing questions as a file."""
    key = _key(slug)
    form = filters.chosen("person", "sak", "enhet", "fra", "til")

    def export(session: Any) -> str:
        asked: dict[str, Any] = {"actor": me(), "filters": filters.log_filter(form), "now": edge.now(), "speak": say}
        if key == "expired_with_access":
            return auditing_copies.export_expired(session, **asked)
        return auditing_copies.export_log(session, question=key, **asked)

    return _copy(slug, form, "audit.question", "audit.export", export, slug=slug)


@pages.get("/sporsmal/tilgang")
def access() -> Any:
    """Show who could open a case at a moment."""
    form = filters.chosen("sak", "dato", "kl")
    found = None
    if "sak" in request.args:
        try:
            moment = filters.moment_asked(form)
            found = edge.show(
                "audit.search", lambda s: access_at(s, actor=me(), case=form["sak"], moment=moment, now=edge.now())
            )
        except Invalid as refusal:
            form.errors = filters.explain(refusal)
    else:
        edge.show("audit.search", lambda session: auditing.choices(session, actor=me()))
    return render_template("audit/access.html", form=form, found=found), form.status


@pages.get("/samtykker")
def consents() -> Any:
    """Search the consents, with their state at a chosen moment."""
    form = filters.chosen(*CONSENT_FIELDS)
    found, units = _shown(
        form,
        "consent.lookup",
        lambda s: auditing.consents(
            s, actor=me(), filters=filters.consent_filter(form), as_of=filters.moment_asked(form),
            now=edge.now(), before=filters.cursor(),
        ),
    )  # fmt: skip
    page = render_template(
        "audit/consents.html", form=form, found=found, units=units, states=choices("consent", auditing.STATES),
        as_of=filters.moment_asked(form) if found and form["dato"] else None,
        older=_older(form, "audit.consents", found), newest=_newest(form, "audit.consents"),
    )  # fmt: skip
    return page, form.status


@pages.get("/samtykker.csv")
def consents_copy() -> Any:
    """Give the consents that a search finds as a file."""
    form = filters.chosen(*CONSENT_FIELDS)
    return _copy(
        "samtykker",
        form,
        "audit.consents",
        "consent.export",
        lambda s: auditing_copies.export_consents(
            s, actor=me(), filters=filters.consent_filter(form), as_of=filters.moment(form), now=edge.now(), speak=say
        ),
    )


@pages.get("/samtykker/<consent_id>")
def consent(consent_id: str) -> Any:
    """Show one consent as it was at a moment: who answered what, what it opened, who read on its strength."""
    form = filters.chosen("dato", "kl")
    as_of = None
    try:
        as_of = filters.moment_asked(form)
        found = _dossier(consent_id, as_of)
    except Invalid as refusal:
        form.errors = filters.explain(refusal)
        as_of, found = None, _dossier(consent_id, None)
    page = render_template(
        "audit/consent.html", form=form, found=found, consent_id=consent_id, as_of=as_of, rows=rows_of(found.reads)
    )
    return page, form.status


def _dossier(consent_id: str, as_of: Any) -> Any:
    return edge.show(
        "consent.lookup",
        lambda s: auditing.consent(s, actor=me(), consent_id=consent_id, as_of=as_of, now=edge.now()),
    )


# --- what the views share -------------------------------------------------------------------------------------------


def _key(slug: str) -> str:
    if slug not in SLUGS:
        raise NotFound()
    return SLUGS[slug]


def _shown(form: Chosen, attempt: str, ask: Callable[[Any], Any]) -> tuple[Any, tuple[tuple[str, str], ...]]:
    """Return what was asked for (None when the filter is wrong, which the form then says) and the units to choose.

    Raises Forbidden for everybody who isn't an auditor.
    """
    units = edge.show(attempt, lambda session: auditing.choices(session, actor=me()))
    try:
        return edge.show(attempt, ask), units
    except Invalid as refusal:
        form.errors = filters.explain(refusal)
        return None, units


def _events() -> list[tuple[str, str]]:
    groups = [(key, say("event", key)) for key in auditing.GROUPS]
    return groups + sorted(((key, say("event", key)) for key in EVENTS), key=lambda choice: choice[1].casefold())


def _older(form: Chosen, endpoint: str, found: Page[Any] | None, **more: Any) -> str | None:
    return form.href(endpoint, eldre=found.next, **more) if found and found.next else None


def _newest(form: Chosen, endpoint: str, **more: Any) -> str | None:
    return form.href(endpoint, **more) if filters.cursor() else None


def _copy(name: str, form: Chosen, back: str, attempt: str, export: Callable[[Any], str], **more: Any) -> Any:
    """Return a file. It is whole, and the entry about it committed, before the first byte leaves."""
    # Whoever isn't an auditor is turned away by the core, and the trail told.
    if me().has("auditor"):
        require_step_up(FRESH, back=form.href(back, **more))
    try:
        text = edge.show(attempt, export)
    except Invalid as refusal:
        flash(". ".join(filters.explain(refusal).values()) + ".", "warning")
        return redirect(form.href(back, **more), 303)
    day = local_day(edge.now()).isoformat()
    headers = {"Content-Disposition": f'attachment; filename="{name}-{day}.csv"'}
    return Response(text, mimetype="text/csv", headers=headers)
