"""Stuck cases on the pages: putting one before the coordinating unit, and deciding it there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bti.db import reading, writing
from bti.models import audit_entries, memberships, referrals
from bti.usecases.referrals import refer
from tests.cast import Cast, settle_neighbour
from tests.web.records import SECRETS
from tests.web.visitor import Visitor

Client = Callable[[str], Visitor]

QUESTION = "Hvem har ansvaret for lesingen?"


class Stuck:
    """A case on level 2 with a measure, with its addresses."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.id = cast.at_level_2()
        cast.plan(self.id)
        self.reference = cast.facts(self.id).reference
        self.page = f"/saker/{self.reference}/henvis"
        self.decide = f"/henviste/{self.reference}"

    def refer(self, by: str = "kari") -> None:
        self.cast.act(refer, by=by, case_id=self.id, cause="disagreement", question=QUESTION)

    def outcomes(self) -> list[str | None]:
        with reading(self.cast.database) as session:
            return [row.outcome for row in session.execute(sa.select(referrals.c.outcome))]

    def reads(self) -> int:
        with reading(self.cast.database) as session:
            rows = session.execute(sa.select(audit_entries.c.id).where(audit_entries.c.event == "referral.read"))
            return len(rows.all())


@pytest.fixture
def case(cast: Cast) -> Stuck:
    return Stuck(cast)


class TestReferringACase:
    def test_puts_the_question_before_the_coordinating_unit(self, case: Stuck, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.page)
        assert page.has("De ser ikke loggen og ikke hvem barnet er.")
        sent = kari.send(page, {"cause": "stuck", "question": QUESTION})
        kari.send(page, {"cause": "stuck", "question": QUESTION})
        assert kari.follow(sent).has("Saken er henvist til koordinerende enhet.")
        assert case.outcomes() == [None]
        assert kari.get(case.page).has("Saken er allerede henvist")

    def test_names_everything_that_is_missing(self, case: Stuck, client_of: Client) -> None:
        page = client_of("kari").send(client_of("kari").get(case.page), status=422)
        assert page.has("Velg hva det gjelder")
        assert page.has("Skriv spørsmålet")
        assert case.outcomes() == []

    def test_takes_no_made_up_cause(self, case: Stuck, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.send(kari.get(case.page), {"cause": "x", "question": "å" * 4001}, status=422)
        assert page.has("Velg et av alternativene på siden")
        assert page.has("Teksten er for lang")

    def test_keeps_what_was_typed_on_an_old_page(self, case: Stuck, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.page)
        case.cast.offer(case.id, "siri")
        again = kari.send(page, {"cause": "stuck", "question": QUESTION}, status=409)
        assert again.value("question") == QUESTION
        kari.send(again)
        assert case.outcomes() == [None]

    def test_isnt_done_twice(self, case: Stuck, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.page)
        case.refer(by="rune")
        fresh = str(case.cast.version(case.id))
        again = kari.send(page, {"cause": "stuck", "question": QUESTION, "versjon": fresh}, status=409)
        assert again.has("Saken er allerede henvist og venter på avgjørelse.")
        assert case.outcomes() == [None]

    def test_is_for_the_holder_and_the_leader(self, case: Stuck, client_of: Client) -> None:
        client_of("siri").get(case.page, status=403)
        client_of("nils").get(case.page, status=404)
        assert client_of("kari").client.put(case.page).status_code in (400, 405)


class TestTheDeskOfTheCoordinatingUnit:
    def test_has_no_wonders_to_write_where_it_has_no_cases(self, client_of: Client) -> None:
        mine = client_of("berit").get("/saker")
        assert mine.has("Når noen ber deg om hjelp i en sak, og du sier ja, står den her.")
        assert not mine.has("Skriv det ned mens du husker det")

    def test_shows_only_what_was_referred(self, case: Stuck, client_of: Client) -> None:
        hidden = case.cast.at_level_1(about="jon")
        case.refer()
        berit = client_of("berit")
        page = berit.get("/henviste")
        for told in (case.reference, QUESTION, "Tjenestene er uenige", "Nivå 2", "Kari Nordmann", "PPT Fjordvik"):
            assert page.has(told)
        for shown in (page, berit.get(case.decide)):
            for secret in SECRETS:
                assert secret not in shown.html
        assert case.cast.facts(hidden).reference not in page.html
        for way_in in ("", "/samtykke", "/stafettpinne", "/stafettpinne/historikk", "/henvis"):
            berit.get(f"/saker/{case.reference}{way_in}", status=404)

    def test_writes_that_it_was_read(self, case: Stuck, client_of: Client) -> None:
        case.refer()
        before = case.reads()
        client_of("berit").get("/henviste")
        client_of("berit").get(case.decide)
        assert case.reads() == before + 2

    def test_is_calm_when_nothing_waits(self, case: Stuck, client_of: Client) -> None:
        assert client_of("berit").get("/henviste").has("Ingen saker venter på dere")

    def test_is_for_the_coordinating_unit(self, case: Stuck, client_of: Client) -> None:
        case.refer()
        for name in ("kari", "rune", "siri", "tove", "arne"):
            client_of(name).get("/henviste", status=403)
            client_of(name).get(case.decide, status=403)


class TestDecidingAReferredCase:
    def decision(self, **more: str) -> dict[str, str]:
        return {"outcome": "new_services", "reason": "PPT tar lesingen.", **more}

    def test_is_looked_over_and_then_decided(self, case: Stuck, client_of: Client) -> None:
        case.refer()
        berit = client_of("berit")
        page = berit.send(berit.get(case.decide), self.decision(steg="sjekk"), status=200)
        assert page.has("Koble på flere tjenester")
        assert page.has("PPT tar lesingen.")
        assert case.outcomes() == [None]
        sent = berit.send(page, {"steg": "send"})
        berit.send(page, {"steg": "send"})
        desk = berit.follow(sent)
        assert desk.has("Avgjørelsen er registrert.")
        assert desk.has("Koble på flere tjenester")
        assert not desk.has("Nivå 2")
        assert case.outcomes() == ["new_services"]

    def test_lets_one_go_back_and_change(self, case: Stuck, client_of: Client) -> None:
        case.refer()
        berit = client_of("berit")
        page = berit.send(berit.get(case.decide), self.decision(steg="sjekk"), status=200)
        back = berit.send(page, {"steg": "endre"}, status=200)
        assert (back.value("outcome"), back.value("reason")) == ("new_services", "PPT tar lesingen.")

    def test_needs_an_outcome_and_a_reason(self, case: Stuck, client_of: Client) -> None:
        case.refer()
        berit = client_of("berit")
        page = berit.send(berit.get(case.decide), {"steg": "sjekk"}, status=422)
        assert page.has("Velg hva som skal skje videre")
        assert page.has("Skriv en begrunnelse")
        berit.send(page, self.decision(steg="send", outcome="made_up"), status=422)
        assert case.outcomes() == [None]

    def test_isnt_decided_twice(self, case: Stuck, client_of: Client) -> None:
        case.refer()
        berit = client_of("berit")
        stale = berit.get(case.decide)
        berit.send(berit.get(case.decide), self.decision(steg="send"))
        berit.send(stale, self.decision(steg="send", outcome="close"), status=404)
        assert case.outcomes() == ["new_services"]

    def test_isnt_decided_by_somebody_with_a_part_in_it(self, case: Stuck, client_of: Client) -> None:
        case.refer()
        with writing(case.cast.database) as session:
            session.execute(
                sa.insert(memberships),
                {
                    "municipality_id": case.cast.municipality_id, "id": "rune-coordinates", "person_id": "rune",
                    "unit_id": "coordination", "role": "coordinator", "started_at": case.cast.now,
                },
            )  # fmt: skip
        rune = client_of("rune")
        assert rune.get(case.decide, status=403).has("Du kan ikke avgjøre en sak du selv er en del av.")
        desk = rune.get("/henviste")
        rune.post(case.decide, self.decision(steg="send", once="o" * 24), status=403, page=desk)
        assert case.outcomes() == [None]

    def test_decides_nothing_that_wasnt_referred(self, case: Stuck, client_of: Client) -> None:
        berit = client_of("berit")
        berit.get(case.decide, status=404)
        berit.get("/henviste/2026-XXXXX", status=404)

    def test_decides_nothing_of_another_municipality(self, cast: Cast, client_of: Client) -> None:
        neighbour = settle_neighbour(cast.database)
        theirs = Stuck(neighbour)
        theirs.refer()
        berit = client_of("berit")
        berit.get(theirs.decide, status=404)
        assert not berit.get("/henviste").has(theirs.reference)
