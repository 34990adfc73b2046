"""The sequencer: every committed entry gets one place in the tree and one in its case, and heads are signed."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from bti.audit.stored import Stored, epochs
from bti.audit.vocabulary import AT_ONCE, EVENTS
from bti.clock import utc_now
from bti.config import Misconfigured, log_folder
from bti.db import open_database, reading
from bti.demo.seed import make
from bti.models import audit_entries, municipalities
from bti.sequencer import numbering
from bti.sequencer.horizon import Horizon
from bti.sequencer.working import Sequencer, waiting
from bti.verifier.entries import NOTHING_BEFORE, decode, link_of
from bti.verifier.tree import Tree, leaf_hash
from bti.verifier.verdict import GOOD
from tests.cast import HERE, NEXT_DOOR, Cast, settle, settle_neighbour
from tests.sequencing import HOST, Ledger, entry, fsck


@pytest.fixture
def ledger(database: sa.Engine, tmp_path: Path) -> Ledger:
    return Ledger(settle(database), tmp_path / "log")


class TestNumbering:
    def test_gives_every_committed_entry_one_place(self, ledger: Ledger) -> None:
        ledger.cast.at_level_2()
        numbered = ledger.turn()
        found = ledger.leaves()
        assert numbered == len(found) - 1 > 10
        assert [leaf.position for leaf in found] == list(range(len(found)))
        assert sorted(leaf.entry_id for leaf in found) == ledger.entry_ids()
        assert all(leaf.data is not None and leaf_hash(leaf.data) == leaf.leaf_hash for leaf in found)

    def test_goes_on_where_it_ended(self, ledger: Ledger) -> None:
        case_id = ledger.cast.wonder()
        ledger.turn()
        before = ledger.leaves()
        assert ledger.turn() == 0
        ledger.cast.move(case_id, "share_with_leader")
        assert ledger.turn() > 0
        assert ledger.leaves()[: len(before)] == before

    def test_chains_the_entries_of_each_case(self, ledger: Ledger) -> None:
        first, second = ledger.cast.at_level_1(), ledger.cast.wonder(about="mia")
        ledger.turn()
        ledger.cast.move(second, "share_with_leader")
        ledger.cast.move(first, "plan")
        ledger.turn()
        links: dict[str, list[tuple[int, str]]] = {}
        hashes = {}
        for leaf in ledger.leaves():
            assert leaf.data is not None
            link = link_of(decode(leaf.data))
            hashes[leaf.leaf_hash.hex()] = leaf
            if link:
                assert link.prev == NOTHING_BEFORE or hashes[link.prev].case_id == link.case
                links.setdefault(link.case, []).append((link.seq, link.prev))
        assert set(links) == {first, second}
        assert all([seq for seq, _prev in found] == list(range(1, len(found) + 1)) for found in links.values())

    def test_grows_the_tree_of_rfc_6962_over_many_tiles(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(numbering, "BATCH", 300)
        monkeypatch.setattr("bti.sequencer.working.BATCH", 300)
        for count in (700, 255, 1, 400):
            with ledger.writing() as session:
                for _ in range(count):
                    entry(session, ledger.cast)
            ledger.turn()
        tree = Tree(leaf.leaf_hash for leaf in ledger.leaves())
        assert tree.size == 1357
        with ledger.reading() as session:
            stored = Stored(session, epochs(session, HERE)[0])
            for size in (1, 255, 256, 257, 512, 1023, 1024, 1300, 1357):
                assert stored.root(size) == tree.root(size)
        for head in ledger.heads():
            read = ledger.policy().open(head.note.encode()).checkpoint
            assert (read.size, read.root) == (head.size, tree.root(head.size))

    def test_keeps_each_municipality_in_a_log_of_its_own(self, ledger: Ledger, tmp_path: Path) -> None:
        neighbour = Ledger(settle_neighbour(ledger.cast.database), ledger.path, whose=NEXT_DOOR)
        ledger.cast.wonder()
        neighbour.cast.wonder()
        assert waiting(ledger.database) == [HERE, NEXT_DOOR]
        assert ledger.turn() == neighbour.turn() > 0
        assert [one.origin for one in neighbour.epochs()] == [f"{HOST}/{NEXT_DOOR}"]
        assert {leaf.entry_id for leaf in ledger.leaves()}.isdisjoint(leaf.entry_id for leaf in neighbour.leaves())
        assert waiting(ledger.database) == []

    def test_by_two_sequencers_at_once_numbers_nothing_twice(self, ledger: Ledger) -> None:
        ledger.turn()
        with ledger.writing() as session:
            for _ in range(1_200):
                entry(session, ledger.cast)
        with ThreadPoolExecutor(2) as threads:
            numbered = list(threads.map(lambda _: ledger.turn(), range(2)))
        assert sum(numbered) == 1_200
        assert sorted(leaf.entry_id for leaf in ledger.leaves()) == ledger.entry_ids()


class TestAnEntryThatCommitsLate:
    """Ids are handed out before the commit: a lower one may appear after a higher one."""

    @pytest.fixture
    def ledger(self, postgresql_database: sa.Engine, tmp_path: Path) -> Ledger:
        return Ledger(settle(postgresql_database), tmp_path / "log")

    def test_is_never_left_out(self, ledger: Ledger) -> None:
        sequencer = ledger.sequencer()
        sequencer.turn(HERE)
        with ledger.writing() as slow:
            entry(slow, ledger.cast)
            for _ in range(3):
                with ledger.writing() as quick:
                    entry(quick, ledger.cast)
                assert sequencer.turn(HERE) == 1
            assert len(ledger.leaves()) == 4
        assert waiting(ledger.database) == [HERE]
        assert sequencer.turn(HERE) == 1
        assert sorted(leaf.entry_id for leaf in ledger.leaves()) == ledger.entry_ids()
        assert waiting(ledger.database) == []

    def test_holds_the_horizon_back_until_it_is_there(self, ledger: Ledger) -> None:
        horizon = Horizon()

        def look() -> int:
            with ledger.writing() as session:
                return horizon.look(session)

        def one() -> None:
            with ledger.writing() as session:
                entry(session, ledger.cast)

        one()
        assert look() == 1
        with ledger.writing() as slow:
            entry(slow, ledger.cast)
            one()
            assert look() == look() == 1
        assert look() == 3
        with pytest.raises(ZeroDivisionError), ledger.writing() as given_up:
            entry(given_up, ledger.cast)
            raise ZeroDivisionError
        one()
        assert look() == 5

    def test_and_the_numbering_hold_each_other_up_in_nothing(self, ledger: Ledger) -> None:
        ledger.cast.wonder()
        ledger.turn()
        with ledger.writing() as session:
            # A sequencer in the middle of its batch, with all the locks it ever has.
            numbering.take_turn(session, HERE)
            session.execute(sa.text("UPDATE audit_epochs SET numbered_to = numbered_to"))
            with ThreadPoolExecutor(1) as thread:
                assert thread.submit(ledger.cast.wonder, about="mia").result(timeout=5)


class TestAnEntrysBytes:
    def test_are_canonical_for_everything_the_demo_writes(self, tmp_path: Path) -> None:
        database = open_database(f"sqlite:///{tmp_path}/demo.db")
        make(database, utc_now(), lambda _done, _total: None)
        with reading(database) as session:
            (whose,) = session.execute(sa.select(municipalities.c.id)).scalars()
        ledger = Ledger(Cast(database), tmp_path / "log", whose=whose)
        ledger.turn()
        told = [decode(leaf.data) for leaf in ledger.leaves() if leaf.data]
        assert len(told) == len(ledger.entry_ids()) > 1_000
        assert not [one for one in told if "unspelt" in one]
        database.dispose()

    def test_carry_what_the_trail_commits_to_of_each_sealed_cell(self, ledger: Ledger) -> None:
        ledger.cast.wonder()
        ledger.turn()
        told = [decode(leaf.data) for leaf in ledger.leaves() if leaf.data]
        with ledger.reading() as session:
            fields = json.loads(session.execute(sa.select(audit_entries.c.fields).limit(1)).scalar_one())
        ((table, rows),) = told[1]["commitment"]
        assert {table: {row: dict(columns) for row, columns in rows}} == fields["commitment"]
        assert table == "wonders"
        assert "commitment" not in told[1]["fields"]

    def test_that_have_no_canonical_form_stop_nobody(self, ledger: Ledger) -> None:
        with ledger.writing() as session:
            entry(session, ledger.cast)
            row = {column.name: column for column in audit_entries.c}
            values = {"at": ledger.cast.now, "event": "wonder.read", "role": "", "purpose": "", "basis": ""}
            values |= {"decision": "allowed", "municipality_id": HERE, "request_id": "", "fields": '{ "a": 0.5 }'}
            session.execute(sa.insert(audit_entries).values({row[name]: value for name, value in values.items()}))
        ledger.turn()
        last = ledger.leaves()[-1]
        assert last.data is not None
        assert set(decode(last.data)) == {"at", "event", "id", "unspelt"}


class TestTheFolder:
    def test_lies_beside_a_sqlite_database_unless_told_otherwise(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/bti.db"
        assert log_folder({"BTI_DATABASE_URL": url}) == tmp_path / "bti-log"
        assert log_folder({"BTI_DATABASE_URL": url, "BTI_LOG": "/etc/stafett"}) == Path("/etc/stafett")

    def test_has_to_be_named_for_postgresql(self) -> None:
        with pytest.raises(Misconfigured, match="BTI_LOG isn't set"):
            log_folder({"BTI_DATABASE_URL": "postgresql+psycopg://stafett@localhost/stafett"})

    def test_is_for_its_owner_alone(self, ledger: Ledger) -> None:
        ledger.turn()
        files = [ledger.path, *ledger.path.rglob("*")]
        assert len(files) > 4
        assert [one for one in files if one.stat().st_mode & 0o077] == []

    def test_serves_one_sequencer_at_a_time(self, ledger: Ledger) -> None:
        with ledger.folder.alone(), pytest.raises(Misconfigured, match="Another sequencer"), ledger.folder.alone():
            pass

    def test_has_the_key_once_it_was_made(self, ledger: Ledger) -> None:
        assert ledger.folder.epochs(HERE) == []
        ledger.turn()
        made = ledger.folder.key(HERE, 1).public
        ledger.turn()
        assert ledger.folder.key(HERE, 1).public == made
        assert [one.public_key for one in ledger.epochs()] == [str(made)]

    def test_without_a_host_to_call_it_by_gets_no_key(self, ledger: Ledger) -> None:
        nameless = Sequencer(ledger.database, ledger.folder, None, utc_now, print)
        with pytest.raises(Misconfigured, match="bti audit key --host"):
            nameless.turn(HERE)


class TestRunning:
    def test_numbers_at_once_what_is_in_a_hurry_and_soon_what_is_not(self, ledger: Ledger) -> None:
        stop = threading.Event()
        runner = threading.Thread(target=ledger.sequencer(utc_now).run, args=(stop,))
        runner.start()
        try:
            ledger.cast.wonder()
            assert _eventually(lambda: ledger.epochs() and not waiting(ledger.database))
        finally:
            stop.set()
            runner.join(10)
        assert ledger.said == []
        assert ledger.heads()[-1].size == len(ledger.entry_ids())

    def test_leaves_nobody_out_while_many_write_and_some_give_up(self, ledger: Ledger) -> None:
        def write(writer: int) -> None:
            for turn in range(30):
                with contextlib.suppress(ZeroDivisionError), ledger.writing() as session:
                    entry(session, ledger.cast)
                    # Some commit later than others that came after them, some not at all.
                    time.sleep((writer * turn % 5) / 500)
                    assert (writer + turn) % 7 or 1 / 0

        stop = threading.Event()
        sequencer = ledger.sequencer()
        sequencer.turn(HERE)

        def number_on_and_on() -> None:
            while not stop.is_set():
                sequencer.turn(HERE)

        runner = threading.Thread(target=number_on_and_on)
        runner.start()
        with ThreadPoolExecutor(5) as writers:
            list(writers.map(write, range(5)))
        stop.set()
        runner.join(30)
        sequencer.turn(HERE)
        assert len(ledger.leaves()) > 100
        assert sorted(leaf.entry_id for leaf in ledger.leaves()) == ledger.entry_ids()
        assert waiting(ledger.database) == []
        assert fsck(ledger).code == GOOD

    def test_sees_what_is_in_a_hurry_apart_from_the_rest(self, ledger: Ledger) -> None:
        ledger.turn()
        ledger.cast.wonder()
        assert (waiting(ledger.database), waiting(ledger.database, at_once=True)) == ([HERE], [])
        ledger.cast.grant("per", "school", "coordinator")
        assert waiting(ledger.database, at_once=True) == [HERE]

    def test_hurries_for_events_that_there_are(self) -> None:
        assert set(EVENTS) >= AT_ONCE

    def test_tells_what_is_wrong_with_one_log_and_goes_on_with_the_next(self, ledger: Ledger) -> None:
        neighbour = Ledger(settle_neighbour(ledger.cast.database), ledger.path, whose=NEXT_DOOR)
        ledger.turn()
        (ledger.path / "keys" / f"{HERE}.0001.key").chmod(0o644)
        ledger.cast.wonder()
        neighbour.cast.wonder()
        stop = threading.Event()
        runner = threading.Thread(target=ledger.sequencer().run, args=(stop,))
        runner.start()
        try:
            assert _eventually(lambda: neighbour.epochs() and ledger.said)
        finally:
            stop.set()
            runner.join(10)
        assert "Others than its owner" in ledger.said[0]


def _eventually(is_so: Callable[[], object]) -> bool:
    """Wait for what another thread is about to do; no longer than a slow machine needs."""
    pause = threading.Event()
    for _ in range(400):
        if is_so():
            return True
        pause.wait(0.05)
    return False


def test_what_is_told_of_a_beginning_is_what_the_vocabulary_lists(ledger: Ledger) -> None:
    ledger.turn()
    first = ledger.leaves()[0]
    assert first.data is not None
    assert json.loads(first.data)["fields"] == {"after": None, "epoch": 1, "reason": "first"}
