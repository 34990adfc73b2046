"""Fresh, migrated, empty databases: the schema is built once by migrating, then copied for every test."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Engine, NullPool, Row, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from bti import rights, tenancy
from bti.db import open_database, upgrade
from tests import postgresql
from tests.required import do_without

# The roles of the pages and of the sequencer, and the municipality of the tests' people.
PAGES, SIGNER = "bti_pages", "bti_signer"
HERE = "fjordvik"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file. Copy it, never open it."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    upgrade(f"sqlite:///{file}")
    # The last connection has closed, so the write-ahead log is folded into this one file.
    assert not file.with_name("template.db-wal").exists()
    return file


@pytest.fixture
def fresh_sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """A function that gives another fresh SQLite database, for tests that need many (one per example)."""
    engines: list[Engine] = []
    numbers = itertools.count(1)

    def make() -> Engine:
        file = tmp_path / f"bti-{next(numbers)}.db"
        shutil.copyfile(sqlite_template, file)
        engines.append(open_database(f"sqlite:///{file}"))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def sqlite_database(fresh_sqlite: Callable[[], Engine]) -> Engine:
    """A fresh SQLite database, for a test that one kind is enough for."""
    return fresh_sqlite()


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """The URL of a server to make databases on; skips if there is none."""
    return postgresql.server_url() or do_without("pg", postgresql.why_missing())


@pytest.fixture(scope="session")
def postgresql_copy(postgresql_server: str) -> Iterator[Copy]:
    """This process's own database, made by migrating a template and copying it."""
    with database_named(postgresql_server, f"bti_template_{os.getpid()}") as template:
        upgrade(template)
        _make_roles(postgresql_server)
        owner = open_database(template)
        rights.allow(owner, PAGES)
        rights.allow(owner, SIGNER, signs=True)
        owner.dispose()
        copy = Copy(postgresql_server, f"bti_test_{os.getpid()}", template)
        yield copy
        copy.drop()


@pytest.fixture
def postgresql_owned(postgresql_copy: Copy) -> Iterator[Engine]:
    """A fresh PostgreSQL database as its owner sees it, who may change its tables and sees over all walls."""
    engine = open_database(postgresql_copy.fresh())
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_database(postgresql_owned: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A fresh PostgreSQL database as the pages see it: they own nothing, and see one municipality.

    What tests ask of it themselves is asked in the municipality most of them play in.
    """
    monkeypatch.setattr(tenancy, "_here", ContextVar("municipality", default=HERE))
    engine = open_database(as_pages(postgresql_owned.url))
    yield engine
    engine.dispose()


def as_pages(url: URL) -> str:
    """Return the address of a database for the role that the pages have."""
    return _as_role(url, PAGES)


def as_signer(url: URL) -> str:
    """Return the address of a database for the sequencer, which on SQLite is everybody's."""
    return _as_role(url, SIGNER)


def as_owner(url: URL) -> str:
    """Return the address of a database for whoever may do everything in it."""
    if url.get_backend_name() == "sqlite":
        return url.render_as_string(hide_password=False)
    server = postgresql.server_url()
    assert server
    return _url(server, str(url.database))


def _as_role(url: URL, role: str) -> str:
    if url.get_backend_name() == "postgresql":
        url = url.set(username=role, password=role)
    return url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.pg)])
def owned_database(request: pytest.FixtureRequest) -> Engine:
    """As `database`, but by somebody who may change its tables."""
    return request.getfixturevalue({"sqlite": "sqlite_database", "postgresql": "postgresql_owned"}[request.param])


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.pg)])
def database(request: pytest.FixtureRequest) -> Engine:
    """A fresh database, migrated and empty: the test runs once on SQLite and once on PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_database")


class Copy:
    """A PostgreSQL database that is given out again and again, fresh each time.

    Emptying it takes 2 ms; making it anew takes 80, and is done only when a test has changed the schema, left
    very much behind, or when the server's user may not switch triggers off.
    """

    MOST_BYTES_LEFT = 16 * 1024 * 1024

    def __init__(self, server: str, name: str, template: str) -> None:
        self.server, self.name, self.template = server, name, make_url(template).database
        self.url = _url(server, name)
        self.first: Row[Any] | None = None

    def fresh(self) -> str:
        """Return the URL of the database, which is as it was when it was migrated."""
        if self.first is None or not self._emptied():
            self.drop()
            with administering(self.server) as connection:
                connection.execute(text(f"CREATE DATABASE {self.name} TEMPLATE {self.template} {_quick(connection)}"))
            self.remember()
        return self.url

    def remember(self) -> None:
        """Take the schema as it is now for the one that every test is to find."""
        with administering(self.url) as connection:
            self.first = connection.execute(FINGERPRINT).one()

    def forget(self) -> None:
        """Make the database anew next time, whatever it looks like."""
        self.first = None

    def drop(self) -> None:
        """Remove the database, and throw out whoever is still connected."""
        with administering(self.server) as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)"))

    def _emptied(self) -> bool:
        assert self.first is not None
        with administering(self.url) as connection:
            now = connection.execute(FINGERPRINT).one()
            if now[:2] != self.first[:2] or now.bytes > self.first.bytes + self.MOST_BYTES_LEFT:
                return False
            try:
                connection.execute(EMPTY)
            except DBAPIError:
                return False
        return True


# What a test leaves when it changes the schema: another number of objects, or newer ones.
FINGERPRINT = text("""
    SELECT sum(number) AS objects, max(newest) AS newest, pg_database_size(current_database()) AS bytes FROM (
        SELECT count(*) AS number, max(xmin::text::bigint) AS newest FROM pg_class WHERE oid >= 16384
        UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_trigger WHERE oid >= 16384
        UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_policy WHERE oid >= 16384
        UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_proc WHERE oid >= 16384
    ) AS kinds
""")

# Whoever is still connected is thrown out: a lock left by one test must not stop the next. Then every row
# goes, whatever triggers and keys say, and numbers start from the beginning.
EMPTY = text(
    """
    DO $$
    DECLARE name text;
    BEGIN
        PERFORM pg_terminate_backend(pid, 2000) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid();
        SET LOCAL session_replication_role = replica;
        FOR name IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
            WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'alembic_version'
        LOOP
            EXECUTE 'DELETE FROM ' || name;
        END LOOP;
        PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
            FROM pg_sequences WHERE last_value IS NOT NULL;
    END $$
""".replace(":", r"\:")
)


def _make_roles(server: str) -> None:
    for role in (PAGES, SIGNER):
        with suppress(DBAPIError), administering(server) as connection:
            # Roles are the whole server's: another process, or an earlier run, may have made it.
            connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD '{role}'"))


@contextmanager
def database_named(server: str, name: str) -> Iterator[str]:
    """Make an empty PostgreSQL database for as long as the block lasts; give its URL."""
    with administering(server) as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    yield _url(server, name)
    with administering(server) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def administering(url: str) -> Iterator[Connection]:
    """Give a connection on which each statement is a transaction of its own."""
    with create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        yield connection


def _quick(connection: Connection) -> str:
    # Copying files beats copying through the log when nobody waits for the disk; older servers always do.
    return "STRATEGY FILE_COPY" if (connection.dialect.server_version_info or (0,)) >= (15,) else ""


def _url(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)
