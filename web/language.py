"""Bokmål, Nynorsk, English: which one this person reads, and how to change it."""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from babel.support import NullTranslations, Translations
from flask import Flask, has_request_context, request, session, url_for
from flask_babel import Babel
from flask_login import current_user
from markupsafe import Markup

LANGUAGES = {"nb": "Bokmål", "nn": "Nynorsk", "en": "English"}
DEFAULT = "nb"


# Asked for some three hundred times a page, where Flask's own proxies would look for the request each time.
_reading: ContextVar[str] = ContextVar("language", default="")


def init_app(app: Flask) -> None:
    """Set up the catalogues; Bokmål stands in the templates and needs none."""
    Babel(app, locale_selector=current)
    app.jinja_env.globals.update(_=_sentence, gettext=_sentence, ngettext=_sentences)
    app.context_processor(_values)
    app.teardown_request(lambda _error: _forget())


def gettext(text: str, /, **values: Any) -> str:
    """Return a sentence in the reader's language, with `values` in it; as it stands where nobody is asking."""
    found: str = _catalogue(_language()).ugettext(text)
    return found % values if values else found


def ngettext(one: str, many: str, num: int, /, **values: Any) -> str:
    """Return a sentence about `num` things in the reader's language."""
    found: str = _catalogue(_language()).ungettext(one, many, num)
    return found % {"num": num, **values}


def _sentence(text: str, /, **values: Any) -> Markup:
    """Return a template's sentence, with `values` escaped into it."""
    pattern, plain = _marked(_language(), text)
    return pattern % values if values else plain


def sentence(chosen: str, text: str) -> Markup:
    """Return a template's sentence without values, in the language `chosen`."""
    return _marked(chosen, text)[1]


def _sentences(one: str, many: str, num: int, /, **values: Any) -> Markup:
    found: str = _catalogue(_language()).ungettext(one, many, num)
    return Markup(found) % {"num": num, **values}  # noqa: S704 – our own sentence; the values are escaped


@cache
def _marked(language: str, text: str) -> tuple[Markup, Markup]:
    pattern = Markup(_catalogue(language).ugettext(text))  # noqa: S704 – our own sentence
    return pattern, pattern if "%(" in pattern else pattern % {}


@cache
def _catalogue(language: str) -> NullTranslations:
    return Translations.load(Path(__file__).with_name("translations"), [language])


def _language() -> str:
    return _reading.get() or (current() if has_request_context() else DEFAULT)


def current() -> str:
    """Return the language of this request: chosen in the header, else the person's, else what the browser asks."""
    if not _reading.get():
        _reading.set(_chosen())
    return _reading.get()


def _forget() -> None:
    _reading.set("")


def _chosen() -> str:
    chosen = session.get("language")
    if chosen not in LANGUAGES and current_user and current_user.is_authenticated:
        chosen = current_user.actor.language
    if chosen not in LANGUAGES:
        chosen = request.accept_languages.best_match(["nb", "nn", "en"], default=DEFAULT)
    return chosen or DEFAULT


def _values() -> dict[str, object]:
    here = current()
    return {
        "lang": here,
        "languages": [
            {
                "code": code,
                "label": label,
                "current": code == here,
                "href": url_for("account.choose_language", code=code, neste=request.path),
            }
            for code, label in LANGUAGES.items()
        ],
    }
