"""Writing a log out into a folder that `bti-verify bundle` reads. The form is that of `bti.verifier.layout`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from bti.config import Misconfigured
from bti.private import new_file
from bti.verifier import layout
from bti.verifier.checkpoint import read_checkpoint
from bti.verifier.note import read_note

_DIGITS = 12
# As many lines as are joined before they are written: enough to be fast, few enough to be nothing in memory.
_AT_ONCE = 4_096


def begin(folder: Path) -> None:
    """Make the folder of an export. Raises Misconfigured when something lies there already, or it can't be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise Misconfigured([f"{folder} isn't empty: an export goes into a folder of its own."])
    except OSError as wrong:
        raise Misconfigured([f"The folder {folder} can't be made: {wrong.strerror}."]) from wrong


def write_epoch(
    folder: Path,
    *,
    number: int,
    checkpoint: bytes,
    entries: Iterable[bytes],
    leaf_hashes: Iterable[bytes] = (),
    earlier: Iterable[bytes] = (),
) -> int:
    """Write one epoch of the log into `folder` and return how many entries there were.

    `entries` are the bytes as they were hashed, in the tree's order, read one by one. `leaf_hashes` are the hashes
    kept when the entries were appended, never ones computed now: they say what was signed where the entries don't.
    `earlier` are signed checkpoints; some hundred, spread over the log, narrow down what was changed when there are no
    hashes. Raises ValueError for an entry with a line break, which no canonical entry has.
    """
    epoch = folder / layout.epoch_name(number)
    (epoch / layout.ENTRIES).mkdir(parents=True)
    (epoch / layout.CHECKPOINTS).mkdir()
    for note in earlier:
        size = read_checkpoint(read_note(note).text).size
        _write(epoch / layout.CHECKPOINTS / f"{size:0{_DIGITS}}", [note])
    count = _write_entries(epoch / layout.ENTRIES, iter(entries))
    hashes = iter(leaf_hashes)
    first = next(hashes, None)
    if first is not None:
        _write(epoch / layout.LEAF_HASHES, _together(first, hashes))
    # Last: an epoch that was cut off while it was written has none, and can't pass for a whole one.
    _write(epoch / layout.CHECKPOINT, [checkpoint])
    return count


def write_manifest(folder: Path, told: Mapping[str, Any]) -> None:
    """Write what people may want to know about the export. The verifier never reads it."""
    text = json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True)
    _write(folder / "manifest.json", [f"{text}\n".encode()])


def _write_entries(folder: Path, entries: Iterator[bytes]) -> int:
    count = 0
    while chunk := list(islice(entries, layout.PER_FILE)):
        if any(b"\n" in entry for entry in chunk):
            raise ValueError("an entry has a line break")
        name = layout.entries_name(count // layout.PER_FILE)
        parts = (chunk[at : at + _AT_ONCE] for at in range(0, len(chunk), _AT_ONCE))
        _write(folder / name, (b"\n".join(part) + b"\n" for part in parts))
        count += len(chunk)
    return count


def _together(first: bytes, hashes: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    while part := list(islice(hashes, _AT_ONCE)):
        yield b"".join(part)


def _write(file: Path, parts: Iterable[bytes]) -> None:
    # Whoever is shown who read what must not be everybody on this machine.
    with new_file(file) as opened:
        opened.writelines(parts)
