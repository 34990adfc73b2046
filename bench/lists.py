"""Worklist and case page in a town of a thousand cases and in one of twenty thousand: the same number of statements,
and nearly the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlalchemy as sa

from bench.rounds import Figure, side_by_side
from bench.towns import NOW, Town, build
from bti.db import writing
from bti.queries.worklist import MINE, UNIT, Filter
from bti.usecases import reading, worklists

SMALL, LARGE = 1_000, 20_000
ROUNDS, TIMES = 9, 12


def measure(small: sa.Engine, large: sa.Engine, kind: str) -> Iterator[Figure]:
    """Measure the two towns side by side."""
    towns = build(small, size=SMALL), build(large, size=LARGE)
    for name, ways in (("few", MINE), ("many", MINE), ("leader", UNIT)):
        yield _growth(f"worklist of {name}, 20,000 to 1,000 cases ({kind})", *(_worklist(t, name, ways) for t in towns))
    yield _growth(f"case page, 20,000 to 1,000 cases ({kind})", *(_page(t) for t in towns))


def _growth(name: str, small: Callable[[], object], large: Callable[[], object]) -> Figure:
    much, little = side_by_side(large, small, rounds=ROUNDS, times=TIMES)
    detail = f"{much * 1e3:.2f} ms against {little * 1e3:.2f} ms"
    return Figure(name, much / little, 1.3, False, detail)


def _worklist(town: Town, name: str, ways: tuple[str, ...]) -> Callable[[], object]:
    actor = town.actor(name)

    def read() -> object:
        with writing(town.database) as session:
            return worklists.read(session, actor=actor, wanted=Filter(ways=ways), after=None, now=NOW)

    return read


def _page(town: Town) -> Callable[[], object]:
    actor = town.actor("few")

    def read() -> object:
        with writing(town.database) as session:
            return reading.read_case(session, actor=actor, case_id=town.pages[0], now=NOW)

    return read
