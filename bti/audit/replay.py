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
    """The state of a case as its trail tells it. `consents` maps each to asked, partly_given, given, refused,
    withdrawn or expired, as far as somebody has written it down."""

    step: str = ""
    unit_id: str = ""
    subject_id: str | None = None
    holder_id: str = ""
    holder_unit_id: str = ""
    is_interim: bool = False
    version: int = 0
    open_offer: str | None = None
    referral_id: str | None = None
    doors: set[str] = field(default_factory=set)
    participants: dict[str, str] = field(default_factory=dict)
    consents: dict[str, str] = field(default_factory=dict)


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
    state.is_interim = False


def _stand_in(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    _hold(state, fields, object_id)
    state.is_interim = True


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


def _ask(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.consents[object_id] = "asked"


def _give(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.consents[object_id] = "given" if fields["complete"] else "partly_given"


def _refuse(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.consents[object_id] = "refused"


def _withdraw(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.consents[object_id] = "withdrawn"


def _expire(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.consents[object_id] = "expired"


def _refer(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.referral_id = object_id


def _settle(state: CaseState, fields: dict[str, Any], object_id: str) -> None:
    state.referral_id = None


_FOLDS = {
    "case.open": _open,
    "case.identify": _identify,
    "case.move": _move,
    "baton.confirm": _hold,
    "baton.interim": _stand_in,
    "handover.offer": _offer,
    "handover.accept": _accept,
    "handover.decline": _end_offer,
    "handover.withdraw": _end_offer,
    "handover.expire": _end_offer,
    "handover.overtake": _end_offer,
    "participation.invite": _invite,
    "participation.accept": _join,
    "participation.decline": _leave,
    "participation.end": _leave,
    "consent.ask": _ask,
    "consent.give": _give,
    "consent.refuse": _refuse,
    "consent.withdraw": _withdraw,
    "consent.expire": _expire,
    "disclosure.open": _door,
    "disclosure.end": _shut,
    "referral.make": _refer,
    "referral.decide": _settle,
}
