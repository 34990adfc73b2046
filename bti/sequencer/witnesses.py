"""Asking witnesses to sign the newest heads. They are slow or away at times: nothing that numbers or signs waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from bti import tenancy
from bti.audit.stored import Damaged, Epoch, Signed, Stored, epochs, newest_checkpoint
from bti.config import Misconfigured
from bti.db import DatabaseUnavailable, reading, writing
from bti.models import audit_checkpoints, municipalities
from bti.verifier.note import Key, Signature, read_note
from bti.verifier.policy import read_policy
from bti.verifier.verdict import Undecided
from bti.witness.client import NotWitnessed, ask

VARIABLE = "BTI_WITNESSES"
ROUND_SECONDS = 1.0
# One that refuses or is away is asked again after so long.
SULK_SECONDS = 60.0


@dataclass(frozen=True)
class Neighbour:
    """A witness as a log knows it: its key, and where it answers."""

    key: Key
    url: str


def known_witnesses(environ: Mapping[str, str]) -> list[Neighbour]:
    """Return the witnesses in the policy file of BTI_WITNESSES that have an address. Raises Misconfigured."""
    file = environ.get(VARIABLE, "").strip()
    if not file:
        return []
    try:
        policy = read_policy(Path(file).read_bytes())
    except (OSError, Undecided) as wrong:
        raise Misconfigured([f"{VARIABLE} names {file}, which is no policy file: {wrong}"]) from wrong
    found = [Neighbour(policy.witnesses[name], url) for name, url in policy.urls.items()]
    if not found:
        raise Misconfigured([f"{file} has no line “witness NAME KEY URL”: nobody can be asked."])
    return found


@dataclass
class Cosigner:
    """Asks each of `neighbours` to sign each log's newest head. `tell` hears who doesn't, and why."""

    database: sa.Engine
    neighbours: list[Neighbour]
    tell: Callable[[str], None]
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)
    _sulking: dict[tuple[str, str], float] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Go on until `stop` is set."""
        while not stop.wait(ROUND_SECONDS):
            try:
                self.round()
            except DatabaseUnavailable as wrong:
                self.tell(str(wrong))

    def round(self) -> int:
        """Ask for every signature that is missing, and return how many were given. Raises DatabaseUnavailable."""
        with reading(self.database) as session:
            ids = list(session.execute(sa.select(municipalities.c.id).order_by(municipalities.c.id)).scalars())
        return sum(self._ask_all(municipality_id) for municipality_id in ids)

    def _ask_all(self, municipality_id: str) -> int:
        with tenancy.within(municipality_id):
            return sum(self._ask(municipality_id, neighbour) for neighbour in self.neighbours)

    def _ask(self, municipality_id: str, neighbour: Neighbour) -> int:
        with reading(self.database) as session:
            found = epochs(session, municipality_id)
            head = newest_checkpoint(session, found[-1]) if found else None
        if head is None or not head.size:
            return 0
        epoch, pair = found[-1], (found[-1].origin, neighbour.key.name)
        is_signed = bool(read_note(head.note.encode()).of(neighbour.key))
        if is_signed or self._sulking.get(pair, 0.0) > time.monotonic():
            return 0
        try:
            signature = self._asked(epoch, head, neighbour)
        except (NotWitnessed, Damaged) as wrong:
            self._sulking[pair] = time.monotonic() + SULK_SECONDS
            self.tell(f"{municipality_id}: {neighbour.key.name} didn't sign the head of {head.size} entries: {wrong}.")
            return 0
        self._seen[pair] = head.size
        self._keep(epoch, head, signature)
        return 1

    def _asked(self, epoch: Epoch, head: Signed, neighbour: Neighbour) -> Signature:
        def proof_from(old: int) -> list[bytes]:
            with reading(self.database) as session:
                return Stored(session, epoch).consistency(old, head.size)

        return ask(
            neighbour.url,
            note=read_note(head.note.encode()),
            size=head.size,
            key=neighbour.key,
            old_size=self._seen.get((epoch.origin, neighbour.key.name), 0),
            proof_from=proof_from,
        )

    def _keep(self, epoch: Epoch, head: Signed, signature: Signature) -> None:
        c = audit_checkpoints.c
        mine = sa.and_(c.municipality_id == epoch.municipality_id, c.epoch == epoch.number, c.size == head.size)
        with writing(self.database) as session:
            # Another's signature may have come meanwhile.
            note = session.execute(sa.select(c.note).where(mine).with_for_update()).scalar_one()
            signed = read_note(note.encode()).signed_by(signature)
            session.execute(sa.update(audit_checkpoints).where(mine).values({c.note: str(signed)}))
