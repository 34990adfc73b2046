"""A backup that is made while people work, and what it takes to put one back."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from sqlalchemy.exc import DBAPIError

from bti import rights, tenancy
from bti.audit.fsck import check_log
from bti.backup import manifest
from bti.cli import main
from bti.crypto.keys import make_keys, use_keys
from bti.db import current_revision, head_revision, open_database, reading, upgrade_within, writing
from bti.models import metadata
from bti.models.sealed import begin_owner
from bti.sequencer.signing import Contradiction
from bti.verifier.verdict import GOOD, TAMPERED
from tests.cast import HERE, MONDAY, NEXT_DOOR, Cast, settle, settle_neighbour
from tests.databases import PAGES, SIGNER, administering, as_owner, as_signer
from tests.invariants import broken
from tests.keys import sealed_findings
from tests.sequencing import HOST, Ledger, check, fsck, let_go

OWNER = "bti_owner"
WRITERS = ("ola", "mia", "jon", "ida")


@pytest.fixture
def ledger(database: sa.Engine, tmp_path: Path) -> Ledger:
    """Two municipalities; the log of one of them is signed."""
    settle_neighbour(database).at_level_1()
    ledger = Ledger(settle(database), tmp_path / "log")
    ledger.cast.at_level_2()
    ledger.turn()
    return ledger


@pytest.fixture
def elsewhere(database: sa.Engine, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database; PostgreSQL's belongs to a role that sees over no wall."""
    if database.dialect.name == "sqlite":
        yield f"sqlite:///{tmp_path}/elsewhere.db"
        return
    server, name = as_owner(database.url.set(database="postgres")), f"bti_elsewhere_{os.getpid()}"
    with administering(server) as connection:
        with suppress(DBAPIError):
            connection.execute(sa.text(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{OWNER}'"))
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template0 OWNER {OWNER}"))
    with administering(as_owner(database.url.set(database=name))) as connection:
        connection.execute(sa.text(f"ALTER SCHEMA public OWNER TO {OWNER}"))
    yield database.url.set(database=name, username=OWNER, password=OWNER).render_as_string(hide_password=False)
    let_go()
    with administering(server) as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def bti(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run `bti` against a database, with the log's folder of the test."""
    monkeypatch.setenv("BTI_LOG", str(tmp_path / "log"))

    def run(url: str, *words: object, typed: str = "") -> Result:
        monkeypatch.setenv("BTI_DATABASE_URL", url)
        result = CliRunner().invoke(main, [str(word) for word in words], input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


Run = Callable[..., Result]


def address(database: sa.Engine) -> str:
    return database.url.render_as_string(hide_password=False)


@contextmanager
def opened(url: str) -> Iterator[sa.Engine]:
    engine = open_database(url)
    yield engine
    let_go()
    engine.dispose()


def let_in(owner: sa.Engine) -> None:
    """Let the pages and the signer into a restored database, as the README says."""
    if owner.dialect.name == "postgresql":
        rights.allow(owner, PAGES)
        rights.allow(owner, SIGNER, signs=True)


def rows(database: sa.Engine) -> dict[str, list[Any]]:
    """Return all rows of both municipalities, cells opened."""
    found: dict[str, list[Any]] = {}
    for where in (HERE, NEXT_DOOR):
        with tenancy.within(where), reading(database) as session:
            for name, table in metadata.tables.items():
                asked = sa.select(table)
                if "municipality_id" in table.c:
                    asked = asked.where(table.c.municipality_id == where)
                found[f"{where} {name}"] = sorted((tuple(row) for row in session.execute(asked)), key=str)
    return found


@contextmanager
def at_work(ledger: Ledger) -> Iterator[Callable[[], int]]:
    """Let several people write and the signer sign until the block ends; give how much they have written so far."""
    stop, done, wrong = threading.Event(), [], []

    def work(about: str) -> None:
        try:
            while not stop.is_set():
                done.append(ledger.cast.wonder(about=about))
        except BaseException as failed:
            wrong.append(failed)

    def sign() -> None:
        try:
            while not stop.is_set():
                ledger.turn()
        except BaseException as failed:
            wrong.append(failed)

    threads = [threading.Thread(target=work, args=(about,)) for about in WRITERS] + [threading.Thread(target=sign)]
    for thread in threads:
        thread.start()
    try:
        yield lambda: len(done)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong, wrong


def until(reached: Callable[[], bool]) -> None:
    while not reached():
        threading.Event().wait(0.01)


class TestABackupUnderLoad:
    def test_is_one_moment_and_goes_on_once_the_log_says_what_is_lost(
        self, ledger: Ledger, bti: Run, elsewhere: str, tmp_path: Path
    ) -> None:
        with at_work(ledger) as written:
            until(lambda: written() >= 8)
            before = written()
            made = bti(address(ledger.cast.database), "backup", tmp_path / "backup")
            after = written()
            until(lambda: written() > after + 4)
        assert made.exit_code == 0, made.output
        ledger.turn()
        assert bti(elsewhere, "restore", tmp_path / "backup").exit_code == 0
        with opened(elsewhere) as owner:
            let_in(owner)
            cast = Cast(owner)
            restored = Ledger(cast, ledger.path)
            whole(cast, restored)
            count = len(rows(owner)[f"{HERE} cases"]) - 1
            assert before <= count <= after + len(WRITERS)
            # What was signed after the backup is lost with it, and the signer doesn't contradict itself.
            with pytest.raises(Contradiction, match="were signed, the database has"):
                restored.turn()
            assert fsck(restored).code == TAMPERED
            restored.begin_anew("restored")
            cast.wonder(about="mia")
            restored.turn()
            answers = check(restored, tmp_path / "bundle")
            assert answers.codes == (GOOD, GOOD), answers.said()
            assert "were signed and are lost" in " ".join(answers.fsck.notes)

    def test_after_which_nothing_was_signed_is_good_at_once(
        self, database: sa.Engine, bti: Run, elsewhere: str, tmp_path: Path
    ) -> None:
        url, signer = address(database), as_signer(database.url)
        typed = "en lang setning er best\n" * 2
        who = ("--name", "Arne Dal", "--unit", "Rådhuset", "--role", "administrator")
        for done in (
            bti(url, "municipality", "add", HERE, "--name", "Fjordvik kommune"),
            bti(url, "unit", "add", "Rådhuset", "--kind", "administration"),
            bti(url, "user", "add", "arne", *who, typed=typed),
            bti(signer, "audit", "key", "--host", HOST),
            bti(signer, "audit", "run", "--once"),
            bti(url, "backup", tmp_path / "backup"),
            bti(elsewhere, "restore", tmp_path / "backup"),
        ):
            assert done.exit_code == 0, done.output
        with opened(elsewhere) as owner:
            assert rows(owner) == rows(database)
        checked = bti(elsewhere, "fsck")
        assert (checked.exit_code, "Good: everything" in checked.output) == (GOOD, True), checked.output

    def test_of_what_was_restored_is_the_same_again(
        self, ledger: Ledger, bti: Run, elsewhere: str, tmp_path: Path
    ) -> None:
        bti(address(ledger.cast.database), "backup", tmp_path / "first")
        bti(elsewhere, "restore", tmp_path / "first")
        # On PostgreSQL by the tables' owner, for whom the walls hold too.
        assert bti(elsewhere, "backup", tmp_path / "second").exit_code == 0
        first, second = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("first", "second"))
        assert first["tables"] == second["tables"]
        assert sum(table["rows"] for table in first["tables"]) > 100
        if first["kind"] == "postgresql":
            # Rows come in the order in which they lie there.
            lines = [sorted((tmp_path / name / "cases.copy").read_bytes().splitlines()) for name in ("first", "second")]
            assert lines[0] == lines[1]


def whole(cast: Cast, ledger: Ledger) -> None:
    """What was copied agrees with itself: cases, sealed cells, trail, tree and heads."""
    assert broken(cast.database, HERE, cast.now) == []
    with cast.reading() as session:
        # The town itself was written past the use cases, and nothing tells of it.
        assert [one for one in sealed_findings(session) if one.code != "never_told"] == []
    with ledger.reading() as session:
        report = check_log(session, municipality_id=HERE, policy=ledger.policy(), remembered={})
    assert report.code == GOOD, report.findings


@pytest.fixture
def backup(ledger: Ledger, bti: Run, tmp_path: Path) -> Path:
    assert bti(address(ledger.cast.database), "backup", tmp_path / "backup").exit_code == 0
    return tmp_path / "backup"


class TestABackup:
    def test_says_what_it_is_and_what_isnt_in_it(self, ledger: Ledger, bti: Run, tmp_path: Path) -> None:
        made = bti(address(ledger.cast.database), "backup", tmp_path / "backup")
        assert "The keys are not in it" in made.output
        told = json.loads((tmp_path / "backup/manifest.json").read_text("utf-8"))
        assert (told["schema"], told["kind"]) == (head_revision(), ledger.database.dialect.name)
        assert {one["name"] for one in told["tables"]} == set(metadata.tables)
        assert {one["name"]: one["rows"] for one in told["tables"]}["municipalities"] == 2
        assert {one["name"] for one in told["files"]} | {"manifest.json"} == {
            file.name for file in (tmp_path / "backup").iterdir()
        }

    def test_is_for_its_owner_alone_and_tells_no_name(self, backup: Path) -> None:
        assert {file.stat().st_mode & 0o77 for file in [backup, *backup.iterdir()]} == {0}
        everything = b"".join(file.read_bytes() for file in backup.iterdir())
        assert b"2026-" in everything
        assert not [name for name in ("Nordli", "Kari Nordmann", "Kommer for sent") if name.encode() in everything]

    def test_needs_no_keys(self, ledger: Ledger, bti: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("BTI_KEYS")
        monkeypatch.delenv("BTI_MASTER_KEY_FILE")
        assert bti(address(ledger.cast.database), "backup", tmp_path / "backup").exit_code == 0

    def test_is_never_written_over_another(self, ledger: Ledger, bti: Run, backup: Path) -> None:
        before = {file.name: file.read_bytes() for file in backup.iterdir()}
        again = bti(address(ledger.cast.database), "backup", backup)
        assert (again.exit_code, "needs a new one" in again.output) == (1, True)
        assert {file.name: file.read_bytes() for file in backup.iterdir()} == before


class TestRestoringIsRefused:
    def refused(self, bti: Run, url: str, folder: Path) -> str:
        result = bti(url, "restore", folder)
        assert result.exit_code == 1
        with opened(url) as engine:
            assert engine.dialect.name == "postgresql" or not list(
                Path(str(engine.url.database)).parent.glob("*.rest*")
            )
            assert sa.inspect(engine).get_table_names() == []
        return result.output

    def test_over_what_is_there(self, ledger: Ledger, bti: Run, backup: Path) -> None:
        before = rows(ledger.cast.database)
        result = bti(as_owner(ledger.cast.database.url), "restore", backup)
        assert (result.exit_code, "isn't empty" in result.output) == (1, True)
        assert rows(ledger.cast.database) == before

    def test_when_a_file_was_changed(self, bti: Run, backup: Path, elsewhere: str) -> None:
        file = max(backup.glob("[!m]*"), key=lambda one: one.stat().st_size)
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        assert f"{file} isn't what was written" in self.refused(bti, elsewhere, backup)

    def test_when_a_file_is_missing(self, bti: Run, backup: Path, elsewhere: str) -> None:
        file = max(backup.glob("[!m]*"), key=lambda one: one.stat().st_size)
        file.unlink()
        assert f"{file} can't be read" in self.refused(bti, elsewhere, backup)

    def test_when_it_was_never_finished(self, bti: Run, backup: Path, elsewhere: str) -> None:
        (backup / "manifest.json").unlink()
        assert "isn't a finished backup" in self.refused(bti, elsewhere, backup)

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "kind": "sqlite", "files": 3}'])
    def test_when_its_manifest_was_cut_off(self, bti: Run, backup: Path, elsewhere: str, text: str) -> None:
        (backup / "manifest.json").write_text(text, "utf-8")
        assert "is damaged" in self.refused(bti, elsewhere, backup)

    def test_when_its_manifest_leaves_a_file_out(self, bti: Run, backup: Path, elsewhere: str) -> None:
        rewrite(backup, lambda told: told | {"files": told["files"][1:]})
        assert "doesn't tell of" in self.refused(bti, elsewhere, backup)

    def test_for_a_schema_that_is_newer(self, bti: Run, backup: Path, elsewhere: str) -> None:
        rewrite(backup, lambda told: told | {"schema": "9999"})
        assert "The backup's schema is 9999" in self.refused(bti, elsewhere, backup)

    def test_into_the_other_kind_of_database(self, bti: Run, backup: Path, elsewhere: str) -> None:
        rewrite(backup, lambda told: told | {"kind": "oracle"})
        assert "This is a backup of oracle" in self.refused(bti, elsewhere, backup)

    def test_with_other_keys(self, bti: Run, backup: Path, elsewhere: str, tmp_path: Path, monkeypatch: Any) -> None:
        make_keys(tmp_path / "other", tmp_path / "other.key")
        monkeypatch.setenv("BTI_KEYS", str(tmp_path / "other"))
        monkeypatch.setenv("BTI_MASTER_KEY_FILE", str(tmp_path / "other.key"))
        assert "doesn't have the keys of fjordvik" in self.refused(bti, elsewhere, backup)

    def test_when_one_case_has_no_key(self, database: sa.Engine, bti: Run, elsewhere: str, tmp_path: Path) -> None:
        make_keys(tmp_path / "store", tmp_path / "master.key")
        os.environ |= {"BTI_KEYS": str(tmp_path / "store"), "BTI_MASTER_KEY_FILE": str(tmp_path / "master.key")}
        use_keys(os.environ)
        case_id = settle(database).at_level_1()
        bti(address(database), "backup", tmp_path / "backup")
        # As in a copy of the key store from before the case.
        (tmp_path / f"store/keys/{HERE}/{case_id[:2]}/{case_id}.json").unlink()
        assert "lacks the keys of 1 cases" in self.refused(bti, elsewhere, tmp_path / "backup")

    def test_without_any_key_writes_no_file(self, bti: Run, backup: Path, elsewhere: str, monkeypatch: Any) -> None:
        monkeypatch.delenv("BTI_KEYS")
        assert "BTI_KEYS" in self.refused(bti, elsewhere, backup)


def rewrite(backup: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    file = backup / "manifest.json"
    file.write_text(json.dumps(change(json.loads(file.read_text("utf-8")))), "utf-8")


class TestABackupFromAnOlderVersion:
    def test_is_brought_up_to_date(self, database: sa.Engine, bti: Run, elsewhere: str, tmp_path: Path) -> None:
        folder = tmp_path / "backup"
        as_of_old(as_owner(database.url) if database.dialect.name == "postgresql" else "", tmp_path, folder)
        done = bti(elsewhere, "restore", folder)
        assert done.exit_code == 0, done.output
        with opened(elsewhere) as engine:
            assert (current_revision(engine), rows(engine)[f"{HERE} municipalities"][0][:2]) == (
                head_revision(), (HERE, "Fjordvik kommune"),
            )  # fmt: skip


OLD = "0008"
TOWN = sa.text(
    "INSERT INTO municipalities (id, name, is_demo, definition, definition_version) "
    "VALUES ('fjordvik', 'Fjordvik kommune', false, 'bti', 1)"
)


def as_of_old(server: str, home: Path, folder: Path) -> None:
    """Write what the version with schema OLD would have backed up of a municipality with nobody in it."""
    begin_owner(HERE, HERE)
    folder.mkdir()
    url = server or f"sqlite:///{home}/old.db"
    if server:
        url = sa.make_url(server).set(database=f"bti_old_{os.getpid()}").render_as_string(hide_password=False)
        with administering(server) as connection:
            connection.execute(sa.text(f"CREATE DATABASE bti_old_{os.getpid()} TEMPLATE template0"))
    with opened(url) as engine:
        with writing(engine) as session:
            upgrade_within(session, to=OLD)
            session.execute(TOWN)
            there = {name: table for name, table in metadata.tables.items() if sa.inspect(session).has_table(name)}
        tables = [old_table(engine, name, folder) for name in there]
        kind = engine.dialect.name
    if server:
        with administering(server) as connection:
            connection.execute(sa.text(f"DROP DATABASE bti_old_{os.getpid()} WITH (FORCE)"))
    else:
        (home / "old.db").rename(folder / "database.sqlite")
    manifest.write(folder, kind=kind, schema=OLD, taken_at=MONDAY, tables=tables)


def old_table(engine: sa.Engine, name: str, folder: Path) -> manifest.Table:
    columns = [column["name"] for column in sa.inspect(engine).get_columns(name)]
    found = int(name == "municipalities")
    if engine.dialect.name == "postgresql":
        with engine.connect() as session, (folder / f"{name}.copy").open("wb") as target:
            driver: Any = session.connection.driver_connection
            with driver.cursor().copy(f"COPY (SELECT {', '.join(columns)} FROM {name}) TO STDOUT") as copy:
                for block in copy:
                    target.write(block)
    return manifest.Table(name, found, columns)
