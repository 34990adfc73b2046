"""The worklist in a large town against the same in a small one: fifty cases by deadline, with the access rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.places import LARGE, SMALL, Kind, Places
from bench.report import Figure, interleaved, microseconds, ratio
from bench.statements import said
from bench.towns import NOW, Town
from bti.db import writing
from bti.queries.worklist import UNIT, Filter
from bti.usecases import worklists

TARGET = 1.3
ROUNDS, REPEATS = 8, 15
WHO = {"few": ("holds few", Filter()), "many": ("holds all", Filter()), "leader": ("leads all", Filter(ways=UNIT))}


def measure(places: Places) -> Iterator[Figure]:
    """Yield the figure of each person for each database."""
    for kind in places.kinds:
        small, large = places.town(kind, SMALL), places.town(kind, LARGE)
        for name in WHO:
            yield _figure(kind, small, large, name)


def _figure(kind: Kind, small: Town, large: Town, name: str) -> Figure:
    label, wanted = WHO[name]
    sides = {"small": opening(small, name, wanted), "large": opening(large, name, wanted)}
    detail: dict[str, object] = {
        f"statements_{side}": len(said(town.database, sides[side]))
        for side, town in (("small", small), ("large", large))
    }
    times = interleaved(sides, rounds=ROUNDS, repeats=REPEATS)
    detail |= {side: microseconds(found) for side, found in times.items()}
    title = f"worklist, {kind}, {label}: 20,000 against 1,000"
    return Figure(title, "most", TARGET, ratio(times["large"], times["small"]), "×", detail)


def opening(town: Town, name: str, wanted: Filter) -> Callable[[], object]:
    """Return a function that reads the person's worklist, read log committed."""
    actor = town.actor(name)

    def read() -> object:
        with writing(town.database) as session:
            return worklists.read(session, actor=actor, wanted=wanted, after=None, now=NOW)

    return read
