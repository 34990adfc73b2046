"""Consent on the pages: asking, recording answers, taking back, acting by law, and what a closed door still shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bti.db import reading
from bti.models import consents, disclosures
from bti.policy import view
from bti.queries.consents import Consent, consents_of_case
from bti.usecases import answers
from bti.workflow.library import load_definition
from tests.cast import HERE, Cast, settle_neighbour, under_care_order
from tests.web.visitor import Page, Visitor, on_both_databases

Client = Callable[[str], Visitor]


class Consents:
    """A case on level 1 with its consents, and their addresses."""

    def __init__(self, cast: Cast, about: str = "ola") -> None:
        self.cast = cast
        self.id = cast.at_level_1(about=about)
        self.case = f"/saker/{cast.facts(self.id).reference}"
        self.page = f"{self.case}/samtykke"
        self.new = f"{self.page}/nytt"

    def all(self) -> tuple[Consent, ...]:
        with reading(self.cast.database) as session:
            return consents_of_case(session, municipality_id=HERE, case_id=self.id, moment=self.cast.now)

    def newest(self, purpose: str = "share") -> Consent:
        return next(one for one in self.all() if one.purpose == purpose)

    def asked(self, *units: str, purpose: str = "share") -> Consent:
        self.cast.ask_consent(self.id, *(units or ("ppt",)), purpose=purpose)
        return self.newest(purpose)

    def doors(self) -> set[str]:
        return {cover.unit_id for cover in self.cast.facts(self.id).covers}


@pytest.fixture
def case(cast: Cast) -> Consents:
    return Consents(cast)


def look_over(
    kari: Visitor, case: Consents, *, query: str = "?purpose=share", status: int = 200, **values: object
) -> Page:
    """Fill in the form for asking and go on to the page where it is looked over."""
    typed = {"units": "ppt", "about": "Fravær, så PPT kan hjelpe.", **values, "steg": "sjekk"}
    return kari.send(kari.get(case.new + query), typed, status=status)


class TestAskingForConsent:
    def test_begins_with_what_it_is_for(self, case: Consents, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(case.new)
        assert page.has("Samarbeid med eksterne tjenester")
        assert kari.get(case.new + "?valgt=1", status=422).has("Velg hva familien skal svare på")
        assert kari.get(case.new + "?valgt=1&purpose=made_up", status=422).title.startswith("Feil:")

    def test_says_who_must_answer_before_it_is_sent(self, case: Consents, client_of: Client) -> None:
        page = client_of("kari").get(case.new + "?purpose=share")
        assert page.has("Lise Nordli (mor) · Foreldreansvar")
        assert page.has("Tor Nordli (far) · Foreldreansvar")

    @pytest.mark.parametrize(("about", "who"), [("mia", "Mia · Ungdommen selv"), ("jon", "Jon · Ungdommen selv")])
    def test_asks_the_young_person_by_age(self, cast: Cast, client_of: Client, about: str, who: str) -> None:
        page = client_of("kari").get(Consents(cast, about).new + "?purpose=share")
        assert page.has(who)
        assert page.has("Foreldreansvar") is (about == "mia")

    def test_asks_child_welfare_in_the_parents_place(self, case: Consents, client_of: Client) -> None:
        under_care_order(case.cast, "ola")
        page = client_of("kari").get(case.new + "?purpose=share")
        assert page.has("Barneverntjenesten (omsorgsovertakelse)")
        assert not page.has("Lise Nordli")

    def test_says_when_the_register_names_nobody(self, cast: Cast, client_of: Client) -> None:
        case_id = cast.wonder(about="ida")
        address = f"/saker/{cast.facts(case_id).reference}/samtykke/nytt?purpose=log"
        kari = client_of("kari")
        page = kari.get(address)
        assert page.has("Det er ikke registrert noen som kan samtykke.")
        refused = kari.send(page, {"about": "Logg", "steg": "sjekk"}, status=422)
        assert refused.has("Administratoren kan ordne dette.")

    def test_is_looked_over_and_then_asked(self, case: Consents, client_of: Client) -> None:
        kari = client_of("kari")
        page = look_over(kari, case, reservations="Ikke økonomi")
        for told in ("PPT Fjordvik", "Fravær, så PPT kan hjelpe.", "Ikke økonomi", "Lise Nordli (mor)", "16.11.2027"):
            assert page.has(told)
        assert len(case.all()) == 1
        sent = kari.send(page, {"steg": "send"})
        shown = kari.follow(sent)
        assert shown.has("Samtykket er registrert som spurt.")
        found = case.newest()
        assert (found.state, found.units[0][0], found.reservations) == ("asked", "ppt", "Ikke økonomi")
        assert "ppt" not in case.doors()

    def test_lets_one_go_back_and_change(self, case: Consents, client_of: Client) -> None:
        kari = client_of("kari")
        back = kari.send(look_over(kari, case), {"steg": "endre"}, status=200)
        assert back.value("about") == "Fravær, så PPT kan hjelpe."
        assert back.value("units") == "ppt"
        assert len(case.all()) == 1

    def test_happens_once_for_a_form_sent_twice(self, case: Consents, client_of: Client) -> None:
        kari = client_of("kari")
        page = look_over(kari, case)
        first, second = (kari.send(page, {"steg": "send"}) for _ in range(2))
        assert first.goes_to == second.goes_to
        assert len(case.all()) == 2

    def test_isnt_asked_twice_of_the_same(self, case: Consents, client_of: Client) -> None:
        case.asked()
        page = look_over(client_of("kari"), case, status=409)
        assert page.has("De samme er allerede spurt om det samme.")

    def test_names_everything_that_is_wrong_at_once(self, case: Consents, client_of: Client) -> None:
        page = look_over(client_of("kari"), case, units=None, kinds=None, about="", valid_to="31.31.31", status=422)
        for told in (
            "Velg minst én tjeneste",
            "Velg hvilke opplysninger som kan deles",
            "Skriv hva som skal deles",
            "Skriv en dato, for eksempel",
        ):
            assert page.has(told)
        assert page.value("valid_to") == "31.31.31"

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"valid_to": "1.1.20"}, "Velg en dato fram i tid"),
            ({"valid_to": "1.1.2040"}, "Velg en tidligere dato"),
            ({"units": "nowhere"}, "Velg et av alternativene på siden"),
            ({"units": "hospital"}, "Eksterne tjenester trenger et eget samtykke"),
            ({"units": "school"}, "Velg minst én annen tjeneste"),
            ({"kinds": "made_up"}, "Velg et av alternativene på siden"),
            ({"about": "å" * 2001}, "Teksten er for lang"),
            ({"purpose": "made_up"}, "Velg et av alternativene på siden"),
        ],
    )
    def test_takes_nothing_made_up(self, case: Consents, client_of: Client, wrong: dict[str, str], told: str) -> None:
        page = look_over(client_of("kari"), case, status=422, **wrong)
        assert page.title.startswith("Feil:")
        assert page.has(told)

    def test_keeps_what_was_typed_when_somebody_else_changed_the_case(self, case: Consents, client_of: Client) -> None:
        kari = client_of("kari")
        page = look_over(kari, case)
        case.cast.offer(case.id, "per")
        again = kari.send(page, {"steg": "send"}, status=409)
        assert again.has("Noen andre har endret saken")
        assert again.value("about") == "Fravær, så PPT kan hjelpe."
        kari.send(kari.send(again, {"steg": "sjekk"}, status=200), {"steg": "send"})
        assert case.newest().state == "asked"

    def test_survives_what_people_may_type(self, case: Consents, client_of: Client) -> None:
        kari = client_of("kari")
        typed = '<script>alert(1)</script> 👩‍👧 «sitat» "q" שלום\nlinje to'
        page = look_over(kari, case, about=typed)
        kari.send(page, {"steg": "send"})
        assert case.newest().about == typed
        assert "<script>alert" not in kari.get(f"{case.page}/{case.newest().id}").html

    def test_renews_from_what_was_said_before(self, case: Consents, client_of: Client) -> None:
        case.cast.consented(case.id, "ppt", purpose="share", kinds=("health",))
        old = case.newest()
        kari = client_of("kari")
        page = kari.get(f"{case.new}?fornyer={old.id}")
        assert (page.value("units"), page.value("kinds")) == ("ppt", "health")
        assert page.value("about") == old.about
        kari.send(kari.send(page, {"steg": "sjekk"}, status=200), {"steg": "send"})
        fresh = next(one for one in case.all() if one.is_open)
        case.cast.answer(case.id, fresh.id)
        covers = [cover for cover in case.cast.facts(case.id).covers if cover.unit_id == "ppt"]
        assert [cover.consent_id for cover in covers] == [fresh.id]

    def test_renews_no_consent_of_another_case(self, case: Consents, client_of: Client) -> None:
        other = Consents(case.cast, "jon")
        foreign = other.newest("log").id
        kari = client_of("kari")
        kari.get(f"{case.new}?fornyer={foreign}", status=404)
        page = look_over(kari, case)
        kari.post(case.new, {"fornyer": foreign, "purpose": "share", "steg": "send"}, status=404, page=page)

    def test_renews_no_consent_to_something_else(self, case: Consents, client_of: Client) -> None:
        kari = client_of("kari")
        page = look_over(kari, case)
        log = case.newest("log").id
        values = {"units": "ppt", "kinds": "everyday", "about": "Fravær", "purpose": "share", "steg": "send"}
        kari.post(case.new, {**values, "fornyer": log}, status=404, page=page)
        assert case.doors() == {"school"}

    def test_is_for_those_who_answer_for_the_case(self, case: Consents, client_of: Client) -> None:
        case.cast.consented(case.id, "ppt", purpose="share")
        case.cast.join(case.id, "siri")
        client_of("siri").get(case.new, status=403)
        client_of("nils").get(case.new, status=404)
        client_of("rune").get(case.new)
        nils = client_of("nils")
        nils.post(case.new, {"purpose": "share", "steg": "send", "once": "o" * 24}, status=404, page=nils.get("/saker"))

    def test_is_impossible_in_a_closed_case(self, case: Consents, client_of: Client) -> None:
        case.cast.move(case.id, "close", closing_reason="goal_reached", reason="Ferdig")
        assert client_of("kari").get(case.new, status=409).has("Saken er avsluttet.")


class TestRecordingAnAnswer:
    def said(self, **more: str) -> dict[str, str]:
        return {"answer": "given", "channel": "oral", "said_on": "16.11.26", "witness": "Per Olsen", **more}

    def address(self, case: Consents, found: Consent, number: int = 0) -> str:
        return f"{case.page}/{found.id}/svar/{found.parties[number].id}"

    def test_waits_for_everybody_and_then_opens_the_door(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        first = kari.send(kari.get(self.address(case, found)), self.said())
        assert kari.follow(first).has("Vi venter på flere før noe blir delt.")
        assert "ppt" not in case.doors()
        last = kari.send(kari.get(self.address(case, found, 1)), self.said())
        assert kari.follow(last).has("Alle har sagt ja, og samtykket gjelder fra nå.")
        assert "ppt" in case.doors()

    def test_a_no_shares_nothing(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        sent = kari.send(kari.get(self.address(case, found)), self.said(answer="refused"))
        assert kari.follow(sent).has("Samtykket er avslått, og ingenting blir delt.")
        assert case.newest().state == "refused"

    def test_yes_and_no_are_asked_alike_and_none_is_chosen(self, case: Consents, client_of: Client) -> None:
        page = client_of("kari").get(self.address(case, case.asked()))
        assert "answer" not in page.form().fields
        assert {"answer", "channel", "said_on", "witness", "evidence"} <= page.form().names

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"answer": ""}, "Velg eller skriv et svar"),
            ({"answer": "perhaps"}, "Velg et av alternativene på siden"),
            ({"channel": ""}, "Velg hvordan svaret ble gitt"),
            ({"witness": ""}, "Skriv hvem som var til stede og hørte svaret"),
            ({"channel": "written"}, "Skriv hvor det signerte svaret ligger"),
            ({"said_on": ""}, "Skriv datoen svaret ble gitt"),
            ({"said_on": "30.2.26"}, "Skriv en dato, for eksempel"),
            ({"said_on": "17.11.26"}, "Datoen kan ikke være fram i tid"),
        ],
    )
    def test_needs_to_know_how_it_was_said(
        self, case: Consents, client_of: Client, wrong: dict[str, str], told: str
    ) -> None:
        found, kari = case.asked(), client_of("kari")
        page = kari.send(kari.get(self.address(case, found)), self.said(**wrong), status=422)
        assert page.has(told)
        assert page.form().fields["witness"] == [wrong.get("witness", "Per Olsen")]
        assert case.newest().state == "asked"

    def test_tells_of_a_wrong_date_and_all_else_at_once(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        wrong = {"answer": "", "said_on": "i går", "witness": ""}
        page = kari.send(kari.get(self.address(case, found)), self.said(**wrong), status=422)
        assert page.has("Du må rette 3 ting")

    def test_counts_once(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        page = kari.get(self.address(case, found))
        for _ in range(2):
            kari.send(page, self.said())
        assert [event.event for event in case.newest().events] == ["given"]

    def test_isnt_given_anew_once_it_is_given(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        page, stale = kari.get(self.address(case, found)), kari.get(self.address(case, found))
        kari.send(page, self.said())
        again = kari.send(stale, self.said(answer="refused"), status=409)
        assert again.has("Dette er besvart allerede.")
        assert case.newest().state == "partly_given"

    def test_takes_no_giver_of_another_consent(self, case: Consents, client_of: Client) -> None:
        found, other = case.asked(), case.newest("log")
        kari = client_of("kari")
        address = f"{case.page}/{found.id}/svar/{other.parties[0].id}"
        kari.get(address, status=404)
        kari.post(address, self.said(), status=404, page=kari.get(self.address(case, found)))

    def test_takes_no_consent_of_another_case(self, case: Consents, client_of: Client) -> None:
        other = Consents(case.cast, "jon")
        foreign = other.asked()
        kari = client_of("kari")
        for address in ("", f"/svar/{foreign.parties[0].id}", "/trekk"):
            kari.get(f"{case.page}/{foreign.id}{address}", status=404)

    def test_isnt_for_partners(self, case: Consents, client_of: Client) -> None:
        case.cast.consented(case.id, "ppt", purpose="share")
        case.cast.join(case.id, "siri")
        found = case.asked("health")
        client_of("siri").get(self.address(case, found), status=403)
        client_of("nils").get(self.address(case, found), status=404)

    def test_is_shown_with_how_it_reached_us(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        kari.send(
            kari.get(self.address(case, found)),
            self.said(channel="written", witness="", evidence="Elevmappen i arkivet"),
        )
        page = kari.get(f"{case.page}/{found.id}")
        assert page.has("sa ja")
        assert page.has("Svaret ligger her: Elevmappen i arkivet")


class TestRecordingTheAnswersOfAll:
    def typed(self, found: Consent, *said: str, **more: str) -> dict[str, str]:
        how = {"channel": "oral", "said_on": "16.11.26", "witness": "Per Olsen"}
        given: dict[str, str] = {}
        for party, answer in zip(found.parties, said, strict=False):
            given |= {f"{name}-{party.id}": value for name, value in {"answer": answer, **how, **more}.items()}
        return given

    def address(self, case: Consents, found: Consent) -> str:
        return f"{case.page}/{found.id}/svar"

    @on_both_databases
    def test_takes_each_ones_own_answer_in_one_go(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        shown = kari.get(f"{case.page}/{found.id}")
        assert shown.has("Registrer svar fra flere på én gang")
        page = kari.get(self.address(case, found))
        assert [page.value(f"answer-{party.id}") for party in found.parties] == ["not_yet", "not_yet"]
        assert page.has("Lise Nordli (mor)")
        assert page.has("Tor Nordli (far)")
        sent = kari.send(page, self.typed(found, "given", "given"))
        kari.send(page, self.typed(found, "given", "given"))
        assert kari.follow(sent).has("Alle har sagt ja, og samtykket gjelder fra nå.")
        assert [event.event for event in case.newest().events] == ["given", "given"]
        assert "ppt" in case.doors()

    def test_waits_for_those_who_havent_been_asked(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        sent = kari.send(kari.get(self.address(case, found)), self.typed(found, "given"))
        assert kari.follow(sent).has("Svarene er registrert. Vi venter på flere før noe blir delt.")
        assert not kari.get(f"{case.page}/{found.id}").has("fra flere på én gang"), "one alone has a page of their own"
        assert not kari.get(self.address(case, found)).has(found.parties[0].name)

    def test_a_no_shares_nothing_and_keeps_the_yes(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        sent = kari.send(kari.get(self.address(case, found)), self.typed(found, "refused", "given"))
        assert kari.follow(sent).has("Samtykket er avslått, og ingenting blir delt.")
        assert {event.event for event in case.newest().events} == {"given", "refused"}

    def test_names_whose_answer_is_wrong_and_keeps_what_was_typed(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        first, second = found.parties
        typed = self.typed(found, "given", "given")
        typed |= {f"said_on-{second.id}": "i går", f"witness-{second.id}": "", f"witness-{first.id}": "Rune Vik"}
        page = kari.send(kari.get(self.address(case, found)), typed, status=422)
        assert page.has("Du må rette 2 ting")
        assert page.has(f"{second.name} ({'mor' if second.relation == 'mother' else 'far'}): Skriv en dato")
        assert page.html.count(f'href="#said_on-{second.id}"') == 1
        assert page.value(f"witness-{first.id}") == "Rune Vik"
        assert page.value(f"said_on-{second.id}") == "i går"
        assert case.newest().state == "asked"

    def test_needs_at_least_one_answer(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        page = kari.send(kari.get(self.address(case, found)), status=422)
        assert page.has("Registrer minst ett svar, ja eller nei")
        kari.send(page, self.typed(found, "perhaps"), status=422)
        assert case.newest().state == "asked"

    def test_is_refused_whole_when_somebody_recorded_one_meanwhile(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        page = kari.get(self.address(case, found))
        kari.send(kari.get(self.address(case, found)), self.typed(found, "given"))
        again = kari.send(page, self.typed(found, "given", "given"), status=409)
        assert again.has("Dette er besvart allerede.")
        assert [event.event for event in case.newest().events] == ["given"]
        assert again.value(f"witness-{found.parties[1].id}") == "Per Olsen"

    def test_says_so_when_nobody_has_yet_to_answer(self, case: Consents, client_of: Client) -> None:
        found, kari = case.asked(), client_of("kari")
        kari.send(kari.get(self.address(case, found)), self.typed(found, "given", "given"))
        assert kari.get(self.address(case, found)).has("Her er det ingen som mangler å svare.")

    def test_takes_no_giver_of_another_consent_and_no_other_hands(self, case: Consents, client_of: Client) -> None:
        found, other, kari = case.asked(), case.newest("log"), client_of("kari")
        page = kari.get(self.address(case, found))
        kari.post(self.address(case, found), self.typed(other, "given"), status=404, page=page)
        case.cast.consented(case.id, "health", purpose="share")
        case.cast.join(case.id, "amir")
        client_of("amir").get(self.address(case, found), status=403)
        client_of("nils").get(self.address(case, found), status=404)


class TestTakingConsentBack:
    def said(self, found: Consent, **more: str) -> dict[str, str]:
        return {"party": found.parties[0].id, "channel": "oral", "said_on": "16.11.26", "witness": "Per Olsen", **more}

    @pytest.fixture
    def shared(self, cast: Cast) -> Consents:
        case = Consents(cast)
        cast.consented(case.id, "ppt", purpose="share")
        cast.join(case.id, "siri")
        return case

    def test_says_exactly_what_ends_first(self, shared: Consents, client_of: Client) -> None:
        shared.cast.offer(shared.id, "liv")
        page = client_of("kari").get(f"{shared.page}/{shared.newest().id}/trekk")
        assert page.has("Disse tjenestene mister innsyn: PPT Fjordvik")
        assert page.has("Siri Dahl, PPT Fjordvik")
        assert page.has("Spørsmålet til Liv Moen om stafettpinnen faller bort.")
        assert page.has("Ingenting slettes.")
        assert "ppt" in shared.doors()

    @on_both_databases
    def test_says_who_the_baton_falls_to(self, shared: Consents, client_of: Client) -> None:
        shared.cast.accept(shared.id, shared.cast.offer(shared.id, "siri"), by="siri")
        page = client_of("siri").get(f"{shared.page}/{shared.newest().id}/trekk")
        assert page.has("Rune Vik får stafettpinnen midlertidig")

    def test_closes_the_door_at_once(self, shared: Consents, client_of: Client) -> None:
        found, kari, siri = shared.newest(), client_of("kari"), client_of("siri")
        siri.get(shared.page)
        sent = kari.send(kari.get(f"{shared.page}/{found.id}/trekk"), self.said(found))
        assert kari.follow(sent).has("Samtykket er trukket tilbake, og delingen er stanset.")
        siri.get(shared.page, status=404)
        assert view(shared.cast.actor("siri"), shared.cast.facts(shared.id)) is None

    def test_can_be_recorded_by_whoever_hears_it(self, shared: Consents, client_of: Client) -> None:
        found, siri = shared.newest(), client_of("siri")
        sent = siri.send(siri.get(f"{shared.page}/{found.id}/trekk"), self.said(found))
        assert sent.goes_to == "/saker"
        assert siri.follow(sent).has("delingen er stanset. Du har ikke lenger tilgang til saken.")
        assert shared.newest().state == "withdrawn"

    def test_has_one_effect_for_a_form_sent_twice(self, shared: Consents, client_of: Client) -> None:
        found, kari = shared.newest(), client_of("kari")
        page = kari.get(f"{shared.page}/{found.id}/trekk")
        for _ in range(2):
            kari.send(page, self.said(found))
        assert [event.event for event in shared.newest().events].count("withdrawn") == 1

    def test_isnt_possible_twice(self, shared: Consents, client_of: Client) -> None:
        found, kari = shared.newest(), client_of("kari")
        stale = kari.get(f"{shared.page}/{found.id}/trekk")
        kari.send(kari.get(f"{shared.page}/{found.id}/trekk"), self.said(found))
        assert kari.send(stale, self.said(found), status=409).has("Samtykket gjelder ikke lenger.")
        kari.get(f"{shared.page}/{found.id}/trekk", status=409)

    def test_says_all_that_is_missing_at_once(self, shared: Consents, client_of: Client) -> None:
        found, kari = shared.newest(), client_of("kari")
        page = kari.send(kari.get(f"{shared.page}/{found.id}/trekk"), {"said_on": "i går"}, status=422)
        assert page.has("Velg hvem som trekker samtykket")
        assert page.has("Velg hvordan svaret ble gitt")
        assert page.has("Skriv en dato, for eksempel")
        assert "ppt" in shared.doors()

    def test_takes_no_giver_of_another_consent(self, shared: Consents, client_of: Client) -> None:
        found, kari = shared.newest(), client_of("kari")
        foreign = shared.newest("log").parties[0].id
        kari.send(kari.get(f"{shared.page}/{found.id}/trekk"), self.said(found, party=foreign), status=404)
        assert "ppt" in shared.doors()

    def test_isnt_for_strangers(self, shared: Consents, client_of: Client) -> None:
        client_of("nils").get(f"{shared.page}/{shared.newest().id}/trekk", status=404)

    def test_says_when_another_consent_still_covers_them(self, shared: Consents, client_of: Client) -> None:
        first = shared.newest()
        shared.cast.consented(shared.id, "ppt", "health", purpose="share")
        assert client_of("kari").get(f"{shared.page}/{first.id}/trekk").has("Ingen mister innsyn")

    def test_can_take_back_a_question_nobody_has_answered(self, case: Consents, client_of: Client) -> None:
        found = case.asked()
        assert client_of("kari").get(f"{case.page}/{found.id}/trekk").has("Ingen har fått innsyn ennå.")


class TestTheListOfConsents:
    def test_says_who_is_covered_and_for_how_long(self, case: Consents, client_of: Client) -> None:
        until = case.cast.today + timedelta(days=12)
        case.cast.consented(case.id, "ppt", purpose="share", valid_to=until)
        page = client_of("kari").get(case.page)
        assert page.has("Utløper om 12 dager (28.11.2026)")
        assert page.has("Snart utløpt")
        assert page.has("PPT Fjordvik")
        case.cast.later(days=13)
        page = client_of("rune").get(case.page)
        assert page.has("Utløpt")
        assert not page.has("Utløper om")

    def test_behind_a_closed_door_names_nobody_and_shows_no_text(self, cast: Cast, client_of: Client) -> None:
        case_id = cast.at_level_2()
        reference = cast.facts(case_id).reference
        with reading(cast.database) as session:
            found = consents_of_case(session, municipality_id=HERE, case_id=case_id, moment=cast.now)
        log_consent = next(one for one in found if one.purpose == "log")
        cast.withdraw(case_id, log_consent.id)
        asked = cast.ask_consent(case_id)
        kari = client_of("kari")
        addresses = ["", f"/{log_consent.id}", "/nytt", "/nytt?purpose=log", f"/nytt?fornyer={log_consent.id}"]
        addresses += [f"/{asked}", f"/{asked}/svar/{cast.parties(asked)[0]}", f"/{asked}/trekk"]
        secrets = ("Nordli", "Lise", "Tor ", "Ola", "Fravær og tiltak", "Per Olsen")
        for address in addresses:
            page = kari.get(f"/saker/{reference}/samtykke{address}")
            for secret in secrets:
                assert secret not in page.html, f"{address} shows {secret}"
        page = kari.get(f"/saker/{reference}/samtykke")
        assert page.has("Mor")
        assert page.has("Trukket tilbake")

    def test_behind_a_closed_door_child_welfare_isnt_named_as_giver(self, cast: Cast, client_of: Client) -> None:
        under_care_order(cast, "ola")
        case_id = cast.at_level_2()
        found = next(c for c in cast.facts(case_id).covers if c.unit_id == "school")
        assert found.consent_id
        cast.withdraw(case_id, found.consent_id)
        page = client_of("kari").get(f"/saker/{cast.facts(case_id).reference}/samtykke")
        assert "Barnevern" not in page.html
        assert page.has("Den som svarer for barnet")

    def test_opens_again_for_the_holder_when_the_family_says_yes_anew(self, cast: Cast, client_of: Client) -> None:
        case_id = cast.at_level_2()
        found = next(c for c in cast.facts(case_id).covers if c.unit_id == "school")
        assert found.consent_id
        cast.withdraw(case_id, found.consent_id)
        kari = client_of("kari")
        case = f"/saker/{cast.facts(case_id).reference}"
        page = kari.get(f"{case}/samtykke/nytt?purpose=log")
        checked = kari.send(page, {"about": "Logg", "steg": "sjekk"}, status=200)
        asked = kari.send(checked, {"steg": "send"}).goes_to.rpartition("/")[2]
        cast.answer(case_id, asked)
        assert kari.get(f"{case}/samtykke").has("Lise Nordli (mor)")

    def test_is_only_for_those_with_a_part_in_the_case(self, case: Consents, client_of: Client) -> None:
        for stranger in ("nils", "siri", "berit", "liv"):
            client_of(stranger).get(case.page, status=404)
        for nobody in ("tove", "arne", "bti"):
            client_of(nobody).get(case.page, status=403)


class TestActingByLaw:
    def given(self, **more: str) -> dict[str, str]:
        return {"law": "duty_to_report", "unit": "welfare", "kinds": "everyday", "reason": "Fare for barnet.", **more}

    def law(self, case: Consents) -> str:
        return next((cover.law_reference or "" for cover in case.cast.facts(case.id).covers if cover.law_reference), "")

    @pytest.fixture
    def basis(self, case: Consents) -> str:
        return load_definition("bti", 1).definition.legal_bases[0].key

    def test_opens_the_case_with_its_reason(self, case: Consents, basis: str, client_of: Client) -> None:
        rune = client_of("rune")
        page = rune.get(f"{case.case}/hjemmel")
        sent = rune.send(page, self.given(law=basis))
        rune.send(page, self.given(law=basis))
        assert rune.follow(sent).has("Hjemmelen er registrert.")
        assert self.law(case) == basis
        assert rune.get(case.page).has("Hjemmel i lov")

    def test_is_known_only_to_those_who_answer_for_the_case(
        self, case: Consents, basis: str, client_of: Client
    ) -> None:
        case.cast.consented(case.id, "ppt", purpose="share")
        case.cast.join(case.id, "siri")
        rune = client_of("rune")
        rune.send(rune.get(f"{case.case}/hjemmel"), self.given(law=basis))
        assert not client_of("siri").get(case.page).has("Barneverntjenesten")
        client_of("siri").get(f"{case.case}/hjemmel", status=403)

    def test_is_ended_again(self, case: Consents, basis: str, client_of: Client) -> None:
        rune = client_of("rune")
        rune.send(rune.get(f"{case.case}/hjemmel"), self.given(law=basis))
        page = rune.get(f"{case.case}/hjemmel")
        sent = rune.send(page, action="/avslutt")
        rune.send(page, action="/avslutt")
        assert rune.follow(sent).has("Delingen med hjemmel i lov er avsluttet.")
        assert "welfare" not in case.doors()

    def test_ends_no_door_that_a_consent_opened(self, case: Consents, basis: str, client_of: Client) -> None:
        rune = client_of("rune")
        rune.send(rune.get(f"{case.case}/hjemmel"), self.given(law=basis))
        other = next(cover.id for cover in case.cast.facts(case.id).covers if cover.consent_id)
        rune.send(rune.get(f"{case.case}/hjemmel"), {"door": other}, action="/avslutt", status=404)
        assert case.doors() == {"school", "welfare"}

    def test_says_all_that_is_missing(self, case: Consents, client_of: Client) -> None:
        rune = client_of("rune")
        page = rune.send(rune.get(f"{case.case}/hjemmel"), {"valid_to": "x"}, status=422)
        for told in ("Velg hjemmelen", "Velg en tjeneste", "Skriv en begrunnelse", "Skriv en dato"):
            assert page.has(told)

    @pytest.mark.parametrize("wrong", [{"law": "made_up"}, {"unit": "nowhere"}, {"kinds": "x"}, {"valid_to": "1.1.40"}])
    def test_takes_nothing_made_up(self, case: Consents, basis: str, client_of: Client, wrong: dict[str, str]) -> None:
        rune = client_of("rune")
        rune.send(rune.get(f"{case.case}/hjemmel"), self.given(**{"law": basis, **wrong}), status=422)
        assert case.doors() == {"school"}

    def test_is_refused_on_an_old_page(self, case: Consents, basis: str, client_of: Client) -> None:
        rune = client_of("rune")
        page = rune.get(f"{case.case}/hjemmel")
        case.asked()
        again = rune.send(page, self.given(law=basis), status=409)
        assert again.value("reason") == "Fare for barnet."

    def test_is_the_leaders(self, case: Consents, basis: str, client_of: Client) -> None:
        kari = client_of("kari")
        page = kari.get(f"{case.case}/hjemmel")
        fields = {"once": "o" * 24, "versjon": str(case.cast.version(case.id)), **self.given(law=basis)}
        kari.post(f"{case.case}/hjemmel", fields, status=403, page=page)
        client_of("nina").get(f"{case.case}/hjemmel", status=404)
        assert kari.client.get(f"{case.case}/hjemmel/avslutt").status_code == 405


class TestAnotherMunicipality:
    def test_has_no_door_into_this_one(self, cast: Cast, client_of: Client) -> None:
        neighbour = settle_neighbour(cast.database)
        theirs = neighbour.at_level_1()
        asked = neighbour.ask_consent(theirs, "ppt", purpose="share")
        party = neighbour.parties(asked)[0]
        mine = Consents(cast)
        kari = client_of("kari")
        reference = neighbour.facts(theirs).reference
        for case in (f"/saker/{reference}", mine.case):
            for page in (f"/samtykke/{asked}", f"/samtykke/{asked}/svar/{party}", f"/samtykke/{asked}/trekk"):
                kari.get(case + page, status=404)
        with reading(cast.database) as session:
            kept = session.execute(sa.select(sa.func.count()).select_from(consents).where(consents.c.id == asked))
            assert kept.scalar_one() == 1
            assert session.execute(sa.select(disclosures.c.id).where(disclosures.c.consent_id == asked)).all() == []


def test_the_page_and_the_core_agree_on_the_channels() -> None:
    assert answers.CHANNELS == ("written", "oral")
