"""Importing children. A child is known by the sender's own key, else by a national id registered without a key.

A child who comes in with another unit is moved there; its cases are not. Who answers for a case, who may read it and
what the family said yes to are decided in the case, by people.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from bti.models import new_id, subjects
from bti.usecases.imports.national_id import born_on
from bti.usecases.imports.planning import UnitNames, Work, differing
from bti.usecases.imports.table import Row


def plan_children(work: Work, *, mark_left: bool) -> None:
    """Plan new children, changes, and with `mark_left` the leaving of imported children who aren't in the file.

    An empty cell never takes away a national id, a day of birth or a blocked address. A child who had left and is in
    the file has come back.
    """
    register = _Register(work)
    units = UnitNames(work)
    for row, values in work.rows():
        unit_id = units.find(row, values["unit"])
        known = register.find(row, values)
        born = _born(work, row, values, known)
        if unit_id is None or known is _REFUSED or born is None:
            continue
        wanted = work.in_file(values, "external_key", "given_name", "family_name", "group_name")
        said = {"national_id": values.get("national_id"), "address_blocked": values.get("address_blocked")}
        wanted |= {column: value for column, value in said.items() if value is not None}
        _plan_child(work, known, wanted | {"unit_id": unit_id, "born_on": born, "left_on": None})
    register.leave(mark_left)


_REFUSED = object()


class _Register:
    """The children as they are registered, and which of them the file has named so far."""

    def __init__(self, work: Work) -> None:
        self._work = work
        rows = work.select(subjects)
        self._by_key = {row.external_key: row for row in rows if row.external_key}
        self._by_national_id = {row.national_id: row for row in rows if row.national_id}
        self._keys: dict[str, int] = {}
        self._national_ids: dict[str, int] = {}

    def find(self, row: Row, values: dict[str, Any]) -> Any:
        """Return the registered child, None for a new one, or `_REFUSED` after adding a finding."""
        work, key, national_id = self._work, values["external_key"], values.get("national_id")
        if key in self._keys:
            work.wrong(row, "external_key", "duplicate", other_row=self._keys[key])
            return _REFUSED
        self._keys[key] = row.number
        if national_id is None:
            return self._by_key.get(key)
        if national_id in self._national_ids:
            work.wrong(row, "national_id", "duplicate", other_row=self._national_ids[national_id], secret=True)
            return _REFUSED
        self._national_ids[national_id] = row.number
        return self._with_national_id(row, key, national_id)

    def _with_national_id(self, row: Row, key: str, national_id: str) -> Any:
        known, same = self._by_key.get(key), self._by_national_id.get(national_id)
        if same is None or same is known:
            return known
        if known is None and same.external_key is None:
            return same
        self._work.wrong(row, "national_id", "taken", secret=True)
        return _REFUSED

    def leave(self, mark_left: bool) -> None:
        """Count the imported children who aren't in the file, and mark them as having left when that is asked for."""
        gone = [row for key, row in self._by_key.items() if key not in self._keys and row.left_on is None]
        self._work.plan.missing = len(gone)
        if mark_left:
            self._work.plan.left = len(gone)
            self._work.plan.updates.extend((subjects, row.id, {"left_on": self._work.today}) for row in gone)


def _born(work: Work, row: Row, values: dict[str, Any], known: Any) -> date | None:
    """Return the day of birth from the cell, the national id or the register; None after adding a finding."""
    told, national_id = values.get("born_on"), values.get("national_id")
    by_id = born_on(national_id) if national_id else None
    if told and by_id and told != by_id:
        work.wrong(row, "born_on", "born_differs")
        return None
    registered: date | None = getattr(known, "born_on", None)
    found = told or by_id or registered
    if found is None:
        work.wrong(row, "born_on", "missing")
    return found


def _plan_child(work: Work, known: Any, wanted: dict[str, Any]) -> None:
    if known is None:
        blank = {"kind": "child", "group_name": "", "national_id": None, "address_blocked": False}
        work.plan.inserts.append((subjects, blank | wanted | {"id": new_id()}))
        work.count(created=True, changed=False)
        return
    changed = differing(known, wanted)
    if changed:
        work.plan.updates.append((subjects, known.id, changed))
    work.count(created=False, changed=bool(changed))
