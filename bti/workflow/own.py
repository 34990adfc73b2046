"""The municipality's own definitions: a folder that is read beside those that come with the program.

Told once, when the program starts, and checked as a whole before anything in it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bti.config import Misconfigured
from bti.workflow.checks import check_file
from bti.workflow.files import find

_folders: list[Path] = []


def folder() -> Path | None:
    """Return the folder that is in use, if there is one."""
    return _folders[0] if _folders else None


def use(chosen: Path | None) -> None:
    """Read definitions, guides and small machines in `chosen` too from now on; None: only the program's own.

    Raises Misconfigured with everything that is wrong; then what was in use before stays in use.
    """
    problems = list(_problems(chosen)) if chosen else []
    if problems:
        raise Misconfigured(problems)
    _folders[:] = [chosen] if chosen else []


def _problems(chosen: Path) -> Iterator[str]:
    if not chosen.is_dir():
        yield f"BTI_WORKFLOWS is {str(chosen)!r}, and there is no such folder: make it, or leave BTI_WORKFLOWS out."
        return
    try:
        files = sorted([*chosen.glob("*.toml"), *chosen.glob("guides/*.toml")])
    except OSError as error:
        yield f"BTI_WORKFLOWS is {str(chosen)!r}, which can't be read: {error.strerror}."
        return
    for file in files:
        name = file.relative_to(chosen).as_posix()
        if find(name, None) is not None:
            yield (
                f"{file}: {name} comes with Stafett, and nobody could tell which of the two a case follows. "
                "Give the definition a name of your own, in the file and in its name."
            )
        yield from (str(finding) for finding in check_file(file, chosen))
