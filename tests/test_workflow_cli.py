"""`bti workflow`: what people who adapt the model see."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from bti.cli import main

WORKFLOWS = Path(str(files("workflows")))
STANDARD = str(WORKFLOWS / "bti.1.toml")


def run(*arguments):
    return CliRunner().invoke(main, ["workflow", *arguments])


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "bti.1.toml"
    text = (WORKFLOWS / "bti.1.toml").read_text("utf-8")
    path.write_text(
        text.replace('"leader_feedback"', '"leaders_feedback"').replace("to_age = 17", "to_age = 16"), "utf-8"
    )
    return path


class TestCheck:
    def test_exits_0_when_every_file_is_safe(self):
        result = run("check", *map(str, sorted(WORKFLOWS.glob("*.toml"))))
        assert result.exit_code == 0
        assert result.output.count("safe.") == len(list(WORKFLOWS.glob("*.toml")))

    def test_exits_1_and_says_every_finding(self, broken):
        result = run("check", STANDARD, str(broken))
        assert result.exit_code == 1
        for words in ("bti.1.toml: safe.", "findings", "Did you mean 'leader_feedback'?", "At 17 years"):
            assert words in result.output

    def test_speaks_json(self, broken):
        result = run("check", "--json", str(broken))
        assert result.exit_code == 1
        findings = json.loads(result.output)
        assert {"code", "file", "key_path", "sentence", "mend"} == set(findings[0])
        assert json.loads(run("check", "--json", STANDARD).output) == []

    def test_says_that_a_file_is_not_there(self):
        result = run("check", "nothing.1.toml")
        assert result.exit_code == 1
        assert "not_readable" in result.output

    def test_needs_a_file(self):
        assert run("check").exit_code == 2


class TestSchema:
    def test_knows_the_closed_tables(self):
        parts = json.loads(run("schema").output)["$defs"]
        assert "consent_log" in parts["Move"]["properties"]["needs"]["items"]["enum"]
        assert "from" in parts["Move"]["properties"]
        assert parts["Move"]["additionalProperties"] is False

    @pytest.mark.parametrize("form", ["guide", "machine"])
    def test_has_the_other_forms(self, form):
        assert json.loads(run("schema", "--form", form).output)["type"] == "object"


class TestDiagram:
    def test_draws_to_the_screen_or_a_file(self, tmp_path):
        picture = run("diagram", STANDARD).output
        assert picture.startswith("<svg")
        target = tmp_path / "bti.svg"
        assert run("diagram", STANDARD, "-o", str(target)).exit_code == 0
        assert target.read_text("utf-8") == picture

    def test_writes_mermaid(self):
        assert run("diagram", STANDARD, "--format", "mermaid").output.startswith("flowchart")

    def test_refuses_what_is_not_safe(self, broken):
        result = run("diagram", str(broken))
        assert result.exit_code == 1
        assert "<svg" not in result.output

    @pytest.mark.parametrize("name", ["consent.1.toml", "guides/standard.1.toml", "nothing.toml"])
    def test_refuses_what_has_no_map(self, name):
        assert run("diagram", str(WORKFLOWS / name)).exit_code == 1

    def test_says_where_it_cannot_write(self, tmp_path):
        result = run("diagram", STANDARD, "-o", str(tmp_path / "no" / "bti.svg"))
        assert result.exit_code == 1
        assert "Could not open file" in result.output
