"""The log as others take it along: the whole of it as a folder, one entry with its proof, one head with its growth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bti.audit.bundle import begin, write_epoch, write_manifest
from bti.audit.leaves import leaves
from bti.audit.stored import Epoch, Signed, Stored, checkpoints, epochs, newest_checkpoint, spread
from bti.config import Misconfigured
from bti.models import audit_leaves
from bti.verifier.checkpoint import Checkpoint, read_checkpoint
from bti.verifier.note import read_note
from bti.verifier.proof import ConsistencyProof, InclusionProof

# Earlier heads narrow down what was changed; more of them tell no more that is worth their space.
MOST_EARLIER = 200
HOW_TO_CHECK = (
    "bti-verify bundle FOLDER --policy FILE, where the policy comes to you on another way than this folder: see "
    "docs/verify.md"
)

# How far something has come: done, of so many.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Exported:
    """What an export holds: entries altogether, and the newest signed head."""

    entries: int
    checkpoint: str


@dataclass(frozen=True)
class Proven:
    """An entry's bytes and the proof that it is in the log."""

    data: bytes
    proof: InclusionProof


def quiet(_done: int, _total: int) -> None:
    """Tell nobody how far it has come."""


def export(
    session: sa.Connection, *, municipality_id: str, folder: Path, now: datetime, progress: Progress = quiet
) -> Exported:
    """Write all that is signed of a municipality's log into a new folder that `bti-verify bundle` reads.

    Each entry is spelt from the trail as it is now, each hash is the one that was kept when it was numbered: where
    they differ, whoever checks sees which was changed. Raises Misconfigured when nothing is signed yet, or the folder
    can't be used.
    """
    found = signed_epochs(session, municipality_id)
    total, done = sum(heads[-1].size for _epoch, heads in found), 0
    begin(folder)

    def counted(entries: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal done
        for entry in entries:
            done += 1
            if not done % 1_000 or done == total:
                progress(done, total)
            yield entry

    for epoch, heads in found:
        newest = heads[-1]
        write_epoch(
            folder,
            number=epoch.number,
            checkpoint=newest.note.encode(),
            entries=counted(_entries(session, epoch, newest.size)),
            leaf_hashes=_hashes(session, epoch, newest.size),
            earlier=[one.note.encode() for one in spread(heads[:-1], MOST_EARLIER)],
        )
    write_manifest(folder, _about(municipality_id, found, now))
    return Exported(total, found[-1][1][-1].note)


def _about(municipality_id: str, found: list[tuple[Epoch, list[Signed]]], now: datetime) -> dict[str, Any]:
    told = [
        {
            "number": epoch.number,
            "origin": epoch.origin,
            "entries": heads[-1].size,
            "signed_at": heads[-1].signed_at.isoformat(),
        }
        for epoch, heads in found
    ]
    about = {"municipality": municipality_id, "exported_at": now.isoformat(), "check_with": HOW_TO_CHECK}
    return {**about, "epochs": told}


def signed_epochs(session: sa.Connection, municipality_id: str) -> list[tuple[Epoch, list[Signed]]]:
    """Return the epochs of which something is signed, each with its heads. Raises Misconfigured without any."""
    found = [(epoch, checkpoints(session, epoch)) for epoch in epochs(session, municipality_id)]
    found = [(epoch, heads) for epoch, heads in found if heads]
    if not found:
        raise Misconfigured([f"Nothing of the log of {municipality_id} is signed yet: bti audit run does that."])
    return found


def newest_note(session: sa.Connection, municipality_id: str) -> str:
    """Return the newest signed head of a municipality's log. Raises Misconfigured when nothing is signed yet."""
    return signed_epochs(session, municipality_id)[-1][1][-1].note


def prove(session: sa.Connection, *, municipality_id: str, entry_id: int) -> Proven:
    """Return an entry with the proof that it is under its tree's newest signed head.

    Raises Misconfigured when there is no such entry here, or no head covers it yet.
    """
    l = audit_leaves.c  # noqa: E741
    mine = sa.and_(l.municipality_id == municipality_id, l.entry_id == entry_id)
    place = session.execute(sa.select(l.epoch, l.position).where(mine)).first()
    if place is None:
        told = f"There is no entry {entry_id} in the log of {municipality_id}, or it waits for its number."
        raise Misconfigured([told])
    epoch = next(one for one in epochs(session, municipality_id) if one.number == place.epoch)
    head = newest_checkpoint(session, epoch)
    if head is None or head.size <= place.position:
        raise Misconfigured([f"Entry {entry_id} is numbered and not signed yet: bti audit run does that."])
    (leaf,) = leaves(
        session,
        municipality_id=municipality_id,
        epoch=epoch.number,
        first=place.position,
        last=place.position + 1,
    )
    if leaf.data is None:
        raise Misconfigured([f"Entry {entry_id} was removed from the trail: bti fsck says more."])
    hashes = Stored(session, epoch).inclusion(place.position, head.size)
    return Proven(leaf.data, InclusionProof(place.position, tuple(hashes), read_note(head.note.encode())))


def grown(session: sa.Connection, *, municipality_id: str, old: Checkpoint) -> ConsistencyProof:
    """Return the proof that the newest signed head grew out of `old`: what a witness and a keeper of `old` ask for.

    Raises Misconfigured when `old` is of another log, or has more entries than were signed here.
    """
    found = {epoch.origin: (epoch, heads) for epoch, heads in signed_epochs(session, municipality_id)}
    if old.origin not in found:
        raise Misconfigured([f"The log “{old.origin}” isn't one of {municipality_id}."])
    epoch, heads = found[old.origin]
    head = heads[-1]
    if old.size > head.size:
        raise Misconfigured([f"That head has {old.size} entries, but only {head.size} are signed here: see bti fsck."])
    hashes = Stored(session, epoch).consistency(old.size, head.size)
    return ConsistencyProof(old.size, tuple(hashes), read_note(head.note.encode()))


def head_of(note: str) -> Checkpoint:
    """Return what a signed head says, its signature not looked at. Raises Undecided when it isn't one."""
    return read_checkpoint(read_note(note.encode()).text)


def _entries(session: sa.Connection, epoch: Epoch, size: int) -> Iterator[bytes]:
    for leaf in leaves(session, municipality_id=epoch.municipality_id, epoch=epoch.number, last=size):
        # One that is gone leaves no line: its hash, which is still there, says which it was.
        if leaf.data is not None:
            yield leaf.data


def _hashes(session: sa.Connection, epoch: Epoch, size: int) -> Iterator[bytes]:
    l, at_once = audit_leaves.c, 1 << 16  # noqa: E741
    mine = sa.and_(l.municipality_id == epoch.municipality_id, l.epoch == epoch.number)
    for first in range(0, size, at_once):
        among = sa.and_(mine, l.position >= first, l.position < min(size, first + at_once))
        yield from (bytes(row[0]) for row in session.execute(sa.select(l.leaf_hash).where(among).order_by(l.position)))
