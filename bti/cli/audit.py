"""`bti audit`: the signed log. Numbering and signing it, and giving it to those who check it.

The server's processes import this module with all others, and must find nothing in it to sign with: what can sign is
imported by the commands that do.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import sqlalchemy as sa

from bti import tenancy
from bti.audit.export import Progress, grown, head_of, newest_note, prove
from bti.cli.audit_witness import witness
from bti.cli.edge import Plain, municipality_option, system_of, trail_database
from bti.clock import utc_now
from bti.config import LOG_HOST, Misconfigured, log_folder
from bti.db import reading
from bti.private import write_new
from bti.queries.register import municipality_ids
from bti.usecases import signed_log
from bti.verifier.verdict import Undecided

if TYPE_CHECKING:
    from bti.sequencer.folder import LogFolder
    from bti.sequencer.witnesses import Cosigner
    from bti.sequencer.working import Sequencer

_new_folder = click.Path(file_okay=False, path_type=Path)
_old_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_host_option = click.option(
    "--host",
    envvar=LOG_HOST,
    metavar="NAME",
    help=f"Your own name, for example stafett.fjordvik.no: logs are begun as NAME/municipality.  [{LOG_HOST}]",
)


@click.group()
def audit() -> None:
    """Sign the audit log, and give it to who checks it.

    Entries are numbered and signed as they are written.

    BTI_LOG is the folder with the log's keys and its memory of what was signed; beside a SQLite database if not said.
    Keep it from the user that runs the pages, and out of the database's backup.
    """


audit.add_command(witness)


# --- signing -------------------------------------------------------------------------------------------------------


@audit.command()
@_host_option
@municipality_option
def key(host: str | None, municipality: str | None) -> None:
    """Begin the log where there is none.

    Each municipality gets a key of its own, and the policy is printed.

    Give what it prints to whoever is to check the log, on another way than the log itself.
    """
    from bti.sequencer.epochs import begin_log

    folder = _folder()
    with trail_database() as engine:
        chosen = _chosen(engine, municipality)
        for one in chosen:
            with tenancy.within(one):
                begin_log(engine, folder, one, host=host, now=utc_now())
    for one in chosen:
        for number in folder.epochs(one):
            click.echo(f"log {folder.key(one, number).public}")
    click.echo("quorum none")


@audit.command()
@_host_option
@click.option("--once", is_flag=True, help="Number and sign what waits now, and end.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input is closed.")
def run(host: str | None, once: bool, with_parent: bool) -> None:
    """Sign what is written until told to stop.

    Numbers the entries and signs the log of all municipalities.

    Run it as a service beside bti serve, as another user: the one that owns BTI_LOG. Entries are signed within a
    second, those about withdrawals, roles and keys at once. BTI_WITNESSES names a policy file; the witnesses in it
    that have an address are asked to sign too. Exits 1 when a log can't go on, and says why.
    """
    with trail_database() as engine:
        folder = _folder()
        sequencer, cosigner = _workers(engine, folder, host)
        if once:
            _once(engine, sequencer, cosigner)
            return
        with folder.alone():
            _on_and_on(sequencer, cosigner, with_parent=with_parent)


def _workers(engine: sa.Engine, folder: LogFolder, host: str | None) -> tuple[Sequencer, Cosigner | None]:
    from bti.sequencer.witnesses import Cosigner, known_witnesses
    from bti.sequencer.working import Sequencer

    neighbours = known_witnesses(os.environ)
    sequencer = Sequencer(engine, folder, host, utc_now, _complain)
    return sequencer, Cosigner(engine, neighbours, _complain) if neighbours else None


def _once(engine: sa.Engine, sequencer: Sequencer, cosigner: Cosigner | None) -> None:
    from bti.sequencer.working import CANT_GO_ON

    stuck = False
    for one in _chosen(engine, None):
        try:
            numbered = sequencer.turn(one)
        except CANT_GO_ON as wrong:
            _complain(f"{one}: {wrong}")
            stuck = True
            continue
        with tenancy.within(one), reading(engine) as session:
            size = signed_log.state(session, municipality_id=one).entries
        click.echo(f"{one}: {numbered} entries numbered, {size} signed.")
    if cosigner:
        click.echo(f"{cosigner.round()} signatures of witnesses.")
    if stuck:
        raise SystemExit(1)


def _on_and_on(sequencer: Sequencer, cosigner: Cosigner | None, *, with_parent: bool) -> None:
    stop = threading.Event()
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, lambda _number, _frame: stop.set())
    if with_parent:
        # Whoever started this holds the other end: it closes however they end.
        _in_background(lambda: _until_closed(stop))
    if cosigner:
        _in_background(lambda: cosigner.run(stop))
    click.echo(f"Signing the log with the keys in {sequencer.folder.path}.", err=True)
    sequencer.run(stop)


def _until_closed(stop: threading.Event) -> None:
    # Past Python's own reader, whose lock would still be held when this process ends.
    while os.read(sys.stdin.fileno(), 1):
        pass
    stop.set()


def _in_background(work: Callable[[], object]) -> None:
    threading.Thread(target=work, daemon=True).start()


@audit.command()
@click.option(
    "--reason",
    required=True,
    type=click.Choice(["restored", "new_key", "damaged"]),
    help="Why: an older backup was restored, the key has to be changed, or the tree isn't what was signed.",
)
@municipality_option
def epoch(reason: str, municipality: str | None) -> None:
    """Begin the log anew, in a tree of its own.

    The new tree declares how far the one before had come.

    For when an older backup was restored, and the log therefore can't go on from what was signed; or with a new key.
    Everybody who checks the log is told of it, and of what was lost. It can't be taken back.
    """
    from bti.sequencer.epochs import begin_anew

    folder = _folder()
    with trail_database() as engine, folder.alone():
        whose = system_of(engine, municipality).municipality_id
        last, left = begin_anew(engine, folder, whose, reason=reason, now=utc_now())
        _once_for(engine, folder, whose)
    lost = last.size - left.size
    click.echo(f"“{last.origin}” ended with {last.size} signed entries, of which {lost or 'none'} are lost.")
    number = folder.epochs(whose)[-1]
    click.echo("From now on the policy needs this line too; give it to whoever checks the log:")
    click.echo(f"log {folder.key(whose, number).public}")


def _once_for(engine: sa.Engine, folder: LogFolder, whose: str) -> None:
    sequencer, _cosigner = _workers(engine, folder, None)
    sequencer.turn(whose)


# --- giving it to others -------------------------------------------------------------------------------------------


@audit.command()
@click.option("--since", type=_old_file, help="A checkpoint from before: print how the log grew from it.")
@municipality_option
def checkpoint(since: Path | None, municipality: str | None) -> None:
    """Print the newest signed head of the log.

    Keep it: it tells nothing about anybody.

    With --since, print a proof that the log grew out of that head, for bti-verify consistency and for a witness that
    signs by hand.
    """
    with trail_database() as engine:
        whose = system_of(engine, municipality).municipality_id
        with reading(engine) as session:
            if since is None:
                click.echo(newest_note(session, whose), nl=False)
                return
            try:
                old = head_of(since.read_text("utf-8"))
            except (Undecided, ValueError) as wrong:
                raise Plain(f"{since} isn't a signed checkpoint: {wrong}") from wrong
            click.echo(str(grown(session, municipality_id=whose, old=old)), nl=False)


@audit.command(name="prove")
@click.argument("entry", type=click.IntRange(min=1))
@click.option("--to", type=_new_folder, default=Path(), help="Where to write them.  [default: here]")
@municipality_option
def prove_(entry: int, to: Path, municipality: str | None) -> None:
    """Write an entry and the proof of it.

    ENTRY is its number, as the auditor's page shows it. The proof says that it is in the log.

    Shows no other entry. Check them with bti-verify proof.
    """
    with trail_database() as engine:
        whose = system_of(engine, municipality).municipality_id
        with reading(engine) as session:
            found = prove(session, municipality_id=whose, entry_id=entry)
    entry_file, proof_file = to / f"entry-{entry}.json", to / f"entry-{entry}.tlog-proof"
    for file, data in ((entry_file, found.data), (proof_file, str(found.proof).encode())):
        _write(file, data)
    click.echo(f"Check with: bti-verify proof {proof_file} --entry {entry_file} --policy FILE")


@audit.command()
@click.argument("folder", type=_new_folder)
@municipality_option
def export(folder: Path, municipality: str | None) -> None:
    """Write the whole signed log into FOLDER.

    FOLDER must be new, and is what bti-verify bundle checks. The trail tells of it.
    """
    with trail_database() as engine:
        actor = system_of(engine, municipality)
        with progress_bar("Writing the log") as progress:
            found = signed_log.write_bundle(engine, actor=actor, folder=folder, now=utc_now(), progress=progress)
    click.echo(f"{found.entries} entries. Check with: bti-verify bundle {folder} --policy FILE")


# --- what they share -----------------------------------------------------------------------------------------------


class progress_bar:
    """A bar on standard error that knows its length when the work has begun."""

    def __init__(self, label: str) -> None:
        self._bar = click.progressbar(length=1, label=label, file=sys.stderr)

    def __enter__(self) -> Progress:
        bar = self._bar.__enter__()

        def progress(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        return progress

    def __exit__(self, *problem: object) -> None:
        self._bar.__exit__(*problem)  # type: ignore[arg-type]


def _folder() -> LogFolder:
    from bti.sequencer.folder import LogFolder

    return LogFolder(log_folder(os.environ))


def _chosen(engine: sa.Engine, municipality: str | None) -> list[str]:
    if municipality is not None:
        return [system_of(engine, municipality).municipality_id]
    with reading(engine) as session:
        known = list(municipality_ids(session))
    if not known:
        raise Plain("There is no municipality yet: add one with bti municipality add ID --name NAME.")
    return known


def _write(file: Path, data: bytes) -> None:
    try:
        write_new(file, data)
    except OSError as wrong:
        raise Misconfigured([f"{file} can't be written: {wrong.strerror}."]) from wrong


def _complain(line: str) -> None:
    click.echo(line, err=True)
