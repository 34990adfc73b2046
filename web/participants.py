"""Services that take part: inviting a person, their answer, and ending a part."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from bti.engine import require_open, require_relation
from bti.errors import Forbidden, Invalid, NotFound, NotPossible, NotReady, Stale
from bti.facts import Participant
from bti.queries import casepage, handover
from bti.usecases import baton, participants, reading
from bti.usecases.reading import CaseHead
from web import casemap, edge
from web.access import STAFF, for_roles, me
from web.baton import decline_choices, page_after, preview_values, staff_groups
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.sentences import word

pages = Blueprint("participants", __name__)


def _open(session: Any, reference: str, *, views: tuple[str, ...] = ("full", "shell")) -> CaseHead:
    case_id = edge.in_case(session, reference)
    head = reading.open_case(session, actor=me(), case_id=case_id, now=edge.now(), part="participants", views=views)
    require_open(head.scene)
    return head


def _case_page(reference: str) -> str:
    return url_for("cases.case", reference=reference)


# --- inviting ---------------------------------------------------------------------------------------------------


@pages.route("/saker/<reference>/deltakere/ny", methods=["GET", "POST"])
@for_roles(*STAFF)
def invite(reference: str) -> Any:
    """Choose a person from a service the family has said yes to, and ask them to take part."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "participation.invite",
                lambda s: _invite(s, reference, form),
                then=_case_page(reference),
                said=lambda name: _("%(name)s er spurt, og ser ikke innholdet i saken før svaret er ja.", name=name),
            )
        except (Invalid, NotReady, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.read", lambda s: _invite_page(s, reference))
    return render_template("participants/invite.html", form=form, problem=problem, **page), problem.status


def _invite(session: Any, reference: str, form: Form) -> str:
    unit_id, _sep, person_id = form.text("person").partition(":")
    participants.invite(
        session,
        actor=me(),
        case_id=edge.in_case(session, reference),
        person_id=person_id,
        unit_id=unit_id,
        purpose=form.text("purpose"),
        seen_version=form.number("versjon"),
        now=edge.now(),
    )
    return casepage.people_named(session, municipality_id=me().municipality_id, ids=[person_id])[person_id].name


def _invite_page(session: Any, reference: str) -> dict[str, Any]:
    head = _open(session, reference)
    require_relation(head.scene, "holder")
    facts = head.scene.facts
    known = handover.services(session, municipality_id=facts.municipality_id)
    covered = {unit.id for unit in known if not _not_covered(head, unit)}
    here = {facts.holder_id, *(one.person_id for one in facts.participants)}
    return {
        "head": head,
        "crumbs": casemap.crumbs(head, _("Inviter en tjeneste")),
        "groups": staff_groups(session, head, covered, leave_out=here),
        "uncovered": [
            {"unit": unit, "kind": word("unit", unit.kind), "purpose": "external" if unit.is_external else "share"}
            for unit in known
            if unit.id not in covered and unit.id != facts.unit_id
        ],
    }


def _not_covered(head: CaseHead, unit: casepage.UnitLine) -> bool:
    facts = head.scene.facts
    if unit.is_external:
        return not any(cover.purpose in ("external", "law") for cover in facts.covers_of(unit.id))
    return bool(baton.uncovered(facts, unit.id))


# --- answering --------------------------------------------------------------------------------------------------


@pages.route("/saker/<reference>/deltakere/<participation_id>/svar", methods=["GET", "POST"])
@for_roles(*STAFF)
def answer(reference: str, participation_id: str) -> Any:
    """Show the one who is invited what it is about without the case's content, and take their answer."""
    form, problem = Form.of(request.args), Problem()
    chosen = form.text("svar")
    if request.method == "POST":
        try:
            if chosen == "ja":
                return _accept(reference, participation_id)
            return _decline(reference, participation_id, form)
        except (Invalid, NotReady, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.preview", lambda s: _answer_page(s, reference, participation_id))
    template = "participants/answer.html"
    return render_template(template, form=form, chosen=chosen, problem=problem, **page), problem.status


def _accept(reference: str, participation_id: str) -> Response:
    def work(session: Any) -> None:
        case_id = edge.in_case(session, reference)
        participants.accept(session, actor=me(), case_id=case_id, invitation_id=participation_id, now=edge.now())

    said = _("Du er med i saken. Her ser du det familien har sagt ja til at tjenesten din kan se.")
    return edge.submit("participation.accept", work, then=_case_page(reference), said=said)


def _decline(reference: str, participation_id: str, form: Form) -> Response:
    def work(session: Any) -> str:
        participants.decline(
            session,
            actor=me(),
            case_id=edge.in_case(session, reference),
            invitation_id=participation_id,
            reason=form.text("reason"),
            now=edge.now(),
        )
        return page_after(session, reference)

    said = _("Du har sagt nei. Stafettholderen ser begrunnelsen din og kan spørre noen andre.")
    return edge.submit("participation.decline", work, then=lambda target: target, said=said)


def _answer_page(session: Any, reference: str, participation_id: str) -> dict[str, Any]:
    head = _open(session, reference, views=("full", "shell", "preview"))
    found = _find(head, participation_id)
    if found.person_id != me().person_id:
        raise Forbidden("not_your_task", wanted="invited")
    if found.state != "invited":
        raise NotPossible("already_answered")
    facts = head.scene.facts
    rows = casepage.participations_of(session, municipality_id=facts.municipality_id, case_id=facts.id)
    row = next(one for one in rows if one.id == participation_id)
    asker = casepage.people_named(session, municipality_id=facts.municipality_id, ids=[row.invited_by])
    return preview_values(head) | {
        "asked": row,
        "asker": asker[row.invited_by].name,
        "unit": head.unit_name(row.unit_id),
        "crumbs": [(_("Mine saker"), url_for("cases.worklist")), (_("Vil du være med?"), "")],
        "reasons": decline_choices(head),
    }


def _find(head: CaseHead, participation_id: str) -> Participant:
    found = next((one for one in head.scene.facts.participants if one.id == participation_id), None)
    if found is None:
        raise NotFound()
    return found


# --- ending -----------------------------------------------------------------------------------------------------


@pages.route("/saker/<reference>/deltakere/<participation_id>/avslutt", methods=["GET", "POST"])
@for_roles(*STAFF)
def end(reference: str, participation_id: str) -> Any:
    """Say what it means that a person leaves the case, then end their part."""
    problem = Problem()
    if request.method == "POST":
        form = Form.of()
        try:
            return edge.submit(
                "participation.end",
                lambda s: _end(s, reference, participation_id, form),
                then=lambda target: target,
                said=_("Deltakelsen er avsluttet, og innsynet er stengt."),
            )
        except (NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.read", lambda s: _end_page(s, reference, participation_id))
    return render_template("participants/end.html", problem=problem, **page), problem.status


def _end(session: Any, reference: str, participation_id: str, form: Form) -> str:
    participants.end_part(
        session,
        actor=me(),
        case_id=edge.in_case(session, reference),
        participation_id=participation_id,
        seen_version=form.number("versjon"),
        now=edge.now(),
    )
    return page_after(session, reference)


def _end_page(session: Any, reference: str, participation_id: str) -> dict[str, Any]:
    head = _open(session, reference)
    found = _find(head, participation_id)
    own = found.person_id == me().person_id
    if not own:
        require_relation(head.scene, "holder")
    rest = [p for p in head.scene.facts.participants if p.unit_id == found.unit_id and p.id != found.id]
    return {
        "head": head,
        "crumbs": casemap.crumbs(head, _("Avslutt deltakelsen")),
        "name": head.name_of(found.person_id),
        "unit": head.unit_name(found.unit_id),
        "own": own,
        "last_of_unit": not rest,
        "waiting": found.state == "invited",
    }
