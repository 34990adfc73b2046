"""The auditor's pages of the signed log: what is signed, whether it holds, and the bundle to check elsewhere."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bti.verifier.bundle import check_bundle
from bti.verifier.verdict import GOOD
from tests.cast import Cast
from tests.doors import trail
from tests.sequencing import Ledger, tamper
from tests.web.visitor import Visitor, on_both_databases

Clients = Callable[[str], Visitor]
HOME = "/revisjon/signert-logg"


@pytest.fixture
def ledger(cast: Cast, tmp_path: Path) -> Ledger:
    cast.at_level_1()
    return Ledger(cast, tmp_path / "log")


@on_both_databases
class TestTheSignedLog:
    def test_shows_the_newest_head_to_copy_and_what_waits(self, client_of: Clients, ledger: Ledger) -> None:
        tove = client_of("tove")
        page = tove.get(HOME)
        assert page.has("Ingenting er signert ennå.")
        ledger.turn()
        page = tove.get(HOME)
        assert ledger.heads()[-1].note.splitlines()[0] in page.html
        assert page.has(f"Innføringer {ledger.heads()[-1].size}")
        assert not page.has("Tjenesten som signerer, går ikke")
        ledger.cast.later(minutes=2)
        assert tove.get(HOME).has("Tjenesten som signerer, går ikke")

    def test_is_checked_on_the_page_with_its_progress(self, client_of: Clients, ledger: Ledger) -> None:
        ledger.turn()
        size, tove = ledger.heads()[-1].size, client_of("tove")
        page = tove.get(f"{HOME}/sjekk")
        assert page.has(f"{size} av {size}")
        assert page.has("Loggen er hel")
        assert page.has("The keys are those that the database names")
        assert '"question":"check_log"' in trail(ledger.cast, "audit.search")[-1].fields
        tamper(ledger.database, "UPDATE audit_entries SET role = 'auditor' WHERE id = 4")
        page = tove.get(f"{HOME}/sjekk")
        assert page.has("Loggen er endret")
        assert page.has("Ta vare på pakken")

    def test_is_taken_along_whole(self, client_of: Clients, ledger: Ledger, tmp_path: Path) -> None:
        ledger.turn()
        response = client_of("tove").client.get(f"{HOME}/pakke.zip")
        assert response.mimetype == "application/zip"
        assert response.headers["Content-Disposition"] == 'attachment; filename="logg-2026-11-16.zip"'
        assert trail(ledger.cast, "log.export")[-1].actor_id == "tove"
        with zipfile.ZipFile(io.BytesIO(response.get_data())) as packed:
            packed.extractall(tmp_path / "taken")
        assert check_bundle(tmp_path / "taken" / "logg", ledger.policy()).code == GOOD

    def test_before_anything_is_signed_can_not_be_taken_along(self, client_of: Clients, ledger: Ledger) -> None:
        tove = client_of("tove")
        assert tove.follow(tove.get(f"{HOME}/pakke.zip", 303)).has("Ingenting er signert ennå, så det er ingen pakke")
        assert trail(ledger.cast, "log.export") == []

    def test_asks_again_who_it_is_before_it_is_taken_along(self, client_of: Clients, ledger: Ledger) -> None:
        ledger.turn()
        tove = client_of("tove")
        tove.get(HOME)
        ledger.cast.later(minutes=11)
        assert tove.get(f"{HOME}/pakke.zip", 303).goes_to == f"/konto/bekreft?neste={HOME}"

    def test_is_for_auditors(self, client_of: Clients, ledger: Ledger) -> None:
        ledger.turn()
        for name in ("kari", "rune", "arne"):
            for path in (HOME, f"{HOME}/sjekk", f"{HOME}/pakke.zip"):
                client_of(name).get(path, 403)
            assert trail(ledger.cast, "refused")[-1].actor_id == name
