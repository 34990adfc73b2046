"""Units, people and roles: who may change them, what goes with them, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bti import policy, tenancy
from bti.actor import ROLES, Actor
from bti.audit import replay
from bti.db import be_in, writing
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import audit_entries, batons, memberships, people, subjects, units
from bti.queries.people import load_actor
from bti.queries.register import people_of
from bti.usecases import municipalities, register
from bti.usecases import people as staff
from bti.usecases import units as places
from bti.usecases.system import System
from tests.cast import HERE, Cast, settle
from tests.doors import log_in_by_password

PASSWORD = "en lang setning er best"


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def do(cast: Cast, command: Callable[..., Any], *, by: str | Actor = "arne", **what: Any) -> Any:
    """Run one command in a transaction of its own, as a page would."""
    where = cast.municipality_id if isinstance(by, str) else by.municipality_id
    with tenancy.within(where), writing(cast.database) as session:
        actor = cast.actor_in(session, by) if isinstance(by, str) else by
        return command(session, actor=actor, now=cast.now, **what)


def trail(cast: Cast, event: str) -> list[dict[str, Any]]:
    with cast.writing() as session:
        rows = session.execute(
            sa.select(audit_entries).where(audit_entries.c.event == event).order_by(audit_entries.c.id)
        )
        return [json.loads(row.fields) | {"by": row.actor_id, "as_role": row.role} for row in rows]


def rows_of(cast: Cast, table: sa.Table) -> int:
    with cast.writing() as session:
        return int(session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def grant(cast: Cast, person: str, unit: str, role: str, **more: Any) -> None:
    do(cast, staff.grant_role, person_id=person, unit_id=unit, role=role, **more)


def end_role(cast: Cast, person: str, unit: str, role: str, **more: Any) -> int:
    moved: int = do(cast, staff.end_role, person_id=person, unit_id=unit, role=role, **more)
    return moved


def refusal(cast: Cast, command: Callable[..., Any], **what: Any) -> str:
    with pytest.raises(NotPossible) as refused:
        do(cast, command, **what)
    return refused.value.code


COMMANDS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (places.add_unit, {"name": "Ny skole", "kind": "school"}),
    (places.change_unit, {"unit_id": "school", "name": "X", "kind": "school", "phone": ""}),
    (places.end_unit, {"unit_id": "welfare"}),
    (staff.add_person, {"username": "ny", "name": "Ny Ansatt"}),
    (
        staff.change_person,
        {"person_id": "kari", "name": "X", "title": "", "email": "", "phone": "", "language": "nb"},
    ),
    (staff.set_password, {"person_id": "kari", "password": PASSWORD}),
    (staff.grant_role, {"person_id": "kari", "unit_id": "ppt", "role": "employee"}),
    (staff.end_role, {"person_id": "kari", "unit_id": "school", "role": "employee"}),
    (staff.end_person, {"person_id": "per"}),
    (register.see_units, {}),
    (register.see_unit, {"unit_id": "school"}),
    (register.see_people, {}),
    (register.see_person, {"person_id": "kari"}),
    (register.see_imports, {}),
]


class TestAdministering:
    @pytest.mark.parametrize(("command", "what"), COMMANDS, ids=lambda v: getattr(v, "__name__", ""))
    def test_is_for_administrators_only(self, cast: Cast, command: Any, what: dict[str, Any]) -> None:
        for name in ("kari", "rune", "berit", "tove", "bti"):
            with pytest.raises(Forbidden):
                do(cast, command, by=name, **what)
        assert rows_of(cast, audit_entries) == 0
        do(cast, command, by="arne", **what)
        assert rows_of(cast, audit_entries) >= 1

    def test_through_the_command_line_is_written_as_the_system(self, cast: Cast) -> None:
        do(cast, places.add_unit, by=System(HERE), name="Ny skole", kind="school")
        assert [(e["by"], e["as_role"]) for e in trail(cast, "unit.add")] == [(None, "system")]

    def test_in_one_municipality_reaches_nothing_in_another(self, cast: Cast) -> None:
        with cast.writing() as session:
            be_in(session, "nabo")
            municipalities.add_municipality(
                session, actor=System("nabo"), name="Nabo kommune", definition="bti", now=cast.now
            )
        stranger = System("nabo")
        for command, what in COMMANDS[1:3] + COMMANDS[4:9]:
            with pytest.raises(NotFound):
                do(cast, command, by=stranger, **what)
        assert do(cast, register.see_units, by=stranger) == ()

    def test_writes_no_name_and_no_address_in_the_trail(self, cast: Cast) -> None:
        person = do(cast, staff.add_person, username="ny", name="Hemmelig Navn", email="h@eksempel.no", phone="99 88")
        do(cast, staff.change_person, person_id=person, name="Annet Navn", title="", email="", phone="", language="nn")
        do(cast, places.add_unit, name="Hemmelig sted", kind="school")
        with cast.writing() as session:
            told = " ".join(session.execute(sa.select(audit_entries.c.fields)).scalars())
        assert not any(word in told for word in ("Hemmelig", "Annet", "eksempel", "99 88"))
        assert trail(cast, "person.change")[0]["changed"] == ["email", "language", "name", "phone"]


class TestAddingAUnit:
    def test_makes_it_there_with_its_kind(self, cast: Cast) -> None:
        unit = do(cast, places.add_unit, name="  Ny   skole ", kind="school", phone="74 21 00 00")
        seen = do(cast, register.see_unit, unit_id=unit)
        assert (seen.name, seen.kind, seen.phone, seen.staff) == ("Ny skole", "school", "74 21 00 00", 0)

    def test_twice_is_refused_whatever_the_case_of_its_letters(self, cast: Cast) -> None:
        with pytest.raises(Invalid) as refused:
            do(cast, places.add_unit, name="FJORDVIK SKOLE", kind="school")
        assert refused.value.fields == {"name": "taken"}

    def test_names_everything_that_is_wrong_at_once(self, cast: Cast) -> None:
        with pytest.raises(Invalid) as refused:
            do(cast, places.add_unit, name="", kind="circus", phone="ring meg")
        assert refused.value.fields == {"name": "missing", "kind": "unknown", "phone": "not_a_phone"}

    def test_changing_it_says_what_was_changed(self, cast: Cast) -> None:
        what = {"unit_id": "ppt", "name": "PPT Fjordvik", "kind": "ppt", "phone": "12345678"}
        assert do(cast, places.change_unit, **what) == ("phone",)
        assert do(cast, places.change_unit, **what) == ()
        assert len(trail(cast, "unit.change")) == 1


class TestEndingAUnit:
    def test_works_once_it_is_empty(self, cast: Cast) -> None:
        do(cast, places.end_unit, unit_id="welfare")
        assert "welfare" not in {unit.id for unit in do(cast, register.see_units)}
        assert "welfare" in {unit.id for unit in do(cast, register.see_units, ended=True)}
        assert refusal(cast, places.end_unit, unit_id="welfare") == "unit_ended"

    def test_is_refused_while_anything_depends_on_it_and_says_what(self, cast: Cast) -> None:
        cast.at_level_1()
        with pytest.raises(NotPossible) as refused:
            do(cast, places.end_unit, unit_id="school")
        assert refused.value.code == "unit_in_use"
        assert refused.value.details == {"staff": "3", "children": "4", "cases": "1"}

    def test_does_not_count_children_who_have_left(self, cast: Cast) -> None:
        for person in ("nils", "nina"):
            do(cast, staff.end_person, person_id=person)
        with cast.writing() as session:
            session.execute(sa.update(subjects).where(subjects.c.id == "liam").values(left_on=cast.today))
        do(cast, places.end_unit, unit_id="other_school")

    def test_that_never_was_is_not_found(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            do(cast, places.end_unit, unit_id="nowhere")


class TestAddingAPerson:
    def test_lets_them_log_in_but_gives_them_nothing_yet(self, cast: Cast) -> None:
        do(cast, staff.add_person, username=" Ny.Ansatt ", name="Ny Ansatt", password=PASSWORD)
        with cast.writing() as session:
            actor = log_in_by_password(
                session, municipality_id=HERE, username="NY.ansatt", password=PASSWORD, now=cast.now
            )
        assert actor.memberships == ()

    def test_twice_is_refused_even_after_they_have_left(self, cast: Cast) -> None:
        do(cast, staff.end_person, person_id="per")
        with pytest.raises(Invalid) as refused:
            do(cast, staff.add_person, username="PER", name="Per Igjen")
        assert refused.value.fields == {"username": "taken"}

    def test_names_everything_that_is_wrong_at_once(self, cast: Cast) -> None:
        with pytest.raises(Invalid) as refused:
            do(
                cast, staff.add_person, username="a b", name=" ", title="x" * 121, email="nei", phone="x",
                language="de", password="kort",
            )  # fmt: skip
        assert refused.value.fields == {
            "username": "not_a_username", "name": "missing", "title": "too_long", "email": "not_an_email",
            "phone": "not_a_phone", "language": "unknown", "password": "too_short",
        }  # fmt: skip

    @pytest.mark.parametrize("name", ["<script>alert(1)</script>", "محمد", "Ærlig 🌸 Åsen", "=1+1"])
    def test_keeps_any_name_as_it_is(self, cast: Cast, name: str) -> None:
        person = do(cast, staff.add_person, username="ny", name=name)
        assert do(cast, register.see_person, person_id=person).name == name


class TestChangingOneself:
    def test_anybody_chooses_their_own_language(self, cast: Cast) -> None:
        do(cast, staff.set_language, by="kari", language="nn")
        do(cast, staff.set_language, by="kari", language="nn")
        assert cast.actor("kari").language == "nn"
        assert len(trail(cast, "person.change")) == 1
        with pytest.raises(Invalid):
            do(cast, staff.set_language, by="kari", language="tlh")

    def test_a_new_password_of_ones_own_needs_the_old_one(self, cast: Cast) -> None:
        do(cast, staff.set_password, person_id="kari", password=PASSWORD)
        with pytest.raises(Forbidden):
            do(cast, staff.change_own_password, by="kari", old="noe helt annet", new="et nytt langt passord")
        do(cast, staff.change_own_password, by="kari", old=PASSWORD, new="et nytt langt passord")
        with cast.writing() as session, pytest.raises(Forbidden):
            log_in_by_password(session, municipality_id=HERE, username="kari", password=PASSWORD, now=cast.now)


class TestGrantingARole:
    def test_opens_what_the_role_opens_at_once(self, cast: Cast) -> None:
        grant(cast, "per", "ppt", "employee")
        assert cast.actor("per").units() == {"school", "ppt"}
        told = trail(cast, "role.grant")[0]
        assert (told["person"], told["unit"], told["role"], told["by"]) == ("per", "ppt", "employee", "arne")

    def test_twice_is_refused(self, cast: Cast) -> None:
        what = {"person_id": "kari", "unit_id": "school", "role": "employee"}
        assert refusal(cast, staff.grant_role, **what) == "already_has_role"

    def test_again_after_it_was_ended_is_a_new_row(self, cast: Cast) -> None:
        end_role(cast, "per", "school", "employee")
        before = rows_of(cast, memberships)
        grant(cast, "per", "school", "employee")
        assert rows_of(cast, memberships) == before + 1

    def test_that_does_not_exist_is_refused(self, cast: Cast) -> None:
        with pytest.raises(Invalid) as refused:
            grant(cast, "per", "school", "king")
        assert refused.value.fields == {"role": "unknown"}

    def test_to_nobody_or_nowhere_is_not_found(self, cast: Cast) -> None:
        for person, unit in (("nobody", "school"), ("per", "nowhere")):
            with pytest.raises(NotFound):
                grant(cast, person, unit, "employee")

    def test_to_somebody_who_left_or_in_an_ended_unit_is_refused(self, cast: Cast) -> None:
        do(cast, staff.end_person, person_id="per")
        do(cast, places.end_unit, unit_id="welfare")
        what = {"unit_id": "school", "role": "employee"}
        assert refusal(cast, staff.grant_role, person_id="per", **what) == "person_ended"
        assert refusal(cast, staff.grant_role, person_id="kari", unit_id="welfare", role="employee") == "unit_ended"

    @pytest.mark.parametrize("role", [r for r in ROLES if r != "auditor"])
    def test_no_auditor_has_a_role_whose_use_they_would_review(self, cast: Cast, role: str) -> None:
        if role == "bti_team":
            grant(cast, "tove", "town_hall", role)
            return
        what = {"person_id": "tove", "unit_id": "coordination", "role": role}
        assert refusal(cast, staff.grant_role, **what) == "roles_conflict"

    def test_nor_does_somebody_with_such_a_role_become_auditor(self, cast: Cast) -> None:
        for name in ("kari", "rune", "berit", "arne"):
            what = {"person_id": name, "unit_id": "town_hall", "role": "auditor"}
            assert refusal(cast, staff.grant_role, **what) == "roles_conflict"


class TestEndingARole:
    def test_passes_the_batons_held_through_it_to_the_leader_at_once(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        assert end_role(cast, "kari", "school", "employee") == 1
        facts = cast.facts(case_id)
        assert (facts.holder_id, facts.is_interim) == ("rune", True)
        assert policy.view(cast.actor("kari"), facts) is None
        assert trail(cast, "role.end")[0]["batons_moved"] == 1

    def test_leaves_alone_what_is_held_through_another_unit(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        grant(cast, "kari", "ppt", "employee")
        assert end_role(cast, "kari", "ppt", "employee") == 0
        assert cast.facts(case_id).holder_id == "kari"

    def test_moves_nothing_while_another_role_there_meets_children(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        grant(cast, "kari", "school", "unit_leader")
        assert end_role(cast, "kari", "school", "employee") == 0
        assert cast.facts(case_id).holder_id == "kari"

    def test_of_a_leader_who_stays_passes_on_what_they_held_in_the_interim(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        end_role(cast, "kari", "school", "employee")
        grant(cast, "rune", "school", "employee")
        grant(cast, "per", "school", "unit_leader")
        assert end_role(cast, "rune", "school", "unit_leader") == 1
        assert cast.facts(case_id).holder_id == "per"

    def test_ends_an_offer_and_an_invitation_to_the_person(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.offer(case_id, "siri")
        cast.consented(case_id, "health", purpose="share")
        cast.invite(case_id, "amir")
        assert end_role(cast, "siri", "ppt", "employee") == 0
        assert end_role(cast, "amir", "health", "employee") == 0
        facts = cast.facts(case_id)
        assert facts.offer is None
        assert facts.participants == ()
        assert facts.holder_id == "kari"
        assert trail(cast, "handover.overtake")[0]["cause"] == "role_ended"
        assert {e["cause"] for e in trail(cast, "participation.end")} == {"role_ended"}

    def test_tidies_an_offer_that_had_run_out(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.offer(case_id, "siri")
        cast.later(days=30)
        end_role(cast, "siri", "ppt", "employee")
        assert len(trail(cast, "handover.expire")) == 1
        assert trail(cast, "handover.overtake") == []

    def test_of_the_last_leader_lets_the_coordinating_unit_stand_in(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        end_role(cast, "kari", "school", "employee")
        assert end_role(cast, "rune", "school", "unit_leader") == 1
        assert cast.facts(case_id).holder_id == "berit"

    def test_is_refused_with_nothing_changed_when_nobody_could_stand_in(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        end_role(cast, "berit", "coordination", "coordinator")
        end_role(cast, "rune", "school", "unit_leader")
        before = rows_of(cast, audit_entries)
        with pytest.raises(NotPossible) as refused:
            end_role(cast, "kari", "school", "employee")
        assert refused.value.code == "no_interim_holder"
        assert refused.value.details["case"] == cast.facts(case_id).reference
        assert cast.facts(case_id).holder_id == "kari"
        assert cast.actor("kari").units() == {"school"}
        assert rows_of(cast, audit_entries) == before

    def test_twice_is_refused(self, cast: Cast) -> None:
        end_role(cast, "per", "school", "employee")
        what = {"person_id": "per", "unit_id": "school", "role": "employee"}
        assert refusal(cast, staff.end_role, **what) == "role_not_held"

    def test_of_the_last_administrator_is_refused(self, cast: Cast) -> None:
        what = {"person_id": "arne", "unit_id": "town_hall", "role": "administrator"}
        assert refusal(cast, staff.end_role, **what) == "last_administrator"
        grant(cast, "bti", "town_hall", "administrator")
        end_role(cast, "arne", "town_hall", "administrator")


class TestEndingAPerson:
    def test_ends_every_role_and_passes_every_baton_on(self, cast: Cast) -> None:
        mine, other = cast.at_level_1(), cast.at_level_2(about="mia")
        assert do(cast, staff.end_person, person_id="kari") == 2
        for case_id in (mine, other):
            assert (cast.facts(case_id).holder_id, cast.facts(case_id).is_interim) == ("rune", True)
        with cast.writing() as session:
            assert load_actor(session, municipality_id=HERE, person_id="kari") is None
        assert [e["batons_moved"] for e in trail(cast, "person.end")] == [2]

    def test_leaves_a_trail_from_which_every_case_can_be_read_back(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        do(cast, staff.end_person, person_id="siri")
        do(cast, staff.end_person, person_id="kari")
        with cast.writing() as session:
            rows = session.execute(
                sa.select(audit_entries).where(audit_entries.c.case_id == case_id).order_by(audit_entries.c.id)
            ).all()
        told, facts = replay(rows), cast.facts(case_id)
        assert (told.holder_id, told.version) == (facts.holder_id, facts.version)
        assert told.participants == {}

    def test_voids_their_password(self, cast: Cast) -> None:
        do(cast, staff.set_password, person_id="per", password=PASSWORD)
        do(cast, staff.end_person, person_id="per")
        with cast.writing() as session:
            kept = session.execute(sa.select(people.c.password_hash).where(people.c.id == "per")).scalar_one()
            with pytest.raises(Forbidden):
                log_in_by_password(session, municipality_id=HERE, username="per", password=PASSWORD, now=cast.now)
        assert kept is None

    def test_takes_a_wonder_that_was_not_shared_to_the_leader_too(self, cast: Cast) -> None:
        case_id = cast.wonder()
        do(cast, staff.end_person, person_id="kari")
        assert cast.facts(case_id).holder_id == "rune"

    def test_twice_is_refused(self, cast: Cast) -> None:
        do(cast, staff.end_person, person_id="per")
        assert refusal(cast, staff.end_person, person_id="per") == "person_ended"

    def test_is_refused_for_the_only_administrator_even_by_themselves(self, cast: Cast) -> None:
        assert refusal(cast, staff.end_person, person_id="arne") == "last_administrator"
        grant(cast, "bti", "town_hall", "administrator")
        do(cast, staff.end_person, person_id="arne")

    def test_leaves_exactly_one_live_baton_in_every_case(self, cast: Cast) -> None:
        cast.at_level_1()
        cast.at_level_2(about="mia")
        for name in ("kari", "siri", "rune"):
            do(cast, staff.end_person, person_id=name)
        with cast.writing() as session:
            live = session.execute(sa.select(batons.c.person_id).where(batons.c.ended_at.is_(None))).scalars().all()
        assert live == ["berit", "berit"]


class TestTheRegister:
    def test_shows_counts_of_children_and_cases_and_nothing_of_them(self, cast: Cast) -> None:
        cast.at_level_1()
        school = do(cast, register.see_unit, unit_id="school")
        assert (school.staff, school.leaders, school.children, school.open_cases) == (3, 1, 4, 1)
        told = repr(do(cast, register.see_units)) + repr(do(cast, register.see_people))
        assert not any(name in told for name in ("Ola", "Nordli", "Mia", "Lise", "fravær"))

    def test_pages_through_everybody_once(self, cast: Cast) -> None:
        seen: list[str] = []
        after = ""
        with cast.writing() as session:
            while True:
                page = people_of(session, municipality_id=HERE, after=after, limit=4)
                seen += [person.id for person in page.shown]
                if page.after is None:
                    break
                after = page.after
        assert len(seen) == len(set(seen)) == rows_of(cast, people)

    def test_finds_by_part_of_a_name_and_by_unit(self, cast: Cast) -> None:
        do(cast, staff.add_person, username="aase", name="Åse Ødegård")
        assert [p.id for p in do(cast, register.see_people, search="nord").shown] == ["kari"]
        assert [p.username for p in do(cast, register.see_people, search="åse").shown] == ["aase"]
        assert do(cast, register.see_people, search="100%").shown == ()
        assert {p.id for p in do(cast, register.see_people, unit_id="ppt").shown} == {"siri", "liv"}

    def test_shows_roles_and_batons_of_a_person(self, cast: Cast) -> None:
        cast.at_level_1()
        kari = do(cast, register.see_person, person_id="kari")
        assert kari.batons == 1
        assert [(role.unit_name, role.role) for role in kari.roles] == [("Fjordvik skole", "employee")]
        with pytest.raises(NotFound):
            do(cast, register.see_person, person_id="nobody")


class TestAddingAMunicipality:
    def test_takes_the_newest_version_of_the_definition(self, cast: Cast) -> None:
        do(cast, municipalities.add_municipality, by=System("nabo"), name="Nabo kommune", definition="overhalla")
        assert trail(replace(cast, municipality_id="nabo"), "municipality.add")[0]["definition"] == "overhalla"

    @pytest.mark.parametrize(
        ("id_", "definition", "wrong"),
        [
            (HERE, "bti", {"id": "taken"}),
            ("Nabo Kommune", "bti", {"id": "not_an_id"}),
            ("nabo", "missing", {"definition": "unknown"}),
            ("", "", {"id": "not_an_id", "definition": "unknown"}),
        ],
    )
    def test_refuses_what_it_can_not_use(self, cast: Cast, id_: str, definition: str, wrong: dict[str, str]) -> None:
        with pytest.raises(Invalid) as refused:
            do(cast, municipalities.add_municipality, by=System(id_), name="Nabo", definition=definition)
        assert refused.value.fields == wrong


def test_two_administrators_can_not_end_each_other(cast: Cast) -> None:
    """Even with a page that was opened before: commands take turns, and the second finds nobody else left."""
    grant(cast, "bti", "town_hall", "administrator")
    arne, bti = cast.actor("arne"), cast.actor("bti")
    do(cast, staff.end_person, by=arne, person_id="bti")
    with pytest.raises(NotPossible) as refused:
        do(cast, staff.end_person, by=bti, person_id="arne")
    assert refused.value.code == "last_administrator"
    with cast.writing() as session:
        assert session.execute(sa.select(units.c.id).limit(1)).first()
