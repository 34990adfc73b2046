"""Sessions: what a token is worth, for how long, and everything that ends it at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from bench.statements import said
from bti.crypto.passwords import hash_password
from bti.crypto.totp import new_secret
from bti.db import open_database, reading, writing
from bti.errors import Forbidden, NotFound, Refused
from bti.models import memberships, municipalities, people, second_factors, sessions
from bti.queries.people import load_actor
from bti.usecases import factors, imports, logins
from bti.usecases import people as staff
from bti.usecases import sessions as usecases
from bti.usecases.sessions import ABSOLUTE, HALFWAY, IDLE, KEPT, Begun, missing_proof, why_ended
from bti.usecases.system import System
from tests.cast import HERE, NEXT_DOOR, Cast, settle, settle_neighbour
from tests.doors import PASSWORD, begun, code_now, enter, found, how_ended, look_up, trail, with_factor

OTHER = "et helt annet passord"


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def real(cast: Cast) -> None:
    """Let the municipality be no demo."""
    with cast.writing() as session:
        session.execute(sa.update(municipalities).values(is_demo=False))


def with_password(cast: Cast, *names: str) -> None:
    with cast.writing() as session:
        kept = hash_password(PASSWORD)
        session.execute(sa.update(people).where(people.c.id.in_(names)).values(password_hash=kept))


class TestAToken:
    def test_finds_the_person_with_their_roles_in_one_statement(self, cast: Cast) -> None:
        cast.grant("kari", "ppt")
        mine = begun(cast, "kari")
        seen: list[Any] = []
        asked = said(cast.database, lambda: seen.append(look_up(cast, mine.token)))
        assert len([one for one in asked if one.startswith("SELECT")]) == 1
        assert seen[0].actor == cast.actor("kari")
        assert [m.unit_id for m in seen[0].actor.memberships] == ["school", "ppt"]

    def test_stands_nowhere_in_the_database(self, cast: Cast) -> None:
        mine = begun(cast, "kari")
        with cast.reading() as session:
            rows = repr(session.execute(sa.select(sessions)).all())
        assert mine.id in rows
        assert mine.token not in rows

    def test_belongs_to_one_municipality(self, cast: Cast) -> None:
        mine, there = begun(cast, "kari"), settle_neighbour(cast.database)
        assert look_up(there, mine.token) is None

    @pytest.mark.parametrize("token", ["", "x", "A" * 43, "' OR 1=1 --", "æ" * 43])
    def test_of_somebodys_own_making_is_nobody(self, token: str, cast: Cast) -> None:
        begun(cast, "kari")
        assert look_up(cast, token) is None

    def test_that_is_shown_by_mistake_isnt_shown(self, cast: Cast) -> None:
        mine = begun(cast, "kari")
        assert mine.token not in repr(mine)


def ends_by_file(cast: Cast) -> None:
    file = "brukernavn;navn;enhet;rolle\nkari;Kari Nordmann;PPT Fjordvik;employee\n"
    arne = cast.actor("arne")
    with cast.writing() as session:
        run_id = imports.runs.receive(session, actor=arne, kind="staff", content=file.encode(), now=cast.now)
    assert imports.runs.check(cast.database, actor=arne, run_id=run_id, clock=lambda: cast.now).is_good
    imports.runs.carry_out(cast.database, actor=arne, run_id=run_id, clock=lambda: cast.now)


def ends_by_operator(cast: Cast) -> None:
    with cast.writing() as session:
        factors.reset(session, actor=System(HERE), person_id="kari", now=cast.now)


ENDINGS: dict[str, tuple[Callable[[Cast], object], str]] = {
    "person ended": (lambda cast: cast.end("kari"), "person_ended"),
    "role ended": (lambda cast: cast.end_role("kari", "school"), "role_ended"),
    "role granted": (lambda cast: cast.grant("kari", "ppt"), "role_granted"),
    "role by file": (ends_by_file, "role_granted"),
    "password given": (
        lambda cast: cast.act(staff.set_password, by="arne", person_id="kari", password=OTHER),
        "password_changed",
    ),
    "password changed": (
        lambda cast: cast.act(staff.change_own_password, by="kari", old=PASSWORD, new=OTHER),
        "password_changed",
    ),
    "factor added": (lambda cast: with_factor(cast, "kari"), "factor_changed"),
    "factor reset": (ends_by_operator, "factor_changed"),
    "by oneself": (
        lambda cast: cast.act(usecases.end_all, by="kari", person_id="kari", cause="owner"),
        "owner",
    ),
}


class TestASessionEndsAtOnce:
    @pytest.mark.parametrize("what", ENDINGS)
    def test_with_what_it_stood_on(self, what: str, cast: Cast) -> None:
        with_password(cast, "kari")
        if what == "factor reset":
            with_factor(cast, "kari")
        first, second, another = begun(cast, "kari"), begun(cast, "kari", level="demo"), begun(cast, "siri")
        neighbour = begun(settle_neighbour(cast.database), "kari")
        does, cause = ENDINGS[what]
        does(cast)
        for mine in (first, second):
            assert how_ended(cast, mine) == cause
            there = look_up(cast, mine.token)
            assert there is None or why_ended(there, cast.now) == cause
        assert how_ended(cast, another) is None
        assert how_ended(Cast(cast.database, municipality_id=NEXT_DOOR), neighbour) is None
        told = [one for one in trail(cast, "session.end") if one.object_id in (first.id, second.id)]
        assert [json.loads(one.fields) for one in told] == [{"person": "kari", "cause": cause}] * 2

    def test_and_what_was_refused_ends_nothing(self, cast: Cast) -> None:
        arne = begun(cast, "arne")
        with pytest.raises(Refused):
            cast.end("arne")
        assert how_ended(cast, arne) is None

    def test_only_by_its_own_person(self, cast: Cast) -> None:
        mine = begun(cast, "kari")
        for name in ("siri", "arne"):
            with pytest.raises(NotFound):
                cast.act(usecases.end_own, by=name, session_id=mine.id)
        cast.act(usecases.end_own, by="kari", session_id=mine.id)
        with pytest.raises(NotFound):
            cast.act(usecases.end_own, by="kari", session_id=mine.id)
        assert [one.object_id for one in trail(cast, "session.end")] == [mine.id]

    def test_when_its_person_logs_out_and_once(self, cast: Cast) -> None:
        mine = begun(cast, "kari")
        there = found(cast, mine)
        for _twice in range(2):
            with cast.writing() as session:
                usecases.log_out(session, found=there, now=cast.now)
        assert how_ended(cast, mine) == "logout"
        assert [(one.actor_id, one.object_id) for one in trail(cast, "session.logout")] == [("kari", mine.id)]

    def test_that_was_for_a_demo_when_the_municipality_is_one_no_longer(self, cast: Cast) -> None:
        mine = begun(cast, "kari", level="demo")
        assert why_ended(found(cast, mine), cast.now) == ""
        real(cast)
        assert why_ended(found(cast, mine), cast.now) == "no_demo"


class TestTime:
    def test_ends_a_session_that_isnt_used(self, cast: Cast) -> None:
        mine = found(cast, begun(cast, "kari"))
        assert why_ended(mine, cast.now + IDLE) == ""
        assert why_ended(mine, cast.now + IDLE + timedelta(seconds=1)) == "idle"

    def test_ends_a_session_however_much_it_is_used(self, cast: Cast) -> None:
        mine, began = begun(cast, "kari"), cast.now
        while cast.now - began < ABSOLUTE:
            cast.later(minutes=20)
            with cast.writing() as session:
                usecases.touch(session, found=found(cast, mine), now=cast.now)
            assert why_ended(found(cast, mine), cast.now) == ""
        cast.later(seconds=1)
        assert why_ended(found(cast, mine), cast.now) == "absolute"

    def test_to_prove_the_second_factor_is_short(self, cast: Cast) -> None:
        real(cast)
        half = found(cast, begun(cast, "arne", level="password"))
        assert missing_proof(half) == "enrolment"
        assert why_ended(half, cast.now + HALFWAY) == ""
        assert why_ended(half, cast.now + HALFWAY + timedelta(seconds=1)) == "absolute"

    def test_of_last_use_only_goes_forward(self, cast: Cast) -> None:
        mine = begun(cast, "kari")
        there, late, early = found(cast, mine), cast.now + timedelta(minutes=5), cast.now + timedelta(minutes=2)
        for moment in (late, early):
            with cast.writing() as session:
                usecases.touch(session, found=there, now=moment)
        assert found(cast, mine).seen_at == late

    def test_is_tidied_up_after_and_the_trail_stays(self, cast: Cast) -> None:
        old, idle = begun(cast, "kari"), begun(cast, "siri")
        cast.act(usecases.end_own, by="kari", session_id=old.id)
        cast.later(minutes=31)
        fresh = begun(cast, "amir")
        assert self.tidy(cast) == (1, 0)
        assert (how_ended(cast, idle), how_ended(cast, fresh)) == ("idle", None)
        cast.later(hours=9)
        assert self.tidy(cast) == (1, 0)
        cast.later(days=KEPT.days, hours=1)
        assert self.tidy(cast) == (0, 3)
        assert len(trail(cast, "session.end")) == 3
        assert look_up(cast, old.token) is None

    def tidy(self, cast: Cast) -> tuple[int, int]:
        with cast.writing() as session:
            return usecases.tidy(session, actor=System(HERE), now=cast.now)


class TestShowingAgainThatItIsOneself:
    def test_gives_a_new_token_and_voids_the_old_one(self, cast: Cast) -> None:
        old = begun(cast, "kari", level="password")
        there, began = found(cast, old), cast.now
        cast.later(hours=1)
        with cast.writing() as session:
            new = usecases.step_up(session, found=there, method="password", now=cast.now)
        assert new.id != old.id
        assert new.token != old.token
        assert how_ended(cast, old) == "stepped_up"
        now = found(cast, new)
        assert (now.began_at, now.stepped_up_at, now.proven_at) == (began, cast.now, cast.now)
        (told,) = trail(cast, "session.step_up")
        assert (told.object_id, json.loads(told.fields)) == (new.id, {"from": old.id, "method": "password"})
        assert trail(cast, "session.end") == []

    def test_is_too_late_for_a_session_that_has_ended(self, cast: Cast) -> None:
        old = begun(cast, "kari")
        there = found(cast, old)
        cast.grant("kari", "ppt")
        with cast.writing() as session, pytest.raises(NotFound):
            usecases.step_up(session, found=there, method="totp", now=cast.now)


class TestWhatIsMissing:
    @pytest.mark.parametrize("name", ["kari", "rune", "berit", "bti", "tove", "arne"])
    @pytest.mark.parametrize("is_demo", [True, False])
    @pytest.mark.parametrize("has_factor", [True, False])
    @pytest.mark.parametrize("level", ["password", "password+totp", "demo"])
    def test_before_a_session_opens_anything(
        self, name: str, is_demo: bool, has_factor: bool, level: str, cast: Cast
    ) -> None:
        if has_factor:
            with_factor(cast, name)
        if not is_demo:
            real(cast)
        demanded = name in ("tove", "arne") and not is_demo
        expected = "" if level != "password" else "totp" if has_factor else "enrolment" if demanded else ""
        assert missing_proof(found(cast, begun(cast, name, level=level))) == expected

    def test_is_asked_anew_when_a_role_comes_by_whatever_way(self, cast: Cast) -> None:
        real(cast)
        mine = begun(cast, "bti", level="password")
        assert missing_proof(found(cast, mine)) == ""
        with cast.writing() as session:
            given = {"id": "by-hand", "person_id": "bti", "unit_id": "town_hall", "role": "auditor"}
            session.execute(sa.insert(memberships), given | {"municipality_id": HERE, "started_at": cast.now})
        assert missing_proof(found(cast, mine)) == "enrolment"


class TestComingIn:
    def come(self, cast: Cast, name: str = "kari", password: str = PASSWORD) -> Begun:
        with cast.writing() as session:
            return enter(session, municipality_id=HERE, username=name, password=password, now=cast.now)

    def test_by_password_is_told_with_its_level(self, cast: Cast) -> None:
        with_password(cast, "kari")
        mine = self.come(cast)
        (told,) = trail(cast, "session.login")
        assert (told.actor_id, told.object_id) == ("kari", mine.id)
        assert json.loads(told.fields) == {"level": "password", "method": "password"}

    @pytest.mark.parametrize(("ready", "missing"), [(True, "totp"), (False, "enrolment")])
    def test_halfway_is_no_login(self, ready: bool, missing: str, cast: Cast) -> None:
        with_password(cast, "arne")
        if ready:
            with_factor(cast, "arne")
        real(cast)
        half = self.come(cast, "arne")
        assert half.missing == missing == missing_proof(found(cast, half))
        assert trail(cast, "session.login") == []
        (told,) = trail(cast, "session.ask_factor")
        assert (told.actor_id, json.loads(told.fields)) == ("arne", {"awaits": missing})

    def test_all_the_way_ends_the_half(self, cast: Cast) -> None:
        with_password(cast, "arne")
        secret, _codes = with_factor(cast, "arne")
        half = self.come(cast, "arne")
        there = found(cast, half)
        with cast.writing() as session:
            method = factors.prove(session, actor=there.actor, typed=code_now(cast, secret), now=cast.now)
            whole = logins.complete(session, found=there, method=method, now=cast.now)
        assert how_ended(cast, half) == "completed"
        assert missing_proof(found(cast, whole)) == ""
        with cast.writing() as session, pytest.raises(NotFound):
            logins.complete(session, found=there, method=method, now=cast.now)

    @pytest.mark.parametrize("between", ["ended", "password"])
    def test_is_refused_when_something_changes_while_the_password_is_looked_at(self, between: str, cast: Cast) -> None:
        with_password(cast, "kari")
        with cast.reading() as session:
            account = logins.find_account(session, municipality_id=HERE, username="kari")
        assert logins.is_right(account, PASSWORD)
        if between == "ended":
            cast.end("kari")
        else:
            cast.act(staff.set_password, by="arne", person_id="kari", password=OTHER)
        with cast.writing() as session, pytest.raises(Forbidden):
            logins.enter(session, account=account, now=cast.now)

    def test_in_the_place_of_somebody_else_ends_theirs(self, cast: Cast) -> None:
        old = begun(cast, "siri")
        with cast.writing() as session:
            logins.log_in_as(session, municipality_id=HERE, person_id="kari", now=cast.now, replaces=found(cast, old))
        assert how_ended(cast, old) == "replaced"
        assert [json.loads(one.fields)["cause"] for one in trail(cast, "session.end")] == ["replaced"]


class TestTwoProcessesAtOnce:
    """Engines of their own are what processes have: nothing but the database is shared."""

    def at_once(self, cast: Cast, *attempts: Callable[[sa.Engine], Any]) -> list[Any]:
        url, start = cast.database.url.render_as_string(hide_password=False), Barrier(len(attempts))

        def run(attempt: Callable[[sa.Engine], Any]) -> Any:
            engine = open_database(url)
            try:
                with reading(engine) as session:
                    session.execute(sa.select(people.c.id)).all()
                start.wait()
                return attempt(engine)
            except Refused as refusal:
                return refusal
            finally:
                engine.dispose()

        with ThreadPoolExecutor(len(attempts)) as threads:
            return list(threads.map(run, attempts))

    def test_log_one_person_in_twice(self, cast: Cast) -> None:
        with_password(cast, "kari")

        def come(engine: sa.Engine) -> Begun:
            with reading(engine) as session:
                account = logins.find_account(session, municipality_id=HERE, username="kari")
            assert logins.is_right(account, PASSWORD)
            with writing(engine) as session:
                return logins.enter(session, account=account, now=cast.now)

        first, second = self.at_once(cast, come, come)
        assert first.token != second.token
        assert [how_ended(cast, one) for one in (first, second)] == [None, None]
        assert len(trail(cast, "session.login")) == 2

    @pytest.mark.parametrize("turn", range(3))
    def test_leave_nobody_in_who_is_ended_at_the_same_moment(self, cast: Cast, turn: int) -> None:
        with_password(cast, "per")
        with cast.reading() as session:
            account = logins.find_account(session, municipality_id=HERE, username="per")
            arne = load_actor(session, municipality_id=HERE, person_id="arne")
        assert arne is not None

        def come(engine: sa.Engine) -> Begun:
            with writing(engine) as session:
                return logins.enter(session, account=account, now=cast.now)

        def end(engine: sa.Engine) -> int:
            with writing(engine) as session:
                return staff.end_person(session, actor=arne, person_id="per", now=cast.now)

        self.at_once(cast, come, end, come)
        with cast.reading() as session:
            live = session.execute(sa.select(sessions.c.id).where(sessions.c.ended_at.is_(None))).all()
        assert live == []

    def test_use_one_code_once(self, cast: Cast) -> None:
        secret, _codes = with_factor(cast, "arne")
        typed, actor = code_now(cast, secret), cast.actor("arne")

        def prove(engine: sa.Engine) -> str:
            with writing(engine) as session:
                return factors.prove(session, actor=actor, typed=typed, now=cast.now)

        results = self.at_once(cast, prove, prove, prove)
        assert results.count("totp") == 1
        assert {one.code for one in results if isinstance(one, Refused)} == {"wrong_code"}

    def test_use_one_recovery_code_once(self, cast: Cast) -> None:
        _secret, codes = with_factor(cast, "arne")
        actor = cast.actor("arne")

        def prove(engine: sa.Engine) -> str:
            with writing(engine) as session:
                return factors.prove(session, actor=actor, typed=codes[0], now=cast.now)

        results = self.at_once(cast, prove, prove, prove)
        assert results.count("recovery") == 1
        assert len([one for one in results if isinstance(one, Forbidden)]) == 2

    def test_begin_one_second_factor(self, cast: Cast) -> None:
        real(cast)
        halves = [found(cast, begun(cast, "arne", level="password")) for _ in range(2)]
        secrets = [new_secret() for _ in halves]

        def add(number: int) -> Callable[[sa.Engine], Any]:
            def work(engine: sa.Engine) -> Any:
                with writing(engine) as session:
                    return factors.add(
                        session, found=halves[number], secret=secrets[number], now=cast.now,
                        code=code_now(cast, secrets[number]),
                    )  # fmt: skip

            return work

        results = self.at_once(cast, add(0), add(1))
        assert len([one for one in results if isinstance(one, tuple)]) == 1
        with cast.reading() as session:
            live = session.execute(
                sa.select(second_factors.c.secret).where(second_factors.c.ended_at.is_(None))
            ).scalars()
            assert live.all() == [secrets[[isinstance(one, tuple) for one in results].index(True)]]
