"""A reason that says something: words, several of them, and not the same one again and again."""

from __future__ import annotations

import re

from bti.errors import Invalid
from bti.usecases.text import required

_WORD = re.compile(r"[^\W\d_]+")
_VOWEL = re.compile(r"[aeiouyæøåäöáàâéèêíóòôúü]", re.IGNORECASE)
# "aaaa" is no word in any language that is written here.
_HELD_KEY = re.compile(r"(\w)\1{3}")
_FEWEST_DIFFERENT_LETTERS = 7


def substance(field: str, text: str | None, *, longest: int, words: int = 5, letters: int = 25) -> str:
    """Return the cleaned text. Raises Invalid: `missing`, `too_long`, or `too_thin` for one with fewer than `words`
    different words or `letters` letters, or that was typed to be done with it.

    Whether it is true, nobody can see here: the person who reviews it can.
    """
    cleaned = required(field, text, longest=longest)
    found = [word.casefold() for word in _WORD.findall(cleaned)]
    said = {word for word in found if len(word) > 1 and _VOWEL.search(word) and not _HELD_KEY.search(word)}
    signs = "".join(found)
    if len(said) < words or len(signs) < letters or len(set(signs)) < _FEWEST_DIFFERENT_LETTERS:
        raise Invalid(**{field: "too_thin"})
    return cleaned
