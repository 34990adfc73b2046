"""What makes a definition safe to run. Every finding at once, each in a sentence and with how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from bti.workflow.checks import consent, names, paths, safety, small, words
from bti.workflow.checks.finding import CODES, Finding, Findings, found
from bti.workflow.checks.form import fit, read
from bti.workflow.definition import Definition, Guide, SmallMachine

__all__ = ["CODES", "Finding", "check_file", "check_is_definition"]


def check_file(path: Traversable, folder: Path | None = None) -> list[Finding]:
    """Return everything that is wrong with a definition, guide or small machine; empty when it is safe.

    Guides and small machines that a definition names are looked for in `folder` (without one: beside the
    file), then among those that come with the program. Never raises for what is in the file.
    """
    if folder is None and isinstance(path, Path):
        folder = path.parent if path.parent.is_dir() else None
    tables, findings = read(path)
    if tables is not None:
        findings = list(_check(tables, path.name, folder))
    return [replace(finding, file=str(path)) for finding in findings]


def check_is_definition(path: Traversable) -> list[Finding]:
    """Return a finding when the file is a guide or a small machine, which have no map of their own."""
    tables, _ = read(path)
    if tables is None or not ({"topics", "machine"} & tables.keys()):
        return []
    sentence = "This is a guide or a small machine, not a definition."
    mend = "Name a definition file, such as bti.1.toml."
    return [replace(found("missing_key", "definition", sentence, mend), file=str(path))]


def _check(tables: Mapping[str, Any], name: str, folder: Path | None) -> Findings:
    if "topics" in tables:
        guide, faults = fit(tables, Guide)
        yield from faults
        yield from words.guide(guide) if guide else ()
    elif "machine" in tables:
        machine, faults = fit(tables, SmallMachine)
        yield from faults
        yield from (*small.check(machine, name), *words.labels(machine)) if machine else ()
    else:
        definition, faults = fit(tables, Definition)
        yield from faults
        yield from _definition(definition, name, folder) if definition else ()


def _definition(definition: Definition, name: str, folder: Path | None) -> Findings:
    yield from names.file_name(definition, name)
    yield from names.files_named(definition, folder)
    for check in (
        names.duplicates, names.lists, names.moves,
        paths.reachable, paths.leaving, paths.down, paths.ambiguous, paths.reopening, paths.leader_told,
        safety.levels, safety.needs, safety.deadlines,
        consent.occasions, consent.ages, consent.special_cases,
        words.labels,
    ):  # fmt: skip
        yield from check(definition)
