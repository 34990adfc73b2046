"""From the core's values to what the case pages draw: map, steps, choices, log lines. No queries, no rules."""

from __future__ import annotations

from typing import Any

from flask import url_for

from bti import policy
from bti.clock import local_day
from bti.decision import Option
from bti.engine import Scene
from bti.facts import CaseFacts
from bti.needs import Found
from bti.queries.consents import Consent
from bti.usecases.reading import CaseHead, CasePage
from bti.workflow.definition import CLOSED, GuideText
from bti.workflow.library import guide_text
from bti.workflow.model import Model
from web.language import gettext as _
from web.language import ngettext
from web.sentences import fixer_name, need_sentence, word
from web.show import day, moment, words


def crumbs(head: CaseHead, *more: str) -> list[tuple[str, str]]:
    """Return the way to a page of a case; the title bar never carries a name."""
    here = url_for("cases.case", reference=head.reference)
    trail = [(_("Mine saker"), url_for("cases.worklist")), (_("Sak %(reference)s", reference=head.reference), here)]
    return [*trail, *((label, "") for label in more)]


# --- the map ----------------------------------------------------------------------------------------------------


def levels(model: Model, facts: CaseFacts) -> list[dict[str, Any]]:
    """Return the levels of the definition for the map, with where the case stands."""
    return [
        {
            "key": level.key,
            "label": words(level.label),
            "name": words(level.name),
            "detail": words(level.description),
            "colour": level.colour,
            "mark": level.key,
            "state": "done" if order < facts.level_order else "now" if order == facts.level_order else "next",
        }
        for order, level in enumerate(model.definition.levels)
    ]


def steps(model: Model, facts: CaseFacts) -> list[dict[str, Any]]:
    """Return the steps of the level the case stands on; none when it is closed."""
    if facts.step == CLOSED:
        return []
    level = model.level_of(facts.step)
    keys = [step.key for step in level.steps]
    here = keys.index(facts.step)
    return [
        {
            "title": f"{step.key} {words(step.title)}",
            "state": "done" if order < here else "now" if order == here else "next",
        }
        for order, step in enumerate(level.steps)
    ]


def step_name(model: Model, key: str) -> str:
    """Return a step as people say it; "Avsluttet" for the end."""
    return _("Avsluttet") if key == CLOSED else f"{key} {words(model.step(key).title)}"


def due_label(model: Model, facts: Any, themes: tuple[str, ...] = ()) -> str:
    """Return what the next date is for."""
    if facts.due_reason == "measure":
        return _("Evaluer tiltak")
    if facts.step == CLOSED:
        return ""
    term = model.deadline_for(None, facts.step, themes)
    return words(term.label) if term else ""


# --- choices ----------------------------------------------------------------------------------------------------


def option_cards(scene: Scene, consents: tuple[Consent, ...] = ()) -> list[dict[str, Any]]:
    """Return the moves this person may take from here, the way on first and closing last."""
    cards = [
        option_card(scene, option, consents)
        for option in scene.options()
        if option.allowed and not _is_shared_already(scene, option)
    ]
    return sorted(cards, key=lambda card: (card["closes"], card["back"]))


def _is_shared_already(scene: Scene, option: Option) -> bool:
    """Whether all the move brings about is something that has happened: nobody shares the same wonder twice."""
    return "share_with_leader" in option.move.does and scene.facts.shared_with_leader_at is not None


def option_card(scene: Scene, option: Option, consents: tuple[Consent, ...] = ()) -> dict[str, Any]:
    """Return one move with its checklist and where it leads."""
    missing = len(option.missing)
    return {
        "name": option.move.name,
        "label": words(option.move.label),
        "to": step_name(scene.model, option.to),
        "closes": option.to == CLOSED,
        "back": _place(scene.model, option.to) <= _place(scene.model, scene.facts.step),
        "checks": [check_line(scene, found, consents) for found in option.checks],
        "missing": missing,
        "status": ngettext("%(num)d ting mangler", "%(num)d ting mangler", missing) if missing else _("Klart"),
        "href": url_for("moves.check", reference=scene.facts.reference, name=option.move.name),
    }


def _place(model: Model, step: str) -> tuple[int, int]:
    """Return where a step lies on the map, to tell the way on from the way back."""
    if step == CLOSED:
        return (-1, 0)
    keys = [one.key for one in model.level_of(step).steps]
    return (model.level_index(step), keys.index(step))


def check_line(scene: Scene, found: Found, consents: tuple[Consent, ...] = ()) -> dict[str, Any]:
    """Return one need as a line of the checklist: what, whether, who can fix it and where."""
    href, label = _way_to_fix(scene, found.name) if found.state == "missing" else ("", "")
    return {
        "state": found.state,
        "label": need_sentence(found.name),
        "detail": _consent_detail(found.name, consents) if found.state == "missing" else "",
        "fixer": fixer_name(found.fixer) if found.state == "missing" and not href else "",
        "fix_href": href,
        "fix_label": label,
    }


_FIXES: dict[str, tuple[str, dict[str, Any]]] = {
    "guardians_talked": ("wonders.note", {"slag": "guardian_talk"}),
    "subject_known": ("wonders.identify", {}),
    "consent_log": ("consents.index", {}),
    "consent_partner": ("consents.index", {}),
    "consent_external": ("consents.index", {}),
    "partner_joined": ("participants.invite", {}),
    "goal_set": ("log.goal", {}),
    "measure_planned": ("log.measure", {}),
    "child_heard": ("log.entry", {"slag": "child_voice"}),
}


def _way_to_fix(scene: Scene, need: str) -> tuple[str, str]:
    reference = scene.facts.reference
    standing = scene.standing
    if need == "holder_decided" and "unit_leader" in standing | ({"unit_leader"} if _holder_may(scene) else set()):
        return url_for("baton.confirm", reference=reference), _("Bestem stafettholder")
    if need == "leader_feedback" and "unit_leader" in standing:
        return url_for("leader.feedback", reference=reference), _("Gi tilbakemelding")
    if need in _FIXES and standing & {"holder", "author"}:
        endpoint, values = _FIXES[need]
        return url_for(endpoint, reference=reference, **values), _fix_label(need)
    return "", ""


def _holder_may(scene: Scene) -> bool:
    return "holder" in scene.standing and scene.facts.level_order > 0 and not scene.facts.is_interim


def _fix_label(need: str) -> str:
    return {
        "guardians_talked": _("Registrer samtalen"),
        "subject_known": _("Velg barnet"),
        "partner_joined": _("Inviter en tjeneste"),
        "goal_set": _("Sett et mål"),
        "measure_planned": _("Planlegg tiltak"),
        "child_heard": _("Registrer barnets stemme"),
    }.get(need, _("Se samtykker"))


def _consent_detail(need: str, consents: tuple[Consent, ...]) -> str:
    purposes = {
        "consent_log": ("log", "takeover"),
        "consent_partner": ("share", "external"),
        "consent_external": ("external",),
    }
    asked = [c for c in consents if c.is_open and c.purpose in purposes.get(need, ())]
    if not asked:
        return ""
    waiting = [party.relation or party.authority for party in asked[0].parties if not party.answer]
    names = [
        word("relation", one) if one in ("mother", "father", "other") else word("authority", one) for one in waiting
    ]
    return _("Spurt %(day)s. Venter på %(who)s.", day=day(local_day(asked[0].asked_at)), who=_and(names))


def _and(names: list[str]) -> str:
    return " og ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def guide(scene: Scene, head: CaseHead) -> GuideText | None:
    """Return the step's guide for the reader's kind of service; None where there is none."""
    if scene.facts.step == CLOSED:
        return None
    unit = head.units.get(scene.unit_id or "")
    text = guide_text(scene.model, scene.facts.step, unit.kind if unit else "common")
    return text if text.what.nb else None


# --- the log ----------------------------------------------------------------------------------------------------


def log_lines(page: CasePage) -> list[dict[str, Any]]:
    """Return entries, answers of the leader and the baton's way as one timeline, newest first."""
    head, model = page.head, page.head.scene.model
    lines: list[dict[str, Any] | None] = [_entry_line(head, model, entry) for entry in page.entries]
    lines += [_baton_line(head, row) for row in page.handovers]
    lines += [_evaluation_line(page, row) for rows in page.evaluations.values() for row in rows]
    lines += [line for row in page.referrals for line in _referral_lines(head, row)]
    lines += [_consent_line(consent, event) for consent in page.consents for event in consent.events]
    if page.wonder and page.wonder.feedback:
        lines.append(
            _line(
                _("Tilbakemelding fra leder"),
                page.wonder.feedback_at,
                head.name_of(page.wonder.feedback_by),
                page.wonder.feedback,
            )
        )
    shown = [line for line in lines if line is not None]
    return sorted(shown, key=lambda line: line["at"], reverse=True)


def _line(title: str, at: Any, who: str = "", text: str = "", colour: str = "") -> dict[str, Any]:
    return {
        "title": title, "at": at, "when": moment(at), "iso": at.isoformat(), "who": who, "text": text, "colour": colour,
    }  # fmt: skip


def _entry_line(head: CaseHead, model: Model, entry: Any) -> dict[str, Any]:
    title = entry.title if entry.kind in ("log", "meeting") and entry.title else word("entry", entry.kind)
    if entry.kind in ("decision", "closing"):
        title = _decision_title(model, entry)
    who = f"{head.name_of(entry.author_id)}, {head.unit_name(entry.unit_id)}"
    text = entry.text
    if entry.kind == "child_voice":
        text = _(
            "%(who)s snakket med barnet %(day)s: %(text)s", who=entry.asked_by, day=day(entry.happened_on), text=text
        )
    elif entry.happened_on and entry.happened_on != local_day(entry.written_at):
        who = _("%(who)s · gjelder %(day)s", who=who, day=day(entry.happened_on))
    colour = {"child_voice": "plum", "meeting": "petrol", "decision": "green", "closing": "slate"}.get(
        entry.kind, "grey"
    )
    return _line(title, entry.written_at, who, text, colour)


def _decision_title(model: Model, entry: Any) -> str:
    if entry.title == "next_date":
        return _("Ny frist")
    if entry.title == "interim":
        return _("Leder tok stafettpinnen midlertidig")
    named = [move for move in model.definition.moves if move.name == entry.title]
    return words(named[0].label) if named else word("entry", entry.kind)


def _baton_line(head: CaseHead, row: Any) -> dict[str, Any]:
    at = row.answered_at or row.offered_at
    to = head.name_of(row.to_person_id)
    titles = {
        "offered": _("%(name)s er spurt om å ta stafettpinnen", name=to),
        "accepted": _("Stafettpinnen gitt til %(name)s", name=to),
        "declined": _("%(name)s takket nei til stafettpinnen", name=to),
        "withdrawn": _("Spørsmålet til %(name)s om stafettpinnen ble trukket tilbake", name=to),
        "expired": _("%(name)s svarte ikke om stafettpinnen innen fristen", name=to),
        "overtaken": _("Spørsmålet til %(name)s falt bort fordi saken ble flyttet", name=to),
    }
    return _line(titles[row.state], at, "", "", "warm")


def _consent_line(consent: Consent, event: Any) -> dict[str, Any]:
    party = next((one for one in consent.parties if one.id == event.party_id), None)
    who = _party_name(party)
    titles = {
        "given": _("Samtykke registrert: %(who)s", who=who),
        "refused": _("Nei til samtykke registrert: %(who)s", who=who),
        "withdrawn": _("Samtykke trukket tilbake: %(who)s", who=who),
    }
    units = ", ".join(name for _id, name in consent.units)
    text = _("%(purpose)s. Gjelder %(units)s.", purpose=word("purpose", consent.purpose), units=units)
    return _line(titles.get(event.event, ""), event.recorded_at, event.recorded_by_name, text, "moss")


def _party_name(party: Any) -> str:
    """Return a giver as the log names them: by relation, or by the authority they answer with."""
    if party is None:
        return ""
    return word("relation", party.relation) if party.relation else word("authority", party.authority)


def _evaluation_line(page: CasePage, row: Any) -> dict[str, Any] | None:
    measure = next((one for one in page.measures if one.id == row.measure_id), None)
    if measure is None:
        return None
    title = _("Tiltak evaluert: %(what)s", what=measure.text)
    text = f"{word('effect', row.effect)}. {row.text}"
    return _line(title, row.evaluated_at, page.head.name_of(row.author_id), text, "green")


def _referral_lines(head: CaseHead, row: Any) -> list[dict[str, Any]]:
    title = _("Henvist til koordinerende enhet: %(cause)s", cause=word("cause", row.cause))
    # No kind of information covers what was asked: it is for the own service and for those who answer for the case.
    ground = head.scene.ground
    own = ground is not None and ground.unit_id == head.scene.facts.unit_id
    tells = own or bool(head.scene.standing & {"holder", "unit_leader"})
    lines = [_line(title, row.referred_at, head.name_of(row.referred_by), row.question if tells else "", "plum")]
    if row.decided_at:
        decided = _("Koordinerende enhet avgjorde: %(outcome)s", outcome=word("referral", row.outcome))
        lines.append(_line(decided, row.decided_at, head.name_of(row.decided_by), row.reason if tells else "", "plum"))
    return lines


def viewers(head: CaseHead) -> list[dict[str, str]]:
    """Return who can open the case now, with their service and what they may do."""
    facts = head.scene.facts
    shut = _("kan ikke lese nå")
    found = [(head.name_of(facts.holder_id), facts.holder_unit_id, _("skrive"))]
    if policy.leader_sees(facts):
        found.append((_("Enhetslederen"), facts.unit_id, _("lese")))
    for one in facts.participants:
        may = _("lese, egne tiltak") if one.state == "active" else _("spurt, ser ikke innholdet ennå")
        found.append((head.name_of(one.person_id), one.unit_id, may))
    lines = [
        {"name": name, "detail": f"{head.unit_name(unit)} · {may if policy.is_reached(facts, unit) else shut}"}
        for name, unit, may in found
    ]
    return lines + [
        {
            "name": _("Nødtilgang"),
            "detail": f"{head.unit_name(one.unit_id)} · {_('lese, til %(moment)s', moment=moment(one.ends_at))}",
        }
        for one in facts.break_glass
    ]
