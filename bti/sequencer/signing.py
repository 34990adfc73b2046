"""Signing: first the memory of the last head moves on, then the head is signed, then it is kept.

In this order nothing is ever signed that the memory doesn't know of. Whoever is stopped in between signs the very
same head again.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bti.audit.stored import Epoch, Stored, epochs, newest_checkpoint
from bti.db import reading, writing
from bti.models import audit_checkpoints
from bti.sequencer.folder import LogFolder
from bti.verifier.checkpoint import Checkpoint
from bti.verifier.note import Note
from bti.witness.heads import Inconsistent, NotTheLast


class Contradiction(Exception):
    """The tree in the database doesn't go on from the head that was signed last: nothing is signed.

    The message says what differs; an older backup that was restored is the honest way to come here.
    """


def sign(database: sa.Engine, folder: LogFolder, municipality_id: str, *, now: datetime) -> Note | None:
    """Sign the tree as it is and keep the head; return it, or None when there is nothing new to sign.

    Raises Contradiction when it doesn't go on from what was signed before, Misconfigured without a key.
    """
    with reading(database) as session:
        epoch = epochs(session, municipality_id)[-1]
        tree = Stored(session, epoch)
        kept, size = newest_checkpoint(session, epoch), tree.size()
        last = folder.heads.last(epoch.origin)
        _require_newest(folder, epoch)
        if size < last.size:
            raise Contradiction(f"{last.size} entries of {epoch.origin} were signed, the database has {size}.")
        head = Checkpoint(epoch.origin, size, tree.root(size))
        if head == last and size == (kept.size if kept else 0):
            return None
        proof = tree.consistency(last.size, size)
    key = folder.key(municipality_id, epoch.number)
    remember(folder, head, last, proof)
    note = key.sign_checkpoint(head)
    keep(database, epoch, size, note, now=now)
    return note


def remember(folder: LogFolder, head: Checkpoint, last: Checkpoint, proof: list[bytes]) -> None:
    """Move the memory of the last head on, on disk. Raises Contradiction when `head` doesn't go on from it."""
    try:
        folder.heads.advance(head, old_size=last.size, proof=proof)
    except NotTheLast:
        # Another sequencer with the same memory was faster; the next turn finds what is left.
        raise
    except Inconsistent as wrong:
        told = f"The {last.size} entries of {head.origin} that were signed aren't those that the database has."
        raise Contradiction(told) from wrong


def keep(database: sa.Engine, epoch: Epoch, size: int, note: Note, *, now: datetime) -> None:
    """Keep a signed head; one that is kept already stays as it is."""
    with writing(database) as session:
        store(session, epoch, size, note, now=now)


def store(session: sa.Connection, epoch: Epoch, size: int, note: Note, *, now: datetime) -> None:
    """The same in the caller's transaction."""
    c = audit_checkpoints.c
    same = sa.and_(c.municipality_id == epoch.municipality_id, c.epoch == epoch.number, c.size == size)
    if session.execute(sa.select(c.size).where(same)).first():
        return
    whose = {"municipality_id": epoch.municipality_id, "epoch": epoch.number}
    session.execute(sa.insert(audit_checkpoints), {**whose, "size": size, "note": str(note), "signed_at": now})


def _require_newest(folder: LogFolder, epoch: Epoch) -> None:
    for number in folder.epochs(epoch.municipality_id):
        # A key with which nothing was signed was made by somebody who was stopped before the epoch began.
        if number > epoch.number and folder.heads.last(folder.key(epoch.municipality_id, number).public.name).size:
            raise Contradiction(f"{epoch.origin} ended when epoch {number} began, which the database doesn't know of.")
