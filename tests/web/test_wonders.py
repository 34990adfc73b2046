"""An employee registers a wonder on one short page, finds the child in the own unit's list, keeps a draft."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bti.db import writing
from bti.models import memberships, subjects, wonders
from tests.cast import HERE, Cast
from tests.keys import change, put
from tests.web.records import rows, told
from tests.web.visitor import Page, Visitor, on_both_databases

ClientOf = Callable[[str], Visitor]
SEEN = "Kommer for sent fire av fem dager."
FILLED: dict[str, Any] = {
    "subject": "ola",
    "subject_sok": "Ola Nordli, 4B",
    "themes": ["absence", "learning"],
    "seen": SEEN,
    "talked": "no",
}


def send(visitor: Visitor, status: int = 303, page: Page | None = None, **changed: Any) -> Page:
    """Send the form of a wonder; a value of None leaves a field out."""
    values = {name: value for name, value in (FILLED | changed).items() if value is not None}
    return visitor.post("/undringer/ny", values, status, page=page)


class TestRegisteringAWonder:
    @on_both_databases
    def test_leads_to_its_page_and_says_what_comes_next(self, client_of: ClientOf, cast: Cast) -> None:
        kari = client_of("kari")
        sent = send(kari)
        (case,) = rows(cast)
        assert sent.goes_to == f"/saker/{case.reference}"
        assert (case.subject_id, case.holder_id, case.unit_id) == ("ola", "kari", "school")
        (wonder,) = rows(cast, wonders)
        assert (wonder.seen, wonder.talked, set(wonder.themes)) == (SEEN, "no", {"absence", "learning"})
        page = kari.follow(sent)
        assert page.has("Undringen er lagret. Bare du ser den inntil du deler den.")
        assert page.has("med frist 23.11.2026")

    def test_begins_with_what_to_do_when_it_is_serious(self, client_of: ClientOf) -> None:
        page = client_of("kari").get("/undringer/ny")
        assert page.html.index("/meld-fra") < page.html.index('name="subject_sok"')
        assert page.has("Ikke bruk skjemaet, og ikke kontakt foreldrene.")

    def test_may_be_without_a_name(self, client_of: ClientOf, cast: Cast) -> None:
        send(client_of("kari"), subject="", subject_sok="", nameless="ja")
        assert rows(cast)[0].subject_id is None

    def test_takes_a_whole_name_that_was_typed_and_not_chosen(self, client_of: ClientOf, cast: Cast) -> None:
        send(client_of("kari"), subject="", subject_sok="ola nordli")
        assert rows(cast)[0].subject_id == "ola"

    def test_the_same_form_sent_twice_is_one_wonder(self, client_of: ClientOf, cast: Cast) -> None:
        kari = client_of("kari")
        page = kari.get("/undringer/ny")
        first, second = send(kari, page=page), send(kari, page=page)
        assert len(rows(cast)) == 1
        assert second.goes_to == first.goes_to
        assert kari.follow(second).has("Dette skjemaet er allerede sendt")

    def test_tells_everything_that_is_wrong_at_once_and_keeps_the_text(self, client_of: ClientOf, cast: Cast) -> None:
        page = send(client_of("kari"), 422, subject="", subject_sok="", themes=None, talked=None, seen="")
        assert page.title.startswith("Feil: ")
        assert page.has("Du må rette 4 ting før du kan sende")
        sentences = ["Velg hvem det gjelder", "Velg minst ett tema", "Skriv hva du har sett eller hørt", "Svar på om"]
        places = [page.html.index(sentence) for sentence in sentences]
        assert places == sorted(places), "the summary isn't in the order of the page"
        assert all(page.html.count(sentence) == 2 for sentence in sentences), "not the same words at the field"
        kept = send(client_of("kari"), 422, themes=None)
        assert kept.value("seen") == SEEN
        assert kept.value("subject") == "ola"
        assert rows(cast) == []

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"themes": ["absence", "weather"]}, "Velg et av alternativene på siden"),
            ({"talked": "perhaps"}, "Velg et av alternativene på siden"),
            ({"subject": "liam"}, "Velg et barn fra listen til enheten din"),
            ({"subject": "nobody"}, "Velg et barn fra listen til enheten din"),
            ({"subject": "' OR 1=1 --"}, "Velg et barn fra listen til enheten din"),
            ({"nameless": "ja"}, "Velg enten et barn eller «Uten navn»"),
            ({"seen": "x" * 100_000}, "Teksten er for lang"),
            ({"seen": " \u202e \n"}, "Skriv hva du har sett eller hørt"),
            ({"once": "short"}, "Last siden på nytt og send igjen"),
        ],
    )
    def test_turns_back_what_cannot_be_used(
        self, client_of: ClientOf, cast: Cast, changed: dict[str, Any], said: str
    ) -> None:
        assert send(client_of("kari"), 422, **changed).has(said)
        assert rows(cast) == []

    def test_keeps_script_and_emoji_as_the_text_they_are(self, client_of: ClientOf, cast: Cast) -> None:
        typed = "<script>alert('x')</script> 👩‍👧‍👦 «æøå»"
        kari = client_of("kari")
        page = send(kari, 422, seen=typed, themes=None)
        assert "<script>alert" not in page.html
        assert page.value("seen") == typed
        send(kari, seen=typed)
        assert rows(cast, wonders)[0].seen == typed
        shown = kari.get(f"/undringer/{rows(cast)[0].reference}")
        assert "<script>alert" not in shown.html
        assert shown.has(typed)

    def test_is_for_those_who_meet_children_in_a_unit(self, client_of: ClientOf, stranger: Visitor) -> None:
        for name in ("berit", "tove", "arne", "bti"):
            client_of(name).get("/undringer/ny", 403)
        assert stranger.get("/undringer/ny", 303).goes_to.startswith("/logg-inn")

    def test_answers_no_other_method(self, client_of: ClientOf) -> None:
        kari = client_of("kari")
        token = kari.get("/undringer/ny").value("csrf_token")
        for method in ("put", "delete", "patch"):
            assert getattr(kari.client, method)("/undringer/ny", headers={"X-CSRFToken": token}).status_code == 405

    def test_wants_the_token_of_its_own_page(self, client_of: ClientOf, cast: Cast) -> None:
        assert client_of("kari").client.post("/undringer/ny", data=FILLED).status_code == 400
        assert rows(cast) == []

    def test_one_who_works_in_two_units_writes_in_the_childs(self, client_of: ClientOf, cast: Cast) -> None:
        cast_in_two_units(cast)
        kari = client_of("kari")
        page = kari.get("/undringer/ny")
        assert page.has("Hvilken enhet gjelder det?")
        send(kari, subject="liam", unit="school")
        assert rows(cast)[0].unit_id == "other_school"
        send(kari, subject="", nameless="ja", unit="other_school")
        assert {row.unit_id for row in rows(cast)} == {"other_school"}
        send(kari, 403, subject="", nameless="ja", unit="ppt")
        assert send(kari, 422, subject="", nameless="ja", unit="").has("Velg en tjeneste")
        assert len(rows(cast)) == 2

    def test_reads_as_much_whatever_lies_there(self, client_of: ClientOf, cast: Cast, queries: Any) -> None:
        kari = client_of("kari")
        kari.get("/undringer/ny")
        with queries() as before:
            kari.get("/undringer/ny")
        for _ in range(5):
            cast.wonder()
        with queries() as after:
            kari.get("/undringer/ny")
        assert len(after) == len(before)


def cast_in_two_units(cast: Cast) -> None:
    with writing(cast.database) as session:
        session.execute(
            sa.insert(memberships),
            {
                "municipality_id": HERE, "id": "kari-also", "person_id": "kari", "unit_id": "other_school",
                "role": "employee", "started_at": cast.now,
            },
        )  # fmt: skip


class TestWithoutScript:
    def test_a_child_is_searched_for_with_a_button_and_chosen_from_a_list(
        self, client_of: ClientOf, cast: Cast
    ) -> None:
        kari = client_of("kari")
        page = kari.get("/undringer/ny")
        found = kari.send(
            page, {"subject_sok": "nord", "seen": SEEN, "themes": ["friends"], "talked": "child", "sok": "subject"},
            status=200,
        )  # fmt: skip
        assert found.has("Velg blant treffene")
        assert found.has("Ola Nordli, 4B")
        assert not found.title.startswith("Feil")
        assert found.value("seen") == SEEN
        kari.send(found, {"subject": "ola"})
        assert rows(cast)[0].subject_id == "ola"

    def test_a_half_name_is_turned_back_with_the_hits_to_choose_from(self, client_of: ClientOf) -> None:
        page = send(client_of("kari"), 422, subject="", subject_sok="10A")
        assert page.has("Jon Eik, 10A")
        assert page.has("Mia Aas, 10A")


class TestSearchingForAChild:
    def hits(self, visitor: Visitor, text: str, more: str = "") -> list[str]:
        return [hit["label"] for hit in json.loads(visitor.get(f"/barn/sok?q={text}{more}").html)]

    @on_both_databases
    def test_finds_by_name_and_class_in_ones_own_unit_only(self, client_of: ClientOf, cast: Cast) -> None:
        kari = client_of("kari")
        assert self.hits(kari, "ol") == ["Ola Nordli, 4B"]
        assert self.hits(kari, "nordli 4b") == ["Ola Nordli, 4B"]
        assert self.hits(kari, "10a") == ["Jon Eik, 10A", "Mia Aas, 10A"]
        assert self.hits(kari, "liam") == []
        assert self.hits(client_of("nils"), "liam") == ["Liam Fjell, 5A"]
        assert self.hits(kari, "liam", "&enhet=other_school") == []
        assert [one["shown"] for one in told(cast, "subject.search")] == [1, 1, 2, 0, 1, 0]

    def test_one_letter_is_no_search(self, client_of: ClientOf, cast: Cast) -> None:
        assert self.hits(client_of("kari"), "o") == []
        assert self.hits(client_of("kari"), "%25") == []
        assert told(cast, "subject.search") == []

    def test_knows_capital_letters_outside_english(self, client_of: ClientOf, cast: Cast) -> None:
        with writing(cast.database) as session:
            change(session, subjects, subjects.c.id == "ida", given_name="Åse", family_name="Čáhppe")
        assert self.hits(client_of("kari"), "åse") == ["Åse Čáhppe, 3A"]
        assert self.hits(client_of("kari"), "čáh") == ["Åse Čáhppe, 3A"]

    def test_gives_ten_at_most_and_nobody_who_has_left(self, client_of: ClientOf, cast: Cast) -> None:
        with writing(cast.database) as session:
            put(session, subjects,
                [
                    {
                        "municipality_id": HERE, "id": f"x{n}", "kind": "child", "given_name": f"Xander{n}",
                        "family_name": "Lie", "unit_id": "school", "group_name": "1A", "address_blocked": False,
                        "left_on": cast.today if n == 0 else None,
                    }
                    for n in range(13)
                ],
            )  # fmt: skip
        found = self.hits(client_of("kari"), "xander")
        assert len(found) == 10
        assert not any("Xander0 " in one for one in found)

    def test_an_address_block_hides_the_class_from_the_list_and_the_search(
        self, client_of: ClientOf, cast: Cast
    ) -> None:
        with writing(cast.database) as session:
            session.execute(sa.update(subjects).where(subjects.c.id == "ola").values(address_blocked=True))
        assert self.hits(client_of("kari"), "ola") == ["Ola Nordli"]
        assert self.hits(client_of("kari"), "4b") == []

    def test_is_closed_to_others(self, client_of: ClientOf, stranger: Visitor) -> None:
        client_of("tove").get("/barn/sok?q=ola", 403)
        stranger.get("/barn/sok?q=ola", 303)
        assert client_of("kari").client.post("/barn/sok").status_code in (400, 405)


class TestTheDraft:
    def keep(self, visitor: Visitor, status: int = 204, **values: Any) -> Page:
        return visitor.post("/kladd/undring", values, status, page=visitor.get("/undringer/ny"))

    @on_both_databases
    def test_is_kept_meanwhile_found_again_and_gone_when_sent(self, client_of: ClientOf, cast: Cast) -> None:
        kari = client_of("kari")
        self.keep(kari, **FILLED)
        self.keep(kari, **(FILLED | {"seen": "Mer tekst 🙂"}))
        page = kari.get("/undringer/ny")
        assert page.has("Vi fant en kladd fra 16.11.2026 kl. 10.00.")
        assert page.value("seen") == "Mer tekst 🙂"
        assert page.value("subject") == "ola"
        assert kari.get("/undringer").has("Du har en kladd fra")
        kari.send(page)
        assert rows(cast, wonders)[0].seen == "Mer tekst 🙂"
        assert not kari.get("/undringer/ny").has("Vi fant en kladd")

    def test_can_be_thrown_away(self, client_of: ClientOf) -> None:
        kari = client_of("kari")
        self.keep(kari, **FILLED)
        gone = kari.send(kari.get("/undringer/ny"), action="/kladd/undring/slett")
        page = kari.follow(gone)
        assert page.has("Kladden er kastet")
        assert page.form("/undringer/ny").fields["seen"] == [""]

    def test_is_kept_by_the_button_too(self, client_of: ClientOf) -> None:
        kari = client_of("kari")
        kept = self.keep(kari, 303, **FILLED, kladd="1")
        assert kari.follow(kept).has("Kladden er lagret. Bare du ser den.")

    def test_of_nothing_is_none(self, client_of: ClientOf) -> None:
        kari = client_of("kari")
        self.keep(kari, seen="", subject="", subject_sok="")
        assert not kari.get("/undringer/ny").has("Vi fant en kladd")

    def test_is_nobody_elses(self, client_of: ClientOf) -> None:
        self.keep(client_of("kari"), **FILLED)
        assert not client_of("per").get("/undringer/ny").has("Vi fant en kladd")

    def test_that_is_too_long_says_so(self, client_of: ClientOf) -> None:
        kari = client_of("kari")
        self.keep(kari, 422, seen="x" * 100_000)
        page = self.keep(kari, 422, seen="x" * 100_000, kladd="1")
        assert page.has("Kladden er for lang til å lagres")

    def test_survives_a_session_that_runs_out_in_the_middle(self, client_of: ClientOf, cast: Cast) -> None:
        kari = client_of("kari")
        page = kari.get("/undringer/ny")
        cast.later(minutes=31)
        away = send(kari, page=page, seen="Skrevet mens tiden gikk ut")
        assert away.goes_to.startswith("/logg-inn?neste=/undringer/ny")
        assert kari.follow(away).has("Det du skrev, er lagret som kladd")
        assert rows(cast) == []
        kari.log_in(HERE, "kari")
        assert kari.get("/undringer/ny").value("seen") == "Skrevet mens tiden gikk ut"

    def test_wants_a_token_and_a_post(self, client_of: ClientOf) -> None:
        kari = client_of("kari")
        assert kari.client.post("/kladd/undring", data=FILLED).status_code == 400
        kari.get("/kladd/undring", 405)
        kari.get("/kladd/undring/slett", 405)
