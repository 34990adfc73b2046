"""The columns of each kind of file: documented header, other spellings that are understood, what may stand there."""

from __future__ import annotations

from dataclasses import dataclass

from bti.usecases.imports import cells
from bti.usecases.imports.cells import Reader
from bti.usecases.imports.national_id import check_national_id

KINDS = ("units", "staff", "children", "guardians")

_UNIT_KINDS = {
    "skole": "school", "skule": "school", "barnehage": "kindergarten", "helsestasjon": "health_centre", "nav": "nav",
    "ppt": "ppt", "barnevern": "child_welfare", "barneverntjeneste": "child_welfare",
    "barnevernsteneste": "child_welfare", "familietjeneste": "family_support", "familieteneste": "family_support",
    "familiesenter": "family_support", "fritid": "leisure", "kultur og fritid": "leisure",
    "spesialisthelsetjeneste": "specialist_health", "spesialisthelseteneste": "specialist_health",
    "bup": "specialist_health", "koordinerende enhet": "coordinating_unit",
    "koordinerande eining": "coordinating_unit", "administrasjon": "administration",
}  # fmt: skip
_ROLES = {
    "ansatt": "employee", "tilsett": "employee", "enhetsleder": "unit_leader", "einingsleiar": "unit_leader",
    "leder": "unit_leader", "leiar": "unit_leader", "koordinator": "coordinator",
    "koordinerende enhet": "coordinator", "bti-team": "bti_team", "administrator": "administrator",
    "revisor": "auditor",
}  # fmt: skip
_RELATIONS = {
    "mor": "mother", "far": "father", "annen": "other", "anna": "other", "verge": "other", "medmor": "mother",
    "fosterforelder": "other", "fostermor": "other", "fosterfar": "other", "steforelder": "other",
    "foresatt": "other", "føresett": "other",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column: `name` in the code, `header` as documented, other headers; `needed` says that it must be there."""

    name: str
    header: str
    aliases: tuple[str, ...]
    read: Reader
    needed: bool = False
    secret: bool = False


def _choice(words: dict[str, str]) -> Reader:
    return cells.one_of(words | {code.replace("_", " "): code for code in words.values()} | _as_they_are(words))


def _as_they_are(words: dict[str, str]) -> dict[str, str]:
    return {code: code for code in words.values()}


COLUMNS: dict[str, tuple[Column, ...]] = {
    "units": (
        Column("name", "navn", ("namn", "name", "enhet", "eining", "unit"), cells.name, needed=True),
        Column("kind", "type", ("slag", "kind", "tjeneste", "teneste", "service"), _choice(_UNIT_KINDS), needed=True),
        Column("is_external", "ekstern", ("external",), cells.maybe_external),
        Column("phone", "telefon", ("tlf", "phone", "mobil"), cells.phone),
    ),
    "staff": (
        Column("username", "brukernavn", ("brukarnamn", "username", "bruker", "brukar"), cells.username, needed=True),
        Column("name", "navn", ("namn", "name"), cells.name, needed=True),
        Column("title", "tittel", ("stilling", "title"), cells.title),
        Column("email", "epost", ("mail", "email"), cells.email),
        Column("phone", "telefon", ("tlf", "phone", "mobil"), cells.phone),
        Column("unit", "enhet", ("eining", "unit", "arbeidssted", "arbeidsstad"), cells.name, needed=True),
        Column("role", "rolle", ("role",), _choice(_ROLES), needed=True),
        Column("language", "språk", ("målform", "language"), cells.page_language),
    ),
    "children": (
        Column("external_key", "nøkkel", ("id", "elevnummer", "elevid", "barnid", "key"), cells.key, needed=True),
        Column("given_name", "fornavn", ("fornamn", "givenname", "firstname"), cells.name, needed=True),
        Column("family_name", "etternavn", ("etternamn", "familyname", "lastname", "surname"), cells.name, needed=True),
        Column(
            "national_id",
            "fødselsnummer",
            ("fnr", "personnummer", "nationalid", "dnummer"),
            lambda text, today: check_national_id(text) if text.strip() else None,
            secret=True,
        ),
        Column("born_on", "født", ("fødd", "fødselsdato", "born", "birthdate", "dateofbirth"), cells.born),
        Column("unit", "enhet", ("eining", "skole", "skule", "barnehage", "unit", "school"), cells.name, needed=True),
        Column("group_name", "gruppe", ("klasse", "avdeling", "group", "class"), cells.group),
        Column(
            "address_blocked",
            "adressesperre",
            ("fortroligadresse", "fortrulegadresse", "adressebeskyttelse", "addressblocked"),
            cells.blocked,
        ),
    ),
    "guardians": (
        Column("child_key", "barn", ("barnid", "elevnummer", "barnetsnøkkel", "child", "childkey"), cells.key, True),
        Column(
            "guardian_key",
            "foresatt",
            ("føresett", "foresattid", "føresettid", "foresattesnøkkel", "guardian", "guardiankey"),
            cells.key,
            needed=True,
        ),
        Column("name", "navn", ("namn", "name"), cells.name, needed=True),
        Column("relation", "relasjon", ("relation", "tilknytning", "tilknyting"), _choice(_RELATIONS), needed=True),
        Column(
            "parental_responsibility",
            "foreldreansvar",
            ("parentalresponsibility",),
            cells.yes_or_no,
            needed=True,
        ),
        Column("phone", "telefon", ("tlf", "phone", "mobil"), cells.phone),
        Column("email", "epost", ("mail", "email"), cells.email),
        Column("language", "språk", ("målform", "language"), cells.language),
    ),
}


def header_key(text: str) -> str:
    """Return a header as it is compared: letters and digits only, in lower case (`E-post` is `epost`)."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def column_of(kind: str, header: str) -> Column | None:
    """Return the column of this kind of file that a header means, or None."""
    wanted = header_key(header)
    for column in COLUMNS[kind]:
        if wanted in {header_key(known) for known in (column.header, column.name, *column.aliases)}:
            return column
    return None
