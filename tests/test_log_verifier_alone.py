"""The verifier on an auditor's machine: copied without the rest, run as a command, answering with an exit code."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

import bti.verifier
from bti.verifier.cli import main
from tests.logs import Log, county

FOLDER = Path(bti.verifier.__file__).parent
# What it may be made of: a new dependency would have to be carried to every auditor.
ALLOWED = {"cryptography"}


@pytest.fixture
def log(tmp_path: Path) -> Log:
    log = Log(tmp_path).grow(30)
    log.export(tmp_path / "out")
    (tmp_path / "policy").write_text(log.policy_text())
    (tmp_path / "checkpoint").write_bytes(log.note().encode())
    (tmp_path / "older").write_bytes(log.note(12).encode())
    (tmp_path / "entry").write_bytes(log.entries[7])
    (tmp_path / "entry.tlog-proof").write_text(str(log.inclusion(7)))
    (tmp_path / "growth").write_text(str(log.consistency(12)))
    return log


def run(home: Path, *arguments: str, program: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [*(program or [sys.executable, "-m", "bti.verifier"]), *arguments, "--policy", "policy"]
    paths = os.pathsep.join([str(home), str(Path.cwd())])
    return subprocess.run(command, cwd=home, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True)


class TestTheFolder:
    def test_imports_the_standard_library_and_cryptography_alone(self) -> None:
        found = set()
        for file in FOLDER.glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {name.name.partition(".")[0] for name in node.names}
                elif isinstance(node, ast.ImportFrom):
                    assert node.level <= 1, f"{file.name} looks outside the folder"
                    found |= {(node.module or "").partition(".")[0]} if node.level == 0 else set()
        assert found - set(sys.stdlib_module_names) == ALLOWED

    def test_runs_where_it_was_copied_without_the_rest(self, log: Log, tmp_path: Path) -> None:
        shutil.copytree(FOLDER, tmp_path / "verifier", ignore=shutil.ignore_patterns("__pycache__"))
        told = (
            "import sys; from verifier.cli import main; code = main(sys.argv[1:]);"
            "print([name for name in sys.modules if name.partition('.')[0] in ('bti', 'web', 'sqlalchemy', 'flask')]);"
            "sys.exit(code)"
        )
        found = run(tmp_path, "bundle", "out", program=[sys.executable, "-c", told])
        assert found.returncode == 0, found.stderr
        assert found.stdout.splitlines()[-2:] == ["Good: everything that was checked holds.", "[]"]

    def test_runs_as_one_file(self, log: Log, tmp_path: Path) -> None:
        shutil.copytree(FOLDER, tmp_path / "app/verifier", ignore=shutil.ignore_patterns("__pycache__"))
        zipapp.create_archive(tmp_path / "app", tmp_path / "bti-verify.pyz", main="verifier.cli:main")
        found = run(tmp_path, "bundle", "out", program=[sys.executable, "bti-verify.pyz"])
        assert (found.returncode, found.stderr) == (0, "")


class TestTheCommand:
    @pytest.mark.parametrize(
        "words",
        [
            ["bundle", "out"],
            ["bundle", "out", "--held", "older", "--held", "checkpoint", "--processes", "1"],
            ["checkpoint", "checkpoint"],
            ["proof", "entry.tlog-proof", "--entry", "entry"],
            ["consistency", "older", "growth"],
        ],
    )
    def test_answers_0_to_what_is_good(self, log: Log, tmp_path: Path, words: list[str]) -> None:
        found = run(tmp_path, *words)
        assert (found.returncode, found.stderr) == (0, "")
        assert found.stdout.endswith("Good: everything that was checked holds.\n")

    @pytest.mark.parametrize(
        ("words", "file", "old", "new"),
        [
            (["bundle", "out"], "out/epoch-0001/entries/000000.jsonl", "12:00:07", "12:00:08"),
            (["bundle", "out", "--held", "older"], "older", "\n12\n", "\n13\n"),
            (["checkpoint", "checkpoint"], "checkpoint", "\n30\n", "\n31\n"),
            (["proof", "entry.tlog-proof", "--entry", "entry"], "entry", "12:00:07", "12:00:08"),
            (["proof", "entry.tlog-proof", "--entry", "entry"], "entry.tlog-proof", "index 7", "index 6"),
            (["consistency", "older", "growth"], "growth", "old 12", "old 11"),
        ],
    )
    def test_answers_1_to_what_was_tampered_with(
        self, log: Log, tmp_path: Path, words: list[str], file: str, old: str, new: str
    ) -> None:
        path = tmp_path / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))
        found = run(tmp_path, *words)
        assert (found.returncode, found.stderr) == (1, "")
        assert found.stdout.endswith("TAMPERED: this isn't what was signed.\n")

    @pytest.mark.parametrize(
        "words",
        [
            ["bundle", "nowhere"],
            ["bundle", "out", "--held", "nowhere"],
            ["checkpoint", "entry"],
            ["checkpoint", "out"],
            ["proof", "checkpoint", "--entry", "entry"],
            ["proof", "entry.tlog-proof", "--entry", "nowhere"],
            ["consistency", "older", "checkpoint"],
        ],
    )
    def test_answers_2_to_what_it_cant_decide(self, log: Log, tmp_path: Path, words: list[str]) -> None:
        found = run(tmp_path, *words)
        assert (found.returncode, found.stderr) == (2, "")
        assert found.stdout.splitlines()[-1].startswith("Cannot decide: ")

    def test_answers_2_without_a_policy_it_can_use(self, log: Log, tmp_path: Path) -> None:
        (tmp_path / "policy").write_text("whatever\n")
        found = run(tmp_path, "checkpoint", "checkpoint")
        assert (found.returncode, "Line 1 of the policy" in found.stdout) == (2, True)
        (tmp_path / "policy").unlink()
        assert run(tmp_path, "checkpoint", "checkpoint").returncode == 2

    def test_answers_2_to_words_it_doesnt_know(self, log: Log, tmp_path: Path) -> None:
        assert run(tmp_path, "nonsense").returncode == 2
        assert run(tmp_path, "checkpoint").returncode == 2

    def test_answers_2_to_what_no_witness_has_seen_though_one_should(self, log: Log, tmp_path: Path) -> None:
        witness = county(tmp_path)
        (tmp_path / "policy").write_text(log.policy_text(f"witness w {witness.public}", "quorum w"))
        for words in (
            ["bundle", "out"],
            ["checkpoint", "checkpoint"],
            ["proof", "entry.tlog-proof", "--entry", "entry"],
            ["consistency", "older", "growth"],
        ):
            found = run(tmp_path, *words)
            assert (found.returncode, "Not witnessed" in found.stdout) == (2, True)

    def test_names_the_entries(self, log: Log, tmp_path: Path) -> None:
        path = tmp_path / "out/epoch-0001/entries/000000.jsonl"
        path.write_text(path.read_text().replace("12:00:07", "12:00:08", 1))
        assert "!! Epoch 1, entry 7: changed.\n" in run(tmp_path, "bundle", "out").stdout

    def test_answers_in_json_too(self, log: Log, tmp_path: Path) -> None:
        path = tmp_path / "out/epoch-0001/entries/000000.jsonl"
        path.write_text(path.read_text().replace("12:00:07", "12:00:08", 1))
        found = run(tmp_path, "bundle", "out", "--json")
        told = json.loads(found.stdout)
        assert told["code"] == found.returncode == 1
        assert {"code": 1, "epoch": 1, "first": 7, "last": 7, "text": "Epoch 1, entry 7: changed."} in told["findings"]

    def test_takes_an_entry_with_the_newline_that_an_editor_adds(self, log: Log, tmp_path: Path) -> None:
        (tmp_path / "entry").write_bytes(log.entries[7] + b"\n")
        assert run(tmp_path, "proof", "entry.tlog-proof", "--entry", "entry").returncode == 0

    def test_helps(self, capsys: pytest.CaptureFixture[str]) -> None:
        for words in (["--help"], ["bundle", "--help"], ["proof", "--help"]):
            with pytest.raises(SystemExit) as ended:
                main(words)
            assert ended.value.code == 0
            told = capsys.readouterr().out
            assert "exit code: 0 good; 1 tampered, with the numbers of the entries; 2 cannot decide" in told
