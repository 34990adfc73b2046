"""Doors: what one may open and for how long, and all that ends when it is shut or has run out.

A door lets one service see some kinds of information in a case, on a consent (`consent`) or a law (`legal_basis`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import sqlalchemy as sa

from bti.actor import Actor
from bti.clock import local_day
from bti.consents import effects_of_ending
from bti.engine import Scene, change
from bti.errors import Invalid
from bti.facts import CaseFacts, Cover
from bti.grants import end_door, end_offer, end_participation
from bti.models import disclosures
from bti.queries.facts import case_facts, lock_case
from bti.usecases import baton


def check_kinds(scene: Scene, kinds: Sequence[str]) -> None:
    """Raise Invalid (kinds) unless there are some, all of them in the case's definition."""
    known = {choice.key for choice in scene.model.definition.information_kinds}
    if not kinds:
        raise Invalid(kinds="missing")
    if not set(kinds) <= known:
        raise Invalid(kinds="unknown")


def check_until(until: date, today: date, longest: date) -> None:
    """Raise Invalid (valid_to) unless the last day lies after today and no later than `longest`."""
    if until <= today:
        raise Invalid(valid_to="in_past")
    if until > longest:
        raise Invalid(valid_to="too_late")


def shut(session: sa.Connection, scene: Scene, doors: frozenset[str], *, cause: str) -> Scene:
    """Shut doors, and end what stood on them alone: people's parts, an offer, a baton."""
    ending = effects_of_ending(scene.facts, doors)
    for door_id in sorted(doors):
        scene = end_door(session, scene, cover_id=door_id, cause=cause)
    if ending.offer_ends:
        scene = end_offer(session, scene, event="handover.overtake", fields={"cause": cause})
    for participant_id in ending.participants:
        scene = end_participation(session, scene, participant_id=participant_id, cause=cause)
    # A family's no is never refused because nobody stands in.
    return baton.fall_if_caught(session, scene, cause=cause) if ending.baton_falls else scene


def tidy_expired(session: sa.Connection, *, actor: Actor, case_id: str, now: datetime) -> int:
    """Write down that consents and legal bases have run out, and let a baton fall that nobody can see by any more.

    Access has been closed since the day itself; this is for what stood on it. Return how many doors were shut.
    """
    lock_case(session, municipality_id=actor.municipality_id, case_id=case_id)
    today = local_day(now)
    facts = case_facts(session, municipality_id=actor.municipality_id, case_id=case_id, today=today)
    expired = _expired_doors(session, facts, today)
    scene = baton.system_scene(actor, replace(facts, covers=(*facts.covers, *expired)), now)
    for consent_id in sorted({cover.consent_id for cover in expired if cover.consent_id}):
        scene = change(session, scene, event="consent.expire", object_id=consent_id, fields={})
    if expired:
        shut(session, scene, frozenset(cover.id for cover in expired), cause="consent_expired")
    return len(expired)


def _expired_doors(session: sa.Connection, facts: CaseFacts, today: date) -> tuple[Cover, ...]:
    d = disclosures.c
    rows = session.execute(
        sa.select(d.id, d.unit_id, d.purpose, d.kinds, d.consent_id, d.law_reference, d.valid_to).where(
            d.municipality_id == facts.municipality_id,
            d.case_id == facts.id,
            d.ended_at.is_(None),
            d.valid_to < today,
        )
    )
    return tuple(Cover(i, unit, why, frozenset(kinds), by, law, to) for i, unit, why, kinds, by, law, to in rows)
