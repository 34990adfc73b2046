"""Putting a stuck case before the coordinating unit, and deciding it there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from bti.engine import require_open, require_relation
from bti.errors import Invalid, NotPossible, Stale
from bti.queries.referred import Referred
from bti.usecases import reading, referrals
from bti.workflow.definition import CLOSED
from bti.workflow.library import load_definition
from web import casemap, edge
from web.access import STAFF, for_roles, me
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.sentences import choices, word
from web.show import words

pages = Blueprint("referrals", __name__)


@pages.route("/saker/<reference>/henvis", methods=["GET", "POST"])
@for_roles(*STAFF)
def refer(reference: str) -> Any:
    """Put a question before the coordinating unit."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "referral.make",
                lambda s: _refer(s, reference, form),
                then=url_for("cases.case", reference=reference),
                said=_("Saken er henvist til koordinerende enhet. Du ser avgjørelsen i saken når den er tatt."),
            )
        except (Invalid, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.read", lambda s: _refer_page(s, reference))
    return render_template("referrals/refer.html", form=form, problem=problem, **page), problem.status


def _refer(session: Any, reference: str, form: Form) -> None:
    referrals.refer(
        session,
        actor=me(),
        case_id=edge.in_case(session, reference),
        cause=form.text("cause"),
        question=form.text("question"),
        seen_version=form.number("versjon"),
        now=edge.now(),
    )


def _refer_page(session: Any, reference: str) -> dict[str, Any]:
    case_id = edge.in_case(session, reference)
    head = reading.open_case(session, actor=me(), case_id=case_id, now=edge.now(), part="referral")
    require_relation(head.scene, "holder", "unit_leader")
    require_open(head.scene)
    told = {
        "stuck": _("Det skjer ikke noe, og dere kommer ikke videre selv"),
        "disagreement": _("For eksempel om hvem som har ansvaret, eller hva som trengs"),
    }
    return {
        "head": head,
        "crumbs": casemap.crumbs(head, _("Henvis til koordinerende enhet")),
        "causes": [(key, label, told[key]) for key, label in choices("cause", referrals.CAUSES)],
        "is_referred": head.scene.facts.referral_id is not None,
    }


@pages.get("/henviste")
@for_roles("coordinator")
def desk() -> str:
    """Show what was referred to the coordinating unit: what waits and what was decided."""
    found = edge.show("referral.read", lambda s: referrals.desk(s, actor=me(), now=edge.now()))
    return render_template(
        "referrals/desk.html",
        waiting=[_line(one) for one in found.waiting],
        decided=[_line(one) for one in found.decided],
    )


def _line(one: Referred) -> dict[str, Any]:
    """Return a referral in words. Where the case stands is told only while it waits."""
    model = load_definition(one.definition, one.definition_version)
    stands = one.decided_at is None and one.step != CLOSED
    level = model.level_of(one.step) if stands else None
    return {
        "reference": one.reference,
        "cause": word("cause", one.cause),
        "question": one.question,
        "referred_at": one.referred_at,
        "referred_by": one.referred_by,
        "level": f"{words(level.label)}: {words(level.name)}" if level else "",
        "step": casemap.step_name(model, one.step) if level else "",
        "services": one.services,
        "outcome": word("referral", one.outcome),
        "reason": one.reason,
        "decided_at": one.decided_at,
    }


@pages.route("/henviste/<reference>", methods=["GET", "POST"])
@for_roles("coordinator")
def decide(reference: str) -> Any:
    """Decide a referred case: choose and give the reason, look over, decide."""
    form, problem, checked = Form.of(), Problem(), False
    if request.method == "POST":
        try:
            if form.text("steg") == "send":
                return _decide(reference, form)
            if form.text("steg") == "sjekk":
                edge.perform(
                    "referral.decide", lambda s: referrals.preview_decision(s, **_decision(s, reference, form))
                )
                checked = True
        except (Invalid, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    found = edge.show(
        "referral.read",
        lambda s: referrals.open_referred(s, actor=me(), case_id=edge.in_case(s, reference), now=edge.now()),
    )
    page = render_template(
        "referrals/check.html" if checked else "referrals/decide.html",
        form=form,
        problem=problem,
        one=_line(found),
        outcomes=choices("referral", referrals.OUTCOMES),
    )
    return page, problem.status


def _decision(session: Any, reference: str, form: Form) -> dict[str, Any]:
    return {
        "actor": me(),
        "case_id": edge.in_case(session, reference),
        "outcome": form.text("outcome"),
        "reason": form.text("reason"),
        "now": edge.now(),
    }


def _decide(reference: str, form: Form) -> Response:
    return edge.submit(
        "referral.decide",
        lambda s: referrals.decide(s, **_decision(s, reference, form)),
        then=url_for("referrals.desk"),
        said=_("Avgjørelsen er registrert. Stafettholderen ser den i saken og følger den opp."),
    )
