"""Texts: every one in every language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bti.workflow.checks.finding import Finding, Findings, found, listed
from bti.workflow.definition import GUIDE_PARTS, LANGUAGES, SERVICE_KINDS, Form, Guide, Words

_LANGUAGE_NAMES = {"nb": "Bokmål (nb)", "nn": "Nynorsk (nn)", "en": "English (en)"}


def labels(form: Form) -> Findings:
    """Find texts that lack a language. An optional text (a description) may lack all three, but not one."""
    for path, words, is_optional in _texts(form, ""):
        missing = _missing(words)
        if missing and not (is_optional and len(missing) == len(LANGUAGES)):
            yield _lacks(path, missing)


def guide(guide_file: Guide) -> Findings:
    """Find guide texts that lack a language, a common text or a part of it, and unknown kinds of service."""
    for topic, texts in guide_file.topics.items():
        if "common" not in texts:
            sentence = f"Topic {topic!r} has no `common` text: other kinds of service would see nothing."
            yield found("guide_without_common", f"topics.{topic}", sentence, "Add a `common` text.")
        for kind, text in texts.items():
            path = f"topics.{topic}.{kind}"
            if kind not in (*SERVICE_KINDS, "common"):
                sentence = f"There is no kind of service {kind!r}."
                yield found("unknown_name", path, sentence, f"Known: common, {', '.join(SERVICE_KINDS)}.")
            for part in GUIDE_PARTS:
                yield from _part(f"{path}.{part}", getattr(text, part), kind)


def _part(path: str, words: Words, kind: str) -> Findings:
    missing = _missing(words)
    if len(missing) < len(LANGUAGES):
        if missing:
            yield _lacks(path, missing)
    elif kind == "common":
        sentence = "This part of the common text is empty in all languages."
        yield found("guide_part_missing", path, sentence, "Write it: the other kinds of service rely on it.")


def _missing(words: Words) -> list[str]:
    return [language for language in LANGUAGES if not getattr(words, language).strip()]


def _lacks(path: str, missing: list[str]) -> Finding:
    languages = listed([_LANGUAGE_NAMES[language] for language in missing])
    return found("label_missing", path, f"This text is missing in {languages}.", "Add it.")


def _texts(value: object, path: str, is_optional: bool = False) -> Iterator[tuple[str, Words, bool]]:
    if isinstance(value, Words):
        yield path, value, is_optional
    elif isinstance(value, Form):
        for name, field in type(value).model_fields.items():
            key = field.alias or name
            yield from _texts(getattr(value, name), f"{path}.{key}".lstrip("."), not field.is_required())
    elif isinstance(value, tuple):
        for i, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{i}]")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}")
