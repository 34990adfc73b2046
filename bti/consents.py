"""Consent as a fold over its events: its state now or at any chosen moment. Pure; read by use cases and auditors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bti.clock import local_day
from bti.facts import CaseFacts


@dataclass(frozen=True)
class Event:
    """What one giver said (given, refused, withdrawn), when the server recorded it."""

    party_id: str | None
    event: str
    recorded_at: datetime


def state_at(parties: Sequence[str], events: Iterable[Event], valid_to: date, moment: datetime) -> str:
    """Return the consent's state at `moment`: asked, partly_given, given, refused, withdrawn or expired.

    All of `parties` must have given it; one refusal or withdrawal ends it for good. Events after `moment` are
    not known yet. Source: domain.md, Consent.
    """
    said: dict[str, str] = {}
    for event in sorted(events, key=lambda e: e.recorded_at):
        if event.recorded_at > moment:
            break
        if event.event in ("refused", "withdrawn"):
            return event.event
        if event.party_id is not None:
            said[event.party_id] = event.event
    if local_day(moment) > valid_to:
        return "expired"
    if parties and all(said.get(party) == "given" for party in parties):
        return "given"
    return "partly_given" if said else "asked"


@dataclass(frozen=True)
class Effects:
    """What ends when a consent ends: units that lose their door, people's parts, the offer, the baton."""

    units: tuple[str, ...]
    participants: tuple[str, ...]
    offer_ends: bool
    baton_falls: bool


def doors_of(facts: CaseFacts, consent_id: str) -> frozenset[str]:
    """Return the ids of the live doors a consent has opened."""
    return frozenset(cover.id for cover in facts.covers if cover.consent_id == consent_id)


def effects_of_ending(facts: CaseFacts, doors: frozenset[str]) -> Effects:
    """Return what happens to the case when these doors are shut, without doing it."""
    losing = {cover.unit_id for cover in facts.covers if cover.id in doors}
    keeping = {cover.unit_id for cover in facts.covers if cover.id not in doors}
    shut = losing - keeping
    # The own service keeps its own observations while the case is its own.
    outside = shut if facts.is_shared else shut - {facts.unit_id}
    return Effects(
        units=tuple(sorted(shut)),
        participants=tuple(p.id for p in facts.participants if p.unit_id in outside),
        offer_ends=facts.offer is not None and facts.offer.to_unit_id in outside,
        # The own unit's holder goes on answering for the case, behind the door: somebody must lead it down or close.
        baton_falls=facts.is_open and facts.holder_unit_id in outside - {facts.unit_id},
    )
