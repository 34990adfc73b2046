"""Reading the unit leader's desk, with the trail's entry in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.clock import local_day
from bti.engine import require_relation
from bti.errors import Forbidden
from bti.queries import casepage
from bti.queries import unit_desk as lists
from bti.queries.break_glass import awaiting
from bti.queries.unit_desk import MOST_LISTED, Count
from bti.usecases.desk import Hint, hint_of
from bti.usecases.reading import CaseHead, open_case
from bti.workflow.library import load_definition

# How long an offer that nobody took stays on the desk.
LATELY = timedelta(days=30)


@dataclass(frozen=True)
class UnitDesk:
    """What waits in the units one leads. Children are named only in cases the leader may open."""

    unanswered: list[Any]
    holderless: list[Any]
    offered: list[Any]
    not_taken: list[Any]
    late: list[Any]
    more_late: bool
    counts: tuple[Count, ...]
    break_glass: tuple[Any, ...]
    children: dict[str, Any]
    staff: dict[str, str]


def read_unit(session: sa.Connection, *, actor: Actor, now: datetime) -> UnitDesk:
    """Return the desk of the person's units. Raises Forbidden (`wrong_role`) for one who leads none."""
    if not actor.has("unit_leader"):
        raise Forbidden("wrong_role")
    today = local_day(now)
    unanswered = lists.wonders_without_feedback(session, actor=actor, today=today)
    holderless = [row for row in lists.cases_without_holder(session, actor=actor, today=today) if _must_decide(row)]
    offers = lists.offers(session, actor=actor, today=today, since=now - LATELY)
    late = lists.late_cases(session, actor=actor, today=today)
    shown = [*unanswered, *holderless, *offers, *late[:MOST_LISTED]]
    children, staff = lists.names_beside(
        session,
        municipality_id=actor.municipality_id,
        subject_ids={row.subject_id for row in shown if row.readable and row.subject_id},
        person_ids={row.author_id for row in unanswered}
        | {row.holder_id for row in shown}
        | {row.to_person_id for row in offers},
    )
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event="unit.read", now=now,
        unit_id=actor.unit_for("unit_leader"), role="unit_leader", fields={"shown": len(shown)},
    )  # fmt: skip
    waiting = [row for row in offers if row.state == "offered" and row.expires_on >= today]
    return UnitDesk(
        unanswered=unanswered,
        holderless=holderless,
        offered=waiting,
        not_taken=[row for row in offers if row not in waiting],
        late=late[:MOST_LISTED],
        more_late=len(late) > MOST_LISTED,
        counts=lists.counts(session, actor=actor, today=today),
        break_glass=awaiting(
            session,
            municipality_id=actor.municipality_id,
            not_person=actor.person_id,
            unit_ids=actor.units("unit_leader"),
        ),
        children=children,
        staff=staff,
    )


def _must_decide(row: Any) -> bool:
    """Say whether the holder has to be decided now: a case on a level with a log, an interim one, or a wonder that
    stands where the way to such a level begins."""
    if row.is_interim or row.has_log:
        return True
    model = load_definition(row.definition, row.definition_version)
    return any("holder_decided" in model.needs_of(move, row.step) for move in model.moves_from(row.step))


@dataclass(frozen=True)
class ToAnswer:
    """A wonder for the leader who answers its author. `wonder` is None where they may not read it now."""

    head: CaseHead
    wonder: Any
    hint: Hint


def open_for_feedback(session: sa.Connection, *, actor: Actor, case_id: str, now: datetime) -> ToAnswer:
    """Return a wonder for its feedback, and write that it was read. Raises NotFound, Forbidden for others than its
    unit's leader."""
    head = open_case(session, actor=actor, case_id=case_id, now=now, part="feedback")
    require_relation(head.scene, "unit_leader")
    ground, here = head.scene.ground, {"municipality_id": actor.municipality_id, "case_id": case_id}
    wonder = casepage.wonder_of(session, ground=ground, **here) if ground else None
    return ToAnswer(head, wonder, hint_of(session, scene=head.scene))
