"""Services that take part: a named person is invited, answers, and leaves again."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bti.actor import Actor
from bti.engine import Scene, change, load_scene, require_open, require_relation, require_seen
from bti.errors import Invalid, Missing, NotFound, NotPossible, NotReady
from bti.facts import Participant
from bti.grants import end_participation
from bti.models import new_id, participations, units
from bti.models.sealed import sealed
from bti.queries.people import is_member
from bti.usecases.baton import decline_reasons, uncovered
from bti.usecases.text import collect, one_of, required


def invite(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    person_id: str,
    unit_id: str,
    purpose: str,
    seen_version: int,
    now: datetime,
) -> str:
    """Ask a person to take part for their service; they see a preview until they answer. Return the invitation's id.

    Needs a live consent (or legal basis) that names the service; an external service needs one for external
    partners. Raises NotFound, Forbidden, Stale, NotPossible (`already_takes_part`), NotReady
    (`service_not_covered`, `external_not_covered`), Invalid (person, purpose).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_relation(scene, "holder")
    require_seen(scene, seen_version)
    collect(lambda: required("person", person_id), lambda: required("purpose", purpose, longest=500))
    municipality = actor.municipality_id
    if not is_member(session, municipality_id=municipality, person_id=person_id, unit_id=unit_id):
        raise Invalid(person="unknown")
    if person_id == scene.facts.holder_id or any(p.person_id == person_id for p in scene.facts.participants):
        raise NotPossible("already_takes_part")
    _check_covered(session, scene, unit_id)
    invitation_id = new_id()
    session.execute(
        sa.insert(participations),
        sealed(session, participations, {
            "municipality_id": municipality, "id": invitation_id, "case_id": case_id, "person_id": person_id,
            "unit_id": unit_id, "state": "invited", "purpose": required("purpose", purpose), "invited_at": now,
            "invited_by": actor.person_id,
        }),
    )  # fmt: skip
    change(
        session, scene, event="participation.invite", object_id=invitation_id,
        fields={"person": person_id, "unit": unit_id},
    )  # fmt: skip
    return invitation_id


def _check_covered(session: sa.Connection, scene: Scene, unit_id: str) -> None:
    missing = uncovered(scene.facts, unit_id)
    external = session.execute(
        sa.select(units.c.is_external).where(
            units.c.municipality_id == scene.facts.municipality_id, units.c.id == unit_id
        )
    ).scalar_one()
    covers = scene.facts.covers_of(unit_id)
    if external and not any(c.purpose in ("external", "law") for c in covers):
        missing = [Missing("external_not_covered", "giver")]
    if missing:
        raise NotReady(missing)


def accept(session: sa.Connection, *, actor: Actor, case_id: str, invitation_id: str, now: datetime) -> None:
    """Say yes to taking part. Raises NotFound, Forbidden, NotPossible, NotReady when the door has closed since."""
    scene, found = _invited(session, actor, case_id, invitation_id, now)
    missing = uncovered(scene.facts, found.unit_id)
    if missing:
        raise NotReady(missing)
    _answer(session, scene, found, "active", {})
    fields = {"person": found.person_id, "unit": found.unit_id}
    change(session, scene, event="participation.accept", object_id=found.id, fields=fields)


def decline(
    session: sa.Connection, *, actor: Actor, case_id: str, invitation_id: str, reason: str, now: datetime
) -> None:
    """Say no to taking part, with a reason from the list. Raises NotFound, Forbidden, NotPossible, Invalid."""
    scene, found = _invited(session, actor, case_id, invitation_id, now)
    chosen = one_of("reason", reason, decline_reasons(scene))
    _answer(
        session,
        scene,
        found,
        "declined",
        {"decline_reason": chosen, "ended_at": now, "ended_how": "declined"},
    )
    fields = {"person": found.person_id, "unit": found.unit_id, "reason": chosen}
    change(session, scene, event="participation.decline", object_id=found.id, fields=fields)


def _invited(
    session: sa.Connection, actor: Actor, case_id: str, invitation_id: str, now: datetime
) -> tuple[Scene, Participant]:
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    found = next((p for p in scene.facts.participants if p.id == invitation_id), None)
    if found is None or found.person_id != actor.person_id:
        raise NotFound()
    if found.state != "invited":
        raise NotPossible("already_answered")
    require_relation(scene, "invited")
    return scene, found


def _answer(session: sa.Connection, scene: Scene, found: Participant, state: str, more: dict[str, object]) -> None:
    session.execute(
        sa.update(participations)
        .where(participations.c.municipality_id == scene.facts.municipality_id, participations.c.id == found.id)
        .values(state=state, answered_at=scene.now, **more)
    )


def end_part(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    participation_id: str,
    seen_version: int,
    now: datetime,
) -> None:
    """End a person's part: the holder ends anybody's, a participant their own. Raises NotFound, Forbidden, Stale."""
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_seen(scene, seen_version)
    own = any(p.id == participation_id and p.person_id == actor.person_id for p in scene.facts.participants)
    if not own:
        require_relation(scene, "holder")
    end_participation(session, scene, participant_id=participation_id, cause="left" if own else "ended_by_holder")
