"""Proofs as text: that an entry is in the log (C2SP tlog-proof), and that one head grew out of another.

For the latter there is no format of its own; it is the text a witness is given (C2SP tlog-witness): the old size, the
hashes, a blank line, the new checkpoint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .checkpoint import Checkpoint, read_size
from .note import Note, decode64, encode64, read_note
from .policy import Head, Policy
from .tree import HASH_BYTES, is_consistent, is_included, leaf_hash
from .verdict import Tampered, Undecided

FIRST_LINE = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 63
# Before the checkpoint come a few lines of at most one hash each; the extra line may be longer.
LONGEST_PROOF = 2_000_000
_OLD = re.compile(r"old (.*)")
_INDEX = re.compile(r"index (.*)")
_EXTRA = re.compile(r"extra (.+)")


@dataclass(frozen=True)
class InclusionProof:
    """Where an entry stands in the tree of `note`'s checkpoint. `extra` is nobody's word and never believed."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    extra: bytes = b""

    def __str__(self) -> str:
        extra = f"extra {encode64(self.extra)}\n" if self.extra else ""
        return f"{FIRST_LINE}\n{extra}index {self.index}\n{_lines(self.hashes)}\n{self.note}"

    def verify(self, entry: bytes, policy: Policy) -> Head:
        """Return the verified head that `entry` is under. Size and root are the signed ones, the leaf is computed.

        Raises Undecided or Tampered, as `Policy.open` does, and Tampered when the proof doesn't lead to the root.
        """
        head = policy.open(self.note.encode())
        policy.require_witnesses(head)
        size, root = head.checkpoint.size, head.checkpoint.root
        if not is_included(index=self.index, size=size, leaf=leaf_hash(entry), proof=self.hashes, root=root):
            raise Tampered(f"The proof doesn't show that this is entry {self.index} of the {size} that were signed.")
        return head


@dataclass(frozen=True)
class ConsistencyProof:
    """That the head of `old_size` entries grew into the one in `note`: what a log sends to a witness."""

    old_size: int
    hashes: tuple[bytes, ...]
    note: Note

    def __str__(self) -> str:
        return f"old {self.old_size}\n{_lines(self.hashes)}\n{self.note}"

    def shows(self, old: Checkpoint, new: Checkpoint) -> bool:
        """Return whether the hashes lead from the one head to the other."""
        return self.old_size == old.size and is_consistent(
            old_size=old.size, new_size=new.size, old_root=old.root, new_root=new.root, proof=self.hashes
        )

    def verify(self, old: Head, policy: Policy) -> Head:
        """Return the verified new head. Raises Undecided or Tampered as `InclusionProof.verify` does."""
        new = policy.open(self.note.encode())
        policy.require_witnesses(new)
        if new.checkpoint.origin != old.checkpoint.origin:
            raise Undecided(f"The checkpoints are of two logs: {old.checkpoint.origin} and {new.checkpoint.origin}.")
        if not self.shows(old.checkpoint, new.checkpoint):
            raise Tampered(
                f"The log of {new.checkpoint.size} entries isn't shown to begin with the {old.checkpoint.size} "
                "entries of the older checkpoint."
            )
        return new


def read_inclusion(data: bytes) -> InclusionProof:
    """Read a proof that an entry is in the log. Raises Undecided when it isn't one."""
    lines, note = _parts(data)
    if lines[:1] != [FIRST_LINE]:
        raise Undecided(f"The proof's first line isn't “{FIRST_LINE}”.")
    extra = _EXTRA.fullmatch(lines[1]) if len(lines) > 1 else None
    rest = lines[2:] if extra else lines[1:]
    index = _INDEX.fullmatch(rest[0]) if rest else None
    told = decode64(extra[1]) if extra else b""
    if index is None or told is None:
        raise Undecided("The proof doesn't say “index N” where it should, or its extra line isn't base 64.")
    return InclusionProof(read_size(index[1]), _hashes(rest[1:]), note, told)


def read_consistency(data: bytes) -> ConsistencyProof:
    """Read a proof that one head grew out of another. Raises Undecided when it isn't one."""
    lines, note = _parts(data)
    old = _OLD.fullmatch(lines[0]) if lines else None
    if old is None:
        raise Undecided("The proof's first line isn't “old SIZE”.")
    return ConsistencyProof(read_size(old[1]), _hashes(lines[1:]), note)


def _parts(data: bytes) -> tuple[list[str], Note]:
    before, blank, note = data[:LONGEST_PROOF].partition(b"\n\n")
    if not blank:
        raise Undecided("The proof has no blank line with a checkpoint after it.")
    try:
        return before.decode().split("\n"), read_note(note)
    except UnicodeDecodeError as wrong:
        raise Undecided("The proof isn't UTF-8.") from wrong


def _hashes(lines: list[str]) -> tuple[bytes, ...]:
    found = [decode64(line) for line in lines[: MOST_HASHES + 1]]
    if len(found) > MOST_HASHES:
        raise Undecided(f"No proof has more than {MOST_HASHES} hashes.")
    hashes = tuple(one for one in found if one is not None and len(one) == HASH_BYTES)
    if len(hashes) != len(found):
        raise Undecided("A line of the proof isn't a SHA-256 hash in base 64.")
    return hashes


def _lines(hashes: tuple[bytes, ...]) -> str:
    return "".join(f"{encode64(one)}\n" for one in hashes)
