"""Services that take part: asked by name, covered before they are asked, and gone when they go."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from bti.errors import Forbidden, Invalid, NotFound, NotPossible, NotReady, Stale
from bti.usecases import participants
from tests.cast import HERE, Cast, settle
from tests.invariants import broken, everything


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def case_id(cast: Cast) -> str:
    """A case on level 1 that Kari holds, with a consent to share with PPT."""
    case_id = cast.at_level_1()
    cast.consented(case_id, "ppt", purpose="share")
    return case_id


def states(cast: Cast, case_id: str) -> dict[str, str]:
    return {p.person_id: p.state for p in cast.facts(case_id).participants}


class TestInviting:
    def test_is_the_holders_task(self, cast: Cast, case_id: str) -> None:
        cast.join(case_id, "siri")
        for name in ("rune", "siri"):
            with pytest.raises(Forbidden):
                cast.invite(case_id, "liv", by=name)

    def test_needs_a_yes_that_names_the_service(self, cast: Cast, case_id: str) -> None:
        with pytest.raises(NotReady) as refused:
            cast.invite(case_id, "amir")
        assert [(found.code, found.fixer) for found in refused.value.missing] == [("service_not_covered", "giver")]

    def test_outside_the_municipality_needs_a_yes_of_its_own(self, cast: Cast, case_id: str) -> None:
        with pytest.raises(NotReady) as refused:
            cast.invite(case_id, "eva")
        assert [found.code for found in refused.value.missing] == ["external_not_covered"]
        cast.consented(case_id, "hospital", purpose="external")
        cast.join(case_id, "eva")
        assert states(cast, case_id) == {"eva": "active"}

    def test_a_colleague_of_the_own_service_on_level_1_needs_no_more(self, cast: Cast, case_id: str) -> None:
        cast.join(case_id, "per")
        assert states(cast, case_id) == {"per": "active"}

    @pytest.mark.parametrize(
        ("person", "unit", "fields"),
        [
            ("", "ppt", {"person": "missing"}),
            ("nobody", "ppt", {"person": "unknown"}),
            ("amir", "ppt", {"person": "unknown"}),
            ("tove", "town_hall", {"person": "unknown"}),
        ],
    )
    def test_is_of_somebody_who_works_there(
        self, cast: Cast, case_id: str, person: str, unit: str, fields: dict[str, str]
    ) -> None:
        with pytest.raises(Invalid) as refused:
            cast.act(participants.invite, by="kari", case_id=case_id, person_id=person, unit_id=unit, purpose="x")
        assert refused.value.fields == fields

    def test_the_same_person_twice_or_the_holder_is_not_possible(self, cast: Cast, case_id: str) -> None:
        cast.invite(case_id, "siri")
        for name in ("siri", "kari"):
            with pytest.raises(NotPossible) as refused:
                cast.invite(case_id, name)
            assert refused.value.code == "already_takes_part"

    def test_from_an_old_page_is_stale(self, cast: Cast, case_id: str) -> None:
        seen = cast.version(case_id)
        more: dict[str, Any] = {"case_id": case_id, "unit_id": "ppt", "purpose": "x", "seen_version": seen}
        cast.act(participants.invite, by="kari", person_id="siri", **more)
        with pytest.raises(Stale):
            cast.act(participants.invite, by="kari", person_id="liv", **more)


class TestAnsweringAnInvitation:
    def test_is_for_the_one_who_was_asked(self, cast: Cast, case_id: str) -> None:
        invitation = cast.invite(case_id, "siri")
        cast.invite(case_id, "liv")
        for name in ("liv", "kari", "rune", "nils"):
            with pytest.raises(NotFound):
                cast.act(participants.accept, by=name, case_id=case_id, invitation_id=invitation)
        assert states(cast, case_id) == {"siri": "invited", "liv": "invited"}

    def test_twice_has_one_effect(self, cast: Cast, case_id: str) -> None:
        invitation = cast.join(case_id, "siri")
        before = everything(cast.database)
        for usecase, more in ((participants.accept, {}), (participants.decline, {"reason": "capacity"})):
            with pytest.raises(NotPossible) as refused:
                cast.act(usecase, by="siri", case_id=case_id, invitation_id=invitation, **more)
            assert refused.value.code == "already_answered"
        assert everything(cast.database) == before

    def test_with_no_takes_a_reason_of_the_list(self, cast: Cast, case_id: str) -> None:
        invitation = cast.invite(case_id, "siri")
        with pytest.raises(Invalid) as refused:
            cast.act(participants.decline, by="siri", case_id=case_id, invitation_id=invitation, reason="no")
        assert refused.value.fields == {"reason": "unknown"}
        cast.act(participants.decline, by="siri", case_id=case_id, invitation_id=invitation, reason="capacity")
        assert states(cast, case_id) == {}
        assert cast.invite(case_id, "siri") != invitation

    def test_is_too_late_when_the_family_has_taken_its_yes_back(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        shared = cast.consented(case_id, "ppt", purpose="share")
        invitation = cast.invite(case_id, "siri")
        cast.withdraw(case_id, shared)
        with pytest.raises(NotFound):
            cast.act(participants.accept, by="siri", case_id=case_id, invitation_id=invitation)


class TestLeaving:
    def test_is_the_holders_to_decide_or_ones_own(self, cast: Cast, case_id: str) -> None:
        siri, liv = cast.join(case_id, "siri"), cast.join(case_id, "liv")
        with pytest.raises(Forbidden):
            cast.act(participants.end_part, by="siri", case_id=case_id, participation_id=liv)
        cast.act(participants.end_part, by="siri", case_id=case_id, participation_id=siri)
        cast.act(participants.end_part, by="kari", case_id=case_id, participation_id=liv)
        assert states(cast, case_id) == {}
        with pytest.raises(NotFound):
            cast.act(participants.end_part, by="kari", case_id=case_id, participation_id=liv)

    def test_the_municipality_ends_every_part_in_every_case(self, cast: Cast, case_id: str) -> None:
        cast.join(case_id, "siri")
        other = cast.at_level_2(about="jon")
        cast.end("siri")
        assert (states(cast, case_id), states(cast, other)) == ({}, {})
        assert broken(cast.database, HERE, cast.now) == []

    def test_is_everybodys_when_the_case_goes_down_or_closes(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.move(case_id, "close", closing_reason="goal_reached")
        facts = cast.facts(case_id)
        assert (facts.participants, facts.covers_of("ppt")) == ((), ())
        assert broken(cast.database, HERE, cast.now) == []
