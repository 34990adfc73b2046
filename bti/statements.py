"""Statements that are said all day: compiled once for each database, then handed straight to its driver.

A page says some twenty of them, and SQLAlchemy's own way from a statement to its rows costs more than the database
takes to answer. The statement itself stays SQLAlchemy's, with its types: nothing is written twice.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
import sqlalchemy as sa

Converter = Callable[[Any], Any]


@dataclass(frozen=True)
class _Bind:
    """What is bound: a value by name, or one place of a list; by default what the statement itself says."""

    source: str
    place: int | None
    convert: Converter | None
    constant: Any

    def of(self, values: Mapping[str, Any]) -> Any:
        if self.source not in values:
            return self.constant
        value = values[self.source] if self.place is None else values[self.source][self.place]
        return self.convert(value) if self.convert else value


@dataclass(frozen=True)
class _Form:
    """A statement as one database is told it: its text, what is bound in which order, what turns values back."""

    text: str
    binds: tuple[_Bind, ...]
    converters: tuple[tuple[int, Converter], ...]

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        return [bind.of(values) for bind in self.binds]


class Statement:
    """A statement as each database is told it, made once for each."""

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._forms: dict[tuple[str, tuple[tuple[str, int], ...]], _Form] = {}

    def form(self, dialect: sa.Dialect, values: Mapping[str, Any]) -> _Form:
        """Return the statement as this database is told it, for lists as long as those in `values`."""
        lists = tuple((name, len(value)) for name, value in values.items() if isinstance(value, list))
        known = self._forms.get((dialect.name, lists))
        if known is None:
            known = self._forms[dialect.name, lists] = self._made(dialect, values, dict(lists))
        return known

    def _made(self, dialect: sa.Dialect, values: Mapping[str, Any], lists: Mapping[str, int]) -> _Form:
        compiled: Any = self.statement.compile(dialect=dialect)
        state = compiled.construct_expanded_state(dict(values))
        several = {name: state.parameter_expansion[name] for name in lists}
        places = {one: (name, place) for name, ones in several.items() for place, one in enumerate(ones)}

        def bind(name: str) -> _Bind:
            source, place = places.get(name, (name, None))
            # The state has processors of its own only where there are lists.
            type_: sa.types.TypeEngine[Any] = compiled.binds[source].type
            convert = type_.dialect_impl(dialect).bind_processor(dialect)
            constant = None if source in values else state.parameters[name]
            return _Bind(source, place, convert, convert(constant) if convert and source not in values else constant)

        if compiled.positional:
            text, names = state.statement, list(state.positiontup)
        else:
            text, names = _numbered(state.statement)
        return _Form(text, tuple(bind(name) for name in names), self._converters(dialect))

    def _converters(self, dialect: sa.Dialect) -> tuple[tuple[int, Converter], ...]:
        return ()


class Change(Statement):
    """An INSERT or UPDATE to say again and again."""

    def run(self, session: sa.Connection, values: Mapping[str, Any]) -> int:
        """Say it and return how many rows it made or changed. `values` gives each parameter."""
        form = self.form(session.dialect, values)
        count: int = _say(session, form.text, form.parameters(values)).rowcount
        return count


class Fixed(Statement):
    """A SELECT to say again and again. Columns of a row are read by name, or in order.

    `row` is what each row is made as: a NamedTuple with a field for every column, by default one made of their names.
    """

    def __init__(self, statement: sa.Select[Any] | sa.CompoundSelect[Any], row: Any = None) -> None:
        super().__init__(statement)
        columns = tuple(statement.selected_columns)
        self.types = tuple(column.type for column in columns)
        names = tuple(str(column.key) for column in columns)
        made: Any = row or namedtuple("row", names)  # noqa: PYI024 – no class can list these
        if made._fields != names:
            raise ValueError(f"the row has {made._fields}, the statement {names}")
        self._make: Converter = made._make

    def all(self, session: sa.Connection, values: Mapping[str, Any]) -> list[Any]:
        """Return every row. `values` gives each parameter of the statement; a list for those that take several."""
        form = self.form(session.dialect, values)
        return self.rows(form, _say(session, form.text, form.parameters(values)).fetchall())

    def first(self, session: sa.Connection, values: Mapping[str, Any]) -> Any:
        """Return the first row, or None."""
        found = self.all(session, values)
        return found[0] if found else None

    def _converters(self, dialect: sa.Dialect) -> tuple[tuple[int, Converter], ...]:
        out = [(place, self._convert(type_, dialect)) for place, type_ in enumerate(self.types)]
        return tuple((place, convert) for place, convert in out if convert)

    @staticmethod
    def _convert(type_: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Converter | None:
        found: Converter | None = type_.dialect_impl(dialect).result_processor(dialect, None)
        return found

    def rows(self, form: _Form, raw: Sequence[Sequence[Any]]) -> list[Any]:
        """Return what the driver found as rows of this statement."""
        make, converters = self._make, form.converters
        if not converters:
            return [make(row) for row in raw]
        found = []
        for row in raw:
            values = list(row)
            for place, convert in converters:
                values[place] = convert(values[place])
            found.append(make(values))
        return found


Ask = tuple[Fixed, Mapping[str, Any]]


def together(session: sa.Connection, *asked: Ask) -> list[list[Any]]:
    """Return the rows of several statements that don't wait for each other; on PostgreSQL said as one."""
    forms = [fixed.form(session.dialect, values) for fixed, values in asked]
    if session.dialect.name == "sqlite" or len(asked) == 1:
        said = [(form.text, form.parameters(values)) for form, (_fixed, values) in zip(forms, asked, strict=True)]
        raw = [cursor.fetchall() for cursor in _execute(session, *said)]
    else:
        raw = _said_as_one(session, forms, asked)
    return [fixed.rows(form, found) for form, (fixed, _values), found in zip(forms, asked, raw, strict=True)]


def in_parts(session: sa.Connection, *parts: Sequence[Ask]) -> list[list[list[Any]]]:
    """Return the rows of several groups of statements, asked all at once, group by group."""
    found = iter(together(session, *(ask for part in parts for ask in part)))
    return [[next(found) for _ask in part] for part in parts]


# --- several as one statement -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Joint:
    """Several statements as one, whose only value is the rows of each as JSON; and how its values come back.

    `binds` are what is bound, each with the number of the statement whose values it is taken from.
    """

    text: str
    binds: tuple[tuple[int, _Bind], ...]
    readers: tuple[tuple[tuple[int, Converter], ...], ...]
    # Kept with it: their ids are its name.
    forms: tuple[_Form, ...]


_joints: dict[tuple[Any, ...], _Joint] = {}


def _said_as_one(session: sa.Connection, forms: Sequence[_Form], asked: Sequence[Ask]) -> list[list[list[Any]]]:
    # Saying a statement costs the driver more than the server needs to answer it, also where the answers of many
    # are waited for at once.
    sources = [id(values) for _fixed, values in asked]
    groups = tuple(sources.index(source) for source in sources)
    kind = (*(id(form) for form in forms), groups)
    joint = _joints.get(kind)
    if joint is None:
        joint = _joints[kind] = _join([fixed for fixed, _values in asked], forms, groups)
    parameters = [bind.of(asked[number][1]) for number, bind in joint.binds]
    found = _say(session, joint.text, parameters).fetchone()[0]
    return [_read(rows, readers) for rows, readers in zip(found, joint.readers, strict=True)]


def _join(fixed: Sequence[Fixed], forms: Sequence[_Form], groups: Sequence[int]) -> _Joint:
    """Return the statements as one. Those that are asked with the very same values (`groups`) share what is bound."""
    parts, binds = [], dict[tuple[int, _Bind], int]()
    for number, (one, form, group) in enumerate(zip(fixed, forms, groups, strict=True)):
        places = [binds.setdefault((group, bind), len(binds) + 1) for bind in form.binds]
        text = _NUMBER.sub(lambda found, places=places: f"${places[int(found[1]) - 1]}", form.text)  # type: ignore[misc]
        names = ", ".join(f"c{place}" for place in range(len(one.types)))
        parts.append(f"(SELECT json_agg(json_build_array({names})) FROM ({text}) AS q{number} ({names}))")
    readers = tuple(
        tuple((place, read) for place, type_ in enumerate(one.types) if (read := _from_json(type_))) for one in fixed
    )
    return _Joint(f"SELECT json_build_array({', '.join(parts)})", tuple(binds), readers, tuple(forms))


def _from_json(type_: sa.types.TypeEngine[Any]) -> Converter | None:
    """Return what makes a value of this type of what JSON has of it; None where it is the same."""
    inner = type_.impl_instance if isinstance(type_, sa.types.TypeDecorator) else type_
    if isinstance(inner, sa.DateTime):
        return datetime.fromisoformat
    if isinstance(inner, sa.Date):
        return date.fromisoformat
    if isinstance(inner, sa.LargeBinary | sa.Numeric | sa.Time | sa.Interval):
        raise TypeError(f"{inner!r} doesn't come back from JSON as it was: say the statement by itself")
    return None


def _read(rows: list[list[Any]] | None, readers: tuple[tuple[int, Converter], ...]) -> list[list[Any]]:
    for row in rows or ():
        for place, read in readers:
            if row[place] is not None:
                row[place] = read(row[place])
    return rows or []


def _say(session: sa.Connection, text: str, parameters: Any) -> Any:
    return _execute(session, (text, parameters))[0]


def _execute(session: sa.Connection, *said: tuple[str, Any]) -> list[Any]:
    # Whoever listens to what is said to the database hears these statements too.
    listeners = tuple(session.dispatch.before_cursor_execute)
    for text, parameters in said if listeners else ():
        for listener in listeners:
            listener(session, None, text, parameters, None, False)
    driver: Any = session.connection.driver_connection
    if session.dialect.name == "sqlite":
        return [driver.execute(text, parameters) for text, parameters in said]
    # Told with numbers in it as PostgreSQL wants them, the driver needn't look through the text each time.
    return [psycopg.RawCursor(driver).execute(text, parameters) for text, parameters in said]


# What SQLAlchemy names and PostgreSQL numbers.
_NAMED = re.compile(r"%\((\w+)\)s|%%")
_NUMBER = re.compile(r"\$(\d+)")


def _numbered(text: str) -> tuple[str, list[str]]:
    """Return a statement with numbers for the names of what is bound, and the names in their order."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _NAMED.sub(number, text), names
