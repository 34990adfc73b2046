"""Who may see and do what. One rule, told twice: for one case in memory (`ground`), and as a filter in SQL
(`accessible`). A test compares the two on random scenes.

A person needs a relation to the case *and* a ground in law: their own service while the case is the service's own,
or a live door (consent or legal basis) that names their service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa

from bti.actor import Actor
from bti.facts import CaseFacts
from bti.models import break_glass, cases, disclosures, participations

View = Literal["full", "shell", "preview"]
OWN_SERVICE = "own_service"
BREAK_GLASS = "break_glass"
# Who meets children and families themselves; the coordinating unit decides without seeing the case.
MAY_BREAK_GLASS = ("employee", "unit_leader")


@dataclass(frozen=True)
class Ground:
    """Why this person may read, through which unit, and which kinds of other services' information.

    `ends_at` is set for an emergency access alone, which lets nobody write.
    """

    basis: str
    unit_id: str
    role: str
    kinds: frozenset[str]
    purpose: str = ""
    ends_at: datetime | None = None

    @property
    def is_emergency(self) -> bool:
        """Whether somebody broke the glass to read."""
        return self.ends_at is not None


def relations(actor: Actor, facts: CaseFacts) -> frozenset[str]:
    """Return how `actor` stands to the case: author, holder, unit_leader, participant, invited, offered,
    coordinating_unit. Every relation runs through a unit where the person has a live role."""
    units = actor.units()
    found = {role for role, unit in _standing(actor, facts) if unit in units}
    if facts.offer and facts.offer.to_person_id == actor.person_id and facts.offer.to_unit_id in units:
        found.add("offered")
    if any(p.state == "invited" and p.person_id == actor.person_id and p.unit_id in units for p in facts.participants):
        found.add("invited")
    if facts.referral_unit_id and facts.referral_unit_id in actor.units("coordinator"):
        found.add("coordinating_unit")
    return frozenset(found)


def ground(actor: Actor, facts: CaseFacts) -> Ground | None:
    """Return the ground on which `actor` may open the case's content at this moment, or None.

    An emergency access is one where the facts hold it, and the last that is looked for.
    Source: domain.md, Consent; own service at the levels where the case is the service's own.
    """
    units = actor.units()
    for role, unit in _standing(actor, facts):
        if unit not in units:
            continue
        covers = facts.covers_of(unit)
        kinds = frozenset(kind for cover in covers for kind in cover.kinds)
        if unit == facts.unit_id and not facts.is_shared:
            return Ground(OWN_SERVICE, unit, role, kinds, OWN_SERVICE)
        if covers:
            first = min(covers, key=lambda cover: cover.law_reference is not None)
            basis = f"consent:{first.consent_id}" if first.consent_id else f"law:{first.law_reference}"
            return Ground(basis, unit, role, kinds, first.purpose)
    return _emergency(actor, facts)


def _emergency(actor: Actor, facts: CaseFacts) -> Ground | None:
    mine = (one for one in facts.break_glass if one.person_id == actor.person_id)
    found = next((one for one in mine if one.unit_id in actor.units(*MAY_BREAK_GLASS)), None)
    if found is None:
        return None
    return Ground(f"{BREAK_GLASS}:{found.id}", found.unit_id, BREAK_GLASS, found.kinds, "emergency", found.ends_at)


def view(actor: Actor, facts: CaseFacts) -> View | None:
    """Return what of the case this person is shown: everything their ground reaches, only the shell that
    lets an accountable person act without reading, a preview of an offer or invitation, or nothing."""
    if ground(actor, facts):
        return "full"
    if relations(actor, facts) & {"holder", "unit_leader"}:
        return "shell"
    return "preview" if any(is_reached(facts, unit) for unit in _asked_for(actor, facts)) else None


def _asked_for(actor: Actor, facts: CaseFacts) -> frozenset[str]:
    """The own units for which the person is offered the baton or invited."""
    me = actor.person_id
    asked = {p.unit_id for p in facts.participants if p.state == "invited" and p.person_id == me}
    if facts.offer and facts.offer.to_person_id == me:
        asked.add(facts.offer.to_unit_id)
    return actor.units() & asked


def is_reached(facts: CaseFacts, unit: str) -> bool:
    """Return whether something lets this unit read: own service before the case is shared, or a live door."""
    return (unit == facts.unit_id and not facts.is_shared) or bool(facts.covers_of(unit))


def _standing(actor: Actor, facts: CaseFacts) -> list[tuple[str, str]]:
    """Relations that let a person read, strongest first, each with the unit it runs through."""
    me, found = actor.person_id, []
    if facts.holder_id == me:
        found.append(("holder", facts.holder_unit_id))
    if facts.author_id == me and facts.level_order == 0:
        found.append(("author", facts.unit_id))
    if facts.unit_id in actor.units("unit_leader") and leader_sees(facts):
        found.append(("unit_leader", facts.unit_id))
    found.extend(("participant", p.unit_id) for p in facts.participants if p.state == "active" and p.person_id == me)
    return found


def leader_sees(facts: CaseFacts) -> bool:
    """Return whether the case has left the author's own desk: a wonder is theirs until they share it."""
    return facts.shared_with_leader_at is not None or facts.level_order > 0


# The same as a condition on `cases`: whoever counts cases they have no part in counts these and no others.
LEADER_SEES: sa.ColumnElement[bool] = sa.or_(
    cases.c.shared_with_leader_at.is_not(None), cases.c.level_order > sa.literal_column("0")
)


# --- the same rule in SQL -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asking:
    """Who asks, and when: values, or the parameters that stand for them in a statement that is made once."""

    municipality_id: Any
    person_id: Any
    units: Any
    units_led: Any
    day: Any


def accessible(actor: Actor, today: date) -> sa.ColumnElement[bool]:
    """Return the condition on `cases` that is true exactly where `ground(actor, facts)` is not None, but for emergency
    access: lists, searches and counts go by this, and no emergency widens them."""
    led = sorted(actor.units("unit_leader"))
    now = _Asking(actor.municipality_id, actor.person_id, sorted(actor.units()), led, today)
    return sa.and_(cases.c.municipality_id == now.municipality_id, sa.or_(*_ways_in(now).values()))


def emergency(actor: Actor, now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition on `break_glass` that it lets `actor` read its case now: `ground` falls back on it alone."""
    g = break_glass.c
    return sa.and_(
        g.municipality_id == actor.municipality_id,
        g.person_id == actor.person_id,
        g.unit_id.in_(sorted(actor.units(*MAY_BREAK_GLASS))),
        *lasts(now),
    )


def lasts(moment: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions that an emergency access hasn't ended at `moment`, a value or a parameter."""
    g = break_glass.c
    return g.opened_at <= moment, g.ends_at > moment, g.ended_at.is_(None)


def _ways_in(asking: _Asking) -> dict[str, sa.ColumnElement[bool]]:
    c, p = cases.c, participations.c
    return {
        "holder": sa.and_(
            c.holder_id == asking.person_id,
            c.holder_unit_id.in_(asking.units),
            sa.or_(_own(c.holder_unit_id), _door(c.holder_unit_id, asking)),
        ),
        "author": sa.and_(
            c.author_id == asking.person_id,
            c.level_order == sa.literal_column("0"),  # written out, or the partial index of wonders isn't used
            c.unit_id.in_(asking.units),
            sa.or_(_own(c.unit_id), _door(c.unit_id, asking)),
        ),
        "unit_leader": sa.and_(
            c.unit_id.in_(asking.units_led),
            LEADER_SEES,
            sa.or_(_own(c.unit_id), _door(c.unit_id, asking)),
        ),
        "participant": sa.exists()
        .where(
            p.municipality_id == c.municipality_id,
            p.case_id == c.id,
            p.person_id == asking.person_id,
            p.state == "active",
            p.unit_id.in_(asking.units),
            sa.or_(_own(p.unit_id), _door(p.unit_id, asking)),
        )
        .correlate(cases),
    }


def _own(unit: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return sa.and_(cases.c.is_shared.is_(False), unit == cases.c.unit_id)


# Apart from any other use of the table in a list's query. Made once: an alias costs a millisecond.
_DOORS = disclosures.alias("doors")


def _door(unit: sa.ColumnElement[str], asking: _Asking) -> sa.ColumnElement[bool]:
    live = sa.select(_DOORS.c.id).where(
        _DOORS.c.municipality_id == cases.c.municipality_id,
        _DOORS.c.case_id == cases.c.id,
        _DOORS.c.unit_id == unit,
        _DOORS.c.ended_at.is_(None),
        _DOORS.c.valid_to >= asking.day,
    )
    # Correlated by name: left to itself, inside another EXISTS, it would take a door of any case for this one's.
    # One value instead of EXISTS: PostgreSQL would read all doors of the town to answer for the first fifty cases.
    one = live.correlate(cases, participations).limit(sa.literal_column("1"))
    return one.scalar_subquery().is_not(None)


MY_MUNICIPALITY = sa.bindparam("my_municipality", type_=sa.String)
ME = sa.bindparam("me", type_=sa.String)
MY_UNITS = sa.bindparam("my_units", type_=sa.String, expanding=True)
UNITS_I_LEAD = sa.bindparam("units_i_lead", type_=sa.String, expanding=True)
DAY = sa.bindparam("day", type_=sa.Date)
# The condition of each relation apart, so that a list can use one index for each; run with what `asking` returns.
# Made once: making a list's statement costs more than running it.
WAYS_IN = _ways_in(_Asking(MY_MUNICIPALITY, ME, MY_UNITS, UNITS_I_LEAD, DAY))


def asking(actor: Actor, today: date) -> dict[str, Any]:
    """Return the values of the parameters in `WAYS_IN`."""
    return {
        MY_MUNICIPALITY.key: actor.municipality_id,
        ME.key: actor.person_id,
        MY_UNITS.key: sorted(actor.units()),
        UNITS_I_LEAD.key: sorted(actor.units("unit_leader")),
        DAY.key: today,
    }


READER_UNIT = sa.bindparam("reader_unit", type_=sa.String)
READER_KINDS = sa.bindparam("reader_kinds", type_=sa.String, expanding=True)


def readable_rows(table: sa.Table, ground_found: Ground | None = None) -> sa.ColumnElement[bool]:
    """Return the condition on a content table: written by the reader's own service, or of a kind the door opens.

    Without a ground, for a statement that is made once: run it with what `reader` returns.
    """
    if ground_found is None:
        return sa.or_(table.c.unit_id == READER_UNIT, table.c.information_kind.in_(READER_KINDS))
    return sa.or_(table.c.unit_id == ground_found.unit_id, table.c.information_kind.in_(sorted(ground_found.kinds)))


def reader(ground_found: Ground) -> dict[str, Any]:
    """Return the values of the parameters in `readable_rows`."""
    return {READER_UNIT.key: ground_found.unit_id, READER_KINDS.key: sorted(ground_found.kinds)}
