"""Emergency access in the browser: asked for with a reason, shown on each page of the case, ended and reviewed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bti.db import reading, writing
from bti.models import audit_entries, break_glass, sessions
from tests.cast import Cast
from tests.doors import trail
from tests.web.test_every_route import DOORS, Scene, _path
from tests.web.test_every_route import scene as scene
from tests.web.visitor import Page, Visitor, on_both_databases

Clients = Callable[[str], Visitor]
REASON = "Barnet er funnet alene ute, og vi må vite hvem som kan ta imot det i kveld."
FORM = "/nodtilgang"


@pytest.fixture
def case_id(cast: Cast) -> str:
    return cast.at_level_2()


@pytest.fixture
def address(cast: Cast, case_id: str) -> str:
    return f"/saker/{cast.facts(case_id).reference}"


def ask(visitor: Visitor, status: int = 303, **fields: Any) -> Page:
    """Fill in the form and send it."""
    known = {"cause": "danger", "reason": REASON}
    return visitor.send(visitor.get(FORM), {**known, **fields}, status=status)


def reference_of(address: str) -> str:
    return address.rpartition("/")[2]


def only(cast: Cast) -> str:
    with reading(cast.database) as session:
        return str(session.execute(sa.select(break_glass.c.id)).scalar_one())


@on_both_databases
class TestAskingForACase:
    def test_leads_into_it_with_a_banner_on_each_of_its_pages(
        self, client_of: Clients, cast: Cast, address: str
    ) -> None:
        nils = client_of("nils")
        nils.get(address, 404)
        page = nils.follow(ask(nils, case=reference_of(address), minutes="60"))
        assert page.path == address
        assert page.has("Ola Nordli")
        assert page.has("Nødtilgangen gjelder nå")
        cast.later(minutes=20)
        nils.get(address)
        cast.later(minutes=12, seconds=10)
        for path in (address, f"{address}/samtykke", f"{address}/stafettpinne/historikk"):
            page = nils.get(path)
            assert page.has("Nødtilgang: 28 minutter igjen"), path
            assert page.has("Du kan lese denne saken til 16.11.2026 kl. 11.00, og ikke skrive i den."), path
        cast.later(minutes=28)
        nils.get(address, 404)

    def test_by_the_childs_name(self, client_of: Clients, address: str) -> None:
        nils = client_of("nils")
        assert nils.follow(ask(nils, child="Ola Nordli", born_on="3.4.17")).path == address

    def test_says_what_is_wrong_and_keeps_what_was_typed(self, client_of: Clients, address: str, cast: Cast) -> None:
        nils = client_of("nils")
        page = ask(nils, 422, case=reference_of(address), reason="asdf asdf asdf")
        assert page.title.startswith("Feil:")
        assert page.has("Skriv med en hel setning hva som har skjedd")
        assert page.value("case") == reference_of(address)
        assert page.value("reason") == "asdf asdf asdf"
        assert ask(nils, 422, case="", cause=None).has("Skriv saksreferansen, eller barnets navn og fødselsdato")
        assert ask(nils, 422, child="Ola Nordli", born_on="i fjor").has("Skriv en dato, for eksempel 1.12.26")
        assert trail(cast, "break_glass.open") == []
        assert trail(cast, "refused") == trail(cast, "refused")[:1], "what was typed wrong is no refusal"

    def test_sent_twice_opens_it_once(self, client_of: Clients, cast: Cast, address: str) -> None:
        nils = client_of("nils")
        page = nils.get(FORM)
        for _ in range(2):
            sent = nils.send(page, {"cause": "danger", "reason": REASON, "case": reference_of(address)})
            assert sent.goes_to == address
        assert len(trail(cast, "break_glass.open")) == 1

    def test_is_not_needed_by_who_takes_part(self, client_of: Clients, cast: Cast, address: str) -> None:
        page = client_of("siri").follow(ask(client_of("siri"), case=reference_of(address)))
        assert page.has("Du har tilgang til saken fra før")
        assert not page.has("minutter igjen")
        assert trail(cast, "break_glass.open") == []


@on_both_databases
class TestWhatIsNotThere:
    def test_looks_the_same_whatever_the_reason(self, client_of: Clients, cast: Cast, address: str) -> None:
        unshared = cast.wonder(about="mia", by="per")
        asked: list[dict[str, Any]] = [
            {"case": "2026-AAAAA"},
            {"case": cast.facts(unshared).reference},
            {"child": "Mia Aas", "born_on": "3.4.2011"},
        ]
        pages = []
        for fields in asked:
            nils = client_of("nils")
            page = ask(nils, 404, **fields)
            assert page.has("Vi finner ingen sak du kan få nødtilgang til")
            text = page.text
            for typed in fields.values():
                text = text.replace(typed, "…")
            pages.append(text)
        assert len(set(pages)) == 1
        refused = trail(cast, "refused")
        assert [entry.actor_id for entry in refused] == ["nils"] * len(asked)
        assert all('"code":"no_case_to_open"' in entry.fields for entry in refused)

    def test_is_asked_for_a_few_times_only(self, client_of: Clients, cast: Cast) -> None:
        nils = client_of("nils")
        for _ in range(3):
            ask(nils, 404, case="2026-AAAAA")
        page = ask(nils, 429, case="2026-AAAAA")
        assert page.has("Prøv igjen om 20 minutter")
        assert page.response.headers["Retry-After"] == "1200"

    def test_is_offered_the_same_way_as_what_is(self, client_of: Clients, address: str) -> None:
        nils = client_of("nils")
        for path in (address, "/saker/2026-AAAAA"):
            page = nils.get(path, 404)
            assert f'href="/nodtilgang?sak={reference_of(path)}"' in page.html
        assert "nodtilgang" not in client_of("tove").get("/ingenting", 404).html
        assert nils.get(f"{FORM}?sak=2026-AAAAA").value("case") == "2026-AAAAA"


class TestStepUp:
    @pytest.fixture
    def nils(self, client_of: Clients, cast: Cast) -> Visitor:
        """Nils, half an hour after he logged in."""
        visitor = client_of("nils")
        visitor.get(FORM)
        for _ in range(2):
            cast.later(minutes=14)
            visitor.get("/saker")
        return visitor

    def test_is_asked_for_before_the_form_is_shown(self, nils: Visitor) -> None:
        page = nils.get(FORM, 303)
        assert page.goes_to == "/konto/bekreft?neste=/nodtilgang"
        step_up = nils.follow(page)
        assert nils.send(step_up).goes_to == FORM
        nils.get(FORM)

    def test_is_asked_for_before_a_form_that_was_left_lying_is_taken(
        self, nils: Visitor, cast: Cast, address: str
    ) -> None:
        nils.send(nils.follow(nils.get(FORM, 303)))
        page = nils.get(FORM)
        cast.later(minutes=21)
        sent = nils.send(page, {"cause": "danger", "reason": REASON, "case": reference_of(address)})
        assert sent.goes_to.startswith("/konto/bekreft")
        assert trail(cast, "break_glass.open") == []

    def test_leaves_time_to_write(self, nils: Visitor, cast: Cast, address: str) -> None:
        nils.send(nils.follow(nils.get(FORM, 303)))
        page = nils.get(FORM)
        cast.later(minutes=15)
        assert nils.send(page, {"cause": "danger", "reason": REASON, "case": reference_of(address)}).goes_to == address


class TestEndingIt:
    def test_from_the_banner_closes_the_case_at_once(self, client_of: Clients, cast: Cast, address: str) -> None:
        nils = client_of("nils")
        page = nils.follow(ask(nils, case=reference_of(address)))
        assert nils.get(FORM).has(f"Sak {reference_of(address)} til 16.11.2026 kl. 10.30")
        page = nils.follow(nils.send(page, action="/avslutt"))
        assert page.has("Nødtilgangen er avsluttet.")
        nils.get(address, 404)
        assert not page.has("Gjelder nå")


@on_both_databases
class TestALeader:
    def test_finds_it_on_the_desk_at_once_and_closes_it_with_a_verdict(
        self, client_of: Clients, cast: Cast, address: str
    ) -> None:
        nils, rune, nina = (client_of(name) for name in ("nils", "rune", "nina"))
        nils.follow(ask(nils, case=reference_of(address), minutes="15"))
        for leader in (rune, nina):
            desk = leader.get("/enheten")
            assert desk.has("Nødtilgang å gå gjennom")
            assert desk.has(f"Nils Berg Nordbygda skole Sak {reference_of(address)}")
        assert not client_of("liv").get("/enheten").has("Nødtilgang å gå gjennom")
        page = rune.get(f"{FORM}/{only(cast)}")
        assert page.has(REASON)
        assert page.has("Saken 16.11.2026 kl. 10.00")
        assert page.has("Den kan gås gjennom når den er over")
        cast.later(minutes=16)
        assert nina.get("/enheten").has("Har ventet i under en time")
        page = rune.get(f"{FORM}/{only(cast)}")
        assert rune.send(page, {"verdict": "justified", "note": ""}, status=422).has("Skriv hva du bygger det på")
        sent = rune.send(page, {"verdict": "justified", "note": "Snakket med ham samme kveld."})
        assert rune.follow(sent).has("Gjennomgangen er lagret")
        assert not nina.get("/enheten").has("Nødtilgang å gå gjennom")
        page = nina.get(f"{FORM}/{only(cast)}")
        assert page.has("Begrunnet Rune Vik (Enhetsleder)")
        assert page.has("Snakket med ham samme kveld.")

    def test_ends_what_still_lasts(self, client_of: Clients, cast: Cast, address: str) -> None:
        nils, nina = client_of("nils"), client_of("nina")
        nils.follow(ask(nils, case=reference_of(address)))
        page = nina.get(f"{FORM}/{only(cast)}")
        page = nina.follow(nina.send(page, action="/avslutt"))
        assert page.has("Var nødtilgangen begrunnet?")
        nils.get(address, 404)

    def test_never_goes_through_their_own(self, client_of: Clients, cast: Cast, address: str) -> None:
        nina = client_of("nina")
        nina.follow(ask(nina, case=reference_of(address), minutes="15"))
        assert not nina.get("/enheten").has("Nødtilgang å gå gjennom")
        cast.later(minutes=16)
        assert nina.get(f"{FORM}/{only(cast)}", 403).has("Du kan ikke gjennomgå din egen bruk")

    def test_sees_in_the_case_who_else_can_read_it(self, client_of: Clients, address: str) -> None:
        nils = client_of("nils")
        nils.follow(ask(nils, case=reference_of(address)))
        page = client_of("kari").get(address)
        assert page.has("Nødtilgang Nordbygda skole · lese, til 16.11.2026 kl. 10.30")
        assert not page.has("minutter igjen")


class TestEveryOtherPage:
    @on_both_databases
    def test_is_as_shut_as_before(self, app: Flask, scene: Scene, client_of: Clients) -> None:
        """Nils has broken the glass in the scene, and Per has not: they reach the same pages but for the case's own."""
        opened = {
            "cases.case", "baton.history", "consents.index", "consents.show", "attachments.index",
            "attachments.download", "break_glass.review",
        }  # fmt: skip
        nils, wrong = client_of("nils"), []
        for endpoint, door in sorted(DOORS.items()):
            if door.values.get("reference") and door.open_to is not None and endpoint not in opened:
                status = nils.client.get(_path(app, endpoint, scene)).status_code
                wrong += [f"{endpoint} answered {status}"] if status not in (403, 404) else []
        assert not wrong, "\n".join(wrong)

    @on_both_databases
    def test_shows_nothing_of_the_case(self, app: Flask, scene: Scene, client_of: Clients) -> None:
        nils = client_of("nils")
        for path in (
            "/saker",
            "/saker?q=ola",
            "/enheten",
            "/undringer",
            "/undringer/barn?q=ola",
            "/nodtilgang",
            "/drofting",
        ):
            body = nils.client.get(path).get_data(as_text=True)
            assert not [secret for secret in scene.secrets if secret in body], path


class TestWhoIsThere:
    def test_reads_on_no_longer_than_the_session(self, client_of: Clients, cast: Cast, address: str) -> None:
        nils = client_of("nils")
        nils.follow(ask(nils, case=reference_of(address)))
        with writing(cast.database) as session:
            mine = sa.update(sessions).where(sessions.c.person_id == "nils")
            session.execute(mine.values(ended_at=cast.now, ended_how="owner"))
        assert nils.get(address, 303).goes_to.startswith("/logg-inn")

    def test_leaves_each_page_in_the_trail_on_its_basis(self, client_of: Clients, cast: Cast, address: str) -> None:
        nils = client_of("nils")
        nils.follow(ask(nils, case=reference_of(address)))
        nils.get(f"{address}/samtykke")
        with reading(cast.database) as session:
            e = audit_entries.c
            rows = session.execute(
                sa.select(e.fields, e.basis, e.purpose)
                .where(e.event == "case.read", e.actor_id == "nils")
                .order_by(e.id)
            ).all()
        assert [row.basis for row in rows] == [f"break_glass:{only(cast)}"] * 2
        assert [row.fields.split('"part":"')[1].split('"')[0] for row in rows] == ["case", "consents"]
