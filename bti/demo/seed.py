"""Filling a database with the demo: the town, its children, and their stories told up to yesterday."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from bti.db import be_in, upgrade_within, writing
from bti.demo.children import fill_register
from bti.demo.marks import mark_in
from bti.demo.play import Stage, Story, tell
from bti.demo.stories import batons, consents, desk, ended, extensive, kari, own_service, together, wonders
from bti.demo.town import HERE, settle
from bti.models import metadata

_THEMES = (kari, wonders, own_service, together, extensive, consents, batons, ended, desk)
STORIES: tuple[Story, ...] = tuple(story for theme in _THEMES for story in theme.STORIES)

# Called with how many stories have been told, and how many there are.
Progress = Callable[[int, int], None]


class NotADemo(Exception):
    """The database holds something else than a demo; nothing in it was touched."""


def _silent(done: int, total: int) -> None:
    pass


def make(database: sa.Engine, now: datetime, progress: Progress = _silent) -> None:
    """Make a demo in a database without tables: schema, mark and content in one transaction, or nothing at all.

    Raises `NotADemo` when somebody else has made tables there.
    """
    with writing(database) as session:
        if mark_in(session) != "empty":
            raise NotADemo
        upgrade_within(session)
        fill(session, now, progress)


def make_anew(database: sa.Engine, now: datetime, progress: Progress = _silent) -> None:
    """Throw a demo's content away and seed it anew, in one transaction: interrupted, the old demo stays.

    Raises `NotADemo`.
    """
    with writing(database) as session:
        if mark_in(session) != "demo":
            raise NotADemo
        be_in(session, HERE)
        for table in reversed(metadata.sorted_tables):
            session.execute(sa.delete(table))
        fill(session, now, progress)


def seed(database: sa.Engine, now: datetime, progress: Progress = _silent) -> None:
    """Fill a migrated database without municipalities with the demo as it stands at `now`, or leave it as it is."""
    with writing(database) as session:
        fill(session, now, progress)


def fill(session: sa.Connection, now: datetime, progress: Progress = _silent) -> None:
    """The same in the caller's transaction.

    What is told is the same every time; ids and references are random, as everywhere.
    """
    be_in(session, HERE)
    town = settle(session, now=now)
    fill_register(session, town, now=now)
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        progress(done, len(STORIES))

    progress(0, len(STORIES))
    tell(Stage(session, town, now), STORIES, one_more)
