"""Devices that have opened an account before: a stranger who guesses passwords can't make them wait.

The cookie opens nothing. It is a random name of the device, and for each account that was opened with it a sign that
only we can make and that tells nobody whose account it is.
"""

from __future__ import annotations

import re
import secrets

from flask import Flask, Response, current_app, g, request

from bti.usecases import throttling
from web.access import prefixed

_COOKIE = re.compile(r"[A-Za-z0-9_-]{22}(\.[0-9a-f]{32}){0,8}")
# A computer in a staff room is used by several.
_MOST_ACCOUNTS = 8
_REMEMBERED_SECONDS = 180 * 24 * 60 * 60


def init_app(app: Flask) -> None:
    """Send the cookie with the answer to whoever has just come in."""
    app.after_request(_send_cookie)


def known_for(municipality_id: str, person_id: str) -> str:
    """Return the device's name if this account was opened with it before, else nothing."""
    name, signs = _read()
    known = throttling.is_vouched(
        signs, key=_key(), device=name, municipality_id=municipality_id, person_id=person_id
    )  # fmt: skip
    return name if known else ""


def remember(municipality_id: str, person_id: str) -> None:
    """Let this device be known for the account from now on."""
    name, signs = _read()
    name = name or secrets.token_urlsafe(16)
    mine = throttling.vouch(key=_key(), device=name, municipality_id=municipality_id, person_id=person_id)
    kept = [mine, *(one for one in signs if one != mine)][:_MOST_ACCOUNTS]
    g.device = ".".join([name, *kept])


def _read() -> tuple[str, list[str]]:
    cookie = request.cookies.get(_name(), "")
    if not _COOKIE.fullmatch(cookie):
        return "", []
    name, *signs = cookie.split(".")
    return name, signs


def _name() -> str:
    return prefixed("stafett-kjent")


def _key() -> str:
    key: str = current_app.config["SECRET_KEY"]
    return key


def _send_cookie(response: Response) -> Response:
    if "device" in g:
        response.set_cookie(
            _name(), g.device, max_age=_REMEMBERED_SECONDS, secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
            httponly=True, samesite="Lax",
        )  # fmt: skip
    return response
