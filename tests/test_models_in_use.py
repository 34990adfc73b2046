"""A case through each municipality's own model: its levels, when its log starts, who consents, and its deadlines."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bti.db import reading
from bti.errors import NotPossible, NotReady
from bti.queries.consents import givers_for
from bti.usecases import log
from bti.workflow.library import load_definition
from tests.cast import HERE, Cast, settle
from tests.invariants import broken


def town(database: sa.Engine, name: str) -> Cast:
    return settle(database, definition=(name, 1))


def authorities(cast: Cast, subject: str, model: str) -> list[str]:
    with reading(cast.database) as session:
        found = givers_for(
            session, municipality_id=HERE, subject_id=subject, purpose="log", model=load_definition(model, 1),
            today=cast.today,
        )  # fmt: skip
    return [giver.authority for giver in found]


def days_left(cast: Cast, case_id: str) -> int:
    due = cast.facts(case_id).due_on
    assert due is not None
    return (due - cast.today).days


def whole(cast: Cast, case_id: str, *names: str, by: str = "kari") -> str:
    """Take moves one after the other; return the step where they end."""
    for name in names:
        cast.move(case_id, name, by=by)
        assert broken(cast.database, HERE, cast.now) == []
    return cast.facts(case_id).step


def round_of_measures(cast: Cast, case_id: str, decide: str | None = "decide") -> None:
    """Plan, carry out, evaluate and decide, with the child heard."""
    measure = cast.plan(case_id)
    whole(cast, case_id, "carry_out", "evaluate")
    cast.evaluate(case_id, measure)
    cast.child_heard(case_id)
    if decide:
        whole(cast, case_id, decide)


def share(cast: Cast, case_id: str) -> None:
    """Let PPT be consented to and take part."""
    cast.consented(case_id, "school", valid_to=cast.today + timedelta(days=90))
    cast.consented(case_id, "ppt", purpose="share", valid_to=cast.today + timedelta(days=90))
    cast.join(case_id, "siri")


def add_external(cast: Cast, case_id: str) -> None:
    cast.consented(case_id, "hospital", purpose="external", valid_to=cast.today + timedelta(days=90))
    cast.join(case_id, "eva")


class TestOverhalla:
    """Levels 0, A, B, C; the log starts at B; the youth consents alone from fifteen; six months."""

    def at_0_4(self, cast: Cast, about: str = "ola") -> str:
        case_id = cast.wonder(about=about)
        whole(cast, case_id, "share_with_leader")
        cast.feedback(case_id)
        whole(cast, case_id, "clarify_who_talks")
        cast.guardian_talk(case_id)
        whole(cast, case_id, "decide_on_wonder")
        return case_id

    def test_goes_through_a_without_a_log_and_through_b_and_c_with_one(self, database: sa.Engine) -> None:
        cast = town(database, "overhalla")
        case_id = self.at_0_4(cast)
        # On A the service works on its own: no log, no consent to one, the holder not appointed yet.
        assert whole(cast, case_id, "start_own_service") == "A.1"
        assert not cast.facts(case_id).has_log
        with pytest.raises(NotPossible) as no_log:
            cast.plan(case_id)
        assert no_log.value.code == "no_log_yet"
        assert whole(cast, case_id, "plan", "carry_out", "evaluate", "decide") == "A.5"
        with pytest.raises(NotReady) as refused:
            cast.move(case_id, "invite_services")
        assert {found.code for found in refused.value.missing} == {"holder_decided", "consent_log", "consent_partner"}
        cast.confirm(case_id)
        share(cast, case_id)
        assert whole(cast, case_id, "invite_services", "plan") == "B.2"
        assert cast.facts(case_id).has_log
        round_of_measures(cast, case_id)
        cast.confirm(case_id, by="kari")
        add_external(cast, case_id)
        assert whole(cast, case_id, "invite_externals", "plan") == "C.2"
        round_of_measures(cast, case_id)
        cast.confirm(case_id, by="kari")
        assert whole(cast, case_id, "back_to_two_services") == "B.2"
        cast.move(case_id, "close", closing_reason="goal_reached")
        assert broken(cast.database, HERE, cast.now) == []

    def test_goes_from_the_wonder_to_b_directly_when_another_service_is_needed(self, database: sa.Engine) -> None:
        cast = town(database, "overhalla")
        case_id = self.at_0_4(cast)
        cast.confirm(case_id)
        share(cast, case_id)
        assert whole(cast, case_id, "start_with_other_service") == "B.1"

    def test_lets_the_youth_consent_alone_from_fifteen(self, database: sa.Engine) -> None:
        cast = town(database, "overhalla")
        assert authorities(cast, "ola", "overhalla") == ["parental_responsibility"] * 2
        assert authorities(cast, "mia", "overhalla") == ["own_age"]
        assert authorities(cast, "mia", "bti") == ["parental_responsibility", "own_age"]

    def test_gives_four_weeks_to_reach_the_guardians_and_one_for_the_school_environment(
        self, database: sa.Engine
    ) -> None:
        cast = town(database, "overhalla")
        for theme, days in (("absence", 28), ("bullying", 7)):
            case_id = cast.wonder(themes=[theme])
            assert days_left(cast, case_id) == days
            cast.later(days=3)
            # The term counts from the wonder, not from the move.
            cast.move(case_id, "share_with_leader")
            assert days_left(cast, case_id) == days - 3

    def test_lets_a_consent_last_for_half_a_year(self, database: sa.Engine) -> None:
        cast = town(database, "overhalla")
        case_id = self.at_0_4(cast)
        cast.confirm(case_id)
        cast.consented(case_id, "school")
        cover = cast.facts(case_id).covers[0]
        assert cover.valid_to == cast.today.replace(year=2027, month=5)


class TestVestreToten:
    """Three steps at level 0, consent to the log as the first step of level 1, four steps on levels 2 and 3."""

    def at_1_1(self, cast: Cast) -> str:
        case_id = cast.wonder()
        whole(cast, case_id, "share_with_leader")
        cast.feedback(case_id)
        whole(cast, case_id, "clarify_follow_up")
        cast.guardian_talk(case_id)
        cast.confirm(case_id)
        cast.consented(case_id, "school", valid_to=cast.today + timedelta(days=90))
        whole(cast, case_id, "start_own_service")
        return case_id

    def test_goes_up_and_down_through_its_own_steps(self, database: sa.Engine) -> None:
        cast = town(database, "vestre-toten")
        case_id = self.at_1_1(cast)
        assert whole(cast, case_id, "understand_together", "plan") == "1.3"
        round_of_measures(cast, case_id, decide=None)
        cast.confirm(case_id, by="kari")
        cast.consented(case_id, "ppt", purpose="share", valid_to=cast.today + timedelta(days=90))
        cast.join(case_id, "siri")
        assert whole(cast, case_id, "invite_services", "plan") == "2.2"
        round_of_measures(cast, case_id, decide=None)
        assert cast.facts(case_id).step == "2.4"
        cast.confirm(case_id, by="kari")
        add_external(cast, case_id)
        assert whole(cast, case_id, "invite_externals", "plan") == "3.2"
        round_of_measures(cast, case_id, decide=None)
        cast.confirm(case_id, by="kari")
        assert whole(cast, case_id, "back_to_own_service") == "1.3"
        assert cast.facts(case_id).participants == ()
        assert broken(cast.database, HERE, cast.now) == []

    def test_asks_for_the_consent_again_before_the_shared_understanding(self, database: sa.Engine) -> None:
        cast = town(database, "vestre-toten")
        case_id = self.at_1_1(cast)
        cast.withdraw(case_id, cast.facts(case_id).covers[0].consent_id or "")
        with pytest.raises(NotReady) as refused:
            cast.move(case_id, "understand_together")
        assert [found.code for found in refused.value.missing] == ["consent_log"]

    def test_has_its_own_deadlines(self, database: sa.Engine) -> None:
        cast = town(database, "vestre-toten")
        case_id = cast.wonder()
        assert days_left(cast, case_id) == 7
        whole(cast, case_id, "share_with_leader")
        assert days_left(cast, case_id) == 10


class TestRisorsSchoolEdition:
    """Four steps at level 0; on level 3 the services are reached first, and a stuck case meets again."""

    def test_goes_to_level_3_and_meets_again_when_nothing_moves(self, database: sa.Engine) -> None:
        cast = town(database, "risor-school")
        case_id = cast.at_decision()
        cast.confirm(case_id)
        cast.consented(case_id, "school")
        assert whole(cast, case_id, "start_own_service", "plan") == "1.2"
        round_of_measures(cast, case_id)
        cast.confirm(case_id, by="kari")
        share(cast, case_id)
        assert whole(cast, case_id, "invite_services", "plan") == "2.2"
        round_of_measures(cast, case_id)
        cast.confirm(case_id, by="kari")
        add_external(cast, case_id)
        assert whole(cast, case_id, "invite_externals", "meet") == "3.2"
        round_of_measures(cast, case_id)
        cast.move(case_id, "no_progress", reason="Ingen fremgang")
        assert (cast.facts(case_id).step, days_left(cast, case_id)) == ("3.1", 14)
        assert broken(cast.database, HERE, cast.now) == []

    def test_needs_no_fifth_step_to_close_a_wonder(self, database: sa.Engine) -> None:
        cast = town(database, "risor-school")
        case_id = cast.at_decision()
        cast.move(case_id, "close", closing_reason="no_concern")
        assert cast.facts(case_id).step == "closed"


class TestTromso:
    """Level 0 is made concrete before it is shared, and decided within fourteen days whatever happens on the way."""

    def test_goes_its_own_way_to_the_decision(self, database: sa.Engine) -> None:
        cast = town(database, "tromso")
        case_id = cast.wonder()
        assert whole(cast, case_id, "make_concrete", "share_with_leader") == "0.3"
        with pytest.raises(NotReady):
            cast.move(case_id, "sum_up")
        cast.feedback(case_id)
        whole(cast, case_id, "sum_up")
        cast.guardian_talk(case_id)
        cast.confirm(case_id)
        share(cast, case_id)
        assert whole(cast, case_id, "start_with_other_service") == "2.1"
        assert cast.facts(case_id).has_log
        cast.act(log.set_goal, by="kari", case_id=case_id, information_kind="measures", text="Trygg i friminuttet")

    def test_counts_its_fourteen_days_from_the_worry(self, database: sa.Engine) -> None:
        cast = town(database, "tromso")
        case_id = cast.wonder()
        for name, later in (("make_concrete", 4), ("share_with_leader", 6)):
            cast.later(days=later)
            cast.move(case_id, name)
        assert days_left(cast, case_id) == 4
        cast.later(days=10)
        cast.feedback(case_id)
        cast.move(case_id, "sum_up")
        # Overdue already: then it is due on the day itself, never before.
        assert days_left(cast, case_id) == 0
