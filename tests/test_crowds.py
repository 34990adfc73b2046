"""Many at once on one case: one has an effect, all others are told, and the trail shows in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bti import audit
from bti.db import writing
from bti.errors import Refused
from bti.models import batons, participations
from bti.usecases import baton, consent, participants
from bti.usecases.reading import read_case
from bti.verifier.verdict import GOOD
from tests.cast import Cast, settle
from tests.invariants import broken, trail_of
from tests.sequencing import Ledger, check
from tests.test_races import count, does

ROUNDS, EACH = 10, 20
# What lets a service in, or shows it something.
SHARES = ("participation.accept", "handover.accept", "case.read")


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def crowd(attempts: Sequence[Callable[[], Any]], *, at_once: int) -> list[Any]:
    """Let each run in a thread, so many at once; return results or refusals."""

    def run(attempt: Callable[[], Any]) -> Any:
        try:
            return attempt()
        except Refused as refusal:
            return refusal

    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(run, attempts))


def doing(cast: Cast, usecase: Callable[..., Any], by: str, **more: Any) -> Callable[[], Any]:
    attempt = does(cast, usecase, by, **more)

    def run() -> Any:
        with writing(cast.database) as session:
            return attempt(session)

    return run


def succeeded(results: Sequence[Any]) -> list[Any]:
    return [one for one in results if not isinstance(one, Refused)]


def told(cast: Cast, case_id: str) -> list[str]:
    return [entry.event for entry in trail_of(cast.database, case_id)]


class TestFiftyWhoAcceptOneBaton:
    def test_hand_it_on_once(self, cast: Cast, tmp_path: Path) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share")
        offer = cast.offer(case_id, "siri")
        yes = doing(cast, baton.accept, "siri", case_id=case_id, offer_id=offer)
        results = crowd([yes] * 50, at_once=50)
        assert len(succeeded(results)) == 1
        assert cast.facts(case_id).holder_id == "siri"
        assert count(cast, batons, batons.c.case_id == case_id) == 2
        assert count(cast, batons, batons.c.case_id == case_id, batons.c.ended_at.is_(None)) == 1
        assert told(cast, case_id).count("handover.accept") == 1
        assert broken(cast.database, cast.municipality_id, cast.now) == []
        ledger = Ledger(cast, tmp_path / "log")
        ledger.turn()
        assert check(ledger, tmp_path / "bundle").codes == (GOOD, GOOD)


class TestTwoHundredWithdrawalsAgainstTwoHundredShares:
    def test_leave_nothing_shared_after_the_withdrawal_and_one_holder(self, cast: Cast, tmp_path: Path) -> None:
        for number in range(ROUNDS):
            self.one_round(cast, number)
        assert broken(cast.database, cast.municipality_id, cast.now) == []
        ledger = Ledger(cast, tmp_path / "log")
        ledger.turn()
        assert check(ledger, tmp_path / "bundle").codes == (GOOD, GOOD)

    def one_round(self, cast: Cast, number: int) -> None:
        case_id = cast.at_level_1()
        shared = cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        waiting, offer = cast.invite(case_id, "liv"), cast.offer(case_id, "siri")
        party = cast.parties(shared)[0]
        # Holder and leader in turn: whoever doesn't hold the baton any more has still written the case.
        withdrawals = [
            doing(cast, consent.withdraw, by, case_id=case_id, consent_id=shared, party_id=party, said=cast.said())
            for by in ("kari", "rune") * (EACH // 2)
        ]
        shares = [
            doing(cast, participants.accept, "liv", case_id=case_id, invitation_id=waiting),
            doing(cast, baton.accept, "siri", case_id=case_id, offer_id=offer),
            *[self.reads(cast, case_id, "siri")] * 2,
        ] * (EACH // 4)
        results = crowd(mixed(withdrawals, shares, number), at_once=8)
        assert len(results) == 2 * EACH
        entries = [(entry.event, entry.actor_id) for entry in trail_of(cast.database, case_id)]
        events = [event for event, _actor in entries]
        assert events.count("consent.withdraw") == 1
        assert events.count("handover.accept") <= 1
        assert entries.count(("participation.accept", "liv")) <= 1
        after = entries[events.index("consent.withdraw") :]
        assert [one for one in after if one[0] in SHARES and one[1] in ("siri", "liv")] == []
        facts = cast.facts(case_id)
        assert facts.covers_of("ppt") == ()
        assert facts.holder_id in ("kari", "rune")
        live = (batons.c.case_id == case_id, batons.c.ended_at.is_(None))
        assert count(cast, batons, *live) == 1
        # Who has handed the baton on takes part as before, for the own service.
        theirs = (participations.c.unit_id == "ppt", participations.c.ended_at.is_(None))
        assert count(cast, participations, participations.c.case_id == case_id, *theirs) == 0

    def reads(self, cast: Cast, case_id: str, by: str) -> Callable[[], Any]:
        actor = cast.actor(by)
        return lambda: audit.show(
            cast.database, lambda session: read_case(session, actor=actor, case_id=case_id, now=cast.now)
        )


def mixed(withdrawals: list[Any], shares: list[Any], number: int) -> list[Any]:
    """Return both, the first withdrawal a little later in each round: after none of the shares, one, two …"""
    return [*shares[:number], *(one for pair in zip(withdrawals, shares[number:], strict=False) for one in pair),
            *withdrawals[EACH - number :]]  # fmt: skip
