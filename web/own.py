"""One's own account: where one is logged in, the second factor, the password; and showing again that it is oneself."""

from __future__ import annotations

from typing import Any

import segno
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from bti.db import reading, writing
from bti.errors import Forbidden, Invalid, NotPossible, Refused, TooSoon
from bti.queries.sessions import Session
from bti.usecases import factors, logins, people, sessions
from web import account, edge, proofs
from web.access import FRESH, come_in, forget, halfway, me, my_session, path_of_ours, require_step_up
from web.forms import Form, Problem, explain
from web.language import gettext as _

pages = Blueprint("own", __name__, url_prefix="/konto")
# As long as it may take to find the telephone and install an app.
_SECRET_SECONDS = 30 * 60


@pages.get("")
def home() -> str:
    """Show where one is logged in, and how one's account is protected."""
    with reading(current_app.extensions["bti_database"]) as database:
        mine = sessions.own_sessions(database, actor=me(), now=edge.now())
        factor = factors.factor_of(database, actor=me())
        has_password = logins.own_account(database, actor=me()).password_hash is not None
    return render_template(
        "own/home.html", sessions=mine, here=my_session(), factor=factor, has_password=has_password,
        must_have_factor=sessions.must_have_factor(me(), is_demo=my_session().is_demo),
    )  # fmt: skip


@pages.post("/innlogginger/<session_id>/avslutt")
def end_session(session_id: str) -> Response:
    """End one of one's sessions, on another device or here."""
    edge.perform(
        "session.end", lambda s: sessions.end_own(s, actor=me(), session_id=session_id, now=edge.now())
    )  # fmt: skip
    if session_id == my_session().id:
        return _out(_("Du er logget ut."))
    flash(_("Innloggingen er avsluttet."), "success")
    return redirect(url_for("own.home"), 303)


@pages.post("/logg-ut-overalt")
def end_everywhere() -> Response:
    """End all of one's sessions, this one too."""
    actor = me()
    edge.perform(
        "session.end",
        lambda s: sessions.end_all(s, actor=actor, person_id=actor.person_id, cause="owner", now=edge.now()),
    )
    return _out(_("Du er logget ut overalt."))


def _out(said: str) -> Response:
    forget()
    flash(said, "info")
    return redirect(url_for("account.login"), 303)


# --- the second factor ----------------------------------------------------------------------------------------------


@pages.route("/totrinn", methods=["GET", "POST"])
def factor() -> Any:
    """Begin a second factor: on the way in where the role demands one, else of one's own accord."""
    found = halfway("enrolment")
    if found is None and not current_user.is_authenticated:
        return redirect(url_for("account.login"), 303)
    if found is None:
        require_step_up(FRESH)
        found = my_session()
    problem, secret = Problem(), ""
    if request.method == "POST":
        try:
            secret = _signed_for(found).loads(request.form.get("secret", ""), max_age=_SECRET_SECONDS)
            return _add(found, secret)
        except BadData:
            problem = explain(Invalid(code="too_old_page"))
        except (Invalid, NotPossible) as refusal:
            problem = explain(refusal)
    return _factor_page(found, secret or factors.fresh_secret(), problem)


def _signed_for(found: Session) -> URLSafeTimedSerializer:
    # The secret stands on the page and nowhere else until an app has taken it over; another session's is worth nothing.
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"second-factor:{found.id}")


def _factor_page(found: Session, secret: str, problem: Problem) -> Any:
    with reading(current_app.extensions["bti_database"]) as database:
        link = factors.app_link(database, actor=found.actor, secret=secret)
    page = render_template(
        "own/factor.html", problem=problem, link=link, secret=" ".join(secret[i : i + 4] for i in range(0, 32, 4)),
        signed=_signed_for(found).dumps(secret), picture=_picture(link), is_halfway=bool(sessions.missing_proof(found)),
        neste=path_of_ours(request.values.get("neste")),
    )  # fmt: skip
    return page, problem.status


def _picture(link: str) -> str:
    # Black on white with its margin, in dark pages too: cameras read nothing else.
    return segno.make(link, error="m", micro=False).svg_data_uri(scale=4, border=4, dark="#000", light="#fff")


def _add(found: Session, secret: str) -> Any:
    with writing(current_app.extensions["bti_database"]) as database:
        codes = factors.add(
            database, found=found, secret=secret, code=request.form.get("code", ""), now=edge.now()
        )  # fmt: skip
    if sessions.missing_proof(found):
        account.complete(found, "totp")
    else:
        _rise(found, "totp")
    # No redirect: the codes are kept nowhere from which another page could fetch them.
    onward = path_of_ours(request.form.get("neste")) or url_for("own.home")
    return render_template("own/recovery_codes.html", codes=codes, onward=onward)


def _rise(found: Session, method: str) -> None:
    """Give the session a new token, now that its person has shown again that it is them."""
    with writing(current_app.extensions["bti_database"]) as database:
        begun = sessions.step_up(database, found=found, method=method, now=edge.now())
    come_in(found.actor.municipality_id, begun)


@pages.route("/totrinn/av", methods=["GET", "POST"])
def no_factor() -> Any:
    """End one's second factor, where the role doesn't demand one."""
    require_step_up(FRESH)
    problem = Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "factor.reset",
                lambda s: factors.turn_off(s, found=my_session(), now=edge.now()),
                then=url_for("own.home"),
                said=_("Totrinnsbekreftelse er slått av."),
            )
        except Refused as refusal:
            problem = explain(refusal)
    return render_template("own/no_factor.html", problem=problem), problem.status


# --- the password ---------------------------------------------------------------------------------------------------


@pages.route("/passord", methods=["GET", "POST"])
def password() -> Any:
    """Change one's password; every other session ends."""
    problem = Problem()
    if request.method == "POST":
        try:
            return _change_password(Form.of())
        except (Forbidden, Invalid, TooSoon) as refusal:
            problem = explain(refusal)
    return render_template("own/password.html", problem=problem), problem.status, problem.headers


def _change_password(form: Form) -> Response:
    found, actor = my_session(), me()
    if form.text("password") != form.text("again"):
        raise Invalid(again="differs")
    proofs.own_password(found, form.text("old"))

    def work(session: Any) -> Any:
        people.change_own_password(
            session, actor=actor, old=form.text("old"), new=form.text("password"), now=edge.now(), keep=found.id
        )
        return sessions.step_up(session, found=found, method="password", now=edge.now())

    begun = edge.perform("person.change", work)
    come_in(actor.municipality_id, begun)
    flash(_("Passordet er byttet. Andre innlogginger er avsluttet."), "success")
    return redirect(url_for("own.home"), 303)


# --- showing again that it is oneself -------------------------------------------------------------------------------


@pages.route("/bekreft", methods=["GET", "POST"])
def step_up() -> Any:
    """Ask for a code, or the password where there is no second factor, before something that matters."""
    found, problem = my_session(), Problem()
    if request.method == "POST":
        try:
            _rise(found, _proven(found))
            flash(_("Takk. Nå kan du fortsette."), "success")
            return redirect(path_of_ours(request.form.get("neste")) or url_for("own.home"), 303)
        except (Forbidden, Invalid, TooSoon) as refusal:
            problem = explain(refusal)
    page = render_template(
        "own/step_up.html", problem=problem, by=_door(found), neste=path_of_ours(request.values.get("neste"))
    )
    return page, problem.status, problem.headers


def _door(found: Session) -> str:
    if found.level == "demo":
        return "demo"
    return "code" if found.has_factor else "password"


def _proven(found: Session) -> str:
    door = _door(found)
    if door == "code":
        return proofs.code(found, request.form.get("code", ""))
    if door == "password":
        proofs.own_password(found, request.form.get("password", ""))
    return door
