"""What people have typed, made ready to keep: one place decides what is too long and what is empty."""

from __future__ import annotations

import unicodedata

from bti.errors import Invalid

LONGEST_TEXT = 20_000
LONGEST_LINE = 200


def clean(text: str | None) -> str:
    """Return the text in NFC with lines ended by LF, without control characters and outer white space.

    Marks that turn the direction of writing are dropped: they can make a text read as something else. Nothing but
    signs that can't be seen is nothing.
    """
    normal = unicodedata.normalize("NFC", (text or "").replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    kept = "".join(sign for sign in normal if sign == "\n" or not _is_hidden(sign)).strip()
    return kept if any(unicodedata.category(sign) != "Cf" for sign in kept) else ""


def _is_hidden(sign: str) -> bool:
    # Zero-width joiners (Cf) hold emoji together; overrides, isolates and spaces without width only deceive.
    return (
        unicodedata.category(sign) in ("Cc", "Cs", "Co")
        or sign in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2060\ufeff"
    )


def required(field: str, text: str | None, *, longest: int = LONGEST_TEXT) -> str:
    """Return the cleaned text; raises Invalid when it is empty (`missing`) or over `longest` (`too_long`)."""
    cleaned = optional(field, text, longest=longest)
    if not cleaned:
        raise Invalid(**{field: "missing"})
    return cleaned


def optional(field: str, text: str | None, *, longest: int = LONGEST_TEXT) -> str:
    """Return the cleaned text, perhaps empty; raises Invalid when it is over `longest` signs (`too_long`)."""
    cleaned = clean(text)
    if len(cleaned) > longest:
        raise Invalid(**{field: "too_long"})
    return cleaned


def one_of(field: str, value: str | None, known: object) -> str:
    """Return the value if it is among `known`; raises Invalid (`missing` or `unknown`) otherwise."""
    if not value:
        raise Invalid(**{field: "missing"})
    if value not in set(known):  # type: ignore[call-overload]
        raise Invalid(**{field: "unknown"})
    return value


def collect(*checks: object) -> None:
    """Run checks (callables) and raise one Invalid that names every field at fault."""
    wrong: dict[str, str] = {}
    for check in checks:
        try:
            check()  # type: ignore[operator]
        except Invalid as found:
            wrong |= found.fields
    if wrong:
        raise Invalid(**wrong)
