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
from bti.cli.edge import Plain, current_database, municipality_option, system_of
from bti.config import Misconfigured, log_folder
from bti.db import DatabaseUnavailable, reading
from bti.queries.register import municipality_ids
from bti.usecases import signed_log
from bti.verifier.policy import Policy, read_policy
from bti.verifier.verdict import GOOD, TAMPERED, UNDECIDED, Report, Undecided

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


# Each is asked for each municipality. What seals cells adds its own: that cells and keys agree with each other, and
# with the commitments in the log.
CHECKS: dict[str, Check] = {"the log": _log}


@click.command()
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Whose signatures to believe.  [default: the keys in BTI_LOG]",
)
@municipality_option
def fsck(policy: Path | None, municipality: str | None) -> None:
    """Check that the trail and its log agree.

    Holds the trail, the signed log and its heads together, and says where they differ. Changes nothing.

    Run it as the user who may read BTI_LOG: what was signed last is remembered there, and shows an end that was cut
    off. Entries are numbered from 0 in each epoch; an id is the number that the auditor's page shows.

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
    with current_database() as engine:
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
