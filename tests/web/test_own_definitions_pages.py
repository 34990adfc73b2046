"""A municipality's own model on the pages: its words, its guide, its place among the models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from bti.cli import main
from bti.config import Misconfigured, Settings
from bti.workflow import own
from tests.cast import Cast
from tests.own_definitions import GUIDE, NAME, overhalla, own_folder
from tests.web.visitor import Visitor, on_both_databases
from web import create_app

Clients = Callable[[str], Visitor]


def settings(folder: Path) -> Settings:
    key = "only-for-tests-" + "x" * 32
    return Settings(database_url="sqlite:///nowhere.db", secret_key=key, workflows=folder)


@pytest.fixture
def app(cast: Cast, tmp_path: Path) -> Iterator[Flask]:
    """The application as it is served with BTI_WORKFLOWS, on the cast's database and clock."""
    yield create_app(settings(own_folder(tmp_path)), database=cast.database, clock=lambda: cast.now)
    own.use(None)


@on_both_databases
class TestAModelOfOnesOwn:
    def test_carries_a_wonder_from_the_form_to_the_leaders_desk(
        self, cast: Cast, client_of: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BTI_DATABASE_URL", cast.database.url.render_as_string(hide_password=False))
        monkeypatch.setenv("BTI_WORKFLOWS", str(tmp_path / "modeller"))
        kari = client_of("kari")
        chosen = CliRunner().invoke(main, ["municipality", "model", NAME])
        assert chosen.exit_code == 0, chosen.output
        sent = kari.post(
            "/undringer/ny",
            {
                "subject": "ola",
                "subject_sok": "Ola Nordli, 4B",
                "themes": ["absence"],
                "seen": "Trøtt.",
                "talked": "no",
            },
        )
        assert kari.follow(sent).status == 200
        reference = kari.get("/saker").html.partition('href="/saker/2026-')[2][:5]
        case = kari.get(f"/saker/2026-{reference}")
        assert case.has("Trinn 0: Undring")
        assert case.has("Trinn A")
        assert case.has(GUIDE)
        kari.send(kari.get(f"/saker/2026-{reference}/steg/share_with_leader"))
        assert client_of("rune").get("/enheten").has("Trinn 0")
        assert client_of("kari").get("/saker").has("Trinn 0")

    def test_stands_among_the_models(self, cast: Cast, client_of: Clients) -> None:
        page = client_of("bti").get("/modellen")
        assert page.has("BTI i Nabovik")
        assert page.has("bti · versjon 1 I bruk")
        shown = client_of("bti").get(f"/modellen/{NAME}/1")
        assert shown.has("Trinn B")
        assert "<svg" in shown.html


def test_an_application_isnt_made_from_an_unsafe_one(tmp_path: Path) -> None:
    folder = own_folder(tmp_path)
    (folder / f"{NAME}.1.toml").write_text(overhalla("overhalla"), "utf-8")
    with pytest.raises(Misconfigured, match="name_is_not_file_name"):
        create_app(settings(folder), database=object())
