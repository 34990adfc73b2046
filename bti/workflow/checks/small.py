"""The small machines: handover, consent and measure. The engine relies on certain moves by certain people."""

from __future__ import annotations

from bti.workflow.checks.finding import Findings, found, listed
from bti.workflow.checks.names import each_known, twice
from bti.workflow.definition import SmallMachine
from bti.workflow.files import name_and_version

# Machine → move → who alone may make it. Nobody accepts for another, nobody consents for another, and what
# the calendar ends is ended by nobody's hand.
_ENGINE_MOVES: dict[str, dict[str, frozenset[str]]] = {
    "handover": {
        "accept": frozenset({"offered"}),
        "decline": frozenset({"offered"}),
        "withdraw": frozenset({"holder", "unit_leader"}),
        "expire": frozenset({"system"}),
        "overtake": frozenset({"system"}),
    },
    "consent": {
        "give_some": frozenset({"giver"}),
        "give_last": frozenset({"giver"}),
        "refuse": frozenset({"giver"}),
        "withdraw": frozenset({"giver"}),
        "expire": frozenset({"system"}),
    },
    "measure": {"end": frozenset({"holder", "responsible"})},
}


def check(machine: SmallMachine, name: str) -> Findings:
    """Find what is wrong with a small machine in the file called `name`."""
    yield from _names(machine, name)
    yield from _ways(machine)
    yield from _engine_moves(machine)


def _names(machine: SmallMachine, name: str) -> Findings:
    heading, states = machine.machine, [state.key for state in machine.states]
    if name_and_version(name) != (heading.name, heading.version):
        sentence = f"The file says it is {heading.name!r} version {heading.version}, but is called {name!r}."
        mend = f"Call it {heading.name}.{heading.version}.toml, or correct name and version."
        yield found("name_is_not_file_name", "machine.name", sentence, mend)
    yield from twice("state", [(f"states[{i}].key", key) for i, key in enumerate(states)])
    yield from twice("reason", [(f"reasons[{i}].key", choice.key) for i, choice in enumerate(machine.reasons)])
    yield from each_known("machine.initial", "state", [heading.initial], states)
    for i, move in enumerate(machine.moves):
        yield from each_known(f"moves[{i}].from", "state", move.from_, states)
        yield from each_known(f"moves[{i}].to", "state", [move.to], states)


def _ways(machine: SmallMachine) -> Findings:
    targets = {move.to for move in machine.moves} | {machine.machine.initial}
    ways: dict[tuple[str, str], int] = {}
    for i, move in enumerate(machine.moves):
        for source in dict.fromkeys(move.from_):
            if ways.setdefault((move.name, source), i) != i:
                sentence = f"From {source!r} there are two moves named {move.name!r}."
                yield found("ambiguous_move", f"moves[{i}].name", sentence, "Give one of them another name.")
    for i, state in enumerate(machine.states):
        leaves = any(state.key in move.from_ for move in machine.moves)
        if state.key not in targets:
            sentence = f"No move leads to {state.key!r}."
            yield found("unreachable_step", f"states[{i}]", sentence, "Add one, or remove the state.")
        if state.ended and leaves:
            sentence = f"{state.key!r} has ended, but a move leads on from it."
            mend = "What has ended stays as it was: let a new one begin instead."
            yield found("moves_on_from_the_end", f"states[{i}].ended", sentence, mend)
        if not state.ended and not leaves:
            sentence = f"Nothing leads on from {state.key!r}, which hasn't ended."
            yield found("ends_in_open_state", f"states[{i}]", sentence, "Add a move, or `ended = true`.")


def _engine_moves(machine: SmallMachine) -> Findings:
    demanded = _ENGINE_MOVES[machine.machine.name]
    there = {move.name for move in machine.moves}
    for name in demanded.keys() - there:
        sentence = f"The move {name!r} is missing, which the engine makes."
        yield found("missing_key", "moves", sentence, "Add it.")
    for i, move in enumerate(machine.moves):
        wrong = set(move.by) - demanded.get(move.name, set(move.by))
        if wrong:
            sentence = f"{listed(sorted(wrong)).capitalize()} may not {move.name.replace('_', ' ')} for another."
            mend = f"Only {listed(sorted(demanded[move.name]))} may."
            yield found("wrong_person", f"moves[{i}].by", sentence, mend)
    if machine.machine.name == "consent":
        yield from _withdrawing(machine)


def _withdrawing(machine: SmallMachine) -> Findings:
    withdrawable = {state for move in machine.moves if move.name == "withdraw" for state in move.from_}
    for i, state in enumerate(machine.states):
        if not state.ended and state.key not in withdrawable:
            sentence = f"A consent that is {state.key!r} can't be withdrawn."
            mend = "Add it to the `from` of `withdraw`: that can be done at any time."
            yield found("wrong_person", f"states[{i}]", sentence, mend)
