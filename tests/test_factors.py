"""The second factor: begun with a code, proven once with each, replaced, turned off, reset by the operator."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from bti.audit.trail import COMMITMENT
from bti.crypto.totp import STEP_SECONDS, new_secret
from bti.db import reading, writing
from bti.errors import Forbidden, Invalid, NotPossible, Refused
from bti.models import metadata, municipalities, recovery_codes, second_factors
from bti.usecases import factors
from bti.usecases.factors import RECOVERY_CODES
from bti.usecases.system import System
from tests.cast import HERE, Cast, settle
from tests.doors import begun, code_now, found, how_ended, trail, with_factor


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def prove(cast: Cast, name: str, typed: str) -> str:
    """Return how a code was proven, or the code of the refusal."""
    try:
        with writing(cast.database) as session:
            return factors.prove(session, actor=cast.actor_in(session, name), typed=typed, now=cast.now)
    except Refused as refusal:
        return refusal.code


class TestBeginning:
    def test_needs_the_code_that_the_app_shows(self, cast: Cast) -> None:
        secret, mine = new_secret(), found(cast, begun(cast, "arne"))
        for typed, code in (("", "missing"), ("  ", "missing"), ("000", "wrong_code"), ("abcdef", "wrong_code")):
            with writing(cast.database) as session, pytest.raises(Invalid) as refused:
                factors.add(session, found=mine, secret=secret, code=typed, now=cast.now)
            assert refused.value.fields == {"code": code}
        assert trail(cast, "factor.add") == []

    def test_takes_the_code_as_it_is_shown_with_a_space(self, cast: Cast) -> None:
        secret, mine = new_secret(), found(cast, begun(cast, "arne"))
        code = code_now(cast, secret)
        with writing(cast.database) as session:
            factors.add(session, found=mine, secret=secret, code=f" {code[:3]} {code[3:]} ", now=cast.now)
        (told,) = trail(cast, "factor.add")
        fields = json.loads(told.fields)
        assert fields.pop(COMMITMENT).keys() == {"second_factors"}
        assert (told.actor_id, fields) == ("arne", {"recovery_codes": RECOVERY_CODES})

    def test_keeps_no_recovery_code_and_seals_the_secret_with_the_rest(self, cast: Cast) -> None:
        _secret, codes = with_factor(cast, "arne")
        with reading(cast.database) as session:
            rows = repr(session.execute(sa.select(recovery_codes)).all())
        assert len(set(codes)) == RECOVERY_CODES
        assert not [one for one in codes if one in rows or one.replace("-", "") in rows]
        assert metadata.tables["second_factors"].c.secret.info == {"confidential": True}

    def test_again_takes_the_place_of_the_first_and_ends_other_sessions(self, cast: Cast) -> None:
        old, old_codes = with_factor(cast, "arne")
        other, mine, new = begun(cast, "arne"), begun(cast, "arne"), new_secret()
        with writing(cast.database) as session:
            factors.add(session, found=found(cast, mine), secret=new, code=code_now(cast, new), now=cast.now)
        assert (how_ended(cast, other), how_ended(cast, mine)) == ("factor_changed", None)
        cast.later(seconds=STEP_SECONDS)
        assert prove(cast, "arne", code_now(cast, old)) == "wrong_code"
        assert prove(cast, "arne", old_codes[0]) == "wrong_code"
        assert prove(cast, "arne", code_now(cast, new)) == "totp"
        assert json.loads(trail(cast, "factor.reset")[0].fields) == {"person": "arne", "cause": "replaced"}

    def test_with_no_more_than_a_password_replaces_nothing(self, cast: Cast) -> None:
        old, _codes = with_factor(cast, "arne")
        half, new = found(cast, begun(cast, "arne", level="password")), new_secret()
        with writing(cast.database) as session, pytest.raises(NotPossible) as refused:
            factors.add(session, found=half, secret=new, code=code_now(cast, new), now=cast.now)
        assert refused.value.code == "has_factor"
        assert prove(cast, "arne", code_now(cast, old)) == "totp"


class TestProving:
    def test_takes_each_code_once(self, cast: Cast) -> None:
        secret, _codes = with_factor(cast, "arne")
        code = code_now(cast, secret)
        assert prove(cast, "arne", code) == "totp"
        assert prove(cast, "arne", code) == "wrong_code"
        cast.later(seconds=STEP_SECONDS)
        assert prove(cast, "arne", code) == "wrong_code"
        assert prove(cast, "arne", code_now(cast, secret)) == "totp"

    def test_refuses_the_code_that_began_it(self, cast: Cast) -> None:
        secret, _codes = with_factor(cast, "arne")
        assert prove(cast, "arne", code_now(cast, secret, seconds=-STEP_SECONDS)) == "wrong_code"

    def test_takes_no_older_code_after_a_newer_one(self, cast: Cast) -> None:
        secret, _codes = with_factor(cast, "arne")
        cast.later(minutes=5)
        assert prove(cast, "arne", code_now(cast, secret, seconds=STEP_SECONDS)) == "totp"
        assert prove(cast, "arne", code_now(cast, secret)) == "wrong_code"

    @pytest.mark.parametrize("seconds", [-90, -60, 60, 90])
    def test_takes_no_code_of_another_time(self, seconds: int, cast: Cast) -> None:
        secret, _codes = with_factor(cast, "arne")
        cast.later(minutes=5)
        assert prove(cast, "arne", code_now(cast, secret, seconds=seconds)) == "wrong_code"

    def test_takes_each_recovery_code_once_however_it_is_typed(self, cast: Cast) -> None:
        _secret, codes = with_factor(cast, "arne")
        assert prove(cast, "arne", f" {codes[3].upper().replace('-', ' ')}") == "recovery"
        assert prove(cast, "arne", codes[3]) == "wrong_code"
        assert prove(cast, "arne", codes[4]) == "recovery"
        with reading(cast.database) as session:
            left = factors.factor_of(session, actor=cast.actor("arne"))
        assert left is not None
        assert left.codes_left == RECOVERY_CODES - 2

    @pytest.mark.parametrize("typed", ["", "0", "000000", "x" * 100_000, "æøå", "\ud800", "1234567", "١٢٣٤٥٦"])
    def test_refuses_everything_else(self, typed: str, cast: Cast) -> None:
        with_factor(cast, "arne")
        assert prove(cast, "arne", typed) == "wrong_code"
        assert prove(cast, "kari", typed) == "wrong_code"

    def test_takes_nobody_elses(self, cast: Cast) -> None:
        secret, codes = with_factor(cast, "arne")
        with_factor(cast, "tove")
        assert prove(cast, "tove", code_now(cast, secret)) == "wrong_code"
        assert prove(cast, "tove", codes[0]) == "wrong_code"


class TestEnding:
    def test_of_ones_own_accord_where_no_role_demands_it(self, cast: Cast) -> None:
        with_factor(cast, "kari")
        mine, other = begun(cast, "kari"), begun(cast, "kari")
        with writing(cast.database) as session:
            factors.turn_off(session, found=found(cast, mine), now=cast.now)
        assert (how_ended(cast, mine), how_ended(cast, other)) == (None, "factor_changed")
        with writing(cast.database) as session, pytest.raises(NotPossible):
            factors.turn_off(session, found=found(cast, mine), now=cast.now)

    def test_is_refused_to_whoever_must_have_one(self, cast: Cast) -> None:
        with_factor(cast, "tove")
        with writing(cast.database) as session:
            session.execute(sa.update(municipalities).values(is_demo=False))
        mine = found(cast, begun(cast, "tove"))
        with writing(cast.database) as session, pytest.raises(Forbidden) as refused:
            factors.turn_off(session, found=mine, now=cast.now)
        assert refused.value.code == "needs_factor"

    def test_by_the_operator_is_told(self, cast: Cast) -> None:
        secret, codes = with_factor(cast, "arne")
        with writing(cast.database) as session:
            factors.reset(session, actor=System(HERE), person_id="arne", now=cast.now)
        assert prove(cast, "arne", code_now(cast, secret)) == "wrong_code"
        assert prove(cast, "arne", codes[0]) == "wrong_code"
        (told,) = trail(cast, "factor.reset")
        assert (told.actor_id, told.role) == (None, "system")
        assert json.loads(told.fields) == {"person": "arne", "cause": "operator"}
        with writing(cast.database) as session, pytest.raises(NotPossible):
            factors.reset(session, actor=System(HERE), person_id="arne", now=cast.now)

    @pytest.mark.parametrize("name", ["kari", "rune", "tove", "bti"])
    def test_of_somebody_elses_is_nobodys_business(self, name: str, cast: Cast) -> None:
        with_factor(cast, "arne")
        with writing(cast.database) as session, pytest.raises(Forbidden):
            factors.reset(session, actor=cast.actor_in(session, name), person_id="arne", now=cast.now)
        with reading(cast.database) as session:
            live = sa.select(sa.func.count()).where(second_factors.c.ended_at.is_(None))
            assert session.execute(live).scalar_one() == 1
