"""The chain of each case: numbered without a gap, each entry holding the hash of the one before.

It says which entry was changed where the tree only says that one was, and it holds before the tree has grown that far.
"""

from __future__ import annotations

from binascii import hexlify
from dataclasses import dataclass, field
from typing import NamedTuple

from .entries import NOTHING_BEFORE
from .verdict import SHOWN, Report

_NOTHING_BEFORE = NOTHING_BEFORE.encode()
# A log that was cut to pieces breaks everywhere; some breaks tell as much as all.
MOST_BREAKS = 1_000

# An entry in its case: its number there, a hash in hex (`First`: the one it holds of the entry before) or as bytes
# (`Last`: its own), its number in the log. Plain tuples, for there is one of them for each entry that is read.
First = tuple[int, bytes, int]
Last = tuple[int, bytes, int]


class Break(NamedTuple):
    """Where a case's chain is broken: entry `number` doesn't follow from `before`, the one found before it, if any."""

    case: str
    number: int
    before: int | None
    text: str


@dataclass
class Chains:
    """What a run of entries says about its cases, and where one doesn't follow from the other."""

    first: dict[bytes, First] = field(default_factory=dict)
    last: dict[bytes, Last] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)

    def compare(self, case: bytes, before: Last | None, after: First) -> None:
        """Note a break if `after` doesn't follow from `before` (None: the case has no entry before it)."""
        text = _fault(before, after)
        if text and len(self.breaks) < MOST_BREAKS:
            name = case.decode("utf-8", "replace")
            self.breaks.append(Break(name, after[2], before[2] if before else None, text))

    def follow(self, later: Chains) -> None:
        """Go on with the run that comes after this one."""
        for case, first in later.first.items():
            self.compare(case, self.last.get(case), first)
        self.last.update(later.last)
        self.breaks.extend(later.breaks[: MOST_BREAKS - len(self.breaks)])

    def tell(self, report: Report) -> None:
        """Name the broken ones as evidence of tampering: some of them, and how many more there are."""
        for broken in self.breaks[:SHOWN]:
            first = broken.number if broken.before is None else min(broken.before, broken.number)
            text = f"Entry {broken.number} breaks the chain of case {broken.case}: {broken.text}."
            report.tampered(text, first=first, last=max(first, broken.number))
        if len(self.breaks) > SHOWN:
            report.tampered(f"{len(self.breaks) - SHOWN} more chains are broken.")


def _fault(before: Last | None, after: First) -> str:
    seq, prev, _number = after
    expected = before[0] + 1 if before else 1
    if seq > expected:
        missing = "one is missing" if seq == expected + 1 else f"{seq - expected} are missing"
        return f"it is number {seq} of its case, where number {expected} was expected: {missing}"
    if seq < expected:
        return f"it is number {seq} of its case, where number {expected} was expected: it stands in the wrong place"
    if before is None:
        return "" if prev == _NOTHING_BEFORE else "it is the first of its case, but holds the hash of one before it"
    if prev != hexlify(before[1]):
        return f"it doesn't hold the hash of entry {before[2]}, the one before it: one of the two was changed"
    return ""
