"""What may stand in each column of an import file, and what is wrong with a row and how to mend it, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from web.language import gettext as _

Sentences = dict[str, Callable[[], str]]

KIND_WORDS: Sentences = {
    "units": lambda: _("Enheter"),
    "staff": lambda: _("Ansatte"),
    "children": lambda: _("Barn"),
    "guardians": lambda: _("Foresatte"),
}
LEADS: Sentences = {
    "units": lambda: _("Skoler, barnehager og andre tjenester. Én rad for hver enhet."),
    "staff": lambda: _("Hvem som arbeider hvor, og med hvilken rolle. Én rad for hver rolle en person har."),
    "children": lambda: _("Barna i skoler og barnehager. Én rad for hvert barn."),
    "guardians": lambda: _("Hvem som er foresatte for hvilke barn. Én rad for hvert barn en foresatt har."),
}
COLUMNS: Sentences = {
    "units.name": lambda: _("Enhetens navn. En enhet kjennes igjen på navnet."),
    "units.kind": lambda: _(
        "Skole, barnehage, helsestasjon, NAV, PPT, barnevern, familietjeneste, fritid, spesialisthelsetjeneste, "
        "koordinerende enhet eller administrasjon."
    ),
    "units.is_external": lambda: _("Ja for tjenester utenfor kommunen, ellers nei eller tomt."),
    "staff.username": lambda: _("Det personen logger inn med. En person kjennes igjen på brukernavnet."),
    "staff.name": lambda: _("Fullt navn."),
    "staff.title": lambda: _("Stilling, for eksempel kontaktlærer."),
    "staff.unit": lambda: _("Navnet på enheten, slik det står i Stafett."),
    "staff.role": lambda: _("Ansatt, enhetsleder, koordinator, BTI-team, administrator eller revisor."),
    "staff.language": lambda: _("Bokmål, nynorsk eller engelsk. Tomt betyr bokmål."),
    "children.external_key": lambda: _(
        "Nøkkelen barnet har i skolens eller barnehagens system. Den må være den samme hver gang dere importerer."
    ),
    "children.given_name": lambda: _("Fornavn."),
    "children.family_name": lambda: _("Etternavn."),
    "children.national_id": lambda: _("11 siffer. Kan stå tomt."),
    "children.born_on": lambda: _("For eksempel 01.12.2016. Trengs når fødselsnummeret mangler."),
    "children.unit": lambda: _("Navnet på skolen eller barnehagen, slik det står i Stafett."),
    "children.group_name": lambda: _("Klasse eller avdeling, for eksempel 4B."),
    "children.address_blocked": lambda: _("Ja når adressen er fortrolig. Et tomt felt opphever aldri en sperre."),
    "guardians.child_key": lambda: _("Barnets nøkkel, den samme som i filen med barn."),
    "guardians.guardian_key": lambda: _("Nøkkelen den foresatte har i systemet filen kommer fra."),
    "guardians.name": lambda: _("Fullt navn."),
    "guardians.relation": lambda: _("Mor, far eller annen."),
    "guardians.parental_responsibility": lambda: _("Ja eller nei. Avgjør hvem som må samtykke."),
    "guardians.language": lambda: _("Språket den foresatte leser best. Tomt betyr bokmål."),
    "phone": lambda: _("Telefonnummer. Kan stå tomt."),
    "email": lambda: _("E-postadresse. Kan stå tomt."),
}
EXAMPLES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "units": (
        ("Fjordvik skole", "skole", "nei", "74 00 00 00"),
        ("Solsida barnehage", "barnehage", "nei", "74 00 00 10"),
        ("BUP Fjordvik", "spesialisthelsetjeneste", "ja", ""),
    ),
    "staff": (
        ("kari.nordmann", "Kari Nordmann", "Kontaktlærer", "kari@example.no", "", "Fjordvik skole", "ansatt", "bokmål"),
        ("rune.vik", "Rune Vik", "Rektor", "rune@example.no", "", "Fjordvik skole", "enhetsleder", "nynorsk"),
    ),
    "children": (
        ("1001", "Ola", "Nordli", "", "03.04.2017", "Fjordvik skole", "4B", "nei"),
        ("1002", "Mia", "Aas", "", "12.09.2021", "Solsida barnehage", "Blåklokka", "nei"),
    ),
    "guardians": (
        ("1001", "F1", "Lise Nordli", "mor", "ja", "900 00 001", "", "bokmål"),
        ("1001", "F2", "Tor Nordli", "far", "ja", "900 00 002", "", "engelsk"),
    ),
}
# What is wrong and what to do, by column and code, else by code alone. {value} and {row} are filled in.
FINDINGS: Sentences = {
    "column_missing": lambda: _("Kolonnen mangler. Legg den til, med denne overskriften i første rad."),
    "column_twice": lambda: _("Kolonnen står to ganger. Slett den ene."),
    "too_many_rows": lambda: _("Filen har flere enn %(value)s rader. Del den opp og importer delene hver for seg."),
    "no_rows": lambda: _("Filen har overskrifter, men ingen rader. Legg til radene som skal importeres."),
    "too_large": lambda: _("Filen er større enn 20 MB. Del den opp og importer delene hver for seg."),
    "empty_file": lambda: _("Filen er tom. Velg en fil med overskrifter og minst én rad."),
    "not_text": lambda: _("Filen kan ikke leses som tekst. Lagre regnearket som CSV UTF-8, og velg den filen."),
    "broken_quotes": lambda: _(
        "Et anførselstegn er åpnet, men ikke lukket, så resten av filen kan ikke leses. Rett opp raden."
    ),
    "too_many_cells": lambda: _(
        "Raden har flere felt enn det er overskrifter. Se etter et skilletegn for mye ved «%(value)s»."
    ),
    "missing": lambda: _("Feltet er tomt. Fyll det ut."),
    "born_on.missing": lambda: _("Fødselsdatoen mangler. Fyll ut fødselsdato eller fødselsnummer."),
    "too_long": lambda: _("«%(value)s» er for langt. Kort det ned."),
    "not_a_phone": lambda: _("«%(value)s» er ikke et telefonnummer. Rett det, eller la feltet stå tomt."),
    "not_an_email": lambda: _("«%(value)s» er ikke en e-postadresse. Rett den, eller la feltet stå tomt."),
    "not_a_username": lambda: _(
        "«%(value)s» kan ikke være brukernavn. Bruk bokstaver, tall, punktum og bindestrek, uten mellomrom."
    ),
    "unknown": lambda: _("Vi kjenner ikke «%(value)s». Bruk et av ordene som står i forklaringen til kolonnen."),
    "not_yes_or_no": lambda: _("«%(value)s» er verken ja eller nei. Skriv ja eller nei."),
    "not_a_date": lambda: _("«%(value)s» er ikke en dato. Skriv den slik: 01.12.2016."),
    "in_future": lambda: _("Datoen «%(value)s» er fram i tid. Se etter en skrivefeil."),
    "too_old": lambda: _("Datoen «%(value)s» er for langt tilbake. Se etter en skrivefeil i årstallet."),
    "not_a_national_id": lambda: _("«%(value)s» er ikke et fødselsnummer. Se etter en skrivefeil."),
    "born_differs": lambda: _("Fødselsdatoen stemmer ikke med fødselsnummeret. Rett det som er feil."),
    "duplicate": lambda: _("Det samme står i rad %(row)s. Slett den ene raden."),
    "national_id.duplicate": lambda: _("Det samme fødselsnummeret står i rad %(row)s. Rett det som er feil."),
    "differs": lambda: _("Den samme personen står med noe annet i rad %(row)s. Skriv det likt i begge radene."),
    "taken": lambda: _(
        "Fødselsnummeret hører til et barn som er registrert med en annen nøkkel. Rett nøkkelen eller nummeret."
    ),
    "unknown_unit": lambda: _(
        "Ingen enhet heter «%(value)s». Skriv navnet slik det står i Stafett, eller importer enheten først."
    ),
    "unit_ended": lambda: _("Enheten «%(value)s» er avsluttet. Skriv enheten som gjelder nå."),
    "can_not_change": lambda: _(
        "En enhet kan ikke bli ekstern eller intern ved import, fordi samtykker bygger på det. Legg til en ny enhet."
    ),
    "person_ended": lambda: _("«%(value)s» har sluttet. Slett raden, eller bruk et nytt brukernavn."),
    "roles_conflict": lambda: _(
        "En revisor eller administrator kan ikke også arbeide med saker. Slett den ene av rollene."
    ),
    "unknown_child": lambda: _("Ingen barn har nøkkelen «%(value)s». Importer barnet først, eller rett nøkkelen."),
}


def column_sentence(kind: str, name: str) -> str:
    """Return what may stand in a column."""
    return (COLUMNS.get(f"{kind}.{name}") or COLUMNS[name])()


def finding_sentence(name: str, finding: Mapping[str, Any]) -> str:
    """Return what is wrong with a cell and what to do; `name` is the column's name in the code."""
    code = finding["code"]
    sentence = FINDINGS.get(f"{name}.{code}") or FINDINGS.get(code)
    if sentence is None:
        return _("Rett opp feltet.")
    return sentence() % {"row": finding["other_row"], "value": finding["value"]}
