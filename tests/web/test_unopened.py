"""A cell that doesn't open: nothing of the page is shown, somebody is told, and it stands in the log."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bti.db import reading
from bti.models import audit_entries, entries, people
from bti.models.sealed import Cell
from tests.cast import HERE, Cast
from tests.web.records import reference
from tests.web.visitor import Visitor

ClientOf = Callable[[str], Visitor]
pytestmark = pytest.mark.parametrize(
    "kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.pg)], indirect=True
)


def spoil(cast: Cast, table: sa.Table, condition: sa.ColumnElement[bool], **cells: str) -> None:
    """Change cells as the database's owner might."""
    with cast.database.begin() as connection:
        assert connection.execute(
            sa.update(table).where(condition).values({name: Cell(text) for name, text in cells.items()})
        ).rowcount


def told(cast: Cast) -> list[tuple[str | None, str | None, dict[str, str]]]:
    with reading(cast.database) as session:
        e = audit_entries.c
        found = session.execute(
            sa.select(e.actor_id, e.object_id, e.fields).where(e.event == "cell.unopened").order_by(e.id)
        )
        return [(row.actor_id, row.object_id, json.loads(row.fields)) for row in found]


class TestACasePage:
    def test_with_a_cell_that_was_changed_shows_nothing_and_says_why(self, cast: Cast, client_of: ClientOf) -> None:
        case_id = cast.at_level_1()
        kari, path = client_of("kari"), f"/saker/{reference(cast, case_id)}"
        assert kari.get(path).has("Ola")
        with reading(cast.database) as session:
            note = session.scalar(sa.select(entries.c.id).where(entries.c.kind == "guardian_talk"))
        spoil(cast, entries, entries.c.id == note, text="s1.1.AAAA")
        page = kari.get(path, status=500)
        assert page.has("Noe av dette kan ikke åpnes")
        assert not page.has("Ola")
        assert not page.has("Snakket med")
        assert told(cast) == [("kari", note, {"cause": "changed", "column": "text", "part": "entries"})]

    def test_with_a_readers_name_that_was_changed_says_the_same(self, cast: Cast, client_of: ClientOf) -> None:
        kari, path = client_of("kari"), f"/saker/{reference(cast, cast.at_level_1())}"
        spoil(cast, people, people.c.id == "kari", name="Kari Nordmann")
        assert kari.get(path, status=500).has("Noe av dette kan ikke åpnes")
        assert told(cast) == [(None, "kari", {"cause": "not_sealed", "column": "name", "part": "people"})]

    def test_sent_a_form_changes_nothing(self, cast: Cast, client_of: ClientOf) -> None:
        case_id = cast.at_level_1()
        kari, path = client_of("kari"), f"/saker/{reference(cast, case_id)}"
        version = cast.version(case_id)
        spoil(cast, people, sa.and_(people.c.municipality_id == HERE, people.c.id == "rune"), name="s1.9.AAAA")
        assert kari.get(path, status=500).has("Noe av dette kan ikke åpnes")
        assert cast.version(case_id) == version
        assert told(cast)[0][2]["cause"] == "no_key"
