"""A page asks the database as often in a large town as in a small one, and never reads a table from end to end.

Every page is opened by somebody who may. What is said to the database is heard twice: by SQLAlchemy, and by the driver,
which also hears what goes past SQLAlchemy. SQLite tells how it finds the rows of every statement that was heard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from bti.models import cases, metadata
from bti.queries.audit import MOST_GATHERED
from tests.auditor import plant
from tests.growth import longer_trail, more_cases, more_in_the_case, more_staff
from tests.web.conftest import app as app
from tests.web.conftest import application as application
from tests.web.conftest import cast as cast
from tests.web.conftest import client_of as client_of
from tests.web.conftest import kind as kind
from tests.web.test_every_route import DOORS, Scene, _path
from tests.web.test_every_route import scene as scene
from tests.web.visitor import Visitor, on_both_databases

SMALL, LARGE = 10, 200
# Then the clock goes on a while: somebody who opened all these pages of cases at once would be looked at more closely.
PAGES_A_WHILE = 60
# Whose pages differ: holder, leader, participant, invited, offered, coordinating unit, auditor, administrator.
READERS = ("kari", "rune", "siri", "amir", "per", "berit", "tove", "arne")
# Not for somebody who is logged in; and copies and the check of the whole log, which are read part by part so that no
# memory has to hold them whole.
NO_PAGES = {
    "account.login", "account.choose_language", "audit.log_copy", "audit.consents_copy", "audit.question_copy",
    "signed_log.check", "signed_log.bundle",
}  # fmt: skip


@dataclass
class Heard:
    """What was said to the database: through SQLAlchemy, and to the driver in all."""

    through_sqlalchemy: list[str] = field(default_factory=list)
    by_driver: list[str] = field(default_factory=list)

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.through_sqlalchemy), len(self.by_driver)


@contextmanager
def heard(database: sa.Engine) -> Iterator[Heard]:
    """Listen to all that is said to the database, on every connection it has and gets."""
    found = Heard()

    def by_sqlalchemy(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found.through_sqlalchemy.append(statement)

    def on_checkout(driver: Any, _record: Any, _proxy: Any) -> None:
        _listen_to(driver, found.by_driver)

    def on_checkin(driver: Any, _record: Any) -> None:
        if driver is not None:
            _stop_listening_to(driver)

    listeners = (("before_cursor_execute", by_sqlalchemy), ("checkout", on_checkout), ("checkin", on_checkin))
    for name, listener in listeners:
        sa.event.listen(database, name, listener)
    try:
        yield found
    finally:
        for name, listener in listeners:
            sa.event.remove(database, name, listener)


def _listen_to(driver: Any, said: list[str]) -> None:
    if not isinstance(driver, psycopg.Connection):
        driver.set_trace_callback(said.append)
        return

    class Listening(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **more: Any) -> Any:
            said.append(str(query))
            return super().execute(query, *args, **more)

        def executemany(self, query: Any, *args: Any, **more: Any) -> Any:
            said.append(str(query))
            return super().executemany(query, *args, **more)

    driver.cursor_factory = Listening


def _stop_listening_to(driver: Any) -> None:
    if isinstance(driver, psycopg.Connection):
        driver.cursor_factory = psycopg.Cursor
    else:
        driver.set_trace_callback(None)


def test_what_goes_past_sqlalchemy_is_heard_too(database: sa.Engine) -> None:
    with heard(database) as found, database.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        connection.connection.driver_connection.execute("SELECT 2")  # type: ignore[union-attr]
    assert found.through_sqlalchemy == ["SELECT 1"]
    assert [said for said in found.by_driver if said.startswith("SELECT")] == ["SELECT 1", "SELECT 2"]


@pytest.fixture
def pages(app: Flask, scene: Scene) -> list[tuple[str, str]]:
    """Everybody who may open a page, with its address."""
    return [
        (name, _path(app, endpoint, scene))
        for endpoint, door in sorted(DOORS.items())
        for name in READERS
        if endpoint not in NO_PAGES and name in (door.open_to or ())
    ]


Pages = list[tuple[str, str]]
Clients = Callable[[str], Visitor]


def asked(scene: Scene, pages: Pages, client_of: Clients) -> dict[tuple[str, str], Heard]:
    """Open every page and return what each of them asked the database."""
    found = {}
    for number, (name, path) in enumerate(pages):
        if number % PAGES_A_WHILE == 0:
            scene.cast.later(minutes=6)
        client = client_of(name).client
        with heard(scene.cast.database) as page:
            assert client.get(path).status_code in (200, 303), (name, path)
        found[name, path] = page
    return found


def grown(before: dict[tuple[str, str], Heard], after: dict[tuple[str, str], Heard]) -> list[str]:
    return [
        f"{name} at {path} asked {before[name, path].counts}, then {page.counts}"
        for (name, path), page in after.items()
        if page.counts != before[name, path].counts
    ]


def grow_to(scene: Scene, size: int) -> None:
    """Let the town have at least so many cases."""
    with scene.cast.database.connect() as session:
        present = session.execute(sa.select(sa.func.count()).select_from(cases)).scalar_one()
    more_cases(scene.cast, -(-size // present) - 1)


@on_both_databases
class TestAPageAsksAsOften:
    @pytest.fixture
    def case_id(self, scene: Scene) -> str:
        """The case in the scene that everything is in."""
        with scene.cast.database.connect() as session:
            query = sa.select(cases.c.id).where(cases.c.reference == scene.values["case"])
            return str(session.execute(query).scalar_one())

    def test_however_many_cases_and_people_the_town_has(self, scene: Scene, pages: Pages, client_of: Clients) -> None:
        # A question with an answer asks for its names as well: there is one in either town.
        plant(scene.cast, scene.cast.at_level_2(), by="siri", basis="consent:none")
        grow_to(scene, SMALL)
        more_staff(scene.cast, 1)
        # One that is read to its end counts itself, and saves a statement.
        longer_trail(scene.cast, MOST_GATHERED)
        asked(scene, pages, client_of)
        small = asked(scene, pages, client_of)
        grow_to(scene, LARGE)
        more_staff(scene.cast, 1)
        assert not (more := grown(small, asked(scene, pages, client_of))), "\n".join(more)

    def test_however_much_a_case_holds(self, scene: Scene, pages: Pages, client_of: Clients, case_id: str) -> None:
        more_in_the_case(scene.cast, case_id, 1)
        longer_trail(scene.cast, MOST_GATHERED)
        asked(scene, pages, client_of)
        small = asked(scene, pages, client_of)
        more_in_the_case(scene.cast, case_id, 20)
        assert not (more := grown(small, asked(scene, pages, client_of))), "\n".join(more)


# Tables that stay small, whatever the town does: read whole, they cost what a page costs anyway.
SMALL_TABLES = {
    "municipalities": "at most some hundred",
    "units": "some thirty in a municipality",
    "people": "staff of a municipality, of whom an administrator sees fifty at a time in alphabetical order",
    "import_runs": "some a year",
    "audit_epochs": "one, and one more for each time the log began anew",
}
# Walked from the newest and left after a page or a thousand; filters have indexes of their own (test_auditing.py).
# What waits for a review or an auditor has indexes of its own, which hold nothing else.
WALKED = {"audit_entries", "consents", "alerts", "break_glass", "samples"}
# An auditor's period becomes a range of ids by reading an index from the day it begins.
PERIOD = "SELECT min(audit_entries.id)"
# What waits to be signed is counted from the last that was: a few, unless nobody signs, which the page is to tell.
WAITING = "SELECT count(*) AS count_1, min(audit_entries.at)"


class TestThePlanOfAPage:
    def test_reads_no_table_that_grows_from_end_to_end(self, scene: Scene, pages: Pages, client_of: Clients) -> None:
        more_cases(scene.cast, 2)
        found = asked(scene, pages, client_of)
        statements = {said: f"{name} at {path}" for (name, path), page in found.items() for said in page.by_driver}
        scans = [
            f"{step}\n  {where}: {said}"
            for said, where in statements.items()
            for step in _plan(scene.cast.database, said)
            if _reads_it_all(step, said)
        ]
        assert not scans, "\n\n".join(sorted(scans))

    @pytest.mark.parametrize(
        ("statement", "wanted"),
        [
            ("SELECT * FROM cases", True),
            ("SELECT * FROM entries AS e WHERE e.municipality_id = 'fjordvik'", True),
            ("SELECT * FROM consents WHERE municipality_id = 'fjordvik' AND valid_to > '2026-01-01'", True),
            ("SELECT * FROM audit_entries WHERE municipality_id = 'fjordvik'", True),
            ("SELECT * FROM audit_entries WHERE municipality_id = 'fjordvik' ORDER BY id DESC LIMIT 51", False),
            ("SELECT * FROM cases WHERE municipality_id = 'fjordvik' AND id = 'x'", False),
            ("SELECT * FROM units WHERE municipality_id = 'fjordvik'", False),
        ],
    )
    def test_is_read_right(self, sqlite_database: sa.Engine, statement: str, wanted: bool) -> None:
        steps = _plan(sqlite_database, statement)
        assert any(_reads_it_all(step, statement) for step in steps) is wanted, steps


def _plan(database: sa.Engine, statement: str) -> list[str]:
    if not re.match(r"(SELECT|WITH|UPDATE|DELETE)\b", statement):
        return []
    with database.connect() as connection:
        return [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]


def _reads_it_all(step: str, statement: str) -> bool:
    """Whether SQLite reads every row of a growing table, or of the municipality, or from a date on: what it knows of
    the rows that are looked for is no more than that."""
    found = re.match(r"(SCAN|SEARCH) (\w+)", step)
    if not found:
        return False
    aliases = {alias: name for name, alias in re.findall(r"\b(\w+) AS (\w+)\b", statement)}
    table = aliases.get(found[2], found[2])
    if table not in metadata.tables or table in SMALL_TABLES:
        return False
    if (table in WALKED and "LIMIT" in statement) or statement.startswith((PERIOD, WAITING)):
        return False
    return found[1] == "SCAN" or bool(re.search(r"\(municipality_id=\?( AND \w+[<>]\?)?\)", step))
