"""The Merkle tree of RFC 6962 and 9162 over SHA-256: hashes, growing, proofs and their verification.

Entries are numbered from 0. A complete subtree is called (level, index): it covers the 2^level entries from
index · 2^level on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
HASH_BYTES = 32

# Where a proof finds the hash of a complete subtree: (level, index) → hash.
Node = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry's bytes as a leaf (RFC 6962 2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an interior node (RFC 6962 2.1). Its prefix differs, so that no node passes for a leaf."""
    return sha256(b"\x01" + left + right).digest()


def pair_up(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the complete parents of neighbours: one level up; an odd one at the end has no parent yet."""
    neighbours = iter(hashes)
    # Written out instead of calling node_hash: a million entries have a million nodes.
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(neighbours, neighbours, strict=False)]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree over these leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: the least that is needed to append and to tell the root.

    `peaks` are the roots of the complete subtrees that `size` entries fall into, the largest first: at most 63
    hashes. Raises ValueError when there aren't as many peaks as the size asks for.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if size < 0 or len(self.peaks) != size.bit_count():
            raise ValueError(f"{size} entries have {size.bit_count()} peaks, not {len(self.peaks)}")

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self.add(0, leaf)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        for leaf in leaves:
            self.add(0, leaf)

    def add(self, level: int, subtree: bytes) -> None:
        """Add the root of a complete subtree of 2^level entries. Raises ValueError where none can begin."""
        if self.size % (1 << level):
            raise ValueError(f"no subtree of level {level} begins at entry {self.size}")
        merges = self.size >> level
        while merges & 1:
            subtree = node_hash(self.peaks.pop(), subtree)
            merges >>= 1
        self.peaks.append(subtree)
        self.size += 1 << level

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> Frontier:
        """Return another frontier that grows on its own."""
        return Frontier(self.size, self.peaks)


class Tree:
    """A whole tree in memory, every complete subtree at hand: for proofs over logs that fit."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self.levels[0].append(leaf)
        level = 0
        while len(self.levels[level]) % 2 == 0:
            if len(self.levels) == level + 1:
                self.levels.append([])
            self.levels[level + 1].append(node_hash(*self.levels[level][-2:]))
            level += 1

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self.levels[0])

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree."""
        return self.levels[level][index]

    def frontier(self, size: int | None = None) -> Frontier:
        """Return the frontier of the first `size` entries, or of all."""
        size = self.size if size is None else size
        return Frontier(size, peaks(size, self.node))

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` entries, or of all."""
        return self.frontier(size).root()


def peaks(size: int, node: Node) -> list[bytes]:
    """Return the roots of the complete subtrees that the first `size` entries fall into, the largest first."""
    return [node(level, (size >> level) - 1) for level in reversed(range(size.bit_length())) if size >> level & 1]


# --- Proofs ----------------------------------------------------------------------------------------------


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Return what shows that entry `index` is in the tree of `size` entries (RFC 9162 2.1.3.1).

    Raises ValueError when there is no such entry.
    """
    if not 0 <= index < size:
        raise ValueError(f"a log of {size} entries has no entry {index}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_hash(middle, end, node))
            end = middle
        else:
            proof.append(_range_hash(start, middle, node))
            start = middle
    return proof[::-1]


def consistency_proof(old_size: int, new_size: int, node: Node) -> list[bytes]:
    """Return what shows that the tree of `old_size` entries is the beginning of that of `new_size`.

    RFC 9162 2.1.4.1; empty when the old tree is empty or the two are equally large. Raises ValueError when the old
    one is larger.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a log of {new_size} entries never grew from {old_size}")
    if old_size in (0, new_size):
        return []
    proof: list[bytes] = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            proof.append(_range_hash(middle, end, node))
            end = middle
        else:
            proof.append(_range_hash(start, middle, node))
            start = middle
    if start:
        # The verifier knows the old root itself when it is a complete subtree from the beginning on.
        proof.append(_range_hash(start, end, node))
    return proof[::-1]


def _split(count: int) -> int:
    """Return the largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_hash(start: int, end: int, node: Node) -> bytes:
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(count)
    return node_hash(_range_hash(start, middle, node), _range_hash(middle, end, node))


# --- Verification ----------------------------------------------------------------------------------------


def is_included(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether `proof` shows that `leaf` stands at `index` (RFC 9162 2.1.3.2).

    The answer is worth something only when `size` and `root` come from one signed checkpoint and `leaf` was
    computed from the entry's bytes: with a size that lies, an interior node passes for a leaf.
    """
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(*, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether `proof` shows that the old tree is the beginning of the new one (RFC 9162 2.1.4.2).

    Anything grows from the empty tree, and a tree from itself: both with an empty proof.
    """
    if not 0 <= old_size <= new_size or not _are_hashes(old_root, new_root, *proof):
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    if not proof:
        return False
    # A complete old tree isn't repeated in the proof: its root is the first hash.
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    return _walk(old_size - 1, new_size - 1, hashes) == (old_root, new_root)


def _walk(node: int, last: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return the old and the new root that the hashes lead to, or None when they don't fit the sizes."""
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return (old, new) if last == 0 else None


def _are_hashes(*hashes: bytes) -> bool:
    return all(len(one) == HASH_BYTES for one in hashes)
