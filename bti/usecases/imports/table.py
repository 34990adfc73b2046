"""From the bytes of a file to rows of cells: encoding, separator, headers, quotes. What can't be read is a finding."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from io import StringIO
from typing import Any

from bti.errors import Invalid
from bti.usecases.imports.columns import COLUMNS, Column, column_of
from bti.usecases.imports.report import Finding, excerpt
from bti.usecases.text import clean

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 20_000
# A spreadsheet, a zip archive or a PDF saved under another name.
_NOT_TEXT = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b")


@dataclass(frozen=True)
class Row:
    """One row with its values, or with what is wrong with them. `number` is the row in a spreadsheet."""

    number: int
    cells: dict[str, str]


@dataclass
class Table:
    """A file that was read: rows by column name, the columns it has, and findings that concern its form."""

    kind: str
    rows: list[Row] = field(default_factory=list)
    columns: tuple[Column, ...] = ()
    encoding: str = "utf-8"
    ignored: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Return whether the file has a column of this name; what it hasn't is left as it is."""
        return any(column.name == name for column in self.columns)

    def values(self, row: Row, today: date, findings: list[Finding]) -> dict[str, Any] | None:
        """Return the values of a row, or None after adding everything that is wrong with it to `findings`."""
        found: dict[str, Any] = {}
        before = len(findings)
        for column in self.columns:
            text = row.cells.get(column.name, "")
            try:
                found[column.name] = column.read(text, today)
            except Invalid as wrong:
                code = next(iter(wrong.fields.values()))
                findings.append(Finding(row.number, column.header, code, excerpt(text, secret=column.secret)))
        return found if len(findings) == before else None


def header_of(kind: str, name: str) -> str:
    """Return the documented header of a column."""
    return next(column.header for column in COLUMNS[kind] if column.name == name)


def read(kind: str, content: bytes) -> Table:
    """Return the table in a file of `kind` (units, staff, children, guardians).

    UTF-8 (with or without mark) and Windows-1252 are understood, separators `;`, `,` and tab. Findings of the whole
    file have row 0: `too_large`, `empty_file`, `not_text`, `column_missing`, `column_twice`, `too_many_rows`,
    `no_rows`; of a row: `broken_quotes`, `too_many_cells`.
    """
    if len(content) > MOST_BYTES:
        return _unreadable(kind, "too_large")
    if not content.strip():
        return _unreadable(kind, "empty_file")
    text, encoding = _decode(content)
    if text is None:
        return _unreadable(kind, "not_text")
    table = Table(kind, encoding=encoding)
    _read_rows(table, text)
    return table


def _unreadable(kind: str, code: str) -> Table:
    return Table(kind, findings=[Finding(0, "", code)])


def _decode(content: bytes) -> tuple[str | None, str]:
    if content.startswith(_NOT_TEXT):
        return None, ""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8-sig", "windows-1252"]
    for encoding in candidates:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return unicodedata.normalize("NFC", text), encoding.removesuffix("-sig")
    return None, ""


def _read_rows(table: Table, text: str) -> None:
    first, _, rest = text.partition("\n")
    if first.strip().casefold().startswith("sep=") and len(first.strip()) == 5:
        # Excel's own hint; it counts as a row there, and so here.
        separator, skipped, text = first.strip()[4], 1, rest
    else:
        separator, skipped = _separator(first), 0
    lines = _lines(table, text, separator, skipped)
    headers = next(lines, None)
    if headers is None or not _read_headers(table, headers[1]):
        return
    places = [column_of(table.kind, header) for header in headers[1]]
    for number, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(table.rows) == MOST_ROWS:
            table.findings.append(Finding(0, "", "too_many_rows", str(MOST_ROWS)))
            break
        table.rows.append(_row(table, number, cells, places))
    if not table.rows and not table.findings:
        table.findings.append(Finding(0, "", "no_rows"))


def _separator(first: str) -> str:
    outside = "".join(first.split('"')[::2])
    return max(";,\t", key=outside.count)


def _lines(table: Table, text: str, separator: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    number = skipped
    rows = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        number += 1
        try:
            yield number, next(rows)
        except StopIteration:
            return
        except csv.Error:
            # After a quote that never ends nothing can be told apart any more.
            table.findings.append(Finding(number, "", "broken_quotes"))
            return


def _read_headers(table: Table, headers: list[str]) -> bool:
    places = [column_of(table.kind, header) for header in headers]
    found = [column for column in places if column is not None]
    table.columns = tuple(column for column in COLUMNS[table.kind] if column in found)
    table.ignored = tuple(
        excerpt(clean(header)) for header, column in zip(headers, places, strict=True) if not column and clean(header)
    )
    for column in COLUMNS[table.kind]:
        if column.needed and column not in found:
            table.findings.append(Finding(0, column.header, "column_missing"))
        if found.count(column) > 1:
            table.findings.append(Finding(0, column.header, "column_twice"))
    return not table.findings


def _row(table: Table, number: int, cells: list[str], places: list[Column | None]) -> Row:
    beyond = [cell for cell in cells[len(places) :] if cell.strip()]
    if beyond:
        table.findings.append(Finding(number, "", "too_many_cells", excerpt(beyond[0])))
    return Row(number, {column.name: cell for column, cell in zip(places, cells, strict=False) if column})
