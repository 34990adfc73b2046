"""Who had access to a case at a moment: the access rule itself, asked about facts as they were then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from bti import policy
from bti.actor import Actor
from bti.clock import local_day
from bti.errors import Invalid
from bti.facts import BreakGlass, CaseFacts, Cover, Participant
from bti.queries import audit as trail
from bti.queries.audit_access import holder_at, participants_at, staff_at
from bti.queries.audit_past import PastCase, past_of
from bti.usecases.auditing import require_auditor
from bti.usecases.auditor_trail import tell
from bti.usecases.text import collect
from bti.workflow.definition import CLOSED
from bti.workflow.library import load_definition


@dataclass(frozen=True)
class Access:
    """Somebody who could open the case, as what, through which unit, on which basis, and what kinds they saw."""

    person: str
    unit: str
    role: str
    basis: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Door:
    """A unit the case stood open to, and until when."""

    unit: str
    basis: str
    kinds: tuple[str, ...]
    valid_to: date | None


@dataclass(frozen=True)
class AccessThen:
    """Who could open the case at `moment`. `own` says that the auditor could too, and isn't among them."""

    case: str
    moment: datetime
    unit: str
    is_shared: bool
    people: tuple[Access, ...]
    doors: tuple[Door, ...]
    own: bool


def access_at(session: sa.Connection, *, actor: Actor, case: str, moment: datetime | None, now: datetime) -> AccessThen:
    """Return who had access to the case with reference `case` at `moment` (now when None).

    Nobody before it was opened. Raises Forbidden, Invalid (case: missing, unknown; moment: in_future).
    """
    require_auditor(actor)
    asked = moment or now
    here = actor.municipality_id
    case_id = trail.case_id_of(session, municipality_id=here, reference=case)
    collect(lambda: _check_case(case, case_id), lambda: _check_moment(asked, now))
    past = past_of(session, municipality_id=here, case_ids=[case_id or ""])[case_id or ""]
    found = _access(session, actor, past, asked)
    filters = {"case": case_id, "moment": asked}
    tell(session, actor, "audit.search", {"question": "access_at", "filters": filters, "shown": len(found.people)}, now)
    return found


def _check_case(case: str, case_id: str | None) -> None:
    if case_id is None:
        raise Invalid(case="unknown" if case.strip() else "missing")


def _check_moment(moment: datetime, now: datetime) -> None:
    if moment > now:
        raise Invalid(moment="in_future")


def _access(session: sa.Connection, actor: Actor, past: PastCase, moment: datetime) -> AccessThen:
    here = actor.municipality_id
    holder = holder_at(session, municipality_id=here, case_id=past.id, moment=moment)
    if moment < past.opened_at or holder is None:
        return AccessThen(past.reference, moment, "", False, (), (), False)
    taking_part = participants_at(session, municipality_id=here, case_id=past.id, moment=moment)
    facts = facts_at(past, moment, municipality_id=here, holder=holder, participants=taking_part)
    near = {past.author_id, holder[0]} | {p.person_id for p in taking_part} | {g.person_id for g in facts.break_glass}
    staff = staff_at(session, municipality_id=here, person_ids=near, led_unit_id=facts.unit_id, moment=moment)
    names = dict(trail.units_of(session, municipality_id=here))
    grounds = [(person, policy.ground(person, facts)) for person in staff]
    return AccessThen(
        case=past.reference,
        moment=moment,
        unit=names[facts.unit_id],
        is_shared=facts.is_shared,
        people=tuple(
            Access(person.name, names[found.unit_id], found.role, found.basis, tuple(sorted(found.kinds)))
            for person, found in grounds
            if found and person.person_id != actor.person_id
        ),
        doors=tuple(_door(cover, names) for cover in facts.covers),
        own=any(found and person.person_id == actor.person_id for person, found in grounds),
    )


def _door(cover: Cover, names: dict[str, str]) -> Door:
    basis = f"consent:{cover.consent_id}" if cover.consent_id else f"law:{cover.law_reference}"
    return Door(names[cover.unit_id], basis, tuple(sorted(cover.kinds)), cover.valid_to)


def facts_at(
    past: PastCase,
    moment: datetime,
    *,
    municipality_id: str,
    holder: tuple[str, str],
    participants: tuple[Participant, ...],
) -> CaseFacts:
    """Return the facts the access rule asks about, as they were at `moment`; the others are left empty."""
    model = load_definition(*past.definition)
    turns = past.turns_until(moment)
    steps = [turn.step for turn in turns if turn.step] or [model.initial_step]
    # A closed case keeps the level it was closed on.
    level = next((model.level_index(step) for step in reversed(steps) if step != CLOSED), 0)
    shared_at = past.shared_with_leader_at
    return CaseFacts(
        municipality_id=municipality_id, id=past.id, reference=past.reference, definition=past.definition[0],
        definition_version=past.definition[1], step=steps[-1], level_order=level, version=0,
        unit_id=next((turn.unit_id for turn in reversed(turns) if turn.unit_id), holder[1]), subject_id=None,
        author_id=past.author_id, holder_id=holder[0], holder_unit_id=holder[1], is_interim=False,
        holder_confirmed=False, has_log=False, is_shared=model.is_shared(steps[-1]), opened_at=past.opened_at,
        level_entered_on=local_day(past.opened_at),
        shared_with_leader_at=shared_at if shared_at is not None and shared_at <= moment else None,
        covers=tuple(
            Cover(d.id, d.unit_id, d.purpose, frozenset(d.kinds), d.consent_id, d.law_reference, d.valid_to)
            for d in past.doors
            if d.is_open(moment)
        ),
        participants=participants,
        break_glass=tuple(
            BreakGlass(g.id, g.person_id, g.unit_id, frozenset(g.kinds), g.ends_at)
            for g in past.break_glass
            if g.is_open(moment)
        ),
    )  # fmt: skip
