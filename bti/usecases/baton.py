"""The baton: who holds it, offering it, answering, and what happens when it falls.

The old holder keeps it until the new one has accepted. Nobody accepts for another.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from bti.actor import Actor
from bti.engine import Scene, change, load_scene, require_open, require_relation, require_seen, write_trail
from bti.errors import Invalid, Missing, NotFound, NotPossible, NotReady
from bti.facts import CaseFacts, PendingOffer
from bti.grants import add_participant, end_offer, end_participation, give_baton
from bti.models import handovers, new_id
from bti.models.sealed import sealed
from bti.queries.people import interim_holder, is_member, keep_roles
from bti.usecases.text import one_of, optional, required
from bti.usecases.wonders import insert_entry
from bti.workflow.library import load_definition, small_machine, small_track


def confirm_holder(session: sa.Connection, *, actor: Actor, case_id: str, seen_version: int, now: datetime) -> None:
    """Decide that the present holder goes on holding the baton on the level the case goes to.

    At level 0 the unit leader decides; from then on holder or leader (domain.md: decided again at every level). A
    closed case is decided on too, so that it can be opened again with its log. Raises NotFound, Forbidden, Stale,
    NotPossible (`interim_must_appoint`, `holder_left`), NotReady (`service_not_covered`).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_seen(scene, seen_version)
    require_relation(scene, *(("holder", "unit_leader") if scene.facts.level_order else ("unit_leader",)))
    if scene.facts.is_interim and scene.facts.holder_id != actor.person_id:
        raise NotPossible("interim_must_appoint")
    if not scene.facts.is_open and _holder_left(session, scene):
        raise NotPossible("holder_left")
    missing = uncovered(scene.facts, scene.facts.holder_unit_id)
    if missing:
        raise NotReady(missing)
    change(
        session,
        scene,
        event="baton.confirm",
        values={"holder_confirmed": True, "is_interim": False},
        fields={"holder": scene.facts.holder_id, "holder_unit": scene.facts.holder_unit_id},
    )


def _holder_left(session: sa.Connection, scene: Scene) -> bool:
    facts = scene.facts
    return not is_member(
        session, municipality_id=facts.municipality_id, person_id=facts.holder_id, unit_id=facts.holder_unit_id
    )


def catch(session: sa.Connection, scene: Scene) -> Scene:
    """Let the baton of a case that was just opened again fall, when its last holder has left meanwhile or works for
    a service that nothing covers any more.

    Nobody's leaving moves the batons of closed cases, and closing shuts the partners' doors. Raises NotPossible
    (`no_interim_holder`) when the holder has left.
    """
    if _holder_left(session, scene):
        return fall(session, scene, cause="holder_left")
    if uncovered(scene.facts, scene.facts.holder_unit_id):
        return fall_if_caught(session, scene, cause="reopened")
    return scene


def fall_if_caught(session: sa.Connection, scene: Scene, *, cause: str) -> Scene:
    """Let the baton fall to an interim holder; where there is none, the holder answers on behind the closed door."""
    try:
        return fall(session, scene, cause=cause)
    except NotPossible:
        return scene


def offer(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    to_person_id: str,
    to_unit_id: str,
    note: str,
    seen_version: int,
    now: datetime,
    takes_over_log: bool = False,
) -> str:
    """Offer the baton to a person whose service is covered; return the offer's id.

    By the holder or the unit leader (who appoints). `takes_over_log` also moves the log to the new holder's
    service and needs a consent to exactly that. Raises NotFound, Forbidden, Stale, NotPossible (`offer_open`),
    Invalid (`to_person`), NotReady (`service_not_covered`, `takeover_not_covered`).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_relation(scene, "holder", "unit_leader")
    require_seen(scene, seen_version)
    scene = expire_offer(session, scene)
    if scene.facts.offer:
        raise NotPossible("offer_open")
    told = optional("note", note, longest=2_000)
    _check_receiver(session, scene, to_person_id, to_unit_id, takes_over_log)
    return _insert_offer(session, scene, to_person_id, to_unit_id, told, takes_over_log)


def _check_receiver(session: sa.Connection, scene: Scene, person_id: str, unit_id: str, takes_over_log: bool) -> None:
    municipality = scene.facts.municipality_id
    if not person_id:
        raise Invalid(to_person="missing")
    if person_id == scene.facts.holder_id:
        raise Invalid(to_person="already_holder")
    # A leader who wants the baton takes it in the interim, with a reason, and is then confirmed.
    if person_id == scene.actor.person_id:
        raise Invalid(to_person="oneself")
    if not is_member(session, municipality_id=municipality, person_id=person_id, unit_id=unit_id):
        raise Invalid(to_person="unknown")
    missing = uncovered(scene.facts, unit_id, takes_over_log=takes_over_log)
    if missing:
        raise NotReady(missing)


def uncovered(facts: CaseFacts, unit_id: str, *, takes_over_log: bool = False) -> list[Missing]:
    """Return why a person of the unit can't hold this case's baton: nothing, or what the family hasn't said yes to."""
    covers = facts.covers_of(unit_id)
    if takes_over_log and unit_id != facts.unit_id and not any(c.purpose == "takeover" for c in covers):
        return [Missing("takeover_not_covered", "giver")]
    if unit_id == facts.unit_id and not facts.is_shared:
        return []
    return [] if covers else [Missing("service_not_covered", "giver")]


def _insert_offer(
    session: sa.Connection, scene: Scene, person_id: str, unit_id: str, note: str, takes_over_log: bool
) -> str:
    days = small_machine("handover", scene.model.definition.definition.handover).machine.expires_after_days or 7
    expires = scene.today + timedelta(days=days)
    offer_id = new_id()
    session.execute(
        sa.insert(handovers),
        sealed(session, handovers, {
            "municipality_id": scene.facts.municipality_id, "id": offer_id, "case_id": scene.facts.id,
            "from_person_id": scene.facts.holder_id, "to_person_id": person_id, "to_unit_id": unit_id,
            "takes_over_log": takes_over_log, "note": note, "state": "offered", "offered_at": scene.now,
            "offered_by": scene.actor.person_id, "expires_on": expires,
        }),
    )  # fmt: skip
    change(
        session,
        scene,
        event="handover.offer",
        object_id=offer_id,
        fields={
            "from": scene.facts.holder_id,
            "to": person_id,
            "to_unit": unit_id,
            "takes_over_log": takes_over_log,
            "expires_on": expires,
        },
    )
    return offer_id


def accept(session: sa.Connection, *, actor: Actor, case_id: str, offer_id: str, now: datetime) -> None:
    """Take the baton that was offered to oneself. From this moment the new holder answers for the case.

    Raises NotFound, Forbidden, NotPossible (`no_open_offer`), NotReady when the service is no longer covered.
    """
    # Before the case's own lock, as somebody who is ended loses their roles first and then their cases.
    roles = keep_roles(session, municipality_id=actor.municipality_id, person_id=actor.person_id)
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    offered = _open_offer(scene, offer_id)
    require_relation(scene, "offered")
    if offered.to_unit_id not in roles:
        raise NotFound()
    _track(scene, "accept")
    missing = uncovered(scene.facts, offered.to_unit_id, takes_over_log=offered.takes_over_log)
    if missing:
        raise NotReady(missing)
    session.execute(
        sa.update(handovers)
        .where(handovers.c.municipality_id == actor.municipality_id, handovers.c.id == offer_id)
        .values(state="accepted", answered_at=now)
    )
    unit = offered.to_unit_id if offered.takes_over_log else scene.facts.unit_id
    before = scene.facts
    scene = give_baton(
        session,
        scene,
        person_id=actor.person_id,
        unit_id=offered.to_unit_id,
        how="handover",
        event="handover.accept",
        confirmed=True,
        object_id=offer_id,
        values={"unit_id": unit},
        fields={"from": before.holder_id, "unit": unit, "takes_over_log": offered.takes_over_log},
    )
    _change_places(session, scene, before)


def _change_places(session: sa.Connection, scene: Scene, before: CaseFacts) -> None:
    """Let the new holder stop being a participant, and the old one become one.

    Only the coordination moves: each service goes on answering for its own work (domain.md, The baton holder).
    Who held it in the interim had no work of their own in the case.
    """
    for one in before.participants:
        if one.person_id == scene.facts.holder_id:
            scene = end_participation(session, scene, participant_id=one.id, cause="became_holder")
    takes_part = any(
        (one.person_id, one.unit_id) == (before.holder_id, before.holder_unit_id) for one in before.participants
    )
    covered = scene.facts.has_log and not uncovered(scene.facts, before.holder_unit_id)
    if covered and not before.is_interim and not takes_part:
        add_participant(session, scene, person_id=before.holder_id, unit_id=before.holder_unit_id)


def decline(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    offer_id: str,
    reason: str,
    note: str,
    now: datetime,
) -> None:
    """Say no to the baton, with one of the reasons of the handover's definition. The holder keeps it.

    Raises NotFound, Forbidden, NotPossible, Invalid (reason, note).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    _open_offer(scene, offer_id)
    require_relation(scene, "offered")
    _track(scene, "decline")
    chosen = one_of("reason", reason, decline_reasons(scene))
    answer = {"decline_reason": chosen, "answer_note": optional("note", note, longest=2_000)}
    end_offer(session, scene, event="handover.decline", fields={"reason": chosen}, answer=answer)


def withdraw_offer(session: sa.Connection, *, actor: Actor, case_id: str, offer_id: str, now: datetime) -> None:
    """Take back an offer that hasn't been answered. Raises NotFound, Forbidden, NotPossible (`no_open_offer`)."""
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_relation(scene, "holder", "unit_leader")
    _open_offer(scene, offer_id)
    _track(scene, "withdraw")
    end_offer(session, scene, event="handover.withdraw", fields={})


def decline_reasons(scene: Scene) -> tuple[str, ...]:
    """Return the keys a person may choose among when saying no to a baton or an invitation."""
    version = scene.model.definition.definition.handover
    return tuple(choice.key for choice in small_machine("handover", version).reasons)


def _open_offer(scene: Scene, offer_id: str) -> PendingOffer:
    if scene.facts.offer is None or scene.facts.offer.id != offer_id:
        raise NotPossible("no_open_offer")
    return scene.facts.offer


def _track(scene: Scene, move: str) -> None:
    small_track("handover", scene.model.definition.definition.handover).next_state(move, "offered")


def expire_offer(session: sa.Connection, scene: Scene) -> Scene:
    """Tidy away an offer whose date has passed; it already counts as gone everywhere."""
    row = session.execute(
        sa.select(handovers).where(
            handovers.c.municipality_id == scene.facts.municipality_id,
            handovers.c.case_id == scene.facts.id,
            handovers.c.state == "offered",
            handovers.c.expires_on < scene.today,
        )
    ).first()
    if row is None:
        return scene
    old = PendingOffer(row.id, row.from_person_id, row.to_person_id, row.to_unit_id, row.takes_over_log, row.expires_on)
    with_offer = replace(scene, facts=replace(scene.facts, offer=old))
    return end_offer(session, with_offer, event="handover.expire", fields={})


def fall(session: sa.Connection, scene: Scene, *, cause: str) -> Scene:
    """Give the baton to the interim holder because the holder can't hold it any more.

    Raises NotPossible (`no_interim_holder`) when neither the unit nor the coordinating unit has anybody: then
    nothing may be ended that would leave the case without a holder.
    """
    facts = scene.facts
    found = interim_holder(
        session, municipality_id=facts.municipality_id, unit_id=facts.unit_id, not_person_id=facts.holder_id
    )
    if found is None:
        raise NotPossible("no_interim_holder", case=facts.reference)
    person_id, unit_id = found
    if facts.offer and facts.offer.to_person_id == person_id:
        scene = end_offer(session, scene, event="handover.overtake", fields={"cause": cause})
    return give_baton(
        session,
        scene,
        person_id=person_id,
        unit_id=unit_id,
        how="interim",
        event="baton.interim",
        confirmed=False,
        fields={"from": facts.holder_id, "cause": cause},
    )


def system_scene(actor: Actor, facts: CaseFacts, now: datetime) -> Scene:
    """Return a scene for a change that a rule makes in a case the person doing it has no part in."""
    model = load_definition(facts.definition, facts.definition_version)
    return Scene(facts, model, actor, frozenset(), None, None, now)


def interim_by_leader(
    session: sa.Connection, *, actor: Actor, case_id: str, reason: str, seen_version: int, now: datetime
) -> None:
    """Take the baton as unit leader because the holder is away. The leader must then appoint.

    Raises NotFound, Forbidden, Stale, NotPossible (`already_holder`), Invalid (reason).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_relation(scene, "unit_leader")
    require_seen(scene, seen_version)
    required("reason", reason, longest=2_000)
    if scene.facts.holder_id == actor.person_id:
        raise NotPossible("already_holder")
    if scene.facts.offer and scene.facts.offer.to_person_id == actor.person_id:
        scene = end_offer(session, scene, event="handover.overtake", fields={"cause": "absence"})
    scene = give_baton(
        session,
        scene,
        person_id=actor.person_id,
        unit_id=scene.facts.unit_id,
        how="interim",
        event="baton.interim",
        confirmed=False,
        fields={"from": scene.facts.holder_id, "cause": "absence"},
    )
    _keep_interim_reason(session, scene, reason)


def _keep_interim_reason(session: sa.Connection, scene: Scene, reason: str) -> None:
    insert_entry(
        session, scene, kind="decision", information_kind="measures", title="interim", text=reason,
        happened_on=scene.today,
    )  # fmt: skip
    write_trail(session, scene, event="entry.add", fields={"kind": "decision", "information_kind": "measures"})
