"""What a test of pages may ask for: `cast` (the town in a database), `client_of(name)`, `stranger`, `queries`.

`cast` and the application share one database and one clock: what `cast.wonder()` does is on the page, and
`cast.later(days=3)` moves the page's clock too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from bti.config import Settings
from tests.cast import Cast, settle
from tests.web.visitor import Visitor


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database a test runs on; `on_both_databases` gives both."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def cast(kind: str, request: pytest.FixtureRequest) -> Cast:
    """The town and its people in a fresh database."""
    return settle(request.getfixturevalue(f"{kind}_database"))


@pytest.fixture(scope="session")
def application() -> Flask:
    """The application, made once: its templates are read once. Ask for `app`, which stands on a database."""
    from web import create_app

    settings = Settings(database_url="sqlite:///nowhere.db", secret_key="only-for-tests-" + "x" * 32)
    return create_app(settings, database=object())


@pytest.fixture
def app(application: Flask, cast: Cast) -> Flask:
    """The application on the cast's database and clock."""
    application.extensions["bti_database"] = cast.database
    application.extensions["bti_clock"] = lambda: cast.now
    application.extensions.pop("bti_municipalities", None)
    return application


@pytest.fixture
def app_behind(cast: Cast) -> Callable[..., Flask]:
    """A function that makes another application on the cast's database and clock: `app_behind(https=True)`."""
    from web import create_app

    def make(**more: Any) -> Flask:
        settings = Settings(database_url="sqlite:///nowhere.db", secret_key="only-for-tests-" + "x" * 32, **more)
        return create_app(settings, database=cast.database, clock=lambda: cast.now)

    return make


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    """Somebody who isn't logged in."""
    return Visitor(app)


@pytest.fixture
def client_of(app: Flask, cast: Cast) -> Callable[[str], Visitor]:
    """A function that logs a person of the cast in, each in a browser of their own: `client_of("kari")`."""
    known: dict[str, Visitor] = {}

    def log_in(name: str) -> Visitor:
        if name not in known:
            known[name] = Visitor(app, name).log_in(cast.municipality_id, cast.id(name))
        return known[name]

    return log_in


@pytest.fixture
def queries(cast: Cast) -> Callable[[], object]:
    """A function for counting statements: `with queries() as said: …; assert len(said) < 20`."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        said: list[str] = []

        def heard(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            said.append(statement)

        engine: Engine = cast.database
        event.listen(engine, "before_cursor_execute", heard)
        try:
            yield said
        finally:
            event.remove(engine, "before_cursor_execute", heard)

    return counting
