"""A log's head (C2SP tlog-checkpoint): whose log, how many entries, which root."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .note import decode64, encode64
from .tree import HASH_BYTES
from .verdict import Undecided

LARGEST = 2**63 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """A head of the log named `origin`. `extensions` are further lines of another log's: kept, and never believed."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text to sign."""
        return "".join(f"{line}\n" for line in (self.origin, self.size, encode64(self.root), *self.extensions))


def read_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text. Raises Undecided when it isn't one."""
    lines = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or len(lines) < 3 or not all(lines):
        raise Undecided("The checkpoint isn't at least three lines: origin, size, root.")
    origin, size, root = lines[:3]
    raw = decode64(root)
    if raw is None or len(raw) != HASH_BYTES:
        raise Undecided("The checkpoint's third line isn't a SHA-256 hash in base 64.")
    return Checkpoint(origin, read_size(size), raw, tuple(lines[3:]))


def read_size(digits: str) -> int:
    """Read a number of entries. Raises Undecided when it isn't plain decimal digits, or larger than can be."""
    if not _SIZE.fullmatch(digits) or int(digits) > LARGEST:
        raise Undecided(f"“{digits[:40]}” isn't a number of entries.")
    return int(digits)
