"""What an auditor looks after: alerts, and reads drawn to be gone through; no column marked confidential."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bti.models import alerts, audit_entries, people, sample_items, samples
from bti.queries import audit as trail
from bti.queries.audit import LogQuery

MOST_LISTED = 50
a, s, i, e = alerts.c, samples.c, sample_items.c, audit_entries.c


def open_alerts(session: sa.Connection, *, municipality_id: str, not_person: str) -> tuple[Any, ...]:
    """Return alerts nobody has closed, oldest first, MOST_LISTED and one more when there are; none about oneself."""
    mine = (a.municipality_id == municipality_id, a.closed_at.is_(None), a.person_id != not_person)
    return tuple(session.execute(_alerts().where(*mine).order_by(a.raised_at, a.id).limit(MOST_LISTED + 1)))


def alert(session: sa.Connection, *, municipality_id: str, alert_id: str) -> Any:
    """Return an alert with who closed it, or None."""
    return session.execute(_alerts().where(a.municipality_id == municipality_id, a.id == alert_id)).first()


def _alerts() -> sa.Select[Any]:
    closer = people.alias("closer")
    return (
        sa.select(
            a.id, a.kind, a.person_id, people.c.name.label("person"), a.cases, a.since, a.raised_at, a.closed_at,
            a.outcome, a.note, closer.c.name.label("closer"),
        )
        .join(people, sa.and_(people.c.municipality_id == a.municipality_id, people.c.id == a.person_id))
        .outerjoin(closer, sa.and_(closer.c.municipality_id == a.municipality_id, closer.c.id == a.closed_by))
    )  # fmt: skip


# --- reads drawn by lot -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """The numbers of the reads that were drawn, in the order they are gone through, each with who read."""

    entries: tuple[tuple[int, str | None], ...]
    population: int


def draw(session: sa.Connection, query: LogQuery, *, size: int, seed: str) -> Drawn:
    """Draw `size` reads of cases among those that `query` finds, without the auditor's own.

    Each read's lot is SHA-256 of `seed:number`, and the smallest are drawn: whoever has the seed and the trail draws
    the same ones, with any program.
    """
    found = [*trail.matching(session, query), e.event == "case.read", trail.not_own(query)]
    rows = session.execute(sa.select(e.id, e.actor_id).where(*found).order_by(e.id))
    counted = _Counted(iter(rows))
    smallest = heapq.nsmallest(size, counted, key=lambda row: lot(seed, row.id))
    return Drawn(tuple((row.id, row.actor_id) for row in smallest), counted.number)


def lot(seed: str, entry_id: int) -> str:
    """Return the lot of a read."""
    return hashlib.sha256(f"{seed}:{entry_id}".encode()).hexdigest()


@dataclass
class _Counted:
    rows: Iterator[Any]
    number: int = 0

    def __iter__(self) -> Iterator[Any]:
        for row in self.rows:
            self.number += 1
            yield row


def recent_samples(session: sa.Connection, *, municipality_id: str) -> tuple[Any, ...]:
    """Return the newest samples with how many reads each has and how many of them are judged."""
    newest = _samples().where(s.municipality_id == municipality_id).order_by(s.drawn_at.desc(), s.id).limit(MOST_LISTED)
    return tuple(session.execute(newest))


def sample(session: sa.Connection, *, municipality_id: str, sample_id: str) -> Any:
    """Return one sample as `recent_samples` does, or None."""
    return session.execute(_samples().where(s.municipality_id == municipality_id, s.id == sample_id)).first()


def _samples() -> sa.Select[Any]:
    mine = (i.municipality_id == s.municipality_id, i.sample_id == s.id)
    count = sa.select(sa.func.count()).select_from(sample_items).where(*mine)
    return sa.select(
        s.id, s.seed, s.since, s.until, s.size, s.population, s.drawn_at, people.c.name.label("drawer"),
        count.scalar_subquery().label("items"), count.where(i.judged_at.is_not(None)).scalar_subquery().label("judged"),
    ).join(people, sa.and_(people.c.municipality_id == s.municipality_id, people.c.id == s.drawn_by))  # fmt: skip


def items_of(session: sa.Connection, *, municipality_id: str, sample_id: str) -> tuple[Any, ...]:
    """Return the reads of a sample in their order, with what was said of each."""
    rows = session.execute(
        sa.select(
            i.id, i.place, i.entry_id, i.reader_id, i.judged_at, i.outcome, i.note, people.c.name.label("judge")
        )
        .outerjoin(people, sa.and_(people.c.municipality_id == i.municipality_id, people.c.id == i.judged_by))
        .where(i.municipality_id == municipality_id, i.sample_id == sample_id)
        .order_by(i.place)
    )  # fmt: skip
    return tuple(rows)
