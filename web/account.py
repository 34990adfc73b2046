"""Logging in and out, and choosing a language."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from bti.db import reading, writing
from bti.errors import Forbidden
from bti.usecases import sessions
from web import edge
from web.access import forget, log_in, me
from web.language import LANGUAGES
from web.language import gettext as _

pages = Blueprint("account", __name__)


@pages.route("/logg-inn", methods=["GET", "POST"])
def login() -> Any:
    """Show who can be chosen in a demo, or ask for user name and password."""
    if current_user.is_authenticated:
        return redirect(url_for("cases.home"), 303)
    problem = ""
    if request.method == "POST":
        try:
            return _by_password()
        except Forbidden:
            with writing(current_app.extensions["bti_database"]) as database:
                sessions.record_failed_login(database, municipality_id=request.form.get("kommune", ""), now=edge.now())
            problem = _("Brukernavnet eller passordet stemmer ikke. Prøv igjen.")
    with reading(current_app.extensions["bti_database"]) as database:
        known = sessions.municipalities_here(database)
        people = sessions.demo_people(database)
    page = render_template(
        "account/login.html",
        municipalities=known,
        options=[(one["id"], one["name"]) for one in known],
        people=people,
        problem=problem,
        typed=request.form,
        neste=_safe(request.values.get("neste")),
    )
    return page, 403 if problem else 200


def _by_password() -> Response:
    with writing(current_app.extensions["bti_database"]) as database:
        actor = sessions.log_in_by_password(
            database,
            municipality_id=request.form.get("kommune", ""),
            username=request.form.get("brukernavn", ""),
            password=request.form.get("passord", ""),
            now=edge.now(),
        )
    log_in(actor)
    return redirect(_safe(request.form.get("neste")) or url_for("cases.home"), 303)


@pages.post("/logg-inn-som")
def login_as() -> Response:
    """Log in as anybody of a demo."""
    municipality_id, _sep, person_id = request.form.get("person", "").partition(":")
    with writing(current_app.extensions["bti_database"]) as database:
        actor = sessions.log_in_as(database, municipality_id=municipality_id, person_id=person_id, now=edge.now())
    log_in(actor)
    return redirect(_safe(request.form.get("neste")) or url_for("cases.home"), 303)


@pages.post("/logg-ut")
def logout() -> Response:
    """End the session."""
    edge.perform("session.logout", lambda s: sessions.log_out(s, actor=me(), now=edge.now()))
    forget()
    flash(_("Du er logget ut."), "info")
    return redirect(url_for("account.login"), 303)


@pages.get("/sprak/<code>")
def choose_language(code: str) -> Response:
    """Change the language and go back to the page one came from."""
    if code not in LANGUAGES:
        abort(404)
    session["language"] = code
    return redirect(_safe(request.args.get("neste")) or "/", 303)


def _safe(target: str | None) -> str:
    """Return a path of ours to go on to; anything that leads away is dropped."""
    # Browsers read a backslash as a slash, and look past tabs and line breaks.
    if not target or not target.startswith("/") or target.startswith("//"):
        return ""
    if "\\" in target or not target.isprintable():
        return ""
    parts = urlsplit(target)
    return "" if parts.netloc or parts.scheme else target
