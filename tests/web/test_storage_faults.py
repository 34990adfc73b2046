"""The database restarts, is locked or is full in the middle of a request: nothing half, nothing lost, nothing twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bti import db, rights, tenancy
from bti.db import DatabaseUnavailable, open_database, upgrade
from bti.verifier.verdict import GOOD
from tests import postgresql
from tests.cast import Cast, settle
from tests.databases import HERE, PAGES, SIGNER, administering, as_pages
from tests.invariants import broken, everything, trail_of
from tests.required import do_without
from tests.sequencing import Ledger, check, let_go
from tests.web.visitor import Visitor

Clients = Callable[[str], Visitor]
FILLED = {"seen": "Kommer for sent fire av fem dager.", "talked": "no", "subject": "ola", "themes": "absence"}


def sent(visitor: Visitor, page: Any, status: int = 303) -> Any:
    return visitor.post("/undringer/ny", FILLED, status, page=page)


def wonders(cast: Cast) -> int:
    return len(everything(cast.database)["cases"])


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    """A server of the module's own, that writes what it has committed: it is to be stopped as if it had crashed."""
    server = postgresql.own_server({**postgresql.SETTINGS, "synchronous_commit": "on"})
    if server is None:
        do_without("pg", postgresql.why_missing())
    yield server
    server.stop()


class TestPostgreSQLRestarted:
    @pytest.fixture
    def cast(self, server: postgresql.Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cast]:
        """The town on that server, as the pages' role sees it."""
        monkeypatch.setattr(tenancy, "_here", ContextVar("municipality", default=HERE))
        with administering(server.url) as connection:
            connection.execute(sa.text("DROP DATABASE IF EXISTS town WITH (FORCE)"))
            connection.execute(sa.text("CREATE DATABASE town TEMPLATE template0"))
            for role in (PAGES, SIGNER):
                with suppress(sa.exc.DBAPIError):
                    connection.execute(sa.text(f"CREATE ROLE {role} LOGIN PASSWORD '{role}'"))
        url = sa.make_url(server.url).set(database="town")
        upgrade(url.render_as_string(hide_password=False))
        owner = open_database(url.render_as_string(hide_password=False))
        rights.allow(owner, PAGES)
        rights.allow(owner, SIGNER, signs=True)
        owner.dispose()
        engine = open_database(as_pages(url))
        yield settle(engine)
        let_go()
        engine.dispose()

    @pytest.mark.pg
    @pytest.mark.parametrize("moment", ["INSERT INTO cases", "INSERT INTO audit_entries", "COMMIT"])
    @pytest.mark.parametrize("how", ["fast", "immediate"])
    def test_in_the_middle_of_a_request_is_told_and_the_form_works_once_afterwards(
        self, cast: Cast, client_of: Clients, server: postgresql.Server, tmp_path: Path, moment: str, how: str
    ) -> None:
        kari = client_of("kari")
        case_id = cast.at_level_1()
        page, before, trail = kari.get("/undringer/ny"), everything(cast.database), trail_of(cast.database, case_id)
        with at(cast.database, moment, lambda: server.restart(how)) as struck:
            told = sent(kari, page, 503)
        assert struck == [moment]
        assert "Ola Nordli" not in told.html
        # The connections that rested broke as well: whoever meets one may be told, and then it is replaced.
        for _try in range(12):
            with suppress(DatabaseUnavailable):
                after = everything(cast.database)
        assert after == before
        first = settled(lambda: kari.client.post("/undringer/ny", data=data_of(page)))
        again = sent(kari, page)
        assert (first.status_code, first.headers["Location"]) == (303, again.goes_to)
        assert wonders(cast) == len(before["cases"]) + 1
        # What had been acknowledged before is there, as it was.
        assert trail_of(cast.database, case_id) == trail
        whole(cast, tmp_path)


def data_of(page: Any) -> dict[str, str]:
    return {name: page.value(name) for name in ("csrf_token", "once")} | FILLED


def settled(ask: Callable[[], Any]) -> Any:
    """Ask until every broken connection of the pool has been replaced."""
    for _try in range(12):
        answer = ask()
        if answer.status_code != 503:
            break
    return answer


def whole(cast: Cast, tmp_path: Path) -> None:
    assert broken(cast.database, cast.municipality_id, cast.now) == []
    ledger = Ledger(cast, tmp_path / "log")
    ledger.turn()
    answers = check(ledger, tmp_path / "bundle")
    assert answers.codes == (GOOD, GOOD), answers.said()


@contextmanager
def at(database: sa.Engine, moment: str, strike: Callable[[], None]) -> Iterator[list[str]]:
    """Strike once, just before the first statement that begins so is said."""
    struck: list[str] = []

    def once() -> None:
        if not struck:
            struck.append(moment)
            strike()

    def heard(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if " ".join(statement.split()).startswith(moment):
            once()

    def committing(_connection: Any) -> None:
        # Of the transaction that changes something.
        if moment == "COMMIT" and written:
            once()

    def noted(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO cases"):
            written.append(True)

    written: list[bool] = []
    listeners = (("before_cursor_execute", heard), ("commit", committing), ("before_cursor_execute", noted))
    for name, listener in listeners:
        sa.event.listen(database, name, listener)
    try:
        yield struck
    finally:
        for name, listener in listeners:
            sa.event.remove(database, name, listener)


class TestSQLiteLocked:
    def test_for_longer_than_its_timeout_is_told_and_the_form_works_once_afterwards(
        self, cast: Cast, client_of: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kari = client_of("kari")
        path = f"/saker/{cast.facts(cast.at_level_1()).reference}"
        page, before = kari.get("/undringer/ny"), everything(cast.database)
        # Connections that are opened from here on wait so long, whose settings say five seconds.
        monkeypatch.setattr(db, "SQLITE_BUSY_MS", 300)
        cast.database.dispose()
        with locked(cast.database):
            assert "Ola Nordli" not in sent(kari, page, 503).html
            # Nor is anything shown whose entry can't be written.
            assert "Ola Nordli" not in kari.get(path, 503).html
        assert everything(cast.database) == before
        first = sent(kari, page)
        assert sent(kari, page).goes_to == first.goes_to
        assert wonders(cast) == len(before["cases"]) + 1
        assert "Ola Nordli" in kari.get(path).html
        whole(cast, tmp_path)


@contextmanager
def locked(database: sa.Engine) -> Iterator[None]:
    """Hold the file's lock for writing, as another program does."""
    with closing(sqlite3.connect(str(database.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


class TestADiskThatIsFull:
    def test_in_the_middle_of_a_change_saves_nothing_of_it_and_all_that_was_acknowledged_stays(
        self, cast: Cast, client_of: Clients, tmp_path: Path
    ) -> None:
        kari, acknowledged = client_of("kari"), []
        with no_larger(cast.database):
            while True:
                page = kari.get("/undringer/ny")
                before = everything(cast.database)
                answer = kari.client.post("/undringer/ny", data=data_of(page))
                if answer.status_code != 303:
                    break
                acknowledged.append(answer.headers["Location"])
        assert answer.status_code == 503
        assert everything(cast.database) == before
        assert wonders(cast) == len(acknowledged)
        sent(kari, page)
        assert wonders(cast) == len(acknowledged) + 1
        whole(cast, tmp_path)

    @pytest.mark.pg
    @pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.pg)], indirect=True)
    def test_is_for_the_pages_as_a_trail_that_takes_no_entry(
        self, cast: Cast, client_of: Clients, postgresql_owned: sa.Engine, tmp_path: Path
    ) -> None:
        # Filling a disk of PostgreSQL's needs a file system of its own, and so root. What the pages meet is the same:
        # the statement that writes the entry fails, at any moment and after the change itself has been said.
        kari = client_of("kari")
        page, before = kari.get("/undringer/ny"), everything(cast.database)
        with postgresql_owned.begin() as session:
            session.exec_driver_sql(f"REVOKE INSERT ON audit_entries FROM {PAGES}")
        sent(kari, page, 503)
        assert everything(cast.database) == before
        with postgresql_owned.begin() as session:
            session.exec_driver_sql(f"GRANT INSERT ON audit_entries TO {PAGES}")
        first = sent(kari, page)
        assert sent(kari, page).goes_to == first.goes_to
        assert wonders(cast) == len(before["cases"]) + 1
        whole(cast, tmp_path)


@contextmanager
def no_larger(database: sa.Engine) -> Iterator[None]:
    """Give the file no more room than it has and a few pages."""

    def limit(driver: Any, _record: Any, _proxy: Any) -> None:
        driver.execute(f"PRAGMA max_page_count = {most}")

    def lift(driver: Any, _record: Any, _proxy: Any) -> None:
        driver.execute("PRAGMA max_page_count = 4294967294")

    with database.connect() as session:
        most = session.exec_driver_sql("PRAGMA page_count").scalar_one() + 5
    sa.event.listen(database, "checkout", limit)
    yield
    sa.event.remove(database, "checkout", limit)
    sa.event.listen(database, "checkout", lift)
