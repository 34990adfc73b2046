"""What a witness does, as commands ask for it: make its key, answer over HTTP, sign a file by hand."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from bti.clock import utc_now
from bti.config import Misconfigured
from bti.crypto.signing import load_witness_key, make_witness_key
from bti.verifier.note import Key, Note
from bti.verifier.policy import read_policy
from bti.witness.heads import Heads
from bti.witness.judge import Witness
from bti.witness.server import WitnessServer


def make_key(file: Path, *, name: str) -> Key:
    """Make a witness's key in a new file and return its public half. Raises Misconfigured."""
    return make_witness_key(file, name=name).public


def a_witness(*, key: Path, policy: Path, memory: Path) -> Witness:
    """Return the witness with this key file, policy file and folder to remember in.

    Raises Misconfigured, and Undecided for a policy that can't be used.
    """
    try:
        lines = policy.read_bytes()
    except OSError as wrong:
        raise Misconfigured([f"The policy file {policy} can't be read: {wrong.strerror}."]) from wrong
    return Witness(key=load_witness_key(key), policy=read_policy(lines), heads=Heads(memory))


def serve(witness: Witness, *, bind: str, tell: Callable[[str], None]) -> None:
    """Answer logs over HTTP on ADDRESS:PORT until told to stop; `tell` hears where. Raises Misconfigured, OSError."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal():
        raise Misconfigured([f"{bind} isn't ADDRESS:PORT."])
    for asked in (signal.SIGINT, signal.SIGTERM):
        # Whoever starts it in the background may have told it to ignore the first; a service manager sends the other.
        signal.signal(asked, signal.default_int_handler)
    with WitnessServer((host.strip("[]"), int(port)), witness=witness, clock=utc_now) as server:
        try:
            tell(f"Witness {witness.name} on {server.url}")
            server.serve_forever()
        except KeyboardInterrupt:
            return


def sign_file(witness: Witness, file: Path) -> Note:
    """Return the signed checkpoint in a file with the witness's signature under it. Raises Refusal, Misconfigured."""
    try:
        data = file.read_bytes()
    except OSError as wrong:
        raise Misconfigured([f"{file} can't be read: {wrong.strerror}."]) from wrong
    return witness.sign_file(data, at=int(utc_now().timestamp()))
