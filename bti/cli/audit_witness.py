"""`bti audit witness`: being a witness to somebody else's log. Needs no database.

What can sign is imported by the commands that do, see `bti.cli.audit`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bti.cli.edge import Plain
from bti.verifier.verdict import Undecided

if TYPE_CHECKING:
    from bti.witness.judge import Witness

_old_file = click.Path(exists=True, dir_okay=False, path_type=Path)
F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def witness() -> None:
    """Sign others' logs as long as they grow.

    A witness remembers how far they had come, and signs only what goes on from there.
    """


def _of_a_witness(command: F) -> F:
    for option in (
        click.option(
            "--memory",
            required=True,
            type=click.Path(file_okay=False, path_type=Path),
            help="The folder that remembers the last heads. Back it up with care.",
        ),
        click.option("--policy", required=True, type=_old_file, help="The policy file: which logs' keys to believe."),
        click.option("--key", required=True, type=_old_file, help="The witness's private key."),
    ):
        command = option(command)
    return command


@witness.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="The witness's name, for example county.example/witness.")
def key(file: Path, name: str) -> None:
    """Make a witness's key in the new FILE.

    Its public half is printed, for policy files.
    """
    from bti.witness import work

    click.echo(str(work.make_key(file, name=name)))


@witness.command()
@_of_a_witness
@click.option("--bind", metavar="ADDRESS:PORT", default="127.0.0.1:8100", show_default=True, help="Where to listen.")
def serve(key: Path, policy: Path, memory: Path, bind: str) -> None:
    """Answer logs that ask, over HTTP.

    Put a proxy with TLS in front before others reach it.
    """
    from bti.witness import work

    try:
        work.serve(_witness(key, policy, memory), bind=bind, tell=lambda line: click.echo(line))
    except OSError as wrong:
        raise Plain(f"Nothing can listen on {bind}: {wrong.strerror}.") from wrong


@witness.command()
@_of_a_witness
@click.argument("file", type=_old_file)
def sign(key: Path, policy: Path, memory: Path, file: Path) -> None:
    """Print the checkpoint in FILE, signed.

    It is signed only when it goes on from the last one seen.

    FILE is what bti audit checkpoint printed; with --since, unless the log is new to this witness.
    """
    from bti.witness import work
    from bti.witness.judge import Refusal

    try:
        click.echo(str(work.sign_file(_witness(key, policy, memory), file)), nl=False)
    except Refusal as refusal:
        raise Plain(f"Not signed: {refusal}") from refusal


def _witness(key: Path, policy: Path, memory: Path) -> Witness:
    from bti.witness import work

    try:
        return work.a_witness(key=key, policy=policy, memory=memory)
    except Undecided as wrong:
        raise Plain(str(wrong)) from wrong
