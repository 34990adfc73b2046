"""What stands in the form for asking a consent: its choices, what it begins with, and what was typed, for the core."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from bti.clock import add_months
from bti.errors import Invalid
from bti.queries import handover
from bti.queries.casepage import UnitLine
from bti.queries.consents import Consent, Giver, givers_for
from bti.usecases.reading import CaseHead
from bti.workflow.definition import PURPOSES
from web import consentmap, edge
from web.access import me
from web.forms import Form, parse_day
from web.language import gettext as _
from web.sentences import word
from web.show import words

DEFAULT_KINDS = ("everyday", "measures")

T = TypeVar("T")


def dated(form: Form, name: str, act: Callable[[date | None], T]) -> T:
    """Return `act(day)` for a typed date. A date that can't be read is told together with all else that is wrong."""
    try:
        typed = parse_day(form.text(name))
    except ValueError:
        wrong = {}
        try:
            act(None)
        except Invalid as other:
            wrong = other.fields
        # Raising undoes whatever `act` did: it all happens in one transaction.
        raise Invalid(**{**wrong, name: "not_a_date"}) from None
    return act(typed)


def wish(session: Any, reference: str, form: Form, valid_to: date | None) -> dict[str, Any]:
    """Return what was typed as the core's asking wants it."""
    return {
        "actor": me(),
        "case_id": edge.in_case(session, reference),
        "purpose": form.text("purpose"),
        "unit_ids": form.keys("units"),
        "kinds": form.keys("kinds"),
        "about": form.text("about"),
        "reservations": form.text("reservations"),
        "valid_to": valid_to,
        "seen_version": form.number("versjon"),
        "renews_id": form.text("fornyer") or None,
        "now": edge.now(),
    }


def purposes() -> list[tuple[str, str, str]]:
    """Return what a consent can be for, each with what it leads to."""
    told = {
        "log": _("Tjenesten deres kan føre stafettlogg sammen med familien."),
        "share": _("En eller flere tjenester i kommunen får vite noe og kan være med."),
        "external": _("En tjeneste utenfor kommunen, for eksempel BUP, får vite noe og kan være med."),
        "takeover": _("En annen tjeneste får ansvaret for loggen etter dere."),
    }
    return [(key, word("purpose", key), told[key]) for key in PURPOSES]


def scope(session: Any, head: CaseHead, purpose: str, old: Consent | None) -> dict[str, Any]:
    """Return the form's choices for a purpose, and who must answer by the rules of the model."""
    facts, model = head.scene.facts, head.scene.model
    known = handover.services(session, municipality_id=facts.municipality_id)
    kept = {unit for unit, _name in old.units} if old else set()
    givers = givers_for(
        session, municipality_id=facts.municipality_id, subject_id=facts.subject_id, purpose=purpose, model=model,
        today=head.scene.today,
    ) if facts.subject_id else ()  # fmt: skip
    return {
        "purpose": purpose,
        "services": [unit for unit in known if unit.id in kept or _belongs(unit, head, purpose)],
        "kinds": [(kind.key, words(kind.label)) for kind in model.definition.information_kinds],
        "givers": [consentmap.giver_line(giver, consentmap.is_shell(head)) for giver in givers],
        "longest": add_months(head.scene.today, model.definition.consent.validity_months),
    }


def _belongs(unit: UnitLine, head: CaseHead, purpose: str) -> bool:
    """Return whether a service stands on the list: for the log the own one, else the others, in or outside."""
    if purpose == "log":
        return unit.id == head.scene.facts.unit_id
    return unit.id != head.scene.facts.unit_id and unit.is_external == (purpose == "external")


def begin(form: Form, head: CaseHead, services: list[UnitLine], old: Consent | None) -> None:
    """Fill an untouched form: with the consent that is renewed, else with what is most likely meant.

    Behind a closed door the old consent's texts and kinds are content, and stay there.
    """
    if old is not None:
        hidden = consentmap.is_shell(head)
        form.values |= {
            "units": [unit for unit, _name in old.units],
            "kinds": [] if hidden else list(old.kinds),
            "about": "" if hidden else old.about,
            "reservations": "" if hidden else old.reservations,
        }
        return
    named = [unit.id for unit in services]
    asked_for = [unit for unit in form.keys("tjeneste") if unit in named]
    with_us = sorted({one.unit_id for one in head.scene.facts.participants} & set(named))
    form.values["units"] = asked_for or with_us or (named if len(named) == 1 else [])
    form.values["kinds"] = list(DEFAULT_KINDS)


def checked(head: CaseHead, form: Form, until: date, givers: tuple[Giver, ...]) -> dict[str, Any]:
    """Return what the form asks for, in words, to be looked over before it is asked."""
    return {
        "until": until,
        "unit_ids": form.keys("units"),
        "kind_keys": form.keys("kinds"),
        "unit_names": [head.unit_name(unit) for unit in dict.fromkeys(form.keys("units"))],
        "kind_names": consentmap.kind_labels(head, form.keys("kinds")),
        "givers": [consentmap.giver_line(giver, consentmap.is_shell(head)) for giver in givers],
    }
