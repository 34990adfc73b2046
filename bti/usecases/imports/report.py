"""What an import found and would do or did: numbers, and one message for everything that is wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

# A page with five hundred messages is long enough to see what a file suffers from; all of them are counted.
MOST_FINDINGS = 500
_EXCERPT = 40


@dataclass(frozen=True)
class Finding:
    """One thing wrong with the file. `row` is the row in a spreadsheet (the headers are row 1), 0 the whole file.

    `column` is the documented header, `code` stable and untranslated, `value` the beginning of what stands there;
    `other_row` is the row that it collides with, 0 where there is none.
    """

    row: int
    column: str
    code: str
    value: str = ""
    other_row: int = 0


@dataclass(frozen=True)
class Report:
    """The outcome of checking or running an import.

    `rows` were read; of these `created`, `changed` and `unchanged` say what becomes of them. `missing` counts
    imported children who aren't in the file, `left` those of them who were marked as having left. `encoding` is how
    the file was read, `ignored` the headers that mean nothing here. `findings` holds the first 500 of
    `finding_count`; with any of them nothing is imported.
    """

    kind: str
    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    missing: int = 0
    left: int = 0
    encoding: str = "utf-8"
    ignored: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    finding_count: int = 0

    @property
    def is_good(self) -> bool:
        """Whether everything in the file can be imported."""
        return self.finding_count == 0

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values, to be stored and shown."""
        return asdict(self)


@dataclass
class Plan:
    """What an import will write: (table, row) and (table, id, values), entries for the trail, and the numbers."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    missing: int = 0
    left: int = 0
    findings: list[Finding] = field(default_factory=list)
    inserts: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    updates: list[tuple[Any, str, dict[str, Any]]] = field(default_factory=list)
    told: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)


def excerpt(text: str, *, secret: bool = False) -> str:
    """Return the beginning of a value to show; of a national id only the day of birth, whoever may read the report."""
    if secret:
        return text[:6] + "*" * min(len(text[6:]), 5)
    return text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 1]}…"
