"""What sealing costs: a case page's reads and a full move against the same with texts that are only carried along.

Without sealing means here: cells aren't opened, nothing is sealed and committed to; the same rows are read and written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from bench.case_page import opening
from bench.places import SMALL, Kind, Places
from bench.report import Figure, interleaved, microseconds, ratio
from bench.towns import HERE, NOW, Town
from bti.db import writing
from bti.models import cases
from bti.models import sealed as door
from bti.usecases.cases import move

READING, MOVING = 1.25, 0.8
READ_ROUNDS, READS = 8, 15
# Cases that wait to be moved: the measure of a move takes them from the front, this one from the back.
MOVE_ROUNDS, MOVES = 6, 12


def measure(places: Places) -> Iterator[Figure]:
    """Yield both figures for each database."""
    for kind in places.kinds:
        town = places.town(kind, SMALL)
        yield _reading(kind, opening(town))
        yield _moving(kind, _mover(town))


def _reading(kind: Kind, read: Callable[[], object]) -> Figure:
    times = _interleaved(read, READ_ROUNDS, READS)
    title = f"case page's reads, {kind}, of the same without sealing"
    return Figure(title, "most", READING, ratio(times["sealed"], times["bare"]), "×", _told(times))


def _moving(kind: Kind, take: Callable[[], object]) -> Figure:
    times = _interleaved(take, MOVE_ROUNDS, MOVES)
    title = f"move, {kind}, of the same without sealing"
    return Figure(title, "least", MOVING, ratio(times["bare"], times["sealed"]), "×", _told(times))


def _interleaved(work: Callable[[], object], rounds: int, repeats: int) -> dict[str, list[float]]:
    def bare() -> object:
        with _unsealed():
            return work()

    return interleaved({"sealed": work, "bare": bare}, rounds=rounds, repeats=repeats)


def _told(times: dict[str, list[float]]) -> dict[str, object]:
    return {name: microseconds(found) for name, found in times.items()}


@contextmanager
def _unsealed() -> Iterator[None]:
    names = ("open_cell", "seal", "commitment")
    before = {name: getattr(door, name) for name in names}
    instead: dict[str, Any] = {
        "open_cell": lambda ring, cell, *place: cell,
        "seal": lambda ring, text, **place: text,
        "commitment": lambda cell: "",
    }
    for name in names:
        setattr(door, name, instead[name])
    try:
        yield
    finally:
        for name in names:
            setattr(door, name, before[name])


def _mover(town: Town) -> Callable[[], object]:
    """Return a function that moves one case after the other to level 2."""
    waiting = iter(reversed(town.ready))
    with writing(town.database) as session:
        rows = session.execute(sa.select(cases.c.id, cases.c.holder_id).where(cases.c.municipality_id == HERE))
        holders = {row.id: row.holder_id for row in rows}
    actors = {name: town.actor(name) for name in {holders[case_id] for case_id in town.ready}}

    def take() -> object:
        case_id = next(waiting)
        with writing(town.database) as session:
            return move(
                session, actor=actors[holders[case_id]], case_id=case_id, name="start_with_other_service",
                seen_version=9, now=NOW,
            )  # fmt: skip

    return take
