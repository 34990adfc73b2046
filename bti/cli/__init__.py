"""The command `bti`. One module per noun; each brings a click group or command that is added here."""

from __future__ import annotations

import click

from bti import __version__
from bti.cli.audit import audit
from bti.cli.backup import backup, restore
from bti.cli.database import db
from bti.cli.demo import demo
from bti.cli.edge import Commands
from bti.cli.fsck import fsck
from bti.cli.imports import import_
from bti.cli.keys import keys
from bti.cli.municipality import municipality
from bti.cli.people import user
from bti.cli.serve import serve
from bti.cli.tidy import tidy
from bti.cli.units import unit
from bti.cli.workflow import workflow


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bti")
def main() -> None:
    """Stafett: an open engine for better cross-service collaboration around children."""


for command in (
    audit,
    backup,
    db,
    demo,
    fsck,
    keys,
    municipality,
    restore,
    unit,
    user,
    import_,
    serve,
    tidy,
    workflow,
):
    main.add_command(command)
