"""Showing who one is, wherever it is asked: a try is taken first, then the secret is looked at, then the trail is told.

Each is a transaction of its own: what was tried stays tried whatever happens next, and no lock is held meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

from flask import current_app, request

from bti.actor import Actor
from bti.db import reading, writing
from bti.errors import Forbidden, Invalid, TooSoon
from bti.queries.sessions import Session
from bti.usecases import factors, logins, throttling
from bti.usecases.logins import Account
from bti.usecases.throttling import Bucket
from web import devices
from web.access import now

T = TypeVar("T")


def password(municipality_id: str, username: str, typed: str) -> Account:
    """Return the account that user name and password open. Raises Forbidden (`wrong_login`), TooSoon."""
    account = _read(lambda s: _account(s, municipality_id, username))
    if account is None:
        raise Forbidden("wrong_login")
    buckets = throttling.password_buckets(
        key=_key(), account=username.strip().lower(), source=_source(),
        device=devices.known_for(municipality_id, account.person_id),
    )  # fmt: skip
    _take(municipality_id, buckets, "password", None)
    if not logins.is_right(account, typed):
        _fail(municipality_id, "password", None)
        raise Forbidden("wrong_login")
    _write(lambda s: throttling.give_back(s, municipality_id=municipality_id, buckets=buckets))
    return account


def _account(session: Any, municipality_id: str, username: str) -> Account | None:
    # There is nothing to guess in a municipality that isn't there.
    if not logins.municipality_of(session, municipality_id=municipality_id):
        return None
    return logins.find_account(session, municipality_id=municipality_id, username=username)


def own_password(found: Session, typed: str) -> None:
    """Let somebody who is logged in show that they know their password. Raises as `password`."""
    account = _read(lambda s: logins.own_account(s, actor=found.actor))
    # Whoever took over a session tries from the person's own device: no bucket is kept apart for it.
    buckets = throttling.own_buckets(key=_key(), door="own_password", actor=found.actor)
    _take(account.municipality_id, buckets, "own_password", found.actor)
    if not logins.is_right(account, typed):
        _fail(account.municipality_id, "password", found.actor)
        raise Forbidden("wrong_password")
    _write(lambda s: throttling.give_back(s, municipality_id=account.municipality_id, buckets=buckets))


def code(found: Session, typed: str) -> str:
    """Return how the second factor was proven: `totp` or `recovery`.

    Raises Invalid (`code`: `missing`), Forbidden (`wrong_code`), TooSoon.
    """
    if not typed.strip():
        raise Invalid(code="missing")
    actor = found.actor
    buckets = throttling.own_buckets(
        key=_key(), door="code", actor=actor, device=devices.known_for(actor.municipality_id, actor.person_id)
    )
    _take(actor.municipality_id, buckets, "code", actor)

    def prove(session: Any) -> str:
        method = factors.prove(session, actor=actor, typed=typed, now=now())
        throttling.give_back(session, municipality_id=actor.municipality_id, buckets=buckets)
        return method

    try:
        return _write(prove)
    except Forbidden:
        _fail(actor.municipality_id, "code", actor)
        raise


def _take(municipality_id: str, buckets: Sequence[Bucket], door: str, actor: Actor | None) -> None:
    try:
        _write(lambda s: throttling.take(s, municipality_id=municipality_id, buckets=buckets, now=now()))
    except TooSoon:
        _write(lambda s: throttling.record(s, municipality_id=municipality_id, door=door, now=now(), actor=actor))
        raise


def _fail(municipality_id: str, method: str, actor: Actor | None) -> None:
    _write(lambda s: logins.record_failure(s, municipality_id=municipality_id, method=method, now=now(), actor=actor))


def _key() -> str:
    key: str = current_app.config["SECRET_KEY"]
    return key


def _source() -> str:
    """Return where the request comes from; of an IPv6 address the network, all of which one household has."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


def _write(work: Callable[[Any], T]) -> T:
    with writing(current_app.extensions["bti_database"]) as session:
        return work(session)


def _read(work: Callable[[Any], T]) -> T:
    with reading(current_app.extensions["bti_database"]) as session:
        return work(session)
