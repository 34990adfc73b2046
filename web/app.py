"""Putting the application together: settings, database, languages, security headers, pages."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any

from flask import Flask, Response, abort, current_app, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from bti.clock import utc_now
from bti.config import Settings
from bti.db import open_database
from bti.workflow import own
from web import access, devices, errors, language, show
from web.links import Stafett
from web.templating import Pages

# Every module of pages, by noun. A new one is added here and nowhere else.
PAGES = (
    "account",
    "own",
    "cases",
    "moves",
    "log",
    "attachments",
    "wonders",
    "leader",
    "discussions",
    "baton",
    "consents",
    "legal_basis",
    "participants",
    "referrals",
    "break_glass",
    "audit",
    "oversight",
    "signed_log",
    "administration",
    "imports",
    "models",
    "about",
)

csrf = CSRFProtect()
# Import files are the largest thing anybody sends; what people write is far smaller.
LARGEST_FILE = 24 * 1024 * 1024
LARGEST_FORM = 4 * 1024 * 1024
FILES = frozenset({"imports.upload", "attachments.index"})
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
# Source: OWASP ASVS 5.0, 3.4. The referrer isn't kept from ourselves: over HTTPS a form's is looked at.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
A_YEAR = "max-age=31536000; includeSubDomains"


def create_app(settings: Settings, *, database: Any = None, clock: Callable[[], datetime] = utc_now) -> Flask:
    """Return the WSGI application for one installation.

    `database` is an engine of `bti.db` (opened from the settings when left out); `clock` gives the present moment
    in UTC. Raises Misconfigured when the database can't be opened from the settings, or the municipality's own
    definitions aren't safe.
    """
    own.use(settings.workflows)
    app = Stafett(__name__)
    app.jinja_environment = Pages  # type: ignore[assignment]  # a subclass, as Flask's own documentation does
    _configure(app, settings)
    app.extensions["bti_database"] = database if database is not None else open_database(settings.database_url)
    app.extensions["bti_clock"] = clock
    app.before_request(_allow_for_files)
    # First the question who is asking, then whether the form is theirs: a session that ran out keeps its draft.
    access.init_app(app)
    devices.init_app(app)
    csrf.init_app(app)
    app.before_request(_refuse_null)
    language.init_app(app)
    show.init_app(app)
    errors.init_app(app)
    app.after_request(_protect)
    for name in PAGES:
        app.register_blueprint(import_module(f"web.{name}").pages)
    if settings.proxies:
        # Only the address: everything else a proxy says might as well have been said by whoever stands before it.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        # Language, forms' tokens and messages, for strangers too; who is logged in, web.access keeps elsewhere.
        SESSION_COOKIE_NAME="__Host-stafett-skjema" if settings.https else "stafett-skjema",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        # Flask-Login would believe a cookie of this name before it asks us: nobody can send one they can't guess.
        REMEMBER_COOKIE_NAME=secrets.token_hex(16),
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
    headers.update(HEADERS)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        headers["Strict-Transport-Security"] = A_YEAR
    if request.endpoint != "static":
        headers["Cache-Control"] = "no-store"
    return response
