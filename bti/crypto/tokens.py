"""Secrets that are handed out once and kept only as fingerprints, and keys that can't be read back."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_TOKEN_BYTES = 32
# No letter that is taken for a digit, and no digit that is taken for a letter: they are copied by hand.
_WRITTEN = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_LENGTH = 16


def new_token() -> str:
    """Return 256 random bits as 43 signs that fit in a cookie."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def fingerprint(secret: str) -> str:
    """Return what to keep of a random secret: its SHA-256 in hex.

    Only for secrets of ours with 78 random bits or more; what people choose goes through `passwords`.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def blind(key: str, *parts: str) -> str:
    """Return 64 hex digits that stand for `parts` and tell nothing about them to whoever lacks `key`."""
    told = b"".join(len(one).to_bytes(4, "big") + one for one in (p.encode("utf-8", "surrogatepass") for p in parts))
    return hmac.new(key.encode(), told, hashlib.sha256).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Return whether two secrets are equal, in a time that doesn't tell how much of them is."""
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "surrogatepass"))


def new_recovery_code() -> str:
    """Return 16 signs (79 random bits) in groups of four, to be written down."""
    signs = "".join(secrets.choice(_WRITTEN) for _ in range(_CODE_LENGTH))
    return "-".join(signs[start : start + 4] for start in range(0, _CODE_LENGTH, 4))


def bare_code(typed: str) -> str:
    """Return a code as it is kept, however it was typed: without spaces and hyphens, in small letters."""
    return "".join(sign for sign in typed.lower() if sign.isalnum())
