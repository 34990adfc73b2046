"""What the verifier answers with: good (0), tampered (1) or cannot decide (2), and the sentences that say why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

GOOD, TAMPERED, UNDECIDED = 0, 1, 2
# Whoever reads the answer needs to know where to look, not a line for each of a million entries.
SHOWN = 20


class Undecided(Exception):
    """Nothing can be said for or against: something is missing, unreadable or unknown. The message is a sentence."""


class Tampered(Exception):
    """What lies here isn't what was signed. The message is a sentence."""


@dataclass(frozen=True)
class Finding:
    """One sentence about the log. `first` and `last` are the numbers of the entries it is about, when it is known."""

    code: int
    text: str
    first: int | None = None
    last: int | None = None
    epoch: int | None = None


@dataclass
class Report:
    """What was looked at and what was found. `notes` are sentences that don't speak against the log."""

    checked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def code(self) -> int:
        """The exit code. Evidence of tampering weighs more than what couldn't be decided."""
        codes = {finding.code for finding in self.findings}
        return TAMPERED if TAMPERED in codes else UNDECIDED if codes else GOOD

    def tampered(
        self, text: str, *, first: int | None = None, last: int | None = None, epoch: int | None = None
    ) -> None:
        """Add evidence of tampering with entries `first` to `last`."""
        self.findings.append(Finding(TAMPERED, text, first, last, epoch))

    def undecided(self, text: str, *, epoch: int | None = None) -> None:
        """Add a reason why nothing can be said."""
        self.findings.append(Finding(UNDECIDED, text, epoch=epoch))


def spans(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield ascending `numbers` as ranges (first, last)."""
    first = last = None
    for number in numbers:
        if last is None or first is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last


def named(first: int, last: int) -> str:
    """Return how entries `first` to `last` are called in a sentence, for example "entries 512–767"."""
    return f"entry {first}" if first == last else f"entries {first}–{last}"


def capital(text: str) -> str:
    """Return the sentence with a capital letter."""
    return text[:1].upper() + text[1:]


def moment(seconds: int) -> str:
    """Return a time in seconds since 1970 as people write it, or as the number it is when no calendar reaches it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return f"second {seconds}"
