"""The commands: what they do, how they refuse, and that nobody is ever shown a traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from bti.cli import main
from bti.cli.serve import SERVERS, checked_settings
from bti.clock import utc_now
from bti.config import Misconfigured
from bti.db import reading, writing
from bti.models import audit_entries, disclosures, handovers, import_runs, memberships, municipalities, subjects
from bti.usecases import imports
from tests.cast import HERE, Cast, settle
from tests.doors import begun, how_ended, log_in_by_password, trail, with_factor

PASSWORD = "en lang setning er best"
SECRET = "s" * 48

Run = Callable[..., Result]


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def bti(database: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `bti` against the test's database."""
    monkeypatch.setenv("BTI_DATABASE_URL", database.url.render_as_string(hide_password=False))
    return run


def run(*words: str, typed: str = "") -> Result:
    result = CliRunner().invoke(main, list(words), input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


def every_command(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))


def is_group(words: tuple[str, ...]) -> bool:
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return isinstance(command, click.Group)


class TestEveryCommand:
    @pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
    def test_says_what_it_does(self, words: tuple[str, ...]) -> None:
        result = run(*words, "--help")
        assert result.exit_code == 0
        lines = [line for line in result.output.splitlines() if line.strip()]
        assert lines[1].strip()[0].isupper()

    @pytest.mark.parametrize("group", [(), *(one for one in every_command() if is_group(one))], ids=" ".join)
    def test_is_listed_with_a_whole_sentence(self, group: tuple[str, ...]) -> None:
        listed = run(*group, "--help").output.partition("Commands:")[2]
        assert listed.strip()
        assert "..." not in listed

    def test_that_does_not_exist_is_a_mistake_of_use(self) -> None:
        assert run("dance").exit_code == 2

    @pytest.mark.parametrize("words", [("db", "status"), ("unit", "list"), ("tidy",), ("user", "list")])
    def test_without_a_database_says_what_to_set(self, words: tuple[str, ...], monkeypatch: Any) -> None:
        monkeypatch.delenv("BTI_DATABASE_URL", raising=False)
        result = run(*words)
        assert result.exit_code == 1
        assert "BTI_DATABASE_URL isn't set" in result.output

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("postgresql://localhost", "doesn't name a user"),
            ("mysql://a@b/c", "doesn't speak"),
            ("nonsense", "can't be read"),
            ("sqlite:////nowhere/at/all/bti.db", "folder isn't there"),
            ("postgresql://stafett:hemmelig@127.0.0.1:9/stafett", "can't be reached"),
        ],
    )
    def test_with_half_a_database_says_which_half_and_no_password(self, url: str, told: str, monkeypatch: Any) -> None:
        monkeypatch.setenv("BTI_DATABASE_URL", url)
        result = run("db", "status")
        assert result.exit_code == 1
        assert told in result.output
        assert "hemmelig" not in result.output

    def test_that_breaks_says_so_in_plain_words(self, bti: Run, cast: Cast, monkeypatch: Any) -> None:
        def broken(*_: Any, **__: Any) -> None:
            raise RuntimeError("Ola Nordli")

        monkeypatch.setattr("bti.cli.units.units_of", broken)
        result = bti("unit", "list")
        assert result.exit_code == 1
        assert "This shouldn't have happened (RuntimeError)" in result.output
        assert "Ola" not in result.output


class TestTheSchema:
    def test_is_behind_until_it_is_upgraded_and_then_again_it_is_not(self, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.setenv("BTI_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
        status = run("db", "status")
        assert (status.exit_code, "run bti db upgrade" in status.output) == (1, True)
        assert "run bti db upgrade" in run("unit", "list").output
        assert "is now at" in run("db", "upgrade").output
        assert "already" in run("db", "upgrade").output
        assert run("db", "status").exit_code == 0

    def test_of_a_file_that_is_no_database_is_refused(self, tmp_path: Path, monkeypatch: Any) -> None:
        (tmp_path / "bad.db").write_bytes(b"not a database at all" * 100)
        monkeypatch.setenv("BTI_DATABASE_URL", f"sqlite:///{tmp_path}/bad.db")
        result = run("db", "status")
        assert (result.exit_code, "isn't a database" in result.output) == (1, True)


class TestANewInstallation:
    def test_gets_its_municipality_unit_and_first_administrator(self, bti: Run, database: sa.Engine) -> None:
        assert "no municipality yet" in bti("unit", "list").output
        assert bti("municipality", "add", "fjordvik", "--name", "Fjordvik kommune").exit_code == 0
        assert bti("unit", "add", "Rådhuset", "--kind", "administration").exit_code == 0
        added = bti(
            "user", "add", "Arne", "--name", "Arne Dal", "--unit", "rådhuset", "--role", "administrator",
            typed=f"{PASSWORD}\n{PASSWORD}\n",
        )  # fmt: skip
        assert added.exit_code == 0, added.output
        with writing(database) as session:
            actor = log_in_by_password(
                session, municipality_id="fjordvik", username="arne", password=PASSWORD, now=utc_now()
            )
            assert actor.has("administrator")
            by = session.execute(sa.select(audit_entries.c.actor_id, audit_entries.c.role).distinct()).all()
        assert (None, "system") in [tuple(row) for row in by]
        assert PASSWORD not in added.output

    def test_names_what_it_can_not_use(self, bti: Run) -> None:
        for words, told in (
            (("municipality", "add", "Å kommune", "--name", "Å"), "isn't an id"),
            (("municipality", "add", "nabo", "--name", "Nabo", "--definition", "ukjent"), "The definition isn't one"),
        ):
            result = bti(*words)
            assert result.exit_code == 1
            assert told in result.output
        assert bti("municipality", "add", "nabo", "--name", "N", "--definition", "bti.x").exit_code == 2


class TestUnits:
    def test_are_added_once_and_listed(self, bti: Run, cast: Cast) -> None:
        words = ("unit", "add", "Ny skole", "--kind", "school", "--phone", "12345678")
        assert bti(*words).exit_code == 0
        again = bti(*words)
        assert (again.exit_code, "taken already" in again.output) == (1, True)
        assert "Ny skole\tschool\t0 staff" in bti("unit", "list").output

    def test_are_of_a_known_kind(self, bti: Run, cast: Cast) -> None:
        assert bti("unit", "add", "Sirkus", "--kind", "circus").exit_code == 2


class TestUsers:
    ADD = ("user", "add", "ny.en", "--name", "Ny En", "--unit", "Fjordvik skole", "--role", "employee")

    def test_are_added_with_a_password_from_standard_input(self, bti: Run, cast: Cast) -> None:
        assert bti(*self.ADD, "--password-stdin", typed=f"{PASSWORD}\n").exit_code == 0
        with writing(cast.database) as session:
            log_in_by_password(session, municipality_id=HERE, username="ny.en", password=PASSWORD, now=cast.now)
        assert "ny.en\tNy En\temployee (Fjordvik skole)" in bti("user", "list").output

    def test_with_anything_wrong_are_not_added_at_all(self, bti: Run, cast: Cast) -> None:
        short = bti(*self.ADD, "--password-stdin", typed="kort\n")
        assert (short.exit_code, "too short" in short.output) == (1, True)
        nowhere = bti(*self.ADD[:6], "Hogwarts", *self.ADD[7:], "--no-password")
        assert (nowhere.exit_code, "There is no unit 'Hogwarts'" in nowhere.output) == (1, True)
        assert "ny.en" not in bti("user", "list").output

    def test_twice_is_refused(self, bti: Run, cast: Cast) -> None:
        assert bti(*self.ADD, "--no-password").exit_code == 0
        again = bti(*self.ADD, "--no-password")
        assert (again.exit_code, "The username is taken already." in again.output) == (1, True)

    def test_get_another_role_and_another_password(self, bti: Run, cast: Cast) -> None:
        grant = ("user", "grant", "kari", "--unit", "PPT Fjordvik", "--role", "employee")
        assert bti(*grant).exit_code == 0
        assert "already" in bti(*grant).output
        assert "may not also work with cases" in bti(*grant[:-1], "auditor").output
        assert bti("user", "password", "kari", "--password-stdin", typed=f"{PASSWORD}\n").exit_code == 0
        with writing(cast.database) as session:
            log_in_by_password(session, municipality_id=HERE, username="kari", password=PASSWORD, now=cast.now)

    def test_are_ended_with_their_batons_passed_on(self, bti: Run, cast: Cast) -> None:
        case_id = cast.at_level_1()
        result = bti("user", "end", "kari")
        assert (result.exit_code, "interim holder: 1" in result.output) == (0, True)
        assert cast.facts(case_id).holder_id == "rune"
        assert bti("user", "end", "kari").exit_code == 1

    def test_are_not_ended_when_a_case_would_stand_alone(self, bti: Run, cast: Cast) -> None:
        case_id = cast.at_level_1()
        for name in ("rune", "berit"):
            assert bti("user", "end", name).exit_code == 0
        result = bti("user", "end", "kari")
        assert result.exit_code == 1
        assert f"the baton in case {cast.facts(case_id).reference}" in result.output
        assert cast.facts(case_id).holder_id == "kari"

    def test_that_nobody_knows_are_refused(self, bti: Run, cast: Cast) -> None:
        for words in (("user", "end", "ukjent"), ("user", "password", "ukjent", "--password-stdin")):
            result = bti(*words, typed=f"{PASSWORD}\n")
            assert (result.exit_code, "Nobody here has the user name" in result.output) == (1, True)

    def test_belong_to_a_municipality_that_must_be_named_when_there_are_two(self, bti: Run, cast: Cast) -> None:
        bti("municipality", "add", "nabo", "--name", "Nabo kommune")
        assert "Say which municipality" in bti("user", "list").output
        assert bti("user", "list", "--municipality", "nabo").output == ""
        assert "There is no municipality 'x'" in bti("user", "list", "--municipality", "x").output
        assert bti("user", "end", "kari", "--municipality", "nabo").exit_code == 1

    def test_who_lost_their_telephone_lose_their_second_factor(self, bti: Run, cast: Cast) -> None:
        assert "They have no second factor." in bti("user", "totp", "reset", "arne").output
        with_factor(cast, "arne")
        mine = begun(cast, "arne")
        result = bti("user", "totp", "reset", "arne")
        assert (result.exit_code, "arne has no second factor now." in result.output) == (0, True)
        assert how_ended(cast, mine) == "factor_changed"
        assert [one.role for one in trail(cast, "factor.reset")] == ["system"]
        assert bti("user", "totp", "reset", "nobody").exit_code == 1


class TestImporting:
    HEADERS = "nøkkel;fornavn;etternavn;født;enhet\n"

    def test_says_what_became_of_the_rows(self, bti: Run, cast: Cast, tmp_path: Path) -> None:
        file = tmp_path / "barn.csv"
        file.write_text(f"{self.HEADERS}e1;Emma;Strøm;4.4.2017;Fjordvik skole\n", "windows-1252")
        tried = bti("import", "children", str(file), "--dry-run", "--municipality", HERE)
        assert (tried.exit_code, "1 rows: 1 would be new, 0 would be changed" in tried.output) == (0, True)
        assert "read as Windows-1252" in tried.output
        done = bti("import", "children", str(file))
        assert (done.exit_code, "1 new, 0 changed, 0 as before" in done.output) == (0, True)
        assert "5 imported children aren't in the file; they stay" in done.output
        again = bti("import", "children", str(file), "--mark-left")
        assert "0 new, 0 changed, 1 as before" in again.output
        assert "5 children marked as having left" in again.output

    def test_lists_every_bad_row_and_exits_1(self, bti: Run, cast: Cast, tmp_path: Path) -> None:
        file = tmp_path / "barn.csv"
        file.write_text(f"{self.HEADERS}e1;Emma;Strøm;4.4.2017;Hogwarts\ne2;;S;i fjor;Fjordvik skole\n", "utf-8")
        result = bti("import", "children", str(file))
        assert result.exit_code == 1
        assert "Nothing was imported: 3 things are wrong." in result.output
        assert "Row 2: enhet 'Hogwarts' is no unit here" in result.output
        assert "Row 3: fornavn is missing; født 'i fjor' isn't a date" in result.output
        with reading(cast.database) as session:
            assert session.execute(sa.select(subjects.c.id).where(subjects.c.external_key == "e1")).first() is None

    def test_refuses_what_is_no_list(self, bti: Run, cast: Cast, tmp_path: Path) -> None:
        file = tmp_path / "barn.xlsx"
        file.write_bytes(b"PK\x03\x04")
        result = bti("import", "children", str(file))
        assert (result.exit_code, "isn't a text file: save the spreadsheet as CSV" in result.output) == (1, True)
        assert bti("import", "children", str(tmp_path / "missing.csv")).exit_code == 2
        assert bti("import", "units", str(file), "--mark-left").exit_code == 2
        assert bti("import", "cases", str(file)).exit_code == 2


class TestTidying:
    def test_writes_down_what_has_run_out_once(self, bti: Run, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.offer(case_id, "siri")
        with writing(cast.database) as session:
            long_ago = utc_now().date().replace(year=2020)
            session.execute(sa.update(handovers).values(expires_on=long_ago))
            session.execute(sa.update(disclosures).where(disclosures.c.unit_id == "ppt").values(valid_to=long_ago))
        result = bti("tidy")
        assert result.exit_code == 0, result.output
        assert "1 offers expired, 1 doors closed, 0 batons passed on" in result.output
        assert "0 offers expired, 0 doors closed" in bti("tidy").output
        assert cast.facts(case_id).participants == ()

    def test_passes_on_a_baton_whose_holder_is_gone(self, bti: Run, cast: Cast) -> None:
        case_id = cast.at_level_1()
        with writing(cast.database) as session:
            session.execute(sa.update(memberships).where(memberships.c.person_id == "kari").values(ended_at=cast.now))
        assert "1 batons passed on" in bti("tidy").output
        assert cast.facts(case_id).holder_id == "rune"

    def test_goes_on_past_a_case_that_nobody_can_hold_and_names_it(self, bti: Run, cast: Cast) -> None:
        stuck, other = cast.at_level_1(), cast.at_level_2(about="mia")
        cast.offer(other, "siri")
        with writing(cast.database) as session:
            session.execute(
                sa.update(memberships)
                .where(memberships.c.person_id.in_(("kari", "rune", "berit")))
                .values(ended_at=cast.now)
            )
            session.execute(sa.update(handovers).values(expires_on=utc_now().date().replace(year=2020)))
        result = bti("tidy")
        assert result.exit_code == 1
        assert "1 offers expired" in result.output
        assert f"Case {cast.facts(stuck).reference}: nobody can hold the baton" in result.output
        assert cast.facts(stuck).holder_id == "kari"

    def test_throws_away_files_that_nobody_came_back_to(self, bti: Run, cast: Cast) -> None:
        with writing(cast.database) as session:
            actor = cast.actor_in(session, "arne")
            content = TestImporting.HEADERS.encode() + b"e1;Emma;S;4.4.2017;Fjordvik skole\n"
            old = utc_now().replace(year=2020)
            imports.receive(session, actor=actor, kind="children", content=content, now=old)
            imports.receive(session, actor=actor, kind="children", content=content, now=utc_now())
        assert "1 import files thrown away" in bti("tidy").output
        with reading(cast.database) as session:
            rows = session.execute(sa.select(import_runs.c.state, import_runs.c.content)).all()
        assert sorted((row.state, bool(row.content)) for row in rows) == [("checking", True), ("failed", False)]

    def test_ends_sessions_that_nobody_came_back_to(self, bti: Run, cast: Cast) -> None:
        cast.now = utc_now() - timedelta(hours=1)
        old = begun(cast, "kari")
        cast.now = utc_now()
        live = begun(cast, "siri")
        assert "1 sessions ended, 0 sessions forgotten" in bti("tidy").output
        assert (how_ended(cast, old), how_ended(cast, live)) == ("idle", None)


class TestServing:
    def test_refuses_and_names_everything_that_is_missing_at_once(self, monkeypatch: Any, tmp_path: Path) -> None:
        monkeypatch.setenv("BTI_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
        monkeypatch.delenv("BTI_SECRET_KEY", raising=False)
        result = run("serve", "--bind", "nowhere")
        assert result.exit_code == 1
        for told in ("BTI_SECRET_KEY isn't set", "BTI_BIND is 'nowhere'", "run bti db upgrade"):
            assert told in result.output

    def test_refuses_until_there_is_somebody_to_serve(self, bti: Run, database: sa.Engine, monkeypatch: Any) -> None:
        monkeypatch.setenv("BTI_SECRET_KEY", SECRET)
        assert "There is no municipality yet" in bti("serve").output
        bti("municipality", "add", "fjordvik", "--name", "Fjordvik kommune")
        assert "Nobody can log in to fjordvik" in bti("serve").output
        bti("unit", "add", "Rådhuset", "--kind", "administration")
        words = ("user", "add", "arne", "--name", "Arne", "--unit", "Rådhuset", "--role", "administrator")
        bti(*words, "--no-password")
        assert "Nobody can log in to fjordvik" in bti("serve").output
        bti("user", "password", "arne", "--password-stdin", typed=f"{PASSWORD}\n")
        assert checked_settings(os.environ).secret_key == SECRET
        with writing(database) as session:
            session.execute(sa.update(municipalities).values(definition_version=99))
        with pytest.raises(Misconfigured, match="there is no such definition"):
            checked_settings(os.environ)

    def test_where_something_else_listens_says_so(self, bti: Run, cast: Cast, monkeypatch: Any) -> None:
        monkeypatch.setenv("BTI_SECRET_KEY", SECRET)
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            result = bti("serve", "--bind", f"127.0.0.1:{other.getsockname()[1]}")
        assert (result.exit_code, "Nothing can listen on 127.0.0.1" in result.output) == (1, True)

    def test_of_a_demo_needs_no_password(self, bti: Run, cast: Cast, monkeypatch: Any) -> None:
        monkeypatch.setenv("BTI_SECRET_KEY", SECRET)
        assert checked_settings(os.environ).bind == "127.0.0.1:8000"

    @pytest.mark.parametrize("server", SERVERS)
    def test_answers_under_either_server_and_stops_when_told(self, server: str) -> None:
        port = free_port()
        code = (
            "from bti.cli.serve import run_server;"
            f"run_server({server!r}, 'tests.test_cli:tiny_application', host='127.0.0.1', port={port}, "
            "workers=1, threads=2)"
        )
        root = Path(__file__).parent.parent
        started = subprocess.Popen(
            [sys.executable, "-c", code], cwd=root, env=os.environ | {"PYTHONPATH": str(root)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}/sak"
            assert answer_of(address, started) == b"pinnen '' '/sak'"
            # What stands in an address that we make is ours to say, and no visitor's.
            for forged in ("SCRIPT_NAME", "Script-Name", "PATH_INFO"):
                asked = urllib.request.Request(address, headers={forged: "/sak"})  # noqa: S310  # our own address
                assert answer_of(asked, started) == b"pinnen '' '/sak'"
        finally:
            started.terminate()
            told, _ = started.communicate(timeout=40)
        assert "Traceback" not in told


def tiny_application() -> Any:
    """Make a WSGI application that says one word, and where the server says that it lies."""

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"pinnen {environ.get('SCRIPT_NAME', '')!r} {environ['PATH_INFO']!r}".encode()]

    return answer


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answer_of(url: str | urllib.request.Request, server: subprocess.Popen[str]) -> bytes:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as page:  # noqa: S310  # our own address
                content: bytes = page.read()
                return content
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("the server never answered")
