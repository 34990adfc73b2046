"""Services that take part, on the pages: inviting, answering, leaving."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bti.usecases import participants
from tests.cast import Cast, settle_neighbour
from tests.web.records import SECRETS
from tests.web.visitor import Visitor

Client = Callable[[str], Visitor]


class Services:
    """A case on level 1 where PPT is covered, with its addresses."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.id = cast.at_level_1()
        self.shared = cast.consented(self.id, "ppt", purpose="share")
        self.case = f"/saker/{cast.facts(self.id).reference}"
        self.new = f"{self.case}/deltakere/ny"

    def parts(self) -> dict[str, str]:
        return {one.person_id: one.state for one in self.cast.facts(self.id).participants}

    def answer(self, invitation: str, query: str = "") -> str:
        return f"{self.case}/deltakere/{invitation}/svar{query}"

    def end(self, participation: str) -> str:
        return f"{self.case}/deltakere/{participation}/avslutt"


@pytest.fixture
def case(cast: Cast) -> Services:
    return Services(cast)


class TestInvitingAService:
    def test_asks_a_person_who_sees_nothing_yet(self, case: Services, client_of: Client) -> None:
        kari = client_of("kari")
        sent = kari.send(kari.get(case.new), {"person": "ppt:siri", "purpose": "Lesing"})
        assert kari.follow(sent).has("Siri Dahl er spurt, og ser ikke innholdet i saken før svaret er ja.")
        assert case.parts() == {"siri": "invited"}

    def test_lists_those_the_family_hasnt_said_yes_to_with_the_way_to_ask(
        self, case: Services, client_of: Client
    ) -> None:
        page = client_of("kari").get(case.new)
        assert page.has("Familien har ikke sagt ja til disse ennå")
        assert not page.has("Amir Hassan")
        assert "samtykke/nytt?purpose=share&amp;tjeneste=health" in page.html
        assert "samtykke/nytt?purpose=external&amp;tjeneste=hospital" in page.html
        ask = client_of("kari").get(f"{case.case}/samtykke/nytt?purpose=share&tjeneste=health")
        assert ask.value("units") == "health"

    def test_needs_external_consent_for_those_outside(self, case: Services, client_of: Client) -> None:
        kari = client_of("kari")
        assert not kari.get(case.new).has("Eva Strand")
        page = kari.post(case.new, {"person": "hospital:eva", "purpose": "Utredning"}, status=422)
        assert page.has("Familien har gitt eget samtykke til den eksterne tjenesten")
        case.cast.consented(case.id, "hospital", purpose="external")
        assert kari.get(case.new).has("Eva Strand")

    def test_needs_a_person_and_a_purpose(self, case: Services, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.send(kari.get(case.new), {"person": "ppt:siri"}, status=422)
        assert page.has("Skriv hva dere trenger hjelp til")
        assert page.value("person") == "ppt:siri"
        assert kari.send(kari.get(case.new), {"purpose": "Lesing"}, status=422).has("Velg hvem du vil spørre")
        both = kari.send(kari.get(case.new), {}, status=422)
        assert both.has("Velg hvem du vil spørre")
        assert both.has("Skriv hva dere trenger hjelp til")
        assert case.parts() == {}

    @pytest.mark.parametrize("forged", ["health:amir", "ppt:amir", "other_school:nils", "ppt:", ":", "ppt:nobody"])
    def test_takes_nobody_forged(self, case: Services, client_of: Client, forged: str) -> None:
        client_of("kari").post(case.new, {"person": forged, "purpose": "Lesing"}, status=422)
        assert case.parts() == {}

    def test_counts_once(self, case: Services, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.new)
        for _ in range(2):
            kari.send(page, {"person": "ppt:siri", "purpose": "Lesing"})
        assert case.parts() == {"siri": "invited"}

    def test_asks_nobody_twice(self, case: Services, client_of: Client) -> None:
        kari = client_of("kari")
        case.cast.invite(case.id, "siri")
        page = kari.get(case.new)
        assert "ppt:siri" not in page.html
        again = kari.post(case.new, {"person": "ppt:siri", "purpose": "Lesing"}, status=409)
        assert again.has("Personen er allerede med i saken eller er spurt.")

    def test_keeps_what_was_typed_on_an_old_page(self, case: Services, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.new)
        case.cast.offer(case.id, "per")
        again = kari.send(page, {"person": "ppt:siri", "purpose": "Lesing"}, status=409)
        assert (again.value("person"), again.value("purpose")) == ("ppt:siri", "Lesing")
        kari.send(again)
        assert case.parts() == {"siri": "invited"}

    def test_is_the_holders(self, case: Services, client_of: Client) -> None:
        client_of("rune").get(case.new, status=403)
        client_of("nils").get(case.new, status=404)

    def test_is_impossible_in_a_closed_case(self, case: Services, client_of: Client) -> None:
        case.cast.move(case.id, "close", closing_reason="goal_reached", reason="Ferdig")
        client_of("kari").get(case.new, status=409)

    def test_knows_other_methods_are_wrong(self, case: Services, client_of: Client) -> None:
        assert client_of("kari").client.delete(case.new).status_code in (400, 405)


class TestAnsweringAnInvitation:
    def test_shows_what_one_may_know_and_leaks_nothing_of_the_log(self, case: Services, client_of: Client) -> None:
        case.cast.plan(case.id)
        invitation = case.cast.invite(case.id, "siri")
        siri = client_of("siri")
        for query in ("", "?svar=ja", "?svar=nei"):
            page = siri.get(case.answer(invitation, query))
            for secret in SECRETS:
                assert secret not in page.html, f"{query} shows {secret}"
        page = siri.get(case.answer(invitation))
        for told in ("Kari Nordmann", "Lesing", "Fjordvik skole", "Nivå 1", "Neste dato", "Hvis du sier ja"):
            assert page.has(told)

    def test_yes_opens_the_case(self, case: Services, client_of: Client) -> None:
        invitation = case.cast.invite(case.id, "siri")
        siri = client_of("siri")
        page = siri.get(case.answer(invitation, "?svar=ja"))
        sent = siri.send(page)
        assert siri.follow(sent).has("Du er med i saken.")
        assert siri.send(page).goes_to == sent.goes_to
        assert case.parts() == {"siri": "active"}

    def test_no_needs_a_reason_from_the_list(self, case: Services, client_of: Client) -> None:
        invitation = case.cast.invite(case.id, "siri")
        siri = client_of("siri")
        page = siri.get(case.answer(invitation, "?svar=nei"))
        assert siri.send(page, status=422).has("Skriv en begrunnelse")
        siri.send(page, {"reason": "made_up"}, status=422)
        sent = siri.send(page, {"reason": "capacity"})
        assert siri.follow(sent).has("Du har sagt nei.")
        assert case.parts() == {}
        siri.get(case.case, status=404)

    def test_isnt_given_for_another(self, case: Services, client_of: Client) -> None:
        invitation = case.cast.invite(case.id, "siri")
        kari = client_of("kari")
        kari.get(case.answer(invitation), status=403)
        kari.post(case.answer(invitation), {"svar": "ja"}, status=404, page=kari.get(case.new))
        client_of("liv").get(case.answer(invitation), status=404)
        assert case.parts() == {"siri": "invited"}

    def test_isnt_given_twice(self, case: Services, client_of: Client) -> None:
        invitation = case.cast.invite(case.id, "siri")
        siri = client_of("siri")
        stale = siri.get(case.answer(invitation, "?svar=nei"))
        siri.send(siri.get(case.answer(invitation, "?svar=ja")))
        assert siri.send(stale, {"reason": "capacity"}, status=409).has("Dette er besvart allerede.")
        assert case.parts() == {"siri": "active"}

    def test_comes_too_late_when_the_family_took_the_consent_back(self, case: Services, client_of: Client) -> None:
        invitation = case.cast.invite(case.id, "siri")
        siri = client_of("siri")
        page = siri.get(case.answer(invitation, "?svar=ja"))
        case.cast.withdraw(case.id, case.shared)
        siri.send(page, status=404)
        assert case.parts() == {}

    def test_takes_no_invitation_of_another_case(self, case: Services, client_of: Client) -> None:
        other = case.cast.at_level_1(about="jon")
        case.cast.consented(other, "ppt", purpose="share")
        foreign = case.cast.invite(other, "siri")
        case.cast.invite(case.id, "siri")
        client_of("siri").get(case.answer(foreign), status=404)


class TestLeavingACase:
    def test_is_looked_over_and_closes_the_door_at_once(self, case: Services, client_of: Client) -> None:
        part = case.cast.join(case.id, "siri")
        kari, siri = client_of("kari"), client_of("siri")
        siri.get(case.case)
        page = kari.get(case.end(part))
        assert page.has("Siri Dahl mister innsynet med en gang.")
        assert page.has("Ingen fra PPT Fjordvik er med lenger.")
        sent = kari.send(page)
        assert kari.follow(sent).has("Deltakelsen er avsluttet, og innsynet er stengt.")
        kari.send(page)
        siri.get(case.case, status=404)

    def test_may_be_ones_own_wish(self, case: Services, client_of: Client) -> None:
        part = case.cast.join(case.id, "siri")
        siri = client_of("siri")
        sent = siri.send(siri.get(case.end(part)))
        assert sent.goes_to == "/saker"
        assert siri.follow(sent).has("Deltakelsen er avsluttet")
        assert case.parts() == {}

    def test_isnt_for_other_participants(self, case: Services, client_of: Client) -> None:
        part = case.cast.join(case.id, "siri")
        case.cast.join(case.id, "liv")
        client_of("liv").get(case.end(part), status=403)
        client_of("rune").get(case.end(part), status=403)
        client_of("nils").get(case.end(part), status=404)

    def test_is_refused_on_an_old_page(self, case: Services, client_of: Client) -> None:
        part = case.cast.join(case.id, "siri")
        kari = client_of("kari")
        page = kari.get(case.end(part))
        case.cast.offer(case.id, "per")
        again = kari.send(page, status=409)
        assert again.has("Noen andre har endret saken")
        kari.send(again)
        assert case.parts() == {}

    def test_is_over_when_it_is_over(self, case: Services, client_of: Client) -> None:
        part = case.cast.join(case.id, "siri")
        kari = client_of("kari")
        stale = kari.get(case.end(part))
        case.cast.act(participants.end_part, by="kari", case_id=case.id, participation_id=part)
        fresh = str(case.cast.version(case.id))
        kari.send(stale, {"versjon": fresh}, status=404)
        kari.get(case.end(part), status=404)

    def test_ends_nobody_of_another_case(self, case: Services, client_of: Client) -> None:
        other = case.cast.at_level_1(about="jon")
        case.cast.consented(other, "ppt", purpose="share")
        foreign = case.cast.join(other, "siri")
        case.cast.join(case.id, "liv")
        kari = client_of("kari")
        kari.get(case.end(foreign), status=404)
        kari.post(case.end(foreign), status=404, page=kari.get(case.new))
        assert [one.state for one in case.cast.facts(other).participants] == ["active"]


def test_another_municipality_has_no_door_into_this_one(cast: Cast, client_of: Client) -> None:
    neighbour = settle_neighbour(cast.database)
    theirs = neighbour.at_level_1()
    neighbour.consented(theirs, "ppt", purpose="share")
    invitation = neighbour.invite(theirs, "siri")
    case = f"/saker/{neighbour.facts(theirs).reference}/deltakere"
    client_of("kari").get(f"{case}/ny", status=404)
    client_of("siri").get(f"{case}/{invitation}/svar", status=404)
    client_of("kari").get(f"{case}/{invitation}/avslutt", status=404)
