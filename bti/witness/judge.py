"""What a witness answers to a new head (C2SP tlog-witness, add-checkpoint): its signature, or why not."""

from __future__ import annotations

from bti.crypto.signing import SigningKey
from bti.verifier.note import Note, Signature, read_note
from bti.verifier.policy import Policy
from bti.verifier.proof import ConsistencyProof, read_consistency
from bti.verifier.verdict import Tampered, Undecided
from bti.witness.heads import Forked, Heads, Inconsistent, NotTheLast


class Refusal(Exception):
    """The witness doesn't sign. `status` is the HTTP status that says why; `size` the last head's, if that helps."""

    def __init__(self, status: int, text: str, *, size: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.size = size


class Witness:
    """Signs heads of the logs that `policy` names, with `key`, remembering them in `heads`."""

    def __init__(self, *, key: SigningKey, policy: Policy, heads: Heads) -> None:
        self._key = key
        self._policy = policy
        self._heads = heads

    @property
    def name(self) -> str:
        """The witness's name, which is its key's."""
        return self._key.public.name

    def add_checkpoint(self, request: bytes, *, at: int) -> Signature:
        """Return the signature for the head in a request of the protocol, at `at` seconds since 1970.

        Raises Refusal: 400 for what isn't a request or goes backwards, 403 without the log's good signature, 404 for
        an unknown log, 409 when it doesn't go on from the last head or contradicts it, 422 when the proof is wrong.
        """
        try:
            proof = read_consistency(request)
        except Undecided as wrong:
            raise Refusal(400, str(wrong)) from wrong
        return self._judge(proof, at)

    def sign_file(self, data: bytes, *, at: int) -> Note:
        """Return the signed checkpoint in a file with this witness's signature under it.

        The file holds what `add_checkpoint` takes; a checkpoint alone is enough when it is the first of its log that
        this witness sees, or the last it saw. Raises Refusal as `add_checkpoint` does.
        """
        try:
            proof = read_consistency(data) if data.startswith(b"old ") else self._without_proof(read_note(data))
        except Undecided as wrong:
            raise Refusal(400, str(wrong)) from wrong
        return proof.note.signed_by(self._judge(proof, at))

    def _without_proof(self, note: Note) -> ConsistencyProof:
        last = self._heads.last(note.text.partition("\n")[0])
        return ConsistencyProof(last.size if note.text.startswith(last.text) else 0, (), note)

    def _judge(self, proof: ConsistencyProof, at: int) -> Signature:
        origin = proof.note.text.partition("\n")[0]
        if all(key.name != origin for key in self._policy.logs):
            raise Refusal(404, f"This witness doesn't know the log {origin}.")
        try:
            new = self._policy.open(proof.note.encode()).checkpoint
        except (Undecided, Tampered) as wrong:
            raise Refusal(403, str(wrong)) from wrong
        if proof.old_size > new.size:
            raise Refusal(400, f"A log of {proof.old_size} entries can't become one of {new.size}.")
        try:
            self._heads.advance(new, old_size=proof.old_size, proof=proof.hashes)
        except NotTheLast as wrong:
            raise Refusal(409, f"The last head seen here has {wrong.size} entries.", size=wrong.size) from wrong
        except Forked as wrong:
            raise Refusal(409, f"The log forked: {wrong}.") from wrong
        except Inconsistent as wrong:
            raise Refusal(422, f"The log isn't what it was: {wrong}.") from wrong
        return self._key.cosign(proof.note.text, at=at)
