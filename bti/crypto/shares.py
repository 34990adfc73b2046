"""Recovery shares: the master key in three parts of which any two restore it, and one alone tells nothing.

Shamir's secret sharing over GF(256), the field of AES: each byte is the value at 0 of a random line, a share is its
value at 1, 2 or 3. Written down by hand, in groups, with a checksum against slips of the pen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from bti.crypto.master import KEY_BYTES, key_id

SHARES = 3
NEEDED = 2
_POLYNOMIAL = 0x11B
_CHECK_BYTES = 3
_GROUP = 4


class BadShare(Exception):
    """A share that can't be used. `code` is `not_a_share`, `slip`, `same_share`, `other_key` or `wrong_key`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Share:
    """One of the three parts: which one, of which key, and its bytes."""

    number: int
    key_id: str
    value: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The share as it is written down."""
        data = base64.b32encode(self.value + _check(self.number, self.key_id, self.value)).decode("ascii")
        signs = data.rstrip("=").lower()
        groups = [signs[start : start + _GROUP] for start in range(0, len(signs), _GROUP)]
        return " ".join([f"stafett-{self.number}-{self.key_id}", *groups])


def split(secret: bytes) -> tuple[Share, ...]:
    """Return three shares of a master key."""
    slope = os.urandom(len(secret))
    return tuple(
        Share(number, key_id(secret), bytes(s ^ multiplied(number, a) for s, a in zip(secret, slope, strict=True)))
        for number in range(1, SHARES + 1)
    )


def joined(shares: Sequence[Share]) -> bytes:
    """Return the master key that two different shares were made of.

    Raises BadShare (`same_share`, `other_key` for shares of two keys, `wrong_key` when they lead to none).
    """
    one, other = shares[:NEEDED]
    if one.number == other.number:
        raise BadShare("same_share")
    if one.key_id != other.key_id:
        raise BadShare("other_key")
    # The line through both, at 0. In this field minus is plus.
    between = inverted(one.number ^ other.number)
    to_one, to_other = multiplied(other.number, between), multiplied(one.number, between)
    pairs = zip(one.value, other.value, strict=True)
    secret = bytes(multiplied(a, to_one) ^ multiplied(b, to_other) for a, b in pairs)
    if key_id(secret) != one.key_id:
        raise BadShare("wrong_key")
    return secret


def read_share(text: str) -> Share:
    """Return the share that somebody has typed. Raises BadShare (`not_a_share`, `slip`)."""
    words = text.strip().lower().split()
    head = words[0].split("-") if words else []
    if len(head) != 3 or head[0] != "stafett" or head[1] not in ("1", "2", "3"):
        raise BadShare("not_a_share")
    # What base 32 leaves out is what is taken for something else.
    signs = "".join(words[1:]).replace("-", "").replace("0", "o").replace("1", "l").replace("8", "b")
    try:
        data = base64.b32decode(signs.upper() + "=" * (-len(signs) % 8))
    except (binascii.Error, ValueError):
        raise BadShare("slip") from None
    value, check = data[:KEY_BYTES], data[KEY_BYTES:]
    if check != _check(int(head[1]), head[2], value):
        raise BadShare("slip")
    return Share(int(head[1]), head[2], value)


def _check(number: int, of_key: str, value: bytes) -> bytes:
    return hashlib.sha256(f"{number}-{of_key}-".encode() + value).digest()[:_CHECK_BYTES]


# --- the field ----------------------------------------------------------------------------------------------------


def multiplied(one: int, other: int) -> int:
    """Return the product of two elements of GF(256), reduced by x⁸+x⁴+x³+x+1 (FIPS 197, 4.2)."""
    product = 0
    while other:
        if other & 1:
            product ^= one
        one <<= 1
        if one & 0x100:
            one ^= _POLYNOMIAL
        other >>= 1
    return product


def inverted(one: int) -> int:
    """Return what gives 1 when multiplied by `one`, which isn't 0: its 254th power."""
    result, power = 1, one
    for _ in range(7):
        power = multiplied(power, power)
        result = multiplied(result, power)
    return result
