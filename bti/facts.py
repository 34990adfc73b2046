"""What is known about a case when a decision is made: plain values, read once, never touched again.

Every rule of the engine is a function of these facts, so that the same answer feeds the button, the checklist,
the diagram, the simulation and the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Cover:
    """A live door: `unit_id` may see `kinds` of information on consent `consent_id` or on `law_reference`."""

    id: str
    unit_id: str
    purpose: str
    kinds: frozenset[str]
    consent_id: str | None
    law_reference: str | None
    valid_to: date | None


@dataclass(frozen=True)
class Participant:
    """A person who takes part for a unit. `state` is invited or active."""

    id: str
    person_id: str
    unit_id: str
    state: str
    is_external: bool = False


@dataclass(frozen=True)
class PendingOffer:
    """The one open offer of the baton."""

    id: str
    from_person_id: str
    to_person_id: str
    to_unit_id: str
    takes_over_log: bool
    expires_on: date


@dataclass(frozen=True)
class BreakGlass:
    """An emergency access that lasts: `person_id` may read all `kinds` through `unit_id`, until `ends_at`."""

    id: str
    person_id: str
    unit_id: str
    kinds: frozenset[str]
    ends_at: datetime


@dataclass(frozen=True)
class CaseFacts:
    """The facts of one case at one moment. Counts concern the current stay on the level where that matters."""

    municipality_id: str
    id: str
    reference: str
    definition: str
    definition_version: int
    step: str
    level_order: int
    version: int
    unit_id: str
    subject_id: str | None
    author_id: str
    holder_id: str
    holder_unit_id: str
    is_interim: bool
    holder_confirmed: bool
    has_log: bool
    is_shared: bool
    opened_at: datetime
    level_entered_on: date
    due_on: date | None = None
    due_reason: str = ""
    shared_with_leader_at: datetime | None = None
    feedback_given: bool = False
    closed_at: datetime | None = None
    note_written: bool = True
    themes: tuple[str, ...] = ()
    covers: tuple[Cover, ...] = ()
    participants: tuple[Participant, ...] = ()
    break_glass: tuple[BreakGlass, ...] = ()
    offer: PendingOffer | None = None
    open_goals: int = 0
    open_measures: int = 0
    incomplete_measures: int = 0
    unevaluated_measures: int = 0
    child_voices: int = 0
    guardian_talks: int = 0
    next_measure_on: date | None = None
    referral_id: str | None = None
    referral_unit_id: str | None = None

    def covers_of(self, unit_id: str) -> tuple[Cover, ...]:
        """Return the live doors that name `unit_id`."""
        return tuple(cover for cover in self.covers if cover.unit_id == unit_id)

    @property
    def is_open(self) -> bool:
        """Whether the case still needs a holder and a next date."""
        return self.closed_at is None
