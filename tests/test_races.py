"""Two at once, on two connections: one of them wins, the other is told, and nothing is half done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from time import sleep
from typing import Any

import pytest
import sqlalchemy as sa

from bti import audit
from bti.db import reading, writing
from bti.errors import NotFound, NotPossible, NotReady, Refused, Stale
from bti.models import batons, cases, disclosures, handovers, participations
from bti.queries.facts import case_facts
from bti.queries.people import load_actor
from bti.usecases import answers, baton, consent, log, participants, people, receipts, wonders
from bti.usecases import cases as moving
from tests.cast import HERE, Cast, settle
from tests.invariants import broken

Attempt = Callable[[sa.Connection], Any]


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def together(cast: Cast, *attempts: Attempt) -> list[Any]:
    """Let each run in a transaction and a thread of its own, from the same moment; return results or refusals."""
    assert len(attempts) <= 8
    start = Barrier(len(attempts))

    def run(attempt: Attempt) -> Any:
        start.wait()
        try:
            with writing(cast.database) as session:
                return attempt(session)
        except Refused as refusal:
            return refusal

    with ThreadPoolExecutor(len(attempts)) as threads:
        results = list(threads.map(run, attempts))
    assert broken(cast.database, HERE, cast.now) == []
    return results


def does(cast: Cast, usecase: Callable[..., Any], by: str, **more: Any) -> Attempt:
    """Return an attempt by somebody who has been let in already, as on a page that was shown before."""
    with reading(cast.database) as session:
        actor = load_actor(session, municipality_id=HERE, person_id=by)
    return lambda session: usecase(session, actor=actor, now=cast.now, **more)


def refusals(results: list[Any]) -> list[type]:
    return sorted((type(one) for one in results if isinstance(one, Refused)), key=lambda kind: kind.__name__)


def count(cast: Cast, table: sa.Table, *conditions: Any) -> int:
    with reading(cast.database) as session:
        return int(session.execute(sa.select(sa.func.count()).select_from(table).where(*conditions)).scalar_one())


@pytest.fixture
def case_id(cast: Cast) -> str:
    case_id = cast.at_level_1()
    cast.consented(case_id, "ppt", purpose="share")
    return case_id


class TestTwoAnswersToOneOffer:
    def test_of_which_both_say_yes_hand_the_baton_on_once(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "siri")
        yes = does(cast, baton.accept, "siri", case_id=case_id, offer_id=offer)
        results = together(cast, yes, yes, yes)
        assert len(refusals(results)) == 2
        assert cast.facts(case_id).holder_id == "siri"
        assert count(cast, batons, batons.c.case_id == case_id) == 2

    @pytest.mark.parametrize("turn", range(3))
    def test_of_which_one_takes_it_back_have_one_outcome(self, cast: Cast, case_id: str, turn: int) -> None:
        offer = cast.offer(case_id, "siri")
        results = together(
            cast,
            does(cast, baton.accept, "siri", case_id=case_id, offer_id=offer),
            does(cast, baton.withdraw_offer, "kari", case_id=case_id, offer_id=offer),
        )
        assert len(refusals(results)) == 1
        with reading(cast.database) as session:
            state = session.execute(sa.select(handovers.c.state).where(handovers.c.id == offer)).scalar_one()
        assert (state, cast.facts(case_id).holder_id) in (("accepted", "siri"), ("withdrawn", "kari"))


class TestTwoOffersAtOnce:
    def test_leave_one(self, cast: Cast, case_id: str) -> None:
        seen = cast.version(case_id)
        more = {"case_id": case_id, "note": "", "seen_version": seen}
        results = together(
            cast,
            does(cast, baton.offer, "kari", to_person_id="siri", to_unit_id="ppt", **more),
            does(cast, baton.offer, "rune", to_person_id="per", to_unit_id="school", **more),
            does(cast, baton.offer, "kari", to_person_id="per", to_unit_id="school", **more),
        )
        assert refusals(results) == [Stale, Stale]
        assert count(cast, handovers, handovers.c.state == "offered") == 1


class TestTwoMovesFromOnePage:
    @pytest.mark.parametrize("turn", range(3))
    def test_make_one_move_and_tell_the_other_it_is_stale(self, cast: Cast, case_id: str, turn: int) -> None:
        more = {"case_id": case_id, "seen_version": cast.version(case_id)}
        closing = {"name": "close", "closing_reason": "moved"}
        results = together(
            cast,
            does(cast, moving.move, "kari", name="plan", **more),
            does(cast, moving.move, "rune", **closing, **more),
            does(cast, moving.move, "kari", name="plan", **more),
        )
        assert refusals(results) == [Stale, Stale]
        assert cast.facts(case_id).step in ("1.2", "closed")


class TestAWithdrawal:
    @pytest.mark.parametrize("turn", range(3))
    def test_against_an_invitation_leaves_nobody_in_without_a_door(self, cast: Cast, turn: int) -> None:
        case_id = cast.at_level_1()
        shared = cast.consented(case_id, "ppt", purpose="share")
        waiting = cast.invite(case_id, "liv")
        seen, party = cast.version(case_id), cast.parties(shared)[0]
        results = together(
            cast,
            does(cast, consent.withdraw, "kari", case_id=case_id, consent_id=shared, party_id=party, said=cast.said()),
            does(cast, participants.invite, "kari", case_id=case_id, person_id="siri", unit_id="ppt", purpose="x",
                 seen_version=seen),
            does(cast, participants.accept, "liv", case_id=case_id, invitation_id=waiting),
        )  # fmt: skip
        assert not isinstance(results[0], Refused)
        assert set(refusals(results)) <= {Stale, NotReady, NotFound}
        live = participations.c.ended_at.is_(None)
        assert count(cast, participations, participations.c.case_id == case_id, live) == 0
        assert cast.facts(case_id).covers_of("ppt") == ()

    @pytest.mark.parametrize("turn", range(3))
    def test_against_a_move_to_the_services_leaves_no_case_there_uncovered(self, cast: Cast, turn: int) -> None:
        case_id = cast.at_decision()
        cast.confirm(case_id)
        cast.consented(case_id, "school")
        shared = cast.consented(case_id, "ppt", purpose="share")
        seen, party = cast.version(case_id), cast.parties(shared)[0]
        together(
            cast,
            does(cast, consent.withdraw, "kari", case_id=case_id, consent_id=shared, party_id=party, said=cast.said()),
            does(cast, moving.move, "kari", case_id=case_id, name="start_with_other_service", seen_version=seen),
        )
        facts = cast.facts(case_id)
        assert facts.covers_of("ppt") == ()
        assert facts.participants == ()

    def test_against_an_acceptance_never_leaves_the_baton_where_nobody_may_see(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        shared = cast.consented(case_id, "ppt", purpose="share")
        offer, party = cast.offer(case_id, "siri"), cast.parties(shared)[0]
        together(
            cast,
            does(cast, baton.accept, "siri", case_id=case_id, offer_id=offer),
            does(cast, consent.withdraw, "rune", case_id=case_id, consent_id=shared, party_id=party, said=cast.said()),
        )
        assert cast.facts(case_id).holder_id in ("kari", "rune")


class TestAWithdrawalThatWaits:
    @pytest.mark.pg
    def test_goes_before_the_readings_that_come_after_it(self, postgresql_database: sa.Engine) -> None:
        cast = settle(postgresql_database)
        case_id = cast.at_level_1()
        shared = cast.consented(case_id, "ppt", purpose="share")
        party, seen, actor = cast.parties(shared)[0], cast.version(case_id), cast.actor("kari")
        withdraw = does(
            cast, consent.withdraw, "kari", case_id=case_id, consent_id=shared, party_id=party, said=cast.said()
        )

        def tell(session: sa.Connection) -> bool:
            pending = audit.trail.Pending()
            audit.record(
                session.execution_options(**{audit.trail.PENDING: pending}), actor=actor, municipality_id=HERE,
                event="case.read", now=cast.now, fields={"part": "case", "view": "full"}, case_id=case_id,
                seen_version=seen,
            )  # fmt: skip
            return audit.trail.write_simple(session, pending)

        def run(attempt: Attempt) -> Any:
            with writing(cast.database) as session:
                return attempt(session)

        with ThreadPoolExecutor(2) as threads:
            with writing(cast.database) as first:
                assert tell(first)
                withdrawing = threads.submit(run, withdraw)
                until_waiting(cast.database, 1)
                later = threads.submit(run, tell)
                until_waiting(cast.database, 2)
            withdrawing.result()
            assert later.result() is False


def until_waiting(database: sa.Engine, many: int) -> None:
    """Return once so many wait for somebody else's lock, or fail when they don't."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _try in range(500):
        with reading(database) as session:
            if session.execute(sa.text(waiting)).scalar_one() >= many:
                return
        sleep(0.01)
    raise AssertionError("nobody waits")


class TestTheLastTwoAnswers:
    @pytest.mark.parametrize("turn", range(3))
    def test_at_once_open_the_door_exactly_once(self, cast: Cast, turn: int) -> None:
        case_id = cast.at_level_1()
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        results = together(
            cast,
            *(
                does(cast, answers.record, "kari", case_id=case_id, consent_id=asked, party_id=party,
                     answer="given", said=cast.said())
                for party in cast.parties(asked)
            ),
        )  # fmt: skip
        assert sorted(results) == ["given", "partly_given"]
        assert count(cast, disclosures, disclosures.c.consent_id == asked) == 1

    def test_of_the_same_giver_count_once(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        yes = does(
            cast, answers.record, "kari", case_id=case_id, consent_id=asked, party_id=cast.parties(asked)[0],
            answer="given", said=cast.said(),
        )  # fmt: skip
        assert refusals(together(cast, yes, yes)) == [NotPossible]


class TestSomebodyWhoLeaves:
    @pytest.mark.parametrize("turn", range(3))
    def test_while_accepting_a_baton_never_keeps_it(self, cast: Cast, case_id: str, turn: int) -> None:
        offer = cast.offer(case_id, "siri")
        together(
            cast,
            does(cast, baton.accept, "siri", case_id=case_id, offer_id=offer),
            does(cast, people.end_person, "arne", person_id="siri"),
        )
        assert cast.facts(case_id).holder_id in ("kari", "rune")

    @pytest.mark.parametrize("turn", range(3))
    def test_while_registering_a_wonder_never_keeps_it(self, cast: Cast, turn: int) -> None:
        together(
            cast,
            does(cast, wonders.register, "kari", unit_id="school", subject_id="ola", themes=["absence"], seen="x",
                 talked="no"),
            does(cast, people.end_person, "arne", person_id="kari"),
        )  # fmt: skip
        assert count(cast, cases, cases.c.holder_id == "kari") == 0

    def test_together_with_the_leader_leaves_it_with_neither(self, cast: Cast, case_id: str) -> None:
        together(
            cast,
            does(cast, people.end_person, "arne", person_id="kari"),
            does(cast, people.end_person, "arne", person_id="rune"),
        )
        assert cast.facts(case_id).holder_id == "berit"


class TestAMeasurePlannedDuringAMove:
    @pytest.mark.parametrize("turn", range(3))
    def test_sets_the_next_date_whoever_comes_first(self, cast: Cast, case_id: str, turn: int) -> None:
        early = cast.today + timedelta(days=2)
        together(
            cast,
            does(cast, moving.move, "kari", case_id=case_id, name="plan", seen_version=cast.version(case_id)),
            does(cast, log.plan_measure, "kari", case_id=case_id, goal_id=None, information_kind="measures", text="x",
                 responsible="person:kari", starts_on=None, evaluate_on=early),
        )  # fmt: skip
        assert cast.facts(case_id).due_on == early


class TestAFormSentTwice:
    def test_has_one_effect_and_one_answer(self, cast: Cast) -> None:
        token = "x" * 24
        register = does(
            cast, wonders.register, "kari", unit_id="school", subject_id="ola", themes=["absence"], seen="x",
            talked="no",
        )  # fmt: skip
        actor = cast.actor("kari")

        def once(session: sa.Connection) -> str:
            earlier = receipts.receive(session, actor=actor, token=token, now=cast.now)
            if earlier is not None:
                return earlier
            where: str = register(session).case_id
            receipts.finish(session, actor=actor, token=token, result=where)
            return where

        results = together(cast, once, once, once)
        assert len(set(results)) == 1
        assert count(cast, cases) == 1


class TestReading:
    def test_sees_one_moment_whatever_is_written_meanwhile(self, cast: Cast, case_id: str) -> None:
        asked: dict[str, Any] = {"municipality_id": HERE, "case_id": case_id, "today": cast.today}
        with reading(cast.database) as session:
            before = case_facts(session, **asked)
            cast.accept(case_id, cast.offer(case_id, "siri"), by="siri")
            assert case_facts(session, **asked) == before
        assert cast.facts(case_id).holder_id == "siri"
