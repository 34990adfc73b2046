"""Bokmål stands in the code; Nynorsk and English must say everything it says, with the same places to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

WEB = Path(__file__).parents[1] / "web"
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def _folder(language: str) -> Path:
    return WEB / "translations" / language / "LC_MESSAGES"


@pytest.fixture(scope="module")
def said() -> set[str | tuple[str, ...]]:
    """Every sentence in code and templates."""
    with (WEB / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
    found = extract_from_dir(str(WEB), methods, options, keywords=keywords)
    return {message for _file, _line, message, _comments, _context in found}


@pytest.fixture(scope="module", params=["nn", "en"])
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return read_po(BytesIO((_folder(request.param) / "messages.po").read_bytes()), locale=request.param)


def _messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


class TestEveryLanguage:
    def test_says_every_sentence(self, catalogue: Catalog, said: set[str | tuple[str, ...]]) -> None:
        known = {message.id for message in _messages(catalogue) if all(_texts(message)) and not message.fuzzy}
        missing = sorted(str(one) for one in said - known)
        assert not missing, f"{catalogue.locale} lacks {len(missing)}; run `make words`: {missing[:20]}"

    def test_fills_in_the_same_places(self, catalogue: Catalog) -> None:
        for message in _messages(catalogue):
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            wanted = {place for one in ids for place in PLACES.findall(str(one))}
            for text in _texts(message):
                assert set(PLACES.findall(text)) <= wanted, f"{message.id}: {text}"
                assert isinstance(message.id, tuple) or set(PLACES.findall(text)) == wanted, f"{message.id}: {text}"

    def test_is_compiled_as_it_stands(self, catalogue: Catalog) -> None:
        with (_folder(str(catalogue.locale)) / "messages.mo").open("rb") as file:
            compiled = read_mo(file)
        assert _plain(compiled) == _plain(catalogue)


def _plain(catalogue: Catalog) -> dict[str, tuple[str, ...]]:
    """Return what is said by what it stands for; one file keeps plurals as lists, the other as tuples."""
    return {str(tuple(m.id) if isinstance(m.id, tuple | list) else m.id): _texts(m) for m in _messages(catalogue)}


def _texts(message: Message) -> tuple[str, ...]:
    found = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return tuple(str(text or "") for text in found)
