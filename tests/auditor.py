"""The auditor's hands, and what others leave for an auditor to find."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.clock import local_day
from bti.db import writing
from bti.models import (
    audit_entries,
    break_glass,
    cases,
    consent_events,
    consent_parties,
    consent_units,
    consents,
    disclosures,
    memberships,
    new_id,
)
from bti.usecases import auditing, legal_basis, reading
from bti.usecases.auditing import ConsentFilter, LogFilter
from bti.usecases.auditing_access import AccessThen, access_at
from bti.usecases.auditing_copies import export_consents, export_expired, export_log
from bti.workflow.library import load_definition
from tests.cast import HERE, MONDAY, Cast
from tests.keys import put

EVERYTHING = LogFilter()


def look_up(cast: Cast, find: Callable[..., Any], *, by: str = "tove", **asked: Any) -> Any:
    """Let an auditor look something up the way the page does."""
    actor = cast.actor(by)
    return audit.show(cast.database, lambda session: find(session, actor=actor, now=cast.now, **asked))


def search(cast: Cast, *, by: str = "tove", before: str | None = None, **filters: Any) -> Any:
    return look_up(cast, auditing.access_log, by=by, filters=LogFilter(**filters), before=before)


def ask(cast: Cast, key: str, *, by: str = "tove", **filters: Any) -> Any:
    return look_up(cast, auditing.question, by=by, key=key, filters=LogFilter(**filters))


def list_consents(cast: Cast, *, as_of: datetime | None = None, before: str | None = None, **filters: Any) -> Any:
    return look_up(cast, auditing.consents, filters=ConsentFilter(**filters), as_of=as_of, before=before)


def dossier(cast: Cast, consent_id: str, *, as_of: datetime | None = None) -> Any:
    return look_up(cast, auditing.consent, consent_id=consent_id, as_of=as_of)


def who_had_access(cast: Cast, case_id: str, moment: datetime | None = None, *, by: str = "tove") -> AccessThen:
    found: AccessThen = look_up(cast, access_at, by=by, case=reference(cast, case_id), moment=moment)
    return found


def log_csv(cast: Cast, *, question: str | None = None, **filters: Any) -> str:
    return str(look_up(cast, export_log, filters=LogFilter(**filters), question=question))


def expired_csv(cast: Cast, **filters: Any) -> str:
    return str(look_up(cast, export_expired, filters=LogFilter(**filters)))


def consents_csv(cast: Cast) -> str:
    return str(look_up(cast, export_consents, filters=ConsentFilter(), as_of=None))


def reference(cast: Cast, case_id: str) -> str:
    with writing(cast.database) as session:
        return str(session.execute(sa.select(cases.c.reference).where(cases.c.id == case_id)).scalar_one())


def read(cast: Cast, case_id: str, *, by: str) -> None:
    """Let somebody open the case the way the page does."""
    with writing(cast.database) as session:
        reading.read_case(session, actor=cast.actor_in(session, by), case_id=case_id, now=cast.now)


def plant(cast: Cast, case_id: str, *, by: str, basis: str, view: str = "full", unit: str | None = None) -> int:
    """Write a read into the trail that no door of ours would have let happen; return its number."""
    with writing(cast.database) as session:
        audit.record(
            session, actor=cast.actor_in(session, by), municipality_id=HERE, event="case.read", now=cast.now,
            case_id=case_id, role="participant", unit_id=unit or cast.unit_of(by), basis=basis,
            fields={"part": "case", "view": view},
        )  # fmt: skip
        return int(session.execute(sa.select(sa.func.max(audit_entries.c.id))).scalar_one())


def last_entry(cast: Cast) -> Any:
    with writing(cast.database) as session:
        return session.execute(sa.select(audit_entries).order_by(audit_entries.c.id.desc()).limit(1)).one()


def ids(page: Any) -> list[int]:
    return [row.id for row in page.rows]


def consent_of(cast: Cast, case_id: str, purpose: str) -> str:
    c = consents.c
    with writing(cast.database) as session:
        query = sa.select(c.id).where(c.case_id == case_id, c.purpose == purpose)
        return str(session.execute(query.order_by(c.asked_at.desc()).limit(1)).scalar_one())


def open_by_law(cast: Cast, case_id: str, unit: str) -> str:
    law = load_definition("bti", 1).definition.legal_bases[0].key
    with writing(cast.database) as session:
        legal_basis.record(
            session, actor=cast.actor_in(session, "rune"), case_id=case_id, unit_id=unit, kinds=["everyday"], law=law,
            reason="Fare for barnets liv", valid_to=None, seen_version=cast._version(session, case_id), now=cast.now,
        )  # fmt: skip
    return law


def grant(cast: Cast, person: str, unit: str, role: str) -> None:
    with writing(cast.database) as session:
        session.execute(
            sa.insert(memberships),
            {
                "municipality_id": HERE, "id": new_id(), "person_id": person, "unit_id": unit, "role": role,
                "started_at": MONDAY - timedelta(days=1),
            },
        )  # fmt: skip


@contextmanager
def statements(database: sa.Engine) -> Iterator[list[Any]]:
    seen: list[Any] = []

    def remember(_connection: Any, statement: Any, *_more: Any) -> None:
        seen.append(statement)

    sa.event.listen(database, "before_execute", remember)
    try:
        yield seen
    finally:
        sa.event.remove(database, "before_execute", remember)


def random_past(cast: Cast, case_id: str, chance: random.Random) -> int:
    """Add consents with random answers, doors and dates, then reads at random moments on any basis; return how many."""
    tenant: dict[str, Any] = {"municipality_id": HERE}
    units = ["school", "ppt", "health"]
    made: list[str] = []

    def some(hours: int = 24 * 12) -> datetime:
        return MONDAY + timedelta(hours=chance.randrange(hours), minutes=chance.randrange(60))

    with writing(cast.database) as session:
        for _ in range(12):
            id_, until = new_id(), local_day(some())
            made.append(id_)
            put(session, consents,
                tenant
                | {
                    "id": id_, "case_id": case_id, "subject_id": "ola", "purpose": "share", "kinds": ("everyday",),
                    "about": "x", "reservations": "", "notice_version": "1", "notice_hash": "0", "valid_to": until,
                    "asked_by": "kari", "asked_at": MONDAY,
                },
            )  # fmt: skip
            for unit in chance.sample(units, 2):
                session.execute(sa.insert(consent_units), tenant | {"id": new_id(), "consent_id": id_, "unit_id": unit})
                ended = chance.choice([None, None, some()])
                put(session, disclosures,
                    tenant
                    | {
                        "id": new_id(), "case_id": case_id, "unit_id": unit, "kinds": ("everyday",),
                        "purpose": "share", "consent_id": id_, "opened_at": some(48), "opened_by": "kari",
                        "valid_to": until, "ended_at": ended,
                    },
                )  # fmt: skip
            for guardian in chance.sample(["lise", "tor"], chance.randrange(1, 3)):
                party = new_id()
                session.execute(
                    sa.insert(consent_parties),
                    tenant
                    | {
                        "id": party, "consent_id": id_, "authority": "parental_responsibility",
                        "guardian_id": guardian,
                    },
                )  # fmt: skip
                for event in ["given"] * chance.choice([0, 1, 1, 1]) + ["withdrawn"] * chance.choice([0, 0, 1]):
                    moment = some(48) if event == "given" else some()
                    put(session, consent_events,
                        tenant
                        | {
                            "id": new_id(), "case_id": case_id, "consent_id": id_, "party_id": party,
                            "event": event, "channel": "oral",
                            "witness": "x", "evidence": "", "said_on": local_day(moment), "recorded_at": moment,
                            "recorded_by": "kari",
                        },
                    )  # fmt: skip
        broken = [_broken_glass(session, case_id, chance, some) for _ in range(6)]
        nils = cast.actor_in(session, "nils")
        for _ in range(60):
            bases = [f"consent:{one}" for one in made] * 3 + [f"break_glass:{one}" for one in broken] * 2
            basis = chance.choice([*bases, "own_service", "", "law:x", "consent:x", "break_glass:x"])
            actor = chance.choice([None, nils, nils])
            audit.record(
                session, actor=actor, municipality_id=HERE, event="case.read", now=some(), case_id=case_id,
                role="participant", unit_id=chance.choice(units), basis=basis,
                fields={"part": "case", "view": chance.choice(["full", "full", "shell"])},
            )  # fmt: skip
    return 60


def _broken_glass(session: sa.Connection, case_id: str, chance: random.Random, some: Callable[[], datetime]) -> str:
    id_, opened = new_id(), some()
    ends = opened + timedelta(minutes=120)
    ended = chance.choice([None, ends])
    session.execute(
        sa.insert(break_glass),
        {
            "municipality_id": HERE, "id": id_, "case_id": case_id, "person_id": chance.choice(["nils", "nils", "per"]),
            "unit_id": chance.choice(["school", "ppt"]), "case_unit_id": "school", "cause": "danger", "reason": "",
            "kinds": ("everyday",), "minutes": 120, "opened_at": opened,
            # As long as a read at a random moment may happen to fall into it.
            "ends_at": ends + timedelta(days=chance.randrange(8)), "ended_at": ended,
            "ended_by": "nils" if ended else None,
        },
    )  # fmt: skip
    return id_


def last_day(cast: Cast, case_id: str) -> date:
    """Return the last day of the first door of a case."""
    until = cast.facts(case_id).covers[0].valid_to
    assert until is not None
    return until
