"""The worklist and the case page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bti.clock import local_day
from bti.errors import NotFound
from bti.queries.worklist import MINE, MOST_COUNTED, PAGE, UNIT, Filter, Place
from bti.usecases import desk, reading, worklists
from web import casemap, edge, worklistmap
from web.access import STAFF, for_roles, me

pages = Blueprint("cases", __name__)
FILTERS = ("q", "niva", "frist", "vis")
# What a person may choose to look at, as it stands in the address: whose cases, and whether closed ones.
VIEWS = {"mine": (MINE, False), "enhet": (UNIT, False), "avsluttet": (MINE, True), "enhet-avsluttet": (UNIT, True)}
# The last day of each choice of deadlines, in days from today.
DUE_WITHIN = {"forfalt": -1, "uke": 7}


@pages.get("/")
def home() -> Response:
    """Send each person to the page their role begins with."""
    actor = me()
    for role, endpoint in (
        ("unit_leader", "leader.desk"),
        ("employee", "cases.worklist"),
        ("coordinator", "referrals.desk"),
        ("auditor", "audit.questions"),
        ("administrator", "administration.home"),
        ("bti_team", "models.index"),
    ):
        if actor.has(role):
            return redirect(url_for(endpoint), 303)
    return redirect(url_for("about.privacy"), 303)


@pages.get("/saker")
@for_roles(*STAFF)
def worklist() -> str:
    """Show the person's cases by deadline; a leader may look at the whole unit, everybody at closed ones too."""
    actor = me()
    chosen, wanted = _chosen(), _filter(local_day(edge.now()))
    found = edge.show(
        "worklist.read",
        lambda session: worklists.read(session, actor=actor, wanted=wanted, after=_after(), now=edge.now()),
    )
    levels = worklistmap.level_choices(found.rows)
    due = request.args.get("frist", "") if wanted.due_before else ""
    return render_template(
        "cases/worklist.html",
        found=found,
        rows=[worklistmap.worklist_row(row, found.beside, actor.person_id) for row in found.rows],
        waiting=[worklistmap.waiting_row(row) for row in found.waiting],
        shells=found.shells,
        wanted=wanted,
        most=MOST_COUNTED,
        page_rows=PAGE,
        older=_next_page(found.after),
        levels=levels,
        due=due,
        dues=worklistmap.due_choices(),
        chosen=chosen,
        views=worklistmap.view_links([key for key in VIEWS if _may_choose(key)], chosen, _kept(wanted)),
        told=worklistmap.TOLD[chosen](),
        heading=worklistmap.HEADINGS[chosen](),
        limits=worklistmap.limits(wanted, levels, due),
        in_unit=url_for("cases.worklist", **{**_kept(wanted), "vis": "enhet"}) if _may_choose("enhet") else "",
    )


def _may_choose(view: str) -> bool:
    return VIEWS[view][0] == MINE or me().has("unit_leader")


def _chosen() -> str:
    """Return what to look at; what isn't there, or isn't this person's to choose, is their own open cases."""
    view = request.args.get("vis", "")
    return view if view in VIEWS and _may_choose(view) else "mine"


def _filter(today: date) -> Filter:
    given = request.args
    ways, closed = VIEWS[_chosen()]
    level = given.get("niva", "")
    days = DUE_WITHIN.get(given.get("frist", ""))
    return Filter(
        ways=ways,
        level=int(level) if level.isdecimal() and len(level) < 3 else None,
        # A closed case has no deadline to choose by.
        due_before=today + timedelta(days=days) if days is not None and not closed else None,
        closed=closed,
        text=given.get("q", "").strip()[:80],
    )


def _kept(wanted: Filter) -> dict[str, Any]:
    """Return the choices that go along to another view, as they stand in an address."""
    kept = {"q": wanted.text, "niva": "" if wanted.level is None else str(wanted.level)}
    return {name: value for name, value in kept.items() if value}


def _after() -> Place | None:
    """Return where the page before ended; a forged place is no place."""
    text, _sep, id_ = request.args.get("etter", "").partition("_")
    try:
        return Place(date.fromisoformat(text), id_) if id_ else None
    except ValueError:
        return None


def _next_page(after: Place | None) -> str | None:
    if after is None:
        return None
    # Only what a filter is made of: other names would be taken for arguments of url_for.
    kept: dict[str, Any] = {name: request.args[name] for name in FILTERS if name in request.args}
    return url_for("cases.worklist", **kept, etter=f"{after.due_on.isoformat()}_{after.id}")


@pages.get("/saker/<reference>")
@for_roles(*STAFF)
def case(reference: str) -> Any:
    """Show a case; somebody offered or invited is led to the page where they answer."""
    actor = me()

    def read(session: Any) -> tuple[reading.CasePage | reading.ToAnswer, desk.Hint]:
        page = reading.read_case(session, actor=actor, case_id=edge.in_case(session, reference), now=edge.now())
        if isinstance(page, reading.ToAnswer):
            return page, desk.Hint()
        return page, desk.hint_of(session, scene=page.head.scene)

    found, hint = edge.show("case.read", read)
    if isinstance(found, reading.ToAnswer):
        return redirect(_answer_page(reference, found), 303)
    scene = found.head.scene
    if scene.view is None:
        raise NotFound()
    return render_template(
        "cases/case.html",
        page=found,
        hint=hint,
        head=found.head,
        facts=scene.facts,
        model=scene.model,
        levels=casemap.levels(scene.model, scene.facts),
        steps=casemap.steps(scene.model, scene.facts),
        choices_here=casemap.option_cards(scene, found.consents),
        log=casemap.log_lines(found),
        guide=casemap.guide(scene, found.head),
        viewers=casemap.viewers(found.head),
        due_label=casemap.due_label(scene.model, scene.facts, scene.facts.themes),
        definition_themes=scene.model.definition.themes,
    )


def _answer_page(reference: str, asked: reading.ToAnswer) -> str:
    if asked.invitation_id is None:
        return url_for("baton.answer", reference=reference)
    return url_for("participants.answer", reference=reference, participation_id=asked.invitation_id)
