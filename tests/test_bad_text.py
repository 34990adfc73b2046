"""Whatever is typed, posted or forged: turned down with a code for its field, or kept as it was meant."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from bti.db import reading
from bti.errors import Invalid, NotFound, NotPossible, Refused
from bti.models import entries
from bti.usecases import answers, baton, cases, consent, legal_basis, log, participants, referrals, wonders
from bti.usecases.text import clean
from tests.cast import Cast, settle
from tests.invariants import everything

KEPT = {
    "emoji": "Han er glad 😀👩‍👩‍👧‍👦🏳️‍🌈 i dag",
    "script": "<script>alert('1')</script> & \"x\" -- '; DROP TABLE cases;",
    "letters": "Åse Ødegård på Ærøya, Čálliidlágádus, Žižek, 小明, שלום, مرحبا",
    "lines": "Første linje\nAndre linje\n\nTredje",
    "formula": "=SUM(A1)+cmd|' /C calc'!A0",
    "template": "{{ 7*7 }} {% raw %} ${x} %(x)s %s \\n \\x00",
    "long": "æ" * 20_000,
}
CHANGED = {
    "a\r\nb\rc": "a\nb\nc",
    "nul\x00byte": "nulbyte",
    "bell\x07 and escape\x1b[31m": "bell and escape[31m",
    "\u202egnalo\u202c": "gnalo",
    "A\u030angstro\u0308m": "\u00c5ngstr\u00f6m",
    "one\ttwo": "one two",
    "  outer  ": "outer",
    "lone\ud800surrogate": "lonesurrogate",
    "private\ue000use": "privateuse",
    "\u200bzero\u200b": "zero",
}
BAD_IDS = ["", "x", "x" * 10_000, "' OR 1=1 --", "../../etc/passwd", "æøå", "😀", "\u202e", "None", "0", "%00", "kari "]


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def write(cast: Cast, case_id: str, text: str, title: str = "") -> str:
    return str(
        cast.act(
            log.add_entry, by="kari", case_id=case_id, kind="log", information_kind="everyday", title=title, text=text,
            happened_on=None, asked_by="",
        )
    )  # fmt: skip


def read_back(cast: Cast, entry_id: str) -> str:
    with reading(cast.database) as session:
        found: str = session.execute(sa.select(entries.c.text).where(entries.c.id == entry_id)).scalar_one()
    return found


class TestATextThatIsTyped:
    def test_is_read_back_as_it_was_meant(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        for name, text in KEPT.items():
            assert read_back(cast, write(cast, case_id, text)) == text, name

    def test_loses_what_only_deceives_and_what_no_database_keeps(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        for typed, kept in CHANGED.items():
            assert clean(typed) == kept
            assert read_back(cast, write(cast, case_id, typed)) == kept

    def test_of_100_kilobytes_is_turned_down_everywhere_and_nothing_is_kept(self, cast: Cast) -> None:
        case_id, wonder = cast.at_level_1(), cast.wonder(about="mia")
        cast.consented(case_id, "ppt", purpose="share")
        long = "æ" * 50_000
        tries: list[tuple[Any, str, str, dict[str, Any]]] = [
            (wonders.register, "kari", "seen", {"unit_id": "school", "subject_id": None, "themes": ["absence"],
                                                "seen": long, "talked": "no"}),
            (wonders.add_note, "kari", "text", {"case_id": wonder, "kind": "note", "text": long, "happened_on": None}),
            (cases.move, "kari", "reason", {"case_id": case_id, "name": "plan", "reason": long}),
            (cases.set_next_date, "kari", "reason", {"case_id": case_id, "next_date": cast.today, "reason": long}),
            (log.set_goal, "kari", "text", {"case_id": case_id, "information_kind": "everyday", "text": long}),
            (baton.offer, "kari", "note", {"case_id": case_id, "to_person_id": "per", "to_unit_id": "school",
                                           "note": long}),
            (baton.interim_by_leader, "rune", "reason", {"case_id": case_id, "reason": long}),
            (participants.invite, "kari", "purpose", {"case_id": case_id, "person_id": "siri", "unit_id": "ppt",
                                                      "purpose": long}),
            (referrals.refer, "kari", "question", {"case_id": case_id, "cause": "stuck", "question": long}),
            (referrals.ask_anonymously, "kari", "question", {"unit_id": "ppt", "question": long}),
            (consent.ask, "kari", "about", {"case_id": case_id, "purpose": "share", "unit_ids": ["health"],
                                            "kinds": ["everyday"], "about": long, "reservations": "",
                                            "valid_to": None}),
        ]  # fmt: skip
        before = everything(cast.database)
        for usecase, by, field, more in tries:
            with pytest.raises(Invalid) as refused:
                cast.act(usecase, by=by, **more)
            assert refused.value.fields == {field: "too_long"}, usecase.__name__
        assert everything(cast.database) == before

    def test_of_nothing_but_hidden_signs_is_missing(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        for empty in ("", " ", "\n\t ", "\x00", "\u202e\u2066", "\u200b\u200b", "\ufeff", "\u00a0\u3000"):
            with pytest.raises(Invalid) as refused:
                write(cast, case_id, empty)
            assert refused.value.fields == {"text": "missing"}, ascii(empty)


class TestAnIdThatIsForged:
    @pytest.mark.parametrize("forged", BAD_IDS)
    def test_finds_nothing_and_says_no_more(self, cast: Cast, forged: str) -> None:
        case_id = cast.at_level_1()
        offer = cast.offer(case_id, "per")
        tries: list[tuple[Any, str, dict[str, Any]]] = [
            (cases.move, "kari", {"case_id": forged, "name": "plan", "seen_version": 1}),
            (cases.move, "kari", {"case_id": case_id, "name": forged}),
            (cases.hand_on, "kari", {"case_id": case_id, "to_case_id": forged}),
            (baton.accept, "per", {"case_id": case_id, "offer_id": forged}),
            (baton.decline, "per", {"case_id": case_id, "offer_id": offer, "reason": forged, "note": ""}),
            (baton.offer, "kari", {"case_id": case_id, "to_person_id": forged, "to_unit_id": forged, "note": ""}),
            (participants.invite, "kari", {"case_id": case_id, "person_id": forged, "unit_id": "ppt", "purpose": "x"}),
            (participants.end_part, "kari", {"case_id": case_id, "participation_id": forged}),
            (log.end_goal, "kari", {"case_id": case_id, "goal_id": forged, "how": "reached"}),
            (log.plan_measure, "kari", {
                "case_id": case_id, "goal_id": forged, "information_kind": forged, "text": "x", "responsible": forged,
                "starts_on": None, "evaluate_on": None}),
            (wonders.register, "kari", {
                "unit_id": "school", "subject_id": forged, "themes": [forged], "seen": "x", "talked": forged}),
            (wonders.register, "kari", {
                "unit_id": forged, "subject_id": None, "themes": ["absence"], "seen": "x", "talked": "no"}),
            (consent.ask, "kari", {
                "case_id": case_id, "purpose": forged, "unit_ids": [forged], "kinds": [forged], "about": "x",
                "reservations": "", "valid_to": None}),
            (legal_basis.end, "kari", {"case_id": case_id, "door_id": forged}),
            (answers.record, "kari", {
                "case_id": case_id, "consent_id": forged, "party_id": forged, "answer": forged, "said": cast.said()}),
            (referrals.ask_anonymously, "kari", {"unit_id": forged, "question": "x"}),
            (referrals.answer_anonymously, "siri", {"discussion_id": forged, "answer": "x"}),
        ]  # fmt: skip
        before = everything(cast.database)
        for usecase, by, more in tries:
            with pytest.raises(Refused):
                cast.act(usecase, by=by, **more)
        assert everything(cast.database) == before

    def test_is_told_as_what_it_is(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        with pytest.raises(NotFound):
            cast.act(cases.move, by="kari", case_id="forged", name="plan", seen_version=1)
        with pytest.raises(NotPossible):
            cast.act(cases.move, by="kari", case_id=case_id, name="forged")
