"""The closed table of what a move may require. A definition names needs; what they mean is said here only.

Each need looks at the facts and answers met, missing or not applicable, and says who can mend it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from bti.facts import CaseFacts

State = Literal["met", "missing", "na"]


@dataclass(frozen=True)
class Need:
    """One requirement: `name` as definitions write it, `fixer` the relation that can put it in place."""

    name: str
    fixer: str
    state: Callable[[CaseFacts], State]


@dataclass(frozen=True)
class Found:
    """The verdict on one need for one case."""

    name: str
    state: State
    fixer: str


def _met(condition: bool) -> State:
    return "met" if condition else "missing"


def _consented(facts: CaseFacts, unit_id: str, purposes: tuple[str, ...]) -> bool:
    return any(cover.purpose in purposes for cover in facts.covers_of(unit_id) if cover.consent_id)


def _lawful(facts: CaseFacts, unit_id: str) -> bool:
    return bool(facts.covers_of(unit_id))


def partner_units(facts: CaseFacts) -> frozenset[str]:
    """Return the units other than the case's own that take part or hold the baton."""
    units = {p.unit_id for p in facts.participants if p.state == "active"} | {facts.holder_unit_id}
    return frozenset(units - {facts.unit_id})


def _partners_covered(facts: CaseFacts) -> State:
    others = partner_units(facts)
    named = {cover.unit_id for cover in facts.covers} - {facts.unit_id}
    return _met(bool(named) and all(_lawful(facts, unit) for unit in others) and _lawful(facts, facts.unit_id))


def _externals_covered(facts: CaseFacts) -> State:
    externals = {p.unit_id for p in facts.participants if p.is_external}
    if not externals:
        return "na"
    return _met(all(_consented(facts, unit, ("external",)) or _by_law(facts, unit) for unit in externals))


def _by_law(facts: CaseFacts, unit_id: str) -> bool:
    return any(cover.law_reference for cover in facts.covers_of(unit_id))


def _feedback(facts: CaseFacts) -> State:
    if facts.shared_with_leader_at is None:
        return "na"
    return _met(facts.feedback_given)


def _evaluated(facts: CaseFacts) -> State:
    if not facts.open_measures:
        return "na"
    return _met(facts.unevaluated_measures == 0)


NEEDS: dict[str, Need] = {
    need.name: need
    for need in (
        Need("note_written", "author", lambda f: _met(f.note_written)),
        Need("shared_with_leader", "author", lambda f: _met(f.shared_with_leader_at is not None)),
        Need("leader_feedback", "unit_leader", _feedback),
        Need("guardians_talked", "holder", lambda f: _met(f.guardian_talks > 0)),
        Need("subject_known", "holder", lambda f: _met(f.subject_id is not None)),
        Need("holder_decided", "unit_leader", lambda f: _met(f.holder_confirmed and not f.is_interim)),
        Need("consent_log", "giver", lambda f: _met(_consented(f, f.unit_id, ("log", "takeover")))),
        Need("consent_partner", "giver", _partners_covered),
        Need("consent_external", "giver", _externals_covered),
        Need("partner_joined", "invited", lambda f: _met(bool(partner_units(f)))),
        Need("goal_set", "holder", lambda f: _met(f.open_goals > 0)),
        Need("measure_planned", "holder", lambda f: _met(f.open_measures > 0 and f.incomplete_measures == 0)),
        Need("measures_evaluated", "holder", _evaluated),
        Need("child_heard", "holder", lambda f: _met(f.child_voices > 0)),
        Need("no_open_offer", "holder", lambda f: _met(f.offer is None)),
    )
}

# Needs that the engine itself demands. A definition may repeat them; leaving them out changes nothing at run time
# and is a finding when the file is checked.
LOG_NEEDS = ("subject_known", "holder_decided", "consent_log")
SHARING_NEEDS = ("consent_partner",)
EXTERNAL_NEEDS = ("consent_external",)


def judge(names: Iterable[str], facts: CaseFacts) -> tuple[Found, ...]:
    """Return the verdict on each named need, in the order given, each once."""
    return tuple(Found(name, NEEDS[name].state(facts), NEEDS[name].fixer) for name in dict.fromkeys(names))
