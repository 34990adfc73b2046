"""The access rule in memory and in SQL: the same answer for everybody, on scenes that no use case would make."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bti import policy
from bti.actor import CONTENT_FREE_ROLES, Actor
from bti.facts import CaseFacts
from bti.models import break_glass, cases, consents, disclosures, entries, memberships, participations
from bti.queries.facts import case_facts
from bti.queries.people import load_actor
from tests.cast import HERE, MONDAY, NEXT_DOOR, PEOPLE, UNITS, settle, settle_neighbour
from tests.keys import put

KINDS = ("everyday", "measures", "health", "family")


people = st.sampled_from(list(PEOPLE))
units = st.sampled_from(list(UNITS))
kinds = st.lists(st.sampled_from(KINDS), min_size=1, unique=True)
doors = st.tuples(units, st.sampled_from([-1, 0, 30]), st.booleans(), st.booleans(), kinds)
parts = st.tuples(people, units, st.sampled_from(["active", "active", "invited", "ended"]))
# Who broke the glass through which unit, when it ends (in minutes), and whether it was ended before.
glasses = st.tuples(people, units, st.sampled_from([-1, 0, 1, 60]), st.booleans())
scenes = st.fixed_dictionaries(
    {
        "holder": people,
        "holder_unit": units,
        "author": people,
        "unit": units,
        "step": st.sampled_from(["0.1", "1.2", "2.3", "3.1", "closed"]),
        "level": st.integers(0, 3),
        "shared": st.booleans(),
        "with_leader": st.booleans(),
        "doors": st.lists(doors, max_size=4),
        "parts": st.lists(parts, max_size=4, unique_by=lambda part: part[:2]),
        "glasses": st.lists(glasses, max_size=3),
        "where": st.sampled_from([HERE, HERE, NEXT_DOOR]),
    }
)
roles = st.tuples(people, units, st.sampled_from(["employee", "unit_leader", "coordinator", "auditor"]))


def play(session: sa.Connection, number: int, scene: dict[str, Any]) -> str:
    """Write the rows of a scene; return the case's id."""
    here, case_id = {"municipality_id": scene["where"]}, f"scene{number}"
    closed = scene["step"] == "closed"
    session.execute(
        sa.insert(cases),
        here
        | {
            "id": case_id, "reference": case_id, "definition": "bti", "definition_version": 1, "step": scene["step"],
            "level_order": scene["level"], "has_log": False, "is_shared": scene["shared"], "unit_id": scene["unit"],
            "subject_id": "ola", "author_id": scene["author"], "holder_id": scene["holder"],
            "holder_unit_id": scene["holder_unit"], "is_interim": False, "holder_confirmed": True,
            "shared_with_leader_at": MONDAY if scene["with_leader"] else None, "due_on": MONDAY.date(),
            "step_due_on": MONDAY.date(), "due_reason": "step", "opened_at": MONDAY, "step_entered_at": MONDAY,
            "level_entered_on": MONDAY.date(), "closed_at": MONDAY if closed else None, "version": 1,
        },
    )  # fmt: skip
    consent_id = f"consent{number}"
    put(session, consents,
        here
        | {
            "id": consent_id, "case_id": case_id, "subject_id": "ola", "purpose": "share", "kinds": ("everyday",),
            "about": "", "reservations": "", "notice_version": "", "notice_hash": "",
            "valid_to": MONDAY.date(), "asked_by": "kari", "asked_at": MONDAY,
        },
    )  # fmt: skip
    for i, (unit, days, ended, by_law, opened) in enumerate(scene["doors"]):
        put(session, disclosures,
            here
            | {
                "id": f"door{number}-{i}", "case_id": case_id, "unit_id": unit, "kinds": tuple(opened),
                "purpose": "share", "consent_id": None if by_law else consent_id,
                "law_reference": "law" if by_law else None, "law_reason": "", "opened_at": MONDAY,
                "opened_by": "kari", "valid_to": MONDAY.date() + timedelta(days=days),
                "ended_at": MONDAY if ended else None,
            },
        )  # fmt: skip
    for i, (person, unit, state) in enumerate(scene["parts"]):
        put(session, participations,
            here
            | {
                "id": f"part{number}-{i}", "case_id": case_id, "person_id": person, "unit_id": unit, "state": state,
                "purpose": "", "invited_at": MONDAY, "invited_by": "kari",
                "ended_at": MONDAY if state == "ended" else None,
            },
        )  # fmt: skip
    for i, (person, unit, minutes, ended) in enumerate(scene["glasses"]):
        session.execute(
            sa.insert(break_glass),
            here
            | {
                "id": f"glass{number}-{i}", "case_id": case_id, "person_id": person, "unit_id": unit,
                "case_unit_id": scene["unit"], "cause": "danger", "reason": "", "kinds": KINDS, "minutes": 60,
                "opened_at": MONDAY - timedelta(minutes=60), "ends_at": MONDAY + timedelta(minutes=minutes),
                "ended_at": MONDAY if ended else None, "ended_by": person if ended else None,
            },
        )  # fmt: skip
    for i, kind in enumerate(KINDS):
        put(session, entries,
            here
            | {
                "id": f"e{number}-{i}", "case_id": case_id, "kind": "log", "information_kind": kind, "title": "",
                "text": kind, "asked_by": "", "author_id": "kari", "unit_id": ("school", "ppt")[i % 2],
                "written_at": MONDAY,
            },
        )  # fmt: skip
    return case_id


def grant(session: sa.Connection, number: int, person: str, unit: str, role: str) -> None:
    held = sa.select(memberships.c.id).where(
        memberships.c.municipality_id == HERE, memberships.c.person_id == person, memberships.c.unit_id == unit,
        memberships.c.role == role, memberships.c.ended_at.is_(None),
    )  # fmt: skip
    if session.execute(held).first() is None:
        row = {"municipality_id": HERE, "id": f"granted{number}", "person_id": person, "unit_id": unit, "role": role}
        session.execute(sa.insert(memberships), row | {"started_at": MONDAY})


def actors(session: sa.Connection) -> list[Actor]:
    found = [load_actor(session, municipality_id=HERE, person_id=name) for name in PEOPLE]
    return [actor for actor in found if actor]


def tell_twice(database: sa.Engine, played: list[dict[str, Any]], granted: list[Any], left: set[str]) -> None:
    """Compare what the rule says in memory and in SQL of a few scenes, for everybody."""
    today = MONDAY.date()
    with database.connect() as session, session.begin() as transaction:
        for number, (person, unit, role) in enumerate(granted):
            grant(session, number, person, unit, role)
        for name in left:
            m = memberships.c
            session.execute(sa.update(memberships).where(m.person_id == name).values(ended_at=MONDAY))
        here = {}
        for number, scene in enumerate(played):
            case_id = play(session, number, scene)
            if scene["where"] == HERE:
                asked: dict[str, Any] = {"municipality_id": HERE, "case_id": case_id, "today": today}
                here[case_id] = case_facts(session, **asked, emergency_at=MONDAY)
                assert case_facts(session, **asked) == replace(here[case_id], break_glass=())
        for actor in actors(session):
            listed = set(session.execute(sa.select(cases.c.id).where(policy.accessible(actor, today))).scalars())
            grounds = {case_id: policy.ground(actor, facts) for case_id, facts in here.items()}
            assert listed == {i for i, found in grounds.items() if found and not found.is_emergency}, actor.person_id
            broken = sa.select(break_glass.c.case_id).where(policy.emergency(actor, MONDAY))
            without = set(session.execute(broken).scalars()) - listed
            assert without == {i for i, found in grounds.items() if found and found.is_emergency}, actor.person_id
            for case_id in listed | without:
                found = grounds[case_id]
                assert found is not None
                check_ground(actor, here[case_id], found)
                check_rows(session, case_id, found)
        transaction.rollback()


def check_ground(actor: Actor, facts: CaseFacts, found: policy.Ground) -> None:
    """The ground is a relation of their own and a law or the family's word behind it."""
    assert not {m.role for m in actor.memberships} <= set(CONTENT_FREE_ROLES)
    assert found.unit_id in actor.units()
    if found.is_emergency:
        assert policy.ground(actor, replace(facts, break_glass=())) is None
        assert found.kinds == set(KINDS)
        return
    assert actor.person_id in {facts.holder_id, facts.author_id, *(p.person_id for p in facts.participants)} or (
        facts.unit_id in actor.units("unit_leader")
    )
    own = found.unit_id == facts.unit_id and not facts.is_shared
    assert own or facts.covers_of(found.unit_id)
    assert found.kinds == {kind for cover in facts.covers_of(found.unit_id) for kind in cover.kinds}


def check_rows(session: sa.Connection, case_id: str, found: policy.Ground) -> None:
    """What is read of the case is what the own service wrote and the kinds the door opens."""
    mine = sa.select(entries).where(entries.c.case_id == case_id, entries.c.municipality_id == HERE)
    wanted = {e.id for e in session.execute(mine) if e.unit_id == found.unit_id or e.information_kind in found.kinds}
    assert {e.id for e in session.execute(mine.where(policy.readable_rows(entries, found)))} == wanted


class TestTheRuleToldTwice:
    def test_says_the_same_in_memory_and_in_sql_of_any_scene(self, owned_database: sa.Engine) -> None:
        # As the owner sees it: over the walls, so that the rule alone is what keeps municipalities apart.
        database = owned_database
        settle(database)
        settle_neighbour(database)
        many = 60 if database.dialect.name == "sqlite" else 15

        @settings(max_examples=many, deadline=None, derandomize=True, database=None,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(
            played=st.lists(scenes, min_size=1, max_size=4),
            granted=st.lists(roles, max_size=4, unique=True),
            left=st.sets(people, max_size=3),
        )
        def try_it(played: list[dict[str, Any]], granted: list[Any], left: set[str]) -> None:
            tell_twice(database, played, granted, left)

        try_it()
