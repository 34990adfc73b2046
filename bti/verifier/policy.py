"""Whom the verifier believes: the log's keys, the witnesses' keys, how many witnesses it takes (C2SP tlog-policy)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .checkpoint import Checkpoint, read_checkpoint
from .note import LOG, WITNESS, Key, Note, read_key, read_note
from .verdict import Tampered, Undecided

NONE = "none"
_BLANKS = re.compile(r"[ \t]+")
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class Head:
    """A checkpoint whose log signature was verified. `witnessed`: which witness saw it when, in seconds since 1970."""

    checkpoint: Checkpoint
    note: Note
    key: Key
    witnessed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """What a policy file says. `groups` maps a name to how many of which members it takes, `urls` a witness's name to
    where it answers; the verifier asks nobody."""

    logs: tuple[Key, ...]
    witnesses: dict[str, Key]
    groups: dict[str, tuple[int, tuple[str, ...]]]
    quorum: str
    urls: dict[str, str] = field(default_factory=dict)

    def open(self, data: bytes) -> Head:
        """Return the head in a signed checkpoint, its signature verified; witnesses may still be missing.

        Raises Undecided when it isn't a checkpoint or is signed with no key of this policy, Tampered when a
        signature that claims to be a known key's isn't.
        """
        note = read_note(data)
        checkpoint = read_checkpoint(note.text)
        known = [key for key in self.logs if key.name == checkpoint.origin]
        if not known:
            raise Undecided(f"The policy names no key of the log “{checkpoint.origin}”.")
        signers = [key for key in known if _verified(note, key) is not None]
        if not signers:
            raise Undecided(f"The checkpoint isn't signed with a key that the policy names for “{checkpoint.origin}”.")
        seen = {name: _verified(note, key) for name, key in self.witnesses.items()}
        return Head(checkpoint, note, signers[0], {name: at for name, at in seen.items() if at is not None})

    def require_witnesses(self, head: Head) -> None:
        """Raise Undecided when fewer witnesses have signed the head than the policy asks for."""
        if self.quorum != NONE and not self._has(self.quorum, head):
            seen = ", ".join(head.witnessed) or "none"
            raise Undecided(
                f"Not witnessed: the policy asks for “{self.quorum}”, and of its witnesses {seen} has signed the "
                f"checkpoint of {head.checkpoint.size} entries."
            )

    def _has(self, name: str, head: Head) -> bool:
        if name in self.witnesses:
            return name in head.witnessed
        least, members = self.groups[name]
        return sum(self._has(member, head) for member in members) >= least


def _verified(note: Note, key: Key) -> int | None:
    """Return the time of a verified signature of `key` (0 for a log's), None if there is none."""
    found = note.of(key)
    for signature in found:
        if not key.verifies(note.text, signature):
            raise Tampered(f"A signature in the name of {key.name} isn't one that {key.name} made over this text.")
    return None if not found else max(one.at for one in found) if key.kind == WITNESS else 0


# --- Reading ---------------------------------------------------------------------------------------------


def read_policy(data: bytes) -> Policy:
    """Read a policy file. Raises Undecided, naming the line, when it can't be used."""
    reading = _Reading()
    # Names are octets to be compared; what isn't UTF-8 must stay distinct, not become an error (C2SP tlog-policy).
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        words = _BLANKS.split(line.strip(" \t"))
        if words[0] == "" or words[0].startswith("#"):
            continue
        try:
            if any(letter < " " or letter == "\x7f" for letter in "".join(words)):
                raise Undecided("Control characters have no place here.")
            reading.take(words)
        except Undecided as wrong:
            raise Undecided(f"Line {number} of the policy: {wrong}") from wrong
    if reading.quorum is None:
        raise Undecided("The policy has no quorum line: “quorum none” asks for no witnesses.")
    return Policy(tuple(reading.logs), reading.witnesses, reading.groups, reading.quorum, reading.urls)


class _Reading:
    def __init__(self) -> None:
        self.logs: list[Key] = []
        self.witnesses: dict[str, Key] = {}
        self.groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.quorum: str | None = None
        self.urls: dict[str, str] = {}
        self._members: set[str] = set()

    def take(self, words: Sequence[str]) -> None:
        lines = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum}
        if words[0] not in lines:
            raise Undecided(f"“{words[0]}” isn't log, witness, group or quorum.")
        lines[words[0]](list(words[1:]))

    def _log(self, words: list[str]) -> None:
        if len(words) not in (1, 2):
            raise Undecided("“log KEY [URL]” was expected.")
        self.logs.append(_new_key(words[0], LOG, self.logs))

    def _witness(self, words: list[str]) -> None:
        if len(words) not in (2, 3):
            raise Undecided("“witness NAME KEY [URL]” was expected.")
        key = _new_key(words[1], WITNESS, list(self.witnesses.values()))
        self.witnesses[self._new_name(words[0])] = key
        if len(words) == 3:
            self.urls[words[0]] = words[2]

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise Undecided("“group NAME all|any|NUMBER MEMBER …” was expected.")
        name, least, members = words[0], words[1], words[2:]
        for member in members:
            if not self._is_known(member) or member in self._members:
                raise Undecided(f"“{member}” isn't defined above, or is in a group already.")
            self._members.add(member)
        wanted = {"all": str(len(members)), "any": "1"}.get(least, least)
        if not _NUMBER.fullmatch(wanted) or int(wanted) > len(members):
            raise Undecided(f"“{least}” isn't all, any or a number from 1 to {len(members)}.")
        self.groups[self._new_name(name)] = (int(wanted), tuple(members))

    def _quorum(self, words: list[str]) -> None:
        if len(words) != 1 or self.quorum is not None:
            raise Undecided("One line “quorum NAME” was expected.")
        if words[0] != NONE and not self._is_known(words[0]):
            raise Undecided(f"“{words[0]}” isn't defined above.")
        self.quorum = words[0]

    def _is_known(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups

    def _new_name(self, name: str) -> str:
        if name == NONE or self._is_known(name):
            raise Undecided(f"“{name}” is taken.")
        return name


def _new_key(vkey: str, kind: int, others: Sequence[Key]) -> Key:
    key = read_key(vkey)
    if key.kind != kind:
        wanted = "a log's" if kind == LOG else "a witness's"
        raise Undecided(f"The key of {key.name} isn't {wanted} kind of key.")
    if any(other.public == key.public for other in others):
        raise Undecided(f"The key of {key.name} stands there already.")
    return key
