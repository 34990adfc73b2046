"""The README's story, in a real browser, on a laptop and on a phone: one child from a wonder to a closed door.

Kari wonders about Ola and shares it with Rune; the parents say yes to a log and to PPT; Siri joins and takes the
baton; a parent withdraws; Siri's door closes; Tove finds all of it. Every page on the way is looked at by axe and by
the checks that axe doesn't make.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from bti.clock import utc_now
from tests.browser.checks import check_page
from tests.cast import Cast, settle

Opens = Callable[..., Page]


class Somebody:
    """A person at their own browser. Whatever they open is checked before they go on."""

    def __init__(self, page: Page, address: str, name: str) -> None:
        self.page, self.address, self.checked = page, address, set[str]()
        page.goto(f"{address}/logg-inn")
        page.locator(f'button[value="fjordvik:{name}"]').click()

    def open(self, path: str, *, status: int = 200) -> Somebody:
        """Go to a path; the page is checked the first time it is seen."""
        response = self.page.goto(self.address + path)
        assert response is not None
        assert response.status == status, f"{path} answered {response.status}"
        return self.look()

    def look(self) -> Somebody:
        """Check the page that is shown, once for each kind of page."""
        kind = re.sub(r"/[0-9A-Za-z]{20}(?=/|$)", "/*", self.page.url.partition("?")[0])
        kind += "|" + self.page.locator("h1").first.inner_text()
        if kind not in self.checked:
            check_page(self.page)
            self.checked.add(kind)
        return self

    def go(self, name: str) -> Somebody:
        """Follow the first link with this text."""
        self.page.get_by_role("link", name=name).first.click()
        return self.look()

    def press(self, name: str) -> Somebody:
        """Press the button with this text."""
        self.page.get_by_role("button", name=name, exact=True).first.click()
        return self.look()

    def write(self, label: str, text: str) -> Somebody:
        """Write in the field with this label."""
        self.page.get_by_label(label, exact=False).first.fill(text)
        return self

    def choose(self, *labels: str) -> Somebody:
        """Tick radios or boxes by their labels."""
        for label in labels:
            self.page.get_by_label(label, exact=False).first.check()
        return self

    def sees(self, text: str) -> Somebody:
        """Expect a text on the page."""
        expect(self.page.locator("main")).to_contain_text(text)
        return self

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.address).partition("?")[0]


@pytest.fixture
def town(sqlite_database: sa.Engine) -> Cast:
    cast = settle(sqlite_database)
    # The server reads the real clock; the cast acts in the same present.
    cast.now = utc_now()
    return cast


@pytest.mark.parametrize("width", [1280, 320])
def test_one_child_from_a_wonder_to_a_closed_door(
    town: Cast, live_server: Callable[[Any], str], new_page: Opens, width: int
) -> None:
    address = live_server(town.database)
    kari, rune, siri, tove = (Somebody(new_page(width=width), address, who) for who in ("kari", "rune", "siri", "tove"))

    case = _kari_wonders_and_shares(kari)
    _rune_answers(rune, case)
    _kari_talks_and_asks(kari, case)
    rune.open(f"{case}/stafettpinne/bekreft").page.locator("main form button[type=submit]").first.click()
    _siri_is_invited(kari, siri, case)
    kari.open(f"{case}/steg/start_with_other_service").press("Start samarbeid med en annen tjeneste").sees("2.1")
    _the_baton_changes_hands(kari, siri, case)
    _the_consent_is_withdrawn(siri, case)
    siri.open(case, status=404).sees("Vi finner ikke siden")
    expect(siri.open("/saker").page.locator("main")).not_to_contain_text("Ola N.")
    rune.open(case).sees("midlertidig")
    _tove_finds_it(tove, case)


def _kari_wonders_and_shares(kari: Somebody) -> str:
    kari.open("/undringer/ny")
    kari.page.get_by_role("combobox").fill("Ola")
    kari.page.get_by_role("option", name=re.compile("Ola")).first.click()
    kari.page.locator("label.ds-chip", has_text="Fravær").click()
    kari.write("Hva har du sett eller hørt?", "Kommer for sent fire av fem dager.").choose("Nei, ikke ennå")
    kari.press("Lagre undringen")
    kari.open("/saker").go("Ola N.")
    case = kari.path
    kari.go("Del med leder").press("Del med leder").sees("0.2")
    return case


def _rune_answers(rune: Somebody, case: str) -> None:
    rune.open("/enheten")
    rune.open(case.replace("/saker/", "/enheten/") + "/tilbakemelding")
    rune.page.locator("main textarea").first.fill("Takk. Snakk med foreldrene denne uka.")
    rune.page.locator("main form button[type=submit]").first.click()
    rune.look()


def _kari_talks_and_asks(kari: Somebody, case: str) -> None:
    kari.open(case).go("Gå videre til samtalen").press("Gå videre til samtalen").sees("0.3")
    kari.open(case.replace("/saker/", "/undringer/") + "/notat?slag=guardian_talk")
    kari.page.locator("main textarea").first.fill("Snakket med mor og far.")
    kari.page.locator("main form button[type=submit]").first.click()
    kari.open(case).go("Vurder veien videre").press("Vurder veien videre").sees("0.4")
    _ask(kari, case, "log", None)
    _ask(kari, case, "share", "PPT Fjordvik")


def _ask(kari: Somebody, case: str, purpose: str, unit: str | None) -> None:
    kari.open(f"{case}/samtykke/nytt?purpose={purpose}")
    if kari.page.locator(f'input[type=radio][name=purpose][value="{purpose}"]').count():
        kari.page.locator(f'input[type=radio][name=purpose][value="{purpose}"]').check()
        kari.press("Gå videre")
    if unit:
        kari.choose(unit)
    for box in kari.page.locator("input[name=kinds]").all():
        box.check()
    kari.write("Hva skal deles, og hvorfor?", "Fravær og tiltak på skolen, så PPT kan hjelpe.")
    kari.press("Se over").press("Be om samtykke")
    while kari.page.get_by_role("link", name="Registrer svar").count():
        kari.go("Registrer svar")
        kari.choose("Ja", "Muntlig").write("Muntlig: Hvem hørte svaret?", "Per Olsen")
        kari.press("Registrer svaret")
    kari.sees("Gitt")


def _siri_is_invited(kari: Somebody, siri: Somebody, case: str) -> None:
    kari.open(f"{case}/deltakere/ny").choose("Siri Dahl").write("Hva trenger dere hjelp til?", "Lesing")
    kari.page.locator("main form button[type=submit]").first.click()
    kari.look()
    siri.open("/saker").go("Se og svar")
    assert "Kommer for sent" not in siri.page.content()
    siri.go("Ja, bli med").press("Ja, jeg blir med")
    siri.open(case).sees("Ola Nordli")


def _the_baton_changes_hands(kari: Somebody, siri: Somebody, case: str) -> None:
    kari.open(f"{case}/stafettpinne").choose("Siri Dahl")
    kari.page.locator("main form.panel button[type=submit]").first.click()
    kari.look().open(case).sees("Venter på svar fra Siri Dahl")
    siri.open(f"{case}/stafettpinne/svar")
    siri.go("Ja, ta imot").press("Ja, jeg tar imot stafettpinnen")
    siri.open(case).sees("Gi stafettpinnen videre")


def _the_consent_is_withdrawn(siri: Somebody, case: str) -> None:
    siri.open(f"{case}/samtykke")
    heading = siri.page.get_by_role("heading", name="Samarbeid med andre tjenester").first
    heading.locator("xpath=ancestor::*[self::section or self::article][1]").get_by_role(
        "link", name="Se samtykket"
    ).click()
    siri.look().go("Registrer at noen trekker samtykket").sees("Rune Vik")
    siri.choose("mor", "Muntlig").write("Muntlig: Hvem hørte svaret?", "Per Olsen")
    siri.press("Trekk samtykket nå")


def _tove_finds_it(tove: Somebody, case: str) -> None:
    reference = case.rpartition("/")[2]
    tove.open("/revisjon").open(f"/revisjon/logg?sak={reference}").sees(reference)
    assert "Ola" not in tove.page.locator("main").inner_text()
    tove.open("/revisjon/samtykker").sees(reference)
