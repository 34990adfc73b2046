"""Who is asking. Closed by default: a page is open only when it stands in OPEN below."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, current_app, flash, g, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import validate_csrf
from werkzeug.wrappers import Response
from wtforms import ValidationError

from bti import audit
from bti.actor import Actor
from bti.db import DatabaseUnavailable, reading, writing
from bti.errors import Forbidden, Invalid
from bti.queries.people import load_actor
from bti.usecases import drafts
from web.language import gettext as _

# The only pages that answer somebody who isn't logged in.
OPEN = frozenset(
    {
        "static",
        "account.login",
        "account.login_as",
        "account.choose_language",
        "about.report",
        "about.accessibility",
        "about.privacy",
        "about.health",
    }
)
IDLE_SECONDS = 30 * 60
ABSOLUTE_SECONDS = 8 * 60 * 60
# Forms whose text is kept when the session runs out while somebody is writing: endpoint → name of the draft.
DRAFTS = {"wonders.new": "wonder"}

login = LoginManager()
View = TypeVar("View", bound=Callable[..., Any])


class User(UserMixin):  # type: ignore[misc]
    """The logged-in person as flask-login knows them: the core's actor with an id for the cookie."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def get_id(self) -> str:
        return f"{self.actor.municipality_id}:{self.actor.person_id}"


def init_app(app: Flask) -> None:
    """Ask on every request who it is, and turn away everybody who isn't known from all but the open pages."""
    login.init_app(app)
    app.before_request(_identify)


@login.user_loader  # type: ignore[untyped-decorator]
def _load(user_id: str) -> User | None:
    # The page that says that the database is gone asks who is reading it.
    if g.get("is_unreachable"):
        return None
    municipality_id, _sep, person_id = user_id.partition(":")
    try:
        with reading(current_app.extensions["bti_database"]) as database:
            actor = load_actor(
                database, municipality_id=municipality_id, person_id=person_id, request_id=g.get("request_id", "")
            )
    except DatabaseUnavailable:
        g.is_unreachable = True
        raise
    return User(actor) if actor else None


def _identify() -> Response | None:
    g.request_id = secrets.token_hex(8)
    if request.endpoint == "static":
        return None
    now = current_app.extensions["bti_clock"]().timestamp()
    if "_user_id" in session and _has_run_out(now):
        if request.endpoint in OPEN and request.method == "GET":
            # A page for everybody stays open, above all the one on how to report.
            forget()
            return None
        return _ended()
    if current_user.is_authenticated:
        session["seen_at"] = int(now)
    elif request.endpoint not in OPEN and request.endpoint is not None:
        logout_user()
        return redirect(url_for("account.login", neste=_way_back()), 303)
    return None


def _has_run_out(now: float) -> bool:
    return now - session.get("seen_at", 0) > IDLE_SECONDS or now - session.get("began_at", 0) > ABSOLUTE_SECONDS


def _ended() -> Response:
    """Log out somebody whose session ran out; what they were sending is kept as a draft of theirs."""
    kept = _keep_draft()
    back = _way_back()
    forget()
    if kept:
        flash(_("Du var borte så lenge at du ble logget ut. Det du skrev, er lagret som kladd."), "warning")
    elif request.endpoint not in OPEN:
        flash(_("Du var borte så lenge at du ble logget ut. Logg inn igjen."), "info")
    return redirect(url_for("account.login", neste=back), 303)


def _keep_draft() -> bool:
    form = DRAFTS.get(request.endpoint or "")
    if request.method != "POST" or form is None:
        return False
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        return False
    user = _load(session["_user_id"])
    if user is None:
        return False
    try:
        with writing(current_app.extensions["bti_database"]) as database:
            drafts.save(
                database, actor=user.actor, form=form, content=request.form, now=current_app.extensions["bti_clock"]()
            )
    except Invalid:
        # Longer than any draft: what was saved while it was written is kept.
        return False
    return True


def _way_back() -> str:
    if request.endpoint in OPEN:
        return ""
    return request.path if request.method == "GET" or request.endpoint in DRAFTS else ""


def log_in(actor: Actor) -> None:
    """Begin a session for this person, with nothing left of the one before but the language."""
    forget()
    now = int(current_app.extensions["bti_clock"]().timestamp())
    session["seen_at"] = session["began_at"] = now
    login_user(User(actor))


def forget() -> None:
    """End the session; only the language stays with the browser."""
    language = session.get("language")
    logout_user()
    session.clear()
    if language:
        session["language"] = language


def me() -> Actor:
    """Return the person asking. Only for pages that aren't open."""
    return cast(Actor, current_user.actor)


def for_roles(*roles: str) -> Callable[[View], View]:
    """Close a view to everybody without one of `roles`; the core asks again."""

    def close(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Any:
            if not me().has(*roles):
                raise _turned_away(request.endpoint or "")
            return view(*args, **values)

        guarded.roles = roles  # type: ignore[attr-defined]
        return cast(View, guarded)

    return close


def _turned_away(endpoint: str) -> Forbidden:
    """Write that somebody knocked at a page of another role, and return the refusal."""
    refusal = Forbidden("wrong_role")
    with writing(current_app.extensions["bti_database"]) as database:
        audit.record_refusal(
            database, actor=me(), attempt=endpoint, refusal=refusal, now=current_app.extensions["bti_clock"]()
        )
    return refusal


STAFF = ("employee", "unit_leader", "coordinator")
