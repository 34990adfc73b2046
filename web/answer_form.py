"""What stands in the forms for recording answers to a consent: one giver's, or those of all who were talked with."""

from __future__ import annotations

from datetime import date
from typing import Any

from bti.errors import Invalid, Refused
from bti.usecases import answers
from bti.usecases.answers import Answer, Said
from web import edge
from web.access import me
from web.consent_form import dated
from web.forms import Form, Problem, explain, parse_day
from web.language import gettext as _
from web.sentences import field_sentence

# The fields of one giver, each followed by a hyphen and who it is about when there are several.
FIELDS = ("answer", "channel", "said_on", "witness", "evidence")
# Chosen for somebody nobody has talked with yet, who goes on being asked.
NOT_YET = "not_yet"


def said(form: Form, day: date | None, suffix: str = "") -> Said:
    """Return how an answer reached us, as typed."""
    return Said(
        form.text(f"channel{suffix}"),
        day,
        witness=form.text(f"witness{suffix}"),
        evidence=form.text(f"evidence{suffix}"),
    )


def record(session: Any, case_id: str, consent_id: str, party_id: str, form: Form) -> str:
    """Record one giver's answer as typed; return the consent's state. Raises as the core."""
    return dated(
        form,
        "said_on",
        lambda day: answers.record(
            session,
            actor=me(),
            case_id=case_id,
            consent_id=consent_id,
            party_id=party_id,
            answer=form.text("answer"),
            said=said(form, day),
            now=edge.now(),
        ),
    )


def record_all(session: Any, case_id: str, consent_id: str, form: Form) -> str:
    """Record the answers in a form with several givers; return the consent's state. Raises as the core, with a date
    that can't be read told together with all else that is wrong."""
    given, unreadable = [], {}
    for party_id, answer in _chosen(form):
        try:
            day = parse_day(form.text(f"said_on-{party_id}"))
        except ValueError:
            day, unreadable[f"{party_id}.said_on"] = None, "not_a_date"
        given.append(Answer(party_id, answer, said(form, day, f"-{party_id}")))
    try:
        return answers.record_all(
            session, actor=me(), case_id=case_id, consent_id=consent_id, answers=given, now=edge.now()
        )
    except Invalid as wrong:
        raise Invalid(**(wrong.fields | unreadable)) from None


def _chosen(form: Form) -> list[tuple[str, str]]:
    """Return each giver with what is chosen for them, but for those who haven't been asked."""
    named = ((name.removeprefix("answer-"), form.text(name)) for name in form.values if name.startswith("answer-"))
    return [(party_id, answer) for party_id, answer in named if answer and answer != NOT_YET]


def problem_of(refusal: Refused) -> Problem:
    """Return what is wrong with a form with several givers, by the form's own fields."""
    if not isinstance(refusal, Invalid):
        return explain(refusal)
    errors = {}
    for place, code in refusal.fields.items():
        party_id, _dot, name = place.rpartition(".")
        errors[f"{name}-{party_id}" if party_id else name] = field_sentence(name, code)
    return Problem(errors, code=refusal.code, status=refusal.status)


def summary(problem: Problem, parties: list[dict[str, Any]]) -> dict[str, str]:
    """Return what is wrong for the top of the page, each line with the giver it is about."""
    names = {f"{name}-{one['id']}": one["name"] for one in parties for name in FIELDS}
    return {
        place: _("%(name)s: %(sentence)s", name=names[place], sentence=sentence) if place in names else sentence
        for place, sentence in problem.errors.items()
    }


def told(state: str) -> str:
    """Return what to say when one answer is recorded."""
    return {
        "given": _("Svaret er registrert. Alle har sagt ja, og samtykket gjelder fra nå."),
        "refused": _("Svaret er registrert. Samtykket er avslått, og ingenting blir delt."),
    }.get(state, _("Svaret er registrert. Vi venter på flere før noe blir delt."))


def all_told(state: str) -> str:
    """Return what to say when several answers are recorded."""
    return {
        "given": _("Svarene er registrert. Alle har sagt ja, og samtykket gjelder fra nå."),
        "refused": _("Svarene er registrert. Samtykket er avslått, og ingenting blir delt."),
    }.get(state, _("Svarene er registrert. Vi venter på flere før noe blir delt."))
