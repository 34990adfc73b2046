"""The unit leader's desk, and the feedback every employee who shares a wonder is to get."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for

from bti.clock import local_day
from bti.errors import Refused
from bti.queries.unit_desk import MOST_COUNTED, Count
from bti.usecases import unit_desk, wonders
from bti.usecases.break_glass import is_over
from bti.usecases.unit_desk import UnitDesk
from bti.workflow.library import load_definition, small_machine
from web import break_glass, edge
from web.access import for_roles, me
from web.forms import Form, Problem, explain
from web.language import gettext as _
from web.language import ngettext
from web.show import day, due_parts, moment, short_name, words

pages = Blueprint("leader", __name__)
LONGEST_FEEDBACK = 2_000


@pages.get("/enheten")
@for_roles("unit_leader")
def desk() -> str:
    """Show what waits in the units one leads."""
    found = edge.show("unit.read", lambda session: unit_desk.read_unit(session, actor=me(), now=edge.now()))
    return render_template(
        "leader/desk.html",
        unanswered=[_wonder(found, row) for row in found.unanswered],
        holderless=[_holderless(found, row) for row in found.holderless],
        offered=[_offer(found, row) for row in found.offered],
        not_taken=[_offer(found, row) for row in found.not_taken],
        late=[_case(found, row) for row in found.late],
        more_late=found.more_late,
        counts=_counts(found.counts),
        break_glass=[_broken(row) for row in found.break_glass],
        capped=sum(one.cases for one in found.counts) > MOST_COUNTED,
        most=MOST_COUNTED,
    )


def _case(found: UnitDesk, row: Any) -> dict[str, Any]:
    """Return a case as a line: with the child's short name when it may be opened, else by reference only."""
    child = found.children.get(row.subject_id) if row.readable else None
    if not row.readable:
        name, group = _("Sak %(reference)s", reference=row.reference), ""
    else:
        name = short_name(child.given_name, child.family_name) if child else _("Uten navn")
        group = child.group_name if child and not child.address_blocked else ""
    model = load_definition(row.definition, row.definition_version)
    level = model.definition.levels[row.level_order]
    return {
        "href": url_for("cases.case", reference=row.reference),
        "reference": row.reference,
        "readable": row.readable,
        "name": name,
        "group": group,
        "levels": len(model.definition.levels),
        "level_order": row.level_order,
        "level": words(level.label),
        "colour": level.colour,
        "due": due_parts(row.due_on),
        "holder": _("Deg") if row.holder_id == me().person_id else found.staff.get(row.holder_id, ""),
    }


def _broken(row: Any) -> dict[str, Any]:
    over = is_over(row, edge.now())
    lasts = _("Varer til %(moment)s", moment=moment(row.ends_at))
    return {
        "href": url_for("break_glass.review", break_glass_id=row.id),
        "person": row.person,
        "unit": row.unit,
        "reference": row.reference,
        "when": moment(row.opened_at),
        "said": _("Har ventet i %(age)s", age=break_glass.age(row.opened_at)) if over else lasts,
        "is_over": over,
    }


def _wonder(found: UnitDesk, row: Any) -> dict[str, Any]:
    days = (local_day(edge.now()) - local_day(row.shared_with_leader_at)).days
    if days == 0:
        waited = _("Delt i dag")
    elif days == 1:
        waited = _("Delt i går")
    else:
        waited = ngettext("Har ventet i %(num)d dag", "Har ventet i %(num)d dager", days)
    return _case(found, row) | {
        "author": _("Deg selv") if row.author_id == me().person_id else found.staff.get(row.author_id, ""),
        "shared_on": day(local_day(row.shared_with_leader_at)),
        "waited": waited,
        "feedback_href": url_for("leader.feedback", reference=row.reference),
    }


def _holderless(found: UnitDesk, row: Any) -> dict[str, Any]:
    case = _case(found, row)
    undecided = _("Ikke bestemt for %(level)s", level=case["level"]) if row.has_log else _("Ikke bestemt ennå")
    why = _("Midlertidig stafettholder") if row.is_interim else undecided
    return case | {
        "why": why,
        "is_interim": row.is_interim,
        "decide_href": url_for("baton.confirm", reference=row.reference),
        "offer_href": url_for("baton.offer", reference=row.reference),
    }


def _offer(found: UnitDesk, row: Any) -> dict[str, Any]:
    today = local_day(edge.now())
    if row.state == "declined":
        said = _("Takket nei %(day)s", day=day(local_day(row.answered_at)))
    elif row.state == "expired" or row.expires_on < today:
        said = _("Svarte ikke innen %(day)s", day=day(row.expires_on))
    else:
        said = _("Svar innen %(day)s", day=day(row.expires_on))
    return _case(found, row) | {
        "to": found.staff.get(row.to_person_id, ""),
        "asked_on": day(local_day(row.offered_at)),
        "said": said,
        "reason": _reason(row) if row.state == "declined" else "",
    }


def _reason(row: Any) -> str:
    version = load_definition(row.definition, row.definition_version).definition.definition.handover
    known = {reason.key: words(reason.label) for reason in small_machine("handover", version).reasons}
    return known.get(row.decline_reason or "", "")


def _counts(found: tuple[Count, ...]) -> list[dict[str, Any]]:
    """Return one line for each unit: how many open cases on each level, in the order of the levels."""
    names = {one.unit_id: one.unit_name for one in me().memberships if one.role == "unit_leader"}
    lines: dict[str, dict[tuple[int, str, str], int]] = {unit: {} for unit in names}
    for one in found:
        level = load_definition(one.definition, one.definition_version).definition.levels[one.level_order]
        key = (one.level_order, words(level.label), level.colour)
        on_level = lines.setdefault(one.unit_id, {})
        on_level[key] = on_level.get(key, 0) + one.cases
    return [
        {
            "unit": names.get(unit, ""),
            "total": sum(on_level.values()),
            "levels": [(label, colour, number) for (_order, label, colour), number in sorted(on_level.items())],
        }
        for unit, on_level in sorted(lines.items(), key=lambda line: names.get(line[0], ""))
    ]


# --- feedback ----------------------------------------------------------------------------------------------------


@pages.route("/enheten/<reference>/tilbakemelding", methods=["GET", "POST"])
@for_roles("unit_leader")
def feedback(reference: str) -> Any:
    """Answer the employee who wondered."""
    form, problem = Form.of(), Problem()
    if form.values:
        try:
            return edge.submit(
                "feedback.give",
                lambda session: wonders.give_feedback(
                    session,
                    actor=me(),
                    case_id=edge.in_case(session, reference),
                    text=form.text("text"),
                    now=edge.now(),
                ),
                then=url_for("leader.desk"),
                said=_("Tilbakemeldingen er sendt. Den som undret seg, ser den under «Mine undringer»."),
            )
        except Refused as refusal:
            problem = explain(refusal, text=_("Skriv hva du vil svare"))

    def read(session: Any) -> unit_desk.ToAnswer:
        case_id = edge.in_case(session, reference)
        return unit_desk.open_for_feedback(session, actor=me(), case_id=case_id, now=edge.now())

    found = edge.show("case.read", read)
    head, wonder = found.head, found.wonder
    if not form.values and wonder and wonder.feedback:
        form = Form({"text": wonder.feedback})
    page = render_template(
        "leader/feedback.html",
        head=head,
        wonder=wonder,
        hint=found.hint,
        themes=[words(t.label) for t in head.scene.model.definition.themes if wonder and t.key in wonder.themes],
        form=form,
        problem=problem,
        errors=problem.errors,
        longest=LONGEST_FEEDBACK,
    )
    return page, problem.status
