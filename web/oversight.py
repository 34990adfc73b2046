"""The auditor's workbench: what waits, emergency access to review, alerts to close, and reads drawn to be gone through.

The role is asked for by the core and not by the view, so that an attempt by anybody else is written to the trail.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from bti.clock import OSLO, local_day
from bti.errors import Invalid, NotPossible
from bti.queries.audit import MOST_COUNTED
from bti.queries.audit_past import SOUND
from bti.queries.oversight import MOST_LISTED
from bti.usecases import workbench
from bti.usecases.workbench import Sample, Wanted
from web import break_glass as emergency
from web import edge
from web.access import me
from web.auditmap import row_of, rows_of
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.sentences import choices
from web.sentences_audit import say
from web.show import day

pages = Blueprint("oversight", __name__, url_prefix="/revisjon")
# What a sample is drawn from unless the auditor says otherwise, in days.
USUAL_DAYS = 30


@pages.context_processor
def _words() -> dict[str, Any]:
    return {
        "say": say, "sound": SOUND, "age": emergency.age, "period": _period, "most_listed": MOST_LISTED,
        "most": MOST_COUNTED - 1,
    }  # fmt: skip


def _period(sample: Any) -> str:
    """Return the days a sample was drawn from, the last one included."""
    last = local_day(sample.until - timedelta(microseconds=1))
    return _("%(first)s til %(last)s", first=day(local_day(sample.since)), last=day(last))


@pages.get("/oppgaver")
def queue() -> str:
    """Show what waits for an auditor."""
    return _queue(Form(_usual()), Problem())


def _queue(form: Form, problem: Problem) -> str:
    found = edge.show("audit.search", lambda session: workbench.queue(session, actor=me(), now=edge.now()))
    return render_template(
        "oversight/queue.html", found=found, form=form, problem=problem, sizes=[(one, one) for one in workbench.SIZES]
    )


def _usual() -> dict[str, str]:
    today = local_day(edge.now())
    since = today - timedelta(days=USUAL_DAYS)
    return {"since": since.strftime("%d.%m.%Y"), "until": today.strftime("%d.%m.%Y"), "size": str(workbench.SIZES[0])}


# --- emergency access -------------------------------------------------------------------------------------------------


@pages.route("/nodtilgang/<break_glass_id>", methods=["GET", "POST"])
def break_glass(break_glass_id: str) -> Any:
    """Show an emergency access without its free text, and take a verdict."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return emergency.submit_review(break_glass_id, form, then=url_for("oversight.queue"))
        except (Invalid, NotPossible) as refusal:
            problem = explain(refusal)
    found = edge.show(
        "audit.search",
        lambda session: workbench.see_break_glass(
            session, actor=me(), break_glass_id=break_glass_id, now=edge.now()
        ),
    )  # fmt: skip
    page = render_template("oversight/break_glass.html", form=form, problem=problem, **emergency.about(found))
    return page, problem.status


# --- alerts -----------------------------------------------------------------------------------------------------------


@pages.route("/varsler/<alert_id>", methods=["GET", "POST"])
def alert(alert_id: str) -> Any:
    """Show an alert with what was read, and take what it came to."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "alert.close",
                lambda session: workbench.close_alert(
                    session, actor=me(), alert_id=alert_id, outcome=form.text("outcome"), note=form.text("note"),
                    now=edge.now(),
                ),
                then=url_for("oversight.queue"),
                said=_("Varselet er behandlet."),
            )  # fmt: skip
        except (Invalid, NotPossible) as refusal:
            problem = explain(refusal)
    found = edge.show(
        "audit.search",
        lambda session: workbench.see_alert(session, actor=me(), alert_id=alert_id, now=edge.now()),
    )
    page = render_template(
        "oversight/alert.html", form=form, problem=problem, alert=found.row, found=found.reads,
        rows=rows_of(found.reads), outcomes=_outcomes(), longest=workbench.LONGEST_NOTE,
    )  # fmt: skip
    return page, problem.status


def _outcomes() -> list[tuple[str, str]]:
    return choices("looked_into", workbench.OUTCOMES)


# --- reads drawn by lot -----------------------------------------------------------------------------------------------


@pages.post("/stikkprover")
def draw() -> Any:
    """Draw reads of a period by lot."""
    form = Form.of()
    try:
        wanted = _wanted(form)
        picked = edge.show("sample.draw", lambda session: workbench.pick(session, actor=me(), wanted=wanted))
        return edge.submit(
            "sample.draw",
            lambda session: workbench.keep(session, actor=me(), picked=picked, now=edge.now()),
            then=lambda sample_id: url_for("oversight.sample", sample_id=sample_id),
            said=_("Stikkprøvene er trukket."),
        )
    except Invalid as refusal:
        problem = explain(refusal)
    return _queue(form, problem), problem.status


def _wanted(form: Form) -> Wanted:
    return Wanted(
        since=_midnight(form, "since"),
        # The last day is with in it, to its end.
        until=_midnight(form, "until", days_later=1),
        size=form.number("size"),
        seed=form.text("seed"),
    )


def _midnight(form: Form, name: str, *, days_later: int = 0) -> datetime | None:
    day = form.day(name)
    if day is None:
        return None
    # At the ends of the calendar there is no next day, and no moment in UTC.
    if not 1900 <= day.year <= 2999:
        raise Invalid(**{name: "not_a_date"})
    return datetime.combine(day + timedelta(days=days_later), time(), OSLO)


@pages.get("/stikkprover/<sample_id>")
def sample(sample_id: str) -> str:
    """Show a sample: how far it is, and each of its reads."""
    found = _sample(sample_id)
    lines = [(item.row, row_of(item.entry) if item.entry else None) for item in found.items]
    return render_template("oversight/sample.html", found=found, sample=found.row, lines=lines)


@pages.route("/stikkprover/<sample_id>/<int:place>", methods=["GET", "POST"])
def item(sample_id: str, place: int) -> Any:
    """Show one read that was drawn, and take whether it is fine."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "sample.judge",
                lambda session: workbench.judge_item(
                    session, actor=me(), sample_id=sample_id, place=place, outcome=form.text("outcome"),
                    note=form.text("note"), now=edge.now(),
                ),
                then=url_for("oversight.next_item", sample_id=sample_id),
            )  # fmt: skip
        except (Invalid, NotPossible) as refusal:
            problem = explain(refusal)
    found = _sample(sample_id)
    said, entry = workbench.item_of(found, place)
    page = render_template(
        "oversight/item.html", form=form, problem=problem, found=found, sample=found.row, item=said,
        rows=[row_of(entry)], outcomes=_outcomes(), longest=workbench.LONGEST_NOTE,
    )  # fmt: skip
    return page, problem.status


@pages.get("/stikkprover/<sample_id>/neste")
def next_item(sample_id: str) -> Any:
    """Go on to the next read nobody has judged, or back to the sample when there is none."""
    waiting = _sample(sample_id).next
    if waiting is None:
        return redirect(url_for("oversight.sample", sample_id=sample_id), 303)
    return redirect(url_for("oversight.item", sample_id=sample_id, place=waiting.row.place), 303)


def _sample(sample_id: str) -> Sample:
    return edge.show(
        "audit.search",
        lambda session: workbench.see_sample(session, actor=me(), sample_id=sample_id, now=edge.now()),
    )
