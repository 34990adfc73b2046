"""A checked definition, with the answers the engine asks for all the time worked out beforehand.

The safety rules are here and not in the files: what a move needs is what the file says plus what the engine
itself demands, so that no definition can switch them off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

from bti.needs import EXTERNAL_NEEDS, LOG_NEEDS, SHARING_NEEDS
from bti.workflow.definition import CLOSED, Deadline, Definition, Level, Move, Step, Words
from bti.workflow.machine import Track


class Term(NamedTuple):
    """A deadline before it has a date: calendar days, what is to be done, and the relation that answers."""

    days: int
    label: Words
    owner: str


class Due(NamedTuple):
    """A deadline with its date."""

    on: date
    label: Words
    owner: str


@dataclass(frozen=True, eq=False)
class Model:
    """One version of a municipality's model. Share it freely: it never changes."""

    definition: Definition

    @property
    def name(self) -> str:
        """Name of the definition."""
        return self.definition.definition.name

    @property
    def version(self) -> int:
        """Version of the definition."""
        return self.definition.definition.version

    @property
    def initial_step(self) -> str:
        """The step where a wonder begins: the first of the first level."""
        return self.definition.levels[0].steps[0].key

    def step(self, key: str) -> Step:
        """Return a step. Raises KeyError when there is none (`closed` is no step)."""
        return self._places[key].step

    def level_of(self, step_key: str) -> Level:
        """Return the level of a step. Raises KeyError when there is no such step."""
        return self._places[step_key].level

    def level_index(self, step_key: str) -> int:
        """Return the level's place in the file, from 0. Raises KeyError when there is no such step."""
        return self._places[step_key].rank

    def has_log(self, step_key: str) -> bool:
        """Say whether a case on this step has a log and an appointed holder; a closed one has not."""
        return step_key != CLOSED and self._places[step_key].rank >= self._log_from

    def is_shared(self, step_key: str) -> bool:
        """Say whether other services take part on this step; in a closed case they don't."""
        return step_key != CLOSED and self._places[step_key].rank >= self._shared_from

    def is_external(self, step_key: str) -> bool:
        """Say whether partners outside the municipality take part on this step."""
        return step_key != CLOSED and self._places[step_key].level.external

    def moves_from(self, step_key: str) -> tuple[Move, ...]:
        """Return the moves from a step (or `closed`), in the order of the file."""
        return self._moves_from.get(step_key, ())

    def move(self, name: str, from_step: str) -> Move:
        """Return the move with this name from this step. Raises KeyError when there is none."""
        return self._moves[name, from_step]

    def changes_level(self, from_step: str, to_step: str) -> bool:
        """Say whether the two steps are on different levels; `closed` is on none."""
        return self._index(from_step) != self._index(to_step)

    def engine_needs(self, from_step: str, to_step: str) -> tuple[str, ...]:
        """Return what the engine demands of any move between the two, whatever the definition says.

        Source: nothing is shared without consent, and a case from the log's first level on has a subject, a
        holder decided for the level it stands on, and a consent.
        """
        index, before = self._index(to_step), self._index(from_step)
        if to_step == CLOSED or index == before:
            return ()
        needs: tuple[str, ...] = ()
        if index >= self._log_from:
            needs += LOG_NEEDS
        if index >= self._shared_from and before < index:
            needs += SHARING_NEEDS
        if self.is_external(to_step):
            needs += EXTERNAL_NEEDS
        return needs

    def needs_of(self, move: Move, from_step: str) -> tuple[str, ...]:
        """Return what a move from a step needs: the definition's and the engine's own, each once."""
        return self._needs[move.name, from_step]

    def next_step(self, move_name: str, from_step: str) -> str:
        """Return where a move leads. Raises NotPossible (`move_not_possible`) when there is no such way."""
        return self._track.next_state(move_name, from_step)

    def givers(
        self, age: int | None, purpose: str, care_order: bool = False, pregnant: bool = False
    ) -> tuple[str, ...]:
        """Return who must consent, all of them: `guardians`, `subject`, `child_welfare`.

        `age` in whole years; None (not known) asks everybody whom the rules ask at any age. Under a care
        order the child welfare service stands in the guardians' place. Raises KeyError for an age without
        a rule.
        """
        special = {rule.when: rule.givers for rule in self.definition.consent.special}
        if pregnant and "pregnant" in special:
            return special["pregnant"]
        named = self._givers_at(age, purpose)
        if care_order and "care_order" in special:
            named = [giver for name in named for giver in (special["care_order"] if name == "guardians" else (name,))]
        return tuple(dict.fromkeys(named))

    def deadline_for(self, move: Move | None, to_step: str, themes: Iterable[str] = ()) -> Term | None:
        """Return the term that begins when a case comes to a step; None where there is none (`closed`).

        A move's own deadline goes before the step's. `move` is None when the case is opened. The shortest of
        the term and those of the case's themes counts.
        """
        deadline = self._deadline(move, to_step)
        if deadline is None or deadline.owner is None:
            return None
        days = [deadline.theme_days[theme] for theme in themes if theme in deadline.theme_days]
        return Term(min([deadline.days, *days]), deadline.label, deadline.owner)

    def due(
        self,
        move: Move | None,
        to_step: str,
        themes: Iterable[str],
        *,
        moved_on: date,
        level_entered_on: date,
    ) -> Due | None:
        """Return the date of that term: counted from the move, or from the day the case came to the level.

        `level_entered_on` is the day as it is after the move. A term for the whole level never ends before
        the day of the move itself.
        """
        term = self.deadline_for(move, to_step, themes)
        deadline = self._deadline(move, to_step)
        if term is None or deadline is None:
            return None
        start = level_entered_on if deadline.since == "level" else moved_on
        return Due(max(start + timedelta(days=term.days), moved_on), term.label, term.owner)

    def _deadline(self, move: Move | None, to_step: str) -> Deadline | None:
        if move is not None and move.deadline is not None:
            return move.deadline
        return None if to_step == CLOSED else self.step(to_step).deadline

    def _givers_at(self, age: int | None, purpose: str) -> list[str]:
        rules = [
            rule
            for rule in self.definition.consent.ages
            if purpose in rule.purposes and (age is None or covers_age(rule.from_age, rule.to_age, age))
        ]
        if not rules:
            raise KeyError(f"nobody is named to consent to {purpose} at {age} years")
        return [giver for rule in rules for giver in rule.givers]

    def _index(self, step_key: str) -> int:
        return -1 if step_key == CLOSED else self._places[step_key].rank

    @cached_property
    def _places(self) -> dict[str, Place]:
        levels = enumerate(self.definition.levels)
        return {step.key: Place(step, level, index) for index, level in levels for step in level.steps}

    @cached_property
    def _log_from(self) -> int:
        return self._level_keys.index(self.definition.log.starts_at)

    @cached_property
    def _shared_from(self) -> int:
        return self._level_keys.index(self.definition.log.shared_from)

    @cached_property
    def _level_keys(self) -> list[str]:
        return [level.key for level in self.definition.levels]

    @cached_property
    def _moves(self) -> dict[tuple[str, str], Move]:
        return {(move.name, source): move for move in self.definition.moves for source in move.from_}

    @cached_property
    def _moves_from(self) -> dict[str, tuple[Move, ...]]:
        places = (*self._places, CLOSED)
        return {place: tuple(m for m in self.definition.moves if place in m.from_) for place in places}

    @cached_property
    def _needs(self) -> dict[tuple[str, str], tuple[str, ...]]:
        return {
            (name, source): tuple(dict.fromkeys((*move.needs, *self.engine_needs(source, move.to))))
            for (name, source), move in self._moves.items()
        }

    @cached_property
    def _track(self) -> Track:
        ways = ((name, source, move.to) for (name, source), move in self._moves.items())
        return Track((*self._places, CLOSED), ways)


class Place(NamedTuple):
    """A step with its level and the level's place in the file."""

    step: Step
    level: Level
    rank: int


def covers_age(from_age: int, to_age: int | None, age: int) -> bool:
    """Say whether an age in whole years lies in a rule's span, both ends included."""
    return from_age <= age and (to_age is None or age <= to_age)
