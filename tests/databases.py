"""Fresh, migrated, empty databases: the schema is built once by migrating, then copied for every test."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, NullPool, create_engine, make_url, text

from bti.db import open_database, upgrade
from tests import postgresql
from tests.required import do_without


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
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    """The name of a migrated, empty database to copy. Nobody may be connected to it."""
    name = f"bti_template_{os.getpid()}"
    with database_named(postgresql_server, name) as url:
        upgrade(url)
        yield name


@pytest.fixture
def postgresql_database(postgresql_server: str, postgresql_template: str) -> Iterator[Engine]:
    """A fresh PostgreSQL database, for a test of what only PostgreSQL does."""
    name = f"bti_test_{os.getpid()}_{next(_numbers)}"
    with database_named(postgresql_server, name, template=postgresql_template) as url:
        engine = open_database(url)
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.pg)])
def database(request: pytest.FixtureRequest) -> Engine:
    """A fresh database, migrated and empty: the test runs once on SQLite and once on PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_database")


_numbers = itertools.count(1)


@contextmanager
def database_named(server: str, name: str, template: str = "template0") -> Iterator[str]:
    """Make a PostgreSQL database for as long as the block lasts; give its URL."""
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
