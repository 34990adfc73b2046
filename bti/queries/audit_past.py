"""What stood at an earlier moment: consents, doors, steps and owners of cases, and the verdict on one read.

The verdict tells an auditor why a read had no live basis. `bti.queries.audit_basis` says the same in SQL, so that
such reads can be found and counted; a test compares the two on random pasts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Protocol

import sqlalchemy as sa

from bti.clock import local_day
from bti.consents import Event, state_at
from bti.models import (
    audit_entries,
    break_glass,
    cases,
    consent_events,
    consent_parties,
    consent_units,
    consents,
    disclosures,
)
from bti.queries.audit_sql import is_turn

# Verdicts that are as they should be; every other one is a finding.
SOUND = ("live", "nothing_shown")


@dataclass(frozen=True)
class PastConsent:
    """A consent with all that ever was said, to be folded at any moment."""

    id: str
    units: frozenset[str]
    parties: tuple[str, ...]
    events: tuple[Event, ...]
    valid_to: date

    def state(self, moment: datetime) -> str:
        """Return its state at `moment`."""
        return state_at(self.parties, self.events, self.valid_to, moment)


@dataclass(frozen=True)
class PastDoor:
    """A door with its whole life."""

    id: str
    unit_id: str
    purpose: str
    kinds: tuple[str, ...]
    consent_id: str | None
    law_reference: str | None
    opened_at: datetime
    ended_at: datetime | None
    valid_to: date

    def is_open(self, moment: datetime) -> bool:
        """Whether it stood open at `moment`."""
        ended = self.ended_at is not None and self.ended_at <= moment
        return self.opened_at <= moment and not ended and local_day(moment) <= self.valid_to


@dataclass(frozen=True)
class PastBreakGlass:
    """An emergency access with its whole life."""

    id: str
    person_id: str
    unit_id: str
    kinds: tuple[str, ...]
    opened_at: datetime
    ends_at: datetime
    ended_at: datetime | None

    def is_open(self, moment: datetime) -> bool:
        """Whether it lasted at `moment`."""
        return self.opened_at <= moment < min(self.ends_at, self.ended_at or self.ends_at)


@dataclass(frozen=True)
class Turn:
    """An entry after which the case stood on another step, or belonged to another unit."""

    entry_id: int
    at: datetime
    step: str | None
    unit_id: str | None


@dataclass(frozen=True)
class PastCase:
    """All that decided who could open a case, at any moment."""

    id: str
    reference: str
    definition: tuple[str, int]
    author_id: str
    opened_at: datetime
    shared_with_leader_at: datetime | None
    consents: dict[str, PastConsent] = field(default_factory=dict)
    doors: tuple[PastDoor, ...] = ()
    turns: tuple[Turn, ...] = ()
    break_glass: tuple[PastBreakGlass, ...] = ()

    def unit_before(self, entry_id: int) -> str | None:
        """Return the unit the case belonged to when an entry was written."""
        return next((t.unit_id for t in reversed(self.turns) if t.entry_id < entry_id and t.unit_id), None)

    def step_before(self, entry_id: int) -> str | None:
        """Return the step the case stood on when an entry was written."""
        return next((t.step for t in reversed(self.turns) if t.entry_id < entry_id and t.step), None)

    def turns_until(self, moment: datetime) -> tuple[Turn, ...]:
        """Return what had happened to step and unit by `moment`."""
        return tuple(turn for turn in self.turns if turn.at <= moment)


class Read(Protocol):
    """What a verdict needs of an entry of the trail."""

    @property
    def id(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor_id(self) -> str | None: ...
    @property
    def unit_id(self) -> str | None: ...
    @property
    def basis(self) -> str: ...
    @property
    def view(self) -> str: ...


def verdict(read: Read, past: PastCase | None, is_shared: Callable[[str], bool]) -> str:
    """Return whether a read had the basis it was given, at that moment: `live`, or why not.

    asked, partly_given, refused, withdrawn, expired (the consent's state) · unknown_basis · not_named ·
    door_shut · not_own_service · shared · break_glass_over · no_basis · nothing_shown (only the shell was shown, which
    needs none).
    `is_shared` says whether other services take part on a step of the case's definition.
    """
    kind, _sep, name = read.basis.partition(":")
    if kind == "" and read.view == "shell":
        return "nothing_shown"
    if past is None or kind not in ("consent", "law", "own_service", "break_glass"):
        return "no_basis" if kind == "" else "unknown_basis"
    if kind == "own_service":
        return _on_own_service(read, past, is_shared)
    if kind == "law":
        open_doors = (d for d in past.doors if d.law_reference == name and d.unit_id == read.unit_id)
        return "live" if any(door.is_open(read.at) for door in open_doors) else "door_shut"
    return _on_break_glass(read, past, name) if kind == "break_glass" else _on_consent(read, past, name)


def _on_own_service(read: Read, past: PastCase, is_shared: Callable[[str], bool]) -> str:
    if read.unit_id is None or past.unit_before(read.id) != read.unit_id:
        return "not_own_service"
    step = past.step_before(read.id)
    return "shared" if step is not None and is_shared(step) else "live"


def _on_break_glass(read: Read, past: PastCase, id_: str) -> str:
    whose = (read.actor_id, read.unit_id)
    found = next((one for one in past.break_glass if one.id == id_ and (one.person_id, one.unit_id) == whose), None)
    if found is None:
        return "unknown_basis"
    return "live" if found.is_open(read.at) else "break_glass_over"


def _on_consent(read: Read, past: PastCase, consent_id: str) -> str:
    consent = past.consents.get(consent_id)
    if consent is None:
        return "unknown_basis"
    state = consent.state(read.at)
    if state != "given":
        return state
    if read.unit_id not in consent.units:
        return "not_named"
    doors = (door for door in past.doors if door.consent_id == consent_id and door.unit_id == read.unit_id)
    return "live" if any(door.is_open(read.at) for door in doors) else "door_shut"


# --- reading it, in eight statements whatever the number of cases ---------------------------------------------------


def past_of(session: sa.Connection, *, municipality_id: str, case_ids: Collection[str]) -> dict[str, PastCase]:
    """Return the past of cases, by id."""
    if not case_ids:
        return {}
    c = cases.c
    rows = session.execute(
        sa.select(
            c.id, c.reference, c.definition, c.definition_version, c.author_id, c.opened_at, c.shared_with_leader_at
        ).where(c.municipality_id == municipality_id, c.id.in_(case_ids))
    ).all()
    agreed = _consents(session, municipality_id, case_ids)
    doors = _by_case(_doors(session, municipality_id, case_ids))
    turns = _by_case(_turns(session, municipality_id, case_ids))
    broken = _by_case(_broken(session, municipality_id, case_ids))
    return {
        row.id: PastCase(
            row.id, row.reference, (row.definition, row.definition_version), row.author_id, row.opened_at,
            row.shared_with_leader_at, agreed.get(row.id, {}), tuple(doors[row.id]), tuple(turns[row.id]),
            tuple(broken[row.id]),
        )
        for row in rows
    }  # fmt: skip


def _by_case(found: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for key, value in found:
        groups[key].append(value)
    return groups


def _consents(
    session: sa.Connection, municipality_id: str, case_ids: Collection[str]
) -> dict[str, dict[str, PastConsent]]:
    c, u, p, e = consents.c, consent_units.c, consent_parties.c, consent_events.c
    asked = session.execute(
        sa.select(c.id, c.case_id, c.valid_to).where(c.municipality_id == municipality_id, c.case_id.in_(case_ids))
    ).all()
    ids = [row.id for row in asked]

    def of_these(table: Any, *columns: Any) -> Any:
        return sa.select(table.consent_id, *columns).where(
            table.municipality_id == municipality_id, table.consent_id.in_(ids)
        )

    units = _by_case((row.consent_id, row.unit_id) for row in session.execute(of_these(u, u.unit_id)))
    parties = _by_case((row.consent_id, row.id) for row in session.execute(of_these(p, p.id)))
    said = session.execute(of_these(e, e.party_id, e.event, e.recorded_at).order_by(e.recorded_at, e.id))
    events = _by_case((row.consent_id, Event(row.party_id, row.event, row.recorded_at)) for row in said)
    found: dict[str, dict[str, PastConsent]] = defaultdict(dict)
    for row in asked:
        found[row.case_id][row.id] = PastConsent(
            row.id, frozenset(units[row.id]), tuple(parties[row.id]), tuple(events[row.id]), row.valid_to
        )
    return found


def _doors(session: sa.Connection, municipality_id: str, case_ids: Collection[str]) -> Iterable[tuple[str, PastDoor]]:
    d = disclosures.c
    rows: Iterable[Any] = session.execute(
        sa.select(
            d.case_id, d.id, d.unit_id, d.purpose, d.kinds, d.consent_id, d.law_reference, d.opened_at, d.ended_at,
            d.valid_to,
        )
        .where(d.municipality_id == municipality_id, d.case_id.in_(case_ids))
        .order_by(d.opened_at, d.id)
    )  # fmt: skip
    return ((row.case_id, PastDoor(*row[1:])) for row in rows)


def _broken(
    session: sa.Connection, municipality_id: str, case_ids: Collection[str]
) -> Iterable[tuple[str, PastBreakGlass]]:
    g = break_glass.c
    rows: Iterable[Any] = session.execute(
        sa.select(g.case_id, g.id, g.person_id, g.unit_id, g.kinds, g.opened_at, g.ends_at, g.ended_at)
        .where(g.municipality_id == municipality_id, g.case_id.in_(case_ids))
        .order_by(g.opened_at, g.id)
    )
    return ((row.case_id, PastBreakGlass(*row[1:])) for row in rows)


def _turns(session: sa.Connection, municipality_id: str, case_ids: Collection[str]) -> Iterable[tuple[str, Turn]]:
    e = audit_entries.c
    rows = session.execute(
        sa.select(e.case_id, e.id, e.at, e.event, e.fields).where(
            e.municipality_id == municipality_id, e.case_id.in_(case_ids), is_turn(e)
        )
    )
    # Put in order here: asked for it, SQLite would rather walk through the whole trail than sort a few turns.
    for row in sorted(rows, key=attrgetter("id")):
        told = json.loads(row.fields)
        step = {"case.open": told.get("step"), "case.move": told.get("to")}.get(row.event)
        # A move tells the unit too, but never changes it.
        unit = None if row.event == "case.move" else told.get("unit")
        yield row.case_id, Turn(row.id, row.at, step, unit)
