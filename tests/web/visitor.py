"""Somebody with a browser, without the browser: opens pages, reads their forms, sends them as they stand.

Nothing is switched off: every form carries the page's own CSRF and once tokens. Every page that comes back is
looked at for what no page may have: two elements with one id, no title, no main heading, a style or a script in
the markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

# Put on a class or test that is to run on both kinds of database; pages are tested on SQLite otherwise.
on_both_databases = pytest.mark.parametrize(
    "kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.pg)], indirect=True
)


@dataclass
class HtmlForm:
    """A form of a page: where it goes, its fields as a browser would send them, and its buttons."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Page:
    """An answer: its status, its HTML, what a reader would read, its forms."""

    response: TestResponse
    path: str
    html: str
    text: str
    title: str
    forms: list[HtmlForm]

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def goes_to(self) -> str:
        """Where a redirect leads."""
        return str(self.response.headers.get("Location", ""))

    def has(self, text: str) -> bool:
        """Return whether a reader finds `text`; white space doesn't matter."""
        return " ".join(text.split()) in self.text

    def form(self, action: str = "") -> HtmlForm:
        """Return the form that goes to `action` (its end is enough); left out: the one posted to the page itself,
        else the page's only form besides logging out."""
        posts = [one for one in self.forms if one.method == "post" and not one.action.endswith("/logg-ut")]
        if action:
            found = [one for one in posts if one.action.endswith(action)]
        else:
            found = [one for one in posts if one.action in ("", self.path)] or posts
        assert found, f"{self.path} has no form for {action or 'itself'}, only {[one.action for one in posts]}"
        return found[0]

    def value(self, name: str) -> str:
        """Return what stands in a field, hidden ones included; fails when no form of the page has it."""
        for one in self.forms:
            if one.fields.get(name):
                return one.fields[name][0]
        raise AssertionError(f"{self.path} has no field {name} with a value")


class Visitor:
    """A person at their browser. `get` and `post` fail unless the status is the one expected."""

    def __init__(self, app: Flask, name: str = "", *, address: str = "127.0.0.1") -> None:
        self.client = app.test_client()
        self.client.environ_base["REMOTE_ADDR"] = address
        self.name = name

    def log_in(self, municipality_id: str, person_id: str) -> Visitor:
        """Log in as anybody of the cast, through the page."""
        page = self.get("/logg-inn")
        self.send(page, {"person": f"{municipality_id}:{person_id}"}, action="/logg-inn-som")
        return self

    def get(self, path: str, status: int = 200, **more: Any) -> Page:
        """Open a page."""
        return self._read(self.client.get(path, **more), path, status)

    def post(
        self, path: str, values: Mapping[str, Any] | None = None, status: int = 303, *, page: Page | None = None
    ) -> Page:
        """Send values to `path` with the tokens of `page` (opened at `path` when left out). Only what is given and
        the hidden fields are sent: for forged and half-filled forms too."""
        page = page or self.get(path)
        hidden = {name: page.value(name) for name in ("csrf_token", "once", "versjon") if self._stands(page, name)}
        sent = {**hidden, **(values or {})}
        return self._read(self.client.post(path, data=sent), path, status)

    def send(self, page: Page, values: Mapping[str, Any] | None = None, *, action: str = "", status: int = 303) -> Page:
        """Fill in the form of a page as a reader would, leave the rest as it stands, and send it. A value of None
        takes the field away."""
        form = page.form(action)
        sent = {**form.fields, **(values or {})}
        unknown = set(values or {}) - form.names
        assert not unknown, f"the form has no {sorted(unknown)}, only {sorted(form.names)}"
        target = form.action or page.path
        data = {name: value for name, value in sent.items() if value is not None}
        return self._read(self.client.post(target, data=data), target, status)

    def follow(self, page: Page, status: int = 200) -> Page:
        """Go where a redirect leads."""
        assert page.goes_to, f"{page.path} leads nowhere"
        return self.get(page.goes_to, status)

    @staticmethod
    def _stands(page: Page, name: str) -> bool:
        return any(one.fields.get(name) for one in page.forms)

    def _read(self, response: TestResponse, path: str, status: int) -> Page:
        html = response.get_data(as_text=True) if response.mimetype in ("text/html", "application/json") else ""
        reader = _Reader()
        if response.mimetype == "text/html":
            reader.feed(html)
        text = " ".join("".join(reader.words).split())
        told = text[:600] or html[:300]
        assert response.status_code == status, f"{path} answered {response.status_code}, not {status}: {told}"
        if reader.tags and not response.headers.get("Location"):
            _keeps_the_house_rules(reader, path)
        return Page(response, path.partition("?")[0], html, text, "".join(reader.title).strip(), reader.forms)


def _keeps_the_house_rules(reader: _Reader, path: str) -> None:
    twice = sorted({one for one in reader.ids if reader.ids.count(one) > 1})
    assert not twice, f"{path}: the ids {twice} stand twice"
    assert "".join(reader.title).strip(), f"{path} has no title"
    assert reader.tags.count("h1") == 1, f"{path} has {reader.tags.count('h1')} main headings"
    assert not reader.forbidden, f"{path} breaks the content security policy: {reader.forbidden}"


class _Reader(HTMLParser):
    """Picks out of a page what tests ask about."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.title: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.forbidden: list[str] = []
        self.forms: list[HtmlForm] = []
        self._inside = ""
        self._select: tuple[str, list[str], list[str]] | None = None
        self._text_field: str | None = None
        self._typed: list[str] = []
        self._form: HtmlForm | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if given.get("id"):
            self.ids.append(given["id"])
        self.forbidden += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.forbidden.append(tag)
        if tag in ("title", "script", "style"):
            self._inside = tag
        if tag in ("p", "li", "h1", "h2", "h3", "dt", "dd", "div", "td", "th", "label", "br", "option"):
            self.words.append(" ")
        if tag == "form":
            self._form = HtmlForm(given.get("action", "").partition("?")[0], given.get("method", "get").lower())
            self.forms.append(self._form)
        if self._form is not None:
            self._field(tag, given, self._form)

    def _field(self, tag: str, given: dict[str, str], form: HtmlForm) -> None:
        name = given.get("name", "")
        if tag == "button" and name:
            form.buttons.append((name, given.get("value", "")))
            form.names.add(name)
        elif tag == "input" and name:
            form.names.add(name)
            if given.get("type") not in ("checkbox", "radio", "file") or "checked" in given:
                form.fields.setdefault(name, []).append(given.get("value", "on"))
        elif tag == "textarea" and name:
            form.names.add(name)
            self._text_field, self._typed = name, []
        elif tag == "select" and name:
            form.names.add(name)
            self._select = (name, [], [])
        elif tag == "option" and self._select:
            self._select[1].append(given.get("value", ""))
            if "selected" in given:
                self._select[2].append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""
        if tag == "form":
            self._form = None
        if self._form is None:
            return
        if tag == "textarea" and self._text_field:
            # A browser drops the line break right after the opening tag.
            self._form.fields[self._text_field] = [re.sub(r"\A\n", "", "".join(self._typed))]
            self._text_field = None
        elif tag == "select" and self._select:
            name, known, chosen = self._select
            self._form.fields[name] = chosen or known[:1]
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title.append(data)
        elif not self._inside:
            self.words.append(data)
        if self._text_field is not None:
            self._typed.append(data)
