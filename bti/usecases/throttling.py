"""How often somebody may try a secret: buckets that hold a few tries and drain with time.

Tries are counted where they come from: by account and source together, and by source. So a stranger who guesses
waits, and nobody else does; a device that has opened the account before has a bucket of its own, which no stranger
can fill. A bucket is the same whether or not the account exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bti import audit
from bti.actor import Actor
from bti.crypto.tokens import blind, is_same
from bti.errors import TooSoon
from bti.models import throttles

_SIGN_LENGTH = 32


@dataclass(frozen=True)
class Bucket:
    """So many tries at once, then one each so many seconds. `shared`: others try from there too."""

    name: str
    tries: int
    seconds: int
    shared: bool = False


def password_buckets(*, key: str, account: str, source: str, device: str = "") -> tuple[Bucket, ...]:
    """Return what a password's try is taken from. `account` is what was typed, `source` an address.

    `device` names a device that has opened this account before, nothing for any other. `key` blinds all of them.
    """
    if device:
        return (Bucket(blind(key, "device", device, account), tries=10, seconds=60),)
    return (
        Bucket(blind(key, "pair", account, source), tries=5, seconds=120),
        # A whole town hall may come from one address, and spells its passwords wrong on Monday morning.
        Bucket(blind(key, "source", source), tries=30, seconds=20, shared=True),
    )


def own_buckets(*, key: str, door: str, actor: Actor, device: str = "") -> tuple[Bucket, ...]:
    """Return what a try is taken from at a door that only opens to somebody who has proven something already.

    By person and not by source: of one-time codes there are only a million.
    """
    return (Bucket(blind(key, door, actor.person_id, device), tries=5, seconds=120),)


def vouch(*, key: str, device: str, municipality_id: str, person_id: str) -> str:
    """Return the sign that a device has opened an account: only we can make it, and it tells nobody whose it is."""
    return blind(key, "known", device, municipality_id, person_id)[:_SIGN_LENGTH]


def is_vouched(signs: Sequence[str], *, key: str, device: str, municipality_id: str, person_id: str) -> bool:
    """Return whether one of a device's signs says that it has opened this account."""
    mine = vouch(key=key, device=device, municipality_id=municipality_id, person_id=person_id)
    return person_id != "" and any(is_same(mine, one) for one in signs)


def take(session: sa.Connection, *, municipality_id: str, buckets: Sequence[Bucket], now: datetime) -> None:
    """Take a try from each bucket, before the secret is looked at. Raises TooSoon: let the transaction go then.

    One statement for each: of two at once that want the last try, one gets it.
    """
    for bucket in buckets:
        if not _take(session, municipality_id, bucket, int(now.timestamp())):
            raise TooSoon(_wait(session, municipality_id, bucket, int(now.timestamp())))


def _take(session: sa.Connection, municipality_id: str, bucket: Bucket, now: int) -> bool:
    insert = postgresql.insert if session.dialect.name == "postgresql" else sqlite.insert
    free_at = throttles.c.free_at
    statement = (
        insert(throttles)
        .values(municipality_id=municipality_id, bucket=bucket.name, free_at=now + bucket.seconds)
        .on_conflict_do_update(
            index_elements=["municipality_id", "bucket"],
            set_={"free_at": sa.case((free_at < now, now), else_=free_at) + bucket.seconds},
            where=free_at <= now + (bucket.tries - 1) * bucket.seconds,
        )
        .returning(free_at)
    )
    return session.execute(statement).first() is not None


def _wait(session: sa.Connection, municipality_id: str, bucket: Bucket, now: int) -> int:
    full = session.execute(sa.select(throttles.c.free_at).where(*_this(municipality_id, bucket))).scalar_one()
    return max(1, int(full) - now - (bucket.tries - 1) * bucket.seconds)


def give_back(session: sa.Connection, *, municipality_id: str, buckets: Sequence[Bucket]) -> None:
    """Forget the tries of somebody who was right: all of their own, and one of those that are shared."""
    for bucket in buckets:
        mine = _this(municipality_id, bucket)
        if bucket.shared:
            emptier = throttles.c.free_at - bucket.seconds
            session.execute(sa.update(throttles).where(*mine).values(free_at=emptier))
        else:
            session.execute(sa.delete(throttles).where(*mine))


def _this(municipality_id: str, bucket: Bucket) -> tuple[sa.ColumnElement[bool], ...]:
    return throttles.c.municipality_id == municipality_id, throttles.c.bucket == bucket.name


def record(
    session: sa.Connection, *, municipality_id: str, door: str, now: datetime, actor: Actor | None = None
) -> None:
    """Write that somebody was told to wait; whose account they tried is said only where they had proven that."""
    audit.record(
        session, actor=actor, municipality_id=municipality_id, event="session.throttle", now=now, decision="refused",
        fields={"door": door},
    )  # fmt: skip


def forget(session: sa.Connection, *, municipality_id: str, now: datetime) -> int:
    """Throw away the buckets that are empty again; return how many."""
    empty = throttles.c.free_at < int(now.timestamp())
    gone = session.execute(sa.delete(throttles).where(throttles.c.municipality_id == municipality_id, empty))
    return gone.rowcount
