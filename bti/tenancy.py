"""Which municipality the database is asked about: whoever opens a transaction says so beforehand, once.

PostgreSQL shows and takes rows of that one municipality only (row-level security, migration 0008), whatever a query
forgets to say. It is a second wall: every query still names its municipality, and on SQLite nothing else does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

# What the policies compare with. A transaction has it, never a connection: the next user of the pool inherits nothing.
SETTING = "bti.municipality"
_ID = re.compile(r"[a-z0-9-]{1,40}")
_here: ContextVar[str] = ContextVar("municipality", default="")


def here() -> str:
    """Return the municipality that is worked in; empty where none has been said, which opens no municipality's rows."""
    return _here.get()


def enter(municipality_id: str) -> Token[str]:
    """Work in this municipality from now on; what isn't an id is none. Give the token to `leave`."""
    return _here.set(municipality_id if _ID.fullmatch(municipality_id) else "")


def leave(token: Token[str]) -> None:
    """Work where one worked before `enter` again."""
    _here.reset(token)


@contextmanager
def within(municipality_id: str) -> Iterator[None]:
    """Work in this municipality for as long as the block lasts."""
    token = enter(municipality_id)
    try:
        yield
    finally:
        leave(token)
