"""The folder of BTI_LOG: each log's private keys, and the last head that was signed with each.

It lies outside the database and its backup, for a restored database must not take the memory of what was signed back.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bti.config import Misconfigured
from bti.crypto.signing import SigningKey, load_log_key, make_log_key
from bti.witness.heads import Heads

_KEY = re.compile(r"(?P<whose>.+)\.(?P<number>[0-9]{4})\.key")


class LogFolder:
    """Keys and memory of the logs of one installation, in a folder that is made if it isn't there.

    With `is_made=False` it must be there. Raises Misconfigured when it can't be used.
    """

    def __init__(self, path: Path, *, is_made: bool = True) -> None:
        self.path = path
        self._keys = path / "keys"
        if not is_made and not self._keys.is_dir():
            raise Misconfigured([f"{path} isn't the folder of a log's keys, or this user may not look into it."])
        try:
            # Not with `parents`: those it makes are for everybody.
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in (path, self._keys):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as wrong:
            raise Misconfigured([f"The folder {path} can't be used: {wrong.strerror}."]) from wrong
        self.heads = Heads(path / "heads")

    def key(self, municipality_id: str, epoch: int) -> SigningKey:
        """Return the key of a tree. Raises Misconfigured when it isn't there or others may read it."""
        return load_log_key(self._file(municipality_id, epoch))

    def key_made(self, municipality_id: str, epoch: int, *, origin: str) -> SigningKey:
        """Return the key of a tree, made now if it wasn't; one that is there keeps the name it has."""
        file = self._file(municipality_id, epoch)
        return load_log_key(file) if file.exists() else make_log_key(file, origin=origin)

    def epochs(self, municipality_id: str) -> list[int]:
        """Return the numbers of the trees that have a key here."""
        found = (_KEY.fullmatch(file.name) for file in self._keys.iterdir())
        return sorted(int(one["number"]) for one in found if one and one["whose"] == municipality_id)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody else run with this folder meanwhile. Raises Misconfigured when somebody does."""
        with os.fdopen(os.open(self.path / "running", os.O_RDWR | os.O_CREAT, 0o600)) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as wrong:
                told = f"Another sequencer is at work with {self.path}: one is enough for all municipalities."
                raise Misconfigured([told]) from wrong
            yield

    def _file(self, municipality_id: str, epoch: int) -> Path:
        return self._keys / f"{municipality_id}.{epoch:04}.key"
