"""The one door to the database: opening it, a transaction for reading or for writing, and its schema.

SQLite and PostgreSQL behave alike from here on: a writer holds its lock from the first statement or is
told that the database is busy, a reader sees one moment and can't write, and what is committed is on disk.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from weakref import WeakKeyDictionary

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bti.config import Misconfigured, parse_database_url

# How long a command waits for another's lock before it is told that the database is busy.
SQLITE_BUSY_MS = 5_000
SQLITE_MAPPED_BYTES = 256 * 1024 * 1024
POSTGRESQL_LOCK_MS = 10_000
# No page waits for a minute; a query that does has gone astray and holds others up.
POSTGRESQL_STATEMENT_MS = 60_000
CONNECT_SECONDS = 5
# A second `bti db upgrade` waits for the first one to finish, however slow its disk.
UPGRADE_WAIT_MS = 120_000
# Any constant of our own will do; it only has to be the same in every process.
UPGRADE_LOCK = 0x5374_6166_6574_7400

Reason = Literal["busy", "gone", "full", "broken"]

MESSAGES: dict[Reason, str] = {
    "busy": "The database is busy: another change holds it. Nothing was saved; try again in a moment.",
    "gone": "The database can't be reached. Nothing was saved; try again when it is back.",
    "full": "The database can't write: its disk is full or read-only. Nothing was saved.",
    "broken": "The database file is damaged or isn't a database. Nothing was saved.",
}


class DatabaseUnavailable(Exception):
    """The database can't serve this now; the transaction was rolled back.

    `reason` is `busy` (try again), `gone`, `full` or `broken`. The message is safe to show to anybody.
    """

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(MESSAGES[reason])


# --- Opening ---------------------------------------------------------------------------------------------


def open_database(url: str, *, pool_size: int = 5) -> Engine:
    """Return an engine for the database at `url`. A missing SQLite file is made, empty and private.

    `pool_size` is how many connections are kept open; as many again may be opened at a peak. Raises
    `Misconfigured` for a URL that isn't whole, a driver that isn't supported or a folder that isn't there.
    """
    parts = parse_database_url(url)
    if parts.get_backend_name() == "sqlite":
        return _open_sqlite(parts, pool_size)
    return _open_postgresql(parts, pool_size)


def _open_sqlite(url: URL, pool_size: int) -> Engine:
    _make_private(Path(url.database or ""))
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=pool_size,
        # Parameters hold what people wrote about children; they must never reach a log or a traceback.
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(file: Path) -> None:
    if not file.parent.is_dir():
        problem = f"The SQLite database's folder isn't there: make it (mkdir -p {file.parent}) or mend the URL."
        raise Misconfigured([problem])
    try:
        # The driver would let every user of the machine read it.
        file.touch(mode=0o600)
    except OSError as error:
        raise Misconfigured([f"The SQLite database {file} can't be written: {error.strerror}."]) from error


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    # The driver would begin transactions by itself, too late and always deferred; `_begin_sqlite` does it.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {SQLITE_BUSY_MS}",  # first: the next ones may have to wait
        "journal_mode = WAL",  # readers and the writer don't block each other
        "synchronous = FULL",  # a commit that was answered survives a power cut
        "foreign_keys = ON",
        "trusted_schema = OFF",  # a doctored file can't run functions through its views and triggers
        # Reads don't copy pages: every commit of another connection would empty a cache of our own.
        f"mmap_size = {SQLITE_MAPPED_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # Straight on the driver's connection: every transaction pays for this statement.
    driver: Any = connection.connection.driver_connection
    driver.execute(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def _open_postgresql(url: URL, pool_size: int) -> Engine:
    settings = {
        "lock_timeout": POSTGRESQL_LOCK_MS,
        "statement_timeout": POSTGRESQL_STATEMENT_MS,
        # A process that hangs in the middle of a change must not keep a case locked.
        "idle_in_transaction_session_timeout": POSTGRESQL_STATEMENT_MS,
        "timezone": "UTC",
    }
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    # What the URL says itself comes last, and so wins.
    theirs = url.query.get("options", "")
    return create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        connect_args={
            "options": f"{ours} {theirs}".strip(),
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "stafett",
        },
    )


# --- Transactions ----------------------------------------------------------------------------------------


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a transaction for changes: committed at the end, rolled back on any exception.

    On SQLite it is the only writer from the start, so that what it reads can't change before it writes; on
    PostgreSQL the caller locks the rows that it decides on. Raises `DatabaseUnavailable` if the database is
    busy or gone.
    """
    if engine.dialect.name != "sqlite":
        with _plain_refusals(), engine.begin() as connection:
            yield connection
        return
    with _turn(engine), _plain_refusals(), engine.connect() as connection:
        connection = connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with connection.begin():
            yield connection


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Let the writers of one process wait in a row: SQLite itself lets them sleep and try again, ever longer."""
    lock = _writers.setdefault(engine, threading.Lock())
    if not lock.acquire(timeout=SQLITE_BUSY_MS / 1_000):
        raise DatabaseUnavailable("busy")
    try:
        yield
    finally:
        lock.release()


_writers: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees one moment of the database and can't change it.

    Raises `DatabaseUnavailable` if the database is busy or gone.
    """
    with _plain_refusals(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            with _unchanged(connection), connection.begin() as transaction:
                yield connection
                transaction.rollback()
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection


@contextmanager
def _unchanged(connection: Connection) -> Iterator[None]:
    # PRAGMA query_only would say so earlier, but switching it makes SQLite prepare every statement of the connection
    # anew: a third of a page's time.
    driver: Any = connection.connection.driver_connection
    before = driver.total_changes
    yield
    if driver.total_changes != before:
        raise RuntimeError("something was written while only reading; it was rolled back")


@contextmanager
def _plain_refusals() -> Iterator[None]:
    """Turn a locked or vanished database into `DatabaseUnavailable`; let every other error through."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable("busy") from error
    except (DBAPIError, sqlite3.Error, psycopg.Error) as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise DatabaseUnavailable(reason) from error


def _reason(error: DBAPIError | sqlite3.Error | psycopg.Error) -> Reason | None:
    # Errors from `_prepare_sqlite` and of fixed statements come as they are; all others are wrapped.
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", None)
        # The low byte is the kind of error, the rest its finer points.
        return None if code is None else SQLITE_REASONS.get(code & 0xFF)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "gone"
    sqlstate = getattr(original, "sqlstate", None)
    if sqlstate is None:
        # The driver's OperationalError without a code: no answer from any server.
        return "gone" if type(original).__name__ in ("OperationalError", "ConnectionTimeout") else None
    return POSTGRESQL_REASONS.get(sqlstate) or POSTGRESQL_REASONS.get(sqlstate[:2])


SQLITE_REASONS: dict[int, Reason] = {
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_IOERR: "gone",
    sqlite3.SQLITE_CANTOPEN: "gone",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_CORRUPT: "broken",
    sqlite3.SQLITE_NOTADB: "broken",
}

POSTGRESQL_REASONS: dict[str, Reason] = {
    "08": "gone",  # connection exception
    "28": "gone",  # invalid authorization: the server doesn't know us
    "3D000": "gone",  # no such database
    "57P": "gone",
    "57P01": "gone",  # shut down by an administrator
    "57P02": "gone",  # crashed
    "57P03": "gone",  # starting up
    "25P03": "gone",  # idle in transaction for too long
    "55P03": "busy",  # lock not available
    "57014": "busy",  # statement timeout
    "40001": "busy",  # serialisation failure
    "40P01": "busy",  # deadlock
    "53": "full",  # out of disk, memory or connections
    "53300": "busy",  # too many connections
}


# --- Schema ----------------------------------------------------------------------------------------------


def upgrade(database: Engine | str) -> None:
    """Bring the schema of `database` (an engine, or a URL) to the newest revision, or leave it untouched.

    It runs in one transaction; a second process that upgrades at the same time waits, and then has nothing to
    do. Raises `Misconfigured` if the database is newer than this program, `DatabaseUnavailable` if it is
    busy or gone.
    """
    if isinstance(database, str):
        engine = open_database(database)
        try:
            upgrade(engine)
        finally:
            engine.dispose()
        return
    with _plain_refusals(), database.connect() as connection:
        if database.dialect.name == "sqlite":
            _upgrade_sqlite(connection)
        else:
            _upgrade_postgresql(connection)


def upgrade_within(connection: Connection) -> None:
    """Make the schema in the caller's transaction, for a database without tables that is to be filled or left empty.

    Not for one that has rows: on SQLite, altering a table needs what only `upgrade` sets. Raises as `upgrade`.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
    _migrate(connection)


def _upgrade_sqlite(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout = {UPGRADE_WAIT_MS}")
    # A table that is altered is copied, dropped and renamed: enforced keys would delete what refers to it.
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        connection = connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with connection.begin():
            _migrate(connection)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"the migration would leave {len(broken)} rows that refer to nothing")
    finally:
        driver.execute("PRAGMA foreign_keys = ON")
        driver.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_MS}")


def _upgrade_postgresql(connection: Connection) -> None:
    with connection.begin():
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {UPGRADE_WAIT_MS}")
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
        _migrate(connection)


def _migrate(connection: Connection) -> None:
    config = _alembic_config()
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = _revision_of(connection)
    if current is not None and current not in known:
        raise Misconfigured([f"The database is at revision {current}, unknown to this older version."])
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise Misconfigured([f"The migrations can't be run: {error}."]) from error


def current_revision(engine: Engine) -> str | None:
    """Return the revision that the database's schema is at, or `None` if it was never upgraded."""
    with reading(engine) as connection:
        return _revision_of(connection)


def head_revision() -> str | None:
    """Return the newest revision that this program knows, or `None` if it has no migrations."""
    return ScriptDirectory.from_config(_alembic_config()).get_current_head()


def is_behind(engine: Engine) -> bool:
    """Say whether the schema is at another revision than this program is written for."""
    return current_revision(engine) != head_revision()


def _revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _alembic_config() -> Config:
    config = Config()
    # A percent sign would be read as the start of a reference.
    folder = os.fspath(Path(str(files("migrations"))))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config
