"""`bti keys`: the keys that everything is sealed with, and the shares that restore the master key."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import sqlalchemy as sa

from bti.cli.edge import Plain, current_database, keyed_database
from bti.clock import utc_now
from bti.config import Misconfigured, key_settings
from bti.crypto.keys import make_keys, recover, shares_fit, use_keys
from bti.crypto.master import WrongKey
from bti.crypto.shares import BadShare
from bti.db import reading
from bti.errors import NotPossible
from bti.queries.sealed_cells import key_problems
from bti.usecases.rotation import Outcome, Progress, rotate, seal_all

_SHARES = {
    "not_a_share": "That isn't a recovery share: it begins with stafett-1-, stafett-2- or stafett-3-.",
    "slip": "There is a slip in this share: compare it with what is written down, group by group.",
    "same_share": "That is the same share twice: two different ones are needed.",
    "other_key": "These two shares belong to different master keys.",
    "wrong_key": "These two shares lead to no master key.",
}
_KEEP = """
The key store {store} and the master key {file} are made.

Three recovery shares follow: any two of them restore the master key, one alone tells nothing. They are kept nowhere and
shown once. Write each down and give them to three people who don't work in the same place.

{shares}

Now back up {store} every night, apart from the database and its backup, and the master key nowhere near either.
Try the shares: bti keys check --shares.
"""


@click.group()
def keys() -> None:
    """Make, check, rotate and restore the keys.

    BTI_KEYS and BTI_MASTER_KEY_FILE say where they are.
    """


@keys.command()
def init() -> None:
    """Make a master key and an empty key store.

    The three recovery shares are shown, once.
    """
    settings = key_settings(os.environ)
    if settings.master_file is None:
        raise Plain("Set BTI_MASTER_KEY_FILE to the file that the new master key is to be written to.")
    shares = make_keys(settings.store, settings.master_file)
    told = "\n".join(f"  {share.text}" for share in shares)
    click.echo(_KEEP.format(store=settings.store, file=settings.master_file, shares=told).strip())


@keys.command(name="recover")
def recover_master() -> None:
    """Write the lost master key anew.

    It is made from two recovery shares, and written to BTI_MASTER_KEY_FILE.
    """
    settings = key_settings(os.environ)
    if settings.master_file is None:
        raise Plain("Set BTI_MASTER_KEY_FILE to the file that the master key is to be written to.")
    with _plain_shares():
        recover(_two_shares(), settings.master_file)
    try:
        use_keys(os.environ)
    except Misconfigured:
        # These shares are of another key: it must not lie there as if it were the right one.
        settings.master_file.unlink()
        raise
    click.echo(f"The master key is restored to {settings.master_file}, and opens the key store.")


@keys.command()
@click.option("--shares", is_flag=True, help="Also try two recovery shares: the drill, once a year.")
def check(shares: bool) -> None:
    """Check that the keys open and fit.

    They must be there, open, and fit the database. Changes nothing.
    """
    ring = use_keys(os.environ)
    count = 0
    for municipality_id, owner in ring.store.owners():
        known = ring.store.find(municipality_id, owner)
        for version in known.keys if known else ():
            try:
                ring.opener(municipality_id, owner, version)
            except WrongKey:
                raise Plain(f"The key of {owner} in {municipality_id} is damaged: restore the key store.") from None
        count += 1
    click.echo(f"The master key opens all keys in the key store: those of {count} cases, people and municipalities.")
    with keyed_database() as engine, reading(engine) as session:
        problems = key_problems(session)
    if problems:
        raise Misconfigured(problems)
    click.echo("They fit the database.")
    if shares:
        with _plain_shares():
            if not shares_fit(_two_shares(), key_settings(os.environ)):
                raise Plain("These shares restore another master key than the one in use.")
        click.echo("The two shares would restore the master key.")


@keys.command(name="rotate")
def rotate_all() -> None:
    """Give everybody a new key and seal anew.

    Every case and person gets one, while people go on working.

    May be interrupted: the next time it goes on where it was. Older keys are kept, for backups are sealed with them.
    """
    with current_database() as engine:
        _tell(_with_progress("Sealing with new keys", engine, rotate))


@keys.command(name="seal")
def seal_what_is_not() -> None:
    """Seal what isn't sealed yet.

    For a database from a version before there were keys.
    """
    with keyed_database() as engine:
        try:
            outcome = _with_progress("Sealing", engine, seal_all)
        except NotPossible as refusal:
            told = (
                f"What {refusal.details['municipality']} has written is sealed with keys that this key store doesn't "
                "have: set BTI_KEYS to the one that belongs to this database."
            )
            raise Plain(told) from refusal
    _tell(outcome)


def _with_progress(label: str, engine: sa.Engine, work: Callable[..., Outcome]) -> Outcome:
    with click.progressbar(length=1, label=label) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        told: Progress = progress
        return work(engine, clock=utc_now, progress=told)


def _tell(outcome: Outcome) -> None:
    click.echo(f"{outcome.sealed} cells were sealed.")
    if outcome.left:
        raise Plain(f"{outcome.left} cells don't open and were left as they are: bti fsck names them.")


@contextmanager
def _plain_shares() -> Iterator[None]:
    try:
        yield
    except BadShare as wrong:
        raise Plain(_SHARES[wrong.code]) from wrong


def _two_shares() -> tuple[str, str]:
    one = click.prompt("One recovery share", hide_input=True)
    other = click.prompt("Another recovery share", hide_input=True)
    return one, other


def demo_keys(folder: Path) -> dict[str, str]:
    """Return the settings of the demo's own keys, made the first time. Raises Misconfigured when they can't be."""
    store, file = folder / "demo-keys", folder / "demo-master.key"
    if not store.exists() and not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        make_keys(store, file)
    return {"BTI_KEYS": str(store.absolute()), "BTI_MASTER_KEY_FILE": str(file.absolute()), "BTI_MASTER_KEY": ""}
