"""What the database's superuser can do to the log, and who finds it: `bti fsck` there, `bti-verify` on an export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from bti.audit.leaves import Place, columns, spell
from bti.crypto.signing import SigningKey, make_log_key
from bti.models import audit_leaves, audit_nodes
from bti.sequencer.signing import Contradiction
from bti.verifier.checkpoint import Checkpoint
from bti.verifier.entries import NOTHING_BEFORE
from bti.verifier.tree import leaf_hash, root_of
from bti.verifier.verdict import GOOD, TAMPERED, UNDECIDED
from tests.cast import HERE, settle, settle_neighbour
from tests.sequencing import Answers, Ledger, check, entry, tamper


@pytest.fixture
def ledger(database: sa.Engine, tmp_path: Path) -> Ledger:
    """A log of some days: signed three times, with several cases in it."""
    ledger = Ledger(settle(database), tmp_path / "log")
    case_id = ledger.cast.at_level_2()
    ledger.turn()
    ledger.cast.wonder(about="mia")
    ledger.cast.plan(case_id)
    ledger.turn()
    ledger.cast.wonder(about="ida")
    ledger.cast.wonder(about="jon")
    ledger.turn()
    return ledger


@pytest.fixture
def look(ledger: Ledger, tmp_path: Path) -> Callable[[], Answers]:
    """Check as somebody does who kept the head that was the newest before the attack."""
    held = ledger.heads()[-1].note
    policy = ledger.policy()
    return lambda: check(ledger, tmp_path / "bundle", held=held, policy=policy)


COLUMNS = "municipality_id, at, event, role, purpose, basis, decision, fields, request_id"
Look = Callable[[], Answers]


def entry_at(ledger: Ledger, position: int) -> int:
    return ledger.leaves()[position].entry_id


def finds(answers: Answers, first: int, last: int | None = None) -> None:
    """Both say tampered, and name these entries: in the trail itself exactly, on an export at least within them."""
    assert answers.codes == (TAMPERED, TAMPERED), answers.said()
    last = first if last is None else last
    for report in (answers.fsck, answers.bundle):
        named = [(one.first, one.last) for one in report.findings if one.first is not None]
        assert (first, last) in named, answers.said()


class TestAnUntouchedLog:
    def test_is_good_for_both(self, look: Look) -> None:
        answers = look()
        assert answers.codes == (GOOD, GOOD), answers.said()
        assert answers.fsck.notes == answers.bundle.notes == []

    def test_with_entries_that_wait_is_good_and_says_so(self, ledger: Ledger, look: Look) -> None:
        ledger.cast.wonder(about="liam", by="nils")
        answers = look()
        assert answers.codes == (GOOD, GOOD)
        assert answers.fsck.notes == ["One entry waits to be numbered: nothing vouches for what waits."]


class TestAFieldThatIsChanged:
    @pytest.mark.parametrize(
        "change",
        [
            "actor_id = 'nils'",
            "decision = 'refused'",
            "event = 'case.preview'",
            "fields = '{}'",
            "fields = fields || ' '",
            "role = 'auditor'",
            "basis = 'law:bvl-13-2'",
            "unit_id = NULL",
            "case_id = NULL",
        ],
    )
    def test_is_found_with_its_entry(self, ledger: Ledger, look: Look, change: str) -> None:
        tamper(ledger.database, f"UPDATE audit_entries SET {change} WHERE id = :id", id=entry_at(ledger, 5))
        finds(look(), 5)

    def test_is_found_where_it_is_the_moment(self, ledger: Ledger, look: Look) -> None:
        statement = "UPDATE audit_entries SET at = '2026-11-30 09:00:00.000000' WHERE id = :id"
        tamper(ledger.database, statement, id=entry_at(ledger, 5))
        finds(look(), 5)

    def test_is_found_where_it_is_no_moment_at_all(self, ledger: Ledger, look: Look) -> None:
        other = "infinity" if ledger.database.dialect.name == "postgresql" else "a while ago"
        tamper(ledger.database, f"UPDATE audit_entries SET at = '{other}' WHERE id = :id", id=entry_at(ledger, 5))
        finds(look(), 5)

    def test_is_found_where_it_moves_to_another_case(self, ledger: Ledger, look: Look) -> None:
        case = ledger.leaves()[-1].case_id
        statement = "UPDATE audit_entries SET case_id = :case WHERE id = :id"
        tamper(ledger.database, statement, case=case, id=entry_at(ledger, 5))
        finds(look(), 5)

    def test_is_found_where_it_moves_to_another_municipality(self, ledger: Ledger, look: Look) -> None:
        settle_neighbour(ledger.cast.database)
        statement = "UPDATE audit_entries SET municipality_id = 'nabovik' WHERE id = :id"
        tamper(ledger.database, statement, id=entry_at(ledger, 5))
        finds(look(), 5)

    def test_is_found_though_the_kept_hash_is_changed_with_it(self, ledger: Ledger, look: Look) -> None:
        tamper(ledger.database, "UPDATE audit_entries SET actor_id = 'nils' WHERE id = :id", id=entry_at(ledger, 5))
        hashed = [leaf_hash(leaf.data or b"") for leaf in ledger.leaves()][5]
        statement = "UPDATE audit_leaves SET leaf_hash = :hashed WHERE position = 5"
        tamper(ledger.database, statement, hashed=hashed)
        answers = look()
        assert answers.codes == (TAMPERED, TAMPERED)
        before, after = (head.size for head in ledger.heads()[:2])
        # The chain of the case names the entry; the heads name those that they were signed for.
        assert "breaks the chain" in answers.said()
        assert before <= 5 < after
        assert (before, after - 1) in [(one.first, one.last) for one in answers.fsck.findings]


class TestARowThatIsDeleted:
    def test_is_found(self, ledger: Ledger, look: Look) -> None:
        tamper(ledger.database, "DELETE FROM audit_entries WHERE id = :id", id=entry_at(ledger, 4))
        finds(look(), 4)

    def test_is_found_with_its_place(self, ledger: Ledger, look: Look) -> None:
        tamper(
            ledger.database,
            "DELETE FROM audit_entries WHERE id = :id",
            "DELETE FROM audit_leaves WHERE position = 4",
            id=entry_at(ledger, 4),
        )
        answers = look()
        assert answers.codes == (TAMPERED, TAMPERED)
        assert "entry 4: without a place in the tree" in answers.said()

    def test_is_found_when_only_its_place_is_taken_away(self, ledger: Ledger, look: Look) -> None:
        entry_id = entry_at(ledger, 4)
        tamper(ledger.database, "DELETE FROM audit_leaves WHERE position = 4")
        answers = look()
        assert answers.codes == (TAMPERED, TAMPERED)
        assert f"(id {entry_id}) that were never numbered" in answers.said()


class TestARowThatIsSlippedIn:
    def test_among_older_ones_is_found_and_never_numbered_as_if_it_were_new(self, ledger: Ledger, look: Look) -> None:
        gap = entry_at(ledger, 4)
        tamper(
            ledger.database,
            "UPDATE audit_leaves SET entry_id = -entry_id WHERE position = 4",
            "UPDATE audit_entries SET id = -id WHERE id = :id",
            f"INSERT INTO audit_entries (id, {COLUMNS}) SELECT :id, {COLUMNS} FROM audit_entries WHERE id = -:id",
            id=gap,
        )
        answers = look()
        assert answers.fsck.code == TAMPERED
        assert f"(id {gap})" in answers.said()


class TestTwoRowsThatAreSwapped:
    def test_with_their_ids_are_found(self, ledger: Ledger, look: Look) -> None:
        one, other = entry_at(ledger, 5), entry_at(ledger, 6)
        tamper(
            ledger.database,
            "UPDATE audit_entries SET id = -1 WHERE id = :one",
            "UPDATE audit_entries SET id = :one WHERE id = :other",
            "UPDATE audit_entries SET id = :other WHERE id = -1",
            one=one,
            other=other,
        )
        finds(look(), 5, 6)

    def test_with_their_places_are_found(self, ledger: Ledger, look: Look) -> None:
        tamper(ledger.database, *_swapped("position", 5, 6))
        answers = look()
        assert answers.codes == (TAMPERED, TAMPERED)
        assert any(one.last is not None and one.last >= 6 for one in answers.bundle.findings)


class TestRowsThatAreRenumbered:
    def test_in_the_tree_are_found(self, ledger: Ledger, look: Look) -> None:
        tamper(
            ledger.database,
            "UPDATE audit_leaves SET position = position + 1000 WHERE position >= 7",
            "UPDATE audit_leaves SET position = position - 999 WHERE position >= 1000",
        )
        answers = look()
        assert answers.codes == (TAMPERED, TAMPERED)
        assert "entry 7: without a place in the tree" in answers.said()

    def test_in_their_case_are_found(self, ledger: Ledger, look: Look) -> None:
        case = next(leaf.place.case_id for leaf in ledger.leaves() if leaf.place and leaf.place.seq == 3)
        statement = "UPDATE audit_leaves SET case_seq = case_seq + 100 WHERE case_id = :case AND case_seq >= 3"
        tamper(ledger.database, statement, case=case)
        answers = look()
        assert answers.codes == (TAMPERED, TAMPERED)
        assert "breaks the chain of case" in answers.said()


class TestAnEndThatIsCutOff:
    def test_in_the_trail_is_found(self, ledger: Ledger, look: Look) -> None:
        size = len(ledger.leaves())
        last = entry_at(ledger, size - 3)
        tamper(ledger.database, "DELETE FROM audit_entries WHERE id >= :last", last=last)
        finds(look(), size - 3, size - 1)

    def test_with_its_places_and_heads_is_found_by_whoever_remembers_a_head(self, ledger: Ledger, look: Look) -> None:
        heads = ledger.heads()
        kept, signed = heads[-2].size, heads[-1].size
        last = entry_at(ledger, kept)
        tamper(
            ledger.database,
            "DELETE FROM audit_entries WHERE id >= :last",
            "DELETE FROM audit_leaves WHERE position >= :kept",
            "DELETE FROM audit_checkpoints WHERE size > :kept",
            "UPDATE audit_epochs SET numbered_to = :last - 1",
            last=last,
            kept=kept,
        )
        finds(look(), kept, signed - 1)


class TestAHeadThatIsPutBack:
    def test_is_found_by_whoever_remembers_the_newer_one(self, ledger: Ledger, look: Look) -> None:
        heads = ledger.heads()
        tamper(ledger.database, "DELETE FROM audit_checkpoints WHERE size > :size", size=heads[-2].size)
        finds(look(), heads[-2].size, heads[-1].size - 1)

    def test_in_the_place_of_the_newest_is_found(self, ledger: Ledger, look: Look) -> None:
        heads = ledger.heads()
        statement = "UPDATE audit_checkpoints SET note = :note WHERE size = :size"
        tamper(ledger.database, statement, note=heads[0].note, size=heads[-1].size)
        answers = look()
        assert answers.codes == (TAMPERED, TAMPERED)
        assert "there is one of" in answers.said()

    def test_with_another_number_of_entries_written_into_it_is_found(self, ledger: Ledger, look: Look) -> None:
        newest = ledger.heads()[-1]
        note = newest.note.replace(f"\n{newest.size}\n", f"\n{newest.size - 1}\n")
        statement = "UPDATE audit_checkpoints SET note = :note WHERE size = :size"
        tamper(ledger.database, statement, note=note, size=newest.size)
        answers = look()
        assert answers.codes == (TAMPERED, TAMPERED)
        assert "isn't one that" in answers.said()


class TestATreeThatIsRebuilt:
    """Somebody changes an entry and works out all chains, hashes and heads anew."""

    def test_without_the_key_is_found(self, ledger: Ledger, look: Look) -> None:
        rebuild(ledger, change_at=5)
        answers = look()
        assert answers.codes == (TAMPERED, TAMPERED)

    def test_with_another_key_is_not_believed(self, ledger: Ledger, look: Look, tmp_path: Path) -> None:
        origin = ledger.epochs()[0].origin
        key = make_log_key(tmp_path / "own", origin=origin)
        rebuild(ledger, change_at=5)
        sign_anew(ledger, key)
        tamper(ledger.database, "UPDATE audit_epochs SET public_key = :key", key=str(key.public))
        answers = look()
        # What no key vouches for isn't proven to be changed; what the signer remembers is.
        assert answers.codes == (TAMPERED, UNDECIDED)
        assert "isn't signed with a key that the policy names" in answers.said()

    def test_even_with_the_key_is_found_by_whoever_kept_a_head(self, ledger: Ledger, look: Look) -> None:
        rebuild(ledger, change_at=5)
        sign_anew(ledger, ledger.folder.key(HERE, 1))
        finds(look(), 0, len(ledger.leaves()) - 1)

    def test_is_never_signed_by_the_sequencer(self, ledger: Ledger) -> None:
        rebuild(ledger, change_at=5)
        ledger.cast.wonder(about="liam", by="nils")
        before = ledger.heads()
        with pytest.raises(Contradiction, match="aren't those that the database has"):
            ledger.turn()
        assert ledger.heads() == before


class TestATreesHash:
    def test_that_is_changed_is_found(self, ledger: Ledger, look: Look) -> None:
        with ledger.writing() as session:
            for _ in range(300):
                entry(session, ledger.cast)
        ledger.turn()
        tamper(ledger.database, "UPDATE audit_nodes SET node_hash = :other", other=b"\1" * 32)
        answers = look()
        assert answers.fsck.code == TAMPERED
        assert "entries 0–255: the tree's hash of level 8" in answers.said()
        assert answers.bundle.code == GOOD


# --- what an attacker can do ---------------------------------------------------------------------------------------


def rebuild(ledger: Ledger, *, change_at: int) -> None:
    """Change an entry, then compute every link and every hash after it anew, and write them down."""
    entry_id = entry_at(ledger, change_at)
    tamper(ledger.database, "UPDATE audit_entries SET actor_id = 'nils' WHERE id = :id", id=entry_id)
    order = [leaf.entry_id for leaf in ledger.leaves()]
    with ledger.writing() as session:
        rows = {row.id: row for row in session.execute(sa.select(*columns)).all()}
        last: dict[str, tuple[int, bytes]] = {}
        for position, entry in enumerate(order):
            case = rows[entry].case_id
            seq, prev = last.get(case, (1, bytes.fromhex(NOTHING_BEFORE)))
            hashed = leaf_hash(spell(rows[entry], Place(case, seq, prev) if case else None))
            if case:
                last[case] = seq + 1, hashed
            l = audit_leaves.c  # noqa: E741
            session.execute(
                sa.update(audit_leaves)
                .where(l.position == position)
                .values({l.leaf_hash: hashed, l.case_prev: prev if case else None})
            )
        session.execute(sa.delete(audit_nodes))


def sign_anew(ledger: Ledger, key: SigningKey) -> None:
    hashes = [leaf.leaf_hash for leaf in ledger.leaves()]
    for head in ledger.heads():
        checkpoint = Checkpoint(ledger.epochs()[0].origin, head.size, root_of(hashes[: head.size]))
        note = str(key.sign_checkpoint(checkpoint))
        tamper(
            ledger.database, "UPDATE audit_checkpoints SET note = :note WHERE size = :size", note=note, size=head.size
        )


def _swapped(column: str, one: int, other: int) -> list[str]:
    return [
        f"UPDATE audit_leaves SET {column} = -1 WHERE {column} = {one}",
        f"UPDATE audit_leaves SET {column} = {one} WHERE {column} = {other}",
        f"UPDATE audit_leaves SET {column} = {other} WHERE {column} = -1",
    ]
