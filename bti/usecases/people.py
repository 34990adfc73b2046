"""Staff and their roles: added, granted, ended. Roles are rows that are added and ended, never edited.

An administrator gives others access to cases and has none through it: nothing here shows or takes case content.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bti.actor import ROLES, Actor
from bti.crypto.passwords import hash_password, verify_password
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import memberships, new_id, people
from bti.models.sealed import sealed, sealed_columns
from bti.usecases.administration import administer, tell
from bti.usecases.contact import (
    LONGEST_NAME,
    check_email,
    check_language,
    check_name,
    check_password,
    check_phone,
    check_username,
)
from bti.usecases.leaving import Fallen, leave_cases, leave_interim
from bti.usecases.sessions import end_all
from bti.usecases.text import collect, one_of, optional
from bti.usecases.units import live_unit

# Whoever gives others access, or reviews it, has none through the same person.
_MEETS_CHILDREN = frozenset({"employee", "unit_leader", "coordinator"})
# Roles through which somebody stands in for a holder.
_STANDS_IN = ("unit_leader", "coordinator")


# --- who they are -------------------------------------------------------------------------------------------------


def add_person(
    session: sa.Connection,
    *,
    actor: Actor,
    username: str,
    name: str,
    now: datetime,
    title: str = "",
    email: str = "",
    phone: str = "",
    language: str = "nb",
    password: str | None = None,
) -> str:
    """Add somebody to the staff, still without any role, and return their id.

    Without a password they can't log in by one. Raises Forbidden, Invalid (username: `missing`, `not_a_username`,
    `taken`; name; title; email; phone; language; password: `too_short`, `too_long`, `same_as_username`).
    """
    administer(session, actor)
    collect(
        lambda: _check_free(session, actor, check_username("username", username)),
        lambda: _particulars(name, title, email, phone, language),
        lambda: password is not None and check_password("password", password, username=username.strip().lower()),
    )
    person_id = new_id()
    session.execute(
        sa.insert(people),
        sealed(session, people, {
            "municipality_id": actor.municipality_id, "id": person_id,
            "username": check_username("username", username),
            **_particulars(name, title, email, phone, language),
            "password_hash": hash_password(password) if password else None,
        }),
    )  # fmt: skip
    tell(session, actor=actor, event="person.add", now=now, object_id=person_id, fields={"person": person_id})
    return person_id


def _check_free(session: sa.Connection, actor: Actor, username: str) -> None:
    found = session.execute(
        sa.select(people.c.id).where(people.c.municipality_id == actor.municipality_id, people.c.username == username)
    )
    if found.first():
        raise Invalid(username="taken")


def _particulars(name: str, title: str, email: str, phone: str, language: str) -> dict[str, Any]:
    collect(
        lambda: check_name("name", name),
        lambda: optional("title", title, longest=LONGEST_NAME),
        lambda: check_email("email", email),
        lambda: check_phone("phone", phone),
        lambda: check_language("language", language),
    )
    return {
        "name": check_name("name", name),
        "title": optional("title", title),
        "email": check_email("email", email),
        "phone": check_phone("phone", phone),
        "language": check_language("language", language),
    }


def change_person(
    session: sa.Connection,
    *,
    actor: Actor,
    person_id: str,
    name: str,
    title: str,
    email: str,
    phone: str,
    language: str,
    now: datetime,
) -> tuple[str, ...]:
    """Change somebody's particulars to these; return which of them were changed.

    Raises Forbidden, NotFound, NotPossible (`person_ended`), Invalid (name, title, email, phone, language).
    """
    administer(session, actor)
    found = live_person(session, actor, person_id)
    wanted = _particulars(name, title, email, phone, language)
    changed = {column: value for column, value in wanted.items() if getattr(found, column) != value}
    if changed:
        _change(session, actor, person_id, changed, now)
    return tuple(sorted(changed))


def set_language(session: sa.Connection, *, actor: Actor, language: str, now: datetime) -> None:
    """Let somebody choose the language of their own pages. Raises NotFound, NotPossible, Invalid (language)."""
    found = live_person(session, actor, actor.person_id)
    chosen = check_language("language", language)
    if found.language != chosen:
        _change(session, actor, actor.person_id, {"language": chosen}, now)


def set_password(session: sa.Connection, *, actor: Actor, person_id: str, password: str, now: datetime) -> None:
    """Give somebody a new password; the old one is void, and their sessions end.

    Raises Forbidden, NotFound, NotPossible (`person_ended`), Invalid (password).
    """
    administer(session, actor)
    found = live_person(session, actor, person_id)
    kept = hash_password(check_password("password", password, username=found.username))
    _change(session, actor, person_id, {"password_hash": kept}, now)
    end_all(session, actor=actor, person_id=person_id, cause="password_changed", now=now)


def change_own_password(
    session: sa.Connection, *, actor: Actor, old: str, new: str, now: datetime, keep: str | None = None
) -> None:
    """Change one's own password; one's sessions end, but for the one to `keep`.

    Raises Forbidden (`wrong_password`), Invalid (password).
    """
    found = live_person(session, actor, actor.person_id)
    if not verify_password(found.password_hash, old):
        raise Forbidden("wrong_password")
    kept = hash_password(check_password("password", new, username=found.username))
    _change(session, actor, actor.person_id, {"password_hash": kept}, now)
    end_all(session, actor=actor, person_id=actor.person_id, cause="password_changed", now=now, but=keep)


def live_person(session: sa.Connection, actor: Actor, person_id: str) -> Any:
    """Return the row of somebody who works here. Raises NotFound, NotPossible (`person_ended`)."""
    row = session.execute(
        sa.select(people).where(people.c.municipality_id == actor.municipality_id, people.c.id == person_id)
    ).first()
    if row is None:
        raise NotFound()
    if row.ended_at is not None:
        raise NotPossible("person_ended")
    return row


def _change(session: sa.Connection, actor: Actor, person_id: str, values: dict[str, Any], now: datetime) -> None:
    _update(session, actor, person_id, **values)
    changed = sorted("password" if column == "password_hash" else column for column in values)
    fields = {"person": person_id, "changed": changed}
    tell(session, actor=actor, event="person.change", now=now, object_id=person_id, fields=fields)


def _update(session: sa.Connection, actor: Actor, person_id: str, **values: Any) -> None:
    row = {"municipality_id": actor.municipality_id, "id": person_id}
    written = sealed(session, people, row | values) if values.keys() & set(sealed_columns(people)) else values
    session.execute(
        sa.update(people)
        .where(people.c.municipality_id == actor.municipality_id, people.c.id == person_id)
        .values(**{name: written[name] for name in values})
    )


# --- what they may ------------------------------------------------------------------------------------------------


def grant_role(session: sa.Connection, *, actor: Actor, person_id: str, unit_id: str, role: str, now: datetime) -> None:
    """Give somebody a role in a unit from now on.

    An auditor or administrator holds no role that meets children, and nobody is both: they would come to review what
    they read, or to open cases by a role they gave themselves (domain.md, Roles). Their sessions end: with the new
    role they come in anew, by what it demands. Raises Forbidden, NotFound, NotPossible (`person_ended`, `unit_ended`,
    `already_has_role`, `roles_conflict`), Invalid (role).
    """
    administer(session, actor)
    live_person(session, actor, person_id)
    live_unit(session, actor, unit_id)
    one_of("role", role, ROLES)
    held = _live_roles(session, actor, person_id)
    if (unit_id, role) in held:
        raise NotPossible("already_has_role")
    if roles_conflict({known for _, known in held} | {role}):
        raise NotPossible("roles_conflict")
    session.execute(
        sa.insert(memberships),
        {
            "municipality_id": actor.municipality_id, "id": new_id(), "person_id": person_id, "unit_id": unit_id,
            "role": role, "started_at": now, "granted_by": actor.person_id or None,
        },
    )  # fmt: skip
    fields = {"person": person_id, "unit": unit_id, "role": role}
    tell(session, actor=actor, event="role.grant", now=now, object_id=person_id, fields=fields)
    end_all(session, actor=actor, person_id=person_id, cause="role_granted", now=now)


def roles_conflict(roles: set[str]) -> bool:
    """Return whether one person may not hold all these roles in a municipality.

    An administrator who also met children could open cases by a role they gave themselves (trust.md, People).
    """
    if "auditor" in roles and "administrator" in roles:
        return True
    return not roles.isdisjoint({"auditor", "administrator"}) and not roles.isdisjoint(_MEETS_CHILDREN)


def end_role(session: sa.Connection, *, actor: Actor, person_id: str, unit_id: str, role: str, now: datetime) -> int:
    """End somebody's role in a unit, and their sessions, at once; return how many batons went to an interim holder,
    unshared wonders apart.

    When it was their last role that meets children there, their batons, offers and parts through the unit end too;
    a leader who stays as an employee passes on what they hold in the interim. Raises Forbidden, NotFound,
    NotPossible (`role_not_held`, `last_administrator`, `no_interim_holder`: then nothing is changed).
    """
    administer(session, actor)
    live_person(session, actor, person_id)
    held = _live_roles(session, actor, person_id)
    if (unit_id, role) not in held:
        raise NotPossible("role_not_held")
    if role == "administrator":
        _require_other_administrator(session, actor, person_id, unit_id)
    _end_memberships(session, actor, person_id, now, memberships.c.unit_id == unit_id, memberships.c.role == role)
    moved = _leave(session, actor, person_id, unit_id, role, held - {(unit_id, role)}, now)
    fields = {"person": person_id, "unit": unit_id, "role": role, "batons_moved": moved.all}
    tell(session, actor=actor, event="role.end", now=now, object_id=person_id, fields=fields)
    end_all(session, actor=actor, person_id=person_id, cause="role_ended", now=now)
    return moved.told


def _leave(
    session: sa.Connection,
    actor: Actor,
    person_id: str,
    unit_id: str,
    role: str,
    kept: frozenset[tuple[str, str]],
    now: datetime,
) -> Fallen:
    meets_children = ("employee", "unit_leader", "coordinator")
    if not any((unit_id, other) in kept for other in meets_children):
        return leave_cases(session, actor=actor, person_id=person_id, unit_id=unit_id, cause="role_ended", now=now)
    if role in _STANDS_IN:
        return leave_interim(session, actor=actor, person_id=person_id, unit_id=unit_id, cause="role_ended", now=now)
    return Fallen()


def end_person(session: sa.Connection, *, actor: Actor, person_id: str, now: datetime) -> int:
    """End somebody who leaves: roles, batons, offers, parts, password and sessions; return how many batons moved,
    unshared wonders apart.

    They are kept by name, for what they did stays theirs in the trail. Raises Forbidden, NotFound, NotPossible
    (`person_ended`, `last_administrator`, `no_interim_holder`: then nothing is changed).
    """
    administer(session, actor)
    live_person(session, actor, person_id)
    held = _live_roles(session, actor, person_id)
    if any(role == "administrator" for _, role in held):
        _require_other_administrator(session, actor, person_id, None)
    _end_memberships(session, actor, person_id, now)
    moved = leave_cases(session, actor=actor, person_id=person_id, unit_id=None, cause="person_ended", now=now)
    _update(session, actor, person_id, ended_at=now, password_hash=None)
    for unit_id, role in sorted(held):
        fields = {"person": person_id, "unit": unit_id, "role": role, "batons_moved": 0}
        tell(session, actor=actor, event="role.end", now=now, object_id=person_id, fields=fields)
    fields = {"person": person_id, "batons_moved": moved.all}
    tell(session, actor=actor, event="person.end", now=now, object_id=person_id, fields=fields)
    end_all(session, actor=actor, person_id=person_id, cause="person_ended", now=now)
    return moved.told


def _live_roles(session: sa.Connection, actor: Actor, person_id: str) -> frozenset[tuple[str, str]]:
    rows = session.execute(
        sa.select(memberships.c.unit_id, memberships.c.role).where(
            memberships.c.municipality_id == actor.municipality_id,
            memberships.c.person_id == person_id,
            memberships.c.ended_at.is_(None),
        )
    )
    return frozenset((row.unit_id, row.role) for row in rows)


def _require_other_administrator(session: sa.Connection, actor: Actor, person_id: str, unit_id: str | None) -> None:
    """Raise NotPossible when nobody would administer without this role (`unit_id` None: without this person)."""
    m = memberships.c
    this_role = m.person_id == person_id if unit_id is None else sa.and_(m.person_id == person_id, m.unit_id == unit_id)
    others = session.execute(
        sa.select(m.id).where(
            m.municipality_id == actor.municipality_id,
            m.role == "administrator",
            m.ended_at.is_(None),
            sa.not_(this_role),
        )
    )
    if others.first() is None:
        raise NotPossible("last_administrator")


def _end_memberships(
    session: sa.Connection, actor: Actor, person_id: str, now: datetime, *which: sa.ColumnElement[bool]
) -> None:
    session.execute(
        sa.update(memberships)
        .where(
            memberships.c.municipality_id == actor.municipality_id,
            memberships.c.person_id == person_id,
            memberships.c.ended_at.is_(None),
            *which,
        )
        .values(ended_at=now)
    )
