"""The log's side of the talk with a witness."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from bti.verifier.note import Key, Note, Signature, read_signatures
from bti.verifier.proof import ConsistencyProof
from bti.verifier.verdict import Undecided
from bti.witness.server import PATH, SIZE_TYPE

PATIENCE_SECONDS = 10
LARGEST_ANSWER = 64 * 1024

# Returns the hashes that lead from a head of so many entries to the one that is to be signed.
ProofFrom = Callable[[int], Sequence[bytes]]


class NotWitnessed(Exception):
    """The witness didn't sign. `status` is its HTTP status, 0 when it couldn't be reached; the message is its own.

    `size` is how many entries the last head has that it saw, when it says so.
    """

    def __init__(self, status: int, text: str, size: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.size = size


def ask(url: str, *, note: Note, size: int, key: Key, old_size: int, proof_from: ProofFrom) -> Signature:
    """Return the verified signature of the witness at `url`, whose key is `key`, under the signed head in `note`.

    `size` is the head's, `old_size` the one this witness is thought to have seen last: if it says otherwise, it is
    asked once more from there. Raises NotWitnessed when it doesn't sign or can't be reached.
    """
    try:
        return _ask(url, ConsistencyProof(old_size, tuple(proof_from(old_size)), note), key)
    except NotWitnessed as refusal:
        if refusal.size is None or refusal.size > size:
            raise
        last = refusal.size
    return _ask(url, ConsistencyProof(last, tuple(proof_from(last)), note), key)


def _ask(url: str, proof: ConsistencyProof, key: Key) -> Signature:
    status, kind, answer = _post(url, str(proof).encode())
    if status == 409 and kind == SIZE_TYPE and answer.strip().isdecimal():
        raise NotWitnessed(status, f"the last head it saw has {answer.strip()} entries", int(answer))
    if status != 200:
        raise NotWitnessed(status, answer.strip()[:200])
    try:
        found = read_signatures(answer)
    except Undecided as wrong:
        raise NotWitnessed(status, f"its answer isn't a signature: {wrong}") from wrong
    good = next((one for one in found if key.verifies(proof.note.text, one)), None)
    if good is None:
        raise NotWitnessed(status, f"its answer isn't a signature of {key.name} over this head")
    return good


def _post(url: str, body: bytes) -> tuple[int, str, str]:
    parts = urlsplit(url)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    if parts.scheme not in kinds or not parts.hostname:
        raise NotWitnessed(0, f"{url} isn't an address")
    connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("POST", parts.path.rstrip("/") + PATH, body, {"Content-Type": "text/plain"})
        answer = connection.getresponse()
        text = answer.read(LARGEST_ANSWER).decode("utf-8", "replace")
        return answer.status, answer.headers.get("Content-Type", ""), text
    except (OSError, http.client.HTTPException) as wrong:
        raise NotWitnessed(0, f"it can't be reached ({type(wrong).__name__})") from wrong
    finally:
        connection.close()
