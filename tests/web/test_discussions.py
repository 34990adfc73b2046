"""Advice without a name: asking a helping service, answering, and never a way from there to a case."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bti.db import writing
from bti.models import anonymous_discussions, audit_entries
from bti.usecases import referrals
from tests.cast import Cast
from tests.web.records import act
from tests.web.visitor import Page, Visitor, on_both_databases

ClientOf = Callable[[str], Visitor]
QUESTION = "Et barn på mellomtrinnet trekker seg unna. Hva bør vi se etter?"


def rows(cast: Cast) -> list[Any]:
    with writing(cast.database) as session:
        return list(session.execute(sa.select(anonymous_discussions)))


def ask(visitor: Visitor, status: int = 303, page: Page | None = None, **changed: Any) -> Page:
    return visitor.post("/drofting/ny", {"unit": "ppt", "question": QUESTION} | changed, status, page=page)


def asked(cast: Cast, by: str = "kari", unit: str = "ppt", question: str = QUESTION) -> str:
    return str(act(cast, referrals.ask_anonymously, by=by, unit_id=unit, question=question))


class TestAsking:
    @on_both_databases
    def test_reaches_the_service_and_the_answer_comes_back(self, client_of: ClientOf, cast: Cast) -> None:
        kari, siri = client_of("kari"), client_of("siri")
        sent = ask(kari)
        page = kari.follow(sent)
        assert page.has("Spørsmålet er sendt.")
        assert page.has("PPT Fjordvik har ikke svart ennå.")
        assert siri.get("/drofting?vis=oss").has("Fra Kari Nordmann")
        answered = siri.send(siri.get(sent.goes_to), {"answer": "Se etter endringer hjemme og i friminuttene."})
        assert siri.follow(answered).has("Svaret er sendt.")
        assert kari.get(sent.goes_to).has("Se etter endringer hjemme og i friminuttene.")
        assert kari.get("/drofting").has("Besvart")

    def test_offers_the_helping_services_and_neither_schools_nor_ones_own(self, client_of: ClientOf) -> None:
        page = client_of("kari").get("/drofting/ny")
        for name in ("PPT Fjordvik", "Fjordvik helsestasjon", "Barneverntjenesten"):
            assert page.has(name)
        for name in ("Nordbygda skole", "BUP Fjordvik", "Rådhuset"):
            assert name not in page.html
        assert "PPT Fjordvik</option>" not in client_of("siri").get("/drofting/ny").html

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"unit": ""}, "Velg en tjeneste"),
            ({"unit": "hospital"}, "Velg et av alternativene på siden"),
            ({"unit": "nowhere"}, "Velg et av alternativene på siden"),
            ({"question": " "}, "Skriv spørsmålet"),
            ({"question": "x" * 100_000}, "Teksten er for lang"),
        ],
    )
    def test_turns_back_what_cannot_be_used(
        self, client_of: ClientOf, cast: Cast, changed: dict[str, Any], said: str
    ) -> None:
        page = ask(client_of("kari"), 422, **changed)
        assert page.has(said)
        assert page.title.startswith("Feil: ")
        assert rows(cast) == []

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Gjelder 030417 12345.", "fødselsnummer"),
            ("Gjelder 03041712345", "fødselsnummer"),
            ("Jeg er urolig for Ola Nordli i klassen.", "navnet på et barn"),
            ("NORDLI, OLA kommer for sent", "navnet på et barn"),
            ("Saken 12345 678 og tlf. 41234567", ""),
            ("Liam Fjell går på en annen skole", ""),
            ("Olav Nordlid er noe annet", ""),
        ],
    )
    def test_a_text_that_seems_to_name_somebody_is_turned_back_once(
        self, client_of: ClientOf, cast: Cast, text: str, found: str
    ) -> None:
        kari = client_of("kari")
        page = ask(kari, 422 if found else 303, question=text)
        if not found:
            return
        assert page.has(found)
        assert page.value("question") == text
        assert rows(cast) == []
        kari.send(page, {"confirmed": "ja"})
        assert len(rows(cast)) == 1

    def test_twice_is_once(self, client_of: ClientOf, cast: Cast) -> None:
        kari = client_of("kari")
        page = kari.get("/drofting/ny")
        assert ask(kari, page=page).goes_to == ask(kari, page=page).goes_to
        assert len(rows(cast)) == 1

    def test_is_for_those_who_meet_children(self, client_of: ClientOf, stranger: Visitor) -> None:
        for name in ("tove", "arne", "bti", "berit"):
            client_of(name).get("/drofting/ny", 403)
        stranger.get("/drofting/ny", 303)
        assert client_of("kari").client.put("/drofting/ny").status_code in (400, 405)


class TestAnswering:
    def test_is_done_once_by_the_service_that_was_asked(self, client_of: ClientOf, cast: Cast) -> None:
        path = f"/drofting/{asked(cast)}"
        siri, liv = client_of("siri"), client_of("liv")
        page, late = siri.get(path), liv.get(path)
        for _ in range(2):
            siri.send(page, {"answer": "Prøv dette."})
        assert liv.send(late, {"answer": "Prøv noe annet."}, status=409).has("Dette er besvart allerede.")
        assert rows(cast)[0].answer == "Prøv dette."

    def test_turns_back_nothing_and_names(self, client_of: ClientOf, cast: Cast) -> None:
        page = client_of("siri").post(f"/drofting/{asked(cast)}", {"answer": ""}, 422)
        assert page.has("Velg eller skriv et svar")
        siri = client_of("siri")
        page = siri.post(f"/drofting/{asked(cast)}", {"answer": "Er det 03041712345?"}, 422)
        assert page.has("fødselsnummer")
        siri.send(page, {"confirmed": "ja"})

    @on_both_databases
    def test_is_not_there_for_anybody_else(self, client_of: ClientOf, cast: Cast) -> None:
        path = f"/drofting/{asked(cast)}"
        for name in ("per", "rune", "amir", "nils", "berit"):
            visitor = client_of(name)
            visitor.get(path, 404)
            home = visitor.get("/personvern")
            visitor.post(path, {"answer": "x", "once": "o" * 20}, 404, page=home)
        client_of("tove").get(path, 403)
        client_of("siri").get("/drofting/nothing", 404)

    def test_nobody_answers_their_own(self, client_of: ClientOf, cast: Cast) -> None:
        kari = client_of("kari")
        path = f"/drofting/{asked(cast)}"
        assert "<textarea" not in kari.get(path).html
        kari.post(path, {"answer": "x", "once": "o" * 20}, 404, page=kari.get("/personvern"))


class TestTheLists:
    def test_are_empty_to_begin_with(self, client_of: ClientOf) -> None:
        assert client_of("kari").get("/drofting").has("Du har ikke stilt noen spørsmål")
        assert client_of("siri").get("/drofting?vis=oss").has("Ingen har spurt dere")
        assert client_of("berit").get("/drofting").has("Ingen har spurt dere")

    def test_a_school_sees_its_own_questions_only(self, client_of: ClientOf, cast: Cast) -> None:
        asked(cast, by="per")
        assert client_of("kari").get("/drofting?vis=oss").has("Du har ikke stilt noen spørsmål")

    @on_both_databases
    def test_page_by_page_with_as_few_questions_to_the_database(
        self, client_of: ClientOf, cast: Cast, queries: Any
    ) -> None:
        kari = client_of("kari")
        asked(cast)
        kari.get("/drofting")
        with queries() as few:
            kari.get("/drofting")
        ids = {asked(cast) for _ in range(29)} | {rows(cast)[0].id}
        with queries() as many:
            page = kari.get("/drofting")
        assert len(many) == len(few)
        first = {one for one in ids if one in page.html}
        older = next(part for part in page.html.split('"') if "etter=" in part).replace("&amp;", "&")
        rest = {one for one in ids if one in kari.get(older).html}
        assert (len(first), len(first | rest), first & rest) == (25, 30, set())
        assert kari.get("/drofting?etter=x_y").has("Venter på svar")

    def test_every_look_leaves_its_entry_without_a_case(self, client_of: ClientOf, cast: Cast) -> None:
        discussion_id = asked(cast)
        client_of("siri").get("/drofting?vis=oss")
        client_of("siri").get(f"/drofting/{discussion_id}")
        with writing(cast.database) as session:
            found = session.execute(sa.select(audit_entries).where(audit_entries.c.event == "discussion.read")).all()
        assert [(row.object_id, row.case_id, json.loads(row.fields)) for row in found] == [
            (None, None, {"shown": 1}),
            (discussion_id, None, {"shown": 1}),
        ]

    def test_lead_to_no_case(self, client_of: ClientOf, cast: Cast) -> None:
        cast.wonder()
        path = f"/drofting/{asked(cast)}"
        for page in (client_of("kari").get(path), client_of("siri").get(path), client_of("kari").get("/drofting")):
            main = page.html.partition("<main")[2]
            assert "/saker/" not in main
            assert "/undringer/" not in main


class TestThePagesThatAreOpenToAll:
    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("/meld-fra", "Ikke kontakt foreldrene først"),
            ("/meld-fra", "112"),
            ("/meld-fra", "116 111"),
            ("/meld-fra", "Du avgjør selv om du må melde."),
            ("/meld-fra", "barnevernsloven § 13-2"),
            ("/tilgjengelighet", "WCAG 2.1"),
            ("/personvern", "Datatilsynet"),
        ],
    )
    def test_answer_a_stranger_and_everybody_else(
        self, stranger: Visitor, client_of: ClientOf, path: str, said: str
    ) -> None:
        for visitor in (stranger, client_of("kari"), client_of("tove")):
            assert visitor.get(path).has(said)

    def test_give_ones_own_municipalitys_telephone_to_those_who_are_logged_in(
        self, stranger: Visitor, client_of: ClientOf, cast: Cast
    ) -> None:
        from bti.models import units

        with writing(cast.database) as session:
            session.execute(sa.update(units).where(units.c.id == "welfare").values(phone="75 00 00 00"))
        assert 'href="tel:75000000"' in client_of("kari").get("/meld-fra").html
        assert "75 00 00 00" not in stranger.get("/meld-fra").html

    def test_tell_monitoring_only_whether_it_is_well(self, stranger: Visitor, cast: Cast, app: Any) -> None:
        answer = stranger.client.get("/helse")
        assert (answer.status_code, answer.text) == (200, "ok\n")
        with cast.database.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = 'older'"))
        answer = stranger.client.get("/helse")
        assert (answer.status_code, answer.text) == (503, "unavailable\n")

    def test_tell_monitoring_when_the_database_is_gone(self, stranger: Visitor, app: Any) -> None:
        from bti.db import open_database

        app.extensions["bti_database"] = open_database("postgresql+psycopg://nobody:x@127.0.0.1:1/nothing")
        assert stranger.client.get("/helse").status_code == 503
