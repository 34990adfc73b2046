"""In which order names stand. They are sealed in the database, so they are sorted here, once they are open."""

from __future__ import annotations

import unicodedata

# The last letters of the alphabet in their order, and the neighbours' letters that are sorted among them.
_LAST = str.maketrans({"æ": "{a", "ä": "{a", "ø": "{b", "ö": "{b", "å": "{c"})


def name_key(name: str) -> str:
    """Return what a name is sorted by: in the order of the Norwegian alphabet, whatever the case of its letters."""
    return folded(name).translate(_LAST)


def folded(text: str) -> str:
    """Return what a text is compared by, however its letters are cased or composed."""
    return unicodedata.normalize("NFC", text).casefold()
