"""Particulars of people and units, typed or imported: telephone, e-mail, language, user name, password."""

from __future__ import annotations

import re

from bti.crypto.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from bti.errors import Invalid
from bti.usecases.text import one_of, optional, required

LANGUAGES = ("nb", "nn", "en")
LONGEST_NAME = 120
LONGEST_PHONE = 40
LONGEST_EMAIL = 200

_PHONE = re.compile(r"\+?[0-9()\s./-]+")
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")
_USERNAME = re.compile(r"[^\W_][\w.@+-]*")


def check_name(field: str, text: str | None) -> str:
    """Return a name of at most 120 signs on one line. Raises Invalid (`missing`, `too_long`)."""
    return required(field, " ".join((text or "").split()), longest=LONGEST_NAME)


def check_phone(field: str, text: str | None) -> str | None:
    """Return a telephone number as it is written, or None. Raises Invalid (`not_a_phone`, `too_long`)."""
    phone = optional(field, text, longest=LONGEST_PHONE)
    if phone and not (_PHONE.fullmatch(phone) and sum(sign.isdigit() for sign in phone) >= 3):
        raise Invalid(**{field: "not_a_phone"})
    return phone or None


def check_email(field: str, text: str | None) -> str | None:
    """Return an e-mail address, or None. Raises Invalid (`not_an_email`, `too_long`)."""
    email = optional(field, text, longest=LONGEST_EMAIL)
    if email and not _EMAIL.fullmatch(email):
        raise Invalid(**{field: "not_an_email"})
    return email or None


def check_language(field: str, code: str | None) -> str:
    """Return one of the languages the pages speak; Bokmål when none is given. Raises Invalid (`unknown`)."""
    return one_of(field, code or "nb", LANGUAGES)


def check_username(field: str, text: str | None) -> str:
    """Return a user name in lower case, as logging in looks it up. Raises Invalid (`missing`, `not_a_username`)."""
    username = required(field, text, longest=80).lower()
    if not _USERNAME.fullmatch(username):
        raise Invalid(**{field: "not_a_username"})
    return username


def check_password(field: str, password: str | None, *, username: str) -> str:
    """Return a password as it was typed: 12 to 256 signs, and not the user name.

    Length is what counts; no rule asks for digits or signs (NIST SP 800-63B, 3.1.1.2). Raises Invalid (`missing`,
    `too_short`, `too_long`, `same_as_username`).
    """
    if not password:
        raise Invalid(**{field: "missing"})
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(**{field: "too_short"})
    if len(password) > LONGEST_PASSWORD:
        raise Invalid(**{field: "too_long"})
    if password.strip().lower() == username:
        raise Invalid(**{field: "same_as_username"})
    return password
