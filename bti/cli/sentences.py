"""From codes to sentences, for people at a terminal."""

from __future__ import annotations

from bti.errors import Invalid, NotFound, Refused
from bti.usecases.imports import Finding

REFUSALS = {
    "already_in_force": "New cases follow {what} already.",
    "already_has_role": "They have that role there already.",
    "import_not_ready": "This import can't be carried out from the state it is in.",
    "last_administrator": "Nobody else administers the municipality. Give somebody else the role first.",
    "no_factor": "They have no second factor.",
    "no_interim_holder": (
        "Nobody could take over the baton in case {case} meanwhile. Give the unit a leader, or the municipality a "
        "coordinator, first. Nothing was changed."
    ),
    "person_ended": "They have left already.",
    "role_not_held": "They don't have that role there.",
    "roles_conflict": "An auditor or an administrator may not also work with cases, nor one person be both.",
    "unit_ended": "The unit has been ended.",
    "unit_in_use": "The unit is still in use ({what}).",
    "wrong_role": "This role doesn't let you do that.",
}

FIELDS = {
    "born_differs": "isn't the day the national id tells",
    "broken_quotes": "has quotes that don't end, so nothing after it can be read",
    "can_not_change": "can't be changed by an import",
    "column_missing": "is missing: every file of this kind needs it",
    "column_twice": "is there twice",
    "differs": "differs from row {other_row} about the same person",
    "duplicate": "is in row {other_row} already",
    "empty_file": "is empty",
    "in_future": "is in the future",
    "missing": "is missing",
    "no_rows": "has headers and no rows",
    "not_a_date": "isn't a date; write for example 1.12.2016 or 2016-12-01",
    "not_a_national_id": "isn't a national id: eleven digits whose last two agree with the others",
    "not_a_phone": "isn't a telephone number",
    "not_a_username": "isn't a user name: letters, digits and . _ @ + - and no spaces",
    "not_an_email": "isn't an e-mail address",
    "not_an_id": "isn't an id: small letters, digits and hyphens, for example fjordvik",
    "not_text": "isn't a text file: save the spreadsheet as CSV",
    "not_yes_or_no": "is neither ja nor nei",
    "person_ended": "is somebody who has left",
    "roles_conflict": "can't be held together with the person's other roles",
    "same_as_username": "is the user name",
    "taken": "is taken already",
    "too_large": "is larger than 20 MB: split it",
    "too_long": "is too long",
    "too_many_cells": "has more cells than there are headers",
    "too_many_rows": "has more than 20,000 rows: split it",
    "too_old": "is too long ago",
    "too_short": "is too short: use at least 12 characters, for example a sentence",
    "unit_ended": "is a unit that has been ended",
    "unknown": "isn't one of those there are",
    "unknown_child": "is the key of no child: import the children first",
    "unknown_unit": "is no unit here: import the units first, or mend the name",
}


def sentence(refusal: Refused) -> str:
    """Return what to tell somebody who was refused."""
    if isinstance(refusal, Invalid):
        return "\n".join(f"The {field} {FIELDS.get(code, code)}." for field, code in refusal.fields.items())
    if isinstance(refusal, NotFound):
        return "There is no such thing here."
    what = ", ".join(f"{number} {name}" for name, number in refusal.details.items())
    told = REFUSALS.get(refusal.code, refusal.code)
    return told.format_map({"what": what, "case": "", **refusal.details})


def finding_sentence(finding: Finding) -> str:
    """Return what is wrong with one cell, row or file, without saying which row."""
    told = FIELDS.get(finding.code, finding.code).format(other_row=finding.other_row)
    what = finding.column or ("the row" if finding.row else "the file")
    value = f" {finding.value!r}" if finding.value and finding.column else ""
    return f"{what}{value} {told}"
