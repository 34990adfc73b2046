"""The auditor's standing questions: each finds what was planted for it, and nothing else."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from bti import audit
from bti.clock import OSLO, local_day
from bti.db import writing
from bti.errors import NotFound
from bti.models import (
    audit_entries,
    consents,
    disclosures,
)
from bti.queries.audit_basis import had_live_basis
from bti.queries.audit_past import SOUND, past_of, verdict
from bti.queries.audit_sql import local_day_of
from bti.usecases import auditing, baton, doors, legal_basis, referrals
from bti.workflow.library import load_definition
from tests.auditor import (
    ask,
    consent_of,
    ids,
    last_day,
    open_by_law,
    plant,
    random_past,
    read,
    reference,
    search,
)
from tests.cast import HERE, Cast, settle


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


class TestOpenedWithoutALiveBasis:
    def test_finds_nothing_where_everybody_read_with_right(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        read(cast, case_id, by="kari")
        read(cast, case_id, by="rune")
        cast.confirm(case_id)
        cast.consented(case_id, "school")
        shared = cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        read(cast, case_id, by="siri")
        cast.move(case_id, "start_with_other_service")
        for person in ("kari", "rune", "siri"):
            read(cast, case_id, by=person)
        offer = cast.offer(case_id, "siri")
        cast.accept(case_id, offer, by="siri")
        read(cast, case_id, by="siri")
        cast.later(hours=1)
        cast.withdraw(case_id, shared, by="siri")
        cast.later(hours=1)
        read(cast, case_id, by="rune")
        assert search(cast, event="case.read").count == 8
        assert ask(cast, "no_live_basis").rows == ()

    def test_finds_a_read_after_the_withdrawal_and_says_so(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        consent_id = consent_of(cast, case_id, "share")
        read(cast, case_id, by="siri")
        cast.later(hours=1)
        cast.withdraw(case_id, consent_id)
        cast.later(hours=1)
        planted = plant(cast, case_id, by="siri", basis=f"consent:{consent_id}")
        page = ask(cast, "no_live_basis")
        assert [(row.id, row.verdict) for row in page.rows] == [(planted, "withdrawn")]

    def test_finds_a_read_the_day_after_the_consents_last_day(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        consent_id, until = consent_of(cast, case_id, "share"), last_day(cast, case_id)
        cast.now = datetime(until.year, until.month, until.day, 23, 59, tzinfo=OSLO)
        lawful = plant(cast, case_id, by="siri", basis=f"consent:{consent_id}")
        cast.later(minutes=2)
        planted = plant(cast, case_id, by="siri", basis=f"consent:{consent_id}")
        page = ask(cast, "no_live_basis")
        assert [(row.id, row.verdict) for row in page.rows] == [(planted, "expired")]
        assert {row.id: row.verdict for row in search(cast).rows}[lawful] == "live"

    @pytest.mark.parametrize(
        ("who", "basis", "why"),
        [
            ("amir", "consent:{share}", "not_named"),
            ("siri", "consent:nonsense", "unknown_basis"),
            ("siri", "consent:{asked}", "asked"),
            ("siri", "consent:{elsewhere}", "unknown_basis"),
            ("nils", "own_service", "not_own_service"),
            ("kari", "own_service", "shared"),
            ("siri", "law:barnevernsloven-13-2", "door_shut"),
            ("siri", "", "no_basis"),
            ("siri", "friendship", "unknown_basis"),
        ],
    )
    def test_finds_every_kind_of_wrong_basis(self, cast: Cast, who: str, basis: str, why: str) -> None:
        elsewhere = cast.at_decision(about="jon")
        cast.confirm(elsewhere)
        case_id = cast.at_level_2()
        names = {
            "share": consent_of(cast, case_id, "share"),
            "asked": cast.ask_consent(case_id, "health", purpose="share"),
            "elsewhere": cast.ask_consent(elsewhere, "school"),
        }
        for person in ("kari", "siri"):
            read(cast, case_id, by=person)
        planted = plant(cast, case_id, by=who, basis=basis.format(**names))
        page = ask(cast, "no_live_basis")
        assert [(row.id, row.verdict) for row in page.rows] == [(planted, why)]

    def test_a_shell_shows_nothing_and_needs_no_basis(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        plant(cast, case_id, by="rune", basis="", view="shell")
        assert ask(cast, "no_live_basis").rows == ()

    def test_a_shut_door_counts_though_the_consent_lives(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        consent_id = consent_of(cast, case_id, "share")
        with writing(cast.database) as session:
            session.execute(
                sa.update(disclosures).where(disclosures.c.consent_id == consent_id).values(ended_at=cast.now)
            )
        cast.later(hours=1)
        planted = plant(cast, case_id, by="siri", basis=f"consent:{consent_id}")
        assert [(row.id, row.verdict) for row in ask(cast, "no_live_basis").rows] == [(planted, "door_shut")]

    def test_a_legal_basis_holds_while_its_door_is_open(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        law = open_by_law(cast, case_id, "health")
        cast.later(hours=1)
        plant(cast, case_id, by="amir", basis=f"law:{law}")
        assert ask(cast, "no_live_basis").rows == ()
        cast.later(days=200)
        planted = plant(cast, case_id, by="amir", basis=f"law:{law}")
        assert ids(ask(cast, "no_live_basis", person="amir")) == [planted]

    def test_the_rule_told_in_sql_is_the_rule_told_in_python(self, cast: Cast) -> None:
        chance = random.Random(2)
        case_id = cast.at_level_2()
        taken = random_past(cast, case_id, chance)
        with writing(cast.database) as session:
            e = audit_entries.c
            sound = sa.select(e.id, had_live_basis(auditing.shared_steps()).label("sound")).where(
                e.event == "case.read"
            )
            told = {row.id: bool(row.sound) for row in session.execute(sound)}
            past = past_of(session, municipality_id=HERE, case_ids=[case_id])[case_id]
            is_shared = load_definition(*past.definition).is_shared
        rows = search(cast, event="case.read").rows
        judged = {row.id: verdict(row, past, is_shared) for row in rows}
        assert taken > 20
        assert {id_: told[id_] for id_ in judged} == {id_: why in SOUND for id_, why in judged.items()}
        assert len(set(judged.values())) > 5, "the pasts are too much alike to prove anything"


class TestLocalDays:
    @pytest.mark.parametrize("year", [2024, 2026, 2029, 2030, 2037])
    def test_are_the_same_in_the_database_as_in_the_clock(self, cast: Cast, year: int) -> None:
        days = [date(year, month, day) for month in range(1, 13) for day in (1, 15, 25, 26, 27, 28)]
        days += [date(year, 3, day) for day in range(24, 32)] + [date(year, 10, day) for day in range(24, 32)]
        moments = [
            datetime(day.year, day.month, day.day, hour, minute, tzinfo=OSLO)
            for day in days
            for hour, minute in ((0, 0), (1, 59), (2, 0), (12, 0), (22, 0), (23, 0), (23, 59))
        ]
        with writing(cast.database) as session:
            for moment in moments:
                audit.record(session, actor=None, municipality_id=HERE, event="session.logout", now=moment, fields={})
            rows = session.execute(sa.select(audit_entries.c.at, local_day_of(audit_entries.c.at).label("day"))).all()
        assert [(row.at, row.day) for row in rows if row.day != local_day(row.at)] == []


class TestConsentExpiredWhileSomebodyHadAccess:
    def test_finds_the_door_and_who_stood_inside(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        until = last_day(cast, case_id)
        assert ask(cast, "expired_with_access").rows == ()
        cast.now = datetime(until.year, until.month, until.day, 12, tzinfo=OSLO)
        assert ask(cast, "expired_with_access").rows == ()
        cast.later(days=1)
        found = {(row.unit, row.people) for row in ask(cast, "expired_with_access").rows}
        assert found == {
            ("PPT Fjordvik", (("Siri Dahl", "participant"),)),
            ("Fjordvik skole", (("Kari Nordmann", "holder"),)),
        }

    def test_finds_no_door_that_was_shut_before(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.later(days=1)
        cast.withdraw(case_id, consent_of(cast, case_id, "share"))
        cast.later(days=600)
        assert {row.unit for row in ask(cast, "expired_with_access").rows} == {"Fjordvik skole"}

    def test_finds_no_door_that_was_renewed_in_time(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        first = consent_of(cast, case_id, "share")
        cast.later(days=30)
        cast.consented(case_id, "ppt", purpose="share", renews_id=first)
        with writing(cast.database) as session:
            until = session.execute(sa.select(consents.c.valid_to).where(consents.c.id == first)).scalar_one()
        cast.now = datetime(until.year, until.month, until.day, 12, tzinfo=OSLO) + timedelta(days=2)
        assert {row.unit for row in ask(cast, "expired_with_access").rows} == {"Fjordvik skole"}

    def test_finds_it_still_after_somebody_has_tidied_up(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.later(days=800)
        with writing(cast.database) as session:
            doors.tidy_expired(session, actor=cast.actor_in(session, "rune"), case_id=case_id, now=cast.now)
        rows = ask(cast, "expired_with_access", unit="ppt").rows
        assert [(row.unit, row.people[0][0], row.ended_at) for row in rows] == [("PPT Fjordvik", "Siri Dahl", cast.now)]

    def test_narrows_by_case_person_unit_and_period(self, cast: Cast) -> None:
        case_id, other = cast.at_level_2(), cast.at_level_2(about="mia", partner="amir")
        cast.later(days=800)
        assert len(ask(cast, "expired_with_access").rows) == 4
        assert {r.case for r in ask(cast, "expired_with_access", case=reference(cast, other)).rows} == {
            reference(cast, other)
        }
        assert [r.case for r in ask(cast, "expired_with_access", person="siri").rows] == [reference(cast, case_id)]
        assert len(ask(cast, "expired_with_access", unit="school").rows) == 2
        assert ask(cast, "expired_with_access", since=cast.now).rows == ()


class TestWithdrawnThenRead:
    def test_finds_the_read_after_and_only_it(self, cast: Cast) -> None:
        case_id, other = cast.at_level_2(), cast.at_level_2(about="mia")
        consent_id = consent_of(cast, case_id, "share")
        read(cast, case_id, by="siri")
        cast.later(hours=1)
        cast.withdraw(case_id, consent_id)
        cast.later(hours=1)
        read(cast, case_id, by="kari")
        read(cast, other, by="siri")
        planted = plant(cast, case_id, by="siri", basis=f"consent:{consent_id}")
        assert ids(ask(cast, "withdrawn_then_read")) == [planted]

    @pytest.mark.parametrize("basis", ["consent", "law"])
    def test_accuses_nobody_who_was_let_in_before_a_withdrawal_that_had_to_wait(self, cast: Cast, basis: str) -> None:
        case_id, asked_at = cast.at_level_2(), cast.now
        consent_id = consent_of(cast, case_id, "share")
        law = open_by_law(cast, case_id, "health") if basis == "law" else ""
        # The withdrawal was asked for first, and stood in line behind this.
        cast.later(seconds=1)
        if law:
            plant(cast, case_id, by="amir", basis=f"law:{law}")
        else:
            read(cast, case_id, by="siri")
        cast.later(seconds=-1)
        assert cast.now == asked_at
        if law:
            door = next(c for c in cast.facts(case_id).covers if c.law_reference)
            with writing(cast.database) as session:
                legal_basis.end(
                    session, actor=cast.actor_in(session, "rune"), case_id=case_id, door_id=door.id, now=cast.now
                )
        else:
            cast.withdraw(case_id, consent_id)
        assert [row.verdict for row in search(cast, event="case.read").rows] == ["live"]
        for question in ("withdrawn_then_read", "no_live_basis"):
            assert ask(cast, question).rows == ()

    def test_a_new_consent_ends_the_matter(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.withdraw(case_id, consent_of(cast, case_id, "share"))
        cast.later(hours=1)
        cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        read(cast, case_id, by="siri")
        assert search(cast, event="case.read").count == 1
        assert ask(cast, "withdrawn_then_read").rows == ()

    def test_reading_on_as_the_own_service_is_shown_with_its_verdict(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.withdraw(case_id, consent_of(cast, case_id, "log"))
        cast.later(hours=1)
        read(cast, case_id, by="kari")
        assert [(r.actor, r.verdict) for r in ask(cast, "withdrawn_then_read").rows] == [("Kari Nordmann", "live")]


class TestOverrides:
    def test_are_legal_bases_interim_batons_and_decided_referrals(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        law = open_by_law(cast, case_id, "health")
        with writing(cast.database) as session:
            baton.interim_by_leader(
                session, actor=cast.actor_in(session, "rune"), case_id=case_id, reason="Kari er syk",
                seen_version=cast._version(session, case_id), now=cast.now,
            )  # fmt: skip
        with writing(cast.database) as session:
            referrals.refer(
                session, actor=cast.actor_in(session, "rune"), case_id=case_id, cause="stuck", question="Hva nå?",
                seen_version=cast._version(session, case_id), now=cast.now,
            )  # fmt: skip
        with writing(cast.database) as session:
            actor = cast.actor_in(session, "berit")
            referrals.decide(session, actor=actor, case_id=case_id, outcome="go_on", reason="Fortsett", now=cast.now)
        rows = ask(cast, "overrides").rows
        assert [row.event for row in rows] == ["referral.decide", "baton.interim", "disclosure.open"]
        told = {detail.field: detail.values for detail in rows[2].details}
        assert (told["law_reference"], told["unit"]) == ((law,), ("Fjordvik helsestasjon",))


class TestRefusedAttempts:
    def test_say_who_tried_what_and_why_not(self, cast: Cast) -> None:
        case_id = cast.wonder()
        with writing(cast.database) as session:
            audit.record_refusal(
                session, actor=cast.actor_in(session, "nils"), attempt="case.read", refusal=NotFound(), now=cast.now,
                case_id=case_id,
            )  # fmt: skip
        row = ask(cast, "refused").rows[0]
        assert (row.actor, row.decision, row.case) == ("Nils Berg", "refused", reference(cast, case_id))
        assert {d.field: d.values for d in row.details} == {"attempt": ("case.read",), "code": ("not_found",)}
