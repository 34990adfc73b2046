"""Bokmål, Nynorsk, English: which one this person reads, and how to change it."""

from __future__ import annotations

from flask import Flask, request, session, url_for
from flask_babel import Babel
from flask_login import current_user

LANGUAGES = {"nb": "Bokmål", "nn": "Nynorsk", "en": "English"}


def init_app(app: Flask) -> None:
    """Set up the catalogues; Bokmål stands in the templates and needs none."""
    Babel(app, locale_selector=current, default_translation_directories="translations")
    app.context_processor(_values)


def current() -> str:
    """Return the language of this request: chosen in the header, else the person's, else what the browser asks."""
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
