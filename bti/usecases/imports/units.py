"""Importing units. A unit is known by its name."""

from __future__ import annotations

from typing import Any

from bti.models import new_id, units
from bti.usecases.imports.cells import plain
from bti.usecases.imports.planning import Work, differing


def plan_units(work: Work) -> None:
    """Plan new units, and changes of kind and telephone.

    A unit doesn't become external or internal by an import: consents were asked for on the strength of it.
    """
    known = {plain(row.name): row for row in work.select(units)}
    seen: dict[str, int] = {}
    for row, values in work.rows():
        name = plain(values["name"])
        if name in seen:
            work.wrong(row, "name", "duplicate", other_row=seen[name])
            continue
        seen[name] = row.number
        if name not in known:
            _add(work, values)
        elif known[name].ended_at is not None:
            work.wrong(row, "name", "unit_ended")
        elif values.get("is_external", known[name].is_external) != known[name].is_external:
            work.wrong(row, "is_external", "can_not_change")
        else:
            _change(work, known[name], values)


def _add(work: Work, values: dict[str, Any]) -> None:
    unit_id = new_id()
    added = {"is_external": False, "phone": None} | values | {"id": unit_id}
    work.plan.inserts.append((units, added))
    work.plan.told.append(("unit.add", unit_id, {"unit": unit_id, "kind": values["kind"]}))
    work.count(created=True, changed=False)


def _change(work: Work, known: Any, values: dict[str, Any]) -> None:
    changed = differing(known, work.in_file(values, "kind", "phone"))
    if changed:
        work.plan.updates.append((units, known.id, changed))
        work.plan.told.append(("unit.change", known.id, {"unit": known.id, "changed": sorted(changed)}))
    work.count(created=False, changed=bool(changed))
