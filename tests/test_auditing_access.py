"""Who had access to a case at a moment: the access rule, asked about what was true then."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bti import policy
from bti.db import writing
from bti.errors import Invalid
from bti.models import (
    memberships,
)
from bti.usecases.auditing_access import access_at
from tests.auditor import (
    consent_of,
    grant,
    read,
    search,
    who_had_access,
)
from tests.cast import PEOPLE, Cast, settle


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


class TestWhoHadAccess:
    def test_at_every_turn_of_a_case(self, cast: Cast) -> None:
        before = cast.now - timedelta(seconds=1)
        case_id = cast.wonder()
        alone = cast.now
        cast.later(hours=1)
        cast.move(case_id, "share_with_leader")
        cast.feedback(case_id)
        cast.move(case_id, "clarify_who_talks")
        cast.guardian_talk(case_id)
        cast.move(case_id, "decide_on_wonder")
        with_leader = cast.now
        cast.later(hours=1)
        cast.confirm(case_id)
        cast.consented(case_id, "school")
        shared = cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        cast.move(case_id, "start_with_other_service")
        together = cast.now
        cast.later(hours=1)
        cast.accept(case_id, cast.offer(case_id, "siri"), by="siri")
        handed_over = cast.now
        cast.later(hours=1)
        cast.withdraw(case_id, shared, by="siri")
        withdrawn = cast.now
        cast.later(days=1)

        def people(moment: datetime) -> dict[str, str]:
            return {one.person: one.role for one in who_had_access(cast, case_id, moment).people}

        assert people(before) == {}
        assert people(alone) == {"Kari Nordmann": "holder"}
        assert people(with_leader) == {"Kari Nordmann": "holder", "Rune Vik": "unit_leader"}
        assert people(together) == {
            "Kari Nordmann": "holder", "Rune Vik": "unit_leader", "Siri Dahl": "participant",
        }  # fmt: skip
        assert people(handed_over)["Siri Dahl"] == "holder"
        assert people(withdrawn) == {"Kari Nordmann": "participant", "Rune Vik": "holder"}

    def test_is_what_the_access_rule_says_now(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        facts = cast.facts(case_id)
        now = {
            PEOPLE[name][0]: found.basis
            for name in PEOPLE
            if (found := policy.ground(cast.actor(name), facts)) is not None
        }
        assert {one.person: one.basis for one in who_had_access(cast, case_id).people} == now

    def test_names_the_doors_that_stood_open(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        then = cast.now
        cast.later(hours=1)
        cast.withdraw(case_id, consent_of(cast, case_id, "share"))
        assert {door.unit for door in who_had_access(cast, case_id, then).doors} == {"Fjordvik skole", "PPT Fjordvik"}
        assert {door.unit for door in who_had_access(cast, case_id).doors} == {"Fjordvik skole"}

    def test_follows_the_roles_people_had_then(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        then = cast.now
        cast.later(days=1)
        with writing(cast.database) as session:
            session.execute(sa.update(memberships).where(memberships.c.person_id == "rune").values(ended_at=cast.now))
        assert "Rune Vik" in {one.person for one in who_had_access(cast, case_id, then).people}
        assert "Rune Vik" not in {one.person for one in who_had_access(cast, case_id).people}

    def test_explains_a_read_by_what_was_open_at_that_moment(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        read(cast, case_id, by="siri")
        entry = search(cast, person="siri", event="case.read").rows[0]
        cast.later(days=3)
        cast.withdraw(case_id, consent_of(cast, case_id, "share"))
        then = who_had_access(cast, case_id, entry.at)
        assert (entry.actor, entry.basis) in {(one.person, one.basis) for one in then.people}

    def test_leaves_the_auditor_out_and_says_so(self, cast: Cast) -> None:
        grant(cast, "siri", "town_hall", "auditor")
        case_id = cast.at_level_2()
        found = who_had_access(cast, case_id, by="siri")
        assert found.own
        assert "Siri Dahl" not in {one.person for one in found.people}

    @pytest.mark.parametrize(
        ("case", "hours", "wrong"),
        [
            ("", 0, {"case": "missing"}),
            ("2026-X", 0, {"case": "unknown"}),
            ("2026-X", 1, {"case": "unknown", "moment": "in_future"}),
        ],
    )
    def test_needs_a_case_and_a_moment_that_has_been(
        self, cast: Cast, case: str, hours: int, wrong: dict[str, str]
    ) -> None:
        with writing(cast.database) as session, pytest.raises(Invalid) as refused:
            moment = cast.now + timedelta(hours=hours)
            access_at(session, actor=cast.actor_in(session, "tove"), case=case, moment=moment, now=cast.now)
        assert refused.value.fields == wrong
