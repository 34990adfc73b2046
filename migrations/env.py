"""Run the migrations: within the transaction that `bti.db.upgrade` has begun, or for writing a new one."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from bti.db import open_database, writing
from bti.models import metadata


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # SQLite can't alter a table in place: it is copied, within the same transaction.
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with writing(open_database(os.environ.get("BTI_DATABASE_URL", ""))) as connection:
        run(connection)
