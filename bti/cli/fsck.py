"""`bti fsck`: does what the database holds agree with itself, and with what was signed?"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import sqlalchemy as sa

from bti import tenancy
from bti.audit.export import Progress
from bti.audit.fsck import Remembered
from bti.cli.audit import progress_bar
from bti.cli.edge import Plain, municipality_option, system_of, trail_database
from bti.config import Misconfigured, log_folder
from bti.crypto.keys import use_keys
from bti.db import DatabaseUnavailable, reading
from bti.queries.register import municipality_ids
from bti.usecases import signed_log
from bti.usecases.sealed_check import check_cells
from bti.verifier.policy import Policy, read_policy
from bti.verifier.verdict import GOOD, TAMPERED, UNDECIDED, Report, Undecided

# PostgreSQL's code for a role that lacks a right.
NOT_ALLOWED = "42501"
VERDICTS = {
    GOOD: "Good: everything that was checked holds.",
    TAMPERED: "TAMPERED: this isn't what was signed.",
    UNDECIDED: "Cannot decide: something needed is missing.",
}


@dataclass(frozen=True)
class Against:
    """What a municipality's rows are held against: whose signatures to believe, and what was signed last."""

    policy: Policy
    remembered: Remembered


Check = Callable[[sa.Engine, str, Against, Progress], Report]


def _log(engine: sa.Engine, municipality_id: str, against: Against, progress: Progress) -> Report:
    return signed_log.verify(
        engine,
        municipality_id=municipality_id,
        policy=against.policy,
        remembered=against.remembered,
        progress=progress,
    )


def _cells(engine: sa.Engine, municipality_id: str, _against: Against, _progress: Progress) -> Report:
    try:
        use_keys(os.environ)
        with reading(engine) as session:
            return check_cells(session, municipality_id=municipality_id)
    except Misconfigured as wrong:
        why = wrong.problems[0]
    except sa.exc.ProgrammingError as wrong:
        if getattr(wrong.orig, "sqlstate", None) != NOT_ALLOWED:
            raise
        why = "this role may not read them, as is right for the one that signs."
    # Whoever may sign the log need not be able to open what is sealed, and the other way round.
    return Report(notes=[f"The sealed cells weren't looked at: {why}"])


# Each is asked for each municipality.
CHECKS: dict[str, Check] = {"the log": _log, "the sealed cells": _cells}


@click.command()
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Whose signatures to believe.  [default: the keys in BTI_LOG]",
)
@municipality_option
def fsck(policy: Path | None, municipality: str | None) -> None:
    """Check that the trail and its log agree.

    Holds the trail, the signed log, its heads and the sealed cells together, and says where they differ. Changes
    nothing.

    Run it as the user who may read BTI_LOG: what was signed last is remembered there, and shows an end that was cut
    off. Cells are looked at where the keys are at hand (BTI_KEYS) and the database's role may read them. Entries are
    numbered from 0 in each epoch; an id is the number that the auditor's page shows.

    \b
    Exit code: 0 good; 1 tampered, with the numbers of the entries; 2 cannot decide (something is missing).
    """
    try:
        code = _checked(policy, municipality)
    except (Misconfigured, DatabaseUnavailable, Undecided) as wrong:
        # Exit code 1 would say that somebody tampered with it.
        raise Unreadable(str(wrong)) from wrong
    click.echo(VERDICTS[code])
    raise SystemExit(code)


def _checked(policy: Path | None, municipality: str | None) -> int:
    worst = GOOD
    with trail_database() as engine:
        for one in _chosen(engine, municipality):
            against = _against(one, policy)
            for what, check in CHECKS.items():
                with tenancy.within(one), progress_bar(f"Checking {what} of {one}") as progress:
                    report = check(engine, one, against, progress)
                _print(one, report)
                worst = TAMPERED if TAMPERED in (worst, report.code) else max(worst, report.code)
    return worst


def _against(municipality_id: str, policy: Path | None) -> Against:
    from bti.sequencer.folder import LogFolder

    remembered: Remembered = {}
    lines = policy.read_bytes() if policy else b""
    if policy is None or _is_there():
        # Without a policy there is nobody else to believe: the keys that the database names are its own word.
        folder = LogFolder(log_folder(os.environ), is_made=False)
        keys = [folder.key(municipality_id, number).public for number in folder.epochs(municipality_id)]
        remembered = {key.name: folder.heads.last(key.name) for key in keys}
        lines = lines or "".join([*(f"log {key}\n" for key in keys), "quorum none\n"]).encode()
    return Against(read_policy(lines), remembered)


def _is_there() -> bool:
    try:
        return os.access(log_folder(os.environ), os.R_OK | os.X_OK)
    except Misconfigured:
        return False


class Unreadable(Plain):
    """Nothing can be decided for want of keys."""

    exit_code = UNDECIDED


def _chosen(engine: sa.Engine, municipality: str | None) -> list[str]:
    if municipality is not None:
        return [system_of(engine, municipality).municipality_id]
    with reading(engine) as session:
        return list(municipality_ids(session))


def _print(municipality_id: str, report: Report) -> None:
    for line in report.checked:
        click.echo(f"{municipality_id}: {line}")
    for line in report.notes:
        click.echo(f"{municipality_id}: Note: {line}")
    for finding in report.findings:
        click.echo(f"{municipality_id}: {'!!' if finding.code == TAMPERED else '??'} {finding.text}")
