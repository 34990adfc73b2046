"""The auditor's pages: what they find, what they never show, and what they say when a search can't be made."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bti.audit.vocabulary import EVENTS, READS
from bti.db import DatabaseUnavailable, writing
from bti.models import audit_entries
from bti.queries.audit_details import DETAILS
from bti.queries.audit_past import SOUND
from bti.usecases.auditing import GROUPS, QUESTIONS
from tests.auditor import consent_of, open_by_law, plant, read, reference
from tests.cast import GUARDIANS, SUBJECTS, Cast
from tests.web.visitor import Page, Visitor, on_both_databases
from web import sentences_audit as sentences
from web.audit import SLUGS

Clients = Callable[[str], Visitor]
ADDRESSES = (
    "/revisjon",
    "/revisjon/logg",
    "/revisjon/samtykker",
    "/revisjon/sporsmal/tilgang",
    *(f"/revisjon/sporsmal/{slug}" for slug in SLUGS),
)
COPIES = (
    "/revisjon/logg.csv",
    "/revisjon/samtykker.csv",
    "/revisjon/sporsmal/uten-grunnlag.csv",
    "/revisjon/sporsmal/utlopt-med-tilgang.csv",
)


@pytest.fixture
def scene(cast: Cast) -> tuple[str, str]:
    """A case on level 2 whose consent is withdrawn, with a read after it; the case and the consent."""
    case_id = cast.at_level_2()
    consent_id = consent_of(cast, case_id, "share")
    for person in ("kari", "siri"):
        read(cast, case_id, by=person)
    open_by_law(cast, case_id, "health")
    cast.later(days=2)
    cast.withdraw(case_id, consent_id)
    cast.later(hours=1)
    plant(cast, case_id, by="siri", basis=f"consent:{consent_id}")
    cast.later(hours=1)
    return case_id, consent_id


def entries(cast: Cast, event: str) -> list[sa.Row[tuple[object, ...]]]:
    with writing(cast.database) as session:
        return list(session.execute(sa.select(audit_entries).where(audit_entries.c.event == event)))


class TestTheQuestions:
    @on_both_databases
    def test_come_first_with_their_counts(self, client_of: Clients, scene: tuple[str, str]) -> None:
        page = client_of("tove").get("/revisjon")
        assert page.has("Åpnet uten gyldig grunnlag 1 funn")
        assert page.has("Samtykke løp ut mens noen hadde tilgang Ingen funn")
        assert page.has("Overstyringer 1 funn")

    @on_both_databases
    def test_lead_to_the_read_and_why_it_had_no_basis(
        self, client_of: Clients, cast: Cast, scene: tuple[str, str]
    ) -> None:
        page = client_of("tove").get("/revisjon/sporsmal/uten-grunnlag")
        assert page.has("Siri Dahl Deltaker, PPT Fjordvik")
        assert page.has("Samtykket var trukket tilbake")
        assert page.has(reference(cast, scene[0]))
        assert not page.has("Kari Nordmann")

    def test_say_so_when_nothing_was_found(self, client_of: Clients) -> None:
        for slug, key in SLUGS.items():
            page = client_of("tove").get(f"/revisjon/sporsmal/{slug}")
            assert page.has("Ingen funn"), key

    def test_one_that_nobody_asks_is_not_found(self, client_of: Clients) -> None:
        client_of("tove").get("/revisjon/sporsmal/hvem-er-ola", 404)

    def test_show_doors_that_ran_out(self, client_of: Clients, cast: Cast, scene: tuple[str, str]) -> None:
        cast.later(days=800)
        page = client_of("tove").get("/revisjon/sporsmal/utlopt-med-tilgang?enhet=school")
        assert page.has("Kari Nordmann Stafettholder")


class TestTheTrail:
    def test_is_told_in_sentences_with_local_times(self, client_of: Clients, cast: Cast) -> None:
        cast.wonder()
        page = client_of("tove").get("/revisjon/logg")
        assert page.has("Registrerte en undring 16.11.2026 kl. 10.00")
        assert page.has("Kari Nordmann Den som undrer seg, Fjordvik skole")

    @pytest.mark.parametrize("day", ["16.11.26", "16.11.2026", "2026-11-16"])
    def test_takes_a_day_however_it_is_written(self, client_of: Clients, cast: Cast, day: str) -> None:
        cast.wonder()
        found = client_of("tove").get(f"/revisjon/logg?person=kari&fra={day}&til={day}")
        assert found.has("1 treff")
        assert client_of("tove").get(f"/revisjon/logg?person=kari&fra=17.11.26&til={day}", 422).has("må komme før")

    def test_says_all_that_is_wrong_and_keeps_what_was_typed(self, client_of: Clients) -> None:
        page = client_of("tove").get("/revisjon/logg?person=Ingen+Slik&sak=2026-X&enhet=y&hendelse=z", 422)
        assert page.title.startswith("Feil:")
        assert page.has("Ingen ansatte heter det")
        assert page.has("Ingen sak har den referansen")
        assert page.value("person") == "Ingen Slik"
        page = client_of("tove").get("/revisjon/logg?fra=32.1.26&til=igår", 422)
        assert page.text.count("Skriv en dato, for eksempel 1.12.26") == 4

    @pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "31.12.9999", "0.0.0"])
    def test_days_beyond_the_calendar_are_answered(self, client_of: Clients, day: str) -> None:
        for address in (f"/revisjon/logg?fra={day}", f"/revisjon/logg?til={day}", f"/revisjon/samtykker?dato={day}"):
            answered = client_of("tove").client.get(address)
            assert answered.status_code in (200, 422), address

    @pytest.mark.parametrize("forged", ["abc", "-1", "9" * 40, "1 OR 1=1"])
    def test_a_forged_page_is_told_so(self, client_of: Clients, forged: str) -> None:
        for address in ("logg", "samtykker", "sporsmal/uten-grunnlag", "sporsmal/utlopt-med-tilgang"):
            client_of("tove").get(f"/revisjon/{address}?eldre={forged}", 422)

    @on_both_databases
    def test_puts_repeated_reads_on_one_row_with_every_time_beneath(self, client_of: Clients, cast: Cast) -> None:
        case_id = cast.wonder()
        for _ in range(3):
            read(cast, case_id, by="kari")
            cast.later(minutes=20)
        page = client_of("tove").get("/revisjon/logg?person=kari&hendelse=case.read")
        assert page.has("Åpnet saken for å lese 3 ganger 16.11.2026 kl. 10.00 til 10.40")
        assert page.has("16.11.2026 kl. 10.20.00 · Hvem hadde tilgang da?")
        assert page.html.count("/revisjon/sporsmal/tilgang?sak=") == 3
        assert page.has("Når samme person leser det samme flere ganger samme dag, står det på én rad.")
        assert page.has("3 treff")
        assert not client_of("tove").get("/revisjon/logg?hendelse=case.open").has("står det på én rad")

    def test_says_which_page_of_the_case_was_read(self, client_of: Clients, cast: Cast) -> None:
        sak = reference(cast, cast.at_level_1())
        client_of("kari").get(f"/saker/{sak}/stafettpinne/historikk")
        page = client_of("tove").get("/revisjon/logg?person=kari&hendelse=case.read")
        assert page.has("Side: stafettpinnens vei")

    def test_is_turned_page_by_page(self, client_of: Clients, cast: Cast) -> None:
        cast.at_level_1()
        for n in range(60):
            plant(cast, f"{n:020}", by="kari", basis="own_service")
        first = client_of("tove").get("/revisjon/logg?person=kari")
        older = first.html.split('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
        assert client_of("tove").get(older).has("Registrerte en undring")

    def test_says_that_ones_own_entries_are_left_out(self, client_of: Clients) -> None:
        client_of("tove").get("/revisjon/logg")
        page = client_of("tove").get("/revisjon/logg")
        assert page.has("innføringer om deg selv er utelatt")


class TestConsents:
    @on_both_databases
    def test_are_shown_as_they_were_at_the_chosen_moment(
        self, client_of: Clients, cast: Cast, scene: tuple[str, str]
    ) -> None:
        address = f"/revisjon/samtykker/{scene[1]}"
        assert client_of("tove").get(address).has("Lukket 18.11.2026 kl. 10.00: samtykket ble trukket")
        then = client_of("tove").get(f"{address}?dato=17.11.26&kl=12.30")
        assert then.has("Slik det var 17.11.2026 kl. 12.30. Én ting er sagt etter det.")
        assert not then.has("Trukket tilbake")
        assert client_of("tove").get("/revisjon/samtykker?dato=17.11.26&tilstand=withdrawn").has("Ingen treff")
        assert client_of("tove").get("/revisjon/samtykker?tilstand=withdrawn").has("1 treff")

    def test_tell_relation_and_channel_but_no_name(self, client_of: Clients, scene: tuple[str, str]) -> None:
        page = client_of("tove").get(f"/revisjon/samtykker/{scene[1]}")
        assert page.has("Mor Foreldreansvar")
        assert page.has("Far Foreldreansvar")
        assert page.has("vitne er skrevet ned")
        assert not page.has("Per Olsen")

    @pytest.mark.parametrize("query", ["dato=17.11.29", "dato=x", "dato=17.11.26&kl=25.00", "dato=17.11.26&kl=noon"])
    def test_a_moment_that_cannot_be_is_told_so(self, client_of: Clients, scene: tuple[str, str], query: str) -> None:
        client_of("tove").get(f"/revisjon/samtykker/{scene[1]}?{query}", 422)
        client_of("tove").get(f"/revisjon/samtykker?{query}", 422)

    def test_one_that_is_not_there_is_not_found(self, client_of: Clients) -> None:
        client_of("tove").get("/revisjon/samtykker/ingenting", 404)


class TestWhoHadAccess:
    @on_both_databases
    def test_is_one_click_from_a_read(self, client_of: Clients, cast: Cast, scene: tuple[str, str]) -> None:
        page = client_of("tove").get("/revisjon/logg?person=siri&hendelse=case.read&til=16.11.26")
        link = page.html.split("sporsmal/tilgang?")[1].partition('"')[0].replace("&amp;", "&")
        then = client_of("tove").get(f"/revisjon/sporsmal/tilgang?{link}")
        assert then.has("Siri Dahl Deltaker PPT Fjordvik Samtykke")
        assert then.has("delt med andre tjenester")

    def test_no_other_service_is_told_to_be_let_in_after_a_withdrawal(self, client_of: Clients, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.later(days=1)
        cast.withdraw(case_id, consent_of(cast, case_id, "share"))
        cast.later(hours=1)
        then = client_of("tove").get(f"/revisjon/sporsmal/tilgang?sak={reference(cast, case_id)}")
        assert then.has("men ingen andre tjenester slapp inn")
        assert not then.has("delt med andre tjenester")

    @pytest.mark.parametrize(
        "query", ["sak=", "sak=2026-X", "sak=SAK&dato=1.1.40", "sak=SAK&tidspunkt=x", "sak=SAK&dato=x"]
    )
    def test_says_what_is_wrong(self, client_of: Clients, cast: Cast, query: str) -> None:
        sak = reference(cast, cast.wonder())
        client_of("tove").get(f"/revisjon/sporsmal/tilgang?{query.replace('SAK', sak)}", 422)


class TestWhoMayLook:
    @pytest.mark.parametrize("person", ["kari", "rune", "berit", "arne", "bti", "eva"])
    def test_nobody_else_and_the_attempt_is_written(self, client_of: Clients, cast: Cast, person: str) -> None:
        for address in (*ADDRESSES, *COPIES, "/revisjon/samtykker/x", "/revisjon/logg?person=zzz"):
            client_of(person).get(address, 403)
        assert len(entries(cast, "refused")) == len(ADDRESSES) + len(COPIES) + 2

    def test_nobody_who_is_not_logged_in(self, stranger: Visitor) -> None:
        for address in (*ADDRESSES, *COPIES):
            stranger.get(address, 303)

    @pytest.mark.parametrize("address", [*ADDRESSES, *COPIES])
    def test_nothing_can_be_sent(self, client_of: Clients, address: str) -> None:
        page = client_of("tove").get("/revisjon")
        client_of("tove").post(address, {}, 405, page=page)


class TestCopies:
    def test_are_written_before_they_leave_and_open_in_excel(
        self, client_of: Clients, cast: Cast, scene: tuple[str, str]
    ) -> None:
        answer = client_of("tove").client.get("/revisjon/logg.csv?person=siri")
        text = answer.get_data().decode("utf-8-sig")
        assert answer.get_data().startswith(b"\xef\xbb\xbf")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="innsynslogg-2026-11-18.csv"'
        rows = list(csv.reader(io.StringIO(text), delimiter=";"))
        assert rows[0][:4] == ["Nummer", "Tidspunkt", "Hendelse", "Hvem"]
        assert {row[3] for row in rows[1:]} == {"Siri Dahl"}
        assert len(entries(cast, "audit.export")) == 1

    def test_of_consents_and_of_answers(self, client_of: Clients, cast: Cast, scene: tuple[str, str]) -> None:
        for address, word in [(COPIES[1], "Trukket tilbake"), (COPIES[2], "Samtykket var trukket tilbake")]:
            assert word in client_of("tove").client.get(address).get_data(as_text=True)

    def test_of_a_search_that_cannot_be_made_lead_back_to_it(self, client_of: Clients) -> None:
        page = client_of("tove").get("/revisjon/logg.csv?person=Ingen+Slik", 303)
        assert page.goes_to == "/revisjon/logg?person=Ingen+Slik"

    @on_both_databases
    def test_of_what_ran_out_is_offered_beside_the_answer(
        self, client_of: Clients, cast: Cast, scene: tuple[str, str]
    ) -> None:
        address = "/revisjon/sporsmal/utlopt-med-tilgang"
        assert "utlopt-med-tilgang.csv" not in client_of("tove").get(address).html
        cast.later(days=800)
        page = client_of("tove").log_in(cast.municipality_id, "tove").get(f"{address}?enhet=school")
        assert f"{address}.csv?enhet=school" in page.html
        answer = client_of("tove").client.get(f"{address}.csv?enhet=school")
        rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";"))
        assert rows[0] == ["Nummer", "Sak", "Enhet", "Samtykke", "Gjelder til", "Hadde tilgang", "Lukket"]
        assert [row[5] for row in rows[1:]] == ["Kari Nordmann (Stafettholder)"]
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="utlopt-med-tilgang-')


class TestJudging:
    @on_both_databases
    def test_lets_others_write_meanwhile(self, client_of: Clients, cast: Cast, scene: tuple[str, str]) -> None:
        tove = client_of("tove")
        written: list[str] = []

        def write_beside(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            if "consent_events" in statement and not written:
                written.append("")
                written[0] = cast.wonder(about=None)

        event.listen(cast.database, "before_cursor_execute", write_beside)
        try:
            page = tove.get("/revisjon/sporsmal/uten-grunnlag")
        finally:
            event.remove(cast.database, "before_cursor_execute", write_beside)
        assert page.has("Siri Dahl")
        assert cast.facts(written[0]).holder_id == "kari"

    def test_says_so_when_older_reads_are_left_out(
        self, client_of: Clients, scene: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = "nyeste er vurdert, og eldre er ikke med i svaret. Velg en kortere periode"
        for address in ("/revisjon", "/revisjon/sporsmal/uten-grunnlag", "/revisjon/sporsmal/trukket-og-lest"):
            assert not client_of("tove").get(address).has(told)
        monkeypatch.setattr("bti.queries.audit_questions.MOST_JUDGED", 1)
        for address in ("/revisjon", "/revisjon/sporsmal/uten-grunnlag", "/revisjon/sporsmal/trukket-og-lest"):
            assert client_of("tove").get(address).has(told)
        sent = client_of("tove").get("/revisjon/sporsmal/uten-grunnlag.csv", 303)
        assert client_of("tove").follow(sent).has("Det er for mange lesinger å vurdere. Velg en kortere periode.")

    def test_shows_nothing_that_couldnt_be_written_down(
        self, client_of: Clients, cast: Cast, scene: tuple[str, str]
    ) -> None:
        tove = client_of("tove")

        def fail(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            if statement.startswith("INSERT INTO audit_entries"):
                raise DatabaseUnavailable("full")

        event.listen(cast.database, "before_cursor_execute", fail)
        try:
            for address in (*ADDRESSES[:3], *ADDRESSES[4:], *COPIES):
                page = tove.get(address, 503)
                assert not page.has("Siri Dahl"), address
        finally:
            event.remove(cast.database, "before_cursor_execute", fail)


class TestNothingOfAnybody:
    def test_is_on_any_page_or_in_any_copy(self, client_of: Clients, cast: Cast, scene: tuple[str, str]) -> None:
        case_id, consent_id = scene
        sak, then = reference(cast, case_id), (cast.now - timedelta(days=1)).strftime("%d.%m.%Y")
        more = (f"/revisjon/samtykker/{consent_id}", f"/revisjon/sporsmal/tilgang?sak={sak}&dato={then}")
        names = {*GUARDIANS.values(), *(f"{given} {family}" for given, family, *_ in SUBJECTS.values())}
        words = {"Fravær og tiltak", "Kommer for sent", "Nordli", "Fare for barnets liv", "Per Olsen", ", 4B"}
        for address in (*ADDRESSES, *COPIES, *more):
            shown = client_of("tove").client.get(address).get_data(as_text=True)
            assert not [one for one in names | words if one in shown], address


class TestEverySentence:
    def test_stands_for_every_code(self) -> None:
        assert set(sentences.EVENTS) == set(EVENTS)
        assert set(sentences.GROUPS) == set(GROUPS)
        assert set(sentences.QUESTIONS) >= {*QUESTIONS, "access_at", "log", "overview"}
        assert set(sentences.EXPLANATIONS) >= set(QUESTIONS) <= set(sentences.NOTHING_FOUND)
        assert set(SLUGS.values()) == set(QUESTIONS)
        assert set(sentences.VERDICTS) >= set(SOUND)
        shown = {field for fields in DETAILS.values() for field in fields}
        assert shown <= set(sentences.FIELDS)
        assert set(READS) <= set(sentences.EVENTS)

    def test_stands_for_every_page_of_a_case_that_is_read(self) -> None:
        opens = re.compile(r"""(?:part(?:: str)? ?= ?|_opened\(reference, |_open\()"([a-z_]+)\"""")
        sources = [file.read_text("utf-8") for room in ("web", "bti") for file in Path(room).rglob("*.py")]
        parts = {part for text in sources for part in opens.findall(text)}
        assert parts >= {"case", "form", "baton_history", "consents", "note"}
        assert {f"part.{part}" for part in parts} <= set(sentences.SMALL)

    def test_is_a_sentence_and_no_code(self, app: object) -> None:
        with app.test_request_context():  # type: ignore[attr-defined]
            for table in (sentences.EVENTS, sentences.VERDICTS, sentences.QUESTIONS, sentences.CAUSES):
                for code, sentence in table.items():
                    assert sentence(), code
                    assert "_" not in sentence(), code


def test_a_page_costs_as_many_statements_however_much_there_is(
    client_of: Clients, cast: Cast, queries: Callable[[], object]
) -> None:
    def cost() -> int:
        with queries() as said:  # type: ignore[attr-defined]
            page: Page = client_of("tove").get("/revisjon/logg?hendelse=case.read")
        assert page.status == 200
        return len(said)

    case_id = cast.at_level_2()
    read(cast, case_id, by="kari")
    client_of("tove").get("/revisjon")
    few = cost()
    for _ in range(30):
        read(cast, case_id, by="kari")
    assert cost() == few
