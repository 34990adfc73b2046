"""The decision itself, consent included, in memory: from facts and relations to every move with all that is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

from bench.places import SMALL, Places
from bench.report import Figure
from bench.towns import HERE, NOW, TODAY
from bti.db import writing
from bti.decision import decide
from bti.engine import scene_of
from bti.queries.facts import case_facts

TARGET = 100.0
ROUNDS, REPEATS = 40, 200


def measure(places: Places) -> Iterator[Figure]:
    """Yield microseconds for deciding one move, and for all moves of a page."""
    town = places.town("sqlite", SMALL)
    actor, case_id = town.actor("few"), town.pages[0]
    with writing(town.database) as session:
        facts = case_facts(session, municipality_id=HERE, case_id=case_id, today=TODAY)
    scene = scene_of(actor=actor, facts=facts, now=NOW)
    names = [option.move.name for option in scene.options()]
    yield _figure("decision on one move", lambda: decide(scene.model, facts, scene.standing, names[0]))
    yield _figure(
        "decision on a page's moves, with the access rule",
        lambda: scene_of(actor=actor, facts=facts, now=NOW).options(),
    )


def _figure(name: str, decision: Callable[[], object]) -> Figure:
    found = []
    for _round in range(ROUNDS):
        started = perf_counter()
        for _repeat in range(REPEATS):
            decision()
        found.append((perf_counter() - started) / REPEATS * 1e6)
    return Figure(name, "most", TARGET, median(found), "µs", {"best": round(min(found), 1)})
