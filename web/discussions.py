"""Anonymous discussion: asking a helping service, and answering. No page here leads to a case or from one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for

from bti.db import reading
from bti.errors import Refused
from bti.queries.discussions import HELPING_KINDS, Place, helping_units
from bti.usecases import discussions
from web import edge, places
from web.access import STAFF, for_roles, me
from web.forms import Form, Problem, explain
from web.language import gettext as _

pages = Blueprint("discussions", __name__)


@pages.get("/drofting")
@for_roles(*STAFF)
def desk() -> str:
    """List one's own questions; a helping service also those put to it."""
    helps = _helps()
    ours = helps and (request.args.get("vis") == "oss" or not me().has("employee", "unit_leader"))
    read = discussions.read_ours if ours else discussions.read_mine
    after = places.asked_for(Place)
    found = edge.show("discussion.read", lambda session: read(session, actor=me(), after=after, now=edge.now()))
    older = None
    if found.after:
        place = places.written(found.after.asked_at, found.after.id)
        older = url_for("discussions.desk", vis="oss" if ours else "mine", etter=place)
    return render_template(
        "discussions/desk.html",
        found=found,
        ours=ours,
        helps=helps,
        asks=me().has("employee", "unit_leader"),
        first=after is None,
        older=older,
    )


def _helps() -> bool:
    return any(one.unit_kind in HELPING_KINDS for one in me().memberships if one.role in STAFF)


@pages.route("/drofting/ny", methods=["GET", "POST"])
@for_roles("employee", "unit_leader")
def new() -> Any:
    """Ask a helping service."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "discussion.ask",
                lambda session: discussions.ask(
                    session,
                    actor=me(),
                    unit_id=form.text("unit"),
                    question=form.text("question"),
                    confirmed=bool(form.text("confirmed")),
                    now=edge.now(),
                ),
                then=lambda discussion_id: url_for("discussions.show", discussion_id=discussion_id),
                said=_("Spørsmålet er sendt. Svaret kommer på denne siden. Haster det, så ring tjenesten."),
            )
        except Refused as refusal:
            problem = explain(refusal)
    with reading(current_app.extensions["bti_database"]) as session:
        units = helping_units(session, actor=me())
    page = render_template(
        "discussions/new.html",
        form=form,
        problem=problem,
        errors={name: problem.errors[name] for name in ("unit", "question", "confirmed") if name in problem.errors}
        or problem.errors,
        units=units,
        longest=discussions.LONGEST,
    )
    return page, problem.status


@pages.route("/drofting/<discussion_id>", methods=["GET", "POST"])
@for_roles(*STAFF)
def show(discussion_id: str) -> Any:
    """Show a discussion to the one who asked and to the service that was asked, which may answer."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "discussion.answer",
                lambda session: discussions.answer(
                    session,
                    actor=me(),
                    discussion_id=discussion_id,
                    text=form.text("answer"),
                    confirmed=bool(form.text("confirmed")),
                    now=edge.now(),
                ),
                then=url_for("discussions.show", discussion_id=discussion_id),
                said=_("Svaret er sendt. Den som spurte, ser det på denne siden."),
            )
        except Refused as refusal:
            problem = explain(refusal)
    row = edge.show(
        "discussion.read",
        lambda session: discussions.read_one(session, actor=me(), discussion_id=discussion_id, now=edge.now()),
    )
    page = render_template(
        "discussions/show.html",
        row=row,
        form=form,
        problem=problem,
        errors=problem.errors,
        mine=row.author_id == me().person_id,
        may_answer=row.answered_at is None and row.unit_id in me().units(),
        longest=discussions.LONGEST,
    )
    return page, problem.status
