"""What is granted in a case: the baton, an offer of it, a part and a door. Rows are added and ended, never edited.

Every verb writes through `engine.change` and returns the scene after it. Whether it may be done, the caller has asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from bti.engine import Scene, change
from bti.errors import NotFound, NotPossible
from bti.facts import Cover
from bti.models import batons, disclosures, handovers, new_id, participations
from bti.models.sealed import sealed


def give_baton(
    session: sa.Connection,
    scene: Scene,
    *,
    person_id: str,
    unit_id: str,
    how: str,
    event: str,
    fields: Mapping[str, Any],
    confirmed: bool,
    object_id: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> Scene:
    """End the live baton row, add the new one and write it on the case; the trail says `event`."""
    facts = scene.facts
    live = (
        batons.c.municipality_id == facts.municipality_id,
        batons.c.case_id == facts.id,
        batons.c.ended_at.is_(None),
    )
    session.execute(sa.update(batons).where(*live).values(ended_at=scene.now))
    _add_baton(session, scene, person_id=person_id, unit_id=unit_id, how=how)
    written = {
        "holder_id": person_id,
        "holder_unit_id": unit_id,
        "is_interim": how == "interim",
        "holder_confirmed": confirmed,
        **(values or {}),
    }
    told = {**fields, "holder": person_id, "holder_unit": unit_id}
    return change(session, scene, event=event, values=written, fields=told, object_id=object_id)


def _add_baton(session: sa.Connection, scene: Scene, *, person_id: str, unit_id: str, how: str) -> None:
    """Add the row that says who holds the baton from now on."""
    session.execute(
        sa.insert(batons),
        {
            "municipality_id": scene.facts.municipality_id,
            "id": new_id(),
            "case_id": scene.facts.id,
            "person_id": person_id,
            "unit_id": unit_id,
            "how": how,
            "started_at": scene.now,
            "ended_at": None,
        },
    )


_OFFER_STATES = {
    "handover.decline": "declined",
    "handover.withdraw": "withdrawn",
    "handover.expire": "expired",
    "handover.overtake": "overtaken",
}


def end_offer(
    session: sa.Connection,
    scene: Scene,
    *,
    event: str,
    fields: Mapping[str, Any],
    answer: Mapping[str, Any] | None = None,
) -> Scene:
    """End the open offer of the baton; the holder stays. Raises NotPossible when there is none."""
    offer = scene.facts.offer
    if offer is None:
        raise NotPossible("no_open_offer")
    row = {"municipality_id": scene.facts.municipality_id, "id": offer.id, "case_id": scene.facts.id}
    written = sealed(session, handovers, row | dict(answer)) if answer else {}
    session.execute(
        sa.update(handovers)
        .where(
            handovers.c.municipality_id == scene.facts.municipality_id,
            handovers.c.id == offer.id,
            handovers.c.state == "offered",
        )
        .values(state=_OFFER_STATES[event], answered_at=scene.now, **{name: written[name] for name in answer or ()})
    )
    after = change(session, scene, event=event, fields=fields, object_id=offer.id)
    return replace(after, facts=replace(after.facts, offer=None))


def add_participant(session: sa.Connection, scene: Scene, *, person_id: str, unit_id: str) -> Scene:
    """Let somebody who has worked in the case go on in it as a participant, without being asked again."""
    participant_id = new_id()
    session.execute(
        sa.insert(participations),
        sealed(session, participations, {
            "municipality_id": scene.facts.municipality_id, "id": participant_id, "case_id": scene.facts.id,
            "person_id": person_id, "unit_id": unit_id, "state": "active", "purpose": "",
            "invited_at": scene.now, "invited_by": scene.actor.person_id, "answered_at": scene.now,
        }),
    )  # fmt: skip
    return change(
        session,
        scene,
        event="participation.accept",
        fields={"person": person_id, "unit": unit_id},
        object_id=participant_id,
    )


def end_participation(session: sa.Connection, scene: Scene, *, participant_id: str, cause: str) -> Scene:
    """End a service's part through one person. Raises NotFound when they take no part."""
    found = next((p for p in scene.facts.participants if p.id == participant_id), None)
    if found is None:
        raise NotFound()
    session.execute(
        sa.update(participations)
        .where(
            participations.c.municipality_id == scene.facts.municipality_id,
            participations.c.id == participant_id,
        )
        .values(state="ended", ended_at=scene.now, ended_how=cause[:60])
    )
    after = change(
        session,
        scene,
        event="participation.end",
        fields={"person": found.person_id, "unit": found.unit_id, "cause": cause},
        object_id=participant_id,
    )
    rest = tuple(p for p in after.facts.participants if p.id != participant_id)
    return replace(after, facts=replace(after.facts, participants=rest))


def open_door(
    session: sa.Connection,
    scene: Scene,
    *,
    unit_id: str,
    kinds: Sequence[str],
    purpose: str,
    valid_to: date,
    consent_id: str | None = None,
    law_reference: str | None = None,
    law_reason: str | None = None,
) -> Scene:
    """Let a unit see these kinds in the case until `valid_to`, on exactly one basis."""
    door_id = new_id()
    session.execute(
        sa.insert(disclosures),
        sealed(session, disclosures, {
            "municipality_id": scene.facts.municipality_id, "id": door_id, "case_id": scene.facts.id,
            "unit_id": unit_id, "kinds": tuple(kinds), "purpose": purpose, "consent_id": consent_id,
            "law_reference": law_reference, "law_reason": law_reason, "opened_at": scene.now,
            "opened_by": scene.actor.person_id, "valid_to": valid_to,
        }),
    )  # fmt: skip
    after = change(
        session,
        scene,
        event="disclosure.open",
        object_id=door_id,
        fields={
            "unit": unit_id, "kinds": sorted(kinds), "purpose": purpose, "valid_to": valid_to,
            "consent": consent_id, "law_reference": law_reference,
        },
    )  # fmt: skip
    cover = Cover(door_id, unit_id, purpose, frozenset(kinds), consent_id, law_reference, valid_to)
    return replace(after, facts=replace(after.facts, covers=(*after.facts.covers, cover)))


def end_door(session: sa.Connection, scene: Scene, *, cover_id: str, cause: str) -> Scene:
    """Close the door a consent or a legal basis had opened to a unit."""
    cover = next(c for c in scene.facts.covers if c.id == cover_id)
    session.execute(
        sa.update(disclosures)
        .where(disclosures.c.municipality_id == scene.facts.municipality_id, disclosures.c.id == cover_id)
        .values(ended_at=scene.now, ended_how=cause[:60])
    )
    after = change(
        session,
        scene,
        event="disclosure.end",
        fields={"unit": cover.unit_id, "cause": cause},
        object_id=cover_id,
    )
    rest = tuple(c for c in after.facts.covers if c.id != cover_id)
    return replace(after, facts=replace(after.facts, covers=rest))
