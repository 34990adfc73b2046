"""`bti db`: the database's schema."""

from __future__ import annotations

import click

from bti.cli.edge import any_database
from bti.db import current_revision, head_revision, upgrade


@click.group()
def db() -> None:
    """Make the database ready, and see whether it is. BTI_DATABASE_URL says where it is."""


@db.command(name="upgrade")
def upgrade_schema() -> None:
    """Bring the schema to the newest revision. A database that has it already is left as it is."""
    with any_database() as engine:
        before = current_revision(engine)
        upgrade(engine)
        after = current_revision(engine)
    click.echo(f"The schema is at {after} already." if before == after else f"The schema is now at {after}.")


@db.command()
def status() -> None:
    """Say which revision the schema is at. Exits 1 when it isn't the one this version needs."""
    with any_database() as engine:
        current, head = current_revision(engine), head_revision()
    if current == head:
        click.echo(f"The schema is at {current}, as this version needs.")
        return
    click.echo(f"The schema is at {current or 'nothing yet'}; this version needs {head}: run bti db upgrade.")
    raise SystemExit(1)
