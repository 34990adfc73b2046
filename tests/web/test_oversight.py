"""The auditor's workbench in the browser, and what somebody meets who opens case after case."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.auditor import plant, read
from tests.cast import Cast
from tests.doors import trail
from tests.test_pace import all_alerts, has_opened
from tests.test_workbench import alerted, broken
from tests.web.visitor import Visitor, on_both_databases

Clients = Callable[[str], Visitor]
QUEUE = "/revisjon/oppgaver"


@pytest.fixture
def case_id(cast: Cast) -> str:
    return cast.at_level_2()


@on_both_databases
class TestOpeningCaseAfterCase:
    def test_is_slowed_down_in_plain_words_and_leads_to_the_auditor(
        self, client_of: Clients, cast: Cast, case_id: str
    ) -> None:
        kari, another = client_of("kari"), cast.at_level_1(about="mia")
        first, second = (f"/saker/{cast.facts(one).reference}" for one in (case_id, another))
        has_opened(cast, 49)
        kari.get(first)
        page = kari.get(second, 429)
        assert page.title.startswith("Du har åpnet mange saker")
        assert page.has("Vent 15 sekunder før du åpner en ny.")
        assert page.has("Sakene du har åpnet den siste tiden, kan du fortsatt lese.")
        assert page.response.headers["Retry-After"] == "15"
        assert "Mia" not in page.html
        assert '"code":"many_cases"' in trail(cast, "refused")[-1].fields
        kari.get(first)
        cast.later(seconds=15)
        kari.get(second)
        tove = client_of("tove")
        queue = tove.get(QUEUE)
        assert queue.has("Kari Nordmann Åpnet mange saker på kort tid · Har ventet i under en time")
        (alert,) = all_alerts(cast)
        page = tove.get(f"/revisjon/varsler/{alert.id}")
        assert page.has("50 forskjellige saker ble åpnet på kort tid")
        assert tove.send(page, {"outcome": "follow_up"}, status=422).has("Skriv hva du bygger det på")
        sent = tove.send(page, {"outcome": "follow_up", "note": "Snakk med lederen hennes."})
        assert tove.follow(sent).has("Ingen varsler venter.")
        page = tove.get(f"/revisjon/varsler/{alert.id}")
        assert page.has("Må følges opp Tove Lund")
        assert page.has("Snakk med lederen hennes.")


@on_both_databases
class TestTheQueue:
    def test_leads_to_an_emergency_access_and_its_verdict(self, client_of: Clients, cast: Cast, case_id: str) -> None:
        id_ = broken(cast, case_id)
        cast.later(hours=3)
        tove = client_of("tove")
        assert tove.get(QUEUE).has("Fare for liv, helse eller vold · Har ventet i 3 timer")
        page = tove.get(f"/revisjon/nodtilgang/{id_}")
        assert page.has("Nils Berg, Nordbygda skole")
        assert not page.has("Barnet er funnet alene ute")
        sent = tove.send(page, {"verdict": "not_justified", "note": "Lederen kjente ikke til noen fare."})
        assert tove.follow(sent).has("Ingen nødtilganger venter.")
        assert tove.get(f"/revisjon/nodtilgang/{id_}").has("Ikke begrunnet Tove Lund (Revisor)")

    def test_is_empty_in_words(self, client_of: Clients) -> None:
        page = client_of("tove").get(QUEUE)
        assert page.has("Ingen nødtilganger venter.")
        assert page.has("Ingen varsler venter.")
        assert page.has("Ingen er trukket ennå.")

    def test_says_nothing_to_others(self, client_of: Clients, cast: Cast) -> None:
        alert = alerted(cast)
        for name in ("arne", "rune", "berit"):
            client_of(name).get(QUEUE, 403)
            client_of(name).get(f"/revisjon/varsler/{alert}", 403)


@on_both_databases
class TestSamples:
    def test_are_drawn_and_judged_one_by_one(self, client_of: Clients, cast: Cast, case_id: str) -> None:
        for name in ("kari", "siri"):
            read(cast, case_id, by=name)
        plant(cast, case_id, by="nils", basis="own_service")
        tove = client_of("tove")
        page = tove.get(QUEUE)
        assert page.value("since") == "17.10.2026"
        sent = tove.send(page, {"seed": "frø", "size": "10"}, action="/stikkprover")
        page = tove.follow(sent)
        assert page.has("Stikkprøvene er trukket.")
        assert page.has("Trukket blant 3 Frø frø")
        assert page.has("17.10.2026 til 16.11.2026")
        assert page.has("0 av 3")
        assert page.has("Saken hørte ikke til tjenesten")
        sample = page.path
        for number, outcome in enumerate(("fine", "fine", "follow_up"), start=1):
            item = tove.follow(tove.get(f"{sample}/neste", 303))
            assert item.path == f"{sample}/{number}"
            assert item.has(f"Stikkprøve {number} av 3")
            assert item.has("Samtykkene da")
            item = tove.send(item, {"outcome": outcome, "note": "Hva var grunnen?" if number == 3 else ""})
        assert tove.get(f"{sample}/neste", 303).goes_to == sample
        page = tove.get(sample)
        assert page.has("3 av 3")
        assert page.has("Må følges opp Tove Lund Hva var grunnen?")
        queue = tove.get(QUEUE)
        assert queue.has("17.10.2026 til 16.11.2026")
        assert queue.has("3 av 3")

    def test_say_what_is_wrong(self, client_of: Clients) -> None:
        tove = client_of("tove")
        page = tove.get(QUEUE)
        sent = tove.send(page, {"since": "", "until": "i går"}, action="/stikkprover", status=422)
        assert sent.title.startswith("Feil:")
        assert sent.has("Skriv en dato, for eksempel 1.12.26")
        sent = tove.send(page, {"since": "1.1.20", "until": "2.1.20"}, action="/stikkprover", status=422)
        assert sent.has("Ingen har åpnet en sak i perioden")
        assert sent.value("since") == "1.1.20"

    @pytest.mark.parametrize("day", ["1.1.1899", "31.12.9999", "1.1.3000"])
    @pytest.mark.parametrize("field", ["since", "until"])
    def test_know_no_day_at_the_ends_of_the_calendar(self, client_of: Clients, field: str, day: str) -> None:
        tove = client_of("tove")
        sent = tove.send(tove.get(QUEUE), {field: day}, action="/stikkprover", status=422)
        assert [found for found in ("since", "until") if f'href="#{found}"' in sent.html] == [field]


class TestWhatConsentSaid:
    def test_when_a_case_was_read_is_one_click_away_from_any_entry(
        self, client_of: Clients, cast: Cast, case_id: str
    ) -> None:
        read(cast, case_id, by="siri")
        cast.later(seconds=20)
        cast.withdraw(case_id, cast.yes_to(case_id, "ppt"))
        tove = client_of("tove")
        page = tove.get("/revisjon/logg?person=siri&hendelse=case.read")
        # The basis leads to the consent as it was then, not at the end of that minute.
        then = tove.get(_link(page.html, "Samtykke</a>"))
        assert then.has("Gitt")
        assert not then.has("Trukket tilbake")
        paths = _link(page.html, "Samtykkene da"), f"/revisjon/samtykker?sak={cast.facts(case_id).reference}"
        assert [tove.get(path).text.count("Trukket tilbake 2 av 2 har sagt ja") for path in paths] == [0, 1]


def _link(html: str, text: str) -> str:
    before = html[: html.index(text)]
    return before[before.rindex('href="') + 6 :].partition('"')[0].replace("&amp;", "&")
