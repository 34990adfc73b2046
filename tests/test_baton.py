"""The baton: never without a holder, never with two, and nobody takes it for another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bti.db import reading, writing
from bti.errors import Forbidden, Invalid, NotFound, NotPossible, NotReady, Refused, Stale
from bti.models import batons, cases, handovers
from bti.usecases import baton
from tests.cast import HERE, MONDAY, NEXT_DOOR, Cast, settle, settle_neighbour
from tests.invariants import broken, everything, trail_of
from tests.keys import row_of


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def case_id(cast: Cast) -> str:
    """A case on level 1 that Kari holds, with a consent to share with PPT."""
    case_id = cast.at_level_1()
    cast.consented(case_id, "ppt", purpose="share")
    return case_id


def holder(cast: Cast, case_id: str) -> str:
    return cast.facts(case_id).holder_id


def events(cast: Cast, case_id: str) -> list[str]:
    return [entry.event for entry in trail_of(cast.database, case_id)]


def offer_row(cast: Cast, offer_id: str) -> Any:
    with reading(cast.database) as session:
        return session.execute(sa.select(handovers).where(handovers.c.id == offer_id)).one()


class TestTheDatabaseItself:
    """Refuses what no code of ours would write."""

    def refuses(self, cast: Cast, statement: Any, *rows: dict[str, Any]) -> None:
        before = everything(cast.database)
        # On PostgreSQL the wall between municipalities stands before the keys.
        with pytest.raises((IntegrityError, sa.exc.ProgrammingError)), writing(cast.database) as session:
            session.execute(statement, *rows)
        assert everything(cast.database) == before

    def row(self, cast: Cast, table: sa.Table, case_id: str) -> dict[str, Any]:
        with reading(cast.database) as session:
            return dict(session.execute(sa.select(table).where(table.c.case_id == case_id)).mappings().first() or {})

    def test_two_live_batons_of_one_case(self, cast: Cast, case_id: str) -> None:
        row = {"municipality_id": HERE, "id": "second", "case_id": case_id, "person_id": "siri", "unit_id": "ppt"}
        self.refuses(cast, sa.insert(batons), row | {"how": "handover", "started_at": MONDAY})

    def test_two_open_offers_of_one_baton(self, cast: Cast, case_id: str) -> None:
        cast.offer(case_id, "siri")
        row = self.row(cast, handovers, case_id)
        self.refuses(cast, sa.insert(handovers), row_of(handovers, row | {"id": "second", "to_person_id": "per"}))

    def test_an_offer_to_oneself(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "siri")
        self.refuses(cast, sa.update(handovers).where(handovers.c.id == offer).values(to_person_id="kari"))

    def test_an_open_case_without_a_next_date(self, cast: Cast, case_id: str) -> None:
        self.refuses(cast, sa.update(cases).where(cases.c.id == case_id).values(due_on=None))

    def test_a_case_without_a_holder(self, cast: Cast, case_id: str) -> None:
        self.refuses(cast, sa.update(cases).where(cases.c.id == case_id).values(holder_id=None))

    def test_a_holder_who_is_nobody(self, cast: Cast, case_id: str) -> None:
        self.refuses(cast, sa.update(cases).where(cases.c.id == case_id).values(holder_id="nobody"))

    def test_a_closed_step_that_is_not_closed_and_the_other_way_about(self, cast: Cast, case_id: str) -> None:
        at = sa.update(cases).where(cases.c.id == case_id)
        self.refuses(cast, at.values(step="closed"))
        self.refuses(cast, at.values(closed_at=MONDAY))

    def test_a_log_about_nobody(self, cast: Cast, case_id: str) -> None:
        self.refuses(cast, sa.update(cases).where(cases.c.id == case_id).values(subject_id=None))

    def test_a_baton_of_another_municipalitys_case(self, cast: Cast, case_id: str) -> None:
        settle_neighbour(cast.database)
        row = {"municipality_id": NEXT_DOOR, "id": "theirs", "case_id": case_id, "person_id": "siri", "unit_id": "ppt"}
        self.refuses(cast, sa.insert(batons), row | {"how": "handover", "started_at": MONDAY})

    def test_a_case_that_moves_to_another_municipality(self, cast: Cast, case_id: str) -> None:
        settle_neighbour(cast.database)
        self.refuses(cast, sa.update(cases).where(cases.c.id == case_id).values(municipality_id=NEXT_DOOR))


class TestOfferingTheBaton:
    def test_leaves_it_with_the_old_holder_until_the_new_one_accepts(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "siri")
        assert holder(cast, case_id) == "kari"
        cast.move(case_id, "plan")  # Kari goes on working meanwhile
        cast.accept(case_id, offer, by="siri")
        assert holder(cast, case_id) == "siri"
        assert broken(cast.database, HERE, cast.now) == []

    def test_is_for_the_holder_and_the_leader_who_appoints(self, cast: Cast, case_id: str) -> None:
        cast.join(case_id, "siri")
        with pytest.raises(Forbidden):
            cast.offer(case_id, "per", by="siri")
        with pytest.raises(NotFound):
            cast.offer(case_id, "siri", by="per")
        cast.offer(case_id, "per", by="rune")

    @pytest.mark.parametrize(
        ("to", "unit", "field"),
        [
            ("", "school", "missing"),
            ("kari", "school", "already_holder"),
            ("nobody", "school", "unknown"),
            ("siri", "school", "unknown"),
            ("arne", "town_hall", "unknown"),
            ("tove", "town_hall", "unknown"),
        ],
    )
    def test_is_only_to_somebody_else_who_works_where_they_say(
        self, cast: Cast, case_id: str, to: str, unit: str, field: str
    ) -> None:
        with pytest.raises(Invalid) as refused:
            cast.act(baton.offer, by="kari", case_id=case_id, to_person_id=to, to_unit_id=unit, note="")
        assert refused.value.fields == {"to_person": field}

    def test_is_not_to_a_service_that_nobody_has_said_yes_to(self, cast: Cast, case_id: str) -> None:
        with pytest.raises(NotReady) as refused:
            cast.offer(case_id, "amir")
        assert [found.code for found in refused.value.missing] == ["service_not_covered"]

    def test_cannot_be_done_twice_at_once(self, cast: Cast, case_id: str) -> None:
        cast.offer(case_id, "siri")
        with pytest.raises(NotPossible) as refused:
            cast.offer(case_id, "per")
        assert refused.value.code == "offer_open"

    def test_from_an_old_page_is_stale(self, cast: Cast, case_id: str) -> None:
        more = {"case_id": case_id, "to_person_id": "siri", "to_unit_id": "ppt", "note": ""}
        seen = cast.version(case_id)
        cast.act(baton.offer, by="kari", seen_version=seen, **more)
        with pytest.raises(Stale):
            cast.act(baton.offer, by="kari", seen_version=seen, **more)

    def test_that_takes_over_the_log_needs_a_consent_to_just_that(self, cast: Cast, case_id: str) -> None:
        with pytest.raises(NotReady) as refused:
            cast.offer(case_id, "siri", takes_over_log=True)
        assert [found.code for found in refused.value.missing] == ["takeover_not_covered"]
        cast.consented(case_id, "ppt", purpose="takeover")
        offer = cast.offer(case_id, "siri", takes_over_log=True)
        cast.accept(case_id, offer, by="siri")
        facts = cast.facts(case_id)
        assert (facts.unit_id, facts.holder_unit_id, facts.holder_id) == ("ppt", "ppt", "siri")
        assert broken(cast.database, HERE, cast.now) == []

    def test_in_a_closed_case_is_not_possible(self, cast: Cast, case_id: str) -> None:
        cast.move(case_id, "close", closing_reason="moved")
        with pytest.raises(NotPossible):
            cast.offer(case_id, "per")


class TestAnsweringAnOffer:
    def test_is_for_the_one_it_was_made_to(self, cast: Cast, case_id: str) -> None:
        cast.join(case_id, "siri")
        offer = cast.offer(case_id, "per")
        for name in ("kari", "rune", "siri"):
            with pytest.raises(Forbidden):
                cast.accept(case_id, offer, by=name)
            with pytest.raises(Forbidden):
                cast.act(baton.decline, by=name, case_id=case_id, offer_id=offer, reason="capacity", note="")
        with pytest.raises(NotFound):
            cast.accept(case_id, offer, by="nils")
        assert holder(cast, case_id) == "kari"

    def test_with_yes_twice_has_one_effect(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "siri")
        cast.accept(case_id, offer, by="siri")
        before = everything(cast.database)
        with pytest.raises(NotPossible) as refused:
            cast.accept(case_id, offer, by="siri")
        assert refused.value.code == "no_open_offer"
        assert everything(cast.database) == before

    def test_with_no_takes_a_reason_of_the_list_and_leaves_the_holder(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "siri")
        for wrong, code in (("", "missing"), ("because", "unknown")):
            with pytest.raises(Invalid) as refused:
                cast.act(baton.decline, by="siri", case_id=case_id, offer_id=offer, reason=wrong, note="")
            assert refused.value.fields == {"reason": code}
        cast.act(baton.decline, by="siri", case_id=case_id, offer_id=offer, reason="capacity", note="Full uke")
        assert (holder(cast, case_id), offer_row(cast, offer).state) == ("kari", "declined")
        assert offer_row(cast, offer).decline_reason == "capacity"
        assert cast.offer(case_id, "per")

    def test_after_it_was_withdrawn_is_too_late(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "siri")
        cast.act(baton.withdraw_offer, by="kari", case_id=case_id, offer_id=offer)
        with pytest.raises(NotFound):
            cast.accept(case_id, offer, by="siri")
        assert (holder(cast, case_id), offer_row(cast, offer).state) == ("kari", "withdrawn")

    def test_after_its_last_day_is_too_late_and_another_can_be_made(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "siri")
        last = offer_row(cast, offer).expires_on
        assert last == cast.today + timedelta(days=7)
        cast.later(days=7)
        assert cast.facts(case_id).offer is not None
        cast.later(days=1)
        with pytest.raises(NotFound):
            cast.accept(case_id, offer, by="siri")
        cast.offer(case_id, "per")
        assert offer_row(cast, offer).state == "expired"
        assert "handover.expire" in events(cast, case_id)
        assert broken(cast.database, HERE, cast.now) == []

    def test_is_overtaken_when_the_case_changes_level_and_says_so(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "per")
        cast.move(case_id, "close", closing_reason="goal_reached")
        assert offer_row(cast, offer).state == "overtaken"
        assert "handover.overtake" in events(cast, case_id)
        with pytest.raises(NotFound):
            cast.accept(case_id, offer, by="per")

    def test_is_not_overtaken_by_a_step_on_the_same_level(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "siri")
        cast.move(case_id, "plan")
        cast.accept(case_id, offer, by="siri")
        assert holder(cast, case_id) == "siri"

    def test_is_too_late_when_the_family_has_taken_its_yes_back(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        shared = cast.consented(case_id, "ppt", purpose="share")
        offer = cast.offer(case_id, "siri")
        cast.withdraw(case_id, shared)
        with pytest.raises(NotFound):
            cast.accept(case_id, offer, by="siri")
        assert (holder(cast, case_id), offer_row(cast, offer).state) == ("kari", "overtaken")


class TestHandingItOn:
    def test_lets_the_old_holder_go_on_in_the_case(self, cast: Cast, case_id: str) -> None:
        cast.accept(case_id, cast.offer(case_id, "siri"), by="siri")
        assert [(p.person_id, p.state) for p in cast.facts(case_id).participants] == [("kari", "active")]

    def test_to_and_fro_leaves_nobody_twice_in_the_case(self, cast: Cast, case_id: str) -> None:
        cast.join(case_id, "siri")
        for giver, taker in (("kari", "siri"), ("siri", "kari"), ("kari", "siri")):
            cast.accept(case_id, cast.offer(case_id, taker, by=giver), by=taker)
            assert broken(cast.database, HERE, cast.now) == []
        assert [p.person_id for p in cast.facts(case_id).participants] == ["kari"]

    def test_by_a_leader_who_takes_part_and_stepped_in_adds_nobody_twice(self, cast: Cast, case_id: str) -> None:
        cast.join(case_id, "rune")
        cast.act(baton.interim_by_leader, by="rune", case_id=case_id, reason="Syk")
        cast.confirm(case_id, by="rune")
        cast.accept(case_id, cast.offer(case_id, "per", by="rune"), by="per")
        assert broken(cast.database, HERE, cast.now) == []


class TestTheInterimHolder:
    def test_is_the_leader_who_steps_in_for_somebody_absent(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "rune")
        cast.act(baton.interim_by_leader, by="rune", case_id=case_id, reason="Syk i tre uker")
        facts = cast.facts(case_id)
        assert (facts.holder_id, facts.is_interim, facts.holder_confirmed) == ("rune", True, False)
        assert offer_row(cast, offer).state == "overtaken"
        with pytest.raises(NotPossible):
            cast.act(baton.interim_by_leader, by="rune", case_id=case_id, reason="Igjen")

    def test_cannot_be_confirmed_by_another_but_may_stay_by_their_own_word(self, cast: Cast, case_id: str) -> None:
        cast.grant("per", "school", "unit_leader")
        cast.act(baton.interim_by_leader, by="per", case_id=case_id, reason="Syk")
        with pytest.raises(NotPossible) as refused:
            cast.confirm(case_id, by="rune")
        assert refused.value.code == "interim_must_appoint"
        cast.confirm(case_id, by="per")
        assert not cast.facts(case_id).is_interim

    def test_takes_over_at_once_when_somebody_leaves(self, cast: Cast, case_id: str) -> None:
        wonder = cast.wonder(about="mia")
        assert cast.end("kari") == 1, "a wonder that isn't shared is nobody else's to count"
        for one in (case_id, wonder):
            facts = cast.facts(one)
            assert (facts.holder_id, facts.is_interim, facts.due_on is None) == ("rune", True, False)
            assert "baton.interim" in events(cast, one)
        assert broken(cast.database, HERE, cast.now) == []

    def test_takes_over_only_what_was_held_through_the_role_that_ends(self, cast: Cast, case_id: str) -> None:
        cast.grant("kari", "health")
        assert cast.end_role("kari", "health") == 0
        assert holder(cast, case_id) == "kari"
        assert cast.end_role("kari", "school") == 1
        assert holder(cast, case_id) == "rune"

    def test_is_the_coordinating_unit_where_the_unit_has_no_leader(self, cast: Cast, case_id: str) -> None:
        cast.end("rune")
        cast.end("kari")
        facts = cast.facts(case_id)
        assert (facts.holder_id, facts.holder_unit_id, facts.is_interim) == ("berit", "coordination", True)

    def test_is_found_before_anybody_may_leave(self, cast: Cast, case_id: str) -> None:
        cast.end("rune")
        cast.end("berit")
        before = everything(cast.database)
        with pytest.raises(NotPossible) as refused:
            cast.end("kari")
        assert refused.value.code == "no_interim_holder"
        assert everything(cast.database) == before
        assert holder(cast, case_id) == "kari"

    def test_does_not_stop_a_family_from_taking_its_yes_back(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        shared = cast.yes_to(case_id, "ppt")
        cast.accept(case_id, cast.offer(case_id, "siri"), by="siri")
        cast.end("rune")
        cast.end("berit")
        cast.withdraw(case_id, shared, by="siri")
        facts = cast.facts(case_id)
        # Nobody to stand in: she answers for it still, and reads nothing.
        assert (facts.holder_id, facts.covers_of("ppt")) == ("siri", ())


class TestReopening:
    def closed(self, cast: Cast, case_id: str, by: str = "kari") -> None:
        cast.move(case_id, "close", by=by, closing_reason="goal_reached")

    def test_never_wakes_a_baton_in_the_hands_of_somebody_who_has_left(self, cast: Cast, case_id: str) -> None:
        self.closed(cast, case_id)
        cast.end("kari")
        cast.move(case_id, "reopen", by="rune", reason="Ny uro")
        assert (holder(cast, case_id), cast.facts(case_id).is_interim) == ("rune", True)
        assert broken(cast.database, HERE, cast.now) == []

    def test_never_wakes_it_in_a_service_that_is_covered_no_more(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.accept(case_id, cast.offer(case_id, "siri"), by="siri")
        self.closed(cast, case_id, by="siri")
        cast.move(case_id, "reopen", by="rune", reason="Ny uro")
        assert (holder(cast, case_id), cast.facts(case_id).is_interim) == ("rune", True)
        assert broken(cast.database, HERE, cast.now) == []

    def test_with_the_log_needs_the_holder_decided_anew(self, cast: Cast, case_id: str) -> None:
        self.closed(cast, case_id)
        with pytest.raises(NotReady) as refused:
            cast.move(case_id, "reopen_with_log", by="rune", reason="Ny uro")
        assert [found.code for found in refused.value.missing] == ["holder_decided"]
        cast.confirm(case_id, by="rune")
        assert cast.move(case_id, "reopen_with_log", by="rune", reason="Ny uro").facts.step == "1.1"


class TestARefusal:
    def test_changes_nothing_whoever_tries_whatever(self, cast: Cast, case_id: str) -> None:
        offer = cast.offer(case_id, "siri")
        tries: list[tuple[Any, str, dict[str, Any]]] = [
            (baton.accept, "per", {"offer_id": offer}),
            (baton.accept, "siri", {"offer_id": "none"}),
            (baton.decline, "siri", {"offer_id": offer, "reason": "no such", "note": ""}),
            (baton.withdraw_offer, "siri", {"offer_id": offer}),
            (baton.confirm_holder, "siri", {}),
            (baton.confirm_holder, "kari", {"seen_version": 0}),
            (baton.interim_by_leader, "kari", {"reason": "x"}),
            (baton.interim_by_leader, "rune", {"reason": " "}),
            (baton.offer, "kari", {"to_person_id": "per", "to_unit_id": "school", "note": ""}),
        ]
        before = everything(cast.database)
        for usecase, by, more in tries:
            with pytest.raises(Refused):
                cast.act(usecase, by=by, case_id=case_id, **more)
        assert everything(cast.database) == before
