"""Addresses of our own pages. A page has some forty links, and Werkzeug builds each of them from the rules anew."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, request
from werkzeug.routing import BuildError

# What goes into an address as it stands. Anything else is left to Werkzeug, which knows how to quote it.
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_PLACE = "xX{}Xx"


class Stafett(Flask):
    """The application, with an address built once for each kind of link and then only filled in."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._patterns: dict[tuple[str, ...], str] = {}

    # Flask names the values that are its own; here they are passed on.
    def url_for(self, /, endpoint: str, **values: Any) -> str:  # type: ignore[override]
        """Return the address of `endpoint`, as Flask does."""
        if endpoint == "static" and list(values) == ["filename"]:
            return self._file(values["filename"])
        plain = [value if type(value) is str and _PLAIN.fullmatch(value) else None for value in values.values()]
        if None in plain or endpoint[0] == "." or any(name[0] == "_" for name in values):
            return super().url_for(endpoint, **values)
        kind = (request.root_path, endpoint, *values)
        if kind not in self._patterns:
            self._patterns[kind] = self._pattern(endpoint, values)
        pattern = self._patterns[kind]
        return pattern.format(*plain) if pattern else super().url_for(endpoint, **values)

    def _pattern(self, endpoint: str, values: dict[str, Any]) -> str:
        """Return the address with places to fill in; empty for one that takes only some values, or a number."""
        places: dict[str, Any] = {name: _PLACE.format(number) for number, name in enumerate(values)}
        try:
            made = super().url_for(endpoint, **places).replace("{", "{{").replace("}", "}}")
        except (ValueError, BuildError):
            return ""
        for number, place in enumerate(places.values()):
            made = made.replace(place, f"{{{number}}}")
        return made

    def _file(self, name: str) -> str:
        # Only our own templates name files: there are as many as there are files.
        kind = (request.root_path, "static", name)
        known = self._patterns.get(kind)
        if known is None:
            known = self._patterns[kind] = super().url_for("static", filename=name)
        return known
