"""Templates are made once for each language: no page may show another reader's language, or lose an escape."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from markupsafe import Markup

from tests.web.visitor import Visitor
from web.templating import Pages

SAVE = {"nb": "Hopp til hovedinnhold", "nn": "Hopp til hovudinnhald", "en": "Skip to main content"}


class TestALanguageOfOnesOwn:
    def test_two_readers_each_get_their_own_words_turn_by_turn(self, client_of: Callable[[str], Visitor]) -> None:
        readers = {language: client_of(name) for language, name in zip(SAVE, ("kari", "rune", "siri"), strict=True)}
        for language, reader in readers.items():
            reader.get(f"/sprak/{language}", status=303)
        for _turn in range(2):
            for language, reader in readers.items():
                page = reader.get("/saker")
                assert page.has(SAVE[language])
                assert not any(page.has(word) for other, word in SAVE.items() if other != language)


@pytest.fixture
def norwegian(application: Flask) -> Pages:
    found = application.jinja_env
    assert isinstance(found, Pages)
    return found._in("nb")


class TestWhatIsSettledBeforehand:
    def test_a_sentence_stands_in_the_page_as_it_is_written(self, norwegian: Pages) -> None:
        assert norwegian.from_string("{{ _('Lukk & \"gå\"') }}").render() == 'Lukk & "gå"'

    def test_a_name_in_a_sentence_is_still_escaped(self, norwegian: Pages) -> None:
        made = norwegian.from_string("{{ _('Hei %(name)s', name=name) }}").render(name="<b>")
        assert made == "Hei &lt;b&gt;"

    def test_a_macro_s_text_isnt_escaped_twice(self, norwegian: Pages) -> None:
        source = "{% macro bold(text) %}<b>{{ text }}{% if caller %}{{ caller() }}{% endif %}</b>{% endmacro %}"
        made = norwegian.from_string(source + "{% for x in '<' %}{% call bold(x) %}{{ x }}{% endcall %}{% endfor %}")
        assert made.render() == "<b>&lt;&lt;</b>"

    def test_a_mappings_item_goes_before_its_methods(self, norwegian: Pages) -> None:
        made = norwegian.from_string("{{ row.count }} {{ row.get('count') }} {{ row.nothing }}")
        assert made.render(row={"count": Markup("<i>")}) == "<i> <i> "
