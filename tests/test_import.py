"""Files of units, staff, children and guardians: all of it or nothing, and the same file twice changes nothing."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from bti.actor import Actor
from bti.db import reading, writing
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import (
    audit_entries,
    guardians,
    guardianships,
    import_runs,
    memberships,
    people,
    subjects,
    units,
)
from bti.queries.consents import givers_for
from bti.usecases import imports, register
from bti.usecases import people as staff
from bti.usecases import units as places
from bti.usecases.imports import COLUMNS, KINDS, Report
from bti.usecases.imports.national_id import born_on, check_national_id
from bti.usecases.system import System
from bti.workflow.library import load_definition
from tests.cast import HERE, MONDAY, Cast, settle
from tests.keys import change

# Synthetic numbers (month + 80, month + 65, and a D-number): they belong to nobody.
SYNTHETIC = "03841750011"
OTHER_SYNTHETIC = "03841750283"
SYNTHETIC_65 = "03691750409"
SYNTHETIC_D = "43841750358"

CHILDREN = "nøkkel;fornavn;etternavn;fødselsnummer;født;enhet;gruppe;adressesperre\n"
GUARDIANS = "barn;foresatt;navn;relasjon;foreldreansvar;telefon;e-post;språk\n"
STAFF = "brukernavn;navn;tittel;e-post;telefon;enhet;rolle;språk\n"
UNITS = "navn;type;ekstern;telefon\n"


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def load(cast: Cast, kind: str, text: str | bytes, *, by: str | Actor = "arne", **more: Any) -> Report:
    """Import as `bti import` does."""
    actor = cast.actor(by) if isinstance(by, str) else by
    content = text.encode() if isinstance(text, str) else text
    return imports.run(cast.database, actor=actor, kind=kind, content=content, clock=lambda: cast.now, **more)


def dry(cast: Cast, kind: str, text: str | bytes, **more: Any) -> Report:
    content = text.encode() if isinstance(text, str) else text
    with writing(cast.database) as session:
        actor = cast.actor_in(session, "arne")
        return imports.dry_run(session, actor=actor, kind=kind, content=content, now=cast.now, **more)


def wrong(report: Report) -> list[tuple[int, str, str]]:
    return [(finding.row, finding.column, finding.code) for finding in report.findings]


def numbers(report: Report) -> tuple[int, int, int]:
    return report.created, report.changed, report.unchanged


def stored(cast: Cast, table: sa.Table, **which: Any) -> list[Any]:
    query = sa.select(table).where(*(table.c[name] == value for name, value in which.items()))
    with reading(cast.database) as session:
        return list(session.execute(query))


def child(key: str = "e1", *, given: str = "Emma", number: str = "", born: str = "4.4.2017", **more: str) -> str:
    cells = [key, given, more.get("family", "Strøm"), number, born, more.get("unit", "Fjordvik skole")]
    return ";".join([*cells, more.get("group", "4A"), more.get("blocked", "")]) + "\n"


class TestImportingChildren:
    def test_adds_them_to_their_unit(self, cast: Cast) -> None:
        report = load(cast, "children", CHILDREN + child(number=SYNTHETIC, born="3.4.17", blocked="kode 7"))
        assert (report.is_good, numbers(report)) == (True, (1, 0, 0))
        emma = stored(cast, subjects, external_key="e1")[0]
        assert (emma.given_name, emma.family_name, emma.kind) == ("Emma", "Strøm", "child")
        assert (emma.born_on, emma.national_id, emma.unit_id) == (date(2017, 4, 3), SYNTHETIC, "school")
        assert (emma.group_name, emma.address_blocked, emma.left_on) == ("4A", True, None)

    def test_twice_changes_nothing(self, cast: Cast) -> None:
        text = CHILDREN + child("e1", number=SYNTHETIC, born="") + child("e2", given="Noah")
        load(cast, "children", text)
        before = stored(cast, subjects)
        assert numbers(load(cast, "children", text)) == (0, 0, 2)
        assert stored(cast, subjects) == before

    def test_changes_what_the_file_says_differently_and_nothing_else(self, cast: Cast) -> None:
        load(cast, "children", CHILDREN + child("e1", number=SYNTHETIC, born="", blocked="ja") + child("e2"))
        later = (
            "nøkkel;fornavn;etternavn;enhet;gruppe\ne1;Emma;Strøm;Nordbygda skole;5A\ne2;Emma;Strøm;Fjordvik skole;4A\n"
        )
        assert numbers(load(cast, "children", later)) == (0, 1, 1)
        emma = stored(cast, subjects, external_key="e1")[0]
        assert (emma.unit_id, emma.group_name, emma.national_id) == ("other_school", "5A", SYNTHETIC)
        assert emma.address_blocked
        assert emma.born_on == date(2017, 4, 3)

    def test_never_lifts_a_blocked_address_with_an_empty_cell(self, cast: Cast) -> None:
        load(cast, "children", CHILDREN + child(blocked="strengt fortrolig"))
        assert numbers(load(cast, "children", CHILDREN + child(blocked=""))) == (0, 0, 1)
        assert stored(cast, subjects, external_key="e1")[0].address_blocked
        assert numbers(load(cast, "children", CHILDREN + child(blocked="nei"))) == (0, 1, 0)
        assert not stored(cast, subjects, external_key="e1")[0].address_blocked

    def test_that_move_a_child_leave_its_case_where_it_is(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        before = cast.facts(case_id)
        load(cast, "children", CHILDREN + child("ola", given="Ola", family="Nordli", born="", unit="Nordbygda skole"))
        assert stored(cast, subjects, id="ola")[0].unit_id == "other_school"
        assert cast.facts(case_id) == before

    def test_knows_a_child_without_a_key_by_the_national_id(self, cast: Cast) -> None:
        with writing(cast.database) as session:
            change(session, subjects, subjects.c.id == "mia", external_key=None, national_id=SYNTHETIC)
        load(cast, "children", CHILDREN + child("e7", number=SYNTHETIC, born=""))
        assert stored(cast, subjects, external_key="e7")[0].id == "mia"

    def test_leaves_those_who_are_missing_alone_unless_told(self, cast: Cast) -> None:
        report = load(cast, "children", CHILDREN + child())
        assert (report.missing, report.left) == (5, 0)
        assert all(row.left_on is None for row in stored(cast, subjects))
        report = load(cast, "children", CHILDREN + child(), mark_left=True)
        assert (report.missing, report.left, report.unchanged) == (5, 5, 1)
        assert [row.external_key for row in stored(cast, subjects, left_on=None)] == ["e1"]

    def test_brings_back_a_child_who_had_left(self, cast: Cast) -> None:
        load(cast, "children", CHILDREN + child("e1"))
        load(cast, "children", CHILDREN + child("e2"), mark_left=True)
        assert stored(cast, subjects, external_key="e1")[0].left_on == cast.today
        assert numbers(load(cast, "children", CHILDREN + child("e1"))) == (0, 1, 0)
        assert stored(cast, subjects, external_key="e1")[0].left_on is None

    @pytest.mark.parametrize(
        ("line", "column", "code"),
        [
            (child(""), "nøkkel", "missing"),
            (child("x" * 81), "nøkkel", "too_long"),
            (child(given="  "), "fornavn", "missing"),
            (child(given="x" * 121), "fornavn", "too_long"),
            (child(number="12345678901"), "fødselsnummer", "not_a_national_id"),
            (child(number="0384175001"), "fødselsnummer", "not_a_national_id"),
            (child(number=SYNTHETIC[:-1] + "2"), "fødselsnummer", "not_a_national_id"),
            (child(number="abc"), "fødselsnummer", "not_a_national_id"),
            (child(born="31.2.2017"), "født", "not_a_date"),
            (child(born="2017"), "født", "not_a_date"),
            (child(born="1.12.26"), "født", "in_future"),
            (child(born="1.12.1950"), "født", "too_old"),
            (child(born=""), "født", "missing"),
            (child(number=SYNTHETIC, born="4.4.2017"), "født", "born_differs"),
            (child(unit="Ukjent skole"), "enhet", "unknown_unit"),
            (child(unit=""), "enhet", "missing"),
            (child(group="x" * 41), "gruppe", "too_long"),
            (child(blocked="kanskje"), "adressesperre", "not_yes_or_no"),
        ],
    )
    def test_says_what_is_wrong_in_which_row_and_imports_nothing(
        self, cast: Cast, line: str, column: str, code: str
    ) -> None:
        before = stored(cast, subjects)
        report = load(cast, "children", CHILDREN + child("god") + line)
        assert wrong(report) == [(3, column, code)]
        assert stored(cast, subjects) == before

    def test_names_everything_that_is_wrong_at_once(self, cast: Cast) -> None:
        bad = child("", given="", born="i fjor", unit="Hogwarts")
        assert wrong(load(cast, "children", CHILDREN + bad + child("e2", unit="Ingen"))) == [
            (2, "nøkkel", "missing"), (2, "fornavn", "missing"), (2, "født", "not_a_date"),
            (3, "enhet", "unknown_unit"),
        ]  # fmt: skip

    def test_finds_the_same_child_twice_in_a_file(self, cast: Cast) -> None:
        text = CHILDREN + child("e1", number=SYNTHETIC, born="") + child("e1") + child("e2", number=SYNTHETIC, born="")
        report = load(cast, "children", text)
        assert wrong(report) == [(3, "nøkkel", "duplicate"), (4, "fødselsnummer", "duplicate")]
        assert {finding.other_row for finding in report.findings} == {2}

    def test_finds_a_national_id_that_another_child_has(self, cast: Cast) -> None:
        load(cast, "children", CHILDREN + child("e1", number=SYNTHETIC, born=""))
        report = load(cast, "children", CHILDREN + child("e2", number=SYNTHETIC, born=""))
        assert wrong(report) == [(2, "fødselsnummer", "taken")]

    def test_shows_no_whole_national_id_in_its_messages(self, cast: Cast) -> None:
        report = load(cast, "children", CHILDREN + child(number="03841750012"))
        assert report.findings[0].value == "038417*****"

    @pytest.mark.parametrize("given", ["=HYPERLINK(1)", "+47", "-1", "@SUM", "<script>", "محمد", "Åse 🌸"])
    def test_keeps_names_as_they_are(self, cast: Cast, given: str) -> None:
        load(cast, "children", CHILDREN + child(given=given))
        assert stored(cast, subjects, external_key="e1")[0].given_name == given


class TestANationalId:
    @pytest.mark.parametrize(
        ("number", "day"),
        [
            (SYNTHETIC, date(2017, 4, 3)),
            (SYNTHETIC_65, date(2017, 4, 3)),
            (SYNTHETIC_D, date(2017, 4, 3)),
            ("3841750011", date(2017, 4, 3)),
            ("038417 50011", date(2017, 4, 3)),
        ],
    )
    def test_is_taken_in_all_its_forms(self, number: str, day: date) -> None:
        digits = check_national_id(number)
        assert len(digits) == 11
        assert born_on(digits) == day

    @pytest.mark.parametrize("digit", range(11))
    def test_with_one_wrong_digit_is_refused(self, digit: int) -> None:
        changed = str((int(SYNTHETIC[digit]) + 1) % 10)
        with pytest.raises(Invalid):
            check_national_id(SYNTHETIC[:digit] + changed + SYNTHETIC[digit + 1 :])

    @pytest.mark.parametrize("text", ["", "0", "1" * 12, "०३८४१७५००११", "00000000000", "038417-50011"])
    def test_that_is_something_else_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid):
            check_national_id(text)


class TestImportingGuardians:
    def test_says_who_may_consent(self, cast: Cast) -> None:
        text = GUARDIANS + (
            "liam;g1;Anne Fjell;mor;ja;99 88 77 66;anne@eksempel.no;nynorsk\n"
            "liam;g2;Ola Fjell;far;nei;;;\n"
            "ida;g1;Anne Fjell;annen;nei;99 88 77 66;anne@eksempel.no;nynorsk\n"
        )
        assert numbers(load(cast, "guardians", text)) == (3, 0, 0)
        assert numbers(load(cast, "guardians", text)) == (0, 0, 3)
        anne = stored(cast, guardians, external_key="g1")[0]
        assert (anne.name, anne.phone, anne.language) == ("Anne Fjell", "99 88 77 66", "nn")
        assert [row.relation for row in stored(cast, guardianships, guardian_id=anne.id, subject_id="liam")] == [
            "mother"
        ]

    def test_ends_and_adds_a_standing_that_changes(self, cast: Cast) -> None:
        load(cast, "guardians", GUARDIANS + "liam;g1;Anne Fjell;mor;nei;;;\n")
        cast.later(days=10)
        assert numbers(load(cast, "guardians", GUARDIANS + "liam;g1;Anne Fjell;mor;ja;;;\n")) == (0, 1, 0)
        rows = sorted(stored(cast, guardianships, subject_id="liam"), key=lambda row: row.id)
        assert sorted((r.parental_responsibility, r.ended_on) for r in rows if r.guardian_id != "tor") == [
            (False, cast.today), (True, None),
        ]  # fmt: skip
        with reading(cast.database) as session:
            givers = givers_for(
                session, municipality_id=HERE, subject_id="liam", purpose="log", model=load_definition("bti", 1),
                today=cast.today,
            )  # fmt: skip
        assert {giver.name for giver in givers} >= {"Anne Fjell"}

    def test_changes_a_telephone_number_once(self, cast: Cast) -> None:
        line = "{};g1;Anne Fjell;mor;ja;{};;\n"
        load(cast, "guardians", GUARDIANS + line.format("liam", "111") + line.format("ida", "111"))
        report = load(cast, "guardians", GUARDIANS + line.format("liam", "222") + line.format("ida", "222"))
        assert numbers(report) == (0, 1, 1)
        assert stored(cast, guardians, external_key="g1")[0].phone == "222"

    @pytest.mark.parametrize(
        ("line", "column", "code"),
        [
            ("ukjent;g1;Anne;mor;ja;;;", "barn", "unknown_child"),
            (";g1;Anne;mor;ja;;;", "barn", "missing"),
            ("liam;;Anne;mor;ja;;;", "foresatt", "missing"),
            ("liam;g1;;mor;ja;;;", "navn", "missing"),
            ("liam;g1;Anne;tante;ja;;;", "relasjon", "unknown"),
            ("liam;g1;Anne;mor;;;;", "foreldreansvar", "missing"),
            ("liam;g1;Anne;mor;kanskje;;;", "foreldreansvar", "not_yes_or_no"),
            ("liam;g1;Anne;mor;ja;ring;;", "telefon", "not_a_phone"),
            ("liam;g1;Anne;mor;ja;;anne;", "epost", "not_an_email"),
            ("liam;g1;Anne;mor;ja;;;klingonsk", "språk", "unknown"),
            ("mia;g9;Bo;far;ja;;;", "foresatt", "duplicate"),
            ("liam;g9;Bo Annen;far;ja;;;", "navn", "differs"),
        ],
    )
    def test_says_what_is_wrong_and_imports_nothing(self, cast: Cast, line: str, column: str, code: str) -> None:
        before = stored(cast, guardians)
        report = load(cast, "guardians", f"{GUARDIANS}mia;g9;Bo;far;ja;;;\n{line}\n")
        assert wrong(report) == [(3, column, code)]
        assert stored(cast, guardians) == before


class TestImportingStaff:
    def test_adds_people_with_their_roles(self, cast: Cast) -> None:
        text = STAFF + (
            "ny.en;Ny En;Lærer;ny@eksempel.no;;Fjordvik skole;ansatt;nn\n"
            "NY.en;Ny En;Lærer;ny@eksempel.no;;PPT Fjordvik;enhetsleder;nn\n"
            "kari;Kari Nordmann;;;;Fjordvik skole;ansatt;\n"
        )
        assert numbers(load(cast, "staff", text)) == (2, 0, 1)
        assert numbers(load(cast, "staff", text)) == (0, 0, 3)
        added = stored(cast, people, username="ny.en")[0]
        roles = {(row.unit_id, row.role) for row in stored(cast, memberships, person_id=added.id)}
        assert roles == {("school", "employee"), ("ppt", "unit_leader")}
        assert added.password_hash is None

    def test_writes_each_person_and_role_in_the_trail(self, cast: Cast) -> None:
        load(cast, "staff", STAFF + "ny;Ny;;;;Fjordvik skole;ansatt;\nkari;Kari N.;;;;Fjordvik skole;ansatt;\n")
        with reading(cast.database) as session:
            events = session.execute(sa.select(audit_entries.c.event).order_by(audit_entries.c.id)).scalars().all()
        assert events == [
            "import.dry_run", "register.write", "register.write", "person.add", "role.grant", "person.change",
            "import.run",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("line", "column", "code"),
        [
            ("a b;Navn;;;;Fjordvik skole;ansatt;", "brukernavn", "not_a_username"),
            ("ny;Navn;;;;Fjordvik skole;sjef;", "rolle", "unknown"),
            ("ny;Navn;;;;Ingen skole;ansatt;", "enhet", "unknown_unit"),
            ("ny;Navn;;;;Fjordvik skole;ansatt;pl", "språk", "unknown"),
            ("tove;Tove Lund;;;;Fjordvik skole;ansatt;", "rolle", "roles_conflict"),
            ("kari;Kari Nordmann;;;;Rådhuset;revisor;", "rolle", "roles_conflict"),
            ("nils;Nils Berg;;;;Nordbygda skole;ansatt;", "rolle", "duplicate"),
            ("nils;Nils Fjell;;;;Nordbygda skole;enhetsleder;", "navn", "differs"),
            ("per;Per Olsen;;;;Fjordvik skole;ansatt;", "brukernavn", "person_ended"),
        ],
    )
    def test_says_what_is_wrong_and_imports_nothing(self, cast: Cast, line: str, column: str, code: str) -> None:
        with writing(cast.database) as session:
            staff.end_person(session, actor=cast.actor_in(session, "arne"), person_id="per", now=cast.now)
        before = stored(cast, memberships)
        report = load(cast, "staff", f"{STAFF}nils;Nils Berg;;;;Nordbygda skole;ansatt;\n{line}\n")
        assert wrong(report) == [(3, column, code)]
        assert stored(cast, memberships) == before


class TestImportingUnits:
    def test_adds_and_changes_them_by_name(self, cast: Cast) -> None:
        text = UNITS + "Ny barnehage;barnehage;;12 34 56\nFJORDVIK SKOLE;skole;nei;99 99 99 99\nBUP Fjordvik;BUP;ja;\n"
        assert numbers(load(cast, "units", text)) == (1, 1, 1)
        assert numbers(load(cast, "units", text)) == (0, 0, 3)
        added = stored(cast, units, name="Ny barnehage")[0]
        assert (added.kind, added.is_external, added.phone) == ("kindergarten", False, "12 34 56")
        assert stored(cast, units, id="school")[0].name == "Fjordvik skole"

    def test_says_what_is_wrong_and_imports_nothing(self, cast: Cast) -> None:
        with writing(cast.database) as session:
            places.end_unit(session, actor=cast.actor_in(session, "arne"), unit_id="welfare", now=cast.now)
        lines = (
            "A;sirkus",
            "B;skole;kanskje",
            "PPT Fjordvik;ppt;ja",
            "Barneverntjenesten;barnevern",
            "C;skole",
            "c;skole",
        )
        text = UNITS + "\n".join(lines)
        assert wrong(load(cast, "units", text)) == [
            (2, "type", "unknown"), (3, "ekstern", "not_yes_or_no"), (4, "ekstern", "can_not_change"),
            (5, "navn", "unit_ended"), (7, "navn", "duplicate"),
        ]  # fmt: skip
        assert stored(cast, units, name="C") == []


class TestReadingAFile:
    LINES = CHILDREN + child("é1", given="Bjørn-Åse")

    @pytest.mark.parametrize(
        ("content", "encoding"),
        [
            (LINES.encode(), "utf-8"),
            (LINES.encode("utf-8-sig"), "utf-8"),
            (LINES.encode("windows-1252"), "windows-1252"),
            (LINES.encode("utf-16"), "utf-16"),
            (LINES.replace("\n", "\r\n").encode(), "utf-8"),
            (LINES.replace("\n", "\r").encode(), "utf-8"),
            (LINES.replace(";", ",").encode(), "utf-8"),
            (LINES.replace(";", "\t").encode(), "utf-8"),
            (b"\n".join([b"sep=;", *LINES.encode().splitlines()]), "utf-8"),
            (LINES.replace("Strøm", '"Strøm"').encode(), "utf-8"),
        ],
    )
    def test_understands_what_spreadsheets_write(self, cast: Cast, content: bytes, encoding: str) -> None:
        report = load(cast, "children", content)
        assert (report.findings, report.encoding, report.created) == ((), encoding, 1)
        assert stored(cast, subjects, external_key="é1")[0].given_name == "Bjørn-Åse"

    @pytest.mark.parametrize(
        "headers",
        [
            "Elevnummer;Fornavn;Etternavn;Fødselsdato;Skole;Klasse",
            "elevid;fornamn;etternamn;fødd;eining;klasse",
            "KEY;Given name;Family_name;Born;Unit;Group",
        ],
    )
    def test_understands_headers_in_three_languages(self, cast: Cast, headers: str) -> None:
        report = load(cast, "children", f"{headers}\ne1;Emma;Strøm;2017-04-04;Fjordvik skole;4A\n")
        assert (report.findings, report.ignored, report.created) == ((), (), 1)

    def test_keeps_separators_and_lines_inside_quotes(self, cast: Cast) -> None:
        load(cast, "units", UNITS + '"Skole; ""nord"", avd.\n2";skole;;\n')
        assert stored(cast, units, name='Skole; "nord", avd. 2')

    def test_counts_rows_as_a_spreadsheet_does(self, cast: Cast) -> None:
        text = UNITS + 'A;skole;;\n\n;;;\n"B\nB";skole;;\nC;sirkus;;\n'
        assert wrong(load(cast, "units", text)) == [(6, "type", "unknown")]

    def test_tells_which_columns_it_did_not_use(self, cast: Cast) -> None:
        report = load(cast, "units", "navn;type;rektor;\nA;skole;Ole;\n")
        assert (report.findings, report.ignored) == ((), ("rektor",))

    @pytest.mark.parametrize(
        ("text", "findings"),
        [
            ("fornavn;etternavn;enhet\nA;B;C\n", [(0, "nøkkel", "column_missing")]),
            (CHILDREN, [(0, "", "no_rows")]),
            ("nøkkel;id;fornavn;etternavn;enhet\n", [(0, "nøkkel", "column_twice")]),
            (CHILDREN + child() + '"e2;Emma\n', [(3, "", "broken_quotes")]),
            (CHILDREN + child().strip() + ";mer;enda mer\n", [(2, "", "too_many_cells")]),
        ],
    )
    def test_says_what_is_wrong_with_its_form(self, cast: Cast, text: str, findings: list[Any]) -> None:
        assert wrong(load(cast, "children", text)) == findings

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "empty_file"),
            (b" \n ", "empty_file"),
            (b"PK\x03\x04rest of a spreadsheet", "not_text"),
            (b"a;b\0;c", "not_text"),
            (b"\x81\x8d\x8f", "not_text"),
            (b"x" * (20 * 1024 * 1024 + 1), "too_large"),
        ],
    )
    def test_refuses_what_is_no_list_at_all(self, cast: Cast, content: bytes, code: str) -> None:
        with pytest.raises(Invalid) as refused:
            load(cast, "children", content)
        assert refused.value.fields == {"file": code}
        assert wrong(dry(cast, "children", content)) == [(0, "", code)]
        assert stored(cast, import_runs) == []

    def test_stops_at_twenty_thousand_rows(self, cast: Cast) -> None:
        text = UNITS + "".join(f"Enhet {i};skole;;\n" for i in range(20_001))
        report = load(cast, "units", text)
        assert wrong(report) == [(0, "", "too_many_rows")]
        assert len(stored(cast, units)) == 8

    def test_counts_all_findings_and_keeps_the_first_five_hundred(self, cast: Cast) -> None:
        report = load(cast, "units", UNITS + "".join(f"Enhet {i};sirkus;;\n" for i in range(600)))
        assert (report.finding_count, len(report.findings), report.findings[0].row) == (600, 500, 2)

    @pytest.mark.parametrize("kind", KINDS)
    def test_documents_headers_that_mean_one_column_each(self, kind: str) -> None:
        spellings = [s for c in COLUMNS[kind] for s in {c.header, *c.aliases}]
        assert len(spellings) == len(set(spellings))


class TestAnImport:
    TEXT = CHILDREN + child()

    @pytest.mark.parametrize("name", ["kari", "rune", "berit", "tove", "bti"])
    def test_is_for_administrators_only(self, cast: Cast, name: str) -> None:
        with pytest.raises(Forbidden):
            load(cast, "children", self.TEXT, by=name)
        with writing(cast.database) as session, pytest.raises(Forbidden):
            actor = cast.actor_in(session, name)
            imports.dry_run(session, actor=actor, kind="children", content=self.TEXT.encode(), now=cast.now)
        assert stored(cast, import_runs) == []

    def test_of_an_unknown_kind_is_refused(self, cast: Cast) -> None:
        with pytest.raises(Invalid) as refused:
            load(cast, "cases", self.TEXT)
        assert refused.value.fields == {"kind": "unknown"}

    def test_tried_dry_says_the_same_and_changes_nothing(self, cast: Cast) -> None:
        before = stored(cast, subjects)
        tried = dry(cast, "children", self.TEXT)
        assert stored(cast, subjects) == before
        assert tried == load(cast, "children", self.TEXT)

    def test_is_written_in_the_trail_with_counts_only(self, cast: Cast) -> None:
        dry(cast, "children", self.TEXT)
        load(cast, "children", self.TEXT)
        with reading(cast.database) as session:
            rows = session.execute(sa.select(audit_entries).order_by(audit_entries.c.id)).all()
        assert [row.event for row in rows] == ["import.dry_run", "import.dry_run", "register.write", "import.run"]
        assert json.loads(rows[-1].fields) == {"kind": "children", "rows": 1, "created": 1, "changed": 0, "left": 0}
        assert "Emma" not in "".join(row.fields for row in rows)

    def test_is_watched_while_it_is_checked(self, cast: Cast) -> None:
        text = CHILDREN + "".join(child(f"e{i}") for i in range(1200))
        with writing(cast.database) as session:
            actor = cast.actor_in(session, "arne")
            run_id = imports.receive(session, actor=actor, kind="children", content=text.encode(), now=cast.now)
        seen: list[tuple[str, int, int]] = []

        def look(done: int, total: int) -> None:
            with reading(cast.database) as session:
                shown = register.see_import(session, actor=actor, run_id=run_id)
            seen.append((shown.state, shown.done_rows, total))

        imports.check(cast.database, actor=actor, run_id=run_id, clock=lambda: cast.now, progress=look)
        assert seen == [("checking", done, 1200) for done in (0, 500, 1000, 1200)]
        with reading(cast.database) as session:
            shown = register.see_import(session, actor=actor, run_id=run_id)
        assert (shown.state, shown.created, shown.report["unchanged"], shown.by) == ("checked", 1200, 0, "Arne Dal")

    def test_is_carried_out_once_and_keeps_no_file(self, cast: Cast) -> None:
        actor = cast.actor("arne")
        with writing(cast.database) as session:
            run_id = imports.receive(session, actor=actor, kind="children", content=self.TEXT.encode(), now=MONDAY)
        how: dict[str, Any] = {"actor": actor, "run_id": run_id, "clock": lambda: cast.now}
        with pytest.raises(NotPossible):
            imports.carry_out(cast.database, **how)
        imports.check(cast.database, **how)
        assert stored(cast, import_runs)[0].content
        imports.carry_out(cast.database, **how)
        for again in (imports.check, imports.carry_out):
            with pytest.raises(NotPossible) as refused:
                again(cast.database, **how)
            assert refused.value.details == {"state": "done"}
        run = stored(cast, import_runs)[0]
        assert (run.state, run.content, run.finished_at) == ("done", "", cast.now)

    def test_that_fails_keeps_its_messages_but_not_the_file(self, cast: Cast) -> None:
        load(cast, "children", CHILDREN + child(unit="Hogwarts"))
        run = stored(cast, import_runs)[0]
        assert (run.state, run.content) == ("failed", "")
        assert json.loads(run.findings)["findings"][0]["code"] == "unknown_unit"

    def test_writes_nothing_when_the_register_changed_after_the_check(self, cast: Cast) -> None:
        actor = cast.actor("arne")
        text = UNITS + "A;skole;;\nBarneverntjenesten;barnevern;;1234\n"
        with writing(cast.database) as session:
            run_id = imports.receive(session, actor=actor, kind="units", content=text.encode(), now=cast.now)
        how: dict[str, Any] = {"actor": actor, "run_id": run_id, "clock": lambda: cast.now}
        assert imports.check(cast.database, **how).is_good
        with writing(cast.database) as session:
            places.end_unit(session, actor=actor, unit_id="welfare", now=cast.now)
        assert wrong(imports.carry_out(cast.database, **how)) == [(3, "navn", "unit_ended")]
        assert stored(cast, units, name="A") == []
        assert stored(cast, import_runs)[0].state == "failed"

    def test_that_breaks_down_half_way_leaves_nothing(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: Any, **__: Any) -> None:
            raise RuntimeError("the plug was pulled")

        monkeypatch.setattr("bti.usecases.imports.writing.tell", broken)
        with pytest.raises(RuntimeError):
            load(cast, "units", UNITS + "A;skole;;\n")
        assert stored(cast, units, name="A") == []
        assert stored(cast, import_runs)[0].state == "failed"

    def test_is_not_seen_from_another_municipality(self, cast: Cast) -> None:
        load(cast, "children", self.TEXT)
        run_id = stored(cast, import_runs)[0].id
        with reading(cast.database) as session, pytest.raises(NotFound):
            register.see_import(session, actor=System("nabo"), run_id=run_id)
        with pytest.raises(NotFound):
            imports.check(cast.database, actor=System("nabo"), run_id=run_id, clock=lambda: cast.now)

    def test_of_ten_thousand_children_completes_and_is_repeatable(self, cast: Cast) -> None:
        schools = ("Fjordvik skole", "Nordbygda skole")
        text = CHILDREN + "".join(
            child(
                f"barn-{i}",
                given=f"Fornavn {i}",
                born=f"{i % 28 + 1}.{i % 12 + 1}.20{i % 12 + 10}",
                unit=schools[i % 2],
            )
            for i in range(10_000)
        )
        assert numbers(load(cast, "children", text)) == (10_000, 0, 0)
        assert numbers(load(cast, "children", text)) == (0, 0, 10_000)
        assert numbers(load(cast, "children", text.replace("4A", "5A"))) == (0, 10_000, 0)
        assert len(stored(cast, subjects, group_name="5A")) >= 10_000
