"""What is sealed: a dump tells nothing, a cell opens in its own place alone, and an older one put back is found."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bti import audit
from bti.audit.leaves import columns, spell
from bti.db import be_in, reading, writing
from bti.demo.children import CHILDREN
from bti.demo.seed import seed
from bti.demo.town import STAFF
from bti.errors import Stale, Unopened
from bti.models import audit_entries, entries, guardians, metadata, people, subjects, units, wonders
from bti.models.sealed import Cell, cells, national_id_index, sealed, sealed_columns
from bti.queries.sealed_cells import Finding, raw_rows, sealed_tables
from bti.usecases import drafts, referrals, rotation
from bti.usecases.imports import runs
from bti.usecases.people import change_person
from bti.verifier.entries import LONGEST_ENTRY
from tests.cast import HERE, MONDAY, NEXT_DOOR, Cast, settle, settle_neighbour
from tests.keys import change, sealed_findings
from tests.sequencing import tamper

LARGE = 450
SECRET = "Lærer så et blåmerke på armen tirsdag"


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def findings(database: sa.Engine) -> list[Finding]:
    with reading(database) as session:
        return [one for one in sealed_findings(session) if one.code != "never_told"]


def raw(database: sa.Engine, table: sa.Table, row_id: str, municipality_id: str = HERE) -> dict[str, str | None]:
    with reading(database) as session:
        be_in(session, municipality_id)
        rows = raw_rows(session, table, municipality_id=municipality_id)
        return next(row.cells for row in rows if row.row_id == row_id)


def overwrite(
    database: sa.Engine, table: sa.Table, row_id: str, municipality_id: str = HERE, **values: str | None
) -> None:
    """Change cells as the database's owner would, past everything."""
    with database.begin() as connection:
        here = (table.c.municipality_id == municipality_id, table.c.id == row_id)
        told = {name: None if value is None else Cell(value) for name, value in values.items()}
        assert connection.execute(sa.update(table).where(*here).values(told)).rowcount == 1


def ids(database: sa.Engine, table: sa.Table, **where: str) -> list[str]:
    with reading(database) as session:
        found = sa.select(table.c.id).where(*(table.c[name] == value for name, value in where.items()))
        return list(session.execute(found.order_by(table.c.id)).scalars())


# --- a dump tells nothing -------------------------------------------------------------------------------------------


class TestADump:
    def test_tells_no_name_no_id_and_no_phrase(self, database: sa.Engine, tmp_path: Path) -> None:
        seed(database, MONDAY)
        _what_lies_on_the_desk(database)
        texts = _texts(database)
        assert len(texts) > 2_000
        assert {"Kari Nordmann", "Lise Nordli"} < texts
        for dump in _dumps(database, tmp_path):
            assert b"fjordvik" in dump
            assert [text for text in sorted(texts | NAMES) if text.encode() in dump] == []


_FULL = {child.name for child in CHILDREN.values()} | {one.name for one in STAFF.values()}
# Shorter ones stand in what is random as often as not.
NAMES = {name for name in _FULL | {name.rpartition(" ")[2] for name in _FULL} if len(name) > 4}


def _what_lies_on_the_desk(database: sa.Engine) -> None:
    """Write what the stories leave out: a draft, a question without a name, a file that waits to be imported."""
    cast = Cast(database, now=MONDAY)
    with reading(database) as session:
        named = dict(session.execute(sa.select(people.c.username, people.c.id)).all())
        ppt = session.execute(sa.select(people.c.municipality_id)).scalars().first()
    assert ppt == HERE
    cast.id = lambda name: named[name]  # type: ignore[method-assign]
    unit = ids(database, metadata.tables["units"], kind="ppt")[0]
    cast.act(drafts.save, by="kari", form="wonder", content={"seen": [SECRET]})
    cast.act(referrals.ask_anonymously, by="kari", unit_id=unit, question=f"Hva gjør vi når {SECRET}?")
    content = f"nøkkel;fornavn;etternavn;født;enhet\nx1;Hemmelige;Navnesen;03.04.2017;Fjordvik skole\n{SECRET}".encode()
    with writing(database) as session:
        runs.receive(session, actor=cast.actor_in(session, "arne"), kind="children", content=content, now=MONDAY)


# Codes stand in the trail as well, where they are meant to; a short text stands in what is random now and then.
_CODE = re.compile(r"[a-z_]+|.{0,4}")


def _texts(database: sa.Engine) -> set[str]:
    """Return everything that is sealed in the database, and each line of it."""
    found: set[str] = set()
    with reading(database) as session:
        for table in sealed_tables():
            columns = [table.c[name] for name in sealed_columns(table)]
            for row in session.execute(sa.select(*columns)):
                found |= {line for text in row if text for line in (text, *text.splitlines())}
        # A service's own number is no secret, and the invented guardians have some of the same.
        public = set(session.execute(sa.select(units.c.phone)).scalars())
    return {text for text in found - public if not _CODE.fullmatch(text)}


def _dumps(database: sa.Engine, tmp_path: Path) -> Iterator[bytes]:
    """Give everything that lies on disk: of SQLite the file, its log and a backup; of PostgreSQL every row."""
    if database.dialect.name == "postgresql":
        yield _rows_of(database)
        return
    file = Path(database.url.database or "")
    yield b"".join(one.read_bytes() for one in sorted(file.parent.glob(f"{file.name}*")))
    copy = tmp_path / "backup.db"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    yield copy.read_bytes()


def _rows_of(database: sa.Engine) -> bytes:
    with database.connect() as connection:
        cursor: Any = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
        found = []
        for table in metadata.tables:
            with cursor.copy(f'COPY "{table}" TO STDOUT') as copy:
                found += [bytes(part) for part in copy]
        return b"".join(found)


# --- a cell opens in its own place ----------------------------------------------------------------------------------


class TestACellThatWasMoved:
    def test_to_another_row_doesnt_open(self, cast: Cast) -> None:
        self.doesnt_open(cast, people, "kari", raw(cast.database, people, "siri")["name"], "name")

    def test_to_another_column_doesnt_open(self, cast: Cast) -> None:
        self.doesnt_open(cast, subjects, "ola", raw(cast.database, subjects, "ola")["family_name"], "given_name")

    def test_to_another_case_doesnt_open(self, cast: Cast) -> None:
        here, there = cast.wonder(), cast.wonder(about="mia")
        (one,), (other,) = ids(cast.database, wonders, case_id=here), ids(cast.database, wonders, case_id=there)
        self.doesnt_open(cast, wonders, one, raw(cast.database, wonders, other)["seen"], "seen")

    def test_to_another_municipality_doesnt_open(self, cast: Cast) -> None:
        settle_neighbour(cast.database)
        moved = raw(cast.database, subjects, "ola", NEXT_DOOR)["given_name"]
        self.doesnt_open(cast, subjects, "ola", moved, "given_name")

    def test_with_its_whole_row_to_another_case_doesnt_open(self, cast: Cast) -> None:
        here, there = cast.at_level_1(), cast.at_level_1()
        note = ids(cast.database, entries, case_id=here, kind="guardian_talk")[0]
        tamper(cast.database, "UPDATE entries SET case_id = :there WHERE id = :note", there=there, note=note)
        with reading(cast.database) as session, pytest.raises(Unopened):
            session.execute(sa.select(entries.c.text).where(entries.c.id == note)).all()

    def doesnt_open(self, cast: Cast, table: sa.Table, row_id: str, cell: str | None, column: str) -> None:
        overwrite(cast.database, table, row_id, **{column: str(cell)})
        with reading(cast.database) as session, pytest.raises(Unopened) as shut:
            session.execute(sa.select(table.c[column]).where(table.c.municipality_id == HERE)).all()
        assert (shut.value.cause, shut.value.table, shut.value.column, shut.value.row_id) == (
            "changed", table.name, column, row_id,
        )  # fmt: skip
        assert Finding("changed", HERE, table.name, column, row_id) in findings(cast.database)


class TestWhatTheTrailTells:
    def test_has_one_right_spelling_also_of_many_rows_at_once(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.evaluate(case_id, cast.plan(case_id))
        lines = [f"mor-{n};Foresatt Etternavn {n};mor;ja;900 {n:05};foresatt{n}@example.no;ola" for n in range(LARGE)]
        text = "\n".join(["foresatt;navn;relasjon;foreldreansvar;telefon;epost;barn", *lines])
        actor = cast.actor("arne")
        report = runs.run(cast.database, actor=actor, kind="guardians", content=text.encode(), clock=lambda: cast.now)
        assert report.created == LARGE
        rotation.rotate(cast.database, clock=lambda: cast.now)
        with reading(cast.database) as session:
            told = [(row.event, spell(row, None)) for row in session.execute(sa.select(*columns))]
        assert {"register.write", "keys.rotate", "case.open"} <= {event for event, _data in told}
        for event, data in told:
            assert b'"unspelt"' not in data, event
            # With room for its place in a case.
            assert len(data) < LONGEST_ENTRY - 2_000, event
        assert findings(cast.database) == []


class TestWhatFsckFinds:
    def test_is_nothing_after_a_day_of_work(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        cast.evaluate(case_id, cast.plan(case_id))
        assert findings(cast.database) == []

    def test_is_an_older_cell_put_back_where_it_was(self, cast: Cast) -> None:
        cast.act(referrals.ask_anonymously, by="kari", unit_id="ppt", question="Hva gjør vi?")
        person = cast.id("per")
        self._rename(cast, person, "Per Hansen")
        before = raw(cast.database, people, person)["name"]
        self._rename(cast, person, "Per Olsen")
        assert findings(cast.database) == []
        overwrite(cast.database, people, person, name=before)
        with reading(cast.database) as session:
            assert session.scalar(sa.select(people.c.name).where(people.c.id == person)) == "Per Hansen"
        assert findings(cast.database) == [Finding("other_than_told", HERE, "people", "name", person)]

    def _rename(self, cast: Cast, person_id: str, name: str) -> None:
        cast.act(change_person, by="arne", person_id=person_id, name=name, title="", email="", phone="", language="nb")

    def test_is_a_text_that_was_emptied(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        note = ids(cast.database, entries, case_id=case_id, kind="guardian_talk")[0]
        overwrite(cast.database, entries, note, text="")
        assert findings(cast.database) == [Finding("other_than_told", HERE, "entries", "text", note)]

    def test_is_a_row_that_is_gone(self, cast: Cast) -> None:
        measure = cast.plan(cast.at_level_2())
        tamper(cast.database, "DELETE FROM measures WHERE id = :measure", measure=measure)
        assert findings(cast.database) == [Finding("row_gone", HERE, "measures", "text", measure)]

    def test_is_a_text_that_was_never_sealed(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        note = ids(cast.database, entries, case_id=case_id, kind="guardian_talk")[0]
        overwrite(cast.database, entries, note, text="Skrevet rett i databasen")
        assert findings(cast.database) == [Finding("not_sealed", HERE, "entries", "text", note)]

    def test_is_a_row_that_no_entry_tells_of(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        with cast.database.begin() as connection:
            made = dict(
                connection.execute(sa.select(entries).where(entries.c.case_id == case_id)).mappings().first() or {}
            )
            connection.execute(sa.insert(entries), cells(entries, made | {"id": "forged"}))
        with reading(cast.database) as session:
            forged = [one for one in sealed_findings(session) if one.table == "entries"]
        assert {(one.code, one.row_id) for one in forged} == {("never_told", "forged")}


# --- the one door ---------------------------------------------------------------------------------------------------


class TestTheDoor:
    def test_lets_no_bare_text_through(self, cast: Cast) -> None:
        with writing(cast.database) as session:
            for statement in (
                sa.update(people).values(name="Kari"),
                sa.select(people.c.id).where(people.c.name == "Kari Nordmann"),
                sa.select(people.c.id).where(people.c.name.contains("Kari")),
            ):
                with pytest.raises(sa.exc.StatementError, match="is sealed"):
                    session.execute(statement)

    def test_commits_nothing_that_the_trail_doesnt_tell_of(self, cast: Cast) -> None:
        row = {"municipality_id": HERE, "id": "kari", "name": "Ingen"}
        with pytest.raises(RuntimeError, match="doesn't tell of what was written: people"), writing(cast.database) as s:
            s.execute(sa.update(people).where(people.c.id == "kari").values(name=sealed(s, people, row)["name"]))
        with reading(cast.database) as session:
            assert session.scalar(sa.select(people.c.name).where(people.c.id == "kari")) == "Kari Nordmann"

    def test_tells_nothing_of_what_was_turned_down(self, cast: Cast) -> None:
        actor, row = cast.actor("arne"), {"municipality_id": HERE, "id": "kari", "name": "Kari Ingen"}
        with pytest.raises(Stale) as refused, writing(cast.database) as s:
            s.execute(sa.update(people).where(people.c.id == "kari").values(name=sealed(s, people, row)["name"]))
            raise Stale()
        told: dict[str, Any] = {"actor": actor, "attempt": "person.change", "refusal": refused.value, "now": MONDAY}
        audit.show(cast.database, lambda session: audit.record_refusal(session, **told))
        with reading(cast.database) as session:
            last = sa.select(audit_entries.c.fields).order_by(audit_entries.c.id.desc()).limit(1)
            assert json.loads(session.execute(last).scalar_one()).keys() == {"attempt", "code", "missing"}
        assert findings(cast.database) == []

    def test_is_passed_by_every_confidential_column(self) -> None:
        for table in metadata.tables.values():
            for column in table.c:
                if column.info.get("confidential"):
                    assert column.name in sealed_columns(table), f"{table.name}.{column.name} isn't sealed"

    def test_leaves_nothing_and_no_text_as_they_are(self, cast: Cast) -> None:
        assert raw(cast.database, people, "kari")["title"] == ""
        assert raw(cast.database, people, "kari")["email"] is None

    def test_opens_in_a_join_an_alias_and_a_subquery(self, cast: Cast) -> None:
        other = people.alias()
        inner = sa.select(people.c.municipality_id, people.c.id, people.c.name.label("called")).subquery()
        with reading(cast.database) as session:
            for query in (
                sa.select(other.c.name.label("x")).where(other.c.id == "kari"),
                sa.select(inner.c.called).where(inner.c.id == "kari"),
                sa.select(people.c.id, people.c.name).where(people.c.id == "kari").with_only_columns(people.c.name),
            ):
                assert session.execute(query).scalars().all() == ["Kari Nordmann"]


class TestANationalId:
    def test_is_found_by_its_index_and_by_nothing_else(self, cast: Cast) -> None:
        with writing(cast.database) as session:
            change(session, subjects, subjects.c.id == "ola", national_id="03881712345")
        index = national_id_index(HERE, "03881712345")
        assert ids(cast.database, subjects, national_id_index=str(index)) == ["ola"]
        assert national_id_index(NEXT_DOOR, "03881712345") != index
        assert ids(cast.database, guardians, national_id_index=str(index)) == []
