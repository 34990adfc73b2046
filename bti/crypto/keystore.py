"""The key store: the keys of cases and people, each wrapped by the master key, apart from the database and its dump.

A key in the same dump as what it seals would make erasure by destroying keys an illusion. `Folder` is one file for each
key; whoever has a key management service puts its wrapping in place of `Master`, and its store in place of `Folder`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bti.config import Misconfigured
from bti.private import write_new

_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_STORE_FILE = "store.json"
_KEYS = "keys"


@dataclass(frozen=True)
class Kept:
    """What is kept for one owner (a case, a child, a guardian, a municipality): its wrapped keys by version.

    The newest version seals; older ones open what was sealed before, in the database or in a backup of it. Keys that
    were destroyed leave a mark, so that nobody makes new ones in their place.
    """

    keys: Mapping[int, str] = field(default_factory=dict)
    is_destroyed: bool = False
    # The rotation that gave the newest one.
    turn: int = 0

    @property
    def newest(self) -> int:
        """The version that seals now."""
        return max(self.keys)


class Wrapping(Protocol):
    """What wraps keys: `bti.crypto.master.Master`, or a key management service."""

    @property
    def id(self) -> str:
        """Which key it is, without telling anything of it."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return `key` wrapped for `context`."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key wrapped for `context`. Raises WrongKey."""


class KeyStore(Protocol):
    """Where wrapped keys are kept. What is written is durable when the call returns."""

    def about(self) -> Mapping[str, Any]:
        """Return what the store says of itself. Raises Misconfigured when there is none."""

    def describe(self, about: Mapping[str, Any]) -> None:
        """Write what the store says of itself."""

    def find(self, municipality_id: str, owner: str) -> Kept | None:
        """Return what is kept for an owner, or None."""

    def stamp(self, municipality_id: str, owner: str) -> object:
        """Return something that differs once what is kept for an owner has changed. Cheap."""

    def add(self, municipality_id: str, owner: str, kept: Kept) -> bool:
        """Keep the first key of an owner; False when somebody was faster, and then nothing is written."""

    def replace(self, municipality_id: str, owner: str, kept: Kept) -> None:
        """Keep this in place of what was kept. Only whoever holds `alone` may."""

    def owners(self) -> Iterator[tuple[str, str]]:
        """Return municipality and owner of everything that is kept."""

    def alone(self) -> Any:
        """Return a context in which nobody else replaces keys. Raises Misconfigured when somebody does."""


class Folder:
    """A key store in a folder: `keys/<municipality>/<two signs>/<owner>.json`, and `store.json` about itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def about(self) -> Mapping[str, Any]:
        """As `KeyStore.about`."""
        try:
            found: dict[str, Any] = json.loads((self.path / _STORE_FILE).read_bytes())
        except FileNotFoundError:
            problem = f"There is no key store in {self.path}: bti keys init makes one, or restore the one you had."
            raise Misconfigured([problem]) from None
        except (OSError, ValueError) as wrong:
            raise Misconfigured([f"The key store in {self.path} can't be read: restore it from its backup."]) from wrong
        return found

    def describe(self, about: Mapping[str, Any]) -> None:
        """As `KeyStore.describe`. The folder is made, for its owner alone."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _put(self.path / _STORE_FILE, about)
        except OSError as wrong:
            raise Misconfigured([f"The key store in {self.path} can't be written: {wrong.strerror}."]) from wrong

    def find(self, municipality_id: str, owner: str) -> Kept | None:
        """As `KeyStore.find`."""
        try:
            found = json.loads(self._file(municipality_id, owner).read_bytes())
        except FileNotFoundError:
            return None
        return Kept({int(version): key for version, key in found["keys"].items()}, found["destroyed"], found["turn"])

    def stamp(self, municipality_id: str, owner: str) -> object:
        """As `KeyStore.stamp`: every writing makes a new file."""
        try:
            found = self._file(municipality_id, owner).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def add(self, municipality_id: str, owner: str, kept: Kept) -> bool:
        """As `KeyStore.add`."""
        file = self._file(municipality_id, owner)
        _make_folders(file.parent, self.path)
        return _put_new(file, _json(kept))

    def replace(self, municipality_id: str, owner: str, kept: Kept) -> None:
        """As `KeyStore.replace`."""
        _put(self._file(municipality_id, owner), _json(kept))

    def owners(self) -> Iterator[tuple[str, str]]:
        """As `KeyStore.owners`, in the order of their names."""
        for file in sorted((self.path / _KEYS).glob("*/*/*.json")):
            yield file.parent.parent.name, file.stem

    @contextmanager
    def alone(self) -> Iterator[None]:
        """As `KeyStore.alone`. The lock goes with the process, also when it is killed."""
        with (self.path / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Misconfigured(
                    ["Somebody else changes keys in this key store right now: wait for them."]
                ) from None
            yield

    def _file(self, municipality_id: str, owner: str) -> Path:
        for name in (municipality_id, owner):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} can't be the name of a key")
        return self.path / _KEYS / municipality_id / owner[:2] / f"{owner}.json"


def _json(kept: Kept) -> dict[str, Any]:
    keys = {str(version): key for version, key in kept.keys.items()}
    return {"keys": keys, "destroyed": kept.is_destroyed, "turn": kept.turn}


def _put(file: Path, content: Mapping[str, Any]) -> None:
    """Write the file anew: after a crash it is there as it was or as it is to be, never half."""
    beside = _written_beside(file, content)
    beside.replace(file)
    _settle(file.parent)


def _put_new(file: Path, content: Mapping[str, Any]) -> bool:
    beside = _written_beside(file, content)
    try:
        os.link(beside, file)
    except FileExistsError:
        return False
    finally:
        beside.unlink()
    _settle(file.parent)
    return True


def _written_beside(file: Path, content: Mapping[str, Any]) -> Path:
    beside = file.with_name(f".{file.name}.{os.urandom(6).hex()}")
    write_new(beside, json.dumps(content).encode("ascii"))
    return beside


def _make_folders(folder: Path, root: Path) -> None:
    if folder.is_dir():
        return
    _make_folders(folder.parent, root)
    folder.mkdir(mode=0o700, exist_ok=True)
    _settle(folder.parent)


def _settle(folder: Path) -> None:
    # A new name is on disk only once its folder is.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
