"""Where a log differs from what was signed: the narrowest range of entries that can be named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from .forms import pieces
from .layout import LEAF_HASHES, File
from .tree import HASH_BYTES, leaf_hash, root_of
from .verdict import spans


@dataclass(frozen=True)
class Difference:
    """Entries `first` to `last`, and what is wrong with them: what stands after their numbers and a colon."""

    first: int
    last: int
    text: str


def differences(
    *, epoch: Path, files: Sequence[File], size: int, root: bytes, good: int, bad: int
) -> Iterator[Difference]:
    """Yield where the entries in `files` differ from the signed tree of `size` entries with `root`.

    `good` is the largest size whose signed root agrees with the entries, `bad` the smallest larger one that doesn't.
    Raises OSError for a file that can't be read.
    """
    signed = _signed_leaves(epoch, size, root)
    if signed is None:
        where = f"the first change lies among {good}–{bad - 1}, and " if bad < size else ""
        yield Difference(
            good, size - 1, f"this isn't what was signed; {where}nothing from {good} on can be vouched for"
        )
        return
    yield from _compare(signed, _found_leaves(files))


def _signed_leaves(epoch: Path, size: int, root: bytes) -> list[bytes] | None:
    """Return the leaf hashes that lie beside the entries, if they are the ones that were signed."""
    path = epoch / LEAF_HASHES
    if not path.is_file() or path.stat().st_size < size * HASH_BYTES:
        return None
    with path.open("rb") as file:
        data = file.read(size * HASH_BYTES)
    hashes = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
    return hashes if root_of(hashes) == root else None


def _found_leaves(files: Sequence[File]) -> Iterator[tuple[int, bytes]]:
    """Yield each line's number and hash. A file with too many lines says some numbers that the next one says too."""
    for file in files:
        lines = (line for piece in pieces(_bytes(file.path)) for line in piece.removesuffix(b"\n").split(b"\n"))
        yield from ((number, leaf_hash(line)) for number, line in enumerate(lines, file.first))


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _compare(signed: Sequence[bytes], lines: Iterable[tuple[int, bytes]]) -> Iterator[Difference]:
    places = {leaf: number for number, leaf in enumerate(signed)}
    # Beyond the signed ones lie perhaps newer ones, and perhaps some that others were put in front of.
    found = [(number, leaf) for number, leaf in lines if number < len(signed) or leaf in places]
    there = {leaf for _number, leaf in found}
    strange = {number for number, leaf in found if leaf not in places}
    lost = [number for number, leaf in enumerate(signed) if leaf not in there]
    gone = "removed, or changed and moved" if strange else "removed"
    for first, last in spans(lost):
        yield Difference(first, last, "changed" if strange.issuperset(range(first, last + 1)) else gone)
    order = [places[leaf] for _number, leaf in found if leaf in places]
    for first, last in _tangles(order):
        yield Difference(first, last, "said twice" if first == last else "not in the order that was signed")
    for first, last in spans(sorted(strange.difference(lost))):
        yield Difference(first, last, "never signed")


def _tangles(order: Sequence[int]) -> list[tuple[int, int]]:
    """Return the ranges of numbers that `order` doesn't have in ascending order."""
    found: list[tuple[int, int]] = []
    for first, last in sorted((after, before) for before, after in pairwise(order) if after <= before):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found
