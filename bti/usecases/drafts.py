"""Drafts: what somebody has typed and not sent, one per person and form. Nobody else ever reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bti.actor import Actor
from bti.errors import Invalid
from bti.models import drafts, new_id
from bti.models.sealed import sealed

LONGEST = 60_000
# Tokens of the page, not of the text.
_NOT_TEXT = ("csrf_token", "once", "versjon", "sok")


@dataclass(frozen=True)
class Draft:
    """A saved draft: fields as lists of texts, and when it was saved."""

    fields: dict[str, list[str]]
    saved_at: datetime


def save(session: sa.Connection, *, actor: Actor, form: str, content: Mapping[str, Any], now: datetime) -> None:
    """Keep what has been typed so far, in place of what was kept before. Raises Invalid (`draft`: `too_long`)."""
    lists = content.lists() if hasattr(content, "lists") else content.items()
    fields = {name: list(values) for name, values in lists if name not in _NOT_TEXT}
    text = json.dumps(fields, ensure_ascii=False)
    if len(text) > LONGEST:
        raise Invalid(draft="too_long")
    # One statement: the first two savings may come at once.
    insert = postgresql.insert if session.dialect.name == "postgresql" else sqlite.insert
    row = sealed(
        session, drafts,
        {
            "municipality_id": actor.municipality_id, "id": new_id(), "person_id": actor.person_id, "form": form,
            "content": text, "saved_at": now,
        },
    )  # fmt: skip
    key = ["municipality_id", "person_id", "form"]
    # The id too: what was sealed opens in no other row.
    again = {name: row[name] for name in ("id", "content", "saved_at")}
    session.execute(insert(drafts).values(row).on_conflict_do_update(index_elements=key, set_=again))


def load(session: sa.Connection, *, actor: Actor, form: str) -> Draft | None:
    """Return one's own draft of a form, or None."""
    row = session.execute(sa.select(drafts.c.content, drafts.c.saved_at).where(*_mine(actor, form))).first()
    return Draft(json.loads(row.content), row.saved_at) if row else None


def drop(session: sa.Connection, *, actor: Actor, form: str) -> None:
    """Throw one's own draft away: it was sent, or isn't wanted."""
    session.execute(sa.delete(drafts).where(*_mine(actor, form)))


def _mine(actor: Actor, form: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        drafts.c.municipality_id == actor.municipality_id,
        drafts.c.person_id == actor.person_id,
        drafts.c.form == form,
    )
