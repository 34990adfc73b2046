"""The auditor's workbench: what waits, who may close it, and reads drawn by lot that anybody can draw again."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from bti import audit
from bti.db import writing
from bti.errors import Forbidden, Invalid, NotFound, NotPossible
from bti.models import alerts, audit_entries, new_id, sample_items
from bti.usecases import break_glass, workbench
from bti.usecases.workbench import Wanted
from tests.auditor import grant, plant, read, statements
from tests.cast import HERE, PEOPLE, Cast, settle
from tests.doors import trail
from tests.test_auditing_confidential import WORDS, _columns, _spaced

REASON = "Barnet er funnet alene ute, og vi må vite hvem som kan ta imot det i kveld."


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def case_id(cast: Cast) -> str:
    return cast.at_level_2()


def look(cast: Cast, what: Any, *, by: str = "tove", **asked: Any) -> Any:
    """Let an auditor look at something the way the page does."""
    actor, now = cast.actor(by), cast.now
    return audit.show(cast.database, lambda session: what(session, actor=actor, now=now, **asked))


def broken(cast: Cast, case_id: str, *, by: str = "nils") -> str:
    reference = cast.facts(case_id).reference
    wanted = break_glass.Wanted(reference=reference, cause="danger", reason=REASON, minutes=15)
    cast.act(break_glass.open_case, by=by, wanted=wanted)
    return str(trail(cast, "break_glass.open")[-1].object_id)


def alerted(cast: Cast, person: str = "kari") -> str:
    row = {
        "municipality_id": HERE, "id": new_id(), "kind": "bulk_reading", "person_id": person, "cases": 50,
        "since": cast.now, "raised_at": cast.now,
    }  # fmt: skip
    with writing(cast.database) as session:
        session.execute(sa.insert(alerts), row)
    return str(row["id"])


def draw(cast: Cast, size: int = 10, *, by: str = "tove", **more: Any) -> str:
    wanted = Wanted(cast.now - timedelta(days=1), cast.now + timedelta(days=1), size, **more)
    actor = cast.actor(by)
    picked = audit.show(cast.database, lambda session: workbench.pick(session, actor=actor, wanted=wanted))
    return str(cast.act(workbench.keep, by=by, picked=picked))


class TestTheQueue:
    def test_holds_what_waits_the_oldest_first(self, cast: Cast, case_id: str) -> None:
        first = broken(cast, case_id)
        cast.later(minutes=5)
        second, alert, sample = broken(cast, case_id, by="amir"), alerted(cast), None
        read(cast, case_id, by="kari")
        sample = draw(cast)
        found = look(cast, workbench.queue)
        assert [row.id for row in found.break_glass] == [first, second]
        assert [row.id for row in found.alerts] == [alert]
        assert [(row.id, row.items, row.judged) for row in found.samples] == [(sample, 1, 0)]
        told = trail(cast, "audit.search")[-1]
        assert (told.actor_id, json.loads(told.fields)["question"]) == ("tove", "workbench")

    def test_leaves_out_what_is_done_and_what_is_about_oneself(self, cast: Cast, case_id: str) -> None:
        id_, alert, own = broken(cast, case_id), alerted(cast), alerted(cast, "tove")
        cast.later(hours=1)
        cast.act(
            break_glass.review, by="tove", break_glass_id=id_, verdict="justified", note="Snakket med lederen om det."
        )
        cast.act(workbench.close_alert, by="tove", alert_id=alert, outcome="fine", note="")
        found = look(cast, workbench.queue)
        assert (found.break_glass, found.alerts) == ((), ())
        grant(cast, "arne", "town_hall", "auditor")
        assert [row.id for row in look(cast, workbench.queue, by="arne").alerts] == [own]

    @pytest.mark.parametrize("name", sorted(set(PEOPLE) - {"tove"}))
    def test_is_for_auditors(self, cast: Cast, name: str) -> None:
        alert = alerted(cast)
        uses: list[tuple[Any, dict[str, Any]]] = [
            (workbench.queue, {}),
            (workbench.see_alert, {"alert_id": alert}),
            (workbench.close_alert, {"alert_id": alert, "outcome": "fine", "note": ""}),
            (workbench.see_break_glass, {"break_glass_id": "x"}),
            (workbench.see_sample, {"sample_id": "x"}),
            (workbench.judge_item, {"sample_id": "x", "place": 1, "outcome": "fine", "note": ""}),
        ]
        for use, more in uses:
            with pytest.raises(Forbidden):
                cast.act(use, by=name, **more)
        with pytest.raises(Forbidden):
            draw(cast, by=name)


class TestAnEmergencyAccess:
    def test_is_shown_without_what_was_typed(self, cast: Cast, case_id: str) -> None:
        id_ = broken(cast, case_id)
        read(cast, case_id, by="nils")
        found = look(cast, workbench.see_break_glass, break_glass_id=id_)
        assert (found.row.person, found.row.cause, found.reason, found.note) == ("Nils Berg", "danger", None, None)
        assert [one.part for one in found.reads] == ["case"]
        assert json.loads(trail(cast, "audit.search")[-1].fields)["filters"] == {"break_glass": id_}

    def test_of_nobody_is_not_found(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            look(cast, workbench.see_break_glass, break_glass_id="x")


class TestAnAlert:
    def test_shows_what_was_read_from_its_beginning_until_it_is_closed(self, cast: Cast, case_id: str) -> None:
        read(cast, case_id, by="kari")
        cast.later(minutes=10)
        alert = alerted(cast)
        for _ in range(3):
            cast.later(minutes=1)
            read(cast, case_id, by="kari")
        read(cast, case_id, by="rune")
        found = look(cast, workbench.see_alert, alert_id=alert)
        assert [row.verdict for row in found.reads.rows] == ["live"] * 3
        cast.later(minutes=1)
        cast.act(workbench.close_alert, by="tove", alert_id=alert, outcome="follow_up", note="Snakk med lederen.")
        cast.later(minutes=1)
        read(cast, case_id, by="kari")
        found = look(cast, workbench.see_alert, alert_id=alert)
        assert len(found.reads.rows) == 3
        assert (found.row.outcome, found.row.note, found.row.closer) == ("follow_up", "Snakk med lederen.", "Tove Lund")
        (entry,) = trail(cast, "alert.close")
        told = json.loads(entry.fields)
        assert told.pop("commitment").keys() == {"alerts"}
        assert told == {"person": "kari", "outcome": "follow_up"}

    def test_is_closed_once(self, cast: Cast) -> None:
        alert = alerted(cast)
        cast.act(workbench.close_alert, by="tove", alert_id=alert, outcome="fine", note="")
        with pytest.raises(NotPossible) as refused:
            cast.act(workbench.close_alert, by="tove", alert_id=alert, outcome="follow_up", note="Nei.")
        assert refused.value.code == "alert_closed"

    def test_to_be_followed_up_says_why(self, cast: Cast) -> None:
        with pytest.raises(Invalid) as refused:
            cast.act(workbench.close_alert, by="tove", alert_id=alerted(cast), outcome="follow_up", note=" ")
        assert refused.value.fields == {"note": "missing"}
        with pytest.raises(Invalid) as refused:
            cast.act(workbench.close_alert, by="tove", alert_id=alerted(cast), outcome="forget", note="")
        assert refused.value.fields == {"outcome": "unknown"}

    def test_about_oneself_is_another_auditors(self, cast: Cast) -> None:
        alert = alerted(cast, "tove")
        for use, more in ((workbench.see_alert, {}), (workbench.close_alert, {"outcome": "fine", "note": ""})):
            with pytest.raises(Forbidden) as refused:
                cast.act(use, by="tove", alert_id=alert, **more)
            assert refused.value.code == "own_access"
        own = {"closed_at": cast.now, "closed_by": "tove", "outcome": "fine", "note": ""}
        with pytest.raises(sa.exc.IntegrityError), writing(cast.database) as session:
            session.execute(sa.update(alerts).where(alerts.c.id == alert).values(**own))


class TestDrawing:
    @pytest.fixture
    def many(self, cast: Cast, case_id: str) -> list[int]:
        """Forty reads in the trail, of several people."""
        names = ("kari", "rune", "siri", "nils")
        return [plant(cast, case_id, by=names[number % 4], basis="own_service") for number in range(40)]

    def drawn(self, cast: Cast, sample_id: str) -> list[int]:
        with writing(cast.database) as session:
            i = sample_items.c
            rows = session.execute(sa.select(i.entry_id).where(i.sample_id == sample_id).order_by(i.place))
            return list(rows.scalars())

    def test_by_a_seed_can_be_done_again_by_anybody(self, cast: Cast, many: list[int]) -> None:
        one, again, another = (self.drawn(cast, draw(cast, seed=seed)) for seed in ("frø", "frø", "et annet"))
        assert one == again != another
        lots = sorted((hashlib.sha256(f"frø:{number}".encode()).hexdigest(), number) for number in many)
        assert one == [number for _lot, number in lots[:10]]

    def test_without_one_makes_a_new_one_each_time_and_says_it(self, cast: Cast, many: list[int]) -> None:
        one, another = draw(cast), draw(cast)
        assert self.drawn(cast, one) != self.drawn(cast, another)
        entry = trail(cast, "sample.draw")[-1]
        told, row = json.loads(entry.fields), look(cast, workbench.see_sample, sample_id=another).row
        assert (told["seed"], told["size"], told["drawn"], row.population) == (row.seed, 10, 10, 40)
        assert self.drawn(cast, draw(cast, seed=row.seed)) == self.drawn(cast, another)

    def test_gives_all_there_are_when_there_are_fewer(self, cast: Cast, many: list[int]) -> None:
        assert sorted(self.drawn(cast, draw(cast, 50))) == many

    def test_takes_reads_of_the_period_and_nothing_else(self, cast: Cast, many: list[int], case_id: str) -> None:
        cast.later(days=10)
        late = plant(cast, case_id, by="kari", basis="own_service")
        cast.wonder()
        assert self.drawn(cast, draw(cast)) == [late]

    def test_leaves_out_the_auditors_own(self, cast: Cast, many: list[int]) -> None:
        grant(cast, "kari", "town_hall", "auditor")
        drawn = self.drawn(cast, draw(cast, 50, by="kari"))
        assert len(drawn) == 30

    @pytest.mark.parametrize(
        ("wanted", "fields"),
        [
            (Wanted(None, None, 10), {"since": "missing", "until": "missing"}),
            (Wanted(None, None, 7), {"since": "missing", "until": "missing", "size": "unknown"}),
        ],
    )
    def test_says_what_is_wrong(self, cast: Cast, wanted: Wanted, fields: dict[str, str]) -> None:
        actor = cast.actor("tove")
        with pytest.raises(Invalid) as refused:
            audit.show(cast.database, lambda session: workbench.pick(session, actor=actor, wanted=wanted))
        assert refused.value.fields == fields

    def test_of_nothing_is_refused(self, cast: Cast) -> None:
        with pytest.raises(Invalid) as refused:
            draw(cast)
        assert refused.value.fields == {"since": "nothing"}


class TestADrawnRead:
    @pytest.fixture
    def sample(self, cast: Cast, case_id: str) -> str:
        for name in ("kari", "rune", "siri"):
            read(cast, case_id, by=name)
        plant(cast, case_id, by="nils", basis="own_service")
        return draw(cast)

    def judge(
        self, cast: Cast, sample: str, place: int, outcome: str = "fine", note: str = "", by: str = "tove"
    ) -> None:
        cast.act(workbench.judge_item, by=by, sample_id=sample, place=place, outcome=outcome, note=note)

    def test_is_shown_with_its_basis_and_the_state_of_consent(self, cast: Cast, sample: str) -> None:
        found = look(cast, workbench.see_sample, sample_id=sample)
        verdicts = {item.entry.actor: item.entry.verdict for item in found.items if item.entry}
        assert verdicts == {
            "Kari Nordmann": "live", "Rune Vik": "live", "Siri Dahl": "live", "Nils Berg": "not_own_service",
        }  # fmt: skip

    def test_is_judged_one_by_one_until_all_are(self, cast: Cast, sample: str) -> None:
        for place in (1, 2, 3):
            found = look(cast, workbench.see_sample, sample_id=sample)
            assert found.next is not None
            assert found.next.row.place == place
            self.judge(cast, sample, place)
        self.judge(cast, sample, 4, "follow_up", "Hvorfor leste hun?")
        found = look(cast, workbench.see_sample, sample_id=sample)
        assert (found.next, found.row.judged, found.row.items) == (None, 4, 4)
        assert (found.items[3].row.outcome, found.items[3].row.note) == ("follow_up", "Hvorfor leste hun?")
        told = [json.loads(entry.fields)["outcome"] for entry in trail(cast, "sample.judge")]
        assert told == ["fine", "fine", "fine", "follow_up"]

    def test_is_judged_once(self, cast: Cast, sample: str) -> None:
        self.judge(cast, sample, 1)
        with pytest.raises(NotPossible) as refused:
            self.judge(cast, sample, 1, "follow_up", "Nei.")
        assert refused.value.code == "already_judged"

    def test_that_is_not_there_is_not_found(self, cast: Cast, sample: str) -> None:
        for sample_id, place in ((sample, 5), ("x", 1)):
            with pytest.raises(NotFound):
                self.judge(cast, sample_id, place)

    def test_of_oneself_is_neither_shown_nor_judged(self, cast: Cast, sample: str) -> None:
        grant(cast, "nils", "town_hall", "auditor")
        found = look(cast, workbench.see_sample, sample_id=sample, by="nils")
        (own,) = [item for item in found.items if item.entry is None]
        assert own.row.reader_id == "nils"
        for attempt in (
            lambda: self.judge(cast, sample, own.row.place, by="nils"),
            lambda: workbench.item_of(found, own.row.place),
        ):
            with pytest.raises(Forbidden) as refused:
                attempt()
            assert refused.value.code == "own_access"


class TestNothingConfidential:
    def test_is_read_or_shown(self, cast: Cast, case_id: str) -> None:
        id_, alert = broken(cast, case_id), alerted(cast)
        read(cast, case_id, by="nils")
        sample, actor = draw(cast), cast.actor("tove")
        asked: list[tuple[Any, dict[str, str]]] = [
            (workbench.queue, {}), (workbench.see_break_glass, {"break_glass_id": id_}),
            (workbench.see_alert, {"alert_id": alert}), (workbench.see_sample, {"sample_id": sample}),
        ]  # fmt: skip
        with statements(cast.database) as seen:
            found = [audit.show(cast.database, partial(f, actor=actor, now=cast.now, **more)) for f, more in asked]
        answers = repr(found)
        selects = [one for one in seen if isinstance(one, sa.Select | sa.CompoundSelect)]
        touched = {column for statement in selects for column in _columns(statement)}
        assert len(selects) > 15
        assert audit_entries.c.basis in touched
        assert not [column for column in touched if column.info]
        staff = " ".join(name for name, _roles in PEOPLE.values()).casefold()
        assert not [
            word for word in WORDS if word.casefold() not in staff and f" {word.casefold()} " in _spaced(answers)
        ]
