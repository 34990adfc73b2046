"""`bti user`: staff who may log in."""

from __future__ import annotations

import sys

import click
import sqlalchemy as sa

from bti.actor import ROLES
from bti.cli.edge import Plain, current_database, in_one_go, municipality_option, system_of
from bti.clock import utc_now
from bti.db import reading
from bti.queries.register import Person, people_of, person_named, units_of
from bti.usecases.factors import reset
from bti.usecases.people import add_person, end_person, grant_role, set_password
from bti.usecases.system import System

_username = click.argument("username")
_unit = click.option("--unit", required=True, help="The unit's name, as bti unit list shows it.")
_role = click.option("--role", required=True, type=click.Choice(ROLES))
_from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group()
def user() -> None:
    """Add staff, give them access, and end it."""


@user.command()
@_username
@click.option("--name", required=True, help="Given name and family name.")
@click.option("--title", default="", help="What they are, for example 'rektor'.")
@click.option("--email", default="")
@_unit
@_role
@_from_stdin
@click.option("--no-password", is_flag=True, help="They can't log in until they are given one.")
@municipality_option
def add(
    username: str,
    name: str,
    title: str,
    email: str,
    unit: str,
    role: str,
    password_stdin: bool,
    no_password: bool,
    municipality: str | None,
) -> None:
    """Add USERNAME with one role. Asks for a password, of at least 12 characters."""
    with current_database() as engine:
        actor = system_of(engine, municipality)
        unit_id = _unit_named(engine, actor, unit)
        password = None if no_password else _password(password_stdin)

        def work(session: sa.Connection) -> None:
            now = utc_now()
            person_id = add_person(
                session, actor=actor, username=username, name=name, title=title, email=email, password=password, now=now
            )
            grant_role(session, actor=actor, person_id=person_id, unit_id=unit_id, role=role, now=now)

        in_one_go(engine, work)
    click.echo(f"Added {username} as {role} in {unit}.")


@user.command()
@_username
@_unit
@_role
@municipality_option
def grant(username: str, unit: str, role: str, municipality: str | None) -> None:
    """Give USERNAME another role."""
    with current_database() as engine:
        actor = system_of(engine, municipality)
        person, unit_id = _named(engine, actor, username), _unit_named(engine, actor, unit)
        in_one_go(
            engine,
            lambda session: grant_role(
                session, actor=actor, person_id=person.id, unit_id=unit_id, role=role, now=utc_now()
            ),
        )
    click.echo(f"{username} is now {role} in {unit}.")


@user.command()
@_username
@municipality_option
def end(username: str, municipality: str | None) -> None:
    """End USERNAME: every role, at once. Batons they hold go to an interim holder."""
    with current_database() as engine:
        actor = system_of(engine, municipality)
        person = _named(engine, actor, username)
        moved = in_one_go(engine, lambda session: end_person(session, actor=actor, person_id=person.id, now=utc_now()))
    click.echo(f"Ended {username}. Batons that went to an interim holder: {moved} (unshared wonders not counted).")


@user.command()
@_username
@_from_stdin
@municipality_option
def password(username: str, password_stdin: bool, municipality: str | None) -> None:
    """Give USERNAME a new password. Asks for it, unless it comes on standard input."""
    with current_database() as engine:
        actor = system_of(engine, municipality)
        person, chosen = _named(engine, actor, username), _password(password_stdin)
        in_one_go(
            engine,
            lambda session: set_password(session, actor=actor, person_id=person.id, password=chosen, now=utc_now()),
        )
    click.echo(f"{username} has a new password.")


@user.group()
def totp() -> None:
    """The second factor of auditors and administrators."""


@totp.command(name="reset")
@_username
@municipality_option
def reset_totp(username: str, municipality: str | None) -> None:
    """Take away USERNAME's second factor.

    Their sessions end, and they add a new one when they log in next. For somebody who has lost both telephone and
    recovery codes. Make sure that it is them who asks.
    """
    with current_database() as engine:
        actor = system_of(engine, municipality)
        person = _named(engine, actor, username)
        in_one_go(engine, lambda session: reset(session, actor=actor, person_id=person.id, now=utc_now()))
    click.echo(f"{username} has no second factor now.")


@user.command(name="list")
@municipality_option
def list_(municipality: str | None) -> None:
    """List everybody who works here, with their roles."""
    with current_database() as engine:
        actor = system_of(engine, municipality)
        with reading(engine) as session:
            after: str | None = ""
            while after is not None:
                page = people_of(session, municipality_id=actor.municipality_id, after=after, limit=500)
                for person in page.shown:
                    roles = ", ".join(f"{role.role} ({role.unit_name})" for role in person.roles)
                    click.echo(f"{person.username}\t{person.name}\t{roles or 'no role'}")
                after = page.after


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    chosen: str = click.prompt("Password", hide_input=True, confirmation_prompt="The same again")
    return chosen


def _named(engine: sa.Engine, actor: System, username: str) -> Person:
    with reading(engine) as session:
        found = person_named(session, municipality_id=actor.municipality_id, username=username)
    if found is None:
        raise Plain(f"Nobody here has the user name {username!r}.")
    return found


def _unit_named(engine: sa.Engine, actor: System, name: str) -> str:
    with reading(engine) as session:
        known = units_of(session, municipality_id=actor.municipality_id)
    for unit in known:
        if unit.name.casefold() == name.strip().casefold():
            return unit.id
    there = ", ".join(unit.name for unit in known) or "none yet; add one with bti unit add"
    raise Plain(f"There is no unit {name!r}. There is: {there}.")
