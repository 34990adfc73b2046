"""Writing in the log: entries, the child's view, goals, measures, evaluations, the next date."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request, url_for

from bti.clock import local_day
from bti.engine import require_ground
from bti.errors import NotFound, Refused
from bti.queries import casepage
from bti.usecases import cases, log, reading
from bti.usecases.reading import CaseHead
from web import edge
from web.access import STAFF, for_roles, me
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.sentences import choices
from web.show import day, words

pages = Blueprint("log", __name__)


def _form(
    reference: str,
    template: str,
    form: Form,
    *,
    attempt: str,
    work: Callable[[Any, str], Any],
    said: str,
    ask: str = "",
    **more: Any,
) -> Any:
    """Carry out the form that was sent and go back to the case, or show it with what is wrong. `work` is given the
    session and the case's id; `ask` is what to say of a `text` left empty; `more` holds values for the page, or
    functions of (session, head) that read them."""
    problem = Problem()
    if request.method == "POST":
        try:
            back = url_for("cases.case", reference=reference)
            return edge.submit(attempt, lambda s: work(s, edge.in_case(s, reference)), then=back, said=said)
        except Refused as refusal:
            problem = explain(refusal, text=ask)
    return _show(reference, template, form, problem, more)


def _show(reference: str, template: str, form: Form, problem: Problem, more: dict[str, Any]) -> Any:
    def read(session: Any) -> tuple[CaseHead, dict[str, Any]]:
        head = reading.open_case(
            session, actor=me(), case_id=edge.in_case(session, reference), now=edge.now(), part="form", views=("full",)
        )
        return head, {name: value(session, head) if callable(value) else value for name, value in more.items()}

    head, values = edge.show("case.read", read)
    kinds = [(c.key, words(c.label)) for c in head.scene.model.definition.information_kinds]
    page = render_template(
        template, head=head, facts=head.scene.facts, form=form, problem=problem, information_kinds=kinds, **values
    )
    return page, problem.status


@pages.route("/saker/<reference>/logg/ny", methods=["GET", "POST"])
@for_roles(*STAFF)
def entry(reference: str) -> Any:
    """Write an entry: a note, a meeting, a talk with guardians, or the child's view."""
    form = Form.of({"kind": request.args.get("slag", "log"), "happened_on": day(local_day(edge.now()))})
    return _form(
        reference,
        "log/entry.html",
        form,
        attempt="entry.add",
        work=lambda session, case_id: log.add_entry(
            session, actor=me(), case_id=case_id, kind=form.text("kind"),
            information_kind=form.text("information_kind"), title=form.text("title"), text=form.text("text"),
            happened_on=form.day("happened_on"), asked_by=form.text("asked_by"), now=edge.now(),
        ),
        said=_("Det er skrevet i loggen."),
        ask=_("Skriv hva barnet sa") if form.text("kind") == "child_voice" else _("Skriv det som skal stå i loggen"),
        kind=form.text("kind") if form.text("kind") in log.ENTRY_KINDS else "log",
        kinds=choices("entry", log.ENTRY_KINDS),
    )  # fmt: skip


@pages.route("/saker/<reference>/mal/nytt", methods=["GET", "POST"])
@for_roles(*STAFF)
def goal(reference: str) -> Any:
    """Set a goal."""
    form = Form.of()
    return _form(
        reference,
        "log/goal.html",
        form,
        attempt="goal.set",
        work=lambda session, case_id: log.set_goal(
            session, actor=me(), case_id=case_id, information_kind=form.text("information_kind"),
            text=form.text("text"), now=edge.now(),
        ),
        said=_("Målet er satt. Planlegg tiltak som fører dit."),
        ask=_("Skriv hva dere vil oppnå"),
    )  # fmt: skip


@pages.route("/saker/<reference>/mal/<goal_id>/avslutt", methods=["GET", "POST"])
@for_roles(*STAFF)
def end_goal(reference: str, goal_id: str) -> Any:
    """End a goal: reached, changed or dropped."""
    form = Form.of()
    return _form(
        reference,
        "log/end_goal.html",
        form,
        attempt="goal.end",
        work=lambda session, case_id: log.end_goal(
            session, actor=me(), case_id=case_id, goal_id=goal_id, how=form.text("how"), now=edge.now()
        ),
        said=_("Målet er avsluttet."),
        goal=lambda session, head: _one(_goals(session, head), goal_id),
        hows=choices("goal", ("reached", "changed", "dropped")),
    )


@pages.route("/saker/<reference>/tiltak/nytt", methods=["GET", "POST"])
@for_roles(*STAFF)
def measure(reference: str) -> Any:
    """Plan a measure with responsible person and evaluation date."""
    form = Form.of()
    return _form(
        reference,
        "log/measure.html",
        form,
        attempt="measure.plan",
        work=lambda session, case_id: log.plan_measure(
            session, actor=me(), case_id=case_id, goal_id=form.text("goal") or None,
            information_kind=form.text("information_kind"), text=form.text("text"),
            responsible=form.text("responsible"), starts_on=form.day("starts_on"),
            evaluate_on=form.day("evaluate_on"), now=edge.now(),
        ),
        said=_("Tiltaket er planlagt. Fristen for evaluering står i saken."),
        ask=_("Skriv hva som skal gjøres"),
        goals=lambda session, head: [(g.id, g.text) for g in _goals(session, head) if g.ended_at is None],
        people=_who_may_answer,
    )  # fmt: skip


@pages.route("/saker/<reference>/tiltak/<measure_id>/evaluer", methods=["GET", "POST"])
@for_roles(*STAFF)
def evaluate(reference: str, measure_id: str) -> Any:
    """Evaluate a measure: done as planned, effect, and on, changed or ended."""
    form = Form.of()
    return _form(
        reference,
        "log/evaluate.html",
        form,
        attempt="measure.evaluate",
        work=lambda session, case_id: log.evaluate_measure(
            session, actor=me(), case_id=case_id, measure_id=measure_id,
            done_as_planned=form.text("done_as_planned"), effect=form.text("effect"),
            outcome=form.text("outcome"), text=form.text("text"), evaluate_on=form.day("evaluate_on"),
            now=edge.now(),
        ),
        said=_("Evalueringen er lagret."),
        ask=_("Skriv hva dere ser"),
        measure=lambda session, head: _one(_measures(session, head), measure_id),
        dones=choices("done", log.DONE),
        effects=choices("effect", log.EFFECTS),
        outcomes=choices("outcome", log.OUTCOMES),
    )  # fmt: skip


@pages.route("/saker/<reference>/frist", methods=["GET", "POST"])
@for_roles(*STAFF)
def next_date(reference: str) -> Any:
    """Move the deadline of the step, with a reason."""
    form = Form.of()

    def work(session: Any, case_id: str) -> None:
        cases.set_next_date(
            session, actor=me(), case_id=case_id, next_date=form.day("next_date"), reason=form.text("reason"),
            seen_version=form.number("versjon"), now=edge.now(),
        )  # fmt: skip

    said = _("Fristen er endret, og begrunnelsen står i loggen.")
    return _form(reference, "log/next_date.html", form, attempt="case.next_date", work=work, said=said)


def _goals(session: Any, head: CaseHead) -> tuple[Any, ...]:
    return casepage.goals_of(session, **_here(head), ground=require_ground(head.scene))


def _measures(session: Any, head: CaseHead) -> tuple[Any, ...]:
    return casepage.measures_of(session, **_here(head), ground=require_ground(head.scene))


def _here(head: CaseHead) -> dict[str, Any]:
    return {"municipality_id": head.scene.facts.municipality_id, "case_id": head.scene.facts.id}


def _one(rows: tuple[Any, ...], id_: str) -> Any:
    found = next((row for row in rows if row.id == id_), None)
    if found is None:
        raise NotFound()
    return found


def _who_may_answer(session: Any, head: CaseHead) -> list[tuple[str, str]]:
    """Return who can be responsible: the guardians, people in the case, colleagues in the case's own unit."""
    facts = head.scene.facts
    municipality = facts.municipality_id
    found = []
    if facts.subject_id:
        for one in casepage.guardians_of(session, municipality_id=municipality, subject_id=facts.subject_id):
            found.append((f"guardian:{one.id}", _("%(name)s (foresatt)", name=one.name)))
    staff = casepage.staff_of_units(session, municipality_id=municipality, unit_ids=[facts.unit_id])
    inside = [facts.holder_id, *(p.person_id for p in facts.participants if p.state == "active")]
    people = {id_: head.name_of(id_) for id_ in inside} | {one.id: one.name for one in staff}
    found += [(f"person:{id_}", name) for id_, name in people.items()]
    return found
