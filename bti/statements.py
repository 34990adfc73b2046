"""Statements that are said all day: compiled once for each database, then handed straight to its driver.

A page says some twenty of them, and SQLAlchemy's own way from a statement to its rows costs more than the database
takes to answer. The statement itself stays SQLAlchemy's, with its types: nothing is written twice.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

Converter = Callable[[Any], Any]


@dataclass(frozen=True)
class _Form:
    """A statement as one database is told it: text, what is bound in which order, and what turns values to and fro."""

    text: str
    binds: tuple[tuple[str, str, int | None, Converter | None], ...]
    constants: Mapping[str, Any]
    converters: tuple[tuple[int, Converter], ...]
    is_positional: bool

    def parameters(self, values: Mapping[str, Any]) -> Any:
        found = []
        for name, source, place, convert in self.binds:
            if source in values:
                value = values[source] if place is None else values[source][place]
                found.append(convert(value) if convert else value)
            else:
                found.append(self.constants[name])
        # A place may be bound twice where there are no names for it.
        return found if self.is_positional else {bind[0]: value for bind, value in zip(self.binds, found, strict=True)}


class Fixed:
    """A SELECT to say again and again. Columns of a row are read by name, or in order."""

    def __init__(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> None:
        self.statement = statement
        columns = tuple(statement.selected_columns)
        self._types = [column.type for column in columns]
        names = [str(column.key) for column in columns]
        row: Any = namedtuple("row", names)  # type: ignore[misc]  # made of columns, which no class can list  # noqa: PYI024
        self._make: Converter = row._make
        self._forms: dict[tuple[str, tuple[tuple[str, int], ...]], _Form] = {}

    def all(self, session: sa.Connection, values: Mapping[str, Any]) -> list[Any]:
        """Return every row. `values` gives each parameter of the statement; a list for those that take several."""
        form = self.form(session.dialect, values)
        return self.rows(form, _say(session, form, values).fetchall())

    def first(self, session: sa.Connection, values: Mapping[str, Any]) -> Any:
        """Return the first row, or None."""
        found = self.all(session, values)
        return found[0] if found else None

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
        binds, constants = [], {}
        for name in state.positiontup if compiled.positional else state.parameters:
            source, place = places.get(name, (name, None))
            convert = state.processors.get(name)
            binds.append((name, source, place, convert))
            if source not in values:
                constant = state.parameters[name]
                constants[name] = convert(constant) if convert else constant
        out = [(place, self._convert(type_, dialect)) for place, type_ in enumerate(self._types)]
        converters = tuple((place, convert) for place, convert in out if convert)
        return _Form(state.statement, tuple(binds), constants, converters, bool(compiled.positional))

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
    """Return the rows of several statements that don't wait for each other; on PostgreSQL in one round trip."""
    forms = [fixed.form(session.dialect, values) for fixed, values in asked]
    if session.dialect.name == "sqlite":
        raw = [_say(session, form, values).fetchall() for form, (_fixed, values) in zip(forms, asked, strict=True)]
    else:
        driver: Any = session.connection.driver_connection
        with driver.pipeline():
            cursors = [_say(session, form, values) for form, (_fixed, values) in zip(forms, asked, strict=True)]
            raw = [cursor.fetchall() for cursor in cursors]
    return [fixed.rows(form, found) for form, (fixed, _values), found in zip(forms, asked, raw, strict=True)]


def in_parts(session: sa.Connection, *parts: Sequence[Ask]) -> list[list[list[Any]]]:
    """Return the rows of several groups of statements, asked all at once, group by group."""
    found = iter(together(session, *(ask for part in parts for ask in part)))
    return [[next(found) for _ask in part] for part in parts]


def _say(session: sa.Connection, form: _Form, values: Mapping[str, Any]) -> Any:
    parameters = form.parameters(values)
    # Whoever listens to what is said to the database hears these statements too.
    for listener in session.dispatch.before_cursor_execute:
        listener(session, None, form.text, parameters, None, False)
    driver: Any = session.connection.driver_connection
    return driver.execute(form.text, parameters)
