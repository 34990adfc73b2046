"""Up to which id every entry is either here or will never be.

Ids are handed out before the entry commits, so on PostgreSQL one with a lower id may appear after one with a higher.
Whoever writes an entry holds a lock on the table, from before it has its id until it has committed: when everybody
who held one has let go, all ids that were handed out by then are decided. Writers wait for nothing here.
"""

from __future__ import annotations

import sqlalchemy as sa

from bti.models import audit_entries

_NEWEST = sa.select(sa.func.coalesce(sa.func.max(audit_entries.c.id), 0))
_WRITERS = sa.text("""
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'audit_entries'::regclass AND granted AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
""")


class Horizon:
    """Remembers from one look to the next who was writing then.

    One serves all municipalities: their entries have their ids from one row.
    """

    def __init__(self) -> None:
        self._decided = 0
        self._awaited: tuple[int, frozenset[str]] | None = None

    def look(self, session: sa.Connection) -> int:
        """Return the largest id up to which all is decided. What is read after this sees all of it."""
        newest = int(session.execute(_NEWEST).scalar_one())
        if session.dialect.name == "sqlite":
            # One writer at a time, and this is it.
            return newest
        # After the id, never before it: a writer who comes in between has a larger one.
        writers = frozenset(session.execute(_WRITERS).scalars())
        if self._awaited and not self._awaited[1] & writers:
            self._decided, self._awaited = max(self._decided, self._awaited[0]), None
        if not writers:
            self._decided, self._awaited = max(self._decided, newest), None
        elif self._awaited is None:
            self._awaited = newest, writers
        return self._decided
