"""The demo: everything it must show, whatever the day; and that it touches nobody else's database."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from bti.actor import ROLES
from bti.cli import main
from bti.clock import OSLO, add_months, local_day
from bti.crypto import sealing
from bti.db import open_database, reading, writing
from bti.demo import seed as seeding
from bti.demo.children import CHILDREN
from bti.demo.marks import mark_of
from bti.demo.national_ids import is_synthetic
from bti.demo.town import HERE, STAFF, UNITS
from bti.models import audit_entries, cases, guardians, memberships, municipalities, people, subjects, units
from bti.models.base import Moment
from bti.queries.people import load_actor
from bti.queries.register import municipality_ids
from bti.queries.worklist import Filter, cases_by_deadline, waiting_for
from bti.usecases import signed_log
from bti.usecases.logins import demo_people
from bti.workflow.definition import CLOSED
from bti.workflow.library import load_definition
from tests.cast import settle
from tests.databases import database_named
from tests.demo_situations import SITUATIONS
from tests.invariants import broken, everything

# `bti.cli.demo` is both a module and, as an attribute of its package, the command in it.
command = import_module("bti.cli.demo")
SUNDAY = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MODEL = load_definition("bti", 1)


# --- what is in it ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seeded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo of that Sunday in one file. Copy it, never open it."""
    file = tmp_path_factory.mktemp("demo") / "demo.db"
    engine = open_database(f"sqlite:///{file}")
    seeding.make(engine, SUNDAY)
    engine.dispose()
    return file


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.pg)])
def town(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """The demo of that Sunday, to be read only."""
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{request.getfixturevalue('seeded_file')}")
        yield engine
        engine.dispose()
        return
    with database_named(request.getfixturevalue("postgresql_server"), f"bti_demo_town_{os.getpid()}") as url:
        engine = open_database(url)
        seeding.make(engine, SUNDAY)
        yield engine
        engine.dispose()


def rows(database: sa.Engine, query: Any, **values: Any) -> list[Any]:
    with reading(database) as session:
        return list(session.execute(query, values))


def situation(sql: str, now: datetime) -> Any:
    today = local_day(now)
    dates = {
        "today": today,
        "two_days_ago": today - timedelta(days=2),
        "in_thirty_days": today + timedelta(days=30),
        "fifteen": add_months(today, -12 * 15),
        "sixteen": add_months(today, -12 * 16),
        "seventeen": add_months(today, -12 * 17),
        "eighteen": add_months(today, -12 * 18),
    }
    named = set(re.findall(r":(\w+)", sql))
    binds = [sa.bindparam(name, day, type_=sa.Date) for name, day in dates.items() if name in named]
    if "ten_days_ago" in named:
        # Ten days ago at the latest is before the day after began.
        binds.append(sa.bindparam("ten_days_ago", midnight(today - timedelta(days=9)), type_=Moment))
    # A colon that names no value belongs to the JSON that is looked for.
    wanted = re.sub(r'":', r'"\\:', sql)
    return sa.text(wanted).bindparams(*binds)


def midnight(day: date) -> datetime:
    return datetime.combine(day, clock_time.min, OSLO)


@pytest.mark.parametrize("what", SITUATIONS)
def test_it_shows(town: sa.Engine, what: str) -> None:
    assert rows(town, situation(SITUATIONS[what], SUNDAY))


class TestTheTown:
    def test_is_marked_as_a_demo(self, town: sa.Engine) -> None:
        found = rows(town, sa.select(municipalities.c.id, municipalities.c.name, municipalities.c.is_demo))
        assert found == [(HERE, "Fjordvik kommune", True)]

    def test_has_units_of_all_kinds_each_with_somebody_who_leads_or_coordinates(self, town: sa.Engine) -> None:
        found = rows(town, sa.select(units.c.name, units.c.kind))
        assert len(found) >= 10
        assert Counter(kind for _, kind in found)["school"] == 2
        assert {"kindergarten", "health_centre", "ppt", "nav", "child_welfare", "family_support", "leisure"} <= {
            kind for _, kind in found
        }
        led = rows(town, sa.select(units.c.name).join(memberships, memberships.c.unit_id == units.c.id).where(
            memberships.c.role == "unit_leader"
        ))  # fmt: skip
        assert {name for (name,) in led} == {unit.name for unit in UNITS.values()}

    def test_has_some_forty_people_in_every_role_those_to_try_first(self, town: sa.Engine) -> None:
        with reading(town) as session:
            listed = demo_people(session)
        assert 38 <= len(listed) <= 46
        to_try = [one.name for one in STAFF.values() if one.try_this]
        assert [one.name for one in listed][: len(to_try)] == to_try
        assert {role for one in listed for role, _ in one.roles} == set(ROLES)
        assert all(one.title for one in listed)

    def test_has_some_250_children_and_each_who_has_a_story_is_in_one(self, town: sa.Engine) -> None:
        found = rows(town, sa.select(subjects.c.id, subjects.c.given_name, subjects.c.family_name))
        assert 230 <= len(found) <= 290
        in_a_case = {id_ for (id_,) in rows(town, sa.select(cases.c.subject_id))}
        told = {f"{given} {family}" for id_, given, family in found if id_ in in_a_case}
        assert told == {child.name for child in CHILDREN.values()}

    def test_knows_no_national_id_that_somebody_could_have(self, town: sa.Engine) -> None:
        found = [id_ for table in (subjects, guardians) for (id_,) in rows(town, sa.select(table.c.national_id))]
        assert len(found) == len(set(found)) > 500
        assert all(is_synthetic(id_) for id_ in found)

    def test_gives_every_child_an_id_that_says_when_it_was_born(self, town: sa.Engine) -> None:
        for id_, born_on in rows(town, sa.select(subjects.c.national_id, subjects.c.born_on)):
            assert id_.startswith(f"{born_on:%d}{born_on.month + 80}{born_on:%y}")

    def test_is_told_in_the_order_of_time_and_never_beyond_now(self, town: sa.Engine) -> None:
        told = [at for (at,) in rows(town, sa.select(audit_entries.c.at).order_by(audit_entries.c.id))]
        assert told == sorted(told)
        assert told[-1] < SUNDAY


def test_a_national_id_is_synthetic_only_with_month_and_digits_right() -> None:
    assert is_synthetic("17912099997")
    # The month as it is, a wrong last digit, ten digits, a letter.
    assert not is_synthetic("17112099997")
    assert not is_synthetic("17912099998")
    assert not is_synthetic("0181075016")
    assert not is_synthetic("x1810750160")


class TestTheCases:
    def test_are_as_many_as_a_newcomer_can_take_in(self, town: sa.Engine) -> None:
        assert 60 <= len(rows(town, sa.select(cases.c.id))) <= 85

    def test_stand_on_every_step_of_every_level(self, town: sa.Engine) -> None:
        steps = Counter(step for (step,) in rows(town, sa.select(cases.c.step)))
        assert set(steps) == {step.key for level in MODEL.definition.levels for step in level.steps} | {CLOSED}
        levels = Counter(step[0] for step in steps.elements())
        assert all(levels[level] >= 7 for level in "0123"), levels

    def test_are_closed_for_every_reason(self, town: sa.Engine) -> None:
        found = {reason for (reason,) in rows(town, sa.select(cases.c.closing_reason)) if reason}
        assert found == {choice.key for choice in MODEL.definition.closing_reasons}

    def test_keep_every_promise_of_the_engine(self, town: sa.Engine) -> None:
        assert broken(town, HERE, SUNDAY) == []

    def test_are_not_all_late(self, town: sa.Engine) -> None:
        due = [day for (day,) in rows(town, sa.select(cases.c.due_on).where(cases.c.closed_at.is_(None)))]
        late = sum(1 for day in due if day < local_day(SUNDAY))
        assert 3 <= late <= len(due) / 5


def worklist_of(database: sa.Engine, name: str, now: datetime) -> list[tuple[str, int, int]]:
    """Return given name, level and days to the deadline of somebody's cases."""
    today = local_day(now)
    with reading(database) as session:
        id_ = session.execute(sa.select(people.c.id).where(people.c.username == name)).scalar_one()
        actor = load_actor(session, municipality_id=HERE, person_id=id_)
        assert actor
        names = dict(session.execute(sa.select(subjects.c.id, subjects.c.given_name)).all())
        found = cases_by_deadline(session, actor=actor, wanted=Filter(), today=today)
        return [(names[row.subject_id], row.level_order, (row.due_on - today).days) for row in found]


def offers_to(database: sa.Engine, name: str, now: datetime) -> list[tuple[str, str]]:
    with reading(database) as session:
        id_ = session.execute(sa.select(people.c.id).where(people.c.username == name)).scalar_one()
        actor = load_actor(session, municipality_id=HERE, person_id=id_)
        assert actor
        return [(row.what, row.from_name) for row in waiting_for(session, actor=actor, today=local_day(now))]


KARIS = [("Ola", 1, -2), ("Aisha", 2, 1), ("Emil", 0, 5), ("Ánne-Márjá", 3, 8), ("Leon", 1, 12), ("Maja", 2, 19)]


class TestKarisWorklist:
    def test_is_that_of_the_picture(self, town: sa.Engine) -> None:
        assert worklist_of(town, "kari", SUNDAY) == KARIS

    def test_has_an_offer_that_waits_for_her(self, town: sa.Engine) -> None:
        assert offers_to(town, "kari", SUNDAY) == [("offer", "Siri Dahl")]

    def test_waits_for_olas_father(self, town: sa.Engine) -> None:
        subject = next(
            id_ for id_, name in rows(town, sa.select(subjects.c.id, subjects.c.given_name)) if name == "Ola"
        )
        found = rows(town, sa.text(
            "SELECT g.relation, (SELECT count(*) FROM consent_events e WHERE e.party_id = p.id) FROM consent_parties p"
            " JOIN consents k ON k.id = p.consent_id JOIN guardianships g ON g.guardian_id = p.guardian_id"
            " WHERE k.subject_id = :subject AND k.purpose = 'share'"
        ).bindparams(subject=subject))  # fmt: skip
        assert sorted(tuple(row) for row in found) == [("father", 0), ("mother", 1)]


@pytest.mark.parametrize(
    "now",
    [
        datetime(2028, 2, 29, 11, 0, tzinfo=UTC),
        # In the hour the clock skips, on a Sunday; and just after midnight on a Monday, the day after it went back.
        datetime(2027, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 23, 10, tzinfo=UTC),
    ],
    ids=lambda now: f"{now:%Y-%m-%d}",
)
def test_it_is_the_same_town_on_any_day(sqlite_database: sa.Engine, now: datetime) -> None:
    began = time.process_time()
    seeding.seed(sqlite_database, now)
    assert time.process_time() - began < 20
    assert worklist_of(sqlite_database, "kari", now) == KARIS
    assert [what for what, sql in SITUATIONS.items() if not rows(sqlite_database, situation(sql, now))] == []
    steps = {step for (step,) in rows(sqlite_database, sa.select(cases.c.step))}
    assert steps == {step.key for level in MODEL.definition.levels for step in level.steps} | {CLOSED}
    assert broken(sqlite_database, HERE, now) == []


# --- making it ----------------------------------------------------------------------------------------------------


@pytest.fixture
def few_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the town have a few stories only: what is tested is how they come there."""
    monkeypatch.setattr(seeding, "STORIES", seeding.STORIES[:3])


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.pg)])
def nothing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database where nobody has made anything yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new.db"
        return
    with database_named(request.getfixturevalue("postgresql_server"), f"bti_demo_new_{os.getpid()}") as url:
        yield url


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """A function that runs `bti demo` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("BTI_DATABASE_URL", "BTI_SECRET_KEY", "BTI_BIND", "BTI_HTTPS"):
        # Also puts back what the command sets for the server's processes.
        monkeypatch.setenv(name, "")
    return lambda *words: CliRunner().invoke(main, ["demo", *words])


def content(url: str) -> dict[str, list[Any]]:
    engine = open_database(url)
    try:
        return everything(engine)
    finally:
        engine.dispose()


@pytest.mark.usefixtures("few_stories")
class TestTheCommand:
    def test_makes_a_demo_and_says_who_to_log_in_as(self, run: Callable[..., Result], nothing: str) -> None:
        result = run("--no-serve", "--database", nothing)
        assert result.exit_code == 0, result.output
        assert mark_of(nothing) == "demo"
        assert len(content(nothing)["cases"]) == 3
        for one in STAFF.values():
            assert (one.name in result.output) == bool(one.try_this)
            assert one.try_this in result.output

    def test_keeps_it_in_var_of_the_folder_it_is_run_in(self, run: Callable[..., Result], tmp_path: Path) -> None:
        assert run("--no-serve").exit_code == 0
        assert stat.S_IMODE((tmp_path / "var/demo.db").stat().st_mode) == 0o600

    def test_keeps_what_is_there_the_second_time(self, run: Callable[..., Result], nothing: str) -> None:
        run("--no-serve", "--database", nothing)
        before = content(nothing)
        result = run("--no-serve", "--database", nothing)
        assert (result.exit_code, content(nothing)) == (0, before)
        assert "Making" not in result.output

    def test_begins_anew_when_asked_to(self, run: Callable[..., Result], nothing: str) -> None:
        run("--no-serve", "--database", nothing)
        before = content(nothing)
        assert run("--no-serve", "--reset", "--database", nothing).exit_code == 0
        after = content(nothing)
        assert {name: len(found) for name, found in after.items()} == {name: len(b) for name, b in before.items()}
        assert not {row[1] for row in after["cases"]} & {row[1] for row in before["cases"]}

    def test_brings_an_older_demo_up_to_date(
        self, run: Callable[..., Result], nothing: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("--no-serve", "--database", nothing)
        upgraded: list[sa.Engine] = []
        monkeypatch.setattr(command, "is_behind", lambda engine: True)
        monkeypatch.setattr(command, "upgrade", upgraded.append)
        assert run("--no-serve", "--database", nothing).exit_code == 0
        assert len(upgraded) == 1

    def test_leaves_nothing_half_when_it_is_interrupted(self, nothing: str) -> None:
        engine = open_database(nothing)
        with pytest.raises(KeyboardInterrupt):
            seeding.make(engine, SUNDAY, interrupt)
        engine.dispose()
        assert mark_of(nothing) == "empty"

    def test_keeps_the_old_demo_when_beginning_anew_is_interrupted(self, nothing: str) -> None:
        engine = open_database(nothing)
        seeding.make(engine, SUNDAY)
        before = everything(engine)
        with pytest.raises(KeyboardInterrupt):
            seeding.make_anew(engine, SUNDAY, interrupt)
        assert everything(engine) == before
        engine.dispose()


def interrupt(done: int, total: int) -> None:
    if done == 2:
        raise KeyboardInterrupt


@pytest.mark.usefixtures("few_stories")
class TestServing:
    @pytest.fixture
    def served(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
        calls: list[tuple[str, int]] = []
        monkeypatch.setattr(command, "run_server", lambda *_, host, port, **__: calls.append((host, port)))
        return calls

    def test_begins_when_the_demo_is_there(
        self, run: Callable[..., Result], served: list[tuple[str, int]], tmp_path: Path
    ) -> None:
        port = free_port()
        result = run("--bind", f"127.0.0.1:{port}")
        assert result.exit_code == 0, result.output
        assert served == [("127.0.0.1", port)]
        assert f"http://127.0.0.1:{port}" in result.output

    def test_has_its_log_signed_meanwhile_and_begins_it_anew_with_the_demo(
        self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, nothing: str
    ) -> None:
        signed: list[str] = []

        def serve_until_signed(*_: Any, **__: Any) -> None:
            engine = open_database(nothing)
            for _moment in range(600):
                with reading(engine) as session:
                    (found,) = [signed_log.state(session, municipality_id=one) for one in municipality_ids(session)]
                if found.checkpoint and not found.waiting:
                    signed.append(found.checkpoint)
                    break
                time.sleep(0.05)
            engine.dispose()

        monkeypatch.setattr(command, "run_server", serve_until_signed)
        for words in ((), (), ("--reset",)):
            result = run("--bind", f"127.0.0.1:{free_port()}", "--database", nothing, *words)
            assert result.exit_code == 0, result.output
        first, second, third = signed
        assert first == second != third

    @pytest.mark.usefixtures("served")
    def test_keeps_the_key_to_itself_and_for_the_next_time(self, run: Callable[..., Result], tmp_path: Path) -> None:
        run("--bind", f"127.0.0.1:{free_port()}")
        file = tmp_path / "var/demo.key"
        key = file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        run("--bind", f"127.0.0.1:{free_port()}")
        assert file.read_text() == key

    def test_says_when_the_port_is_taken_before_it_makes_anything(
        self, run: Callable[..., Result], served: list[tuple[str, int]], tmp_path: Path
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            bind = f"127.0.0.1:{other.getsockname()[1]}"
            result = run("--bind", bind)
        assert (result.exit_code, served) == (1, [])
        assert bind in result.output
        assert not (tmp_path / "var/demo.db").exists()

    def test_says_when_the_address_cannot_be_read(self, run: Callable[..., Result]) -> None:
        result = run("--bind", "nowhere")
        assert result.exit_code == 1
        assert "127.0.0.1:8000" in result.output


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as tried:
        return int(tried.getsockname()[1])


# --- nobody else's ------------------------------------------------------------------------------------------------


@pytest.fixture(params=["a municipality that is no demo", "one demo and one that isn't", "no municipality yet"])
def real(request: pytest.FixtureRequest, owned_database: sa.Engine) -> sa.Engine:
    """A database that is somebody's."""
    database = owned_database
    if request.param != "no municipality yet":
        settle(database)
        settle(database, municipality_id="nabovik")
        here = municipalities.c.id == "nabovik" if "one demo" in request.param else sa.true()
        with writing(database) as session:
            session.execute(sa.update(municipalities).where(here).values(is_demo=False))
    return database


@pytest.mark.parametrize("words", [(), ("--reset",)], ids=["", "reset"])
class TestADatabaseThatIsNoDemo:
    def test_is_refused_and_stays_as_it_is(
        self, run: Callable[..., Result], real: sa.Engine, words: tuple[str, ...]
    ) -> None:
        before, keys = everything(real), sealing.ring()
        url = real.url.render_as_string(hide_password=False)
        result = run("--no-serve", "--database", url, *words)
        assert result.exit_code == 1
        assert "isn't a demo" in result.output
        # The demo has keys of its own, and has run in this process.
        sealing.use(keys)
        assert everything(real) == before

    @pytest.mark.parametrize("log_left", [False, True], ids=["folded", "with a write-ahead log"])
    def test_is_the_same_to_the_byte(
        self,
        run: Callable[..., Result],
        fresh_sqlite: Callable[[], sa.Engine],
        tmp_path: Path,
        words: tuple[str, ...],
        log_left: bool,
    ) -> None:
        engine = fresh_sqlite()
        settle(engine)
        with writing(engine) as session:
            session.execute(sa.update(municipalities).values(is_demo=False))
        # As a server that was killed leaves it: what was committed last is in the log only.
        folder = tmp_path / "theirs"
        folder.mkdir()
        file = Path(engine.url.database or "")
        if not log_left:
            engine.dispose()
        for piece in file.parent.glob(f"{file.name}*"):
            if not piece.name.endswith("-shm"):
                shutil.copyfile(piece, folder / piece.name)
        before = {piece.name: piece.read_bytes() for piece in folder.iterdir()}
        assert (f"{file.name}-wal" in before) == log_left
        result = run("--no-serve", "--database", str(folder / file.name), *words)
        assert result.exit_code == 1
        after = {piece.name: piece.read_bytes() for piece in folder.iterdir() if not piece.name.endswith("-shm")}
        assert after == before

    def test_is_refused_when_it_is_somebody_elses_or_no_database(
        self, run: Callable[..., Result], tmp_path: Path, words: tuple[str, ...]
    ) -> None:
        import sqlite3

        other, letter = tmp_path / "other.db", tmp_path / "letter.txt"
        with sqlite3.connect(other) as connection:
            connection.execute("CREATE TABLE songs (title TEXT)")
        connection.close()
        letter.write_text("Dear all, this is no database. " * 50)
        for file in (other, letter):
            before = file.read_bytes()
            assert run("--no-serve", "--database", str(file), *words).exit_code == 1
            assert file.read_bytes() == before

    def test_is_refused_inside_the_transaction_too(self, real: sa.Engine, words: tuple[str, ...]) -> None:
        before = everything(real)
        with pytest.raises(seeding.NotADemo):
            (seeding.make_anew if words else seeding.make)(real, SUNDAY)
        assert everything(real) == before


def test_a_url_that_is_not_whole_is_explained(run: Callable[..., Result]) -> None:
    result = run("--no-serve", "--database", "postgresql+psycopg://somewhere")
    assert result.exit_code == 1
    assert "PostgreSQL URL" in result.output


def test_the_address_of_a_real_installation_is_never_used(
    run: Callable[..., Result], sqlite_database: sa.Engine, few_stories: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(sqlite_database)
    monkeypatch.setenv("BTI_DATABASE_URL", sqlite_database.url.render_as_string(hide_password=False))
    assert run("--no-serve").exit_code == 0
    assert everything(sqlite_database) == before
