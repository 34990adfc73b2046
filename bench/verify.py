"""Checking an exported log of a million entries, against nothing but the hashes of the same bytes."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from bench.places import Places
from bench.report import Figure, interleaved, ratio
from bti.audit.bundle import begin, write_epoch
from bti.crypto.signing import SigningKey, make_log_key
from bti.verifier.checkpoint import Checkpoint
from bti.verifier.entries import NOTHING_BEFORE, encode
from bti.verifier.tree import Frontier, leaf_hash

TARGET = 0.6
ENTRIES, ROUNDS = 1_000_000, 7
ORIGIN = "storvik.example/stafett"
# Cases come and go: so many are open at a time, and 20,000 altogether.
OPEN, EACH = 400, 35
EARLIER = 200
STARTED = datetime(2026, 8, 1, tzinfo=UTC)
_ALPHABET = "abcdefghjkmnpqrstvwxyz0123456789"
# How often each event comes, with its fields; a letter stands for an id, a number for a number.
_EVENTS: Sequence[tuple[int, str, dict[str, object]]] = (
    (52, "case.read", {"part": "page", "view": "full"}),
    (14, "worklist.read", {"filter": "mine", "shown": 0}),
    (9, "session.login", {"method": "oidc"}),
    (5, "session.logout", {}),
    (5, "entry.add", {"information_kind": "measures", "kind": "log"}),
    (
        4,
        "case.move",
        {
            "closing_reason": None,
            "due_on": "2026-11-23",
            "from": "0.4",
            "move": "start_with_other_service",
            "reason_given": False,
            "to": "2.1",
            "unit": "x",
            "version": 0,
        },
    ),
    (3, "measure.plan", {"evaluate_on": "2026-12-01", "information_kind": "measures", "responsible": "x"}),
    (2, "consent.give", {"channel": "oral", "complete": True, "party": "x", "said_on": "2026-10-12", "version": 0}),
    (
        2,
        "disclosure.open",
        {
            "consent": "x",
            "kinds": ["health", "measures"],
            "law_reference": None,
            "purpose": "cooperation",
            "unit": "x",
            "valid_to": "2027-06-30",
            "version": 0,
        },
    ),
    (2, "subject.search", {"shown": 0}),
    (1, "handover.accept", {"from": "x", "holder": "x", "holder_unit": "x", "takes_over_log": False, "version": 0}),
    (1, "refused", {"attempt": "case.move", "code": "not_ready", "missing": ["consent_missing", "evaluation_missing"]}),
)


def measure(places: Places) -> Iterator[Figure]:
    """Yield how fast `bti-verify bundle` is, from the disk and with all it checks, to the bare root in memory."""
    entries = list(_entries(ENTRIES))
    home = places.home / "log"
    home.mkdir()
    policy = _export(home, entries)
    command = [sys.executable, "-m", "bti.verifier", "bundle", str(home / "bundle"), "--policy", str(policy)]
    sides = {
        "plain": lambda: _plain_root(entries),
        "verified": lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL),
    }
    found = interleaved(sides, rounds=ROUNDS, repeats=1, warm=1)
    detail = {
        "entries": len(entries),
        "bytes each": round(sum(map(len, entries)) / len(entries)),
        **{f"{name}, seconds": round(sorted(times)[len(times) // 2], 2) for name, times in found.items()},
    }
    yield Figure(
        "bti-verify bundle / bare RFC 6962 root", "least", TARGET, ratio(found["plain"], found["verified"]), "×", detail
    )


def _plain_root(entries: Sequence[bytes]) -> bytes:
    hashes = [sha256(b"\x00" + entry).digest() for entry in entries]
    while len(hashes) > 1:
        pairs = iter(hashes)
        above = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
        if len(hashes) % 2:
            above.append(hashes[-1])
        hashes = above
    return hashes[0]


def _export(home: Path, entries: Sequence[bytes]) -> Path:
    key = make_log_key(home / "key", origin=ORIGIN)
    leaves = [leaf_hash(entry) for entry in entries]
    frontier, heads = Frontier(), []
    for at in range(0, len(leaves), len(leaves) // EARLIER):
        frontier.extend(leaves[at : at + len(leaves) // EARLIER])
        heads.append(_head(key, frontier))
    begin(home / "bundle")
    write_epoch(home / "bundle", number=1, checkpoint=heads.pop(), entries=entries, leaf_hashes=leaves, earlier=heads)
    policy = home / "policy"
    policy.write_text(f"log {key.public}\nquorum none\n", "utf-8")
    return policy


def _head(key: SigningKey, frontier: Frontier) -> bytes:
    return key.sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root())).encode()


def _entries(count: int) -> Iterator[bytes]:
    made = random.Random(1)
    people, units = [_id(made) for _ in range(900)], [_id(made) for _ in range(30)]
    cases = [_new_case(made) for _ in range(OPEN)]
    weights = [weight for weight, _event, _fields in _EVENTS]
    at = STARTED
    for _weight, event, fields in made.choices(_EVENTS, weights, k=count):
        at += timedelta(microseconds=made.randrange(1, 4_000_000))
        entry: dict[str, object] = {
            "actor": made.choice(people),
            "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "decision": "allowed",
            "event": event,
            "fields": {key: _filled(value, made) for key, value in fields.items()},
            "login": "high",
            "request": f"{made.getrandbits(64):016x}",
            "role": "employee",
            "unit": made.choice(units),
        }
        if event.partition(".")[0] in ("worklist", "session", "subject"):
            yield encode(entry)
            continue
        place = made.randrange(OPEN)
        case, seq, prev = cases[place]
        entry |= {"basis": "own_service", "object": _id(made), "case": case, "case_prev": prev, "case_seq": seq}
        data = encode(entry)
        is_last = made.randrange(EACH) == 0
        cases[place] = _new_case(made) if is_last else (case, seq + 1, leaf_hash(data).hex())
        yield data


def _new_case(made: random.Random) -> tuple[str, int, str]:
    return _id(made), 1, NOTHING_BEFORE


def _filled(value: object, made: random.Random) -> object:
    if value == "x":
        return _id(made)
    return made.randrange(60) if value == 0 and not isinstance(value, bool) else value


def _id(made: random.Random) -> str:
    number = made.getrandbits(100)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(0, 100, 5))
