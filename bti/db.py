"""The one door to the database: opening it, a transaction for reading or for writing, and its schema.

SQLite and PostgreSQL behave alike from here on: a writer holds its lock from the first statement or is
told that the database is busy, a reader sees one moment and can't write, and what is committed is on disk.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, func, select
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError

from bti import tenancy
from bti.config import Misconfigured, parse_database_url
from bti.unavailable import DatabaseUnavailable as DatabaseUnavailable
from bti.unavailable import plain_refusals

# How long a command waits for another's lock before it is told that the database is busy.
SQLITE_BUSY_MS = 5_000
SQLITE_MAPPED_BYTES = 256 * 1024 * 1024
POSTGRESQL_LOCK_MS = 10_000
# No page waits for a minute; a query that does has gone astray and holds others up.
POSTGRESQL_STATEMENT_MS = 60_000
CONNECT_SECONDS = 5
# A connection that nobody has used for so long is asked whether it still lives before it is used again.
RESTED_SECONDS = 2.0
# A second `bti db upgrade` waits for the first one to finish, however slow its disk.
UPGRADE_WAIT_MS = 120_000
# Any constant of our own will do; it only has to be the same in every process.
UPGRADE_LOCK = 0x5374_6166_6574_7400
# Where a connection keeps what was sealed in its transaction and no entry of the trail has told of yet.
UNTOLD = "untold"

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
    event.listen(engine, "begin", _begin)
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
    # The driver would begin transactions by itself, too late and always deferred; `_begin` does it.
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


def _begin(connection: Connection) -> None:
    # Straight on the driver's connection: every transaction pays for this statement.
    driver: Any = connection.connection.driver_connection
    driver.execute(connection.get_execution_options().get("begin", "BEGIN"))


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
    engine = create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        pool_size=pool_size,
        max_overflow=pool_size,
        # Transactions begin where we say so, as on SQLite.
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        hide_parameters=True,
        connect_args={
            "options": f"{ours} {theirs}".strip(),
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "stafett",
        },
    )
    event.listen(engine, "begin", _begin_postgresql)
    event.listen(engine, "reset", _end_transaction)
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", _require_alive)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    _say_begin(driver, connection.get_execution_options().get("begin", "BEGIN"))


def _say_begin(driver: Any, begin: str) -> None:
    # Both in one message. The id is one, or nothing: `tenancy` sees to that.
    driver.execute(f"{begin}; SELECT set_config('{tenancy.SETTING}', '{tenancy.here()}', true)", prepare=False)


def _end_transaction(connection: Any, _record: object, _state: object) -> None:
    # What the pool would do for every connection it takes back, done only where there is something to end.
    if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
        connection.rollback()


def _note_rest(_connection: DBAPIConnection, record: Any) -> None:
    record.info["rests_since"] = monotonic()


def _require_alive(connection: Any, record: Any, _proxy: object) -> None:
    """Let the pool replace a connection that has broken, or that rested and doesn't answer any more.

    One that has just been in use isn't asked: that would be one round trip more for each transaction.
    """
    rested = monotonic() - record.info.get("rests_since", monotonic())
    if not connection.closed and rested < RESTED_SECONDS:
        return
    try:
        connection.execute("")
    except psycopg.Error as error:
        raise DisconnectionError() from error


# --- Transactions ----------------------------------------------------------------------------------------


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a transaction for changes: committed at the end, rolled back on any exception.

    On SQLite it is the only writer from the start, so that what it reads can't change before it writes; on
    PostgreSQL the caller locks the rows that it decides on. Raises `DatabaseUnavailable` if the database is
    busy or gone.
    """
    if engine.dialect.name != "sqlite":
        with plain_refusals(), engine.begin() as connection, _all_told(connection):
            yield connection
        return
    with _turn(engine), plain_refusals(), engine.connect() as connection:
        connection = connection.execution_options(begin="BEGIN IMMEDIATE")
        with connection.begin(), _all_told(connection):
            yield connection


@contextmanager
def _all_told(connection: Connection) -> Iterator[None]:
    """Let nothing be committed that was sealed without an entry that commits to it."""
    # Asked for now: a connection that breaks has none any more.
    info = connection.info
    try:
        yield
        untold = info.get(UNTOLD)
    finally:
        # Whoever gets the connection next would commit to what was never written.
        info.pop(UNTOLD, None)
    if untold:
        raise RuntimeError(f"the trail doesn't tell of what was written: {', '.join(sorted(untold))}")


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
    with plain_refusals(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            with _unchanged(connection), connection.begin() as transaction:
                yield connection
                transaction.rollback()
        else:
            connection = connection.execution_options(begin="BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            with connection.begin():
                yield connection


@contextmanager
def single(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a short transaction for one fixed statement (`bti.statements`).

    On PostgreSQL also for a change; on SQLite only to read, since a change there waits its turn in `writing`. Raises
    `DatabaseUnavailable` if the database is busy or gone.
    """
    with plain_refusals(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            yield connection
            return
        driver: Any = connection.connection.driver_connection
        _say_begin(driver, "BEGIN")
        # Left out of SQLAlchemy's bookkeeping: what fails is rolled back when the connection is given back.
        yield connection
        driver.commit()


def be_in(session: Connection, municipality_id: str) -> None:
    """Go on in another municipality for the rest of the transaction: for what is asked of all of them in turn."""
    if session.dialect.name != "sqlite":
        session.execute(select(func.set_config(tenancy.SETTING, municipality_id, True)))


@contextmanager
def _unchanged(connection: Connection) -> Iterator[None]:
    # PRAGMA query_only would say so earlier, but switching it makes SQLite prepare every statement of the connection
    # anew: a third of a page's time.
    driver: Any = connection.connection.driver_connection
    before = driver.total_changes
    yield
    if driver.total_changes != before:
        raise RuntimeError("something was written while only reading; it was rolled back")


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
    with plain_refusals(), database.connect() as connection:
        if database.dialect.name == "sqlite":
            _upgrade_sqlite(connection)
        else:
            _upgrade_postgresql(connection)


def upgrade_within(connection: Connection, *, to: str = "head") -> None:
    """Make the schema in the caller's transaction, for a database without tables that is to be filled or left empty.

    `to` is the revision to stop at. Not for one that has rows on SQLite: altering a table there needs what only
    `upgrade` sets. Raises as `upgrade`.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
    _migrate(connection, to)


def _upgrade_sqlite(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout = {UPGRADE_WAIT_MS}")
    # A table that is altered is copied, dropped and renamed: enforced keys would delete what refers to it.
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        connection = connection.execution_options(begin="BEGIN IMMEDIATE")
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


def _migrate(connection: Connection, to: str = "head") -> None:
    config = _alembic_config()
    config.attributes["connection"] = connection
    current = _revision_of(connection)
    if current is not None and not knows(current):
        raise Misconfigured([f"The database is at revision {current}, unknown to this older version."])
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise Misconfigured([f"The migrations can't be run: {error}."]) from error


def current_revision(engine: Engine) -> str | None:
    """Return the revision that the database's schema is at, or `None` if it was never upgraded."""
    with reading(engine) as connection:
        return _revision_of(connection)


def head_revision() -> str | None:
    """Return the newest revision that this program knows, or `None` if it has no migrations."""
    return ScriptDirectory.from_config(_alembic_config()).get_current_head()


def knows(revision: str) -> bool:
    """Say whether this program has the migration; it hasn't when a newer one made the schema."""
    return revision in {script.revision for script in ScriptDirectory.from_config(_alembic_config()).walk_revisions()}


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
