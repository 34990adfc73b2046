"""Taking a step: a check page that shows what it needs, what it ends and which date it sets; then the move."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from bti.engine import Scene
from bti.errors import Invalid, NotFound, Refused
from bti.usecases import cases, reading
from bti.workflow.definition import CLOSED, Move
from web import casemap, edge
from web.access import STAFF, for_roles, me
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.sentences import fixer_name
from web.show import day, words

pages = Blueprint("moves", __name__)


@pages.route("/saker/<reference>/steg/<name>", methods=["GET", "POST"])
@for_roles(*STAFF)
def check(reference: str, name: str) -> Any:
    """Show the check page of a move, and take it when it is sent."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return _take(reference, name, form)
        except Refused as refusal:
            problem = explain(refusal)
    head = edge.show(
        "case.read",
        lambda session: reading.open_case(
            session, actor=me(), case_id=edge.in_case(session, reference), now=edge.now(), part="move"
        ),
    )
    page = _page(head, name, form, problem)
    return page, problem.status


def _take(reference: str, name: str, form: Form) -> Any:
    closing = form.text("closing_reason") or None

    def work(session: Any) -> Scene:
        return cases.move(
            session,
            actor=me(),
            case_id=edge.in_case(session, reference),
            name=name,
            seen_version=form.number("versjon"),
            now=edge.now(),
            reason=form.text("reason"),
            closing_reason=closing,
            next_date=form.day("next_date"),
        )

    return edge.submit(
        "case.move", work, then=url_for("cases.case", reference=reference), said=lambda after: _said(after, name)
    )


def _said(after: Scene, name: str) -> str:
    if after.facts.step == CLOSED:
        return _("Saken er avsluttet. Den kan åpnes igjen om det trengs.")
    return _(
        "Saken står nå på «%(step)s». Neste frist er %(day)s.",
        step=casemap.step_name(after.model, after.facts.step),
        day=day(after.facts.due_on),
    )


def _page(head: reading.CaseHead, name: str, form: Form, problem: Problem) -> str:
    scene = head.scene
    try:
        move = scene.model.move(name, scene.facts.step)
    except KeyError:
        # Somebody moved first: the page still tells what happened and keeps what was typed.
        is_known = any(move.name == name for move in scene.model.definition.moves)
        if not problem or not is_known:
            raise NotFound() from None
        return render_template("moves/gone.html", head=head, problem=problem, reason=form.text("reason"))
    option = next(one for one in scene.options() if one.move.name == name)
    card = casemap.option_card(scene, option)
    return render_template(
        "moves/check.html",
        head=head,
        facts=scene.facts,
        move=move,
        card=card,
        allowed=option.allowed,
        takers=", ".join(fixer_name(relation) for relation in move.by),
        form=form,
        problem=problem,
        standing=casemap.step_name(scene.model, scene.facts.step),
        leaves=[*_what_opens(scene, move), *_what_ends(scene, move)],
        latest=_latest(scene, move),
        closing_reasons=[(c.key, words(c.label)) for c in scene.model.definition.closing_reasons],
    )


def _what_opens(scene: Scene, move: Move) -> list[str]:
    """Return in words who can read more after the move."""
    if "share_with_leader" in move.does and scene.facts.shared_with_leader_at is None:
        return [_("Lederen i enheten kan lese undringen fra nå, og skal gi deg tilbakemelding.")]
    return []


def _what_ends(scene: Scene, move: Move) -> list[str]:
    """Return in words what the move brings to an end."""
    facts, closing = scene.facts, move.to == CLOSED
    ends = []
    if facts.offer and (closing or "offer" in move.ends or scene.model.changes_level(facts.step, move.to)):
        ends.append(_("Spørsmålet om å ta stafettpinnen faller bort."))
    if facts.participants and (closing or "participations" in move.ends):
        ends.append(_("De andre tjenestene er ikke lenger med i saken."))
    if facts.open_measures and (closing or "measures" in move.ends):
        ends.append(_("Tiltak som pågår, avsluttes."))
    if not closing and scene.model.changes_level(facts.step, move.to):
        ends.append(_("Stafettholder bestemmes på nytt for det nye nivået."))
    return ends


def _latest(scene: Scene, move: Move) -> Any:
    """Return the date the definition sets: the default, and the latest that can be chosen. None when closing."""
    if move.to == CLOSED:
        return None
    changes = scene.model.changes_level(scene.facts.step, move.to)
    entered = scene.today if changes else scene.facts.level_entered_on
    due = scene.model.due(move, move.to, scene.facts.themes, moved_on=scene.today, level_entered_on=entered)
    if due is None:
        raise Invalid(next_date="next_date_out_of_range")
    return due
