"""Checking an exported log: signatures, witnesses, tree, chains, earlier heads, and what came between epochs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from . import layout
from .chain import Chains
from .epochs import check_gap
from .forms import Reader
from .layout import CHECKPOINT, File, earlier_checkpoints, entry_files, epochs_in, read_small
from .locate import differences
from .policy import Head, Policy
from .run import FileSeen, Job, RunSeen, read_run, read_run_alone
from .tree import EMPTY_ROOT, Frontier
from .verdict import SHOWN, Report, Tampered, Undecided, moment, named, spans

# Below this many bytes, starting processes costs more than they save.
WORTH_PROCESSES = 8_000_000
# More runs than processes, so that one that is held up doesn't hold up the rest.
RUNS_EACH = 2


@dataclass
class Epoch:
    """One tree of the log. `heads` are its signed heads, `head` the one that says how many entries are covered.

    `held` are those of the heads that somebody kept elsewhere, whom the log's owner can't have deceived later.
    `frontier` is the tree as far as the entries stand in an unbroken row, `roots` what it was at the sizes of heads.
    """

    number: int
    folder: Path
    heads: list[Head]
    head: Head | None
    files: list[File]
    held: list[Head] = field(default_factory=list)
    frontier: Frontier = field(default_factory=Frontier)
    lines: int = 0
    surplus: int = 0
    roots: dict[int, bytes] = field(default_factory=lambda: {0: EMPTY_ROOT})

    @property
    def size(self) -> int:
        """How many entries are to be looked at."""
        return self.head.checkpoint.size if self.head else sum(file.covered for file in self.files)

    def agrees(self, head: Head) -> bool:
        """Return whether the entries lead to this head."""
        return self.roots.get(head.checkpoint.size) == head.checkpoint.root


def check_bundle(folder: Path, policy: Policy, *, held: Iterable[bytes] = (), processes: int | None = None) -> Report:
    """Check the exported log in `folder` and return what was found.

    `held` are signed checkpoints that were kept elsewhere: each must be a beginning of this log. `processes` is how
    many to read with; None means as many as there are processors.
    """
    report = Report()
    try:
        kept = _kept(held, policy, report)
        epochs = [_open(number, path, policy, kept, report) for number, path in epochs_in(folder)]
        _name_strangers(kept, epochs, report)
        _read(epochs, report, processes or os.cpu_count() or 1)
        for epoch in epochs:
            _check(epoch, report, is_last=epoch is epochs[-1])
        _check_gaps(epochs, policy, report)
    except Undecided as wrong:
        report.undecided(str(wrong))
    except OSError as wrong:
        report.undecided(f"{wrong.filename or folder} can't be read: {wrong.strerror}.")
    except BrokenProcessPool:
        report.undecided("A process that read the entries was ended from outside.")
    return report


# --- Heads -----------------------------------------------------------------------------------------------


def _kept(held: Iterable[bytes], policy: Policy, report: Report) -> list[Head]:
    heads = []
    for data in held:
        try:
            heads.append(policy.open(data))
        except Undecided as wrong:
            report.undecided(f"A checkpoint held elsewhere can't be used: {wrong}")
        except Tampered as wrong:
            report.tampered(f"A checkpoint held elsewhere is no good: {wrong}")
    return heads


def _open(number: int, folder: Path, policy: Policy, kept: Sequence[Head], report: Report) -> Epoch:
    newest = None
    try:
        newest = policy.open(read_small(folder / CHECKPOINT))
        policy.require_witnesses(newest)
    except Undecided as wrong:
        report.undecided(f"Epoch {number}: {wrong}", epoch=number)
    except Tampered as wrong:
        report.tampered(f"Epoch {number}, the newest checkpoint: {wrong}", epoch=number)
    earlier = list(_earlier(number, folder, policy, report))
    origin = next((head.checkpoint.origin for head in [newest, *reversed(earlier)] if head), None)
    heads = [head for head in (*earlier, *kept) if head.checkpoint.origin == origin]
    if newest:
        heads.append(newest)
    # Without a newest head that holds, an older one still tells how far the entries are what was signed.
    head = newest or max(heads, key=lambda one: one.checkpoint.size, default=None)
    files = entry_files(folder, head.checkpoint.size if head else None)
    return Epoch(number, folder, heads, head, files, [one for one in kept if one in heads])


def _earlier(number: int, folder: Path, policy: Policy, report: Report) -> Iterable[Head]:
    for path in earlier_checkpoints(folder):
        try:
            yield policy.open(read_small(path))
        except Undecided as wrong:
            report.notes.append(f"The earlier checkpoint {path.name} of epoch {number} was left out: {wrong}")
        except Tampered as wrong:
            report.tampered(f"Epoch {number}, the earlier checkpoint {path.name}: {wrong}", epoch=number)


def _name_strangers(kept: Sequence[Head], epochs: Sequence[Epoch], report: Report) -> None:
    known = {id(head) for epoch in epochs for head in epoch.heads}
    for head in kept:
        if id(head) not in known:
            report.undecided(
                f"A checkpoint held elsewhere is of “{head.checkpoint.origin}”, which isn't in the bundle."
            )


# --- Entries ---------------------------------------------------------------------------------------------


def _read(epochs: Sequence[Epoch], report: Report, processes: int) -> None:
    """Read all entries, follow the cases' chains through all epochs, and work out the roots that heads ask for."""
    jobs = [(epoch, job) for epoch in epochs for job in _jobs(epoch, processes * RUNS_EACH)]
    chains = Chains()
    for (epoch, job), seen in zip(jobs, _runs([job for _epoch, job in jobs], processes), strict=True):
        for file, found in zip(job.files, seen.files, strict=True):
            _grow(epoch, file, found, report)
        chains.follow(seen.chains)
        _name_faults(epoch, seen, report)
    chains.tell(report)
    entries = sum(one.lines for one in epochs)
    report.checked.append(f"{entries} entries were read, and the chains of {len(chains.last)} cases followed.")


def _jobs(epoch: Epoch, runs: int) -> list[Job]:
    marks = tuple(sorted({head.checkpoint.size for head in epoch.heads}))
    each = max(1, -(-len(epoch.files) // runs))
    return [Job(tuple(epoch.files[at : at + each]), marks) for at in range(0, len(epoch.files), each)]


def _runs(jobs: Sequence[Job], processes: int) -> Iterable[RunSeen]:
    paths = [file.path for job in jobs for file in job.files]
    if processes == 1 or sum(path.stat().st_size for path in paths if path.exists()) < WORTH_PROCESSES:
        reader = Reader()
        yield from (read_run(job, reader) for job in jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(read_run_alone, jobs)


def _grow(epoch: Epoch, file: File, found: FileSeen, report: Report) -> None:
    epoch.lines += found.lines
    if found.surplus and file.first + layout.PER_FILE <= epoch.size:
        text = f"Epoch {epoch.number}, {file.path.name}: {found.surplus} lines too many, which nobody signed."
        last = file.first + layout.PER_FILE - 1
        report.tampered(text, first=last, last=last, epoch=epoch.number)
    else:
        epoch.surplus += found.surplus
    if epoch.frontier.size != file.first:
        return
    before = epoch.frontier
    for mark, peaks in found.peaks.items():
        grown = before.copy()
        for level, peak in peaks:
            grown.add(level, peak)
        epoch.roots[grown.size] = grown.root()
        if mark == found.lines:
            epoch.frontier = grown


def _name_faults(epoch: Epoch, seen: RunSeen, report: Report) -> None:
    why: dict[str, list[int]] = {}
    for number, fault in seen.faults:
        why.setdefault(fault, []).append(number)
    for fault, numbers in why.items():
        for first, last in list(spans(numbers))[:SHOWN]:
            text = f"Epoch {epoch.number}, {named(first, last)}: not in canonical form, {fault}."
            report.tampered(text, first=first, last=last, epoch=epoch.number)


# --- Tree ------------------------------------------------------------------------------------------------


def _check(epoch: Epoch, report: Report, *, is_last: bool) -> None:
    head = epoch.head
    if head is None:
        text = f"Epoch {epoch.number} has no head that can be believed, so nothing in it can be vouched for."
        report.undecided(text, epoch=epoch.number)
        return
    good = sorted({0, *(one.checkpoint.size for one in epoch.heads if epoch.agrees(one))})
    bad = sorted({one.checkpoint.size for one in epoch.heads if one.checkpoint.size <= epoch.size} - set(good))
    if not epoch.agrees(head):
        _name_differences(epoch, head, good, bad, report)
    else:
        _name_forks(epoch, report)
        _say_what_holds(epoch, head, report)
    if is_last:
        _name_truncation(epoch, report)
    if epoch.surplus:
        report.notes.append(
            f"Epoch {epoch.number}: {epoch.surplus} entries lie beyond the {epoch.size} that are signed. "
            "Nothing is said about them."
        )


def _name_differences(epoch: Epoch, head: Head, good: list[int], bad: list[int], report: Report) -> None:
    if epoch.lines < epoch.size:
        text = f"Epoch {epoch.number}: {epoch.size} entries were signed, {epoch.lines} are here."
        report.tampered(text, epoch=epoch.number)
    holds = max(size for size in good if size < epoch.size)
    breaks = min((size for size in bad if size > holds), default=epoch.size)
    found = list(
        differences(
            epoch=epoch.folder,
            files=epoch.files,
            size=epoch.size,
            root=head.checkpoint.root,
            good=holds,
            bad=breaks,
        )
    )
    for one in found[:SHOWN]:
        text = f"Epoch {epoch.number}, {named(one.first, one.last)}: {one.text}."
        report.tampered(text, first=one.first, last=one.last, epoch=epoch.number)
    if len(found) > SHOWN:
        first, last = found[SHOWN].first, max(one.last for one in found)
        text = f"Epoch {epoch.number}: {len(found) - SHOWN} more ranges, in {named(first, last)}."
        report.tampered(text, first=first, last=last, epoch=epoch.number)


def _name_forks(epoch: Epoch, report: Report) -> None:
    """Name the heads that the log signed and that don't lead to the newest: whoever has the key rewrote what was.

    They may have signed the earlier heads in the bundle anew, too: only one that was kept elsewhere bounds the range.
    """
    forks = {one.checkpoint.size for one in epoch.heads if one.checkpoint.size <= epoch.size and not epoch.agrees(one)}
    sure = [0, *(one.checkpoint.size for one in epoch.held if epoch.agrees(one))]
    for size in sorted(forks)[:SHOWN]:
        last = max(0, size - 1)
        first = max(one for one in sure if one <= last)
        report.tampered(
            f"Epoch {epoch.number}: the log signed another head for {size} entries before, so something among "
            f"{named(first, last)} was rewritten with its key.",
            first=first,
            last=last,
            epoch=epoch.number,
        )


def _name_truncation(epoch: Epoch, report: Report) -> None:
    largest = max(head.checkpoint.size for head in epoch.heads)
    if largest > epoch.size:
        report.tampered(
            f"Epoch {epoch.number}: {largest} entries were signed, but the newest checkpoint here covers {epoch.size}: "
            f"{named(epoch.size, largest - 1)} were cut off.",
            first=epoch.size,
            last=largest - 1,
            epoch=epoch.number,
        )


def _say_what_holds(epoch: Epoch, head: Head, report: Report) -> None:
    seen = ", ".join(f"{name} at {moment(at)}" for name, at in head.witnessed.items())
    report.checked.append(
        f"Epoch {epoch.number}, “{head.checkpoint.origin}”: {epoch.size} entries are what the key {head.key.name}+"
        f"{head.key.id.hex()} signed; {f'seen by {seen}' if seen else 'seen by no witness'}."
    )
    earlier = len(epoch.heads) - 1
    if earlier:
        report.checked.append(f"Epoch {epoch.number}: {earlier} earlier checkpoints were compared with it.")


def _check_gaps(epochs: Sequence[Epoch], policy: Policy, report: Report) -> None:
    for before, epoch in zip([None, *epochs], epochs, strict=False):
        if not epoch.files or (before and not before.head):
            continue
        told = (before.number, before.head, before.heads) if before and before.head else None
        check_gap(before=told, after=(epoch.number, epoch.files[0].path), policy=policy, report=report)
