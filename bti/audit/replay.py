"""Reading a case's state back out of its trail. The result must equal the row; tests and fsck compare them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol


class Entry(Protocol):
    """What replay needs of an audit entry."""

    event: str
    object_id: str | None
    fields: str


@dataclass
class CaseState:
    """The state of a case as its trail tells it."""

    step: str = ""
    unit_id: str = ""
    subject_id: str | None = None
    holder_id: str = ""
    holder_unit_id: str = ""
    version: int = 0
    open_offer: str | None = None
    doors: set[str] = field(default_factory=set)
    participants: dict[str, str] = field(default_factory=dict)


def replay(entries: Iterable[Entry]) -> CaseState:
    """Fold the entries of one case, oldest first, into its present state."""
    state = CaseState()
    for entry in entries:
        fields = json.loads(entry.fields)
        _FOLDS.get(entry.event, _nothing)(state, fields, entry.object_id or "")
        if "version" in fields and entry.event != "refused":
            state.version = fields["version"]
    return state


def _nothing(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    pass


def _open(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.step = fields["step"]
    state.unit_id = fields["unit"]
    state.subject_id = fields["subject"]
    _hold(state, fields, object_id)


def _hold(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.holder_id = fields["holder"]
    state.holder_unit_id = fields["holder_unit"]


def _identify(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.subject_id = fields["subject"]


def _move(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.step = fields["to"]


def _offer(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.open_offer = object_id


def _end_offer(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.open_offer = None


def _accept(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.open_offer = None
    state.unit_id = fields["unit"]
    _hold(state, fields, object_id)


def _door(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.doors.add(object_id)


def _shut(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.doors.discard(object_id)


def _invite(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.participants[object_id] = "invited"


def _join(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.participants[object_id] = "active"


def _leave(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.participants.pop(object_id, None)


_FOLDS = {
    "case.open": _open,
    "case.identify": _identify,
    "case.move": _move,
    "baton.confirm": _hold,
    "baton.interim": _hold,
    "handover.offer": _offer,
    "handover.accept": _accept,
    "handover.decline": _end_offer,
    "handover.withdraw": _end_offer,
    "handover.expire": _end_offer,
    "handover.overtake": _end_offer,
    "disclosure.open": _door,
    "disclosure.end": _shut,
    "participation.invite": _invite,
    "participation.accept": _join,
    "participation.decline": _leave,
    "participation.end": _leave,
}
