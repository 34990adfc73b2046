"""A wonder is its author's own until they share it: nobody who counts cases counts it, and no number gives it away."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bti import policy
from bti.db import reading, writing
from bti.errors import NotPossible
from bti.models import audit_entries, cases, memberships
from bti.queries import unit_desk
from bti.queries.register import Unit
from bti.usecases import register, units
from tests.cast import HERE, MONDAY, Cast, settle
from tests.invariants import trail_of


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def everything(cast: Cast) -> dict[str, str]:
    """A case on a level, a wonder that was shared, two that weren't, and a closed one."""
    shared, closed = cast.wonder(about="jon"), cast.at_level_1(about="mia")
    cast.move(shared, "share_with_leader")
    cast.move(closed, "close", closing_reason="goal_reached")
    return {
        "case": cast.at_level_1(),
        "shared": shared,
        "closed": closed,
        "own": cast.wonder(about="ida"),
        "nameless": cast.wonder(about=None),
    }


def unit(cast: Cast, unit_id: str = "school") -> Unit:
    return next(one for one in cast.act(register.see_units, by="arne") if one.id == unit_id)


class TestTheRuleForCounting:
    def test_is_the_leaders_own_rule(self, cast: Cast, everything: dict[str, str]) -> None:
        with reading(cast.database) as session:
            counted = set(session.execute(sa.select(cases.c.id).where(policy.LEADER_SEES)).scalars())
        assert counted == {one for one in everything.values() if policy.leader_sees(cast.facts(one))}
        assert {everything["own"], everything["nameless"]}.isdisjoint(counted)


class TestWhatAnAdministratorCounts:
    def test_is_what_the_units_leader_counts(self, cast: Cast, everything: dict[str, str]) -> None:
        with reading(cast.database) as session:
            by_leader = unit_desk.counts(session, actor=cast.actor("rune"), today=cast.today)
        assert unit(cast).open_cases == sum(one.cases for one in by_leader) == 2

    def test_of_batons_leaves_out_wonders_that_arent_shared(self, cast: Cast, everything: dict[str, str]) -> None:
        assert cast.act(register.see_person, by="arne", person_id="kari").batons == 2
        listed = cast.act(register.see_people, by="arne", search="kari").shown
        assert [one.batons for one in listed] == [2]

    def test_is_one_more_once_the_wonder_is_shared(self, cast: Cast, everything: dict[str, str]) -> None:
        cast.move(everything["own"], "share_with_leader")
        assert unit(cast).open_cases == 3
        assert cast.act(register.see_person, by="arne", person_id="kari").batons == 3

    def test_when_somebody_leaves_is_told_of_no_other_batons_though_all_of_them_fall(
        self, cast: Cast, everything: dict[str, str]
    ) -> None:
        assert cast.end("kari") == 2
        for one in ("case", "shared", "own", "nameless"):
            assert cast.facts(everything[one]).holder_id == "rune"
            assert trail_of(cast.database, everything[one])[-1].event == "baton.interim"

    def test_when_a_role_ends_is_told_of_no_other_batons(self, cast: Cast, everything: dict[str, str]) -> None:
        assert cast.end_role("kari", "school") == 2

    def test_of_what_keeps_a_unit_in_use_leaves_them_out_and_the_unit_is_kept(self, cast: Cast) -> None:
        cast.wonder(by="nils", about="liam")
        with pytest.raises(NotPossible) as refused:
            cast.act(units.end_unit, by="arne", unit_id="other_school")
        assert "cases" not in refused.value.details
        # Even with nobody left to hold it, which the rules elsewhere don't let happen.
        with writing(cast.database) as session:
            session.execute(sa.update(memberships).where(memberships.c.unit_id == "ppt").values(ended_at=MONDAY))
            session.execute(sa.update(cases).values(unit_id="ppt", holder_unit_id="ppt"))
        with pytest.raises(NotPossible) as refused:
            cast.act(units.end_unit, by="arne", unit_id="ppt")
        assert (refused.value.code, refused.value.details) == ("unit_in_use", {})


class TestTheTrail:
    def test_still_tells_how_many_batons_fell(self, cast: Cast, everything: dict[str, str]) -> None:
        cast.end("kari")
        with reading(cast.database) as session:
            query = sa.select(audit_entries.c.fields).where(
                audit_entries.c.municipality_id == HERE, audit_entries.c.event == "person.end"
            )
            assert '"batons_moved":4' in session.execute(query).scalar_one()
