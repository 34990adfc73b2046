"""`bti demo`: an invented municipality to try everything in. Never touches a database that isn't marked as a demo."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import sqlalchemy as sa

from bti.cli.edge import Plain
from bti.cli.keys import demo_keys
from bti.cli.serve import APPLICATION, DEFAULT_SERVER, require_free, run_server
from bti.clock import utc_now
from bti.config import (
    DEFAULT_BIND,
    LOG_FOLDER,
    LOG_HOST,
    Settings,
    load_settings,
    log_folder_beside,
    parse_database_url,
    workflows_folder,
)
from bti.crypto.keys import use_keys
from bti.db import is_behind, open_database, reading, upgrade
from bti.demo.marks import mark_of
from bti.demo.seed import NotADemo, make, make_anew
from bti.demo.town import STAFF, UNITS
from bti.private import write_new
from bti.queries.sealed_cells import key_problems
from bti.workflow import own

DEFAULT_DATABASE = "var/demo.db"
KEY_FILE = Path("var/demo.key")
# The demo's log is called after nobody's installation.
HOST = "demo.example"
NOT_A_DEMO = (
    "This database isn't a demo: it holds a municipality that isn't marked as one, or something else altogether. "
    "Nothing in it was touched. Name another with --database."
)
OTHER_KEYS = (
    "This demo is sealed with other keys than those in var/, or not sealed at all: it was made elsewhere, or by an "
    "older version. Make it anew with bti demo --reset, or name another with --database."
)


@click.command()
@click.option("--reset", is_flag=True, help="Throw the demo away and begin anew.")
@click.option("--bind", metavar="ADDRESS:PORT", default=DEFAULT_BIND, show_default=True, help="Where to listen.")
@click.option("--no-serve", is_flag=True, help="Only make the database.")
@click.option("--database", metavar="FILE|URL", default=DEFAULT_DATABASE, show_default=True, help="Where to keep it.")
def demo(reset: bool, bind: str, no_serve: bool, database: str) -> None:
    """Serve an invented municipality to try things in.

    You log in as anybody, without a password. Keeps what is there already. The database is never that of
    BTI_DATABASE_URL, only what --database says.
    """
    own.use(workflows_folder(os.environ))
    os.environ.update(demo_keys(KEY_FILE.parent))
    use_keys(os.environ)
    url = _url(database)
    settings = None if no_serve else _settings(url, bind)
    _prepare(url, reset=reset)
    click.echo(_people())
    if settings:
        click.echo(f"\nOpen http://{settings.bind} and choose who to be. Ctrl-C ends it; what you did there is kept.")
        with _signed(url):
            run_server(DEFAULT_SERVER, APPLICATION, host=settings.host, port=settings.port, workers=2, threads=4)


# --- where and how ------------------------------------------------------------------------------------------------


def _url(database: str) -> str:
    if "://" in database:
        parse_database_url(database)
        return database
    return f"sqlite:///{Path(database).absolute()}"


def _settings(url: str, bind: str) -> Settings:
    """Return what serving needs, once the port is free. The server's processes read it from the environment."""
    demo_only = {"BTI_DATABASE_URL": url, "BTI_SECRET_KEY": _secret_key(), "BTI_BIND": bind, "BTI_HTTPS": "0"}
    settings = load_settings({**os.environ, **demo_only})
    require_free(settings.host, settings.port)
    os.environ.update(demo_only)
    return settings


@contextmanager
def _signed(url: str) -> Iterator[None]:
    """Let a process of its own sign the demo's log meanwhile, as a service does in use. It ends with this one."""
    environ = {**os.environ, LOG_FOLDER: str(_log_folder(url)), LOG_HOST: HOST}
    environ.pop("BTI_WITNESSES", None)
    command = [sys.executable, "-c", "from bti.cli import main; main()", "audit", "run", "--with-parent"]
    # In a session of its own: an interrupt at the keyboard is for this one, which ends the other afterwards.
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, start_new_session=True) as sequencer:  # noqa: S603
        try:
            yield
        finally:
            sequencer.terminate()


def _log_folder(url: str) -> Path:
    """Return where a demo's log keys are: beside its own database, or where demos are."""
    file = parse_database_url(url).database
    return log_folder_beside(Path(file)) if url.startswith("sqlite") and file else Path("var/demo-log").absolute()


def _secret_key() -> str:
    """Return the demo's own key, made the first time, so that whoever is logged in stays so after a restart."""
    if not KEY_FILE.exists():
        KEY_FILE.parent.mkdir(parents=True, exist_ok=True)
        write_new(KEY_FILE, secrets.token_urlsafe(48).encode("ascii"))
    return KEY_FILE.read_text("ascii").strip()


# --- what is in it ------------------------------------------------------------------------------------------------


def _prepare(url: str, *, reset: bool) -> None:
    mark = mark_of(url)
    if mark == "other":
        raise Plain(NOT_A_DEMO)
    file = parse_database_url(url).database
    if mark == "empty" and file and url.startswith("sqlite"):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    database = open_database(url)
    try:
        if mark == "demo" and is_behind(database):
            upgrade(database)
        if mark == "empty" or reset:
            _seed(database, anew=mark == "demo")
            # What was signed of the demo before is no past of this one.
            shutil.rmtree(_log_folder(url), ignore_errors=True)
        with reading(database) as session:
            if key_problems(session):
                raise Plain(OTHER_KEYS)
    except NotADemo:
        # Somebody was faster between the first look and the transaction.
        raise Plain(NOT_A_DEMO) from None
    finally:
        database.dispose()


def _seed(database: sa.Engine, *, anew: bool) -> None:
    with click.progressbar(length=1, label="Making Fjordvik kommune", show_eta=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        (make_anew if anew else make)(database, utc_now(), progress)


def _people() -> str:
    """Return the table of people to log in as."""
    rows = [(one.name, f"{one.title}, {UNITS[one.unit].name}", one.try_this) for one in STAFF.values() if one.try_this]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    lines = [f"{name:{first}}  {role:{second}}  {try_this}" for name, role, try_this in [_HEADINGS, *rows]]
    return "\n".join(["", *lines, "", "Everybody here is invented. There are more of them on the login page."])


_HEADINGS = ("Log in as", "Who", "What to try")
