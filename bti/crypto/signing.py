"""Private keys of logs and witnesses, and what is signed with them. The web process has no business here."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bti.config import Misconfigured
from bti.private import read_key, write_key
from bti.verifier.checkpoint import Checkpoint
from bti.verifier.note import LOG, WITNESS, Key, Note, Signature, cosigned, decode64, encode64, is_key_name

_FILE = "key file"
_MARK = "PRIVATE+KEY"
_SECRET_BYTES = 32
_TIME_BYTES = 8


@dataclass(frozen=True)
class SigningKey:
    """A private key with its public half. The secret stays out of its `repr`."""

    public: Key
    _secret: Ed25519PrivateKey = field(repr=False)

    def sign(self, text: str) -> Signature:
        """Return a log's signature over a note's text. Raises ValueError for a witness's key."""
        self._require(LOG)
        return Signature(self.public.name, self.public.id, self._secret.sign(text.encode()))

    def cosign(self, text: str, *, at: int) -> Signature:
        """Return a witness's signature: the text as it was at `at`, seconds since 1970.

        Raises ValueError for a log's key.
        """
        self._require(WITNESS)
        value = at.to_bytes(_TIME_BYTES, "big") + self._secret.sign(cosigned(text, at))
        return Signature(self.public.name, self.public.id, value)

    def sign_checkpoint(self, checkpoint: Checkpoint) -> Note:
        """Return the signed checkpoint. Raises ValueError when the key isn't named as the log is.

        Only whoever has made sure that the head follows from all heads signed before may ask for this: see
        `bti.witness.heads`.
        """
        if checkpoint.origin != self.public.name:
            raise ValueError(f"the key of {self.public.name} doesn't sign heads of {checkpoint.origin}")
        return Note(checkpoint.text, (self.sign(checkpoint.text),))

    def _require(self, kind: int) -> None:
        if self.public.kind != kind:
            raise ValueError(f"{self.public.name} is a {'witness' if kind == LOG else 'log'}'s key")


def make_log_key(file: Path, *, origin: str) -> SigningKey:
    """Make the key of the log `origin` and write it to a new file that only its owner may read.

    Raises Misconfigured when the file is there already, its folder isn't, or the name has spaces or a plus.
    """
    return _make(file, origin, LOG)


def make_witness_key(file: Path, *, name: str) -> SigningKey:
    """Make a witness's key; as `make_log_key`."""
    return _make(file, name, WITNESS)


def load_log_key(file: Path) -> SigningKey:
    """Load a log's key. Raises Misconfigured when it isn't there, isn't one, or others may read it."""
    return _load(file, LOG)


def load_witness_key(file: Path) -> SigningKey:
    """Load a witness's key; as `load_log_key`."""
    return _load(file, WITNESS)


def _make(file: Path, name: str, kind: int) -> SigningKey:
    if not is_key_name(name):
        raise Misconfigured([f"“{name}” can't be the name of a key: it must have no spaces and no plus."])
    secret = os.urandom(_SECRET_BYTES)
    key = _key(name, kind, secret)
    written = f"{_MARK}+{name}+{key.public.id.hex()}+{encode64(bytes([kind]) + secret)}\n"
    write_key(file, written, what=_FILE)
    return key


def _load(file: Path, kind: int) -> SigningKey:
    parts = read_key(file, what=_FILE).strip().removeprefix(f"{_MARK}+").split("+", 2)
    raw = decode64(parts[2]) if len(parts) == 3 else None
    if raw is None or len(raw) != 1 + _SECRET_BYTES or raw[0] != kind or not is_key_name(parts[0]):
        wanted = "a log's" if kind == LOG else "a witness's"
        raise Misconfigured([f"The key file {file} doesn't hold {wanted} key."])
    key = _key(parts[0], kind, raw[1:])
    if key.public.id.hex() != parts[1]:
        raise Misconfigured([f"The key file {file} is damaged: its key isn't the one that its id names."])
    return key


def _key(name: str, kind: int, secret: bytes) -> SigningKey:
    private = Ed25519PrivateKey.from_private_bytes(secret)
    return SigningKey(Key(name, kind, private.public_key().public_bytes_raw()), private)
