"""Handing over the baton on the pages: asking, answering, taking back, deciding, the interim, the past."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bti.db import reading, writing
from bti.models import audit_entries, handovers, memberships, people
from bti.usecases import log
from tests.cast import Cast, settle_neighbour
from tests.keys import put
from tests.web.records import SECRETS
from tests.web.visitor import Visitor

Client = Callable[[str], Visitor]


class Baton:
    """A case on level 1 where PPT is covered, with its addresses."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.id = cast.at_level_1()
        self.shared = cast.consented(self.id, "ppt", purpose="share")
        self.reference = cast.facts(self.id).reference
        self.page = f"/saker/{self.reference}/stafettpinne"
        self.answer = f"{self.page}/svar"

    @property
    def holder(self) -> str:
        return self.cast.facts(self.id).holder_id

    def offers(self) -> list[str]:
        with reading(self.cast.database) as session:
            rows = session.execute(sa.select(handovers.c.state).where(handovers.c.case_id == self.id))
            return [row.state for row in rows]

    def refusals(self, code: str) -> int:
        with reading(self.cast.database) as session:
            rows = session.execute(sa.select(audit_entries.c.fields).where(audit_entries.c.event == "refused"))
            return sum(f'"code":"{code}"' in row.fields for row in rows)


@pytest.fixture
def case(cast: Cast) -> Baton:
    return Baton(cast)


class TestAskingSomebodyToTakeTheBaton:
    def test_offers_it_and_leaves_the_responsibility_where_it_was(self, case: Baton, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.page)
        sent = kari.send(page, {"to_person": "ppt:siri", "note": "Ring etter kl. 16."})
        assert kari.follow(sent).has("Siri Dahl er spurt.")
        assert (case.holder, case.offers()) == ("kari", ["offered"])
        waits = kari.get(case.page)
        assert waits.has("Vi venter på svar")
        assert waits.has("Ring etter kl. 16.")

    def test_shows_only_people_whose_service_the_family_has_said_yes_to(self, case: Baton, client_of: Client) -> None:
        page = client_of("kari").get(case.page)
        assert page.has("Per Olsen")
        assert page.has("Siri Dahl")
        assert not page.has("Amir Hassan")
        assert not page.has("Nils Berg")
        assert "school:kari" not in page.html

    def test_says_how_many_cases_each_has_and_what_follows_with_it(self, case: Baton, client_of: Client) -> None:
        case.cast.plan(case.id)
        case.cast.later(days=40)
        page = client_of("kari").get(case.page)
        assert page.has("Har ingen saker fra før")
        assert page.has("1 åpent tiltak (1 over frist)")
        assert page.has("Ingen samtykker venter på svar")

    def test_needs_a_choice(self, case: Baton, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.send(kari.get(case.page), {"note": "Behold meg"}, status=422)
        assert page.title.startswith("Feil:")
        assert page.has("Velg hvem du vil spørre")
        assert page.value("note") == "Behold meg"
        assert case.offers() == []

    def test_may_not_go_to_somebody_forged(self, case: Baton, client_of: Client) -> None:
        kari = client_of("kari")
        for forged in ("ppt:amir", "health:amir", "ppt:", "ppt:nobody", "x", "school:kari"):
            page = kari.post(case.page, {"to_person": forged}, status=422)
            assert page.title.startswith("Feil:")
        assert case.offers() == []

    def test_says_all_that_is_missing_and_where_to_mend_it(self, case: Baton, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.send(kari.get(case.page), {"to_person": "ppt:siri", "takes_over_log": "ja"}, status=422)
        assert page.has("Familien har samtykket til at tjenesten tar over loggen")
        assert f"/saker/{case.reference}/samtykke/nytt?purpose=takeover" in page.html
        assert case.refusals("not_ready") == 1

    def test_keeps_what_was_typed_when_somebody_else_changed_the_case(self, case: Baton, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.page)
        case.cast.ask_consent(case.id, "health", purpose="share")
        again = kari.send(page, {"to_person": "ppt:siri", "note": "Skrevet før"}, status=409)
        assert again.has("Noen andre har endret saken")
        assert again.value("note") == "Skrevet før"
        assert again.value("to_person") == "ppt:siri"
        kari.send(again)
        assert case.offers() == ["offered"]

    def test_happens_once_for_a_form_sent_twice(self, case: Baton, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.page)
        first = kari.send(page, {"to_person": "ppt:siri"})
        second = kari.send(page, {"to_person": "ppt:siri"})
        assert first.goes_to == second.goes_to
        assert case.offers() == ["offered"]

    def test_is_impossible_while_somebody_is_asked(self, case: Baton, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.page)
        case.cast.offer(case.id, "siri")
        fresh = str(case.cast.version(case.id))
        again = kari.send(page, {"to_person": "school:per", "versjon": fresh}, status=409)
        assert again.has("Noen er allerede spurt.")
        assert again.has("Vi venter på svar")

    def test_is_for_the_holder_and_the_leader(self, case: Baton, client_of: Client) -> None:
        case.cast.join(case.id, "siri")
        client_of("siri").get(case.page, status=403)
        client_of("nils").get(case.page, status=404)
        page = client_of("kari").get(case.page)
        nils = client_of("nils")
        token = nils.get("/saker").value("csrf_token")
        forged = {"csrf_token": token, "once": page.value("once"), "versjon": page.value("versjon")}
        nils.post(case.page, {**forged, "to_person": "ppt:siri"}, status=404, page=nils.get("/saker"))
        assert case.offers() == []
        client_of("rune").send(client_of("rune").get(case.page), {"to_person": "ppt:siri"})
        assert case.offers() == ["offered"]

    def test_doesnt_let_a_leader_offer_it_to_themselves(self, case: Baton, client_of: Client) -> None:
        rune = client_of("rune")
        assert "school:rune" not in rune.get(case.page).html
        page = rune.post(case.page, {"to_person": "school:rune"}, status=422)
        assert page.has("Du kan ikke gi stafettpinnen til deg selv")

    def test_is_refused_in_a_closed_case(self, case: Baton, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.page)
        case.cast.move(case.id, "close", closing_reason="goal_reached", reason="Målet er nådd.")
        assert kari.send(page, {"to_person": "ppt:siri"}, status=409).has("Saken er avsluttet.")

    def test_knows_other_methods_are_wrong(self, case: Baton, client_of: Client) -> None:
        assert client_of("kari").client.put(case.page).status_code in (400, 405)
        assert client_of("kari").client.get(f"{case.page}/trekk").status_code == 405

    def test_folds_away_a_large_service(self, case: Baton, client_of: Client) -> None:
        with writing(case.cast.database) as session:
            for number in range(9):
                here = {"municipality_id": case.cast.municipality_id}
                put(
                    session,
                    people,
                    here
                    | {"id": f"t{number}", "username": f"t{number}", "name": f"Lærer {number}", "title": ""}
                    | {"language": "nb"},
                )
                session.execute(
                    sa.insert(memberships),
                    here
                    | {
                        "id": f"m{number}", "person_id": f"t{number}", "unit_id": "school", "role": "employee",
                        "started_at": case.cast.now,
                    },
                )  # fmt: skip
        assert client_of("kari").get(case.page).has("(11 personer)")


class TestTakingTheQuestionBack:
    def test_ends_the_offer(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        kari = client_of("kari")
        sent = kari.send(kari.get(case.page), action="/trekk")
        assert kari.follow(sent).has("Spørsmålet er trukket tilbake.")
        assert case.offers() == ["withdrawn"]

    def test_changes_nothing_the_second_time(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        kari = client_of("kari")
        page = kari.get(case.page)
        kari.send(page, action="/trekk")
        kari.send(page, action="/trekk")
        later = kari.get(case.page)
        token = {"csrf_token": later.value("csrf_token"), "once": later.value("once")}
        kari.post(f"{case.page}/trekk", {**token, "offer": page.value("offer")}, status=409, page=later)
        assert case.offers() == ["withdrawn"]

    def test_takes_no_offer_of_another_case(self, case: Baton, client_of: Client) -> None:
        other = case.cast.at_level_1(about="jon")
        foreign = case.cast.offer(other, "per")
        case.cast.offer(case.id, "siri")
        kari = client_of("kari")
        kari.send(kari.get(case.page), {"offer": foreign}, action="/trekk", status=409)
        assert case.offers() == ["offered"]

    def test_isnt_for_others(self, case: Baton, client_of: Client) -> None:
        offer = case.cast.offer(case.id, "siri")
        siri = client_of("siri")
        siri.post(f"{case.page}/trekk", {"offer": offer}, status=403, page=siri.get(f"{case.answer}?svar=ja"))
        nils = client_of("nils")
        fields = {"offer": offer, "once": "o" * 24}
        nils.post(f"{case.page}/trekk", fields, status=404, page=nils.get("/saker"))
        assert case.offers() == ["offered"]


class TestThePreviewOfAnOffer:
    def test_tells_what_one_may_know_and_leaks_nothing_of_the_log(self, case: Baton, client_of: Client) -> None:
        case.cast.plan(case.id)
        case.cast.act(
            log.add_entry, by="kari", case_id=case.id, kind="log", information_kind="everyday", title="Hemmelig tittel",
            text="Hemmelig notat", happened_on=case.cast.today, asked_by="",
        )  # fmt: skip
        case.cast.offer(case.id, "siri")
        siri = client_of("siri")
        for query in ("", "?svar=ja", "?svar=nei"):
            page = siri.get(case.answer + query)
            for secret in (*SECRETS, "Hemmelig"):
                assert secret not in page.html, f"{query} shows {secret}"
        page = siri.get(case.answer)
        assert page.has("Kari Nordmann")
        assert page.has("Fjordvik skole")
        assert page.has("Far foretrekker telefon.")
        assert page.has("Nivå 1")
        assert page.has("Neste dato")
        assert page.has("Hvis du sier ja")

    def test_is_all_they_see_until_they_have_answered(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        siri = client_of("siri")
        assert siri.get(f"/saker/{case.reference}", status=303).goes_to.endswith("/svar")
        for page in ("samtykke", "stafettpinne/historikk", "deltakere/ny", "henvis"):
            siri.get(f"/saker/{case.reference}/{page}", status=404)

    def test_isnt_for_anybody_else(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        for name, status in (("kari", 403), ("liv", 404), ("nils", 404), ("berit", 404)):
            client_of(name).get(case.answer, status=status)

    def test_closes_when_the_family_takes_the_consent_back(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        case.cast.withdraw(case.id, case.shared)
        client_of("siri").get(case.answer, status=404)


class TestAnsweringABatonOffer:
    def test_yes_gives_the_responsibility_at_once(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        siri = client_of("siri")
        sent = siri.send(siri.get(f"{case.answer}?svar=ja"))
        assert siri.follow(sent).has("Du er stafettholder nå.")
        assert case.holder == "siri"

    def test_no_leaves_it_and_says_why(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        siri = client_of("siri")
        sent = siri.send(siri.get(f"{case.answer}?svar=nei"), {"reason": "capacity", "note": "Prøv Liv."})
        assert sent.goes_to == "/saker"
        assert siri.follow(sent).has("Du har sagt nei.")
        assert (case.holder, case.offers()) == ("kari", ["declined"])
        told = client_of("kari").get(f"{case.page}/historikk")
        assert told.has("Jeg har ikke kapasitet")
        assert told.has("Prøv Liv.")

    def test_no_needs_a_reason_from_the_list(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        siri = client_of("siri")
        page = siri.get(f"{case.answer}?svar=nei")
        again = siri.send(page, {"note": "Vent"}, status=422)
        assert again.has("Skriv en begrunnelse")
        assert again.value("note") == "Vent"
        assert siri.send(page, {"reason": "made_up"}, status=422).has("Velg et av alternativene")
        assert case.offers() == ["offered"]

    def test_counts_once(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        siri = client_of("siri")
        page = siri.get(f"{case.answer}?svar=ja")
        siri.send(page)
        siri.send(page)
        assert (case.holder, case.offers()) == ("siri", ["accepted"])

    def test_comes_too_late_when_it_was_withdrawn(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        siri, kari = client_of("siri"), client_of("kari")
        page = siri.get(f"{case.answer}?svar=ja")
        kari.send(kari.get(case.page), action="/trekk")
        siri.send(page, status=404)
        assert case.holder == "kari"

    def test_comes_too_late_when_it_has_run_out(self, case: Baton, client_of: Client) -> None:
        case.cast.offer(case.id, "siri")
        case.cast.later(days=8)
        client_of("siri").get(case.answer, status=404)
        assert client_of("kari").get(f"{case.page}/historikk").has("Utløpt uten svar")

    def test_takes_no_forged_offer(self, case: Baton, client_of: Client) -> None:
        other = case.cast.at_level_1(about="jon")
        foreign = case.cast.offer(other, "per")
        case.cast.offer(case.id, "siri")
        siri = client_of("siri")
        siri.send(siri.get(f"{case.answer}?svar=ja"), {"offer": foreign}, status=409)
        assert case.holder == "kari"

    def test_may_not_be_given_for_another(self, case: Baton, client_of: Client) -> None:
        offer = case.cast.offer(case.id, "siri")
        kari = client_of("kari")
        kari.post(case.answer, {"svar": "ja", "offer": offer}, status=403, page=kari.get(case.page))
        assert case.offers() == ["offered"]


class TestDecidingTheHolder:
    @pytest.fixture
    def undecided(self, cast: Cast) -> str:
        return cast.at_decision()

    def page_of(self, cast: Cast, case_id: str) -> str:
        return f"/saker/{cast.facts(case_id).reference}/stafettpinne/bekreft"

    def test_is_looked_over_and_then_done(self, cast: Cast, undecided: str, client_of: Client) -> None:
        rune = client_of("rune")
        page = rune.get(self.page_of(cast, undecided))
        assert page.has("Skal Kari Nordmann ha stafettpinnen?")
        sent = rune.send(page)
        rune.send(page)
        notice = "Det er bestemt at Kari Nordmann er stafettholder når saken går videre fra Nivå 0."
        assert rune.follow(sent).has(f"{notice} På det nye nivået bestemmes det på nytt.")
        assert cast.facts(undecided).holder_confirmed

    def test_says_how_far_it_reaches_and_why_it_is_asked_for_again(
        self, case: Baton, undecided: str, client_of: Client
    ) -> None:
        rune, why = client_of("rune"), "Derfor blir du spurt også når det skal være den samme."
        page = rune.get(self.page_of(case.cast, undecided))
        assert page.has("Saken kan gå videre fra Nivå 0 til et nivå med stafettlogg. Der bestemmes det på nytt.")
        assert page.has(why)
        page = rune.get(f"{case.page}/bekreft")
        assert page.has("Gjelder for Nivå 1. Går saken til et nytt nivå, bestemmes det på nytt.")
        assert page.has(why)
        said = rune.follow(rune.send(page))
        assert said.has("Det er bestemt at Kari Nordmann er stafettholder på Nivå 1. Går saken til et nytt nivå,")

    def test_is_asked_for_again_on_the_next_level(self, case: Baton, client_of: Client) -> None:
        rune = client_of("rune")
        rune.send(rune.get(f"{case.page}/bekreft"))
        assert not rune.get("/enheten").has("Ikke bestemt for")
        case.cast.join(case.id, "siri")
        case.cast.move(case.id, "invite_services", reason="Haster: PPT må med nå.")
        desk = rune.get("/enheten")
        assert desk.has("Ikke bestemt for Nivå 2")
        assert desk.has("Det bestemmes på nytt for hvert nivå, også når det skal være den samme.")
        assert rune.get(f"{case.page}/bekreft").has("Gjelder for Nivå 2.")

    def test_is_the_leaders_at_level_0(self, cast: Cast, undecided: str, client_of: Client) -> None:
        page = client_of("kari").get(self.page_of(cast, undecided), status=403)
        assert page.has("Enhetslederen")
        client_of("nils").get(self.page_of(cast, undecided), status=404)

    def test_is_refused_on_an_old_page(self, cast: Cast, undecided: str, client_of: Client) -> None:
        rune = client_of("rune")
        page = rune.get(self.page_of(cast, undecided))
        cast.ask_consent(undecided)
        assert rune.send(page, status=409).has("Noen andre har endret saken")
        assert not cast.facts(undecided).holder_confirmed

    def test_isnt_possible_for_somebody_elses_interim(self, case: Baton, client_of: Client) -> None:
        rune, kari = client_of("rune"), client_of("kari")
        before = kari.get(f"{case.page}/bekreft")
        rune.send(rune.get(f"{case.page}/midlertidig"), {"reason": "Borte"})
        kari.send(before, status=404)
        assert rune.get(f"{case.page}/bekreft").has("Ja, Rune Vik er stafettholder")

    def test_can_be_done_before_a_closed_case_is_opened_again(self, case: Baton, client_of: Client) -> None:
        case.cast.move(case.id, "close", closing_reason="goal_reached", reason="Målet er nådd.")
        kari = client_of("kari")
        page = kari.get(f"{case.page}/bekreft")
        assert page.has("Avsluttet")
        assert page.has("Saken kan åpnes igjen med stafettlogg. På nivået den kommer til, bestemmes det på nytt.")
        assert kari.follow(kari.send(page)).has("er stafettholder når saken åpnes igjen.")


class TestHoldingItInTheInterim:
    def test_takes_it_with_a_reason(self, case: Baton, client_of: Client) -> None:
        rune = client_of("rune")
        page = rune.get(f"{case.page}/midlertidig")
        sent = rune.send(page, {"reason": "Stafettholderen er borte ut måneden."})
        rune.send(page, {"reason": "Stafettholderen er borte ut måneden."})
        assert rune.follow(sent).has("Du har stafettpinnen midlertidig.")
        facts = case.cast.facts(case.id)
        assert (facts.holder_id, facts.is_interim) == ("rune", True)
        assert rune.get(f"{case.page}/historikk").has("Midlertidig")

    def test_needs_a_reason(self, case: Baton, client_of: Client) -> None:
        rune = client_of("rune")
        assert rune.send(rune.get(f"{case.page}/midlertidig"), status=422).has("Skriv en begrunnelse")
        assert case.holder == "kari"

    def test_is_the_leaders_alone(self, case: Baton, client_of: Client) -> None:
        client_of("kari").get(f"{case.page}/midlertidig", status=403)
        client_of("nina").get(f"{case.page}/midlertidig", status=404)

    def test_keeps_the_reason_when_the_page_was_old(self, case: Baton, client_of: Client) -> None:
        rune = client_of("rune")
        page = rune.get(f"{case.page}/midlertidig")
        case.cast.offer(case.id, "siri")
        again = rune.send(page, {"reason": "Borte"}, status=409)
        assert again.value("reason") == "Borte"
        rune.send(again)
        assert case.holder == "rune"

    def test_isnt_taken_from_oneself(self, case: Baton, client_of: Client) -> None:
        rune = client_of("rune")
        page = rune.get(f"{case.page}/midlertidig")
        rune.send(page, {"reason": "Borte"})
        again = rune.get(f"{case.page}/midlertidig")
        assert rune.send(again, {"reason": "Borte"}, status=409).has("Du har stafettpinnen allerede.")


class TestBehindAClosedDoor:
    def test_the_holder_still_acts_without_reading(self, cast: Cast, client_of: Client) -> None:
        case_id = cast.at_level_2()
        cast.offer(case_id, "siri")
        reference = cast.facts(case_id).reference
        log_consent = next(c.consent_id for c in cast.facts(case_id).covers if c.unit_id == "school")
        assert log_consent
        cast.withdraw(case_id, log_consent)
        kari = client_of("kari")
        for page in ("stafettpinne", "stafettpinne/historikk", "stafettpinne/bekreft"):
            shown = kari.get(f"/saker/{reference}/{page}")
            for secret in (*SECRETS, "Far foretrekker"):
                assert secret not in shown.html, f"{page} shows {secret}"
        client_of("rune").get(f"/saker/{reference}/stafettpinne/midlertidig")


class TestAnotherMunicipality:
    def test_has_no_door_into_this_one(self, cast: Cast, client_of: Client) -> None:
        neighbour = settle_neighbour(cast.database)
        theirs = neighbour.at_level_1()
        kari = client_of("kari")
        for page in ("", "/svar", "/bekreft", "/midlertidig", "/historikk"):
            kari.get(f"/saker/{neighbour.facts(theirs).reference}/stafettpinne{page}", status=404)
