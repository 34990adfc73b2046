"""`bti workflow simulate`: try a definition out in memory, and say which promises held."""

from __future__ import annotations

from pathlib import Path

import click

from bti.simulation import Walk, simulate
from bti.workflow.library import UnsafeDefinition, load_file


@click.command(name="simulate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same walk.")
@click.option("--steps", default=200, show_default=True, type=click.IntRange(1, 100_000), help="How many steps to try.")
def simulate_command(file: Path, seed: int, steps: int) -> None:
    """Let random people loose on a definition.

    Prints the walk through the one in FILE, and every promise's verdict. Exits 1 when a promise is broken or the
    definition isn't safe.
    """
    try:
        model = load_file(file)
    except UnsafeDefinition as error:
        for finding in error.findings:
            click.echo(str(finding), err=True)
        raise SystemExit(1) from error
    walk = simulate(model, seed, steps)
    click.echo("\n".join([*walk.lines, "", *verdicts(walk)]))
    if not walk.holds:
        raise SystemExit(1)


def verdicts(walk: Walk) -> list[str]:
    """Return a line for each promise, and under a broken one what broke it (the first ten)."""
    lines = []
    for name, breaches in walk.broken.items():
        lines.append(f"{'BROKEN' if breaches else 'held  '}  {name}")
        lines += [f"          {breach}" for breach in breaches[:10]]
        if len(breaches) > 10:
            lines.append(f"          and {len(breaches) - 10} more")
    return lines
