"""Consent: who must say yes at which age, how they are asked, and that half a yes opens nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bti.clock import add_months
from bti.db import reading, writing
from bti.errors import Invalid, NotFound, NotPossible, NotReady
from bti.models import consent_parties, consents, disclosures, guardianships, subjects
from bti.queries.consents import consents_of_case, givers_for
from bti.usecases import answers, consent
from bti.usecases.answers import Said
from bti.workflow.library import load_definition
from tests.cast import HERE, MONDAY, Cast, settle, under_care_order
from tests.invariants import everything
from tests.keys import change, put
from tests.sequencing import tamper

STANDARD = load_definition("bti", 1)
PURPOSES = ("log", "share", "external", "takeover")


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def state(cast: Cast, case_id: str, consent_id: str, at: datetime | None = None) -> str:
    with reading(cast.database) as session:
        found = consents_of_case(session, municipality_id=HERE, case_id=case_id, moment=at or cast.now)
    return next(one.state for one in found if one.id == consent_id)


def authorities(cast: Cast, subject: str, purpose: str = "log") -> list[str]:
    with reading(cast.database) as session:
        found = givers_for(
            session, municipality_id=HERE, subject_id=subject, purpose=purpose, model=STANDARD, today=cast.today
        )
    return [giver.authority for giver in found]


def answer(cast: Cast, case_id: str, consent_id: str, party: str, said: str = "given", **more: Any) -> str:
    how = more.pop("how", cast.said())
    return str(
        cast.act(
            answers.record, by=more.pop("by", "kari"), case_id=case_id, consent_id=consent_id, party_id=party,
            answer=said, said=how,
        )
    )  # fmt: skip


def change_subject(cast: Cast, name: str, **values: Any) -> None:
    with writing(cast.database) as session:
        change(session, subjects, subjects.c.id == name, **values)


class TestWhoMustGiveIt:
    @pytest.mark.parametrize("purpose", PURPOSES)
    @pytest.mark.parametrize("age", range(21))
    def test_follows_the_table_of_ages(self, age: int, purpose: str) -> None:
        wanted = ("guardians",) if age < 15 else ("guardians", "subject") if age == 15 else ("subject",)
        assert STANDARD.givers(age, purpose) == wanted

    @pytest.mark.parametrize("age", range(21))
    def test_is_the_pregnant_woman_herself_at_any_age(self, age: int) -> None:
        assert STANDARD.givers(age, "log", pregnant=True) == ("subject",)

    @pytest.mark.parametrize("age", range(21))
    def test_is_child_welfare_in_the_guardians_place_under_a_care_order(self, age: int) -> None:
        wanted = ("child_welfare",) if age < 15 else ("child_welfare", "subject") if age == 15 else ("subject",)
        assert STANDARD.givers(age, "log", care_order=True) == wanted

    def test_is_everybody_any_rule_names_when_the_age_is_not_known(self) -> None:
        assert set(STANDARD.givers(None, "share")) == {"guardians", "subject"}

    def test_is_found_in_the_register_as_the_age_says(self, cast: Cast) -> None:
        assert authorities(cast, "ola") == ["parental_responsibility"] * 2
        assert authorities(cast, "mia") == ["parental_responsibility", "own_age"]
        assert authorities(cast, "jon") == ["own_age"]

    def test_changes_on_the_birthday_not_before(self, cast: Cast) -> None:
        change_subject(cast, "ola", born_on=date(2011, 11, 17))
        assert authorities(cast, "ola") == ["parental_responsibility"] * 2
        cast.later(days=1)
        assert authorities(cast, "ola") == ["parental_responsibility"] * 2 + ["own_age"]

    def test_is_nobody_where_no_guardian_has_parental_responsibility(self, cast: Cast) -> None:
        assert authorities(cast, "ida") == []

    def test_is_not_the_youth_alone_because_the_guardians_are_forgotten(self, cast: Cast) -> None:
        tamper(cast.database, "DELETE FROM guardianships WHERE subject_id = 'mia'")
        assert authorities(cast, "mia") == []

    def test_is_not_a_guardian_whose_responsibility_has_ended(self, cast: Cast) -> None:
        with writing(cast.database) as session:
            g = guardianships.c
            ended = sa.update(guardianships).where(g.subject_id == "ola", g.guardian_id == "tor")
            session.execute(ended.values(ended_on=cast.today))
        assert authorities(cast, "ola") == ["parental_responsibility"]

    def test_is_child_welfare_as_long_as_it_has_the_care(self, cast: Cast) -> None:
        under_care_order(cast, "ola")
        assert authorities(cast, "ola") == ["care_order"]
        cast.now -= timedelta(days=91)
        assert authorities(cast, "ola") == ["parental_responsibility"] * 2

    def test_is_the_woman_when_the_subject_is_pregnant(self, cast: Cast) -> None:
        change_subject(cast, "mia", kind="pregnant")
        assert authorities(cast, "mia") == ["pregnant"]


class TestAskingForConsent:
    def test_is_refused_when_nobody_can_give_it_and_says_what_is_missing(self, cast: Cast) -> None:
        for about, code in (("ida", "giver_known"), (None, "subject_known")):
            case_id = cast.wonder(about=about)
            before = everything(cast.database)
            with pytest.raises(NotReady) as refused:
                cast.ask_consent(case_id)
            assert [found.code for found in refused.value.missing] == [code]
            assert everything(cast.database) == before

    def test_twice_for_the_same_is_refused(self, cast: Cast) -> None:
        case_id = cast.wonder()
        cast.ask_consent(case_id)
        with pytest.raises(NotPossible) as refused:
            cast.ask_consent(case_id)
        assert refused.value.code == "already_asked"

    @pytest.mark.parametrize(
        ("wrong", "fields"),
        [
            ({"purpose": "gossip", "unit_ids": ["school", "ppt"]}, {"purpose": "unknown"}),
            ({"purpose": "", "unit_ids": ["school", "ppt"]}, {"purpose": "missing"}),
            ({"unit_ids": []}, {"units": "missing"}),
            ({"unit_ids": ["school", "nowhere"]}, {"units": "unknown"}),
            ({"unit_ids": ["ppt"]}, {"units": "own_service_missing"}),
            ({"purpose": "share", "unit_ids": ["school"]}, {"units": "other_service_missing"}),
            ({"purpose": "share", "unit_ids": ["hospital"]}, {"purpose": "external_needs_own_consent"}),
            ({"kinds": []}, {"kinds": "missing"}),
            ({"kinds": ["everyday", "secrets"]}, {"kinds": "unknown"}),
            ({"about": " "}, {"about": "missing"}),
            ({"valid_to": MONDAY.date()}, {"valid_to": "in_past"}),
            ({"valid_to": add_months(MONDAY.date(), 12) + timedelta(days=1)}, {"valid_to": "too_late"}),
            ({"kinds": [], "about": "", "unit_ids": []}, {"units": "missing", "kinds": "missing", "about": "missing"}),
        ],
    )
    def test_for_what_cannot_be_asked_says_all_that_is_wrong(
        self, cast: Cast, wrong: dict[str, Any], fields: dict[str, str]
    ) -> None:
        case_id = cast.wonder()
        asked: dict[str, Any] = {
            "purpose": "log", "unit_ids": ["school"], "kinds": ["everyday"], "about": "x", "reservations": "",
            "valid_to": None,
        }  # fmt: skip
        with pytest.raises(Invalid) as refused:
            cast.act(consent.ask, by="kari", case_id=case_id, **(asked | wrong))
        assert refused.value.fields == fields

    def test_lasts_as_long_as_the_definition_says_unless_less_is_asked(self, cast: Cast) -> None:
        case_id = cast.wonder()
        consent_id = cast.ask_consent(case_id)
        with reading(cast.database) as session:
            until = session.execute(sa.select(consents.c.valid_to).where(consents.c.id == consent_id)).scalar_one()
        assert until == add_months(cast.today, 12)


class TestBothGuardians:
    def test_must_say_yes_and_half_opens_nothing(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        consent_id = cast.ask_consent(case_id, "ppt", purpose="share")
        first, second = cast.parties(consent_id)
        assert answer(cast, case_id, consent_id, first) == "partly_given"
        assert cast.facts(case_id).covers_of("ppt") == ()
        with pytest.raises(NotReady):
            cast.invite(case_id, "siri")
        assert answer(cast, case_id, consent_id, second) == "given"
        assert len(cast.facts(case_id).covers_of("ppt")) == 1

    @pytest.mark.parametrize("first_says", ["given", "refused"])
    def test_who_disagree_have_not_consented(self, cast: Cast, first_says: str) -> None:
        case_id = cast.at_level_1()
        consent_id = cast.ask_consent(case_id, "ppt", purpose="share")
        first, second = cast.parties(consent_id)
        answer(cast, case_id, consent_id, first, first_says)
        if first_says == "given":
            assert answer(cast, case_id, consent_id, second, "refused") == "refused"
        else:
            with pytest.raises(NotPossible) as refused:
                answer(cast, case_id, consent_id, second)
            assert refused.value.code == "consent_ended"
        assert state(cast, case_id, consent_id) == "refused"
        assert cast.facts(case_id).covers_of("ppt") == ()

    def test_answer_each_once(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        consent_id = cast.ask_consent(case_id, "ppt", purpose="share")
        first = cast.parties(consent_id)[0]
        answer(cast, case_id, consent_id, first)
        with pytest.raises(NotPossible) as refused:
            answer(cast, case_id, consent_id, first)
        assert refused.value.code == "already_answered"

    def test_are_asked_anew_when_it_was_refused(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        consent_id = cast.ask_consent(case_id, "ppt", purpose="share")
        answer(cast, case_id, consent_id, cast.parties(consent_id)[0], "refused")
        assert cast.consented(case_id, "ppt", purpose="share") != consent_id


class TestRecordingAnAnswer:
    @pytest.mark.parametrize(
        ("how", "fields"),
        [
            (Said("oral", MONDAY.date()), {"witness": "missing"}),
            (Said("written", MONDAY.date()), {"evidence": "missing"}),
            (Said("telepathy", MONDAY.date(), "x", "y"), {"channel": "unknown"}),
            (Said("oral", None, "Per"), {"said_on": "missing"}),
            (Said("oral", MONDAY.date() + timedelta(days=1), "Per"), {"said_on": "in_future"}),
            (Said("oral", date(1926, 1, 1), "Per"), {"said_on": "too_old"}),
            (Said("", None), {"channel": "missing", "said_on": "missing"}),
        ],
    )
    def test_needs_to_say_how_and_when(self, cast: Cast, how: Said, fields: dict[str, str]) -> None:
        case_id = cast.wonder()
        consent_id = cast.ask_consent(case_id)
        with pytest.raises(Invalid) as refused:
            answer(cast, case_id, consent_id, cast.parties(consent_id)[0], how=how)
        assert refused.value.fields == fields

    def test_of_somebody_who_was_not_asked_finds_nothing(self, cast: Cast) -> None:
        case_id, other = cast.at_level_1(), cast.at_level_1(about="mia")
        consent_id, theirs = (
            cast.ask_consent(case_id, "ppt", purpose="share"),
            cast.ask_consent(other, "health", purpose="share"),
        )
        for which, party in (
            (consent_id, "nobody"),
            (consent_id, cast.parties(theirs)[0]),
            (theirs, cast.parties(theirs)[0]),
        ):
            with pytest.raises(NotFound):
                answer(cast, case_id, which, party)


class TestTheDatabaseItself:
    def test_refuses_a_door_on_both_bases_or_on_none(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        with reading(cast.database) as session:
            row = dict(session.execute(sa.select(disclosures).where(disclosures.c.case_id == case_id)).mappings().one())
        for basis in ({"consent_id": None}, {"law_reference": "law"}):
            with pytest.raises(IntegrityError), writing(cast.database) as session:
                put(session, disclosures, row | {"id": "wrong"} | basis)

    def test_refuses_a_giver_who_is_nobody_or_two(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        consent_id = cast.ask_consent(case_id, "ppt", purpose="share")
        row = {"municipality_id": HERE, "id": "wrong", "consent_id": consent_id, "authority": "own_age"}
        for who in ({}, {"guardian_id": "lise", "subject_id": "ola"}):
            with pytest.raises(IntegrityError), writing(cast.database) as session:
                session.execute(sa.insert(consent_parties), row | who)
