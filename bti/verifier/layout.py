"""How an exported log lies in a folder, a "bundle". Nothing in it is believed before it is checked.

epoch-0001/checkpoint            the newest signed head, with the witnesses' signatures under it
epoch-0001/checkpoints/…         any earlier signed heads, one in each file
epoch-0001/entries/000000.jsonl  entries 0–65,535, each a line of exactly the bytes that were hashed
epoch-0001/entries/000001.jsonl  entries 65,536–131,071, and so on
epoch-0001/leaf_hashes           32 bytes for each entry; may be left out, then less can be said about where
epoch-0002/…                     what was logged after a backup was restored, see `epochs`
manifest.json                    for people; never read
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .verdict import Undecided

CHECKPOINT = "checkpoint"
CHECKPOINTS = "checkpoints"
ENTRIES = "entries"
LEAF_HASHES = "leaf_hashes"
# A power of two, so that a file is a complete subtree and several can be hashed at once.
PER_FILE = 1 << 16
LARGEST_NOTE_FILE = 1_000_000

_EPOCH = re.compile(r"epoch-([0-9]{4})")


@dataclass(frozen=True)
class File:
    """A file of entries: where it lies, the number of its first entry, how many of its lines the checkpoint covers.

    One that isn't there holds nothing.
    """

    path: Path
    first: int
    covered: int


def epoch_name(number: int) -> str:
    """Return the name of an epoch's folder."""
    return f"epoch-{number:04}"


def entries_name(index: int) -> str:
    """Return the name of a file of entries."""
    return f"{index:06}.jsonl"


def epochs_in(bundle: Path) -> list[tuple[int, Path]]:
    """Return the epochs of a bundle with their folders, in order. Raises Undecided when it isn't a bundle."""
    if not bundle.is_dir():
        raise Undecided(f"{bundle} isn't a folder.")
    found = sorted((int(match[1]), path) for path in bundle.iterdir() if (match := _EPOCH.fullmatch(path.name)))
    if not found:
        raise Undecided(f"{bundle} isn't an exported log: it holds no folder {epoch_name(1)}.")
    return found


def read_small(path: Path) -> bytes:
    """Return the bytes of a note or proof. Raises Undecided when it isn't there, can't be read or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_NOTE_FILE + 1)
    except OSError as wrong:
        raise Undecided(f"{path} can't be read: {wrong.strerror}.") from wrong
    if len(data) > LARGEST_NOTE_FILE:
        raise Undecided(f"{path} is too large to be what it should be.")
    return data


def earlier_checkpoints(epoch: Path) -> Iterator[Path]:
    """Yield the files of an epoch's earlier signed heads."""
    folder = epoch / CHECKPOINTS
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_file())


def entry_files(epoch: Path, size: int | None) -> list[File]:
    """Return an epoch's files of entries in order, as far as `size` entries ask for them or lie there.

    One that is missing before the last one has a path that isn't there. Raises Undecided without any folder.
    """
    folder = epoch / ENTRIES
    if not folder.is_dir():
        raise Undecided(f"{folder} isn't there: without entries nothing can be checked.")
    there = [int(path.stem) for path in folder.glob("*.jsonl") if path.stem.isdecimal()]
    last = max([*there, -1 if size is None else (size - 1) // PER_FILE])
    end = (last + 1) * PER_FILE if size is None else size
    return [
        File(folder / entries_name(index), index * PER_FILE, max(0, min(PER_FILE, end - index * PER_FILE)))
        for index in range(last + 1)
    ]
