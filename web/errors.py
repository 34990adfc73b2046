"""A refusal or a fault as a page: the right status, plain words, who can help, a code; never a stack trace."""

from __future__ import annotations

from contextlib import suppress

from flask import Flask, current_app, g, render_template, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from bti import audit, tenancy
from bti.db import DatabaseUnavailable, writing
from bti.errors import NotFound, Refused, TooManyCases, TooSoon, Unopened
from bti.policy import MAY_BREAK_GLASS
from web.access import now
from web.forms import wait_headers
from web.language import gettext as _
from web.sentences import refusal_helper, refusal_sentence, wait_sentence


def init_app(app: Flask) -> None:
    """Answer every refusal and fault with a page of ours."""
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(TooSoon, _too_soon)
    app.register_error_handler(DatabaseUnavailable, _unavailable)
    app.register_error_handler(Unopened, _unopened)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)


def _page(
    status: int, heading: str, text: str, *, helper: str = "", code: str = "", emergency: str = ""
) -> tuple[str, int]:
    home = url_for("cases.home") if current_user and current_user.is_authenticated else url_for("account.login")
    page = render_template(
        "error.html", heading=heading, text=text, helper=helper, code=code, back_href=home, emergency_href=emergency
    )
    return page, status


def _refused(refusal: Refused) -> tuple[str, int]:
    if isinstance(refusal, NotFound):
        return _not_found()
    return _page(
        refusal.status,
        _("Dette går ikke nå"),
        refusal_sentence(refusal),
        helper=refusal_helper(refusal),
        code=refusal.code,
    )


def _too_soon(soon: TooSoon) -> tuple[str, int, dict[str, str]]:
    heading, text = _("Vent litt"), wait_sentence(soon)
    if isinstance(soon, TooManyCases):
        heading = _("Du har åpnet mange saker")
        text += " " + _(
            "Sakene du har åpnet den siste tiden, kan du fortsatt lese. En revisor har fått varsel og ser hvilke det "
            "er."
        )
    return *_page(soon.status, heading, text, code=soon.code), wait_headers(soon)


def _not_found() -> tuple[str, int]:
    # The same words whether it isn't there or isn't theirs to see.
    text = _("Den finnes ikke, eller du har ikke tilgang til den.")
    helper = ""
    if request.path.startswith("/saker/") and current_user and current_user.is_authenticated:
        helper = _(
            "Har du vært med i saken? Da kan samtykket være trukket eller løpt ut, eller delen din være avsluttet. "
            "Lederen din vet hvem du kan spørre."
        )
    return _page(404, _("Vi finner ikke siden"), text, helper=helper, emergency=_emergency())


def _emergency() -> str:
    """Return the way to ask for a case in an emergency, for those who may: the same where there is no such case."""
    if not (current_user and current_user.is_authenticated and current_user.actor.has(*MAY_BREAK_GLASS)):
        return ""
    return url_for("break_glass.new", sak=(request.view_args or {}).get("reference"))


def _unavailable(error: DatabaseUnavailable) -> tuple[str, int]:
    if error.reason == "refused":
        return _page(
            503,
            _("Vi kan ikke vise dette nå"),
            _(
                "Det som leses og gjøres, skal stå i innsynsloggen, og den kan ikke skrives nå. Derfor er ingenting "
                "vist og ingenting endret. Prøv igjen om litt, og si fra til administratoren hvis det varer."
            ),
            code=error.reason,
        )
    return _page(
        503,
        _("Stafett er ikke tilgjengelig akkurat nå"),
        _("Vi får ikke kontakt med databasen, eller den er opptatt. Ingenting er endret. Prøv igjen om litt."),
        code=error.reason,
    )


def _unopened(shut: Unopened) -> tuple[str, int]:
    current_app.logger.error("request %s: %s", g.get("request_id", ""), shut)
    if "presented" not in g:
        # It was the reader's own name: nobody asks for it once more.
        g.is_unreachable = True
    who = current_user.actor if current_user and current_user.is_authenticated else None
    database = current_app.extensions["bti_database"]
    with suppress(DatabaseUnavailable), tenancy.within(shut.municipality_id), writing(database) as session:
        audit.record_unopened(session, actor=who, shut=shut, now=now())
    return _page(
        500,
        _("Noe av dette kan ikke åpnes"),
        _(
            "Innholdet er endret utenfor Stafett, eller nøkkelen til det mangler. Derfor viser vi ikke noe av siden. "
            "Det står nå i revisjonsloggen. Si fra til den som drifter Stafett hos dere."
        ),
        code=g.get("request_id", ""),
    )


def _csrf(error: CSRFError) -> tuple[str, int]:
    return _page(
        400,
        _("Skjemaet er for gammelt"),
        _("Siden du sendte fra, hører ikke til denne innloggingen. Gå tilbake, last siden på nytt og send igjen."),
        code="csrf",
    )


def _http(error: HTTPException) -> tuple[str, int]:
    status = error.code or 500
    if status == 404:
        return _not_found()
    if status == 405:
        return _page(405, _("Slik kan ikke siden brukes"), _("Gå tilbake og bruk knappene på siden."), code="405")
    if status == 413:
        return _page(
            413, _("Det ble for mye"), _("Teksten eller filen er for stor. Del den opp og prøv igjen."), code="413"
        )
    if status < 500:
        return _page(status, _("Vi forstår ikke det du sendte"), _("Gå tilbake og prøv igjen."), code=str(status))
    return _fault(error)


def _fault(error: BaseException) -> tuple[str, int]:
    # The trace goes to the log of the server, with the request's number; neither carries what people wrote.
    current_app.logger.error("request %s %s failed", g.get("request_id", ""), request.endpoint, exc_info=error)
    return _page(
        500,
        _("Noe gikk galt hos oss"),
        _("Det du ba om, er ikke gjort. Prøv igjen, og si fra til administratoren hvis det skjer på nytt."),
        code=g.get("request_id", ""),
    )
