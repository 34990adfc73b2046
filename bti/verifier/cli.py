"""The command `bti-verify`: says in sentences whether a log holds, and answers 0 good, 1 tampered, 2 cannot decide."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .bundle import check_bundle
from .layout import read_small
from .note import encode64
from .policy import Head, Policy, read_policy
from .proof import read_consistency, read_inclusion
from .verdict import GOOD, TAMPERED, UNDECIDED, Report, Tampered, Undecided, moment

VERDICTS = {
    GOOD: "Good: everything that was checked holds.",
    TAMPERED: "TAMPERED: this isn't what was signed.",
    UNDECIDED: "Cannot decide: nothing speaks against the log, but something needed is missing.",
}
ABOUT = """\
Checks a Stafett audit log, or a part of it, without the application, its database or a network. It believes nobody but
the keys in the policy file: ask for those on another way than the log itself came."""
CODES = """\
exit code: 0 good; 1 tampered, with the numbers of the entries; 2 cannot decide (something is missing, unreadable,
signed with an unknown key, or not seen by enough witnesses). Entries are numbered from 0."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    told = _parser().parse_args(arguments)
    report = Report()
    try:
        policy = read_policy(read_small(told.policy))
        told.check(told, policy, report)
    except Undecided as wrong:
        report.undecided(str(wrong))
    except Tampered as wrong:
        report.tampered(str(wrong))
    (_print_json if told.json else _print)(report)
    return report.code


# --- Commands --------------------------------------------------------------------------------------------


def _checkpoint(told: argparse.Namespace, policy: Policy, report: Report) -> None:
    head = policy.open(read_small(told.file))
    policy.require_witnesses(head)
    report.checked.append(_said(head))


def _proof(told: argparse.Namespace, policy: Policy, report: Report) -> None:
    proof = read_inclusion(read_small(told.file))
    # An editor or `echo` ends a file with a newline; no entry holds one.
    head = proof.verify(read_small(told.entry).removesuffix(b"\n"), policy)
    report.checked += [_said(head), f"The entry in {told.entry} is number {proof.index} of them."]


def _consistency(told: argparse.Namespace, policy: Policy, report: Report) -> None:
    old = policy.open(read_small(told.old))
    new = read_consistency(read_small(told.proof)).verify(old, policy)
    report.checked += [_said(old), _said(new), "The first is the beginning of the second."]


def _bundle(told: argparse.Namespace, policy: Policy, report: Report) -> None:
    held = [read_small(path) for path in told.held]
    found = check_bundle(told.folder, policy, held=held, processes=told.processes)
    report.checked += found.checked
    report.notes += found.notes
    report.findings += found.findings


def _said(head: Head) -> str:
    seen = ", ".join(f"{name} at {moment(at)}" for name, at in head.witnessed.items()) or "no witness"
    said = head.checkpoint
    return f"“{said.origin}” had {said.size} entries with the root {encode64(said.root)}; seen by {seen}."


# --- Words -----------------------------------------------------------------------------------------------


def _print(report: Report) -> None:
    for line in report.checked:
        print(line)
    for line in report.notes:
        print(f"Note: {line}")
    for finding in report.findings:
        print(f"{'!!' if finding.code == TAMPERED else '??'} {finding.text}")
    print(VERDICTS[report.code])


def _print_json(report: Report) -> None:
    told = {**asdict(report), "code": report.code}
    print(json.dumps(told, ensure_ascii=False, indent=2))


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("bti-verify", description=ABOUT, epilog=CODES, formatter_class=plain)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    bundle = commands.add_parser("bundle", help="check a whole exported log")
    bundle.add_argument("folder", type=Path, metavar="FOLDER", help="what bti audit export wrote")
    bundle.add_argument(
        "--held",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a signed checkpoint you have kept yourself: must be a beginning of this log; may be said several times",
    )
    bundle.add_argument(
        "--processes", type=int, metavar="N", help="how many to read with; as many as processors if not said"
    )
    bundle.set_defaults(check=_bundle)

    checkpoint = commands.add_parser("checkpoint", help="check the signatures under a checkpoint")
    checkpoint.add_argument("file", type=Path, metavar="FILE")
    checkpoint.set_defaults(check=_checkpoint)

    proof = commands.add_parser("proof", help="check that an entry is in the log")
    proof.add_argument("file", type=Path, metavar="PROOF", help="a .tlog-proof file")
    proof.add_argument("--entry", type=Path, required=True, metavar="FILE", help="exactly the entry's bytes")
    proof.set_defaults(check=_proof)

    consistency = commands.add_parser(
        "consistency", help="check that an older checkpoint is the beginning of a newer one"
    )
    consistency.add_argument("old", type=Path, metavar="OLD", help="the older checkpoint, as you have kept it")
    consistency.add_argument("proof", type=Path, metavar="PROOF", help="the hashes and the newer checkpoint")
    consistency.set_defaults(check=_consistency)

    for one in (bundle, checkpoint, proof, consistency):
        one.formatter_class, one.epilog = plain, CODES
        one.add_argument("--policy", type=Path, required=True, metavar="FILE", help="whose keys to believe")
        one.add_argument("--json", action="store_true", help="answer in JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
