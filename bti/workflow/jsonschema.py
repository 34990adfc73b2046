"""The form of the files as JSON Schema, for editors that complete and warn while somebody writes.

It says what the form can say; `bti workflow check` says the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bti.needs import NEEDS
from bti.workflow.definition import (
    GIVERS,
    OCCASIONS,
    PURPOSES,
    RELATIONS,
    SERVICE_KINDS,
    Definition,
    Form,
    Guide,
    SmallMachine,
)

FORMS: dict[str, type[Form]] = {"definition": Definition, "guide": Guide, "machine": SmallMachine}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Lists whose names come from a closed table that the form itself doesn't know.
_TABLES: dict[str, dict[str, Iterable[str]]] = {
    "Move": {"needs": NEEDS, "by": RELATIONS},
    "AgeRule": {"givers": GIVERS, "purposes": PURPOSES},
    "SpecialRule": {"givers": GIVERS},
    "ConsentRules": {"ask_again_on": OCCASIONS},
}


def schema(form: str = "definition") -> dict[str, Any]:
    """Return the JSON Schema of a `definition`, `guide` or `machine` file. Raises KeyError for another form."""
    described = FORMS[form].model_json_schema(by_alias=True)
    parts = described.get("$defs", {})
    for part, lists in _TABLES.items():
        for key, names in lists.items():
            if part in parts:
                parts[part]["properties"][key]["items"]["enum"] = list(names)
    if form == "guide":
        kinds = {"enum": ["common", *SERVICE_KINDS]}
        described["properties"]["topics"]["additionalProperties"]["propertyNames"] = kinds
    return {"$schema": _DIALECT, **described}
