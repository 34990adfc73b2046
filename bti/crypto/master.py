"""The master key: one secret that wraps all other keys, kept in a file or the environment, never with the database."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bti.config import Misconfigured
from bti.private import read_key, write_key

KEY_BYTES = 32
NONCE_BYTES = 12
_FILE = "master key file"
_MARK = "STAFETT-MASTER-KEY"


class WrongKey(Exception):
    """A wrapped key doesn't open: another master key wrapped it, for something else, or it was changed."""


@dataclass(frozen=True)
class Master:
    """A master key. Wrapping is all that is asked of it, so that a key management service can stand in its place.

    `id` tells which key it is without telling anything of it. The secret stays out of its `repr`.
    """

    id: str
    _aead: AESGCM = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> Master:
        """Return the master key with this secret of 32 bytes."""
        return cls(key_id(secret), AESGCM(secret))

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return `key` wrapped for `context`, which says whose key it is: it opens for that alone."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key that was wrapped for `context`. Raises WrongKey."""
        try:
            return self._aead.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as wrong:
            raise WrongKey from wrong


def key_id(secret: bytes) -> str:
    """Return eight hex digits that name a master key."""
    return hashlib.sha256(b"stafett master key\0" + secret).hexdigest()[:8]


def new_secret() -> bytes:
    """Return the secret of a new master key."""
    return AESGCM.generate_key(bit_length=8 * KEY_BYTES)


def written(secret: bytes) -> str:
    """Return a master key as it is written in a file or the environment: a mark, its id and the secret."""
    return f"{_MARK}+{key_id(secret)}+{base64.b64encode(secret).decode('ascii')}"


def read_secret(text: str, *, where: str) -> bytes:
    """Return the secret that `written` wrote. Raises Misconfigured, naming only `where` it was read."""
    parts = text.strip().split("+", 2)
    try:
        secret = base64.b64decode(parts[2] if len(parts) == 3 else "", validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if parts[0] != _MARK or len(secret) != KEY_BYTES:
        raise Misconfigured([f"{where} doesn't hold a master key: bti keys init makes one, bti keys recover restores."])
    if parts[1] != key_id(secret):
        raise Misconfigured([f"{where} is damaged: its key isn't the one that its id names. bti keys recover helps."])
    return secret


def read_file(file: Path) -> bytes:
    """Return the secret in a key file. Raises Misconfigured when it isn't there, isn't one, or others may read it."""
    text = read_key(file, what=_FILE, advice=" bti keys init makes one.")
    return read_secret(text, where=f"The file {file}")


def write_file(file: Path, secret: bytes) -> None:
    """Write a master key to a new file that only its owner may read. Raises Misconfigured when that can't be."""
    write_key(file, f"{written(secret)}\n", what=_FILE)
