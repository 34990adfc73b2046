"""Signed notes (C2SP signed-note) with the two kinds of signature in use here, both Ed25519.

A log signs the note's text (0x01); a witness signs the text together with a time (0x04, C2SP tlog-cosignature).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .verdict import Undecided

LOG, WITNESS = 0x01, 0x04
LONGEST_NOTE = 1_000_000
MOST_SIGNATURES = 100
_DASH = "\N{EM DASH} "
_KEY_BYTES, _SIGNATURE_BYTES, _TIME_BYTES = 32, 64, 8
_LAST_TIME = 2**63 - 1


@dataclass(frozen=True)
class Key:
    """A public key with its name. `kind` is LOG or WITNESS; written as a "vkey": name+id+base64."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that tell signatures of this key from others. They prove nothing."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode64(bytes([self.kind]) + self.public)}"

    def verifies(self, text: str, signature: Signature) -> bool:
        """Return whether this key made the signature over `text`."""
        expected = _SIGNATURE_BYTES + (_TIME_BYTES if self.kind == WITNESS else 0)
        if (signature.name, signature.key_id, len(signature.value)) != (self.name, self.id, expected):
            return False
        message = text.encode()
        if self.kind == WITNESS:
            if signature.at > _LAST_TIME:
                return False
            message = cosigned(text, signature.at)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature.value[-_SIGNATURE_BYTES:], message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signature:
    """One signature line. `value` is what follows the key id; a witness's begins with the time."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def at(self) -> int:
        """When a witness signed, in seconds since 1970. Only worth something once the signature is verified."""
        return int.from_bytes(self.value[:_TIME_BYTES], "big")

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {encode64(self.key_id + self.value)}\n"


@dataclass(frozen=True)
class Note:
    """A text with the signatures under it. The text means nothing until one of them is verified."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(str(one) for one in self.signatures)}"

    def encode(self) -> bytes:
        """Return the note as bytes."""
        return str(self).encode()

    def of(self, key: Key) -> list[Signature]:
        """Return the signatures that claim to be made with `key`."""
        return [one for one in self.signatures if (one.name, one.key_id) == (key.name, key.id)]

    def signed_by(self, *more: Signature) -> Note:
        """Return the note with further signatures under it; a newer one replaces an older one of its key."""
        new = {(one.name, one.key_id) for one in more}
        kept = [one for one in self.signatures if (one.name, one.key_id) not in new]
        return Note(self.text, (*kept, *more))


def cosigned(text: str, at: int) -> bytes:
    """Return what a witness signs: the text as it was at `at`, seconds since 1970 (C2SP tlog-cosignature)."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def read_key(vkey: str) -> Key:
    """Read a public key in vkey form. Raises Undecided when it isn't one, or of a kind that isn't known here."""
    parts = vkey.split("+", 2)
    raw = decode64(parts[2]) if len(parts) == 3 else None
    if raw is None or not is_key_name(parts[0]):
        raise Undecided(f"“{vkey}” isn't a public key: name+id+base64 was expected.")
    if raw[:1] not in (bytes([LOG]), bytes([WITNESS])) or len(raw) != 1 + _KEY_BYTES:
        raise Undecided(f"The key of {parts[0]} is of a kind that isn't known here (Ed25519 is).")
    key = Key(parts[0], raw[0], raw[1:])
    if parts[1] != key.id.hex():
        raise Undecided(f"The key of {key.name} has the id {parts[1]}, but its bytes have {key.id.hex()}: a slip.")
    return key


def read_note(data: bytes) -> Note:
    """Read a signed note. Raises Undecided when it isn't one."""
    try:
        whole = data[: LONGEST_NOTE + 1].decode()
    except UnicodeDecodeError as wrong:
        raise Undecided("The signed note isn't UTF-8.") from wrong
    if len(data) > LONGEST_NOTE or any(letter < " " and letter != "\n" for letter in whole):
        raise Undecided("The signed note is too long or holds control characters.")
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise Undecided("The signed note has no signature lines after its last blank line.")
    return Note(text + "\n", read_signatures(lines))


def read_signatures(lines: str) -> tuple[Signature, ...]:
    """Read signature lines, each with its newline. Raises Undecided when they aren't that."""
    found = lines.removesuffix("\n").split("\n")
    if len(found) > MOST_SIGNATURES:
        raise Undecided(f"There are more than {MOST_SIGNATURES} signatures.")
    return tuple(_signature(line) for line in found)


def _signature(line: str) -> Signature:
    name, _, value = line.removeprefix(_DASH).partition(" ")
    raw = decode64(value)
    if not line.startswith(_DASH) or not is_key_name(name) or raw is None or len(raw) <= 4:
        raise Undecided("A signature line isn't “— name base64”.")
    return Signature(name, raw[:4], raw[4:])


def is_key_name(name: str) -> bool:
    """Return whether a key may have this name: not empty, no spaces of any kind, no plus."""
    return bool(name) and "+" not in name and not any(letter.isspace() or letter < " " for letter in name)


def encode64(raw: bytes) -> str:
    """Return bytes in base 64 (RFC 4648, section 4)."""
    return base64.b64encode(raw).decode("ascii")


def decode64(text: str) -> bytes | None:
    """Return the bytes of a text in base 64, or None for anything that isn't their one right form."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Stray bits at the end would give one hash two spellings.
    return raw if encode64(raw) == text else None
