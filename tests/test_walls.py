"""Walls between municipalities on PostgreSQL: what a forgotten condition would show, the database doesn't."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from bti import rights, tenancy
from bti.cli import main
from bti.config import Misconfigured
from bti.db import open_database, reading, single, writing
from bti.models import audit_entries, cases, drafts, metadata, municipalities, people, units
from bti.statements import Fixed
from tests.cast import HERE, MONDAY, NEXT_DOOR, settle, settle_neighbour
from tests.databases import PAGES, as_pages
from tests.keys import put

pytestmark = pytest.mark.pg

PROTECTED = sa.text("""
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
        (SELECT string_agg(p.polname || ': ' || pg_get_expr(p.polqual, p.polrelid) || ' / '
            || pg_get_expr(p.polwithcheck, p.polrelid), ', ') FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
    FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
""")
MINE = "((municipality_id)::text = current_setting('bti.municipality'::text, true))"


@pytest.fixture
def both(postgresql_database: sa.Engine) -> sa.Engine:
    """A database with two municipalities in it, as the pages see it."""
    settle(postgresql_database)
    settle_neighbour(postgresql_database)
    return postgresql_database


@pytest.fixture
def narrow(both: sa.Engine) -> Iterator[sa.Engine]:
    """The same through a pool of one connection, which everybody gets in turn."""
    engine = open_database(both.url.render_as_string(hide_password=False), pool_size=1)
    yield engine
    engine.dispose()


def _names(engine: sa.Engine) -> set[str]:
    with reading(engine) as session:
        return set(session.scalars(sa.select(units.c.municipality_id).distinct()))


class TestEveryTable:
    def test_of_a_municipality_has_a_wall_that_holds_for_its_owner_too(self, postgresql_owned: sa.Engine) -> None:
        with reading(postgresql_owned) as session:
            found = {row.relname: row for row in session.execute(PROTECTED)}
        with_wall = {name for name, row in found.items() if row.policies == f"own_municipality: {MINE} / {MINE}"}
        wanted = {table.name for table in metadata.sorted_tables if "municipality_id" in table.c}
        assert with_wall == wanted
        assert all(found[name].relrowsecurity and found[name].relforcerowsecurity for name in wanted)

    def test_without_one_is_the_list_of_municipalities_or_the_schema_s_number(
        self, postgresql_owned: sa.Engine
    ) -> None:
        without = {table.name for table in metadata.sorted_tables if "municipality_id" not in table.c}
        assert without == {municipalities.name}


class TestWhoeverIsInOneMunicipality:
    def test_sees_it_alone_whatever_the_query_forgets(self, both: sa.Engine) -> None:
        for municipality_id in (HERE, NEXT_DOOR):
            with tenancy.within(municipality_id):
                assert _names(both) == {municipality_id}
                with single(both) as session:
                    rows = Fixed(sa.select(people.c.municipality_id.label("id")).distinct()).all(session, {})
                assert [row.id for row in rows] == [municipality_id]

    def test_sees_nothing_before_it_is_known_where(self, both: sa.Engine) -> None:
        with tenancy.within("not a municipality's id'; --"):
            assert tenancy.here() == ""
            assert _names(both) == set()

    def test_cannot_write_into_another(self, both: sa.Engine) -> None:
        row = {"municipality_id": NEXT_DOOR, "id": "x", "name": "Smuglet", "kind": "school", "is_external": False}
        with (
            tenancy.within(HERE),
            pytest.raises(sa.exc.ProgrammingError, match="row-level security"),
            writing(both) as session,
        ):
            session.execute(sa.insert(units), row)

    def test_cannot_change_or_remove_what_is_another_s(self, both: sa.Engine) -> None:
        draft = {"id": "x", "person_id": "kari", "form": "wonder", "content": "{}", "saved_at": MONDAY}
        with tenancy.within(NEXT_DOOR), writing(both) as session:
            put(session, drafts, draft | {"municipality_id": NEXT_DOOR})
        with tenancy.within(HERE), writing(both) as session:
            changed = session.execute(sa.update(units).where(units.c.municipality_id == NEXT_DOOR).values(name="x"))
            removed = session.execute(sa.delete(drafts).where(drafts.c.municipality_id == NEXT_DOOR))
            assert (changed.rowcount, removed.rowcount) == (0, 0)


class TestOneConnectionForEverybody:
    def test_never_shows_one_what_was_another_s(self, narrow: sa.Engine) -> None:
        seen: list[tuple[str, set[str]]] = []

        def ask(municipality_id: str) -> None:
            for _time in range(25):
                with tenancy.within(municipality_id):
                    seen.append((municipality_id, _names(narrow)))

        threads = [threading.Thread(target=ask, args=(where,)) for where in (HERE, NEXT_DOOR, "")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 75
        assert all(found == ({where} if where else set()) for where, found in seen)

    def test_keeps_nothing_of_a_transaction_that_failed(self, narrow: sa.Engine) -> None:
        with tenancy.within(HERE), pytest.raises(sa.exc.ProgrammingError), writing(narrow) as session:
            session.execute(sa.text("SELECT no_such_column FROM units"))
        with tenancy.within(HERE), pytest.raises(Exception, match="no_such_column"), single(narrow) as session:
            Fixed(sa.select(sa.literal_column("no_such_column").label("x")).select_from(units)).all(session, {})
        with tenancy.within(""):
            assert _names(narrow) == set()
        with narrow.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            assert driver.execute("SELECT current_setting('bti.municipality', true)").fetchone()[0] in (None, "")


class TestThePagesRole:
    def test_owns_nothing(self, both: sa.Engine) -> None:
        owned = sa.text(
            "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = :who)"
        )
        with reading(both) as session:
            assert session.scalar(owned, {"who": PAGES}) == 0

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_entries SET role = 'x'",
            "DELETE FROM audit_entries",
            "TRUNCATE audit_entries",
            "ALTER TABLE audit_entries DISABLE ROW LEVEL SECURITY",
            "DROP POLICY own_municipality ON cases",
            "DROP TABLE cases",
            "CREATE TABLE mine (id int)",
            "UPDATE alembic_version SET version_num = 'x'",
            "SET ROLE postgres",
            "UPDATE consent_events SET event = 'given'",
            "UPDATE consents SET valid_to = '2099-12-31'",
            "UPDATE consent_parties SET authority = 'own_age'",
            "UPDATE consent_units SET unit_id = 'ppt'",
            "UPDATE entries SET author_id = 'kari'",
            "UPDATE evaluations SET outcome = 'continue'",
            "UPDATE attachments SET added_at = now()",
            "UPDATE samples SET seed = 'x'",
            "DELETE FROM consent_events",
            "DELETE FROM entries",
            "DELETE FROM attachments",
            "DELETE FROM break_glass",
            "DELETE FROM alerts",
            "DELETE FROM disclosures",
            "DELETE FROM memberships",
            "DELETE FROM cases",
        ],
    )
    def test_edits_nothing_said_once_removes_nothing_alters_no_table(self, both: sa.Engine, statement: str) -> None:
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied|must be owner"), writing(both) as session:
            session.exec_driver_sql(statement)

    def test_can_read_and_add_to_the_trail(self, both: sa.Engine) -> None:
        entry = dict.fromkeys(("event", "role", "purpose", "basis", "decision", "fields", "request_id"), "x")
        with writing(both) as session:
            session.execute(sa.insert(audit_entries).values(**entry, municipality_id=HERE, at=sa.func.now()))
            assert session.scalar(sa.select(sa.func.count()).select_from(audit_entries)) == 1


class TestAllowing:
    def test_is_refused_where_it_would_mean_nothing(
        self, postgresql_owned: sa.Engine, sqlite_database: sa.Engine
    ) -> None:
        for engine, role, told in (
            (sqlite_database, PAGES, "SQLite has no roles"),
            (postgresql_owned, "nobody_here", "There is no role nobody_here"),
            (postgresql_owned, "postgres", "owns the tables"),
        ):
            with pytest.raises(Misconfigured, match=told):
                rights.allow(engine, role)

    def test_by_command_says_what_comes_next(self, postgresql_owned: sa.Engine) -> None:
        url = postgresql_owned.url.render_as_string(hide_password=False)
        ran = CliRunner().invoke(main, ["db", "allow", PAGES], env={"BTI_DATABASE_URL": url})
        assert ran.exit_code == 0, ran.output
        assert "Set BTI_DATABASE_URL for bti serve" in ran.output
        engine = open_database(as_pages(postgresql_owned.url))
        try:
            with writing(engine) as session:
                session.execute(sa.select(cases.c.id))
        finally:
            engine.dispose()
