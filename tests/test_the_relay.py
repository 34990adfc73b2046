"""The whole relay in the core: a wonder goes to level 2, the baton changes hands, consent opens and closes doors."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bti import policy
from bti.audit import replay
from bti.db import writing
from bti.errors import NotReady
from bti.models import audit_entries
from tests.cast import Cast, settle


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


class TestTheRelay:
    def test_runs_from_a_wonder_to_level_2_and_the_door_closes_on_withdrawal(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        with pytest.raises(NotReady) as refused:
            cast.move(case_id, "start_with_other_service")
        assert {m.code for m in refused.value.missing} >= {"holder_decided", "consent_log", "consent_partner"}

        cast.confirm(case_id)
        cast.consented(case_id, "school")
        shared = cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        assert cast.move(case_id, "start_with_other_service").facts.step == "2.1"
        offer = cast.offer(case_id, "siri")
        assert cast.facts(case_id).holder_id == "kari"
        cast.accept(case_id, offer, by="siri")
        assert cast.facts(case_id).holder_id == "siri"
        assert policy.view(cast.actor("siri"), cast.facts(case_id)) == "full"

        cast.withdraw(case_id, shared, by="siri")
        facts = cast.facts(case_id)
        assert policy.view(cast.actor("siri"), facts) is None
        assert (facts.holder_id, facts.is_interim) == ("rune", True)

    def test_leaves_a_trail_from_which_the_state_can_be_read_back(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        with writing(cast.database) as session:
            trail = session.execute(
                sa.select(audit_entries).where(audit_entries.c.case_id == case_id).order_by(audit_entries.c.id)
            ).all()
        told, facts = replay(trail), cast.facts(case_id)
        assert (told.step, told.holder_id, told.version) == (facts.step, facts.holder_id, facts.version)
        assert told.doors == {cover.id for cover in facts.covers}
        assert told.participants == {p.id: p.state for p in facts.participants}
