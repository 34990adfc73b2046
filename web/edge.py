"""The edge: one transaction for each request's work, opened here and committed before anything is shown."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, flash, g, redirect, request
from flask_login import current_user
from werkzeug.wrappers import Response

from bti import audit
from bti.db import writing
from bti.errors import Invalid, Refused
from bti.usecases import receipts
from bti.usecases.finding import find_case
from web.access import me
from web.access import now as now
from web.language import gettext as _

T = TypeVar("T")


def once() -> str:
    """Return a fresh token for a form: sending the same token twice has one effect."""
    return secrets.token_urlsafe(18)


def in_case(session: Any, reference: str) -> str:
    """Return the id of the case with this reference, and remember it for the trail. Raises NotFound."""
    g.case_id = find_case(session, municipality_id=me().municipality_id, reference=reference)
    case_id: str = g.case_id
    return case_id


def perform(attempt: str, work: Callable[[Any], T]) -> T:
    """Run `work(session)` in one transaction and return its result once it is committed.

    A refusal is written to the trail in a transaction of its own (what was typed wrong isn't one), then raised.
    """

    def write(database: Any) -> T:
        with writing(database) as session:
            return work(session)

    return _attempt(attempt, write)


def show(attempt: str, work: Callable[[Any], T]) -> T:
    """Run `work(session)`, which only reads, and return what it read once the trail's entries of it are on disk.

    Refusals as in `perform`. `work` may be run again when a case changed while it was read.
    """
    return _attempt(attempt, lambda database: audit.show(database, work))


def _attempt(attempt: str, run: Callable[[Any], T]) -> T:
    database = current_app.extensions["bti_database"]
    try:
        return run(database)
    except Refused as refusal:
        if not isinstance(refusal, Invalid) and current_user.is_authenticated:
            told = {"actor": me(), "attempt": attempt, "refusal": refusal, "now": now(), "case_id": g.get("case_id")}
            audit.show(database, lambda session: audit.record_refusal(session, **told))
        raise


def submit(
    attempt: str, work: Callable[[Any], T], *, then: Callable[[T], str] | str, said: Callable[[T], str] | str = ""
) -> Response:
    """Run what a form asks for, once, and send the person on (303) with a word of what happened.

    `then` is where to, `said` the notice; both may depend on the result. The form's token makes a second sending
    harmless: it changes nothing and leads to where the first one led.
    """

    def guarded(session: Any) -> tuple[str, str]:
        token = request.form.get("once", "")
        earlier = receipts.receive(session, actor=me(), token=token, now=now())
        if earlier is not None:
            return earlier or request.path, _("Dette skjemaet er allerede sendt. Det ble registrert én gang.")
        result = work(session)
        target = then if isinstance(then, str) else then(result)
        receipts.finish(session, actor=me(), token=token, result=target)
        return target, said if isinstance(said, str) else said(result)

    target, notice = perform(attempt, guarded)
    if notice:
        flash(notice, "success")
    return redirect(target, 303)
