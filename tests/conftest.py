"""What any test may ask for: `database` (both kinds), one kind of it, or `fresh_sqlite`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import postgresql
from tests.databases import database as database
from tests.databases import fresh_sqlite as fresh_sqlite
from tests.databases import owned_database as owned_database
from tests.databases import postgresql_copy as postgresql_copy
from tests.databases import postgresql_database as postgresql_database
from tests.databases import postgresql_owned as postgresql_owned
from tests.databases import postgresql_server as postgresql_server
from tests.databases import sqlite_database as sqlite_database
from tests.databases import sqlite_template as sqlite_template
from tests.keys import make_test_keys, remove_test_keys, take_test_keys
from tests.required import required

KEYS = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    required()
    config.stash[KEYS] = make_test_keys()
    # With several processes, the first one starts the server and the others inherit its address.
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        postgresql.server_url()


def pytest_unconfigure(config: pytest.Config) -> None:
    if KEYS in config.stash:
        remove_test_keys(config.stash[KEYS])


@pytest.fixture(autouse=True)
def keys(pytestconfig: pytest.Config) -> None:
    """The keys of the tests, whatever the test before has used."""
    take_test_keys(pytestconfig.stash[KEYS])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgresql_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.pg)
