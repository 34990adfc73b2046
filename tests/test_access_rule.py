"""Who may read: one rule told twice, and the doors that close on the next read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bti import policy
from bti.actor import Actor
from bti.db import reading, writing
from bti.engine import load_scene
from bti.errors import NotFound, NotReady
from bti.models import batons, cases
from bti.queries.people import load_actor
from bti.usecases import baton, legal_basis, log, participants
from tests.cast import HERE, PEOPLE, Cast, settle, settle_neighbour


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def actors(session: sa.Connection) -> list[Actor]:
    found = [load_actor(session, municipality_id=HERE, person_id=name) for name in PEOPLE]
    return [actor for actor in found if actor]


# --- real cases -----------------------------------------------------------------------------------------------


def sees(cast: Cast, case_id: str) -> set[str]:
    """Everybody who can open the case, by the list and by the item, which must agree."""
    facts, found = cast.facts(case_id), set()
    with reading(cast.database) as session:
        for actor in actors(session):
            listed = sa.select(cases.c.id).where(cases.c.id == case_id, policy.accessible(actor, cast.today))
            assert bool(session.execute(listed).first()) == (policy.ground(actor, facts) is not None)
            if policy.ground(actor, facts):
                found.add(actor.person_id)
    return found


class TestAWonder:
    def test_is_seen_by_its_author_alone_until_it_is_shared(self, cast: Cast) -> None:
        case_id = cast.wonder()
        assert sees(cast, case_id) == {"kari"}
        cast.move(case_id, "talk_directly")
        assert sees(cast, case_id) == {"kari"}

    def test_is_seen_by_the_leader_of_the_unit_from_then_on(self, cast: Cast) -> None:
        case_id = cast.wonder()
        cast.move(case_id, "share_with_leader")
        assert sees(cast, case_id) == {"kari", "rune"}

    def test_is_not_seen_by_a_leader_of_another_unit_nor_a_colleague(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        assert not sees(cast, case_id) & {"per", "nina", "nils", "liv", "hege"}


class TestACaseBetweenServices:
    def test_is_seen_by_those_who_are_covered_and_take_part(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        # Liv leads PPT: her service is covered, but she has no part in the case.
        assert sees(cast, case_id) == {"kari", "rune", "siri"}

    def test_is_never_seen_by_those_who_administer_audit_or_adapt(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        for name in ("arne", "tove", "bti", "berit"):
            assert name not in sees(cast, case_id)
            with reading(cast.database) as session, pytest.raises(NotFound):
                load_scene(session, actor=cast.actor_in(session, name), case_id=case_id, now=cast.now)

    def test_closes_on_the_next_read_when_the_consent_is_withdrawn(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        shared = cast.yes_to(case_id, "ppt")
        assert "siri" in sees(cast, case_id)
        cast.withdraw(case_id, shared)
        assert sees(cast, case_id) == {"kari", "rune"}

    def test_closes_on_the_day_after_the_last(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share", valid_to=cast.today + timedelta(days=10))
        cast.join(case_id, "siri")
        cast.later(days=10)
        assert "siri" in sees(cast, case_id)
        cast.later(days=1)
        assert "siri" not in sees(cast, case_id)

    def test_looks_like_nothing_to_a_participant_whose_door_has_run_out(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share", valid_to=cast.today + timedelta(days=10))
        cast.join(case_id, "siri")
        invitation = cast.invite(case_id, "liv")
        cast.later(days=11)
        for name in ("siri", "liv"):
            with pytest.raises(NotFound):
                cast.act(load_scene, by=name, case_id=case_id)
        with pytest.raises(NotFound):
            cast.act(participants.accept, by="liv", case_id=case_id, invitation_id=invitation)

    def test_closes_when_the_role_ends_and_opens_with_no_other_role(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.end_role("siri", "ppt")
        cast.grant("siri", "health")
        assert "siri" not in sees(cast, case_id)

    def test_does_not_open_again_when_the_role_comes_back(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.end_role("siri", "ppt")
        cast.grant("siri", "ppt")
        assert "siri" not in sees(cast, case_id)

    def test_is_the_own_services_again_when_it_is_closed(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.move(case_id, "close", closing_reason="moved")
        assert sees(cast, case_id) == {"kari", "rune"}
        cast.move(case_id, "reopen", by="rune", reason="Ny uro")
        assert sees(cast, case_id) == {"kari", "rune"}

    def test_on_level_1_is_not_seen_by_a_colleague_of_the_holder(self, cast: Cast) -> None:
        assert "per" not in sees(cast, cast.at_level_1())


class TestALegalBasis:
    def law(self, cast: Cast, case_id: str, unit: str, **more: Any) -> str:
        cast.act(
            legal_basis.record, by="rune", case_id=case_id, unit_id=unit, kinds=["everyday"],
            law=more.pop("law", "duty_to_report"), reason="Fare for liv og helse", valid_to=None, **more,
        )  # fmt: skip
        return next(cover.id for cover in cast.facts(case_id).covers if cover.unit_id == unit)

    def test_opens_to_those_who_take_part_for_the_service_it_names_and_says_so(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        self.law(cast, case_id, "welfare")
        cast.grant("siri", "welfare")
        cast.act(
            participants.invite, by="kari", case_id=case_id, person_id="siri", unit_id="welfare", purpose="Melding"
        )
        invitation = cast.facts(case_id).participants[0].id
        cast.act(participants.accept, by="siri", case_id=case_id, invitation_id=invitation)
        found = policy.ground(cast.actor("siri"), cast.facts(case_id))
        assert found is not None
        assert found.basis == "law:duty_to_report"

    def test_closes_when_it_is_ended_and_ends_what_stood_on_it(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        door = self.law(cast, case_id, "ppt")
        cast.join(case_id, "siri")
        assert "siri" in sees(cast, case_id)
        cast.act(legal_basis.end, by="rune", case_id=case_id, door_id=door)
        assert "siri" not in sees(cast, case_id)
        assert cast.facts(case_id).participants == ()


class TestNotYoursAndNotThere:
    def test_are_the_same_answer(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        for name in ("nils", "nina", "arne", "tove", "liv", "amir"):
            answers = []
            for asked in (case_id, "no-such-case"):
                with pytest.raises(NotFound) as refused:
                    cast.act(load_scene, by=name, case_id=asked)
                answers.append((refused.value.code, refused.value.details, refused.value.status, str(refused.value)))
            assert answers[0] == answers[1]

    def test_are_the_same_answer_to_every_command(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        offer = cast.offer(case_id, "siri")
        commands: list[tuple[Any, dict[str, Any]]] = [
            (baton.confirm_holder, {"seen_version": 1}),
            (baton.accept, {"offer_id": offer}),
            (baton.withdraw_offer, {"offer_id": offer}),
            (baton.interim_by_leader, {"reason": "x", "seen_version": 1}),
            (log.set_goal, {"information_kind": "measures", "text": "x"}),
            (legal_basis.end, {"door_id": "x"}),
        ]
        for usecase, more in commands:
            for asked in (case_id, "no-such-case"):
                with pytest.raises(NotFound):
                    cast.act(usecase, by="nils", case_id=asked, **more)

    def test_hold_between_municipalities(self, database: sa.Engine) -> None:
        cast, neighbour = settle(database), settle_neighbour(database)
        case_id, theirs = cast.at_level_2(), neighbour.at_level_2()
        assert sees(cast, case_id) == {"kari", "rune", "siri"}
        # The same people by name and id work next door; they reach their own town's case only.
        for name in PEOPLE:
            with pytest.raises(NotFound):
                neighbour.act(load_scene, by=name, case_id=case_id)
            with pytest.raises(NotFound):
                cast.act(load_scene, by=name, case_id=theirs)
        with neighbour.reading() as session:
            for name in ("kari", "rune", "siri"):
                actor = neighbour.actor_in(session, name)
                found = session.execute(sa.select(cases.c.id).where(policy.accessible(actor, cast.today))).scalars()
                assert set(found) == {theirs}


class TestTheShell:
    def test_lets_the_holder_act_without_reading_when_the_own_door_has_closed(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.withdraw(case_id, cast.yes_to(case_id, "school"))
        facts = cast.facts(case_id)
        assert {n: policy.view(cast.actor(n), facts) for n in ("kari", "rune", "siri")} == {
            "kari": "shell", "rune": "shell", "siri": "full",
        }  # fmt: skip
        assert cast.move(case_id, "close", closing_reason="guardians_wish").facts.step == "closed"

    def test_does_not_confirm_a_holder_whose_service_nothing_covers(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.withdraw(case_id, cast.yes_to(case_id, "school"))
        with pytest.raises(NotReady) as refused:
            cast.confirm(case_id, by="kari")
        assert [found.code for found in refused.value.missing] == ["service_not_covered"]


class TestThePreview:
    def test_is_all_that_somebody_invited_or_offered_sees(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share")
        cast.invite(case_id, "siri")
        cast.offer(case_id, "liv")
        facts = cast.facts(case_id)
        for name in ("siri", "liv"):
            assert policy.view(cast.actor(name), facts) == "preview"
            assert policy.ground(cast.actor(name), facts) is None
            assert name not in sees(cast, case_id)

    def test_of_a_baton_stays_with_the_person_not_the_service(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share")
        cast.offer(case_id, "siri")
        assert policy.view(cast.actor("liv"), cast.facts(case_id)) is None


class TestTheRowItself:
    def test_is_moved_only_by_writing_a_new_one(self, cast: Cast) -> None:
        """A baton that has been passed leaves its row behind, ended."""
        case_id = cast.at_level_1()
        offer = cast.offer(case_id, "per")
        cast.accept(case_id, offer, by="per")
        with writing(cast.database) as session:
            rows = session.execute(sa.select(batons).where(batons.c.case_id == case_id).order_by(batons.c.started_at))
            assert [(r.person_id, r.ended_at is None) for r in rows] == [("kari", False), ("per", True)]
