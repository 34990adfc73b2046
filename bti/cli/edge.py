"""The command line's edge: where the database is found, and how errors become plain words and exit codes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import click
import sqlalchemy as sa

from bti import tenancy
from bti.cli.sentences import sentence
from bti.config import DATABASE_EXAMPLES, Misconfigured, workflows_folder
from bti.crypto.keys import use_keys
from bti.db import DatabaseUnavailable, is_behind, open_database, reading, writing
from bti.errors import Refused, Unopened
from bti.queries.register import municipality_ids
from bti.queries.sealed_cells import key_problems
from bti.usecases.system import System
from bti.workflow import own
from bti.workflow.library import UnknownDefinition

T = TypeVar("T")

# An editor of ours may ask for the traceback; nobody else is ever shown one.
SHOW_TRACEBACK = "BTI_TRACEBACK"


class Plain(click.ClickException):
    """Something to say in plain words before leaving with exit code 1."""

    def show(self, file: Any = None) -> None:
        """Print the message as it is, on standard error."""
        click.echo(self.message, err=True, file=file)


class Commands(click.Group):
    """A group whose commands never end in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn what it raises into plain words."""
        try:
            return super().invoke(ctx)
        except Misconfigured as wrong:
            raise Plain("\n".join(wrong.problems)) from wrong
        except DatabaseUnavailable as wrong:
            raise Plain(str(wrong)) from wrong
        except Refused as refusal:
            raise Plain(sentence(refusal)) from refusal
        except Unopened as shut:
            raise Plain(f"A sealed cell doesn't open: {shut}. Nothing was done.") from shut
        except UnknownDefinition as wrong:
            told = f"There is no definition {wrong}: set BTI_WORKFLOWS to the folder in which it lies."
            raise Plain(told) from wrong
        except (click.ClickException, click.exceptions.Exit, click.Abort, EOFError, BrokenPipeError):
            raise
        except Exception as fault:
            if os.environ.get(SHOW_TRACEBACK) == "1":
                raise
            told = f"This shouldn't have happened ({type(fault).__name__}). {SHOW_TRACEBACK}=1 shows where."
            raise Plain(told) from fault


@contextmanager
def any_database(environ: Mapping[str, str] = os.environ) -> Iterator[sa.Engine]:
    """Give the database of BTI_DATABASE_URL, whatever its schema. Raises Misconfigured, DatabaseUnavailable."""
    url = environ.get("BTI_DATABASE_URL", "").strip()
    if not url:
        raise Misconfigured([f"BTI_DATABASE_URL isn't set: say where the database is, {DATABASE_EXAMPLES}."])
    engine = open_database(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def current_database() -> Iterator[sa.Engine]:
    """Give the database, once its schema is this program's, its keys fit and the own definitions are safe.

    Raises Misconfigured, DatabaseUnavailable.
    """
    own.use(workflows_folder(os.environ))
    with keyed_database() as engine:
        with reading(engine) as session:
            problems = key_problems(session)
        if problems:
            raise Misconfigured(problems)
        yield engine


@contextmanager
def keyed_database() -> Iterator[sa.Engine]:
    """Give the database, once its schema is this program's and the keys are there, whatever they fit.

    Raises Misconfigured, DatabaseUnavailable.
    """
    # Before the database is opened: without keys nothing is written, not even an empty file.
    use_keys(os.environ)
    with trail_database() as engine:
        yield engine


@contextmanager
def trail_database() -> Iterator[sa.Engine]:
    """Give the database, once its schema is this program's, for whoever needs the trail alone: no key is asked for.

    Raises Misconfigured, DatabaseUnavailable.
    """
    with any_database() as engine:
        if is_behind(engine):
            raise Misconfigured(["The database's schema isn't the one this version needs: run bti db upgrade."])
        yield engine


municipality_option = click.option(
    "--municipality", metavar="ID", help="Which municipality; may be left out when there is only one."
)


def system_of(engine: sa.Engine, municipality: str | None) -> System:
    """Return the system as actor in this municipality, or in the only one. Raises Plain when that isn't clear."""
    with reading(engine) as session:
        known = municipality_ids(session)
    if not known:
        raise Plain("There is no municipality yet: add one with bti municipality add ID --name NAME.")
    if municipality is None and len(known) > 1:
        raise Plain(f"Say which municipality with --municipality: {', '.join(known)}.")
    chosen = municipality or known[0]
    if chosen not in known:
        raise Plain(f"There is no municipality {chosen!r}. There is: {', '.join(known)}.")
    tenancy.enter(chosen)
    return System(chosen)


def in_one_go(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Run `work` in one transaction and return its result once it is committed."""
    with writing(engine) as session:
        return work(session)
