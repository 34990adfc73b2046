"""How often a secret may be tried: a stranger waits, nobody else does, and two at once can't share the last try."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from bti import tenancy
from bti.db import open_database, writing
from bti.errors import TooSoon
from bti.models import throttles
from bti.usecases import throttling
from bti.usecases.throttling import Bucket, own_buckets, password_buckets
from tests.cast import HERE, NEXT_DOOR, Cast, settle, settle_neighbour
from tests.doors import trail

KEY = "only-for-tests"


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def buckets(account: str = "kari", source: str = "192.0.2.1", device: str = "") -> tuple[Bucket, ...]:
    return password_buckets(key=KEY, account=account, source=source, device=device)


def wait(cast: Cast, wanted: tuple[Bucket, ...], *, here: str = HERE) -> int:
    """Try once; return the seconds to wait, 0 when the try was let in."""
    try:
        with tenancy.within(here), writing(cast.database) as session:
            throttling.take(session, municipality_id=here, buckets=wanted, now=cast.now)
    except TooSoon as soon:
        return soon.seconds
    return 0


def tries(cast: Cast, wanted: tuple[Bucket, ...], most: int = 100) -> int:
    """Return how many tries are let in at this moment."""
    return next((number for number in range(most) if wait(cast, wanted)), most)


class TestGuessingAPassword:
    def test_is_let_in_five_times_and_then_every_two_minutes(self, cast: Cast) -> None:
        assert tries(cast, buckets()) == 5
        assert wait(cast, buckets()) == 120
        cast.later(seconds=119)
        assert wait(cast, buckets()) == 1
        cast.later(seconds=1)
        assert wait(cast, buckets()) == 0
        assert wait(cast, buckets()) == 120

    def test_in_vain_makes_nobody_wait_longer(self, cast: Cast) -> None:
        tries(cast, buckets())
        assert {wait(cast, buckets()) for _ in range(20)} == {120}

    def test_goes_on_afresh_after_a_while(self, cast: Cast) -> None:
        assert tries(cast, buckets()) == 5
        cast.later(minutes=10)
        assert tries(cast, buckets()) == 5

    def test_doesnt_make_the_person_wait_elsewhere(self, cast: Cast) -> None:
        tries(cast, buckets())
        assert tries(cast, buckets(source="198.51.100.7")) == 5

    def test_from_many_addresses_doesnt_stop_a_known_device(self, cast: Cast) -> None:
        for number in range(50):
            tries(cast, buckets(source=f"198.51.100.{number}"))
        tries(cast, buckets())
        assert wait(cast, buckets(device="kitchen")) == 0

    def test_of_many_accounts_from_one_address_is_stopped_too(self, cast: Cast) -> None:
        let_in = sum(wait(cast, buckets(account=f"name{number}")) == 0 for number in range(60))
        assert let_in == 30
        assert wait(cast, buckets(account="kari")) > 0
        assert wait(cast, buckets(account="kari", source="198.51.100.7")) == 0

    def test_with_a_stolen_device_is_stopped_as_well(self, cast: Cast) -> None:
        assert tries(cast, buckets(device="kitchen")) == 10
        assert wait(cast, buckets(device="kitchen")) == 60

    def test_is_counted_in_each_municipality(self, cast: Cast) -> None:
        settle_neighbour(cast.database)
        tries(cast, buckets())
        assert wait(cast, buckets(), here=NEXT_DOOR) == 0

    def test_right_at_last_gives_the_tries_back_but_not_those_of_others(self, cast: Cast) -> None:
        for number in range(20):
            wait(cast, buckets(account=f"name{number}"))
        for _number in range(4):
            wait(cast, buckets())
        with cast.writing() as session:
            throttling.give_back(session, municipality_id=HERE, buckets=buckets())
        assert tries(cast, buckets()) == 5
        # 20 by others, 4 and 5 of one's own, and one given back: two are left of the address's thirty.
        left = sum(wait(cast, buckets(account=f"other{number}")) == 0 for number in range(10))
        assert left == 2

    def test_from_a_town_hall_that_types_right_stops_nobody(self, cast: Cast) -> None:
        for number in range(200):
            mine = buckets(account=f"name{number}")
            assert wait(cast, mine) == 0
            with cast.writing() as session:
                throttling.give_back(session, municipality_id=HERE, buckets=mine)


class TestGuessingACode:
    def test_is_let_in_five_times_wherever_it_comes_from(self, cast: Cast) -> None:
        mine = own_buckets(key=KEY, door="code", actor=cast.actor("arne"))
        assert tries(cast, mine) == 5
        assert tries(cast, own_buckets(key=KEY, door="own_password", actor=cast.actor("arne"))) == 5
        assert tries(cast, own_buckets(key=KEY, door="code", actor=cast.actor("tove"))) == 5
        assert tries(cast, own_buckets(key=KEY, door="code", actor=cast.actor("arne"), device="kitchen")) == 5


class TestABucket:
    def test_tells_neither_who_nor_where(self, cast: Cast) -> None:
        wait(cast, buckets(account="hemmelig", source="192.0.2.99"))
        with cast.reading() as session:
            rows = repr(session.execute(sa.select(throttles)).all())
        assert "hemmelig" not in rows
        assert "192.0.2" not in rows
        assert {one.name for one in buckets()}.isdisjoint({one.name for one in password_buckets(
            key="another key", account="kari", source="192.0.2.1"
        )})  # fmt: skip

    def test_that_is_empty_is_thrown_away(self, cast: Cast) -> None:
        wait(cast, buckets())
        assert self.forget(cast) == 0
        cast.later(minutes=3)
        assert self.forget(cast) == 2
        assert tries(cast, buckets()) == 5

    def forget(self, cast: Cast) -> int:
        with cast.writing() as session:
            return throttling.forget(session, municipality_id=HERE, now=cast.now)

    def test_that_is_full_is_told_without_a_name(self, cast: Cast) -> None:
        with cast.writing() as session:
            throttling.record(session, municipality_id=HERE, door="password", now=cast.now)
        (told,) = trail(cast, "session.throttle")
        assert (told.actor_id, told.decision, json.loads(told.fields)) == (None, "refused", {"door": "password"})

    @pytest.mark.parametrize("turn", range(3))
    def test_gives_each_try_to_one_of_those_who_come_at_once(self, cast: Cast, turn: int) -> None:
        url, start = cast.database.url.render_as_string(hide_password=False), Barrier(4)

        def guess(number: int) -> int:
            engine = open_database(url)
            try:
                mine = Cast(engine, cast.now)
                start.wait()
                return sum(wait(mine, buckets(source="192.0.2.1")) == 0 for _ in range(5))
            finally:
                engine.dispose()

        with ThreadPoolExecutor(4) as threads:
            let_in = list(threads.map(guess, range(4)))
        assert sum(let_in) == 5
