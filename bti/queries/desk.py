"""An employee's desk: the children to choose among, one's own wonders, and whether the unit has a case already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bti import policy
from bti.actor import Actor
from bti.models import batons, cases, entries, people, subjects, units, wonders
from bti.names import folded, name_key

PAGE = 25
SHORTEST_SEARCH = 2


# --- children of the own unit ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Child:
    """A child to choose. `group` is empty for one with an address block: it says where to find them."""

    id: str
    given_name: str
    family_name: str
    group: str
    unit_id: str
    unit_name: str
    born_on: date | None

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.given_name} {self.family_name}".strip()


def children_of(session: sa.Connection, *, municipality_id: str, unit_ids: Iterable[str]) -> tuple[Child, ...]:
    """Return the children of these units who haven't left, by name."""
    s = subjects.c
    rows = session.execute(
        sa.select(
            s.id, s.given_name, s.family_name, s.group_name, s.unit_id, units.c.name, s.born_on, s.address_blocked
        )
        .join(units, sa.and_(units.c.municipality_id == s.municipality_id, units.c.id == s.unit_id))
        .where(s.municipality_id == municipality_id, s.unit_id.in_(sorted(unit_ids)), s.left_on.is_(None))
    )
    found = (
        Child(id_, given, family, "" if blocked else group, unit_id, unit, born)
        for id_, given, family, group, unit_id, unit, born, blocked in rows
    )
    return tuple(sorted(found, key=lambda child: (name_key(child.name), child.id)))


def matching(children: Sequence[Child], text: str, *, most: int) -> tuple[Child, ...]:
    """Return up to `most` children each of whose words in `text` begins a name or the group; none for a single letter.

    Compared here and not in SQL: names are sealed in the database.
    """
    wanted = folded(text).replace(",", " ").split()
    if len("".join(wanted)) < SHORTEST_SEARCH:
        return ()
    found = []
    for child in children:
        words = folded(f"{child.name} {child.name.replace('-', ' ')} {child.group}").split()
        if all(any(word.startswith(part) for word in words) for part in wanted):
            found.append(child)
    return tuple(found[:most])


# --- one's own wonders -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a page of wonders ended: the next one begins with older ones."""

    opened_at: datetime
    id: str


def wonders_of(
    session: sa.Connection, *, actor: Actor, today: date, after: Place | None = None, most: int = PAGE
) -> list[Any]:
    """Return up to `most` + 1 of the person's own wonders, newest first, with what anybody who wrote one may know.

    `readable` says whether they may open the case as it is now. Source: the author sees what became of it without
    seeing what isn't theirs.
    """
    c = cases.c
    query = _own_wonders(actor, today).order_by(c.opened_at.desc(), c.id.desc()).limit(most + 1)
    if after is not None:
        earlier = sa.or_(c.opened_at < after.opened_at, sa.and_(c.opened_at == after.opened_at, c.id < after.id))
        query = query.where(c.opened_at <= after.opened_at, earlier)
    return list(session.execute(query))


def wonder_by(session: sa.Connection, *, actor: Actor, case_id: str, today: date) -> Any:
    """Return one of the person's own wonders, or None."""
    return session.execute(_own_wonders(actor, today).where(cases.c.id == case_id)).first()


def _own_wonders(actor: Actor, today: date) -> sa.Select[Any]:
    c, w, s = cases.c, wonders.c, subjects.c
    mine = sorted(actor.units("employee", "unit_leader"))
    # Another service may have taken over the log since; the first baton tells where the wonder was written.
    written_here = sa.exists().where(
        batons.c.municipality_id == c.municipality_id,
        batons.c.case_id == c.id,
        batons.c.how == "author",
        batons.c.unit_id.in_(mine),
    )
    return (
        sa.select(
            c.id, c.reference, c.definition, c.definition_version, c.step, c.level_order, c.unit_id, c.subject_id,
            c.due_on, c.opened_at, c.closed_at, c.closing_reason, c.shared_with_leader_at, c.version,
            w.themes, w.seen, w.talked, w.feedback, w.feedback_at,
            people.c.name.label("feedback_by"),
            s.given_name, s.family_name, s.group_name,
            # A class tells where to find a child: not with an address block, nor after they moved to another unit.
            sa.and_(s.address_blocked.is_(False), s.unit_id.in_(mine)).label("may_show_group"),
            policy.accessible(actor, today).label("readable"),
        )
        .join(wonders, sa.and_(w.municipality_id == c.municipality_id, w.case_id == c.id))
        .outerjoin(subjects, sa.and_(s.municipality_id == c.municipality_id, s.id == c.subject_id))
        .outerjoin(people, sa.and_(people.c.municipality_id == w.municipality_id, people.c.id == w.feedback_by))
        .where(
            c.municipality_id == actor.municipality_id,
            c.author_id == actor.person_id,
            sa.or_(c.unit_id.in_(mine), written_here),
        )
    )  # fmt: skip


def own_notes(session: sa.Connection, *, actor: Actor, case_id: str) -> tuple[Any, ...]:
    """Return what the person has added to a wonder themselves, newest first; nothing that anybody else wrote."""
    e = entries.c
    rows = session.execute(
        sa.select(e.kind, e.text, e.happened_on, e.written_at)
        .where(
            e.municipality_id == actor.municipality_id,
            e.case_id == case_id,
            e.author_id == actor.person_id,
            e.kind.in_(("note", "guardian_talk")),
            e.information_kind == "wonder",
        )
        .order_by(e.written_at.desc(), e.id)
    )
    return tuple(rows)


# --- is there a case already? ------------------------------------------------------------------------------------


def open_cases_beside(
    session: sa.Connection, *, actor: Actor, unit_id: str, subject_id: str, not_case_id: str, today: date
) -> tuple[Any, ...]:
    """Return (id, reference, readable) of the unit's other open cases of a child, oldest first.

    A colleague's wonder that isn't shared is nobody's business, not even that it exists. Show the reference only
    where `readable`.
    """
    c = cases.c
    readable = policy.accessible(actor, today)
    rows = session.execute(
        sa.select(c.id, c.reference, readable.label("readable"))
        .where(
            c.municipality_id == actor.municipality_id,
            c.subject_id == subject_id,
            c.unit_id == unit_id,
            c.id != not_case_id,
            c.closed_at.is_(None),
            sa.or_(c.shared_with_leader_at.is_not(None), c.level_order > 0, readable),
        )
        .order_by(c.opened_at, c.id)
    )
    return tuple(rows)


# --- whom to call ------------------------------------------------------------------------------------------------


def child_welfare_units(session: sa.Connection, *, municipality_id: str) -> tuple[Any, ...]:
    """Return (name, phone) of the municipality's child welfare services by name."""
    u = units.c
    rows = session.execute(
        sa.select(u.name, u.phone)
        .where(u.municipality_id == municipality_id, u.kind == "child_welfare", u.ended_at.is_(None))
        .order_by(u.name)
    )
    return tuple(rows)
