"""Does the log in the database hold? The trail's rows, their places, the tree, the chains and the signed heads agree.

It sees more than `bti-verify` does on an export (which row it is, who waits, what was signed last) and proves less: it
runs where the database is. Its answers are the verifier's, and so are its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from bti.audit.export import Progress, quiet
from bti.audit.leaves import Leaf, leaves
from bti.audit.stored import Edge, Epoch, Signed, checkpoints, epochs
from bti.models import audit_entries, audit_leaves, audit_nodes
from bti.verifier.chain import Chains
from bti.verifier.checkpoint import Checkpoint
from bti.verifier.epochs import check_declared, declared
from bti.verifier.policy import Head, Policy
from bti.verifier.tree import EMPTY_ROOT, leaf_hash
from bti.verifier.verdict import SHOWN, Report, Tampered, Undecided, named, spans

# What was signed last, by the log's name, as its signer remembers it.
Remembered = Mapping[str, Checkpoint]
_PROGRESS_EACH = 5_000


@dataclass
class _Seen:
    """What a tree's leaves say. `roots` are those at the sizes that heads ask for, `ids` which row stands where."""

    size: int = 0
    first: bytes = b""
    roots: dict[int, bytes] = field(default_factory=lambda: {0: EMPTY_ROOT})
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    changed: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    ids: dict[int, int] = field(default_factory=dict)


def check_log(
    session: sa.Connection,
    *,
    municipality_id: str,
    policy: Policy,
    remembered: Remembered,
    progress: Progress = quiet,
) -> Report:
    """Check a municipality's log and return what was found. `session` sees one moment.

    `policy` says whose signatures to believe. `remembered` is the signer's own memory of what it signed last: without
    it nobody can tell here whether the newest entries were cut off together with their heads.
    """
    report, chains = Report(), Chains()
    found = epochs(session, municipality_id)
    if not found:
        report.undecided(f"The log of {municipality_id} hasn't begun: bti audit key begins it.")
        return report
    before: tuple[int, Head, list[Head]] | None = None
    total, done = _count(session, municipality_id), 0
    for epoch in found:
        heads = _heads(epoch, checkpoints(session, epoch), policy, report)
        last = remembered.get(epoch.origin)
        sizes = {head.checkpoint.size for head in heads} | ({last.size} if last else set())
        seen = _look(session, epoch, sizes, chains, lambda here, so_far=done: progress(so_far + here, total))
        done += seen.size
        _name_rows(epoch, seen, report)
        _name_nodes(session, epoch, seen, report)
        _name_heads(epoch, seen, heads, last, report, is_last=epoch is found[-1])
        if seen.size:
            check_declared(before=before, number=epoch.number, told=declared(seen.first), policy=policy, report=report)
        before = _known(epoch, heads, last)
    chains.tell(report)
    report.checked.append(f"The chains of {len(chains.last)} cases were followed.")
    _name_waiting(session, found[-1], report)
    progress(total, total)
    return report


# --- heads ---------------------------------------------------------------------------------------------------------


def _heads(epoch: Epoch, kept: Sequence[Signed], policy: Policy, report: Report) -> list[Head]:
    """Return the heads that can be believed, in order of size."""
    found = []
    for one in kept:
        try:
            head = policy.open(one.note.encode())
        except Undecided as wrong:
            report.undecided(f"Epoch {epoch.number}, the head kept for {one.size} entries: {wrong}", epoch=epoch.number)
        except Tampered as wrong:
            report.tampered(f"Epoch {epoch.number}, the head kept for {one.size} entries: {wrong}", epoch=epoch.number)
        else:
            said = head.checkpoint
            if (said.size, said.origin) == (one.size, epoch.origin):
                found.append(head)
                continue
            report.tampered(
                f"Epoch {epoch.number}: where the head of {one.size} entries of “{epoch.origin}” was kept, there is "
                f"one of {said.size} entries of “{said.origin}”.",
                epoch=epoch.number,
            )
    return found


def _known(epoch: Epoch, heads: list[Head], last: Checkpoint | None) -> tuple[int, Head, list[Head]] | None:
    """Return what the next epoch's declaration is compared with: the newest head, and all that were ever signed."""
    if not heads:
        return None
    signed = [*heads, replace(heads[-1], checkpoint=last)] if last and last.size else heads
    return epoch.number, heads[-1], signed


def _name_heads(
    epoch: Epoch, seen: _Seen, heads: list[Head], last: Checkpoint | None, report: Report, *, is_last: bool
) -> None:
    good = [head.checkpoint.size for head in heads if seen.roots.get(head.checkpoint.size) == head.checkpoint.root]
    for head in heads:
        size = head.checkpoint.size
        if size > seen.size:
            _tampered(report, epoch, seen, seen.size, size - 1, f"{size} entries were signed: cut off")
        elif size not in good:
            holds = max((one for one in good if one < size), default=0)
            told = f"their kept hashes don't lead to the head that was signed for {size} entries"
            _tampered(report, epoch, seen, holds, size - 1, told)
            break
    newest = heads[-1].checkpoint.size if heads else 0
    if last is not None and is_last:
        _name_lost(epoch, seen, newest, last, report)
    if is_last and (last is None or last.size < newest):
        report.notes.append(
            "What the signer remembers wasn't at hand: whether the newest entries were cut off can't be told here."
        )
    if seen.size > newest:
        report.notes.append(f"Epoch {epoch.number}: {named(newest, seen.size - 1)} are numbered and not signed yet.")
    if heads and newest in good:
        report.checked.append(
            f"Epoch {epoch.number}, “{epoch.origin}”: {newest} entries lead to the newest head, and "
            f"{len(good) - 1} earlier heads agree with it."
        )


def _name_lost(epoch: Epoch, seen: _Seen, newest: int, last: Checkpoint, report: Report) -> None:
    if last.size > seen.size:
        told = f"{last.size} entries were signed, {seen.size} are here: cut off, or an older backup was restored"
        _tampered(report, epoch, seen, seen.size, last.size - 1, told)
    elif seen.roots.get(last.size) != last.root:
        _tampered(report, epoch, seen, 0, last.size - 1, "the tree isn't the one that was signed last")
    elif last.size > newest:
        told = f"the head of {last.size} entries was signed and isn't kept; the newest that is has {newest}"
        _tampered(report, epoch, seen, newest, last.size - 1, told)


# --- rows ----------------------------------------------------------------------------------------------------------


def _look(session: sa.Connection, epoch: Epoch, sizes: Iterable[int], chains: Chains, tell: Any) -> _Seen:
    """Go through a tree's leaves once."""
    seen, edge, wanted = _Seen(), Edge(0, []), set(sizes)
    for leaf in leaves(session, municipality_id=epoch.municipality_id, epoch=epoch.number):
        seen.missing += range(seen.size, leaf.position)
        if seen.size == 0:
            seen.first = leaf.data or b""
        seen.size = leaf.position + 1
        _judge(leaf, seen)
        _follow(leaf, chains)
        edge.extend([leaf.leaf_hash])
        if edge.size in wanted:
            seen.roots[edge.size] = edge.root()
        if not seen.size % _PROGRESS_EACH:
            tell(seen.size)
    seen.nodes = {(level, position): value for level, position, value in edge.made}
    return seen


def _judge(leaf: Leaf, seen: _Seen) -> None:
    place = leaf.place.case_id if leaf.place else None
    fault = (
        seen.removed
        if leaf.data is None
        else seen.changed
        if leaf_hash(leaf.data) != leaf.leaf_hash
        else seen.moved
        if place != leaf.case_id
        else None
    )
    if fault is not None:
        fault.append(leaf.position)
        seen.ids[leaf.position] = leaf.entry_id


def _follow(leaf: Leaf, chains: Chains) -> None:
    if leaf.place is None:
        return
    case, before = leaf.place.case_id.encode(), chains.last.get(leaf.place.case_id.encode())
    chains.compare(case, before, (leaf.place.seq, leaf.place.prev.hex().encode(), leaf.position))
    chains.last[case] = (leaf.place.seq, leaf.leaf_hash, leaf.position)


def _name_rows(epoch: Epoch, seen: _Seen, report: Report) -> None:
    for numbers, told in (
        (seen.changed, "changed after it was numbered"),
        (seen.removed, "removed from the trail"),
        (seen.moved, "given a place in another case's chain"),
        (seen.missing, "without a place in the tree"),
    ):
        found = list(spans(numbers))
        for first, last in found[:SHOWN]:
            _tampered(report, epoch, seen, first, last, told)
        if len(found) > SHOWN:
            _tampered(report, epoch, seen, found[SHOWN][0], found[-1][1], f"{len(found) - SHOWN} more ranges {told}")


def _name_nodes(session: sa.Connection, epoch: Epoch, seen: _Seen, report: Report) -> None:
    n = audit_nodes.c
    mine = sa.and_(n.municipality_id == epoch.municipality_id, n.epoch == epoch.number)
    kept = {
        (level, position): bytes(value)
        for level, position, value in session.execute(sa.select(n.level, n.position, n.node_hash).where(mine))
    }
    wrong = sorted(place for place in kept.keys() | seen.nodes.keys() if kept.get(place) != seen.nodes.get(place))
    for level, position in wrong[:SHOWN]:
        told = f"the tree's hash of level {level} over them isn't what they lead to"
        _tampered(report, epoch, seen, position << level, ((position + 1) << level) - 1, told)


# --- those that wait -----------------------------------------------------------------------------------------------


def _name_waiting(session: sa.Connection, epoch: Epoch, report: Report) -> None:
    """Name entries without a place: few and new ones wait for it, older ones were slipped in or left out."""
    e, l = audit_entries.c, audit_leaves.c  # noqa: E741
    numbered = sa.exists().where(l.municipality_id == e.municipality_id, l.entry_id == e.id)
    rows = session.execute(
        sa.select(e.id).where(e.municipality_id == epoch.municipality_id, ~numbered).order_by(e.id)
    ).scalars()
    waits = list(rows)
    passed = [entry_id for entry_id in waits if entry_id <= epoch.numbered_to]
    for first, last in list(spans(passed))[:SHOWN]:
        ids = f"id {first}" if first == last else f"ids {first}–{last}"
        report.tampered(
            f"The trail has entries ({ids}) that were never numbered, though all up to id {epoch.numbered_to} were: "
            "slipped in afterwards, or their places were taken away."
        )
    if len(waits) > len(passed):
        number = len(waits) - len(passed)
        told = "One entry waits" if number == 1 else f"{number} entries wait"
        report.notes.append(f"{told} to be numbered: nothing vouches for what waits.")


def _count(session: sa.Connection, municipality_id: str) -> int:
    query = sa.select(sa.func.count()).where(audit_leaves.c.municipality_id == municipality_id)
    return int(session.execute(query).scalar_one())


def _tampered(report: Report, epoch: Epoch, seen: _Seen, first: int, last: int, told: str) -> None:
    ids = [seen.ids[at] for at in (first, last) if at in seen.ids]
    which = f" (id {ids[0]})" if first == last and ids else f" (ids {ids[0]}–{ids[-1]})" if len(ids) == 2 else ""
    text = f"Epoch {epoch.number}, {named(first, last)}{which}: {told}."
    report.tampered(text, first=first, last=last, epoch=epoch.number)
