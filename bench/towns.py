"""Invented towns of any size, written in bulk: every row as the use cases would have left it, all constraints kept.

Three people to measure with, the same in a small town and in a large one: `few` holds twelve cases and takes part in
eight, `many` holds nearly all cases of the school, `leader` answers for the school, where half of all cases are.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti.actor import Actor
from bti.clock import local_day, utc_now
from bti.crypto.passwords import hash_password
from bti.db import writing
from bti.models import (
    batons,
    cases,
    consent_events,
    consent_parties,
    consent_units,
    consents,
    disclosures,
    entries,
    evaluations,
    goals,
    guardians,
    guardianships,
    handovers,
    measures,
    memberships,
    metadata,
    municipalities,
    participations,
    people,
    subjects,
    units,
    wonders,
)
from bti.models.sealed import begin_owner, cells, sealed_columns
from bti.queries.people import load_actor

HERE = "storvik"
# The servers under measurement live today.
NOW = utc_now().replace(microsecond=0)
TODAY = local_day(NOW)
PASSWORD = "en lang setning for maaling"  # noqa: S105  opens nothing but a town made for one run
SCHOOLS = tuple(f"school{number}" for number in range(8))
TEACHERS = 20
# So many that none of them opens as much in five minutes as somebody would look closer at.
READERS = 150
FEW_HOLDS, FEW_JOINS = 12, 8
# The cases whose pages are opened: those `few` holds on level 2, with all that a page can show.
STEPS_OF_FEW = ("0.1", "0.4", "1.2", "1.3", "2.2", "2.2", "2.3", "2.4", "1.2", "2.2", "closed", "closed")

Rows = dict[sa.Table, list[dict[str, Any]]]


@dataclass(frozen=True)
class Town:
    """A town in a database. `pages` are cases `few` holds and may read; `ready` are a step before level 2; `readers`
    are people with a case of their own each, whose page has all that a page can show."""

    database: sa.Engine
    pages: tuple[str, ...]
    ready: tuple[str, ...]
    readers: tuple[tuple[str, str], ...]

    def actor(self, name: str) -> Actor:
        """Return the person with the roles they hold."""
        with writing(self.database) as session:
            found = load_actor(session, municipality_id=HERE, person_id=name)
        assert found is not None
        return found


def reference_of(case_id: str) -> str:
    """Return the reference of a case made here."""
    return f"SV-{case_id}"


def build(database: sa.Engine, *, size: int, ready: int = 0, seed: int = 1) -> Town:
    """Fill a migrated, empty database with `size` cases, and `ready` more that only wait to be moved to level 2."""
    chance = random.Random(seed)
    rows: Rows = defaultdict(list)
    _people(rows)
    pages = []
    for number in range(size):
        case_id = f"c{number:07d}"
        step, unit, holder = _place(chance, number)
        _case(rows, chance, case_id, step=step, unit=unit, holder=holder)
        if holder == "few" and step.startswith("2"):
            _rich(rows, case_id, unit, holder)
            pages.append(case_id)
    readers = [(f"r{number}", f"p{number:07d}") for number in range(READERS if ready else 0)]
    for reader, case_id in readers:
        _case(rows, chance, case_id, step="2.2", unit="school0", holder=reader)
        _rich(rows, case_id, "school0", reader)
    waiting = [f"r{number:07d}" for number in range(ready)]
    for case_id in waiting:
        _ready(rows, chance, case_id)
    with writing(database) as session:
        for table in metadata.sorted_tables:
            for part in _parts(rows.get(table, [])):
                session.execute(sa.insert(table), [_sealed(table, row) for row in part])
    _settle(database)
    return Town(database, tuple(pages), tuple(waiting), tuple(readers))


def _sealed(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return the row as it is stored; a case, a child and a guardian begin with a key of their own."""
    if table is municipalities:
        begin_owner(row["id"], row["id"])
    elif table is cases or table.info.get("owner") == "id":
        begin_owner(HERE, row["id"])
    return cells(table, row) if sealed_columns(table) else row


def _parts(rows: list[dict[str, Any]], length: int = 5_000) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), length):
        yield rows[start : start + length]


def _settle(database: sa.Engine) -> None:
    """Let PostgreSQL know its tables, as autovacuum would within a minute."""
    if database.dialect.name == "postgresql":
        with database.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("VACUUM ANALYZE")


def _people(rows: Rows) -> None:
    rows[municipalities].append(
        {"id": HERE, "name": "Storvik kommune", "is_demo": True, "definition": "bti", "definition_version": 1}
    )
    kinds = {**dict.fromkeys(SCHOOLS, "school"), "ppt": "ppt", "health": "health_centre"}
    for unit, kind in kinds.items():
        rows[units].append(_here(id=unit, name=f"Storvik {unit}", kind=kind, is_external=False))
    staff = {f"t{place}-{n}": (unit, "employee") for place, unit in enumerate(kinds) for n in range(TEACHERS)}
    staff |= {f"l{place}": (unit, "unit_leader") for place, unit in enumerate(kinds)}
    staff |= {"few": ("school0", "employee"), "many": ("school0", "employee"), "leader": ("school0", "unit_leader")}
    staff |= {f"r{number}": ("school0", "employee") for number in range(READERS)}
    # One hash for all: making one takes as long as a password hash should.
    password = hash_password(PASSWORD)
    for person, (unit, role) in staff.items():
        rows[people].append(
            _here(id=person, username=person, name=f"Person {person}", title="", language="nb", password_hash=password)
        )
        rows[memberships].append(
            _here(id=f"m-{person}", person_id=person, unit_id=unit, role=role, started_at=NOW - timedelta(days=900))
        )


def _place(chance: random.Random, number: int) -> tuple[str, str, str]:
    """Return where a case stands, in which unit and with whom: the first ones for `few`, the rest at random."""
    if number < FEW_HOLDS:
        return STEPS_OF_FEW[number], "school0", "few"
    if number < FEW_HOLDS + FEW_JOINS:
        return "2.2", "school1", "t1-0"
    step = chance.choices(("closed", "0.1", "0.4", "1.2", "1.3", "2.1", "2.2"), (30, 5, 10, 20, 15, 10, 10))[0]
    if chance.random() < 0.5:
        return step, "school0", "many" if chance.random() < 0.9 else f"t0-{chance.randrange(TEACHERS)}"
    place = chance.randrange(1, len(SCHOOLS))
    return step, SCHOOLS[place], f"t{place}-{chance.randrange(TEACHERS)}"


def _here(**values: Any) -> dict[str, Any]:
    return {"municipality_id": HERE, **values}


def _case(rows: Rows, chance: random.Random, case_id: str, *, step: str, unit: str, holder: str) -> None:
    closed, level = step == "closed", 1 if step == "closed" else int(step[0])
    opened = NOW - timedelta(days=chance.randrange(30, 700), minutes=chance.randrange(600))
    due = None if closed else TODAY + timedelta(days=chance.randrange(-10, 120))
    rows[cases].append(
        _here(
            id=case_id, reference=reference_of(case_id), definition="bti", definition_version=1, step=step,
            level_order=level, has_log=level > 0 and not closed, is_shared=level > 1, unit_id=unit,
            subject_id=f"s-{case_id}", author_id=holder, holder_id=holder, holder_unit_id=unit, is_interim=False,
            holder_confirmed=level > 0 and not closed, shared_with_leader_at=opened + timedelta(days=1),
            step_due_on=due, due_on=due, due_reason="" if closed else "step", opened_at=opened,
            step_entered_at=opened + timedelta(days=9), level_entered_on=local_day(opened) + timedelta(days=9),
            closed_at=opened + timedelta(days=20) if closed else None, closing_reason="no_need" if closed else None,
            version=9,
        )
    )  # fmt: skip
    _subject(rows, case_id, unit)
    rows[wonders].append(
        _here(
            id=f"w-{case_id}", case_id=case_id, themes=("absence",), seen="Kommer for sent fire av fem dager.",
            talked="guardians", feedback="Takk. Snakk med foreldrene.", feedback_by="leader",
            feedback_at=opened + timedelta(days=2),
        )
    )  # fmt: skip
    rows[batons].append(
        _here(id=f"b-{case_id}", case_id=case_id, person_id=holder, unit_id=unit, how="author", started_at=opened)
    )
    _entry(rows, case_id, 0, holder, unit, "guardian_talk", opened + timedelta(days=3))
    if closed or not level:
        return
    _consent(rows, case_id, "log", unit, holder, opened)
    _entry(rows, case_id, 1, holder, unit, "log", opened + timedelta(days=12))
    if level > 1:
        _consent(rows, case_id, "share", "ppt", holder, opened)
        _participant(rows, case_id, "ppt", f"t8-{chance.randrange(TEACHERS)}", holder, opened)
    if unit == "school1" and holder == "t1-0" and int(case_id[1:]) < FEW_HOLDS + FEW_JOINS:
        _consent(rows, case_id, "share", "school0", holder, opened, again="2")
        _participant(rows, case_id, "school0", "few", holder, opened, again="2")


def _subject(rows: Rows, case_id: str, unit: str) -> None:
    rows[subjects].append(
        _here(
            id=f"s-{case_id}", kind="child", given_name="Ola", family_name=f"Nordli {case_id}",
            born_on=date(2017, 4, 3), unit_id=unit, group_name="4B", address_blocked=False, external_key=case_id,
        )
    )  # fmt: skip
    rows[guardians].append(_here(id=f"g-{case_id}", name="Lise Nordli", language="nb", external_key=case_id))
    rows[guardianships].append(
        _here(
            id=f"gs-{case_id}", subject_id=f"s-{case_id}", guardian_id=f"g-{case_id}", relation="mother",
            parental_responsibility=True,
        )
    )  # fmt: skip


def _entry(rows: Rows, case_id: str, number: int, author: str, unit: str, kind: str, at: datetime) -> None:
    rows[entries].append(
        _here(
            id=f"e{number}-{case_id}", case_id=case_id, kind=kind, information_kind="everyday", title="",
            text="Vi har sett at morgenen går bedre når noen møter ham i garderoben. " * 2, happened_on=local_day(at),
            asked_by="Kari" if kind == "child_voice" else "", author_id=author, unit_id=unit, written_at=at,
        )
    )  # fmt: skip


def _consent(rows: Rows, case_id: str, purpose: str, unit: str, by: str, at: datetime, again: str = "") -> None:
    id_ = f"{purpose[0]}{again}-{case_id}"
    rows[consents].append(
        _here(
            id=id_, case_id=case_id, subject_id=f"s-{case_id}", purpose=purpose, kinds=("everyday", "measures"),
            about="Fravær og tiltak", reservations="", notice_version="1", notice_hash="0" * 64,
            valid_to=TODAY + timedelta(days=200), asked_by=by, asked_at=at + timedelta(days=8),
        )
    )  # fmt: skip
    rows[consent_units].append(_here(id=id_, consent_id=id_, unit_id=unit))
    rows[consent_parties].append(
        _here(id=id_, consent_id=id_, authority="parental_responsibility", guardian_id=f"g-{case_id}")
    )
    rows[consent_events].append(
        _here(
            id=id_, case_id=case_id, consent_id=id_, party_id=id_, event="given", channel="oral",
            witness="Per Olsen", evidence="", said_on=local_day(at), recorded_at=at + timedelta(days=8), recorded_by=by,
        )
    )  # fmt: skip
    rows[disclosures].append(
        _here(
            id=id_, case_id=case_id, unit_id=unit, kinds=("everyday", "measures"), purpose=purpose, consent_id=id_,
            opened_at=at + timedelta(days=8), opened_by=by, valid_to=TODAY + timedelta(days=200),
        )
    )  # fmt: skip


def _participant(rows: Rows, case_id: str, unit: str, person: str, by: str, at: datetime, again: str = "") -> None:
    rows[participations].append(
        _here(
            id=f"p{again}-{case_id}", case_id=case_id, person_id=person, unit_id=unit, state="active", purpose="Lesing",
            invited_at=at + timedelta(days=9), invited_by=by, answered_at=at + timedelta(days=10),
        )
    )  # fmt: skip


def _ready(rows: Rows, chance: random.Random, case_id: str) -> None:
    """A case at 0.4 with everything in place for level 2: talk, holder decided, consents, PPT taking part."""
    holder, at = f"t0-{chance.randrange(TEACHERS)}", NOW - timedelta(days=30)
    _case(rows, chance, case_id, step="0.4", unit="school0", holder=holder)
    rows[cases][-1] |= {"holder_confirmed": True}
    _consent(rows, case_id, "log", "school0", holder, at)
    _consent(rows, case_id, "share", "ppt", holder, at)
    _participant(rows, case_id, "ppt", f"t8-{chance.randrange(TEACHERS)}", holder, at)


def _rich(rows: Rows, case_id: str, unit: str, holder: str) -> None:
    """What a case in full use has besides: a longer log, goals, measures, evaluations, an old offer."""
    at = NOW - timedelta(days=25)
    kinds = ("log", "meeting", "child_voice", "decision", "log", "log")
    for number, kind in enumerate(kinds):
        author, wrote = (holder, unit) if number % 3 else ("t8-1", "ppt")
        _entry(rows, case_id, number + 2, author, wrote, kind, at + timedelta(days=number))
    rows[goals].append(
        _here(
            id=f"g-{case_id}", case_id=case_id, information_kind="measures", text="På skolen hver dag",
            author_id=holder, unit_id=unit, set_at=at,
        )
    )  # fmt: skip
    for number in range(3):
        rows[measures].append(
            _here(
                id=f"m{number}-{case_id}", case_id=case_id, goal_id=f"g-{case_id}", information_kind="measures",
                text="Fast voksen ved skolestart", responsible_person_id=holder, starts_on=TODAY - timedelta(days=20),
                evaluate_on=TODAY + timedelta(days=20 + number), state="running", author_id=holder, unit_id=unit,
                planned_at=at, evaluated_at=at + timedelta(days=9) if number < 2 else None,
            )
        )  # fmt: skip
    for number in range(2):
        rows[evaluations].append(
            _here(
                id=f"v{number}-{case_id}", case_id=case_id, measure_id=f"m{number}-{case_id}", done_as_planned="yes",
                effect="good", outcome="continue", text="Fraværet er ned fra ni til tre dager.", author_id=holder,
                unit_id=unit, evaluated_at=at + timedelta(days=9),
            )
        )  # fmt: skip
    rows[handovers].append(
        _here(
            id=f"h-{case_id}", case_id=case_id, from_person_id=holder, to_person_id="t8-1", to_unit_id="ppt",
            takes_over_log=False, note="Far foretrekker telefon.", state="declined", offered_at=at, offered_by=holder,
            expires_on=TODAY - timedelta(days=10), answered_at=at + timedelta(days=2), decline_reason="no_capacity",
        )
    )  # fmt: skip
