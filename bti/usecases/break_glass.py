"""Breaking the glass: reading one case in an emergency, without a part in it, for some minutes.

Nobody is asked beforehand, so everything is known afterwards: who, why and what they read stands in the trail, the
leaders of both units find it on their desk at once, and somebody else must close it with a verdict.

Whoever asks for a case is told nothing of it until they have gone through with it: the form has neither search nor
suggestion, and a case that isn't there, a wonder nobody has shared and a child whose address is blocked are one and
the same refusal, which is written to the trail and of which there are few (`TRIES`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti import audit, policy
from bti.actor import Actor
from bti.clock import local_day
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import LONGEST_MINUTES, break_glass, new_id
from bti.models.sealed import sealed
from bti.queries import break_glass as found_by
from bti.queries.facts import case_facts
from bti.usecases import throttling
from bti.usecases.substance import substance
from bti.usecases.text import LONGEST_LINE, collect, one_of, optional, required
from bti.usecases.throttling import Bucket
from bti.usecases.wonders import WONDER_KIND
from bti.workflow.library import load_definition

CAUSES = ("danger", "acute", "unreachable", "other")
MINUTES = (15, 30, 60, 90, LONGEST_MINUTES)
USUAL_MINUTES = 30
VERDICTS = ("justified", "not_justified")
LONGEST_REASON = 1_000
# Somebody in an emergency may misspell a name. Whoever tries names must wait, and the auditor sees each of them.
TRIES, SECONDS_A_TRY = 3, 20 * 60


@dataclass(frozen=True)
class Wanted:
    """What was filled in: the case by its `reference`, or by the full name and day of birth of the `child`."""

    reference: str = ""
    child: str = ""
    born_on: date | None = None
    unit_id: str = ""
    cause: str = ""
    reason: str = ""
    minutes: int = USUAL_MINUTES


@dataclass(frozen=True)
class Opened:
    """Where to go on. `is_new` is False for a case that the person could open anyway: nothing was broken then."""

    reference: str
    is_new: bool


def own_units(session: sa.Connection, *, actor: Actor) -> frozenset[str]:
    """Return the units through which `actor` may break the glass. Raises Forbidden when there is none: an external
    service is another controller, and the other roles meet no child."""
    mine = actor.units(*policy.MAY_BREAK_GLASS)
    found = found_by.internal_units(session, municipality_id=actor.municipality_id, unit_ids=mine)
    if not found:
        raise Forbidden("wrong_role")
    return found


def take_a_try(session: sa.Connection, *, actor: Actor, now: datetime) -> None:
    """Count a try; committed before anything is looked for. Raises TooSoon after TRIES that found nothing."""
    throttling.take(session, municipality_id=actor.municipality_id, buckets=_buckets(actor), now=now)


def _buckets(actor: Actor) -> tuple[Bucket, ...]:
    return (Bucket(f"{policy.BREAK_GLASS}:{actor.person_id}", tries=TRIES, seconds=SECONDS_A_TRY),)


def check(session: sa.Connection, *, actor: Actor, wanted: Wanted, now: datetime) -> None:
    """Look over what was filled in, and nothing else. Raises Forbidden; Invalid (case, child, born_on, unit, cause,
    reason, minutes)."""
    mine = own_units(session, actor=actor)
    collect(
        lambda: _check_named(wanted, local_day(now)),
        lambda: one_of("unit", wanted.unit_id or min(mine), mine),
        lambda: one_of("cause", wanted.cause, CAUSES),
        lambda: substance("reason", wanted.reason, longest=LONGEST_REASON),
        lambda: one_of("minutes", str(wanted.minutes), {str(minutes) for minutes in MINUTES}),
    )


def _check_named(wanted: Wanted, today: date) -> None:
    reference = optional("case", wanted.reference, longest=LONGEST_LINE)
    child = optional("child", wanted.child, longest=LONGEST_LINE)
    if bool(reference) == bool(child):
        raise Invalid(case="case_and_child" if reference else "missing")
    if child and wanted.born_on is None:
        raise Invalid(born_on="missing")
    if wanted.born_on and wanted.born_on > today:
        raise Invalid(born_on="in_future")


def open_case(session: sa.Connection, *, actor: Actor, wanted: Wanted, now: datetime) -> Opened:
    """Let `actor` read the case from now on for the minutes wanted, and write it to the trail.

    After `take_a_try`. Raises as `check`, and NotFound where there is no case to open so.
    """
    check(session, actor=actor, wanted=wanted, now=now)
    here = {"municipality_id": actor.municipality_id}
    case_id = _case_id(session, actor, wanted)
    facts = case_facts(session, **here, case_id=case_id, today=local_day(now), emergency_at=now)
    throttling.give_back(session, **here, buckets=_buckets(actor))
    if policy.ground(actor, facts):
        return Opened(facts.reference, is_new=False)
    unit_id = wanted.unit_id or min(own_units(session, actor=actor))
    model = load_definition(facts.definition, facts.definition_version)
    id_, ends_at = new_id(), now + timedelta(minutes=wanted.minutes)
    row = {
        **here, "id": id_, "case_id": case_id, "person_id": actor.person_id, "unit_id": unit_id,
        "case_unit_id": facts.unit_id, "cause": wanted.cause,
        "reason": substance("reason", wanted.reason, longest=LONGEST_REASON),
        "kinds": (WONDER_KIND, *(kind.key for kind in model.definition.information_kinds)), "minutes": wanted.minutes,
        "opened_at": now, "ends_at": ends_at,
    }  # fmt: skip
    session.execute(sa.insert(break_glass), sealed(session, break_glass, row))
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event="break_glass.open", now=now,
        case_id=case_id, object_id=id_, role=policy.BREAK_GLASS, unit_id=unit_id, purpose="emergency",
        basis=f"{policy.BREAK_GLASS}:{id_}",
        fields={"cause": wanted.cause, "minutes": wanted.minutes, "ends_at": ends_at, "case_unit": facts.unit_id},
    )  # fmt: skip
    return Opened(facts.reference, is_new=True)


def _case_id(session: sa.Connection, actor: Actor, wanted: Wanted) -> str:
    here = {"municipality_id": actor.municipality_id}
    if wanted.reference.strip():
        found = found_by.case_by_reference(session, **here, reference=wanted.reference)
    else:
        found = found_by.case_of_child(session, **here, name=wanted.child, born_on=wanted.born_on)
    if found is None:
        raise NotFound("no_case_to_open")
    return found


def end(session: sa.Connection, *, actor: Actor, break_glass_id: str, now: datetime) -> None:
    """End an emergency access before its time: one's own, or one that one was told of as a leader.

    Raises NotFound for everybody else, NotPossible (`break_glass_over`) when it has ended.
    """
    row = _row(session, actor, break_glass_id)
    if row.person_id != actor.person_id and not _leads(actor, row):
        raise NotFound()
    g = break_glass.c
    mine = (g.municipality_id == actor.municipality_id, g.id == break_glass_id, *policy.lasts(now))
    ended = session.execute(sa.update(break_glass).where(*mine).values(ended_at=now, ended_by=actor.person_id))
    if ended.rowcount != 1:
        raise NotPossible("break_glass_over")
    _tell(session, actor, row, "break_glass.end", now, {})


def review(
    session: sa.Connection, *, actor: Actor, break_glass_id: str, verdict: str, note: str, now: datetime
) -> None:
    """Close an emergency access with a verdict: by a leader who was told of it or an auditor, never by the person.

    Raises NotFound; Forbidden (`own_access`); NotPossible (`break_glass_lasts`, `already_reviewed`); Invalid
    (verdict, note).
    """
    row = _row(session, actor, break_glass_id)
    role = reviewer_role(actor, row)
    if not is_over(row, now):
        raise NotPossible("break_glass_lasts")
    collect(
        lambda: one_of("verdict", verdict, VERDICTS),
        lambda: substance("note", note, longest=LONGEST_REASON, words=3, letters=10),
    )
    g = break_glass.c
    mine = (g.municipality_id == actor.municipality_id, g.id == break_glass_id, g.reviewed_at.is_(None))
    written = sealed(session, break_glass, {
        "municipality_id": actor.municipality_id, "id": break_glass_id, "case_id": row.case_id, "reviewed_at": now,
        "reviewed_by": actor.person_id, "reviewed_as": role, "verdict": verdict,
        "review_note": required("note", note, longest=LONGEST_REASON),
    })  # fmt: skip
    if session.execute(sa.update(break_glass).where(*mine).values(**written)).rowcount != 1:
        raise NotPossible("already_reviewed")
    _tell(session, actor, row, "break_glass.review", now, {"verdict": verdict}, role)


@dataclass(frozen=True)
class Reading:
    """One page that was read: when, and which."""

    at: datetime
    part: str


@dataclass(frozen=True)
class ToReview:
    """An emergency access for who reviews it. `reason` and `note` are None to an auditor, who reads no free text."""

    row: Any
    is_over: bool
    reads: tuple[Reading, ...]
    reason: str | None = None
    note: str | None = None


def see(session: sa.Connection, *, actor: Actor, break_glass_id: str, now: datetime) -> ToReview:
    """Return an emergency access with why and what was read, for a leader who was told of it; the trail is told.

    Raises NotFound; Forbidden (`own_access`).
    """
    row = _row(session, actor, break_glass_id)
    if reviewer_role(actor, row) != "unit_leader":
        raise NotFound()
    here = {"municipality_id": actor.municipality_id, "break_glass_id": break_glass_id}
    reason, note = found_by.words_of(session, **here)
    _tell(session, actor, row, "break_glass.read", now, {}, "unit_leader")
    return ToReview(row, is_over(row, now), reads_of(session, row, actor.municipality_id), reason, note)


def reads_of(session: sa.Connection, row: Any, municipality_id: str) -> tuple[Reading, ...]:
    """Return what was read by an emergency access, the first first."""
    found = found_by.reads(session, municipality_id=municipality_id, case_id=row.case_id, break_glass_id=row.id)
    return tuple(Reading(one.at, str(json.loads(one.fields)["part"])) for one in found)


def reviewer_role(actor: Actor, row: Any) -> str:
    """Return as what `actor` may review it: `auditor` or `unit_leader`. Raises Forbidden (`own_access`), NotFound."""
    if row.person_id == actor.person_id:
        raise Forbidden("own_access")
    if actor.has("auditor"):
        return "auditor"
    if _leads(actor, row):
        return "unit_leader"
    raise NotFound()


def is_over(row: Any, now: datetime) -> bool:
    """Return whether nothing can be read by it any more."""
    return row.ended_at is not None or bool(row.ends_at <= now)


def _leads(actor: Actor, row: Any) -> bool:
    return bool({row.unit_id, row.case_unit_id} & actor.units("unit_leader"))


def _row(session: sa.Connection, actor: Actor, break_glass_id: str) -> Any:
    row = found_by.one(session, municipality_id=actor.municipality_id, break_glass_id=break_glass_id)
    if row is None:
        raise NotFound()
    return row


def _tell(
    session: sa.Connection,
    actor: Actor,
    row: Any,
    event: str,
    now: datetime,
    fields: Mapping[str, Any],
    role: str = "",
) -> None:
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event=event, now=now, case_id=row.case_id,
        object_id=row.id, role=role, unit_id=actor.unit_for(role) if role else None, fields=fields,
    )  # fmt: skip
