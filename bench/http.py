"""Case pages under `bti serve`, read log committed, against an empty Flask route under gunicorn 2 × 4."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from flask import Flask

from bench import anatomy
from bench.load import log_in, pages_per_second
from bench.places import SMALL, Kind, Places
from bench.report import Figure
from bench.towns import HERE, Town, reference_of
from bti.cli.serve import DEFAULT_SERVER, SERVERS

TARGET = 0.10
ROUNDS = 7
EMPTY_PAGES, CASE_PAGES = 1_500, 240
NOTHING = [("/", "language=nb")]
EMPTY = """
import sys
from bti.cli.serve import run_server
run_server("gunicorn", "bench.http:empty", host="127.0.0.1", port=int(sys.argv[1]), workers=2, threads=4)
"""
SERVE = "from bti.cli import main; main()"


def empty() -> Flask:
    """Return an application with one empty route: what Flask and a server cost before anything is done."""
    app = Flask(__name__)
    app.add_url_rule("/", "empty", lambda: "")
    return app


def measure(places: Places) -> Iterator[Figure]:
    """Yield the figure of each server for each database; its details say where the time of a page goes."""
    with ExitStack() as stack:
        nothing = stack.enter_context(_served([EMPTY], {}, places.home / "empty.log"))
        for kind in places.kinds:
            yield from _figures(kind, places.town(kind, SMALL), nothing, places.home)


def _figures(kind: Kind, town: Town, nothing: int, home: Path) -> Iterator[Figure]:
    paths = [f"/saker/{reference_of(case_id)}" for _person, case_id in town.readers]
    settings = {
        "BTI_DATABASE_URL": town.database.url.render_as_string(hide_password=False),
        "BTI_SECRET_KEY": "only-for-measuring-" + "x" * 32,
    }
    with ExitStack() as stack:
        ports: dict[str, int] = {}
        asked: dict[str, list[tuple[str, str]]] = {}
        for server in SERVERS:
            words = [SERVE, "serve", "--server", server, "--workers", "2", "--threads", "4"]
            ports[server] = stack.enter_context(_served(words, settings, home / f"{kind}-{server}.log"))
            cookies = [log_in(ports[server], HERE, person) for person, _case_id in town.readers]
            asked[server] = list(zip(paths, cookies, strict=True))
            pages_per_second(ports[server], asked[server], pages=len(paths))
        pages_per_second(nothing, NOTHING, pages=200)
        rounds: list[dict[str, float]] = []
        for _round in range(ROUNDS):
            speeds = {"empty": pages_per_second(nothing, NOTHING, pages=EMPTY_PAGES)}
            for server in SERVERS:
                speeds[server] = pages_per_second(ports[server], asked[server], pages=CASE_PAGES)
            rounds.append(speeds)
    parts = anatomy.of_a_page(town, f"/saker/{reference_of(town.pages[0])}")
    for server in SERVERS:
        detail: dict[str, Any] = {
            "pages_per_second": round(median(one[server] for one in rounds)),
            "empty_per_second": round(median(one["empty"] for one in rounds)),
            "default": server == DEFAULT_SERVER,
        }
        if server == DEFAULT_SERVER:
            detail["where_the_time_goes_µs"] = parts
        value = median(one[server] / one["empty"] for one in rounds)
        yield Figure(f"case page over HTTP, {kind}, {server}, of an empty route", "least", TARGET, value, "×", detail)


@contextmanager
def _served(words: list[str], settings: dict[str, str], log: Path) -> Iterator[int]:
    port = _free_port()
    more = {"BTI_BIND": f"127.0.0.1:{port}", **settings}
    command = [sys.executable, "-c", *words, *([] if settings else [str(port)])]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=os.environ | more, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        _wait_for(process, port, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _try in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text()[-600:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server doesn't listen")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
