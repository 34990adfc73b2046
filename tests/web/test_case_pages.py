"""The worklist and the case page, for everybody who stands in some relation to the case, and for those who don't."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bti.db import reading, writing
from bti.models import audit_entries, subjects
from bti.queries.consents import consents_of_case
from tests.cast import Cast, settle_neighbour
from tests.web.visitor import Page, Visitor, on_both_databases

CHILD = "Ola Nordli"
WONDER = "Kommer for sent fire av fem dager."
Clients = Callable[[str], Visitor]


@pytest.fixture
def case_id(cast: Cast) -> str:
    """Ola's case on level 2: Kari holds the baton, Siri takes part."""
    return cast.at_level_2()


@pytest.fixture
def case(cast: Cast, case_id: str) -> str:
    return f"/saker/{cast.facts(case_id).reference}"


def shows_nothing(page: Page) -> None:
    for told in (CHILD, "Ola N.", WONDER, "På skolen hver dag", "Takk. Snakk med foreldrene."):
        assert told not in page.html


def reads_of(cast: Cast, case_id: str) -> list[tuple[str, str]]:
    with reading(cast.database) as session:
        a = audit_entries.c
        rows = session.execute(sa.select(a.actor_id, a.fields).where(a.event == "case.read", a.case_id == case_id))
        return [(row.actor_id, row.fields) for row in rows]


class TestACaseOpensTo:
    def test_its_holder_with_everything(self, case: str, client_of: Clients) -> None:
        page = client_of("kari").get(case)
        for told in (CHILD, WONDER, "Neste steg: Planlegg tiltak sammen", "Gi stafettpinnen videre", "Skriv i loggen"):
            assert page.has(told)

    def test_the_leader_of_its_unit_who_can_take_the_baton(self, case: str, client_of: Clients) -> None:
        page = client_of("rune").get(case)
        assert page.has(CHILD)
        assert page.has("Ta stafettpinnen midlertidig")
        assert not page.has("Skriv i loggen")

    def test_a_participant_without_what_belongs_to_the_school(self, case: str, client_of: Clients) -> None:
        page = client_of("siri").get(case)
        assert page.has(CHILD)
        assert page.has("Kari Nordmann har stafettpinnen og tar neste steg.")
        for told in (WONDER, "Takk. Snakk med foreldrene.", "Gi stafettpinnen videre", "Endre fristen"):
            assert not page.has(told)

    def test_each_reading_is_written_first(self, case: str, case_id: str, client_of: Clients, cast: Cast) -> None:
        client_of("siri").get(case)
        assert reads_of(cast, case_id) == [("siri", '{"part":"case","view":"full"}')]

    def test_the_title_and_the_address_name_nobody(self, case: str, client_of: Clients) -> None:
        page = client_of("kari").get(case)
        assert page.title.startswith("Sak ")
        assert "Ola" not in page.title
        assert "ola" not in case.lower()


class TestACaseIsClosedTo:
    @pytest.mark.parametrize("name", ["nils", "nina", "amir", "hege", "liv", "per", "eva", "berit"])
    def test_staff_without_business_in_it(self, name: str, case: str, client_of: Clients) -> None:
        page = client_of(name).get(case, status=404)
        shows_nothing(page)

    @pytest.mark.parametrize("name", ["arne", "tove", "bti"])
    def test_those_who_run_or_watch_the_system(self, name: str, case: str, client_of: Clients) -> None:
        page = client_of(name).get(case, status=403)
        assert page.has("Rollen din gir ikke tilgang til denne siden.")
        shows_nothing(page)

    def test_a_case_that_is_not_theirs_looks_like_one_that_is_not_there(self, case: str, client_of: Clients) -> None:
        nils = client_of("nils")
        theirs, none = nils.get(case, status=404), nils.get("/saker/2026-ZZZZZ", status=404)
        assert theirs.text == none.text

    def test_the_same_person_of_the_town_next_door(self, case: str, cast: Cast, stranger: Visitor) -> None:
        settle_neighbour(cast.database)
        stranger.log_in("nabovik", "kari").get(case, status=404)

    def test_the_school_before_the_author_has_shared_it(self, cast: Cast, client_of: Clients) -> None:
        path = f"/saker/{cast.facts(cast.wonder()).reference}"
        assert client_of("kari").get(path).has(WONDER)
        for name in ("rune", "per", "siri"):
            client_of(name).get(path, status=404)


class TestSomebodyWhoIsAsked:
    def test_to_take_part_is_led_to_where_they_answer(
        self, case: str, case_id: str, cast: Cast, client_of: Clients
    ) -> None:
        cast.consented(case_id, "health", purpose="share")
        invitation = cast.invite(case_id, "amir")
        answer = client_of("amir").get(case, status=303)
        assert answer.goes_to == f"{case}/deltakere/{invitation}/svar"
        shows_nothing(client_of("amir").follow(answer))

    def test_to_take_the_baton_is_led_to_where_they_answer(
        self, case: str, case_id: str, cast: Cast, client_of: Clients
    ) -> None:
        cast.offer(case_id, "per")
        answer = client_of("per").get(case, status=303)
        assert answer.goes_to == f"{case}/stafettpinne/svar"
        assert WONDER not in client_of("per").follow(answer).html

    def test_the_holder_sees_that_they_wait(self, case: str, case_id: str, cast: Cast, client_of: Clients) -> None:
        cast.offer(case_id, "per")
        page = client_of("kari").get(case)
        assert page.has("Venter på svar fra Per Olsen")
        assert page.has("Trekk spørsmålet tilbake")


class TestBehindAClosedDoor:
    @pytest.fixture(autouse=True)
    def _withdrawn(self, case_id: str, cast: Cast) -> None:
        with reading(cast.database) as session:
            here = {"municipality_id": cast.municipality_id, "case_id": case_id}
            given = consents_of_case(session, moment=cast.now, **here)
        for one in given:
            cast.withdraw(case_id, one.id)

    def test_the_holder_acts_without_reading(self, case: str, case_id: str, client_of: Clients, cast: Cast) -> None:
        page = client_of("kari").get(case)
        assert page.has("Døren er lukket")
        assert page.has("Avslutt saken")
        shows_nothing(page)
        assert reads_of(cast, case_id)[-1] == ("kari", '{"part":"case","view":"shell"}')

    def test_the_pages_of_the_log_are_not_there(self, case: str, client_of: Clients) -> None:
        for path in ("logg/ny", "mal/nytt", "tiltak/nytt"):
            shows_nothing(client_of("kari").get(f"{case}/{path}", status=404))

    def test_the_partner_is_out(self, case: str, client_of: Clients) -> None:
        shows_nothing(client_of("siri").get(case, status=404))
        assert client_of("siri").get("/saker").has("Du har ingen saker nå")

    def test_nobody_is_said_to_read_what_they_cannot(self, case: str, client_of: Clients) -> None:
        page = client_of("kari").get(case)
        assert page.has("Fjordvik skole · kan ikke lese nå")
        assert not page.has("skrive")

    def test_the_worklist_names_the_case_and_not_the_child(self, case: str, client_of: Clients) -> None:
        page = client_of("kari").get("/saker")
        assert page.has("Du har ansvaret, men samtykket gjelder ikke nå")
        assert page.has(f"Sak {case.removeprefix('/saker/')}")
        shows_nothing(page)


class TestOneWithABlockedAddress:
    def test_school_and_class_stand_on_no_list(self, case: str, cast: Cast, client_of: Clients) -> None:
        with writing(cast.database) as session:
            session.execute(sa.update(subjects).where(subjects.c.id == "ola").values(address_blocked=True))
        # References are random and may have these signs too, but no space before them.
        assert not client_of("kari").get("/saker").has(" 4B")
        page = client_of("kari").get(case)
        assert page.has("Fortrolig adresse")
        assert not page.has("Ola Nordli, 4B")


class TestAClosedCase:
    def test_says_so_and_can_be_opened_again(self, case: str, case_id: str, cast: Cast, client_of: Clients) -> None:
        cast.move(case_id, "close", closing_reason="goal_reached")
        page = client_of("kari").get(case)
        assert page.has("Saken ble avsluttet 16.11.2026.")
        assert not page.has("Gi stafettpinnen videre")
        assert "/steg/reopen" in page.html

    def test_moves_to_the_list_of_closed_ones(self, case: str, case_id: str, cast: Cast, client_of: Clients) -> None:
        cast.move(case_id, "close", closing_reason="goal_reached")
        assert case not in client_of("kari").get("/saker").html
        page = client_of("kari").get("/saker?vis=avsluttet")
        assert case in page.html
        assert page.has("Målet er nådd")


class TestTheWorklist:
    def test_shortens_names(self, case: str, client_of: Clients) -> None:
        page = client_of("kari").get("/saker")
        assert page.has("Ola N.")
        assert CHILD not in page.html

    def test_says_in_words_that_a_deadline_has_passed(self, case: str, cast: Cast, client_of: Clients) -> None:
        cast.later(days=16)
        assert client_of("kari").get("/saker").has("2 dager over frist")

    def test_puts_what_waits_for_an_answer_first(self, case: str, case_id: str, cast: Cast, client_of: Clients) -> None:
        cast.offer(case_id, "per")
        page = client_of("per").get("/saker")
        assert page.has("Venter på svar fra deg Kari Nordmann spør om du vil ta stafettpinnen")
        shows_nothing(page)

    def test_shows_a_leader_the_whole_unit_and_an_employee_not(self, case: str, client_of: Clients) -> None:
        assert case in client_of("rune").get("/saker?vis=enhet").html
        assert case not in client_of("per").get("/saker?vis=enhet").html

    @on_both_databases
    def test_shows_the_last_closed_first(self, cast: Cast, client_of: Clients) -> None:
        references = []
        for about in ("jon", "ola", "mia"):
            case_id = cast.at_decision(about=about)
            cast.move(case_id, "no_need")
            cast.move(case_id, "close", closing_reason="no_concern")
            references.append(cast.facts(case_id).reference)
            cast.later(days=1)
        for name, view in (("kari", "avsluttet"), ("rune", "enhet-avsluttet")):
            html = client_of(name).get(f"/saker?vis={view}").html
            places = [html.index(one) for one in reversed(references)]
            assert places == sorted(places)

    def test_says_what_is_shown_and_what_it_is_narrowed_to(self, case: str, client_of: Clients) -> None:
        rune, kari = client_of("rune"), client_of("kari")
        assert kari.get("/saker").has("Åpne saker der du har stafettpinnen eller er med, og undringene dine.")
        assert not kari.get("/saker").has("Avgrenset til")
        assert not kari.get("/saker").has("Hele enheten")
        page = rune.get("/saker?vis=enhet&niva=1&frist=uke&q=ola")
        assert page.has("Åpne saker i enheten din. Undringer som ikke er delt med deg, er ikke med.")
        assert page.has("Avgrenset til: «ola» i navn eller nummer Nivå 1 Innen 7 dager")
        assert 'href="/saker?vis=enhet">Fjern avgrensningen' in page.html

    def test_keeps_the_choices_in_the_address(self, case: str, client_of: Clients) -> None:
        page = client_of("rune").get("/saker?vis=enhet&niva=1&q=ola&frist=uke")
        assert page.value("vis") == "enhet"
        assert (page.value("q"), page.value("niva"), page.value("frist")) == ("ola", "1", "uke")
        for view in ("enhet", "avsluttet", "enhet-avsluttet"):
            assert f'href="/saker?q=ola&amp;niva=1&amp;vis={view}"' in page.html
        closed = client_of("rune").get("/saker?vis=avsluttet&frist=uke")
        assert not closed.has("Avgrenset til"), "a closed case has no deadline"

    def test_says_what_to_do_when_nothing_fits(self, case: str, client_of: Clients) -> None:
        page = client_of("rune").get("/saker?q=Olga")
        assert page.has("Avgrenset til: «Olga» i navn eller nummer")
        assert page.has("Ingen saker passer med det du har valgt Se om navnet er skrevet riktig.")
        assert 'href="/saker">' in page.html
        assert 'href="/saker?q=Olga&amp;vis=enhet"' in page.html
        assert not client_of("kari").get("/saker?q=Olga").has("Se i hele enheten")
        assert client_of("kari").get("/saker?niva=3").has("Velg et annet nivå eller en annen frist.")
        assert client_of("nina").get("/saker?vis=enhet").has("Ingen åpne saker i enheten")

    @pytest.mark.parametrize(("text", "found"), [("ola", True), ("NORDLI", True), ("mia", False), ("%", False)])
    def test_is_searched_by_name(self, text: str, found: bool, case: str, client_of: Clients) -> None:
        assert (case in client_of("kari").get("/saker", query_string={"q": text}).html) is found

    def test_keeps_the_same_number_of_questions_however_long_it_is(
        self, cast: Cast, client_of: Clients, queries: Callable[[], object]
    ) -> None:
        kari = client_of("kari")
        cast.wonder()
        kari.get("/saker")
        with queries() as few:  # type: ignore[attr-defined]
            kari.get("/saker")
        for about in ("mia", "jon", "ida", None, None):
            cast.wonder(about=about)
        with queries() as many:  # type: ignore[attr-defined]
            kari.get("/saker")
        assert len(many) == len(few)
