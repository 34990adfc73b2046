"""Importing guardians: one row for each child somebody is a guardian of. Both are known by the sender's own keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bti.models import guardians, guardianships, new_id, subjects
from bti.usecases.imports.planning import Work, differing
from bti.usecases.imports.table import Row

_PARTICULARS = ("name", "phone", "email", "language")
_STANDING = ("relation", "parental_responsibility")


@dataclass
class _Guardian:
    """A guardian as the file and the register know them together; `row` is where the file named them first."""

    id: str
    row: int
    particulars: dict[str, Any]
    is_changed: bool = False


def plan_guardians(work: Work) -> None:
    """Plan new guardians, changed particulars, and who is a guardian of whom.

    What gives somebody standing is ended and added anew, never edited, so that it can be seen who could consent
    when. Consents that were given stay as they are; nobody's guardianship is ended because a file doesn't name it.
    """
    children = {row.external_key: row for row in work.select(subjects) if row.external_key}
    known = {row.external_key: row for row in work.select(guardians) if row.external_key}
    live = {
        (row.subject_id, row.guardian_id): row for row in work.select(guardianships, guardianships.c.ended_on.is_(None))
    }
    seen: dict[str, _Guardian] = {}
    pairs: dict[tuple[str, str], int] = {}
    for row, values in work.rows():
        pair = (values["child_key"], values["guardian_key"])
        child = children.get(values["child_key"])
        if child is None:
            work.wrong(row, "child_key", "unknown_child")
        elif pair in pairs:
            work.wrong(row, "guardian_key", "duplicate", other_row=pairs[pair])
        else:
            pairs[pair] = row.number
            guardian = _guardian(work, row, values, known.get(values["guardian_key"]), seen)
            if guardian is not None:
                _plan_standing(work, row, guardian, child.id, live.get((child.id, guardian.id)), values)


def _guardian(work: Work, row: Row, values: dict[str, Any], known: Any, seen: dict[str, _Guardian]) -> _Guardian | None:
    wanted = work.in_file(values, *_PARTICULARS)
    key = values["guardian_key"]
    if key in seen:
        before = seen[key]
        if before.particulars != wanted:
            column = next(iter(column for column in wanted if before.particulars[column] != wanted[column]))
            work.wrong(row, column, "differs", other_row=before.row)
            return None
        return before
    if known is None:
        seen[key] = _Guardian(new_id(), row.number, wanted)
        blank = {"phone": None, "email": None, "language": "nb"}
        work.plan.inserts.append((guardians, blank | wanted | {"id": seen[key].id, "external_key": key}))
        return seen[key]
    changed = differing(known, wanted)
    if changed:
        work.plan.updates.append((guardians, known.id, changed))
    seen[key] = _Guardian(known.id, row.number, wanted, bool(changed))
    return seen[key]


def _plan_standing(work: Work, row: Row, guardian: _Guardian, child_id: str, live: Any, values: dict[str, Any]) -> None:
    wanted = {column: values[column] for column in _STANDING}
    changed = live is not None and bool(differing(live, wanted))
    if changed:
        work.plan.updates.append((guardianships, live.id, {"ended_on": work.today}))
    if live is None or changed:
        added = {"id": new_id(), "subject_id": child_id, "guardian_id": guardian.id, "started_on": work.today}
        work.plan.inserts.append((guardianships, added | wanted))
    # Changed particulars are counted once, at the guardian's first row.
    particulars = guardian.is_changed and guardian.row == row.number
    work.count(created=live is None, changed=changed or particulars)
