"""kill -9 between any two steps: nothing is lost, nothing has two numbers or none, no head contradicts another."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from bti.verifier.verdict import GOOD
from tests.cast import HERE, settle
from tests.sequencing import Ledger, check
from tests.stopping import ANEW, STEPS

# Those of the usual steps that meet something else in a new tree than in an old one.
LATER = ("leaves committed", "the memory moved on", "head signed")


@pytest.fixture
def ledger(database: sa.Engine, tmp_path: Path) -> Ledger:
    ledger = Ledger(settle(database), tmp_path / "log")
    ledger.cast.at_level_1()
    return ledger


def kill(ledger: Ledger, step: str) -> None:
    url = ledger.cast.database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.stopping", step, url, str(ledger.path)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def goes_on(ledger: Ledger, folder: Path, *, held: str) -> None:
    """A later run numbers all that was committed, once each, and everybody who checks it finds it good."""
    ledger.turn()
    found = [leaf for epoch in ledger.epochs() for leaf in ledger.leaves(epoch.number)]
    assert sorted(leaf.entry_id for leaf in found) == ledger.entry_ids()
    for epoch in ledger.epochs():
        leaves = ledger.leaves(epoch.number)
        assert [leaf.position for leaf in leaves] == list(range(len(leaves)))
        assert len(leaves) == ledger.heads(epoch.number)[-1].size == ledger.folder.heads.last(epoch.origin).size
    answers = check(ledger, folder, held=held)
    assert answers.codes == (GOOD, GOOD), answers.said()
    assert ledger.turn() == 0


@pytest.mark.parametrize("step", STEPS)
def test_in_the_middle_of_a_logs_life(ledger: Ledger, tmp_path: Path, step: str) -> None:
    ledger.turn()
    before, held = ledger.entry_ids(), ledger.heads()[-1].note
    kill(ledger, step)
    written = ledger.entry_ids()
    assert len(written) - len(before) == (0 if step == "entry written, not committed" else 1)
    ledger.cast.wonder(about="jon")
    goes_on(ledger, tmp_path / "bundle", held=held)
    assert set(written) < set(ledger.entry_ids())


@pytest.mark.parametrize("step", ["key made", "epoch written, not committed", *LATER])
def test_while_a_log_begins(ledger: Ledger, tmp_path: Path, step: str) -> None:
    kill(ledger, step)
    goes_on(ledger, tmp_path / "bundle", held="")
    assert ledger.folder.epochs(HERE) == [1]


@pytest.mark.parametrize("step", [*ANEW, *LATER])
def test_while_a_log_begins_anew(ledger: Ledger, tmp_path: Path, step: str) -> None:
    ledger.turn()
    held = ledger.heads()[-1].note
    ledger.cast.wonder(about="jon")
    kill(ledger, step if step in ANEW else "epoch committed")
    if step not in ANEW:
        kill(ledger, step)
    goes_on(ledger, tmp_path / "bundle", held=held)
    assert len(ledger.epochs()) == (2 if step in STEPS or step == "epoch committed" else 1)


def test_again_and_again(ledger: Ledger, tmp_path: Path) -> None:
    ledger.turn()
    held = ledger.heads()[-1].note
    for step in STEPS:
        kill(ledger, step)
    goes_on(ledger, tmp_path / "bundle", held=held)
