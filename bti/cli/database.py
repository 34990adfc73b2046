"""`bti db`: the database's schema."""

from __future__ import annotations

import click

from bti import rights
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
@click.argument("role")
@click.option("--signs", is_flag=True, help="What bti audit and bti fsck need instead: to number and sign the trail.")
def allow(role: str, signs: bool) -> None:
    """Let ROLE do what the pages need, and no more.

    ROLE is one of PostgreSQL's. Run it as the tables' owner, after each bti db upgrade; then give bti serve the
    address with ROLE in it. ROLE can't change what stands in the trail or was said once (consents, answers, entries,
    files), removes drafts and sessions alone, and sees one municipality at a time. Make it first:

      CREATE ROLE stafett_pages LOGIN PASSWORD '…';
    """
    with any_database() as engine:
        rights.allow(engine, role, signs=signs)
    what, who = ("signing the log needs", "bti audit") if signs else ("the pages need", "bti serve")
    click.echo(f"{role} may now do what {what}. Set BTI_DATABASE_URL for {who} to log in as {role}.")


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
