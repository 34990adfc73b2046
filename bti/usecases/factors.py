"""The second factor: an app that shows one-time codes, and recovery codes for the day the telephone is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bti import audit
from bti.actor import Actor
from bti.crypto import totp
from bti.crypto.tokens import bare_code, fingerprint, new_recovery_code
from bti.errors import Forbidden, Invalid, NotPossible
from bti.models import municipalities, new_id, people, recovery_codes, second_factors
from bti.models.sealed import sealed
from bti.queries.sessions import Session
from bti.usecases.administration import require_administrator
from bti.usecases.sessions import end_all, missing_proof, must_have_factor

RECOVERY_CODES = 10
_DIGITS = 6


@dataclass(frozen=True)
class Factor:
    """Somebody's second factor, without what is secret about it."""

    id: str
    added_at: datetime
    codes_left: int


def factor_of(session: sa.Connection, *, actor: Actor) -> Factor | None:
    """Return one's own second factor, with how many recovery codes are left; None without one."""
    f, r = second_factors.c, recovery_codes.c
    unused = (
        sa.select(sa.func.count())
        .select_from(recovery_codes)
        .where(r.municipality_id == f.municipality_id, r.factor_id == f.id, r.used_at.is_(None))
        .scalar_subquery()
    )
    row = session.execute(
        sa.select(f.id, f.added_at, unused.label("left")).where(*_live(actor, actor.person_id))
    ).first()
    return Factor(row.id, row.added_at, row.left) if row else None


def _live(actor: Actor, person_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    f = second_factors.c
    return f.municipality_id == actor.municipality_id, f.person_id == person_id, f.ended_at.is_(None)


def fresh_secret() -> str:
    """Return a fresh secret to begin a second factor with."""
    return totp.new_secret()


def app_link(session: sa.Connection, *, actor: Actor, secret: str) -> str:
    """Return the link by which an app takes the secret over, named after the account and the municipality."""
    account = sa.select(people.c.username, municipalities.c.name).join(
        municipalities, municipalities.c.id == people.c.municipality_id
    )
    row = session.execute(
        account.where(people.c.municipality_id == actor.municipality_id, people.c.id == actor.person_id)
    ).one()
    return totp.app_link(secret, account=row.username, issuer=f"Stafett {row.name}")


def add(session: sa.Connection, *, found: Session, secret: str, code: str, now: datetime) -> tuple[str, ...]:
    """Begin a second factor once its app shows the right code; return the recovery codes, which are kept nowhere.

    It takes the place of an earlier one, and other sessions end; but somebody who has proven no more than a password
    replaces nothing. Raises Invalid (`code`: `missing`, `wrong_code`), NotPossible (`has_factor`).
    """
    actor = found.actor
    if not code.strip():
        raise Invalid(code="missing")
    step = totp.step_of(secret, "".join(code.split()), now)
    if step is None:
        raise Invalid(code="wrong_code")
    # One at a time for a person: the second of two finds the first.
    session.execute(_person(actor).with_for_update(key_share=True))
    if missing_proof(found) and factor_of(session, actor=actor):
        raise NotPossible("has_factor")
    _end(session, actor, actor.person_id, "replaced", now)
    factor_id, codes = new_id(), tuple(new_recovery_code() for _ in range(RECOVERY_CODES))
    here = {"municipality_id": actor.municipality_id}
    session.execute(
        sa.insert(second_factors),
        sealed(
            session,
            second_factors,
            here
            | {"id": factor_id, "person_id": actor.person_id, "secret": secret, "last_step": step, "added_at": now},
        ),
    )
    session.execute(
        sa.insert(recovery_codes),
        [here | {"id": new_id(), "factor_id": factor_id, "code_hash": fingerprint(bare_code(one))} for one in codes],
    )
    _tell(session, actor, "factor.add", factor_id, now, {"recovery_codes": len(codes)})
    end_all(session, actor=actor, person_id=actor.person_id, cause="factor_changed", now=now, but=found.id)
    return codes


def _person(actor: Actor) -> sa.Select[tuple[str]]:
    return sa.select(people.c.id).where(
        people.c.municipality_id == actor.municipality_id, people.c.id == actor.person_id
    )


def prove(session: sa.Connection, *, actor: Actor, typed: str, now: datetime) -> str:
    """Return how somebody has proven their second factor: `totp` or `recovery`. Raises Forbidden (`wrong_code`).

    A code opens once: of two that send the same one at the same time, one is refused.
    """
    row = session.execute(
        sa.select(second_factors.c.id, second_factors.c.secret).where(*_live(actor, actor.person_id))
    ).first()
    if row is None:
        raise Forbidden("wrong_code")
    code = bare_code(typed)
    if len(code) == _DIGITS and code.isascii() and code.isdigit():
        _use_step(session, actor, row.id, totp.step_of(row.secret, code, now))
        return "totp"
    _use_recovery_code(session, actor, row.id, code, now)
    return "recovery"


def _use_step(session: sa.Connection, actor: Actor, factor_id: str, step: int | None) -> None:
    f = second_factors.c
    used = step is not None and session.execute(
        sa.update(second_factors)
        .where(
            f.municipality_id == actor.municipality_id, f.id == factor_id, f.ended_at.is_(None), f.last_step < step
        )
        .values(last_step=step)
    ).rowcount  # fmt: skip
    if not used:
        raise Forbidden("wrong_code")


def _use_recovery_code(session: sa.Connection, actor: Actor, factor_id: str, code: str, now: datetime) -> None:
    r = recovery_codes.c
    used = session.execute(
        sa.update(recovery_codes)
        .where(
            r.municipality_id == actor.municipality_id, r.factor_id == factor_id, r.code_hash == fingerprint(code),
            r.used_at.is_(None),
        )
        .values(used_at=now)
    ).rowcount  # fmt: skip
    if not used:
        raise Forbidden("wrong_code")


def turn_off(session: sa.Connection, *, found: Session, now: datetime) -> None:
    """End one's own second factor. Raises Forbidden (`needs_factor`) where the role demands one, NotPossible
    (`no_factor`)."""
    if must_have_factor(found.actor, is_demo=found.is_demo):
        raise Forbidden("needs_factor")
    if not _end(session, found.actor, found.actor.person_id, "turned_off", now):
        raise NotPossible("no_factor")
    end_all(session, actor=found.actor, person_id=found.actor.person_id, cause="factor_changed", now=now, but=found.id)


def reset(session: sa.Connection, *, actor: Actor, person_id: str, now: datetime) -> None:
    """End the second factor of somebody who has lost theirs. Raises Forbidden, NotPossible (`no_factor`).

    Their sessions end. They come in by password and add a new one, if their role demands it.
    """
    require_administrator(actor)
    if not _end(session, actor, person_id, "operator", now):
        raise NotPossible("no_factor")
    end_all(session, actor=actor, person_id=person_id, cause="factor_changed", now=now)


def _end(session: sa.Connection, actor: Actor, person_id: str, cause: str, now: datetime) -> bool:
    ended = session.execute(
        sa.update(second_factors)
        .where(*_live(actor, person_id))
        .values(ended_at=now, ended_how=cause)
        .returning(second_factors.c.id)
    ).scalar_one_or_none()
    if ended is not None:
        _tell(session, actor, "factor.reset", ended, now, {"person": person_id, "cause": cause})
    return ended is not None


def _tell(
    session: sa.Connection, actor: Actor, event: str, factor_id: str, now: datetime, fields: dict[str, str | int]
) -> None:
    audit.record(
        session, actor=actor, municipality_id=actor.municipality_id, event=event, now=now, object_id=factor_id,
        fields=fields,
    )  # fmt: skip
