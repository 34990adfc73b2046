"""From the core's consents to what the pages draw. No queries, no rules.

Behind a closed door (a shell) only states, dates, services and who stands how to the child are told: no name, no
kind of information and nothing anybody wrote. Not even that child welfare answers in the parents' place.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from bti.clock import local_day
from bti.queries.consents import Consent, Giver, Party
from bti.usecases.reading import CaseHead
from web.language import gettext as _
from web.language import ngettext
from web.sentences import word
from web.show import day, moment, words

COLOURS = {"given": "success", "asked": "warning", "partly_given": "warning", "refused": "danger"}
ENDED = ("refused", "withdrawn", "expired")


def expiry(valid_to: date, today: date) -> str:
    """Return an end date with how far off it is, in words."""
    days = (valid_to - today).days
    if days < 0:
        return _("Utløp %(day)s", day=day(valid_to))
    if days == 0:
        return _("Utløper i dag")
    if days <= 60:
        return ngettext(
            "Utløper om %(num)d dag (%(day)s)", "Utløper om %(num)d dager (%(day)s)", days, day=day(valid_to)
        )
    return _("Gjelder til %(day)s", day=day(valid_to))


def is_shell(head: CaseHead) -> bool:
    """Return whether the reader acts without reading."""
    return head.scene.view != "full"


def _is_hidden(head: CaseHead, consent: Consent) -> bool:
    """Return whether only state, dates and services are told: in a shell, and of what was asked for other services
    to one who only takes part. The own service, and who answers for the case, may read them all."""
    ground = head.scene.ground
    if ground is None or ground.is_emergency:
        return ground is None
    named = {unit for unit, _name in consent.units} | {head.scene.facts.unit_id}
    return not (head.scene.standing & {"holder", "unit_leader"} or ground.unit_id in named)


def giver_name(one: Party | Giver, hidden: bool) -> str:
    """Return a giver as "Lise Nordli (mor)"; behind a closed door only "mor"."""
    relation = word("relation", one.relation) if one.relation else ""
    if not hidden:
        return f"{one.name} ({relation})" if relation else one.name
    if relation:
        return relation.capitalize()
    return _("Den det gjelder") if one.authority in ("own_age", "pregnant") else _("Den som svarer for barnet")


def giver_line(giver: Giver, hidden: bool) -> dict[str, str]:
    """Return one who will have to answer, with the reason why it is them."""
    return {
        "name": giver_name(giver, hidden),
        "detail": "" if hidden else word("authority", giver.authority),
    }


def kind_labels(head: CaseHead, kinds: Any) -> list[str]:
    """Return kinds of information in the definition's words, in its order."""
    return [words(c.label) for c in head.scene.model.definition.information_kinds if c.key in kinds]


def card(head: CaseHead, consent: Consent, *, may_record: bool) -> dict[str, Any]:
    """Return a consent with each giver's answer, as much of it as the reader may see."""
    hidden, today = _is_hidden(head, consent), head.scene.today
    warn_days = head.scene.model.definition.consent.warn_days
    return {
        "id": consent.id,
        "purpose": word("purpose", consent.purpose),
        "purpose_key": consent.purpose,
        "state": word("consent", consent.state),
        "colour": COLOURS.get(consent.state),
        "is_open": consent.is_open,
        "is_live": consent.is_live,
        "ended": consent.state in ENDED,
        "units": [name for _id, name in consent.units],
        "kinds": [] if hidden else kind_labels(head, consent.kinds),
        "about": "" if hidden else consent.about,
        "reservations": "" if hidden else consent.reservations,
        "asked": day(local_day(consent.asked_at)),
        "asked_by": consent.asked_by,
        "expiry": expiry(consent.valid_to, today),
        "valid_to": day(consent.valid_to),
        "soon": consent.is_live and (consent.valid_to - today).days <= warn_days,
        "parties": sorted(
            (_party(one, consent, hidden, may_record) for one in consent.parties), key=lambda party: party["name"]
        ),
    }


def _party(one: Party, consent: Consent, hidden: bool, may_record: bool) -> dict[str, Any]:
    said = {
        "given": _("Sa ja %(day)s, %(channel)s", day=day(one.said_on), channel=word("channel", one.channel).lower()),
        "refused": _("Sa nei %(day)s, %(channel)s", day=day(one.said_on), channel=word("channel", one.channel).lower()),
        "withdrawn": _("Trakk samtykket %(day)s", day=day(one.said_on)),
    }
    waits = _("Har ikke svart") if consent.is_open else _("Svarte ikke")
    name = giver_name(one, hidden)
    return {
        "id": one.id,
        "name": name,
        # Inside a sentence: "Hva svarte mor?", but "Hva svarte Lise Nordli (mor)?".
        "called": name[:1].lower() + name[1:] if hidden else name,
        "authority": "" if hidden else word("authority", one.authority),
        "answer": one.answer,
        "detail": said.get(one.answer, waits),
        "may_answer": may_record and consent.is_open and not one.answer,
    }


def event_lines(head: CaseHead, consent: Consent) -> list[dict[str, Any]]:
    """Return what has happened with a consent, newest first."""
    hidden = _is_hidden(head, consent)
    names = {party.id: giver_name(party, hidden) for party in consent.parties}
    verbs = {"given": _("%(name)s sa ja"), "refused": _("%(name)s sa nei"), "withdrawn": _("%(name)s trakk samtykket")}
    lines = [
        {
            "title": verbs[event.event] % {"name": names.get(event.party_id, "")},
            "when": _("%(channel)s %(day)s", channel=word("channel", event.channel), day=day(event.said_on)),
            "recorded": _(
                "Registrert %(when)s av %(name)s", when=moment(event.recorded_at), name=event.recorded_by_name
            ),
            "witness": "" if hidden else event.witness,
            "evidence": "" if hidden else event.evidence,
            "colour": {"given": "green", "withdrawn": "plum"}.get(event.event, "grey"),
        }
        for event in reversed(consent.events)
    ]
    asked = {
        "title": _("Spurt av %(name)s", name=consent.asked_by), "when": moment(consent.asked_at), "recorded": "",
        "witness": "", "evidence": "", "colour": "grey",
    }  # fmt: skip
    return [*lines, asked]


def cover_lines(head: CaseHead) -> list[dict[str, Any]]:
    """Return which services may know something right now, on what basis and until when; a service may stand twice.

    A legal basis (and that child welfare was told) is for those who answer for the case, not for every service in it.
    """
    answers = bool(head.scene.standing & {"holder", "unit_leader"})
    hidden, bases = is_shell(head), {c.key: words(c.label) for c in head.scene.model.definition.legal_bases}
    return [
        {
            "id": cover.id,
            "unit": head.unit_name(cover.unit_id),
            "purpose": word("purpose", cover.purpose),
            "kinds": [] if hidden else kind_labels(head, cover.kinds),
            "law": bases.get(cover.law_reference, cover.law_reference) if cover.law_reference else "",
            "expiry": expiry(cover.valid_to, head.scene.today) if cover.valid_to else "",
        }
        for cover in head.scene.facts.covers
        if answers or not cover.law_reference
    ]
