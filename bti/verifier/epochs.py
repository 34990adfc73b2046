"""What came between two trees of one log.

When an older backup is restored, the log can't go on from the head that was signed last: its entries are gone, and
other ones would contradict it. So a new tree begins, under another name and with another key. Its first entry has the
event `log.begin` and, in the field `after`, the last known signed head of the tree before, word for word. What lies
between that head and the restored entries is lost, and everybody who checks the log is told so.
"""

from __future__ import annotations

from pathlib import Path

from .entries import NotCanonical, decode
from .forms import pieces
from .policy import Head, Policy
from .verdict import Report, Tampered, Undecided, named

BEGIN = "log.begin"
AFTER = "after"
# The first entry holds a whole signed note; no entry is longer than this.
_ENOUGH = 1 << 17


def check_gap(
    *, before: tuple[int, Head, list[Head]] | None, after: tuple[int, Path], policy: Policy, report: Report
) -> None:
    """Report what lies between an epoch (number, head, all heads known of it) and the next (number, file of entries).

    Without an epoch before, report whether there should have been one.
    """
    number, file = after
    check_declared(before=before, number=number, told=_told_in(file), policy=policy, report=report)


def check_declared(
    *, before: tuple[int, Head, list[Head]] | None, number: int, told: str, policy: Policy, report: Report
) -> None:
    """The same for an epoch whose first entry is at hand: `told` is what `declared` found in it."""
    if before is None:
        if told:
            origin = told.partition("\n")[0]
            report.undecided(f"This log goes on from “{origin}”, which isn't in the bundle.", epoch=number)
        return
    earlier, head, heads = before
    if not told:
        report.tampered(
            f"Epoch {number} doesn't begin by declaring what epoch {earlier} ended with.", first=0, last=0, epoch=number
        )
        return
    try:
        last = policy.open(told.encode())
    except (Undecided, Tampered) as wrong:
        report.tampered(f"Epoch {number} declares a head that isn't one: {wrong}", first=0, last=0, epoch=number)
        return
    _compare(earlier, head, heads, number, last, report)


def declared(line: bytes) -> str:
    """Return the signed head that an epoch's first entry declares, empty when it declares none."""
    try:
        entry = decode(line)
    except NotCanonical:
        return ""
    fields = entry.get("fields")
    told = fields.get(AFTER) if entry["event"] == BEGIN and isinstance(fields, dict) else None
    return told if isinstance(told, str) else ""


def _compare(earlier: int, head: Head, heads: list[Head], number: int, told: Head, report: Report) -> None:
    last = told.checkpoint
    if last.origin != head.checkpoint.origin:
        report.tampered(
            f"Epoch {number} declares that it follows “{last.origin}”; epoch {earlier} is “{head.checkpoint.origin}”.",
            first=0,
            last=0,
            epoch=number,
        )
        return
    for known in heads:
        size = known.checkpoint.size
        if size > last.size:
            report.tampered(
                f"Epoch {earlier} had {size} signed entries, but epoch {number} admits only {last.size}: "
                f"{named(last.size, size - 1)} vanished without a word.",
                first=last.size,
                last=size - 1,
                epoch=earlier,
            )
        elif size == last.size and known.checkpoint.root != last.root:
            report.tampered(
                f"Epoch {number} declares another root for the {size} entries of epoch {earlier} than the one signed.",
                first=0,
                last=size - 1,
                epoch=earlier,
            )
    held = head.checkpoint.size
    if held < last.size:
        report.notes.append(
            f"Epoch {number} began because an older backup was restored: {named(held, last.size - 1)} of epoch "
            f"{earlier} were signed and are lost. It says so itself."
        )
    else:
        report.notes.append(f"Epoch {number} goes on where epoch {earlier} ended: nothing is missing between them.")


def _told_in(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return declared(next(pieces(opened.read(_ENOUGH)), b"").partition(b"\n")[0])
    except OSError:
        return ""
