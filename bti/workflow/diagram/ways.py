"""The moves of a model as lines to draw: gathered by where they start, and sorted by what they mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from bti.workflow.definition import CLOSED, Move
from bti.workflow.model import Model

Kind = Literal["next", "skip", "loop", "up", "down", "jump", "close", "reopen"]


@dataclass(frozen=True)
class Way:
    """One line: from steps of one level (or `closed`) to a step (or `closed`)."""

    kind: Kind
    label: str
    sources: tuple[str, ...]
    target: str


def ways_of(model: Model, language: str) -> tuple[Way, ...]:
    """Return every move as one way, or several when it starts on several levels; in the order of the file."""
    return tuple(way for move in model.definition.moves for way in _ways(model, move, language))


def _ways(model: Model, move: Move, language: str) -> Iterator[Way]:
    label = move.label.in_language(language)
    marked = [(_kind(model, source, move.to), _level(model, source), source) for source in move.from_]
    for (kind, _), group in groupby(sorted(marked, key=lambda m: m[:2]), key=lambda m: m[:2]):
        sources = tuple(source for _, _, source in group)
        # Lines that may meet on the way are gathered; those to a step further on stay apart.
        for some in [(source,) for source in sources] if kind in ("next", "skip") else [sources]:
            yield Way(kind, label, some, move.to)


def _kind(model: Model, source: str, target: str) -> Kind:
    if source == CLOSED:
        return "reopen"
    if target == CLOSED:
        return "close"
    climb = model.level_index(target) - model.level_index(source)
    if climb:
        return {1: "up", -1: "down"}.get(climb, "jump")  # type: ignore[return-value]
    steps = [step.key for step in model.level_of(source).steps]
    ahead = steps.index(target) - steps.index(source)
    return "next" if ahead == 1 else "skip" if ahead > 1 else "loop"


def _level(model: Model, step: str) -> int:
    return -1 if step == CLOSED else model.level_index(step)
