"""Opening a case to a service on a legal basis that goes before secrecy, and closing it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from bti.errors import Invalid, NotPossible, Stale
from bti.queries import handover
from bti.usecases import legal_basis as core
from web import consent_form, consentmap, edge
from web.access import STAFF, for_roles, me
from web.baton import page_after
from web.consents import crumbs, open_consents
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.show import words

pages = Blueprint("legal_basis", __name__)


@pages.route("/saker/<reference>/hjemmel", methods=["GET", "POST"])
@for_roles(*STAFF)
def record(reference: str) -> Any:
    """Open the case to a service on a legal basis that goes before secrecy. For the unit's leader."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "law.record",
                lambda s: _record(s, reference, form),
                then=url_for("consents.index", reference=reference),
                said=_("Hjemmelen er registrert. Tjenesten kan få vite det du valgte, til du avslutter det."),
            )
        except (Invalid, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.read", lambda s: _page(s, reference))
    return render_template("consents/law.html", form=form, problem=problem, **page), problem.status


def _record(session: Any, reference: str, form: Form) -> None:
    case_id = edge.in_case(session, reference)
    consent_form.dated(
        form,
        "valid_to",
        lambda day: core.record(
            session,
            actor=me(),
            case_id=case_id,
            unit_id=form.text("unit"),
            kinds=form.keys("kinds"),
            law=form.text("law"),
            reason=form.text("reason"),
            valid_to=day,
            seen_version=form.number("versjon"),
            now=edge.now(),
        ),
    )


def _page(session: Any, reference: str) -> dict[str, Any]:
    head = open_consents(session, reference, "unit_leader", "holder")
    facts, model = head.scene.facts, head.scene.model.definition
    return {
        "head": head,
        "crumbs": crumbs(head, _("Del med hjemmel i lov")),
        "may_record": "unit_leader" in head.scene.standing and facts.is_open,
        "laws": [(basis.key, words(basis.label)) for basis in model.legal_bases],
        "services": [
            (unit.id, unit.name)
            for unit in handover.services(session, municipality_id=facts.municipality_id)
            if unit.id != facts.unit_id
        ],
        "kinds": [(kind.key, words(kind.label)) for kind in model.information_kinds],
        "live": [line for line in consentmap.cover_lines(head) if line["law"]],
        "longest": head.scene.today + timedelta(days=core.LONGEST_DAYS),
    }


@pages.post("/saker/<reference>/hjemmel/avslutt")
@for_roles(*STAFF)
def end(reference: str) -> Response:
    """Close a door that was opened on a legal basis. The hidden field `door` says which one."""
    form = Form.of()

    def work(session: Any) -> str:
        case_id = edge.in_case(session, reference)
        core.end(session, actor=me(), case_id=case_id, door_id=form.text("door"), now=edge.now())
        return page_after(session, reference)

    said = _("Delingen med hjemmel i lov er avsluttet. Tjenesten har ikke lenger innsyn.")
    return edge.submit("law.end", work, then=lambda target: target, said=said)
