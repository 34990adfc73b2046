"""What may stand in a cell: each reader returns the value or raises Invalid with one code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from bti.errors import Invalid
from bti.usecases.contact import check_email, check_name, check_phone, check_username
from bti.usecases.text import clean, optional, required

Reader = Callable[[str, date], Any]

LONGEST_KEY = 80
LONGEST_GROUP = 40
# Whoever is older is a subject for other reasons than being on a school's list.
OLDEST_YEARS = 30

_NORWEGIAN_DAY = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})")
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")

_YES = ("ja", "j", "yes", "y", "x", "1", "true", "sann", "sant")
_NO = ("nei", "n", "no", "0", "false", "usann", "usant")
# The codes of the population register for a blocked address, and what people write for them.
_BLOCKED = (
    *_YES, "6", "7", "kode 6", "kode 7", "fortrolig", "strengt fortrolig", "fortruleg", "strengt fortruleg",
    "fortrolig adresse", "strengt fortrolig adresse", "klientadresse", "sperret", "sperra",
)  # fmt: skip
_NOT_BLOCKED = (*_NO, "ugradert", "vanlig", "vanleg", "ingen")

_LANGUAGES = {
    "bokmål": "nb", "norsk": "nb", "no": "nb", "nynorsk": "nn", "engelsk": "en", "english": "en", "polsk": "pl",
    "arabisk": "ar", "ukrainsk": "uk", "somali": "so", "tigrinja": "ti", "litauisk": "lt", "nordsamisk": "se",
}  # fmt: skip


def plain(text: str) -> str:
    """Return a word as it is compared: in lower case, with single spaces."""
    return " ".join(clean(text).casefold().split())


def name(text: str, today: date) -> str:
    """A name on one line. `missing`, `too_long`."""
    return check_name("cell", text)


def key(text: str, today: date) -> str:
    """The sender's own key, kept as it is. `missing`, `too_long`."""
    return required("cell", text, longest=LONGEST_KEY)


def group(text: str, today: date) -> str:
    """A class or department, perhaps none. `too_long`."""
    return optional("cell", text, longest=LONGEST_GROUP)


def title(text: str, today: date) -> str:
    """A title, perhaps none. `too_long`."""
    return optional("cell", text, longest=120)


def phone(text: str, today: date) -> str | None:
    """A telephone number, perhaps none. `not_a_phone`, `too_long`."""
    return check_phone("cell", text)


def email(text: str, today: date) -> str | None:
    """An e-mail address, perhaps none. `not_an_email`, `too_long`."""
    return check_email("cell", text)


def username(text: str, today: date) -> str:
    """A user name in lower case. `missing`, `not_a_username`, `too_long`."""
    return check_username("cell", text)


def language(text: str, today: date) -> str:
    """A language by its Norwegian name or two-letter code; Bokmål when none is given. `unknown`."""
    word = plain(text)
    found = _LANGUAGES.get(word, word or "nb")
    if not re.fullmatch("[a-z]{2}", found):
        raise Invalid(cell="unknown")
    return found


def page_language(text: str, today: date) -> str:
    """A language the pages speak. `unknown`."""
    found = language(text, today)
    if found not in ("nb", "nn", "en"):
        raise Invalid(cell="unknown")
    return found


def yes_or_no(text: str, today: date) -> bool:
    """A plain yes or no; nothing is neither. `missing`, `not_yes_or_no`."""
    return _either(text, _YES, _NO)


def maybe_external(text: str, today: date) -> bool:
    """Whether a unit is outside the municipality; nothing means no. `not_yes_or_no`."""
    return bool(plain(text)) and _either(text, (*_YES, "ekstern", "external"), (*_NO, "intern", "internal"))


def blocked(text: str, today: date) -> bool | None:
    """Whether the address is blocked; nothing says nothing, so that an empty cell never lifts a block.

    `not_yes_or_no`.
    """
    return _either(text, _BLOCKED, _NOT_BLOCKED) if plain(text) else None


def _either(text: str, yes: tuple[str, ...], no: tuple[str, ...]) -> bool:
    word = plain(text)
    if not word:
        raise Invalid(cell="missing")
    if word in yes:
        return True
    if word in no:
        return False
    raise Invalid(cell="not_yes_or_no")


def one_of(choices: Mapping[str, str]) -> Reader:
    """Return a reader of one of these words, in lower case, each with its code. `missing`, `unknown`."""

    def read(text: str, today: date) -> str:
        word = plain(text)
        if not word:
            raise Invalid(cell="missing")
        if word not in choices:
            raise Invalid(cell="unknown")
        return choices[word]

    return read


def born(text: str, today: date) -> date | None:
    """A day of birth as 1.12.16, 01.12.2016 or 2016-12-01. `not_a_date`, `in_future`, `too_old`."""
    if not clean(text):
        return None
    day = read_day(clean(text), today)
    if day > today:
        raise Invalid(cell="in_future")
    if day.year < today.year - OLDEST_YEARS:
        raise Invalid(cell="too_old")
    return day


def read_day(text: str, today: date) -> date:
    """Return a date; a year of two digits is the latest such year that isn't after this one. `not_a_date`."""
    norwegian, iso = _NORWEGIAN_DAY.fullmatch(text), _ISO_DAY.fullmatch(text)
    try:
        if norwegian:
            day, month, year = norwegian.groups()
            return date(_whole_year(year, today), int(month), int(day))
        if iso:
            return date(*(int(part) for part in iso.groups()))
    except ValueError:
        pass
    raise Invalid(cell="not_a_date")


def _whole_year(year: str, today: date) -> int:
    if len(year) == 4:
        return int(year)
    this = today.year - today.year % 100 + int(year)
    return this if this <= today.year else this - 100
