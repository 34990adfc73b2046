"""`bti unit`: the services of a municipality."""

from __future__ import annotations

import click

from bti.cli.edge import current_database, in_one_go, municipality_option, system_of
from bti.clock import utc_now
from bti.db import reading
from bti.queries.register import units_of
from bti.usecases.units import add_unit
from bti.workflow.definition import SERVICE_KINDS


@click.group()
def unit() -> None:
    """Add and list units.

    Schools, health centres, PPT and other services.
    """


@unit.command()
@click.argument("name")
@click.option("--kind", required=True, type=click.Choice(SERVICE_KINDS), help="The kind of service.")
@click.option("--external", is_flag=True, help="Outside the municipality, such as specialist health care.")
@click.option("--phone", default="", help="Where people reach it.")
@municipality_option
def add(name: str, kind: str, external: bool, phone: str, municipality: str | None) -> None:
    """Add the unit NAME."""
    with current_database() as engine:
        actor = system_of(engine, municipality)
        in_one_go(
            engine,
            lambda session: add_unit(
                session, actor=actor, name=name, kind=kind, is_external=external, phone=phone, now=utc_now()
            ),
        )
    click.echo(f"Added {name}.")


@unit.command(name="list")
@click.option("--ended", is_flag=True, help="Also those that have been ended.")
@municipality_option
def list_(ended: bool, municipality: str | None) -> None:
    """List the units with how many people work there."""
    with current_database() as engine:
        actor = system_of(engine, municipality)
        with reading(engine) as session:
            found = units_of(session, municipality_id=actor.municipality_id, ended=ended)
    for one in found:
        marks = [mark for mark, holds in (("external", one.is_external), ("ended", one.ended_at)) if holds]
        click.echo("\t".join([one.name, one.kind, f"{one.staff} staff", *marks]))
