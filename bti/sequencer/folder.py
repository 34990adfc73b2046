"""The folder of BTI_LOG: each log's private keys, and the last head that was signed with each.

It lies outside the database and its backup, for a restored database must not take the memory of what was signed back.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bti.config import Misconfigured, parse_database_url
from bti.crypto.signing import SigningKey, load_log_key, make_log_key
from bti.witness.heads import Heads

VARIABLE = "BTI_LOG"
_KEY = re.compile(r"(?P<whose>.+)\.(?P<number>[0-9]{4})\.key")


def folder_path(environ: Mapping[str, str]) -> Path:
    """Return the folder of BTI_LOG, or the one beside a SQLite database. Raises Misconfigured when there is neither."""
    given = environ.get(VARIABLE, "").strip()
    if given:
        return Path(given).absolute()
    url = parse_database_url(environ.get("BTI_DATABASE_URL", "").strip())
    if url.get_backend_name() != "sqlite" or not url.database:
        raise Misconfigured(
            [f"{VARIABLE} isn't set: say in which folder the log's keys are, for example /etc/stafett/log."]
        )
    return beside(Path(url.database))


def beside(database: Path) -> Path:
    """Return the folder that belongs to a SQLite database when nothing else is said."""
    return database.absolute().with_name(f"{database.stem}-log")


class LogFolder:
    """Keys and memory of the logs of one installation. Raises Misconfigured when the folder can't be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys = path / "keys"
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
