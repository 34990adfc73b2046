"""A backup that is put back: the log refuses to contradict itself, and goes on only by declaring what was lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from bti.config import Misconfigured
from bti.sequencer.horizon import Horizon
from bti.sequencer.numbering import number
from bti.sequencer.signing import Contradiction
from bti.sequencer.working import waiting
from bti.verifier.bundle import check_bundle
from bti.verifier.entries import decode
from bti.verifier.policy import read_policy
from bti.verifier.verdict import GOOD, TAMPERED, UNDECIDED
from tests.cast import HERE, settle
from tests.databases import administering, as_owner
from tests.sequencing import Ledger, check, fsck, let_go, tamper

Backup = Callable[[], Callable[[], None]]


@pytest.fixture
def ledger(database: sa.Engine, tmp_path: Path) -> Ledger:
    ledger = Ledger(settle(database), tmp_path / "log")
    ledger.cast.at_level_1()
    ledger.turn()
    return ledger


@pytest.fixture
def backup(database: sa.Engine, tmp_path: Path) -> Iterator[Backup]:
    """Copy the whole database; what is returned puts the copy back in its place."""
    if database.dialect.name == "sqlite":
        yield lambda: _sqlite_copy(database, tmp_path / "backup.db")
        return
    names: list[str] = []
    yield lambda: _postgresql_copy(database, names)
    for name in names:
        with administering(_server(database)) as session:
            session.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


class TestAnOlderBackup:
    def test_is_not_signed(self, ledger: Ledger, backup: Backup) -> None:
        put_back = backup()
        ledger.cast.wonder(about="mia")
        ledger.turn()
        put_back()
        with pytest.raises(Contradiction, match="were signed, the database has"):
            ledger.turn()
        assert fsck(ledger).code == TAMPERED

    def test_is_not_signed_though_it_has_grown_since(self, ledger: Ledger, backup: Backup) -> None:
        put_back = backup()
        ledger.cast.wonder(about="mia")
        ledger.turn()
        before = ledger.folder.heads.last(ledger.epochs()[0].origin)
        put_back()
        for about in ("jon", "ida", "ola"):
            ledger.cast.wonder(about=about)
        with pytest.raises(Contradiction):
            ledger.turn()
        assert ledger.folder.heads.last(before.origin) == before
        # What came meanwhile waits; not one entry of it was given a place on top of what can't be signed.
        assert waiting(ledger.database) == [HERE]

    def test_with_everything_that_was_signed_goes_on(self, ledger: Ledger, backup: Backup) -> None:
        put_back = backup()
        ledger.cast.wonder(about="mia")
        put_back()
        ledger.cast.wonder(about="jon")
        assert ledger.turn() == 1
        assert fsck(ledger).code == GOOD


class TestANewEpoch:
    def test_declares_what_was_lost_and_is_good_with_a_note(
        self, ledger: Ledger, backup: Backup, tmp_path: Path
    ) -> None:
        put_back = backup()
        kept = ledger.heads()[-1]
        ledger.cast.wonder(about="mia")
        ledger.turn()
        lost = ledger.heads()[-1]
        put_back()
        ledger.cast.wonder(about="jon")
        last, left = ledger.begin_anew("restored")
        assert (last.size, left.size) == (lost.size, kept.size)
        ledger.turn()
        answers = check(ledger, tmp_path / "bundle", held=kept.note)
        assert answers.codes == (GOOD, GOOD), answers.said()
        told = f"entry {kept.size} of epoch 1 were signed and are lost"
        assert told in " ".join(answers.bundle.notes)
        assert told in " ".join(answers.fsck.notes)

    def test_says_so_to_whoever_kept_a_head_of_what_was_lost(
        self, ledger: Ledger, backup: Backup, tmp_path: Path
    ) -> None:
        put_back = backup()
        ledger.cast.wonder(about="mia")
        ledger.turn()
        lost = ledger.heads()[-1]
        put_back()
        ledger.begin_anew("restored")
        ledger.turn()
        # They held the very head that the new epoch admits to: nobody is deceived.
        answers = check(ledger, tmp_path / "bundle", held=lost.note)
        assert answers.codes == (GOOD, GOOD), answers.said()

    def test_that_admits_less_than_was_signed_is_tampered(self, ledger: Ledger, backup: Backup, tmp_path: Path) -> None:
        put_back = backup()
        memory = tmp_path / "memory"
        shutil.copytree(ledger.path / "heads", memory)
        ledger.cast.wonder(about="mia")
        ledger.turn()
        lost = ledger.heads()[-1]
        put_back()
        # Whoever owns the key winds the signer's memory back, too.
        shutil.rmtree(ledger.path / "heads")
        shutil.copytree(memory, ledger.path / "heads")
        ledger.begin_anew("restored")
        ledger.turn()
        answers = check(ledger, tmp_path / "bundle", held=lost.note)
        assert answers.bundle.code == TAMPERED
        assert "vanished without a word" in answers.said()

    def test_has_a_name_and_a_key_of_its_own(self, ledger: Ledger) -> None:
        ledger.begin_anew("new_key")
        ledger.begin_anew("new_key")
        first, second, third = ledger.epochs()
        assert [one.origin for one in (second, third)] == [f"{first.origin}/2", f"{first.origin}/3"]
        assert len({one.public_key for one in (first, second, third)}) == 3

    def test_for_a_new_key_loses_nothing(self, ledger: Ledger, tmp_path: Path) -> None:
        ledger.cast.wonder(about="mia")
        ledger.begin_anew("new_key")
        ledger.turn()
        answers = check(ledger, tmp_path / "bundle")
        assert answers.codes == (GOOD, GOOD), answers.said()
        assert answers.bundle.notes == answers.fsck.notes == [
            "Epoch 2 goes on where epoch 1 ended: nothing is missing between them."
        ]  # fmt: skip
        assert sorted(leaf.entry_id for number in (1, 2) for leaf in ledger.leaves(number)) == ledger.entry_ids()

    def test_carries_the_chains_of_the_cases_on(self, ledger: Ledger) -> None:
        case_id = ledger.leaves()[-1].case_id
        assert case_id
        before = max(leaf.place.seq for leaf in ledger.leaves() if leaf.place and leaf.place.case_id == case_id)
        ledger.begin_anew("new_key")
        ledger.cast.plan(case_id)
        ledger.turn()
        after = [leaf.place.seq for leaf in ledger.leaves(2) if leaf.place]
        assert after == list(range(before + 1, before + 1 + len(after)))
        assert after

    def test_takes_in_what_was_numbered_and_never_signed(self, ledger: Ledger, tmp_path: Path) -> None:
        signed = len(ledger.leaves())
        ledger.cast.wonder(about="mia")
        number(ledger.database, ledger.folder, HERE, horizon=Horizon())
        assert len(ledger.leaves()) == signed + 1
        ledger.begin_anew("restored")
        ledger.turn()
        assert len(ledger.leaves(1)) == signed
        assert sorted(leaf.entry_id for number in (1, 2) for leaf in ledger.leaves(number)) == ledger.entry_ids()
        answers = check(ledger, tmp_path / "bundle")
        assert answers.codes == (GOOD, GOOD), answers.said()

    def test_begins_with_an_entry_that_holds_the_head_word_for_word(self, ledger: Ledger) -> None:
        head = ledger.heads()[-1].note
        ledger.begin_anew("new_key")
        first = ledger.leaves(2)[0]
        assert first.data is not None
        assert decode(first.data)["fields"] == {"after": head, "epoch": 2, "reason": "new_key"}

    def test_of_a_log_that_has_not_begun_is_refused(self, database: sa.Engine, tmp_path: Path) -> None:
        ledger = Ledger(settle(database), tmp_path / "log")
        with pytest.raises(Misconfigured, match="hasn't begun"):
            ledger.begin_anew("new_key")


class TestATreeThatIsNotWhatWasSigned:
    def test_is_no_restored_backup(self, ledger: Ledger) -> None:
        tamper(ledger.database, "DELETE FROM audit_leaves WHERE position = 4")
        for reason in ("restored", "new_key"):
            with pytest.raises(Misconfigured, match="--reason damaged"):
                ledger.begin_anew(reason)
        assert len(ledger.epochs()) == 1

    def test_stays_as_it_is_for_whoever_looks_into_it(self, ledger: Ledger, tmp_path: Path) -> None:
        before = ledger.leaves()
        tamper(ledger.database, "UPDATE audit_leaves SET leaf_hash = :other WHERE position = 4", other=b"\1" * 32)
        with pytest.raises(Contradiction):
            ledger.turn()
        ledger.begin_anew("damaged")
        ledger.cast.wonder(about="mia")
        ledger.turn()
        assert len(ledger.leaves()) == len(before)
        assert len(ledger.leaves(2)) == 2
        # The entries themselves are what they were: whoever spells them anew comes to the signed head.
        assert check(ledger, tmp_path / "bundle").codes == (TAMPERED, GOOD)


class TestAKeyThatIsLost:
    def test_is_followed_by_another_that_declares_the_newest_head_there_is(
        self, ledger: Ledger, tmp_path: Path
    ) -> None:
        policy = ledger.policy_text()
        (ledger.path / f"keys/{HERE}.0001.key").unlink()
        with pytest.raises(Misconfigured, match="can't be read"):
            ledger.cast.wonder(about="mia")
            ledger.turn()
        ledger.begin_anew("new_key")
        ledger.turn()
        both = read_policy(f"log {ledger.folder.key(HERE, 2).public}\n{policy}".encode())
        answers = check(ledger, tmp_path / "bundle", policy=both)
        assert answers.codes == (GOOD, GOOD), answers.said()

    def test_can_not_declare_what_was_lost_with_it(self, ledger: Ledger, backup: Backup) -> None:
        put_back = backup()
        ledger.cast.wonder(about="mia")
        ledger.turn()
        put_back()
        (ledger.path / f"keys/{HERE}.0001.key").unlink()
        with pytest.raises(Misconfigured, match="nobody else can sign the head"):
            ledger.begin_anew("restored")


class TestABackupFromBeforeTheEpoch:
    def test_is_refused_though_nothing_of_the_older_tree_is_missing(self, ledger: Ledger, backup: Backup) -> None:
        put_back = backup()
        ledger.begin_anew("new_key")
        ledger.turn()
        put_back()
        ledger.cast.wonder(about="jon")
        with pytest.raises(Contradiction, match="ended when epoch 2 began"):
            ledger.turn()

    def test_is_followed_by_a_third_that_admits_to_the_second(
        self, ledger: Ledger, backup: Backup, tmp_path: Path
    ) -> None:
        put_back = backup()
        ledger.begin_anew("new_key")
        ledger.cast.wonder(about="mia")
        ledger.turn()
        lost = ledger.heads(2)[-1]
        put_back()
        ledger.cast.wonder(about="jon")
        ledger.begin_anew("restored")
        ledger.turn()
        answers = check(ledger, tmp_path / "bundle", held=lost.note)
        assert answers.codes == (GOOD, GOOD), answers.said()
        assert "entries 0–1 of epoch 2 were signed and are lost" in " ".join(answers.bundle.notes)

    def test_from_before_the_log_is_refused_and_followed_by_a_second(
        self, database: sa.Engine, backup: Backup, tmp_path: Path
    ) -> None:
        ledger = Ledger(settle(database), tmp_path / "log")
        ledger.cast.wonder()
        put_back = backup()
        ledger.turn()
        lost = ledger.heads()[-1]
        put_back()
        with pytest.raises(Contradiction, match="was begun before"):
            ledger.turn()
        ledger.begin_anew("restored")
        ledger.turn()
        answers = check(ledger, tmp_path / "bundle", held=lost.note)
        assert answers.codes == (GOOD, GOOD), answers.said()
        assert f"entries 0–{lost.size - 1} of epoch 1 were signed and are lost" in " ".join(answers.bundle.notes)


class TestAKeyWithWhichNothingWasSigned:
    def test_is_no_epoch_that_ended_this_one(self, ledger: Ledger) -> None:
        # As whoever was stopped between making the key and writing the epoch leaves it.
        ledger.folder.key_made(HERE, 2, origin=f"{ledger.epochs()[0].origin}/2")
        ledger.cast.wonder(about="mia")
        assert ledger.turn() == 1
        ledger.begin_anew("new_key")
        assert [epoch.number for epoch in ledger.epochs()] == [1, 2]


def test_an_export_of_an_epoch_alone_can_not_be_decided(ledger: Ledger, tmp_path: Path) -> None:
    ledger.begin_anew("new_key")
    ledger.turn()
    check(ledger, tmp_path / "bundle")
    shutil.rmtree(tmp_path / "bundle/epoch-0001")
    assert check_bundle(tmp_path / "bundle", ledger.policy(), processes=1).code == UNDECIDED


# --- putting a real copy back --------------------------------------------------------------------------------------


def _sqlite_copy(database: sa.Engine, copy: Path) -> Callable[[], None]:
    """Copy by SQLite's own backup, while the database is in use; put back as a file."""
    file = Path(str(database.url.database))
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)

    def put_back() -> None:
        database.dispose()
        let_go()
        for piece in file.parent.glob(f"{file.name}-*"):
            piece.unlink()
        shutil.copyfile(copy, file)

    return put_back


def _postgresql_copy(database: sa.Engine, names: list[str]) -> Callable[[], None]:
    """Copy with PostgreSQL's own means, and put back by giving the copy the database's name."""
    name = str(database.url.database)
    copy = f"{name}_backup_{len(names)}"
    database.dispose()
    let_go()
    with administering(_server(database)) as session:
        # A copy is made of a database that nobody is in.
        session.execute(_SEND_AWAY, {"name": name})
        session.execute(sa.text(f"CREATE DATABASE {copy} TEMPLATE {name}"))
    names.append(copy)

    def put_back() -> None:
        database.dispose()
        let_go()
        with administering(_server(database)) as session:
            session.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
            session.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {copy}"))

    return put_back


def _server(database: sa.Engine) -> str:
    return as_owner(database.url.set(database="postgres"))


_SEND_AWAY = sa.text("SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname = :name")
