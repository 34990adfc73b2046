"""The command `bti`. One module per noun; each brings a click group or command that is added here."""

from __future__ import annotations

import click

from bti import __version__
from bti.cli.workflow import workflow


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bti")
def main() -> None:
    """Stafett: an open engine for better cross-service collaboration around children."""


main.add_command(workflow)
