"""What an auditor chose in a filter, read from the address: a search can be kept, shared and looked at again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from flask import request, url_for

from bti.clock import OSLO, local_day
from bti.errors import Invalid
from bti.usecases.auditing import ConsentFilter, LogFilter
from bti.usecases.text import collect
from web import edge
from web.forms import parse_day
from web.sentences_audit import WRONG

_TIME = re.compile(r"^\s*(\d{1,2})(?:[.:](\d{2}))?\s*$")
# The core's names of fields → those of the forms.
NAMES = {
    "case": "sak", "unit": "enhet", "event": "hendelse", "period": "fra", "as_of": "dato", "moment": "dato",
    "state": "tilstand", "time": "kl",
}  # fmt: skip


@dataclass
class Chosen:
    """The fields of a filter as typed, with what is wrong with them."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status of a page that shows this."""
        return 422 if self.errors else 200

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def href(self, endpoint: str, **more: Any) -> str:
        """Return the address of `endpoint` with the same filter."""
        kept: dict[str, Any] = {name: value for name, value in self.values.items() if value}
        return url_for(endpoint, **(kept | more))


def chosen(*names: str) -> Chosen:
    """Return what the address says of these fields."""
    return Chosen({name: request.args.get(name, "").strip()[:120] for name in names})


def cursor() -> str | None:
    """Return where the page begins, None for the first."""
    return request.args.get("eldre") or None


def log_filter(form: Chosen) -> LogFilter:
    """Return the filter on the trail. Raises Invalid."""
    since, until = _period(form)
    return LogFilter(form["person"], form["sak"], form["enhet"], form["hendelse"], since, until)


def consent_filter(form: Chosen) -> ConsentFilter:
    """Return the filter on consents. Raises Invalid."""
    since, until = _period(form)
    return ConsentFilter(form["sak"], form["enhet"], form["tilstand"], since, until)


def _period(form: Chosen) -> tuple[datetime | None, datetime | None]:
    collect(lambda: _day(form, "fra"), lambda: _day(form, "til"))
    first, last = _day(form, "fra"), _day(form, "til")
    # The last day is with in it, to its end.
    return first, _next_day(last) if last else None


def _next_day(moment: datetime) -> datetime:
    return datetime.combine(local_day(moment) + timedelta(days=1), time(), OSLO)


def _day(form: Chosen, name: str) -> datetime | None:
    try:
        day = parse_day(form[name])
    except ValueError as error:
        raise Invalid(**{name: "not_a_date"}) from error
    if day is None:
        return None
    # At the ends of the calendar there is no next day, and no moment in UTC.
    if not 1900 <= day.year <= 2999:
        raise Invalid(**{name: "not_a_date"})
    return datetime.combine(day, time(), OSLO)


def moment(form: Chosen) -> datetime | None:
    """Return the moment a form asks about: a day and perhaps a time. Without a time the end of the day, or now
    when the day isn't over; None when no day is chosen. Raises Invalid (dato, time)."""
    day = _day(form, "dato")
    if day is None:
        return None
    if not form["kl"]:
        return min(_next_day(day) - timedelta(microseconds=1), edge.now()) if day <= edge.now() else day
    found = _TIME.match(form["kl"])
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
        raise Invalid(time="not_a_time")
    return datetime.combine(local_day(day), time(int(found[1]), int(found[2] or 0)), OSLO)


def exact_moment() -> datetime | None:
    """Return the moment a link points to, to the microsecond. Raises Invalid (dato)."""
    text = request.args.get("tidspunkt", "")
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(dato="not_a_date") from error
    if found.tzinfo is None or not 1900 <= found.year <= 2999:
        raise Invalid(dato="not_a_date")
    return found


def moment_asked(form: Chosen) -> datetime | None:
    """Return the moment a page asks about: the one a link points to, which the form is then filled with, or else the
    one in the form. Raises Invalid (dato, time)."""
    exact = exact_moment()
    if exact is None:
        return moment(form)
    here = exact.astimezone(OSLO)
    form.values |= {"dato": here.strftime("%d.%m.%Y"), "kl": here.strftime("%H.%M")}
    return exact


def explain(refusal: Invalid) -> dict[str, str]:
    """Return what is wrong, by the form's own fields."""
    found = {}
    for name, code in refusal.fields.items():
        sentence = WRONG.get(f"{name}:{code}") or WRONG.get(code)
        found[NAMES.get(name, name)] = sentence() if sentence else code
    return found
