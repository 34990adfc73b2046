"""Putting the application together: settings, database, languages, security headers, pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any

from flask import Flask, Response, abort, request
from flask_wtf.csrf import CSRFProtect

from bti.clock import utc_now
from bti.config import Settings
from bti.db import open_database
from web import access, errors, language, show
from web.links import Stafett
from web.templating import Pages

# Every module of pages, by noun. A new one is added here and nowhere else.
PAGES = (
    "account",
    "cases",
    "moves",
    "log",
    "wonders",
    "leader",
    "discussions",
    "baton",
    "consents",
    "participants",
    "referrals",
    "audit",
    "administration",
    "imports",
    "models",
    "about",
)

csrf = CSRFProtect()
# Import files are the largest thing anybody sends; what people write is far smaller.
LARGEST_FILE = 24 * 1024 * 1024
LARGEST_FORM = 4 * 1024 * 1024
FILES = frozenset({"imports.upload"})
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(settings: Settings, *, database: Any = None, clock: Callable[[], datetime] = utc_now) -> Flask:
    """Return the WSGI application for one installation.

    `database` is an engine of `bti.db` (opened from the settings when left out); `clock` gives the present moment
    in UTC. Raises Misconfigured when the database can't be opened from the settings.
    """
    app = Stafett(__name__)
    app.jinja_environment = Pages  # type: ignore[assignment]  # a subclass, as Flask's own documentation does
    _configure(app, settings)
    app.extensions["bti_database"] = database if database is not None else open_database(settings.database_url)
    app.extensions["bti_clock"] = clock
    app.before_request(_allow_for_files)
    # First the question who is asking, then whether the form is theirs: a session that ran out keeps its draft.
    access.init_app(app)
    csrf.init_app(app)
    app.before_request(_refuse_null)
    language.init_app(app)
    show.init_app(app)
    errors.init_app(app)
    app.after_request(_protect)
    for name in PAGES:
        app.register_blueprint(import_module(f"web.{name}").pages)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-stafett" if settings.https else "stafett",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=settings.https,
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        MAX_FORM_PARTS=400,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        BABEL_DEFAULT_LOCALE="nb",
        BABEL_DEFAULT_TIMEZONE=settings.timezone,
    )
    app.jinja_options["trim_blocks"] = True
    app.jinja_options["lstrip_blocks"] = True


def _allow_for_files() -> None:
    if request.endpoint in FILES:
        request.max_content_length = LARGEST_FILE


def _refuse_null() -> None:
    """Turn away what no keyboard writes and no PostgreSQL keeps: a NUL in an address or a field."""
    sent = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if "\0" in request.path or any("\0" in name + value for name, value in sent):
        abort(400)


def _protect(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if request.endpoint != "static":
        headers["Cache-Control"] = "no-store"
    return response
