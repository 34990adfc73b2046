"""Emergency access in a real browser: from a page that is not found into a case, its banner, and a leader's verdict."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from bti.clock import utc_now
from tests.browser.checks import check_page, no_horizontal_scroll, survives_text_spacing
from tests.browser.conftest import Screen
from tests.cast import Cast, settle

REASON = "Barnet er funnet alene ute, og vi må vite hvem som kan ta imot det i kveld."


@pytest.fixture
def town(sqlite_database: sa.Engine) -> Cast:
    cast = settle(sqlite_database)
    cast.now = utc_now()
    return cast


def log_in(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/logg-inn")
    page.get_by_role("button", name=name).first.click()


def test_is_asked_for_used_ended_and_reviewed(
    town: Cast,
    live_server: Callable[[sa.Engine], str],
    screen: Screen,
) -> None:
    reference = town.facts(town.at_level_2()).reference
    address, look = live_server(town.database), check_page if screen.has_script else _at_least_no_scroll
    page = screen.open()

    log_in(page, address, "Nils Berg")
    page.goto(f"{address}/saker/{reference}")
    page.get_by_role("link", name="Be om nødtilgang til en sak").click()
    expect(page.get_by_role("heading", name="Nødtilgang", exact=True)).to_be_visible()
    expect(page.get_by_label("Saksreferanse")).to_have_value(reference)
    look(page)
    page.get_by_label("Hva har skjedd, og hvorfor kan det ikke vente?").fill("asdf")
    page.get_by_role("button", name="Åpne saken med nødtilgang").click()
    expect(page.locator(".ds-error-summary")).to_be_visible()
    look(page)
    page.get_by_label("Fare for liv, helse eller vold").check()
    page.get_by_label("Hva har skjedd, og hvorfor kan det ikke vente?").fill(REASON)
    page.get_by_label("Hvor lenge?").select_option("15")
    page.get_by_role("button", name="Åpne saken med nødtilgang").click()
    expect(page.get_by_role("heading", name="Ola Nordli")).to_be_visible()
    expect(page.get_by_role("region", name="Nødtilgang")).to_contain_text("15 minutter igjen")
    look(page)
    page.get_by_role("link", name="Se alle samtykker").click()
    expect(page.get_by_role("region", name="Nødtilgang")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Avslutt nødtilgangen").click()
    expect(page.get_by_text("Nødtilgangen er avsluttet.")).to_be_visible()
    page.goto(f"{address}/saker/{reference}")
    expect(page.get_by_role("heading", name="Vi finner ikke siden")).to_be_visible()

    leader = screen.open()
    log_in(leader, address, "Rune Vik")
    leader.goto(f"{address}/enheten")
    look(leader)
    leader.get_by_role("link", name="Gå gjennom").click()
    expect(leader.get_by_text(REASON)).to_be_visible()
    look(leader)
    leader.get_by_label("Ikke begrunnet").check()
    leader.get_by_label("Hva bygger du det på").fill("Han kunne ha ringt meg først.")
    leader.get_by_role("button", name="Lagre gjennomgangen").click()
    expect(leader.get_by_text("Gjennomgangen er lagret.")).to_be_visible()


def test_an_auditor_draws_samples_and_looks_at_the_signed_log(
    town: Cast,
    live_server: Callable[[sa.Engine], str],
    screen: Screen,
) -> None:
    reference = town.facts(town.at_level_2()).reference
    address, look = live_server(town.database), check_page if screen.has_script else _at_least_no_scroll
    kari = screen.open()
    log_in(kari, address, "Kari Nordmann")
    kari.goto(f"{address}/saker/{reference}")

    page = screen.open()
    log_in(page, address, "Tove Lund")
    page.goto(f"{address}/revisjon/oppgaver")
    look(page)
    page.get_by_role("button", name="Trekk", exact=True).click()
    expect(page.get_by_text("Stikkprøvene er trukket.")).to_be_visible()
    look(page)
    page.get_by_role("link", name="Vurder den neste").click()
    look(page)
    page.get_by_label("I orden").check()
    page.get_by_role("button", name="Lagre").click()
    expect(page.get_by_text("1 av 1").first).to_be_visible()
    page.goto(f"{address}/revisjon/signert-logg")
    look(page)
    page.get_by_role("link", name="Sjekk loggen nå").click()
    expect(page.get_by_role("heading", name="Sjekk av loggen")).to_be_visible()
    look(page)


def _at_least_no_scroll(page: Page) -> None:
    assert not [*no_horizontal_scroll(page), *survives_text_spacing(page)]
