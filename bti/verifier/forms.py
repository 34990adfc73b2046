"""Reading many entries fast: whoever has read one entry the long way knows the next of its form at a glance.

A form says which keys an entry has and what kind of value each holds. It is learned only from bytes that were found
canonical, and matches only bytes that are: the keys stand in it in their order, strings are plain ASCII without
escapes, numbers have one spelling. What no form matches is read the long way; a test holds the two ways together.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from .entries import CHAIN, LONGEST_ENTRY, MOMENT, Link, decode, is_moment, link_of

# The line; then case, case_prev and case_seq, empty when it has no case; then its first byte if no form matched.
Row = tuple[bytes, bytes, bytes, bytes, bytes]

_TEXT = r'"[ !#-\[\]-~]*+"'
# Fewer digits than 2^53 has, so that every match can be held.
_NUMBER = r"(?:0|-?[1-9][0-9]{0,14}+)"
# Any 64 bytes of the line: they are compared with the hash that they should be, digit for digit.
_LINK = r'"case":"([ !#-\[\]-~]++)","case_prev":"(.{64})","case_seq":([1-9][0-9]{0,14}+)'
_NO_LINK = r"()()()"
_CANONICAL_OR_ODD = r"((?:\{%s\})|([^\n]?)[^\n]*+)\n"
# Every entry has one; what stands before it ends in a comma, what stands behind begins with one.
_PIVOT = "event"
# A rare form costs more in all other lines than reading its own the long way.
MOST_FORMS = 80
FIRST_LESSON = 150


def pieces(data: bytes) -> Iterator[bytes]:
    """Yield whole lines of `data`, as many at a time as fit in the processor's cache.

    A line that is longer than an entry may be comes alone, and is longer than any other piece.
    """
    if data and not data.endswith(b"\n"):
        data += b"\n"
    start = 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + LONGEST_ENTRY + 1) + 1 or data.find(b"\n", start) + 1
        yield data[start:end]
        start = end


class Reader:
    """Reads lines and learns their forms on the way."""

    def __init__(self) -> None:
        self._learned = 0
        self._values: dict[str, Counter[str]] = defaultdict(Counter)
        self._since = 0
        self._lesson = FIRST_LESSON
        self._known: re.Pattern[bytes] | None = None

    def rows(self, piece: bytes) -> list[Row]:
        """Return a row for each line of `piece`. Those with a first byte, or an empty line, want `long_way`."""
        if self._since >= self._lesson:
            self._compile()
        if self._known and len(piece) <= LONGEST_ENTRY + 1:
            return self._known.findall(piece)
        return [(line, b"", b"", b"", b"?") for line in piece.removesuffix(b"\n").split(b"\n")]

    def long_way(self, line: bytes) -> Link | None:
        """Return the line's place in its case, None without one. Raises NotCanonical when it isn't an entry."""
        entry = decode(line)
        self._learn(entry)
        return link_of(entry)

    def _learn(self, entry: dict[str, Any]) -> None:
        self._since += 1
        values = _values(entry)
        if values is None:
            return
        self._learned += 1
        for key, form in values.items():
            self._values[key][form] += 1

    def _compile(self) -> None:
        self._since, self._lesson = 0, self._lesson * 2
        if not self._learned:
            return
        parts = [self._part(key) for key in sorted(self._values)]
        if CHAIN[0] not in self._values:
            parts.append(_NO_LINK)
        self._known = re.compile((_CANONICAL_OR_ODD % "".join(parts)).encode())

    def _part(self, key: str) -> str:
        forms = [form for form, _times in self._values[key].most_common(MOST_FORMS)]
        said = forms[0] if len(forms) == 1 else f"(?:{'|'.join(forms)})"
        if key == _PIVOT:
            return said
        said = f"{said}," if key < _PIVOT else f",{said}"
        if self._values[key].total() == self._learned:
            return said
        return f"(?:{said}|)"


def _values(entry: dict[str, Any]) -> dict[str, str] | None:
    """Return the form of each member, the three of the chain as one and `fields` with its event. None: no such form."""
    found = {}
    keys = sorted(entry)
    for key in keys:
        form = _form(entry[key], key)
        if form is None:
            return None
        found[key] = f'"{key}":{form}'
    if CHAIN[0] in entry:
        at = keys.index(CHAIN[0])
        if tuple(keys[at : at + 3]) != CHAIN:
            return None
        for key in CHAIN[1:]:
            del found[key]
        found[CHAIN[0]] = _LINK
    # An event decides which fields there are: tried together, a line meets one form of fields and not all.
    found[_PIVOT] = f'"{_PIVOT}":"{re.escape(entry[_PIVOT])}"'
    if keys[keys.index(_PIVOT) + 1 :][:1] == ["fields"]:
        found[_PIVOT] += f",{found.pop('fields')}"
    return found


def _form(value: Any, key: str) -> str | None:
    if value is None:
        # Where nothing stands now, something may stand in the next entry.
        return f"(?:null|{_TEXT})" if not is_moment(key) else "null"
    if isinstance(value, bool):
        return "(?:true|false)"
    if isinstance(value, int):
        return _NUMBER
    if isinstance(value, str):
        return f'"{MOMENT}"' if is_moment(key) else _TEXT
    if isinstance(value, list):
        return rf"\[(?:{_TEXT}(?:,{_TEXT})*+)?+\]" if all(isinstance(one, str) for one in value) else None
    forms = [(name, _form(inner, name)) for name, inner in sorted(value.items())]
    if any(form is None for _name, form in forms):
        return None
    return r"\{" + ",".join(f'"{name}":{form}' for name, form in forms) + r"\}"
