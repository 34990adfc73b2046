"""The unit leader sees what waits, answers everybody who shared a wonder, and reads nothing the door is closed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bti.db import writing
from bti.models import disclosures, subjects, wonders
from bti.usecases import baton
from tests.cast import HERE, Cast
from tests.web.records import act, reference, told
from tests.web.visitor import Visitor, on_both_databases

ClientOf = Callable[[str], Visitor]


def shared(cast: Cast, *, about: str | None = "ola", by: str = "kari") -> str:
    case_id = cast.wonder(about=about, by=by)
    cast.move(case_id, "share_with_leader", by=by)
    return case_id


class TestTheDesk:
    def test_says_so_when_nothing_waits(self, client_of: ClientOf) -> None:
        page = client_of("rune").get("/enheten")
        assert page.has("Ingen venter. Alle som har delt en undring, har fått svar.")
        assert page.has("Ingen saker er over frist.")
        assert page.has("Ingen åpne saker.")

    @on_both_databases
    def test_lists_shared_wonders_by_how_long_they_have_waited(self, client_of: ClientOf, cast: Cast) -> None:
        shared(cast, about="jon")
        cast.later(days=1)
        shared(cast, about="ola", by="per")
        cast.wonder(about="mia")
        cast.later(days=1)
        answered = shared(cast, about="ida")
        cast.feedback(answered)
        page = client_of("rune").get("/enheten")
        waiting = page.html.partition('id="holder"')[0]
        assert waiting.index("Jon E.") < waiting.index("Ola N.")
        assert page.has("Fra Kari Nordmann · Har ventet i 2 dager")
        assert page.has("Fra Per Olsen · Delt i går")
        assert "Ida M." not in waiting
        assert "Mia A." not in page.html, "an unshared wonder is the author's own"
        assert "Nordli" not in page.html
        assert told(cast, "unit.read") == [{"shown": 2}]

    @on_both_databases
    def test_lists_holders_to_decide_offers_and_late_cases(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.at_level_1(about="ola")
        offer = cast.offer(case_id, "per")
        page = client_of("rune").get("/enheten")
        assert page.has("Kari Nordmann → Per Olsen")
        act(cast, baton.decline, by="per", case_id=case_id, offer_id=offer, reason="capacity", note="")
        page = client_of("rune").get("/enheten")
        assert page.has("Per Olsen: Jeg har ikke kapasitet")
        assert page.has("Takket nei 16.11.2026")
        assert page.has("Har den nå: Kari Nordmann · Ikke bestemt for Nivå 1")
        ill = {"case_id": case_id, "reason": "Syk", "seen_version": cast.facts(case_id).version}
        act(cast, baton.interim_by_leader, by="rune", **ill)
        page = client_of("rune").get("/enheten")
        assert page.has("Har den nå: Deg · Midlertidig stafettholder")
        cast.later(days=60)
        page = client_of("rune").log_in(HERE, "rune").get("/enheten")
        assert page.has("dager over frist")
        assert not page.has("Per Olsen: Jeg har ikke kapasitet"), "a refusal long ago is no longer news"

    def test_an_offer_that_ran_out_is_said_to_have_no_answer(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.at_level_1(about="ola")
        cast.offer(case_id, "per")
        cast.later(days=20)
        assert client_of("rune").get("/enheten").has("Svarte ikke innen")

    def test_a_wonder_ready_for_its_case_waits_for_a_holder(self, client_of: ClientOf, cast: Cast) -> None:
        shared(cast, about="jon")
        case_id = cast.at_decision(about="ola")
        page = client_of("rune").get("/enheten")
        listed = page.html.partition('id="holder"')[2].partition('id="frist"')[0]
        assert f"/saker/{reference(cast, case_id)}/stafettpinne/bekreft" in listed
        assert "Jon E." not in listed
        cast.confirm(case_id)
        assert client_of("rune").get("/enheten").has("Alle saker har en stafettholder som er bestemt.")

    @on_both_databases
    def test_a_case_behind_a_closed_door_stands_by_its_number_alone(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.at_level_2()
        with writing(cast.database) as session:
            session.execute(sa.update(disclosures).values(ended_at=cast.now, ended_how="withdrawn"))
        page = client_of("rune").get("/enheten")
        assert page.has(f"Sak {reference(cast, case_id)}")
        assert page.has("Kan ikke leses nå")
        assert "Ola N." not in page.html

    def test_counts_the_open_cases_of_ones_own_unit(self, client_of: ClientOf, cast: Cast) -> None:
        shared(cast)
        cast.at_level_1(about="jon")
        cast.wonder(about="liam", by="nils")
        page = client_of("rune").get("/enheten")
        for level, number in (("Nivå 0", 1), ("Nivå 1", 1), ("Til sammen", 2)):
            assert page.has(f"{level}{number}"), level
        assert client_of("nina").get("/enheten").has("Ingen åpne saker.")

    def test_asks_as_little_of_the_database_whatever_waits(self, client_of: ClientOf, cast: Cast, queries: Any) -> None:
        rune = client_of("rune")
        shared(cast)
        rune.get("/enheten")
        with queries() as few:
            rune.get("/enheten")
        for name in ("jon", "mia", "ola"):
            shared(cast, about=name)
            cast.at_level_1(about=name)
        with queries() as many:
            rune.get("/enheten")
        assert len(many) == len(few) < 16

    def test_is_the_leaders(self, client_of: ClientOf, stranger: Visitor) -> None:
        for name in ("kari", "berit", "tove", "arne"):
            client_of(name).get("/enheten", 403)
        stranger.get("/enheten", 303)
        assert client_of("rune").client.delete("/enheten").status_code in (400, 405)

    def test_an_address_block_hides_the_class(self, client_of: ClientOf, cast: Cast) -> None:
        shared(cast)
        with writing(cast.database) as session:
            session.execute(sa.update(subjects).values(address_blocked=True))
        page = client_of("rune").get("/enheten")
        assert page.has("Ola N.")
        assert "4B" not in page.html


class TestAnsweringTheOneWhoWondered:
    def path(self, cast: Cast, case_id: str) -> str:
        return f"/enheten/{reference(cast, case_id)}/tilbakemelding"

    @on_both_databases
    def test_reaches_them_and_takes_the_wonder_off_the_desk(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = shared(cast)
        rune = client_of("rune")
        page = rune.get(self.path(cast, case_id))
        assert page.has("Tilbakemelding til Kari Nordmann")
        assert page.has("Kommer for sent fire av fem dager.")
        assert page.has("Skriv ingenting sensitivt.")
        sent = rune.send(page, {"text": "Takk. Vi snakkes i morgen."})
        desk = rune.follow(sent)
        assert desk.has("Tilbakemeldingen er sendt.")
        assert desk.has("Ingen venter.")
        assert client_of("kari").get("/undringer").has("Takk. Vi snakkes i morgen.")

    def test_twice_is_once(self, client_of: ClientOf, cast: Cast) -> None:
        rune = client_of("rune")
        page = rune.get(self.path(cast, shared(cast)))
        for _ in range(2):
            rune.send(page, {"text": "Takk."})
        assert len(told(cast, "feedback.give")) == 1

    @pytest.mark.parametrize(
        ("text", "said"),
        [("", "Skriv hva du vil svare"), (" \n ", "Skriv hva du vil svare"), ("x" * 100_000, "Teksten er for lang")],
    )
    def test_turns_back_nothing_and_too_much(self, client_of: ClientOf, cast: Cast, text: str, said: str) -> None:
        case_id = shared(cast)
        page = client_of("rune").post(self.path(cast, case_id), {"text": text}, 422)
        assert page.has(said)
        assert page.title.startswith("Feil: ")
        with writing(cast.database) as session:
            assert session.execute(sa.select(wonders.c.feedback_at)).scalar_one() is None

    def test_keeps_script_as_text(self, client_of: ClientOf, cast: Cast) -> None:
        rune = client_of("rune")
        rune.send(rune.get(self.path(cast, shared(cast))), {"text": "<script>alert(1)</script> 🙂"})
        page = client_of("kari").get("/undringer")
        assert "<script>alert" not in page.html
        assert page.has("<script>alert(1)</script> 🙂")

    def test_is_for_the_units_own_leader_once_it_is_shared(self, client_of: ClientOf, cast: Cast) -> None:
        private, open_ = cast.wonder(about="jon"), shared(cast)
        for name, case_id, status in (
            ("rune", private, 404),
            ("nina", open_, 404),
            ("liv", open_, 404),
            ("kari", open_, 403),
            ("tove", open_, 403),
        ):
            visitor = client_of(name)
            visitor.get(self.path(cast, case_id), status)
            home = visitor.get("/personvern")
            visitor.post(self.path(cast, case_id), {"text": "x", "once": "o" * 20}, status, page=home)
        client_of("rune").get("/enheten/2026-XXXXX/tilbakemelding", 404)

    def test_one_who_leads_elsewhere_but_takes_part_here_does_not_answer(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = cast.at_level_2(partner="liv")
        client_of("liv").get(self.path(cast, case_id), 403)

    def test_may_be_written_anew(self, client_of: ClientOf, cast: Cast) -> None:
        case_id = shared(cast)
        cast.feedback(case_id)
        page = client_of("rune").get(self.path(cast, case_id))
        assert page.value("text") == "Takk. Snakk med foreldrene."
        assert page.has("Sender du på nytt, erstattes svaret.")

    def test_shows_the_way_to_a_case_that_is_open_already(self, client_of: ClientOf, cast: Cast) -> None:
        cast.at_level_1(about="ola")
        second = shared(cast, by="per")
        page = client_of("rune").get(self.path(cast, second))
        assert f"/undringer/{reference(cast, second)}/gi-videre" in page.html

    def test_an_employee_meets_no_other_method(self, client_of: ClientOf, cast: Cast) -> None:
        path = self.path(cast, shared(cast))
        assert client_of("rune").client.put(path).status_code in (400, 405)
