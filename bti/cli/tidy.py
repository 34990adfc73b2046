"""`bti tidy`: for a timer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
import sqlalchemy as sa

from bti import tenancy
from bti.cli.edge import current_database
from bti.clock import utc_now
from bti.db import reading, writing
from bti.errors import NotPossible
from bti.queries.register import municipality_ids
from bti.usecases import sessions, throttling, tidying
from bti.usecases.doors import tidy_expired
from bti.usecases.system import System

_Tidy = Callable[[sa.Connection, str], int]


@click.command()
def tidy() -> None:
    """Write down what has run out.

    That is offers of the baton, consents, forgotten import files and sessions. Run it once an hour. Nothing depends
    on it being on time: what is past its date is closed from that day on. Exits 1 when a case could not be tidied
    because nobody could hold its baton.
    """
    counts = {
        "offers expired": 0,
        "doors closed": 0,
        "batons passed on": 0,
        "import files thrown away": 0,
        "sessions ended": 0,
        "sessions forgotten": 0,
    }
    stuck: list[str] = []
    with current_database() as engine:
        with reading(engine) as session:
            known = municipality_ids(session)
        for municipality_id in known:
            with tenancy.within(municipality_id):
                _tidy_municipality(engine, System(municipality_id), counts, stuck)
    click.echo(", ".join(f"{number} {what}" for what, number in counts.items()))
    for reference in stuck:
        click.echo(f"Case {reference}: nobody can hold the baton. Give its unit a leader.", err=True)
    if stuck:
        raise SystemExit(1)


def _tidy_municipality(engine: sa.Engine, actor: System, counts: dict[str, int], stuck: list[str]) -> None:
    here, now = actor.municipality_id, utc_now()
    with reading(engine) as session:
        offers = tidying.cases_with_old_offers(session, municipality_id=here, now=now)
        doors = tidying.cases_with_old_doors(session, municipality_id=here, now=now)
        unheld = tidying.cases_nobody_holds(session, municipality_id=here)
    steps: tuple[tuple[str, Iterable[str], _Tidy], ...] = (
        ("offers expired", offers, lambda s, case: tidying.expire_offer(s, actor=actor, case_id=case, now=now)),
        ("doors closed", doors, lambda s, case: tidy_expired(s, actor=actor, case_id=case, now=now)),
        ("batons passed on", unheld, lambda s, case: tidying.let_baton_fall(s, actor=actor, case_id=case, now=now)),
    )
    for what, case_ids, step in steps:
        for case_id in case_ids:
            # One case at a time: nobody waits for more than the one they work in, and one stuck case stops no other.
            try:
                with writing(engine) as session:
                    counts[what] += int(step(session, case_id))
            except NotPossible as refusal:
                stuck.append(refusal.details.get("case", case_id))
    with writing(engine) as session:
        counts["import files thrown away"] += tidying.forget_files(session, municipality_id=here, now=now)
    with writing(engine) as session:
        ended, forgotten = sessions.tidy(session, actor=actor, now=now)
        counts["sessions ended"] += ended
        counts["sessions forgotten"] += forgotten
        throttling.forget(session, municipality_id=here, now=now)
