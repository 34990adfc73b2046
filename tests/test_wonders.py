"""Level 0: the wonder belongs to the one who wonders, until they share it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bti.db import reading
from bti.errors import Forbidden, Invalid, NotFound, NotPossible, NotReady, Stale
from bti.models import entries
from bti.models import wonders as wonder_rows
from bti.usecases import cases, wonders
from tests.cast import HERE, Cast, settle
from tests.invariants import broken, everything, trail_of


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def register(cast: Cast, by: str = "kari", **wrong: Any) -> str:
    asked: dict[str, Any] = {
        "unit_id": "school", "subject_id": "ola", "themes": ["absence"], "seen": "Kommer for sent.", "talked": "no",
    }  # fmt: skip
    return str(cast.act(wonders.register, by=by, **(asked | wrong)).case_id)


class TestRegisteringAWonder:
    def test_gives_it_a_holder_and_a_next_date_from_the_first_moment(self, cast: Cast) -> None:
        facts = cast.facts(register(cast))
        assert (facts.step, facts.holder_id, facts.holder_unit_id) == ("0.1", "kari", "school")
        assert (facts.due_on, facts.due_reason) == (cast.today + timedelta(days=7), "step")
        assert not facts.has_log
        assert broken(cast.database, HERE, cast.now) == []

    def test_needs_no_name(self, cast: Cast) -> None:
        assert cast.facts(register(cast, subject_id=None)).subject_id is None

    @pytest.mark.parametrize("name", ["nils", "siri", "arne", "tove", "bti", "berit"])
    def test_is_for_those_who_work_in_the_unit(self, cast: Cast, name: str) -> None:
        with pytest.raises(Forbidden) as refused:
            register(cast, by=name)
        assert refused.value.code == "not_your_unit"

    def test_is_no_longer_for_somebody_whose_role_has_ended(self, cast: Cast) -> None:
        cast.end_role("kari", "school")
        with pytest.raises(Forbidden):
            register(cast)

    @pytest.mark.parametrize(
        ("wrong", "fields"),
        [
            ({"themes": []}, {"themes": "missing"}),
            ({"themes": ["absence", "gossip"]}, {"themes": "unknown"}),
            ({"seen": "  \n "}, {"seen": "missing"}),
            ({"talked": ""}, {"talked": "missing"}),
            ({"talked": "perhaps"}, {"talked": "unknown"}),
            ({"subject_id": "nobody"}, {"subject": "unknown"}),
            # A child of another school and a child that doesn't exist are the same answer.
            ({"subject_id": "liam"}, {"subject": "unknown"}),
            ({"themes": [], "seen": "", "talked": ""}, {"themes": "missing", "seen": "missing", "talked": "missing"}),
        ],
    )
    def test_says_everything_that_is_wrong_and_keeps_nothing(
        self, cast: Cast, wrong: dict[str, Any], fields: dict[str, str]
    ) -> None:
        before = everything(cast.database)
        with pytest.raises(Invalid) as refused:
            register(cast, **wrong)
        assert refused.value.fields == fields
        assert everything(cast.database) == before

    def test_makes_references_that_nobody_can_count(self, cast: Cast) -> None:
        references = {cast.facts(register(cast)).reference for _ in range(5)}
        assert len(references) == 5
        assert all(reference.startswith("2026-") and len(reference) == 10 for reference in references)


class TestSayingWhoItIs:
    def test_is_done_once_by_the_author(self, cast: Cast) -> None:
        case_id = register(cast, subject_id=None)
        for wrong, code in (("", "missing"), ("liam", "unknown")):
            with pytest.raises(Invalid) as refused:
                cast.act(wonders.identify, by="kari", case_id=case_id, subject_id=wrong)
            assert refused.value.fields == {"subject": code}
        cast.act(wonders.identify, by="kari", case_id=case_id, subject_id="ola")
        with pytest.raises(NotPossible):
            cast.act(wonders.identify, by="kari", case_id=case_id, subject_id="mia")
        assert cast.facts(case_id).subject_id == "ola"

    def test_is_needed_before_the_log(self, cast: Cast) -> None:
        case_id = cast.at_decision(about=None)
        with pytest.raises(NotReady) as refused:
            cast.move(case_id, "start_own_service")
        assert {found.code for found in refused.value.missing} == {"subject_known", "holder_decided", "consent_log"}


class TestTheLeadersFeedback:
    def test_is_theirs_to_give_once_the_wonder_is_shared(self, cast: Cast) -> None:
        case_id = register(cast)
        with pytest.raises(NotFound):
            cast.feedback(case_id)
        cast.move(case_id, "share_with_leader")
        with pytest.raises(Forbidden):
            cast.feedback(case_id, by="kari")
        with pytest.raises(NotFound):
            cast.feedback(case_id, by="nina")
        cast.feedback(case_id)
        assert cast.facts(case_id).feedback_given

    def test_is_waited_for_before_the_talk(self, cast: Cast) -> None:
        case_id = register(cast)
        cast.move(case_id, "share_with_leader")
        with pytest.raises(NotReady) as refused:
            cast.move(case_id, "clarify_who_talks")
        assert [(found.code, found.fixer) for found in refused.value.missing] == [("leader_feedback", "unit_leader")]

    def test_is_not_waited_for_by_one_who_talks_directly(self, cast: Cast) -> None:
        case_id = register(cast)
        cast.move(case_id, "talk_directly")
        with pytest.raises(NotReady):
            cast.move(case_id, "decide_on_wonder")
        cast.guardian_talk(case_id)
        assert cast.move(case_id, "decide_on_wonder").facts.step == "0.4"


class TestAddingToAWonder:
    def test_is_for_those_it_belongs_to(self, cast: Cast) -> None:
        case_id = register(cast)
        with pytest.raises(NotFound):
            cast.guardian_talk(case_id, by="rune")
        cast.move(case_id, "share_with_leader")
        cast.guardian_talk(case_id, by="rune")
        assert cast.facts(case_id).guardian_talks == 1

    @pytest.mark.parametrize(
        ("wrong", "fields"),
        [
            ({"kind": "child_voice"}, {"kind": "unknown"}),
            ({"text": ""}, {"text": "missing"}),
            ({"days": 1}, {"happened_on": "in_future"}),
            ({"days": -12_000}, {"happened_on": "too_old"}),
        ],
    )
    def test_says_what_is_wrong(self, cast: Cast, wrong: dict[str, Any], fields: dict[str, str]) -> None:
        case_id = register(cast)
        day = cast.today + timedelta(days=wrong.get("days", 0))
        asked = {"kind": "note", "text": "x", "happened_on": day} | {k: v for k, v in wrong.items() if k != "days"}
        with pytest.raises(Invalid) as refused:
            cast.act(wonders.add_note, by="kari", case_id=case_id, **asked)
        assert refused.value.fields == fields

    def test_is_over_when_it_has_become_a_case_or_is_closed(self, cast: Cast) -> None:
        for case_id in (cast.at_level_1(), self.closed(cast)):
            with pytest.raises(NotPossible):
                cast.guardian_talk(case_id)

    def closed(self, cast: Cast) -> str:
        case_id = register(cast, subject_id="mia")
        cast.move(case_id, "close", closing_reason="no_concern")
        return case_id


class TestMoving:
    def test_needs_a_reason_to_close_and_only_then(self, cast: Cast) -> None:
        case_id = register(cast)
        for name, reason, code in (
            ("close", None, "closing_reason_missing"),
            ("close", "boredom", "closing_reason_missing"),
            ("share_with_leader", "moved", "closing_reason_not_asked"),
        ):
            with pytest.raises(Invalid) as refused:
                cast.move(case_id, name, closing_reason=reason)
            assert refused.value.fields == {"closing_reason": code}

    def test_can_set_an_earlier_date_but_no_later_one(self, cast: Cast) -> None:
        case_id = register(cast)
        for days in (-1, 8):
            with pytest.raises(Invalid):
                cast.move(case_id, "share_with_leader", next_date=cast.today + timedelta(days=days))
        cast.move(case_id, "share_with_leader", next_date=cast.today)
        assert cast.facts(case_id).due_on == cast.today

    def test_from_an_old_page_is_stale_and_a_double_press_moves_once(self, cast: Cast) -> None:
        case_id = register(cast)
        seen = cast.version(case_id)
        cast.move(case_id, "share_with_leader", seen_version=seen)
        before = everything(cast.database)
        with pytest.raises(Stale):
            cast.move(case_id, "share_with_leader", seen_version=seen)
        assert everything(cast.database) == before

    def test_has_a_shorter_term_where_a_theme_has_one(self, cast: Cast) -> None:
        for themes, days in ((["absence"], 14), (["bullying"], 7), (["absence", "bullying"], 7)):
            case_id = register(cast, themes=themes)
            cast.move(case_id, "talk_directly")
            assert cast.facts(case_id).due_on == cast.today + timedelta(days=days)

    def test_keeps_the_reason_with_the_wonder(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        cast.move(case_id, "no_need", reason="Alt er bra nå")
        with reading(cast.database) as session:
            row = next(row for row in session.execute(sa.select(entries)) if row.text == "Alt er bra nå")
        assert row.information_kind == "wonder"


class TestTheNextDate:
    def test_is_moved_by_the_holder_with_a_reason(self, cast: Cast) -> None:
        case_id = register(cast)
        day = cast.today + timedelta(days=30)
        cast.act(cases.set_next_date, by="kari", case_id=case_id, next_date=day, reason="Ferie")
        assert cast.facts(case_id).due_on == day

    def test_from_an_old_page_is_stale(self, cast: Cast) -> None:
        case_id = register(cast)
        seen, day = cast.version(case_id), cast.today + timedelta(days=30)
        more = {"case_id": case_id, "reason": "Ferie", "seen_version": seen}
        cast.act(cases.set_next_date, by="kari", next_date=day, **more)
        with pytest.raises(Stale):
            cast.act(cases.set_next_date, by="kari", next_date=day + timedelta(days=1), **more)
        assert cast.facts(case_id).due_on == day

    @pytest.mark.parametrize("days", [-1, 367])
    def test_lies_between_today_and_a_year_ahead(self, cast: Cast, days: int) -> None:
        day = cast.today + timedelta(days=days)
        with pytest.raises(Invalid) as refused:
            cast.act(cases.set_next_date, by="kari", case_id=register(cast), next_date=day, reason="x")
        assert refused.value.fields == {"next_date": "next_date_out_of_range"}


class TestHandingAWonderOn:
    def test_puts_it_in_the_childs_open_case_and_closes_it(self, cast: Cast) -> None:
        open_case, wonder = cast.at_level_1(), register(cast, by="per")
        cast.move(wonder, "share_with_leader", by="per")
        cast.act(cases.hand_on, by="rune", case_id=wonder, to_case_id=open_case)
        assert cast.facts(wonder).step == "closed"
        with reading(cast.database) as session:
            seen = session.execute(sa.select(wonder_rows.c.seen).where(wonder_rows.c.case_id == wonder)).scalar_one()
            told = session.execute(sa.select(entries).where(entries.c.case_id == open_case)).all()
        assert [row.information_kind for row in told if row.text == seen] == ["wonder"]
        assert "case.hand_on" in [entry.event for entry in trail_of(cast.database, wonder)]

    def test_is_only_for_one_who_can_open_both(self, cast: Cast) -> None:
        open_case, wonder = cast.at_level_1(), register(cast, by="per")
        with pytest.raises(NotFound):
            cast.act(cases.hand_on, by="per", case_id=wonder, to_case_id=open_case)
        with pytest.raises(NotFound):
            cast.act(cases.hand_on, by="kari", case_id=wonder, to_case_id=open_case)

    def test_is_only_about_the_same_child(self, cast: Cast) -> None:
        open_case = cast.at_level_1()
        for about in ("mia", None):
            wonder = register(cast, subject_id=about)
            cast.move(wonder, "share_with_leader")
            with pytest.raises(NotPossible) as refused:
                cast.act(cases.hand_on, by="rune", case_id=wonder, to_case_id=open_case)
            assert refused.value.code == "not_same_subject"
            with pytest.raises(NotPossible):
                cast.act(cases.hand_on, by="rune", case_id=wonder, to_case_id=wonder)
