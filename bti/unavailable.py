"""Why the database can't serve something now, in words that are safe to show; and the errors that mean it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

Reason = Literal["busy", "gone", "full", "broken", "refused"]

MESSAGES: dict[Reason, str] = {
    "busy": "The database is busy: another change holds it. Nothing was saved; try again in a moment.",
    "gone": "The database can't be reached. Nothing was saved; try again when it is back.",
    "full": "The database can't write: its disk is full or read-only. Nothing was saved.",
    "broken": "The database file is damaged or isn't a database. Nothing was saved.",
    "refused": "The database didn't take the trail's entry. Nothing was saved and nothing shown.",
}


class DatabaseUnavailable(Exception):
    """The database can't serve this now; the transaction was rolled back.

    `reason` is `busy` (try again), `gone`, `full`, `broken` or `refused` (the trail). The message is safe to show to
    anybody.
    """

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(MESSAGES[reason])


@contextmanager
def plain_refusals() -> Iterator[None]:
    """Turn a locked or vanished database into `DatabaseUnavailable`; let every other error through, without values."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable("busy") from error
    except (DBAPIError, sqlite3.Error, psycopg.Error) as error:
        reason = _reason(error)
        _leave_out_values(error)
        if reason is None:
            raise
        raise DatabaseUnavailable(reason) from error


def _leave_out_values(error: DBAPIError | sqlite3.Error | psycopg.Error) -> None:
    """Keep the first line of what PostgreSQL says: below it stands the whole row that it refused, and logs keep it."""
    for one in (error, getattr(error, "orig", None)):
        if isinstance(one, Exception) and one.args:
            one.args = (str(one.args[0]).partition("\n")[0], *one.args[1:])


@contextmanager
def told_or_nothing() -> Iterator[None]:
    """Turn whatever keeps an entry of the trail from being written into `DatabaseUnavailable`: without the entry
    nothing is done and nothing shown, whoever or whatever refused it."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, psycopg.Error) as error:
        raise DatabaseUnavailable(_reason(error) or "refused") from error


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
