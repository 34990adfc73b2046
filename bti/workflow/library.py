"""Finding and loading definitions, guides and small machines; each file is read and checked once.

Files come with the program (`workflows/`). The municipality's own lie in the folder that `bti.workflow.own` was told
of, or in one that is given: what isn't there is taken from the program's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bti.workflow import own
from bti.workflow.checks import Finding, check_file, check_is_definition
from bti.workflow.definition import Definition, Guide, GuideText, SmallMachine
from bti.workflow.files import SMALL_MACHINES, find, names_in
from bti.workflow.machine import Track
from bti.workflow.model import Due, Model, Term

__all__ = [
    "Due", "Model", "Term", "UnknownDefinition", "UnsafeDefinition",
    "guide_text", "load_definition", "load_file", "load_guide", "released", "small_machine", "small_track", "text_of",
]  # fmt: skip


class UnknownDefinition(LookupError):
    """There is no file with this name and version."""


class UnsafeDefinition(ValueError):
    """A file has findings and isn't loaded. `findings` holds all of them."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


def released(folder: Path | None = None) -> tuple[tuple[str, int], ...]:
    """Return name and version of every definition there is, small machines apart, in alphabetical order."""
    found = names_in(folder or own.folder())
    return tuple(sorted(entry for entry in found if entry[0] not in SMALL_MACHINES))


def load_definition(name: str, version: int, folder: Path | None = None) -> Model:
    """Return a definition, ready to run. Raises UnknownDefinition, or UnsafeDefinition with all findings."""
    return _definition(name, version, folder or own.folder())


@cache
def _definition(name: str, version: int, folder: Path | None) -> Model:
    return Model(Definition.model_validate(_read(f"{name}.{version}.toml", folder)))


def load_file(path: Path) -> Model:
    """Return the definition in one file, wherever it lies. Raises UnsafeDefinition with all findings.

    A guide or a small machine is no definition, which is said as a finding too.
    """
    findings = check_file(path) or check_is_definition(path)
    if findings:
        raise UnsafeDefinition(findings)
    return Model(Definition.model_validate(tomllib.loads(path.read_text("utf-8"))))


def load_guide(name: str, version: int, folder: Path | None = None) -> Guide:
    """Return a guide file. Raises UnknownDefinition, or UnsafeDefinition with all findings."""
    return _guide(name, version, folder or own.folder())


@cache
def _guide(name: str, version: int, folder: Path | None) -> Guide:
    return Guide.model_validate(_read(f"guides/{name}.{version}.toml", folder))


def small_machine(name: str, version: int = 1, folder: Path | None = None) -> SmallMachine:
    """Return the machine of a `handover`, `consent` or `measure`. Raises as `load_definition`."""
    return _small_machine(name, version, folder or own.folder())


@cache
def _small_machine(name: str, version: int, folder: Path | None) -> SmallMachine:
    return SmallMachine.model_validate(_read(f"{name}.{version}.toml", folder))


def small_track(name: str, version: int = 1, folder: Path | None = None) -> Track:
    """Return the ways of a small machine, to ask for the next state."""
    return _small_track(name, version, folder or own.folder())


@cache
def _small_track(name: str, version: int, folder: Path | None) -> Track:
    machine = small_machine(name, version, folder)
    ways = ((move.name, source, move.to) for move in machine.moves for source in move.from_)
    return Track((state.key for state in machine.states), ways)


def guide_text(model: Model, step_key: str, service_kind: str = "common", folder: Path | None = None) -> GuideText:
    """Return the guide of a step for a kind of service; parts it doesn't have are those for everybody.

    An empty text where the definition has no guide for the step. Raises KeyError when there is no such step.
    """
    topic, reference = model.step(step_key).guide, model.definition.definition.guide
    if topic is None or reference is None:
        return GuideText()
    name, _, version = reference.rpartition(".")
    return text_of(load_guide(name, int(version), folder).topics[topic], service_kind)


def text_of(topic: Mapping[str, GuideText], service_kind: str) -> GuideText:
    """Return a topic's text for a kind of service, filled up with the common one."""
    common, own = topic.get("common", GuideText()), topic.get(service_kind, GuideText())
    parts = {part: words for part, words in own if words.nb}
    return common.model_copy(update=parts)


def _read(file_name: str, folder: Path | None) -> dict[str, Any]:
    entry = find(file_name, folder)
    if entry is None:
        raise UnknownDefinition(file_name)
    findings = check_file(entry, folder)
    if findings:
        raise UnsafeDefinition(findings)
    return tomllib.loads(entry.read_text("utf-8"))
