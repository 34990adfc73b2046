"""`bti audit` and `bti fsck`: what an operator says to the log, and what `bti-verify` makes of what they get."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from bti.cli import main
from bti.models import audit_entries
from bti.usecases.people import change_person
from bti.verifier import cli as verifier
from tests.cast import HERE, NEXT_DOOR, settle, settle_neighbour
from tests.doors import trail
from tests.sequencing import HOST, Ledger, tamper

Run = Callable[..., Result]


@pytest.fixture
def ledger(database: sa.Engine, tmp_path: Path) -> Ledger:
    ledger = Ledger(settle(database), tmp_path / "log")
    ledger.cast.at_level_1()
    return ledger


@pytest.fixture
def bti(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `bti` against the test's database and log, in a folder of its own."""
    monkeypatch.setenv("BTI_DATABASE_URL", ledger.database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("BTI_LOG", str(ledger.path))
    # Whoever signs has no key to what is sealed.
    monkeypatch.delenv("BTI_KEYS")
    monkeypatch.chdir(tmp_path)
    return run


def run(*words: str) -> Result:
    result = CliRunner().invoke(main, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def policy(bti: Run, tmp_path: Path) -> Path:
    """The policy that an auditor was given when the log began."""
    file = tmp_path / "policy"
    file.write_text(bti("audit", "key", "--host", HOST).stdout, "utf-8")
    return file


def verify(*words: object) -> int:
    return verifier.main([str(word) for word in words])


class TestBeginning:
    def test_makes_a_key_for_each_municipality_and_prints_the_policy(self, ledger: Ledger, bti: Run) -> None:
        settle_neighbour(ledger.cast.database)
        first = bti("audit", "key", "--host", HOST)
        assert first.exit_code == 0
        lines = first.stdout.splitlines()
        assert [line.partition("+")[0] for line in lines] == [
            f"log {HOST}/{HERE}", f"log {HOST}/{NEXT_DOOR}", "quorum none",
        ]  # fmt: skip
        assert bti("audit", "key").stdout == first.stdout

    def test_wants_a_name_first(self, bti: Run) -> None:
        result = bti("audit", "key")
        assert result.exit_code == 1
        assert "bti audit key --host NAME makes it" in result.output

    def test_with_no_folder_to_keep_the_key_in_says_so(
        self, bti: Run, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("BTI_LOG")
        if ledger.database.dialect.name == "postgresql":
            assert "BTI_LOG isn't set" in bti("audit", "key", "--host", HOST).output
        else:
            assert bti("audit", "key", "--host", HOST).exit_code == 0
            assert Path(str(ledger.database.url.database)).with_name("bti-1-log").is_dir()


class TestRunningOnce:
    def test_numbers_and_signs_what_waits(self, bti: Run, policy: Path) -> None:
        first = bti("audit", "run", "--once")
        assert first.exit_code == 0
        assert "entries numbered" in first.stdout
        assert bti("audit", "run", "--once").stdout.startswith(f"{HERE}: 0 entries numbered")

    def test_exits_1_when_a_log_cannot_go_on(self, bti: Run, ledger: Ledger, policy: Path) -> None:
        bti("audit", "run", "--once")
        tamper(ledger.database, "DELETE FROM audit_leaves WHERE position > 3", "DELETE FROM audit_checkpoints")
        result = bti("audit", "run", "--once")
        assert result.exit_code == 1
        assert "entries of stafett.example/fjordvik were signed, the database has 4" in result.output


class TestRunning:
    @pytest.mark.parametrize("how", ["told", "left"])
    def test_goes_on_until_it_is_told_to_stop_or_left_alone(
        self, bti: Run, ledger: Ledger, policy: Path, how: str
    ) -> None:
        command = [sys.executable, "-c", "from bti.cli import main; main()", "audit", "run", "--with-parent"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as sequencer:
            assert sequencer.stderr
            assert sequencer.stdin
            assert "Signing the log" in sequencer.stderr.readline()
            second = bti("audit", "run")
            assert second.exit_code == 1
            assert "Another sequencer is at work" in second.output
            if how == "told":
                sequencer.send_signal(signal.SIGTERM)
            else:
                sequencer.stdin.close()
            assert sequencer.wait(20) == 0


class TestACheckpoint:
    def test_can_be_checked(self, bti: Run, policy: Path, tmp_path: Path) -> None:
        bti("audit", "run", "--once")
        (tmp_path / "head").write_text(bti("audit", "checkpoint").stdout, "utf-8")
        assert verify("checkpoint", tmp_path / "head", "--policy", policy) == 0

    def test_is_proven_to_have_grown_from_an_older_one(
        self, bti: Run, ledger: Ledger, policy: Path, tmp_path: Path
    ) -> None:
        bti("audit", "run", "--once")
        (tmp_path / "old").write_text(bti("audit", "checkpoint").stdout, "utf-8")
        ledger.cast.wonder(about="mia")
        bti("audit", "run", "--once")
        (tmp_path / "proof").write_text(bti("audit", "checkpoint", "--since", str(tmp_path / "old")).stdout, "utf-8")
        assert verify("consistency", tmp_path / "old", tmp_path / "proof", "--policy", policy) == 0

    def test_before_anything_is_signed_says_what_to_do(self, bti: Run) -> None:
        result = bti("audit", "checkpoint")
        assert (result.exit_code, "bti audit run does that" in result.output) == (1, True)

    def test_since_what_is_no_checkpoint_says_so(self, bti: Run, policy: Path) -> None:
        bti("audit", "run", "--once")
        result = bti("audit", "checkpoint", "--since", str(policy))
        assert (result.exit_code, "isn't a signed checkpoint" in result.output) == (1, True)


class TestProvingAnEntry:
    def test_gives_its_bytes_and_a_proof(self, bti: Run, policy: Path, tmp_path: Path) -> None:
        bti("audit", "run", "--once")
        assert bti("audit", "prove", "3").exit_code == 0
        entry, proof = tmp_path / "entry-3.json", tmp_path / "entry-3.tlog-proof"
        assert verify("proof", proof, "--entry", entry, "--policy", policy) == 0
        entry.write_bytes(entry.read_bytes().replace(b"kari", b"nils"))
        assert verify("proof", proof, "--entry", entry, "--policy", policy) == 1

    @pytest.mark.parametrize(
        ("entry", "told"), [("999", "There is no entry 999"), ("0", "Invalid value"), ("x", "Invalid value")]
    )
    def test_that_is_not_there_says_so(self, bti: Run, policy: Path, entry: str, told: str) -> None:
        bti("audit", "run", "--once")
        result = bti("audit", "prove", entry)
        assert result.exit_code
        assert told in result.output

    def test_that_waits_says_so(self, bti: Run, ledger: Ledger, policy: Path) -> None:
        bti("audit", "run", "--once")
        ledger.cast.wonder(about="mia")
        result = bti("audit", "prove", str(ledger.entry_ids()[-1]))
        assert (result.exit_code, "waits for its number" in result.output) == (1, True)


class TestAnExport:
    def test_is_whole_and_told_of(self, bti: Run, ledger: Ledger, policy: Path, tmp_path: Path) -> None:
        bti("audit", "run", "--once")
        result = bti("audit", "export", "bundle")
        assert result.exit_code == 0
        assert verify("bundle", tmp_path / "bundle", "--policy", policy) == 0
        (told,) = trail(ledger.cast, "log.export")
        assert told.role == "system"
        assert f"{len(ledger.leaves())} entries." in result.stdout

    def test_goes_into_no_folder_that_holds_something(self, bti: Run, policy: Path, tmp_path: Path) -> None:
        bti("audit", "run", "--once")
        (tmp_path / "bundle").mkdir()
        (tmp_path / "bundle/mine").touch()
        result = bti("audit", "export", "bundle")
        assert (result.exit_code, "isn't empty" in result.output) == (1, True)


class TestFsck:
    def test_of_a_whole_log_is_good(self, bti: Run, policy: Path) -> None:
        bti("audit", "run", "--once")
        result = bti("fsck")
        assert result.exit_code == 0
        assert result.stdout.endswith("Good: everything that was checked holds.\n")

    def test_names_what_was_changed(self, bti: Run, ledger: Ledger, policy: Path) -> None:
        bti("audit", "run", "--once")
        tamper(ledger.database, "UPDATE audit_entries SET decision = 'refused' WHERE id = 3")
        for words in (("fsck",), ("fsck", "--policy", str(policy))):
            result = bti(*words)
            assert result.exit_code == 1
            assert "(id 3): changed after it was numbered" in result.stdout

    def test_changes_nothing(self, bti: Run, ledger: Ledger, policy: Path) -> None:
        bti("audit", "run", "--once")
        before = ledger.entry_ids(), ledger.heads(), sorted(ledger.path.rglob("*"))
        bti("fsck")
        assert (ledger.entry_ids(), ledger.heads(), sorted(ledger.path.rglob("*"))) == before

    def test_without_a_key_to_believe_can_not_decide(
        self, bti: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("BTI_LOG", str(tmp_path / "elsewhere"))
        result = bti("fsck")
        assert (result.exit_code, "isn't the folder of a log's keys" in result.output) == (2, True)
        assert not (tmp_path / "elsewhere").exists()

    def test_without_the_signers_memory_says_what_it_can_not_tell(
        self, bti: Run, policy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        bti("audit", "run", "--once")
        monkeypatch.setenv("BTI_LOG", str(tmp_path / "elsewhere"))
        result = bti("fsck", "--policy", str(policy))
        assert result.exit_code == 0
        assert "whether the newest entries were cut off can't be told here" in result.stdout

    @pytest.mark.parametrize("told", ["BTI_DATABASE_URL isn't set"])
    def test_without_a_database_can_not_decide(self, bti: Run, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
        monkeypatch.delenv("BTI_DATABASE_URL")
        result = bti("fsck")
        assert (result.exit_code, told in result.output) == (2, True)

    def test_of_a_log_that_has_not_begun_can_not_decide(self, bti: Run, ledger: Ledger) -> None:
        assert ledger.folder.epochs(HERE) == []
        result = bti("fsck")
        assert (result.exit_code, "hasn't begun" in result.stdout) == (2, True)


class TestFsckOfSealedCells:
    """Whoever may read the cells looks at them, too: here as the role of the pages, with the tests' keys."""

    @pytest.fixture
    def fsck(self, bti: Run, ledger: Ledger, policy: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
        monkeypatch.undo()
        monkeypatch.setenv("BTI_DATABASE_URL", ledger.cast.database.url.render_as_string(hide_password=False))
        monkeypatch.setenv("BTI_LOG", str(ledger.path))
        return lambda: bti("fsck")

    def rename(self, ledger: Ledger, name: str) -> None:
        same = {"title": "", "email": "", "phone": "", "language": "nb"}
        ledger.cast.act(change_person, by="arne", person_id="kari", name=name, **same)

    def test_finds_an_older_valid_one_that_was_put_back(self, ledger: Ledger, fsck: Run) -> None:
        told = "The cell people.name of row kari opens and isn't what the log tells of it last"
        self.rename(ledger, "Kari Berg")
        with ledger.cast.writing() as session:
            older = session.execute(sa.text("SELECT name FROM people WHERE id = 'kari'")).scalar_one()
        self.rename(ledger, "Kari Dahl")
        ledger.turn()
        assert told not in fsck().stdout
        tamper(ledger.database, "UPDATE people SET name = :older WHERE id = 'kari'", older=older)
        found = fsck()
        assert (found.exit_code, told in found.stdout) == (1, True)

    def test_finds_one_that_was_moved_to_another_row(self, ledger: Ledger, fsck: Run) -> None:
        tamper(
            ledger.database,
            "UPDATE people SET name = (SELECT name FROM people WHERE id = 'nils') WHERE id = 'kari'",
        )
        found = fsck()
        assert (found.exit_code, "people.name of row kari doesn't open" in found.stdout) == (1, True)

    def test_is_left_to_others_by_who_has_no_keys(self, bti: Run, policy: Path) -> None:
        bti("audit", "run", "--once")
        found = bti("fsck")
        assert (found.exit_code, "The sealed cells weren't looked at" in found.stdout) == (0, True)


class TestAWitness:
    """The witness's own tests are in test_log_witness; here the log asks it, and it is a command."""

    @pytest.fixture
    def witnessed(self, bti: Run, policy: Path, tmp_path: Path) -> str:
        """The lines that make an auditor want the county's signature, with its address still to be filled in."""
        vkey = bti("audit", "witness", "key", "county.key", "--name", "county.example/witness").stdout.strip()
        believed = policy.read_text("utf-8").removesuffix("quorum none\n")
        return f"{believed}witness county {vkey} URL\nquorum county\n"

    def test_as_a_second_process_signs_what_the_log_asks_it_to(
        self, bti: Run, ledger: Ledger, policy: Path, witnessed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        words = ["serve", "--key", "county.key", "--policy", str(policy), "--memory", "memory"]
        command = [sys.executable, "-c", "from bti.cli import main; main()", "audit", "witness", *words]
        with subprocess.Popen([*command, "--bind", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True) as county:
            assert county.stdout
            url = county.stdout.readline().rpartition(" ")[2].strip()
            believed = tmp_path / "believed"
            believed.write_text(witnessed.replace("URL", url), "utf-8")
            monkeypatch.setenv("BTI_WITNESSES", str(believed))
            for about in ("mia", "jon"):
                ledger.cast.wonder(about=about)
                assert "1 signatures of witnesses." in bti("audit", "run", "--once").stdout
            county.terminate()
            assert county.wait(20) == 0
        bti("audit", "export", "bundle")
        assert verify("bundle", tmp_path / "bundle", "--policy", believed) == 0
        ledger.cast.wonder(about="ida")
        # Now it is away: the log goes on, and whoever asks for its signature sees that it is missing.
        result = bti("audit", "run", "--once")
        assert (result.exit_code, "can't be reached" in result.output) == (0, True)
        (tmp_path / "head").write_text(bti("audit", "checkpoint").stdout, "utf-8")
        assert verify("checkpoint", tmp_path / "head", "--policy", believed) == 2
        assert verify("checkpoint", tmp_path / "head", "--policy", policy) == 0

    def test_by_hand_signs_a_file(self, bti: Run, ledger: Ledger, policy: Path, witnessed: str, tmp_path: Path) -> None:
        bti("audit", "run", "--once")
        words = ("--key", "county.key", "--policy", str(policy), "--memory", "memory")
        (tmp_path / "old").write_text(bti("audit", "checkpoint").stdout, "utf-8")
        signed = bti("audit", "witness", "sign", "old", *words)
        (tmp_path / "signed").write_text(signed.stdout, "utf-8")
        (tmp_path / "believed").write_text(witnessed.replace(" URL", ""), "utf-8")
        assert verify("checkpoint", tmp_path / "signed", "--policy", tmp_path / "believed") == 0
        ledger.cast.wonder(about="mia")
        bti("audit", "run", "--once")
        (tmp_path / "new").write_text(bti("audit", "checkpoint").stdout, "utf-8")
        refused = bti("audit", "witness", "sign", "new", *words)
        assert (refused.exit_code, "Not signed" in refused.output) == (1, True)
        (tmp_path / "grown").write_text(bti("audit", "checkpoint", "--since", "old").stdout, "utf-8")
        assert bti("audit", "witness", "sign", "grown", *words).exit_code == 0

    def test_that_nobody_can_ask_is_said_before_anything_begins(
        self, bti: Run, policy: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BTI_WITNESSES", str(policy))
        result = bti("audit", "run", "--once")
        assert (result.exit_code, "nobody can be asked" in result.output) == (1, True)


class TestTheServer:
    def test_says_that_nobody_signs(self, bti: Run, ledger: Ledger) -> None:
        from bti.cli.serve import unsigned
        from bti.config import load_settings

        settings = load_settings({**os.environ, "BTI_SECRET_KEY": "s" * 48})
        (told,) = unsigned(settings)
        assert told.startswith("The log of fjordvik isn't being signed:")
        bti("audit", "run", "--once", "--host", HOST)
        assert unsigned(settings) == []


def test_a_log_that_was_taken_out_is_not_taken_out_in_silence(bti: Run, ledger: Ledger, policy: Path) -> None:
    bti("audit", "run", "--once")
    with ledger.reading() as session:
        before = session.execute(sa.select(sa.func.count()).select_from(audit_entries)).scalar_one()
    bti("audit", "export", "one")
    bti("audit", "export", "two")
    assert len(ledger.entry_ids()) == before + 2
