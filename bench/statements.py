"""Counting what is said to a database."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import event


def said(database: sa.Engine, work: Callable[[], object]) -> list[str]:
    """Return the statements that `work` says, in order."""
    found: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        found.append(statement)

    event.listen(database, "before_cursor_execute", heard)
    try:
        work()
    finally:
        event.remove(database, "before_cursor_execute", heard)
    return found
