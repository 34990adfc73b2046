"""The database's door: what a reader and a writer may count on, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from bti import db
from bti.config import Misconfigured
from bti.db import DatabaseUnavailable, open_database, reading, single, upgrade, writing
from bti.statements import Change
from tests.databases import database_named

# Tables of the tests' own, so that they say nothing about the model.
own = MetaData()
nests = Table("test_nests", own, Column("id", Integer, primary_key=True), Column("place", String))
birds = Table("test_birds", own, Column("nest_id", ForeignKey(nests.c.id), nullable=False))


@pytest.fixture
def engine(owned_database: Engine) -> Engine:
    with writing(owned_database) as connection:
        own.create_all(connection)
    return owned_database


def places(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.scalars(select(nests.c.place).order_by(nests.c.id)))


def _backend(connection: Connection) -> int:
    driver: Any = connection.connection.driver_connection
    number: int = driver.execute("SELECT pg_backend_pid()").fetchone()[0]
    return number


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


class TestOpening:
    def test_a_sqlite_file_is_durable_and_strict(self, sqlite_database: Engine):
        with reading(sqlite_database) as connection:
            answers = {
                pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
                for pragma in (
                    "journal_mode",
                    "synchronous",
                    "foreign_keys",
                    "busy_timeout",
                    "trusted_schema",
                )
            }
        assert answers == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 5000,
            "trusted_schema": 0,
        }

    def test_a_new_sqlite_file_is_for_its_owner_only(self, tmp_path: Path):
        upgrade(f"sqlite:///{tmp_path}/new.db")
        assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600

    def test_a_postgresql_connection_gives_up_waiting(self, postgresql_database: Engine):
        with reading(postgresql_database) as connection:
            show = {
                name: connection.exec_driver_sql(f"SHOW {name}").scalar()
                for name in ("lock_timeout", "statement_timeout", "TimeZone", "transaction_isolation")
            }
        assert show == {
            "lock_timeout": "10s",
            "statement_timeout": "1min",
            "TimeZone": "UTC",
            "transaction_isolation": "repeatable read",
        }
        with writing(postgresql_database) as connection:
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
            assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "off"

    def test_options_in_the_url_have_the_last_word(self, postgresql_database: Engine):
        url = postgresql_database.url.update_query_dict({"options": "-c lock_timeout=123"})
        other = open_database(url.render_as_string(hide_password=False))
        with reading(other) as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "123ms"
            assert connection.exec_driver_sql("SHOW TimeZone").scalar() == "UTC"
        other.dispose()

    @pytest.mark.parametrize("url", ["sqlite://", "postgresql+psycopg://u:hemmelig@h", "mysql://u:hemmelig@h/d", ""])
    def test_half_a_url_is_refused_without_repeating_it(self, url):
        with pytest.raises(Misconfigured) as refused:
            open_database(url)
        assert "hemmelig" not in str(refused.value)

    def test_a_missing_folder_is_named(self, tmp_path: Path):
        with pytest.raises(Misconfigured, match=f"mkdir -p {tmp_path}/nowhere"):
            open_database(f"sqlite:///{tmp_path}/nowhere/bti.db")

    def test_a_folder_is_not_a_database(self, tmp_path: Path):
        with pytest.raises(DatabaseUnavailable) as refused, reading(open_database(f"sqlite:///{tmp_path}")):
            pass
        assert refused.value.reason == "gone"

    def test_what_people_wrote_stays_out_of_error_messages(self, engine: Engine):
        with pytest.raises(DBAPIError) as refused, writing(engine) as connection:
            connection.execute(text("INSERT INTO nowhere VALUES (:note)"), {"note": "Kari er lei seg"})
        assert "Kari" not in str(refused.value)

    @pytest.mark.parametrize("way", ["SQLAlchemy's", "the driver's"])
    def test_a_row_that_is_refused_stays_out_of_them_too(self, engine: Engine, way: str):
        with writing(engine) as connection:
            connection.execute(text("CREATE TABLE test_notes (id integer NOT NULL, note text UNIQUE)"))
            connection.execute(text("INSERT INTO test_notes VALUES (1, 'Kari er lei seg')"))
        for id_ in ("NULL", "1"):
            said = f"INSERT INTO test_notes VALUES ({id_}, :note)"
            note = {"note": "Kari er lei seg"}
            with pytest.raises(Exception, match="NOT NULL|null value|UNIQUE|unique") as refused, writing(engine) as c:
                if way == "the driver's":
                    Change(text(said).bindparams(bindparam("note", type_=String))).run(c, note)
                else:
                    c.execute(text(said), note)
            # As it would stand in the log of the server.
            assert "Kari" not in "".join(traceback.format_exception(refused.value))


class TestWriting:
    def test_commits_at_the_end(self, engine: Engine):
        with writing(engine) as connection:
            connection.execute(nests.insert(), [{"place": "Fjord"}, {"place": "Vik"}])
        assert places(engine) == ["Fjord", "Vik"]

    def test_rolls_back_on_any_exception_and_lets_it_through(self, engine: Engine):
        with pytest.raises(KeyError), writing(engine) as connection:
            connection.execute(nests.insert(), {"place": "Fjord"})
            raise KeyError("changed my mind")
        assert places(engine) == []

    def test_rolls_back_what_makes_tables_too(self, engine: Engine):
        with pytest.raises(KeyError), writing(engine) as connection:
            connection.execute(text("CREATE TABLE test_half (id integer)"))
            raise KeyError("changed my mind")
        assert not inspect(engine).has_table("test_half")

    def test_keeps_the_database_from_referring_to_nothing(self, engine: Engine):
        with pytest.raises(IntegrityError), writing(engine) as connection:
            connection.execute(birds.insert(), {"nest_id": 4711})

    def test_lets_an_ordinary_mistake_through_as_it_is(self, engine: Engine):
        with pytest.raises(DBAPIError), writing(engine) as connection:
            connection.execute(text("SELECT * FROM test_missing"))
        assert places(engine) == []

    def test_a_savepoint_can_be_given_up_alone(self, engine: Engine):
        with writing(engine) as connection:
            connection.execute(nests.insert(), {"place": "Fjord"})
            savepoint = connection.begin_nested()
            connection.execute(nests.insert(), {"place": "Vik"})
            savepoint.rollback()
        assert places(engine) == ["Fjord"]


class TestTwoWriters:
    def test_the_second_on_sqlite_waits_and_is_then_told(self, sqlite_database: Engine, monkeypatch):
        monkeypatch.setattr(db, "SQLITE_BUSY_MS", 50)
        other = open_database(str(sqlite_database.url))
        # Nothing has been written yet: the first one holds the lock from its BEGIN IMMEDIATE.
        with writing(sqlite_database), pytest.raises(DatabaseUnavailable) as refused, writing(other):
            pass
        assert refused.value.reason == "busy"
        assert "bti" not in str(refused.value)
        with writing(other):
            pass
        other.dispose()

    def test_the_second_on_postgresql_waits_for_the_row_and_is_then_told(self, postgresql_owned: Engine):
        with writing(postgresql_owned) as connection:
            own.create_all(connection)
            connection.execute(nests.insert(), {"id": 1, "place": "Fjord"})
        locked = select(nests).where(nests.c.id == 1).with_for_update()
        with writing(postgresql_owned) as first:
            first.execute(locked)
            with pytest.raises(DatabaseUnavailable) as refused, writing(postgresql_owned) as second:
                second.execute(text("SET LOCAL lock_timeout = 50"))
                second.execute(locked)
        assert refused.value.reason == "busy"

    def test_neither_loses_the_other_s_count(self, engine: Engine):
        with writing(engine) as connection:
            connection.execute(nests.insert(), {"id": 1, "place": "0"})

        def add_one() -> None:
            for _ in range(20):
                with writing(engine) as connection:
                    count = connection.scalar(select(nests.c.place).where(nests.c.id == 1).with_for_update())
                    connection.execute(nests.update().values(place=str(int(count or 0) + 1)))

        threads = [threading.Thread(target=add_one) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert places(engine) == ["60"]


class TestReading:
    def test_cannot_write(self, engine: Engine):
        with pytest.raises((DBAPIError, RuntimeError)), reading(engine) as connection:
            connection.execute(nests.insert(), {"place": "Fjord"})
        assert places(engine) == []

    def test_leaves_the_connection_able_to_write(self, engine: Engine):
        with pytest.raises(KeyError), reading(engine):
            raise KeyError("no such case")
        with writing(engine) as connection:
            connection.execute(nests.insert(), {"place": "Fjord"})
        assert places(engine) == ["Fjord"]

    def test_sees_one_moment_while_others_write(self, engine: Engine):
        count = select(func.count()).select_from(nests)
        with reading(engine) as connection:
            assert connection.scalar(count) == 0
            with writing(engine) as other:
                other.execute(nests.insert(), {"place": "Fjord"})
            assert connection.scalar(count) == 0
        assert places(engine) == ["Fjord"]


class TestAConnectionGivenBack:
    def test_takes_no_open_transaction_with_it(self, engine: Engine):
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("BEGIN")
            driver.execute("INSERT INTO test_nests (place) VALUES ('eave')")
        assert places(engine) == []
        with writing(engine) as connection:
            assert connection.scalar(select(func.count()).select_from(nests)) == 0


class TestADatabaseThatIsGone:
    def test_is_said_without_its_password(self):
        engine = open_database("postgresql+psycopg://stafett:hemmelig@127.0.0.1:1/stafett")
        with pytest.raises(DatabaseUnavailable) as refused, reading(engine):
            pass
        assert refused.value.reason == "gone"
        assert "hemmelig" not in str(refused.value)
        assert "127.0.0.1" not in str(refused.value)

    def test_is_noticed_in_the_middle_of_a_change(self, postgresql_database: Engine):
        with pytest.raises(DatabaseUnavailable) as refused, writing(postgresql_database) as connection:
            mine = connection.scalar(select(func.pg_backend_pid()))
            with writing(postgresql_database) as administrator:
                administrator.execute(select(func.pg_terminate_backend(mine)))
            connection.execute(text("SELECT 1"))
        assert refused.value.reason == "gone"
        with reading(postgresql_database) as connection:
            assert connection.scalar(text("SELECT 1")) == 1

    @pytest.mark.parametrize("rested", ["a moment", "long"])
    def test_a_connection_that_broke_while_it_rested_is_replaced(
        self, postgresql_database: Engine, monkeypatch, rested
    ):
        if rested == "long":
            monkeypatch.setattr(db, "RESTED_SECONDS", 0.0)
        with postgresql_database.connect() as connection:
            mine = _backend(connection)
            with writing(postgresql_database) as administrator:
                administrator.execute(select(func.pg_terminate_backend(mine)))
            theirs = mine
        # One that rested long is asked first. Else whoever meets it is told, and the next one gets one that lives.
        for _try in range(1 if rested == "long" else 3):
            with suppress(DatabaseUnavailable), single(postgresql_database) as connection:
                theirs = _backend(connection)
        assert theirs != mine

    def test_a_file_that_is_something_else_is_said(self, tmp_path: Path):
        (tmp_path / "letter.db").write_text("Dear parents, " * 500)
        engine = open_database(f"sqlite:///{tmp_path}/letter.db")
        with pytest.raises(DatabaseUnavailable) as refused, writing(engine):
            pass
        assert refused.value.reason == "broken"

    def test_a_pool_without_a_free_connection_is_busy(self, sqlite_database: Engine, monkeypatch):
        engine = open_database(str(sqlite_database.url), pool_size=1)
        monkeypatch.setattr(engine.pool, "_timeout", 0.05)
        with reading(engine), reading(engine), pytest.raises(DatabaseUnavailable) as refused, reading(engine):
            pass
        assert refused.value.reason == "busy"
        engine.dispose()


VERSION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before!r}


def upgrade():
    {body}
"""


class Steps:
    """Migrations of the tests' own, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last: str | None = None
        (folder / "versions").mkdir(parents=True)
        shutil.copy(Path(str(files("migrations"))) / "env.py", folder)

    def add(self, body: str) -> None:
        revision = f"{len(list((self.folder / 'versions').glob('*.py'))) + 1:04}"
        (self.folder / "versions" / f"{revision}.py").write_text(
            VERSION.format(revision=revision, before=self.last, body=body)
        )
        self.last = revision


@pytest.fixture
def steps(tmp_path: Path, monkeypatch) -> Steps:
    folder = tmp_path / "100% migrations"
    monkeypatch.setattr(db, "files", lambda _package: folder)
    return Steps(folder)


_numbers = itertools.count(1)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.pg)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that nobody has upgraded."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
    else:
        server = request.getfixturevalue("postgresql_server")
        with database_named(server, f"bti_empty_{os.getpid()}_{next(_numbers)}") as url:
            yield url


@pytest.fixture
def empty(empty_url: str) -> Iterator[Engine]:
    engine = open_database(empty_url)
    yield engine
    engine.dispose()


MAKE_NESTS = "op.execute('CREATE TABLE nests (id integer PRIMARY KEY, place text)')"
MAKE_BIRDS = (
    "op.execute('CREATE TABLE birds (id integer PRIMARY KEY, nest_id integer REFERENCES nests (id) ON DELETE CASCADE)')"
)
# SQLite makes the table anew and drops the old one, to which the birds refer.
ALTER_NESTS = """with op.batch_alter_table("nests") as nests:
        nests.alter_column("place", existing_type=sa.Text, nullable=False)"""


class TestUpgrading:
    def test_takes_an_empty_database_to_the_newest_revision(self, empty: Engine, steps: Steps):
        steps.add(MAKE_NESTS)
        assert db.current_revision(empty) is None
        assert db.is_behind(empty)
        upgrade(empty)
        assert db.current_revision(empty) == db.head_revision() == "0001"
        assert not db.is_behind(empty)

    def test_twice_is_the_same_as_once(self, empty: Engine, steps: Steps):
        steps.add(MAKE_NESTS)
        upgrade(empty)
        with writing(empty) as connection:
            connection.execute(text("INSERT INTO nests (id, place) VALUES (1, 'Fjord')"))
        upgrade(empty)
        with reading(empty) as connection:
            assert connection.scalar(text("SELECT place FROM nests")) == "Fjord"

    def test_that_fails_leaves_the_database_as_it_was(self, empty: Engine, steps: Steps):
        steps.add(MAKE_NESTS)
        steps.add("op.execute('SELECT * FROM nothing')")
        with pytest.raises(DBAPIError):
            upgrade(empty)
        assert db.current_revision(empty) is None
        assert not inspect(empty).has_table("nests")
        with writing(empty) as connection:
            own.create_all(connection)

    def test_refuses_a_database_that_is_newer(self, empty: Engine, steps: Steps):
        steps.add(MAKE_NESTS)
        steps.add("pass")
        upgrade(empty)
        (steps.folder / "versions" / "0002.py").unlink()
        with pytest.raises(Misconfigured, match="revision 0002"):
            upgrade(empty)
        assert db.is_behind(empty)

    def test_an_altered_table_keeps_what_refers_to_it(self, empty: Engine, steps: Steps):
        steps.add(MAKE_NESTS)
        steps.add(MAKE_BIRDS)
        upgrade(empty)
        with writing(empty) as connection:
            connection.execute(text("INSERT INTO nests (id, place) VALUES (1, 'Fjord')"))
            connection.execute(text("INSERT INTO birds (id, nest_id) VALUES (1, 1)"))
        steps.add(ALTER_NESTS)
        upgrade(empty)
        with writing(empty) as connection:
            assert connection.scalar(text("SELECT count(*) FROM birds")) == 1
            with pytest.raises(IntegrityError), connection.begin_nested():
                connection.execute(text("INSERT INTO birds (id, nest_id) VALUES (2, 9)"))

    def test_that_would_leave_rows_referring_to_nothing_is_undone(self, steps: Steps, tmp_path: Path):
        engine = open_database(f"sqlite:///{tmp_path}/bti.db")
        steps.add(MAKE_NESTS)
        steps.add("op.execute('CREATE TABLE birds (nest_id integer REFERENCES nests (id))')")
        steps.add("op.execute('INSERT INTO birds VALUES (4711)')")
        with pytest.raises(RuntimeError, match="1 rows"):
            upgrade(engine)
        assert db.current_revision(engine) is None
        with reading(engine) as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1

    def test_by_several_processes_at_once_happens_once_from_any_folder(self, empty_url: str, tmp_path: Path):
        program = "import sys; from bti.db import upgrade; upgrade(sys.argv[1])"
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        root = str(Path(db.__file__).parents[1])
        running = [
            subprocess.Popen(
                [sys.executable, "-c", program, empty_url],
                cwd=elsewhere,
                env={**os.environ, "PYTHONPATH": root},
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        errors = [process.communicate(timeout=60)[1] for process in running]
        assert [process.returncode for process in running] == [0, 0, 0], errors
        engine = open_database(empty_url)
        assert not db.is_behind(engine)
        engine.dispose()
