"""Pages that are open to everybody: how to report a serious worry, accessibility, privacy; and a sign of life."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, current_app, render_template
from flask_login import current_user

from bti.db import DatabaseUnavailable, current_revision, head_revision, reading
from bti.queries.desk import child_welfare_units
from bti.usecases.wonders import model_in_force
from bti.workflow.definition import Choice
from bti.workflow.library import load_definition
from web.show import words

pages = Blueprint("about", __name__)
# Whose laws and duties are shown to somebody who isn't logged in.
STANDARD = ("bti", 1)


@pages.get("/meld-fra")
def report() -> str:
    """Say what to do at suspicion of violence, abuse or serious neglect, to anybody, logged in or not."""
    units: tuple[Any, ...] = ()
    duties: tuple[Choice, ...] = load_definition(*STANDARD).definition.legal_bases
    if current_user.is_authenticated:
        here = current_user.actor.municipality_id
        with reading(current_app.extensions["bti_database"]) as session:
            units = child_welfare_units(session, municipality_id=here)
            duties = model_in_force(session, here).definition.legal_bases or duties
    return render_template("about/report.html", units=units, duties=[words(duty.label) for duty in duties])


@pages.get("/tilgjengelighet")
def accessibility() -> str:
    """Say how accessible the pages are, what has been tested and what hasn't."""
    return render_template("about/accessibility.html")


@pages.get("/personvern")
def privacy() -> str:
    """Say in short what is kept, who sees it and what one may ask for."""
    return render_template("about/privacy.html")


@pages.get("/helse")
def health() -> tuple[str, int, dict[str, str]]:
    """Answer monitoring: ok, or 503 when the database is gone or its schema is behind. Nothing else is told."""
    try:
        well = current_revision(current_app.extensions["bti_database"]) == _newest()
    except DatabaseUnavailable:
        well = False
    plain = {"Content-Type": "text/plain; charset=utf-8"}
    return ("ok\n", 200, plain) if well else ("unavailable\n", 503, plain)


@cache
def _newest() -> str | None:
    # Reading the folder of migrations takes longer than asking the database, and it doesn't change while we run.
    return head_revision()
