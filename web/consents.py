"""Consents of a case: what is asked and answered, asking anew, recording answers, taking back."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from bti.engine import require_open, require_relation
from bti.errors import Invalid, NotFound, NotPossible, NotReady, Stale
from bti.queries import casepage
from bti.queries.consents import Consent, Giver, consents_of_case
from bti.queries.people import interim_holder
from bti.usecases import consent, reading
from bti.usecases.answers import CHANNELS
from bti.usecases.reading import CaseHead
from bti.workflow.definition import PURPOSES
from web import answer_form, casemap, consent_form, consentmap, edge
from web.access import STAFF, for_roles, me
from web.baton import page_after
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.sentences import choices, word

pages = Blueprint("consents", __name__)

# Who may ask and record; the core asks again.
RECORDERS = ("holder", "author", "unit_leader")
WITHDRAWERS = (*RECORDERS, "participant")


def open_consents(
    session: Any, reference: str, *wanted: str, part: str = "consents", emergency: bool = False
) -> CaseHead:
    """Return the head of a case for a page about its consents, to who has one of the `wanted` relations to it."""
    case_id = edge.in_case(session, reference)
    head = reading.open_case(session, actor=me(), case_id=case_id, now=edge.now(), part=part, emergency=emergency)
    if wanted:
        require_relation(head.scene, *wanted)
    return head


def _all(session: Any, head: CaseHead) -> tuple[Consent, ...]:
    facts = head.scene.facts
    return consents_of_case(session, municipality_id=facts.municipality_id, case_id=facts.id, moment=head.scene.now)


def _one(session: Any, head: CaseHead, consent_id: str) -> Consent:
    found = next((one for one in _all(session, head) if one.id == consent_id), None)
    if found is None:
        raise NotFound()
    return found


def _may_record(head: CaseHead) -> bool:
    return head.scene.facts.is_open and bool(head.scene.standing & set(RECORDERS))


def _page(reference: str, consent_id: str) -> str:
    return url_for("consents.show", reference=reference, consent_id=consent_id)


# --- reading ----------------------------------------------------------------------------------------------------


@pages.get("/saker/<reference>/samtykke")
@for_roles(*STAFF)
def index(reference: str) -> str:
    """Show every consent of the case and which services may know something now."""

    def read(session: Any) -> dict[str, Any]:
        head = open_consents(session, reference, emergency=True)
        cards = [consentmap.card(head, one, may_record=_may_record(head)) for one in _all(session, head)]
        return {
            "head": head,
            "crumbs": casemap.crumbs(head, _("Samtykke")),
            "covers": consentmap.cover_lines(head),
            # What waits for somebody first, then what runs out soon.
            "now_cards": sorted(
                (card for card in cards if not card["ended"]), key=lambda card: (card["is_live"], not card["soon"])
            ),
            "past_cards": [card for card in cards if card["ended"]],
            "may_record": _may_record(head),
            "leads": "unit_leader" in head.scene.standing and head.scene.facts.is_open,
        }

    return render_template("consents/index.html", **edge.show("case.read", read))


@pages.get("/saker/<reference>/samtykke/<consent_id>")
@for_roles(*STAFF)
def show(reference: str, consent_id: str) -> str:
    """Show one consent: its scope, each giver's answer and all that has happened with it."""

    def read(session: Any) -> dict[str, Any]:
        head = open_consents(session, reference, emergency=True)
        found = _one(session, head, consent_id)
        return {
            "head": head,
            "crumbs": crumbs(head, word("purpose", found.purpose)),
            "card": consentmap.card(head, found, may_record=_may_record(head)),
            "events": consentmap.event_lines(head, found),
            "may_record": _may_record(head),
            "may_withdraw": bool(head.scene.standing & set(WITHDRAWERS)) and (found.is_open or found.is_live),
        }

    return render_template("consents/show.html", **edge.show("case.read", read))


def crumbs(head: CaseHead, here: str) -> list[tuple[str, str]]:
    """Return the way to a page beneath the consents."""
    trail = casemap.crumbs(head)
    return [*trail, (_("Samtykke"), url_for("consents.index", reference=head.reference)), (here, "")]


# --- asking -----------------------------------------------------------------------------------------------------


@pages.route("/saker/<reference>/samtykke/nytt", methods=["GET", "POST"])
@for_roles(*STAFF)
def ask(reference: str) -> Any:
    """Ask for a consent: first what for, then its scope with who must answer, then a look over, then it is asked."""
    form, problem, checked = Form.of(request.args), Problem(), None
    if request.method == "POST":
        try:
            if form.text("steg") == "send":
                return _ask(reference, form)
            if form.text("steg") == "sjekk":
                checked = edge.perform("consent.ask", lambda s: _look_over(s, reference, form))
        except (Invalid, NotReady, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    elif "valgt" in request.args and form.text("purpose") not in PURPOSES:
        problem = explain(Invalid(purpose="not_chosen"))
    page = edge.show("case.read", lambda s: _ask_page(s, reference, form))
    if checked:
        page |= consent_form.checked(page["head"], form, *checked)
    template = "check" if checked else "ask" if form.text("purpose") in PURPOSES else "purpose"
    return render_template(f"consents/{template}.html", form=form, problem=problem, **page), problem.status


def _look_over(session: Any, reference: str, form: Form) -> tuple[date, tuple[Giver, ...]]:
    def look(day: date | None) -> tuple[date, tuple[Giver, ...]]:
        return consent.preview_ask(session, **consent_form.wish(session, reference, form, day))

    return consent_form.dated(form, "valid_to", look)


def _ask(reference: str, form: Form) -> Response:
    def work(session: Any) -> str:
        return consent_form.dated(
            form,
            "valid_to",
            lambda day: consent.ask(session, **consent_form.wish(session, reference, form, day)),
        )

    return edge.submit(
        "consent.ask",
        work,
        then=lambda consent_id: _page(reference, consent_id),
        said=_("Samtykket er registrert som spurt. Registrer hvert svar her etter hvert som det kommer."),
    )


def _ask_page(session: Any, reference: str, form: Form) -> dict[str, Any]:
    head = open_consents(session, reference, *RECORDERS)
    require_open(head.scene)
    old = _one(session, head, form.text("fornyer")) if form.text("fornyer") else None
    if old is not None:
        form.values["purpose"] = old.purpose
    page: dict[str, Any] = {
        "head": head,
        "crumbs": crumbs(head, _("Be om samtykke")),
        "hidden": consentmap.is_shell(head),
        "subject_known": head.scene.facts.subject_id is not None,
        "purposes": consent_form.purposes(),
        "old": old,
    }
    if form.text("purpose") not in PURPOSES:
        return page
    page |= consent_form.scope(session, head, form.text("purpose"), old)
    if request.method == "GET":
        consent_form.begin(form, head, page["services"], old)
    return page


# --- answering and taking back ----------------------------------------------------------------------------------


@pages.route("/saker/<reference>/samtykke/<consent_id>/svar/<party_id>", methods=["GET", "POST"])
@for_roles(*STAFF)
def answer(reference: str, consent_id: str, party_id: str) -> Any:
    """Record what one giver answered, how, when, and who heard it or where it lies."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "consent.answer",
                lambda s: answer_form.record(s, edge.in_case(s, reference), consent_id, party_id, form),
                then=_page(reference, consent_id),
                said=answer_form.told,
            )
        except (Invalid, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.read", lambda s: _answer_page(s, reference, consent_id, party_id))
    return render_template("consents/answer.html", form=form, problem=problem, **page), problem.status


@pages.route("/saker/<reference>/samtykke/<consent_id>/svar", methods=["GET", "POST"])
@for_roles(*STAFF)
def answers_of_all(reference: str, consent_id: str) -> Any:
    """Record in one go what each of the givers who were talked with answered."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "consent.answer",
                lambda s: answer_form.record_all(s, edge.in_case(s, reference), consent_id, form),
                then=_page(reference, consent_id),
                said=answer_form.all_told,
            )
        except (Invalid, NotPossible, Stale) as refusal:
            problem = answer_form.problem_of(refusal)
    page = edge.show("case.read", lambda s: _answer_page(s, reference, consent_id))
    summary = answer_form.summary(problem, page["card"]["parties"])
    return render_template("consents/answers.html", form=form, problem=problem, summary=summary, **page), problem.status


def _answer_page(session: Any, reference: str, consent_id: str, party_id: str | None = None) -> dict[str, Any]:
    head = open_consents(session, reference, *RECORDERS)
    require_open(head.scene)
    card = consentmap.card(head, _one(session, head, consent_id), may_record=True)
    party = next((one for one in card["parties"] if one["id"] == party_id), None)
    if party_id and party is None:
        raise NotFound()
    return {
        "head": head,
        "card": card,
        "party": party,
        "channels": choices("channel", CHANNELS),
        "crumbs": crumbs(head, _("Registrer svar")),
    }


@pages.route("/saker/<reference>/samtykke/<consent_id>/trekk", methods=["GET", "POST"])
@for_roles(*STAFF)
def withdraw(reference: str, consent_id: str) -> Any:
    """Say what ends when a consent is taken back, then take it back at once."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "consent.withdraw",
                lambda s: _withdraw(s, reference, consent_id, form),
                then=lambda target: target,
                said=_said_withdrawn,
            )
        except (Invalid, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.read", lambda s: _withdraw_page(s, reference, consent_id))
    return render_template("consents/withdraw.html", form=form, problem=problem, **page), problem.status


def _withdraw(session: Any, reference: str, consent_id: str, form: Form) -> str:
    case_id = edge.in_case(session, reference)
    consent_form.dated(
        form,
        "said_on",
        lambda day: consent.withdraw(
            session,
            actor=me(),
            case_id=case_id,
            consent_id=consent_id,
            party_id=form.text("party"),
            said=answer_form.said(form, day),
            now=edge.now(),
        ),
    )
    # Back to the consent with its receipt, unless the door has just closed on whoever recorded it.
    stays = page_after(session, reference) != url_for("cases.worklist")
    return _page(reference, consent_id) if stays else url_for("cases.worklist")


def _said_withdrawn(target: str) -> str:
    if target == url_for("cases.worklist"):
        return _(
            "Samtykket er trukket tilbake, og delingen er stanset. Du har ikke lenger tilgang til saken. "
            "Ingenting er slettet."
        )
    return _("Samtykket er trukket tilbake, og delingen er stanset. Ingenting er slettet.")


def _withdraw_page(session: Any, reference: str, consent_id: str) -> dict[str, Any]:
    head = open_consents(session, reference, *WITHDRAWERS)
    facts = head.scene.facts
    found, ending = consent.preview_withdrawal(
        session, actor=me(), case_id=facts.id, consent_id=consent_id, now=edge.now()
    )
    if not (found.is_open or found.is_live):
        raise NotPossible("consent_ended", state=found.state)
    falls_to = ""
    if ending.baton_falls:
        next_one = interim_holder(
            session,
            municipality_id=facts.municipality_id,
            unit_id=facts.unit_id,
            not_person_id=facts.holder_id,
            only_asking=True,
        )
        falls_to = _name_of(session, next_one[0]) if next_one else ""
    own_door = facts.unit_id in ending.units and facts.is_shared
    return {
        "head": head,
        "card": consentmap.card(head, found, may_record=False),
        "crumbs": crumbs(head, _("Trekk samtykke tilbake")),
        "losing": [head.unit_name(unit) for unit in ending.units if unit != facts.unit_id or own_door],
        "leaving": [
            f"{head.name_of(p.person_id)}, {head.unit_name(p.unit_id)}"
            for p in facts.participants
            if p.id in ending.participants
        ],
        "offer_to": head.name_of(facts.offer.to_person_id) if ending.offer_ends and facts.offer else "",
        "baton_falls": ending.baton_falls,
        "falls_to": falls_to,
        "own_door": own_door,
        "channels": choices("channel", CHANNELS),
    }


def _name_of(session: Any, person_id: str) -> str:
    found = casepage.people_named(session, municipality_id=me().municipality_id, ids=[person_id])
    return found[person_id].name
