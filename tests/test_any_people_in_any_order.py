"""Any people do anything in any order: the right ones, the wrong ones, too late, twice, after they have left.

Whatever they try, each is either done whole or refused, and after every step all invariants hold.
`BTI_EXPLORE=200` tries that many new walks instead of the same few of every run, and shortens one that fails.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bti.db import open_database, reading
from bti.errors import Refused
from bti.models import cases as case_table
from bti.models import consent_parties, consents, disclosures, goals, handovers, measures, participations
from bti.models import people as people_table
from bti.usecases import (
    answers,
    baton,
    cases,
    consent,
    doors,
    legal_basis,
    log,
    participants,
    people,
    referrals,
    wonders,
)
from bti.workflow.library import load_definition
from tests.cast import HERE, PEOPLE, SUBJECTS, UNITS, Cast, settle
from tests.databases import Copy
from tests.invariants import broken

MODEL = load_definition("bti", 1)
MOVES = sorted({move.name for move in MODEL.definition.moves})
KINDS = [kind.key for kind in MODEL.definition.information_kinds]
# Those who have most to do with the cases come first: what goes wrong is told with the fewest people.
NAMES = ["kari", "rune", "siri", "liv", *(name for name in PEOPLE if name not in ("kari", "rune", "siri", "liv"))]

ANSWERS: dict[str, Callable[..., Any]] = {
    "accept": baton.accept,
    "decline": baton.decline,
    "withdraw": baton.withdraw_offer,
}

anybody = st.sampled_from(NAMES)
likely = st.one_of(st.sampled_from(["kari", "rune", "siri"]), anybody)
any_case = st.integers(0, 5)
any_one = st.integers(0, 3)
any_unit = st.sampled_from(list(UNITS))
roles = st.sampled_from(["employee", "unit_leader"])
seldom = st.integers(0, 9).map(lambda number: number == 9)


class AnyPeople(RuleBasedStateMachine):
    """One town, and everything anybody there may try."""

    fresh: Callable[[], sa.Engine]
    numbers: random.Random

    def __init__(self) -> None:
        super().__init__()
        self.numbers.seed(1)
        self.database = type(self).fresh()
        self.cast = Cast(self.database)
        self.done = self.turn = 0

    def teardown(self) -> None:
        self.database.dispose()

    @initialize()
    def the_town_goes_about_its_business(self) -> None:
        if not self.rows(people_table):
            three_cases(self.database)
        self.cast.now += timedelta(hours=1)
        opened = sa.select(case_table.c.id).order_by(case_table.c.opened_at, case_table.c.id)
        self.cases = [row.id for row in self.rows(opened)]

    @invariant()
    def all_is_as_it_must_be(self) -> None:
        # Everybody's access in turn, some at a time.
        self.turn += 1
        among = NAMES[self.turn % 4 :: 4]
        assert broken(self.database, HERE, self.cast.now, among=among) == []

    # --- doing ---

    def attempt(self, usecase: Callable[..., Any], *, by: str, stale: bool = False, **more: Any) -> Any:
        self.cast.now += timedelta(minutes=1)
        if not self.works(by):
            return None
        if stale:
            more["seen_version"] = self.cast.version(more["case_id"]) - 1
        try:
            result = self.cast.act(usecase, by=by, **more)
        except Refused:
            return None
        self.done += 1
        return result

    def works(self, name: str) -> bool:
        p = people_table.c
        return not self.rows(sa.select(p.id).where(p.id == name, p.ended_at.is_not(None)))

    def rows(self, query: Any) -> list[Any]:
        with reading(self.database) as session:
            return list(session.execute(query if isinstance(query, sa.Select) else sa.select(query)))

    def case(self, number: int) -> str:
        return str(self.cases[number % len(self.cases)])

    def pick(self, table: sa.Table, case_id: str, number: int, *conditions: Any, order: str = "id") -> Any:
        found = self.rows(sa.select(table).where(table.c.case_id == case_id, *conditions).order_by(table.c[order]))
        return found[number % len(found)] if found else None

    # --- the case ---

    @rule(by=likely, about=st.one_of(st.none(), st.sampled_from(list(SUBJECTS))))
    def somebody_wonders(self, by: str, about: str | None) -> None:
        opened = self.attempt(
            wonders.register, by=by, unit_id=PEOPLE[by][1][0][0], subject_id=about, themes=("absence",),
            seen="Kommer for sent.", talked="no",
        )  # fmt: skip
        if opened and len(self.cases) < 6:
            self.cases.append(opened.case_id)

    @rule(by=likely, number=any_case, name=st.sampled_from(MOVES), stale=seldom)
    def somebody_tries_any_move(self, by: str, number: int, name: str, stale: bool) -> None:
        self.move(by, number, name, stale)

    @rule(by=likely, number=any_case, which=st.integers(0, 9))
    def somebody_tries_a_move_that_exists(self, by: str, number: int, which: int) -> None:
        ways = MODEL.moves_from(self.cast.facts(self.case(number)).step)
        self.move(by, number, ways[which % len(ways)].name, stale=False)

    def move(self, by: str, number: int, name: str, stale: bool) -> None:
        case_id = self.case(number)
        closes = name == "close"
        self.attempt(
            cases.move, by=by, case_id=case_id, name=name, reason="Fordi", stale=stale,
            closing_reason="goal_reached" if closes else None,
        )  # fmt: skip

    @rule(by=likely, number=any_case, days=st.integers(-2, 400))
    def somebody_moves_the_date(self, by: str, number: int, days: int) -> None:
        day = self.cast.today + timedelta(days=days)
        self.attempt(cases.set_next_date, by=by, case_id=self.case(number), next_date=day, reason="Ferie")

    @rule(by=likely, number=any_case, to=any_case)
    def somebody_hands_a_wonder_on(self, by: str, number: int, to: int) -> None:
        self.attempt(cases.hand_on, by=by, case_id=self.case(number), to_case_id=self.case(to))

    @rule(by=likely, number=any_case, about=st.sampled_from(list(SUBJECTS)))
    def somebody_says_who_it_is(self, by: str, number: int, about: str) -> None:
        self.attempt(wonders.identify, by=by, case_id=self.case(number), subject_id=about)

    @rule(by=likely, number=any_case)
    def somebody_answers_the_author(self, by: str, number: int) -> None:
        self.attempt(wonders.give_feedback, by=by, case_id=self.case(number), text="Takk.")

    @rule(by=likely, number=any_case, kind=st.sampled_from(["note", "guardian_talk"]))
    def somebody_adds_a_note(self, by: str, number: int, kind: str) -> None:
        self.attempt(wonders.add_note, by=by, case_id=self.case(number), kind=kind, text="Snakket.", happened_on=None)

    # --- consent ---

    @rule(
        by=likely, number=any_case, purpose=st.sampled_from(["log", "share", "external", "takeover"]),
        units=st.lists(any_unit, min_size=1, max_size=2, unique=True), days=st.integers(1, 300), renews=any_one,
    )  # fmt: skip
    def somebody_asks_for_consent(
        self, by: str, number: int, purpose: str, units: list[str], days: int, renews: int
    ) -> None:
        case_id = self.case(number)
        old = self.pick(consents, case_id, renews, order="asked_at") if renews == 3 else None
        asked = self.attempt(
            consent.ask, by=by, case_id=case_id, purpose=purpose, unit_ids=units, kinds=KINDS[: 1 + days % 3],
            about="Samarbeid", reservations="", valid_to=self.cast.today + timedelta(days=days),
            renews_id=old.id if old else None,
        )  # fmt: skip
        if asked and days % 3:
            self.everybody_answers(by, case_id, asked)

    def everybody_answers(self, by: str, case_id: str, consent_id: str) -> None:
        for party in self.cast.parties(consent_id):
            self.answer(by, case_id, consent_id, party, "given")

    def answer(self, by: str, case_id: str, consent_id: str, party: str, answer: str) -> None:
        self.attempt(
            answers.record, by=by, case_id=case_id, consent_id=consent_id, party_id=party, answer=answer,
            said=self.cast.said(),
        )  # fmt: skip

    @rule(by=likely, number=any_case, which=any_one, party=any_one, answer=st.sampled_from(["given", "refused"]))
    def somebody_records_an_answer(self, by: str, number: int, which: int, party: int, answer: str) -> None:
        asked = self.pick(consents, self.case(number), which, order="asked_at")
        if asked:
            parties = self.cast.parties(asked.id)
            self.answer(by, asked.case_id, asked.id, parties[party % len(parties)], answer)

    @rule(by=likely, number=any_case, which=any_one)
    def somebody_takes_a_consent_back(self, by: str, number: int, which: int) -> None:
        asked = self.pick(consents, self.case(number), which, order="asked_at")
        if asked is None:
            return
        party = self.rows(sa.select(consent_parties.c.id).where(consent_parties.c.consent_id == asked.id))[0].id
        self.attempt(
            consent.withdraw, by=by, case_id=asked.case_id, consent_id=asked.id, party_id=party, said=self.cast.said()
        )

    @rule(by=likely, number=any_case, unit=any_unit, days=st.integers(1, 180))
    def somebody_names_a_law(self, by: str, number: int, unit: str, days: int) -> None:
        self.attempt(
            legal_basis.record, by=by, case_id=self.case(number), unit_id=unit, kinds=KINDS[:2],
            law=next((basis.key for basis in MODEL.definition.legal_bases), ""), reason="Fare",
            valid_to=self.cast.today + timedelta(days=days),
        )  # fmt: skip

    @rule(by=likely, number=any_case, which=any_one)
    def somebody_ends_a_legal_basis(self, by: str, number: int, which: int) -> None:
        door = self.pick(disclosures, self.case(number), which, disclosures.c.ended_at.is_(None))
        if door:
            self.attempt(legal_basis.end, by=by, case_id=door.case_id, door_id=door.id)

    @rule(number=any_case)
    def what_has_run_out_is_tidied_away(self, number: int) -> None:
        self.attempt(doors.tidy_expired, by="arne", case_id=self.case(number))

    # --- the baton ---

    @rule(by=likely, number=any_case, stale=seldom)
    def somebody_confirms_the_holder(self, by: str, number: int, stale: bool) -> None:
        self.attempt(baton.confirm_holder, by=by, case_id=self.case(number), stale=stale)

    @rule(by=likely, number=any_case, to=anybody, unit=st.one_of(st.none(), any_unit), log=seldom, stale=seldom)
    def somebody_offers_the_baton(
        self, by: str, number: int, to: str, unit: str | None, log: bool, stale: bool
    ) -> None:
        self.attempt(
            baton.offer, by=by, case_id=self.case(number), to_person_id=to, note="", takes_over_log=log, stale=stale,
            to_unit_id=unit or PEOPLE[to][1][0][0],
        )  # fmt: skip

    @rule(by=st.one_of(st.none(), anybody), number=any_case, how=st.sampled_from(["accept", "decline", "withdraw"]))
    def somebody_answers_an_offer(self, by: str | None, number: int, how: str) -> None:
        offer = self.pick(handovers, self.case(number), 0, handovers.c.state == "offered")
        if offer is None:
            return
        who = by or (offer.from_person_id if how == "withdraw" else offer.to_person_id)
        more: dict[str, Any] = {"reason": "capacity", "note": ""} if how == "decline" else {}
        self.attempt(ANSWERS[how], by=who, case_id=offer.case_id, offer_id=offer.id, **more)

    @rule(by=likely, number=any_case)
    def a_leader_steps_in(self, by: str, number: int) -> None:
        self.attempt(baton.interim_by_leader, by=by, case_id=self.case(number), reason="Syk")

    # --- those who take part ---

    @rule(by=likely, number=any_case, who=anybody)
    def somebody_invites(self, by: str, number: int, who: str) -> None:
        self.attempt(
            participants.invite, by=by, case_id=self.case(number), person_id=who, unit_id=PEOPLE[who][1][0][0],
            purpose="Lesing",
        )  # fmt: skip

    @rule(by=st.one_of(st.none(), anybody), number=any_case, which=any_one, yes=st.booleans())
    def somebody_answers_an_invitation(self, by: str | None, number: int, which: int, yes: bool) -> None:
        part = self.pick(participations, self.case(number), which, participations.c.state == "invited")
        if part is None:
            return
        usecase: Callable[..., Any] = participants.accept if yes else participants.decline
        more: dict[str, Any] = {} if yes else {"reason": "capacity"}
        self.attempt(usecase, by=by or part.person_id, case_id=part.case_id, invitation_id=part.id, **more)

    @rule(by=likely, number=any_case, which=any_one)
    def somebody_ends_a_part(self, by: str, number: int, which: int) -> None:
        part = self.pick(participations, self.case(number), which, participations.c.ended_at.is_(None))
        if part:
            self.attempt(participants.end_part, by=by, case_id=part.case_id, participation_id=part.id)

    # --- the log ---

    @rule(by=likely, number=any_case, days=st.integers(0, 60))
    def somebody_plans(self, by: str, number: int, days: int) -> None:
        case_id = self.case(number)
        goal = self.attempt(log.set_goal, by=by, case_id=case_id, information_kind="measures", text="Mål")
        self.attempt(
            log.plan_measure, by=by, case_id=case_id, goal_id=goal, information_kind="measures", text="Tiltak",
            responsible=f"person:{by}", starts_on=None, evaluate_on=self.cast.today + timedelta(days=days),
        )  # fmt: skip

    @rule(by=likely, number=any_case, which=any_one, outcome=st.sampled_from(["continue", "change", "end"]))
    def somebody_evaluates(self, by: str, number: int, which: int, outcome: str) -> None:
        measure = self.pick(measures, self.case(number), which)
        if measure:
            self.attempt(
                log.evaluate_measure, by=by, case_id=measure.case_id, measure_id=measure.id, done_as_planned="yes",
                effect="good", outcome=outcome, text="Bedre", evaluate_on=self.cast.today + timedelta(days=20),
            )  # fmt: skip

    @rule(by=likely, number=any_case, which=any_one)
    def somebody_ends_a_goal(self, by: str, number: int, which: int) -> None:
        goal = self.pick(goals, self.case(number), which)
        if goal:
            self.attempt(log.end_goal, by=by, case_id=goal.case_id, goal_id=goal.id, how="reached")

    @rule(by=likely, number=any_case)
    def somebody_listens_to_the_child(self, by: str, number: int) -> None:
        self.attempt(
            log.add_entry, by=by, case_id=self.case(number), kind="child_voice", information_kind="everyday", title="",
            text="Bedre nå.", happened_on=self.cast.today, asked_by="Kari",
        )  # fmt: skip

    # --- stuck ---

    @rule(by=likely, number=any_case)
    def somebody_refers_it(self, by: str, number: int) -> None:
        self.attempt(referrals.refer, by=by, case_id=self.case(number), cause="stuck", question="Hvem har ansvaret?")

    @rule(by=st.one_of(st.just("berit"), anybody), number=any_case)
    def somebody_decides_for_them(self, by: str, number: int) -> None:
        self.attempt(referrals.decide, by=by, case_id=self.case(number), outcome="go_on", reason="Skolen har det.")

    # --- the world ---

    @rule(days=st.one_of(st.integers(1, 9), st.integers(1, 120)))
    def time_passes(self, days: int) -> None:
        self.cast.now += timedelta(days=days)

    @rule(by=st.sampled_from(["arne", "arne", "rune"]), name=likely, really=st.integers(0, 2))
    def somebody_leaves(self, by: str, name: str, really: int) -> None:
        if really == 2:
            self.attempt(people.end_person, by=by, person_id=name)

    @rule(by=st.sampled_from(["arne", "arne", "liv"]), name=likely, unit=any_unit, role=roles, begins=st.booleans())
    def somebody_changes_work(self, by: str, name: str, unit: str, role: str, begins: bool) -> None:
        home, held = PEOPLE[name][1][0]
        if begins:
            self.attempt(people.grant_role, by=by, person_id=name, unit_id=unit, role=role)
        else:
            self.attempt(people.end_role, by=by, person_id=name, unit_id=home, role=held)


def three_cases(database: sa.Engine) -> None:
    """Settle the town, with a wonder, a case on level 1 and one on level 2."""
    cast = settle(database)
    cast.at_level_2()
    cast.at_level_1(about="jon")
    cast.wonder(about="mia")


def walk(machine: type[AnyPeople], examples: int) -> None:
    explore = int(os.environ.get("BTI_EXPLORE", "0"))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=explore or examples,
            stateful_step_count=40,
            deadline=None,
            derandomize=not explore,
            # Shortening a walk can take minutes: only for somebody who is looking for the fault.
            phases=(Phase.generate, Phase.shrink) if explore else (Phase.generate,),
            report_multiple_bugs=False,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> random.Random:
    """The same ids in every repetition of a walk, so that a failing one can be shortened."""
    generator = random.Random(0)
    monkeypatch.setattr("bti.models.base.secrets.randbits", generator.getrandbits)
    return generator


class TestAnyPeopleInAnyOrder:
    def test_keep_every_promise_on_sqlite(self, sqlite_template: Path, tmp_path: Path, numbers: random.Random) -> None:
        settled = tmp_path / "settled.db"
        shutil.copyfile(sqlite_template, settled)
        engine = open_database(f"sqlite:///{settled}")
        three_cases(engine)
        engine.dispose()

        def fresh() -> sa.Engine:
            shutil.copyfile(settled, tmp_path / "walk.db")
            for left in ("walk.db-wal", "walk.db-shm"):
                (tmp_path / left).unlink(missing_ok=True)
            return open_database(f"sqlite:///{tmp_path / 'walk.db'}")

        walk(type("AnyPeopleOnSqlite", (AnyPeople,), {"fresh": staticmethod(fresh), "numbers": numbers}), 20)

    def test_keep_every_promise_on_postgresql(self, postgresql_copy: Copy, numbers: random.Random) -> None:
        def fresh() -> sa.Engine:
            return open_database(postgresql_copy.fresh())

        walk(type("AnyPeopleOnPostgresql", (AnyPeople,), {"fresh": staticmethod(fresh), "numbers": numbers}), 5)
