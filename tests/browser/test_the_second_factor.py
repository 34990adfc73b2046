"""An administrator of a real municipality in a real browser: the second factor, out and in again, and the account."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from bti.clock import utc_now
from bti.crypto.totp import STEP_SECONDS, code_at
from bti.db import reading, writing
from bti.models import municipalities, second_factors
from bti.usecases import people
from tests.browser.checks import check_page
from tests.browser.conftest import Screen
from tests.cast import Cast, settle

PASSWORD = "hest batteri stift"


@pytest.fixture
def town(sqlite_database: sa.Engine) -> Cast:
    """The town as it is when nobody plays: no demo, and the administrator has a password."""
    cast = settle(sqlite_database)
    cast.now = utc_now()
    cast.act(people.set_password, by="arne", person_id="arne", password=PASSWORD)
    with writing(cast.database) as session:
        session.execute(sa.update(municipalities).values(is_demo=False))
    return cast


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/logg-inn")
    page.get_by_label("Brukernavn").fill("arne")
    page.get_by_label("Passord").fill(PASSWORD)
    page.get_by_role("button", name="Logg inn").click()


def log_out(page: Page) -> None:
    if page.get_by_role("button", name="Meny", exact=True).is_visible():
        page.get_by_role("button", name="Meny", exact=True).click()
    page.get_by_role("button", name="Logg ut", exact=True).click()


def unused_code(town: Cast, secret: str) -> str:
    """Return a code that counts now: of this half minute, or of the next one when this has been used."""
    with reading(town.database) as session:
        live = second_factors.c.ended_at.is_(None)
        used = session.execute(sa.select(second_factors.c.last_step).where(live)).scalar_one_or_none() or 0
    now = utc_now()
    step = max(int(now.timestamp()) // STEP_SECONDS, used + 1)
    return code_at(secret, now.fromtimestamp(step * STEP_SECONDS, now.tzinfo))


def test_an_administrator_begins_it_and_comes_in_by_it(
    town: Cast,
    live_server: Callable[[sa.Engine], str],
    screen: Screen,
) -> None:
    address, page = live_server(town.database), screen.open()
    look = check_page if screen.has_script else _at_least_no_scroll

    log_in(page, address)
    expect(page.get_by_role("heading", name="Slå på totrinnsbekreftelse")).to_be_visible()
    look(page)
    expect(page.locator("img.qr")).to_be_visible()
    assert page.locator("img.qr").evaluate("e => e.naturalWidth") > 100
    secret = page.locator("code.strong").inner_text().replace(" ", "")
    page.get_by_label("Kode", exact=True).fill("12")
    page.get_by_role("button", name="Slå på").click()
    expect(page.locator(".ds-error-summary")).to_be_visible()
    look(page)
    page.get_by_label("Kode", exact=True).fill(unused_code(town, secret))
    page.get_by_role("button", name="Slå på").click()
    expect(page.get_by_role("heading", name="Ta vare på gjenopprettingskodene")).to_be_visible()
    look(page)
    codes = page.locator(".codes code").all_inner_texts()
    assert len(set(codes)) == 10
    page.get_by_role("link", name="Jeg har tatt vare på dem").click()
    expect(page.get_by_role("heading", name="Min konto", level=1)).to_be_visible()
    look(page)

    log_out(page)
    expect(page.locator(".flashes")).to_contain_text("Du er logget ut.")
    log_in(page, address)
    expect(page.get_by_role("heading", name="Skriv koden")).to_be_visible()
    look(page)
    page.get_by_label("Kode", exact=True).fill(unused_code(town, secret))
    page.get_by_role("button", name="Logg inn").click()
    page.goto(f"{address}/administrasjon")
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    page.goto(f"{address}/konto/bekreft?neste=/administrasjon/ansatte/per/avslutt")
    look(page)
    page.get_by_label("Kode", exact=True).fill(codes[0].upper())
    page.get_by_role("button", name="Bekreft").click()
    expect(page.get_by_role("heading", name="Slutter Per Olsen?")).to_be_visible()
    page.goto(f"{address}/konto/passord")
    look(page)
    page.goto(f"{address}/konto")
    expect(page.locator("#totrinn")).to_be_visible()
    expect(page.locator("main")).to_contain_text("9 gjenopprettingskoder er igjen.")


def _at_least_no_scroll(page: Page) -> None:
    # Without script in the page, no check can put one there: what is left is what can be measured from outside.
    wide = page.locator("html").bounding_box()
    assert wide is not None
    assert page.locator("main").bounding_box()["width"] <= wide["width"] == 320  # type: ignore[index]
    for one in page.locator("main :visible").all():
        box = one.bounding_box()
        assert box is None or box["x"] + box["width"] <= 321, one.evaluate("e => e.outerHTML.slice(0, 120)")


def test_guessing_is_answered_on_a_page_that_says_how_long_to_wait(
    town: Cast, live_server: Callable[[sa.Engine], str], new_page: Callable[..., Page]
) -> None:
    address, page = live_server(town.database), new_page(width=320)
    page.goto(f"{address}/logg-inn")
    for _guess in range(6):
        page.get_by_label("Brukernavn").fill("arne")
        page.get_by_label("Passord").fill("et galt passord")
        page.get_by_role("button", name="Logg inn").click()
    expect(page.locator("main")).to_contain_text("Det er prøvd for mange ganger. Prøv igjen om 2 minutter.")
    check_page(page)
