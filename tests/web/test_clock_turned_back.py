"""The clock is turned back an hour, as when a machine gets its time from elsewhere: nothing is lost or done twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from bti.db import reading
from bti.errors import NotFound, NotPossible
from bti.models import batons, sessions
from bti.usecases import answers
from bti.usecases.reading import read_case
from bti.verifier.verdict import GOOD
from tests.cast import Cast
from tests.invariants import broken, trail_of
from tests.sequencing import Ledger, check
from tests.web.visitor import Visitor, on_both_databases

Clients = Callable[[str], Visitor]


def turn_back(cast: Cast) -> None:
    cast.later(hours=-1)


@on_both_databases
class TestTheClockTurnedBackAnHour:
    def test_ends_no_session_and_gives_it_no_second_life(self, cast: Cast, client_of: Clients) -> None:
        kari = client_of("kari")
        kari.get("/saker")
        turn_back(cast)
        kari.get("/saker")
        cast.later(minutes=30)
        kari.get("/saker")
        # Its last use is still the one before: half an hour after that it is over, and not an hour later.
        cast.later(minutes=61)
        assert kari.get("/saker", 303).goes_to.startswith("/logg-inn")
        with reading(cast.database) as session:
            rows = session.execute(sa.select(sessions.c.ended_how).where(sessions.c.person_id == "kari")).scalars()
            assert list(rows) == ["idle"]

    def test_lets_an_open_offer_be_accepted_once(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        cast.consented(case_id, "ppt", purpose="share")
        offer = cast.offer(case_id, "siri")
        turn_back(cast)
        cast.accept(case_id, offer, by="siri")
        with pytest.raises(NotPossible):
            cast.accept(case_id, offer, by="siri")
        assert cast.facts(case_id).holder_id == "siri"
        with reading(cast.database) as session:
            held = session.execute(sa.select(batons.c.ended_at).where(batons.c.case_id == case_id)).scalars().all()
        assert sorted(one is None for one in held) == [False, True]
        assert broken(cast.database, cast.municipality_id, cast.now) == []

    def test_lets_a_withdrawal_close_the_door_for_good(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        shared = cast.yes_to(case_id, "ppt")
        turn_back(cast)
        cast.withdraw(case_id, shared)
        for minutes in (0, 59, 2, 120):
            cast.later(minutes=minutes)
            assert cast.facts(case_id).covers_of("ppt") == ()
            with pytest.raises(NotFound), reading(cast.database) as session:
                read_case(session, actor=cast.actor_in(session, "siri"), case_id=case_id, now=cast.now)
        assert broken(cast.database, cast.municipality_id, cast.now) == []

    def test_lets_the_last_of_two_answers_open_the_door(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        asked = cast.ask_consent(case_id, "ppt", purpose="share")
        first, second = cast.parties(asked)
        self.yes(cast, case_id, asked, first)
        turn_back(cast)
        assert self.yes(cast, case_id, asked, second) == "given"
        assert len(cast.facts(case_id).covers_of("ppt")) == 1
        assert broken(cast.database, cast.municipality_id, cast.now) == []

    def yes(self, cast: Cast, case_id: str, consent_id: str, party: str) -> str:
        state: str = cast.act(
            answers.record, by="kari", case_id=case_id, consent_id=consent_id, party_id=party, answer="given",
            said=cast.said(),
        )  # fmt: skip
        return state

    def test_goes_on_numbering_chaining_and_signing(self, cast: Cast, tmp_path: Path) -> None:
        ledger = Ledger(cast, tmp_path / "log")
        case_id = cast.at_level_1()
        ledger.turn()
        held = ledger.heads()[-1]
        turn_back(cast)
        cast.plan(case_id)
        cast.wonder(about="mia")
        assert ledger.turn() > 0
        assert ledger.heads()[-1].size > held.size
        found = ledger.leaves()
        assert sorted(leaf.entry_id for leaf in found) == ledger.entry_ids()
        chain = [leaf.place.seq for leaf in found if leaf.place and leaf.place.case_id == case_id]
        assert chain == list(range(1, len(trail_of(cast.database, case_id)) + 1))
        answers = check(ledger, tmp_path / "bundle", held=held.note)
        assert answers.codes == (GOOD, GOOD), answers.said()
