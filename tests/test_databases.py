"""The tests' own databases: whatever one test does to its database, the next one finds it fresh."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, inspect, text

from bti.db import head_revision, open_database, reading, writing
from tests.databases import Copy


@pytest.fixture
def first(postgresql_copy: Copy) -> Engine:
    return open_database(postgresql_copy.fresh())


def execute(engine: Engine, *statements: str) -> None:
    with writing(engine) as connection:
        for statement in statements:
            connection.execute(text(statement))


class TestACopyGivenOutAgain:
    def test_has_lost_a_table_that_was_made_and_a_column_that_was_added(self, first: Engine, postgresql_copy: Copy):
        execute(first, "CREATE TABLE test_left (id integer)", "ALTER TABLE alembic_version ADD test_left integer")
        with reading(open_database(postgresql_copy.fresh())) as connection:
            assert not inspect(connection).has_table("test_left")
            columns = inspect(connection).get_columns("alembic_version")
            assert [column["name"] for column in columns] == ["version_num"]

    def test_has_no_rows_whatever_guards_them_and_counts_from_one(self, first: Engine, postgresql_copy: Copy):
        execute(
            first,
            "CREATE TABLE test_kept (id serial PRIMARY KEY, parent integer REFERENCES test_kept)",
            "CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'kept'; END $$",
            "CREATE TRIGGER test_refuse BEFORE DELETE ON test_kept EXECUTE FUNCTION test_refuse()",
        )
        # Take this schema for the migrated one.
        postgresql_copy.remember()
        execute(first, "INSERT INTO test_kept (parent) VALUES (1), (1)")
        again = open_database(postgresql_copy.fresh())
        execute(again, "INSERT INTO test_kept (parent) VALUES (NULL)")
        with reading(again) as connection:
            assert connection.scalars(text("SELECT id FROM test_kept")).all() == [1]
        postgresql_copy.forget()

    def test_isn_t_held_up_by_a_lock_that_was_left(self, first: Engine, postgresql_copy: Copy):
        left = first.connect()
        left.execute(text("LOCK TABLE alembic_version"))
        with reading(open_database(postgresql_copy.fresh())) as connection:
            assert connection.scalar(text("SELECT version_num FROM alembic_version")) == head_revision()
        left.invalidate()
        left.close()


def test_fresh_sqlite_databases_know_nothing_of_each_other(fresh_sqlite):
    one, other = fresh_sqlite(), fresh_sqlite()
    execute(one, "CREATE TABLE test_left (id integer)")
    assert inspect(one).has_table("test_left")
    assert not inspect(other).has_table("test_left")
