"""Passwords, kept as Argon2id hashes that nobody can read back."""

from __future__ import annotations

import os
import unicodedata

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

SHORTEST_PASSWORD = 12
# Hashing a megabyte would be a way to keep the server busy; a sentence fits.
LONGEST_PASSWORD = 256

# RFC 9106 lets memory go down when passes go up: 32 MiB and three passes take about 60 ms, and sixty people who
# log in at once on a Monday morning still fit in a small server.
_MEMORY_KIB = 32 * 1024
_PASSES = 3
_LANES = 1
_SALT_BYTES = 16
_HASH_BYTES = 32
# Nobody's hash: verifying against it costs what verifying against anybody's costs, and never succeeds.
_NOBODYS = f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}${'A' * 22}${'A' * 43}"


def hash_password(password: str) -> str:
    """Return what to keep of a password: a PHC string with algorithm, costs, salt and hash."""
    kdf = Argon2id(
        salt=os.urandom(_SALT_BYTES),
        length=_HASH_BYTES,
        iterations=_PASSES,
        lanes=_LANES,
        memory_cost=_MEMORY_KIB,
    )
    return kdf.derive_phc_encoded(_bytes(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Return whether `password` is the one that `stored` was made of.

    `stored` is None for an unknown user or one without a password: then the answer is no after the same work, so
    that the time taken doesn't tell which user names exist.
    """
    too_long = len(password) > LONGEST_PASSWORD
    try:
        Argon2id.verify_phc_encoded(_bytes("" if too_long else password), stored or _NOBODYS)
    except (InvalidKey, ValueError):
        # ValueError: what is stored isn't a hash. It opens nothing, and must not become an error page.
        return False
    return stored is not None and not too_long


def _bytes(password: str) -> bytes:
    # The same letters typed on another keyboard or phone must be the same password (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
