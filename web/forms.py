"""What was typed into a form: read once, kept for showing again, turned into dates and keys for the core."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import request

from bti.errors import Invalid, Missing, NotFound, NotReady, Refused, TooSoon
from web.sentences import field_sentence, refusal_sentence, wait_sentence

_DAY = re.compile(r"^\s*(\d{1,2})[.\-/ ]\s*(\d{1,2})[.\-/ ]\s*(\d{2}|\d{4})\s*$")
_ISO = re.compile(r"^\s*(\d{4})-(\d{2})-(\d{2})\s*$")


@dataclass
class Form:
    """The fields of a form as text. `values` begins as a draft or the thing as it is, and becomes what was typed."""

    values: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, start: Mapping[str, Any] | None = None) -> Form:
        """Return the posted form, or one filled with `start` when the page is only shown."""
        if request.method != "POST":
            return cls(dict(start or {}))
        return cls({name: request.form.getlist(name) for name in request.form})

    def text(self, name: str, otherwise: str = "") -> str:
        """Return a field's text, as typed."""
        value = self.values.get(name, otherwise)
        if isinstance(value, list | tuple):
            value = value[0] if value else ""
        return "" if value is None else str(value)

    def keys(self, name: str) -> tuple[str, ...]:
        """Return the keys ticked in a field with several choices."""
        value = self.values.get(name, ())
        if isinstance(value, str):
            return (value,) if value else ()
        return tuple(str(one) for one in value if one)

    def day(self, name: str) -> date | None:
        """Return a field as a date, None when empty. Raises Invalid (`not_a_date`)."""
        try:
            return parse_day(self.text(name))
        except ValueError as error:
            raise Invalid(**{name: "not_a_date"}) from error

    def number(self, name: str) -> int:
        """Return a hidden number (a version); 0 when somebody has tampered with it."""
        text = self.text(name)
        return int(text) if text.isdecimal() and len(text) < 10 else 0


def parse_day(text: str) -> date | None:
    """Return the day in `1.12.26`, `01.12.2026` or ISO form; None when empty. Raises ValueError."""
    if not text.strip():
        return None
    if found := _ISO.match(text):
        year, month, day = (int(part) for part in found.groups())
        return date(year, month, day)
    found = _DAY.match(text)
    if found is None:
        raise ValueError("not a date")
    day, month, year = (int(part) for part in found.groups())
    return date(year + 2000 if year < 100 else year, month, day)


@dataclass
class Problem:
    """Why a form wasn't carried out, for the page that shows it again: at its fields, and in a sentence."""

    errors: dict[str, str] = field(default_factory=dict)
    sentence: str = ""
    missing: tuple[Missing, ...] = ()
    code: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.code)


def explain(refusal: Refused, **ask: str) -> Problem:
    """Return the problem to show beside the form; raises the refusal again when there is nothing to show.

    `ask` holds what this form says of a field that was left empty, by the field's name.
    """
    if isinstance(refusal, NotFound):
        raise refusal
    if isinstance(refusal, Invalid):
        errors = {
            name: (code == "missing" and ask.get(name)) or field_sentence(name, code)
            for name, code in refusal.fields.items()
        }
        return Problem(errors, code="invalid", status=refusal.status)
    if isinstance(refusal, TooSoon):
        return Problem({}, wait_sentence(refusal), (), refusal.code, refusal.status, wait_headers(refusal))
    missing = refusal.missing if isinstance(refusal, NotReady) else ()
    return Problem({}, refusal_sentence(refusal), missing, refusal.code, refusal.status)


def wait_headers(soon: TooSoon) -> dict[str, str]:
    """Return the header that tells a program how long to wait, in seconds."""
    return {"Retry-After": str(soon.seconds)}
