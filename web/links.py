"""Addresses of our own pages. A page has some forty links, and Werkzeug builds each of them from the rules anew."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from flask import Flask, Request, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError, MapAdapter

# What goes into an address as it stands: into any part of it, or only behind its question mark. Anything else is left
# to Werkzeug, which knows how to quote it.
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_IN_QUERY = re.compile(r"[A-Za-z0-9_/-]+")
_PLACE = "xX{}Xx"


class Pattern(NamedTuple):
    """An address with places to fill in, and which of its values stand behind the question mark."""

    text: str
    in_query: frozenset[str]


class Stafett(Flask):
    """The application, with an address built once for each kind of link and then only filled in."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._patterns: dict[tuple[str, ...], Pattern | None] = {}
        self._files: dict[tuple[str, str], str] = {}

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds pages and builds addresses, also for a browser that names a host that is none.

        Our addresses are without a host. Flask would be left without an adapter, and so without a page to say so on.
        """
        try:
            return super().create_url_adapter(request)
        except HTTPException:
            if request is None:
                raise
            request.host = "localhost"
            return self.url_map.bind_to_environ({**request.environ, "HTTP_HOST": "localhost"})

    # Flask names the values that are its own; here they are passed on.
    def url_for(self, /, endpoint: str, **values: Any) -> str:  # type: ignore[override]
        """Return the address of `endpoint`, as Flask does."""
        if endpoint == "static" and list(values) == ["filename"]:
            return self._file(values["filename"])
        # Flask's function of this name passes what nobody asked for along, as None.
        said = {name: value for name, value in values.items() if name[0] != "_" or value is not None}
        pattern = None if endpoint[0] == "." else self._pattern_of(endpoint, said)
        if pattern is None or not all(_is_plain(name, value, pattern) for name, value in said.items()):
            return super().url_for(endpoint, **values)
        return pattern.text.format(*said.values()) if said else pattern.text

    def _pattern_of(self, endpoint: str, values: dict[str, Any]) -> Pattern | None:
        kind = (request.root_path, endpoint, *values)
        if kind not in self._patterns:
            self._patterns[kind] = self._pattern(endpoint, values)
        return self._patterns[kind]

    def _pattern(self, endpoint: str, values: dict[str, Any]) -> Pattern | None:
        """Return the address with places to fill in; None for one that takes only some values, or a number."""
        if any(name[0] == "_" for name in values):
            return None
        places: dict[str, Any] = {name: _PLACE.format(number) for number, name in enumerate(values)}
        try:
            made = super().url_for(endpoint, **places).replace("{", "{{").replace("}", "}}")
        except (ValueError, BuildError):
            return None
        path = made.partition("?")[0]
        in_query = frozenset(name for name, place in places.items() if place not in path)
        for number, place in enumerate(places.values()):
            made = made.replace(place, f"{{{number}}}")
        return Pattern(made if values else made.replace("{{", "{").replace("}}", "}"), in_query)

    def _file(self, name: str) -> str:
        # Only our own templates name files: there are as many as there are files.
        kind = (request.root_path, name)
        known = self._files.get(kind)
        if known is None:
            known = self._files[kind] = super().url_for("static", filename=name)
        return known


def _is_plain(name: str, value: Any, pattern: Pattern) -> bool:
    if type(value) is not str:
        return False
    return (_PLAIN_IN_QUERY if name in pattern.in_query else _PLAIN).fullmatch(value) is not None
