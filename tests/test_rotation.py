"""New keys for everything, while people go on working; a process that is killed is followed by one that goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bti.config import Misconfigured
from bti.crypto import sealing
from bti.crypto.keys import make_keys, use_keys
from bti.crypto.sealing import version_of
from bti.db import reading
from bti.errors import NotPossible
from bti.models import audit_entries, measures, metadata, people
from bti.models.sealed import Cell
from bti.queries.sealed_cells import all_rows, key_problems, sealed_tables
from bti.usecases import rotation
from tests.cast import HERE, MONDAY, Cast, settle
from tests.keys import sealed_findings

# Rotates in a process of its own, and kills itself with -9 as soon as it has come so far.
DIES = """
import os, signal, sys
from bti.clock import utc_now
from bti.crypto.keys import use_keys
from bti.db import open_database
from bti.usecases.rotation import rotate
calls = 0
def progress(done, total):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
use_keys(os.environ)
rotate(open_database(sys.argv[1]), clock=utc_now, progress=progress)
"""


@pytest.fixture
def cast(database: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """The town with keys of its own."""
    make_keys(tmp_path / "store", tmp_path / "master.key")
    monkeypatch.setenv("BTI_KEYS", str(tmp_path / "store"))
    monkeypatch.setenv("BTI_MASTER_KEY_FILE", str(tmp_path / "master.key"))
    use_keys(os.environ)
    return settle(database)


def everything(database: sa.Engine) -> dict[str, list[Any]]:
    """Return all rows of all tables but the trail, opened."""
    with reading(database) as session:
        return {
            name: sorted((tuple(row) for row in session.execute(sa.select(table))), key=str)
            for name, table in metadata.tables.items()
            if table is not audit_entries
        }


def versions(database: sa.Engine) -> Counter[int | None]:
    """Return how many cells are sealed under which version of their key."""
    with reading(database) as session:
        rows = [row for table in sealed_tables() for row in all_rows(session, table, municipality_id=HERE)]
        cells = [cell for row in rows for cell in row.cells.values() if cell]
    return Counter(version_of(cell) for cell in cells)


def untold(database: sa.Engine) -> list[str]:
    with reading(database) as session:
        return [one.code for one in sealed_findings(session) if one.code != "never_told"]


def worked(cast: Cast) -> str:
    case_id = cast.at_level_2()
    cast.evaluate(case_id, cast.plan(case_id))
    for _ in range(3):
        cast.wonder(about="mia")
    return case_id


def rotate(cast: Cast) -> rotation.Outcome:
    return rotation.rotate(cast.database, clock=lambda: MONDAY)


class TestRotating:
    def test_seals_everything_anew_and_changes_no_text(self, cast: Cast) -> None:
        worked(cast)
        before, count = everything(cast.database), versions(cast.database)
        assert count.keys() == {1}
        assert rotate(cast).sealed == count[1]
        assert versions(cast.database) == {2: count[1]}
        assert everything(cast.database) == before
        assert untold(cast.database) == []

    def test_is_told_of_in_the_trail(self, cast: Cast) -> None:
        worked(cast)
        rotate(cast)
        with reading(cast.database) as session:
            e = audit_entries.c
            told = session.execute(sa.select(e.role, e.actor_id, e.case_id).where(e.event == "keys.rotate")).all()
        assert {tuple(row) for row in told} == {("system", None, None)}

    def test_twice_gives_new_keys_twice_and_work_goes_on(self, cast: Cast) -> None:
        worked(cast)
        rotate(cast)
        cast.guardian_talk(cast.wonder())
        rotate(cast)
        assert versions(cast.database).keys() == {2, 3}
        assert untold(cast.database) == []

    def test_reads_on_with_keys_that_another_process_has_renewed(self, cast: Cast) -> None:
        case_id = worked(cast)
        everything(cast.database)
        command = [sys.executable, "-c", DIES, cast.database.url.render_as_string(hide_password=False), "0"]
        assert subprocess.run(command, check=False).returncode == 0
        assert versions(cast.database).keys() == {2}
        assert everything(cast.database)
        # What is written now is sealed with the new key, though this process knew only the old one.
        measure = cast.plan(case_id)
        with reading(cast.database) as session:
            cell = next(
                row.cells["text"] for row in all_rows(session, measures, municipality_id=HERE) if row.row_id == measure
            )
        assert version_of(cell or "") == 2

    @pytest.mark.parametrize("after", [1, 2, 3, 5, 8])
    def test_killed_at_any_moment_goes_on_where_it_was(self, after: int, cast: Cast) -> None:
        worked(cast)
        before, count = everything(cast.database), versions(cast.database)
        command = [sys.executable, "-c", DIES, cast.database.url.render_as_string(hide_password=False), str(after)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        # Half done: all of it opens, and what was done is told.
        assert everything(cast.database) == before
        assert untold(cast.database) == []
        done = versions(cast.database)[2]
        assert rotate(cast).sealed == count[1] - done
        # One new key each, not one for each try.
        assert versions(cast.database) == {2: count[1]}
        assert everything(cast.database) == before
        assert untold(cast.database) == []

    def test_by_two_at_once_is_refused(self, cast: Cast) -> None:
        with sealing.ring().store.alone(), pytest.raises(Misconfigured, match="Somebody else changes keys"):
            rotate(cast)

    def test_leaves_what_doesnt_open_and_says_how_much(self, cast: Cast) -> None:
        worked(cast)
        with cast.database.begin() as connection:
            wrong = sa.update(people).where(people.c.id == "kari").values(name=Cell("s1.1.AAAA"))
            connection.execute(wrong)
        outcome = rotate(cast)
        assert outcome.left == 1
        with reading(cast.database) as session:
            assert [one.row_id for one in sealed_findings(session) if one.code == "changed"] == ["kari"]


class TestSealingWhatWasNot:
    def unseal(self, cast: Cast) -> None:
        """Write everything in the clear, as before there were keys."""
        with cast.database.begin() as connection:
            for table in sealed_tables():
                for row in connection.execute(sa.select(table)).mappings().all():
                    clear = {name: row[name] and Cell(row[name]) for name in table.info["sealed"]}
                    here = (table.c.municipality_id == row["municipality_id"], table.c.id == row["id"])
                    connection.execute(sa.update(table).where(*here).values(clear))

    def test_begins_with_a_word_of_what_to_do(self, cast: Cast) -> None:
        worked(cast)
        self.unseal(cast)
        with reading(cast.database) as session:
            assert key_problems(session) == [f"What {HERE} has written isn't sealed yet: run bti keys seal."]

    def test_seals_all_of_it_with_new_keys(self, cast: Cast, tmp_path: Path) -> None:
        worked(cast)
        before = everything(cast.database)
        self.unseal(cast)
        make_keys(tmp_path / "new", tmp_path / "new.key")
        use_keys({"BTI_KEYS": str(tmp_path / "new"), "BTI_MASTER_KEY_FILE": str(tmp_path / "new.key")})
        rotation.seal_all(cast.database, clock=lambda: MONDAY)
        assert versions(cast.database).keys() == {1}
        assert everything(cast.database) == before
        assert untold(cast.database) == []
        with reading(cast.database) as session:
            assert key_problems(session) == []
        assert rotation.seal_all(cast.database, clock=lambda: MONDAY).sealed == 0

    def test_makes_no_keys_where_others_are_missing(self, cast: Cast, tmp_path: Path) -> None:
        worked(cast)
        make_keys(tmp_path / "new", tmp_path / "new.key")
        ring = use_keys({"BTI_KEYS": str(tmp_path / "new"), "BTI_MASTER_KEY_FILE": str(tmp_path / "new.key")})
        with reading(cast.database) as session:
            assert len(key_problems(session)) == 1
        with pytest.raises(NotPossible):
            rotation.seal_all(cast.database, clock=lambda: MONDAY)
        assert list(ring.store.owners()) == []
