"""What an auditor may search, how they are written down themselves, and what it costs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bti import engine, tenancy
from bti.db import writing
from bti.errors import Forbidden, Invalid, NotFound
from bti.models import (
    audit_entries,
    municipalities,
    people,
)
from bti.queries.audit import MOST_COUNTED, PAGE_ROWS
from bti.usecases import auditing
from bti.usecases.auditing import ConsentFilter
from bti.usecases.auditing_access import access_at
from bti.usecases.auditing_copies import export_consents, export_expired, export_log
from tests.auditor import (
    EVERYTHING,
    ask,
    consents_csv,
    dossier,
    grant,
    ids,
    last_entry,
    list_consents,
    log_csv,
    look_up,
    plant,
    read,
    reference,
    search,
    statements,
    who_had_access,
)
from tests.cast import HERE, MONDAY, PEOPLE, Cast, settle
from tests.keys import change


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


class TestSearchingTheTrail:
    def test_shows_who_did_what_where_and_on_which_basis_newest_first(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        read(cast, case_id, by="kari")
        page = search(cast)
        assert ids(page) == sorted(ids(page), reverse=True)
        newest = page.rows[0]
        assert (newest.event, newest.actor, newest.unit, newest.role) == (
            "case.read", "Kari Nordmann", "Fjordvik skole", "holder",
        )  # fmt: skip
        assert (newest.case, newest.basis, newest.verdict) == (reference(cast, case_id), "own_service", "live")

    def test_finds_by_person_case_unit_event_and_group(self, cast: Cast) -> None:
        case_id, other = cast.at_level_1(), cast.wonder(by="nils", about="liam")
        assert {row.actor for row in search(cast, person="Nils Berg").rows} == {"Nils Berg"}
        assert {row.actor for row in search(cast, person="kari").rows} == {"Kari Nordmann"}
        assert {row.case_id for row in search(cast, case=f" {reference(cast, other).lower()} ").rows} == {other}
        assert {row.unit for row in search(cast, unit="other_school").rows} == {"Nordbygda skole"}
        assert {row.event for row in search(cast, event="case.open").rows} == {"case.open"}
        told = {row.event for row in search(cast, event="consents", case=reference(cast, case_id)).rows}
        assert told == {"consent.ask", "consent.give", "disclosure.open"}

    def test_finds_by_time_from_the_first_moment_until_before_the_last(self, cast: Cast) -> None:
        begun = cast.now
        cast.wonder()
        cast.later(days=1)
        cast.wonder(by="nils", about="liam")
        assert {row.actor for row in search(cast, since=begun, until=cast.now).rows} == {"Kari Nordmann"}
        assert {row.actor for row in search(cast, since=cast.now).rows} == {"Nils Berg"}
        assert search(cast, since=cast.now + timedelta(days=1)).rows == ()

    def test_an_entry_written_a_little_late_is_still_in_its_period(self, cast: Cast) -> None:
        cast.wonder()
        cast.later(minutes=5)
        cast.wonder(by="nils", about="liam")
        cast.now -= timedelta(minutes=5)
        plant(cast, "x" * 20, by="siri", basis="own_service")
        page = search(cast, since=MONDAY, until=MONDAY + timedelta(minutes=1))
        assert {row.actor for row in page.rows} == {"Kari Nordmann", "Siri Dahl"}

    def test_pages_stay_as_they_are_while_new_entries_arrive(self, cast: Cast) -> None:
        numbers = [plant(cast, f"{n:020}", by="siri", basis="own_service") for n in range(PAGE_ROWS + 10)]
        first = search(cast)
        assert ids(first) == numbers[: -PAGE_ROWS - 1 : -1]
        plant(cast, "x" * 20, by="siri", basis="own_service")
        second = search(cast, before=first.next)
        assert ids(second) == numbers[9::-1]
        assert (second.next, first.count) == (None, PAGE_ROWS + 10)

    def test_counts_no_further_than_anybody_reads(self, cast: Cast) -> None:
        row = {
            "municipality_id": HERE, "at": cast.now, "event": "session.logout", "actor_id": "kari", "role": "",
            "purpose": "", "basis": "", "decision": "allowed", "fields": "{}", "request_id": "",
        }  # fmt: skip
        with writing(cast.database) as session:
            session.execute(sa.insert(audit_entries), [row] * (MOST_COUNTED + 5))
        page = search(cast)
        assert (page.count, page.is_capped) == (MOST_COUNTED, True)

    @pytest.mark.parametrize(
        ("filters", "wrong"),
        [
            ({"person": "Ingen Slik"}, {"person": "unknown"}),
            ({"case": "2026-XXXXX"}, {"case": "unknown"}),
            ({"unit": "nowhere"}, {"unit": "unknown"}),
            ({"event": "case.eat"}, {"event": "unknown"}),
            ({"since": MONDAY, "until": MONDAY}, {"period": "ends_before_it_begins"}),
            ({"before": "abc"}, {"page": "unknown"}),
            ({"before": "9" * 30}, {"page": "unknown"}),
            ({"person": "x", "unit": "y"}, {"person": "unknown", "unit": "unknown"}),
        ],
    )
    def test_says_everything_that_is_wrong_with_a_search(
        self, cast: Cast, filters: dict[str, Any], wrong: dict[str, str]
    ) -> None:
        with pytest.raises(Invalid) as refused:
            search(cast, **filters)
        assert refused.value.fields == wrong

    def test_norwegian_letters_are_the_same_in_both_sizes(self, cast: Cast) -> None:
        with writing(cast.database) as session:
            change(session, people, people.c.id == "nils", name="Åse Ødegård")
        cast.wonder(by="nils", about="liam")
        assert search(cast, person="åse ØDEGÅRD").rows
        assert search(cast, person="ødegå").rows


class TestWhoMayAudit:
    @pytest.mark.parametrize("person", sorted(set(PEOPLE) - {"tove"}))
    def test_nobody_without_the_role(self, cast: Cast, person: str) -> None:
        case_id = cast.wonder()
        consent_filter: dict[str, Any] = {"filters": ConsentFilter(), "as_of": None}
        log_filter: dict[str, Any] = {"filters": EVERYTHING}
        with writing(cast.database) as session:
            asked: dict[str, Any] = {"actor": cast.actor_in(session, person), "now": cast.now}
            uses: list[tuple[Any, dict[str, Any]]] = [
                (auditing.access_log, log_filter),
                (auditing.overview, log_filter),
                (auditing.question, {"key": "refused", **log_filter}),
                (auditing.consents, consent_filter),
                (auditing.consent, {"consent_id": "x", "as_of": None}),
                (access_at, {"case": case_id, "moment": None}),
                (export_log, log_filter),
                (export_expired, log_filter),
                (export_consents, consent_filter),
            ]
            for use, more in uses:
                with pytest.raises(Forbidden):
                    use(session, **asked, **more)
            with pytest.raises(Forbidden):
                auditing.choices(session, actor=asked["actor"])

    def test_an_auditor_opens_no_case(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        with writing(cast.database) as session, pytest.raises(NotFound):
            engine.load_scene(session, actor=cast.actor_in(session, "tove"), case_id=case_id, now=cast.now)

    def test_no_other_municipality_is_in_sight(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        row = {"id": "elsewhere", "name": "X", "is_demo": True, "definition": "bti", "definition_version": 1}
        with writing(cast.database) as session:
            session.execute(sa.insert(municipalities), row)
            copied = sa.select(audit_entries).where(audit_entries.c.case_id == case_id)
            rows = [dict(found._mapping) for found in session.execute(copied)]
        for found in rows:
            found.pop("id")
        with tenancy.within("elsewhere"), writing(cast.database) as session:
            session.execute(sa.insert(audit_entries), [found | {"municipality_id": "elsewhere"} for found in rows])
        assert search(cast).count == len(rows)


class TestReviewingOneself:
    def test_is_left_to_another_auditor_and_said(self, cast: Cast) -> None:
        cast.wonder()
        search(cast)
        search(cast)
        page = search(cast)
        assert "Tove Lund" not in {row.actor for row in page.rows}
        assert page.own == 2
        assert search(cast, person="tove").rows == ()

    def test_leaves_ones_own_access_out_of_every_answer(self, cast: Cast) -> None:
        grant(cast, "tove", "ppt", "employee")
        case_id = cast.at_level_2()
        plant(cast, case_id, by="tove", basis="own_service", unit="ppt")
        for key in auditing.QUESTIONS:
            assert ask(cast, key).rows == (), key
        assert ask(cast, "no_live_basis").own == 1
        assert "Tove Lund" not in log_csv(cast)

    def test_another_auditor_sees_it(self, cast: Cast) -> None:
        grant(cast, "arne", "town_hall", "auditor")
        search(cast)
        page = search(cast, by="arne", event="lookups")
        assert [row.actor for row in page.rows] == ["Tove Lund"]


class TestOwnLookups:
    def test_are_written_with_their_filters_as_codes(self, cast: Cast) -> None:
        case_id = cast.wonder()
        search(cast, person="Kari Nordmann", case=reference(cast, case_id), event="case.open", since=MONDAY)
        entry = last_entry(cast)
        assert (entry.event, entry.actor_id, entry.role) == ("audit.search", "tove", "auditor")
        assert json.loads(entry.fields) == {
            "question": "log",
            "filters": {"people": ["kari"], "case": case_id, "event": "case.open", "since": MONDAY.isoformat()},
            "shown": 1,
        }

    def test_each_kind_has_its_event(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        consent_id = list_consents(cast).rows[0].id
        assert last_entry(cast).event == "consent.lookup"
        dossier(cast, consent_id)
        assert json.loads(last_entry(cast).fields)["filters"] == {"consent": consent_id}
        ask(cast, "refused")
        assert json.loads(last_entry(cast).fields)["question"] == "refused"
        who_had_access(cast, case_id)
        assert json.loads(last_entry(cast).fields)["question"] == "access_at"
        written = log_csv(cast)
        assert last_entry(cast).event == "audit.export"
        assert json.loads(last_entry(cast).fields)["rows"] == written.count("\r\n") - 1
        consents_csv(cast)
        assert last_entry(cast).event == "consent.export"

    def test_a_search_that_was_turned_down_shows_nothing_and_writes_nothing(self, cast: Cast) -> None:
        with pytest.raises(Invalid):
            search(cast, unit="nowhere")
        with writing(cast.database) as session:
            assert session.execute(sa.select(audit_entries)).all() == []


class TestTheOverview:
    def test_counts_the_answers_to_every_question(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        plant(cast, case_id, by="nils", basis="own_service")
        found = look_up(cast, auditing.overview, filters=EVERYTHING)
        assert found.counts == {
            "no_live_basis": 1, "expired_with_access": 0, "withdrawn_then_read": 0, "overrides": 0, "refused": 0,
        }  # fmt: skip
        assert not found.is_bounded

    def test_an_unknown_question_is_not_found(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            ask(cast, "what_about_ola")


class TestSpeed:
    def test_asks_as_many_statements_however_many_entries_and_cases_there_are(self, cast: Cast) -> None:
        def asked() -> int:
            with statements(cast.database) as seen:
                search(cast)
                ask(cast, "no_live_basis")
                ask(cast, "expired_with_access")
                list_consents(cast)
            return len(seen)

        case_id = cast.at_level_2()
        for _ in range(PAGE_ROWS + 1):
            plant(cast, case_id, by="nils", basis="own_service")
        cast.wonder()
        few = asked()
        for name in ("mia", "jon"):
            other = cast.at_level_2(about=name)
            for _ in range(20):
                plant(cast, other, by="nils", basis="own_service")
        cast.wonder()
        assert asked() == few

    def test_each_filter_has_its_index(self, sqlite_database: sa.Engine) -> None:
        cast = settle(sqlite_database)
        case_id = cast.at_level_1()
        wanted: list[tuple[dict[str, Any], str]] = [
            ({}, "ix_audit_entries_municipality_id_id"),
            ({"since": MONDAY, "until": MONDAY + timedelta(days=1)}, "ix_audit_entries_municipality_id_id"),
            ({"person": "kari"}, "ix_audit_entries_municipality_id_actor_id_id"),
            ({"case": reference(cast, case_id)}, "ix_audit_entries_municipality_id_case_id_id"),
            ({"event": "case.open"}, "ix_audit_entries_municipality_id_event_id"),
        ]
        for filters, index in wanted:
            plan = _plan_of_page(cast, **filters)
            assert index in plan, (filters, plan)
            assert "TEMP B-TREE" not in plan

    def test_a_judged_read_finds_the_turn_before_it_by_the_turns_own_index(self, sqlite_database: sa.Engine) -> None:
        cast = settle(sqlite_database)
        cast.at_level_1()
        with statements(cast.database) as seen:
            ask(cast, "no_live_basis")
        asked = [s for s in seen if isinstance(s, sa.Select)]
        judged = next(s for s in asked if "LEFT OUTER JOIN cases" in str(s.compile(cast.database)))
        plan = _plan(cast, judged)
        assert "ix_audit_entries_turns" in plan
        assert "ix_audit_entries_municipality_id_case_id_id" not in plan


def _plan_of_page(cast: Cast, **filters: Any) -> str:
    with statements(cast.database) as seen:
        search(cast, **filters)
    page = next(s for s in seen if isinstance(s, sa.Select) and "LEFT OUTER JOIN cases" in str(s))
    return _plan(cast, page)


def _plan(cast: Cast, statement: sa.Select[Any]) -> str:
    text = str(statement.compile(cast.database, compile_kwargs={"literal_binds": True}))
    with writing(cast.database) as session:
        return " ".join(row[3] for row in session.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))
