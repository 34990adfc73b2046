"""Where a page of a list ended, as it stands in the address of the next: when and which its last row was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from flask import request

NAME = "etter"

Place = TypeVar("Place")


def written(moment: datetime, id_: str) -> str:
    """Return the place after a row, for an address."""
    return f"{moment.isoformat()}_{id_}"


def asked_for(make: Callable[[datetime, str], Place]) -> Place | None:
    """Return the place in the address, made by the list's own `make`. A forged place is no place."""
    text, _sep, id_ = request.args.get(NAME, "").partition("_")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return make(moment, id_[:40]) if id_ and moment.tzinfo else None
