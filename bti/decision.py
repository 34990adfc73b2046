"""The one pure decision: from facts and relations to the next step, or to all that stands in the way.

Buttons, checklist, worklist, diagram, simulation and tests are derived from this and from nothing else.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from bti.errors import Forbidden, Missing, NotPossible, NotReady, Refused
from bti.facts import CaseFacts
from bti.needs import Found, judge
from bti.workflow.definition import Move
from bti.workflow.model import Model


@dataclass(frozen=True)
class Option:
    """A move from where the case stands: may this person take it, and what is in place."""

    move: Move
    to: str
    allowed: bool
    checks: tuple[Found, ...]

    @property
    def missing(self) -> tuple[Found, ...]:
        """What is not in place yet."""
        return tuple(found for found in self.checks if found.state == "missing")


@dataclass(frozen=True)
class Decision:
    """Either the step the case goes to, or the refusal that says why not."""

    to: str | None
    refusal: Refused | None = None


def options(model: Model, facts: CaseFacts, standing: Set[str]) -> tuple[Option, ...]:
    """Return every move that exists from the case's step, in the order of the definition."""
    return tuple(_option(model, facts, standing, move) for move in model.moves_from(facts.step))


def decide(model: Model, facts: CaseFacts, standing: Set[str], move_name: str) -> Decision:
    """Return where `move_name` leads for a person with the relations `standing`, or the refusal.

    Asked in this order: is there such a move from here (NotPossible), may this person (Forbidden), is everything in
    place (NotReady with all that is missing).
    """
    try:
        move = model.move(move_name, facts.step)
    except KeyError:
        return Decision(None, NotPossible("move_not_possible", move=move_name, step=facts.step))
    option = _option(model, facts, standing, move)
    if not option.allowed:
        return Decision(None, Forbidden("not_your_move", move=move_name))
    if option.missing:
        return Decision(None, NotReady([Missing(found.name, found.fixer) for found in option.missing]))
    return Decision(model.next_step(move_name, facts.step))


def _option(model: Model, facts: CaseFacts, standing: Set[str], move: Move) -> Option:
    checks = judge(model.needs_of(move, facts.step), facts)
    return Option(move, move.to, bool(standing & set(move.by)), checks)
