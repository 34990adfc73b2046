"""Reading a run of entry files: everything that can be said about them without knowing what came before.

Runs are read by several processes at once; what they return is small and is put together in order.
"""

from __future__ import annotations

import gc
from binascii import hexlify
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from itertools import count

from .chain import Chains
from .entries import NotCanonical
from .forms import Reader, pieces
from .layout import File
from .tree import pair_up

# In a log of another form every single line is at fault.
MOST_FAULTS = 1_000

# The complete subtrees that some entries fall into, the largest first: (level, hash).
Peaks = list[tuple[int, bytes]]


@dataclass(frozen=True)
class Job:
    """Files to read one after the other. `marks` are sizes of the log at which the root will be wanted."""

    files: tuple[File, ...]
    marks: tuple[int, ...] = ()


@dataclass
class FileSeen:
    """What a file held: covered lines, lines beyond them, and the peaks of its first so many entries."""

    lines: int = 0
    surplus: int = 0
    peaks: dict[int, Peaks] = field(default_factory=dict)


@dataclass
class RunSeen:
    """What a run of files held. `faults` are the numbers of entries that aren't canonical, and why."""

    files: list[FileSeen] = field(default_factory=list)
    chains: Chains = field(default_factory=Chains)
    faults: list[tuple[int, str]] = field(default_factory=list)


def read_run_alone(job: Job) -> RunSeen:
    """Read a run in a process that does nothing else. Raises OSError for a file that can't be read."""
    # What is read here lives until the process ends: looking for what could be freed costs a tenth of the time.
    gc.disable()
    return read_run(job, _reader())


@cache
def _reader() -> Reader:
    """Return this process's reader: what it learned from one run it needn't learn again from the next."""
    return Reader()


def read_run(job: Job, reader: Reader) -> RunSeen:
    """Read a run of files. Raises OSError for one that can't be read."""
    seen = RunSeen()
    for file in job.files:
        here = FileSeen()
        leaves: list[bytes] = []
        for piece in pieces(file.path.read_bytes() if file.path.exists() else b""):
            room = file.covered - len(leaves)
            found = read_lines(reader, piece, file.first + len(leaves), seen, room=room) if room else []
            leaves += found
            if len(found) == room:
                here.surplus += piece.count(b"\n") - len(found)
        here.lines = len(leaves)
        here.peaks = _peaks(leaves, (mark - file.first for mark in job.marks))
        seen.files.append(here)
    return seen


def read_lines(reader: Reader, piece: bytes, number: int, seen: RunSeen, *, room: int) -> list[bytes]:
    """Return the leaf hashes of the first `room` lines of `piece`, the first of which is entry `number`.

    Adds to `seen` what they say about their cases, and which of them aren't canonical.
    """
    rows = reader.rows(piece)
    del rows[room:]
    leaves = [sha256(b"\x00" + row[0]).digest() for row in rows]
    chains, last = seen.chains, seen.chains.last
    for at, (line, case, prev, digits, odd), leaf in zip(count(number), rows, leaves, strict=False):
        if odd or not line:
            case, prev, digits = _read_long(reader, line, at, seen)
        if not case:
            continue
        seq = int(digits)
        before = last.get(case)
        if before is None:
            chains.first[case] = (seq, prev, at)
        elif before[0] + 1 != seq or hexlify(before[1]) != prev:
            chains.compare(case, before, (seq, prev, at))
        last[case] = (seq, leaf, at)
    return leaves


def _read_long(reader: Reader, line: bytes, number: int, seen: RunSeen) -> tuple[bytes, bytes, bytes]:
    try:
        link = reader.long_way(line)
    except NotCanonical as wrong:
        if len(seen.faults) < MOST_FAULTS:
            seen.faults.append((number, str(wrong)))
        return b"", b"", b""
    return (link.case.encode(), link.prev.encode(), b"%d" % link.seq) if link else (b"", b"", b"")


def _peaks(leaves: list[bytes], marks: Iterable[int]) -> dict[int, Peaks]:
    """Return the peaks of the first so many leaves, for all of them and for each mark that falls among them."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        levels.append(pair_up(levels[-1]))
    return {
        mark: [
            (level, levels[level][(mark >> level) - 1])
            for level in reversed(range(mark.bit_length()))
            if mark >> level & 1
        ]
        for mark in {len(leaves), *marks}
        if 0 < mark <= len(leaves)
    }
