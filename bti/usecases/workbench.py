"""The auditor's workbench: emergency access that waits for a review, alerts, and reads drawn to be gone through.

As everywhere for an auditor: no case content, no free text from cases, nothing about oneself, and what is looked at
is told in the trail.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import alerts, new_id, sample_items, samples
from bti.models.sealed import sealed
from bti.queries import audit as trail
from bti.queries import break_glass as broken
from bti.queries import oversight
from bti.queries.audit import Entry, LogQuery, Page
from bti.queries.oversight import Drawn
from bti.usecases import break_glass, signed_log
from bti.usecases.auditing import judge, judged, require_auditor
from bti.usecases.auditor_trail import tell
from bti.usecases.break_glass import ToReview
from bti.usecases.signed_log import LogState
from bti.usecases.text import collect, one_of, optional, required

OUTCOMES = ("fine", "follow_up")
SIZES = (10, 25, 50, 100)
LONGEST_NOTE = 1_000
LONGEST_SEED = 64


@dataclass(frozen=True)
class Queue:
    """What waits for an auditor, the oldest first, and the samples that have been drawn, the newest first."""

    break_glass: tuple[Any, ...]
    alerts: tuple[Any, ...]
    samples: tuple[Any, ...]


def queue(session: sa.Connection, *, actor: Actor, now: datetime) -> Queue:
    """Return what waits. Raises Forbidden."""
    require_auditor(actor)
    here = {"municipality_id": actor.municipality_id}
    found = Queue(
        broken.awaiting(session, **here, not_person=actor.person_id),
        oversight.open_alerts(session, **here, not_person=actor.person_id),
        oversight.recent_samples(session, **here),
    )
    _told(session, actor, "workbench", len(found.break_glass) + len(found.alerts) + len(found.samples), now)
    return found


def see_break_glass(session: sa.Connection, *, actor: Actor, break_glass_id: str, now: datetime) -> ToReview:
    """Return an emergency access with what was read, for an auditor. Raises Forbidden (also `own_access`), NotFound."""
    require_auditor(actor)
    row = broken.one(session, municipality_id=actor.municipality_id, break_glass_id=break_glass_id)
    if row is None:
        raise NotFound()
    break_glass.reviewer_role(actor, row)
    _told(session, actor, "break_glass", 1, now, break_glass=break_glass_id)
    reads = break_glass.reads_of(session, row, actor.municipality_id)
    return ToReview(row, break_glass.is_over(row, now), reads)


# --- alerts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alert:
    """An alert with what the person has read since it began, newest first."""

    row: Any
    reads: Page[Entry]


def see_alert(session: sa.Connection, *, actor: Actor, alert_id: str, now: datetime) -> Alert:
    """Return an alert. Raises Forbidden (also `own_access`), NotFound."""
    row = _alert(session, actor, alert_id)
    query = LogQuery(
        actor.municipality_id, actor.person_id, person_ids=(row.person_id,), events=("case.read",), since=row.since,
        until=row.closed_at,
    )  # fmt: skip
    page = trail.log_page(session, query, trail.matching(session, query), before=None)
    _told(session, actor, "alert", len(page.rows), now, alert=alert_id)
    return Alert(row, judged(session, query, page))


def close_alert(session: sa.Connection, *, actor: Actor, alert_id: str, outcome: str, note: str, now: datetime) -> None:
    """Say what an alert came to. Raises Forbidden, NotFound, NotPossible (`alert_closed`), Invalid (outcome, note)."""
    row = _alert(session, actor, alert_id)
    said = _said(outcome, note)
    mine = (alerts.c.municipality_id == actor.municipality_id, alerts.c.id == alert_id, alerts.c.closed_at.is_(None))
    written = sealed(session, alerts, {
        "municipality_id": actor.municipality_id, "id": alert_id, "closed_at": now, "closed_by": actor.person_id,
        "outcome": outcome, "note": said,
    })  # fmt: skip
    if session.execute(sa.update(alerts).where(*mine).values(**written)).rowcount != 1:
        raise NotPossible("alert_closed")
    fields = {"person": row.person_id, "outcome": outcome}
    tell(session, actor, "alert.close", fields, now, object_id=alert_id)


def _alert(session: sa.Connection, actor: Actor, alert_id: str) -> Any:
    require_auditor(actor)
    row = oversight.alert(session, municipality_id=actor.municipality_id, alert_id=alert_id)
    if row is None:
        raise NotFound()
    if row.person_id == actor.person_id:
        raise Forbidden("own_access")
    return row


def _said(outcome: str, note: str) -> str:
    """Return the cleaned note. What is to be followed up says why; what is fine may say nothing."""
    collect(
        lambda: one_of("outcome", outcome, OUTCOMES),
        lambda: (required if outcome == "follow_up" else optional)("note", note, longest=LONGEST_NOTE),
    )
    return optional("note", note, longest=LONGEST_NOTE)


# --- reads drawn by lot -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """Which reads to draw: `size` of those from `since` until before `until`, by `seed` or, when empty, a new one."""

    since: datetime | None
    until: datetime | None
    size: int
    seed: str = ""


@dataclass(frozen=True)
class Picked:
    """What was drawn, not yet kept."""

    wanted: Wanted
    seed: str
    drawn: Drawn


def pick(session: sa.Connection, *, actor: Actor, wanted: Wanted) -> Picked:
    """Draw. Only reads, so that nobody who writes waits while a long trail is gone through.

    Raises Forbidden, Invalid (since, until, size, seed; since: `nothing` when there is no read to draw).
    """
    require_auditor(actor)
    collect(
        lambda: _check_period(wanted),
        lambda: one_of("size", str(wanted.size), {str(size) for size in SIZES}),
        lambda: optional("seed", wanted.seed, longest=LONGEST_SEED),
    )
    seed = optional("seed", wanted.seed) or secrets.token_hex(8)
    query = LogQuery(actor.municipality_id, actor.person_id, since=wanted.since, until=wanted.until)
    drawn = oversight.draw(session, query, size=wanted.size, seed=seed)
    if not drawn.entries:
        raise Invalid(since="nothing")
    return Picked(wanted, seed, drawn)


def _check_period(wanted: Wanted) -> None:
    missing = {name: "missing" for name in ("since", "until") if getattr(wanted, name) is None}
    if missing:
        raise Invalid(**missing)
    if wanted.since and wanted.until and wanted.since >= wanted.until:
        raise Invalid(since="ends_before_it_begins")


def keep(session: sa.Connection, *, actor: Actor, picked: Picked, now: datetime) -> str:
    """Keep what was drawn, to be gone through; return the sample's id. Raises Forbidden."""
    require_auditor(actor)
    here: dict[str, Any] = {"municipality_id": actor.municipality_id}
    sample_id, wanted = new_id(), picked.wanted
    told = {"since": wanted.since, "until": wanted.until, "seed": picked.seed, "size": wanted.size}
    session.execute(
        sa.insert(samples),
        here
        | told
        | {"id": sample_id, "drawn_by": actor.person_id, "drawn_at": now, "population": picked.drawn.population},
    )
    session.execute(
        sa.insert(sample_items),
        [
            here
            | {"id": new_id(), "sample_id": sample_id, "place": place, "entry_id": entry_id, "reader_id": reader_id}
            for place, (entry_id, reader_id) in enumerate(picked.drawn.entries, start=1)
        ],
    )
    tell(session, actor, "sample.draw", told | {"drawn": len(picked.drawn.entries)}, now, object_id=sample_id)
    return sample_id


@dataclass(frozen=True)
class Item:
    """A read that was drawn, with the verdict on its basis; `entry` is None for one of the auditor's own."""

    row: Any
    entry: Entry | None


@dataclass(frozen=True)
class Sample:
    """A sample with its reads, in the order they are gone through."""

    row: Any
    items: tuple[Item, ...]

    @property
    def next(self) -> Item | None:
        """The first that nobody has judged and that isn't the auditor's own."""
        return next((item for item in self.items if item.entry and not item.row.judged_at), None)


def see_sample(session: sa.Connection, *, actor: Actor, sample_id: str, now: datetime) -> Sample:
    """Return a sample. Raises Forbidden, NotFound."""
    require_auditor(actor)
    here = {"municipality_id": actor.municipality_id}
    row = oversight.sample(session, **here, sample_id=sample_id)
    if row is None:
        raise NotFound()
    rows = oversight.items_of(session, **here, sample_id=sample_id)
    query = LogQuery(actor.municipality_id, actor.person_id)
    entries = trail.numbered(session, query, [one.entry_id for one in rows if one.reader_id != actor.person_id])
    known = {entry.id: entry for entry in judge(session, actor.municipality_id, entries)}
    _told(session, actor, "sample", len(known), now, sample=sample_id)
    return Sample(row, tuple(Item(one, known.get(one.entry_id)) for one in rows))


def item_of(sample: Sample, place: int) -> tuple[Any, Entry]:
    """Return what was said of a read of a sample, and the read. Raises NotFound; Forbidden (`own_access`) for one of
    the auditor's own."""
    found = next((one for one in sample.items if one.row.place == place), None)
    if found is None:
        raise NotFound()
    if found.entry is None:
        raise Forbidden("own_access")
    return found.row, found.entry


def judge_item(
    session: sa.Connection, *, actor: Actor, sample_id: str, place: int, outcome: str, note: str, now: datetime
) -> None:
    """Say whether a drawn read is fine or to be followed up.

    Raises Forbidden (also `own_access`), NotFound, NotPossible (`already_judged`), Invalid (outcome, note).
    """
    require_auditor(actor)
    rows = oversight.items_of(session, municipality_id=actor.municipality_id, sample_id=sample_id)
    row = next((one for one in rows if one.place == place), None)
    if row is None:
        raise NotFound()
    if row.reader_id == actor.person_id:
        raise Forbidden("own_access")
    said, i = _said(outcome, note), sample_items.c
    mine = (i.municipality_id == actor.municipality_id, i.id == row.id, i.judged_at.is_(None))
    written = sealed(session, sample_items, {
        "municipality_id": actor.municipality_id, "id": row.id, "judged_at": now, "judged_by": actor.person_id,
        "outcome": outcome, "note": said,
    })  # fmt: skip
    if session.execute(sa.update(sample_items).where(*mine).values(**written)).rowcount != 1:
        raise NotPossible("already_judged")
    tell(session, actor, "sample.judge", {"entry": row.entry_id, "outcome": outcome}, now, object_id=sample_id)


# --- the signed log ---------------------------------------------------------------------------------------------------


def see_log(session: sa.Connection, *, actor: Actor, now: datetime) -> LogState:
    """Return how far the signed log has come. Raises Forbidden."""
    require_auditor(actor)
    found = signed_log.state(session, municipality_id=actor.municipality_id)
    _told(session, actor, "signed_log", 1, now)
    return found


def will_check_log(session: sa.Connection, *, actor: Actor, now: datetime) -> None:
    """Write that an auditor has all of the log checked, before it is done. Raises Forbidden."""
    require_auditor(actor)
    _told(session, actor, "check_log", 1, now)


def may_take_log(_session: sa.Connection, *, actor: Actor) -> None:
    """Raise Forbidden for everybody who may not take the log along; taking it is told where the bundle is written."""
    require_auditor(actor)


# --- the trail --------------------------------------------------------------------------------------------------------


def _told(session: sa.Connection, actor: Actor, question: str, shown: int, now: datetime, **filters: str) -> None:
    tell(session, actor, "audit.search", {"question": question, "filters": filters, "shown": shown}, now)
