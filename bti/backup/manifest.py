"""What a backup says of itself: which schema, when, how many rows, and the SHA-256 of each of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bti.config import Misconfigured
from bti.private import write_new

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Table:
    """A table of a backup, with its columns in the order in which they were written."""

    name: str
    rows: int
    columns: Sequence[str]


@dataclass(frozen=True)
class Written:
    """A file of a backup, as it was when it was written."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup is. `kind` is the database's, `schema` its revision. No table comes before one it refers to."""

    kind: str
    schema: str
    taken_at: datetime
    tables: Sequence[Table]
    files: Sequence[Written]

    @property
    def rows(self) -> int:
        """How many rows there are in all tables."""
        return sum(table.rows for table in self.tables)


def write(folder: Path, *, kind: str, schema: str, taken_at: datetime, tables: Sequence[Table]) -> Manifest:
    """Describe the files that lie in `folder`, and make the folder a backup by that."""
    files = [_written(file) for file in sorted(folder.iterdir())]
    found = Manifest(kind, schema, taken_at.astimezone(UTC), tables, files)
    text = json.dumps({"format": FORMAT, **asdict(found), "taken_at": found.taken_at.isoformat()}, indent=1)
    write_new(folder / NAME, text.encode("utf-8") + b"\n")
    return found


def read(folder: Path) -> Manifest:
    """Return what a backup says of itself. Raises Misconfigured when it isn't one, or was never finished."""
    try:
        found = json.loads((folder / NAME).read_bytes())
        if found["format"] != FORMAT:
            raise Misconfigured([f"The backup in {folder} is written in a way that this version doesn't know."])
        return Manifest(
            str(found["kind"]),
            str(found["schema"]),
            datetime.fromisoformat(found["taken_at"]),
            [Table(str(one["name"]), int(one["rows"]), [str(c) for c in one["columns"]]) for one in found["tables"]],
            [Written(_plain(one["name"]), int(one["bytes"]), str(one["sha256"])) for one in found["files"]],
        )
    except OSError as wrong:
        problem = f"{folder} isn't a finished backup: its {NAME} can't be read ({wrong.strerror})."
        raise Misconfigured([problem]) from wrong
    except (ValueError, KeyError, TypeError) as wrong:
        raise Misconfigured([f"The backup in {folder} is damaged: its {NAME} doesn't say what it should."]) from wrong


def _plain(name: str) -> str:
    if name != Path(name).name:
        raise ValueError("a file of a backup lies in its folder")
    return name


def require_whole(folder: Path, found: Manifest, names: Iterable[str]) -> None:
    """Raise Misconfigured, naming each file of `names` or the manifest that is missing or isn't what was written."""
    unknown = sorted(set(names) - {told.name for told in found.files})
    problems = [f"The backup is damaged: its {NAME} doesn't tell of {name}." for name in unknown]
    for told in found.files:
        try:
            now = _written(folder / told.name)
        except OSError as wrong:
            problems.append(f"The backup is damaged: {folder / told.name} can't be read: {wrong.strerror}.")
            continue
        if now != told:
            problems.append(f"The backup is damaged: {folder / told.name} isn't what was written.")
    if problems:
        raise Misconfigured([*problems, "Nothing was restored."])


def _written(file: Path) -> Written:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return Written(file.name, file.stat().st_size, digest)
