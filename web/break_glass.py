"""Breaking the glass (nødtilgang): asking for one case in an emergency, ending it, and a leader's review of it.

The form neither searches nor suggests. What it says of a case that can't be opened so, it says of every such case.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from bti.errors import Invalid, NotFound, NotPossible, TooSoon
from bti.policy import MAY_BREAK_GLASS
from bti.queries.break_glass import lasting
from bti.usecases import break_glass
from bti.usecases.break_glass import Opened, ToReview, Wanted
from web import edge
from web.access import FRESH, for_roles, me, require_step_up
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.language import ngettext
from web.sentences import choices, refusal_sentence, word
from web.sentences_audit import say

pages = Blueprint("break_glass", __name__, url_prefix="/nodtilgang")
# Who came to the form has shown that it is them; there is time to write the reason before they are asked again.
WRITING = 2 * FRESH


@pages.route("", methods=["GET", "POST"])
@for_roles(*MAY_BREAK_GLASS)
def new() -> Any:
    """Ask for one case by its reference or by the child, with a reason and for some minutes, and open it at once."""
    units = edge.show("break_glass.open", lambda session: break_glass.own_units(session, actor=me()))
    form, problem = Form.of(), Problem()
    require_step_up(WRITING if request.method == "POST" else FRESH, back=url_for("break_glass.new"))
    if request.method == "POST":
        try:
            return _open(form)
        except NotFound as refusal:
            problem = Problem({}, refusal_sentence(refusal), (), refusal.code, refusal.status)
        except (Invalid, TooSoon) as refusal:
            problem = explain(refusal)
    mine = edge.show("break_glass.open", lambda session: lasting(session, actor=me(), now=edge.now()))
    page = render_template(
        "break_glass/new.html",
        form=form,
        problem=problem,
        errors=problem.errors,
        causes=choices("break_glass", break_glass.CAUSES),
        minutes=[(number, _minutes(number)) for number in break_glass.MINUTES],
        usual=break_glass.USUAL_MINUTES,
        units=[(one.unit_id, one.unit_name) for one in me().memberships if one.unit_id in units],
        longest=break_glass.LONGEST_REASON,
        mine=mine,
        reference=request.args.get("sak", ""),
    )
    return page, problem.status, problem.headers


def _minutes(number: int) -> str:
    return ngettext("%(num)d minutt", "%(num)d minutter", number)


def _open(form: Form) -> Response:
    wanted = Wanted(
        reference=form.text("case"), child=form.text("child"), born_on=form.day("born_on"), unit_id=form.text("unit"),
        cause=form.text("cause"), reason=form.text("reason"), minutes=form.number("minutes"),
    )  # fmt: skip
    asked: dict[str, Any] = {"actor": me(), "now": edge.now()}
    edge.show("break_glass.open", lambda session: break_glass.check(session, wanted=wanted, **asked))
    # Counted whatever comes of it: a try that finds nothing is undone with its own transaction.
    edge.perform("break_glass.open", lambda session: break_glass.take_a_try(session, **asked))
    return edge.submit(
        "break_glass.open",
        lambda session: break_glass.open_case(session, wanted=wanted, **asked),
        then=lambda opened: url_for("cases.case", reference=opened.reference),
        said=_is_open,
    )


def _is_open(opened: Opened) -> str:
    if not opened.is_new:
        return _("Du har tilgang til saken fra før. Det ble ikke brukt nødtilgang.")
    return _("Nødtilgangen gjelder nå. Lederne har fått vite det, og noen andre går gjennom den etterpå.")


@pages.post("/<break_glass_id>/avslutt")
@for_roles(*MAY_BREAK_GLASS)
def end(break_glass_id: str) -> Any:
    """End an emergency access before its time."""
    back = request.form.get("tilbake") == "gjennomgang"
    return edge.submit(
        "break_glass.end",
        lambda session: break_glass.end(session, actor=me(), break_glass_id=break_glass_id, now=edge.now()),
        then=url_for("break_glass.review", break_glass_id=break_glass_id) if back else url_for("break_glass.new"),
        said=_("Nødtilgangen er avsluttet."),
    )


@pages.route("/<break_glass_id>", methods=["GET", "POST"])
@for_roles("unit_leader")
def review(break_glass_id: str) -> Any:
    """Show a leader who read what and why in an emergency, and take their verdict."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return submit_review(break_glass_id, form, then=url_for("leader.desk"))
        except (Invalid, NotPossible) as refusal:
            problem = explain(refusal)
    found = edge.show(
        "break_glass.read",
        lambda session: break_glass.see(session, actor=me(), break_glass_id=break_glass_id, now=edge.now()),
    )
    page = render_template("break_glass/review.html", form=form, problem=problem, **about(found))
    return page, problem.status


def submit_review(break_glass_id: str, form: Form, *, then: str) -> Response:
    """Close an emergency access with the verdict in the form. Raises what `break_glass.review` raises."""
    return edge.submit(
        "break_glass.review",
        lambda session: break_glass.review(
            session, actor=me(), break_glass_id=break_glass_id, verdict=form.text("verdict"), note=form.text("note"),
            now=edge.now(),
        ),
        then=then,
        said=_("Gjennomgangen er lagret. Nødtilgangen er ferdig behandlet."),
    )  # fmt: skip


def about(found: ToReview) -> dict[str, Any]:
    """Return what the pages of a review show."""
    row = found.row
    return {
        "found": found,
        "row": row,
        "say": say,
        "cause": word("break_glass", row.cause),
        "lasts": _minutes(row.minutes),
        "verdicts": choices("break_glass_verdict", break_glass.VERDICTS),
        "longest": break_glass.LONGEST_REASON,
    }


def age(since: Any) -> str:
    """Return how long something has waited, in words."""
    waited: timedelta = edge.now() - since
    if waited < timedelta(hours=1):
        return _("under en time")
    if waited < timedelta(days=2):
        return ngettext("%(num)d time", "%(num)d timer", int(waited.total_seconds() // 3600))
    return ngettext("%(num)d dag", "%(num)d dager", waited.days)
