"""Names to put together: Norwegian, Northern Sámi, Somali, Polish and Ukrainian, as they are heard in Fjordvik."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Culture:
    """Given names of children, of mothers and fathers, and family names that go together."""

    children: tuple[str, ...]
    mothers: tuple[str, ...]
    fathers: tuple[str, ...]
    families: tuple[str, ...]

    def full_name(self, chance: random.Random) -> str:
        """Return a child's name."""
        return f"{chance.choice(self.children)} {self.family_name(chance)}"

    def family_name(self, chance: random.Random) -> str:
        """Return a family name."""
        return chance.choice(self.families)

    def parent(self, relation: str, chance: random.Random) -> str:
        """Return the given name of a mother, a father or another guardian."""
        known = {"mother": self.mothers, "father": self.fathers}
        return chance.choice(known.get(relation, self.mothers + self.fathers))


def _culture(children: str, mothers: str, fathers: str, families: str) -> Culture:
    return Culture(tuple(children.split()), tuple(mothers.split()), tuple(fathers.split()), tuple(families.split()))


NORWEGIAN = _culture(
    "Aksel Alma Anton Aurora Birk Casper Eirik Elias Eline Erle Falk Gard Gina Hedda Håkon Ingvild Isak Jenny Johannes "
    "Kaja Liam Linnea Lotte Magnus Mari Mathilde Odin Oliver Pernille Sara Sigrid Simen Sofie Tobias Trym Una Ylva",
    "Anita Berit Camilla Elin Grete Hilde Ida Janne Kristine Lene Mona Randi Silje Tonje Trine Vibeke",
    "Are Bjørn Espen Frode Geir Håvard Ivar Kjetil Lars Morten Ole Pål Roar Stein Terje Øyvind",
    "Askeland Berglund Bråten Dyrnes Eikrem Fagerli Fossheim Gjerde Hagerup Helleland Isdal Kleiva Langnes Lundby "
    "Mosand Nesbø Nygjerdet Opdøl Ravnås Rustad Selbekk Skarpnes Solbu Sundet Tveitan Ulvund Vangsnes Øverli",
)
SAMI = _culture(
    "Áile Ánte Áslat Biera Elle Gáddjá Inga Iŋgá Jovnna Lásse Máhtte Máret Mihkkal Niillas Risten Sárá Ánná",
    "Ánna Berit Elen Inger Kirsten Máret Rávdná Sárá",
    "Áslak Ánte Heaika Issát Jon Mihkku Niillas Piera",
    "Beaska Čearret Čuovža Guoika Guovža Luossa Njálla Rássi Skierri Šnjurá Vuolit",
)
SOMALI = _culture(
    "Abdirahman Amina Bilan Faisa Hamza Hibo Ikran Ilyas Khadra Liban Muna Najma Sagal Salman Sumaya Zakariya",
    "Asha Faduma Halimo Hawa Idil Maryan Nimco Sahra",
    "Abdullahi Ahmed Cabdi Hassan Jama Mohamed Omar Yusuf",
    "Dirie Farah Gedi Guleed Hirsi Jimcale Mohamud Nuur Warfa Warsame",
)
POLISH = _culture(
    "Antoni Aleksandra Bartosz Dawid Hanna Igor Julia Kacper Lena Maja Michalina Nikodem Oliwia Szymon Zuzanna",
    "Agnieszka Beata Dorota Ewa Joanna Katarzyna Magdalena Renata",
    "Adam Dariusz Grzegorz Krzysztof Marcin Paweł Rafał Tomasz",
    "Brzoza Gajewski Kaczor Kowalczyk Lipowski Sikora Wrona Zielony Żurek Świerk",
)
UKRAINIAN = _culture(
    "Andrii Anastasiia Bohdan Danylo Kateryna Maksym Mykola Nazar Oksana Polina Roman Sofiia Taras Vira Yeva Zlata",
    "Halyna Iryna Liudmyla Nataliia Oksana Svitlana Tetiana Yuliia",
    "Andrii Dmytro Ihor Mykhailo Oleh Serhii Viktor Volodymyr",
    "Bondarchuk Hnatiuk Kovalenko Kravets Lysenko Melnyk Savchuk Shevchuk Tkachuk Zahorodnii",
)
# As often as one meets them.
CULTURES = (NORWEGIAN,) * 7 + (SAMI, SOMALI, POLISH, UKRAINIAN)


def culture_of(full_name: str) -> Culture:
    """Return the culture that a family name belongs to; Norwegian where no other knows it."""
    family = full_name.split(" ", 1)[1]
    known = (one for one in (SAMI, SOMALI, POLISH, UKRAINIAN) if any(_same(family, name) for name in one.families))
    return next(known, NORWEGIAN)


def _same(family: str, name: str) -> bool:
    # Polish family names have a form for women.
    return family == name or family.removesuffix("a") + "i" == name
