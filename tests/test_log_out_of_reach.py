"""Whoever takes over the process that serves the pages finds nothing there to sign with, and no way to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bti.db import open_database, reading
from tests.cast import HERE, settle
from tests.sequencing import Ledger

# As a process of the server begins, with everybody listened to who opens a file.
SERVE = """
import json, sys
opened = []
FILES = ("open", "os.listdir", "os.scandir")
sys.addaudithook(lambda event, told: opened.append(str(told[0])) if event in FILES else None)
from bti.cli.serve import application
from tests.web.visitor import Visitor
visitor = Visitor(application(), "kari").log_in(sys.argv[1], "kari")
pages = [visitor.get(path).status for path in ("/saker", f"/saker/{sys.argv[2]}")]
print(json.dumps({"opened": opened, "modules": sorted(sys.modules), "pages": pages}))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> dict[str, list[Any]]:
    """What a process of the server has opened and loaded after some pages, and where the log's keys are."""
    home = tmp_path_factory.mktemp("served")
    shutil.copyfile(sqlite_template, home / "bti.db")
    database = open_database(f"sqlite:///{home}/bti.db")
    ledger = Ledger(settle(database), home / "keys-of-the-log")
    case_id = ledger.cast.at_level_1()
    ledger.turn()
    with database.connect() as session:
        reference = session.execute(sa.text("SELECT reference FROM cases WHERE id = :id"), {"id": case_id}).scalar_one()
    database.dispose()
    environ = {**os.environ, "BTI_DATABASE_URL": f"sqlite:///{home}/bti.db", "BTI_SECRET_KEY": "s" * 48}
    environ |= {"BTI_LOG": str(ledger.path)}
    ran = subprocess.run(
        [sys.executable, "-c", SERVE, HERE, reference], env=environ, capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    told: dict[str, list[Any]] = json.loads(ran.stdout)
    return {**told, "keys": [str(ledger.path)]}


class TestAProcessOfTheServer:
    def test_never_looks_into_the_folder_with_the_logs_keys(self, served: dict[str, list[Any]]) -> None:
        (keys,) = served["keys"]
        # It was listened to: this is what it did open, and the pages were shown.
        assert [file for file in served["opened"] if file.endswith("case.html")]
        assert served["pages"] == [200, 200]
        assert [file for file in served["opened"] if file.startswith(keys)] == []

    def test_has_nothing_loaded_that_can_sign(self, served: dict[str, list[Any]]) -> None:
        rooms = ("bti.crypto.signing", "bti.sequencer", "bti.witness")
        assert [module for module in served["modules"] if module.startswith(rooms)] == []


@pytest.mark.pg
class TestOnPostgresql:
    @pytest.fixture
    def ledger(self, postgresql_database: sa.Engine, tmp_path: Path) -> Ledger:
        ledger = Ledger(settle(postgresql_database), tmp_path / "log")
        ledger.cast.wonder()
        ledger.turn()
        return ledger

    @pytest.mark.parametrize("table", ["audit_epochs", "audit_leaves", "audit_nodes", "audit_checkpoints"])
    def test_the_pages_role_reads_what_was_signed_and_changes_none_of_it(self, ledger: Ledger, table: str) -> None:
        with reading(ledger.cast.database) as session:
            session.execute(sa.text(f"SELECT 1 FROM {table}"))
        for statement in (
            f"DELETE FROM {table}",
            f"UPDATE {table} SET municipality_id = 'x'",
            f"INSERT INTO {table} DEFAULT VALUES",
        ):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), ledger.cast.writing() as session:
                session.execute(sa.text(statement))

    @pytest.mark.parametrize("table", ["cases", "people", "entries", "subjects", "sessions"])
    def test_the_sequencers_role_reads_nothing_of_a_case(self, ledger: Ledger, table: str) -> None:
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), ledger.reading() as session:
            session.execute(sa.text(f"SELECT 1 FROM {table}"))

    def test_the_sequencers_role_changes_nothing_in_the_trail(self, ledger: Ledger) -> None:
        for statement in ("DELETE FROM audit_entries", "UPDATE audit_entries SET role = 'x'"):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), ledger.writing() as session:
                session.execute(sa.text(statement))
