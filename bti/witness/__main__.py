"""`python -m bti.witness`: a witness in a process of its own, or a checkpoint signed by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bti.config import Misconfigured
from bti.verifier.verdict import Undecided
from bti.witness import work
from bti.witness.judge import Refusal, Witness


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns 1 when the witness refuses, 2 when it can't work."""
    told = _parser().parse_args(arguments)
    try:
        told.run(told)
    except Refusal as refusal:
        print(f"Not signed: {refusal}", file=sys.stderr)
        return 1
    except (Misconfigured, Undecided, OSError) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    return 0


def _key(told: argparse.Namespace) -> None:
    print(work.make_key(told.file, name=told.name))


def _serve(told: argparse.Namespace) -> None:
    work.serve(_witness(told), bind=told.bind, tell=lambda line: print(line, flush=True))


def _sign(told: argparse.Namespace) -> None:
    print(work.sign_file(_witness(told), told.file), end="")


def _witness(told: argparse.Namespace) -> Witness:
    return work.a_witness(key=told.key, policy=told.policy, memory=told.memory)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bti.witness", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    key = commands.add_parser("key", help="make the witness's key and print its public half")
    key.add_argument("file", type=Path)
    key.add_argument("--name", required=True, help="for example county.example/witness")
    key.set_defaults(run=_key)
    serve = commands.add_parser("serve", help="answer logs over HTTP")
    serve.add_argument("--bind", default="127.0.0.1:8100", help="ADDRESS:PORT, %(default)s if not said")
    serve.set_defaults(run=_serve)
    sign = commands.add_parser("sign", help="print a checkpoint file with the witness's signature under it")
    sign.add_argument("file", type=Path)
    sign.set_defaults(run=_sign)
    for one in (serve, sign):
        one.add_argument("--key", type=Path, required=True, help="the witness's private key")
        one.add_argument("--policy", type=Path, required=True, help="which logs' keys to believe")
        one.add_argument("--memory", type=Path, required=True, help="a folder that remembers the last heads")
    return parser


if __name__ == "__main__":
    sys.exit(main())
