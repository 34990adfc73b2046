"""`bti serve`: the pages, under a server made for it. Refuses to start half-configured, and says what to do."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Mapping
from typing import Any, Literal

import click
import sqlalchemy as sa

from bti.clock import utc_now
from bti.config import Misconfigured, Settings, load_settings, parse_database_url, workflows_folder
from bti.crypto.keys import use_keys
from bti.db import DatabaseUnavailable, be_in, is_behind, open_database, reading
from bti.queries.register import municipality_ids
from bti.queries.sealed_cells import key_problems
from bti.usecases import signed_log
from bti.usecases.readiness import missing_definitions, not_ready
from bti.workflow import own

Server = Literal["gunicorn", "granian"]
# Faster in every run of `make bench`, by a quarter or more on either database.
DEFAULT_SERVER: Server = "granian"
SERVERS: tuple[Server, ...] = ("gunicorn", "granian")
APPLICATION = "bti.cli.serve:application"
# So many new objects are looked through for garbage at once: what some pages make together.
GARBAGE_AFTER = 50_000
# A page takes milliseconds. A worker that is silent for a minute has hung.
_SILENT_SECONDS = 60
_FINISH_SECONDS = 30
_NO_PROXIES = (
    "BTI_HTTPS is set and BTI_PROXIES isn't: wrong passwords from behind one proxy are counted as one person's. If "
    "yours sets X-Forwarded-For, set BTI_PROXIES=1."
)


@click.command()
@click.option("--bind", metavar="ADDRESS:PORT", help="Where to listen.  [default: BTI_BIND, else 127.0.0.1:8000]")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Threads in each process.")
@click.option("--server", type=click.Choice(SERVERS), default=DEFAULT_SERVER, show_default=True)
def serve(bind: str | None, workers: int, threads: int, server: Server) -> None:
    """Serve the pages. Put a proxy that speaks HTTPS in front, and set BTI_HTTPS=1.

    Needs BTI_DATABASE_URL, BTI_SECRET_KEY, BTI_KEYS and BTI_MASTER_KEY_FILE, a database that is up to date, a
    municipality, and somebody who can log in; says what is missing otherwise. Run bti audit run beside it, as another
    user: it signs the audit log.
    """
    settings = checked_settings(os.environ | ({"BTI_BIND": bind} if bind else {}))
    require_free(settings.host, settings.port)
    if settings.https and not settings.proxies:
        click.echo(_NO_PROXIES, err=True)
    for line in unsigned(settings):
        click.echo(line, err=True)
    # Processes that the server starts read the same settings.
    os.environ["BTI_BIND"] = settings.bind
    click.echo(f"Serving on http://{settings.bind} ({server}, {workers} processes of {threads} threads).", err=True)
    run_server(server, APPLICATION, host=settings.host, port=settings.port, workers=workers, threads=threads)


def checked_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings once everything is there to serve. Raises Misconfigured with all that is missing."""
    problems: list[str] = []
    settings: Settings | None = None
    all_read = True
    try:
        settings = load_settings(environ)
    except Misconfigured as wrong:
        problems += wrong.problems
    try:
        # Before the database: the municipality may follow one of its own.
        own.use(workflows_folder(environ))
    except Misconfigured as wrong:
        problems += wrong.problems
        all_read = False
    try:
        use_keys(environ)
    except Misconfigured as wrong:
        # What can't be opened can't be looked at.
        raise Misconfigured(problems + wrong.problems) from wrong
    problems += _database_problems(environ.get("BTI_DATABASE_URL", "").strip(), all_read=all_read)
    if problems or settings is None:
        raise Misconfigured(problems)
    return settings


def unsigned(settings: Settings) -> list[str]:
    """Return a sentence for every municipality whose log isn't being signed, though entries wait for it."""
    engine = open_database(settings.database_url)
    try:
        with reading(engine) as session:
            states = [_state(session, one) for one in municipality_ids(session)]
    finally:
        engine.dispose()
    now = utc_now()
    return [
        f"The log of {one.municipality_id} isn't being signed: {one.waiting} entries wait, the oldest since "
        f"{one.oldest_at:%Y-%m-%d %H:%M} UTC. Run bti audit run as a service of its own."
        for one in states
        if one.is_stuck(now)
    ]


def _state(session: sa.Connection, municipality_id: str) -> signed_log.LogState:
    be_in(session, municipality_id)
    return signed_log.state(session, municipality_id=municipality_id)


def require_free(host: str, port: int) -> None:
    """Raise Misconfigured when nobody can listen there: the servers would try again, or give up without a reason."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        told = f"Nothing can listen on {host}:{port} ({error.strerror}): stop what does, or choose another with --bind."
        raise Misconfigured([told]) from error


def _database_problems(url: str, *, all_read: bool) -> list[str]:
    try:
        parse_database_url(url)
    except Misconfigured:
        # The settings have said so already.
        return []
    try:
        engine = open_database(url)
    except Misconfigured as wrong:
        return wrong.problems
    try:
        if is_behind(engine):
            return ["The database's schema isn't the one this version needs: run bti db upgrade."]
        with reading(engine) as session:
            # One that is there and couldn't be read isn't missing.
            return key_problems(session) or not_ready(session) + (missing_definitions(session) if all_read else [])
    except DatabaseUnavailable as wrong:
        return [str(wrong)]
    finally:
        engine.dispose()


def application() -> Any:
    """Return the WSGI application of the settings in the environment, for each process of the server."""
    from web import create_app

    use_keys(os.environ)
    app = create_app(load_settings(os.environ))
    # What is there now stays until the process ends: looking through it for garbage again and again would cost pages
    # a tenth of their time.
    gc.collect()
    gc.freeze()
    # A page makes some thousands of objects and lets go of them all at its end: looking through them again and again
    # meanwhile finds nothing.
    gc.set_threshold(GARBAGE_AFTER)
    return app


def run_server(server: Server, target: str, *, host: str, port: int, workers: int, threads: int) -> None:
    """Serve the application that the factory `target` (module:function) makes, until told to stop."""
    run = _run_gunicorn if server == "gunicorn" else _run_granian
    run(target, host, port, workers, threads)


def _run_gunicorn(target: str, host: str, port: int, workers: int, threads: int) -> None:
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it ships none

    options = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "timeout": _SILENT_SECONDS,
        "graceful_timeout": _FINISH_SECONDS,
        "proc_name": "stafett",
        # It would let whoever comes from this machine, so everybody behind a proxy here, say where the pages lie.
        "forwarder_headers": "",
        # Newer ones open a socket in the home folder to be steered by; nothing here steers them.
        "control_socket_disable": True,
    }

    class Pages(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name in options.keys() & self.cfg.settings.keys():
                self.cfg.set(name, options[name])

        def load(self) -> Any:
            return _made_by(target)

    Pages().run()


def _made_by(target: str) -> Any:
    from importlib import import_module

    module, _, factory = target.partition(":")
    return getattr(import_module(module), factory)()


def _run_granian(target: str, host: str, port: int, workers: int, threads: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        target,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=workers,
        blocking_threads=threads,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_FINISH_SECONDS,
    ).serve()
