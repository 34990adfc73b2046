"""The picture shows the whole model, says it in words too, and is fit for a strict page."""

import re
from html import escape
from xml.dom import minidom

import pytest

from bti.workflow.definition import CLOSED, LANGUAGES
from bti.workflow.diagram import mermaid, svg
from bti.workflow.diagram.layout import STEP_HEIGHT, STEP_WIDTH, lay_out
from bti.workflow.diagram.ways import ways_of
from bti.workflow.library import load_definition, released

MODELS = [load_definition(name, version) for name, version in released()]


def description(picture):
    said = re.search("<desc>(.*?)</desc>", picture, re.DOTALL)
    assert said
    return said.group(1)


def steps_of(model):
    return [step for level in model.definition.levels for step in level.steps]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
class TestThePicture:
    def test_shows_every_step_and_every_move(self, model, language):
        picture = svg(model, language)
        for step in steps_of(model):
            assert f'data-step="{step.key}"' in picture
        assert picture.count('class="bti-way') >= len(model.definition.moves)

    def test_says_it_all_in_words(self, model, language):
        words = description(svg(model, language))
        for step in steps_of(model):
            assert escape(f"{step.key} {step.title.in_language(language)}") in words
        for move in model.definition.moves:
            assert escape(move.label.in_language(language)) in words

    def test_is_fit_for_a_page_that_forbids_inline_style_script_and_shared_ids(self, model, language):
        document = minidom.parseString(svg(model, language))  # noqa: S318 -- the text is our own
        assert [title.toxml() for title in document.getElementsByTagName("title")] != []
        for part in document.getElementsByTagName("*"):
            assert part.tagName not in ("style", "script", "foreignObject", "image", "a")
            assert not [
                name for name in dict(part.attributes.items()) if name in ("style", "id") or name.startswith("on")
            ]

    def test_is_the_same_every_time(self, model, language):
        assert svg(model, language) == svg(model, language)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
class TestTheLayout:
    def test_keeps_every_step_in_the_row_of_its_level(self, model):
        layout = lay_out(model, "nb")
        for step in steps_of(model):
            x, y = layout.steps[step.key]
            top, height = layout.rows[model.level_index(step.key)]
            assert top < y < y + STEP_HEIGHT < top + height
            assert 0 < x < x + STEP_WIDTH < layout.width

    def test_lets_no_line_run_through_a_step(self, model):
        layout = lay_out(model, "nb")
        for line in layout.lines:
            for (ax, ay), (bx, by) in [*zip(line.points, line.points[1:], strict=False), *line.stubs]:
                for x, y in layout.steps.values():
                    inside = min(ax, bx) < x + STEP_WIDTH and max(ax, bx) > x
                    assert not (inside and min(ay, by) < y + STEP_HEIGHT and max(ay, by) > y), line.way

    def test_tells_kinds_of_moves_apart(self, model):
        kinds = {way.kind for way in ways_of(model, "nb")}
        assert kinds >= {"next", "loop", "up", "down", "jump", "close", "reopen"}

    def test_draws_each_way_in_the_file_once(self, model):
        drawn = [(source, way.target, way.label) for way in ways_of(model, "nb") for source in way.sources]
        written = [(source, move.to, move.label.nb) for move in model.definition.moves for source in move.from_]
        assert sorted(drawn) == sorted(written)


def test_kinds_of_moves_differ_in_shape_and_not_in_colour_alone():
    lines = re.findall(r'<path class="bti-way bti-(\w+)"[^>]*?stroke="currentColor" ([^>]*)/>', svg(MODELS[0]))
    shapes = dict(lines)
    assert len({shape for kind, shape in shapes.items() if kind != "skip"}) == len(shapes.keys() - {"skip"})


def test_mermaid_names_every_step_and_escapes_words():
    text = mermaid(load_definition("bti", 1), "en")
    for step in steps_of(load_definition("bti", 1)):
        assert f's_{step.key.replace(".", "_")}["{step.key} ' in text
    assert f"s_{CLOSED}" in text
    assert text.count("subgraph") == 4
