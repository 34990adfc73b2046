"""How stories are told: a clock that only moves forward, and every story waiting for its next day.

A story is a generator. It yields the day it waits for, counted from today (-30 is thirty days ago), and does through
the use cases what happens then. All stories are told at once, each when its day comes, so that the trail stands in
the order of time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterable
from datetime import date, datetime, time, timedelta
from functools import cache
from inspect import signature
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.clock import OSLO, local_day
from bti.demo.town import BEGAN, HERE, Town
from bti.errors import Refused
from bti.queries.people import load_actor
from bti.usecases.people import end_person

Plot = Generator[int, None, None]
Story = Callable[["Stage"], Plot]


class Stage:
    """Where stories take place: the database's transaction, the town, and the clock."""

    def __init__(self, session: sa.Connection, town: Town, now: datetime) -> None:
        self.session, self.town, self.end = session, town, now
        self.today = local_day(now)
        # Before the first story, after the town was founded.
        self.clock = now - BEGAN / 2
        self._actors: dict[str, Actor] = {}

    def day(self, offset: int) -> date:
        """Return the day `offset` days from today."""
        return self.today + timedelta(days=offset)

    def actor(self, name: str) -> Actor:
        """Return somebody of the staff with the roles they hold."""
        if name not in self._actors:
            found = load_actor(self.session, municipality_id=HERE, person_id=self.town.people[name])
            if found is None:
                raise LookupError(f"{name} no longer works here")
            self._actors[name] = found
        return self._actors[name]

    def act(self, usecase: Callable[..., Any], by: str, **more: Any) -> Any:
        """Let somebody do something now; everything takes them two minutes."""
        self.clock += timedelta(minutes=2)
        if self.clock > self.end:
            raise ValueError("a story runs into the future")
        return usecase(self.session, actor=self.actor(by), now=self.clock, **more)

    def attempt(self, usecase: Callable[..., Any], by: str, event: str, *, case_id: str, **more: Any) -> None:
        """Let somebody try what will be refused; the refusal is recorded as at the edge, under the name `event`."""
        try:
            with self.session.begin_nested():
                self.act(usecase, by, case_id=case_id, **more)
        except Refused as refusal:
            audit.record_refusal(
                self.session, actor=self.actor(by), attempt=event, refusal=refusal, now=self.clock, case_id=case_id
            )
            return
        raise ValueError(f"nobody refused {by} {event}")

    def leave(self, name: str) -> None:
        """Let somebody end: the administrator sees to it, and their batons fall."""
        self.act(end_person, "arne", person_id=self.town.people[name])
        self._actors.clear()

    def morning(self, offset: int, number: int) -> datetime:
        """Return when story `number` begins its day: in working hours, on the last working day until then."""
        day = self.day(offset)
        day -= timedelta(days=max(0, day.weekday() - 4))
        return datetime.combine(day, time(8 + number % 7, number * 13 % 60), OSLO)


def tell(stage: Stage, stories: Iterable[Story], progress: Callable[[], None] = lambda: None) -> None:
    """Tell all stories to their end, in the order of time; `progress` is called as each one ends."""
    waiting: list[tuple[datetime, int, Plot]] = []
    for number, story in enumerate(stories):
        _wait(stage, waiting, number, story(stage), progress)
    while waiting:
        moment, number, plot = heapq.heappop(waiting)
        stage.clock = max(stage.clock, moment)
        _wait(stage, waiting, number, plot, progress)


def _wait(
    stage: Stage, waiting: list[tuple[datetime, int, Plot]], number: int, plot: Plot, progress: Callable[[], None]
) -> None:
    offset = next(plot, None)
    if offset is None:
        progress()
    else:
        heapq.heappush(waiting, (stage.morning(offset, number), number, plot))


@cache
def takes_version(usecase: Callable[..., Any]) -> bool:
    """Return whether a use case asks which version of the case the person saw."""
    return "seen_version" in signature(usecase).parameters
