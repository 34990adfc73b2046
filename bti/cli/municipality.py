"""`bti municipality`: municipalities that share this database, and which model their new cases follow."""

from __future__ import annotations

import click

from bti import tenancy
from bti.cli.edge import current_database, in_one_go, municipality_option, system_of
from bti.clock import utc_now
from bti.db import reading
from bti.queries.register import municipality_ids
from bti.usecases.models import in_force
from bti.usecases.municipalities import add_municipality, choose_definition
from bti.usecases.system import System
from bti.workflow.library import released


@click.group()
def municipality() -> None:
    """Add and list municipalities, and choose their model."""


@municipality.command()
@click.argument("id_", metavar="ID")
@click.option("--name", required=True, help="What people call it, for example 'Fjordvik kommune'.")
@click.option(
    "--definition", default="bti", show_default=True, help="The model of its new cases: NAME or NAME.VERSION."
)
def add(id_: str, name: str, definition: str) -> None:
    """Add the municipality ID.

    ID is small letters, digits and hyphens, for example fjordvik.
    """
    model, _, number = definition.partition(".")
    if number and not number.isdigit():
        raise click.BadParameter("write NAME or NAME.VERSION, for example bti.1", param_hint="--definition")
    with current_database() as engine, tenancy.within(id_):
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


@municipality.command()
@click.argument("name", required=False)
@click.argument("version", required=False, type=click.IntRange(min=1))
@municipality_option
def model(name: str | None, version: int | None, municipality: str | None) -> None:
    """Choose the definition that new cases follow.

    NAME is taken in its newest VERSION unless told otherwise. Cases that are begun go on with the one they have.
    Without NAME: list the definitions there are, those in the folder of BTI_WORKFLOWS too, and mark the one that is
    followed.
    """
    with current_database() as engine:
        actor = system_of(engine, municipality)
        if name is None:
            with reading(engine) as session:
                followed = in_force(session, municipality_id=actor.municipality_id)
            for one in released():
                click.echo(f"{'*' if one == followed else ' '} {one[0]} {one[1]}")
            return
        chosen = in_one_go(
            engine,
            lambda session: choose_definition(session, actor=actor, definition=name, version=version, now=utc_now()),
        )
    click.echo(f"New cases in {actor.municipality_id} follow {chosen[0]}.{chosen[1]} from now on.")


@municipality.command(name="list")
def list_() -> None:
    """List the municipalities' ids."""
    with current_database() as engine, reading(engine) as session:
        for known in municipality_ids(session):
            click.echo(known)
