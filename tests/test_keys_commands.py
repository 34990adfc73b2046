"""`bti keys`, and that nothing starts without the right keys."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from bti.cli import main
from bti.cli.serve import checked_settings
from bti.config import Misconfigured
from bti.crypto.keys import make_keys, use_keys
from bti.db import open_database, reading
from bti.models import people
from bti.models.sealed import Cell
from tests.cast import HERE, Cast, settle

Run = Callable[..., Result]
SHARE = re.compile(r"^  (stafett-\d-[0-9a-f]{8}(?: [a-z2-7]{1,4})+)$", re.MULTILINE)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for keys, still without any, that the settings name."""
    monkeypatch.setenv("BTI_KEYS", str(tmp_path / "store"))
    monkeypatch.setenv("BTI_MASTER_KEY_FILE", str(tmp_path / "master.key"))
    monkeypatch.delenv("BTI_DATABASE_URL", raising=False)
    return tmp_path


@pytest.fixture
def town(database: sa.Engine, home: Path, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """The town, sealed with these keys."""
    make_keys(home / "store", home / "master.key")
    use_keys(os.environ)
    monkeypatch.setenv("BTI_DATABASE_URL", database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("BTI_SECRET_KEY", "s" * 48)
    return settle(database)


def bti(*words: str, typed: str = "") -> Result:
    result = CliRunner().invoke(main, list(words), input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def shares(home: Path) -> list[str]:
    made = bti("keys", "init")
    assert made.exit_code == 0, made.output
    return SHARE.findall(made.output)


class TestMakingKeys:
    def test_shows_three_shares_once(self, home: Path) -> None:
        assert len(set(shares(home))) == 3
        again = bti("keys", "init")
        assert again.exit_code == 1
        assert "There is a key store" in again.output
        assert not SHARE.search(again.output)

    def test_says_what_isnt_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("BTI_KEYS", "BTI_MASTER_KEY_FILE"):
            monkeypatch.delenv(name, raising=False)
        told = bti("keys", "init")
        assert told.exit_code == 1
        assert "BTI_KEYS isn't set" in told.output
        assert "BTI_MASTER_KEY_FILE isn't set" in told.output


class TestRestoringTheMasterKey:
    def test_takes_any_two_shares(self, home: Path) -> None:
        one, _, other = shares(home)
        before = (home / "master.key").read_bytes()
        (home / "master.key").unlink()
        assert bti("keys", "check").exit_code == 1
        told = bti("keys", "recover", typed=f"{other}\n{one.upper()}\n")
        assert told.exit_code == 0, told.output
        assert (home / "master.key").read_bytes() == before
        assert one[20:] not in told.output

    def test_with_shares_of_other_keys_writes_nothing(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BTI_KEYS", str(home / "other"))
        monkeypatch.setenv("BTI_MASTER_KEY_FILE", str(home / "other.key"))
        one, other, _ = shares(home)
        monkeypatch.setenv("BTI_KEYS", str(home / "store"))
        monkeypatch.setenv("BTI_MASTER_KEY_FILE", str(home / "master.key"))
        shares(home)
        (home / "master.key").unlink()
        told = bti("keys", "recover", typed=f"{one}\n{other}\n")
        assert told.exit_code == 1
        assert "the key store needs" in told.output
        assert not (home / "master.key").exists()

    def test_says_when_a_share_was_copied_wrongly(self, home: Path) -> None:
        one, other, _ = shares(home)
        (home / "master.key").unlink()
        wrong = one[:-1] + ("a" if one[-1] != "a" else "b")
        told = bti("keys", "recover", typed=f"{other}\n{wrong}\n")
        assert told.exit_code == 1
        assert "There is a slip in this share" in told.output
        assert not (home / "master.key").exists()


class TestTheDrill:
    def test_finds_everything_in_place(self, town: Cast) -> None:
        told = bti("keys", "check")
        assert told.exit_code == 0, told.output
        assert "opens all keys" in told.output
        assert "They fit the database" in told.output

    def test_tries_the_shares(self, database: sa.Engine, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other, third = shares(home)
        use_keys(os.environ)
        settle(database)
        monkeypatch.setenv("BTI_DATABASE_URL", database.url.render_as_string(hide_password=False))
        assert "would restore" in bti("keys", "check", "--shares", typed=f"{one}\n{third}\n").output
        told = bti("keys", "check", "--shares", typed=f"{other}\n{other}\n")
        assert told.exit_code == 1
        assert "the same share twice" in told.output

    def test_finds_a_damaged_key(self, town: Cast, home: Path) -> None:
        file = home / "store" / "keys" / HERE / "ol" / "ola.json"
        file.write_text(file.read_text().replace('"1": "', '"1": "AAAA'))
        told = bti("keys", "check")
        assert told.exit_code == 1
        assert "The key of ola in fjordvik is damaged" in told.output

    def test_finds_another_database(self, town: Cast, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make_keys(home / "other", home / "other.key")
        monkeypatch.setenv("BTI_KEYS", str(home / "other"))
        monkeypatch.setenv("BTI_MASTER_KEY_FILE", str(home / "other.key"))
        told = bti("keys", "check")
        assert told.exit_code == 1
        assert "doesn't have the keys of fjordvik" in told.output


class TestRotating:
    def test_from_the_command_line(self, town: Cast) -> None:
        told = bti("keys", "rotate")
        assert told.exit_code == 0, told.output
        assert "cells were sealed" in told.output

    def test_says_when_something_doesnt_open(self, town: Cast) -> None:
        with town.database.begin() as connection:
            connection.execute(sa.update(people).where(people.c.id == "siri").values(title=Cell("s1.1.AAAA")))
        told = bti("keys", "rotate")
        assert told.exit_code == 1
        assert "1 cells don't open" in told.output

    def test_of_what_was_never_sealed_begins_with_sealing(self, town: Cast) -> None:
        with town.database.begin() as connection:
            for row in connection.execute(sa.select(people)).all():
                here = people.c.id == row.id
                connection.execute(sa.update(people).where(here).values(name=Cell(row.name)))
        told = bti("keys", "rotate")
        assert told.exit_code == 1
        assert "run bti keys seal" in told.output
        sealed = bti("keys", "seal")
        assert sealed.exit_code == 0, sealed.output
        assert bti("user", "list").exit_code == 0


# --- without the right keys nothing starts ----------------------------------------------------------------------------

NEEDS_KEYS = (
    ("user", "list"),
    ("user", "add", "ny", "--name", "Ny", "--unit", "PPT Fjordvik", "--role", "employee"),
    ("unit", "add", "Nytt", "--kind", "school"),
    ("municipality", "add", "nyvik", "--name", "Nyvik kommune"),
    ("import", "children", "nobody.csv"),
    ("tidy",),
    ("keys", "rotate"),
    ("keys", "seal"),
    ("serve",),
)


def missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (home / "master.key").unlink()
    return "master.key can't be read"


def unset(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("BTI_KEYS")
    return "BTI_KEYS isn't set"


def wrong(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    make_keys(home / "other", home / "other.key")
    monkeypatch.setenv("BTI_MASTER_KEY_FILE", str(home / "other.key"))
    return "set BTI_MASTER_KEY_FILE to the right one"


def without_a_store(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (home / "store").rename(home / "elsewhere")
    return "There is no key store"


def with_another_store(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    make_keys(home / "other", home / "other.key")
    monkeypatch.setenv("BTI_KEYS", str(home / "other"))
    monkeypatch.setenv("BTI_MASTER_KEY_FILE", str(home / "other.key"))
    return "sealed with keys that this key store doesn't have|doesn't have the keys of fjordvik"


@pytest.mark.parametrize("lack", [missing, unset, wrong, without_a_store, with_another_store], ids=lambda f: f.__name__)
class TestWithoutTheRightKeys:
    def test_every_command_refuses_says_what_to_do_and_writes_nothing(
        self, lack: Callable[..., str], town: Cast, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (home / "nobody.csv").write_text("nøkkel;fornavn;etternavn;født;enhet\n")
        monkeypatch.chdir(home)
        before, told = rows(town.database), lack(home, monkeypatch)
        kept = files(home)
        for words in NEEDS_KEYS:
            result = bti(*words)
            assert result.exit_code == 1, words
            assert re.search(told, result.output), (words, result.output)
        assert rows(town.database) == before
        assert files(home) == kept

    def test_the_server_refuses_to_start(
        self, lack: Callable[..., str], town: Cast, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = lack(home, monkeypatch)
        with pytest.raises(Misconfigured) as refused:
            checked_settings(os.environ)
        assert re.search(told, str(refused.value))


def test_without_keys_not_even_an_empty_database_is_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BTI_DATABASE_URL", f"sqlite:///{home}/new.db")
    assert bti("user", "list").exit_code == 1
    assert not (home / "new.db").exists()


def rows(database: sa.Engine) -> list[str]:
    """Return all rows as they lie there, unopened."""
    with database.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        return sorted(str(row) for name in tables for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"'))


def files(home: Path) -> dict[Path, bytes]:
    kept = (one for one in home.rglob("*") if one.is_file() and not one.name.startswith(("bti-1.db", ".lock")))
    return {one: one.read_bytes() for one in kept}


class TestTheDemo:
    @pytest.fixture
    def here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        return tmp_path

    def test_makes_keys_of_its_own_and_keeps_them(self, here: Path) -> None:
        ours = os.environ["BTI_KEYS"]
        assert bti("demo", "--no-serve").exit_code == 0
        key = (here / "var" / "demo-master.key").read_bytes()
        assert ours not in key.decode()
        assert bti("demo", "--no-serve").exit_code == 0
        assert (here / "var" / "demo-master.key").read_bytes() == key
        use_keys(os.environ)
        with reading(open_database(f"sqlite:///{here}/var/demo.db")) as session:
            assert "Kari Nordmann" in session.execute(sa.select(people.c.name)).scalars().all()

    def test_made_with_other_keys_is_met_with_a_word(self, here: Path) -> None:
        assert bti("demo", "--no-serve").exit_code == 0
        for name in ("demo-keys", "demo-master.key"):
            (here / "var" / name).rename(here / name)
        told = bti("demo", "--no-serve")
        assert told.exit_code == 1
        assert "bti demo --reset" in told.output
        assert bti("demo", "--no-serve", "--reset").exit_code == 0
