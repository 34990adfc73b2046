"""Moves by eight clients at once on PostgreSQL, while their entries are numbered and signed, and while nobody does.

Each client is a process of its own, as the server's are. The log must not make them queue: what is compared are the
same moves of the same cases with the sequencer running beside them and without it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import sqlalchemy as sa

from bench.places import SMALL, Places
from bench.report import Figure
from bench.towns import HERE, NOW, Town
from bti import tenancy
from bti.clock import utc_now
from bti.crypto.keys import use_keys
from bti.db import open_database, reading, writing
from bti.models import cases
from bti.queries.people import load_actor
from bti.sequencer.folder import LogFolder
from bti.sequencer.working import Sequencer
from bti.usecases.cases import move

TARGET = 0.7
CLIENTS, MOST_EACH = 8, 24
ROUNDS, PASSES = 7, 6
HOST = "storvik.example"
RUN = "from bti.cli import main; main()"

Order = tuple[str, str, int]


def measure(places: Places) -> Iterator[Figure]:
    """Yield how many moves are left of those that are made without the log being signed."""
    if "postgresql" not in places.kinds:
        return
    town, folder = places.town("postgresql", SMALL), places.home / "keys-of-the-log"
    waiting = _Waiting(town)
    url = town.database.url.render_as_string(hide_password=False)
    sequencer = Sequencer(town.database, LogFolder(folder), HOST, utc_now, print)
    rates: dict[str, list[float]] = {"signed": [], "unsigned": []}
    with ExitStack() as stack:
        clients = [stack.enter_context(_client(url)) for _ in range(CLIENTS)]
        for number in range(ROUNDS + 1):
            for side in ("signed", "unsigned") if number % 2 else ("unsigned", "signed"):
                # What waits from before is nobody's work in this round.
                sequencer.turn(HERE)
                with _signing(url, folder, is_on=side == "signed"):
                    rate = _moves_per_second(waiting, clients)
                if number:
                    rates[side].append(rate)
    detail = {f"{side}, moves a second": round(median(found)) for side, found in rates.items()}
    value = median(on / off for on, off in zip(rates["signed"], rates["unsigned"], strict=True))
    yield Figure("8 clients' moves, postgresql, signed / unsigned", "least", TARGET, value, "×", detail)


class _Waiting:
    """Cases that wait to be moved, and can be put back to where they were."""

    def __init__(self, town: Town) -> None:
        self._database, c = town.database, cases.c
        ready = sa.and_(c.municipality_id == HERE, c.id.in_(town.ready), c.step == "0.4")
        with reading(self._database) as session:
            found = session.execute(sa.select(cases).where(ready).limit(CLIENTS * MOST_EACH)).all()
        self._before = [row._asdict() for row in found]
        self.orders: list[Order] = [(row.id, row.holder_id, row.version) for row in found]
        assert len(self.orders) >= CLIENTS, "no case is left to be moved"

    def put_back(self) -> None:
        """Let every case stand where it stood."""
        c, rows = cases.c, [{f"b_{name}": value for name, value in row.items()} for row in self._before]
        mine = sa.and_(c.municipality_id == sa.bindparam("b_municipality_id"), c.id == sa.bindparam("b_id"))
        values: dict[str, Any] = {
            column.name: sa.bindparam(f"b_{column.name}") for column in c if not column.primary_key
        }
        with writing(self._database) as session:
            session.execute(sa.update(cases).where(mine).values(values), rows)


def _moves_per_second(waiting: _Waiting, clients: Sequence[subprocess.Popen[str]]) -> float:
    seconds = 0.0
    for _pass in range(PASSES):
        waiting.put_back()
        started = perf_counter()
        for place, client in enumerate(clients):
            assert client.stdin
            print(json.dumps(waiting.orders[place :: len(clients)]), file=client.stdin, flush=True)
        for client in clients:
            assert client.stdout
            assert client.stdout.readline() == "done\n", "a client couldn't move its cases"
        seconds += perf_counter() - started
    return PASSES * len(waiting.orders) / seconds


@contextmanager
def _client(url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.log", url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout
        assert client.stdout.readline() == "ready\n"
        yield client
        assert client.stdin
        client.stdin.close()


@contextmanager
def _signing(url: str, folder: Path, *, is_on: bool) -> Iterator[None]:
    if not is_on:
        yield
        return
    environ = {"BTI_DATABASE_URL": url, "BTI_LOG": str(folder), "BTI_LOG_HOST": HOST, "PATH": ""}
    command = [sys.executable, "-c", RUN, "audit", "run"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as sequencer:
        assert sequencer.stderr
        assert "Signing the log" in sequencer.stderr.readline()
        try:
            yield
        finally:
            sequencer.terminate()


def _work(url: str) -> None:
    """Be a client: move the cases that each line names, and say so."""
    use_keys(os.environ)
    tenancy.enter(HERE)
    database, actors = open_database(url), dict[str, Any]()
    print("ready", flush=True)
    for line in sys.stdin:
        orders: list[Order] = json.loads(line)
        for case_id, holder, version in orders:
            with writing(database) as session:
                if holder not in actors:
                    actors[holder] = load_actor(session, municipality_id=HERE, person_id=holder)
                move(
                    session,
                    actor=actors[holder],
                    case_id=case_id,
                    name="start_with_other_service",
                    seen_version=version,
                    now=NOW,
                )
        print("done", flush=True)


if __name__ == "__main__":
    _work(sys.argv[1])
