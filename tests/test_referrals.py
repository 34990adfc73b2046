"""Stuck cases and disagreements, and advice that is never joined to a case."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bti import policy
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import anonymous_discussions, metadata
from bti.usecases import referrals
from tests.cast import HERE, Cast, settle
from tests.invariants import broken, trail_of


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def case_id(cast: Cast) -> str:
    return cast.at_level_2()


def refer(cast: Cast, case_id: str, by: str = "kari") -> str:
    return str(cast.act(referrals.refer, by=by, case_id=case_id, cause="stuck", question="Hvem har ansvaret?"))


def decide(cast: Cast, case_id: str, by: str = "berit", outcome: str = "go_on", reason: str = "Skolen.") -> None:
    cast.act(referrals.decide, by=by, case_id=case_id, outcome=outcome, reason=reason)


class TestReferringACase:
    def test_is_for_holder_and_leader(self, cast: Cast, case_id: str) -> None:
        with pytest.raises(Forbidden):
            refer(cast, case_id, by="siri")
        with pytest.raises(NotFound):
            refer(cast, case_id, by="nils")
        refer(cast, case_id, by="rune")

    def test_shows_the_coordinating_unit_no_more_of_the_case(self, cast: Cast, case_id: str) -> None:
        refer(cast, case_id)
        berit, facts = cast.actor("berit"), cast.facts(case_id)
        assert policy.relations(berit, facts) == {"coordinating_unit"}
        assert (policy.ground(berit, facts), policy.view(berit, facts)) == (None, None)

    def test_twice_at_once_is_not_possible(self, cast: Cast, case_id: str) -> None:
        refer(cast, case_id)
        with pytest.raises(NotPossible) as refused:
            refer(cast, case_id)
        assert refused.value.code == "referral_open"

    def test_says_what_is_wrong(self, cast: Cast, case_id: str) -> None:
        with pytest.raises(Invalid) as refused:
            cast.act(referrals.refer, by="kari", case_id=case_id, cause="boredom", question="")
        assert refused.value.fields == {"cause": "unknown", "question": "missing"}


class TestDecidingIt:
    def test_is_for_the_coordinating_unit_while_it_is_open(self, cast: Cast, case_id: str) -> None:
        with pytest.raises(NotFound):
            decide(cast, case_id)
        refer(cast, case_id)
        for name in ("kari", "rune", "siri"):
            with pytest.raises(Forbidden):
                decide(cast, case_id, by=name)
        decide(cast, case_id)
        with pytest.raises(NotFound):
            decide(cast, case_id)
        assert broken(cast.database, HERE, cast.now) == []

    def test_is_not_for_somebody_who_takes_part_themselves(self, cast: Cast, case_id: str) -> None:
        cast.grant("siri", "coordination", "coordinator")
        refer(cast, case_id)
        with pytest.raises(Forbidden) as refused:
            decide(cast, case_id, by="siri")
        assert refused.value.code == "own_case"

    def test_needs_an_outcome_and_a_reason(self, cast: Cast, case_id: str) -> None:
        refer(cast, case_id)
        with pytest.raises(Invalid) as refused:
            decide(cast, case_id, outcome="perhaps", reason=" ")
        assert refused.value.fields == {"outcome": "unknown", "reason": "missing"}

    def test_lets_the_unit_move_the_case_where_the_definition_says_so_and_only_then(
        self, cast: Cast, case_id: str
    ) -> None:
        with pytest.raises(NotFound):
            cast.move(case_id, "invite_externals", by="berit", reason="x")
        refer(cast, case_id)
        cast.confirm(case_id, by="kari")
        with pytest.raises(Forbidden):
            cast.move(case_id, "plan", by="berit")
        assert cast.move(case_id, "invite_externals", by="berit", reason="Trenger BUP").facts.step == "3.1"


class TestAnonymousAdvice:
    def test_has_no_place_for_a_case_or_a_child(self) -> None:
        targets = {key.column.table.name for key in anonymous_discussions.foreign_keys}
        assert targets == {"municipalities", "people", "units"}
        pointing = {
            table.name
            for table in metadata.sorted_tables
            for key in table.foreign_keys
            if key.column.table is anonymous_discussions
        }
        assert pointing == set()

    def test_is_answered_once_by_the_service_that_was_asked(self, cast: Cast) -> None:
        asked = cast.act(referrals.ask_anonymously, by="kari", unit_id="ppt", question="Hva gjør jeg?")
        for name in ("kari", "amir", "arne"):
            with pytest.raises(NotFound):
                cast.act(referrals.answer_anonymously, by=name, discussion_id=asked, answer="x")
        cast.act(referrals.answer_anonymously, by="siri", discussion_id=asked, answer="Snakk med ham.")
        with pytest.raises(NotPossible) as refused:
            cast.act(referrals.answer_anonymously, by="liv", discussion_id=asked, answer="Noe annet.")
        assert refused.value.code == "already_answered"

    def test_leaves_no_case_in_the_trail(self, cast: Cast, case_id: str) -> None:
        before = len(trail_of(cast.database, case_id))
        cast.act(referrals.ask_anonymously, by="kari", unit_id="ppt", question="Hva gjør jeg?")
        assert len(trail_of(cast.database, case_id)) == before

    @pytest.mark.parametrize(
        ("unit", "question", "fields"),
        [
            ("hospital", "x", {"unit": "unknown"}),
            ("", "", {"unit": "missing", "question": "missing"}),
            ("ppt", "x" * 4_001, {"question": "too_long"}),
        ],
    )
    def test_says_what_is_wrong(self, cast: Cast, unit: str, question: str, fields: dict[str, str]) -> None:
        with pytest.raises(Invalid) as refused:
            cast.act(referrals.ask_anonymously, by="kari", unit_id=unit, question=question)
        assert refused.value.fields == fields

    def test_is_not_for_those_who_meet_no_children(self, cast: Cast) -> None:
        for name in ("arne", "tove", "bti"):
            with pytest.raises(Forbidden):
                cast.act(referrals.ask_anonymously, by=name, unit_id="ppt", question="x")
