"""Where everything stands. Levels are rows, steps go from left to right, and lines run in lanes between the rows.

A lane lies above (`top`) or below (`bottom`) the steps of a row. Lines that pass a row go round it: up-jumps and
reopenings on the left, down-jumps and closing on the right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from bti.workflow.definition import CLOSED
from bti.workflow.diagram.ways import Way, ways_of
from bti.workflow.model import Model

STEP_WIDTH, STEP_HEIGHT, STEP_GAP = 164, 74, 122
ROW_LABEL, EDGE, LANE, PADDING, BAND_GAP = 168, 16, 23, 18, 14
CLOSED_HEIGHT = 44

Side = Literal["top", "bottom"]
Point = tuple[float, float]
Area = tuple[Side, int]


@dataclass
class Line:
    """A drawn way: `points` of the main line, `stubs` that join it, and where its label may stand."""

    way: Way
    points: list[Point] = field(default_factory=list)
    stubs: list[tuple[Point, Point]] = field(default_factory=list)
    lane: tuple[float, float, float] | None = None
    label_at: Point = (0, 0)


@dataclass
class Layout:
    """The whole picture in pixels: upper left corners of steps, top and height of rows, and the lines."""

    width: float
    height: float
    steps: dict[str, Point]
    rows: list[tuple[float, float]]
    closed: tuple[float, float, float]
    lines: list[Line]


def lay_out(model: Model, language: str) -> Layout:
    """Return the places of all parts of a model's diagram, labels measured in `language`."""
    return _Table(model, ways_of(model, language)).layout()


def text_width(text: str, size: float) -> float:
    """Estimate a text's width: there is no font to ask, and a little too wide does no harm."""
    return len(text) * size * 0.56


class _Table:
    """The working table: ports first, then lanes, then heights, then lines."""

    def __init__(self, model: Model, ways: tuple[Way, ...]) -> None:
        self.model, self.ways = model, ways
        self.column = {step.key: place for level in model.definition.levels for place, step in enumerate(level.steps)}
        left = [i for i, way in enumerate(ways) if self._goes_left(way)]
        right = [i for i, way in enumerate(ways) if way.kind == "jump" and not self._goes_left(way)]
        self.first_x = EDGE + ROW_LABEL + 18 + 14 * len(left)
        most = max(len(level.steps) for level in model.definition.levels)
        self.last_x = self.first_x + most * STEP_WIDTH + (most - 1) * STEP_GAP
        self.closing_x = self.last_x + 26
        self.trunk = {i: self.first_x - 16 - 14 * n for n, i in enumerate(left)}
        self.trunk |= {i: self.closing_x + 16 * (n + 1) for n, i in enumerate(right)}
        self.width = self.closing_x + 16 * len(right) + 26 + EDGE
        self.port = self._ports()
        self.lane_of, self.lanes = self._lanes()
        self.rows = self._rows()

    def layout(self) -> Layout:
        lines = [self._line(i, way) for i, way in enumerate(self.ways)]
        _place_labels(lines)
        top, height = self.rows[-1]
        bar = (self.first_x, top + height + BAND_GAP + 22, self.closing_x + 18 - self.first_x)
        steps = {key: (self._x(key), self._y(key)) for key in self.column}
        return Layout(self.width, bar[1] + CLOSED_HEIGHT, steps, self.rows, bar, lines)

    def _goes_left(self, way: Way) -> bool:
        return way.kind == "reopen" or (way.kind == "jump" and self._row(way.target) > self._row(way.sources[0]))

    def _row(self, step: str) -> int:
        return self.model.level_index(step)

    def _x(self, step: str) -> float:
        return self.first_x + self.column[step] * (STEP_WIDTH + STEP_GAP)

    def _y(self, step: str) -> float:
        row = self._row(step)
        return self.rows[row][0] + PADDING + LANE * self.lanes["top", row]

    def _ends(self, way: Way) -> tuple[Side, Side]:
        """Say from which side a way leaves its sources, and at which one it comes in."""
        if way.kind == "skip":
            return "top", "top"
        if way.kind in ("loop", "close"):
            return "bottom", "bottom"
        if way.kind == "down" or (way.kind == "jump" and not self._goes_left(way)):
            return "top", "bottom"
        return "bottom", "top"

    def _ports(self) -> dict[tuple[int, str, str], float]:
        """Give every end of a line its own place on the edge of the step, sorted by where the line goes."""
        wanted: dict[tuple[str, Side], list[tuple[float, int, str]]] = defaultdict(list)
        for i, way in enumerate(self.ways):
            if way.kind == "next":
                continue
            out, into = self._ends(way)
            for source in way.sources:
                if source != CLOSED:
                    wanted[source, out].append((self._heading(i, way, way.target), i, "out"))
            if way.target != CLOSED:
                wanted[way.target, into].append((self._heading(i, way, way.sources[0]), i, "in"))
        return {
            (i, step, role): self._x(step) + STEP_WIDTH * (n + 1) / (len(ends) + 1)
            for (step, _), ends in wanted.items()
            for n, (_, i, role) in enumerate(sorted(ends))
        }

    def _heading(self, i: int, way: Way, other: str) -> float:
        if i in self.trunk:
            return self.trunk[i]
        return self.closing_x if way.kind == "close" else self._x(other)

    def _runs(self, i: int, way: Way) -> Iterator[tuple[Area, float, float]]:
        """Give the lanes a way needs: area and from where to where."""
        if way.kind == "next":
            return
        out, into = self._ends(way)
        starts = [self.port[i, source, "out"] for source in way.sources if source != CLOSED]
        end = None if way.target == CLOSED else self.port[i, way.target, "in"]
        if way.kind == "close":
            yield (out, self._row(way.sources[0])), min(starts), self.closing_x
        elif way.kind == "reopen" and end is not None:
            yield (into, self._row(way.target)), self.trunk[i], end
        elif way.kind == "jump" and end is not None:
            around = self.trunk[i]
            yield (out, self._row(way.sources[0])), min(*starts, around), max(*starts, around)
            yield (into, self._row(way.target)), min(end, around), max(end, around)
        elif end is not None:
            yield (out, self._row(way.sources[0])), min(*starts, end), max(*starts, end)

    def _lanes(self) -> tuple[dict[tuple[int, Area], int], dict[Area, int]]:
        """Put each run in the first lane of its area that is free, and count the lanes."""
        order = {"close": 0, "loop": 1, "skip": 1, "up": 2, "down": 2, "jump": 3, "reopen": 4}
        wanted = [
            (order[way.kind], high - low, i, area, low, high)
            for i, way in enumerate(self.ways)
            for area, low, high in self._runs(i, way)
        ]
        taken: dict[Area, list[list[tuple[float, float]]]] = defaultdict(list)
        lane_of = {}
        for _, _, i, area, low, high in sorted(wanted):
            need = max(high, low + text_width(self.ways[i].label, 11) + 12)
            lanes = taken[area]
            free = (n for n, lane in enumerate(lanes) if all(need < a - 8 or low > b + 8 for a, b in lane))
            place = next(free, len(lanes))
            if place == len(lanes):
                lanes.append([])
            lanes[place].append((low, need))
            lane_of[i, area] = place
        rows = range(len(self.model.definition.levels))
        sides: tuple[Side, Side] = ("top", "bottom")
        return lane_of, {(side, row): len(taken[side, row]) for side in sides for row in rows}

    def _rows(self) -> list[tuple[float, float]]:
        rows: list[tuple[float, float]] = []
        y = float(EDGE)
        for row in range(len(self.model.definition.levels)):
            lanes = self.lanes["top", row] + self.lanes["bottom", row]
            height = 2 * PADDING + STEP_HEIGHT + LANE * lanes
            rows.append((y, height))
            y += height + BAND_GAP
        return rows

    def _lane_y(self, i: int, area: Area) -> float:
        side, row = area
        top, _ = self.rows[row]
        steps = top + PADDING + LANE * self.lanes["top", row]
        lane = self.lane_of[i, area] + 1
        return steps - LANE * lane + 2 if side == "top" else steps + STEP_HEIGHT + LANE * lane

    def _edge(self, step: str, side: Side) -> float:
        return self._y(step) if side == "top" else self._y(step) + STEP_HEIGHT

    def _line(self, i: int, way: Way) -> Line:
        if way.kind == "next":
            y = self._y(way.target) + STEP_HEIGHT / 2
            start = self._x(way.sources[0]) + STEP_WIDTH
            return Line(way, [(start, y), (self._x(way.target), y)], label_at=(start + STEP_GAP / 2 - 4, y))
        runs = list(self._runs(i, way))
        heights = [self._lane_y(i, area) for area, _, _ in runs]
        longest = max(range(len(runs)), key=lambda n: runs[n][2] - runs[n][1])
        line = Line(way, lane=(runs[longest][1], runs[longest][2], heights[longest]))
        out, into = self._ends(way)
        starts = [(self.port[i, s, "out"], self._edge(s, out)) for s in way.sources if s != CLOSED]
        last = self._last_points(i, way, heights, into)
        starts.sort(key=lambda start: -abs(start[0] - last[0][0]))
        line.stubs = [((x, y), (x, heights[0])) for x, y in starts[1:]]
        line.points = [*((starts[0], (starts[0][0], heights[0])) if starts else ()), *last]
        return line

    def _last_points(self, i: int, way: Way, heights: list[float], into: Side) -> list[Point]:
        if way.kind == "close":
            return [(self.closing_x, heights[0])]
        end = self.port[i, way.target, "in"]
        arrival = (end, self._edge(way.target, into))
        if way.kind == "reopen":
            top, height = self.rows[-1]
            around = self.trunk[i]
            # The bar's left part lies under the trunk's foot.
            foot = top + height + BAND_GAP + 22 + CLOSED_HEIGHT / 2
            start = (self.first_x, foot)
            return [start, (around, foot), (around, heights[0]), (end, heights[0]), arrival]
        if way.kind == "jump":
            around = self.trunk[i]
            return [(around, heights[0]), (around, heights[1]), (end, heights[1]), arrival]
        return [(end, heights[0]), arrival]


def _place_labels(lines: list[Line]) -> None:
    """Put each label on its lane where the fewest other lines cross it."""
    uprights = [
        (min(a[1], b[1]), max(a[1], b[1]), a[0])
        for line in lines
        for a, b in [*zip(line.points, line.points[1:], strict=False), *line.stubs]
        if a[0] == b[0]
    ]
    for line in lines:
        if line.lane is not None:
            low, high, y = line.lane
            need = text_width(line.way.label, 11) + 10
            crossing = {x for top, bottom, x in uprights if top < y - 3 and bottom > y - 12 and low < x < high + need}
            line.label_at = (_best_place(sorted({low, *crossing}), high, need), y - 5)


def _best_place(crossings: list[float], high: float, need: float) -> float:
    """Return the left end of the first free space that is wide enough, else of the widest."""
    spaces = [
        (right - left, -left)
        for left, right in zip(crossings, [*crossings[1:], float("inf")], strict=True)
        if left < high - 20
    ] or [(0.0, -crossings[0])]
    fitting = [space for space in spaces if space[0] >= need]
    width, left = max(fitting, key=lambda space: space[1]) if fitting else max(spaces)
    return -left + 6
