"""`bti import`: units, staff, children and guardians from CSV files."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

import click
import sqlalchemy as sa

from bti.cli.edge import Plain, current_database, in_one_go, municipality_option, system_of
from bti.cli.sentences import finding_sentence
from bti.clock import utc_now
from bti.usecases.imports import COLUMNS, KINDS, MOST_BYTES, Report, dry_run, run
from bti.usecases.imports.planning import Progress
from bti.usecases.system import System


def _columns() -> str:
    """Return the documented columns of each kind, for the help text."""
    lines = ["\b", "Columns, in any order (* must be there):"]
    for kind in KINDS:
        headers = (f"{column.header}*" if column.needed else column.header for column in COLUMNS[kind])
        lines.append(f"  {kind}: {', '.join(headers)}")
    return "\n".join(lines)


@click.command(name="import", epilog=_columns())
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@click.option("--mark-left", is_flag=True, help="Children only: mark those who aren't in the file as having left.")
@municipality_option
def import_(kind: str, file: Path, dry_run: bool, mark_left: bool, municipality: str | None) -> None:
    """Import FILE, all of it or nothing. The same file twice changes nothing.

    Understands UTF-8 and Windows-1252, separated by semicolon, comma or tab. Exits 1 when anything is wrong with the
    file; every bad row is listed.
    """
    if mark_left and kind != "children":
        raise click.UsageError("--mark-left is for children only.")
    content = _content(file)
    with current_database() as engine:
        actor = system_of(engine, municipality)
        with click.progressbar(length=1, label="Checking", file=sys.stderr) as bar:

            def progress(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            report = _perform(engine, actor, kind, content, dry_run, mark_left, progress)
    _show(report, dry=dry_run, mark_left=mark_left)
    if not report.is_good:
        raise SystemExit(1)


def _content(file: Path) -> bytes:
    # Never more into memory than could be imported.
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise Plain(f"{file} can't be read: {error.strerror}.") from error


def _perform(
    engine: sa.Engine, actor: System, kind: str, content: bytes, dry: bool, mark_left: bool, progress: Progress
) -> Report:
    if not dry:
        return run(
            engine, actor=actor, kind=kind, content=content, clock=utc_now, mark_left=mark_left, progress=progress
        )
    return in_one_go(
        engine,
        lambda session: dry_run(
            session, actor=actor, kind=kind, content=content, now=utc_now(), mark_left=mark_left, progress=progress
        ),
    )


def _show(report: Report, *, dry: bool, mark_left: bool) -> None:
    if report.encoding == "windows-1252":
        click.echo("The file isn't UTF-8; it was read as Windows-1252. Look at æ, ø and å in the result.")
    if report.ignored:
        click.echo(f"Columns that mean nothing here: {', '.join(report.ignored)}.")
    if not report.is_good:
        _show_findings(report)
        return
    would = "would be " if dry else ""
    told = f"{report.created} {would}new, {report.changed} {would}changed, {report.unchanged} as before"
    click.echo(f"{report.rows} rows: {told}.")
    if mark_left:
        click.echo(f"{report.left} children {would}marked as having left.")
    elif report.missing:
        click.echo(f"{report.missing} imported children aren't in the file; they stay. --mark-left marks them as left.")


def _show_findings(report: Report) -> None:
    count = "1 thing is" if report.finding_count == 1 else f"{report.finding_count} things are"
    click.echo(f"Nothing was imported: {count} wrong.", err=True)
    for row, found in groupby(report.findings, key=lambda finding: finding.row):
        where = f"Row {row}: " if row else ""
        click.echo(f"{where}{'; '.join(finding_sentence(finding) for finding in found)}.", err=True)
    more = report.finding_count - len(report.findings)
    if more:
        click.echo(f"… and {more} more.", err=True)
