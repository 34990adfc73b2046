"""Stuck cases and disagreements put before the coordinating unit, which sees what was referred and decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.engine import Scene, change, load_scene, require_open, require_relation, require_seen
from bti.errors import Forbidden, NotFound, NotPossible
from bti.models import anonymous_discussions, new_id, referrals, units
from bti.models.sealed import sealed
from bti.queries import referred
from bti.queries.referred import Referred
from bti.usecases.text import collect, one_of, required

CAUSES = ("stuck", "disagreement")
OUTCOMES = ("go_on", "new_holder", "new_services", "go_down", "close")


def refer(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    cause: str,
    question: str,
    seen_version: int,
    now: datetime,
) -> str:
    """Put a question before the coordinating unit; it sees this text, level and step, and nothing else.

    Raises NotFound, Forbidden, Stale, NotPossible (`referral_open`, `no_coordinating_unit`), Invalid.
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_relation(scene, "holder", "unit_leader")
    require_seen(scene, seen_version)
    collect(lambda: one_of("cause", cause, CAUSES), lambda: required("question", question, longest=4_000))
    if scene.facts.referral_id:
        raise NotPossible("referral_open")
    unit_id = session.execute(
        sa.select(units.c.id)
        .where(
            units.c.municipality_id == actor.municipality_id,
            units.c.kind == "coordinating_unit",
            units.c.ended_at.is_(None),
        )
        .order_by(units.c.id)
        .limit(1)
    ).scalar_one_or_none()
    if unit_id is None:
        raise NotPossible("no_coordinating_unit")
    referral_id = new_id()
    session.execute(
        sa.insert(referrals),
        sealed(session, referrals, {
            "municipality_id": actor.municipality_id, "id": referral_id, "case_id": case_id, "unit_id": unit_id,
            "cause": cause, "question": required("question", question), "referred_by": actor.person_id,
            "referred_at": now,
        }),
    )  # fmt: skip
    change(session, scene, event="referral.make", object_id=referral_id, fields={"unit": unit_id, "cause": cause})
    return referral_id


def decide(session: sa.Connection, *, actor: Actor, case_id: str, outcome: str, reason: str, now: datetime) -> None:
    """Decide a referred case, with reason; the holder carries it out. Raises NotFound, Forbidden, Invalid.

    Nobody decides a case they hold, lead or take part in themselves.
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    _decidable(scene, outcome, reason)
    row = {"municipality_id": actor.municipality_id, "id": scene.facts.referral_id, "case_id": case_id}
    written = sealed(session, referrals, row | {"reason": required("reason", reason)})
    session.execute(
        sa.update(referrals)
        .where(
            referrals.c.municipality_id == actor.municipality_id,
            referrals.c.id == scene.facts.referral_id,
            referrals.c.decided_at.is_(None),
        )
        .values(outcome=outcome, reason=written["reason"], decided_by=actor.person_id, decided_at=now)
    )
    change(
        session,
        scene,
        event="referral.decide",
        object_id=scene.facts.referral_id,
        fields={"outcome": outcome},
    )


# --- what the coordinating unit sees ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """What was put before the coordinating unit: what waits, oldest first, and the latest decisions."""

    waiting: tuple[Referred, ...]
    decided: tuple[Referred, ...]


def desk(session: sa.Connection, *, actor: Actor, now: datetime) -> Desk:
    """Return what was referred to the person's coordinating unit, with the trail's entry. Raises Forbidden."""
    own = _coordinates(actor)
    waiting = referred.waiting(session, municipality_id=actor.municipality_id, unit_ids=own)
    decided = referred.decided(session, municipality_id=actor.municipality_id, unit_ids=own)
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event="referral.read", now=now,
        role="coordinating_unit", unit_id=min(own), fields={"shown": len(waiting) + len(decided)},
    )  # fmt: skip
    return Desk(waiting, decided)


def open_referred(session: sa.Connection, *, actor: Actor, case_id: str, now: datetime) -> Referred:
    """Return what was referred of one case and waits for a decision, with the trail's entry.

    Raises NotFound, and Forbidden (`own_case`): nobody decides a case they hold, lead or take part in.
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now)
    if "coordinating_unit" not in scene.standing:
        raise NotFound()
    _refuse_own(scene)
    found = referred.waiting(
        session, municipality_id=actor.municipality_id, unit_ids=_coordinates(actor), case_id=case_id
    )
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event="referral.read", now=now, case_id=case_id,
        object_id=scene.facts.referral_id, role="coordinating_unit", unit_id=scene.facts.referral_unit_id,
        fields={"shown": 1},
    )  # fmt: skip
    return found[0]


def _coordinates(actor: Actor) -> frozenset[str]:
    own = actor.units("coordinator")
    if not own:
        raise Forbidden("wrong_role")
    return own


def preview_decision(
    session: sa.Connection, *, actor: Actor, case_id: str, outcome: str, reason: str, now: datetime
) -> None:
    """See whether the decision could be made as it stands, without making it. Raises as `decide`."""
    _decidable(load_scene(session, actor=actor, case_id=case_id, now=now), outcome, reason)


def _decidable(scene: Scene, outcome: str, reason: str) -> None:
    require_open(scene)
    require_relation(scene, "coordinating_unit")
    _refuse_own(scene)
    collect(lambda: one_of("outcome", outcome, OUTCOMES), lambda: required("reason", reason, longest=4_000))


def _refuse_own(scene: Scene) -> None:
    if scene.standing & {"holder", "unit_leader", "participant", "author"}:
        raise Forbidden("own_case")


# --- anonymous discussion: no identity, never joined to a case -----------------------------------------


def ask_anonymously(session: sa.Connection, *, actor: Actor, unit_id: str, question: str, now: datetime) -> str:
    """Ask a helping service about a worry without saying who it is about; return the discussion's id.

    Raises Forbidden, Invalid (unit, question).
    """
    if not actor.units("employee", "unit_leader"):
        raise Forbidden("not_your_task")
    known = session.execute(
        sa.select(units.c.id).where(
            units.c.municipality_id == actor.municipality_id,
            units.c.ended_at.is_(None),
            units.c.is_external.is_(False),
        )
    ).scalars()
    collect(lambda: one_of("unit", unit_id, known), lambda: required("question", question, longest=4_000))
    discussion_id = new_id()
    session.execute(
        sa.insert(anonymous_discussions),
        sealed(session, anonymous_discussions, {
            "municipality_id": actor.municipality_id, "id": discussion_id, "author_id": actor.person_id,
            "unit_id": unit_id, "question": required("question", question), "asked_at": now,
        }),
    )  # fmt: skip
    _told(session, actor, "discussion.ask", discussion_id, unit_id, now)
    return discussion_id


def answer_anonymously(session: sa.Connection, *, actor: Actor, discussion_id: str, answer: str, now: datetime) -> None:
    """Answer a question put to one's own service. Raises NotFound, NotPossible, Invalid (answer)."""
    told = required("answer", answer, longest=4_000)
    d = anonymous_discussions
    asked = session.execute(
        sa.select(d.c.unit_id, d.c.answered_at).where(
            d.c.municipality_id == actor.municipality_id,
            d.c.id == discussion_id,
            d.c.unit_id.in_(sorted(actor.units())),
        )
    ).first()
    if asked is None:
        raise NotFound()
    row = sealed(session, d, {"municipality_id": actor.municipality_id, "id": discussion_id, "answer": told})
    written = session.execute(
        sa.update(d)
        .where(d.c.municipality_id == actor.municipality_id, d.c.id == discussion_id, d.c.answered_at.is_(None))
        .values(answer=row["answer"], answered_by=actor.person_id, answered_at=now)
    )
    if written.rowcount != 1:
        raise NotPossible("already_answered")
    _told(session, actor, "discussion.answer", discussion_id, asked.unit_id, now)


def _told(session: sa.Connection, actor: Actor, event: str, discussion_id: str, unit_id: str, now: datetime) -> None:
    audit.record(
        session,
        actor=actor,
        municipality_id=actor.municipality_id,
        event=event,
        now=now,
        object_id=discussion_id,
        fields={"unit": unit_id},
    )
