"""The map: every step can be reached, left and closed, and every way down is there."""

from __future__ import annotations

from bti.workflow.checks.finding import Findings, found, listed
from bti.workflow.checks.names import steps_of
from bti.workflow.definition import CLOSED, LANGUAGES, Definition, Move


def reachable(definition: Definition) -> Findings:
    """Find steps that no chain of moves from the first one leads to."""
    start = definition.levels[0].steps[0].key
    reached, rest = {start}, [start]
    while rest:
        here = rest.pop()
        onward = {move.to for move in definition.moves if here in move.from_} - reached
        reached |= onward
        rest += onward
    for path, _, step in steps_of(definition):
        if step.key not in reached:
            sentence = f"Step {step.key} ({step.title.nb}) can't be reached from {start}."
            yield found("unreachable_step", path, sentence, "Add a move that leads to it, or remove the step.")


def leaving(definition: Definition) -> Findings:
    """Find steps where a case would be stuck, or couldn't be closed.

    From the log's first level on, the holder or the unit's leader must be among those who may: the author may
    have left the case, and the coordinating unit acts only on referral.
    """
    for path, level, step in steps_of(definition):
        moves = [move for move in definition.moves if step.key in move.from_]
        answering = _answering(definition, level)
        who = listed(sorted(answering)).replace(" and ", " or ").replace("_", " ")
        if not any(move.to != step.key and answering & set(move.by) for move in moves):
            sentence = f"Nobody who answers for the case may leave step {step.key} ({step.title.nb})."
            yield found("nobody_may_leave", path, sentence, f"Add a move from it by {who}.")
        if not any(move.to == CLOSED and answering & set(move.by) for move in moves):
            sentence = f"There is no way to close a case from step {step.key}: families may want that at any time."
            mend = f"Add {step.key!r} to the `from` of a move to `closed` by {who}."
            yield found("no_way_to_close", path, sentence, mend)


def down(definition: Definition) -> Findings:
    """Find levels above the log's first that a case can't come down from."""
    order = {step.key: level for _, level, step in steps_of(definition)}
    for i, level in enumerate(definition.levels):
        if i <= _log_start(definition):
            continue
        ways = [m for m in definition.moves if any(order.get(s) == i for s in m.from_)]
        if not any(order.get(move.to, i) < i for move in ways):
            sentence = f"There is no way down from level {level.key}: a case could only go on or be closed."
            mend = "Add a move from it to a step of a lower level."
            yield found("no_way_down", f"levels[{i}]", sentence, mend)


def ambiguous(definition: Definition) -> Findings:
    """Find moves from one step that a person, or the engine, can't tell apart, in whatever language."""
    names: dict[tuple[str, str], int] = {}
    labels: dict[tuple[str, str, str], int] = {}
    for i, move in enumerate(definition.moves):
        for step in dict.fromkeys(move.from_):
            first = names.setdefault((move.name, step), i)
            if first != i:
                sentence = f"From step {step} there are two moves named {move.name!r} (also moves[{first}])."
                yield found("ambiguous_move", f"moves[{i}].name", sentence, "Give one of them another name.")
                continue
            for language, label in _labels(move):
                first = labels.setdefault((language, label.casefold(), step), i)
                if first != i:
                    sentence = f"From step {step} two moves are labelled {label!r} (also moves[{first}])."
                    mend = "Give them labels that tell them apart."
                    yield found("ambiguous_move", f"moves[{i}].label.{language}", sentence, mend)


def reopening(definition: Definition) -> Findings:
    """Find moves out of `closed` that take more with them than a reopening may."""
    order = {step.key: level for _, level, step in steps_of(definition)}
    for i, move in enumerate(definition.moves):
        if CLOSED not in move.from_:
            continue
        if len(set(move.from_)) > 1 or move.to == CLOSED:
            sentence = f"{move.name!r} starts both from `closed` and from an open step, or leads to `closed`."
            mend = "Make reopening a move of its own, from `closed` to a step."
            yield found("closed_mixed_with_steps", f"moves[{i}].from", sentence, mend)
        if order.get(move.to, 0) >= _shared_start(definition):
            sentence = f"{move.name!r} reopens a case on level {_level_of(definition, move)}, with other services."
            mend = "Reopen in the own service, and invite the others from there."
            yield found("reopens_into_shared", f"moves[{i}].to", sentence, mend)


def leader_told(definition: Definition) -> Findings:
    """Find a model where nothing shares the wonder with the leader, who is the one to decide on a holder."""
    if not any("share_with_leader" in move.does for move in definition.moves):
        sentence = "No move shares the wonder with the unit's leader, so nobody could decide who is holder."
        mend = 'Add `does = ["share_with_leader"]` to the move where the leader is told.'
        yield found("leader_never_told", "moves", sentence, mend)


def _labels(move: Move) -> list[tuple[str, str]]:
    texts = [(language, getattr(move.label, language).strip()) for language in LANGUAGES]
    return [(language, text) for language, text in texts if text]


def _answering(definition: Definition, level: int) -> set[str]:
    before_log = level < _log_start(definition)
    return {"holder", "unit_leader"} | ({"author"} if before_log else set())


def _log_start(definition: Definition) -> int:
    return _place(definition, definition.log.starts_at)


def _shared_start(definition: Definition) -> int:
    return _place(definition, definition.log.shared_from)


def _place(definition: Definition, key: str) -> int:
    # An unknown level is a finding of its own; until it is mended nothing here depends on it.
    keys = [level.key for level in definition.levels]
    return keys.index(key) if key in keys else len(keys)


def _level_of(definition: Definition, move: Move) -> str:
    return next(level.key for level in definition.levels if any(s.key == move.to for s in level.steps))
