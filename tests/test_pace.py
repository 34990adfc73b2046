"""Who opens fifty cases in five minutes is noticed and slowed down, and nobody else feels anything of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bti import audit
from bti.audit import pace
from bti.db import reading, writing
from bti.errors import TooManyCases
from bti.models import alerts, audit_entries, cases
from bti.usecases.reading import read_case
from tests.cast import HERE, Cast, settle
from tests.doors import trail
from tests.growth import more_cases


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def case_id(cast: Cast) -> str:
    return cast.at_level_1()


def open_case(cast: Cast, case_id: str, by: str = "kari") -> None:
    actor, now = cast.actor(by), cast.now
    audit.show(cast.database, lambda session: read_case(session, actor=actor, case_id=case_id, now=now))


def has_opened(cast: Cast, number: int, *, by: str = "kari", **ago: float) -> None:
    """Leave in the trail that somebody has opened so many other cases."""
    actor = cast.actor(by)
    with writing(cast.database) as session:
        for _ in range(number):
            audit.record(
                session, actor=actor, municipality_id=HERE, event="case.read", now=cast.now - timedelta(**ago),
                case_id=f"other{number}-{_}", fields={"part": "case", "view": "full"},
            )  # fmt: skip


def all_alerts(cast: Cast) -> list[Any]:
    with reading(cast.database) as session:
        return list(session.execute(sa.select(alerts).order_by(alerts.c.raised_at)))


def reads(cast: Cast, case_id: str) -> int:
    with reading(cast.database) as session:
        mine = (audit_entries.c.event == "case.read", audit_entries.c.case_id == case_id)
        return session.execute(sa.select(sa.func.count()).where(*mine)).scalar_one()


class TestOpeningCases:
    def test_is_noticed_at_the_fiftieth_and_told_in_the_trail(self, cast: Cast, case_id: str) -> None:
        has_opened(cast, 48, minutes=4)
        open_case(cast, case_id)
        assert all_alerts(cast) == []
        another = cast.at_level_1(about="mia")
        open_case(cast, another)
        (alert,) = all_alerts(cast)
        assert (alert.kind, alert.person_id, alert.cases, alert.raised_at) == ("bulk_reading", "kari", 50, cast.now)
        assert alert.since == cast.now - timedelta(minutes=4)
        (entry,) = trail(cast, "alert.raise")
        assert (entry.actor_id, entry.role, entry.object_id) == (None, "system", alert.id)
        assert json.loads(entry.fields) == {"kind": "bulk_reading", "person": "kari", "cases": 50}
        assert reads(cast, another) == 1

    def test_more_slowly_is_not(self, cast: Cast, case_id: str) -> None:
        has_opened(cast, 200, minutes=5, seconds=1)
        has_opened(cast, 48)
        open_case(cast, case_id)
        assert all_alerts(cast) == []

    def test_that_are_one_and_the_same_is_not(self, cast: Cast, case_id: str) -> None:
        has_opened(cast, 48)
        for _ in range(30):
            open_case(cast, case_id)
        assert all_alerts(cast) == []
        assert reads(cast, case_id) == 30

    def test_by_several_people_is_not_added_up(self, cast: Cast, case_id: str) -> None:
        has_opened(cast, 49, by="rune")
        has_opened(cast, 49, by="siri")
        open_case(cast, case_id)
        assert all_alerts(cast) == []


class TestAfterAnAlert:
    @pytest.fixture
    def others(self, cast: Cast, case_id: str) -> list[str]:
        """Cases that Kari hasn't opened yet; the alert has just been raised."""
        more_cases(cast, 9)
        with reading(cast.database) as session:
            others = session.execute(sa.select(cases.c.id).where(cases.c.id != case_id).order_by(cases.c.id)).scalars()
            found = list(others)
        has_opened(cast, 49, minutes=1)
        open_case(cast, case_id)
        assert len(all_alerts(cast)) == 1
        return found

    def test_each_new_case_asks_for_a_longer_pause(self, cast: Cast, others: list[str]) -> None:
        waited = []
        for other in others[:7]:
            with pytest.raises(TooManyCases) as refused:
                open_case(cast, other)
            assert reads(cast, other) == 0
            waited.append(refused.value.seconds)
            cast.later(seconds=refused.value.seconds - 1)
            with pytest.raises(TooManyCases):
                open_case(cast, other)
            cast.later(seconds=1)
            open_case(cast, other)
        assert waited == [15, 30, 60, 120, 240, 300, 300]
        assert len(all_alerts(cast)) == 1

    def test_the_cases_opened_before_stay_open(self, cast: Cast, case_id: str, others: list[str]) -> None:
        for _ in range(3):
            open_case(cast, case_id)
        with pytest.raises(TooManyCases) as refused:
            open_case(cast, others[0])
        assert refused.value.seconds == 15, "reading on in a case makes no pause longer"
        cast.later(seconds=15)
        open_case(cast, others[0])
        open_case(cast, others[0])

    def test_nobody_else_waits(self, cast: Cast, others: list[str]) -> None:
        open_case(cast, others[0], by="rune")

    def test_an_hour_is_enough(self, cast: Cast, others: list[str]) -> None:
        cast.later(hours=1)
        for other in others[:3]:
            open_case(cast, other)
        assert len(all_alerts(cast)) == 1

    def test_the_next_time_is_another_alert(self, cast: Cast, others: list[str]) -> None:
        cast.later(hours=2)
        has_opened(cast, 60)
        open_case(cast, others[0])
        assert len(all_alerts(cast)) == 2


class TestManyAtOnce:
    def test_are_counted_as_one_after_the_other(self, cast: Cast, case_id: str) -> None:
        more_cases(cast, 69)
        with reading(cast.database) as session:
            every = list(session.execute(sa.select(cases.c.id)).scalars())
        assert len(every) == 70
        actor, start = cast.actor("kari"), Barrier(6)

        def some(mine: list[str]) -> tuple[int, int]:
            start.wait()
            shown = waited = 0
            for one in mine:
                try:
                    audit.show(cast.database, partial(read_case, actor=actor, case_id=one, now=cast.now))
                    shown += 1
                except TooManyCases:
                    waited += 1
            return shown, waited

        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(some, [every[place::6] for place in range(6)]))
        assert (sum(shown for shown, _ in found), sum(waited for _, waited in found)) == (50, 20)
        assert len(all_alerts(cast)) == 1
        with reading(cast.database) as session:
            told = sa.select(sa.func.count()).where(audit_entries.c.event == "case.read")
            assert session.execute(told).scalar_one() == 50


class TestWhatItCosts:
    @contextmanager
    def said(self, cast: Cast) -> Iterator[list[str]]:
        found: list[str] = []

        def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            found.append(statement)

        event.listen(cast.database, "before_cursor_execute", hear)
        yield found
        event.remove(cast.database, "before_cursor_execute", hear)

    def test_is_no_statement_to_those_who_are_calm(self, cast: Cast, case_id: str) -> None:
        has_opened(cast, pace.CAREFUL - 2)
        open_case(cast, case_id)
        with self.said(cast) as calm:
            open_case(cast, case_id)
        told = [statement for statement in calm if "audit_entries" in statement]
        assert len(told) == 1
        assert told[0].startswith("INSERT INTO audit_entries")

    def test_reads_no_more_of_the_trail_than_five_minutes_of_one_person(self, sqlite_database: sa.Engine) -> None:
        cast = settle(sqlite_database)
        open_case(cast, cast.at_level_1())
        with self.said(cast) as said:
            open_case(cast, cast.at_level_1(about="mia"))
        (insert,) = [one for one in said if one.startswith("INSERT INTO audit_entries") and "lately_read" in one]
        with sqlite_database.connect() as connection:
            driver: Any = connection.connection.driver_connection
            plan = driver.execute(f"EXPLAIN QUERY PLAN {insert}", ("x",) * insert.count("?")).fetchall()
        steps = [row[3] for row in plan]
        assert any("ix_audit_entries_case_reads" in step and "at>?" in step for step in steps), steps
        assert any("ix_alerts_person" in step for step in steps), steps
