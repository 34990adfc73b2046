"""The definitions, read-only: for everybody who works here, with the diagram, and nothing to change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bti.workflow.library import load_definition, released
from tests.web.visitor import Visitor

Clients = Callable[[str], Visitor]


@pytest.fixture
def bti(client_of: Clients) -> Visitor:
    return client_of("bti")


class TestTheModels:
    def test_are_listed_and_the_one_in_force_is_marked(self, bti: Visitor) -> None:
        page = bti.get("/modellen")
        for name, version in released():
            assert f"/modellen/{name}/{version}" in page.html
        assert page.has("bti · versjon 1 I bruk")
        assert page.html.count("I bruk") == 1

    @pytest.mark.parametrize(("name", "version"), released())
    def test_are_shown_whole(self, name: str, version: int, bti: Visitor) -> None:
        page = bti.get(f"/modellen/{name}/{version}")
        model = load_definition(name, version)
        assert "<svg" in page.html
        for level in model.definition.levels:
            assert page.has(f"{level.label.nb}: {level.name.nb}")
            for step in level.steps:
                assert page.has(f"{step.key} {step.title.nb}")
        for move in model.definition.moves:
            assert page.has(move.label.nb)

    @pytest.mark.parametrize("language", ["nn", "en"])
    def test_speak_the_readers_language(self, language: str, bti: Visitor) -> None:
        bti.get(f"/sprak/{language}", status=303)
        title = load_definition("bti", 1).definition.levels[0].name.in_language(language)
        assert bti.get("/modellen/bti/1").has(title)

    @pytest.mark.parametrize("name", ["kari", "rune", "berit", "tove", "arne", "bti"])
    def test_are_open_to_everybody_who_works_here(self, name: str, client_of: Clients) -> None:
        client_of(name).get("/modellen")
        client_of(name).get("/modellen/bti/1")

    def test_come_as_text_too(self, bti: Visitor) -> None:
        answer = bti.client.get("/modellen/bti/1/figur.mmd")
        assert answer.mimetype == "text/plain"
        assert answer.text.startswith(("flowchart", "stateDiagram"))

    @pytest.mark.parametrize(
        "path", ["nothing/1", "bti/2", "bti/0", "bti/99999999999999999999", "bti/-1", "bti/x", "../1", "BTI/1", "'/1"]
    )
    def test_that_are_not_there(self, path: str, bti: Visitor) -> None:
        bti.get(f"/modellen/{path}", status=404)
        bti.get(f"/modellen/{path}/figur.mmd", status=404)

    def test_cannot_be_changed(self, bti: Visitor) -> None:
        page = bti.get("/modellen/bti/1")
        assert all(form.action.endswith("/logg-ut") for form in page.forms if form.method == "post")
        for path in ("/modellen", "/modellen/bti/1"):
            assert bti.client.post(path, data={"csrf_token": page.value("csrf_token")}).status_code == 405
