"""Several givers' answers recorded in one go: all of it or nothing, and each with their own answer."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bti.audit import replay
from bti.db import reading
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import consent_events
from bti.queries.consents import Consent, consents_of_case
from bti.usecases import answers
from bti.usecases.answers import Answer, Said
from tests.cast import HERE, Cast, settle
from tests.invariants import broken, trail_of


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def case_id(cast: Cast) -> str:
    return cast.at_level_1()


def record(cast: Cast, case_id: str, consent_id: str, *given: Answer, by: str = "kari") -> str:
    return str(cast.act(answers.record_all, by=by, case_id=case_id, consent_id=consent_id, answers=given))


def say(cast: Cast, consent_id: str, *said: str, how: Said | None = None) -> list[Answer]:
    parties = cast.parties(consent_id)
    return [Answer(party, answer, how or cast.said()) for party, answer in zip(parties, said, strict=False)]


def found(cast: Cast, case_id: str, consent_id: str) -> Consent:
    with reading(cast.database) as session:
        everybodys = consents_of_case(session, municipality_id=HERE, case_id=case_id, moment=cast.now)
    return next(one for one in everybodys if one.id == consent_id)


def answered(cast: Cast, case_id: str, consent_id: str) -> list[str]:
    consent = found(cast, case_id, consent_id)
    by_id = {party.id: party.answer for party in consent.parties}
    return [by_id[party] for party in cast.parties(consent_id)]


def doors(cast: Cast, case_id: str) -> set[str]:
    return {cover.unit_id for cover in cast.facts(case_id).covers}


class TestAllInOneGo:
    def test_two_who_say_yes_open_the_door(self, cast: Cast, case_id: str) -> None:
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        assert record(cast, case_id, asked, *say(cast, asked, "given", "given")) == "given"
        assert "ppt" in doors(cast, case_id)
        trail = trail_of(cast.database, case_id)
        told, facts = replay(trail), cast.facts(case_id)
        assert (told.consents[asked], told.version) == ("given", facts.version)
        assert told.doors == {cover.id for cover in facts.covers}
        complete = [row.fields for row in trail if row.event == "consent.give" and row.object_id == asked]
        assert ['"complete":true' in fields for fields in complete] == [False, True]
        assert not broken(cast.database, HERE, cast.now)

    def test_one_who_hasnt_been_asked_is_waited_for(self, cast: Cast, case_id: str) -> None:
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        assert record(cast, case_id, asked, *say(cast, asked, "given")) == "partly_given"
        assert answered(cast, case_id, asked) == ["given", ""]
        later = [Answer(cast.parties(asked)[1], "given", cast.said())]
        assert record(cast, case_id, asked, *later) == "given"
        assert "ppt" in doors(cast, case_id)

    @pytest.mark.parametrize("said", [("given", "refused"), ("refused", "given"), ("refused", "refused")])
    def test_a_no_opens_nothing_and_everybodys_answer_stands(
        self, cast: Cast, case_id: str, said: tuple[str, str]
    ) -> None:
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        assert record(cast, case_id, asked, *say(cast, asked, *said)) == "refused"
        assert answered(cast, case_id, asked) == list(said)
        assert found(cast, case_id, asked).state == "refused"
        assert "ppt" not in doors(cast, case_id)
        told = replay(trail_of(cast.database, case_id))
        assert (told.consents[asked], told.version) == ("refused", cast.version(case_id))
        assert not broken(cast.database, HERE, cast.now)

    def test_each_with_how_and_when_it_was_said(self, cast: Cast, case_id: str) -> None:
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        mother, father = cast.parties(asked)
        written = Said("written", cast.today, evidence="Elevmappen")
        record(cast, case_id, asked, Answer(mother, "given", cast.said()), Answer(father, "given", written))
        with reading(cast.database) as session:
            e = consent_events.c
            rows = session.execute(sa.select(e.party_id, e.channel, e.witness, e.evidence).where(e.consent_id == asked))
            assert {tuple(row) for row in rows} == {
                (mother, "oral", "Per Olsen", ""),
                (father, "written", "", "Elevmappen"),
            }

    def test_the_last_yes_shuts_what_is_renewed(self, cast: Cast, case_id: str) -> None:
        old = cast.consented(case_id, "ppt", purpose="share")
        new = cast.ask_consent(case_id, "ppt", purpose="share", renews_id=old)
        record(cast, case_id, new, *say(cast, new, "given", "given"))
        assert {cover.consent_id for cover in cast.facts(case_id).covers if cover.unit_id == "ppt"} == {new}


class TestOrNothing:
    def test_is_recorded_when_one_answer_is_wrong_and_each_fault_names_its_giver(
        self, cast: Cast, case_id: str
    ) -> None:
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        mother, father = cast.parties(asked)
        with pytest.raises(Invalid) as refused:
            record(
                cast,
                case_id,
                asked,
                Answer(mother, "given", cast.said()),
                Answer(father, "perhaps", Said("oral", None)),
            )
        assert refused.value.fields == {
            f"{father}.answer": "unknown",
            f"{father}.said_on": "missing",
            f"{father}.witness": "missing",
        }
        assert answered(cast, case_id, asked) == ["", ""]

    def test_is_recorded_when_one_has_answered_already(self, cast: Cast, case_id: str) -> None:
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        both = say(cast, asked, "given", "given")
        record(cast, case_id, asked, both[1])
        with pytest.raises(NotPossible) as refused:
            record(cast, case_id, asked, *both)
        assert refused.value.code == "already_answered"
        assert answered(cast, case_id, asked) == ["", "given"]

    def test_is_recorded_when_the_question_has_ended(self, cast: Cast, case_id: str) -> None:
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        both = say(cast, asked, "given", "refused")
        record(cast, case_id, asked, both[1])
        with pytest.raises(NotPossible) as refused:
            record(cast, case_id, asked, both[0])
        assert refused.value.code == "consent_ended"

    def test_is_recorded_for_nobody_twice_or_for_somebody_else(self, cast: Cast, case_id: str) -> None:
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        other = cast.ask_consent(case_id, "health", purpose="share")
        one = say(cast, asked, "given")
        for given in ([], one * 2):
            with pytest.raises(Invalid) as refused:
                record(cast, case_id, asked, *given)
            assert refused.value.fields == {"answers": "missing"}
        with pytest.raises(NotFound):
            record(cast, case_id, asked, *one, *say(cast, other, "given"))
        assert answered(cast, case_id, asked) == ["", ""]

    def test_is_recorded_by_others_than_those_who_answer_for_the_case(self, cast: Cast, case_id: str) -> None:
        cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        asked = cast.ask_consent(case_id, "health", purpose="share")
        with pytest.raises(Forbidden):
            record(cast, case_id, asked, *say(cast, asked, "given", "given"), by="siri")
        with pytest.raises(NotFound):
            record(cast, case_id, asked, *say(cast, asked, "given", "given"), by="nils")
