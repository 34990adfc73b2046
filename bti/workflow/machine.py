"""Where a move leads. The only module that imports `transitions`.

One shared machine per definition version, without models of its own: it runs on a cursor that lives for one
trigger, because attaching a row costs ten times as much, keeps the row alive and resets the state it had.
"""

from __future__ import annotations

from collections.abc import Iterable

from transitions import Machine, MachineError
from transitions.core import Event

from bti.errors import NotPossible


class Cursor:
    """Stands in one state while a trigger is run."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class Track:
    """The states of one machine and the named ways between them.

    Raises ValueError for a way from or to a state that isn't there: `transitions` would notice only when the
    way is taken, and reads `*` and `=` as wildcards.
    """

    def __init__(self, states: Iterable[str], ways: Iterable[tuple[str, str, str]]) -> None:
        """Take the states and the ways as (trigger, from, to)."""
        names = tuple(states)
        ways = tuple(ways)
        unknown = {name for _, source, dest in ways for name in (source, dest)} - set(names)
        if unknown:
            raise ValueError(f"no such state: {', '.join(sorted(unknown))}")
        machine = Machine(model=None, states=list(names), initial=None, auto_transitions=False, send_event=False)
        for trigger, source, dest in ways:
            machine.add_transition(trigger, source, dest)
        self._events: dict[str, Event] = dict(machine.events)
        self._states = frozenset(names)

    def next_state(self, trigger: str, state: str) -> str:
        """Return the state that `trigger` leads to from `state`.

        Raises NotPossible (`move_not_possible`) when there is no such way, or no such trigger or state.
        """
        event = self._events.get(trigger)
        if event is None or state not in self._states:
            raise NotPossible("move_not_possible", move=trigger, step=state)
        cursor = Cursor(state)
        try:
            event.trigger(cursor)
        except MachineError as error:
            raise NotPossible("move_not_possible", move=trigger, step=state) from error
        return cursor.state
