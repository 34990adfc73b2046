"""What an entry of the log is: canonical JSON, so that its bytes can be read in one way only.

An object in UTF-8 with sorted keys (lower case words), no spaces between tokens, strings in NFC, whole numbers that
every reader can hold (RFC 7493), no fraction, at most 65,535 bytes. It has `at` (like every moment, which ends in
`_at`: RFC 3339 in UTC with six decimals) and `event`. An entry of a case also has all three of

- `case`: the case's id,
- `case_seq`: 1 for the case's first entry, then one more for each,
- `case_prev`: the leaf hash, in hex, of the case's entry before; zeros in the first.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

LONGEST_ENTRY = 65_535
NOTHING_BEFORE = "0" * 64
MOMENT = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"
KEY = r"[a-z][a-z0-9_]*"
LARGEST_NUMBER = 2**53 - 1
CHAIN = ("case", "case_prev", "case_seq")

_MOMENT = re.compile(MOMENT)
_KEY = re.compile(KEY)
_HASH = re.compile(r"[0-9a-f]{64}")


class NotCanonical(ValueError):
    """These bytes, or this value, aren't an entry in its one right form. The message says why."""


class Link(NamedTuple):
    """An entry's place in its case: the case, the number within it, the hash of the entry before, in hex."""

    case: str
    seq: int
    prev: str


def encode(entry: Mapping[str, Any]) -> bytes:
    """Return an entry's canonical bytes. Raises NotCanonical for what has no such form."""
    _check(entry)
    try:
        data = _dump(entry).encode()
    except UnicodeEncodeError as wrong:
        raise NotCanonical("a string holds half a character") from wrong
    if len(data) > LONGEST_ENTRY:
        raise NotCanonical(f"the entry has {len(data)} bytes, at most {LONGEST_ENTRY} are allowed")
    return data


def decode(data: bytes) -> dict[str, Any]:
    """Return the entry in these bytes. Raises NotCanonical when they aren't its canonical form."""
    try:
        text = data[: LONGEST_ENTRY + 1].decode()
        entry = json.loads(text, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError) as wrong:
        raise NotCanonical("it isn't JSON in UTF-8, has a fraction or is too long") from wrong
    if not isinstance(entry, dict):
        raise NotCanonical("it isn't an object")
    # Spelling it again finds what parsing forgives: keys said twice or out of order, spaces, escapes, 0 below zero.
    if encode(entry) != data:
        raise NotCanonical("it could be spelt otherwise")
    return entry


def link_of(entry: Mapping[str, Any]) -> Link | None:
    """Return an entry's place in its case, None when it has no case. Raises NotCanonical for half a link."""
    found = [entry.get(key) for key in CHAIN]
    if not any(key in entry for key in CHAIN):
        return None
    case, prev, seq = found
    whole = isinstance(case, str) and isinstance(prev, str) and isinstance(seq, int) and not isinstance(seq, bool)
    if not whole or not case or not isinstance(seq, int) or seq < 1 or not _HASH.fullmatch(str(prev)):
        raise NotCanonical("its case, case_seq and case_prev aren't a case, a number from 1 and a hash")
    return Link(str(case), seq, str(prev))


def _dump(value: Any) -> str:
    return _encoder.encode(value)


_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _refuse(_found: str) -> NoReturn:
    raise NotCanonical("it has a fraction")


def _check(entry: Mapping[str, Any]) -> None:
    try:
        _check_value(entry, "")
    except RecursionError as wrong:
        raise NotCanonical("it is nested too deeply") from wrong
    for key in ("at", "event"):
        if not isinstance(entry.get(key), str):
            raise NotCanonical(f"it has no {key}")
    link_of(entry)


def _check_value(value: Any, key: str) -> None:
    if is_moment(key) and value is not None and not (isinstance(value, str) and _MOMENT.fullmatch(value)):
        raise NotCanonical(f"{key} isn't a moment in UTC with six decimals")
    if isinstance(value, str):
        if not unicodedata.is_normalized("NFC", value):
            raise NotCanonical("a string isn't in NFC")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str) or not _KEY.fullmatch(name):
                raise NotCanonical("a key isn't a lower case word")
            _check_value(inner, name)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_value(inner, "")
    elif isinstance(value, bool) or value is None:
        pass
    elif not isinstance(value, int) or abs(value) > LARGEST_NUMBER:
        raise NotCanonical("a value is neither text, a whole number below 2^53, true, false, null, list nor object")


def is_moment(key: str) -> bool:
    """Return whether a member with this key holds a moment."""
    return key == "at" or key.endswith("_at")
