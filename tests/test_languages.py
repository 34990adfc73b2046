"""Bokmål stands in the code; Nynorsk and English must say everything it says, with the same places to fill in."""

from __future__ import annotations

import re
import tomllib
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
DEFINITIONS = sorted((WEB.parent / "workflows").rglob("*.toml"))
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


# What slips in from Bokmål, and forms of Nynorsk that aren't the ones chosen here: gi, igjen, begynne, la, òg, vart.
STRAY = re.compile(
    r"\b(ikke|hva|hvem|hvor|hvordan|hvorfor|hvilke[nt]?|hver|noe|noen|fra|jeg|være|mye|bare|ennå|også|uke[nr]?|uka"
    r"|tjeneste\w*|enhet\w*|saken|undringen|foresatt\w*|deltaker\w*|veiledning\w*|stafettholder\w*|samtykker"
    r"|gje|gjev|gjeve|att|byrj\w*|lat|vorte|blei|henne|prov)\b",
    re.IGNORECASE,
)


class TestNynorsk:
    def test_has_one_form_of_each_word_in_the_catalogue(self) -> None:
        nynorsk = read_po(BytesIO((_folder("nn") / "messages.po").read_bytes()), locale="nn")
        strays = {text: STRAY.findall(text) for message in _messages(nynorsk) for text in _texts(message)}
        assert {text: found for text, found in strays.items() if found} == {}

    @pytest.mark.parametrize("file", DEFINITIONS, ids=lambda file: file.stem)
    def test_has_the_same_forms_in_definitions_and_guides(self, file: Path) -> None:
        strays = {text: STRAY.findall(text) for text in _in_nynorsk(tomllib.loads(file.read_text(encoding="utf-8")))}
        assert {text: found for text, found in strays.items() if found} == {}


def _in_nynorsk(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(text := part.get("nn"), str):
            yield text
        for inner in part.values():
            yield from _in_nynorsk(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _in_nynorsk(inner)
