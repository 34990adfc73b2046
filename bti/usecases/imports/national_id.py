"""National identity numbers: birth numbers, D-numbers and the synthetic ones that tests and trials use."""

from __future__ import annotations

from datetime import date

from bti.errors import Invalid

_FIRST_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_SECOND_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
# What is added to the day of a D-number, and to the month of a number that belongs to nobody (Tenor's two series).
_D_NUMBER = 40
_SYNTHETIC = (80, 65)


def check_national_id(text: str) -> str:
    """Return the eleven digits of a birth number or D-number, synthetic ones included.

    Raises Invalid (`cell`: `not_a_national_id` for a wrong form or control digit, or a day that never was).
    """
    digits = text.replace(" ", "")
    if len(digits) == 10:
        # A spreadsheet that took the number for an amount has dropped the zero in front.
        digits = f"0{digits}"
    if not (len(digits) == 11 and digits.isascii() and digits.isdigit()) or not _controls_agree(digits):
        raise Invalid(cell="not_a_national_id")
    if born_on(digits) is None:
        raise Invalid(cell="not_a_national_id")
    return digits


def _controls_agree(digits: str) -> bool:
    numbers = [int(digit) for digit in digits]
    return all(
        sum(weight * number for weight, number in zip(weights, numbers, strict=False)) % 11 == 0
        for weights in (_FIRST_WEIGHTS, _SECOND_WEIGHTS)
    )


def born_on(digits: str) -> date | None:
    """Return the day of birth that a national id tells, or None when there is no such day."""
    day, month, year, individual = int(digits[:2]), int(digits[2:4]), int(digits[4:6]), int(digits[6:9])
    if day > _D_NUMBER:
        day -= _D_NUMBER
    for added in _SYNTHETIC:
        if month > added:
            month -= added
            break
    century = _century(year, individual)
    try:
        return date(century + year, month, day) if century else None
    except ValueError:
        return None


def _century(year: int, individual: int) -> int | None:
    """Return the century by the individual number. Source: Skatteetaten's table of series."""
    if individual < 500:
        return 1900
    if individual < 750 and year >= 54:
        return 1800
    if year < 40:
        return 2000
    return 1900 if individual >= 900 else None
