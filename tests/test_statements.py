"""A fixed statement says and finds what SQLAlchemy would, and is heard by those who listen to what is said."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bti.db import DatabaseUnavailable, reading, writing
from bti.models import audit_entries, cases, municipalities, people
from bti.queries import casepage, consents, facts
from bti.queries import people as who
from bti.statements import Change, Fixed, in_parts, together
from bti.usecases import finding
from tests.cast import Cast, settle
from tests.keys import change

_MINE = sa.select(cases).where(cases.c.municipality_id == sa.bindparam("here", type_=sa.String))
FIXED = [
    (module.__name__, name, statement)
    for module in (casepage, consents, facts, who, finding)
    for name, statement in vars(module).items()
    if isinstance(statement, Fixed)
]


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def _values(cast: Cast, statement: Fixed) -> dict[str, object]:
    known: dict[str, object] = {
        "municipality_id": cast.municipality_id,
        "case_id": cast.at_level_1(),
        "subject_id": "nobody",
        "person_id": cast.id("kari"),
        "reference": "2026-XXXXX",
        "today": date(2026, 11, 2),
        "since": datetime(2026, 11, 2, 8, 0, tzinfo=UTC),
        "now": cast.now,
        "ids": [cast.id("kari"), cast.id("rune")],
        "reader_unit": cast.unit_of("kari"),
        "reader_kinds": ["measures"],
    }
    return {name: known[name] for name in statement.statement.compile().params if name in known}


class TestOneStatement:
    @pytest.mark.parametrize(("module", "name", "statement"), FIXED, ids=[f"{one[0]}.{one[1]}" for one in FIXED])
    def test_finds_what_sqlalchemy_finds(self, cast: Cast, module: str, name: str, statement: Fixed) -> None:
        values = _values(cast, statement)
        with reading(cast.database) as session:
            ours = [tuple(row) for row in statement.all(session, values)]
            theirs = [tuple(row) for row in session.execute(statement.statement, values)]
            beside = together(session, (statement, values), (statement, {**values}))
        assert ours == theirs
        assert [[tuple(row) for row in rows] for rows in beside] == [theirs, theirs]

    def test_takes_lists_of_any_length(self, cast: Cast) -> None:
        named = Fixed(sa.select(people.c.id).where(people.c.id.in_(sa.bindparam("ids", expanding=True))))
        everybody = [cast.id(name) for name in ("kari", "rune", "siri")]
        with reading(cast.database) as session:
            for length in (0, 1, 3, 2, 0):
                found = named.all(session, {"ids": everybody[:length]})
                assert {row.id for row in found} == set(everybody[:length])

    def test_keeps_what_stands_in_the_statement_itself(self, cast: Cast) -> None:
        kari = Fixed(sa.select(people.c.name).where(people.c.id == cast.id("kari"), people.c.ended_at.is_(None)))
        with reading(cast.database) as session:
            assert kari.first(session, {}).name.startswith("Kari")

    def test_finds_nothing_as_none(self, cast: Cast) -> None:
        with reading(cast.database) as session:
            assert Fixed(_MINE).first(session, {"here": "elsewhere"}) is None

    def test_a_column_named_twice_is_a_fault_of_ours(self) -> None:
        with pytest.raises(ValueError, match="duplicate"):
            Fixed(sa.select(people.c.id, cases.c.id).set_label_style(sa.LABEL_STYLE_NONE))


class TestSeveralAtOnce:
    def test_come_back_in_the_order_they_were_asked_in(self, cast: Cast) -> None:
        here = Fixed(sa.select(municipalities.c.id).where(municipalities.c.id == sa.bindparam("one")))
        with reading(cast.database) as session:
            found = together(session, (here, {"one": cast.municipality_id}), (here, {"one": "elsewhere"}))
            parts = in_parts(session, [(here, {"one": "elsewhere"})], [], [(here, {"one": cast.municipality_id})])
        assert [len(rows) for rows in found] == [1, 0]
        assert [[len(rows) for rows in part] for part in parts] == [[0], [], [1]]

    def test_are_heard(self, cast: Cast) -> None:
        heard: list[str] = []

        def hear(_connection: object, _cursor: object, text: str, *_rest: object) -> None:
            heard.append(text)

        event.listen(cast.database, "before_cursor_execute", hear)
        try:
            with reading(cast.database) as session:
                together(session, (Fixed(_MINE), {"here": "elsewhere"}), (Fixed(_MINE), {"here": "elsewhere"}))
        finally:
            event.remove(cast.database, "before_cursor_execute", hear)
        # On PostgreSQL they are said as one.
        assert len(heard) == (2 if cast.database.dialect.name == "sqlite" else 1)
        assert " ".join(heard).count("FROM cases") == 2

    def test_each_has_its_own_values(self, cast: Cast) -> None:
        named = Fixed(sa.select(people.c.name).where(people.c.id == sa.bindparam("id", type_=sa.String)))
        asked = [(named, {"id": cast.id(name)}) for name in ("kari", "rune", "kari")]
        with reading(cast.database) as session:
            found = together(session, *asked)
        assert [rows[0].name.split()[0] for rows in found] == ["Kari", "Rune", "Kari"]

    def test_days_moments_and_truths_come_back_as_themselves(self, cast: Cast) -> None:
        case = cast.at_level_1()
        one = Fixed(
            sa.select(cases.c.due_on, cases.c.opened_at, cases.c.closed_at, cases.c.has_log, cases.c.version).where(
                cases.c.id == sa.bindparam("id", type_=sa.String)
            )
        )
        with reading(cast.database) as session:
            (alone,) = one.all(session, {"id": case})
            ((beside,), _again) = together(session, (one, {"id": case}), (one, {"id": case}))
        assert beside == alone
        assert [type(value) for value in beside] == [type(value) for value in alone]
        assert beside.opened_at.tzinfo is UTC

    def test_what_json_would_change_is_refused(self, postgresql_database: sa.Engine) -> None:
        hour = Fixed(sa.select(sa.literal_column("TIME '10:00'", sa.Time()).label("hour")))
        with pytest.raises(TypeError, match="by itself"), reading(postgresql_database) as session:
            together(session, (hour, {}), (hour, {}))

    def test_one_that_is_wrong_leaves_nothing_behind(self, cast: Cast) -> None:
        broken = Fixed(sa.select(sa.literal_column("no_such_column").label("x")).select_from(people))
        with pytest.raises(Exception, match="no_such_column"), writing(cast.database) as session:
            change(session, people, sa.true(), title="gone")
            together(session, (broken, {}))
        with reading(cast.database) as session:
            assert Fixed(sa.select(people.c.title)).first(session, {}).title != "gone"


class TestAChange:
    def test_writes_values_as_sqlalchemy_does(self, cast: Cast) -> None:
        moment = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
        columns = (audit_entries.c.municipality_id, audit_entries.c.at, audit_entries.c.event)
        values = {"municipality_id": cast.municipality_id, "at": moment, "event": "case.read"}
        rest = dict.fromkeys(("role", "purpose", "basis", "decision", "fields", "request_id"), "")
        added = Change(
            sa.insert(audit_entries).values(
                **{column.name: sa.bindparam(column.name, type_=column.type) for column in columns}, **rest
            )
        )
        with writing(cast.database) as session:
            added.run(session, values)
            session.execute(sa.insert(audit_entries), {**values, **rest})
            # As it lies there: a moment that is written otherwise sorts and compares otherwise.
            raw = sa.select(sa.cast(audit_entries.c.at, sa.Text)).order_by(audit_entries.c.id.desc()).limit(2)
            ours, theirs = session.scalars(raw)
        assert ours == theirs

    def test_tells_how_many_rows_it_made(self, cast: Cast) -> None:
        turned = Change(
            sa.update(people)
            .where(people.c.id == sa.bindparam("who", type_=sa.String))
            .values(language=sa.bindparam("speaks", type_=sa.String))
        )
        with writing(cast.database) as session:
            assert turned.run(session, {"who": cast.id("kari"), "speaks": "nn"}) == 1
            assert turned.run(session, {"who": "nobody", "speaks": "nn"}) == 0
        with reading(cast.database) as session:
            language = session.scalar(sa.select(people.c.language).where(people.c.id == cast.id("kari")))
        assert language == "nn"


class TestADatabaseThatDoesntAnswer:
    @pytest.mark.pg
    def test_is_told_in_plain_words(self, postgresql_database: sa.Engine) -> None:
        end_me = sa.func.pg_terminate_backend(sa.func.pg_backend_pid()).label("ended")
        with pytest.raises(DatabaseUnavailable) as refused, reading(postgresql_database) as session:
            Fixed(sa.select(end_me)).all(session, {})
        assert refused.value.reason == "gone"
        with reading(postgresql_database) as session:
            assert Fixed(sa.select(sa.literal(1).label("one"))).all(session, {}) == [(1,)]
