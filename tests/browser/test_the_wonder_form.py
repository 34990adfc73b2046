"""The form for a wonder with its script: choosing a child with the keyboard, the draft that saves itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from tests.browser.checks import check_page
from tests.cast import HERE, settle

WIDTHS = (320, 1280)


@pytest.fixture
def address(sqlite_database: Engine, live_server: Callable[[Engine], str]) -> str:
    settle(sqlite_database)
    return live_server(sqlite_database)


def log_in(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/logg-inn?neste=/undringer/ny")
    page.click(f'button[value="{HERE}:{name}"]')


class TestTheWonderForm:
    @pytest.mark.parametrize("width", WIDTHS)
    def test_is_filled_in_with_the_keyboard_alone(
        self, new_page: Callable[..., Page], address: str, width: int
    ) -> None:
        page = new_page(width=width)
        log_in(page, address, "kari")
        check_page(page)
        page.focus("#subject")
        page.keyboard.type("nord")
        page.locator("[role=option]").first.wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator("#subject")).to_have_value("Ola Nordli, 4B")
        page.keyboard.press("Tab")  # uten navn
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.focus("#seen")
        page.keyboard.type("Kommer for sent fire av fem dager.")
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        expect(page.locator(".flashes")).to_contain_text("Undringen er lagret.")
        check_page(page)

    def test_says_what_is_wrong_and_takes_the_focus_there(self, new_page: Callable[..., Page], address: str) -> None:
        page = new_page(width=320)
        log_in(page, address, "kari")
        page.get_by_role("button", name="Lagre undringen").click()
        expect(page.locator(".ds-error-summary")).to_be_focused()
        assert page.title().startswith("Feil: ")
        check_page(page)
        page.get_by_role("link", name="Skriv hva du har sett eller hørt").click()
        expect(page.locator("#seen")).to_be_focused()

    def test_saves_a_draft_by_itself(self, new_page: Callable[..., Page], address: str) -> None:
        page = new_page()
        log_in(page, address, "kari")
        page.fill("#seen", "Halvferdig tekst")
        expect(page.locator("[data-draft-status]")).to_contain_text("Kladd lagret kl.")
        page.goto(f"{address}/undringer/ny")
        expect(page.locator("#seen")).to_have_value("Halvferdig tekst")
        check_page(page)
        page.get_by_role("button", name="Kast kladden").click()
        expect(page.locator("#seen")).to_have_value("")

    def test_works_without_script(self, new_page: Callable[..., Page], address: str) -> None:
        page = new_page(width=320, java_script_enabled=False)
        log_in(page, address, "kari")
        page.fill("#subject", "nordli")
        page.get_by_role("button", name="Søk").click()
        page.select_option("#subject-valg", label="Ola Nordli, 4B")
        page.check('input[name="themes"][value="absence"]')
        page.fill("#seen", "Kommer for sent.")
        page.check('input[name="talked"][value="no"]')
        page.get_by_role("button", name="Lagre undringen").click()
        expect(page.locator(".flashes")).to_contain_text("Undringen er lagret.")
