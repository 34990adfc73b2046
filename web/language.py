"""Bokmål, Nynorsk, English: which one this person reads, and how to change it."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request, session, url_for
from flask_babel import Babel, Domain
from flask_login import current_user

LANGUAGES = {"nb": "Bokmål", "nn": "Nynorsk", "en": "English"}


class _Catalogues(Domain):
    """The catalogues, looked for once in a request: a page has hundreds of sentences."""

    def get_translations(self) -> Any:
        if "catalogue" not in g:
            g.catalogue = super().get_translations()
        return g.catalogue


def init_app(app: Flask) -> None:
    """Set up the catalogues; Bokmål stands in the templates and needs none."""
    babel = Babel(app, locale_selector=current, default_translation_directories="translations")
    babel.domain_instance = catalogues = _Catalogues()
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: catalogues.get_translations().ugettext(text),
        ngettext=lambda one, many, number: catalogues.get_translations().ungettext(one, many, number),
        newstyle=True,
    )
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
