"""What a case page reads, in a large town against the same in a small one, read log committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle

from bench.places import LARGE, SMALL, Kind, Places
from bench.report import Figure, interleaved, microseconds, ratio
from bench.statements import said
from bench.towns import NOW, Town
from bti.db import writing
from bti.usecases.reading import read_case

TARGET = 1.3
ROUNDS, REPEATS = 8, 15


def measure(places: Places) -> Iterator[Figure]:
    """Yield the figure for each database."""
    for kind in places.kinds:
        yield _figure(kind, places.town(kind, SMALL), places.town(kind, LARGE))


def _figure(kind: Kind, small: Town, large: Town) -> Figure:
    sides = {"small": opening(small), "large": opening(large)}
    detail: dict[str, object] = {
        f"statements_{side}": len(said(town.database, sides[side]))
        for side, town in (("small", small), ("large", large))
    }
    times = interleaved(sides, rounds=ROUNDS, repeats=REPEATS)
    detail |= {side: microseconds(found) for side, found in times.items()}
    title = f"case page's reads, {kind}: 20,000 against 1,000"
    return Figure(title, "most", TARGET, ratio(times["large"], times["small"]), "×", detail)


def opening(town: Town) -> Callable[[], object]:
    """Return a function that reads one case in full use after the other."""
    actor, pages = town.actor("few"), cycle(town.pages)

    def read() -> object:
        with writing(town.database) as session:
            return read_case(session, actor=actor, case_id=next(pages), now=NOW)

    return read
