"""Taking a step: the check page, the step, and everything that can be wrong with asking for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bti.facts import CaseFacts
from tests.cast import Cast
from tests.web.visitor import Visitor

Clients = Callable[[str], Visitor]


@pytest.fixture
def case_id(cast: Cast) -> str:
    """Ola's case on level 2: Kari holds the baton, Siri takes part."""
    return cast.at_level_2()


@pytest.fixture
def case(cast: Cast, case_id: str) -> str:
    return f"/saker/{cast.facts(case_id).reference}"


@pytest.fixture
def kari(client_of: Clients) -> Visitor:
    return client_of("kari")


@pytest.fixture
def stands(cast: Cast, case_id: str) -> Callable[[], CaseFacts]:
    """Where the case stands now."""
    return lambda: cast.facts(case_id)


class TestTakingAStep:
    def test_the_page_says_what_happens_before_it_does(self, case: str, kari: Visitor) -> None:
        page = kari.get(f"{case}/steg/plan")
        for told in ("Fra 2.1 Hold første samarbeidsmøte", "Til 2.2 Planlegg tiltak sammen", "Neste frist", "Klart"):
            assert page.has(told)

    def test_sharing_with_the_leader_says_who_reads_it_then(self, cast: Cast, kari: Visitor) -> None:
        wonder = f"/saker/{cast.facts(cast.wonder()).reference}"
        assert kari.get(f"{wonder}/steg/share_with_leader").has("Lederen i enheten kan lese undringen fra nå")

    def test_it_is_taken_and_said(self, case: str, kari: Visitor, stands: Callable[[], CaseFacts]) -> None:
        page = kari.follow(kari.send(kari.get(f"{case}/steg/plan")))
        assert page.has("Saken står nå på «2.2 Planlegg tiltak sammen». Neste frist er")
        assert stands().step == "2.2"

    def test_twice_is_once(self, case: str, kari: Visitor, stands: Callable[[], CaseFacts]) -> None:
        page = kari.get(f"{case}/steg/plan")
        kari.send(page)
        version = stands().version
        assert kari.follow(kari.send(page)).has("Dette skjemaet er allerede sendt")
        assert stands().version == version

    def test_the_leader_may_too(self, case: str, client_of: Clients, stands: Callable[[], CaseFacts]) -> None:
        rune = client_of("rune")
        rune.send(rune.get(f"{case}/steg/plan"))
        assert stands().step == "2.2"

    def test_an_earlier_date_may_be_chosen(self, case: str, kari: Visitor, stands: Callable[[], CaseFacts]) -> None:
        kari.send(kari.get(f"{case}/steg/plan"), {"next_date": "20.11.26"})
        assert stands().due_on is not None
        assert stands().due_on.isoformat() == "2026-11-20"  # type: ignore[union-attr]


class TestThoseWhoMayNot:
    @pytest.mark.parametrize("name", ["nils", "per", "amir", "liv"])
    def test_find_no_page_and_can_do_nothing(
        self, name: str, case: str, client_of: Clients, stands: Callable[[], CaseFacts]
    ) -> None:
        person = client_of(name)
        person.get(f"{case}/steg/plan", status=404)
        person.post(
            f"{case}/steg/plan", {"versjon": str(stands().version)}, status=404, page=person.get("/undringer/ny")
        )
        assert stands().step == "2.1"

    def test_a_participant_is_told_whose_step_it_is(
        self, case: str, client_of: Clients, stands: Callable[[], CaseFacts]
    ) -> None:
        siri = client_of("siri")
        page = siri.get(f"{case}/steg/plan")
        assert page.has("Dette steget tas av: Stafettholderen, Enhetslederen.")
        values = {"versjon": str(stands().version)}
        told = siri.post(f"{case}/steg/plan", values, status=403, page=siri.get("/undringer/ny"))
        assert told.has("Dette steget er det noen andre i saken som tar.")
        assert stands().step == "2.1"

    @pytest.mark.parametrize("name", ["arne", "tove", "bti"])
    def test_other_roles_are_turned_away(self, name: str, case: str, client_of: Clients) -> None:
        client_of(name).get(f"{case}/steg/plan", status=403)


class TestAStepThatIsNotThere:
    @pytest.mark.parametrize("name", ["nothing", "share_with_leader", "reopen", "PLAN", "plan%00", "../plan"])
    def test_has_no_page(self, name: str, case: str, kari: Visitor) -> None:
        kari.get(f"{case}/steg/{name}", status=400 if "%00" in name else 404)

    def test_does_nothing_when_it_is_sent(self, case: str, kari: Visitor, stands: Callable[[], CaseFacts]) -> None:
        page = kari.get(f"{case}/steg/plan")
        told = kari.post(f"{case}/steg/reopen", {"reason": "Fordi"}, status=409, page=page)
        assert told.has("Saken er flyttet")
        assert told.has("Fordi")
        assert stands().step == "2.1"

    def test_an_unknown_name_is_not_there(self, case: str, kari: Visitor) -> None:
        page = kari.get(f"{case}/steg/plan")
        answer = kari.client.post(
            f"{case}/steg/nothing", data={n: page.value(n) for n in ("csrf_token", "once", "versjon")}
        )
        assert answer.status_code == 404


class TestAStepThatIsNotReady:
    def test_names_all_that_is_missing_and_who_can_mend_it(self, cast: Cast, kari: Visitor) -> None:
        case_id = cast.at_decision()
        path = f"/saker/{cast.facts(case_id).reference}/steg/start_own_service"
        page = kari.get(path)
        assert page.has("2 ting mangler")
        told = kari.send(page, status=422)
        assert told.has("Noe må være på plass først.")
        for missing in ("Samtykke til stafettlogg", "Stafettholder er bestemt for nivået", "kan ordne dette"):
            assert told.has(missing)
        assert cast.facts(case_id).step == "0.4"


class TestSomebodyElseMovedFirst:
    def test_it_is_said_and_what_was_typed_is_kept(
        self, case: str, case_id: str, kari: Visitor, cast: Cast, stands: Callable[[], CaseFacts]
    ) -> None:
        page = kari.get(f"{case}/steg/close")
        cast.move(case_id, "plan", by="rune")
        told = kari.send(page, {"reason": "Målene er nådd.", "closing_reason": "goal_reached"}, status=409)
        assert told.has("Noen andre har endret saken siden du åpnet siden.")
        assert told.value("reason") == "Målene er nådd."
        assert told.value("closing_reason") == "goal_reached"
        assert stands().is_open
        kari.send(told)
        assert not stands().is_open

    def test_it_is_said_when_the_step_is_gone(self, case: str, case_id: str, kari: Visitor, cast: Cast) -> None:
        page = kari.get(f"{case}/steg/plan")
        cast.move(case_id, "plan", by="rune")
        told = kari.send(page, status=409)
        assert told.has("Saken er flyttet")
        assert told.has("Se hvor saken står nå")

    @pytest.mark.parametrize("version", ["", "0", "-1", "abc", "99999999999", "1e3", "²"])
    def test_a_forged_version_is_a_stale_page(
        self, version: str, case: str, kari: Visitor, stands: Callable[[], CaseFacts]
    ) -> None:
        kari.send(kari.get(f"{case}/steg/plan"), {"versjon": version}, status=409)
        assert stands().step == "2.1"


class TestWhatIsTypedWrong:
    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ("31.12.2099", "Velg en dato fra i dag og innen fristen på siden"),
            ("1.1.20", "Velg en dato fra i dag og innen fristen på siden"),
            ("15.11.2026", "Velg en dato fra i dag og innen fristen på siden"),
            ("31.2.2026", "Skriv en dato, for eksempel 1.12.26"),
            ("0000-00-00", "Skriv en dato, for eksempel 1.12.26"),
            ("i morgen", "Skriv en dato, for eksempel 1.12.26"),
            ("9" * 400, "Skriv en dato, for eksempel 1.12.26"),
        ],
    )
    def test_a_date_out_of_bounds_is_said_at_the_field_and_kept(
        self, typed: str, said: str, case: str, kari: Visitor, stands: Callable[[], CaseFacts]
    ) -> None:
        told = kari.send(kari.get(f"{case}/steg/plan"), {"next_date": typed}, status=422)
        assert told.title.startswith("Feil:")
        assert told.has(said)
        assert told.value("next_date") == typed
        assert stands().step == "2.1"

    @pytest.mark.parametrize("reason", ["", "because", "goal_reached\n", "<script>"])
    def test_a_case_is_closed_for_a_reason_of_the_model(
        self, reason: str, case: str, kari: Visitor, stands: Callable[[], CaseFacts]
    ) -> None:
        page = kari.get(f"{case}/steg/close")
        told = kari.send(page, {"closing_reason": reason, "reason": "Vi er enige."}, status=422)
        assert told.value("reason") == "Vi er enige."
        assert stands().is_open

    def test_a_jump_asks_for_a_reason(self, case: str, kari: Visitor, stands: Callable[[], CaseFacts]) -> None:
        page = kari.get(f"{case}/steg/invite_externals")
        assert page.has("Begrunnelse")
        assert not page.has("Begrunnelse (valgfritt)")
        assert kari.send(page, status=422).has("Noe må være på plass først.")
        assert stands().step == "2.1"

    def test_a_reason_of_100_kb_is_kept_on_the_page_and_not_in_the_log(
        self, case: str, kari: Visitor, stands: Callable[[], CaseFacts]
    ) -> None:
        values = {"reason": "ø" * 100_000, "closing_reason": "goal_reached"}
        told = kari.send(kari.get(f"{case}/steg/close"), values, status=422)
        assert told.has("Teksten er for lang. Kort den ned")
        assert len(told.value("reason")) == 100_000
        assert stands().is_open


class TestClosingAndOpeningAgain:
    def test_closing_says_what_ends(self, case: str, kari: Visitor) -> None:
        page = kari.get(f"{case}/steg/close")
        assert page.has("De andre tjenestene er ikke lenger med i saken.")
        page = kari.follow(kari.send(page, {"closing_reason": "goal_reached"}))
        assert page.has("Saken er avsluttet. Den kan åpnes igjen om det trengs.")

    def test_opening_again_needs_a_reason(
        self, case: str, case_id: str, kari: Visitor, cast: Cast, stands: Callable[[], CaseFacts]
    ) -> None:
        cast.move(case_id, "close", closing_reason="goal_reached")
        told = kari.send(kari.get(f"{case}/steg/reopen"), status=422)
        assert told.has("Skriv en begrunnelse")
        kari.send(told, {"reason": "Det er blitt verre."})
        assert stands().is_open
