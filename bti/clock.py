"""Moments and days. The clock is read at the edge and passed in; here it is only turned into local days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")


def utc_now() -> datetime:
    """Return the present moment in UTC. For the edges only: web, command line, demo."""
    return datetime.now(UTC)


def local_day(moment: datetime) -> date:
    """Return the day a moment belongs to in Norway."""
    return moment.astimezone(OSLO).date()


def age_on(born_on: date, day: date) -> int:
    """Return whole years of age on `day`; somebody born on 29 February turns a year older on 1 March."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def add_months(day: date, months: int) -> date:
    """Return the same day `months` later, or that month's last day where it has no such day."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
