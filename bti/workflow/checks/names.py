"""Names: each known, each once, and the file called what it says it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bti.needs import NEEDS
from bti.workflow.checks.finding import Finding, Findings, found, unknown
from bti.workflow.checks.form import fit, is_negated_need, read
from bti.workflow.definition import (
    CLOSED,
    GIVERS,
    OCCASIONS,
    PURPOSES,
    RELATIONS,
    Deadline,
    Definition,
    Guide,
    Move,
    Step,
)
from bti.workflow.files import SMALL_MACHINES, find, name_and_version, names_in

# What the file may be called is said by the program's own use of these names.
_RESERVED = (*SMALL_MACHINES, "guides")


def steps_of(definition: Definition) -> Iterator[tuple[str, int, Step]]:
    """Give every step with its key path and its level's place."""
    for i, level in enumerate(definition.levels):
        for j, step in enumerate(level.steps):
            yield f"levels[{i}].steps[{j}]", i, step


def file_name(definition: Definition, name: str) -> Findings:
    """Find a file whose name isn't `<name>.<version>.toml`: nobody would find it when a case asks for it."""
    heading = definition.definition
    if name_and_version(name) != (heading.name, heading.version):
        sentence = f"The file says it is {heading.name!r} version {heading.version}, but is called {name!r}."
        mend = f"Call it {heading.name}.{heading.version}.toml, or correct name and version."
        yield found("name_is_not_file_name", "definition.name", sentence, mend)
    if heading.name in _RESERVED:
        sentence = f"The name {heading.name!r} is taken by one of the small machines."
        yield found("duplicate_name", "definition.name", sentence, "Choose another name.")


def duplicates(definition: Definition) -> Findings:
    """Find keys that are used twice where each must be one thing."""
    d = definition
    yield from _twice("levels", "level", [level.key for level in d.levels])
    steps = list(steps_of(d))
    yield from twice("step", [(f"{path}.key", step.key) for path, _, step in steps])
    yield from _twice("themes", "theme", [choice.key for choice in d.themes])
    yield from _twice("closing_reasons", "closing reason", [choice.key for choice in d.closing_reasons])
    yield from _twice("legal_bases", "legal basis", [choice.key for choice in d.legal_bases])
    yield from _twice("information_kinds", "kind of information", [c.key for c in d.information_kinds])
    for path, i, step in steps:
        if step.key.rpartition(".")[0] != d.levels[i].key:
            sentence = f"Step {step.key} stands in level {d.levels[i].key}."
            mend = f"Call it {d.levels[i].key}.{step.key.rpartition('.')[2]}, or move it to its level."
            yield found("step_outside_level", f"{path}.key", sentence, mend)


def moves(definition: Definition) -> Findings:
    """Find names in moves that stand for nothing."""
    places = {step.key for _, _, step in steps_of(definition)} | {CLOSED}
    for i, move in enumerate(definition.moves):
        path = f"moves[{i}]"
        yield from each_known(f"{path}.from", "step", move.from_, places)
        yield from each_known(f"{path}.to", "step", [move.to], places)
        yield from each_known(f"{path}.by", "relation", move.by, RELATIONS)
        yield from _needs(path, move)


def lists(definition: Definition) -> Findings:
    """Find names outside the moves that stand for nothing: levels, themes, occasions, givers, purposes."""
    levels = [level.key for level in definition.levels]
    yield from each_known("log.starts_at", "level", [definition.log.starts_at], levels)
    yield from each_known("log.shared_from", "level", [definition.log.shared_from], levels)
    rules = definition.consent
    yield from each_known("consent.ask_again_on", "occasion", rules.ask_again_on, OCCASIONS)
    for i, age in enumerate(rules.ages):
        yield from each_known(f"consent.ages[{i}].givers", "giver of consent", age.givers, GIVERS)
        yield from each_known(f"consent.ages[{i}].purposes", "purpose", age.purposes, PURPOSES)
    for i, special in enumerate(rules.special):
        yield from each_known(f"consent.special[{i}].givers", "giver of consent", special.givers, GIVERS)
    themes = [choice.key for choice in definition.themes]
    for path, deadline in deadlines_of(definition):
        yield from each_known(f"{path}.theme_days", "theme", deadline.theme_days, themes)


def files_named(definition: Definition, folder: Path | None) -> Findings:
    """Find small machines, guide file and guide topics that aren't there."""
    heading, there = definition.definition, names_in(folder)
    for kind in SMALL_MACHINES:
        version = getattr(heading, kind)
        if (kind, version) not in there:
            known = [f"{n}.{v}" for n, v in there if n == kind]
            yield unknown(f"definition.{kind}", "file", f"{kind}.{version}", known)
    topics = _topics(heading.guide, folder)
    if heading.guide is not None and topics is None:
        sentence = f"There is no guide file {heading.guide!r} that can be read."
        yield found("unknown_name", "definition.guide", sentence, "Add guides/<name>.<version>.toml.")
    for path, _, step in steps_of(definition):
        if step.guide is not None and (heading.guide is None or topics is not None):
            yield from each_known(f"{path}.guide", "guide topic", [step.guide], topics or ())


def deadlines_of(definition: Definition) -> Iterator[tuple[str, Deadline]]:
    """Give every deadline, of steps and of moves, with its key path."""
    for path, _, step in steps_of(definition):
        if step.deadline is not None:
            yield f"{path}.deadline", step.deadline
    for i, move in enumerate(definition.moves):
        if move.deadline is not None:
            yield f"moves[{i}].deadline", move.deadline


def each_known(path: str, kind: str, names: Iterable[str], known: Iterable[str]) -> Findings:
    """Find the names that aren't known, and those that stand twice."""
    seen: set[str] = set()
    table = tuple(known)
    for name in names:
        if name not in table:
            yield unknown(path, kind, name, table)
        elif name in seen:
            yield _double(path, kind, name)
        seen.add(name)


def twice(kind: str, keys: Iterable[tuple[str, str]]) -> Findings:
    """Find the keys, given with their paths, that have been used before."""
    seen: set[str] = set()
    for path, key in keys:
        if key in seen:
            yield _double(path, kind, key)
        seen.add(key)


def _twice(table: str, kind: str, keys: Iterable[str]) -> Findings:
    return twice(kind, [(f"{table}[{i}].key", key) for i, key in enumerate(keys)])


def _double(path: str, kind: str, key: str) -> Finding:
    return found("duplicate_name", path, f"The {kind} {key!r} is there twice.", "Keep one, or rename one.")


def _needs(path: str, move: Move) -> Findings:
    for name in move.needs:
        if is_negated_need(name):
            sentence = f"The need {name!r} tries to switch off a safety rule."
            mend = "Remove it; no definition can switch them off."
            yield found("safety_rule_switched_off", f"{path}.needs", sentence, mend)
    kept = [name for name in move.needs if not is_negated_need(name)]
    yield from each_known(f"{path}.needs", "need", kept, NEEDS)


def _topics(guide: str | None, folder: Path | None) -> frozenset[str] | None:
    entry = find(f"guides/{guide}.toml", folder) if guide else None
    if entry is None:
        return None
    tables, _ = read(entry)
    fitted = fit(tables, Guide)[0] if tables is not None else None
    return frozenset(fitted.topics) if fitted else None
