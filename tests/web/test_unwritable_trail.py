"""Where the trail can't be written, nothing is shown: 503, no word of any case, and nothing half.

The causes are real ones: a database that refuses the entry, refuses it only when the transaction ends, has taken the
right to write it away, or has no room left on its disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bti.audit import READS
from bti.db import reading
from bti.models import audit_entries, metadata
from tests.cast import Cast
from tests.databases import PAGES
from tests.web.test_every_route import DOORS, Scene, _path
from tests.web.test_every_route import scene as scene
from tests.web.visitor import Visitor

Clients = Callable[[str], Visitor]
READERS = ("kari", "rune", "siri", "amir", "per", "berit", "tove", "arne")

REFUSED = {
    "sqlite": "CREATE TRIGGER no_more BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'no more'); END",
    "postgresql": "CREATE TRIGGER no_more BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION no_more()",
}
REFUSED_AT_THE_END = {
    "postgresql": "CREATE CONSTRAINT TRIGGER no_more AFTER INSERT ON audit_entries DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION no_more()"
}
FUNCTION = "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no more'; END $$"


@contextmanager
def refusing(database: sa.Engine, how: dict[str, str]) -> Iterator[None]:
    """Let the database refuse every entry of the trail for as long as the block lasts."""
    on_postgresql = database.dialect.name == "postgresql"
    with database.begin() as session:
        if on_postgresql:
            session.exec_driver_sql(FUNCTION)
        session.exec_driver_sql(how[database.dialect.name])
    yield
    with database.begin() as session:
        session.exec_driver_sql("DROP TRIGGER no_more" + (" ON audit_entries" if on_postgresql else ""))
        if on_postgresql:
            session.exec_driver_sql("DROP FUNCTION no_more()")


@pytest.fixture
def owner(kind: str, request: pytest.FixtureRequest) -> sa.Engine:
    """The cast's database as its owner sees it, who may change its tables."""
    name = "sqlite_database" if kind == "sqlite" else "postgresql_owned"
    owned: sa.Engine = request.getfixturevalue(name)
    return owned


def entries(cast: Cast) -> int:
    with reading(cast.database) as session:
        asked = sa.select(sa.func.count()).where(audit_entries.c.event.in_([*READS, "refused"]))
        return int(session.execute(asked).scalar_one())


def rows(cast: Cast) -> dict[str, int]:
    with reading(cast.database) as session:
        return {
            table.name: session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


class TestAPageThatReveals:
    @pytest.mark.parametrize(
        ("kind", "how"),
        [
            pytest.param("sqlite", REFUSED, id="sqlite"),
            pytest.param("postgresql", REFUSED, id="postgresql", marks=pytest.mark.pg),
            pytest.param("postgresql", REFUSED_AT_THE_END, id="postgresql-at-the-end", marks=pytest.mark.pg),
        ],
        indirect=["kind"],
    )
    def test_is_not_shown(
        self, app: Flask, scene: Scene, client_of: Clients, how: dict[str, str], owner: sa.Engine
    ) -> None:
        told = self._pages_that_are_told(app, scene, client_of)
        assert len(told) > 90
        wrong, before = [], rows(scene.cast)
        with refusing(owner, how):
            for name, path in told:
                answer = client_of(name).client.get(path)
                body = answer.get_data(as_text=True)
                seen = [secret for secret in scene.secrets if secret in body]
                if answer.status_code != 503 or seen:
                    wrong.append(f"{name} at {path}: {answer.status_code}, and read {seen}")
        assert not wrong, "\n".join(wrong)
        assert rows(scene.cast) == before

    def _pages_that_are_told(self, app: Flask, scene: Scene, client_of: Clients) -> list[tuple[str, str]]:
        """Open every page, also where one is turned away, and return those that leave an entry or show a secret."""
        found = []
        for name in READERS:
            for endpoint, door in sorted(DOORS.items()):
                if door.open_to is None or endpoint == "account.login":
                    continue
                path, before = _path(app, endpoint, scene), entries(scene.cast)
                body = client_of(name).client.get(path).get_data(as_text=True)
                if entries(scene.cast) > before or any(secret in body for secret in scene.secrets):
                    found.append((name, path))
        return found


class TestADatabase:
    @pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.pg)], indirect=True)
    def test_that_has_taken_the_right_to_write_away_shows_nothing(
        self, cast: Cast, client_of: Clients, owner: sa.Engine
    ) -> None:
        path = f"/saker/{cast.facts(cast.at_level_2()).reference}"
        kari, tove = client_of("kari"), client_of("tove")
        assert "Ola Nordli" in kari.get(path).html
        with owner.begin() as session:
            session.exec_driver_sql(f"REVOKE INSERT ON audit_entries FROM {PAGES}")
        for visitor, asked in ((kari, path), (kari, "/saker"), (tove, "/revisjon/logg")):
            page = visitor.get(asked, 503)
            assert page.has("skal stå i innsynsloggen")
            assert "Ola" not in page.html
            assert "Siri Dahl" not in page.html

    def test_whose_disk_is_full_shows_nothing(self, cast: Cast, client_of: Clients) -> None:
        case_id = cast.at_level_2()
        path, kari = f"/saker/{cast.facts(case_id).reference}", client_of("kari")
        kari.get(path)

        def no_larger(driver: Any, _record: Any, _proxy: Any) -> None:
            driver.execute(f"PRAGMA max_page_count = {driver.execute('PRAGMA page_count').fetchone()[0]}")

        before, shown = entries(cast), 0
        sa.event.listen(cast.database, "checkout", no_larger)
        # There may be room for some more on the pages that the file has.
        while (answer := kari.client.get(path)).status_code == 200 and shown < 200:
            shown += 1
        sa.event.remove(cast.database, "checkout", no_larger)
        assert answer.status_code == 503
        assert "Ola" not in answer.get_data(as_text=True)
        assert entries(cast) == before + shown
