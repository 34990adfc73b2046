"""The baton: offering it, answering, deciding who goes on, holding it in the interim, and who has held it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from bti.engine import Scene, load_scene, require_open, require_relation
from bti.errors import Forbidden, Invalid, NotFound, NotPossible, NotReady, Stale
from bti.facts import CaseFacts
from bti.queries import casepage, handover
from bti.queries.casepage import UnitLine
from bti.queries.consents import consents_of_case
from bti.usecases import baton, reading
from bti.usecases.reading import CaseHead
from bti.workflow.library import small_machine
from web import casemap, edge
from web.access import STAFF, for_roles, me
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.language import ngettext
from web.show import words

pages = Blueprint("baton", __name__)

# More people of one service than this are folded away under its name.
MOST_UNFOLDED = 8


def _open(
    part: str,
    *wanted: str,
    views: tuple[str, ...] = ("full", "shell"),
    closed: bool = False,
    emergency: bool = False,
) -> Callable[[Any, str], CaseHead]:
    """Return how a page opens its case: written in the trail, for people with one of the `wanted` relations."""

    def read(session: Any, reference: str) -> CaseHead:
        case_id = edge.in_case(session, reference)
        head = reading.open_case(
            session, actor=me(), case_id=case_id, now=edge.now(), part=part, views=views, emergency=emergency
        )
        if wanted:
            require_relation(head.scene, *wanted)
        if not closed:
            require_open(head.scene)
        return head

    return read


def _case_page(reference: str) -> str:
    return url_for("cases.case", reference=reference)


def page_after(session: Any, reference: str) -> str:
    """Return the case's page, or the worklist for a person whom what just happened has shut out."""
    try:
        scene = load_scene(session, actor=me(), case_id=edge.in_case(session, reference), now=edge.now())
    except NotFound:
        return url_for("cases.worklist")
    return _case_page(reference) if scene.view in ("full", "shell") else url_for("cases.worklist")


# --- offering ---------------------------------------------------------------------------------------------------


@pages.route("/saker/<reference>/stafettpinne", methods=["GET", "POST"])
@for_roles(*STAFF)
def offer(reference: str) -> Any:
    """Choose somebody whose service is covered and ask them to take the baton."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":
        try:
            return edge.submit(
                "handover.offer", lambda s: _offer(s, reference, form), then=_case_page(reference), said=_is_asked
            )
        except (Invalid, NotReady, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.read", lambda s: _offer_page(s, reference))
    return render_template("baton/offer.html", form=form, problem=problem, **page), problem.status


def _offer(session: Any, reference: str, form: Form) -> str:
    unit_id, _sep, person_id = form.text("to_person").partition(":")
    baton.offer(
        session,
        actor=me(),
        case_id=edge.in_case(session, reference),
        to_person_id=person_id,
        to_unit_id=unit_id,
        note=form.text("note"),
        takes_over_log=bool(form.keys("takes_over_log")),
        seen_version=form.number("versjon"),
        now=edge.now(),
    )
    asked = casepage.people_named(session, municipality_id=me().municipality_id, ids=[person_id])
    return asked[person_id].name


def _is_asked(name: str) -> str:
    return _("%(name)s er spurt. Stafettholderen har ansvaret til %(name)s har sagt ja.", name=name)


def _offer_page(session: Any, reference: str) -> dict[str, Any]:
    head = _open("baton", "holder", "unit_leader")(session, reference)
    facts = head.scene.facts
    here = {"municipality_id": facts.municipality_id, "case_id": facts.id}
    page: dict[str, Any] = {"head": head, "facts": facts, "crumbs": casemap.crumbs(head, _("Gi stafettpinnen videre"))}
    if facts.offer:
        page["asked"] = handover.offer_named(session, municipality_id=facts.municipality_id, offer_id=facts.offer.id)
        return page
    groups = _candidates(session, head)
    return page | {
        "groups": groups,
        "several": sum(len(group["people"]) for group in groups) != 1,
        "other_services": any(not group["own"] for group in groups),
        "takeovers": [head.unit_name(c.unit_id) for c in facts.covers if c.purpose == "takeover"],
        "work": handover.following(session, today=head.scene.today, **here),
        "unanswered": sum(one.is_open for one in consents_of_case(session, moment=edge.now(), **here)),
        "due_label": casemap.due_label(head.scene.model, facts, facts.themes),
    }


def _candidates(session: Any, head: CaseHead) -> list[dict[str, Any]]:
    """Return the services that may hold this case's baton with their people, the case's own service first."""
    facts = head.scene.facts
    known = {facts.unit_id, *(cover.unit_id for cover in facts.covers)}
    allowed = {unit for unit in known if not baton.uncovered(facts, unit)}
    return staff_groups(session, head, allowed, leave_out={facts.holder_id, me().person_id})


def staff_groups(
    session: Any, head: CaseHead, unit_ids: Collection[str], *, leave_out: Collection[str]
) -> list[dict[str, Any]]:
    """Return the people of some services as choices under each service's name, the case's own service first."""
    facts = head.scene.facts
    staff = casepage.staff_of_units(session, municipality_id=facts.municipality_id, unit_ids=unit_ids)
    groups = []
    for unit in _own_first(head, unit_ids):
        people = [
            {"value": f"{unit.id}:{row.id}", "name": row.name, "detail": _detail(row)}
            for row in staff
            if row.unit_id == unit.id and row.id not in leave_out
        ]
        if people:
            own, folded = unit.id == facts.unit_id, len(people) > MOST_UNFOLDED
            groups.append({"id": unit.id, "name": unit.name, "own": own, "people": people, "folded": folded})
    return groups


def _own_first(head: CaseHead, unit_ids: Collection[str]) -> list[UnitLine]:
    named = [head.units[unit] for unit in unit_ids if unit in head.units]
    return sorted(named, key=lambda unit: (unit.id != head.scene.facts.unit_id, unit.name))


def _detail(row: Any) -> str:
    held = ngettext("Har %(num)d sak fra før", "Har %(num)d saker fra før", row.open_cases)
    held = held if row.open_cases else _("Har ingen saker fra før")
    return f"{row.title} · {held}" if row.title else held


@pages.post("/saker/<reference>/stafettpinne/trekk")
@for_roles(*STAFF)
def withdraw(reference: str) -> Response:
    """Take back the question whether somebody will have the baton. The hidden field `offer` says which one."""
    form = Form.of()

    def work(session: Any) -> None:
        case_id = edge.in_case(session, reference)
        baton.withdraw_offer(session, actor=me(), case_id=case_id, offer_id=form.text("offer"), now=edge.now())

    said = _("Spørsmålet er trukket tilbake. Stafettpinnen er der den var, og du kan spørre noen andre.")
    return edge.submit("handover.withdraw", work, then=_case_page(reference), said=said)


# --- answering --------------------------------------------------------------------------------------------------


@pages.route("/saker/<reference>/stafettpinne/svar", methods=["GET", "POST"])
@for_roles(*STAFF)
def answer(reference: str) -> Any:
    """Show the one who is asked what the case is about without its content, and take their answer."""
    form, problem = Form.of(request.args), Problem()
    chosen = form.text("svar")
    if request.method == "POST":
        try:
            return _accept(reference, form) if chosen == "ja" else _decline(reference, form)
        except (Invalid, NotReady, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.preview", lambda s: _answer_page(s, reference))
    return render_template("baton/answer.html", form=form, chosen=chosen, problem=problem, **page), problem.status


def _accept(reference: str, form: Form) -> Response:
    def work(session: Any) -> None:
        case_id = edge.in_case(session, reference)
        baton.accept(session, actor=me(), case_id=case_id, offer_id=form.text("offer"), now=edge.now())

    said = _("Du er stafettholder nå. Les gjennom saken, og avtal med familien hvordan dere holder kontakt.")
    return edge.submit("handover.accept", work, then=_case_page(reference), said=said)


def _decline(reference: str, form: Form) -> Response:
    def work(session: Any) -> str:
        case_id = edge.in_case(session, reference)
        baton.decline(
            session,
            actor=me(),
            case_id=case_id,
            offer_id=form.text("offer"),
            reason=form.text("reason"),
            note=form.text("note"),
            now=edge.now(),
        )
        return page_after(session, reference)

    said = _("Du har sagt nei. Stafettholderen har fortsatt ansvaret, ser begrunnelsen din og spør noen andre.")
    return edge.submit("handover.decline", work, then=lambda target: target, said=said)


def _answer_page(session: Any, reference: str) -> dict[str, Any]:
    head = _open("baton", views=("full", "shell", "preview"))(session, reference)
    facts = head.scene.facts
    if "offered" not in head.scene.standing or facts.offer is None:
        raise Forbidden("not_your_task", wanted="offered")
    asked = handover.offer_named(session, municipality_id=facts.municipality_id, offer_id=facts.offer.id)
    return preview_values(head) | {
        "asked": asked,
        "crumbs": [(_("Mine saker"), url_for("cases.worklist")), (_("Vil du ta stafettpinnen?"), "")],
        "reasons": decline_choices(head),
    }


def preview_values(head: CaseHead) -> dict[str, Any]:
    """Return the little a person may know before they have answered: level, step, service, next date."""
    facts, model = head.scene.facts, head.scene.model
    level = model.definition.levels[facts.level_order]
    return {
        "head": head,
        "facts": facts,
        "level": f"{words(level.label)}: {words(level.name)}",
        "step": casemap.step_name(model, facts.step),
        "due_label": casemap.due_label(model, facts, facts.themes),
    }


def decline_choices(head: CaseHead) -> list[tuple[str, str]]:
    """Return the reasons for saying no that the definition lets people choose among."""
    version = head.scene.model.definition.definition.handover
    return [(reason.key, words(reason.label)) for reason in small_machine("handover", version).reasons]


# --- deciding, the interim, the past ----------------------------------------------------------------------------


@pages.route("/saker/<reference>/stafettpinne/bekreft", methods=["GET", "POST"])
@for_roles(*STAFF)
def confirm(reference: str) -> Any:
    """Decide, after looking over what it means, that the holder goes on."""
    problem = Problem()
    if request.method == "POST":
        form = Form.of()
        try:
            return edge.submit(
                "baton.confirm", lambda s: _confirm(s, reference, form), then=_case_page(reference), said=str
            )
        except (NotReady, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.read", lambda s: _confirm_page(s, reference))
    return render_template("baton/confirm.html", problem=problem, **page), problem.status


def _confirm(session: Any, reference: str, form: Form) -> str:
    """Decide, and return what to say: whom it is, for which level, and that the next level asks again."""
    case_id = edge.in_case(session, reference)
    baton.confirm_holder(session, actor=me(), case_id=case_id, seen_version=form.number("versjon"), now=edge.now())
    scene = load_scene(session, actor=me(), case_id=case_id, now=edge.now())
    here, holder = scene.facts.municipality_id, scene.facts.holder_id
    name = casepage.people_named(session, municipality_id=here, ids=[holder])[holder].name
    return _decided(name, _level_label(scene), scene.facts)


def _decided(name: str, level: str, facts: CaseFacts) -> str:
    if not facts.is_open:
        return _(
            "Det er bestemt at %(name)s er stafettholder når saken åpnes igjen. På nivået den kommer til, bestemmes "
            "det på nytt.",
            name=name,
        )
    if not facts.has_log:
        return _(
            "Det er bestemt at %(name)s er stafettholder når saken går videre fra %(level)s. På det nye nivået "
            "bestemmes det på nytt.",
            name=name,
            level=level,
        )
    return _(
        "Det er bestemt at %(name)s er stafettholder på %(level)s. Går saken til et nytt nivå, bestemmes det på nytt.",
        name=name,
        level=level,
    )


def _holds_for(level: str, facts: CaseFacts) -> str:
    """Return how far the decision reaches: this level, or the way from here to a level with a log."""
    if not facts.is_open:
        return _("Saken kan åpnes igjen med stafettlogg. På nivået den kommer til, bestemmes det på nytt.")
    if not facts.has_log:
        return _(
            "Saken kan gå videre fra %(level)s til et nivå med stafettlogg. Der bestemmes det på nytt.", level=level
        )
    return _("Gjelder for %(level)s. Går saken til et nytt nivå, bestemmes det på nytt.", level=level)


def _level_label(scene: Scene) -> str:
    return words(scene.model.definition.levels[scene.facts.level_order].label)


def _confirm_page(session: Any, reference: str) -> dict[str, Any]:
    # A closed case too: its holder is decided before it is opened again with its log.
    head = _open("baton", "holder", "unit_leader", closed=True)(session, reference)
    facts = head.scene.facts
    if not facts.level_order:
        require_relation(head.scene, "unit_leader")
    return preview_values(head) | {
        "crumbs": casemap.crumbs(head, _("Bestem stafettholder")),
        "holds_for": _holds_for(_level_label(head.scene), facts),
    }


@pages.route("/saker/<reference>/stafettpinne/midlertidig", methods=["GET", "POST"])
@for_roles(*STAFF)
def interim(reference: str) -> Any:
    """Let the unit's leader hold the baton while the holder is away."""
    form, problem = Form.of(), Problem()
    if request.method == "POST":

        def work(session: Any) -> None:
            baton.interim_by_leader(
                session,
                actor=me(),
                case_id=edge.in_case(session, reference),
                reason=form.text("reason"),
                seen_version=form.number("versjon"),
                now=edge.now(),
            )

        said = _("Du har stafettpinnen midlertidig. Det neste er å spørre en ny stafettholder.")
        try:
            return edge.submit("baton.interim", work, then=_case_page(reference), said=said)
        except (Invalid, NotPossible, Stale) as refusal:
            problem = explain(refusal)
    page = edge.show("case.read", lambda s: _interim_page(s, reference))
    return render_template("baton/interim.html", form=form, problem=problem, **page), problem.status


def _interim_page(session: Any, reference: str) -> dict[str, Any]:
    head = _open("baton", "unit_leader")(session, reference)
    return {
        "head": head,
        "facts": head.scene.facts,
        "crumbs": casemap.crumbs(head, _("Ta stafettpinnen midlertidig")),
    }


@pages.get("/saker/<reference>/stafettpinne/historikk")
@for_roles(*STAFF)
def history(reference: str) -> str:
    """Show who has held the baton and what was asked and answered on the way."""
    return render_template("baton/history.html", **edge.show("case.read", lambda s: _history(s, reference)))


def _history(session: Any, reference: str) -> dict[str, Any]:
    head = _open("baton_history", closed=True, emergency=True)(session, reference)
    facts = head.scene.facts
    here = {"municipality_id": facts.municipality_id, "case_id": facts.id}
    offers = casepage.handovers_of(session, **here)
    named = {i for row in offers for i in (row.from_person_id, row.to_person_id, row.offered_by)}
    people = casepage.people_named(session, municipality_id=facts.municipality_id, ids=named)
    return {
        "head": head,
        "facts": facts,
        "crumbs": casemap.crumbs(head, _("Stafettpinnens vei")),
        "batons": handover.batons_of(session, **here),
        "offers": offers,
        "people": people,
        "reasons": dict(decline_choices(head)),
        # What was said between the two is for them and for those who answer for the case.
        "leads": bool(head.scene.standing & {"holder", "unit_leader"}),
    }
