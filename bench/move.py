"""One full move: load, policy, needs with consent, `transitions`, state, trail, durable commit, against the bare driver
that does the same reads and writes, as durably."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from bench.places import SMALL, Kind, Places
from bench.raw import RawMove
from bench.report import Figure, interleaved, microseconds, ratio
from bench.towns import HERE, NOW, Town
from bti.db import writing
from bti.models import cases
from bti.usecases.cases import move

TARGET = 0.30
ROUNDS, REPEATS = 8, 60


def measure(places: Places) -> Iterator[Figure]:
    """Yield the figure for each database."""
    for kind in places.kinds:
        yield _figure(kind, places.town(kind, SMALL))


def _figure(kind: Kind, town: Town) -> Figure:
    waiting = iter(town.ready)
    with writing(town.database) as session:
        rows = session.execute(sa.select(cases.c.id, cases.c.holder_id).where(cases.c.municipality_id == HERE))
        holders = {row.id: row.holder_id for row in rows}
    actors = {name: town.actor(name) for name in {holders[case_id] for case_id in town.ready}}
    raw = RawMove(town.database.url.render_as_string(hide_password=False))

    def ours() -> None:
        case_id = next(waiting)
        with writing(town.database) as session:
            move(
                session,
                actor=actors[holders[case_id]],
                case_id=case_id,
                name="start_with_other_service",
                seen_version=9,
                now=NOW,
            )

    try:
        times = interleaved({"bare": lambda: raw(next(waiting)), "ours": ours}, rounds=ROUNDS, repeats=REPEATS)
    finally:
        raw.close()
    detail = {name: microseconds(found) for name, found in times.items()}
    return Figure(
        f"move, {kind}, of the bare driver", "least", TARGET, ratio(times["bare"], times["ours"]), "×", detail
    )
