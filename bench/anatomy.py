"""Where the time of a case page goes, in one process, without a server."""

from __future__ import annotations

import re
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

from bench.towns import HERE, NOW, Town
from bti.config import Settings
from bti.usecases import reading
from web import cases, create_app, edge

# Fewer than somebody would look closer at.
REPEATS = 35


def of_a_page(town: Town, path: str) -> dict[str, float]:
    """Return the microseconds of each part of a page: who is asking, reading, trail and commit, page, the rest."""
    settings = Settings(database_url="sqlite:///not-used.db", secret_key="only-for-measuring-" + "x" * 32)
    app = create_app(settings, database=town.database, clock=lambda: NOW)
    spent: dict[str, float] = {}
    before = app.before_request_funcs[None]
    before[:] = [_timed(spent, "who", one) for one in before]
    client = app.test_client()
    page = client.get("/logg-inn").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token, "the login page has no token"
    client.post("/logg-inn-som", data={"csrf_token": token[1], "person": f"{HERE}:few"})
    found: dict[str, list[float]] = {}
    with (
        patch.object(edge, "in_case", _timed(spent, "reading", edge.in_case)),
        patch.object(reading, "read_case", _timed(spent, "reading", reading.read_case)),
        patch.object(edge, "show", _timed(spent, "show", edge.show)),
        patch.object(cases, "render_template", _timed(spent, "template", cases.render_template)),  # type: ignore[attr-defined]
    ):
        for _repeat in range(REPEATS):
            spent.clear()
            started = perf_counter()
            assert client.get(path).status_code == 200
            whole = perf_counter() - started
            for name, seconds in _parts(spent, whole).items():
                found.setdefault(name, []).append(seconds * 1e6)
    return {name: round(median(times)) for name, times in found.items()}


def _parts(spent: dict[str, float], whole: float) -> dict[str, float]:
    known = spent["who"] + spent["show"] + spent["template"]
    return {
        "whole page": whole,
        "session and person": spent["who"],
        "reading": spent["reading"],
        "begin, and the trail's durable commit": spent["show"] - spent["reading"],
        "template": spent["template"],
        "the rest: routing, page values, headers, cookie": whole - known,
    }


def _timed(spent: dict[str, float], name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, **values: Any) -> Any:
        started = perf_counter()
        try:
            return work(*args, **values)
        finally:
            spent[name] = spent.get(name, 0.0) + perf_counter() - started

    return timed
