"""The facts of one case, read in two statements whatever the size of the case."""

from __future__ import annotations

from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from bti.errors import NotFound
from bti.facts import BreakGlass, CaseFacts, Cover, Participant, PendingOffer
from bti.models import (
    audit_entries,
    break_glass,
    cases,
    disclosures,
    entries,
    goals,
    handovers,
    measures,
    participations,
    referrals,
    units,
    wonders,
)
from bti.models.base import Moment
from bti.policy import lasts
from bti.statements import Fixed, together

_TODAY = sa.bindparam("today", type_=sa.Date)
_MUNICIPALITY = sa.bindparam("municipality_id", type_=sa.String)
_CASE = sa.bindparam("case_id", type_=sa.String)
_NOW = sa.bindparam("now", type_=Moment)
# No emergency access lasts until then: a moment for those who don't ask for any.
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def _of_case(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.municipality_id == cases.c.municipality_id, table.c.case_id == cases.c.id, *conditions)


def _count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(table).where(_of_case(table, *conditions)).scalar_subquery()


_open_measure = measures.c.ended_at.is_(None)
# Written out, not bound: a partial index is used only for a value that the planner sees, and SQLite would plan anew
# at every execution.
IS_OFFERED = handovers.c.state == sa.literal_column("'offered'")

_CASE_AND_COUNTS = Fixed(
    sa.select(
        cases,
        wonders.c.themes,
        wonders.c.talked,
        (wonders.c.seen != "").label("note_written"),
        wonders.c.feedback_at,
        handovers.c.id.label("offer_id"),
        handovers.c.from_person_id,
        handovers.c.to_person_id,
        handovers.c.to_unit_id,
        handovers.c.takes_over_log,
        handovers.c.expires_on,
        referrals.c.id.label("referral_id"),
        referrals.c.unit_id.label("referral_unit_id"),
        _count(goals, goals.c.ended_at.is_(None)).label("open_goals"),
        _count(measures, _open_measure).label("open_measures"),
        _count(
            measures,
            _open_measure,
            sa.or_(
                measures.c.evaluate_on.is_(None),
                sa.and_(measures.c.responsible_person_id.is_(None), measures.c.responsible_guardian_id.is_(None)),
            ),
        ).label("incomplete_measures"),
        _count(
            measures,
            _open_measure,
            sa.or_(
                measures.c.evaluated_at.is_(None),
                measures.c.evaluate_on.is_(None),
                measures.c.evaluate_on <= _TODAY,
            ),
        ).label("unevaluated_measures"),
        sa.select(sa.func.min(measures.c.evaluate_on))
        .where(_of_case(measures, _open_measure))
        .scalar_subquery()
        .label("next_measure_on"),
        _count(
            entries,
            entries.c.kind == "child_voice",
            entries.c.happened_on >= cases.c.level_entered_on,
        ).label("child_voices"),
        _count(entries, entries.c.kind == "guardian_talk").label("guardian_talks"),
    )
    .select_from(
        cases.outerjoin(
            wonders,
            sa.and_(wonders.c.municipality_id == cases.c.municipality_id, wonders.c.case_id == cases.c.id),
        )
        .outerjoin(handovers, _of_case(handovers, IS_OFFERED, handovers.c.expires_on >= _TODAY))
        .outerjoin(referrals, _of_case(referrals, referrals.c.decided_at.is_(None)))
    )
    .where(cases.c.municipality_id == _MUNICIPALITY, cases.c.id == _CASE)
)

# Live doors, those who take part and emergency access, in one statement: a round trip costs more than reading them.
_DOORS = sa.select(
    sa.literal_column("'door'").label("what"),
    disclosures.c.id,
    disclosures.c.unit_id,
    disclosures.c.purpose,
    disclosures.c.kinds,
    disclosures.c.consent_id,
    disclosures.c.law_reference,
    disclosures.c.valid_to,
    sa.type_coerce(sa.null(), sa.String).label("person_id"),
    sa.type_coerce(sa.null(), sa.String).label("state"),
    sa.type_coerce(sa.null(), sa.Boolean).label("is_external"),
    disclosures.c.opened_at.label("began_at"),
    # Said with its type: PostgreSQL asks for it where two other selections follow.
    sa.type_coerce(sa.cast(sa.null(), sa.DateTime(timezone=True)), Moment).label("ends_at"),
).where(
    disclosures.c.municipality_id == _MUNICIPALITY,
    disclosures.c.case_id == _CASE,
    disclosures.c.ended_at.is_(None),
    disclosures.c.valid_to >= _TODAY,
)
_PARTICIPANTS = (
    sa.select(
        sa.literal_column("'participant'"),
        participations.c.id,
        participations.c.unit_id,
        *(sa.null() for _empty in range(5)),
        participations.c.person_id,
        participations.c.state,
        units.c.is_external,
        participations.c.invited_at,
        sa.null(),
    )
    .join(
        units,
        sa.and_(
            units.c.municipality_id == participations.c.municipality_id,
            units.c.id == participations.c.unit_id,
        ),
    )
    .where(
        participations.c.municipality_id == _MUNICIPALITY,
        participations.c.case_id == _CASE,
        participations.c.ended_at.is_(None),
    )
)
_BREAK_GLASS = sa.select(
    sa.literal_column("'break_glass'"),
    break_glass.c.id,
    break_glass.c.unit_id,
    sa.null(),
    break_glass.c.kinds,
    *(sa.null() for _empty in range(3)),
    break_glass.c.person_id,
    *(sa.null() for _empty in range(2)),
    break_glass.c.opened_at,
    break_glass.c.ends_at,
).where(break_glass.c.municipality_id == _MUNICIPALITY, break_glass.c.case_id == _CASE, *lasts(_NOW))
_WHO_STANDS_AROUND = Fixed(sa.union_all(_DOORS, _PARTICIPANTS, _BREAK_GLASS).order_by("began_at", "id"))

_LOCK = (
    sa.select(cases.c.version)
    .where(cases.c.municipality_id == _MUNICIPALITY, cases.c.id == _CASE)
    .with_for_update(key_share=False)
)


_LAST_ENTRY = Fixed(
    sa.select(sa.func.max(audit_entries.c.at).label("at")).where(
        audit_entries.c.municipality_id == _MUNICIPALITY,
        audit_entries.c.case_id == _CASE,
        audit_entries.c.at > sa.bindparam("since", type_=audit_entries.c.at.type),
    )
)


def lock_case(session: sa.Connection, *, municipality_id: str, case_id: str) -> None:
    """Make other commands on the case wait until this transaction ends.

    A statement of its own: a lock taken inside the read of the facts would wait and then see old rows of the other
    tables. SQLite's writers have already waited at BEGIN IMMEDIATE.
    """
    if session.dialect.name == "sqlite":
        return
    session.execute(_LOCK, {"municipality_id": municipality_id, "case_id": case_id})


def last_entry_at(session: sa.Connection, *, municipality_id: str, case_id: str, since: datetime) -> datetime | None:
    """Return the latest moment that stands in the trail of a case, or None when none is later than `since`."""
    asked = {"municipality_id": municipality_id, "case_id": case_id, "since": since}
    found: datetime | None = _LAST_ENTRY.first(session, asked).at
    return found


def case_facts(
    session: sa.Connection, *, municipality_id: str, case_id: str, today: date, emergency_at: datetime | None = None
) -> CaseFacts:
    """Return the facts of a case on the day `today`; raises NotFound.

    An offer, a door or a consent past its date is not among them, whether or not anybody has tidied it away. Emergency
    access is among them where it is asked for, as it is at `emergency_at`: for reading and nothing else.
    """
    asked = {"municipality_id": municipality_id, "case_id": case_id, "today": today, "now": emergency_at or _NEVER}
    found, around = together(session, (_CASE_AND_COUNTS, asked), (_WHO_STANDS_AROUND, asked))
    if not found:
        raise NotFound()
    covers: list[Cover] = []
    people: list[Participant] = []
    broken: list[BreakGlass] = []
    for what, id_, unit, purpose, kinds, consent, law, until, person, state, is_external, _at, ends_at in around:
        if what == "door":
            covers.append(Cover(id_, unit, purpose, frozenset(kinds), consent, law, until))
        elif what == "participant":
            people.append(Participant(id_, person, unit, state, is_external))
        else:
            broken.append(BreakGlass(id_, person, unit, frozenset(kinds), ends_at))
    return _facts(found[0], tuple(covers), tuple(people), tuple(broken))


def _facts(
    row: Any, covers: tuple[Cover, ...], people: tuple[Participant, ...], broken: tuple[BreakGlass, ...]
) -> CaseFacts:
    return CaseFacts(
        **dict(zip(_SAME_NAME, _same_named(row), strict=True)),
        note_written=bool(row.note_written),
        themes=row.themes or (),
        feedback_given=row.feedback_at is not None,
        guardian_talks=row.guardian_talks + (row.talked in ("guardians", "both")),
        covers=covers,
        participants=people,
        break_glass=broken,
        offer=_offer(row),
    )


def _offer(row: Any) -> PendingOffer | None:
    if row.offer_id is None:
        return None
    return PendingOffer(
        row.offer_id, row.from_person_id, row.to_person_id, row.to_unit_id, row.takes_over_log, row.expires_on
    )


_SAME_NAME = (
    "municipality_id",
    "id",
    "reference",
    "definition",
    "definition_version",
    "step",
    "level_order",
    "version",
    "unit_id",
    "subject_id",
    "author_id",
    "holder_id",
    "holder_unit_id",
    "is_interim",
    "holder_confirmed",
    "has_log",
    "is_shared",
    "opened_at",
    "level_entered_on",
    "due_on",
    "due_reason",
    "shared_with_leader_at",
    "closed_at",
    "open_goals",
    "open_measures",
    "incomplete_measures",
    "unevaluated_measures",
    "next_measure_on",
    "child_voices",
    "referral_id",
    "referral_unit_id",
)
_same_named = attrgetter(*_SAME_NAME)
