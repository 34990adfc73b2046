"""The picture as SVG, with presentation attributes only: pages forbid inline styles, scripts and shared ids.

Text and lines take the colour of the page around them (`currentColor`) and there is no background, so the same
picture is right on light and dark. What a line means is said by its shape; colour only tells the levels apart.
"""

from __future__ import annotations

from html import escape
from textwrap import wrap

from bti.workflow.definition import Level, Step
from bti.workflow.diagram.layout import (
    CLOSED_HEIGHT,
    EDGE,
    STEP_HEIGHT,
    STEP_WIDTH,
    Layout,
    Line,
    Point,
    lay_out,
)
from bti.workflow.diagram.ways import Kind
from bti.workflow.diagram.words import LEGEND, WORDS, describe
from bti.workflow.model import Model

# Middle tones: at least three to one against white and against near-black.
COLOURS = {
    "grey": "#7a828e", "green": "#4c8c66", "petrol": "#2b86a0",
    "plum": "#a0609a", "moss": "#7d8a3a", "slate": "#6b7c99",
}  # fmt: skip
_SHAPES: dict[Kind, str] = {
    "next": 'stroke-width="1.75"',
    "skip": 'stroke-width="1.75"',
    "loop": 'stroke-width="1.75" stroke-dasharray="5 4"',
    "up": 'stroke-width="3.25"',
    "down": 'stroke-width="2.5" stroke-dasharray="14 5"',
    "jump": 'stroke-width="2.5" stroke-dasharray="14 4 2 4"',
    "close": 'stroke-width="2" stroke-dasharray="0.1 5" stroke-linecap="round"',
    "reopen": 'stroke-width="1.75" stroke-dasharray="8 4 0.1 4" stroke-linecap="round"',
}
_BEND = 7
_LEGEND_HEIGHT = 74


def svg(model: Model, language: str = "nb") -> str:
    """Return the model's diagram in a language (nb, nn, en) as an SVG document, with title and description."""
    layout = lay_out(model, language)
    height = layout.height + _LEGEND_HEIGHT + EDGE
    title = f"{model.definition.definition.title.in_language(language)} ({model.name} {model.version})"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {_n(layout.width)} {_n(height)}"'
        f' width="{_n(layout.width)}" height="{_n(height)}" class="bti-diagram" color="currentColor"'
        f' font-family="Inter, system-ui, sans-serif" font-size="12" fill="currentColor">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(describe(model, language))}</desc>",
        *_rows(model, layout, language),
        *_closing(layout, language),
        *(part for line in layout.lines for part in _line(line)),
        *_steps(model, layout, language),
        *_labels(layout),
        *_legend(layout, language),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _rows(model: Model, layout: Layout, language: str) -> list[str]:
    parts = []
    for level, (y, height) in zip(model.definition.levels, layout.rows, strict=True):
        colour, width = COLOURS[level.colour], layout.width - 2 * EDGE
        parts.append(
            f'<g class="bti-level bti-level-{level.colour}">'
            f'<rect x="{EDGE}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="10"'
            f' fill="{colour}" fill-opacity="0.13"/>'
            f'<rect x="{EDGE}" y="{_n(y)}" width="7" height="{_n(height)}" rx="3.5" fill="{colour}"/>'
        )
        parts += _row_words(model, level, y + height / 2, language)
        parts.append("</g>")
    return parts


def _row_words(model: Model, level: Level, middle: float, language: str) -> list[str]:
    first = level.steps[0].key
    marks = [
        ("log", model.has_log(first)),
        ("shared", model.is_shared(first)),
        ("external", model.is_external(first)),
    ]
    name = wrap(level.name.in_language(language), 19)
    notes = [WORDS[mark][language] for mark, holds in marks if holds]
    y = middle - (22 + 16 * len(name) + 15 * len(notes)) / 2 + 14
    parts = [_text(EDGE + 20, y, level.label.in_language(language), 'font-size="16" font-weight="700"')]
    parts += [_text(EDGE + 20, y + 20 + 16 * i, row, 'font-weight="600"') for i, row in enumerate(name)]
    y += 22 + 16 * len(name)
    parts += [_text(EDGE + 20, y + 15 * i, f"· {note}", 'font-size="11"') for i, note in enumerate(notes)]
    return parts


def _steps(model: Model, layout: Layout, language: str) -> list[str]:
    return [
        part
        for level in model.definition.levels
        for step in level.steps
        for part in _step(step, COLOURS[level.colour], layout.steps[step.key], language)
    ]


def _step(step: Step, colour: str, at: Point, language: str) -> list[str]:
    x, y = at
    title = wrap(step.title.in_language(language), 24, max_lines=3, placeholder=" …")
    parts = [
        f'<g class="bti-step" data-step="{escape(step.key)}">'
        f'<rect x="{_n(x)}" y="{_n(y)}" width="{STEP_WIDTH}" height="{STEP_HEIGHT}" rx="8"'
        f' fill="{colour}" fill-opacity="0.16" stroke="{colour}" stroke-width="2"/>',
        _text(x + 10, y + 19, step.key, 'font-weight="700"'),
        *(_text(x + 10, y + 36 + 14 * i, row) for i, row in enumerate(title)),
    ]
    if step.deadline is not None:
        days = WORDS["days"][language].format(days=step.deadline.days)
        parts.append(_text(x + STEP_WIDTH - 10, y + 19, days, 'font-size="11" text-anchor="end"'))
    return [*parts, "</g>"]


def _closing(layout: Layout, language: str) -> list[str]:
    x, y, width = layout.closed
    closing = [line for line in layout.lines if line.way.kind == "close"]
    parts = [
        f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{CLOSED_HEIGHT}" rx="8" fill="none"'
        ' stroke="currentColor" stroke-width="2"/>',
        _text(x + width / 2, y + 27, WORDS["closed"][language], 'font-weight="700" text-anchor="middle"'),
    ]
    if closing:
        trunk = closing[0].points[-1]
        parts += [_path([trunk, (trunk[0], y - 3)], "close"), _head((trunk[0], y - 10), (trunk[0], y), "close")]
    return parts


def _line(line: Line) -> list[str]:
    kind = line.way.kind
    parts = [_path(line.points, kind)]
    parts += [_path(list(stub), kind) for stub in line.stubs]
    parts += [f'<circle cx="{_n(x)}" cy="{_n(y)}" r="2.75"/>' for _, (x, y) in line.stubs]
    if kind != "close":
        parts.append(_head(line.points[-2], line.points[-1], kind))
    return parts


def _labels(layout: Layout) -> list[str]:
    parts = []
    for line in layout.lines:
        x, y = line.label_at
        if line.way.kind != "next":
            parts.append(_text(x, y, line.way.label, 'font-size="11"'))
            continue
        rows = wrap(line.way.label, 18)
        attributes = 'font-size="11" text-anchor="middle"'
        above = rows if len(rows) < 3 else rows[:2]
        parts += [_text(x, y - 7 - 13 * (len(above) - 1 - i), row, attributes) for i, row in enumerate(above)]
        parts += [_text(x, y + 16 + 13 * i, row, attributes) for i, row in enumerate(rows[len(above) :])]
    return parts


def _legend(layout: Layout, language: str) -> list[str]:
    parts, top = [], layout.height + 28
    for i, (kind, words) in enumerate(LEGEND.items()):
        x, y = EDGE + 20 + 300 * (i % 4), top + 26 * (i // 4)
        parts += [_path([(x, y), (x + 46, y)], kind), _head((x + 44, y), (x + 54, y), kind)]
        parts.append(_text(x + 64, y + 4, words[language]))
    return parts


def _path(points: list[Point], kind: Kind) -> str:
    """Draw a line with rounded bends."""
    way = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, bend, after in zip(points, points[1:], points[2:], strict=False):
        (ax, ay), (bx, by) = _towards(bend, before), _towards(bend, after)
        way.append(f"L{_n(ax)} {_n(ay)}Q{_n(bend[0])} {_n(bend[1])} {_n(bx)} {_n(by)}")
    way.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return f'<path class="bti-way bti-{kind}" d="{"".join(way)}" fill="none" stroke="currentColor" {_SHAPES[kind]}/>'


def _towards(start: Point, goal: Point) -> Point:
    dx, dy = goal[0] - start[0], goal[1] - start[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1
    share = min(_BEND, length / 2) / length
    return start[0] + dx * share, start[1] + dy * share


def _head(before: Point, tip: Point, kind: Kind) -> str:
    """Draw what a line ends in: an arrowhead, a square where a case is closed."""
    x, y = tip
    if kind == "close":
        return f'<rect x="{_n(x - 4.5)}" y="{_n(y - 4.5)}" width="9" height="9"/>'
    (bx, by), wide = before, 5.5 if kind in ("up", "down", "jump") else 4.5
    length = ((x - bx) ** 2 + (y - by) ** 2) ** 0.5 or 1
    ux, uy = (x - bx) / length, (y - by) / length
    back = (x - 2 * wide * ux, y - 2 * wide * uy)
    corners = [tip, (back[0] - wide * uy, back[1] + wide * ux), (back[0] + wide * uy, back[1] - wide * ux)]
    return f'<polygon points="{" ".join(f"{_n(cx)},{_n(cy)}" for cx, cy in corners)}"/>'


def _text(x: float, y: float, words: str, attributes: str = "") -> str:
    extra = f" {attributes}" if attributes else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{extra}>{escape(words)}</text>'


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
