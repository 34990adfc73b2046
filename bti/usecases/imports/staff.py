"""Importing staff: one row for each role somebody holds. Nobody and no role is ended by an import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bti.models import memberships, new_id, people
from bti.usecases.imports.planning import UnitNames, Work, differing
from bti.usecases.imports.table import Row
from bti.usecases.people import roles_conflict

_PARTICULARS = ("name", "title", "email", "phone", "language")


@dataclass
class _Person:
    """Somebody as the file and the register know them together."""

    id: str
    row: int
    particulars: dict[str, Any]
    is_new: bool
    is_changed: bool = False
    roles: dict[tuple[str, str], int] = field(default_factory=dict)


def plan_staff(work: Work) -> None:
    """Plan new people, new roles and changed particulars.

    Rows of the same user name must agree on the particulars. Passwords don't travel in files.
    """
    known = {row.username: row for row in work.select(people)}
    roles: dict[str, set[tuple[str, str]]] = {}
    for row in work.select(memberships, memberships.c.ended_at.is_(None)):
        roles.setdefault(row.person_id, set()).add((row.unit_id, row.role))
    units, seen = UnitNames(work), dict[str, _Person]()
    for row, values in work.rows():
        unit_id = units.find(row, values["unit"])
        person = _person(work, row, values, known.get(values["username"]), seen)
        if unit_id is None or person is None:
            continue
        held = roles.setdefault(person.id, set())
        _grant(work, row, person, held, (unit_id, values["role"]))


def _person(work: Work, row: Row, values: dict[str, Any], known: Any, seen: dict[str, _Person]) -> _Person | None:
    wanted = work.in_file(values, *_PARTICULARS)
    before = seen.get(values["username"])
    if before is not None:
        if before.particulars != wanted:
            column = next(iter(column for column in wanted if before.particulars[column] != wanted[column]))
            work.wrong(row, column, "differs", other_row=before.row)
            return None
        return before
    if known is not None and known.ended_at is not None:
        work.wrong(row, "username", "person_ended")
        return None
    person = _new(work, row, values, wanted) if known is None else _known(work, row, known, wanted)
    seen[values["username"]] = person
    return person


def _new(work: Work, row: Row, values: dict[str, Any], wanted: dict[str, Any]) -> _Person:
    person = _Person(new_id(), row.number, wanted, is_new=True)
    blank = {"title": "", "email": None, "phone": None, "language": "nb", "password_hash": None}
    work.plan.inserts.append((people, blank | wanted | {"id": person.id, "username": values["username"]}))
    work.plan.told.append(("person.add", person.id, {"person": person.id}))
    return person


def _known(work: Work, row: Row, known: Any, wanted: dict[str, Any]) -> _Person:
    changed = differing(known, wanted)
    if changed:
        work.plan.updates.append((people, known.id, changed))
        work.plan.told.append(("person.change", known.id, {"person": known.id, "changed": sorted(changed)}))
    return _Person(known.id, row.number, wanted, is_new=False, is_changed=bool(changed))


def _grant(work: Work, row: Row, person: _Person, held: set[tuple[str, str]], role: tuple[str, str]) -> None:
    if role in person.roles:
        work.wrong(row, "role", "duplicate", other_row=person.roles[role])
        return
    person.roles[role] = row.number
    if roles_conflict({name for _, name in held} | {role[1]}):
        work.wrong(row, "role", "roles_conflict")
        return
    is_new = role not in held
    if is_new:
        held.add(role)
        unit_id, name = role
        added = {"id": new_id(), "person_id": person.id, "unit_id": unit_id, "role": name}
        work.plan.inserts.append((memberships, added))
        work.plan.told.append(("role.grant", person.id, {"person": person.id, "unit": unit_id, "role": name}))
    # Changed particulars are counted once, at the person's first row.
    changed = person.is_changed and person.row == row.number
    work.count(created=is_new, changed=changed)
