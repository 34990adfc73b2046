"""Breaking the glass: one case, some minutes, a reason, leaders who know at once, and somebody else's verdict."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bti import audit, policy
from bti.db import reading, writing
from bti.engine import load_scene, require_ground
from bti.errors import Forbidden, Invalid, NotFound, NotPossible, TooSoon
from bti.models import break_glass, cases, subjects
from bti.queries import break_glass as found_by
from bti.usecases import baton, consent, legal_basis, log, participants
from bti.usecases import break_glass as emergency
from bti.usecases import reading as pages
from bti.usecases.break_glass import Opened, Wanted
from tests.auditor import ask, search, who_had_access
from tests.cast import HERE, PEOPLE, Cast, settle, settle_neighbour
from tests.doors import trail
from tests.invariants import broken
from tests.keys import change

REASON = "Barnet er funnet alene ute og vi må vite hvem som kan ta imot det i kveld."
BORN = date(2017, 4, 3)


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def case_id(cast: Cast) -> str:
    return cast.at_level_2()


def wanted(cast: Cast, case_id: str, **more: Any) -> Wanted:
    known: dict[str, Any] = {"reference": cast.facts(case_id).reference, "cause": "danger", "reason": REASON}
    return Wanted(**{**known, **more})


def break_it(cast: Cast, case_id: str, *, by: str = "nils", **more: Any) -> str:
    """Break the glass, and return the id of the emergency access."""
    opened: Opened = cast.act(emergency.open_case, by=by, wanted=wanted(cast, case_id, **more))
    assert opened.is_new
    with reading(cast.database) as session:
        newest = sa.select(break_glass.c.id).order_by(break_glass.c.opened_at.desc(), break_glass.c.id).limit(1)
        mine = newest.where(break_glass.c.person_id == by, break_glass.c.case_id == case_id)
        return str(session.execute(mine).scalar_one())


def read(cast: Cast, case_id: str, *, by: str = "nils") -> pages.CasePage:
    actor = cast.actor(by)
    page = audit.show(cast.database, lambda s: pages.read_case(s, actor=actor, case_id=case_id, now=cast.now))
    assert isinstance(page, pages.CasePage)
    return page


def review(cast: Cast, break_glass_id: str, *, by: str = "rune", **more: Any) -> None:
    known = {"verdict": "justified", "note": "Snakket med henne samme kveld."}
    cast.act(emergency.review, by=by, break_glass_id=break_glass_id, **{**known, **more})


class TestBreakingTheGlass:
    def test_opens_all_of_one_case_to_read(self, cast: Cast, case_id: str) -> None:
        measure = cast.plan(case_id)
        cast.evaluate(case_id, measure)
        with pytest.raises(NotFound):
            read(cast, case_id)
        break_it(cast, case_id)
        page, kari = read(cast, case_id), read(cast, case_id, by="kari")
        assert page.head.scene.view == "full"
        assert page.head.subject.given_name == "Ola"
        assert page.wonder.seen == kari.wonder.seen
        for what in ("entries", "goals", "measures", "consents", "evaluations"):
            assert getattr(page, what) == getattr(kari, what), what

    def test_opens_no_other_case(self, cast: Cast, case_id: str) -> None:
        other = cast.at_level_1(about="mia")
        break_it(cast, case_id)
        with pytest.raises(NotFound):
            read(cast, other)
        assert cast.act(load_scene, by="nils", case_id=case_id, emergency=True).view == "full"

    def test_widens_no_list(self, cast: Cast, case_id: str) -> None:
        break_it(cast, case_id)
        with reading(cast.database) as session:
            listed = sa.select(cases.c.id).where(policy.accessible(cast.actor("nils"), cast.today))
            assert session.execute(listed).all() == []

    def test_is_told_with_why_and_how_long_and_nothing_that_was_typed(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id, minutes=60)
        (entry,) = trail(cast, "break_glass.open")
        assert (entry.actor_id, entry.unit_id, entry.role, entry.case_id, entry.object_id) == (
            "nils", "other_school", "break_glass", case_id, id_,
        )  # fmt: skip
        assert (entry.purpose, entry.basis) == ("emergency", f"break_glass:{id_}")
        told = json.loads(entry.fields)
        assert told.pop("commitment").keys() == {"break_glass"}
        assert told == {
            "cause": "danger", "minutes": 60, "ends_at": (cast.now + timedelta(minutes=60)).isoformat(),
            "case_unit": "school",
        }  # fmt: skip

    def test_leaves_each_reading_in_the_trail_on_its_basis(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        read(cast, case_id)
        entry = trail(cast, "case.read")[-1]
        assert (entry.actor_id, entry.unit_id, entry.role) == ("nils", "other_school", "break_glass")
        assert (entry.purpose, entry.basis) == ("emergency", f"break_glass:{id_}")

    def test_changes_nothing_of_the_case(self, cast: Cast, case_id: str) -> None:
        before = cast.facts(case_id)
        break_it(cast, case_id)
        read(cast, case_id)
        assert cast.facts(case_id) == before
        assert broken(cast.database, municipality_id=HERE, now=cast.now) == []

    def test_is_nothing_where_one_can_open_the_case_anyway(self, cast: Cast, case_id: str) -> None:
        reference = cast.facts(case_id).reference
        for name in ("kari", "rune", "siri"):
            assert cast.act(emergency.open_case, by=name, wanted=wanted(cast, case_id)) == Opened(reference, False)
        break_it(cast, case_id)
        assert cast.act(emergency.open_case, by="nils", wanted=wanted(cast, case_id)) == Opened(reference, False)
        assert len(trail(cast, "break_glass.open")) == 1

    def test_opens_what_a_holder_answers_for_without_reading(self, cast: Cast, case_id: str) -> None:
        cast.withdraw(case_id, cast.yes_to(case_id, "school"))
        assert read(cast, case_id, by="kari").head.scene.view == "shell"
        break_it(cast, case_id, by="kari")
        assert read(cast, case_id, by="kari").head.scene.view == "full"
        # What they may do, they do without it.
        assert cast.act(load_scene, by="kari", case_id=case_id).view == "shell"


class TestItEnds:
    def test_by_itself_at_the_minute(self, cast: Cast, case_id: str) -> None:
        break_it(cast, case_id, minutes=15)
        cast.later(minutes=14, seconds=59)
        read(cast, case_id)
        cast.later(seconds=1)
        with pytest.raises(NotFound):
            read(cast, case_id)

    def test_when_its_person_or_a_leader_who_was_told_ends_it(self, cast: Cast, case_id: str) -> None:
        for name in ("nils", "rune", "nina"):
            id_ = break_it(cast, case_id)
            cast.act(emergency.end, by=name, break_glass_id=id_)
            with pytest.raises(NotFound):
                read(cast, case_id)
            assert trail(cast, "break_glass.end")[-1].actor_id == name
            with pytest.raises(NotPossible) as refused:
                cast.act(emergency.end, by=name, break_glass_id=id_)
            assert refused.value.code == "break_glass_over"
            cast.later(minutes=1)

    def test_at_nobody_elses_word(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        for name in sorted(set(PEOPLE) - {"nils", "rune", "nina"}):
            with pytest.raises(NotFound):
                cast.act(emergency.end, by=name, break_glass_id=id_)
        read(cast, case_id)

    def test_with_the_role_it_ran_through(self, cast: Cast, case_id: str) -> None:
        break_it(cast, case_id)
        cast.end_role("nils", "other_school")
        cast.grant("nils", "health")
        with pytest.raises(NotFound):
            read(cast, case_id)


class TestWhoMay:
    @pytest.mark.parametrize("name", ["berit", "tove", "arne", "bti", "eva"])
    def test_not_break_the_glass(self, cast: Cast, case_id: str, name: str) -> None:
        with pytest.raises(Forbidden):
            cast.act(emergency.open_case, by=name, wanted=wanted(cast, case_id))
        assert trail(cast, "break_glass.open") == []

    def test_not_reach_into_another_municipality(self, database: sa.Engine) -> None:
        cast, neighbour = settle(database), settle_neighbour(database)
        theirs = neighbour.at_level_2()
        with pytest.raises(NotFound):
            cast.act(emergency.open_case, by="nils", wanted=wanted(neighbour, theirs))

    def test_not_work_through_a_unit_that_is_not_theirs(self, cast: Cast, case_id: str) -> None:
        for unit in ("ppt", "hospital", "nowhere"):
            with pytest.raises(Invalid) as refused:
                cast.act(emergency.open_case, by="nils", wanted=wanted(cast, case_id, unit_id=unit))
            assert refused.value.fields == {"unit": "unknown"}


class TestNothingIsWritten:
    def test_by_it(self, cast: Cast, case_id: str) -> None:
        goal_of = cast.plan(case_id)
        break_it(cast, case_id)
        commands: list[tuple[Any, dict[str, Any]]] = [
            (log.set_goal, {"information_kind": "measures", "text": "x"}),
            (log.add_entry, {
                "kind": "log", "information_kind": "everyday", "title": "", "text": "x", "happened_on": cast.today,
                "asked_by": "",
            }),
            (log.evaluate_measure, {
                "measure_id": goal_of, "done_as_planned": "yes", "effect": "good", "outcome": "end", "text": "x",
                "evaluate_on": None,
            }),
            (baton.confirm_holder, {}),
            (baton.offer, {"to_person_id": "per", "to_unit_id": "school", "note": "", "takes_over_log": False}),
            (legal_basis.end, {"door_id": "x"}),
            (participants.invite, {"person_id": "amir", "unit_id": "health", "purpose": "x"}),
            (consent.ask, {
                "purpose": "log", "unit_ids": ("school",), "kinds": ("everyday",), "about": "x", "reservations": "",
                "valid_to": None,
            }),
        ]  # fmt: skip
        for usecase, more in commands:
            with pytest.raises(NotFound):
                cast.act(usecase, by="nils", case_id=case_id, **more)
        with pytest.raises(NotFound):
            cast.move(case_id, "close", by="nils", closing_reason="moved")

    def test_even_where_a_command_should_let_it_in(self, cast: Cast, case_id: str) -> None:
        break_it(cast, case_id)
        with pytest.raises(Forbidden):
            require_ground(cast.act(load_scene, by="nils", case_id=case_id, emergency=True))


class TestAReason:
    @pytest.mark.parametrize(
        "reason",
        [
            "asdf", "asdf asdf asdf asdf asdf asdf asdf", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa aaaaaa aaaa",
            "haster haster haster haster haster", "Det haster veldig.", "1234567890 1234567890 1234567890 12345",
            "..... ..... ..... ..... ..... .....", "a b c d e f g h i j k l m n o p q r s t u v w x y z",
            "hei på deg du", "sdfg hjkl wrtp zxcv bnmq sdfg hjkl wrt", "ja nei ja nei ja nei ja nei ja nei ja nei",
        ],
    )  # fmt: skip
    def test_without_substance_is_refused(self, cast: Cast, case_id: str, reason: str) -> None:
        with pytest.raises(Invalid) as refused:
            break_it(cast, case_id, reason=reason)
        assert refused.value.fields == {"reason": "too_thin"}

    @pytest.mark.parametrize(
        "reason",
        [
            REASON,
            "Mor er innlagt, og vi vet ikke hvem som henter.",
            "Gutten har sluttet å svare. Treng å vite om legen er kopla på.",
            "Mánná lea okto olgun ja mii fertet gávdnat suinna gii sáhttá boahtit.",
        ],
    )
    def test_in_a_sentence_will_do(self, cast: Cast, case_id: str, reason: str) -> None:
        assert break_it(cast, case_id, reason=reason)

    def test_and_all_else_is_looked_over_before_anything_is_looked_for(self, cast: Cast) -> None:
        nothing = Wanted(reference="2026-AAAAA", cause="because", minutes=500)
        with pytest.raises(Invalid) as refused:
            cast.act(emergency.open_case, by="nils", wanted=nothing)
        assert refused.value.fields == {"cause": "unknown", "reason": "missing", "minutes": "unknown"}
        for who, fields in (
            ({}, {"case": "missing"}),
            ({"child": "Ola Nordli"}, {"born_on": "missing"}),
            ({"child": "Ola Nordli", "born_on": cast.today + timedelta(days=1)}, {"born_on": "in_future"}),
            ({"child": "Ola Nordli", "reference": "2026-AAAAA", "born_on": BORN}, {"case": "case_and_child"}),
        ):
            with pytest.raises(Invalid) as refused:
                cast.act(emergency.open_case, by="nils", wanted=Wanted(cause="danger", reason=REASON, **who))
            assert refused.value.fields == fields


class TestNamingTheChild:
    def name(self, cast: Cast, name: str = "Ola Nordli", born_on: date = BORN, *, by: str = "nils") -> Opened:
        opened: Opened = cast.act(
            emergency.open_case,
            by=by,
            wanted=Wanted(child=name, born_on=born_on, cause="danger", reason=REASON),
        )
        return opened

    def test_opens_the_childs_case_however_the_name_is_typed(self, cast: Cast, case_id: str) -> None:
        assert self.name(cast, "  ola   NORDLI ").reference == cast.facts(case_id).reference

    def test_takes_the_open_case_and_of_several_the_highest(self, cast: Cast) -> None:
        closed, low, high = cast.at_level_2(), cast.wonder(), cast.at_level_1()
        cast.move(closed, "close", closing_reason="moved")
        cast.move(low, "share_with_leader")
        assert self.name(cast).reference == cast.facts(high).reference

    @pytest.mark.parametrize(
        ("name", "born_on"),
        [("Ola Nordlie", BORN), ("Ola Nordli", BORN + timedelta(days=1)), ("Ola", BORN), ("Mia Aas", date(2011, 4, 3))],
    )
    def test_wrongly_or_without_a_case_is_the_same_refusal(
        self, cast: Cast, case_id: str, name: str, born_on: date
    ) -> None:
        said = []
        for asked in (
            lambda: self.name(cast, name, born_on),
            lambda: cast.act(emergency.open_case, by="nils", wanted=wanted(cast, case_id, reference="2026-AAAAA")),
        ):
            with pytest.raises(NotFound) as refused:
                asked()
            said.append((refused.value.code, refused.value.details, refused.value.status, str(refused.value)))
        assert said[0] == said[1]
        assert trail(cast, "break_glass.open") == []

    def test_finds_no_child_whose_address_is_blocked(self, cast: Cast, case_id: str) -> None:
        with writing(cast.database) as session:
            session.execute(sa.update(subjects).where(subjects.c.id == "ola").values(address_blocked=True))
        with pytest.raises(NotFound):
            self.name(cast)
        assert break_it(cast, case_id)

    def test_finds_none_of_two_with_one_name_and_birthday(self, cast: Cast, case_id: str) -> None:
        with writing(cast.database) as session:
            session.execute(sa.update(subjects).where(subjects.c.id == "liam").values(born_on=BORN))
            change(session, subjects, subjects.c.id == "liam", given_name="Ola", family_name="Nordli")
        with pytest.raises(NotFound):
            self.name(cast)

    def test_finds_no_wonder_that_its_author_has_not_shared(self, cast: Cast) -> None:
        case_id = cast.wonder()
        with pytest.raises(NotFound):
            self.name(cast, by="rune")
        with pytest.raises(NotFound):
            break_it(cast, case_id, by="rune")
        cast.move(case_id, "share_with_leader")
        assert self.name(cast).is_new


class TestTries:
    def one(self, cast: Cast, by: str = "nils") -> None:
        """Try what isn't there, the way the page does: the try is counted, whatever comes of it."""
        cast.act(emergency.take_a_try, by=by)
        with pytest.raises(NotFound):
            cast.act(emergency.open_case, by=by, wanted=Wanted("2026-AAAAA", cause="danger", reason=REASON))

    def test_are_few(self, cast: Cast) -> None:
        for _ in range(emergency.TRIES):
            self.one(cast)
        with pytest.raises(TooSoon) as refused:
            self.one(cast)
        assert refused.value.seconds <= emergency.SECONDS_A_TRY
        self.one(cast, by="per")
        cast.later(seconds=emergency.SECONDS_A_TRY)
        self.one(cast)

    def test_that_find_something_count_for_none(self, cast: Cast, case_id: str) -> None:
        self.one(cast)
        cast.act(emergency.take_a_try, by="nils")
        break_it(cast, case_id)
        for _ in range(emergency.TRIES):
            self.one(cast)


class TestTheLeaders:
    def told(self, cast: Cast, name: str) -> list[str]:
        actor = cast.actor(name)
        with reading(cast.database) as session:
            led = actor.units("unit_leader")
            rows = found_by.awaiting(session, municipality_id=HERE, not_person=name, unit_ids=led)
            return [row.id for row in rows]

    def test_of_the_case_and_of_the_person_are_told_at_once_and_no_others(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        assert {name: self.told(cast, name) for name in ("rune", "nina", "liv", "hege", "nils")} == {
            "rune": [id_], "nina": [id_], "liv": [], "hege": [], "nils": [],
        }  # fmt: skip

    def test_are_not_told_of_their_own(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id, by="nina", unit_id="other_school")
        assert (self.told(cast, "nina"), self.told(cast, "rune")) == ([], [id_])

    def test_see_why_and_what_was_read_and_the_trail_is_told(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        cast.later(minutes=2)
        read(cast, case_id)
        for name in ("rune", "nina"):
            seen = cast.act(emergency.see, by=name, break_glass_id=id_)
            assert seen.reason == REASON
            assert [(one.at, one.part) for one in seen.reads] == [(cast.now, "case")]
            entry = trail(cast, "break_glass.read")[-1]
            assert (entry.actor_id, entry.role, entry.object_id) == (name, "unit_leader", id_)

    def test_alone_see_it(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        for name in sorted(set(PEOPLE) - {"rune", "nina"}):
            with pytest.raises((NotFound, Forbidden)):
                cast.act(emergency.see, by=name, break_glass_id=id_)


class TestAReview:
    def test_closes_it_with_a_verdict(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        cast.later(hours=1)
        review(cast, id_, verdict="not_justified")
        with reading(cast.database) as session:
            row = found_by.one(session, municipality_id=HERE, break_glass_id=id_)
            assert (row.verdict, row.reviewer, row.reviewed_as, row.reviewed_at) == (
                "not_justified", "Rune Vik", "unit_leader", cast.now,
            )  # fmt: skip
            assert found_by.awaiting(session, municipality_id=HERE, not_person="tove") == ()
        (entry,) = trail(cast, "break_glass.review")
        told = json.loads(entry.fields)
        assert told.pop("commitment").keys() == {"break_glass"}
        assert told == {"verdict": "not_justified"}

    def test_is_done_once(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        cast.later(hours=1)
        review(cast, id_)
        for name in ("rune", "nina", "tove"):
            with pytest.raises(NotPossible) as refused:
                review(cast, id_, by=name)
            assert refused.value.code == "already_reviewed"

    def test_is_done_by_no_one_about_themselves(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id, by="nina")
        cast.later(hours=1)
        with pytest.raises(Forbidden) as refused:
            review(cast, id_, by="nina")
        assert refused.value.code == "own_access"
        review(cast, id_, by="tove")

    def test_can_not_be_written_by_the_person_past_the_use_cases(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        own = {
            "reviewed_at": cast.now, "reviewed_by": "nils", "reviewed_as": "unit_leader", "verdict": "justified",
            "review_note": "",
        }  # fmt: skip
        with pytest.raises(sa.exc.IntegrityError), writing(cast.database) as session:
            session.execute(sa.update(break_glass).where(break_glass.c.id == id_).values(**own))

    def test_waits_until_it_is_over(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        with pytest.raises(NotPossible) as refused:
            review(cast, id_)
        assert refused.value.code == "break_glass_lasts"
        cast.act(emergency.end, by="rune", break_glass_id=id_)
        review(cast, id_)

    def test_is_for_those_who_were_told_and_auditors(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        cast.later(hours=1)
        for name in sorted(set(PEOPLE) - {"nils", "rune", "nina", "tove"}):
            with pytest.raises(NotFound):
                review(cast, id_, by=name)

    def test_says_something(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        cast.later(hours=1)
        with pytest.raises(Invalid) as refused:
            review(cast, id_, verdict="fine", note="ok")
        assert refused.value.fields == {"verdict": "unknown", "note": "too_thin"}


class TestAnAuditor:
    def test_finds_the_readings_sound_while_it_lasted_and_not_after(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        read(cast, case_id)
        with writing(cast.database) as session:
            # What no door of ours would have let happen.
            for moment in (cast.now + timedelta(minutes=30), cast.now - timedelta(minutes=1)):
                audit.record(
                    session, actor=cast.actor_in(session, "nils"), municipality_id=HERE, event="case.read", now=moment,
                    case_id=case_id, role="break_glass", basis=f"break_glass:{id_}",
                    fields={"part": "case", "view": "full"},
                )  # fmt: skip
        verdicts = [row.verdict for row in search(cast, person="nils", event="case.read").rows]
        assert verdicts == ["break_glass_over", "break_glass_over", "live"]
        assert len(ask(cast, "no_live_basis").rows) == 2

    def test_finds_it_among_the_overrides_and_those_who_had_access(self, cast: Cast, case_id: str) -> None:
        id_ = break_it(cast, case_id)
        assert [row.event for row in ask(cast, "overrides").rows] == ["break_glass.open"]
        found = {one.person: one.basis for one in who_had_access(cast, case_id).people}
        assert found["Nils Berg"] == f"break_glass:{id_}"
        cast.later(minutes=30)
        assert "Nils Berg" not in {one.person for one in who_had_access(cast, case_id).people}
