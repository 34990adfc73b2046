"""The log's tree: the known vectors, every small tree with every proof, and another's tree beside ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bti.verifier.tiles import nodes, tile_path, tile_rows
from bti.verifier.tree import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    root_of,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "merkle.json").read_text("utf-8"))
LEAVES = [bytes.fromhex(one) for one in VECTORS["leaf_hashes"]]
ROOTS = [bytes.fromhex(one) for one in VECTORS["roots_by_size"]]
LARGEST = 100
ENTRIES = [f"entry {number}".encode() for number in range(LARGEST)]
TREE = Tree(map(leaf_hash, ENTRIES))
SIZES = range(1, LARGEST + 1)


def hashes(found: list[str]) -> list[bytes]:
    return [bytes.fromhex(one) for one in found]


def flipped(one: bytes) -> bytes:
    return bytes([one[0] ^ 1]) + one[1:]


class TestTheVectors:
    def test_of_leaves(self) -> None:
        assert [leaf_hash(bytes.fromhex(one)) for one in VECTORS["leaf_inputs"]] == LEAVES

    def test_of_roots_and_what_lies_between(self) -> None:
        tree = Tree(LEAVES)
        assert [tree.root(size) for size in range(9)] == ROOTS
        assert [root_of(LEAVES[:size]) for size in range(9)] == ROOTS
        for level in (1, 2, 3):
            assert tree.levels[level] == hashes(VECTORS["interior"][f"level{level}"])

    @pytest.mark.parametrize(
        "one", VECTORS["inclusion_valid"], ids=lambda one: f"{one['leaf_index']}-{one['tree_size']}"
    )
    def test_of_inclusion(self, one: dict[str, Any]) -> None:
        proof = hashes(one["proof"])
        assert inclusion_proof(one["leaf_index"], one["tree_size"], Tree(LEAVES).node) == proof
        assert is_included(
            index=one["leaf_index"],
            size=one["tree_size"],
            leaf=bytes.fromhex(one["leaf_hash"]),
            proof=proof,
            root=bytes.fromhex(one["root"]),
        )

    @pytest.mark.parametrize("one", VECTORS["inclusion_must_reject"], ids=lambda one: one["desc"])
    def test_of_inclusion_that_must_be_rejected(self, one: dict[str, Any]) -> None:
        assert not is_included(
            index=one["leaf_index"],
            size=one["tree_size"],
            leaf=bytes.fromhex(one["leaf_hash"]),
            proof=hashes(one["proof"]),
            root=bytes.fromhex(one["root"]),
        )

    @pytest.mark.parametrize("one", VECTORS["consistency_valid"], ids=lambda one: f"{one['size1']}-{one['size2']}")
    def test_of_consistency(self, one: dict[str, Any]) -> None:
        proof = hashes(one["proof"])
        assert consistency_proof(one["size1"], one["size2"], Tree(LEAVES).node) == proof
        assert is_consistent(
            old_size=one["size1"],
            new_size=one["size2"],
            old_root=bytes.fromhex(one["root1"]),
            new_root=bytes.fromhex(one["root2"]),
            proof=proof,
        )

    @pytest.mark.parametrize("one", VECTORS["consistency_must_reject"], ids=lambda one: one["desc"])
    def test_of_consistency_that_must_be_rejected(self, one: dict[str, Any]) -> None:
        assert not is_consistent(
            old_size=one["size1"],
            new_size=one["size2"],
            old_root=bytes.fromhex(one["root1"]),
            new_root=bytes.fromhex(one["root2"]),
            proof=hashes(one["proof"]),
        )

    def test_of_the_trap_show_why_size_and_leaf_are_never_taken_from_a_proof(self) -> None:
        trap = VECTORS["size_confusion_trap"]
        told: dict[str, Any] = {
            "index": trap["leaf_index"],
            "proof": hashes(trap["proof"]),
            "root": bytes.fromhex(trap["root"]),
        }
        interior = bytes.fromhex(trap["leaf_hash"])
        assert is_included(size=trap["tree_size"], leaf=interior, **told)
        assert not is_included(size=8, leaf=interior, **told)
        assert not is_included(size=trap["tree_size"], leaf=leaf_hash(interior), **told)

    def test_of_tiles(self) -> None:
        for index, encoded in VECTORS["tile_paths"].items():
            assert tile_path(1, int(index)) == f"tile/1/{encoded}"
        for size, rows in VECTORS["tile_rows"].items():
            assert [list(row) for row in tile_rows(int(size))] == rows
        assert tile_path(0, 273, 112) == "tile/0/273.p/112"
        assert tile_rows(0) == []


class TestEveryTreeUpToAHundred:
    def test_has_the_root_that_its_definition_gives(self) -> None:
        def defined(leaves: list[bytes]) -> bytes:
            if len(leaves) < 2:
                return leaves[0] if leaves else EMPTY_ROOT
            split = 1
            while split * 2 < len(leaves):
                split *= 2
            return node_hash(defined(leaves[:split]), defined(leaves[split:]))

        for size in range(LARGEST + 1):
            assert TREE.root(size) == defined(TREE.levels[0][:size])

    def test_proves_every_leaf_and_no_changed_proof(self) -> None:
        for size in SIZES:
            root = TREE.root(size)
            for index in range(size):
                proof, leaf = inclusion_proof(index, size, TREE.node), TREE.node(0, index)
                told: dict[str, Any] = {"index": index, "size": size, "leaf": leaf, "root": root}
                assert is_included(proof=proof, **told)
                for at, one in enumerate(proof):
                    assert not is_included(proof=[*proof[:at], flipped(one), *proof[at + 1 :]], **told)
                    assert not is_included(proof=proof[:at] + proof[at + 1 :], **told)
                assert not is_included(proof=[*proof, root], **told)
                assert not is_included(proof=proof, **told | {"leaf": flipped(leaf)})
                assert not is_included(proof=proof, **told | {"root": flipped(root)})

    def test_proves_a_leaf_in_no_other_place(self) -> None:
        for size in range(1, 34):
            for index in range(size):
                proof, leaf = inclusion_proof(index, size, TREE.node), TREE.node(0, index)
                for other in range(-1, size + 1):
                    found = is_included(index=other, size=size, leaf=leaf, proof=proof, root=TREE.root(size))
                    assert found == (other == index)

    def test_grew_from_every_earlier_one_and_no_changed_proof_says_so(self) -> None:
        for new in SIZES:
            for old in range(1, new + 1):
                proof = consistency_proof(old, new, TREE.node)
                told: dict[str, Any] = {
                    "old_size": old,
                    "new_size": new,
                    "old_root": TREE.root(old),
                    "new_root": TREE.root(new),
                }
                assert is_consistent(proof=proof, **told)
                for at, one in enumerate(proof):
                    assert not is_consistent(proof=[*proof[:at], flipped(one), *proof[at + 1 :]], **told)
                    assert not is_consistent(proof=proof[:at] + proof[at + 1 :], **told)
                assert not is_consistent(proof=[*proof, TREE.root(new)], **told)
                assert not is_consistent(proof=proof, **told | {"old_root": flipped(TREE.root(old))})
                assert not is_consistent(proof=proof, **told | {"new_root": flipped(TREE.root(new))})

    def test_grew_from_the_empty_one_without_proof(self) -> None:
        for new in range(LARGEST + 1):
            told: dict[str, Any] = {"old_size": 0, "new_size": new, "new_root": TREE.root(new)}
            assert consistency_proof(0, new, TREE.node) == []
            assert is_consistent(old_root=EMPTY_ROOT, proof=[], **told)
            assert not is_consistent(old_root=flipped(EMPTY_ROOT), proof=[], **told)
            assert not is_consistent(old_root=EMPTY_ROOT, proof=[EMPTY_ROOT], **told)

    def test_never_shrinks(self) -> None:
        told: dict[str, Any] = {"old_root": TREE.root(9), "new_root": TREE.root(8)}
        assert not is_consistent(old_size=9, new_size=8, proof=[], **told)
        with pytest.raises(ValueError, match="never grew"):
            consistency_proof(9, 8, TREE.node)
        with pytest.raises(ValueError, match="no entry 8"):
            inclusion_proof(8, 8, TREE.node)

    def test_is_grown_alike_leaf_by_leaf_and_by_whole_subtrees(self) -> None:
        for size in range(LARGEST + 1):
            grown = Frontier()
            for level in reversed(range(7)):
                if size >> level & 1:
                    grown.add(level, TREE.node(level, grown.size >> level))
            assert (grown.size, grown.peaks) == (size, TREE.frontier(size).peaks)
            assert Frontier(size, grown.peaks).root() == TREE.root(size)

    def test_has_proofs_from_tiles_alone(self) -> None:
        # Levels 0 and 8 are all that is kept; larger trees than a tile are needed to see it.
        tree = Tree(leaf_hash(b"%d" % number) for number in range(700))
        kept = nodes(lambda level, first, count: {0: tree.levels[0], 8: tree.levels[8]}[level][first : first + count])
        for size in (1, 255, 256, 257, 511, 512, 699, 700):
            for index in {0, size // 2, size - 1}:
                assert inclusion_proof(index, size, kept) == inclusion_proof(index, size, tree.node)
            for old in {1, size // 3 or 1, size}:
                assert consistency_proof(old, size, kept) == consistency_proof(old, size, tree.node)

    def test_asks_for_tiles_that_are_whole(self) -> None:
        with pytest.raises(ValueError, match="4 hashes of level 0 were asked for, 3 found"):
            nodes(lambda _level, first, count: TREE.levels[0][first : first + count - 1])(2, 0)


class TestAFrontier:
    def test_with_the_wrong_number_of_peaks_is_none(self) -> None:
        with pytest.raises(ValueError, match="3 entries have 2 peaks, not 1"):
            Frontier(3, [EMPTY_ROOT])

    def test_takes_a_subtree_only_where_one_can_begin(self) -> None:
        frontier = Frontier()
        frontier.append(EMPTY_ROOT)
        with pytest.raises(ValueError, match="no subtree of level 1 begins at entry 1"):
            frontier.add(1, EMPTY_ROOT)

    def test_that_was_copied_grows_on_its_own(self) -> None:
        first = TREE.frontier(5)
        second = first.copy()
        second.append(TREE.node(0, 5))
        assert (first.root(), second.root()) == (TREE.root(5), TREE.root(6))


class TestBesideAnothersTree:
    """pymerkle builds the same tree in its own way; its proofs lead to our roots and ours to its."""

    def test_roots_and_proofs_agree(self) -> None:
        other = pymerkle.InmemoryTree(algorithm="sha256")
        for size in range(1, 66):
            other.append_entry(ENTRIES[size - 1])
            assert other.get_root() == TREE.root(size)
            for index in range(size):
                leaf, proof = TREE.node(0, index), other.prove_inclusion(index + 1, size)
                pymerkle.verify_inclusion(leaf, TREE.root(size), proof)
                ours = inclusion_proof(index, size, TREE.node)
                assert is_included(index=index, size=size, leaf=leaf, proof=ours, root=other.get_root())
            for old in range(1, size):
                proof = other.prove_consistency(old, size)
                pymerkle.verify_consistency(TREE.root(old), TREE.root(size), proof)
                with pytest.raises(pymerkle.InvalidProof):
                    pymerkle.verify_consistency(flipped(TREE.root(old)), TREE.root(size), proof)

    @given(st.lists(st.binary(max_size=40), min_size=1, max_size=40))
    def test_roots_agree_whatever_the_entries_are(self, entries: list[bytes]) -> None:
        other = pymerkle.InmemoryTree(algorithm="sha256")
        for entry in entries:
            other.append_entry(entry)
        assert root_of([leaf_hash(entry) for entry in entries]) == other.get_root()
