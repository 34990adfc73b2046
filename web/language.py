"""Bokmål, Nynorsk, English: which one this person reads, and how to change it."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request, session, url_for
from flask_babel import Babel, Domain
from flask_login import current_user
from markupsafe import Markup

LANGUAGES = {"nb": "Bokmål", "nn": "Nynorsk", "en": "English"}


class _Catalogues(Domain):
    """The catalogues, looked for once in a request: a page has hundreds of sentences."""

    def __init__(self) -> None:
        super().__init__()
        self._marked: dict[tuple[str, str], tuple[Markup, Markup]] = {}

    def get_translations(self) -> Any:
        if "catalogue" not in g:
            g.catalogue = super().get_translations()
        return g.catalogue

    def sentence(self, text: str, /, **values: Any) -> Markup:
        """Return a template's sentence in the reader's language, with `values` escaped into it."""
        known = self._marked.get((current(), text))
        if known is None:
            pattern = Markup(self.get_translations().ugettext(text))  # noqa: S704 – our own sentence
            known = self._marked[current(), text] = (pattern, pattern % {} if "%(" not in pattern else pattern)
        return known[0] % values if values else known[1]


def init_app(app: Flask) -> None:
    """Set up the catalogues; Bokmål stands in the templates and needs none."""
    babel = Babel(app, locale_selector=current, default_translation_directories="translations")
    babel.domain_instance = catalogues = _Catalogues()
    # What Babel gives templates asks five proxies for each sentence, and marks and formats it anew.
    app.jinja_env.globals.update(_=catalogues.sentence, gettext=catalogues.sentence)
    app.context_processor(_values)


def current() -> str:
    """Return the language of this request: chosen in the header, else the person's, else what the browser asks."""
    if "language" not in g:
        g.language = _chosen()
    language: str = g.language
    return language


def _chosen() -> str:
    chosen = session.get("language")
    if chosen not in LANGUAGES and current_user and current_user.is_authenticated:
        chosen = current_user.actor.language
    if chosen not in LANGUAGES:
        chosen = request.accept_languages.best_match(["nb", "nn", "en"], default="nb")
    return chosen or "nb"


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
