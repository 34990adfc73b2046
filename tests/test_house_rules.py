"""Rules of the house that no linter knows, each read out of the source itself."""

from __future__ import annotations

import ast
import re
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


class TestWhatIsNeverUsed:
    """Source: OWASP ASVS 5.0, chapters 1.2, 1.3, 1.5, 3.2, 3.5 and 14.3: what turns a text into something that acts."""

    DANGEROUS = frozenset(
        {
            "eval", "exec", "compile", "__import__", "pickle", "marshal", "shelve", "yaml", "xml", "lxml", "zipfile",
            "tarfile", "Markup", "render_template_string", "from_string", "system", "popen", "ldap3",
        }
    )  # fmt: skip
    # Our own sentences and our own drawing, whose values are escaped; an archive of which nothing is unpacked.
    ALLOWED = frozenset(
        {
            ("web/language.py", "Markup"), ("web/models.py", "Markup"), ("web/templating.py", "Markup"),
            ("bti/usecases/filetypes.py", "zipfile"),
        }
    )  # fmt: skip

    @pytest.mark.parametrize("file", MODULES, ids=names(MODULES))
    def test_no_text_becomes_code_markup_or_objects(self, file: Path) -> None:
        name = str(file.relative_to(HOUSE))
        found = {(name, word) for word in used(file) & self.DANGEROUS} - self.ALLOWED
        assert sorted(found) == []

    def test_no_query_is_put_together_of_texts_where_people_are_heard(self) -> None:
        # In these: numbers, events of the vocabulary, and names that PostgreSQL's dialect has quoted.
        assert names([file for file in MODULES if any(spelt(file))]) == [
            "bti/audit/pace.py", "bti/db.py", "bti/models/desk.py", "bti/queries/audit_sql.py",
            "bti/queries/worklist.py", "bti/rights.py",
        ]  # fmt: skip

    def test_only_the_demo_starts_a_program(self) -> None:
        assert names([file for file in MODULES if "subprocess" in used(file)]) == ["bti/cli/demo.py"]
        assert "shell=" not in (HOUSE / "bti/cli/demo.py").read_text(encoding="utf-8")

    def test_no_server_is_asked_but_a_logs_witness(self) -> None:
        asking = names(
            [file for file in MODULES if used(file) & {"http.client", "urllib.request", "smtplib", "urlopen"}]
        )
        assert asking == ["bti/witness/client.py"]

    def test_no_template_trusts_a_text(self) -> None:
        trusting = re.compile(r"[^{]*\|\s*safe\b|autoescape\s+false")
        found = [
            (file.name, line.group())
            for file in sorted((HOUSE / "web/templates").rglob("*.html"))
            for line in trusting.finditer(file.read_text(encoding="utf-8"))
        ]
        # The paths of our icons, which stand in the same file.
        assert found == [("_icons.html", " paths.get(name, '')|safe")]

    def test_no_script_makes_markup_of_a_text_or_keeps_one(self) -> None:
        ours = (HOUSE / "web/static/app.js").read_text(encoding="utf-8")
        for word in (
            "eval(", "new Function", "document.write", "innerHTML", "outerHTML", "insertAdjacentHTML", "localStorage",
            "sessionStorage", "indexedDB", "postMessage", "document.cookie", "import(",
        ):  # fmt: skip
            assert word not in ours, word


def used(file: Path) -> set[str]:
    """Return the names that a module imports or calls, modules in full and by their first part."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {part for one in node.names for part in (one.name, one.name.partition(".")[0])}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, node.module.partition(".")[0], *(one.name for one in node.names)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add(node.func.id)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr != "compile":
            found.add(node.func.attr)
    return found


def spelt(file: Path) -> Iterator[str]:
    """Give each SQL text in a module that isn't written out in full."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            if called.endswith(("sa.text", "literal_column", "exec_driver_sql")):
                yield called


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
