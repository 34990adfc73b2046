"""Fjordvik kommune: its units, and the people who work there with what moves them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from bti.demo.marks import mark_as_demo
from bti.usecases.municipalities import add_municipality
from bti.usecases.people import add_person, grant_role
from bti.usecases.system import System
from bti.usecases.units import add_unit

HERE = "fjordvik"
# How long before the seeding everybody began, and how far apart: the login page lists people in this order.
BEGAN = timedelta(days=900)
APART = timedelta(minutes=1)


class Unit(NamedTuple):
    """A unit of the town."""

    name: str
    kind: str
    is_external: bool = False


class Staff(NamedTuple):
    """Somebody who works in the town. `try_this` says what a newcomer can see as them; most have none."""

    name: str
    title: str
    unit: str
    role: str = "employee"
    try_this: str = ""
    language: str = "nb"


UNITS = {
    "school": Unit("Fjordvik skole", "school"),
    "north": Unit("Nordbygda skole", "school"),
    "solglott": Unit("Solgløtt barnehage", "kindergarten"),
    "tytteber": Unit("Tyttebærtunet barnehage", "kindergarten"),
    "health": Unit("Fjordvik helsestasjon", "health_centre"),
    "ppt": Unit("PPT Fjordvik", "ppt"),
    "nav": Unit("NAV Fjordvik", "nav"),
    "welfare": Unit("Barneverntjenesten", "child_welfare"),
    "family": Unit("Familiens hus", "family_support"),
    "bup": Unit("BUP Fjordvik", "specialist_health", is_external=True),
    "leisure": Unit("Fritid og ungdom", "leisure"),
    "coordination": Unit("Koordinerende enhet", "coordinating_unit"),
    "town_hall": Unit("Rådhuset", "administration"),
}

# In the order of the login page: first those to try, then everybody else.
STAFF = {
    "kari": Staff(
        "Kari Nordmann", "Kontaktlærer 4B", "school", "employee",
        "Register a wonder. See Ola in 4B, who waits for his father's consent. Answer Siri's offer of the baton.",
    ),
    "rune": Staff(
        "Rune Vik", "Rektor", "school", "unit_leader",
        "Answer the wonder that has waited for ten days. Decide who holds a baton. See the whole school.",
    ),
    "siri": Staff(
        "Siri Dahl", "PP-rådgiver", "ppt", "employee",
        "Answer an invitation, and Per's offer of the baton. Hold the baton for Ánne-Márjá in 9B.",
    ),
    "amir": Staff(
        "Amir Hassan", "Helsesykepleier", "health", "employee",
        "Follow an infant on level 1. Take part in a case of the kindergarten, whose consent was renewed.",
    ),
    "berit": Staff(
        "Berit Haug", "Koordinator", "coordination", "coordinator",
        "Decide the case that is stuck, seeing only what was put before you.",
    ),
    "tove": Staff(
        "Tove Lund", "Personvernombud", "town_hall", "auditor",
        "Find who has seen what, and on which basis, without ever meeting content or a child's name.",
    ),
    "arne": Staff(
        "Arne Dal", "Systemansvarlig", "town_hall", "administrator",
        "Add people and units. End somebody, and see their batons go to their leader.",
    ),
    "gro": Staff("Gro Holm", "BTI-koordinator", "town_hall", "bti_team", "Read the model, and see it drawn."),
    "per": Staff(
        "Per Olsen", "Kontaktlærer 7A", "school", "employee",
        "See a case whose consent was withdrawn, and one whose baton Siri has been offered.",
    ),
    "kristin": Staff(
        "Kristin Aune", "Pedagogisk leder, Blåklokka", "solglott", "employee",
        "The same from a kindergarten: work with PPT on a consent that expires soon.",
    ),
    "eva": Staff(
        "Eva Strand", "Psykologspesialist", "bup", "employee",
        "See, from outside the municipality, what a consent on level 3 opens and nothing else.",
    ),
    "nina": Staff(
        "Nina Lie", "Rektor", "north", "unit_leader",
        "Hold the batons of somebody who has left, and appoint a new holder.",
    ),
    "marit": Staff("Marit Sunde", "Kontaktlærer 1C", "school"),
    "jonas": Staff("Jonas Eide", "Kontaktlærer 9B", "school"),
    "elle": Staff("Elle Somby", "Kontaktlærer 10A", "school"),
    "ingrid": Staff("Ingrid Bakke", "Sosiallærer", "school", language="nn"),
    "silje": Staff("Silje Hove", "Kontaktlærer 2A", "school"),
    "mikkel": Staff("Mikkel Brun", "Kontaktlærer 5A", "school"),
    "nils": Staff("Nils Berg", "Kontaktlærer 6", "north"),
    "hanna": Staff("Hanna Solli", "Kontaktlærer 3", "north"),
    "vidar": Staff("Vidar Lund", "Kontaktlærer 5", "north"),
    "terje": Staff("Terje Moe", "Kontaktlærer 4 (vikar)", "north"),
    "randi": Staff("Randi Moe", "Styrer", "solglott", "unit_leader"),
    "fatima": Staff("Fatima Noor", "Barnehagelærer, Rødkløver", "solglott"),
    "stian": Staff("Stian Rød", "Styrer", "tytteber", "unit_leader"),
    "julie": Staff("Julie Holt", "Pedagogisk leder, Maurtua", "tytteber"),
    "hege": Staff("Hege Sand", "Ledende helsesykepleier", "health", "unit_leader"),
    "ane": Staff("Ane Lien", "Jordmor", "health"),
    "oda": Staff("Oda Vang", "Helsesykepleier for ungdom", "health"),
    "liv": Staff("Liv Moen", "Leder", "ppt", "unit_leader"),
    "espen": Staff("Espen Juul", "Logoped", "ppt"),
    "trond": Staff("Trond Hauge", "Leder", "nav", "unit_leader"),
    "maria": Staff("Maria Kvam", "Ungdomsveileder", "nav"),
    "yusuf": Staff("Yusuf Ali", "Veileder", "nav"),
    "sissel": Staff("Sissel Berge", "Barnevernleder", "welfare", "unit_leader"),
    "anders": Staff("Anders Nes", "Kontaktperson", "welfare"),
    "gunn": Staff("Gunn Tveit", "Leder", "family", "unit_leader"),
    "henrik": Staff("Henrik Dale", "Familieveileder", "family"),
    "knut": Staff("Knut Aasen", "Seksjonsleder", "bup", "unit_leader"),
    "camilla": Staff("Camilla Bø", "Leder", "leisure", "unit_leader"),
    "daniel": Staff("Daniel Ek", "Ungdomsarbeider", "leisure"),
    "odd": Staff("Odd Myhre", "Leder", "coordination", "unit_leader"),
    "ase": Staff("Åse Nygård", "Kommunalsjef oppvekst", "town_hall", "unit_leader", language="nn"),
    "wenche": Staff("Wenche Rist", "Fagansvarlig arkiv", "town_hall", "administrator"),
}  # fmt: skip


@dataclass
class Town:
    """Who and what is where: the ids of everything that stories call by a short name."""

    units: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)
    # By child and relation: mother, father, other.
    guardians: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def system(self) -> System:
        """Whoever set the town up and tidies at night."""
        return System(HERE)

    def leader_of(self, unit: str) -> str:
        """Return the short name of the unit's leader."""
        return next(key for key, one in STAFF.items() if one.unit == unit and one.role == "unit_leader")


def settle(session: sa.Connection, *, now: datetime) -> Town:
    """Found the municipality, marked as a demo, with its units and staff, as if it had been `BEGAN` ago."""
    town = Town()
    founded = now - BEGAN
    add_municipality(session, actor=town.system, name="Fjordvik kommune", definition="bti", version=1, now=founded)
    mark_as_demo(session, HERE)
    for number, (key, unit) in enumerate(UNITS.items()):
        town.units[key] = add_unit(
            session, actor=town.system, name=unit.name, kind=unit.kind, is_external=unit.is_external,
            phone=f"00 00 01 {number:02}", now=founded,
        )  # fmt: skip
    for number, (key, one) in enumerate(STAFF.items()):
        _employ(session, town, key, one, founded + number * APART)
    return town


def _employ(session: sa.Connection, town: Town, key: str, one: Staff, now: datetime) -> None:
    town.people[key] = add_person(
        session, actor=town.system, username=key, name=one.name, title=one.title,
        email=f"{key}@fjordvik.example", language=one.language, now=now,
    )  # fmt: skip
    grant_role(
        session, actor=town.system, person_id=town.people[key], unit_id=town.units[one.unit], role=one.role, now=now
    )
