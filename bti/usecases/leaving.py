"""What somebody who leaves, leaves behind: batons fall to an interim holder, offers and parts in cases end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bti import policy
from bti.actor import Actor
from bti.clock import local_day
from bti.engine import Scene
from bti.grants import end_offer, end_participation
from bti.models import cases, handovers, participations
from bti.queries.facts import case_facts, lock_case
from bti.usecases import baton


@dataclass(frozen=True)
class Fallen:
    """How many batons fell: `all` of them, for the trail, and how many an administrator is `told` of. A wonder that
    its author hasn't shared is nobody else's to count."""

    all: int = 0
    told: int = 0

    def and_in(self, scene: Scene) -> Fallen:
        """Return the same with the baton of one more case."""
        return Fallen(self.all + 1, self.told + policy.leader_sees(scene.facts))


def leave_cases(
    session: sa.Connection, *, actor: Actor, person_id: str, unit_id: str | None, cause: str, now: datetime
) -> Fallen:
    """End everything a person has in cases through `unit_id` (None: through any unit); return how many batons fell.

    Raises NotPossible (`no_interim_holder`, with the case): let the transaction go then, and nothing has changed.
    Source: domain.md, The baton holder: a case is never silently without one.
    """
    moved = Fallen()
    # Every case is visited once and in the order of ids, so that two who do this at once can't wait for each other.
    for case_id in _cases_with(session, actor.municipality_id, person_id):
        scene = _scene(session, actor, case_id, now)
        scene = _end_offer_to(session, scene, person_id, unit_id, cause)
        for part in scene.facts.participants:
            if part.person_id == person_id and unit_id in (None, part.unit_id):
                scene = end_participation(session, scene, participant_id=part.id, cause=cause)
        facts = scene.facts
        if facts.is_open and facts.holder_id == person_id and unit_id in (None, facts.holder_unit_id):
            baton.fall(session, scene, cause=cause)
            moved = moved.and_in(scene)
    return moved


def leave_interim(
    session: sa.Connection, *, actor: Actor, person_id: str, unit_id: str, cause: str, now: datetime
) -> Fallen:
    """Pass on the batons a person holds only because they led `unit_id`; return how many.

    They may stay in the unit as an employee, but holding in the interim is the leader's duty. Raises NotPossible
    (`no_interim_holder`).
    """
    held = session.execute(
        sa.select(cases.c.id)
        .where(
            cases.c.municipality_id == actor.municipality_id,
            cases.c.holder_id == person_id,
            cases.c.holder_unit_id == unit_id,
            cases.c.is_interim.is_(True),
            cases.c.closed_at.is_(None),
        )
        .order_by(cases.c.id)
    ).scalars()
    moved = Fallen()
    for case_id in held.all():
        scene = _scene(session, actor, case_id, now)
        if scene.facts.is_interim and scene.facts.holder_id == person_id:
            baton.fall(session, scene, cause=cause)
            moved = moved.and_in(scene)
    return moved


def _cases_with(session: sa.Connection, municipality_id: str, person_id: str) -> list[str]:
    held = sa.select(cases.c.id).where(
        cases.c.municipality_id == municipality_id, cases.c.holder_id == person_id, cases.c.closed_at.is_(None)
    )
    offered = sa.select(handovers.c.case_id).where(
        handovers.c.municipality_id == municipality_id,
        handovers.c.to_person_id == person_id,
        handovers.c.state == "offered",
    )
    part = sa.select(participations.c.case_id).where(
        participations.c.municipality_id == municipality_id,
        participations.c.person_id == person_id,
        participations.c.ended_at.is_(None),
    )
    return sorted(session.execute(sa.union(held, offered, part)).scalars())


def _scene(session: sa.Connection, actor: Actor, case_id: str, now: datetime) -> Scene:
    # Read again under the lock: an offer may have been accepted since the list was made.
    lock_case(session, municipality_id=actor.municipality_id, case_id=case_id)
    facts = case_facts(session, municipality_id=actor.municipality_id, case_id=case_id, today=local_day(now))
    return baton.expire_offer(session, baton.system_scene(actor, facts, now))


def _end_offer_to(session: sa.Connection, scene: Scene, person_id: str, unit_id: str | None, cause: str) -> Scene:
    offer = scene.facts.offer
    if offer is None or offer.to_person_id != person_id or unit_id not in (None, offer.to_unit_id):
        return scene
    return end_offer(session, scene, event="handover.overtake", fields={"cause": cause})
