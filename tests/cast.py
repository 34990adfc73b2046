"""A fixed cast with motives. Every test plays with the same people in the invented Fjordvik kommune.

Kari teaches Ola and worries about him. Rune leads her school and answers for what nobody else holds. Siri at PPT is
asked to help; Amir is the public health nurse. Nils teaches at another school and has no business with Ola. Berit
sits in the coordinating unit, Tove audits, Arne administers, Liv leads PPT, Eva works at the hospital outside.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bti import tenancy
from bti.actor import Actor
from bti.clock import local_day
from bti.db import reading, writing
from bti.engine import Scene
from bti.facts import CaseFacts
from bti.models import (
    care_orders,
    guardians,
    guardianships,
    memberships,
    municipalities,
    people,
    subjects,
    units,
)
from bti.models.sealed import begin_owner
from bti.queries.facts import case_facts
from bti.queries.people import load_actor
from bti.usecases import answers, baton, cases, consent, log, participants, wonders
from bti.usecases import people as people_usecases
from bti.usecases.answers import Said
from tests.keys import put

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
HERE = "fjordvik"
NEXT_DOOR = "nabovik"

UNITS = {
    "school": ("Fjordvik skole", "school", False),
    "other_school": ("Nordbygda skole", "school", False),
    "ppt": ("PPT Fjordvik", "ppt", False),
    "health": ("Fjordvik helsestasjon", "health_centre", False),
    "welfare": ("Barneverntjenesten", "child_welfare", False),
    "coordination": ("Koordinerende enhet", "coordinating_unit", False),
    "town_hall": ("Rådhuset", "administration", False),
    "hospital": ("BUP Fjordvik", "specialist_health", True),
}
PEOPLE = {
    "kari": ("Kari Nordmann", [("school", "employee")]),
    "per": ("Per Olsen", [("school", "employee")]),
    "rune": ("Rune Vik", [("school", "unit_leader")]),
    "nils": ("Nils Berg", [("other_school", "employee")]),
    "nina": ("Nina Lie", [("other_school", "unit_leader")]),
    "siri": ("Siri Dahl", [("ppt", "employee")]),
    "liv": ("Liv Moen", [("ppt", "unit_leader")]),
    "amir": ("Amir Hassan", [("health", "employee")]),
    "hege": ("Hege Sand", [("health", "unit_leader")]),
    "berit": ("Berit Haug", [("coordination", "coordinator")]),
    "tove": ("Tove Lund", [("town_hall", "auditor")]),
    "arne": ("Arne Dal", [("town_hall", "administrator")]),
    "bti": ("Gro Holm", [("town_hall", "bti_team")]),
    "eva": ("Eva Strand", [("hospital", "employee")]),
}
# Children of the school, with age on MONDAY and the relation and standing of their guardians.
SUBJECTS = {
    "ola": ("Ola", "Nordli", 9, "4B", "school", [("lise", "mother", True), ("tor", "father", True)]),
    "mia": ("Mia", "Aas", 15, "10A", "school", [("lise", "mother", True)]),
    "jon": ("Jon", "Eik", 16, "10A", "school", [("tor", "father", True)]),
    "ida": ("Ida", "Myr", 8, "3A", "school", [("lise", "mother", False)]),
    "liam": ("Liam", "Fjell", 10, "5A", "other_school", [("tor", "father", True)]),
}
GUARDIANS = {"lise": "Lise Nordli", "tor": "Tor Nordli"}


@dataclass
class Cast:
    """The town with its people in one database. Names are ids too: `cast.id("kari")`."""

    database: sa.Engine
    now: datetime = MONDAY
    municipality_id: str = HERE
    extra: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a transaction in the cast's own municipality."""
        with tenancy.within(self.municipality_id), writing(self.database) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that reads in the cast's own municipality."""
        with tenancy.within(self.municipality_id), reading(self.database) as session:
            yield session

    def actor(self, name: str) -> Actor:
        """Return the person with the roles they hold now; fails when they have ended."""
        with self.writing() as session:
            found = load_actor(session, municipality_id=self.municipality_id, person_id=self.id(name))
        assert found is not None, f"{name} has ended"
        return found

    def id(self, name: str) -> str:
        """Return the id of a person, unit, child or guardian of the cast."""
        return name

    @property
    def today(self) -> date:
        return local_day(self.now)

    def later(self, **delta: float) -> datetime:
        """Move the clock on and return the new moment."""
        self.now += timedelta(**delta)
        return self.now

    def facts(self, case_id: str) -> CaseFacts:
        with self.writing() as session:
            return case_facts(session, municipality_id=self.municipality_id, case_id=case_id, today=self.today)

    def version(self, case_id: str) -> int:
        return int(self.facts(case_id).version)

    def act(self, usecase: Callable[..., Any], *, by: str, **more: Any) -> Any:
        """Let a person do something in a transaction of its own, on the page as it is now unless told otherwise."""
        with self.writing() as session:
            if "seen_version" in inspect.signature(usecase).parameters and "seen_version" not in more:
                more["seen_version"] = self._version(session, more["case_id"])
            return usecase(session, actor=self.actor_in(session, by), now=self.now, **more)

    def end(self, name: str) -> int:
        """Let the administrator end a person; return how many batons moved."""
        return int(self.act(people_usecases.end_person, by="arne", person_id=self.id(name)))

    def end_role(self, name: str, unit: str, role: str = "employee") -> int:
        """Let the administrator end a role; return how many batons moved."""
        return int(self.act(people_usecases.end_role, by="arne", person_id=self.id(name), unit_id=unit, role=role))

    def grant(self, name: str, unit: str, role: str = "employee") -> None:
        """Let the administrator give somebody a role."""
        self.act(people_usecases.grant_role, by="arne", person_id=self.id(name), unit_id=unit, role=role)

    # --- the usual way, step by step, each the way a person would do it ---

    def wonder(self, *, by: str = "kari", about: str | None = "ola", themes: Sequence[str] = ("absence",)) -> str:
        """Register a wonder; return the case's id."""
        with self.writing() as session:
            opened = wonders.register(
                session, actor=self.actor_in(session, by), unit_id=self.unit_of(by), subject_id=about, themes=themes,
                seen="Kommer for sent fire av fem dager.", talked="no", now=self.now,
            )  # fmt: skip
        return opened.case_id

    def actor_in(self, session: sa.Connection, name: str) -> Actor:
        found = load_actor(session, municipality_id=self.municipality_id, person_id=self.id(name))
        assert found is not None
        return found

    def unit_of(self, name: str) -> str:
        return PEOPLE[name][1][0][0]

    def move(self, case_id: str, name: str, *, by: str = "kari", **more: Any) -> Scene:
        with self.writing() as session:
            return cases.move(
                session, actor=self.actor_in(session, by), case_id=case_id, name=name,
                seen_version=more.pop("seen_version", None) or self._version(session, case_id), now=self.now,
                **more,
            )  # fmt: skip

    def _version(self, session: sa.Connection, case_id: str) -> int:
        facts = case_facts(session, municipality_id=self.municipality_id, case_id=case_id, today=self.today)
        return facts.version

    def ask_consent(
        self, case_id: str, *units_named: str, purpose: str = "log", by: str = "kari", **more: object
    ) -> str:
        with self.writing() as session:
            return consent.ask(
                session, actor=self.actor_in(session, by), case_id=case_id, purpose=purpose,
                unit_ids=units_named or ("school",), kinds=more.pop("kinds", ("everyday", "measures")),  # type: ignore[arg-type]
                about="Fravær og tiltak på skolen", reservations="", valid_to=more.pop("valid_to", None),  # type: ignore[arg-type]
                seen_version=self._version(session, case_id), now=self.now, **more,  # type: ignore[arg-type]
            )  # fmt: skip

    def parties(self, consent_id: str) -> list[str]:
        from bti.models import consent_parties as p

        with self.writing() as session:
            rows = session.execute(sa.select(p.c.id).where(p.c.consent_id == consent_id).order_by(p.c.id))
            return [row.id for row in rows]

    def answer(self, case_id: str, consent_id: str, *, answer: str = "given", by: str = "kari") -> str:
        """Let every giver answer the same; return the state."""
        state = ""
        for party in self.parties(consent_id):
            with self.writing() as session:
                state = answers.record(
                    session, actor=self.actor_in(session, by), case_id=case_id, consent_id=consent_id,
                    party_id=party, answer=answer, said=self.said(), now=self.now,
                )  # fmt: skip
        return state

    def said(self) -> Said:
        return Said("oral", self.today, witness="Per Olsen")

    def consented(self, case_id: str, *units_named: str, purpose: str = "log", by: str = "kari", **more: object) -> str:
        consent_id = self.ask_consent(case_id, *units_named, purpose=purpose, by=by, **more)
        assert self.answer(case_id, consent_id, by=by) == "given"
        return consent_id

    def yes_to(self, case_id: str, unit: str) -> str:
        """Return the consent that lets a unit in now."""
        return next(c.consent_id for c in self.facts(case_id).covers if c.unit_id == unit and c.consent_id)

    def withdraw(self, case_id: str, consent_id: str, *, by: str = "kari") -> None:
        with self.writing() as session:
            consent.withdraw(
                session, actor=self.actor_in(session, by), case_id=case_id, consent_id=consent_id,
                party_id=self.parties_in(session, consent_id)[0], said=self.said(), now=self.now,
            )  # fmt: skip

    def parties_in(self, session: sa.Connection, consent_id: str) -> list[str]:
        from bti.models import consent_parties as p

        return [r.id for r in session.execute(sa.select(p.c.id).where(p.c.consent_id == consent_id).order_by(p.c.id))]

    def confirm(self, case_id: str, *, by: str = "rune") -> None:
        with self.writing() as session:
            baton.confirm_holder(
                session, actor=self.actor_in(session, by), case_id=case_id,
                seen_version=self._version(session, case_id), now=self.now,
            )  # fmt: skip

    def guardian_talk(self, case_id: str, *, by: str = "kari") -> None:
        with self.writing() as session:
            wonders.add_note(
                session, actor=self.actor_in(session, by), case_id=case_id, kind="guardian_talk",
                text="Snakket med mor og far.", happened_on=self.today, now=self.now,
            )  # fmt: skip

    def feedback(self, case_id: str, *, by: str = "rune") -> None:
        with self.writing() as session:
            wonders.give_feedback(
                session, actor=self.actor_in(session, by), case_id=case_id, text="Takk. Snakk med foreldrene.",
                now=self.now,
            )  # fmt: skip

    def invite(self, case_id: str, person: str, *, by: str = "kari") -> str:
        with self.writing() as session:
            return participants.invite(
                session, actor=self.actor_in(session, by), case_id=case_id, person_id=self.id(person),
                unit_id=self.unit_of(person), purpose="Lesing", seen_version=self._version(session, case_id),
                now=self.now,
            )  # fmt: skip

    def join(self, case_id: str, person: str, *, by: str = "kari") -> str:
        invitation = self.invite(case_id, person, by=by)
        with self.writing() as session:
            participants.accept(
                session, actor=self.actor_in(session, person), case_id=case_id, invitation_id=invitation, now=self.now
            )
        return invitation

    def offer(self, case_id: str, person: str, *, by: str = "kari", takes_over_log: bool = False) -> str:
        with self.writing() as session:
            return baton.offer(
                session, actor=self.actor_in(session, by), case_id=case_id, to_person_id=self.id(person),
                to_unit_id=self.unit_of(person), note="Far foretrekker telefon.", takes_over_log=takes_over_log,
                seen_version=self._version(session, case_id), now=self.now,
            )  # fmt: skip

    def accept(self, case_id: str, offer_id: str, *, by: str) -> None:
        with self.writing() as session:
            baton.accept(session, actor=self.actor_in(session, by), case_id=case_id, offer_id=offer_id, now=self.now)

    def plan(self, case_id: str, *, by: str = "kari", responsible: str = "kari", days: int = 28) -> str:
        """Set a goal and a measure under it; return the measure's id."""
        with self.writing() as session:
            actor = self.actor_in(session, by)
            goal = log.set_goal(
                session, actor=actor, case_id=case_id, information_kind="measures", text="På skolen hver dag",
                now=self.now,
            )  # fmt: skip
            return log.plan_measure(
                session, actor=actor, case_id=case_id, goal_id=goal, information_kind="measures",
                text="Fast voksen ved skolestart", responsible=f"person:{self.id(responsible)}", starts_on=None,
                evaluate_on=self.today + timedelta(days=days), now=self.now,
            )  # fmt: skip

    def evaluate(self, case_id: str, measure_id: str, *, by: str = "kari", outcome: str = "continue") -> None:
        with self.writing() as session:
            log.evaluate_measure(
                session, actor=self.actor_in(session, by), case_id=case_id, measure_id=measure_id,
                done_as_planned="yes", effect="good", outcome=outcome, text="Fraværet er ned fra ni til tre dager.",
                evaluate_on=self.today + timedelta(days=28), now=self.now,
            )  # fmt: skip

    def child_heard(self, case_id: str, *, by: str = "kari") -> None:
        with self.writing() as session:
            log.add_entry(
                session, actor=self.actor_in(session, by), case_id=case_id, kind="child_voice",
                information_kind="everyday", title="", text="Det er bedre nå.", happened_on=self.today,
                asked_by="Kari Nordmann", now=self.now,
            )  # fmt: skip

    # --- whole stretches ---

    def at_decision(self, *, about: str | None = "ola", by: str = "kari") -> str:
        """A wonder that has been shared, talked about, and stands at 0.4."""
        case_id = self.wonder(about=about, by=by)
        self.move(case_id, "share_with_leader", by=by)
        self.feedback(case_id)
        self.move(case_id, "clarify_who_talks", by=by)
        self.guardian_talk(case_id, by=by)
        self.move(case_id, "decide_on_wonder", by=by)
        return case_id

    def at_level_1(self, *, about: str = "ola") -> str:
        case_id = self.at_decision(about=about)
        self.confirm(case_id)
        self.consented(case_id, "school")
        self.move(case_id, "start_own_service")
        return case_id

    def at_level_2(self, *, about: str = "ola", partner: str = "siri") -> str:
        """On level 2 with PPT taking part."""
        case_id = self.at_decision(about=about)
        self.confirm(case_id)
        self.consented(case_id, "school")
        self.consented(case_id, self.unit_of(partner), purpose="share")
        self.join(case_id, partner)
        self.move(case_id, "start_with_other_service")
        return case_id


def _born(age: int) -> date:
    # Birthdays in spring: nobody turns a year older while a test runs.
    return date(MONDAY.year - age, 4, 3)


def settle(database: sa.Engine, *, municipality_id: str = HERE, definition: tuple[str, int] = ("bti", 1)) -> Cast:
    """Write the town and its people into a migrated database, as a municipality of its own."""
    here = {"municipality_id": municipality_id}
    begin_owner(municipality_id, municipality_id)
    with tenancy.within(municipality_id), writing(database) as session:
        put(session, municipalities,
            {
                "id": municipality_id, "name": f"{municipality_id.title()} kommune", "is_demo": True,
                "definition": definition[0], "definition_version": definition[1],
            },
        )  # fmt: skip
        put(
            session,
            units,
            [here | {"id": k, "name": n, "kind": kind, "is_external": ext} for k, (n, kind, ext) in UNITS.items()],
        )
        put(
            session,
            people,
            [here | {"id": k, "username": k, "name": n, "title": "", "language": "nb"} for k, (n, _) in PEOPLE.items()],
        )
        put(session, memberships,
            [
                here
                | {
                    "id": f"{person}-{unit}-{role}"[:20], "person_id": person, "unit_id": unit, "role": role,
                    "started_at": MONDAY - timedelta(days=300),
                }
                for person, (_, roles) in PEOPLE.items()
                for unit, role in roles
            ],
        )  # fmt: skip
        put(session, guardians, [here | {"id": k, "name": n, "language": "nb"} for k, n in GUARDIANS.items()])
        for key, (given, family, age, group, unit, whose) in SUBJECTS.items():
            put(session, subjects,
                here
                | {
                    "id": key, "kind": "child", "given_name": given, "family_name": family, "born_on": _born(age),
                    "unit_id": unit, "group_name": group, "address_blocked": False, "external_key": key,
                },
            )  # fmt: skip
            put(session, guardianships,
                [
                    here
                    | {
                        "id": f"{key}-{g}", "subject_id": key, "guardian_id": g, "relation": relation,
                        "parental_responsibility": responsible,
                    }
                    for g, relation, responsible in whose
                ],
            )  # fmt: skip
    return Cast(database, municipality_id=municipality_id)


def settle_neighbour(database: sa.Engine, *, definition: tuple[str, int] = ("bti", 1)) -> Cast:
    """Write the same town once more beside the first, as another municipality with the same ids in it."""
    return settle(database, municipality_id=NEXT_DOOR, definition=definition)


def under_care_order(cast: Cast, subject: str) -> None:
    """Let child welfare have taken over the care of a child."""
    with writing(cast.database) as session:
        put(session, care_orders,
            {
                "municipality_id": HERE, "id": f"care-{subject}", "subject_id": subject, "unit_id": "welfare",
                "started_on": cast.today - timedelta(days=90),
            },
        )  # fmt: skip
