"""Who is asking. Closed by default: a page is open only when it stands in OPEN below.

Who is logged in stands in the database; the browser has a token that is good for nothing once the session has ended.
Flask's signed cookie carries what a stranger needs too, and nothing else: the language, the forms' tokens, messages.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, flash, g, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf.csrf import validate_csrf
from werkzeug.wrappers import Response as AnyResponse
from wtforms import ValidationError

from bti import audit, tenancy
from bti.actor import Actor
from bti.db import DatabaseUnavailable, single, writing
from bti.errors import Forbidden, Invalid
from bti.queries.sessions import Session, session_of
from bti.usecases import drafts, sessions
from bti.usecases.sessions import Begun
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
# What somebody reaches who has proven a password and must prove more: by what is missing, the page that asks for it.
HALFWAY = {"totp": "account.code", "enrolment": "own.factor"}
# Forms whose text is kept when the session runs out while somebody is writing: endpoint → name of the draft.
DRAFTS = {"wonders.new": "wonder"}
# The municipality tells in whose table to look, so that no question is asked across them; the rest is random.
_COOKIE = re.compile(r"([a-z0-9-]{1,40})\.([A-Za-z0-9_-]{20,100})")

# How long ago somebody may have shown who they are, before what matters most.
FRESH = timedelta(minutes=10)

login = LoginManager()
# Flask-Login's own ways of knowing somebody are not used: what it would write into Flask's cookie stays out of it.
login.session_protection = None
View = TypeVar("View", bound=Callable[..., Any])


class User(UserMixin):  # type: ignore[misc]
    """The logged-in person as flask-login knows them: the session with the core's actor."""

    def __init__(self, found: Session) -> None:
        self.session = found
        self.actor = found.actor

    def get_id(self) -> str:
        return self.session.id


def init_app(app: Flask) -> None:
    """Ask on every request who it is, and turn away everybody who isn't known from all but the open pages."""
    login.init_app(app)
    app.before_request(_identify)
    app.after_request(_send_cookie)
    app.teardown_request(lambda _error: _leave())


def _leave() -> None:
    # The thread that served this request serves the next one.
    if "entered" in g:
        tenancy.leave(g.pop("entered"))


def now() -> datetime:
    """Return the moment of this request; the same throughout it."""
    if "now" not in g:
        g.now = current_app.extensions["bti_clock"]()
    moment: datetime = g.now
    return moment


# --- from a cookie to a person --------------------------------------------------------------------------------------


@login.request_loader  # type: ignore[untyped-decorator]
def _load(_request: Any) -> User | None:
    found = _presented()
    if found is None or sessions.why_ended(found, now()) or sessions.missing_proof(found):
        return None
    return User(found)


def _presented() -> Session | None:
    """Return the session of the browser's token, whatever it is worth now; looked up once for a request."""
    # The page that says that the database is gone asks who is reading it.
    if g.get("is_unreachable"):
        return None
    if "presented" not in g:
        g.presented = _look_up(request.cookies.get(cookie_name(), ""))
    found: Session | None = g.presented
    return found


def _look_up(cookie: str) -> Session | None:
    parts = _COOKIE.fullmatch(cookie)
    if parts is None:
        return None
    tenancy.enter(parts[1])
    try:
        with single(current_app.extensions["bti_database"]) as database:
            return session_of(database, municipality_id=parts[1], token=parts[2], request_id=g.get("request_id", ""))
    except DatabaseUnavailable:
        g.is_unreachable = True
        raise


def cookie_name() -> str:
    """Return the name of the cookie that holds the token of a session."""
    return prefixed("stafett")


def prefixed(name: str) -> str:
    """Return a cookie's name, bound by its prefix to this very host where people come over HTTPS."""
    return f"__Host-{name}" if current_app.config["SESSION_COOKIE_SECURE"] else name


def _identify() -> AnyResponse | None:
    g.request_id = secrets.token_hex(8)
    # In nobody's, until it is known whose session it is or which municipality somebody logs in to.
    g.entered = tenancy.enter("")
    if request.endpoint == "static":
        return None
    found = _presented()
    if found is None:
        tenancy.enter("")
        return _turn_away()
    how = sessions.why_ended(found, now())
    if how:
        return _ended(found, how)
    missing = sessions.missing_proof(found)
    if missing and request.endpoint not in OPEN | {HALFWAY[missing], "account.logout"}:
        return redirect(url_for(HALFWAY[missing], neste=_way_back() or None), 303)
    if now() - found.seen_at >= sessions.STALE:
        with writing(current_app.extensions["bti_database"]) as database:
            sessions.touch(database, found=found, now=now())
    return None


def _turn_away() -> AnyResponse | None:
    if cookie_name() in request.cookies:
        g.cookie = ""
    if request.endpoint in OPEN or request.endpoint is None:
        return None
    return redirect(url_for("account.login", neste=_way_back()), 303)


def _ended(found: Session, how: str) -> AnyResponse | None:
    """Let go of a session that is over; what its person was sending is kept as a draft of theirs."""
    if not found.ended_how:
        with writing(current_app.extensions["bti_database"]) as database:
            sessions.end(database, found=found, how=how, now=now())
    # A page that was asked for before the newer token arrived must not take that one away again.
    is_late = how in sessions.SUCCEEDED
    if request.endpoint in OPEN or request.endpoint is None:
        # A page for everybody stays open, above all the one on how to report.
        g.cookie = None if is_late else ""
        return None
    if is_late:
        return redirect(url_for("account.login", neste=_way_back()), 303)
    kept = how in sessions.HARMLESS and _keep_draft(found)
    forget()
    flash(_why(how), "info")
    if kept:
        flash(_("Det du skrev, er lagret som kladd."), "warning")
    return redirect(url_for("account.login", neste=_way_back()), 303)


def _why(how: str) -> str:
    if how in ("idle", "absolute"):
        return _("Du var borte så lenge at du ble logget ut. Logg inn igjen.")
    if how in ("role_granted", "role_ended"):
        return _("Rollene dine er endret. Logg inn igjen, så gjelder de nye.")
    return _("Du er logget ut. Logg inn igjen.")


def _keep_draft(found: Session) -> bool:
    form = DRAFTS.get(request.endpoint or "")
    if request.method != "POST" or form is None:
        return False
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        return False
    try:
        with writing(current_app.extensions["bti_database"]) as database:
            drafts.save(database, actor=found.actor, form=form, content=request.form, now=now())
    except Invalid:
        # Longer than any draft: what was saved while it was written is kept.
        return False
    return True


def _way_back() -> str:
    if request.endpoint in OPEN or request.endpoint is None:
        return ""
    return request.path if request.method == "GET" or request.endpoint in DRAFTS else ""


def path_of_ours(target: str | None) -> str:
    """Return a path of ours to go on to; anything that leads away is dropped."""
    # Browsers read a backslash as a slash, and look past tabs and line breaks.
    if not target or not target.startswith("/") or target.startswith("//"):
        return ""
    if "\\" in target or not target.isprintable():
        return ""
    parts = urlsplit(target)
    return "" if parts.netloc or parts.scheme else target


# --- coming and going -----------------------------------------------------------------------------------------------


def come_in(municipality_id: str, begun: Begun) -> None:
    """Give the browser the token of a session that has just begun (and been committed)."""
    g.cookie = f"{municipality_id}.{begun.token}"


def forget() -> None:
    """Take the token and everything else that was about the person from the browser; only the language stays."""
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    g.cookie = ""


def _send_cookie(response: Response) -> Response:
    cookie = g.get("cookie")
    about = {"secure": bool(current_app.config["SESSION_COOKIE_SECURE"]), "httponly": True, "samesite": "Lax"}
    if cookie:
        response.set_cookie(cookie_name(), cookie, **about)  # type: ignore[arg-type]
    elif cookie is not None:
        response.delete_cookie(cookie_name(), **about)  # type: ignore[arg-type]
        # The next one at this machine must not find the pages by going back. Not "cookies": the language stays.
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


# --- what views ask -------------------------------------------------------------------------------------------------


def me() -> Actor:
    """Return the person asking. Only for pages that aren't open."""
    return cast(Actor, current_user.actor)


def my_session() -> Session:
    """Return the session of the person asking. Only for pages that aren't open."""
    return cast(Session, current_user.session)


def presented() -> Session | None:
    """Return the session that the browser came with, if it lives, also one that still misses a proof."""
    found = _presented()
    return None if found is None or sessions.why_ended(found, now()) else found


def halfway(missing: str) -> Session | None:
    """Return the session that still misses this proof (`totp`, `enrolment`), if that is what the browser has."""
    found = presented()
    return found if found and sessions.missing_proof(found) == missing else None


def require_step_up(max_age: timedelta, *, back: str = "") -> None:
    """Send the person to show once more that it is them, unless they did so within `max_age`.

    They come back to `back`, by default the page they are on: never in the middle of a form.
    """
    if now() - my_session().proven_at > max_age:
        abort(redirect(url_for("own.step_up", neste=back or request.full_path.rstrip("?")), 303))


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
    audit.show(
        current_app.extensions["bti_database"],
        lambda database: audit.record_refusal(database, actor=me(), attempt=endpoint, refusal=refusal, now=now()),
    )
    return refusal


STAFF = ("employee", "unit_leader", "coordinator")
