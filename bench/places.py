"""Where the measurements take place: databases as durable as in use, with towns of two sizes in them."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from bench import towns
from bench.towns import Town
from bti.db import open_database, upgrade
from tests import postgresql
from tests.keys import make_test_keys, remove_test_keys

Kind = Literal["sqlite", "postgresql"]
SMALL, LARGE = 1_000, 20_000
READY = 1_400
# As tests start it, but every commit waits for the disk, and the tables are looked after.
DURABLE = {
    **postgresql.SETTINGS,
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "128MB",
}


class Places:
    """The databases of one run, made when they are asked for and thrown away at its end."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._towns: dict[tuple[Kind, int], Town] = {}
        self._after = ExitStack()
        # Under var, on the disk the product would use: a folder in memory would make every commit free.
        Path("var").mkdir(exist_ok=True)
        self.home = Path(self._after.enter_context(tempfile.TemporaryDirectory(dir="var", prefix="bench-"))).resolve()
        keys = make_test_keys()
        self._after.callback(remove_test_keys, keys)
        self._server = postgresql.server_url(DURABLE)
        if self._server is None:
            self.notes.append(f"PostgreSQL wasn't measured: {postgresql.why_missing()}.")
        else:
            self._require_durable(self._server)

    def close(self) -> None:
        """Remove what was made."""
        for town in self._towns.values():
            town.database.dispose()
        self._after.close()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of database there are here."""
        return ("sqlite", "postgresql") if self._server else ("sqlite",)

    def town(self, kind: Kind, size: int) -> Town:
        """Return the town of this size; the small one also has cases that are ready to be moved."""
        if (kind, size) not in self._towns:
            url = self._new(kind, size)
            upgrade(url)
            database = open_database(url)
            self._towns[kind, size] = towns.build(database, size=size, ready=READY if size == SMALL else 0)
        return self._towns[kind, size]

    def _new(self, kind: Kind, size: int) -> str:
        if kind == "sqlite":
            return f"sqlite:///{self.home}/town-{size}.db"
        assert self._server is not None
        name = f"{self.home.name.replace('-', '_').lower()}_{size}"
        self._administer(self._server, f"CREATE DATABASE {name} TEMPLATE template0")
        self._after.callback(self._administer, self._server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        return sa.make_url(self._server).set(database=name).render_as_string(hide_password=False)

    def _administer(self, server: str, statement: str) -> Any:
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            found = connection.exec_driver_sql(statement)
            return found.scalar() if found.returns_rows else None

    def _require_durable(self, server: str) -> None:
        off = [name for name in ("fsync", "synchronous_commit") if self._administer(server, f"SHOW {name}") != "on"]
        if off:
            self.notes.append(f"The PostgreSQL given has {' and '.join(off)} off: its moves are not durable.")
