"""Repeated reads stand together on one row, and nothing else ever does."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from bti import audit
from bti.db import writing
from bti.errors import Forbidden
from bti.queries.audit import PAGE_ROWS, runs
from tests.auditor import ask, consent_of, dossier, ids, log_csv, plant, read, reference, search
from tests.cast import Cast, settle


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def told(page: Any) -> list[tuple[str, str, int]]:
    return [(run[0].actor, run[0].event, len(run)) for run in runs(page.rows)]


class TestRepeatedReads:
    def test_of_one_case_on_one_day_stand_together_also_between_others(self, cast: Cast) -> None:
        case_id, other = cast.wonder(), cast.wonder(about="mia")
        cast.move(case_id, "share_with_leader")
        for _ in range(3):
            cast.later(minutes=10)
            read(cast, case_id, by="kari")
            read(cast, other, by="kari")
            read(cast, case_id, by="rune")
        page = search(cast, event="reads")
        assert told(page) == [(name, "case.read", 3) for name in ("Rune Vik", "Kari Nordmann", "Kari Nordmann")]
        run = runs(page.rows)[0]
        assert [one.at for one in run] == sorted((one.at for one in run), reverse=True)
        assert sorted(one.id for some in runs(page.rows) for one in some) == sorted(ids(page))

    def test_on_two_days_stand_apart(self, cast: Cast) -> None:
        case_id = cast.wonder()
        for _ in range(2):
            read(cast, case_id, by="kari")
            read(cast, case_id, by="kari")
            cast.later(days=1)
        assert told(search(cast, event="reads")) == [("Kari Nordmann", "case.read", 2)] * 2

    def test_on_two_grounds_or_with_two_verdicts_stand_apart(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        consent_id = consent_of(cast, case_id, "share")
        for basis in (f"consent:{consent_id}", "own_service"):
            for _ in range(2):
                plant(cast, case_id, by="siri", basis=basis)
        cast.later(minutes=1)
        cast.withdraw(case_id, consent_id)
        cast.later(minutes=1)
        plant(cast, case_id, by="siri", basis=f"consent:{consent_id}")
        found = [(run[0].basis, run[0].verdict, len(run)) for run in runs(search(cast, event="case.read").rows)]
        assert found == [
            (f"consent:{consent_id}", "withdrawn", 1),
            ("own_service", "not_own_service", 2),
            (f"consent:{consent_id}", "live", 2),
        ]
        assert [len(run) for run in runs(ask(cast, "no_live_basis").rows)] == [1, 2]
        assert [len(run) for run in runs(dossier(cast, consent_id).reads.rows)] == [1, 2]

    def test_of_different_pages_stand_apart(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        plant(cast, case_id, by="kari", basis="own_service")
        plant(cast, case_id, by="kari", basis="own_service", view="shell")
        assert len(runs(search(cast, event="case.read").rows)) == 2


class TestNothingElse:
    def test_stands_in_a_run_and_it_parts_the_reads_around_it(self, cast: Cast) -> None:
        case_id = cast.wonder()
        cast.move(case_id, "share_with_leader")
        read(cast, case_id, by="kari")
        read(cast, case_id, by="rune")
        for _ in range(2):
            cast.guardian_talk(case_id)
        read(cast, case_id, by="rune")
        read(cast, case_id, by="kari")
        events = [(actor, event, many) for actor, event, many in told(search(cast)) if event != "audit.search"]
        assert events[:6] == [
            ("Kari Nordmann", "case.read", 1),
            ("Rune Vik", "case.read", 1),
            ("Kari Nordmann", "note.add", 1),
            ("Kari Nordmann", "note.add", 1),
            ("Rune Vik", "case.read", 1),
            ("Kari Nordmann", "case.read", 1),
        ]

    def test_a_refusal_stands_alone_every_time(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        for _ in range(3):
            read(cast, case_id, by="kari")
            with writing(cast.database) as session:
                audit.record_refusal(
                    session, actor=cast.actor_in(session, "per"), attempt="case.read", refusal=Forbidden("no_ground"),
                    now=cast.now, case_id=case_id,
                )  # fmt: skip
        found = told(search(cast, case=reference(cast, case_id)))[:6]
        assert found == [("Per Olsen", "refused", 1), ("Kari Nordmann", "case.read", 1)] * 3


class TestAPage:
    def test_holds_as_many_rows_as_before_however_many_reads_stand_on_each(self, cast: Cast) -> None:
        cases = [f"{n:020}" for n in range(PAGE_ROWS + 5)]
        numbers = [plant(cast, case, by="siri", basis="own_service") for case in cases for _ in range(3)]
        first = search(cast)
        assert len(runs(first.rows)) == PAGE_ROWS
        assert first.count == len(numbers)
        second = search(cast, before=first.next)
        assert len(runs(second.rows)) == 5
        assert ids(first) + ids(second) == numbers[::-1]
        assert second.next is None

    def test_gathers_no_more_than_it_may(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bti.queries.audit.MOST_GATHERED", 7)
        numbers = [plant(cast, "x" * 20, by="siri", basis="own_service") for _ in range(16)]
        shown, before = [], None
        while True:
            page = search(cast, before=before)
            assert (len(runs(page.rows)), page.count) == (1, 16)
            assert len(page.rows) <= 7
            shown += ids(page)
            before = page.next
            if before is None:
                break
        assert shown == numbers[::-1]


def test_a_copy_holds_every_single_read(cast: Cast) -> None:
    case_id = cast.at_level_1()
    plants = [plant(cast, case_id, by="kari", basis="own_service") for _ in range(9)]
    lines = log_csv(cast, event="case.read").split("\r\n")[1:-1]
    assert [int(line.split(";")[0]) for line in lines] == plants[::-1]
