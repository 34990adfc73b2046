"""Measuring side by side: the two sides take turns, round after round, so that a noisy minute falls on both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One promise with what was measured. `at_least` tells which way is good; `detail` is for readers."""

    name: str
    value: float
    target: float
    at_least: bool
    detail: str = ""

    @property
    def kept(self) -> bool:
        """Whether the promise holds."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def row(self) -> dict[str, object]:
        """Return the figure for the file."""
        return asdict(self) | {"kept": self.kept}

    def line(self) -> str:
        """Return the figure for a reader."""
        sign = "≥" if self.at_least else "≤"
        verdict = "kept" if self.kept else "NOT KEPT"
        return f"{self.name:<46} {self.value:>9.3f}  {sign} {self.target:<8g} {verdict:<9} {self.detail}"


def seconds(work: Callable[[], object], times: int) -> float:
    """Return how long `times` runs of `work` take, in seconds each."""
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times


def side_by_side(
    ours: Callable[[], object], other: Callable[[], object], *, rounds: int, times: int
) -> tuple[float, float]:
    """Return the medians, in seconds a run, of two sides that take turns; both run once beforehand."""
    ours()
    other()
    taken = [(seconds(ours, times), seconds(other, times)) for _ in range(rounds)]
    return statistics.median(a for a, _ in taken), statistics.median(b for _, b in taken)
