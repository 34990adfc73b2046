"""An exported log, and everything that somebody with all rights in the database could make of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bti.audit.bundle import begin, write_epoch, write_manifest
from bti.config import Misconfigured
from bti.verifier import bundle, layout
from bti.verifier.bundle import check_bundle
from bti.verifier.chain import MOST_BREAKS
from bti.verifier.entries import decode, encode
from bti.verifier.epochs import BEGIN
from bti.verifier.note import Note
from bti.verifier.tree import Tree, leaf_hash
from bti.verifier.verdict import GOOD, TAMPERED, UNDECIDED, Report
from tests.logs import AT, ORIGIN, Log, county

SIZE = 100
# Entry 41 is the sixth of its case, with more before and after; entry 43 is of no case.
CHAINED, ALONE = 41, 43


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a log of a hundred entries fill several files, as one of a million would."""
    monkeypatch.setattr(layout, "PER_FILE", 32)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path).grow(SIZE)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def check(log: Log, folder: Path, **how: object) -> Report:
    return check_bundle(folder, log.policy(), processes=1, **how)  # type: ignore[arg-type]


def ranges(report: Report) -> set[tuple[int, int]]:
    """Return the ranges of entries that were named."""
    return {(one.first, one.last) for one in report.findings if one.first is not None and one.last is not None}


def told(report: Report) -> str:
    return "\n".join(one.text for one in report.findings)


def edited(entry: bytes) -> bytes:
    """Return the entry with another actor, still in canonical form."""
    return encode(decode(entry) | {"actor": "somebody else"})


class TestAWholeLog:
    @pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 63, 64, 65, 99, 100])
    def test_of_any_size_is_good(self, log: Log, out: Path, size: int) -> None:
        report = check(log, log.export(out, size=size, earlier=range(size)))
        assert (report.code, report.findings, report.notes) == (GOOD, [], [])
        assert f"{size} entries are what the key {ORIGIN}+" in "\n".join(report.checked)

    def test_of_no_entries_is_good(self, log: Log, out: Path) -> None:
        assert check(log, log.export(out, size=0)).code == GOOD

    def test_needs_neither_hashes_nor_earlier_heads_nor_manifest(self, log: Log, out: Path) -> None:
        assert check(log, log.export(out, hashes=[])).code == GOOD

    def test_is_good_whatever_the_manifest_says(self, log: Log, out: Path) -> None:
        write_manifest(log.export(out), {"size": 3, "root": "0"})
        assert check(log, out).code == GOOD

    def test_says_who_has_seen_it(self, log: Log, out: Path, tmp_path: Path) -> None:
        witness = county(tmp_path)
        policy = log.policy(f"witness w {witness.public}", "quorum w")
        log.export(out, note=log.note(witness=witness))
        report = check_bundle(out, policy, processes=1)
        assert report.code == GOOD
        assert "seen by w at 2026-11-18T11:06:40Z" in "\n".join(report.checked)

    def test_contains_the_heads_that_were_kept_elsewhere(self, log: Log, out: Path) -> None:
        held = [log.note(size).encode() for size in (1, 40, SIZE)]
        assert check(log, log.export(out), held=held).code == GOOD

    def test_is_read_by_several_processes_as_by_one(
        self, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bundle, "WORTH_PROCESSES", 0)
        log = Log(tmp_path).grow(700)
        log.export(out, earlier=[3, 320, 333, 640])
        assert check_bundle(out, log.policy(), processes=2) == check(log, out)
        assert check(log, out).code == GOOD
        path = out / "epoch-0001/entries/000010.jsonl"
        path.write_bytes(path.read_bytes().replace(b"case.read", b"case.move"))
        assert check_bundle(out, log.policy(), processes=2) == check(log, out)
        assert check(log, out).code == TAMPERED


class TestAnEdit:
    """Hashes as they were kept when the entries were appended lie beside the entries: the very entry is named."""

    @pytest.mark.parametrize("number", [0, 1, 31, 32, CHAINED, ALONE, 98, 99])
    def test_of_an_entry_names_it(self, log: Log, out: Path, number: int) -> None:
        entries = [edited(entry) if at == number else entry for at, entry in enumerate(log.entries)]
        report = check(log, log.export(out, entries=entries))
        assert report.code == TAMPERED
        assert (number, number) in ranges(report)
        assert f"entry {number}: changed" in told(report)

    def test_of_an_entry_breaks_the_chain_of_its_case(self, log: Log, out: Path) -> None:
        entries = [edited(entry) if at == CHAINED else entry for at, entry in enumerate(log.entries)]
        report = check(log, log.export(out, entries=entries, hashes=[]))
        case = decode(log.entries[CHAINED])["case"]
        after = next(at for at in range(CHAINED + 1, SIZE) if decode(log.entries[at]).get("case") == case)
        assert f"Entry {after} breaks the chain of case {case}: it doesn't hold the hash of entry {CHAINED}" in told(
            report
        )
        assert (CHAINED, after) in ranges(report)

    @pytest.mark.parametrize("number", [0, CHAINED, ALONE, 99])
    def test_that_removes_an_entry_names_it(self, log: Log, out: Path, number: int) -> None:
        entries = log.entries[:number] + log.entries[number + 1 :]
        report = check(log, log.export(out, entries=entries))
        assert report.code == TAMPERED
        assert (number, number) in ranges(report)
        assert "100 entries were signed, 99 are here" in told(report)

    def test_that_swaps_two_entries_names_the_range(self, log: Log, out: Path) -> None:
        entries = list(log.entries)
        entries[40], entries[60] = entries[60], entries[40]
        report = check(log, log.export(out, entries=entries))
        assert report.code == TAMPERED
        assert (40, 60) in ranges(report)
        assert "not in the order that was signed" in told(report)

    def test_that_renumbers_entries_names_the_range(self, log: Log, out: Path) -> None:
        entries = [*log.entries[:10], *log.entries[20:30], *log.entries[10:20], *log.entries[30:]]
        assert (10, 29) in ranges(check(log, log.export(out, entries=entries)))

    def test_that_cuts_off_the_end_names_what_is_missing(self, log: Log, out: Path) -> None:
        report = check(log, log.export(out, entries=log.entries[:95]))
        assert report.code == TAMPERED
        assert (95, 99) in ranges(report)

    def test_that_puts_an_entry_in_names_where(self, log: Log, out: Path) -> None:
        entries = [*log.entries[:50], edited(log.entries[50]), *log.entries[50:]]
        report = check(log, log.export(out, entries=entries))
        assert report.code == TAMPERED
        assert "entry 50: never signed" in told(report)
        assert "removed" not in told(report)

    def test_that_says_an_entry_twice_names_it(self, log: Log, out: Path) -> None:
        entries = [*log.entries[:50], log.entries[49], *log.entries[50:]]
        report = check(log, log.export(out, entries=entries))
        assert report.code == TAMPERED
        assert "entry 49: said twice" in told(report)

    def test_of_several_kinds_is_told_for_each(self, log: Log, out: Path) -> None:
        entries = list(log.entries)
        entries[11], entries[17] = entries[17], entries[11]
        entries[30:32] = [edited(entry) for entry in entries[30:32]]
        entries[70:70] = [edited(entries[3])]
        del entries[83:86]
        report = told(check(log, log.export(out, entries=entries)))
        assert "entries 11–17: not in the order that was signed" in report
        assert "entries 30–31: changed" in report
        assert "entry 70: never signed" in report
        assert "entries 82–84: removed" in report

    @pytest.mark.parametrize("seed", range(12))
    def test_at_random_is_always_found_and_never_outside_what_is_named(
        self, log: Log, out: Path, tmp_path: Path, seed: int
    ) -> None:
        made = random.Random(seed)
        numbers = sorted(made.sample(range(SIZE), made.randrange(1, 6)))
        entries = [edited(entry) if at in numbers else entry for at, entry in enumerate(log.entries)]
        for name, hashes in (("with", None), ("without", [])):
            report = check(log, log.export(tmp_path / name, entries=entries, hashes=hashes, earlier=range(7, SIZE, 7)))
            assert report.code == TAMPERED
            assert all(any(first <= one <= last for first, last in ranges(report)) for one in numbers)


class TestAnEditWithoutHashes:
    def test_lies_after_the_last_head_that_holds(self, log: Log, out: Path) -> None:
        entries = [edited(entry) if at == ALONE else entry for at, entry in enumerate(log.entries)]
        report = check(log, log.export(out, entries=entries, hashes=[], earlier=[10, 40, 50, 60]))
        assert ranges(report) == {(40, 99)}
        assert "the first change lies among 40–49, and nothing from 40 on can be vouched for" in told(report)

    def test_lies_anywhere_without_an_earlier_head(self, log: Log, out: Path) -> None:
        entries = [edited(entry) if at == ALONE else entry for at, entry in enumerate(log.entries)]
        assert ranges(check(log, log.export(out, entries=entries, hashes=[]))) == {(0, 99)}

    def test_is_narrowed_down_by_a_head_that_was_kept_elsewhere(self, log: Log, out: Path) -> None:
        entries = [edited(entry) if at == ALONE else entry for at, entry in enumerate(log.entries)]
        log.export(out, entries=entries, hashes=[])
        assert ranges(check(log, out, held=[log.note(43).encode(), log.note(44).encode()])) == {(43, 99)}

    def test_is_no_better_hidden_by_hashes_that_were_edited_too(self, log: Log, out: Path) -> None:
        entries = [edited(entry) if at == ALONE else entry for at, entry in enumerate(log.entries)]
        hashes = [leaf_hash(entry) for entry in entries]
        report = check(log, log.export(out, entries=entries, hashes=hashes, earlier=[40]))
        assert (report.code, ranges(report)) == (TAMPERED, {(40, 99)})

    def test_that_cuts_off_the_end_is_found(self, log: Log, out: Path) -> None:
        report = check(log, log.export(out, entries=log.entries[:95], hashes=[], earlier=[90]))
        assert (report.code, ranges(report)) == (TAMPERED, {(90, 99)})

    def test_of_a_file_that_adds_a_line_between_two_is_found(self, log: Log, out: Path) -> None:
        # The tree would hold all the same; whoever reads the files would read what nobody signed.
        file = log.export(out, hashes=[]) / "epoch-0001/entries/000001.jsonl"
        file.write_bytes(file.read_bytes() + edited(log.entries[63]) + b"\n")
        report = check(log, out)
        assert (report.code, ranges(report)) == (TAMPERED, {(63, 63)})
        assert "000001.jsonl: 1 lines too many" in told(report)

    def test_of_a_file_shows_in_that_file(self, log: Log, out: Path) -> None:
        log.export(out)
        file = out / "epoch-0001/entries/000001.jsonl"
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
        report = check(log, out)
        assert (report.code, ranges(report) >= {(63, 63)}) == (TAMPERED, True)


class TestRebuilding:
    """Whoever may write everything can make another log that fits together; what they lack is the key, or the past."""

    def rebuilt(self, log: Log, *, number: int = ALONE) -> Log:
        other = Log.__new__(Log)
        other.__dict__ |= log.__dict__
        other.entries = [edited(entry) if at == number else entry for at, entry in enumerate(log.entries)]
        other.tree = Tree(leaf_hash(entry) for entry in other.entries)
        return other

    def test_without_the_key_leaves_a_signature_that_doesnt_fit(self, log: Log, out: Path) -> None:
        other = self.rebuilt(log)
        other.export(out, note=Note(other.checkpoint().text, log.note().signatures), earlier=[])
        report = check(log, out)
        assert report.code == TAMPERED
        assert "isn't one that fjordvik.example/stafett made over this text" in told(report)

    def test_without_the_key_is_measured_by_an_older_head(self, log: Log, out: Path) -> None:
        other = self.rebuilt(log)
        other.export(out, note=Note(other.checkpoint().text, log.note().signatures))
        (out / "epoch-0001/checkpoints/000000000090").write_bytes(log.note(90).encode())
        (out / "epoch-0001/checkpoints/000000000040").write_bytes(log.note(40).encode())
        assert (40, 89) in ranges(check(log, out))

    def test_with_a_key_of_ones_own_convinces_nobody(self, log: Log, out: Path, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        impostor = Log(tmp_path / "elsewhere").grow(SIZE)
        report = check(log, impostor.export(out))
        assert report.code == UNDECIDED
        assert "isn't signed with a key that the policy names" in told(report)

    def test_with_the_key_looks_good_to_whoever_kept_nothing(self, log: Log, out: Path) -> None:
        assert check(log, self.rebuilt(log).export(out)).code == GOOD

    def test_with_the_key_contradicts_a_head_kept_elsewhere(self, log: Log, out: Path) -> None:
        self.rebuilt(log).export(out)
        report = check(log, out, held=[log.note(40).encode(), log.note(90).encode()])
        assert report.code == TAMPERED
        assert ranges(report) == {(40, 89)}
        assert "the log signed another head for 90 entries before" in told(report)

    def test_with_the_key_is_what_a_witness_doesnt_sign(self, log: Log, out: Path, tmp_path: Path) -> None:
        witness = county(tmp_path)
        other = self.rebuilt(log)
        stolen = log.note(witness=witness).signatures[1]
        policy = log.policy(f"witness w {witness.public}", "quorum w")
        other.export(out)
        report = check_bundle(out, policy, processes=1)
        assert (report.code, "Not witnessed" in told(report)) == (UNDECIDED, True)
        (out / "epoch-0001/checkpoint").write_bytes(other.note().signed_by(stolen).encode())
        assert check_bundle(out, policy, processes=1).code == TAMPERED

    def test_a_shorter_log_contradicts_a_longer_head_kept_elsewhere(self, log: Log, out: Path) -> None:
        report = check(log, log.export(out, size=80), held=[log.note(90).encode()])
        assert report.code == TAMPERED
        assert ranges(report) == {(80, 89)}
        assert "were cut off" in told(report)

    def test_an_older_head_in_the_place_of_the_newest_is_found(self, log: Log, out: Path) -> None:
        report = check(log, log.export(out, size=80, earlier=[90]))
        assert (report.code, ranges(report)) == (TAMPERED, {(80, 89)})

    def test_an_earlier_head_with_a_forged_signature_is_found(self, log: Log, out: Path) -> None:
        log.export(out, earlier=[40])
        forged = Note(log.checkpoint(41).text, log.note(40).signatures)
        (out / "epoch-0001/checkpoints/000000000040").write_bytes(forged.encode())
        assert check(log, out).code == TAMPERED


class TestAChain:
    def signed(
        self, log: Log, out: Path, change: Callable[[dict[str, object]], dict[str, object]], case: str
    ) -> Report:
        """Append an entry that isn't in its place to the tree and sign it: what only a broken log would do."""
        entry = decode(log.append(event="case.read", fields={}, case=case))
        data = encode(change(entry))
        log.entries[-1] = data
        log.tree = Tree(leaf_hash(one) for one in log.entries)
        return check(log, log.export(out))

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"case_seq": 40}, "where number 12 was expected: 28 are missing"),
            ({"case_seq": 13}, "where number 12 was expected: one is missing"),
            ({"case_seq": 3}, "it stands in the wrong place"),
            ({"case_prev": "ab" * 32}, "it doesn't hold the hash of entry 98"),
            ({"case": "case9"}, "it is number 12 of its case, where number 1 was expected"),
            ({"case": "case9", "case_seq": 1}, "it is the first of its case, but holds the hash of one before it"),
        ],
    )
    def test_that_is_broken_is_found_though_it_was_signed(
        self, log: Log, out: Path, change: dict[str, object], text: str
    ) -> None:
        report = self.signed(log, out, lambda entry: entry | change, "case0")
        assert report.code == TAMPERED
        assert text in told(report)
        assert "Entry 100 breaks the chain of case" in told(report)

    def test_is_followed_from_one_file_and_run_to_the_next(self, log: Log, out: Path) -> None:
        runs = bundle.RUNS_EACH
        assert len(list((log.export(out) / "epoch-0001/entries").iterdir())) > runs
        cases = {decode(entry).get("case") for entry in log.entries} - {None}
        assert f"{SIZE} entries were read, and the chains of {len(cases)} cases followed." in check(log, out).checked

    def test_that_is_broken_everywhere_is_not_told_a_thousand_times(self, tmp_path: Path, out: Path) -> None:
        log = Log(tmp_path)
        for _ in range(MOST_BREAKS + 200):
            entry = decode(log.append(event="case.read", fields={}, case="k"))
            log.entries[-1] = encode(entry | {"case_seq": 5})
        log.tree = Tree(leaf_hash(one) for one in log.entries)
        report = check(log, log.export(out))
        assert report.code == TAMPERED
        assert len(report.findings) < 50
        assert "more chains are broken" in told(report)


class TestAnEntryInAnotherForm:
    @pytest.mark.parametrize("data", [b"", b"{}", b"nonsense", b'{"at":"2026-11-25T12:00:00.000000Z", "event":"x"}'])
    def test_is_found_though_it_was_signed(self, log: Log, out: Path, data: bytes) -> None:
        log.entries[50:50] = [data]
        log.tree = Tree(leaf_hash(entry) for entry in log.entries)
        report = check(log, log.export(out))
        assert report.code == TAMPERED
        assert (50, 50) in ranges(report)
        assert "entry 50: not in canonical form" in told(report)


class TestWhatCantBeDecided:
    def test_a_folder_that_is_none_or_holds_no_log(self, log: Log, out: Path, tmp_path: Path) -> None:
        assert (check(log, tmp_path / "nowhere").code, check(log, tmp_path).code) == (UNDECIDED, UNDECIDED)

    @pytest.mark.parametrize("name", ["checkpoint", "entries"])
    def test_a_part_that_is_missing(self, log: Log, out: Path, name: str) -> None:
        path = log.export(out) / "epoch-0001" / name
        path.rename(out / "away")
        assert check(log, out).code == UNDECIDED

    def test_a_checkpoint_that_is_none(self, log: Log, out: Path) -> None:
        (log.export(out) / "epoch-0001/checkpoint").write_text("nothing of the kind")
        assert check(log, out).code == UNDECIDED

    def test_a_file_that_cant_be_read(self, log: Log, out: Path) -> None:
        file = log.export(out) / "epoch-0001/entries/000001.jsonl"
        file.unlink()
        file.mkdir()
        report = check(log, out)
        assert (report.code, "can't be read" in told(report)) == (UNDECIDED, True)

    def test_a_head_kept_elsewhere_of_another_log(self, log: Log, out: Path, tmp_path: Path) -> None:
        other = Log(tmp_path, origin="other.example/log").grow(3)
        policy = log.policy(f"log {other.key.public}")
        report = check_bundle(log.export(out), policy, held=[other.note().encode()], processes=1)
        assert (report.code, "isn't in the bundle" in told(report)) == (UNDECIDED, True)

    def test_a_head_kept_elsewhere_that_is_none(self, log: Log, out: Path) -> None:
        assert check(log, log.export(out), held=[b"?"]).code == UNDECIDED

    def test_a_whole_missing_file_is_no_such_thing_but_missing_entries(self, log: Log, out: Path) -> None:
        (log.export(out) / "epoch-0001/entries/000001.jsonl").unlink()
        report = check(log, out)
        assert report.code == TAMPERED
        assert (32, 63) in ranges(report)


class TestWhatLiesBeyondTheHead:
    def test_is_told_and_not_vouched_for(self, log: Log, out: Path) -> None:
        log.export(out, size=60, entries=log.entries)
        report = check(log, out)
        assert report.code == GOOD
        assert report.notes == ["Epoch 1: 40 entries lie beyond the 60 that are signed. Nothing is said about them."]

    def test_may_be_anything(self, log: Log, out: Path) -> None:
        log.export(out, size=60, entries=[*log.entries[:60], b"nonsense", *log.entries[:3]])
        assert check(log, out).code == GOOD


class TestEpochs:
    """A restored backup: the log goes on in a new tree, which says what was lost."""

    def restored(self, log: Log, tmp_path: Path, *, held: int, signed: int) -> Log:
        """Return the second epoch of a log of which `signed` entries were signed and `held` were in the backup."""
        second = Log(tmp_path, origin="fjordvik.example/stafett/2", seed=2)
        second.append(event=BEGIN, fields={"after": str(log.note(signed))})
        for number in range(held):
            entry = decode(log.entries[number])
            if "case" in entry:
                second.cases[entry["case"]] = (entry["case_seq"], leaf_hash(log.entries[number]).hex())
        return second.grow(50)

    def check(self, log: Log, second: Log, out: Path, *, held: list[bytes] | None = None) -> Report:
        return check_bundle(out, log.policy(f"log {second.key.public}"), held=held or (), processes=1)

    def export(self, log: Log, second: Log, out: Path, *, size: int) -> Path:
        second.export(log.export(out, size=size), number=2)
        return out

    def test_tell_what_was_lost(self, log: Log, out: Path, tmp_path: Path) -> None:
        second = self.restored(log, tmp_path, held=80, signed=100)
        report = self.check(log, second, self.export(log, second, out, size=80))
        assert (report.code, report.findings) == (GOOD, [])
        assert "entries 80–99 of epoch 1 were signed and are lost. It says so itself." in report.notes[0]

    def test_may_lose_nothing(self, log: Log, out: Path, tmp_path: Path) -> None:
        second = self.restored(log, tmp_path, held=100, signed=100)
        report = self.check(log, second, self.export(log, second, out, size=100))
        assert (report.code, "nothing is missing between them" in report.notes[0]) == (GOOD, True)

    def test_agree_with_a_head_that_was_kept_of_what_is_lost(self, log: Log, out: Path, tmp_path: Path) -> None:
        second = self.restored(log, tmp_path, held=80, signed=100)
        self.export(log, second, out, size=80)
        held = [log.note(70).encode(), log.note(90).encode(), second.note(20).encode()]
        assert self.check(log, second, out, held=held).code == GOOD

    def test_must_not_admit_less_than_was_signed(self, log: Log, out: Path, tmp_path: Path) -> None:
        second = self.restored(log, tmp_path, held=80, signed=90)
        self.export(log, second, out, size=80)
        report = self.check(log, second, out, held=[log.note(100).encode()])
        assert (report.code, ranges(report)) == (TAMPERED, {(90, 99)})
        assert "vanished without a word" in told(report)

    def test_must_not_admit_another_head_than_was_signed(self, log: Log, out: Path, tmp_path: Path) -> None:
        other = Log.__new__(Log)
        other.__dict__ |= log.__dict__
        other.tree = Tree([*log.tree.levels[0][:50], bytes(32), *log.tree.levels[0][51:]])
        second = self.restored(other, tmp_path, held=80, signed=100)
        self.export(log, second, out, size=80)
        report = self.check(log, second, out, held=[log.note(100).encode()])
        assert (report.code, "another root" in told(report)) == (TAMPERED, True)

    @pytest.mark.parametrize("event", [BEGIN, "case.read"])
    def test_must_begin_by_declaring_what_came_before(self, log: Log, out: Path, tmp_path: Path, event: str) -> None:
        second = Log(tmp_path, origin="fjordvik.example/stafett/2")
        second.append(event=event, fields={})
        report = self.check(log, second, self.export(log, second, out, size=80))
        assert (report.code, "doesn't begin by declaring" in told(report)) == (TAMPERED, True)

    def test_must_declare_a_head_that_was_signed(self, log: Log, out: Path, tmp_path: Path) -> None:
        second = Log(tmp_path, origin="fjordvik.example/stafett/2")
        forged = Note(log.checkpoint(100).text, log.note(90).signatures)
        second.append(event=BEGIN, fields={"after": str(forged)})
        report = self.check(log, second, self.export(log, second, out, size=80))
        assert (report.code, "declares a head that isn't one" in told(report)) == (TAMPERED, True)

    def test_must_follow_one_another(self, log: Log, out: Path, tmp_path: Path) -> None:
        other = Log(tmp_path, origin="other.example/log").grow(100)
        second = self.restored(other, tmp_path, held=0, signed=100)
        self.export(log, second, out, size=80)
        policy = log.policy(f"log {second.key.public}", f"log {other.key.public}")
        report = check_bundle(out, policy, processes=1)
        assert (report.code, "declares that it follows “other.example/log”" in told(report)) == (TAMPERED, True)

    def test_are_not_taken_for_the_whole_log(self, log: Log, out: Path, tmp_path: Path) -> None:
        second = self.restored(log, tmp_path, held=80, signed=100)
        second.export(out)
        report = self.check(log, second, out)
        assert report.code == UNDECIDED or "breaks the chain" in told(report)
        assert "This log goes on from “fjordvik.example/stafett”, which isn't in the bundle." in told(report)

    def test_need_a_key_that_the_policy_names(self, log: Log, out: Path, tmp_path: Path) -> None:
        second = self.restored(log, tmp_path, held=80, signed=100)
        report = check(log, self.export(log, second, out, size=80))
        assert (report.code, "names no key of the log" in told(report)) == (UNDECIDED, True)

    def test_keep_the_chains_of_the_cases(self, log: Log, out: Path, tmp_path: Path) -> None:
        second = self.restored(log, tmp_path, held=80, signed=100)
        second.cases["case0"] = (2, "ab" * 32)
        second.append(event="case.read", fields={}, case="case0")
        report = self.check(log, second, self.export(log, second, out, size=80))
        assert (report.code, "breaks the chain of case case0" in told(report)) == (TAMPERED, True)


class TestAnExport:
    def test_goes_into_a_folder_of_its_own(self, log: Log, out: Path) -> None:
        log.export(out)
        with pytest.raises(Misconfigured, match="isn't empty"):
            begin(out)

    def test_is_its_owners_alone(self, log: Log, out: Path) -> None:
        log.export(out, earlier=[3])
        assert {path.stat().st_mode & 0o077 for path in out.rglob("*") if path.is_file()} == {0}

    def test_holds_no_entry_of_two_lines(self, log: Log, out: Path) -> None:
        with pytest.raises(ValueError, match="line break"):
            log.export(out, entries=[b"one\ntwo"])

    def test_that_was_cut_off_is_no_whole_log(self, log: Log, out: Path) -> None:
        def entries() -> object:
            yield from log.entries[:50]
            raise OSError("the disk is full")

        begin(out)
        with pytest.raises(OSError, match="full"):
            write_epoch(out, number=1, checkpoint=log.note().encode(), entries=entries())  # type: ignore[arg-type]
        assert check(log, out).code == UNDECIDED

    def test_counts_what_it_wrote(self, log: Log, out: Path) -> None:
        begin(out)
        assert write_epoch(out, number=1, checkpoint=log.note().encode(), entries=iter(log.entries)) == SIZE


def test_a_finding_that_shows_a_head_twice_is_told_once(log: Log, out: Path) -> None:
    held = [log.note(90).encode()] * 3
    report = check(log, log.export(out, size=80), held=held)
    assert len(report.findings) == 1


def test_a_witness_of_the_future_is_still_named(log: Log, out: Path, tmp_path: Path) -> None:
    witness = county(tmp_path)
    note = log.note()
    far = note.signed_by(witness.cosign(note.text, at=AT * AT))
    report = check_bundle(log.export(out, note=far), log.policy(f"witness w {witness.public}", "quorum w"), processes=1)
    assert report.code == GOOD
    assert f"seen by w at second {AT * AT}" in "\n".join(report.checked)
