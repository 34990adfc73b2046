"""The log: goals, measures with somebody responsible and a date, evaluations, and the child's own view."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bti.errors import Forbidden, Invalid, NotFound, NotPossible, NotReady
from bti.usecases import log
from tests.cast import HERE, Cast, settle
from tests.invariants import broken


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def case_id(cast: Cast) -> str:
    return cast.at_level_1()


def plan(cast: Cast, case_id: str, by: str = "kari", **wrong: Any) -> str:
    asked: dict[str, Any] = {
        "goal_id": None, "information_kind": "measures", "text": "Fast voksen", "responsible": "person:kari",
        "starts_on": None, "evaluate_on": cast.today + timedelta(days=28),
    }  # fmt: skip
    return str(cast.act(log.plan_measure, by=by, case_id=case_id, **(asked | wrong)))


def evaluate(cast: Cast, case_id: str, measure: str, by: str = "kari", **wrong: Any) -> None:
    asked: dict[str, Any] = {
        "done_as_planned": "yes", "effect": "good", "outcome": "continue", "text": "Bedre",
        "evaluate_on": cast.today + timedelta(days=28),
    }  # fmt: skip
    cast.act(log.evaluate_measure, by=by, case_id=case_id, measure_id=measure, **(asked | wrong))


def write(cast: Cast, case_id: str, by: str = "kari", **wrong: Any) -> str:
    asked: dict[str, Any] = {
        "kind": "log", "information_kind": "everyday", "title": "", "text": "Rolig uke", "happened_on": None,
        "asked_by": "",
    }  # fmt: skip
    return str(cast.act(log.add_entry, by=by, case_id=case_id, **(asked | wrong)))


class TestTheLog:
    def test_begins_at_the_level_the_definition_says(self, cast: Cast) -> None:
        wonder = cast.wonder()
        for attempt in (lambda: write(cast, wonder), lambda: plan(cast, wonder), lambda: set_goal(cast, wonder)):
            with pytest.raises(NotPossible) as refused:
                attempt()
            assert refused.value.code == "no_log_yet"

    def test_is_written_by_holder_and_leader(self, cast: Cast, case_id: str) -> None:
        cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        write(cast, case_id)
        write(cast, case_id, by="rune")
        with pytest.raises(Forbidden):
            write(cast, case_id, by="siri")
        with pytest.raises(NotFound):
            write(cast, case_id, by="per")

    def test_is_read_only_when_the_case_is_closed(self, cast: Cast, case_id: str) -> None:
        measure = plan(cast, case_id)
        cast.move(case_id, "close", closing_reason="moved")
        for attempt in (lambda: write(cast, case_id), lambda: evaluate(cast, case_id, measure)):
            with pytest.raises(NotPossible) as refused:
                attempt()
            assert refused.value.code == "case_closed"

    def test_is_not_written_from_behind_a_closed_door(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.withdraw(case_id, cast.yes_to(case_id, "school"))
        with pytest.raises(Forbidden) as refused:
            write(cast, case_id)
        assert refused.value.code == "no_ground"

    @pytest.mark.parametrize(
        ("wrong", "fields"),
        [
            ({"kind": "gossip"}, {"kind": "unknown"}),
            ({"information_kind": "wonder"}, {"information_kind": "unknown"}),
            ({"text": ""}, {"text": "missing"}),
            ({"title": "x" * 201}, {"title": "too_long"}),
            ({"happened_on": date(2030, 1, 1)}, {"happened_on": "in_future"}),
            ({"kind": "child_voice"}, {"asked_by": "missing", "happened_on": "missing"}),
        ],
    )
    def test_says_everything_that_is_wrong(
        self, cast: Cast, case_id: str, wrong: dict[str, Any], fields: dict[str, str]
    ) -> None:
        with pytest.raises(Invalid) as refused:
            write(cast, case_id, **wrong)
        assert refused.value.fields == fields


class TestTheChildsView:
    def test_is_heard_anew_on_every_level(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.child_heard(case_id)
        assert cast.facts(case_id).child_voices == 1
        cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        cast.later(days=3)
        cast.confirm(case_id)
        cast.move(case_id, "invite_services", reason="Haster")
        assert cast.facts(case_id).child_voices == 0

    def test_is_needed_before_the_way_on_is_decided(self, cast: Cast, case_id: str) -> None:
        measure = self.at_evaluation(cast, case_id)
        with pytest.raises(NotReady) as refused:
            cast.move(case_id, "decide")
        assert {found.code for found in refused.value.missing} == {"measures_evaluated", "child_heard"}
        evaluate(cast, case_id, measure)
        cast.child_heard(case_id)
        assert cast.move(case_id, "decide").facts.step == "1.5"

    def at_evaluation(self, cast: Cast, case_id: str) -> str:
        cast.move(case_id, "plan")
        measure = cast.plan(case_id)
        cast.move(case_id, "carry_out")
        cast.move(case_id, "evaluate")
        return measure


class TestAMeasure:
    def test_sets_the_next_date_when_it_comes_before_the_steps(self, cast: Cast, case_id: str) -> None:
        step = cast.facts(case_id).due_on
        plan(cast, case_id)
        assert cast.facts(case_id).due_on == step
        early = plan(cast, case_id, evaluate_on=cast.today + timedelta(days=3))
        facts = cast.facts(case_id)
        assert (facts.due_on, facts.due_reason) == (cast.today + timedelta(days=3), "measure")
        evaluate(cast, case_id, early, outcome="end")
        assert cast.facts(case_id).due_on == step
        assert broken(cast.database, HERE, cast.now) == []

    @pytest.mark.parametrize(
        ("wrong", "fields"),
        [
            ({"goal_id": "none"}, {"goal": "unknown"}),
            ({"information_kind": "secrets"}, {"information_kind": "unknown"}),
            ({"text": " "}, {"text": "missing"}),
            ({"responsible": ""}, {"responsible": "missing"}),
            ({"responsible": "kari"}, {"responsible": "missing"}),
            ({"responsible": "person:nils"}, {"responsible": "unknown"}),
            ({"responsible": "guardian:nobody"}, {"responsible": "unknown"}),
            ({"responsible": "unit:school"}, {"responsible": "unknown"}),
            ({"evaluate_on": None}, {"evaluate_on": "missing"}),
            ({"evaluate_on": date(2026, 11, 15)}, {"evaluate_on": "before_start"}),
            ({"evaluate_on": date(2028, 1, 1)}, {"evaluate_on": "too_late"}),
            ({"starts_on": date(2028, 1, 1)}, {"starts_on": "too_late", "evaluate_on": "before_start"}),
        ],
    )
    def test_has_somebody_responsible_and_a_date_or_says_what_is_wrong(
        self, cast: Cast, case_id: str, wrong: dict[str, Any], fields: dict[str, str]
    ) -> None:
        with pytest.raises(Invalid) as refused:
            plan(cast, case_id, **wrong)
        assert refused.value.fields == fields

    def test_may_be_a_guardians_at_home(self, cast: Cast, case_id: str) -> None:
        plan(cast, case_id, responsible="guardian:lise")
        assert cast.facts(case_id).incomplete_measures == 0

    def test_is_evaluated_by_the_holder_or_the_one_responsible(self, cast: Cast, case_id: str) -> None:
        cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        cast.join(case_id, "liv")
        measure = plan(cast, case_id, responsible="person:siri")
        with pytest.raises(Forbidden):
            evaluate(cast, case_id, measure, by="liv")
        evaluate(cast, case_id, measure, by="siri")
        evaluate(cast, case_id, measure)

    def test_that_has_ended_is_evaluated_no_more(self, cast: Cast, case_id: str) -> None:
        measure = plan(cast, case_id)
        evaluate(cast, case_id, measure, outcome="end", evaluate_on=None)
        with pytest.raises(NotPossible) as refused:
            evaluate(cast, case_id, measure)
        assert refused.value.code == "measure_ended"

    def test_is_due_for_evaluation_again_on_its_new_date(self, cast: Cast, case_id: str) -> None:
        measure = plan(cast, case_id)
        assert cast.facts(case_id).unevaluated_measures == 1
        evaluate(cast, case_id, measure)
        assert cast.facts(case_id).unevaluated_measures == 0
        cast.later(days=28)
        assert cast.facts(case_id).unevaluated_measures == 1

    @pytest.mark.parametrize(
        ("wrong", "fields"),
        [
            ({"done_as_planned": "perhaps"}, {"done_as_planned": "unknown"}),
            ({"effect": ""}, {"effect": "missing"}),
            ({"outcome": "forget"}, {"outcome": "unknown"}),
            ({"text": ""}, {"text": "missing"}),
            ({"evaluate_on": None}, {"evaluate_on": "missing"}),
            ({"evaluate_on": date(2026, 11, 16)}, {"evaluate_on": "in_past"}),
            ({"evaluate_on": date(2028, 1, 1)}, {"evaluate_on": "too_late"}),
        ],
    )
    def test_is_evaluated_with_all_that_is_asked(
        self, cast: Cast, case_id: str, wrong: dict[str, Any], fields: dict[str, str]
    ) -> None:
        measure = plan(cast, case_id)
        with pytest.raises(Invalid) as refused:
            evaluate(cast, case_id, measure, **wrong)
        assert refused.value.fields == fields

    def test_of_another_case_finds_nothing(self, cast: Cast, case_id: str) -> None:
        theirs = plan(cast, cast.at_level_1(about="mia"))
        with pytest.raises(NotFound):
            evaluate(cast, case_id, theirs)


def set_goal(cast: Cast, case_id: str, by: str = "kari") -> str:
    return str(cast.act(log.set_goal, by=by, case_id=case_id, information_kind="measures", text="Hver dag"))


class TestAGoal:
    def test_is_set_and_ended_by_the_holder(self, cast: Cast, case_id: str) -> None:
        with pytest.raises(Forbidden):
            set_goal(cast, case_id, by="rune")
        goal = set_goal(cast, case_id)
        cast.act(log.end_goal, by="kari", case_id=case_id, goal_id=goal, how="reached")
        assert cast.facts(case_id).open_goals == 0
        with pytest.raises(NotFound):
            cast.act(log.end_goal, by="kari", case_id=case_id, goal_id=goal, how="reached")

    def test_is_not_ended_over_measures_that_go_on(self, cast: Cast, case_id: str) -> None:
        goal = set_goal(cast, case_id)
        measure = plan(cast, case_id, goal_id=goal)
        with pytest.raises(NotPossible) as refused:
            cast.act(log.end_goal, by="kari", case_id=case_id, goal_id=goal, how="reached")
        assert refused.value.code == "has_open_measures"
        evaluate(cast, case_id, measure, outcome="end")
        cast.act(log.end_goal, by="kari", case_id=case_id, goal_id=goal, how="reached")

    def test_of_another_case_takes_no_measures(self, cast: Cast, case_id: str) -> None:
        theirs = set_goal(cast, cast.at_level_1(about="mia"))
        with pytest.raises(Invalid):
            plan(cast, case_id, goal_id=theirs)
