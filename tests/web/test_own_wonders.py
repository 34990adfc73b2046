"""What became of one's own wonders: the list, the page later on, the hint, handing on, adding, naming."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bti.db import writing
from bti.models import memberships, subjects
from bti.usecases import participants
from tests.cast import Cast
from tests.web.records import act, reference, rows, told
from tests.web.visitor import Visitor, on_both_databases

ClientOf = Callable[[str], Visitor]
SEEN = "Kommer for sent fire av fem dager."


class TestMyWonders:
    def test_is_empty_to_begin_with(self, client_of: ClientOf) -> None:
        assert client_of("kari").get("/undringer").has("Du har ikke registrert noen undring")

    @on_both_databases
    def test_says_what_became_of_each(self, client_of: ClientOf, cast: Cast) -> None:
        cast.wonder(about=None)
        shared = cast.wonder(about="jon")
        cast.move(shared, "share_with_leader")
        cast.feedback(shared)
        cast.at_level_1(about="ola")
        page = client_of("kari").get("/undringer")
        for text in ("Din egen", "Delt med leder 16.11.2026", "Ble til en sak – nivå 1", "Takk. Snakk med foreldrene."):
            assert page.has(text), text
        for name in ("Uten navn", "Jon E., 10A", "Ola N., 4B"):
            assert page.has(name), name
        assert "Nordli" not in page.html
        assert told(cast, "wonder.read") == [{"shown": 3}]

    def test_says_why_it_was_closed_only_while_it_was_a_wonder(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.at_decision()
        cast.move(case_id, "no_need")
        cast.move(case_id, "close", closing_reason="no_concern")
        assert client_of("kari").get("/undringer").has("Avsluttet 16.11.2026 –")

    def test_holds_only_ones_own(self, client_of: ClientOf, cast: Cast) -> None:
        cast.wonder(by="per")
        assert client_of("kari").get("/undringer").has("Du har ikke registrert noen undring")
        assert not client_of("per").get("/undringer").has("Du har ikke registrert noen undring")

    def test_pages_through_many_with_as_few_questions_to_the_database(
        self, client_of: ClientOf, cast: Cast, queries: Any
    ) -> None:
        kari = client_of("kari")
        cast.wonder()
        kari.get("/undringer")
        with queries() as few:
            kari.get("/undringer")
        for number in range(30):
            cast.later(minutes=0 if number % 3 else 1)
            cast.wonder()
        cast.now = cast.now.replace(microsecond=0)
        # The first page after a while also writes that the session is in use.
        kari.get("/modellen")
        with queries() as many:
            page = kari.get("/undringer")
        assert len(many) == len(few)
        seen = [row.reference for row in rows(cast) if row.reference in page.html]
        assert len(seen) == 25
        older = next(part for part in page.html.split('"') if part.startswith("/undringer?etter="))
        rest = kari.get(older.replace("&amp;", "&"))
        others = [row.reference for row in rows(cast) if row.reference in rest.html]
        assert len(others) == 6
        assert not set(seen) & set(others)

    @pytest.mark.parametrize("place", ["x", "2026-11-16_", "2026-11-16T10:00_abc", "_"])
    def test_a_forged_place_is_the_beginning(self, client_of: ClientOf, cast: Cast, place: str) -> None:
        cast.wonder()
        assert client_of("kari").get(f"/undringer?etter={place}").has("Ola N., 4B")

    def test_is_closed_when_the_role_has_ended(self, client_of: ClientOf, cast: Cast) -> None:
        cast.wonder()
        kari = client_of("kari")
        with writing(cast.database) as session:
            session.execute(sa.update(memberships).where(memberships.c.person_id == "kari").values(ended_at=cast.now))
        kari.get("/undringer", 403)


class TestOnesOwnWonderLaterOn:
    @on_both_databases
    def test_shows_own_words_and_the_answer_and_nothing_of_the_case(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.child_heard(case_id)
        offer = cast.offer(case_id, "siri")
        cast.accept(case_id, offer, by="siri")
        mine = next(p.id for p in cast.facts(case_id).participants if p.person_id == "kari")
        version = cast.facts(case_id).version
        end = {"case_id": case_id, "participation_id": mine, "seen_version": version}
        act(cast, participants.end_part, by="kari", **end)
        kari = client_of("kari")
        page = kari.get(f"/undringer/{reference(cast, case_id)}")
        assert page.has(SEEN)
        assert page.has("Snakket med mor og far.")
        assert page.has("Takk. Snakk med foreldrene.")
        assert page.has("Ble til en sak – nivå 2")
        assert page.has("Du er ikke med i saken.")
        assert "Siri Dahl" not in page.html
        assert "Det er bedre nå." not in page.html
        assert told(cast, "wonder.read") == [{"shown": 1}]
        kari.get(f"/saker/{reference(cast, case_id)}", 404)

    def test_does_not_follow_a_child_to_another_school(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.wonder()
        path = f"/undringer/{reference(cast, case_id)}"
        assert client_of("kari").get(path).has("Ola Nordli, 4B")
        with writing(cast.database) as session:
            moved = sa.update(subjects).where(subjects.c.id == "ola").values(unit_id="other_school", group_name="7C")
            session.execute(moved)
        for page in (client_of("kari").get(path), client_of("kari").get("/undringer")):
            assert page.has("Ola N")
            assert not page.has("7C")

    def test_leads_on_to_the_case_while_one_may_read_it(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.wonder()
        assert client_of("kari").get(f"/undringer/{reference(cast, case_id)}").has("Åpne undringen")

    def test_is_not_there_for_anybody_else(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.wonder()
        for name in ("per", "rune", "nils", "siri"):
            assert client_of(name).get(f"/undringer/{reference(cast, case_id)}", 404).has("Vi finner ikke siden")
        client_of("kari").get("/undringer/2026-XXXXX", 404)
        client_of("tove").get(f"/undringer/{reference(cast, case_id)}", 403)


class TestTheHint:
    def second(self, cast: Cast, first_by: str = "kari") -> str:
        cast.wonder(by=first_by)
        return cast.wonder(by="per")

    def test_says_that_the_unit_has_a_case_and_not_a_word_more(self, client_of: ClientOf, cast: Cast) -> None:
        first = cast.at_level_1(about="ola")
        per = client_of("per")
        values = {"subject": "ola", "themes": ["absence"], "seen": SEEN, "talked": "no"}
        page = per.follow(per.post("/undringer/ny", values))
        assert page.has("Enheten har allerede en åpen sak for barnet. Snakk med lederen din.")
        mine = max(rows(cast), key=lambda row: row.author_id)
        page = per.get(f"/undringer/{mine.reference}")
        assert page.has("Enheten har allerede en åpen sak for barnet. Snakk med lederen din.")
        assert "Kari" not in page.html
        assert reference(cast, first) not in page.html
        assert "gi-videre" not in page.html
        assert told(cast, "subject.hint")[-1] == {"subject": "ola", "open_cases": 1}

    def test_keeps_quiet_about_a_colleagues_own_wonder(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = self.second(cast)
        assert not client_of("per").get(f"/undringer/{reference(cast, case_id)}").has("åpen sak for barnet")
        assert told(cast, "subject.hint") == []

    def test_keeps_quiet_about_other_units_and_closed_cases(self, client_of: ClientOf, cast: Cast) -> None:
        first = cast.at_decision()
        cast.move(first, "no_need")
        cast.move(first, "close", closing_reason="no_concern")
        case_id = cast.wonder(by="per")
        assert not client_of("per").get(f"/undringer/{reference(cast, case_id)}").has("åpen sak for barnet")


class TestHandingAWonderOn:
    @on_both_databases
    def test_the_leader_gives_it_to_the_case_and_closes_it(self, client_of: ClientOf, cast: Cast) -> None:
        first = cast.at_level_1(about="ola")
        second = cast.wonder(by="per")
        cast.move(second, "share_with_leader", by="per")
        rune = client_of("rune")
        page = rune.get(f"/undringer/{reference(cast, second)}/gi-videre")
        sent = rune.send(page)
        assert sent.goes_to == f"/saker/{reference(cast, first)}"
        assert rune.follow(sent).has("Undringen er lagt til denne saken og avsluttet.")
        assert cast.facts(second).closed_at is not None
        assert client_of("per").get("/undringer").has("Avsluttet 16.11.2026")
        assert client_of("per").get(f"/undringer/{reference(cast, second)}").has(SEEN)

    def test_twice_is_once(self, client_of: ClientOf, cast: Cast) -> None:
        first, second = cast.wonder(), cast.wonder()
        kari = client_of("kari")
        path = f"/undringer/{reference(cast, second)}/gi-videre"
        page = kari.get(path)
        kari.send(page)
        assert kari.send(page).goes_to == f"/saker/{reference(cast, first)}"
        assert len(told(cast, "case.hand_on")) == 1

    def test_is_not_for_one_who_cannot_open_both(self, client_of: ClientOf, cast: Cast) -> None:
        first = cast.at_level_1(about="ola")
        second = cast.wonder(by="per")
        per = client_of("per")
        path = f"/undringer/{reference(cast, second)}/gi-videre"
        page = per.get(path)
        assert page.has("Snakk med lederen din")
        assert reference(cast, first) not in page.html
        home = per.get("/undringer/ny")
        per.post(path, {"til": reference(cast, first), "versjon": "1"}, 404, page=home)
        client_of("siri").get(path, 404)

    def test_needs_another_case_of_the_same_child(self, client_of: ClientOf, cast: Cast) -> None:
        other, case_id = cast.wonder(about="mia"), cast.wonder()
        kari = client_of("kari")
        path = f"/undringer/{reference(cast, case_id)}/gi-videre"
        kari.get(path, 404)
        home = kari.get("/undringer/ny")
        values = {"til": reference(cast, other), "versjon": "1"}
        assert kari.post(path, values, 409, page=home).has("gjelder ikke samme barn")
        assert cast.facts(case_id).closed_at is None

    def test_a_page_that_has_gone_stale_says_so(self, client_of: ClientOf, cast: Cast) -> None:
        first, second = cast.wonder(), cast.wonder()
        kari = client_of("kari")
        page = kari.get(f"/undringer/{reference(cast, second)}/gi-videre")
        cast.move(second, "share_with_leader")
        assert kari.send(page, status=409).has("Noen andre har endret saken")
        assert cast.facts(first).closed_at is None

    def test_asks_which_when_there_are_several(self, client_of: ClientOf, cast: Cast) -> None:
        cast.wonder()
        cast.wonder()
        third = cast.wonder()
        kari = client_of("kari")
        page = kari.get(f"/undringer/{reference(cast, third)}/gi-videre")
        assert kari.send(page, status=422).has("Velg hvilken sak")


class TestAddingToAWonder:
    @on_both_databases
    def test_a_talk_with_the_guardians_opens_the_way_on(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.wonder()
        kari = client_of("kari")
        page = kari.get(f"/undringer/{reference(cast, case_id)}/notat?slag=guardian_talk")
        assert page.value("kind") == "guardian_talk"
        sent = kari.send(page, {"text": "Snakket med mor.", "happened_on": "13.11.26"})
        assert kari.follow(sent).has("Samtalen er registrert.")
        assert cast.facts(case_id).guardian_talks == 1

    def test_turns_back_wrong_dates_and_empty_texts(self, client_of: ClientOf, cast: Cast) -> None:
        kari = client_of("kari")
        path = f"/undringer/{reference(cast, cast.wonder())}/notat"
        for day, said in (
            ("31.2.26", "Skriv en dato"),
            ("1.12.26", "Datoen kan ikke være fram i tid"),
            ("i går", "Skriv en dato"),
        ):
            page = kari.post(path, {"kind": "note", "text": "Hei", "happened_on": day}, 422)
            assert page.has(said)
            assert page.value("text") == "Hei"
        assert kari.post(path, {"kind": "note", "text": " "}, 422).has("Skriv hva du har sett eller hørt")
        assert kari.post(path, {"kind": "guardian_talk", "text": ""}, 422).has("Skriv kort hva dere ble enige om")
        assert kari.post(path, {"kind": "log", "text": "x"}, 422).has("Velg et av alternativene")
        assert kari.post(path, {"kind": "note", "text": "x" * 2_001}, 422).has("Teksten er for lang")

    def test_twice_is_once(self, client_of: ClientOf, cast: Cast) -> None:
        kari = client_of("kari")
        page = kari.get(f"/undringer/{reference(cast, cast.wonder())}/notat")
        for _ in range(2):
            kari.send(page, {"text": "Også i dag."})
        assert [fields["kind"] for fields in told(cast, "note.add")] == ["note"]

    def test_is_not_possible_when_it_has_become_a_case_or_is_closed(self, client_of: ClientOf, cast: Cast) -> None:
        kari = client_of("kari")
        grown = reference(cast, cast.at_level_1())
        home = kari.get("/undringer/ny")
        assert kari.get(f"/undringer/{grown}/notat", 409).has("Skriv i loggen i stedet")
        assert kari.post(f"/undringer/{grown}/notat", {"kind": "note", "text": "x"}, 409, page=home).has(
            "Skriv i loggen"
        )
        closed = cast.at_decision(about="jon")
        cast.move(closed, "no_need")
        cast.move(closed, "close", closing_reason="no_concern")
        kari.get(f"/undringer/{reference(cast, closed)}/notat", 409)

    def test_is_not_there_for_others(self, client_of: ClientOf, cast: Cast) -> None:
        path = f"/undringer/{reference(cast, cast.wonder())}/notat"
        for name in ("per", "rune", "nils"):
            visitor = client_of(name)
            visitor.get(path, 404)
            visitor.post(path, {"kind": "note", "text": "x"}, 404, page=visitor.get("/undringer/ny"))
        assert client_of("kari").client.put(path).status_code in (400, 405)


class TestSayingWhomItIsAbout:
    @on_both_databases
    def test_names_a_nameless_wonder_once(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.wonder(about=None)
        kari = client_of("kari")
        path = f"/undringer/{reference(cast, case_id)}/barn"
        page = kari.get(path)
        found = kari.send(page, {"subject_sok": "ola", "sok": "subject"}, status=200)
        assert kari.send(page, {"subject_sok": "ola"}, status=422).has("Velg hvem det gjelder")
        sent = kari.send(found, {"subject": "ola"})
        assert cast.facts(case_id).subject_id == "ola"
        kari.send(found, {"subject": "ola"})
        assert kari.follow(sent).has("Nå står det hvem undringen gjelder.")
        assert kari.get(path, 409).has("Det står allerede hvem saken gjelder")

    def test_only_a_child_of_the_own_unit(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.wonder(about=None)
        kari = client_of("kari")
        path = f"/undringer/{reference(cast, case_id)}/barn"
        assert kari.post(path, {"subject": "liam"}, 422).has("Velg et barn fra listen til enheten din")
        assert kari.post(path, {"subject": "ola", "versjon": "99"}, 409).has("Noen andre har endret saken")
        assert cast.facts(case_id).subject_id is None

    def test_is_not_there_for_others(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.wonder(about=None)
        path = f"/undringer/{reference(cast, case_id)}/barn"
        client_of("per").get(path, 404)
        cast.move(case_id, "share_with_leader")
        client_of("rune").get(path, 403)
