"""Where a log differs from what was signed: the narrowest range of entries that can be named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    yield from _compare(signed, _found_leaves(files, size))


def _signed_leaves(epoch: Path, size: int, root: bytes) -> list[bytes] | None:
    """Return the leaf hashes that lie beside the entries, if they are the ones that were signed."""
    path = epoch / LEAF_HASHES
    if not path.is_file() or path.stat().st_size < size * HASH_BYTES:
        return None
    with path.open("rb") as file:
        data = file.read(size * HASH_BYTES)
    hashes = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
    return hashes if root_of(hashes) == root else None


def _found_leaves(files: Sequence[File], size: int) -> dict[int, bytes]:
    found = {}
    for file in files:
        lines = (line for piece in pieces(_bytes(file.path)) for line in piece.removesuffix(b"\n").split(b"\n"))
        for number, line in enumerate(lines, file.first):
            if number < size:
                found[number] = leaf_hash(line)
    return found


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _compare(signed: Sequence[bytes], found: dict[int, bytes]) -> Iterator[Difference]:
    there, known = set(found.values()), set(signed)
    wrong = [number for number, leaf in enumerate(signed) if found.get(number) != leaf]
    lost = [number for number in wrong if signed[number] not in there]
    strange = [number for number, leaf in found.items() if leaf not in known]
    for first, last in spans(lost):
        in_place = all(number in found and found[number] not in known for number in range(first, last + 1))
        yield Difference(first, last, "changed" if in_place else "removed, or changed and moved")
    if wrong and not lost:
        text = "not in the order that was signed"
        yield Difference(wrong[0], wrong[-1], text)
    placed = set(lost)
    for first, last in spans(sorted(number for number in strange if number not in placed)):
        yield Difference(first, last, "never signed")
