"""A real browser, against the application as it is served. Fixtures: `browser`, `page`, `live_server`."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright
from sqlalchemy import Engine
from werkzeug.serving import make_server

from bti.config import Settings
from tests.required import do_without

HERE = Path(__file__).parent
NAMES = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--disable-gpu",
    "--no-first-run",
    # Nothing leaves the machine: no updates, no synchronisation, no guesses at what comes next.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
WIDTHS = {"phone": 320, "laptop": 1280}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once for each test process; skips if there is none."""
    program = _chromium() or do_without("browser", "no Chromium: run `make browser`, or set BTI_CHROMIUM")
    # Chromium refuses its sandbox to root.
    arguments = ARGUMENTS + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        started = _launched(playwright, program, arguments)
        if isinstance(started, str):
            do_without("browser", started)
        yield started
        started.close()


def _launched(playwright: Playwright, program: str, arguments: list[str]) -> Browser | str:
    """Start Chromium, or return the reason why it can't."""
    try:
        return playwright.chromium.launch(executable_path=program, args=arguments)
    except Error as error:
        return f"{program} doesn't start: {error.message.splitlines()[0]}"


def _chromium() -> str | None:
    if given := os.environ.get("BTI_CHROMIUM"):
        return given
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A function that opens a page with a session of its own: one for each person in the story.

    `new_page(width=1280, height=800, **context)` takes what Playwright's `new_context` takes besides. The
    test fails at its end if any page broke the content security policy or raised an error in a script.
    """
    complaints: list[str] = []
    with ExitStack() as opened:

        def make(width: int = WIDTHS["laptop"], height: int = 800, **context: Any) -> Page:
            here = {"locale": "nb-NO", "timezone_id": "Europe/Oslo"}
            session = browser.new_context(viewport={"width": width, "height": height}, **{**here, **context})
            opened.callback(session.close)
            session.set_default_timeout(10_000)
            page = session.new_page()
            listen(page, complaints)
            return page

        yield make
    assert not complaints, "the page broke its own rules:\n" + "\n".join(complaints)


@dataclass(frozen=True)
class Screen:
    """How somebody looks at pages. `open` gives another person's page, looked at in the same way."""

    has_script: bool
    open: Callable[[], Page]


@pytest.fixture(
    params=[(WIDTHS["laptop"], {}), (WIDTHS["phone"], {"color_scheme": "dark", "java_script_enabled": False})],
    ids=["laptop", "phone, dark, without script"],
)
def screen(request: pytest.FixtureRequest, new_page: Callable[..., Page]) -> Screen:
    """The two ends of how people look: a laptop with all there is, and a phone that is dark and runs no script."""
    width, more = request.param
    return Screen(more.get("java_script_enabled", True), lambda: new_page(width=width, **more))


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """One page, 1280 pixels wide."""
    return new_page()


def listen(page: Page, complaints: list[str]) -> None:
    """Collect into `complaints` what the page does against its content security policy, and script errors."""

    def on_console(message: Any) -> None:
        # Other errors are for the test to judge: a refused form logs its 403 too.
        if message.type == "error" and "Content Security Policy" in message.text:
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error.message}"))


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve the application in a thread on a free loopback port; give its address, without a last slash."""
    from web import create_app

    server = make_server("127.0.0.1", 0, create_app(settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="live-server", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()


@pytest.fixture
def live_server() -> Iterator[Callable[[Engine], str]]:
    """A function that serves the application on a database and returns its address.

    `address = live_server(database)`; every server is stopped when the test ends.
    """
    with ExitStack() as running:
        yield lambda database: running.enter_context(
            serving(
                Settings(
                    database_url=database.url.render_as_string(hide_password=False),
                    secret_key="only-for-tests-" + "x" * 32,
                )
            )
        )
