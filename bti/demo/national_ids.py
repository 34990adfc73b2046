"""National ids that look right and belong to nobody: month + 80, with valid control digits.

Source: Skatteetaten's synthetic test population, which adds 80 to the month.
"""

from __future__ import annotations

import random
from datetime import date

SYNTHETIC_MONTH = 80
_FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def synthetic_id(born_on: date, chance: random.Random, taken: set[str]) -> str:
    """Return a synthetic national id for somebody born on that day, not among `taken`, and add it there."""
    while True:
        # People born from 2000 on have individual numbers from 500 up; those born before, below.
        number = chance.randrange(500, 1000) if born_on.year >= 2000 else chance.randrange(0, 500)
        id_ = _with_control_digits(
            f"{born_on.day:02}{born_on.month + SYNTHETIC_MONTH:02}{born_on.year % 100:02}{number:03}"
        )
        if id_ and id_ not in taken:
            taken.add(id_)
            return id_


def is_synthetic(id_: str) -> bool:
    """Return whether this is a national id that nobody can have: synthetic month, right control digits."""
    if len(id_) != 11 or not id_.isdecimal():
        return False
    return SYNTHETIC_MONTH < int(id_[2:4]) <= SYNTHETIC_MONTH + 12 and _with_control_digits(id_[:9]) == id_


def _with_control_digits(nine: str) -> str:
    ten = nine + _control_digit(nine, _FIRST)
    eleven = ten + _control_digit(ten, _SECOND)
    # A remainder of ten has no digit: such numbers are never given out.
    return eleven if len(eleven) == 11 else ""


def _control_digit(digits: str, weights: tuple[int, ...]) -> str:
    rest = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % 11
    return "" if rest == 1 else str((11 - rest) % 11)
