"""A look-up only reads while it finds, is written down before it is shown, and says how far it has looked."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from bti.db import reading
from bti.errors import Invalid
from bti.models import audit_entries
from bti.usecases import auditing
from bti.usecases.auditing_access import access_at
from bti.usecases.auditing_copies import export_consents, export_expired, export_log
from tests.auditor import (
    EVERYTHING,
    ask,
    consent_of,
    expired_csv,
    ids,
    last_day,
    last_entry,
    log_csv,
    look_up,
    plant,
    reference,
)
from tests.cast import Cast, settle


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def few_are_judged(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("bti.queries.audit_questions.MOST_JUDGED", 4)
    return 4


def every_look_up(cast: Cast, case_id: str, consent_id: str) -> list[tuple[Callable[..., Any], dict[str, Any]]]:
    log, consents = {"filters": EVERYTHING}, {"filters": auditing.ConsentFilter(), "as_of": None}
    return [
        (auditing.access_log, log),
        (auditing.overview, log),
        *((auditing.question, {"key": key, **log}) for key in auditing.QUESTIONS),
        (auditing.consents, consents),
        (auditing.consent, {"consent_id": consent_id, "as_of": None}),
        (access_at, {"case": reference(cast, case_id), "moment": None}),
        (export_log, log),
        (export_log, log | {"question": "no_live_basis"}),
        (export_expired, log),
        (export_consents, consents),
    ]


class TestFinding:
    def test_lets_others_write_meanwhile_and_gives_nothing_before_it_is_written_down(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        for find, asked in every_look_up(cast, case_id, consent_of(cast, case_id, "share")):
            before = last_entry(cast).id
            slow = Slow(find, cast)
            assert look_up(cast, slow, **asked) is not None
            assert slow.last == "case.open"
            assert last_entry(cast).id > before + 1
            assert last_entry(cast).event.startswith(("audit.", "consent."))
            assert last_entry(cast).role == "auditor"


@dataclass
class Slow:
    """A look-up during which somebody writes: a writer that had to wait would be told that the database is busy."""

    find: Callable[..., Any]
    cast: Cast
    last: str = ""

    def __call__(self, session: sa.Connection, **asked: Any) -> Any:
        found = self.find(session, **asked)
        self.cast.wonder(about=None)
        self.last = last_entry(self.cast).event
        return found


class TestJudging:
    def test_stops_at_the_newest_reads_and_says_so(self, cast: Cast, few_are_judged: int) -> None:
        case_id = cast.at_level_2()
        planted = [plant(cast, case_id, by="nils", basis="own_service") for _ in range(few_are_judged + 2)]
        page = ask(cast, "no_live_basis")
        assert ids(page) == planted[: -few_are_judged - 1 : -1]
        assert page.is_bounded
        assert page.count == few_are_judged
        overview = look_up(cast, auditing.overview, filters=EVERYTHING)
        assert (overview.counts["no_live_basis"], overview.is_bounded) == (few_are_judged, True)

    def test_of_fewer_reads_is_of_all_of_them(self, cast: Cast, few_are_judged: int) -> None:
        case_id = cast.at_level_2()
        for _ in range(few_are_judged + 2):
            plant(cast, case_id, by="nils", basis="own_service")
        cast.later(days=1)
        plant(cast, case_id, by="nils", basis="own_service")
        page = ask(cast, "no_live_basis", since=cast.now)
        assert (len(page.rows), page.is_bounded) == (1, False)

    def test_bounds_no_question_that_judges_nothing(self, cast: Cast, few_are_judged: int) -> None:
        case_id = cast.at_level_2()
        for _ in range(few_are_judged + 2):
            plant(cast, case_id, by="nils", basis="own_service")
        for key in ("overrides", "refused", "expired_with_access"):
            assert not ask(cast, key).is_bounded, key

    def test_makes_no_copy_of_a_part_of_the_answer(self, cast: Cast, few_are_judged: int) -> None:
        case_id = cast.at_level_2()
        for _ in range(few_are_judged + 1):
            plant(cast, case_id, by="nils", basis="own_service")
        for question in ("no_live_basis", "withdrawn_then_read"):
            with pytest.raises(Invalid) as refused:
                log_csv(cast, question=question)
            assert refused.value.fields == {"period": "too_many_reads"}
        assert "own_service" in log_csv(cast)


class TestACopyOfWhatRanOut:
    def lines(self, text: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))

    def test_holds_a_line_for_each_service_with_who_had_access(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        until = last_day(cast, case_id)
        cast.later(days=800)
        found = self.lines(expired_csv(cast))
        page = ask(cast, "expired_with_access")
        assert [line["id"] for line in found] == [row.door_id for row in page.rows]
        ppt = next(line for line in found if line["unit"] == "PPT Fjordvik")
        assert ppt == {
            "id": ppt["id"], "case": reference(cast, case_id), "unit": "PPT Fjordvik",
            "consent": consent_of(cast, case_id, "share"), "valid_to": until.strftime("%d.%m.%Y"),
            "people": "Siri Dahl (participant)", "ended_at": "",
        }  # fmt: skip
        assert '"question":"expired_with_access","rows":2' in newest_copy(cast)

    def test_is_narrowed_like_the_page(self, cast: Cast) -> None:
        cast.at_level_2()
        cast.later(days=800)
        assert {line["unit"] for line in self.lines(expired_csv(cast, unit="school"))} == {"Fjordvik skole"}
        assert self.lines(expired_csv(cast, person="nils")) == []

    def test_holds_all_the_rows_however_many(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bti.queries.audit_questions.EXPORT_BATCH", 1)
        cast.at_level_2()
        cast.at_level_2(about="mia")
        cast.later(days=800)
        found = [line["id"] for line in self.lines(expired_csv(cast))]
        assert found == [row.door_id for row in ask(cast, "expired_with_access").rows]
        assert len(found) == 4

    def test_is_refused_rather_than_cut_off(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        cast.at_level_2()
        cast.later(days=800)
        monkeypatch.setattr("bti.usecases.auditing_copies.MOST_EXPORTED", 1)
        with pytest.raises(Invalid) as refused:
            expired_csv(cast)
        assert refused.value.fields == {"period": "too_many_rows"}


def newest_copy(cast: Cast) -> str:
    with reading(cast.database) as session:
        query = sa.select(audit_entries.c.fields).where(audit_entries.c.event == "audit.export")
        return str(session.execute(query.order_by(audit_entries.c.id.desc()).limit(1)).scalar_one())
