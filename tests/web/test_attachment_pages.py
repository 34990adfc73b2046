"""The page of a case's files: adding one, downloading one, and what stands on it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest

from bti.usecases import attachments
from tests.cast import Cast
from tests.files import DOCX, PDF, PNG
from tests.web.records import reference
from tests.web.visitor import Page, Visitor

ClientOf = Callable[[str], Visitor]


@pytest.fixture
def case_id(cast: Cast) -> str:
    return cast.at_level_2()


@pytest.fixture
def path(cast: Cast, case_id: str) -> str:
    return f"/saker/{reference(cast, case_id)}/filer"


def send(
    visitor: Visitor, path: str, status: int, *, name: str = "Notat.pdf", file: bytes = PDF, kind: str = "everyday"
) -> Page:
    sent = {"attachment": (io.BytesIO(file), name), "information_kind": kind}
    return visitor.post(path, sent, status)


def links(page: Page) -> list[str]:
    return re.findall(r'href="([^"]+)"', page.html)


class TestThePage:
    def test_takes_a_file_in_and_gives_it_back(self, path: str, client_of: ClientOf) -> None:
        kari = client_of("kari")
        page = kari.get(path)
        assert page.has("Saken har ingen filer som du kan se.")
        send(kari, path, 303, name="Møte på skolen.docx", file=DOCX)
        page = kari.get(path)
        assert page.has("Møte på skolen.docx")
        assert page.has("Kari Nordmann, Fjordvik skole")
        link = next(one for one in links(page) if one.startswith(f"{path}/"))
        answer = kari.client.get(link)
        assert answer.data == DOCX
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''M%C3%B8te%20p%C3%A5%20skolen.docx"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert str(answer.mimetype).endswith("wordprocessingml.document")

    def test_says_what_is_wrong_with_a_file(self, path: str, client_of: ClientOf) -> None:
        kari = client_of("kari")
        assert send(kari, path, 422, file=b"MZ\x00").has("Velg en PDF, et bilde (PNG eller JPEG), ren tekst")
        assert send(kari, path, 422, file=b"").has("Filen er tom")
        assert send(kari, path, 422, file=b"a" * (attachments.LARGEST + 1)).has("Filen er større enn 5 MB")
        assert send(kari, path, 422, kind="").has("Velg hva slags opplysninger")
        assert kari.post(path, {"information_kind": "everyday"}, 422).has("Velg en fil")
        assert kari.get(path).has("Saken har ingen filer som du kan se.")

    def test_offers_no_form_to_who_only_takes_part(self, path: str, client_of: ClientOf) -> None:
        send(client_of("kari"), path, 303)
        page = client_of("siri").get(path)
        assert page.has("Notat.pdf")
        assert not page.has("Legg ved en fil")
        send(client_of("siri"), path, 422, name="Smuglet.pdf")
        assert not client_of("kari").get(path).has("Smuglet")

    def test_is_not_there_for_others(self, path: str, client_of: ClientOf) -> None:
        send(client_of("kari"), path, 303, file=PNG, name="Tegning.png")
        link = next(one for one in links(client_of("kari").get(path)) if one.startswith(f"{path}/"))
        for name in ("nils", "per"):
            client_of(name).get(path, status=404)
            client_of(name).get(link, status=404)

    def test_is_led_to_from_the_case(self, path: str, client_of: ClientOf) -> None:
        assert path in links(client_of("kari").get(path.rpartition("/")[0]))

    def test_sent_twice_adds_one(self, path: str, client_of: ClientOf, cast: Cast, case_id: str) -> None:
        kari = client_of("kari")
        page = kari.get(path)
        for _ in range(2):
            kari.send(page, {"attachment": (io.BytesIO(PDF), "a.pdf"), "information_kind": "everyday"})
        _head, files = cast.act(attachments.of_case, by="kari", case_id=case_id)
        assert len(files) == 1
