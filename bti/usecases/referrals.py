"""Stuck cases and disagreements put before the coordinating unit, which sees what was referred and decides."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.engine import change, load_scene, require_open, require_relation, require_seen
from bti.errors import Forbidden, NotFound, NotPossible
from bti.models import anonymous_discussions, new_id, referrals, units
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
        {
            "municipality_id": actor.municipality_id, "id": referral_id, "case_id": case_id, "unit_id": unit_id,
            "cause": cause, "question": required("question", question), "referred_by": actor.person_id,
            "referred_at": now,
        },
    )  # fmt: skip
    change(session, scene, event="referral.make", object_id=referral_id, fields={"unit": unit_id, "cause": cause})
    return referral_id


def decide(session: sa.Connection, *, actor: Actor, case_id: str, outcome: str, reason: str, now: datetime) -> None:
    """Decide a referred case, with reason; the holder carries it out. Raises NotFound, Forbidden, Invalid.

    Nobody decides a case they hold, lead or take part in themselves.
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_relation(scene, "coordinating_unit")
    if scene.standing & {"holder", "unit_leader", "participant", "author"}:
        raise Forbidden("own_case")
    collect(lambda: one_of("outcome", outcome, OUTCOMES), lambda: required("reason", reason, longest=4_000))
    session.execute(
        sa.update(referrals)
        .where(
            referrals.c.municipality_id == actor.municipality_id,
            referrals.c.id == scene.facts.referral_id,
            referrals.c.decided_at.is_(None),
        )
        .values(outcome=outcome, reason=required("reason", reason), decided_by=actor.person_id, decided_at=now)
    )
    change(
        session,
        scene,
        event="referral.decide",
        object_id=scene.facts.referral_id,
        fields={"outcome": outcome},
    )


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
        {
            "municipality_id": actor.municipality_id, "id": discussion_id, "author_id": actor.person_id,
            "unit_id": unit_id, "question": required("question", question), "asked_at": now,
        },
    )  # fmt: skip
    _told(session, actor, "discussion.ask", discussion_id, unit_id, now)
    return discussion_id


def answer_anonymously(session: sa.Connection, *, actor: Actor, discussion_id: str, answer: str, now: datetime) -> None:
    """Answer a question put to one's own service. Raises NotFound, NotPossible, Invalid (answer)."""
    told = required("answer", answer, longest=4_000)
    d = anonymous_discussions
    row = session.execute(
        sa.select(d.c.unit_id, d.c.answered_at).where(
            d.c.municipality_id == actor.municipality_id,
            d.c.id == discussion_id,
            d.c.unit_id.in_(sorted(actor.units())),
        )
    ).first()
    if row is None:
        raise NotFound()
    written = session.execute(
        sa.update(d)
        .where(d.c.municipality_id == actor.municipality_id, d.c.id == discussion_id, d.c.answered_at.is_(None))
        .values(answer=told, answered_by=actor.person_id, answered_at=now)
    )
    if written.rowcount != 1:
        raise NotPossible("already_answered")
    _told(session, actor, "discussion.answer", discussion_id, row.unit_id, now)


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
