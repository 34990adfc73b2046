"""What becomes of a consent: withdrawn, renewed, run out, and its state at any moment that is asked about."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from bti import policy
from bti.clock import local_day
from bti.consents import Event, state_at
from bti.db import reading
from bti.errors import Invalid, NotFound, NotPossible, NotReady
from bti.models import disclosures, entries
from bti.queries.consents import consents_of_case
from bti.usecases import answers, consent, doors, legal_basis, log
from bti.workflow.library import load_definition
from tests.cast import HERE, MONDAY, Cast, settle
from tests.invariants import broken, everything

STANDARD = load_definition("bti", 1)


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def state(cast: Cast, case_id: str, consent_id: str, at: datetime | None = None) -> str:
    with reading(cast.database) as session:
        known = consents_of_case(session, municipality_id=HERE, case_id=case_id, moment=cast.now)
    found = next(one for one in known if one.id == consent_id)
    if at is None:
        return found.state
    said = [Event(event.party_id, event.event, event.recorded_at) for event in found.events]
    return state_at([party.id for party in found.parties], said, found.valid_to, at)


def answer(cast: Cast, case_id: str, consent_id: str, party: str, said: str = "given", **more: Any) -> str:
    how = more.pop("how", cast.said())
    return str(
        cast.act(
            answers.record, by=more.pop("by", "kari"), case_id=case_id, consent_id=consent_id, party_id=party,
            answer=said, said=how,
        )
    )  # fmt: skip


class TestWithdrawal:
    def shared(self, cast: Cast) -> tuple[str, str]:
        case_id = cast.at_decision()
        cast.confirm(case_id)
        cast.consented(case_id, "school")
        shared = cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        cast.invite(case_id, "liv")
        cast.move(case_id, "start_with_other_service")
        return case_id, shared

    def test_does_exactly_what_the_preview_said(self, cast: Cast) -> None:
        case_id, shared = self.shared(cast)
        cast.accept(case_id, cast.offer(case_id, "siri"), by="siri")
        cast.offer(case_id, "liv", by="siri")
        before = everything(cast.database)
        _, told = cast.act(consent.preview_withdrawal, by="rune", case_id=case_id, consent_id=shared)
        assert everything(cast.database) == before
        parts = {p.id for p in cast.facts(case_id).participants if p.unit_id == "ppt"}
        assert (told.units, set(told.participants), told.offer_ends, told.baton_falls) == (("ppt",), parts, True, True)
        party = cast.parties(shared)[0]
        done = cast.act(
            consent.withdraw, by="rune", case_id=case_id, consent_id=shared, party_id=party, said=cast.said()
        )
        assert done == told
        facts = cast.facts(case_id)
        assert facts.covers_of("ppt") == ()
        assert not [p for p in facts.participants if p.unit_id == "ppt"]
        assert (facts.offer, facts.holder_id, facts.is_interim) == (None, "rune", True)
        assert broken(cast.database, HERE, cast.now) == []

    def test_by_any_one_of_those_who_gave_it_is_enough_and_deletes_nothing(self, cast: Cast) -> None:
        case_id, shared = self.shared(cast)
        before = everything(cast.database)
        cast.act(
            consent.withdraw, by="siri", case_id=case_id, consent_id=shared, party_id=cast.parties(shared)[1],
            said=cast.said(),
        )  # fmt: skip
        after = everything(cast.database)
        assert {name: len(rows) for name, rows in before.items() if len(rows) > len(after[name])} == {}
        assert state(cast, case_id, shared) == "withdrawn"

    def test_twice_is_told_that_it_has_ended(self, cast: Cast) -> None:
        case_id, shared = self.shared(cast)
        cast.withdraw(case_id, shared)
        with pytest.raises(NotPossible) as refused:
            cast.withdraw(case_id, shared)
        assert refused.value.code == "consent_ended"

    def test_can_be_recorded_in_a_closed_case(self, cast: Cast) -> None:
        case_id, shared = self.shared(cast)
        cast.move(case_id, "close", closing_reason="moved")
        cast.withdraw(case_id, shared)
        assert state(cast, case_id, shared) == "withdrawn"

    def test_leaves_a_service_that_another_consent_names(self, cast: Cast) -> None:
        case_id, shared = self.shared(cast)
        cast.consented(case_id, "ppt", "health", purpose="share")
        cast.withdraw(case_id, shared)
        assert {p.person_id for p in cast.facts(case_id).participants} == {"siri", "liv"}

    def test_on_level_1_leaves_the_own_service_its_own_observations(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        cast.confirm(case_id)
        own = cast.consented(case_id, "school")
        cast.move(case_id, "start_own_service")
        cast.plan(case_id)
        cast.withdraw(case_id, own)
        facts = cast.facts(case_id)
        found = policy.ground(cast.actor("kari"), facts)
        assert found is not None
        assert (found.basis, found.kinds) == ("own_service", frozenset())
        cast.act(
            log.add_entry, by="kari", case_id=case_id, kind="log", information_kind="everyday", title="", text="Rolig",
            happened_on=None, asked_by="",
        )  # fmt: skip

    def test_on_level_2_leaves_the_own_service_at_the_door(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.withdraw(case_id, cast.yes_to(case_id, "school"))
        assert policy.view(cast.actor("kari"), cast.facts(case_id)) == "shell"
        assert cast.facts(case_id).holder_id == "kari"


class TestRenewal:
    def test_opens_the_new_and_closes_the_old(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        old = cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        new = cast.consented(case_id, "ppt", purpose="share", renews_id=old)
        assert [cover.consent_id for cover in cast.facts(case_id).covers_of("ppt")] == [new]
        assert [p.person_id for p in cast.facts(case_id).participants] == ["siri"]

    def test_keeps_the_old_until_everybody_has_answered(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        old = cast.consented(case_id, "ppt", purpose="share")
        new = cast.ask_consent(case_id, "ppt", purpose="share", renews_id=old)
        answer(cast, case_id, new, cast.parties(new)[0])
        assert [cover.consent_id for cover in cast.facts(case_id).covers_of("ppt")] == [old]
        answer(cast, case_id, new, cast.parties(new)[1], "refused")
        assert [cover.consent_id for cover in cast.facts(case_id).covers_of("ppt")] == [old]

    def test_of_less_ends_what_stood_on_the_rest(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        old = cast.consented(case_id, "ppt", "health", purpose="share")
        for name in ("siri", "amir"):
            cast.join(case_id, name)
        cast.accept(case_id, cast.offer(case_id, "amir"), by="amir")
        cast.consented(case_id, "ppt", purpose="share", by="amir", renews_id=old)
        facts = cast.facts(case_id)
        assert facts.covers_of("health") == ()
        assert (facts.holder_id, facts.is_interim) == ("rune", True)
        assert broken(cast.database, HERE, cast.now) == []

    def test_of_what_is_not_this_cases_finds_nothing(self, cast: Cast) -> None:
        case_id, other = cast.at_level_1(), cast.at_level_1(about="mia")
        theirs = cast.consented(other, "ppt", purpose="share")
        with pytest.raises(NotFound):
            cast.ask_consent(case_id, "ppt", purpose="share", renews_id=theirs)


class TestExpiry:
    def test_closes_the_door_by_itself_and_tidying_ends_what_stood_on_it(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        consent_id = cast.consented(case_id, "ppt", purpose="share", valid_to=cast.today + timedelta(days=20))
        cast.join(case_id, "siri")
        cast.accept(case_id, cast.offer(case_id, "siri"), by="siri")
        cast.later(days=20)
        assert cast.facts(case_id).covers_of("ppt")
        cast.later(days=1)
        facts = cast.facts(case_id)
        assert (facts.covers_of("ppt"), facts.holder_id) == ((), "siri")
        assert policy.ground(cast.actor("siri"), facts) is None
        assert cast.act(doors.tidy_expired, by="arne", case_id=case_id) == 1
        assert (cast.facts(case_id).holder_id, state(cast, case_id, consent_id)) == ("rune", "expired")
        assert cast.act(doors.tidy_expired, by="arne", case_id=case_id) == 0
        assert broken(cast.database, HERE, cast.now) == []

    def test_of_what_nobody_answered_leaves_no_late_yes(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        consent_id = cast.ask_consent(case_id, "ppt", purpose="share", valid_to=cast.today + timedelta(days=5))
        cast.later(days=6)
        with pytest.raises(NotPossible) as refused:
            answer(cast, case_id, consent_id, cast.parties(consent_id)[0])
        assert refused.value.code == "consent_ended"


class TestTheStateAtAnyMoment:
    def test_is_what_was_known_then(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        moments: dict[str, datetime] = {}
        consent_id = cast.ask_consent(case_id, "ppt", purpose="share", valid_to=cast.today + timedelta(days=30))
        first, second = cast.parties(consent_id)
        moments["asked"] = cast.now
        cast.later(hours=1)
        answer(cast, case_id, consent_id, first)
        moments["partly_given"] = cast.now
        cast.later(hours=1)
        answer(cast, case_id, consent_id, second)
        moments["given"] = cast.now
        cast.later(days=3)
        cast.withdraw(case_id, consent_id)
        moments["withdrawn"] = cast.now
        cast.later(days=60)
        for wanted, moment in moments.items():
            assert state(cast, case_id, consent_id, moment) == wanted
            assert state(cast, case_id, consent_id, moment + timedelta(minutes=59)) == wanted
        assert state(cast, case_id, consent_id) == "withdrawn"

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(
        parties=st.lists(st.sampled_from("abc"), max_size=3, unique=True),
        events=st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from(["given", "refused", "withdrawn"]), st.integers(0, 40)),
            max_size=6,
        ),
        valid_days=st.integers(0, 40),
        asked=st.integers(0, 45),
    )
    def test_is_given_only_by_everybody_and_never_after_a_no(
        self, parties: list[str], events: list[tuple[str, str, int]], valid_days: int, asked: int
    ) -> None:
        at = [Event(party, said, MONDAY + timedelta(days=day)) for party, said, day in events]
        moment, valid_to = MONDAY + timedelta(days=asked), local_day(MONDAY) + timedelta(days=valid_days)
        found = state_at(parties, at, valid_to, moment)
        known = [event for event in at if event.recorded_at <= moment]
        if any(event.event != "given" for event in known):
            assert found in ("refused", "withdrawn")
        elif asked > valid_days:
            assert found == "expired"
        else:
            gave = {event.party_id for event in known}
            assert (found == "given") == (bool(parties) and set(parties) <= gave)
        # What comes later is not known yet, and the order it is told in doesn't matter.
        assert state_at(parties, known, valid_to, moment) == found
        assert state_at(parties, list(reversed(at)), valid_to, moment) == found or len(
            {e.recorded_at for e in at}
        ) < len(at)

    def test_ends_at_midnight_in_norway_not_in_london(self) -> None:
        event = Event("a", "given", datetime(2026, 11, 1, tzinfo=UTC))
        last = date(2026, 11, 16)
        assert state_at(["a"], [event], last, datetime(2026, 11, 16, 22, 59, tzinfo=UTC)) == "given"
        assert state_at(["a"], [event], last, datetime(2026, 11, 16, 23, 0, tzinfo=UTC)) == "expired"


class TestKindsOfInformation:
    def test_open_those_rows_and_no_others(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share", kinds=("everyday",))
        cast.join(case_id, "siri")
        for kind in ("everyday", "health", "family"):
            cast.act(
                log.add_entry, by="kari", case_id=case_id, kind="log", information_kind=kind, title="", text=kind,
                happened_on=None, asked_by="",
            )  # fmt: skip

        def read_by(name: str) -> set[str]:
            found = policy.ground(cast.actor(name), cast.facts(case_id))
            assert found is not None
            with reading(cast.database) as session:
                mine = sa.select(entries.c.information_kind).where(
                    entries.c.case_id == case_id, entries.c.kind == "log", policy.readable_rows(entries, found)
                )
                return set(session.execute(mine).scalars())

        assert read_by("siri") == {"everyday"}
        assert read_by("kari") == {"everyday", "health", "family"}

    def test_never_open_the_wonder_itself(self, cast: Cast) -> None:
        kinds = {choice.key for choice in STANDARD.definition.information_kinds}
        assert "wonder" not in kinds
        case_id = cast.at_level_2()
        found = policy.ground(cast.actor("siri"), cast.facts(case_id))
        assert found is not None
        with reading(cast.database) as session:
            rows = session.execute(
                sa.select(entries.c.information_kind).where(
                    entries.c.case_id == case_id, policy.readable_rows(entries, found)
                )
            ).scalars()
            assert "wonder" not in set(rows)


class TestALegalBasis:
    def record(self, cast: Cast, case_id: str, **wrong: Any) -> None:
        asked: dict[str, Any] = {
            "unit_id": "welfare", "kinds": ["everyday"], "law": "duty_to_report", "reason": "Fare", "valid_to": None,
            "by": "rune",
        }  # fmt: skip
        cast.act(legal_basis.record, case_id=case_id, **(asked | wrong))

    def test_is_recorded_with_its_reference_and_reason_for_half_a_year_at_most(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        self.record(cast, case_id)
        with reading(cast.database) as session:
            row = session.execute(sa.select(disclosures).where(disclosures.c.unit_id == "welfare")).one()
        assert (row.consent_id, row.law_reference, row.law_reason) == (None, "duty_to_report", "Fare")
        assert row.valid_to == cast.today + timedelta(days=180)

    @pytest.mark.parametrize(
        ("wrong", "fields"),
        [
            ({"law": "because I say so"}, {"law": "unknown"}),
            ({"law": ""}, {"law": "missing"}),
            ({"reason": ""}, {"reason": "missing"}),
            ({"unit_id": ""}, {"unit": "missing"}),
            ({"unit_id": "nowhere"}, {"unit": "unknown"}),
            # Nobody opens their own door.
            ({"unit_id": "school"}, {"unit": "unknown"}),
            ({"kinds": ["everything"]}, {"kinds": "unknown"}),
            ({"valid_to": MONDAY.date() + timedelta(days=181)}, {"valid_to": "too_late"}),
        ],
    )
    def test_needs_all_of_it(self, cast: Cast, wrong: dict[str, Any], fields: dict[str, str]) -> None:
        case_id = cast.at_level_1()
        with pytest.raises(Invalid) as refused:
            self.record(cast, case_id, **wrong)
        assert refused.value.fields == fields

    def test_lifts_secrecy_and_is_no_consent_to_a_log(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        cast.confirm(case_id)
        self.record(cast, case_id)
        with pytest.raises(NotReady) as refused:
            cast.move(case_id, "start_own_service")
        assert [found.code for found in refused.value.missing] == ["consent_log"]
