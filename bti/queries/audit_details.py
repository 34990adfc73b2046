"""Which fields of an entry an auditor is shown, by event: a closed table.

Left out on purpose: whom a case is about, how it went (outcomes, effects, closing reasons) and what kind of note was
written. A new event shows nothing until somebody has thought about it; a test sees that somebody has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What a field holds: person and unit are shown by name, the rest as codes for the web layer to say in words.
DETAILS: dict[str, dict[str, str]] = {
    "case.open": {"unit": "unit", "holder": "person"},
    "case.identify": {},
    "case.move": {"from": "step", "to": "step"},
    "case.next_date": {"from": "date", "to": "date"},
    "case.hand_on": {},
    "note.add": {},
    "entry.add": {},
    "attachment.add": {},
    "goal.set": {},
    "goal.end": {},
    "measure.plan": {},
    "measure.evaluate": {},
    "feedback.give": {"to": "person"},
    "baton.confirm": {"holder": "person"},
    "baton.interim": {"from": "person", "holder": "person", "cause": "cause"},
    "handover.offer": {"from": "person", "to": "person", "to_unit": "unit", "expires_on": "date"},
    "handover.accept": {"from": "person", "holder": "person", "takes_over_log": "flag"},
    "handover.decline": {},
    "handover.withdraw": {},
    "handover.expire": {},
    "handover.overtake": {"cause": "cause"},
    "participation.invite": {"person": "person", "unit": "unit"},
    "participation.accept": {"person": "person", "unit": "unit"},
    "participation.decline": {"person": "person", "unit": "unit"},
    "participation.end": {"person": "person", "unit": "unit", "cause": "cause"},
    "consent.ask": {"purpose": "purpose", "units": "unit", "kinds": "kind", "valid_to": "date"},
    "consent.give": {"channel": "channel", "said_on": "date", "complete": "flag"},
    "consent.refuse": {"channel": "channel", "said_on": "date"},
    "consent.withdraw": {"channel": "channel", "said_on": "date"},
    "consent.expire": {},
    "disclosure.open": {
        "unit": "unit",
        "kinds": "kind",
        "purpose": "purpose",
        "law_reference": "law",
        "valid_to": "date",
    },
    "disclosure.end": {"unit": "unit", "cause": "cause"},
    "referral.make": {"unit": "unit", "cause": "cause"},
    "referral.decide": {"outcome": "referral"},
    "discussion.ask": {"unit": "unit"},
    "discussion.answer": {"unit": "unit"},
    "person.add": {"person": "person"},
    "person.change": {"person": "person"},
    "person.end": {"person": "person", "batons_moved": "number"},
    "role.grant": {"person": "person", "unit": "unit", "role": "role"},
    "role.end": {"person": "person", "unit": "unit", "role": "role", "batons_moved": "number"},
    "municipality.add": {},
    "municipality.model": {},
    "unit.add": {"unit": "unit"},
    "unit.change": {"unit": "unit"},
    "unit.end": {"unit": "unit"},
    "register.write": {"rows": "number"},
    "import.run": {"rows": "number", "created": "number", "changed": "number"},
    "session.login": {"level": "level", "method": "method"},
    "session.ask_factor": {"awaits": "awaits"},
    "session.step_up": {"method": "method"},
    "session.logout": {},
    "session.end": {"person": "person", "cause": "cause"},
    "session.fail": {"method": "method"},
    "session.throttle": {"door": "door"},
    "factor.add": {},
    "factor.reset": {"person": "person", "cause": "cause"},
    "log.begin": {},
    "log.export": {"rows": "number"},
    "break_glass.open": {"cause": "cause", "minutes": "number", "case_unit": "unit"},
    "break_glass.end": {},
    "break_glass.review": {"verdict": "review"},
    "break_glass.read": {},
    "alert.raise": {"person": "person", "cases": "number"},
    "alert.close": {"person": "person", "outcome": "looked_into"},
    "sample.draw": {"drawn": "number"},
    "sample.judge": {"outcome": "looked_into"},
    "case.read": {"part": "part", "view": "view"},
    "case.preview": {},
    "attachment.read": {},
    "worklist.read": {"shown": "number"},
    "wonder.read": {"shown": "number"},
    "subject.search": {"shown": "number"},
    "subject.hint": {},
    "referral.read": {"shown": "number"},
    "discussion.read": {"shown": "number"},
    "unit.read": {"shown": "number"},
    "audit.search": {"question": "question", "shown": "number"},
    "audit.export": {"question": "question", "rows": "number"},
    "consent.lookup": {"shown": "number"},
    "consent.export": {"rows": "number"},
    "register.read": {"shown": "number"},
    "import.dry_run": {"rows": "number", "findings": "number"},
    "keys.rotate": {"rows": "number"},
    "keys.seal": {"rows": "number"},
    "cell.unopened": {},
    "refused": {"attempt": "attempt", "code": "refusal", "missing": "need"},
}
_NAMED = ("person", "unit")


@dataclass(frozen=True)
class Detail:
    """One field that may be shown. `kind` says how to say `values`; people and units are names already."""

    field: str
    kind: str
    values: tuple[str, ...]


def details_of(event: str, fields: Mapping[str, Any], names: Mapping[str, str]) -> tuple[Detail, ...]:
    """Return the fields of an entry that may be shown, with names of staff and units in place of their ids."""
    found = []
    for field, kind in DETAILS.get(event, {}).items():
        values = _values(fields.get(field))
        if kind in _NAMED:
            values = tuple(names[value] for value in values if value in names)
        if values:
            found.append(Detail(field, kind, values))
    return tuple(found)


def ids_in(event: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of staff and units among an entry's fields."""
    named = (field for field, kind in DETAILS.get(event, {}).items() if kind in _NAMED)
    return tuple(value for field in named for value in _values(fields.get(field)))


def _values(value: Any) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    if isinstance(value, list):
        return tuple(str(one) for one in value)
    return (str(value),)
