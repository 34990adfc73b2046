"""Beginning a log, and beginning it anew: after an older backup was restored, or with another key."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bti.audit.stored import Damaged, Epoch, Stored, epochs, newest_checkpoint
from bti.config import Misconfigured
from bti.crypto.signing import SigningKey
from bti.db import writing
from bti.models import audit_leaves, audit_nodes
from bti.sequencer.folder import LogFolder
from bti.sequencer.numbering import begin, enter, take_turn
from bti.sequencer.signing import Contradiction, store
from bti.verifier.checkpoint import Checkpoint, read_checkpoint
from bti.verifier.note import read_note
from bti.verifier.tiles import HEIGHT
from bti.verifier.tree import EMPTY_ROOT

FIRST = "first"
NO_KEY = "The log of {} has no key yet: bti audit key --host NAME makes it, for example --host stafett.fjordvik.no."
# Why a log begins anew: a backup was restored, the key had to be changed, or its tree isn't what was signed.
REASONS = ("restored", "new_key", "damaged")
NO_RESTORE = (
    "The tree of “{}” isn't what its own newest head was signed for. That is no older backup: bti fsck says what was "
    "changed. To leave it as it is for whoever looks into it, and go on in another: --reason damaged."
)
NO_OLD_KEY = "The key of “{}” isn't there, and nobody else can sign the head of {} entries that it is remembered for."


def begin_log(database: sa.Engine, folder: LogFolder, municipality_id: str, *, host: str | None, now: datetime) -> bool:
    """Begin a municipality's log, with a key of its own, unless it has begun; return whether it began now.

    `host` is the name under which the world knows this installation, such as stafett.fjordvik.no; the log is called
    host/municipality. Raises Misconfigured when a key has to be made and there is no host, Contradiction when a log
    was begun that the database doesn't know of.
    """
    with writing(database) as session:
        take_turn(session, municipality_id)
        if epochs(session, municipality_id):
            return False
        made = folder.epochs(municipality_id)
        if not made and not host:
            raise Misconfigured([NO_KEY.format(municipality_id)])
        key = folder.key_made(municipality_id, 1, origin=f"{host}/{municipality_id}")
        if folder.heads.last(key.public.name).size:
            raise Contradiction(f"{key.public.name} was begun before, and the database doesn't know of it.")
        begin(session, _epoch(municipality_id, 1, key, now), after=None, reason=FIRST, now=now)
        return True


def begin_anew(
    database: sa.Engine, folder: LogFolder, municipality_id: str, *, reason: str, now: datetime
) -> tuple[Checkpoint, Checkpoint]:
    """Begin a new tree that declares the last signed head of the one before; return that head, and what is left of it.

    The entries that the database has and no kept head covers go into the new tree, together with those that wait.
    `reason` is one of REASONS; for `damaged` the old tree stays as it is. Raises Misconfigured when the log hasn't
    begun, a key is missing that is needed, or the tree is damaged and `reason` says otherwise.
    """
    with writing(database) as session:
        take_turn(session, municipality_id)
        for old in _enter_lost(session, folder, municipality_id, now):
            left, kept = _left(session, folder, old, now, is_damaged=reason == "damaged")
            if reason != "damaged":
                _cut(session, old, left.size)
        last, after = _declared(folder, old, left, kept)
        number = old.number + 1
        base = old.origin.removesuffix(f"/{old.number}") if old.number > 1 else old.origin
        new = folder.key_made(municipality_id, number, origin=f"{base}/{number}")
        begin(session, _epoch(municipality_id, number, new, now), after=after, reason=reason, now=now)
    return last, left


def _epoch(municipality_id: str, number: int, key: SigningKey, now: datetime) -> Epoch:
    return Epoch(municipality_id, number, key.public.name, str(key.public), now, 0)


def _enter_lost(session: sa.Connection, folder: LogFolder, municipality_id: str, now: datetime) -> list[Epoch]:
    """Return the epochs that are to be ended: the newest, and those after it that the database has lost altogether.

    The lost ones are written down with nothing in them.
    """
    known = epochs(session, municipality_id)
    newest = known[-1].number if known else 0
    later = [number for number in folder.epochs(municipality_id) if number > newest]
    if not known and not later:
        raise Misconfigured([f"The log of {municipality_id} hasn't begun: bti audit key begins it."])
    lost = [_epoch(municipality_id, number, folder.key(municipality_id, number), now) for number in later]
    # One whose key has signed nothing was only about to begin: it begins now.
    lost = [epoch for epoch in lost if folder.heads.last(epoch.origin).size]
    for epoch in lost:
        enter(session, epoch)
    return known[-1:] + lost


def _left(
    session: sa.Connection, folder: LogFolder, epoch: Epoch, now: datetime, *, is_damaged: bool
) -> tuple[Checkpoint, str]:
    """Return the newest head that is kept of a tree, as it is read and word for word."""
    kept = newest_checkpoint(session, epoch)
    if kept is None:
        # A head of nothing is the beginning of everything: it says that there is a tree of this name, and no more.
        nothing = Checkpoint(epoch.origin, 0, EMPTY_ROOT)
        note = folder.key(epoch.municipality_id, epoch.number).sign_checkpoint(nothing)
        store(session, epoch, 0, note, now=now)
        return nothing, str(note)
    head = read_checkpoint(read_note(kept.note.encode()).text)
    if not is_damaged and not _leads_to(session, epoch, head):
        raise Misconfigured([NO_RESTORE.format(epoch.origin)])
    return head, kept.note


def _leads_to(session: sa.Connection, epoch: Epoch, head: Checkpoint) -> bool:
    tree = Stored(session, epoch)
    try:
        return head.origin == epoch.origin and head.size <= tree.size() and tree.root(head.size) == head.root
    except Damaged:
        return False


def _declared(folder: LogFolder, epoch: Epoch, left: Checkpoint, kept: str) -> tuple[Checkpoint, str]:
    """Return the last head that was signed of a tree, as it is read and word for word."""
    last = folder.heads.last(epoch.origin)
    if last.size <= left.size:
        return left, kept
    try:
        key = folder.key(epoch.municipality_id, epoch.number)
    except Misconfigured as wrong:
        raise Misconfigured([*wrong.problems, NO_OLD_KEY.format(epoch.origin, last.size)]) from wrong
    # It was signed before, or was about to be: the same head again says nothing new.
    return last, str(key.sign_checkpoint(last))


def _cut(session: sa.Connection, epoch: Epoch, size: int) -> None:
    """Cut a tree off after so many entries.

    What no head covers can't be proved to be in this tree, and is numbered anew in the next.
    """
    _cut_off(session, audit_leaves, epoch, audit_leaves.c.position >= size)
    for level in range(HEIGHT, 64, HEIGHT):
        beyond = sa.and_(audit_nodes.c.level == level, audit_nodes.c.position >= size >> level)
        _cut_off(session, audit_nodes, epoch, beyond)


def _cut_off(session: sa.Connection, table: sa.Table, epoch: Epoch, beyond: sa.ColumnElement[bool]) -> None:
    mine = sa.and_(table.c.municipality_id == epoch.municipality_id, table.c.epoch == epoch.number)
    session.execute(sa.delete(table).where(mine, beyond))
