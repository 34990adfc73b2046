"""Do the sealed cells of a municipality agree with its keys, and with what the signed log tells of them?"""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa

from bti.queries.sealed_cells import Code, Finding, findings_in
from bti.verifier.verdict import SHOWN, Report

# What is wrong, said of cells. Without its key nothing is proved of a cell, neither for nor against it.
_WRONG: dict[Code, str] = {
    "not_sealed": "lies there unsealed",
    "changed": "doesn't open: it was changed, or belongs in another place",
    "other_than_told": "opens and isn't what the log tells of it last: an older one was put back",
    "never_told": "is one that the log tells nothing of: it was written past the application",
    "row_gone": "is one that the log tells of, and its row is gone",
}


def check_cells(session: sa.Connection, *, municipality_id: str) -> Report:
    """Open every sealed cell and compare it with what the log tells of it last; return what was found.

    Names tables, columns and rows, never what stands in them. Raises Misconfigured without keys.
    """
    report, found = Report(), defaultdict[Code, list[Finding]](list)
    for one in findings_in(session, municipality_id):
        found[one.code].append(one)
    for code, cells in found.items():
        for one in cells[:SHOWN]:
            place = f"{one.table}.{one.column} of row {one.row_id}"
            if code == "no_key":
                report.undecided(f"The cell {place} can't be opened: its key isn't in the key store.")
            else:
                report.tampered(f"The cell {place} {_WRONG[code]}.")
        if len(cells) > SHOWN:
            (report.undecided if code == "no_key" else report.tampered)(f"{len(cells) - SHOWN} more cells like these.")
    if not found:
        report.checked.append("Every sealed cell opens in its own place, and is the one that the log tells of last.")
    return report
