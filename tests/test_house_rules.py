"""Rules of the house that no linter knows, each read out of the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
LONGEST = 400
MODULES = sorted(file for room in ("bti", "web") for file in (HOUSE / room).rglob("*.py"))


def names(files: list[Path]) -> list[str]:
    return [str(file.relative_to(HOUSE)) for file in files]


@pytest.mark.parametrize("file", MODULES, ids=names(MODULES))
def test_a_module_is_read_in_a_sitting(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{file.relative_to(HOUSE)} has {lines} lines: split it by noun"


class TestOneDoorForEachThing:
    def test_a_case_is_changed_by_the_engine_alone(self) -> None:
        assert writers("update", "cases") == ["bti/engine.py"]

    def test_a_case_is_begun_where_a_wonder_is_registered(self) -> None:
        assert writers("insert", "cases") == ["bti/usecases/wonders.py"]

    def test_the_trail_is_written_by_its_own_module_alone(self) -> None:
        assert {verb: writers(verb, "audit_entries") for verb in ("insert", "update", "delete")} == {
            "insert": ["bti/audit/trail.py"], "update": [], "delete": [],
        }  # fmt: skip

    @pytest.mark.parametrize("table", ["batons", "disclosures", "participations", "memberships", "consent_events"])
    def test_what_grants_something_is_never_deleted(self, table: str) -> None:
        assert writers("delete", table) == []

    def test_a_door_is_opened_and_shut_in_one_place(self) -> None:
        assert writers("insert", "disclosures") == writers("update", "disclosures") == ["bti/grants.py"]

    @pytest.mark.parametrize(
        ("table", "room"),
        [("sessions", "sessions"), ("second_factors", "factors"), ("recovery_codes", "factors")],
    )
    def test_a_session_and_what_proves_it_begin_and_end_in_one_place(self, table: str, room: str) -> None:
        assert {file for verb in ("insert", "update", "delete") for file in writers(verb, table)} == {
            f"bti/usecases/{room}.py"
        }

    def test_the_baton_changes_hands_in_one_place(self) -> None:
        assert writers("update", "batons") == ["bti/grants.py"]
        # The first one is given with the case itself: whoever wondered holds it.
        assert writers("insert", "batons") == ["bti/grants.py", "bti/usecases/wonders.py"]


def writers(verb: str, table: str) -> list[str]:
    """Return the modules in which `sa.insert`, `sa.update` or `sa.delete` is called with the table."""
    return names([file for file in MODULES if any(called == (verb, table) for called in calls(file))])


def calls(file: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            table = node.args[0]
            if isinstance(table, ast.Name):
                yield node.func.attr, table.id
            # A table of a module, and an own name for one, count as the table.
            elif isinstance(table, ast.Attribute):
                yield node.func.attr, table.attr
