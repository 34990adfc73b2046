"""Opening a closed case again: its holder is decided first, and it never comes back without one."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bti.errors import NotPossible
from tests.cast import Cast, settle


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def closed(cast: Cast) -> str:
    case_id = cast.at_level_1()
    cast.move(case_id, "close", closing_reason="goal_reached")
    return case_id


class TestOpeningAClosedCaseAgain:
    def test_with_its_log_needs_the_holder_decided_which_the_leader_may_do_while_it_is_closed(
        self, cast: Cast, closed: str
    ) -> None:
        cast.confirm(closed)
        cast.move(closed, "reopen_with_log", by="rune", reason="Fraværet er tilbake.")
        facts = cast.facts(closed)
        assert (facts.step, facts.holder_id, facts.is_interim) == ("1.1", "kari", False)

    def test_lets_the_baton_fall_to_the_leader_when_the_holder_has_left_meanwhile(
        self, cast: Cast, closed: str
    ) -> None:
        cast.end("kari")
        cast.move(closed, "reopen", by="rune", reason="Fraværet er tilbake.")
        facts = cast.facts(closed)
        assert (facts.step, facts.holder_id, facts.is_interim) == ("0.4", "rune", True)

    def test_decides_on_nobody_who_has_left(self, cast: Cast, closed: str) -> None:
        cast.end("kari")
        with pytest.raises(NotPossible, match="holder_left"):
            cast.confirm(closed)
