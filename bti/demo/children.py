"""The children of Fjordvik and those who answer for them: some with a story, the others to fill the lists."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from bti.clock import add_months, local_day
from bti.demo.names import CULTURES, Culture, culture_of
from bti.demo.national_ids import synthetic_id
from bti.demo.town import BEGAN, HERE, Town
from bti.models import care_orders, guardians, guardianships, new_id, subjects
from bti.usecases.imports.writing import insert_rows

SEED = 4711
# Who answers for a child: (relation, parental responsibility, shares the child's family name).
FAMILIES: dict[str, tuple[tuple[str, bool, bool], ...]] = {
    "both": (("mother", True, True), ("father", True, True)),
    "two_homes": (("mother", True, True), ("father", True, False)),
    "mother": (("mother", True, True),),
    "father": (("father", True, True),),
    "without_responsibility": (("mother", True, True), ("father", False, False)),
    # The parents keep parental responsibility; while the order lasts child welfare consents in their place.
    "care_order": (("mother", True, True), ("father", True, True), ("other", False, False)),
    "none": (),
}
# How common each family is among those who have no story.
COMMON = ("both",) * 12 + ("two_homes",) * 4 + ("mother",) * 2 + ("father",) + ("without_responsibility",)


class Child(NamedTuple):
    """A subject with a story. `age` is in whole years when the town is seeded."""

    name: str
    age: int
    group: str
    unit: str = "school"
    family: str = "both"
    kind: str = "child"
    address_blocked: bool = False


CHILDREN = {
    # Kari's worklist
    "ola": Child("Ola Nordli", 9, "4B", family="two_homes"),
    "aisha": Child("Aisha Mohamud", 12, "7A"),
    "emil": Child("Emil Strøm", 6, "1C"),
    "anne": Child("Ánne-Márjá Čuovža", 14, "9B"),
    "leon": Child("Leon Kowalczyk", 5, "Blåklokka", "solglott"),
    "maja": Child("Maja Bakken", 15, "10A", family="mother"),
    "sondre": Child("Sondre Lilleby", 9, "4B"),
    # Fjordvik skole
    "thea": Child("Thea Myrvold", 7, "2A"),
    "jonas_v": Child("Jonas Vestby", 12, "7A", family="two_homes"),
    "hodan": Child("Hodan Warsame", 10, "5A"),
    "marek": Child("Marek Zielony", 11, "6B"),
    "solomiia": Child("Solomiia Bondarchuk", 13, "8A", family="mother"),
    "nora": Child("Nora Høgmo", 8, "3A"),
    "lukas": Child("Lukas Granli", 10, "5A", family="without_responsibility"),
    "ella": Child("Ella Rognan", 6, "1A"),
    "mahad": Child("Mahad Jimcale", 14, "9A"),
    "ravna": Child("Rávdná Guoika", 11, "6A"),
    "sander": Child("Sander Kolås", 13, "8B"),
    "ida": Child("Ida Sletten", 8, "3B", family="two_homes"),
    "oskar": Child("Oskar Furuset", 7, "2B"),
    "zofia": Child("Zofia Lipowska", 9, "4A"),
    "artem": Child("Artem Kovalenko", 12, "7B", family="mother"),
    "tiril": Child("Tiril Engset", 15, "10B"),
    "amalie": Child("Amalie Tangen", 14, "9B", family="two_homes"),
    "even": Child("Even Brekke", 10, "5B", family="care_order"),
    "sunniva": Child("Sunniva Aker", 8, "3A", family="mother", address_blocked=True),
    "iben": Child("Iben Haugli", 11, "6A"),
    "mathias": Child("Mathias Lo", 12, "7A"),
    "ayaan": Child("Ayaan Farah", 7, "2A", family="mother"),
    "herman": Child("Herman Risvik", 13, "8A", family="two_homes"),
    "filippa": Child("Filippa Norum", 10, "5A"),
    "jakub": Child("Jakub Wrona", 14, "9A"),
    "daryna": Child("Daryna Melnyk", 9, "4A"),
    "biret": Child("Biret-Elle Njálla", 7, "2B"),
    "william": Child("William Støle", 6, "1B"),
    "live": Child("Live Ødegaard", 13, "8B"),
    "kasper": Child("Kasper Tofte", 15, "10A", family="two_homes"),
    "signe": Child("Signe Aasland", 11, "6B"),
    "noah": Child("Noah Vassli", 9, "4B"),
    "vilja": Child("Vilja Haugsdal", 15, "10B"),
    "vegard": Child("Vegard Skaar", 13, "8A"),
    "mathilde": Child("Mathilde Orre", 12, "7B"),
    "marius": Child("Marius Hegge", 14, "9A"),
    "fredrik": Child("Fredrik Lauvås", 10, "5B"),
    "yasmin": Child("Yasmin Dirie", 13, "8A", family="mother"),
    "filip": Child("Filip Rydning", 11, "6B"),
    "tora": Child("Tora Myhrer", 10, "5B", family="two_homes"),
    "jon": Child("Jon Hovland", 8, "3B"),
    "sebastian": Child("Sebastian Vold", 12, "7B"),
    "inga": Child("Iŋgá Skierri", 9, "4A"),
    "benedikte": Child("Benedikte Ruud", 14, "9A"),
    "adrian": Child("Adrian Teige", 7, "2B", family="father"),
    # Nordbygda skole
    "leif": Child("Leif Ånes", 11, "6", "north"),
    "gabriel": Child("Gabriel Hals", 8, "3", "north"),
    "kaja": Child("Kaja Rimstad", 9, "4", "north"),
    "astrid": Child("Astrid Nordheim", 11, "6", "north"),
    "abdi": Child("Abdi Hirsi", 8, "3", "north"),
    "vetle": Child("Vetle Moan", 10, "5", "north", "two_homes"),
    "mina": Child("Mina Skogly", 11, "6", "north"),
    "issat": Child("Issát Luossa", 8, "3", "north"),
    "olena": Child("Olena Tkachuk", 10, "5", "north", "mother"),
    "peder": Child("Peder Åsen", 9, "4", "north"),
    "runa": Child("Runa Dalbakk", 12, "7", "north", "without_responsibility"),
    # Kindergartens
    "milla": Child("Milla Sandvik", 4, "Blåklokka", "solglott"),
    "adam": Child("Adam Warfa", 3, "Rødkløver", "solglott"),
    "jan": Child("Jan Kaczor", 5, "Blåklokka", "solglott"),
    "frida": Child("Frida Lunde", 4, "Rødkløver", "solglott", "two_homes"),
    "ailo": Child("Áilo Beaska", 5, "Maurtua", "tytteber"),
    "tuva": Child("Tuva Holmen", 3, "Maurtua", "tytteber", "mother"),
    "iver": Child("Iver Kroken", 4, "Humlebolet", "tytteber"),
    # Followed by the health centre and NAV
    "baby": Child("Alma Fossli", 0, "", "health"),
    "toddler": Child("Yaroslav Hnatiuk", 1, "", "health", "mother"),
    "expecting": Child("Lina Torsnes", 24, "", "health", "none", "pregnant"),
    "expecting2": Child("Sahra Nuur", 19, "", "health", "none", "pregnant"),
    "youth16": Child("Mikal Sørli", 16, "", "health"),
    "youth17": Child("Emma Haugstad", 17, "", "nav", "two_homes"),
    "youth17b": Child("Piotr Gajewski", 17, "", "nav"),
}
# Groups with how many children each, and the age of the youngest; those with a story are counted in.
GROUPS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "school": tuple((f"{year}{letter}", 8, year + 5) for year in range(1, 11) for letter in "AB") + (("1C", 6, 6),),
    "north": tuple((str(year), 6, year + 5) for year in range(1, 8)),
    "solglott": (("Blåklokka", 9, 4), ("Rødkløver", 9, 3)),
    "tytteber": (("Maurtua", 8, 4), ("Humlebolet", 8, 3)),
}


def fill_register(session: sa.Connection, town: Town, *, now: datetime) -> None:
    """Write all children, and note the ids of those with a story, and of their guardians, in `town`."""
    today = local_day(now)
    # The same children every time; nothing here is a secret.
    chance = random.Random(SEED)  # noqa: S311
    register = _Register(town, today, chance, set(), {table: [] for table in _TABLES})
    for key, child in CHILDREN.items():
        register.add(child, key)
    for child in _those_without_a_story(chance):
        register.add(child)
    for table, rows in register.rows.items():
        insert_rows(session, table, rows, actor=town.system, now=now - BEGAN * 3 / 4)


def _those_without_a_story(chance: random.Random) -> Iterator[Child]:
    for unit, groups in GROUPS.items():
        for group, size, age in groups:
            missing = size - sum(1 for child in CHILDREN.values() if (child.unit, child.group) == (unit, group))
            for _ in range(missing):
                yield Child(chance.choice(CULTURES).full_name(chance), age, group, unit, chance.choice(COMMON))


_TABLES = (subjects, guardians, guardianships, care_orders)


@dataclass
class _Register:
    town: Town
    today: date
    chance: random.Random
    taken: set[str]
    rows: dict[sa.Table, list[dict[str, Any]]]

    def add(self, child: Child, key: str = "") -> None:
        subject_id, number = new_id(), len(self.rows[subjects]) + 1
        given, family = child.name.split(" ", 1)
        born_on = self._born(child.age)
        self._row(
            subjects, id=subject_id, kind=child.kind, given_name=given, family_name=family,
            national_id=synthetic_id(born_on, self.chance, self.taken), born_on=born_on,
            unit_id=self.town.units[child.unit], group_name=child.group, address_blocked=child.address_blocked,
            external_key=f"barn-{number:04}",
        )  # fmt: skip
        if key:
            self.town.subjects[key] = subject_id
        for relation, responsible, same_name in FAMILIES[child.family]:
            self._add_guardian(subject_id, key, child, relation, responsible, same_name)
        if child.family == "care_order":
            started = self.today - timedelta(days=500)
            self._row(
                care_orders, id=new_id(), subject_id=subject_id, unit_id=self.town.units["welfare"], started_on=started
            )

    def _add_guardian(
        self, subject_id: str, key: str, child: Child, relation: str, responsible: bool, same_name: bool
    ) -> None:
        guardian_id, number = new_id(), len(self.rows[guardians]) + 1
        culture = culture_of(child.name)
        family = child.name.split(" ", 1)[1] if same_name else culture.family_name(self.chance)
        born_on = self._born(child.age + self.chance.randrange(24, 38))
        self._row(
            guardians, id=guardian_id, name=f"{self._given(culture, key, relation)} {family}",
            national_id=synthetic_id(born_on, self.chance, self.taken), language="nb",
            phone=f"00 00 {number // 100:02} {number % 100:02}", external_key=f"foresatt-{number:04}",
        )  # fmt: skip
        self._row(
            guardianships, id=new_id(), subject_id=subject_id, guardian_id=guardian_id, relation=relation,
            parental_responsibility=responsible,
        )  # fmt: skip
        if key:
            self.town.guardians[key, relation] = guardian_id

    def _given(self, culture: Culture, key: str, relation: str) -> str:
        # The pictures of the interface know Ola's parents by name.
        known = {("ola", "mother"): "Lise", ("ola", "father"): "Tor"}
        return known.get((key, relation)) or culture.parent(relation, self.chance)

    def _born(self, age: int) -> date:
        # Birthdays two to nine months ago: everybody keeps their age through the story, and for a while after.
        days = self.chance.randrange(20, 60) if age == 0 else self.chance.randrange(60, 270)
        return add_months(self.today, -12 * age) - timedelta(days=days)

    def _row(self, table: sa.Table, **values: Any) -> None:
        self.rows[table].append({"municipality_id": HERE, **values})
