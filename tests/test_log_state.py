"""What pages and commands are told of the signed log: how far it has come, whether it holds, and the whole of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bti.errors import Forbidden
from bti.sequencer.horizon import Horizon
from bti.sequencer.numbering import number
from bti.usecases import signed_log
from bti.usecases.signed_log import LogState
from bti.verifier.bundle import check_bundle
from bti.verifier.verdict import GOOD, TAMPERED
from tests.cast import HERE, settle
from tests.doors import trail
from tests.sequencing import Ledger, tamper


@pytest.fixture
def ledger(database: sa.Engine, tmp_path: Path) -> Ledger:
    ledger = Ledger(settle(database), tmp_path / "log")
    ledger.cast.at_level_1()
    return ledger


def state(ledger: Ledger) -> LogState:
    with ledger.reading() as session:
        return signed_log.state(session, municipality_id=HERE)


class TestTheState:
    def test_before_the_log_begins_is_that_all_waits(self, ledger: Ledger) -> None:
        found = state(ledger)
        assert (found.checkpoint, found.entries, found.waiting) == (None, 0, len(ledger.entry_ids()))
        assert found.is_stuck(ledger.cast.now + timedelta(minutes=2))
        assert not found.is_stuck(ledger.cast.now)

    def test_when_all_is_signed_is_the_newest_head(self, ledger: Ledger) -> None:
        ledger.turn()
        found = state(ledger)
        assert (found.checkpoint, found.entries) == (ledger.heads()[-1].note, len(ledger.entry_ids()))
        assert (found.waiting, found.oldest_at, found.signed_at) == (0, None, ledger.cast.now)
        assert not found.is_stuck(ledger.cast.now + timedelta(days=1))

    def test_counts_what_is_numbered_and_not_signed_among_what_waits(self, ledger: Ledger) -> None:
        ledger.turn()
        ledger.cast.wonder(about="mia")
        number(ledger.database, ledger.folder, HERE, horizon=Horizon())
        ledger.cast.later(minutes=3)
        ledger.cast.wonder(about="jon")
        found = state(ledger)
        assert (found.waiting, found.oldest_at) == (2, ledger.cast.now - timedelta(minutes=3))
        assert found.is_stuck(ledger.cast.now)


class TestVerifying:
    def test_tells_how_far_it_has_come_and_whose_keys_it_believed(self, ledger: Ledger) -> None:
        ledger.turn()
        heard: list[tuple[int, int]] = []
        report = signed_log.verify(
            ledger.cast.database, municipality_id=HERE, progress=lambda done, total: heard.append((done, total))
        )
        size = len(ledger.entry_ids())
        assert report.code == GOOD
        assert heard[-1] == (size, size)
        assert "The keys are those that the database names" in report.notes[-1]

    def test_finds_what_was_changed(self, ledger: Ledger) -> None:
        ledger.turn()
        tamper(ledger.database, "UPDATE audit_entries SET role = 'auditor' WHERE id = 4")
        assert signed_log.verify(ledger.database, municipality_id=HERE).code == TAMPERED


class TestTheWholeLog:
    def test_is_for_an_auditor_to_take_along_and_told_of(self, ledger: Ledger, tmp_path: Path) -> None:
        ledger.turn()
        size = len(ledger.entry_ids())
        heard: list[tuple[int, int]] = []
        # As the pages do it, who may read what was signed and change none of it.
        found = signed_log.write_bundle(
            ledger.cast.database,
            actor=ledger.cast.actor("tove"),
            folder=tmp_path / "bundle",
            now=ledger.cast.now,
            progress=lambda done, total: heard.append((done, total)),
        )
        assert (found.entries, found.checkpoint, heard[-1]) == (size, ledger.heads()[-1].note, (size, size))
        assert check_bundle(tmp_path / "bundle", ledger.policy(), processes=1).code == GOOD
        assert [one.actor_id for one in trail(ledger.cast, "log.export")] == ["tove"]

    @pytest.mark.parametrize("who", ["kari", "rune", "arne", "berit"])
    def test_is_for_nobody_else(self, ledger: Ledger, tmp_path: Path, who: str) -> None:
        ledger.turn()
        with pytest.raises(Forbidden):
            signed_log.write_bundle(
                ledger.cast.database, actor=ledger.cast.actor(who), folder=tmp_path / "bundle", now=ledger.cast.now
            )
        assert not (tmp_path / "bundle").exists()
        assert trail(ledger.cast, "log.export") == []
