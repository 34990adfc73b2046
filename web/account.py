"""Coming in and going out, and choosing a language."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from bti import tenancy
from bti.db import reading, writing
from bti.errors import Forbidden, Invalid, NotFound, TooSoon
from bti.queries.sessions import Session
from bti.usecases import logins, sessions
from bti.usecases.sessions import Begun
from web import devices, proofs
from web.access import come_in, forget, halfway, now, path_of_ours, presented
from web.forms import Problem, explain
from web.language import LANGUAGES
from web.language import gettext as _

pages = Blueprint("account", __name__)


@pages.route("/logg-inn", methods=["GET", "POST"])
def login() -> Any:
    """Show who can be chosen in a demo, or ask for user name and password."""
    if current_user.is_authenticated:
        return redirect(path_of_ours(request.values.get("neste")) or url_for("cases.home"), 303)
    problem = Problem()
    if request.method == "POST":
        try:
            return _by_password()
        except Forbidden as wrong:
            problem = explain(wrong)
            problem.sentence = _("Brukernavnet eller passordet stemmer ikke. Prøv igjen.")
        except TooSoon as soon:
            problem = explain(soon)
    with reading(current_app.extensions["bti_database"]) as database:
        known = logins.municipalities_here(database)
        people = logins.demo_people(database)
    page = render_template(
        "account/login.html",
        municipalities=known,
        options=[(one["id"], one["name"]) for one in known],
        people=people,
        problem=problem.sentence,
        typed=request.form,
        neste=path_of_ours(request.values.get("neste")),
    )
    return page, problem.status, problem.headers


def _by_password() -> Response:
    form = request.form
    tenancy.enter(form.get("kommune", ""))
    account = proofs.password(form.get("kommune", ""), form.get("brukernavn", ""), form.get("passord", ""))
    with writing(current_app.extensions["bti_database"]) as database:
        begun = logins.enter(
            database, account=account, now=now(), replaces=presented(), request_id=g.get("request_id", "")
        )
    _begin(account.municipality_id, begun)
    if begun.missing:
        to = "account.code" if begun.missing == "totp" else "own.factor"
        return redirect(url_for(to, neste=path_of_ours(form.get("neste")) or None), 303)
    devices.remember(account.municipality_id, account.person_id)
    return _on_the_way()


def _begin(municipality_id: str, begun: Begun) -> None:
    """Give the browser its token, with nothing left of what it carried before but the language."""
    forget()
    come_in(municipality_id, begun)


def _on_the_way() -> Response:
    return redirect(path_of_ours(request.form.get("neste")) or url_for("cases.home"), 303)


@pages.post("/logg-inn-som")
def login_as() -> Response:
    """Log in as anybody of a demo."""
    municipality_id, _sep, person_id = request.form.get("person", "").partition(":")
    tenancy.enter(municipality_id)
    with writing(current_app.extensions["bti_database"]) as database:
        begun = logins.log_in_as(
            database, municipality_id=municipality_id, person_id=person_id, now=now(), replaces=presented(),
            request_id=g.get("request_id", ""),
        )  # fmt: skip
    _begin(municipality_id, begun)
    return _on_the_way()


@pages.route("/logg-inn/kode", methods=["GET", "POST"])
def code() -> Any:
    """Ask somebody whose password was right for a code from their app, or a recovery code."""
    found, problem = halfway("totp"), Problem()
    if found is None:
        return redirect(url_for("cases.home"), 303)
    if request.method == "POST":
        try:
            complete(found, proofs.code(found, request.form.get("code", "")))
            return _on_the_way()
        except (Forbidden, Invalid, TooSoon) as refusal:
            problem = explain(refusal)
    page = render_template("account/code.html", problem=problem, neste=path_of_ours(request.values.get("neste")))
    return page, problem.status, problem.headers


def complete(found: Session, method: str) -> None:
    """Let somebody in who has now proven both factors. Raises NotFound when the session has ended meanwhile."""
    with writing(current_app.extensions["bti_database"]) as database:
        begun = logins.complete(database, found=found, method=method, now=now())
    _begin(found.actor.municipality_id, begun)
    devices.remember(found.actor.municipality_id, found.actor.person_id)


@pages.post("/logg-ut")
def logout() -> Response:
    """End the session."""
    found = presented()
    if found is None:
        raise NotFound()
    with writing(current_app.extensions["bti_database"]) as database:
        sessions.log_out(database, found=found, now=now())
    forget()
    flash(_("Du er logget ut."), "info")
    return redirect(url_for("account.login"), 303)


@pages.get("/sprak/<code>")
def choose_language(code: str) -> Response:
    """Change the language and go back to the page one came from."""
    if code not in LANGUAGES:
        abort(404)
    session["language"] = code
    return redirect(path_of_ours(request.args.get("neste")) or "/", 303)
