"""What the surroundings decide: read once at the edge, checked as a whole, then passed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

SECRET_KEY_LENGTH = 32
DEFAULT_BIND = "127.0.0.1:8000"
DEFAULT_TIMEZONE = "Europe/Oslo"
MOST_PROXIES = 5
LOG_FOLDER = "BTI_LOG"
LOG_HOST = "BTI_LOG_HOST"
KEYS_EXAMPLE = "for example /var/lib/stafett-keys, apart from the database and its backup"
DATABASE_EXAMPLES = "for example sqlite:///var/bti.db or postgresql+psycopg://stafett:PASSWORD@localhost:5432/stafett"


class Misconfigured(Exception):
    """Something must be set before the program may start.

    `problems` holds one plain sentence for each thing to set, with an example. None of them repeats a
    value that may be secret.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Settings:
    """What one running installation needs to know. Secrets stay out of its `repr`.

    `https` says that people reach the site over HTTPS, so that cookies may be marked secure. `proxies` is how many
    proxies of one's own stand in front: that many addresses of X-Forwarded-For are believed, counted from the last.
    `workflows` is the folder of the municipality's own definitions.
    """

    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    bind: str = DEFAULT_BIND
    https: bool = False
    timezone: str = DEFAULT_TIMEZONE
    proxies: int = 0
    workflows: Path | None = None

    @property
    def host(self) -> str:
        """The address to listen on, without its port."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to listen on."""
        return int(self.bind.rpartition(":")[2])

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which people read dates."""
        return ZoneInfo(self.timezone)


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from `environ` (usually `os.environ`).

    Raises `Misconfigured` with everything that is missing or half set, not only the first thing.
    """
    values = {name: value.strip() for name, value in environ.items() if name.startswith("BTI_")}
    settings = Settings(
        database_url=values.get("BTI_DATABASE_URL", ""),
        secret_key=values.get("BTI_SECRET_KEY", ""),
        bind=values.get("BTI_BIND") or DEFAULT_BIND,
        https=values.get("BTI_HTTPS") == "1",
        timezone=values.get("BTI_TIMEZONE") or DEFAULT_TIMEZONE,
        proxies=_proxies(values.get("BTI_PROXIES", "")) or 0,
        workflows=workflows_folder(environ),
    )
    problems = [
        *_database_problems(settings.database_url),
        *_secret_key_problems(settings.secret_key),
        *_bind_problems(settings.bind),
        *_https_problems(values.get("BTI_HTTPS", "")),
        *_timezone_problems(settings.timezone),
        *_proxies_problems(values.get("BTI_PROXIES", "")),
    ]
    if problems:
        raise Misconfigured(problems)
    return settings


def workflows_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the folder of BTI_WORKFLOWS, from the root, or None. What lies in it is checked where it is read."""
    given = environ.get("BTI_WORKFLOWS", "").strip()
    return Path(given).absolute() if given else None


def log_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the log's keys: BTI_LOG's, or the one beside a SQLite database.

    The pages have no business there. Raises Misconfigured when there is neither.
    """
    given = environ.get(LOG_FOLDER, "").strip()
    if given:
        return Path(given).absolute()
    url = parse_database_url(environ.get("BTI_DATABASE_URL", "").strip())
    if url.get_backend_name() != "sqlite" or not url.database:
        told = f"{LOG_FOLDER} isn't set: say in which folder the log's keys are, for example /var/lib/stafett-log."
        raise Misconfigured([told])
    return log_folder_beside(Path(url.database))


def log_folder_beside(database: Path) -> Path:
    """Return the folder that belongs to a SQLite database when nothing else is said."""
    return database.absolute().with_name(f"{database.stem}-log")


@dataclass(frozen=True)
class KeySettings:
    """Where the keys are: the folder of the key store, and the master key in a file or, as text, in the environment."""

    store: Path
    master_file: Path | None = None
    master_text: str = field(default="", repr=False)


def key_settings(environ: Mapping[str, str]) -> KeySettings:
    """Return where the keys are. Raises `Misconfigured` with everything that isn't set."""
    store, file, text = (environ.get(f"BTI_{name}", "").strip() for name in ("KEYS", "MASTER_KEY_FILE", "MASTER_KEY"))
    problems = []
    if not store:
        problems.append(f"BTI_KEYS isn't set: name the folder of the key store, {KEYS_EXAMPLE}.")
    if not file and not text:
        problems.append("BTI_MASTER_KEY_FILE isn't set: name the file of the master key; bti keys init makes both.")
    if file and text:
        problems.append("BTI_MASTER_KEY_FILE and BTI_MASTER_KEY are both set: keep one of them.")
    if problems:
        raise Misconfigured(problems)
    return KeySettings(Path(store).absolute(), Path(file).absolute() if file else None, text)


def parse_database_url(url: str) -> URL:
    """Return `url` in parts, once it says everything that is needed to reach a database.

    Raises `Misconfigured` with a sentence for each part that is missing; none of them repeats the URL,
    which may hold a password.
    """
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: the parser's own message repeats the URL, or a piece of the password.
        raise Misconfigured([f"The database URL can't be read: write it in full, {DATABASE_EXAMPLES}."]) from None
    problems = _missing_parts(parts)
    if problems:
        raise Misconfigured(problems)
    return parts


def _missing_parts(parts: URL) -> list[str]:
    if parts.drivername in ("sqlite", "sqlite+pysqlite"):
        return _sqlite_problems(parts)
    if parts.drivername in ("postgresql", "postgresql+psycopg"):
        return _postgresql_problems(parts)
    return [
        f"The database URL begins with {parts.drivername!r}, which Stafett doesn't speak: "
        f"use sqlite or postgresql+psycopg, {DATABASE_EXAMPLES}."
    ]


def _sqlite_problems(parts: URL) -> list[str]:
    if parts.host:
        return [
            "The SQLite URL has two slashes where it needs three (or four for a path from the root): "
            "write for example sqlite:///var/bti.db."
        ]
    if not parts.database or parts.database == ":memory:":
        return ["The SQLite URL names no file to keep the data in: write for example sqlite:///var/bti.db."]
    return []


def _postgresql_problems(parts: URL) -> list[str]:
    wanted = (
        ("a user", parts.username, "stafett@"),
        ("a host", parts.host or parts.query.get("host"), "@localhost:5432"),
        ("a database", parts.database, "/stafett"),
    )
    return [
        f"The PostgreSQL URL doesn't name {what}: add it (… {piece} …), {DATABASE_EXAMPLES}."
        for what, given, piece in wanted
        if not given
    ]


def _database_problems(url: str) -> list[str]:
    if not url:
        return [f"BTI_DATABASE_URL isn't set: say where the database is, {DATABASE_EXAMPLES}."]
    try:
        parse_database_url(url)
    except Misconfigured as wrong:
        return [f"BTI_DATABASE_URL is only half right. {problem}" for problem in wrong.problems]
    return []


def _secret_key_problems(key: str) -> list[str]:
    example = 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
    if not key:
        return [f"BTI_SECRET_KEY isn't set: it protects sessions and forms; {example}."]
    if len(key) < SECRET_KEY_LENGTH:
        return [f"BTI_SECRET_KEY is too short: use at least {SECRET_KEY_LENGTH} characters; {example}."]
    return []


def _bind_problems(bind: str) -> list[str]:
    host, colon, port = bind.rpartition(":")
    if host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
        return []
    return [f"BTI_BIND is {bind!r}: write an address and a port between 1 and 65535, for example {DEFAULT_BIND}."]


def _https_problems(https: str) -> list[str]:
    if https in ("", "0", "1"):
        return []
    return [f"BTI_HTTPS is {https!r}: write 1 when people reach the site over HTTPS, otherwise 0."]


def _timezone_problems(timezone: str) -> list[str]:
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        return [f"BTI_TIMEZONE is {timezone!r}, an unknown time zone: write for example {DEFAULT_TIMEZONE}."]
    return []


def _proxies(text: str) -> int | None:
    count = int(text) if text.isascii() and text.isdigit() and len(text) == 1 else None
    return count if count is None or count <= MOST_PROXIES else None


def _proxies_problems(text: str) -> list[str]:
    if not text or _proxies(text) is not None:
        return []
    return [
        f"BTI_PROXIES is {text!r}: write how many proxies of your own stand in front and set X-Forwarded-For, from 0 "
        f"to {MOST_PROXIES}."
    ]
