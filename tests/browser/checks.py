"""What must hold for every page, whoever looks and however: WCAG 2.2 AA as far as a machine can see it.

Each check returns sentences on what is wrong, or an empty list. `check_page` runs them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE_RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
NARROW = 320
TARGET_PIXELS = 24
# More stops than any of our pages has: beyond it the focus goes in circles.
MOST_STOPS = 400

# Shared by the scripts below: what a person can see, and a name by which a developer can find it.
COMMON = """
const shown = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true})
    && e.getClientRects().length > 0 && !e.closest('[inert]');
const named = e => '<' + e.tagName.toLowerCase() + (e.id ? ' #' + e.id : '')
    + (e.getAttribute('name') ? ' name=' + e.getAttribute('name') : '') + '> '
    + (e.innerText || e.getAttribute('aria-label') || '').trim().replace(/\\s+/g, ' ').slice(0, 40);
// How a control looks, or the label or field that draws its focus: what has the focus must look different.
const look = e => [e, ...(e.labels || []), e.closest('.ds-field')].filter(Boolean).map(x => {
    const s = getComputedStyle(x);
    return [s.outline, s.boxShadow, s.border, s.background, s.textDecoration].join();
}).join();
const controls = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], iframe';
"""

SPACING = """
* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p { margin-bottom: 2em !important; }
"""


def check_page(page: Page, *, axe: bool = True) -> None:
    """Fail with everything that is wrong with the page as it stands; leave it as it was found.

    `axe=False` leaves out the slowest check, for a page that has been through it in the same state.
    """
    checks = [
        has_title_and_unique_ids,
        no_style_attributes,
        targets_large_enough,
        no_horizontal_scroll,
        survives_text_spacing,
        tab_reaches_everything,
        *([axe_clean] if axe else []),
    ]
    wrong = [f"{check.__name__}: {finding}" for check in checks for finding in check(page)]
    assert not wrong, f"{page.url} ({page.title()}):\n" + "\n".join(wrong)


def axe_clean(page: Page) -> list[str]:
    """Run axe: WCAG 2.2 A and AA, and its best practices."""
    found = Axe().run(page, options=AXE_RULES).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['html'][:160]}"
        for rule in found
        for node in rule["nodes"]
    ]


def has_title_and_unique_ids(page: Page) -> list[str]:
    """See that the page has a title, a language, one main heading, and that no id stands twice."""
    return _look(
        page,
        """
        const wrong = [];
        if (!document.title.trim()) wrong.push('the page has no title');
        if (!document.documentElement.lang) wrong.push('the page says no language');
        const headings = [...document.querySelectorAll('h1')].filter(shown).length;
        if (headings !== 1) wrong.push(`the page has ${headings} main headings (h1)`);
        const seen = new Set();
        for (const e of document.querySelectorAll('[id]')) {
            if (seen.has(e.id)) wrong.push(`the id "${e.id}" stands twice`);
            seen.add(e.id);
        }
        return wrong;
        """,
    )


def no_style_attributes(page: Page) -> list[str]:
    """See that nothing is styled or scripted in the markup: the content security policy forbids it."""
    return _look(
        page,
        """
        const wrong = [];
        for (const e of document.querySelectorAll('*')) {
            for (const a of e.attributes)
                if (a.name === 'style' || a.name.startsWith('on'))
                    wrong.push(`${named(e)} has ${a.name}="${a.value}"`);
            if (e.tagName === 'STYLE') wrong.push('a style element stands in the page');
            if (e.tagName === 'SCRIPT' && !e.src && !(e.type || '').includes('json'))
                wrong.push('a script stands in the page');
        }
        return wrong;
        """,
    )


def targets_large_enough(page: Page) -> list[str]:
    """See that what is pressed is 24 by 24 pixels or has that much room (WCAG 2.5.8).

    Links within a sentence are excepted, as there; and boxes whose label is the larger target.
    """
    return _look(
        page,
        """
        const small = [];
        const box = e => {
            const own = e.getBoundingClientRect();
            if (!['checkbox', 'radio'].includes(e.type) || !e.labels[0] || !shown(e.labels[0])) return own;
            const label = e.labels[0].getBoundingClientRect();
            return new DOMRect(Math.min(own.x, label.x), Math.min(own.y, label.y),
                Math.max(own.right, label.right) - Math.min(own.x, label.x),
                Math.max(own.bottom, label.bottom) - Math.min(own.y, label.y));
        };
        const inSentence = e => e.tagName === 'A' && getComputedStyle(e).display === 'inline'
            && [...e.parentElement.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        // A skip link is one pixel large until it has the focus.
        const hidden = r => r.width <= 1 || r.height <= 1 || r.right <= 0 || r.bottom + scrollY <= 0;
        const targets = [...document.querySelectorAll(controls)]
            .filter(e => shown(e) && !e.disabled)
            // A part of the page that takes the focus isn't pressed.
            .filter(e => e.tabIndex >= 0 || e.matches('a, button, input, select, textarea'))
            .map(e => ({e, r: box(e)})).filter(t => !hidden(t.r));
        const gap = (a, b) => {
            const x = Math.max(b.left - (a.left + a.right) / 2, (a.left + a.right) / 2 - b.right, 0);
            const y = Math.max(b.top - (a.top + a.bottom) / 2, (a.top + a.bottom) / 2 - b.bottom, 0);
            return Math.hypot(x, y);
        };
        for (const {e, r} of targets) {
            if ((r.width >= least - 0.5 && r.height >= least - 0.5) || inSentence(e)) continue;
            const near = targets.find(
                o => !o.e.contains(e) && !e.contains(o.e) && gap(r, o.r) < least / 2);
            if (near) small.push(`${named(e)} is ${Math.round(r.width)} by ${Math.round(r.height)} pixels`
                + ` and close to ${named(near.e)}`);
        }
        return small;
        """,
        least=TARGET_PIXELS,
    )


def no_horizontal_scroll(page: Page) -> list[str]:
    """See that at 320 pixels nothing sticks out to the side (WCAG 1.4.10), save in a table's own scroller."""
    with _width(page, NARROW):
        return _overflow(page, f"at {NARROW} pixels")


def survives_text_spacing(page: Page) -> list[str]:
    """See that nothing is cut off or sticks out with the spacing a reader may ask for (WCAG 1.4.12)."""
    with _width(page, NARROW), _adopted(page, SPACING):
        return [
            *_overflow(page, "with wide text"),
            *_look(
                page,
                """
                return [...document.querySelectorAll('body *')].filter(e => {
                    if (!shown(e) || !e.innerText || !e.innerText.trim()) return false;
                    const box = e.getBoundingClientRect();
                    if (box.width <= 1 || box.height <= 1) return false;
                    const style = getComputedStyle(e);
                    const cuts = v => v === 'hidden' || v === 'clip';
                    return (cuts(style.overflowY) && e.scrollHeight > e.clientHeight + 1)
                        || (cuts(style.overflowX) && e.scrollWidth > e.clientWidth + 1);
                }).map(e => `${named(e)} cuts off its text when the spacing is wide`);
                """,
            ),
        ]


def tab_reaches_everything(page: Page) -> list[str]:
    """See that the Tab key alone reaches every control, that none holds it, and that each shows the focus."""
    expected = _look(
        page,
        """
        // Tab goes on from where the focus was last, even when it is gone: take it to the top.
        const before = document.body.getAttribute('tabindex');
        document.body.tabIndex = -1;
        document.body.focus({preventScroll: true});
        if (before === null) document.body.removeAttribute('tabindex');
        else document.body.setAttribute('tabindex', before);
        const stops = [...document.querySelectorAll(controls)].filter(e => {
            if (!shown(e) || e.disabled || e.matches(':disabled') || e.tabIndex < 0) return false;
            // Of a group of radio buttons, Tab reaches the chosen one, or one for them all.
            if (e.type !== 'radio' || !e.name) return true;
            const group = [...document.getElementsByName(e.name)]
                .filter(o => o.form === e.form && !o.disabled);
            const chosen = group.find(o => o.checked);
            return chosen ? e === chosen : e === group[0];
        });
        window.stops = new Map(stops.map(e => [e, look(e)]));
        window.stopped = new Set();
        return stops.map(named);
        """,
    )
    wrong = []
    for _ in range(min(len(expected) + 5, MOST_STOPS)):
        page.keyboard.press("Tab")
        wrong += _look(
            page,
            """
            const e = document.activeElement;
            if (!e || e === document.body || window.stopped.has(e)) return [];
            window.stopped.add(e);
            if (e.type === 'radio') document.getElementsByName(e.name).forEach(o => window.stopped.add(o));
            const s = getComputedStyle(e);
            const outlined = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0;
            if (outlined || !window.stops.has(e) || window.stops.get(e) !== look(e)) return [];
            return [`${named(e)} doesn't show that it has the focus`];
            """,
        )
    missed = _look(
        page,
        """
        const missed = [...window.stops.keys()].filter(e => !window.stopped.has(e));
        delete window.stops; delete window.stopped;
        if (document.activeElement) document.activeElement.blur();
        return missed.map(named);
        """,
    )
    return wrong + [f"{name} can't be reached with Tab" for name in missed]


def _overflow(page: Page, when: str) -> list[str]:
    return _look(
        page,
        """
        const wide = document.documentElement.scrollWidth, room = document.documentElement.clientWidth;
        if (wide <= room) return [];
        const out = [...document.querySelectorAll('body *')].filter(
            e => shown(e) && e.getBoundingClientRect().right > room + 1);
        const worst = out.filter(e => !out.some(o => o !== e && e.contains(o))).slice(0, 5).map(named);
        return [`the page scrolls sideways ${when} (${wide} > ${room}): ${worst.join('; ')}`];
        """,
        when=when,
    )


def _look(page: Page, script: str, **given: Any) -> list[str]:
    names = ", ".join(given)
    result: list[str] = page.evaluate(f"({{{names}}}) => {{ {COMMON} {script} }}", given)
    return result


@contextmanager
def _width(page: Page, pixels: int) -> Iterator[None]:
    before = page.viewport_size
    page.set_viewport_size({"width": pixels, "height": before["height"] if before else 800})
    try:
        yield
    finally:
        if before:
            page.set_viewport_size(before)


@contextmanager
def _adopted(page: Page, css: str) -> Iterator[None]:
    # A style element would break the content security policy that the page is served with.
    page.evaluate(
        """css => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(css);
            document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
        }""",
        css,
    )
    try:
        yield
    finally:
        page.evaluate("() => { document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1); }")
