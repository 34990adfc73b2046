"""What is read for a page is told in the trail before it is shown, and holds up nobody who writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bti import audit
from bti.audit import showing
from bti.db import DatabaseUnavailable, reading, writing
from bti.errors import NotFound
from bti.models import audit_entries, cases, people
from bti.usecases.reading import CasePage, ToAnswer, read_case
from tests.cast import Cast, settle
from tests.keys import change


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def _reads(cast: Cast) -> int:
    with reading(cast.database) as session:
        asked = sa.select(sa.func.count()).where(audit_entries.c.event == "case.read")
        return session.execute(asked).scalar_one()


def _touch(cast: Cast, case_id: str) -> None:
    with writing(cast.database) as session:
        session.execute(sa.update(cases).where(cases.c.id == case_id).values(version=cases.c.version + 1))


def _open(cast: Cast, case_id: str, name: str = "kari") -> CasePage | ToAnswer:
    actor = cast.actor(name)
    return audit.show(cast.database, lambda s: read_case(s, actor=actor, case_id=case_id, now=cast.now))


class TestAReading:
    def test_is_told_before_anything_is_returned(self, cast: Cast) -> None:
        case_id, before = cast.at_level_1(), _reads(cast)
        assert isinstance(_open(cast, case_id), CasePage)
        assert _reads(cast) == before + 1

    def test_that_is_refused_tells_nothing_of_a_reading(self, cast: Cast) -> None:
        case_id, before = cast.at_level_1(), _reads(cast)
        with pytest.raises(NotFound):
            _open(cast, case_id, "nils")
        assert _reads(cast) == before

    def test_holds_up_nobody_who_writes(self, cast: Cast) -> None:
        case_id, before = cast.at_level_1(), _reads(cast)
        actor = cast.actor("kari")

        def read_while_another_writes(session: sa.Connection) -> object:
            page = read_case(session, actor=actor, case_id=case_id, now=cast.now)
            with writing(cast.database) as other:
                change(other, people, sa.true(), title="skriver")
            return page

        audit.show(cast.database, read_while_another_writes)
        assert _reads(cast) == before + 1

    def test_that_writes_is_a_fault_of_ours_and_undone(self, cast: Cast) -> None:
        with pytest.raises(Exception, match=r"only reading|read-only"):
            audit.show(cast.database, lambda s: change(s, people, sa.true(), title="skjult"))
        with reading(cast.database) as session:
            assert "skjult" not in session.execute(sa.select(people.c.title)).scalars().all()


class TestACaseThatChangesMeanwhile:
    def test_is_read_anew(self, cast: Cast) -> None:
        case_id, before, seen = cast.at_level_1(), _reads(cast), []
        actor = cast.actor("kari")

        def read(session: sa.Connection) -> int:
            page = read_case(session, actor=actor, case_id=case_id, now=cast.now)
            assert isinstance(page, CasePage)
            seen.append(page.head.scene.facts.version)
            if len(seen) == 1:
                _touch(cast, case_id)
            return seen[-1]

        assert audit.show(cast.database, read) == seen[0] + 1
        assert len(seen) == 2
        assert _reads(cast) == before + 1

    def test_that_never_rests_is_not_shown(self, cast: Cast) -> None:
        case_id, before = cast.at_level_1(), _reads(cast)
        actor = cast.actor("kari")

        def read(session: sa.Connection) -> object:
            page = read_case(session, actor=actor, case_id=case_id, now=cast.now)
            _touch(cast, case_id)
            return page

        with pytest.raises(DatabaseUnavailable):
            audit.show(cast.database, read)
        assert _reads(cast) == before


class TestATrailThatCantBeWritten:
    def test_shows_nothing(self, cast: Cast) -> None:
        case_id = cast.at_level_1()

        def full(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if statement.startswith("INSERT INTO audit_entries"):
                raise DatabaseUnavailable("full")

        event.listen(cast.database, "before_cursor_execute", full)
        try:
            with pytest.raises(DatabaseUnavailable):
                _open(cast, case_id)
        finally:
            event.remove(cast.database, "before_cursor_execute", full)
        assert isinstance(_open(cast, case_id), CasePage)


class TestManyAtOnce:
    def test_each_has_its_entry(self, cast: Cast) -> None:
        case_id, before, many = cast.at_level_1(), _reads(cast), 6
        start = Barrier(many)

        def one(_number: int) -> bool:
            start.wait()
            return all(isinstance(_open(cast, case_id), CasePage) for _time in range(5))

        with ThreadPoolExecutor(many) as pool:
            assert all(pool.map(one, range(many)))
        assert _reads(cast) == before + many * 5

    def test_only_those_whose_case_has_changed_read_anew(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        told = [showing._Told(audit.trail.Pending()) for _one in range(2)]
        version = 1_000
        told[1].pending.seen[cast.municipality_id, case_id] = version
        showing._write_all(cast.database, told)
        assert [one.is_kept for one in told] == [True, False]
