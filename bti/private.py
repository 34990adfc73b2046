"""Files that nobody but their owner may read: keys, backups, what tells who has read what."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from bti.config import Misconfigured

# Longer than any key is written.
_LONGEST_KEY = 4096


def new_file(file: Path) -> IO[bytes]:
    """Return a new file to write to, which nobody else may read. Raises OSError, also when there is one already."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def write_new(file: Path, data: bytes) -> None:
    """Write a new file that nobody else may read, and have it on disk. Raises OSError as `new_file`."""
    with new_file(file) as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())


def write_key(file: Path, text: str, *, what: str) -> None:
    """Write a key to a new file, never over an old one: what that opens or has signed would be lost.

    `what` is what people call such a file. Raises Misconfigured when it can't be made.
    """
    try:
        write_new(file, text.encode("utf-8"))
    except OSError as wrong:
        raise Misconfigured([f"The {what} {file} can't be made: {wrong.strerror}."]) from wrong


def read_key(file: Path, *, what: str, advice: str = "") -> str:
    """Return what stands in a key file. Raises Misconfigured when it isn't there, or others may read it.

    `advice` says what to do about one that can't be read.
    """
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            data = opened.read(_LONGEST_KEY)
    except OSError as wrong:
        raise Misconfigured([f"The {what} {file} can't be read: {wrong.strerror}.{advice}"]) from wrong
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
        raise Misconfigured([f"Others than its owner may use the {what} {file}: chmod 600 {file}."])
    return data.decode("utf-8", "replace")
