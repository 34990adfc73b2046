"""Consents as an auditor sees them: their state at any moment, and what each opened."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bti.clock import OSLO, local_day
from bti.consents import Event, state_at
from bti.db import writing
from bti.errors import Invalid, NotFound
from bti.models import (
    consents,
)
from bti.queries.audit import PAGE_ROWS
from bti.queries.audit_basis import state_now
from bti.queries.audit_past import past_of
from bti.usecases import answers
from tests.auditor import (
    consent_of,
    dossier,
    list_consents,
    random_past,
    read,
    reference,
)
from tests.cast import HERE, MONDAY, Cast, settle
from tests.keys import put


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


class TestConsentAtAnyMoment:
    def test_goes_through_every_state_at_its_time(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        cast.later(hours=1)
        asked_at = cast.now
        consent_id = cast.ask_consent(case_id, "school")
        first, second = cast.parties(consent_id)
        moments = []
        for party in (first, second):
            cast.later(hours=1)
            moments.append(cast.now)
            with writing(cast.database) as session:
                answers.record(
                    session, actor=cast.actor_in(session, "kari"), case_id=case_id, consent_id=consent_id,
                    party_id=party, answer="given", said=cast.said(), now=cast.now,
                )  # fmt: skip
        cast.later(hours=1)
        moments.append(cast.now)
        cast.withdraw(case_id, consent_id)
        cast.later(hours=1)
        a_little = timedelta(milliseconds=1)
        states = {
            asked_at: "asked",
            moments[0] - a_little: "asked",
            moments[0]: "partly_given",
            moments[1] - a_little: "partly_given",
            moments[1]: "given",
            moments[2] - a_little: "given",
            moments[2]: "withdrawn",
            cast.now: "withdrawn",
        }
        for moment, state in states.items():
            assert [row.state for row in list_consents(cast, as_of=moment).rows] == [state], moment
            assert dossier(cast, consent_id, as_of=moment).consent.state == state
        assert list_consents(cast, as_of=asked_at - a_little).rows == ()
        with pytest.raises(NotFound):
            dossier(cast, consent_id, as_of=asked_at - a_little)

    def test_expires_with_its_last_day(self, cast: Cast) -> None:
        cast.at_level_1()
        until = list_consents(cast).rows[0].valid_to
        cast.now = datetime(until.year, until.month, until.day, 23, 59, tzinfo=OSLO)
        assert list_consents(cast).rows[0].state == "given"
        cast.later(minutes=1)
        assert list_consents(cast).rows[0].state == "expired"

    def test_the_fold_in_sql_is_the_fold_in_python(self, cast: Cast) -> None:
        chance = random.Random(5)
        case_id = cast.at_level_1()
        random_past(cast, case_id, chance)
        with writing(cast.database) as session:
            past = past_of(session, municipality_id=HERE, case_ids=[case_id])[case_id]
            seen = set()
            for hours in range(0, 24 * 14, 7):
                moment = MONDAY + timedelta(hours=hours)
                state = state_now(consents.c, moment, local_day(moment)).label("state")
                told = {row.id: row.state for row in session.execute(sa.select(consents.c.id, state))}
                assert told == {id_: one.state(moment) for id_, one in past.consents.items()}
                seen |= set(told.values())
        assert seen == {"asked", "partly_given", "given", "withdrawn", "expired"}

    def test_a_refusal_ends_it(self) -> None:
        said = [Event("a", "given", MONDAY), Event("b", "refused", MONDAY + timedelta(hours=1))]
        assert state_at(["a", "b"], said, MONDAY.date(), MONDAY + timedelta(hours=2)) == "refused"

    def test_the_future_is_not_known(self, cast: Cast) -> None:
        with pytest.raises(Invalid) as refused:
            list_consents(cast, as_of=cast.now + timedelta(seconds=1), state="happy", unit="x", case="y")
        assert refused.value.fields == {
            "as_of": "in_future", "state": "unknown", "unit": "unknown", "case": "unknown",
        }  # fmt: skip


class TestListingConsents:
    def test_shows_scope_and_how_many_have_answered(self, cast: Cast) -> None:
        cast.at_level_2()
        row = next(row for row in list_consents(cast).rows if row.purpose == "share")
        assert (row.units, row.kinds, row.parties, row.given) == (
            ("PPT Fjordvik",), ("everyday", "measures"), 2, 2,
        )  # fmt: skip
        assert (row.asked_by, row.state) == ("Kari Nordmann", "given")

    def test_narrows_by_case_unit_state_and_time(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.later(days=1)
        other = cast.at_decision(about="mia")
        asked = cast.ask_consent(other, "school")
        assert [row.id for row in list_consents(cast, state="asked").rows] == [asked]
        assert {row.purpose for row in list_consents(cast, unit="ppt").rows} == {"share"}
        assert {row.case_id for row in list_consents(cast, case=reference(cast, case_id)).rows} == {case_id}
        assert [row.id for row in list_consents(cast, since=cast.now).rows] == [asked]
        assert {row.case_id for row in list_consents(cast, until=cast.now).rows} == {case_id}

    def test_pages_by_the_time_of_asking(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        with writing(cast.database) as session:
            row = dict(session.execute(sa.select(consents)).one()._mapping)
            made = [
                row | {"id": f"c{number:019}", "asked_at": MONDAY + timedelta(minutes=number // 2)}
                for number in range(PAGE_ROWS + 5)
            ]
            put(session, consents, made)
        cast.later(days=1)
        first = list_consents(cast, case=reference(cast, case_id))
        second = list_consents(cast, case=reference(cast, case_id), before=first.next)
        shown = [row.id for row in (*first.rows, *second.rows)]
        assert (len(first.rows), first.count, second.next) == (PAGE_ROWS, PAGE_ROWS + 6, None)
        assert len(shown) == len(set(shown)) == PAGE_ROWS + 6
        assert [r.asked_at for r in (*first.rows, *second.rows)] == sorted(
            (r.asked_at for r in (*first.rows, *second.rows)), reverse=True
        )

    @pytest.mark.parametrize("cursor", ["x", "2026-11-16", "2026-11-16T09:00:00:abc", ":"])
    def test_a_forged_page_is_told_so(self, cast: Cast, cursor: str) -> None:
        with pytest.raises(Invalid) as refused:
            list_consents(cast, before=cursor)
        assert refused.value.fields == {"page": "unknown"}


class TestOneConsent:
    def test_tells_who_gave_it_how_and_what_it_opened(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        consent_id = consent_of(cast, case_id, "share")
        read(cast, case_id, by="siri")
        read(cast, case_id, by="kari")
        found = dossier(cast, consent_id)
        assert {(p.relation, p.authority, p.answer) for p in found.parties} == {
            ("mother", "parental_responsibility", "given"), ("father", "parental_responsibility", "given"),
        }  # fmt: skip
        assert {(e.event, e.channel, e.has_witness, e.has_evidence) for e in found.events} == {
            ("given", "oral", True, False)
        }
        assert [(d.unit, d.is_open, d.opened_by) for d in found.doors] == [("PPT Fjordvik", True, "Kari Nordmann")]
        assert [(r.actor, r.verdict) for r in found.reads.rows] == [("Siri Dahl", "live")]

    def test_knows_at_an_earlier_moment_only_what_was_known_then(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        consent_id = consent_of(cast, case_id, "share")
        then = cast.now
        cast.later(hours=1)
        read(cast, case_id, by="siri")
        cast.withdraw(case_id, consent_id)
        found = dossier(cast, consent_id, as_of=then)
        assert (found.consent.state, found.later, found.reads.count) == ("given", 1, 0)
        assert [door.is_open for door in found.doors] == [True]
        now = dossier(cast, consent_id)
        assert (now.consent.state, now.later, now.reads.count) == ("withdrawn", 0, 1)
        assert [(door.is_open, door.ended_how) for door in now.doors] == [(False, "consent_withdrawn")]

    def test_that_is_not_there_is_not_found(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            dossier(cast, "nothing")
