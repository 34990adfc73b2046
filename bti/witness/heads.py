"""The last head of each log, kept where neither a restored database nor a power cut can take it back.

A witness keeps it to see when a log shrinks or forks; the log's own signer keeps it for the same reason, so that a
restored backup can't make it contradict what it has signed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from bti.config import Misconfigured
from bti.verifier.checkpoint import Checkpoint, read_checkpoint
from bti.verifier.tree import EMPTY_ROOT, is_consistent
from bti.verifier.verdict import Undecided


class Inconsistent(Exception):
    """The new head doesn't go on from the one that is remembered."""


class NotTheLast(Inconsistent):
    """The new head goes on from another head than the last. `size` is how many entries the last one has."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the last head has {size} entries")
        self.size = size


class Forked(Inconsistent):
    """There is already another head with as many entries."""


class Heads:
    """A folder with a small file for each log. Several processes may use it at once.

    Raises Misconfigured when the folder can't be used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = folder / "lock"
            self._lock.touch(mode=0o600)
        except OSError as wrong:
            raise Misconfigured([f"The folder {folder} can't be written: {wrong.strerror}."]) from wrong

    def last(self, origin: str) -> Checkpoint:
        """Return the last head of the log `origin`, one of no entries if none is remembered.

        Raises Misconfigured when its file is damaged: nobody knows then what was signed.
        """
        file = self._file(origin)
        try:
            found = read_checkpoint(file.read_text("utf-8"))
        except FileNotFoundError:
            return Checkpoint(origin, 0, EMPTY_ROOT)
        except (OSError, UnicodeDecodeError, Undecided) as wrong:
            raise Misconfigured([f"{file} can't be read or is damaged; it remembers the log {origin}."]) from wrong
        if found.origin != origin:
            raise Misconfigured([f"{file} remembers {found.origin}, not {origin}."])
        return found

    def advance(self, new: Checkpoint, *, old_size: int, proof: Sequence[bytes]) -> None:
        """Remember `new` as the last head of its log, on disk before this returns. The same head again is fine.

        Raises NotTheLast when `old_size` isn't the last head's size, Forked when the last head has as many entries
        but another root, Inconsistent when `proof` doesn't lead from the last head to this one.
        """
        with self._alone():
            last = self.last(new.origin)
            if old_size != last.size:
                raise NotTheLast(last.size)
            if new.size == last.size and new.root != last.root:
                raise Forked(f"another head of {last.size} entries was seen before")
            if not is_consistent(
                old_size=last.size, new_size=new.size, old_root=last.root, new_root=new.root, proof=proof
            ):
                raise Inconsistent(f"the proof doesn't lead from {last.size} entries to {new.size}")
            self._write(Checkpoint(new.origin, new.size, new.root))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Opened anew each time: then the lock also holds between threads of one process.
        with self._lock.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, head: Checkpoint) -> None:
        file = self._file(head.origin)
        fresh = file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
            opened.write(head.text)
            opened.flush()
            os.fsync(opened.fileno())
        fresh.replace(file)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _file(self, origin: str) -> Path:
        # An origin is mostly a URL; its own name says whose it is in the file's first line.
        return self._folder / f"{sha256(origin.encode()).hexdigest()}.head"
