"""`bti municipality`: municipalities that share this database."""

from __future__ import annotations

import click

from bti.cli.edge import current_database, in_one_go
from bti.clock import utc_now
from bti.db import reading
from bti.queries.register import municipality_ids
from bti.usecases.municipalities import add_municipality
from bti.usecases.system import System


@click.group()
def municipality() -> None:
    """Add and list municipalities."""


@municipality.command()
@click.argument("id_", metavar="ID")
@click.option("--name", required=True, help="What people call it, for example 'Fjordvik kommune'.")
@click.option(
    "--definition", default="bti", show_default=True, help="The model of its new cases: NAME or NAME.VERSION."
)
def add(id_: str, name: str, definition: str) -> None:
    """Add the municipality ID: small letters, digits and hyphens, for example fjordvik."""
    model, _, number = definition.partition(".")
    if number and not number.isdigit():
        raise click.BadParameter("write NAME or NAME.VERSION, for example bti.1", param_hint="--definition")
    with current_database() as engine:
        in_one_go(
            engine,
            lambda session: add_municipality(
                session,
                actor=System(id_),
                name=name,
                definition=model,
                version=int(number) if number else None,
                now=utc_now(),
            ),
        )
    click.echo(f"Added {id_}. Next: bti unit add 'Rådhuset' --kind administration, then bti user add.")


@municipality.command(name="list")
def list_() -> None:
    """List the municipalities' ids."""
    with current_database() as engine, reading(engine) as session:
        for known in municipality_ids(session):
            click.echo(known)
