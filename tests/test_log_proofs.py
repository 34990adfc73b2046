"""Proofs as text, and what they show when size and root are the signed ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bti.verifier.note import encode64
from bti.verifier.proof import FIRST_LINE, ConsistencyProof, InclusionProof, read_consistency, read_inclusion
from bti.verifier.tree import Tree, inclusion_proof
from bti.verifier.verdict import Tampered, Undecided
from tests.logs import Log, county

HASH = encode64(bytes(32))


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path).grow(25)


class TestAnInclusionProof:
    def test_is_written_and_read_as_tlog_proof(self, log: Log) -> None:
        proof = log.inclusion(17)
        lines = str(proof).split("\n")
        assert lines[:2] == [FIRST_LINE, "index 17"]
        assert lines[2 + len(proof.hashes)] == ""
        assert str(proof).endswith(str(log.note()))
        assert read_inclusion(str(proof).encode()) == proof

    def test_may_carry_something_that_nobody_believes(self, log: Log) -> None:
        proof = replace(log.inclusion(3), extra=b"\0anything")
        assert read_inclusion(str(proof).encode()) == proof
        assert proof.verify(log.entries[3], log.policy()).checkpoint.size == 25

    def test_shows_the_entry_and_no_other(self, log: Log) -> None:
        for index, entry in enumerate(log.entries):
            proof = log.inclusion(index)
            assert proof.verify(entry, log.policy()).checkpoint == log.checkpoint()
            with pytest.raises(Tampered, match=f"this is entry {index} of the 25"):
                proof.verify(entry + b" ", log.policy())
            with pytest.raises(Tampered):
                replace(proof, index=(index + 1) % 25).verify(entry, log.policy())

    def test_takes_no_interior_node_for_an_entry(self, tmp_path: Path) -> None:
        # Two neighbours' hashes as an entry of a log half as long: only a size that lies would let it through.
        log = Log(tmp_path).grow(8)
        node = log.tree.node(0, 0) + log.tree.node(0, 1)
        halved = Tree(log.tree.levels[1])
        proof = InclusionProof(0, tuple(inclusion_proof(0, 4, halved.node)), log.note())
        with pytest.raises(Tampered):
            proof.verify(node, log.policy())

    def test_asks_for_the_witnesses_of_the_policy(self, log: Log, tmp_path: Path) -> None:
        witness = county(tmp_path)
        policy = log.policy(f"witness w {witness.public}", "quorum w")
        with pytest.raises(Undecided, match="Not witnessed"):
            log.inclusion(2).verify(log.entries[2], policy)
        seen = replace(log.inclusion(2), note=log.note(witness=witness))
        assert "w" in seen.verify(log.entries[2], policy).witnessed

    @pytest.mark.parametrize(
        "head",
        [
            "",
            f"{FIRST_LINE}2\nindex 0",
            FIRST_LINE,
            f"{FIRST_LINE}\nindex",
            f"{FIRST_LINE}\nindex 01",
            f"{FIRST_LINE}\nindex -1",
            f"{FIRST_LINE}\nextra !\nindex 0",
            f"{FIRST_LINE}\nextra AAAA\nextra AAAA\nindex 0",
            f"{FIRST_LINE}\nindex 0\nAAAA",
            f"{FIRST_LINE}\nindex 0\n{HASH[:-1]}",
            f"{FIRST_LINE}\nindex 0\n" + "\n".join([HASH] * 64),
            f"{FIRST_LINE}\r\nindex 0",
        ],
    )
    def test_that_is_none_is_not_read(self, log: Log, head: str) -> None:
        with pytest.raises(Undecided):
            read_inclusion(f"{head}\n\n{log.note()}".encode())

    def test_without_a_checkpoint_is_not_read(self) -> None:
        with pytest.raises(Undecided, match="no blank line"):
            read_inclusion(f"{FIRST_LINE}\nindex 0\n{HASH}\n".encode())


class TestAConsistencyProof:
    def test_is_written_and_read_as_a_witness_is_asked(self, log: Log) -> None:
        proof = log.consistency(9)
        assert str(proof).startswith("old 9\n")
        assert read_consistency(str(proof).encode()) == proof

    def test_shows_that_a_head_grew_out_of_another(self, log: Log) -> None:
        policy = log.policy()
        for old in range(1, 26):
            before = policy.open(log.note(old).encode())
            assert log.consistency(old).verify(before, policy).checkpoint == log.checkpoint()
            with pytest.raises(Tampered, match="isn't shown to begin with"):
                replace(log.consistency(old), old_size=old - 1).verify(before, policy)

    def test_does_not_show_it_of_another_log(self, log: Log, tmp_path: Path) -> None:
        other = Log(tmp_path, origin="other.example/log").grow(9)
        policy = log.policy(f"log {other.key.public}")
        with pytest.raises(Undecided, match="of two logs"):
            log.consistency(9).verify(policy.open(other.note().encode()), policy)

    def test_finds_a_log_that_was_rewritten_with_its_own_key(self, log: Log) -> None:
        before = log.policy().open(log.note(20).encode())
        rewritten = Log.__new__(Log)
        rewritten.__dict__ |= log.__dict__
        rewritten.tree = Tree([*log.tree.levels[0][:10], *log.tree.levels[0][11:], bytes(32)])
        with pytest.raises(Tampered):
            rewritten.consistency(20).verify(before, log.policy())

    @pytest.mark.parametrize("head", ["", "old", "old x", "old 01", "old 1\nAAAA", "new 1"])
    def test_that_is_none_is_not_read(self, log: Log, head: str) -> None:
        with pytest.raises(Undecided):
            read_consistency(f"{head}\n\n{log.note()}".encode())

    def test_of_nothing_has_no_hashes(self, log: Log) -> None:
        assert log.consistency(0) == ConsistencyProof(0, (), log.note())
