"""How many cases somebody opens: fifty different ones in five minutes raise an alert to the auditor and slow them down.

Nobody's thread sleeps: whoever is too fast is told how long to wait, and that grows with each new case in the hour
after the alert. The cases they had opened before go on being open to them; a case in hand is never taken from anybody.

Counted from the trail, where the entry of a reading is written. The usual reading asks no statement more for it: the
one that writes its entry has `is_calm` as a condition. Only when that fails, somebody looks closer (`watch`), one
reading of a person at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti.errors import TooManyCases
from bti.models import alerts, audit_entries, new_id, people
from bti.models.base import Moment

KIND = "bulk_reading"
MANY, WITHIN = 50, timedelta(minutes=5)
# Readings in that time, of whatever cases, from which on each is looked at by itself. The rest up to MANY is how many
# may be under way at once and not know of each other.
CAREFUL = 40
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=5)
# As long as somebody is slow after an alert.
SLOW_FOR = timedelta(hours=1)

Entry = Mapping[str, Any]
_a = alerts.c
_LATELY, _SLOW_SINCE = sa.bindparam("lately", type_=Moment), sa.bindparam("slow_since", type_=Moment)


def is_calm(values: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    """Return the condition that the person of an entry has opened little lately and isn't slowed down.

    `values` are the parameters that stand for the columns of the entry; those of `moments` are needed besides.
    """
    read = audit_entries.alias("lately_read")
    # Constants are written out: the index of these readings is used only for its very words, and PostgreSQL keeps a
    # plan only when it sees that few rows are wanted (making one costs ten times what carrying it out does). One value
    # instead of EXISTS, where SQLite forgets the order that leads it to the index.
    enough = (
        sa.select(read.c.at)
        .where(
            read.c.municipality_id == values["municipality_id"],
            read.c.actor_id == values["actor_id"],
            read.c.event == sa.literal_column("'case.read'"),
            read.c.at >= _LATELY,
        )
        .order_by(read.c.at.desc())
        .offset(sa.literal_column(str(CAREFUL - 1)))
        .limit(sa.literal_column("1"))
    )
    slowed = sa.exists().where(
        _a.municipality_id == values["municipality_id"],
        _a.person_id == values["actor_id"],
        _a.kind == sa.literal_column(f"'{KIND}'"),
        _a.raised_at > _SLOW_SINCE,
    )
    return sa.and_(enough.scalar_subquery().is_(None), sa.not_(slowed))


def moments(entry: Entry) -> dict[str, datetime]:
    """Return the parameters of `is_calm` that follow from an entry's moment."""
    return {_LATELY.key: entry["at"] - WITHIN, _SLOW_SINCE.key: entry["at"] - SLOW_FOR}


def watch(session: sa.Connection, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Look closer at readings before their entries are written, and raise an alert where one is due.

    Return what the trail is to be told of alerts, as `record` takes it. Raises TooManyCases for a new case that comes
    too soon after the one before it.
    """
    told = []
    for entry in entries:
        if entry["event"] == "case.read" and entry["actor_id"] and entry["case_id"]:
            told += _watch(session, entry)
    return told


def _watch(session: sa.Connection, entry: Entry) -> list[dict[str, Any]]:
    _one_at_a_time(session, entry)
    alert = _alert_since(session, entry)
    if alert is None:
        first = _first_readings(session, entry, since=entry["at"] - WITHIN)
        if len(first | {entry["case_id"]: entry["at"]}) < MANY:
            return []
        return [_raise_alert(session, entry, since=min(first.values(), default=entry["at"]))]
    first = _first_readings(session, entry, since=alert.since)
    if entry["case_id"] in first:
        return []
    left = max(first.values()) + pause(sum(at > alert.raised_at for at in first.values())) - entry["at"]
    if left > timedelta():
        raise TooManyCases(-(-left // timedelta(seconds=1)))
    return []


def pause(opened: int) -> timedelta:
    """Return how long after the last new case the next one may be opened, by somebody who has `opened` so many new
    ones since the alert."""
    return min(FIRST_PAUSE * (1 << min(opened, 10)), LONGEST_PAUSE)


def _one_at_a_time(session: sa.Connection, entry: Entry) -> None:
    """Let other readings of the person that are looked at wait for this one. On SQLite they wait already."""
    here = (people.c.municipality_id == entry["municipality_id"], people.c.id == entry["actor_id"])
    session.execute(sa.select(people.c.id).where(*here).with_for_update(key_share=True))


def _alert_since(session: sa.Connection, entry: Entry) -> Any:
    mine = (_a.municipality_id == entry["municipality_id"], _a.person_id == entry["actor_id"], _a.kind == KIND)
    lately = sa.select(_a.since, _a.raised_at).where(*mine, _a.raised_at > entry["at"] - SLOW_FOR)
    return session.execute(lately.order_by(_a.raised_at.desc()).limit(1)).first()


def _first_readings(session: sa.Connection, entry: Entry, *, since: datetime) -> dict[str, datetime]:
    """Return when the person first opened each case they have opened since `since`."""
    e = audit_entries.c
    rows = session.execute(
        sa.select(e.case_id, sa.func.min(e.at, type_=Moment))
        .where(
            e.municipality_id == entry["municipality_id"],
            e.actor_id == entry["actor_id"],
            e.event == sa.literal_column("'case.read'"),
            e.at >= since,
        )
        .group_by(e.case_id)
    )
    return {row[0]: row[1] for row in rows}


def _raise_alert(session: sa.Connection, entry: Entry, *, since: datetime) -> dict[str, Any]:
    row = {
        "municipality_id": entry["municipality_id"], "id": new_id(), "kind": KIND, "person_id": entry["actor_id"],
        "cases": MANY, "since": since, "raised_at": entry["at"],
    }  # fmt: skip
    session.execute(sa.insert(alerts), row)
    return {
        "municipality_id": row["municipality_id"], "event": "alert.raise", "now": entry["at"], "object_id": row["id"],
        "fields": {"kind": KIND, "person": entry["actor_id"], "cases": MANY},
    }  # fmt: skip
