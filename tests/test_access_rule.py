"""Who may read: one rule told twice, and the doors that close on the next read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bti import policy
from bti.actor import CONTENT_FREE_ROLES, Actor
from bti.db import reading, writing
from bti.engine import load_scene
from bti.errors import NotFound, NotReady
from bti.facts import CaseFacts
from bti.models import batons, cases, consents, disclosures, entries, memberships, participations
from bti.queries.facts import case_facts
from bti.queries.people import load_actor
from bti.usecases import baton, consent, log, participants
from tests.cast import HERE, MONDAY, NEXT_DOOR, PEOPLE, UNITS, Cast, settle, settle_neighbour

KINDS = ("everyday", "measures", "health", "family")


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


# --- scenes no use case would make, to try the rule itself ------------------------------------------------------

people = st.sampled_from(list(PEOPLE))
units = st.sampled_from(list(UNITS))
kinds = st.lists(st.sampled_from(KINDS), min_size=1, unique=True)
doors = st.tuples(units, st.sampled_from([-1, 0, 30]), st.booleans(), st.booleans(), kinds)
parts = st.tuples(people, units, st.sampled_from(["active", "active", "invited", "ended"]))
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
    session.execute(
        sa.insert(consents),
        here
        | {
            "id": consent_id, "case_id": case_id, "subject_id": "ola", "purpose": "share", "kinds": ("everyday",),
            "about": "", "reservations": "", "notice_version": "", "notice_hash": "",
            "valid_to": MONDAY.date(), "asked_by": "kari", "asked_at": MONDAY,
        },
    )  # fmt: skip
    for i, (unit, days, ended, by_law, opened) in enumerate(scene["doors"]):
        session.execute(
            sa.insert(disclosures),
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
        session.execute(
            sa.insert(participations),
            here
            | {
                "id": f"part{number}-{i}", "case_id": case_id, "person_id": person, "unit_id": unit, "state": state,
                "purpose": "", "invited_at": MONDAY, "invited_by": "kari",
                "ended_at": MONDAY if state == "ended" else None,
            },
        )  # fmt: skip
    for i, kind in enumerate(KINDS):
        session.execute(
            sa.insert(entries),
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
                here[case_id] = case_facts(session, municipality_id=HERE, case_id=case_id, today=today)
        for actor in actors(session):
            listed = set(session.execute(sa.select(cases.c.id).where(policy.accessible(actor, today))).scalars())
            grounds = {case_id: policy.ground(actor, facts) for case_id, facts in here.items()}
            assert listed == {case_id for case_id, found in grounds.items() if found}, actor.person_id
            for case_id in listed:
                found = grounds[case_id]
                assert found is not None
                check_ground(actor, here[case_id], found)
                check_rows(session, case_id, found)
        transaction.rollback()


def check_ground(actor: Actor, facts: CaseFacts, found: policy.Ground) -> None:
    """The ground is a relation of their own and a law or the family's word behind it."""
    assert not {m.role for m in actor.memberships} <= set(CONTENT_FREE_ROLES)
    assert found.unit_id in actor.units()
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
    def test_says_the_same_in_memory_and_in_sql_of_any_scene(self, database: sa.Engine) -> None:
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


# --- real cases -----------------------------------------------------------------------------------------------


def sees(cast: Cast, case_id: str) -> set[str]:
    """Everybody who can open the case, by the list and by the item, which must agree."""
    facts, found = cast.facts(case_id), set()
    with reading(cast.database) as session:
        for actor in actors(session):
            listed = sa.select(cases.c.id).where(cases.c.id == case_id, policy.accessible(actor, cast.today))
            assert bool(session.execute(listed).first()) == (policy.ground(actor, facts) is not None)
            if policy.ground(actor, facts):
                found.add(actor.person_id)
    return found


class TestAWonder:
    def test_is_seen_by_its_author_alone_until_it_is_shared(self, cast: Cast) -> None:
        case_id = cast.wonder()
        assert sees(cast, case_id) == {"kari"}
        cast.move(case_id, "talk_directly")
        assert sees(cast, case_id) == {"kari"}

    def test_is_seen_by_the_leader_of_the_unit_from_then_on(self, cast: Cast) -> None:
        case_id = cast.wonder()
        cast.move(case_id, "share_with_leader")
        assert sees(cast, case_id) == {"kari", "rune"}

    def test_is_not_seen_by_a_leader_of_another_unit_nor_a_colleague(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        assert not sees(cast, case_id) & {"per", "nina", "nils", "liv", "hege"}


class TestACaseBetweenServices:
    def test_is_seen_by_those_who_are_covered_and_take_part(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        # Liv leads PPT: her service is covered, but she has no part in the case.
        assert sees(cast, case_id) == {"kari", "rune", "siri"}

    def test_is_never_seen_by_those_who_administer_audit_or_adapt(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        for name in ("arne", "tove", "bti", "berit"):
            assert name not in sees(cast, case_id)
            with reading(cast.database) as session, pytest.raises(NotFound):
                load_scene(session, actor=cast.actor_in(session, name), case_id=case_id, now=cast.now)

    def test_closes_on_the_next_read_when_the_consent_is_withdrawn(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        cast.confirm(case_id)
        cast.consented(case_id, "school")
        shared = cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        cast.move(case_id, "start_with_other_service")
        assert "siri" in sees(cast, case_id)
        cast.withdraw(case_id, shared)
        assert sees(cast, case_id) == {"kari", "rune"}

    def test_closes_on_the_day_after_the_last(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share", valid_to=cast.today + timedelta(days=10))
        cast.join(case_id, "siri")
        cast.later(days=10)
        assert "siri" in sees(cast, case_id)
        cast.later(days=1)
        assert "siri" not in sees(cast, case_id)

    def test_looks_like_nothing_to_a_participant_whose_door_has_run_out(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share", valid_to=cast.today + timedelta(days=10))
        cast.join(case_id, "siri")
        invitation = cast.invite(case_id, "liv")
        cast.later(days=11)
        for name in ("siri", "liv"):
            with pytest.raises(NotFound):
                cast.act(load_scene, by=name, case_id=case_id)
        with pytest.raises(NotFound):
            cast.act(participants.accept, by="liv", case_id=case_id, invitation_id=invitation)

    def test_closes_when_the_role_ends_and_opens_with_no_other_role(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.end_role("siri", "ppt")
        cast.grant("siri", "health")
        assert "siri" not in sees(cast, case_id)

    def test_does_not_open_again_when_the_role_comes_back(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.end_role("siri", "ppt")
        cast.grant("siri", "ppt")
        assert "siri" not in sees(cast, case_id)

    def test_is_the_own_services_again_when_it_is_closed(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.move(case_id, "close", closing_reason="moved")
        assert sees(cast, case_id) == {"kari", "rune"}
        cast.move(case_id, "reopen", by="rune", reason="Ny uro")
        assert sees(cast, case_id) == {"kari", "rune"}

    def test_on_level_1_is_not_seen_by_a_colleague_of_the_holder(self, cast: Cast) -> None:
        assert "per" not in sees(cast, cast.at_level_1())


class TestALegalBasis:
    def law(self, cast: Cast, case_id: str, unit: str, **more: Any) -> str:
        cast.act(
            consent.record_legal_basis, by="rune", case_id=case_id, unit_id=unit, kinds=["everyday"],
            law=more.pop("law", "duty_to_report"), reason="Fare for liv og helse", valid_to=None, **more,
        )  # fmt: skip
        return next(cover.id for cover in cast.facts(case_id).covers if cover.unit_id == unit)

    def test_opens_to_those_who_take_part_for_the_service_it_names_and_says_so(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        self.law(cast, case_id, "welfare")
        cast.grant("siri", "welfare")
        cast.act(
            participants.invite, by="kari", case_id=case_id, person_id="siri", unit_id="welfare", purpose="Melding"
        )
        invitation = cast.facts(case_id).participants[0].id
        cast.act(participants.accept, by="siri", case_id=case_id, invitation_id=invitation)
        found = policy.ground(cast.actor("siri"), cast.facts(case_id))
        assert found is not None
        assert found.basis == "law:duty_to_report"

    def test_closes_when_it_is_ended_and_ends_what_stood_on_it(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        door = self.law(cast, case_id, "ppt")
        cast.join(case_id, "siri")
        assert "siri" in sees(cast, case_id)
        cast.act(consent.end_legal_basis, by="rune", case_id=case_id, door_id=door)
        assert "siri" not in sees(cast, case_id)
        assert cast.facts(case_id).participants == ()


class TestNotYoursAndNotThere:
    def test_are_the_same_answer(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        for name in ("nils", "nina", "arne", "tove", "liv", "amir"):
            answers = []
            for asked in (case_id, "no-such-case"):
                with pytest.raises(NotFound) as refused:
                    cast.act(load_scene, by=name, case_id=asked)
                answers.append((refused.value.code, refused.value.details, refused.value.status, str(refused.value)))
            assert answers[0] == answers[1]

    def test_are_the_same_answer_to_every_command(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        offer = cast.offer(case_id, "siri")
        commands: list[tuple[Any, dict[str, Any]]] = [
            (baton.confirm_holder, {"seen_version": 1}),
            (baton.accept, {"offer_id": offer}),
            (baton.withdraw_offer, {"offer_id": offer}),
            (baton.interim_by_leader, {"reason": "x", "seen_version": 1}),
            (log.set_goal, {"information_kind": "measures", "text": "x"}),
            (consent.end_legal_basis, {"door_id": "x"}),
        ]
        for usecase, more in commands:
            for asked in (case_id, "no-such-case"):
                with pytest.raises(NotFound):
                    cast.act(usecase, by="nils", case_id=asked, **more)

    def test_hold_between_municipalities(self, database: sa.Engine) -> None:
        cast, neighbour = settle(database), settle_neighbour(database)
        case_id, theirs = cast.at_level_2(), neighbour.at_level_2()
        assert sees(cast, case_id) == {"kari", "rune", "siri"}
        # The same people by name and id work next door; they reach their own town's case only.
        for name in PEOPLE:
            with pytest.raises(NotFound):
                neighbour.act(load_scene, by=name, case_id=case_id)
            with pytest.raises(NotFound):
                cast.act(load_scene, by=name, case_id=theirs)
        with reading(database) as session:
            for name in ("kari", "rune", "siri"):
                actor = neighbour.actor_in(session, name)
                found = session.execute(sa.select(cases.c.id).where(policy.accessible(actor, cast.today))).scalars()
                assert set(found) == {theirs}


class TestTheShell:
    def test_lets_the_holder_act_without_reading_when_the_own_door_has_closed(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        cast.confirm(case_id)
        own = cast.consented(case_id, "school")
        cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        cast.move(case_id, "start_with_other_service")
        cast.withdraw(case_id, own)
        facts = cast.facts(case_id)
        assert {n: policy.view(cast.actor(n), facts) for n in ("kari", "rune", "siri")} == {
            "kari": "shell", "rune": "shell", "siri": "full",
        }  # fmt: skip
        assert cast.move(case_id, "close", closing_reason="guardians_wish").facts.step == "closed"

    def test_does_not_confirm_a_holder_whose_service_nothing_covers(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        cast.confirm(case_id)
        own = cast.consented(case_id, "school")
        cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        cast.move(case_id, "start_with_other_service")
        cast.withdraw(case_id, own)
        with pytest.raises(NotReady) as refused:
            cast.confirm(case_id, by="kari")
        assert [found.code for found in refused.value.missing] == ["service_not_covered"]


class TestThePreview:
    def test_is_all_that_somebody_invited_or_offered_sees(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share")
        cast.invite(case_id, "siri")
        cast.offer(case_id, "liv")
        facts = cast.facts(case_id)
        for name in ("siri", "liv"):
            assert policy.view(cast.actor(name), facts) == "preview"
            assert policy.ground(cast.actor(name), facts) is None
            assert name not in sees(cast, case_id)

    def test_of_a_baton_stays_with_the_person_not_the_service(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share")
        cast.offer(case_id, "siri")
        assert policy.view(cast.actor("liv"), cast.facts(case_id)) is None


class TestTheRowItself:
    def test_is_moved_only_by_writing_a_new_one(self, cast: Cast) -> None:
        """A baton that has been passed leaves its row behind, ended."""
        case_id = cast.at_level_1()
        offer = cast.offer(case_id, "per")
        cast.accept(case_id, offer, by="per")
        with writing(cast.database) as session:
            rows = session.execute(sa.select(batons).where(batons.c.case_id == case_id).order_by(batons.c.started_at))
            assert [(r.person_id, r.ended_at is None) for r in rows] == [("kari", False), ("per", True)]
