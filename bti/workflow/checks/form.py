"""Reading a file and fitting it to its form, with every fault of form at once.

A file with faults of form is mended in memory with harmless fillings, so that the other checks can be made in
the same run and the author sees everything that is wrong.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bti.needs import NEEDS
from bti.workflow.checks.finding import Finding, found
from bti.workflow.definition import Form

F = TypeVar("F", bound=Form)

# Keys of this kind have no place in a definition: what they try to switch off belongs to the engine.
_SWITCHES = re.compile(
    r"safety|unsafe|skip|without|bypass|overrid|disable|ignore|exempt|waive|enforce|optional|allow|force"
    r"|(no|not|require|required|need|check)s?_?(consent|holder|subject|log)|(consent|holder|subject)_?(required|needed|check)"
)
_NEGATED = re.compile(rf"^(no|not|without|skip|!|-|~)[ _:-]*({'|'.join(NEEDS)})$")
_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")
_MOST_REPAIRS = 500
_WORDS = {"nb": "–", "nn": "–", "en": "–"}
_FILLINGS: dict[str, Any] = {
    "ask_again_on": [],
    "by": ["holder"],
    "colour": "grey",
    "days": 14,
    "description": {},
    "does": [],
    "ends": [],
    "external": False,
    "label": _WORDS,
    "needs": [],
    "owner": "holder",
    "reason": "none",
    "since": "move",
    "special": [],
    "theme_days": {},
    "title": _WORDS,
    "to": "closed",
    "validity_months": 12,
    "version": 1,
    "warn_days": 30,
}
_REMOVABLE = ("deadline", "guide", "to_age")


def read(entry: Traversable) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Return the file's tables, or None and why it can't be read."""
    try:
        return tomllib.loads(entry.read_bytes().decode("utf-8")), []
    except OSError as error:
        sentence = f"The file can't be read: {error.strerror or 'unknown reason'}."
        return None, [found("not_readable", "", sentence, "Check the name and the rights to the file.")]
    except UnicodeDecodeError as error:
        sentence = f"Byte {error.start} isn't UTF-8."
        return None, [found("broken_toml", "", sentence, "Save the file as UTF-8.")]
    except RecursionError:
        return None, [found("broken_toml", "", "The file is nested too deeply.", "Remove the nesting.")]
    except tomllib.TOMLDecodeError as error:
        return None, [_broken(str(error))]


def fit(data: Mapping[str, Any], form: type[F]) -> tuple[F | None, list[Finding]]:
    """Return the file in its form, mended where it had to be, and all faults of form.

    None when it can't be mended; then the last finding says that the other checks weren't made.
    """
    tables: dict[str, Any] = copy.deepcopy(dict(data))
    findings: list[Finding] | None = None
    for _ in range(_MOST_REPAIRS):
        try:
            return form.model_validate(tables), findings or []
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=True)
            findings = findings if findings is not None else [_fault(fault) for fault in faults]
            if not any(_mended(tables, fault) for fault in faults):
                break
    return None, [*(findings or []), _not_further()]


def key_path(location: tuple[int | str, ...]) -> str:
    """Write a location as `moves[3].from`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in location).lstrip(".")


def _broken(message: str) -> Finding:
    match = _LINE.search(message)
    where = f"line {match[1]}, column {match[2]}" if match else "end of the file"
    said = _LINE.sub("", message).replace("(at end of document)", "").strip().rstrip(".")
    mend = "Mend that line; nothing else in the file can be checked before."
    return found("broken_toml", where, f"This isn't TOML: {said}.", mend)


def _fault(fault: ErrorDetails) -> Finding:
    path, key = key_path(fault["loc"]), str(fault["loc"][-1]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        return _extra(path, key, fault["input"])
    if fault["type"] == "missing":
        return found("missing_key", path, f"{key!r} is missing.", "Add it; the standard model shows how.")
    if fault["type"] == "literal_error":
        known = fault["ctx"]["expected"]
        return found("unknown_name", path, f"{fault['input']!r} isn't known here.", f"Use one of {known}.")
    said = fault["msg"].removeprefix("Value error, ")
    return found("bad_value", path, f"{_short(fault['input'])} can't be used here.", f"{said}.")


def _extra(path: str, key: str, value: object) -> Finding:
    if any(_SWITCHES.search(name.lower()) for name in (key, *_names_in(value))):
        sentence = f"{key!r} tries to change a safety rule. The safety rules are the engine's."
        return found("safety_rule_switched_off", path, sentence, "Remove it; no definition can switch them off.")
    mend = "Remove it, or correct its name. See `bti workflow schema`."
    return found("unknown_key", path, f"{key!r} means nothing here.", mend)


def is_negated_need(name: str) -> bool:
    """Say whether a need is written as switched off: `not consent_log`, `!holder_decided`."""
    return bool(_NEGATED.match(name.lower()))


def _names_in(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [name for key, inner in value.items() for name in (str(key), *_names_in(inner))]
    if isinstance(value, list):
        return [name for inner in value for name in _names_in(inner)]
    return []


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _not_further() -> Finding:
    sentence = "The rest of the file could not be checked yet."
    return found("not_checked_further", "", sentence, "Mend the above and check again.")


def _mended(tables: dict[str, Any], fault: ErrorDetails) -> bool:
    """Fill or remove what one fault is about; say whether that was possible."""
    *way, last = fault["loc"] or ("",)
    parent: Any = tables
    for key in way:
        try:
            parent = parent[key]
        except (KeyError, IndexError, TypeError):
            return False
    if isinstance(parent, list) and isinstance(last, int) and last < len(parent):
        del parent[last]
        return True
    if not isinstance(parent, dict) or not isinstance(last, str):
        return False
    if fault["type"] == "extra_forbidden" or (last in _REMOVABLE and last in parent):
        return parent.pop(last, None) is not None
    filling = [_first_step(tables)] if last == "from" else _filling(way, last)
    if filling is None or parent.get(last) == filling:
        return False
    parent[last] = copy.deepcopy(filling)
    return True


def _filling(way: list[int | str], key: str) -> Any:
    if key == "name" and way and way[0] == "levels":
        return _WORDS
    if key in ("nb", "nn", "en"):
        return "–"
    if key == "name" and len(way) == 2:
        return f"unnamed_{way[1]}"
    if way and way[-1] == "theme_days":
        return 1
    return _FILLINGS.get(key)


def _first_step(tables: Mapping[str, Any]) -> str:
    try:
        return str(tables["levels"][0]["steps"][0]["key"])
    except (KeyError, IndexError, TypeError):
        return "closed"
