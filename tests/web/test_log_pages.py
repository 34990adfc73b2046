"""Writing in a case: entries, the child's view, goals, measures, evaluations, the deadline. For each: it works, twice
is once, those who may not, the wrong state, what is typed wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bti.db import reading
from bti.models import entries, evaluations, goals, measures
from tests.cast import Cast
from tests.web.visitor import Page, Visitor

Clients = Callable[[str], Visitor]
LOG = {"title": "Møte", "text": "Vi ble enige om fast voksen.", "information_kind": "everyday"}
CHILD = {"asked_by": "Kari Nordmann", "text": "Jeg vil ha noen å være med.", "information_kind": "everyday"}
GOAL = {"text": "På skolen hver dag", "information_kind": "measures"}
MEASURE = {
    "text": "Fast voksen ved skolestart",
    "responsible": "person:kari",
    "evaluate_on": "14.12.26",
    "information_kind": "measures",
}
EVALUATION = {
    "done_as_planned": "yes",
    "effect": "good",
    "text": "Fraværet er ned.",
    "outcome": "continue",
    "evaluate_on": "10.1.27",
}
DATE = {"next_date": "25.11.26", "reason": "Mor er bortreist."}


@pytest.fixture
def case_id(cast: Cast) -> str:
    """Ola's case on level 2 with a goal and a measure: Kari holds the baton, Siri takes part."""
    case_id = cast.at_level_2()
    cast.extra["measure"] = cast.plan(case_id)
    return case_id


@pytest.fixture
def case(cast: Cast, case_id: str) -> str:
    return f"/saker/{cast.facts(case_id).reference}"


@pytest.fixture
def kari(client_of: Clients) -> Visitor:
    return client_of("kari")


def rows(cast: Cast, table: sa.Table) -> list[Any]:
    with reading(cast.database) as session:
        return list(session.execute(sa.select(table)))


@pytest.fixture
def paths(cast: Cast, case: str) -> dict[str, tuple[str, dict[str, str], sa.Table | None]]:
    """Every form of the log: its address, a good filling, and where it writes."""
    goal = rows(cast, goals)[0].id
    return {
        "entry": (f"{case}/logg/ny", LOG, entries),
        "child": (f"{case}/logg/ny?slag=child_voice", CHILD, entries),
        "goal": (f"{case}/mal/nytt", GOAL, goals),
        "measure": (f"{case}/tiltak/nytt", MEASURE, measures),
        "evaluation": (f"{case}/tiltak/{cast.extra['measure']}/evaluer", EVALUATION, evaluations),
        "date": (f"{case}/frist", DATE, entries),
        "end of goal": (f"{case}/mal/{goal}/avslutt", {"how": "dropped"}, None),
    }


WRITING = ("entry", "child", "goal", "measure", "evaluation", "date")
Paths = dict[str, tuple[str, dict[str, str], sa.Table]]


class TestEveryFormOfTheLog:
    @pytest.mark.parametrize("form", WRITING)
    def test_is_written_and_led_back_to_the_case(
        self, form: str, paths: Paths, case: str, kari: Visitor, cast: Cast
    ) -> None:
        path, values, table = paths[form]
        before = len(rows(cast, table))
        done = kari.send(kari.get(path), values)
        assert done.goes_to == case
        assert len(rows(cast, table)) == before + 1
        page = kari.follow(done)
        assert page.has(values.get("text") or values["reason"])

    @pytest.mark.parametrize("form", WRITING)
    def test_twice_is_once(self, form: str, paths: Paths, kari: Visitor, cast: Cast) -> None:
        path, values, table = paths[form]
        page = kari.get(path)
        kari.send(page, values)
        after = len(rows(cast, table))
        assert kari.follow(kari.send(page, values)).has("Dette skjemaet er allerede sendt")
        assert len(rows(cast, table)) == after

    @pytest.mark.parametrize("form", [*WRITING, "end of goal"])
    @pytest.mark.parametrize("name", ["nils", "per", "amir"])
    def test_is_not_there_for_others(self, form: str, name: str, paths: Paths, client_of: Clients, cast: Cast) -> None:
        person = client_of(name)
        path, values, table = paths[form]
        before = [len(rows(cast, one)) for one in (entries, goals, measures, evaluations)]
        person.get(path, status=404)
        person.post(path.partition("?")[0], values, status=404, page=person.get("/undringer/ny"))
        assert [len(rows(cast, one)) for one in (entries, goals, measures, evaluations)] == before

    @pytest.mark.parametrize("form", [*WRITING, "end of goal"])
    @pytest.mark.parametrize("name", ["arne", "tove", "bti"])
    def test_is_closed_to_those_who_run_or_watch_the_system(
        self, form: str, name: str, paths: Paths, client_of: Clients
    ) -> None:
        client_of(name).get(paths[form][0], status=403)

    @pytest.mark.parametrize("form", ["goal", "measure", "date", "evaluation"])
    def test_is_refused_to_a_participant_who_keeps_what_they_typed(
        self, form: str, paths: Paths, client_of: Clients, cast: Cast
    ) -> None:
        path, values, table = paths[form]
        before = len(rows(cast, table))
        siri = client_of("siri")
        told = siri.send(siri.get(path), values, status=403)
        assert told.has("Dette er det noen andre i saken som gjør.")
        assert told.value("text" if "text" in values else "reason") == (values.get("text") or values["reason"])
        assert len(rows(cast, table)) == before

    @pytest.mark.parametrize("form", [*WRITING, "end of goal"])
    def test_is_refused_in_a_closed_case(
        self, form: str, paths: Paths, kari: Visitor, cast: Cast, case_id: str
    ) -> None:
        path, values, table = paths[form]
        page = kari.get(path)
        cast.move(case_id, "close", closing_reason="goal_reached")
        before = [len(rows(cast, one)) for one in (entries, goals, measures, evaluations)]
        assert kari.send(page, values, status=409).title.startswith("Feil:")
        assert [len(rows(cast, one)) for one in (entries, goals, measures, evaluations)] == before

    @pytest.mark.parametrize("form", ["entry", "child", "goal", "measure", "evaluation", "date"])
    def test_empty_names_every_field_at_once(self, form: str, paths: Paths, kari: Visitor) -> None:
        path, values, _table = paths[form]
        page = kari.get(path)
        also = {"information_kind"} & page.form().names
        empty = dict.fromkeys({*values, *also} - {"title"}, "")
        told = kari.send(page, empty, status=422)
        assert told.title.startswith("Feil:")
        for field in set(empty) - {"evaluate_on" if form == "evaluation" else ""}:
            assert f'id="{field}-feil"' in told.html, field
        summary = re.findall(r'<li><a class="ds-link" href="#(\w+)">', told.html)
        assert summary == re.findall(r'id="(\w+)-feil"', told.html)
        assert not told.has("Skriv en tekst")

    @pytest.mark.parametrize("form", ["entry", "child", "goal", "measure"])
    def test_too_long_is_said_and_kept(self, form: str, paths: Paths, kari: Visitor) -> None:
        path, values, _table = paths[form]
        told = kari.send(kari.get(path), {**values, "text": "🌧" * 30_000}, status=422)
        assert told.has("Teksten er for lang. Kort den ned")
        assert len(told.value("text")) == 30_000

    @pytest.mark.parametrize("form", ["entry", "goal", "measure"])
    def test_an_unknown_kind_of_information_is_refused(self, form: str, paths: Paths, kari: Visitor) -> None:
        path, values, _table = paths[form]
        told = kari.send(kari.get(path), {**values, "information_kind": "everything"}, status=422)
        assert told.has("Velg et av alternativene på siden")


class TestAnEntry:
    @pytest.mark.parametrize("what", ["decision", "closing", "note", "x", ""])
    def test_is_of_a_kind_that_people_write(self, what: str, case: str, kari: Visitor, cast: Cast) -> None:
        before = len(rows(cast, entries))
        kari.send(kari.get(f"{case}/logg/ny"), {**LOG, "kind": what}, status=422)
        assert len(rows(cast, entries)) == before

    @pytest.mark.parametrize("happened", ["17.11.26", "1.1.1800", "31.2.26", "aldri"])
    def test_happened_on_a_day_that_has_been(self, happened: str, case: str, kari: Visitor) -> None:
        told = kari.send(kari.get(f"{case}/logg/ny"), {**LOG, "happened_on": happened}, status=422)
        assert 'id="happened_on-feil"' in told.html

    def test_of_the_childs_view_says_who_asked(self, case: str, kari: Visitor) -> None:
        told = kari.send(kari.get(f"{case}/logg/ny?slag=child_voice"), {**CHILD, "asked_by": ""}, status=422)
        assert told.has("Skriv hvem som snakket med barnet")
        page = kari.follow(kari.send(told, {"asked_by": "Kari"}))
        assert page.has("Kari snakket med barnet 16.11.2026: Jeg vil ha noen å være med.")

    def test_is_not_written_before_there_is_a_log(self, cast: Cast, kari: Visitor) -> None:
        case = f"/saker/{cast.facts(cast.wonder(about='mia')).reference}"
        told = kari.send(kari.get(f"{case}/logg/ny"), LOG, status=409)
        assert told.has("Saken har ikke stafettlogg ennå.")
        assert told.value("text") == LOG["text"]


class TestAGoal:
    def test_ends_when_its_measures_have(self, case: str, paths: Paths, kari: Visitor, cast: Cast) -> None:
        path = paths["end of goal"][0]
        told = kari.send(kari.get(path), {"how": "reached"}, status=409)
        assert told.has("Målet har tiltak som pågår. Evaluer og avslutt dem først.")
        where = paths["evaluation"][0]
        kari.send(kari.get(where), {**EVALUATION, "outcome": "end", "evaluate_on": ""})
        assert kari.follow(kari.send(kari.get(path), {"how": "reached"})).has("Målet er avsluttet.")
        assert rows(cast, goals)[0].ended_at is not None

    def test_that_is_not_of_this_case_is_not_there(
        self, case: str, kari: Visitor, cast: Cast, client_of: Clients
    ) -> None:
        other = cast.at_level_1(about="mia")
        theirs = next(row.id for row in rows(cast, goals))
        path = f"/saker/{cast.facts(other).reference}/mal/{theirs}/avslutt"
        kari.get(path, status=404)
        kari.post(path, {"how": "dropped"}, status=404, page=kari.get(f"{case}/mal/nytt"))
        assert rows(cast, goals)[0].ended_at is None

    def test_ends_in_one_of_three_ways(self, paths: Paths, kari: Visitor) -> None:
        for how in ("", "won"):
            told = kari.send(kari.get(paths["end of goal"][0]), {"how": how}, status=422)
            assert 'id="how-feil"' in told.html


class TestAMeasure:
    @pytest.mark.parametrize("who", ["person:nils", "person:nobody", "guardian:nobody", "nonsense", "unit:school", ""])
    def test_is_answered_for_by_somebody_in_the_case(self, who: str, case: str, kari: Visitor, cast: Cast) -> None:
        before = len(rows(cast, measures))
        told = kari.send(kari.get(f"{case}/tiltak/nytt"), {**MEASURE, "responsible": who}, status=422)
        assert 'id="responsible-feil"' in told.html
        assert len(rows(cast, measures)) == before

    @pytest.mark.parametrize("day", ["", "1.1.20", "1.1.2099", "snart"])
    def test_has_a_day_of_evaluation_ahead(self, day: str, case: str, kari: Visitor) -> None:
        told = kari.send(kari.get(f"{case}/tiltak/nytt"), {**MEASURE, "evaluate_on": day}, status=422)
        assert 'id="evaluate_on-feil"' in told.html

    def test_hangs_on_no_goal_of_another_case(self, case: str, kari: Visitor, cast: Cast) -> None:
        told = kari.send(kari.get(f"{case}/tiltak/nytt"), {**MEASURE, "goal": "x" * 20}, status=422)
        assert 'id="goal-feil"' in told.html

    def test_is_evaluated_by_the_one_who_answers_for_it(
        self, case: str, case_id: str, cast: Cast, client_of: Clients
    ) -> None:
        theirs = cast.plan(case_id, responsible="siri")
        siri = client_of("siri")
        siri.send(siri.get(f"{case}/tiltak/{theirs}/evaluer"), EVALUATION)
        assert len(rows(cast, evaluations)) == 1

    def test_that_is_ended_is_not_evaluated_again(self, paths: Paths, kari: Visitor) -> None:
        path = paths["evaluation"][0]
        page = kari.get(path)
        kari.send(kari.get(path), {**EVALUATION, "outcome": "end", "evaluate_on": ""})
        assert kari.send(page, EVALUATION, status=409).has("Tiltaket er avsluttet allerede.")

    def test_an_evaluation_answers_every_question(self, paths: Paths, kari: Visitor) -> None:
        path = paths["evaluation"][0]
        told = kari.send(kari.get(path), status=422)
        for field in ("done_as_planned", "effect", "outcome"):
            assert f'id="{field}-feil"' in told.html, field
        forged = {**EVALUATION, "effect": "magic"}
        assert kari.send(kari.get(path), forged, status=422).has("Velg et av alternativene på siden")

    def test_of_another_case_is_not_there(self, case: str, kari: Visitor, cast: Cast) -> None:
        other = cast.facts(cast.at_level_1(about="mia")).reference
        kari.get(f"/saker/{other}/tiltak/{cast.extra['measure']}/evaluer", status=404)


class TestTheDeadline:
    def send(self, kari: Visitor, case: str, status: int, **values: str) -> Page:
        return kari.send(kari.get(f"{case}/frist"), {**DATE, **values}, status=status)

    def test_is_moved_with_a_reason(self, case: str, case_id: str, kari: Visitor, cast: Cast) -> None:
        self.send(kari, case, 303)
        assert str(cast.facts(case_id).due_on) == "2026-11-25"
        assert self.send(kari, case, 422, reason="  ").has("Skriv en begrunnelse")

    @pytest.mark.parametrize("day", ["", "15.11.26", "1.1.2099", "32.1.27", "neste uke"])
    def test_is_a_day_within_reach(self, day: str, case: str, case_id: str, kari: Visitor, cast: Cast) -> None:
        before = cast.facts(case_id).due_on
        told = self.send(kari, case, 422, next_date=day)
        assert 'id="next_date-feil"' in told.html
        assert told.value("reason") == DATE["reason"]
        assert cast.facts(case_id).due_on == before

    def test_two_at_once_the_second_is_told(
        self, case: str, case_id: str, kari: Visitor, client_of: Clients, cast: Cast
    ) -> None:
        rune = client_of("rune")
        page, other = kari.get(f"{case}/frist"), rune.get(f"{case}/frist")
        rune.send(other, DATE)
        told = kari.send(page, {"next_date": "30.11.26", "reason": "Jeg trenger tid."}, status=409)
        assert told.has("Noen andre har endret saken siden du åpnet siden.")
        assert told.value("reason") == "Jeg trenger tid."
        assert str(cast.facts(case_id).due_on) == "2026-11-25"
