"""Units, staff, children and guardians come in from files: checked as a whole, then all of it or nothing.

`COLUMNS` says which columns each kind of file has; files made by school and kindergarten systems as they are.
"""

from bti.usecases.imports.columns import COLUMNS, KINDS
from bti.usecases.imports.report import Finding, Report
from bti.usecases.imports.runs import carry_out, check, dry_run, receive, run
from bti.usecases.imports.table import MOST_BYTES, MOST_ROWS, Table, read

__all__ = [
    "COLUMNS",
    "KINDS",
    "MOST_BYTES",
    "MOST_ROWS",
    "Finding",
    "Report",
    "Table",
    "carry_out",
    "check",
    "dry_run",
    "read",
    "receive",
    "run",
]
