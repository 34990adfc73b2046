"""A check that can't fail checks nothing: each one meets a page that is made to fail it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import checks
from tests.browser.conftest import listen

GOOD = """<!doctype html><html lang="nb"><head><meta charset="utf-8"><title>En side</title></head><body>
<a href="#innhold">Hopp til innhold</a>
<main id="innhold"><h1>En side</h1>
<p>Les <a href="#mer">mer om dette</a> her.</p>
<form><p><label for="navn">Navn</label> <input id="navn" name="navn"></p>
<fieldset><legend>Hvem</legend>
<label><input type="radio" name="hvem" value="a"> Alle</label>
<label><input type="radio" name="hvem" value="b"> Bare jeg</label></fieldset>
<p><button>Lagre</button></p></form>
<p id="mer">Slutt.</p></main></body></html>"""

LONG = "Tverretatligsamarbeidskoordineringsansvarlig"


def bad(*pieces: str) -> str:
    """Return the good page with something wrong added to its form."""
    return GOOD.replace("</main>", "".join(pieces) + "</main>")


class TestAGoodPage:
    @pytest.mark.parametrize("width", [320, 1280])
    def test_passes_every_check_and_is_left_as_it_was(self, new_page, width):
        page = new_page(width=width)
        page.set_content(GOOD)
        checks.check_page(page)
        assert page.viewport_size == {"width": width, "height": 800}
        assert page.evaluate("document.adoptedStyleSheets.length") == 0
        assert page.evaluate("'stops' in window") is False


@pytest.mark.parametrize(
    ("check", "html", "says"),
    [
        (checks.axe_clean, bad("<img src='data:,'>"), "image-alt"),
        (checks.axe_clean, bad("<p style='color:#bbb;background:#fff'>Lys tekst</p>"), "color-contrast"),
        (checks.has_title_and_unique_ids, GOOD.replace("En side</title>", "</title>"), "no title"),
        (checks.has_title_and_unique_ids, GOOD.replace(' lang="nb"', ""), "no language"),
        (checks.has_title_and_unique_ids, bad("<h1>Enda en</h1>"), "2 main headings"),
        (checks.has_title_and_unique_ids, bad("<p id='mer'>Mer</p>"), '"mer" stands twice'),
        (checks.no_style_attributes, bad("<p style='color:red'>Rød</p>"), "style="),
        (checks.no_style_attributes, bad("<p onclick='x()'>Trykk</p>"), "onclick="),
        (checks.no_style_attributes, bad("<style>p { color: red }</style>"), "style element"),
        (checks.no_style_attributes, bad("<script>1</script>"), "a script"),
        (
            checks.targets_large_enough,
            bad("<button style='padding:0;width:9px;height:9px'></button>" * 2),
            "is 9 by 9 pixels",
        ),
        (checks.no_horizontal_scroll, bad("<p style='width:500px'>Bred</p>"), "scrolls sideways"),
        (checks.no_horizontal_scroll, bad(f"<p>{LONG * 2}</p>"), "scrolls sideways"),
        (
            checks.survives_text_spacing,
            bad("<p style='height:20px;line-height:20px;overflow:hidden;width:90px'>Kort om saken</p>"),
            "cuts off its text",
        ),
        (checks.survives_text_spacing, bad(f"<p style='font-size:12px'>{LONG}</p>"), "scrolls sideways"),
        (
            checks.tab_reaches_everything,
            bad("<button id='felle' onkeydown='event.preventDefault()'>Felle</button><button>Bak</button>"),
            "Bak can't be reached",
        ),
        (
            checks.tab_reaches_everything,
            bad("<button style='outline:0;box-shadow:0 0 2px #000'>Usynlig</button>"),
            "doesn't show",
        ),
    ],
)
def test_each_check_fails_on_a_page_made_to_fail_it(page: Page, check, html, says):
    page.set_content(html)
    findings = check(page)
    assert any(says in finding for finding in findings), findings
    with pytest.raises(AssertionError, match=check.__name__):
        # axe is slow, and runs only for what it alone finds.
        checks.check_page(page, axe=check is checks.axe_clean)


def test_a_broken_content_security_policy_is_heard(browser: Browser):
    complaints: list[str] = []
    page = browser.new_page()
    listen(page, complaints)
    page.set_content(
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\"><p style='color:red'>Rød"
    )
    page.wait_for_timeout(100)
    page.close()
    assert complaints
    assert "style" in complaints[0]
