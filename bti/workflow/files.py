"""Where definition files lie: a municipality's own folder first, then those that come with the program."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

SMALL_MACHINES = ("handover", "consent", "measure")
_FILE_NAME = re.compile(r"^(?P<name>[a-z][a-z0-9_-]*)\.(?P<version>[1-9][0-9]*)\.toml$")

_PART = re.compile(r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$")


def names_in(folder: Path | None) -> frozenset[tuple[str, int]]:
    """Return name and version of every file in the folders, guides apart."""
    return frozenset(
        (match["name"], int(match["version"]))
        for place in _places(folder)
        for entry in place.iterdir()
        if (match := _FILE_NAME.match(entry.name))
    )


def find(file_name: str, folder: Path | None) -> Traversable | None:
    """Return the file with this name below one of the folders, or None; never one outside them."""
    parts = file_name.split("/")
    if not all(_PART.match(part) for part in parts):
        return None
    for place in _places(folder):
        entry = place.joinpath(*parts)
        if entry.is_file():
            return entry
    return None


def name_and_version(file_name: str) -> tuple[str, int] | None:
    """Split `bti.1.toml` into name and version; None when it isn't of that form."""
    match = _FILE_NAME.match(file_name)
    return (match["name"], int(match["version"])) if match else None


def _places(folder: Path | None) -> tuple[Traversable, ...]:
    packaged = files("workflows")
    return (packaged,) if folder is None else (folder, packaged)
