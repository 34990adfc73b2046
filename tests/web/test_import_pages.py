"""Importing files from the pages: looked over first, all of it or nothing, and nothing kept that isn't needed."""

from __future__ import annotations

import ast
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bti import tenancy
from bti.db import reading, writing
from bti.models import audit_entries, import_runs, municipalities, subjects, units
from bti.usecases.imports import runs
from bti.usecases.imports.columns import COLUMNS, KINDS
from tests.cast import NEXT_DOOR, Cast, settle_neighbour
from tests.keys import change, put
from tests.web.visitor import Page, Visitor, on_both_databases
from web import import_words, imports

ROOT = "/administrasjon/import"
CHILDREN = "nøkkel;fornavn;etternavn;født;enhet;gruppe\nn1;Åse;Bø;03.04.2017;Fjordvik skole;4B\n"


def upload(person: Visitor, content: str | bytes, kind: str = "children", status: int = 303, **more: Any) -> Page:
    """Send a file the way the page's form does."""
    page = person.get(f"{ROOT}/{kind}")
    data: dict[str, Any] = {name: page.value(name) for name in ("csrf_token", "once")}
    body = content.encode() if isinstance(content, str) else content
    data |= {"file": (io.BytesIO(body), "barn.csv", "text/csv"), **more}
    return person._read(person.client.post(f"{ROOT}/{kind}", data=data), f"{ROOT}/{kind}", status)


def checked(person: Visitor, content: str | bytes = CHILDREN, kind: str = "children") -> Page:
    """Upload a file and open the page with its result."""
    return person.follow(upload(person, content, kind))


def stored(cast: Cast) -> list[Any]:
    with reading(cast.database) as session:
        return list(session.execute(sa.select(import_runs).order_by(import_runs.c.started_at, import_runs.c.id)))


def children_called(cast: Cast, family_name: str) -> int:
    with reading(cast.database) as session:
        return list(session.execute(sa.select(subjects.c.family_name)).scalars()).count(family_name)


def told(cast: Cast, event: str) -> list[str]:
    with reading(cast.database) as session:
        query = sa.select(audit_entries.c.fields).where(audit_entries.c.event == event)
        return list(session.execute(query).scalars())


@pytest.fixture(autouse=True)
def _all_the_time_in_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file be done before the next page is shown, however busy the machine is."""
    monkeypatch.setattr(imports, "PATIENCE_SECONDS", 60)


@pytest.fixture
def arne(client_of: Callable[[str], Visitor]) -> Visitor:
    return client_of("arne")


@on_both_databases
class TestImportingAFile:
    def test_it_is_looked_over_and_then_carried_out(self, arne: Visitor, cast: Cast) -> None:
        page = checked(arne)
        assert page.has("Klar til å importeres")
        assert page.has("Nye 1")
        assert children_called(cast, "Bø") == 0
        page = arne.follow(arne.send(page, action="/importer"))
        assert page.has("Alt i filen er lagret")
        assert children_called(cast, "Bø") == 1

    def test_it_lands_in_the_municipality_of_whoever_sent_it(self, app: Flask, cast: Cast) -> None:
        there = settle_neighbour(cast.database)
        arne = Visitor(app, "arne").log_in(NEXT_DOOR, "arne")
        page = arne.follow(arne.send(checked(arne), action="/importer"))
        assert page.has("Alt i filen er lagret")
        with tenancy.within(NEXT_DOOR):
            assert (children_called(there, "Bø"), told(there, "import.run")[:1] != []) == (1, True)
            assert stored(there)[0].municipality_id == NEXT_DOOR

    def test_the_file_with_names_is_gone_when_it_is_done(self, arne: Visitor, cast: Cast) -> None:
        page = checked(arne)
        assert "Åse" in stored(cast)[0].content
        arne.send(page, action="/importer")
        assert stored(cast)[0].content == ""

    def test_both_steps_stand_in_the_trail_without_a_name(self, arne: Visitor, cast: Cast) -> None:
        arne.send(checked(arne), action="/importer")
        assert told(cast, "import.dry_run") == ['{"findings":0,"kind":"children","rows":1}']
        assert told(cast, "import.run") == ['{"changed":0,"created":1,"kind":"children","left":0,"rows":1}']

    def test_two_at_once_take_turns(self, arne: Visitor, cast: Cast) -> None:
        page = checked(arne)
        with writing(cast.database) as session:
            session.execute(sa.update(import_runs).values(state="running"))
        assert upload(arne, CHILDREN, status=409).has("En annen import pågår. Vent til den er ferdig")
        assert arne.send(page, action="/importer", status=409).has("En annen import pågår")


class TestAFileWithFaults:
    BAD = (
        f"{CHILDREN}n2;Per;;32.13.2017;Fjordvik skole;\nn3;Eli;Li;03.04.2017;Ukjent skole;\n"
        "n1;To;Ganger;03.04.2017;Fjordvik skole;\n"
    )

    def test_each_row_is_told_apart_with_what_to_do(self, arne: Visitor, cast: Cast) -> None:
        page = checked(arne, self.BAD)
        assert page.has("Filen må rettes")
        assert page.has("4 ting må rettes i filen")
        assert page.has("Rad 3 etternavn Feltet er tomt. Fyll det ut.")
        assert page.has("Rad 3 født «32.13.2017» er ikke en dato. Skriv den slik: 01.12.2016.")
        assert page.has("Rad 4 enhet Ingen enhet heter «Ukjent skole».")
        assert page.has("Rad 5 nøkkel Det samme står i rad 2.")

    def test_nothing_of_it_is_imported_and_the_file_is_gone(self, arne: Visitor, cast: Cast) -> None:
        page = checked(arne, self.BAD)
        assert not [form for form in page.forms if form.action.endswith("/importer")]
        run = stored(cast)[0]
        token = arne.get(f"{ROOT}/children")
        answer = arne.post(f"{ROOT}/resultat/{run.id}/importer", status=409, page=token)
        assert answer.has("Importen venter ikke lenger på deg")
        assert children_called(cast, "Bø") == 0
        assert run.content == ""

    def test_the_list_can_be_taken_along_as_a_file(self, arne: Visitor, cast: Cast) -> None:
        page = checked(arne, self.BAD)
        answer = arne.client.get(f"{page.path}/feil.csv")
        text = answer.get_data(as_text=True)
        assert answer.mimetype == "text/csv"
        assert "attachment" in answer.headers["Content-Disposition"]
        assert text.startswith("\ufeffHvor;Kolonne;")
        assert len(text.splitlines()) == 5

    def test_a_spreadsheet_never_runs_what_stands_in_the_list(self, arne: Visitor) -> None:
        page = checked(arne, CHILDREN.replace("Fjordvik skole", "=cmd|calc"))
        text = arne.client.get(f"{page.path}/feil.csv").get_data(as_text=True)
        assert "=cmd|calc" in text
        assert not any(cell.startswith("=") for line in text.splitlines() for cell in line.split(";"))

    def test_only_the_first_are_shown(self, arne: Visitor) -> None:
        rows = "".join(f"k{n};A;B;;Fjordvik skole;\n" for n in range(700))
        page = checked(arne, CHILDREN + rows)
        assert page.has("700 ting må rettes i filen")
        assert page.has("Her er de første 25. Listen som fil har 500 av 700.")

    def test_a_national_id_is_never_shown_whole(self, arne: Visitor, cast: Cast) -> None:
        header = CHILDREN.replace("født", "fødselsnummer").replace("03.04.2017", "15011512345")
        page = checked(arne, header)
        assert page.has("«150115*****» er ikke et fødselsnummer")
        assert "15011512345" not in page.html + stored(cast)[0].findings

    def test_a_missing_column_is_said_once(self, arne: Visitor) -> None:
        page = checked(arne, "fornavn;etternavn\nOla;Nordli\nMia;Aas\n")
        assert page.has("Hele filen nøkkel Kolonnen mangler.")
        assert page.has("Hele filen enhet Kolonnen mangler.")
        assert page.has("2 ting må rettes")

    def test_what_stands_in_the_file_is_shown_as_text(self, arne: Visitor) -> None:
        page = checked(arne, CHILDREN.replace("Fjordvik skole", "<script>alert(1)</script>"))
        assert "<script>alert" not in page.html
        assert page.has("<script>alert(1)</script>")

    def test_a_sign_for_filling_in_is_only_a_sign(self, arne: Visitor) -> None:
        assert checked(arne, CHILDREN.replace("Fjordvik skole", "%(row)s 100 %")).has("«%(row)s 100 %»")


class TestAFileThatIsNone:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "Filen er tom."),
            (b"  \n ", "Filen er tom."),
            (b"PK\x03\x04 a spreadsheet", "Filen kan ikke leses som tekst."),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "Filen kan ikke leses som tekst."),
            (b"\xff\xfe\xff\xfe\x00\xd8\x00", "Filen kan ikke leses som tekst."),
            (b"a;b\n" + b"x" * (21 * 1024 * 1024), "Filen er større enn 20 MB."),
        ],
        ids=["empty", "blank", "spreadsheet", "picture", "broken", "large"],
    )
    def test_it_is_said_at_the_field(self, content: bytes, said: str, arne: Visitor, cast: Cast) -> None:
        page = upload(arne, content, status=422)
        assert page.title.startswith("Feil:")
        assert page.has(said)
        assert stored(cast) == []

    def test_a_file_must_be_chosen(self, arne: Visitor) -> None:
        page = arne.get(f"{ROOT}/children")
        assert arne.post(page.path, {"file": ""}, status=422, page=page).has("Velg en fil")

    def test_far_too_much_is_turned_away_before_it_is_read(self, arne: Visitor) -> None:
        page = upload(arne, b"x" * (25 * 1024 * 1024), status=413)
        assert page.has("Det ble for mye")

    def test_an_old_encoding_is_understood_and_said(self, arne: Visitor, cast: Cast) -> None:
        page = checked(arne, CHILDREN.encode("windows-1252"))
        assert page.has("Vi leste den som Windows-1252")
        arne.send(page, action="/importer")
        assert children_called(cast, "Bø") == 1


class TestSendingAgain:
    def test_the_same_upload_twice_is_one(self, arne: Visitor, cast: Cast) -> None:
        page = arne.get(f"{ROOT}/children")
        tokens: dict[str, Any] = {name: page.value(name) for name in ("csrf_token", "once")}
        first = upload(arne, CHILDREN, **tokens)
        second = upload(arne, CHILDREN, **tokens)
        assert first.goes_to == second.goes_to
        assert len(stored(cast)) == 1

    def test_the_same_import_twice_is_one(self, arne: Visitor, cast: Cast) -> None:
        page = checked(arne)
        arne.send(page, action="/importer")
        assert arne.follow(arne.send(page, action="/importer")).has("Dette skjemaet er allerede sendt")
        assert len(told(cast, "import.run")) == 1

    def test_the_same_file_again_changes_nothing(self, arne: Visitor, cast: Cast) -> None:
        arne.send(checked(arne), action="/importer")
        page = arne.follow(arne.send(checked(arne), action="/importer"))
        assert page.has("Ingenting var nytt i filen")
        assert children_called(cast, "Bø") == 1


class TestAnImportUnderWay:
    @pytest.fixture
    def waiting(self, arne: Visitor, cast: Cast) -> str:
        return checked(arne).path

    def _becomes(self, cast: Cast, **values: object) -> None:
        with writing(cast.database) as session:
            session.execute(sa.update(import_runs).values(**values))

    def test_its_page_tells_how_far_it_has_come_and_looks_again(self, waiting: str, arne: Visitor, cast: Cast) -> None:
        self._becomes(cast, state="checking", done_rows=500, total_rows=2000)
        page = arne.get(waiting)
        assert '<meta http-equiv="refresh" content="2">' in page.html
        assert 'max="2000" value="500"' in page.html
        assert page.has("500 av 2000")

    def test_its_page_opens_while_the_import_has_the_turn_to_write(
        self, waiting: str, arne: Visitor, cast: Cast
    ) -> None:
        self._becomes(cast, state="running")
        with writing(cast.database):
            assert arne.get(waiting).has("Importen pågår")

    def test_a_page_that_is_done_stands_still(self, waiting: str, arne: Visitor) -> None:
        assert "http-equiv" not in arne.get(waiting).html

    def test_an_interrupted_one_says_so_and_its_file_is_gone(self, waiting: str, arne: Visitor, cast: Cast) -> None:
        self._becomes(cast, state="running")
        cast.later(minutes=16)
        page = arne.get(waiting)
        assert page.has("Importen ble avbrutt")
        assert page.has("Ingenting er importert")
        assert stored(cast)[0].content == ""
        assert children_called(cast, "Bø") == 0
        assert upload(arne, CHILDREN).status == 303

    def test_one_that_nobody_came_back_to_is_thrown_away(self, waiting: str, arne: Visitor, cast: Cast) -> None:
        cast.later(hours=7)
        arne.log_in(cast.municipality_id, "arne")
        arne.get(ROOT)
        assert stored(cast)[0].state == "checked"
        cast.later(hours=18)
        arne.log_in(cast.municipality_id, "arne")
        arne.get(ROOT)
        assert stored(cast)[0].content == ""
        assert arne.get(waiting).has("Ingen gikk videre med filen")

    def test_one_that_breaks_says_so_and_leaves_nothing_half_done(
        self, waiting: str, arne: Visitor, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def half_way(session: sa.Connection, **_more: object) -> None:
            change(session, subjects, sa.true(), family_name="Bø")
            raise RuntimeError("Åse Bø")

        monkeypatch.setattr(runs, "write", half_way)
        page = arne.follow(arne.send(arne.get(waiting), action="/importer"))
        assert page.has("Importen ble avbrutt")
        assert children_called(cast, "Bø") == 0

    def test_it_can_be_thrown_away_instead(self, waiting: str, arne: Visitor, cast: Cast) -> None:
        page = arne.get(waiting)
        token = arne.post(f"{waiting}/forkast", page=page)
        assert arne.follow(token).has("Filen er slettet. Ingenting ble importert.")
        assert stored(cast)[0].content == ""
        assert arne.post(f"{waiting}/forkast", status=409, page=arne.get(f"{ROOT}/children")).has("venter ikke lenger")


class TestChildrenWhoAreGone:
    def test_they_stay_unless_the_file_is_said_to_hold_all(self, arne: Visitor, cast: Cast) -> None:
        page = checked(arne)
        assert page.has("Registrer at 5 barn som ikke er i filen, har sluttet")
        page = arne.follow(arne.send(page, action="/importer"))
        with reading(cast.database) as session:
            assert not session.execute(sa.select(subjects.c.id).where(subjects.c.left_on.is_not(None))).all()

    def test_they_are_marked_when_it_does(self, arne: Visitor, cast: Cast) -> None:
        page = arne.follow(arne.send(checked(arne), {"mark_left": "ja"}, action="/importer"))
        assert page.has("Sluttet 5")


class TestTheOtherPages:
    def test_the_first_one_has_them_in_the_order_they_depend_on_each_other(self, arne: Visitor) -> None:
        text = arne.get(ROOT).text
        places = [text.index(f"Importer {name}") for name in ("enheter", "ansatte", "barn", "foresatte")]
        assert places == sorted(places)
        assert "Ingen har importert noe ennå" in text

    def test_the_history_says_how_it_went(self, arne: Visitor) -> None:
        arne.send(checked(arne), action="/importer")
        checked(arne, "fornavn\nOla\n")
        page = arne.get(ROOT)
        assert page.has("Importert 1 nye, 0 endret")
        assert page.has("Arne Dal")
        assert page.has("Ikke importert")

    @pytest.mark.parametrize("which", KINDS)
    def test_every_column_is_explained(self, which: str, arne: Visitor) -> None:
        page = arne.get(f"{ROOT}/{which}")
        for column in COLUMNS[which]:
            assert page.has(f"{column.header}{' Må være med' if column.needed else ''}")

    @pytest.mark.parametrize("which", KINDS)
    def test_the_example_can_be_imported_as_it_stands(self, which: str, arne: Visitor, cast: Cast) -> None:
        with writing(cast.database) as session:
            here = {"municipality_id": cast.municipality_id, "is_external": False}
            session.execute(sa.insert(units), here | {"id": "sol", "name": "Solsida barnehage", "kind": "kindergarten"})
        for earlier in KINDS[: KINDS.index(which) + 1]:
            answer = arne.client.get(f"{ROOT}/{earlier}/eksempel.csv")
            assert answer.mimetype == "text/csv"
            page = checked(arne, answer.get_data(), earlier)
            assert page.has("Alle radene er i orden"), page.text
            arne.send(page, action="/importer")

    def test_every_fault_the_core_speaks_of_has_a_sentence(self) -> None:
        folder = Path(runs.__file__).parent
        # Codes reach us by Finding(…, "code"), work.wrong(…, "code") and Invalid(cell="code").
        spoken = set()
        for file in [*folder.glob("*.py"), folder.parent / "contact.py"]:
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    position = {"Finding": 2, "wrong": 2, "_unreadable": 1}.get(name)
                    if position is not None and len(node.args) > position:
                        spoken |= {c.value for c in ast.walk(node.args[position]) if isinstance(c, ast.Constant)}
                    if name == "Invalid":
                        spoken |= {k.value.value for k in node.keywords if k.arg == "cell"}  # type: ignore[attr-defined]
        assert "unknown_unit" in spoken
        assert "not_a_date" in spoken
        assert spoken <= {key.rpartition(".")[2] for key in import_words.FINDINGS}


class TestWhoMayImport:
    PATHS = (ROOT, f"{ROOT}/children", f"{ROOT}/children/eksempel.csv", f"{ROOT}/resultat/anything")

    @pytest.mark.parametrize("name", ["kari", "rune", "tove", "berit", "bti"])
    def test_nobody_but_an_administrator(self, name: str, client_of: Callable[[str], Visitor]) -> None:
        person = client_of(name)
        for path in self.PATHS:
            person.get(path, status=403)

    def test_not_somebody_elses(self, arne: Visitor, cast: Cast) -> None:
        checked(arne)
        with writing(cast.database) as session:
            session.execute(
                sa.insert(municipalities),
                {"id": "nabovik", "name": "Nabovik", "is_demo": True, "definition": "bti", "definition_version": 1},
            )
            row = dict(session.execute(sa.select(import_runs)).mappings().one())
            session.execute(sa.delete(import_runs))
            put(session, import_runs, row | {"municipality_id": "nabovik", "person_id": None})
        run = stored(cast)[0]
        arne.get(f"{ROOT}/resultat/{run.id}", status=404)
        tokens = arne.get(f"{ROOT}/children")
        for what in ("importer", "forkast"):
            arne.post(f"{ROOT}/resultat/{run.id}/{what}", status=404, page=tokens)
        assert stored(cast)[0].state == "checked"

    def test_a_stranger_is_asked_to_log_in(self, stranger: Visitor) -> None:
        for path in self.PATHS:
            assert stranger.get(path, status=303).goes_to.startswith("/logg-inn")

    def test_by_the_right_method_and_with_the_pages_own_token(self, arne: Visitor) -> None:
        page = checked(arne)
        for path in (f"{page.path}/importer", f"{page.path}/forkast"):
            arne.get(path, status=405)
            assert arne.client.post(path, data={"once": "x" * 20}).status_code == 400
        assert arne.client.post(f"{ROOT}/children", data={}).status_code == 400

    def test_an_unknown_kind_is_not_there(self, arne: Visitor) -> None:
        arne.get(f"{ROOT}/weapons", status=404)
