"""Discussing a worry with a helping service without saying whom it is about."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.errors import Invalid, NotFound
from bti.queries import desk
from bti.queries import discussions as lists
from bti.queries.discussions import Place
from bti.usecases import referrals
from bti.usecases.text import collect, required

LONGEST = 4_000
# A national identity number: eleven digits, perhaps set apart after the sixth.
_ELEVEN_DIGITS = re.compile(r"(?<!\d)\d{6}[ .\-\u00a0]?\d{5}(?!\d)")


@dataclass(frozen=True)
class Discussions:
    """A page of discussions: those that wait for an answer of ours, and the rest, newest first."""

    waiting: list[Any]
    rows: list[Any]
    after: Place | None


def read_mine(session: sa.Connection, *, actor: Actor, after: Place | None, now: datetime) -> Discussions:
    """Return a page of the person's own questions, and write that they were read."""
    return _page(session, actor, [], lists.asked_by(session, actor=actor, after=after), now)


def read_ours(session: sa.Connection, *, actor: Actor, after: Place | None, now: datetime) -> Discussions:
    """Return a page of the questions put to the person's units, and write that they were read."""
    waiting = lists.unanswered_by_us(session, actor=actor) if after is None else []
    return _page(session, actor, waiting, lists.answered_by_us(session, actor=actor, after=after), now)


def _page(session: sa.Connection, actor: Actor, waiting: list[Any], found: list[Any], now: datetime) -> Discussions:
    rows, more = found[: lists.PAGE], len(found) > lists.PAGE
    _told(session, actor, None, len(waiting) + len(rows), now)
    return Discussions(waiting, rows, Place(rows[-1].asked_at, rows[-1].id) if more else None)


def read_one(session: sa.Connection, *, actor: Actor, discussion_id: str, now: datetime) -> Any:
    """Return one discussion, and write that it was read. Raises NotFound for all but its author and the service."""
    found = lists.discussion(session, actor=actor, discussion_id=discussion_id)
    if found is None:
        raise NotFound()
    _told(session, actor, found.id, 1, now)
    return found


def ask(session: sa.Connection, *, actor: Actor, unit_id: str, question: str, confirmed: bool, now: datetime) -> str:
    """Ask a helping service; return the discussion's id.

    A text that seems to say whom it is about is turned down once: `confirmed` sends it all the same. Raises as
    `referrals.ask_anonymously`, and Invalid (`confirmed`: `holds_number` or `holds_name`).
    """
    asked: list[str] = []

    def write() -> None:
        asked.append(referrals.ask_anonymously(session, actor=actor, unit_id=unit_id, question=question, now=now))

    collect(lambda: _check_names_nobody(session, actor, question, confirmed), write)
    return asked[0]


def answer(
    session: sa.Connection, *, actor: Actor, discussion_id: str, text: str, confirmed: bool, now: datetime
) -> None:
    """Answer a question put to one's own service; names are looked for as in `ask`. Errors as
    `referrals.answer_anonymously`."""
    required("answer", text, longest=LONGEST)
    _check_names_nobody(session, actor, text, confirmed)
    referrals.answer_anonymously(session, actor=actor, discussion_id=discussion_id, answer=text, now=now)


def _check_names_nobody(session: sa.Connection, actor: Actor, text: str, confirmed: bool) -> None:
    if confirmed:
        return
    if _ELEVEN_DIGITS.search(text):
        raise Invalid(confirmed="holds_number")
    if _names_a_child(session, actor, text):
        raise Invalid(confirmed="holds_name")


def _names_a_child(session: sa.Connection, actor: Actor, text: str) -> bool:
    """Say whether the full name of a child of the own units stands in the text, in either order of the names."""
    words = " ".join(re.findall(r"[\w-]+", _folded(text)))
    own = actor.units("employee", "unit_leader")
    for child in desk.children_of(session, municipality_id=actor.municipality_id, unit_ids=own):
        given, family = _folded(child.given_name), _folded(child.family_name)
        if given and family and any(f" {name} " in f" {words} " for name in (f"{given} {family}", f"{family} {given}")):
            return True
    return False


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _told(session: sa.Connection, actor: Actor, discussion_id: str | None, shown: int, now: datetime) -> None:
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event="discussion.read", now=now,
        object_id=discussion_id, fields={"shown": shown},
    )  # fmt: skip
