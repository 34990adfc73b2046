"""What was measured, as a table to read and a file to keep."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Literal

FILE = Path("var") / "bench.json"


@dataclass(frozen=True)
class Figure:
    """One promise with what was measured. `at` says whether the value should be at least or at most the target."""

    name: str
    at: Literal["least", "most"]
    target: float
    value: float
    unit: str = "×"
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Whether the promise is kept in this run."""
        return self.value >= self.target if self.at == "least" else self.value <= self.target


def interleaved(
    sides: dict[str, Callable[[], object]], *, rounds: int, repeats: int, warm: int = 2
) -> dict[str, list[float]]:
    """Time each side again and again, turn by turn, so that a noisy machine disturbs all of them alike.

    Returns for each side the median seconds of every round; the first `warm` rounds are thrown away.
    """
    medians: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    for number in range(warm + rounds):
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _repeat in range(repeats):
            for name in order:
                started = perf_counter()
                sides[name]()
                times[name].append(perf_counter() - started)
            order.reverse()
        if number >= warm:
            for name in sides:
                medians[name].append(median(times[name]))
    return medians


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Return the median of the rounds' ratios: each round is compared with itself, never with another."""
    return median(a / b for a, b in zip(over, under, strict=True))


def microseconds(seconds: Sequence[float]) -> float:
    """Return the median in microseconds, for the details: to be compared within one run only."""
    return round(median(seconds) * 1e6, 1)


def print_table(figures: Sequence[Figure], notes: Sequence[str]) -> None:
    """Print target, figure and verdict of each promise."""
    wide = max((len(figure.name) for figure in figures), default=0)
    print(f"\n{'':{wide}}  {'target':>10}  {'figure':>10}")
    for one in figures:
        sign = "≥" if one.at == "least" else "≤"
        target, value = f"{sign} {one.target:g} {one.unit}", f"{one.value:.3g} {one.unit}"
        print(f"{one.name:{wide}}  {target:>10}  {value:>10}  {'kept' if one.kept else 'NOT KEPT'}")
    for note in notes:
        print(note)


def write(figures: Sequence[Figure], notes: Sequence[str], *, seconds: float) -> None:
    """Write everything to var/bench.json, with what machine it was measured on."""
    FILE.parent.mkdir(exist_ok=True)
    told = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "machine": _machine(),
        "figures": [{**asdict(one), "kept": one.kept} for one in figures],
        "notes": list(notes),
    }
    FILE.write_text(json.dumps(told, indent=2, ensure_ascii=False, default=str) + "\n", "utf-8")


def _machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "processors": os.cpu_count(),
        # How busy others kept the machine: the reason why only ratios count.
        "load": [round(one, 1) for one in os.getloadavg()],
    }
