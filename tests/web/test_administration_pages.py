"""Units, people and roles, as an administrator keeps them from the pages. Never a child, never a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bti.db import reading, writing
from bti.models import memberships, people, units
from bti.queries import register
from tests.cast import NEXT_DOOR, Cast, settle_neighbour
from tests.keys import put
from tests.web.visitor import Visitor

Clients = Callable[[str], Visitor]
ROOT = "/administrasjon"
UNIT = {"name": "Solsida barnehage", "kind": "kindergarten", "phone": "74 00 00 10"}
PERSON = {
    "username": "anne.li",
    "name": "Anne Li",
    "title": "Pedagog",
    "email": "anne@example.no",
    "unit": "school",
    "role": "employee",
}
CHANGED = {"name": "Per Hansen", "title": "Rektor", "email": "per@example.no", "phone": "900 00 000"}
ROLE = {"unit": "other_school", "role": "employee"}
PASSWORD = {"password": "hest batteri stift"}
GETS = (
    "",
    "/enheter/ny",
    "/enheter/school",
    "/enheter/school/avslutt",
    "/ansatte",
    "/ansatte/ny",
    "/ansatte/per",
    "/ansatte/per/roller/avslutt",
    "/ansatte/per/avslutt",
)
# Every form: where it stands, the action it has there, a good filling.
FORMS: dict[str, tuple[str, str, dict[str, str]]] = {
    "new unit": ("/enheter/ny", "", UNIT),
    "change unit": ("/enheter/school", "", {"name": "Fjordvik oppvekstsenter"}),
    "end unit": ("/enheter/empty/avslutt", "", {}),
    "new person": ("/ansatte/ny", "", PERSON),
    "change person": ("/ansatte/per", "", CHANGED),
    "grant role": ("/ansatte/per", "/ansatte/per/roller", ROLE),
    "end role": ("/ansatte/per/roller/avslutt?enhet=school&rolle=employee", "", {}),
    "end person": ("/ansatte/per/avslutt", "", {}),
    "password": ("/ansatte/per", "/ansatte/per/passord", PASSWORD),
}


@pytest.fixture
def arne(client_of: Clients, cast: Cast) -> Visitor:
    with writing(cast.database) as session:
        empty = {"id": "empty", "name": "Tomgården", "kind": "leisure", "is_external": False}
        session.execute(sa.insert(units), {"municipality_id": cast.municipality_id, **empty})
    return client_of("arne")


def state(cast: Cast) -> list[Any]:
    """Everything the forms could change."""
    with reading(cast.database) as session:
        return [session.execute(sa.select(table).order_by(table.c.id)).all() for table in (units, people, memberships)]


class TestEveryForm:
    @pytest.mark.parametrize("form", FORMS)
    def test_has_its_effect_and_leads_on(self, form: str, arne: Visitor, cast: Cast) -> None:
        path, action, values = FORMS[form]
        before = state(cast)
        page = arne.follow(arne.send(arne.get(ROOT + path), values, action=action))
        assert 'data-color="success"' in page.html
        assert state(cast) != before

    @pytest.mark.parametrize("form", FORMS)
    def test_twice_is_once(self, form: str, arne: Visitor, cast: Cast) -> None:
        path, action, values = FORMS[form]
        page = arne.get(ROOT + path)
        arne.send(page, values, action=action)
        after = state(cast)
        assert arne.follow(arne.send(page, values, action=action)).has("Dette skjemaet er allerede sendt")
        assert state(cast) == after

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("name", ["kari", "rune", "berit", "tove", "bti"])
    def test_is_for_administrators(self, form: str, name: str, arne: Visitor, client_of: Clients, cast: Cast) -> None:
        path, action, values = FORMS[form]
        before = state(cast)
        person = client_of(name)
        tokens = person.get("/modellen")
        where = action and ROOT + action or ROOT + path.partition("?")[0]
        person.post(where, {**values, "once": "x" * 24}, status=403, page=tokens)
        assert state(cast) == before

    @pytest.mark.parametrize("form", FORMS)
    def test_without_a_token_of_its_own_does_nothing_and_says_so(self, form: str, arne: Visitor, cast: Cast) -> None:
        path, action, values = FORMS[form]
        before = state(cast)
        told = arne.send(arne.get(ROOT + path), {**values, "once": ""}, action=action, status=422)
        assert told.title.startswith("Feil:")
        assert told.has("Last siden på nytt og send igjen")
        assert state(cast) == before

    @pytest.mark.parametrize("name", ["kari", "rune", "berit", "tove", "bti"])
    def test_every_page_is_for_administrators(self, name: str, arne: Visitor, client_of: Clients) -> None:
        for path in GETS:
            client_of(name).get(ROOT + path, status=403)

    def test_what_is_not_there_is_not_there(self, arne: Visitor, cast: Cast) -> None:
        settle_neighbour(cast.database)
        there = {"municipality_id": NEXT_DOOR}
        unit = {"id": "theirs", "name": "T", "kind": "nav", "is_external": False}
        person = {"id": "them", "username": "them", "name": "T", "title": "", "language": "nb"}
        with writing(cast.database) as session:
            session.execute(sa.insert(units), there | unit)
            put(session, people, there | person)
        tokens = arne.get(f"{ROOT}/enheter/ny")
        for unit_id in ("theirs", "x" * 300, "'"):
            for what in ("", "/avslutt"):
                arne.get(f"{ROOT}/enheter/{unit_id}{what}", status=404)
                arne.post(f"{ROOT}/enheter/{unit_id}{what}", UNIT, status=404, page=tokens)
        for person_id in ("them", "nobody"):
            for what in ("", "/avslutt", "/roller/avslutt"):
                arne.get(f"{ROOT}/ansatte/{person_id}{what}", status=404)
            for what in ("", "/avslutt", "/roller/avslutt", "/roller", "/passord"):
                arne.post(f"{ROOT}/ansatte/{person_id}{what}", {**CHANGED, **ROLE, **PASSWORD}, status=404, page=tokens)


class TestAUnit:
    def test_must_have_a_name_of_its_own_and_a_known_kind(self, arne: Visitor) -> None:
        page = arne.get(f"{ROOT}/enheter/ny")
        told = arne.send(page, {"name": "", "kind": "", "phone": "ring oss"}, status=422)
        for said in ("Skriv navnet", "Velg hva det er", "Skriv telefonnummeret med tall"):
            assert told.has(said)
        assert told.value("phone") == "ring oss"
        told = arne.send(page, {**UNIT, "name": "FJORDVIK SKOLE"}, status=422)
        assert told.has("En enhet heter dette allerede. Velg et annet navn")
        assert arne.send(page, {**UNIT, "kind": "prison"}, status=422).has("Velg et av alternativene på siden")
        assert arne.send(page, {**UNIT, "name": "x" * 100_000}, status=422).has("Teksten er for lang")

    def test_is_shown_as_it_was_named(self, arne: Visitor) -> None:
        page = arne.get(f"{ROOT}/enheter/ny")
        page = arne.follow(arne.send(page, {**UNIT, "name": "<script>alert(1)</script> 🌧"}))
        assert "<script>alert" not in page.html
        assert page.has("<script>alert(1)</script> 🌧")

    def test_in_use_does_not_end(self, arne: Visitor, cast: Cast) -> None:
        told = arne.send(arne.get(f"{ROOT}/enheter/school/avslutt"), status=409)
        assert told.has("Enheten er i bruk. Flytt eller avslutt ansatte, barn")

    def test_that_has_ended_is_kept_by_name(self, arne: Visitor) -> None:
        page = arne.get(f"{ROOT}/enheter/empty")
        arne.send(arne.get(f"{ROOT}/enheter/empty/avslutt"))
        assert not arne.get(ROOT).has("Tomgården")
        assert arne.get(f"{ROOT}?vis=avsluttede").has("Tomgården Avsluttet")
        assert arne.send(page, {"name": "Nytt navn"}, status=409).has("Enheten er avsluttet.")

    def test_without_a_leader_is_pointed_out(self, arne: Visitor) -> None:
        assert arne.get(ROOT).has("Tomgården Mangler leder")


class TestSomebodyOnTheStaff:
    def test_needs_what_is_needed(self, arne: Visitor, cast: Cast) -> None:
        page = arne.get(f"{ROOT}/ansatte/ny")
        empty = {"username": "", "name": "", "email": "anne", "phone": "x", "unit": "", "password": "kort"}
        told = arne.send(page, empty, status=422)
        for field in ("username", "name", "email", "phone", "password", "unit"):
            assert f'id="{field}-feil"' in told.html, field
        assert told.value("email") == "anne"
        assert "kort" not in told.html
        assert told.has("Velg enheten personen arbeider i")

    def test_is_told_to_need_a_password_where_none_was_given(self, arne: Visitor) -> None:
        page = arne.get(f"{ROOT}/ansatte/ny")
        without = arne.follow(arne.send(page, PERSON))
        assert without.has("Personen er lagt til, men kan ikke logge inn før du gir et passord under.")
        another = arne.send(arne.get(f"{ROOT}/ansatte/ny"), {**PERSON, **PASSWORD, "username": "bo"})
        assert arne.follow(another).has("Personen er lagt til, og kan logge inn med passordet du skrev.")

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"username": "KARI"}, "Brukernavnet er i bruk. Velg et annet"),
            ({"username": "anne li"}, "Bruk bokstaver, tall, punktum og bindestrek"),
            ({"password": "anne.li"}, "Passordet må ha minst 12 tegn"),
            ({"username": "anne.li.bodil", "password": "anne.li.bodil"}, "Passordet kan ikke være likt brukernavnet"),
            ({"language": "klingon"}, "Velg et av alternativene på siden"),
            ({"role": "king"}, "Velg et av alternativene på siden"),
        ],
    )
    def test_is_not_added_half(self, typed: dict[str, str], said: str, arne: Visitor, cast: Cast) -> None:
        before = state(cast)
        assert arne.send(arne.get(f"{ROOT}/ansatte/ny"), {**PERSON, **typed}, status=422).has(said)
        assert state(cast) == before

    def test_is_not_added_to_a_unit_that_is_not_there(self, arne: Visitor, cast: Cast) -> None:
        before = state(cast)
        arne.send(arne.get(f"{ROOT}/ansatte/ny"), {**PERSON, "unit": "nowhere"}, status=404)
        assert state(cast) == before

    def test_is_found_by_name(self, arne: Visitor) -> None:
        page = arne.get(f"{ROOT}/ansatte?q=nordm")
        assert page.has("Kari Nordmann")
        assert not page.has("Per Olsen")
        for odd in ("%25", "_", "'", "x" * 3000, "%F0%9F%8C%A7"):
            assert arne.get(f"{ROOT}/ansatte?q={odd}").has("Ingen treff")

    def test_is_on_a_list_that_turns_whatever_stands_in_the_address(
        self, arne: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert arne.get(f"{ROOT}/ansatte?etter=x&q=&endpoint=x&_external=1&_scheme=evil").status == 200
        assert arne.get(f"{ROOT}/ansatte?etter=Kari%20Nordmann").status == 200

    def test_who_has_left_is_on_a_list_of_its_own(self, arne: Visitor) -> None:
        arne.send(arne.get(f"{ROOT}/ansatte/per/avslutt"))
        assert not arne.get(f"{ROOT}/ansatte").has("Per Olsen")
        assert arne.get(f"{ROOT}/ansatte?vis=sluttet").has("Per Olsen")
        page = arne.get(f"{ROOT}/ansatte/per")
        assert page.has("Sluttet 16.11.2026.")
        assert not page.has("Gi rollen")

    def test_who_has_left_cannot_be_given_anything(self, arne: Visitor) -> None:
        page = arne.get(f"{ROOT}/ansatte/per")
        arne.send(arne.get(f"{ROOT}/ansatte/per/avslutt"))
        for action, values in (("", CHANGED), ("/roller", ROLE), ("/passord", PASSWORD)):
            told = arne.send(page, values, action=f"/per{action}" if action else "", status=409)
            assert told.has("Personen har sluttet.")


class TestARole:
    def test_that_is_held_is_not_given_twice(self, arne: Visitor) -> None:
        values = {"unit": "school", "role": "employee"}
        told = arne.send(arne.get(f"{ROOT}/ansatte/per"), values, action="/roller", status=409)
        assert told.has("Personen har rollen i enheten allerede.")
        assert told.form("/roller").fields["unit"] == ["school"]

    def test_of_an_auditor_goes_with_no_other(self, arne: Visitor) -> None:
        values = {"unit": "town_hall", "role": "auditor"}
        told = arne.send(arne.get(f"{ROOT}/ansatte/per"), values, action="/roller", status=409)
        assert told.has("En revisor eller administrator kan ikke også arbeide med saker")

    @pytest.mark.parametrize(
        ("values", "status"),
        [
            ({"unit": "", "role": "employee"}, 422),
            ({"unit": "x", "role": "employee"}, 404),
            ({"unit": "ppt", "role": "x"}, 422),
        ],
    )
    def test_is_one_there_is_in_a_unit_there_is(
        self, values: dict[str, str], status: int, arne: Visitor, cast: Cast
    ) -> None:
        before = state(cast)
        arne.send(arne.get(f"{ROOT}/ansatte/per"), values, action="/roller", status=status)
        assert state(cast) == before

    def test_that_is_not_held_does_not_end(self, arne: Visitor) -> None:
        path = f"{ROOT}/ansatte/per/roller/avslutt?enhet=ppt&rolle=employee"
        assert arne.send(arne.get(path), status=409).has("Personen har ikke denne rollen lenger.")

    def test_of_the_last_administrator_does_not_end(self, arne: Visitor) -> None:
        for path in ("/ansatte/arne/roller/avslutt?enhet=town_hall&rolle=administrator", "/ansatte/arne/avslutt"):
            assert arne.send(arne.get(ROOT + path), status=409).has("Dette er den siste administratoren.")

    def test_that_ends_takes_the_batons_along(self, arne: Visitor, cast: Cast) -> None:
        case = cast.at_level_1()
        page = arne.get(f"{ROOT}/ansatte/kari/avslutt")
        assert page.has("Stafettpinner som går til midlertidig holder 1")
        assert arne.follow(arne.send(page)).has("1 stafettpinne gikk til en midlertidig holder.")
        assert cast.facts(case).holder_id == "rune"

    def test_cannot_end_when_a_case_would_stand_alone(self, arne: Visitor, cast: Cast) -> None:
        cast.at_level_1()
        for name in ("rune", "berit"):
            arne.send(arne.get(f"{ROOT}/ansatte/{name}/avslutt"))
        told = arne.send(arne.get(f"{ROOT}/ansatte/kari/avslutt"), status=409)
        assert told.has("Ingen kan ta stafettpinnen midlertidig.")


class TestWhatAnAdministratorNeverSees:
    def test_no_page_names_a_child_or_a_guardian_or_says_a_word_of_a_case(self, arne: Visitor, cast: Cast) -> None:
        cast.plan(cast.at_level_2())
        for path in GETS:
            page = arne.get(ROOT + path)
            for told in ("Nordli", "Kommer for sent", "På skolen hver dag"):
                assert told not in page.html, path

    def test_the_numbers_are_there(self, arne: Visitor, cast: Cast) -> None:
        with reading(cast.database) as session:
            found = register.units_of(session, municipality_id=cast.municipality_id)
        school = next(unit for unit in found if unit.id == "school")
        assert arne.get(ROOT).has(f"Fjordvik skole Skole {school.staff} {school.children} {school.open_cases}")
