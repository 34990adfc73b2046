"""A small audit log to try the verifier on: entries of a few invented cases, its keys, its heads, its export."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bti.audit.bundle import begin, write_epoch
from bti.crypto.signing import SigningKey, make_log_key, make_witness_key
from bti.verifier.checkpoint import Checkpoint
from bti.verifier.entries import NOTHING_BEFORE, encode
from bti.verifier.note import Note
from bti.verifier.policy import Policy, read_policy
from bti.verifier.proof import ConsistencyProof, InclusionProof
from bti.verifier.tree import Tree, consistency_proof, inclusion_proof, leaf_hash

ORIGIN = "fjordvik.example/stafett"
COUNTY = "county.example/witness"
AT = 1_795_000_000


class Log:
    """A log with a key of its own, as large as it was made to grow."""

    def __init__(self, home: Path, *, origin: str = ORIGIN, seed: int = 1) -> None:
        self.home, self.origin = home, origin
        self.key: SigningKey = make_log_key(home / f"key-{origin.replace('/', '-')}", origin=origin)
        self.entries: list[bytes] = []
        self.tree = Tree()
        self.cases: dict[str, tuple[int, str]] = {}
        self._made = random.Random(seed)

    def grow(self, count: int) -> Log:
        """Add entries of seven cases, every fourth of no case, and return the log."""
        for _ in range(count):
            number = len(self.entries)
            if number % 4 == 3:
                self.append(event="session.login", fields={"method": "oidc"})
            else:
                self.append(event="case.read", fields={"part": "page", "view": "full"}, case=f"case{number % 7}")
        return self

    def append(self, *, event: str, fields: dict[str, Any], case: str | None = None, **more: Any) -> bytes:
        """Add one entry, chained when it is of a case, and return its bytes."""
        number = len(self.entries)
        entry = {
            "actor": f"person{self._made.randrange(9)}",
            "at": f"2026-11-25T12:{number // 60 % 60:02}:{number % 60:02}.000000Z",
            "decision": "allowed",
            "event": event,
            "fields": fields,
            **more,
        }
        if case is not None:
            seq, prev = self.cases.get(case, (0, NOTHING_BEFORE))
            entry |= {"case": case, "case_seq": seq + 1, "case_prev": prev}
        data = encode(entry)
        if case is not None:
            self.cases[case] = (seq + 1, leaf_hash(data).hex())
        self.entries.append(data)
        self.tree.append(leaf_hash(data))
        return data

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """Return the head of the first `size` entries, or of all."""
        size = len(self.entries) if size is None else size
        return Checkpoint(self.origin, size, self.tree.root(size))

    def note(self, size: int | None = None, *, witness: SigningKey | None = None) -> Note:
        """Return that head signed, and signed by `witness` too if one is given."""
        note = self.key.sign_checkpoint(self.checkpoint(size))
        return note.signed_by(witness.cosign(note.text, at=AT)) if witness else note

    def inclusion(self, index: int, size: int | None = None) -> InclusionProof:
        """Return the proof that entry `index` is in the log."""
        size = len(self.entries) if size is None else size
        return InclusionProof(index, tuple(inclusion_proof(index, size, self.tree.node)), self.note(size))

    def consistency(self, old: int, new: int | None = None) -> ConsistencyProof:
        """Return the proof that the head of `new` entries grew out of that of `old`."""
        new = len(self.entries) if new is None else new
        return ConsistencyProof(old, tuple(consistency_proof(old, new, self.tree.node)), self.note(new))

    def export(
        self,
        folder: Path,
        *,
        number: int = 1,
        entries: Iterable[bytes] | None = None,
        size: int | None = None,
        hashes: Sequence[bytes] | None = None,
        earlier: Iterable[int] = (),
        note: Note | None = None,
    ) -> Path:
        """Write the log out, or what somebody made of it: other `entries`, `hashes`, or head."""
        if number == 1:
            begin(folder)
        write_epoch(
            folder,
            number=number,
            checkpoint=(note or self.note(size)).encode(),
            entries=self.entries[:size] if entries is None else entries,
            leaf_hashes=self.tree.levels[0][:size] if hashes is None else hashes,
            earlier=[self.note(one).encode() for one in earlier],
        )
        return folder

    def policy(self, *more: str) -> Policy:
        """Return a policy that believes this log's key, with further lines; no witnesses unless they say so."""
        return read_policy(self.policy_text(*more).encode())

    def policy_text(self, *more: str) -> str:
        """Return the same as text."""
        quorum = () if any(line.startswith("quorum") for line in more) else ("quorum none",)
        return "\n".join([f"log {self.key.public}", *more, *quorum, ""])


def county(home: Path, name: str = COUNTY) -> SigningKey:
    """Return a witness's key, made in `home`."""
    return make_witness_key(home / f"witness-{name.replace('/', '-')}", name=name)
