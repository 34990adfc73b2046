"""The trail: every change and every read writes its entry, no entry says a name, and the state can be read back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bti import audit
from bti.audit import EVENTS, replay
from bti.audit.trail import COMMITMENT
from bti.db import reading, writing
from bti.errors import NotReady, Refused
from bti.models import audit_entries
from bti.queries.consents import consents_of_case
from bti.usecases import answers, baton, cases, consent, legal_basis, log, participants, referrals, wonders
from bti.usecases import reading as pages
from tests.cast import GUARDIANS, HERE, PEOPLE, SUBJECTS, UNITS, Cast, settle
from tests.invariants import broken, everything, trail_of

# Everything anybody types in these tests begins with this.
SECRET = "Hemmelig"


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


def all_entries(cast: Cast) -> list[Any]:
    with reading(cast.database) as session:
        return list(session.execute(sa.select(audit_entries).order_by(audit_entries.c.id)))


def said(cast: Cast, does: Callable[[], Any]) -> list[str]:
    """Do something; return the events it wrote."""
    before = len(all_entries(cast))
    does()
    return [entry.event for entry in all_entries(cast)[before:]]


class TestEveryCommand:
    def test_writes_exactly_its_entry(self, cast: Cast) -> None:
        ids: dict[str, str] = {}

        def act(usecase: Callable[..., Any], by: str = "kari", keep: str = "", **more: Any) -> Callable[[], None]:
            def do() -> None:
                asked = {k: ids.get(v, v) if isinstance(v, str) else v for k, v in more.items()}
                result = cast.act(usecase, by=by, case_id=ids["case"], **asked)
                if keep:
                    ids[keep] = result

            return do

        def wonder() -> None:
            ids["case"] = cast.wonder(about=None)

        def ask(units: list[str], purpose: str, keep: str) -> Callable[[], None]:
            return act(
                consent.ask, keep=keep, purpose=purpose, unit_ids=units, kinds=["everyday"], about=SECRET,
                reservations="", valid_to=None,
            )  # fmt: skip

        def yes(which: str, party: int) -> Callable[[], None]:
            def do() -> None:
                act(
                    answers.record, consent_id=which, party_id=cast.parties(ids[which])[party],
                    answer="given", said=cast.said(),
                )()  # fmt: skip

            return do

        day = cast.today + timedelta(days=20)
        move = {"reason": SECRET, "by": "kari"}
        told = {"text": SECRET, "information_kind": "everyday"}
        walk: list[tuple[Callable[[], Any], list[str]]] = [
            (wonder, ["case.open"]),
            (act(wonders.identify, subject_id="ola"), ["case.identify"]),
            (act(wonders.add_note, kind="note", text=SECRET, happened_on=None), ["note.add"]),
            (act(cases.move, name="share_with_leader", **move), ["case.move"]),
            (act(wonders.give_feedback, by="rune", text=SECRET), ["feedback.give"]),
            (act(cases.set_next_date, next_date=day, reason=SECRET), ["case.next_date"]),
            (act(cases.move, name="clarify_who_talks", **move), ["case.move"]),
            (act(wonders.add_note, kind="guardian_talk", text=SECRET, happened_on=None), ["note.add"]),
            (act(cases.move, name="decide_on_wonder", **move), ["case.move"]),
            (act(baton.confirm_holder, by="rune"), ["baton.confirm"]),
            (ask(["school"], "log", "own"), ["consent.ask"]),
            (yes("own", 0), ["consent.give"]),
            (yes("own", 1), ["consent.give", "disclosure.open"]),
            (ask(["ppt", "health"], "share", "shared"), ["consent.ask"]),
            (yes("shared", 0), ["consent.give"]),
            (yes("shared", 1), ["consent.give", "disclosure.open", "disclosure.open"]),
            (
                act(participants.invite, keep="part", person_id="siri", unit_id="ppt", purpose=SECRET),
                ["participation.invite"],
            ),
            (act(participants.accept, by="siri", invitation_id="part"), ["participation.accept"]),
            (
                act(participants.invite, keep="no", person_id="amir", unit_id="health", purpose=SECRET),
                ["participation.invite"],
            ),
            (act(participants.decline, by="amir", invitation_id="no", reason="capacity"), ["participation.decline"]),
            (act(cases.move, name="start_with_other_service", **move), ["case.move"]),
            (act(log.add_entry, kind="log", title=SECRET, happened_on=None, asked_by="", **told), ["entry.add"]),
            (act(log.set_goal, keep="goal", **told), ["goal.set"]),
            (
                act(
                    log.plan_measure, keep="measure", goal_id="goal", responsible="person:kari", starts_on=None,
                    evaluate_on=day, **told,
                ),
                ["measure.plan"],
            ),
            (
                act(
                    log.evaluate_measure, measure_id="measure", done_as_planned="yes", effect="good", outcome="end",
                    text=SECRET, evaluate_on=None,
                ),
                ["measure.evaluate"],
            ),
            (act(log.end_goal, goal_id="goal", how="reached"), ["goal.end"]),
            (act(baton.offer, keep="offer", to_person_id="siri", to_unit_id="ppt", note=SECRET), ["handover.offer"]),
            (
                act(baton.decline, by="siri", offer_id="offer", reason="absence", note=SECRET),
                ["handover.decline"],
            ),
            (act(baton.offer, keep="offer", to_person_id="siri", to_unit_id="ppt", note=SECRET), ["handover.offer"]),
            (act(baton.withdraw_offer, offer_id="offer"), ["handover.withdraw"]),
            (act(baton.offer, keep="offer", to_person_id="siri", to_unit_id="ppt", note=SECRET), ["handover.offer"]),
            (
                act(baton.accept, by="siri", offer_id="offer"),
                ["handover.accept", "participation.end", "participation.accept"],
            ),
            (act(referrals.refer, by="siri", cause="stuck", question=SECRET), ["referral.make"]),
            (act(referrals.decide, by="berit", outcome="go_on", reason=SECRET), ["referral.decide"]),
            (act(baton.interim_by_leader, by="rune", reason=SECRET), ["baton.interim", "entry.add"]),
            (
                act(legal_basis.record, by="rune", unit_id="welfare", kinds=["everyday"],
                    law="duty_to_report", reason=SECRET, valid_to=None),
                ["disclosure.open"],
            ),
            (lambda: cast.withdraw(ids["case"], ids["shared"], by="rune"),
                ["consent.withdraw", "disclosure.end", "disclosure.end"]),
        ]  # fmt: skip
        for does, events in walk:
            assert said(cast, does) == events
            assert broken(cast.database, HERE, cast.now) == []
        check_entries(all_entries(cast))

    def test_that_reads_writes_who_read_what_and_on_which_ground(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        assert said(cast, lambda: cast.act(pages.read_case, by="siri", case_id=case_id)) == ["case.read"]
        entry = all_entries(cast)[-1]
        assert (entry.actor_id, entry.unit_id, entry.case_id, entry.role) == ("siri", "ppt", case_id, "participant")
        assert re.fullmatch(r"consent:\w{20}", entry.basis)
        cast.act(pages.read_case, by="kari", case_id=case_id)
        assert all_entries(cast)[-1].role == "holder"

    def test_that_finds_nothing_writes_nothing(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        before = everything(cast.database)
        with pytest.raises(Refused):
            cast.act(pages.read_case, by="nils", case_id=case_id)
        assert everything(cast.database) == before


def check_entries(entries: list[Any]) -> None:
    """Each entry carries exactly the fields of its event, as canonical JSON."""
    for entry in entries:
        fields = json.loads(entry.fields)
        assert set(fields) - {COMMITMENT} == set(EVENTS[entry.event]), entry.event
        assert entry.fields == json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert entry.at is not None
        assert entry.actor_id
        assert entry.role


class TestTheVocabulary:
    def test_lets_no_unknown_event_and_no_other_field_through(self, cast: Cast) -> None:
        for event, fields in (
            ("case.gossip", {}),
            ("baton.confirm", {"holder": "kari", "holder_unit": "school"}),
            ("baton.confirm", {"holder": "kari", "holder_unit": "school", "version": 2, "name": "Ola"}),
        ):
            with pytest.raises(ValueError, match="carries"), writing(cast.database) as session:
                audit.record(session, actor=None, municipality_id=HERE, event=event, now=cast.now, fields=fields)

    def test_has_no_field_for_a_name_or_a_text(self) -> None:
        named = {field for fields in EVENTS.values() for field in fields}
        assert not named & {"name", "text", "note", "about", "seen", "witness", "evidence", "national_id"}


class TestARefusal:
    def test_is_written_with_all_that_was_missing_in_a_transaction_of_its_own(self, cast: Cast) -> None:
        case_id = cast.at_decision()
        with pytest.raises(NotReady) as refused:
            cast.move(case_id, "start_with_other_service")
        before = everything(cast.database)
        with writing(cast.database) as session:
            audit.record_refusal(
                session, actor=cast.actor_in(session, "kari"), attempt="case.move", refusal=refused.value,
                now=cast.now, case_id=case_id,
            )  # fmt: skip
        entry = all_entries(cast)[-1]
        assert (entry.event, entry.decision) == ("refused", "refused")
        assert json.loads(entry.fields) == {
            "attempt": "case.move", "code": "not_ready",
            "missing": ["holder_decided", "consent_log", "consent_partner"],
        }  # fmt: skip
        after = everything(cast.database)
        assert {name for name in after if after[name] != before[name]} == {"audit_entries"}


class TestALongRun:
    def test_says_no_name_and_no_free_text_anywhere(self, cast: Cast) -> None:
        case_id = long_run(cast)
        whole = "\n".join(" ".join(str(value) for value in entry) for entry in all_entries(cast))
        names = (
            [name for name, _ in PEOPLE.values()] + list(GUARDIANS.values()) + [name for name, _, _ in UNITS.values()]
        )
        names += [part for given, family, *_ in SUBJECTS.values() for part in (given, family)]
        typed = [
            "Kommer for sent",
            "Fravær og tiltak",
            "Per Olsen",
            "Far foretrekker",
            "Fast voksen",
            "Snakket med",
            "Takk",
        ]
        for name in [*names, *typed]:
            # Ids of the cast are first names in small letters: whole words, as written.
            assert not re.search(rf"\b{re.escape(name)}\b", whole), name
        assert len(trail_of(cast.database, case_id)) > 30

    def test_can_be_read_back_from_the_trail_at_every_moment(self, cast: Cast) -> None:
        case_id = long_run(cast)
        trail = trail_of(cast.database, case_id)
        holders = [replay(trail[:number]).holder_id for number in range(1, len(trail) + 1)]
        assert all(holders), "there was a moment without a holder"
        assert [one for i, one in enumerate(holders) if i == 0 or holders[i - 1] != one] == [
            "kari",
            "siri",
            "rune",
            "per",
        ]
        versions = [replay(trail[:number]).version for number in range(1, len(trail) + 1)]
        assert versions == sorted(versions)
        assert broken(cast.database, HERE, cast.now) == []

    def test_tells_of_each_consent_what_its_own_events_tell(self, cast: Cast) -> None:
        case_id = long_run(cast)
        told = replay(trail_of(cast.database, case_id)).consents
        with reading(cast.database) as session:
            found = consents_of_case(session, municipality_id=HERE, case_id=case_id, moment=cast.now)
        assert told == {one.id: one.state for one in found}
        assert set(told.values()) == {"given", "withdrawn", "partly_given"}


def long_run(cast: Cast) -> str:
    """From a wonder up to level 2, the baton to PPT, the consent back, down through the leader to a colleague."""
    case_id = cast.at_level_2()
    shared = cast.yes_to(case_id, "ppt")
    cast.move(case_id, "plan")
    measure = cast.plan(case_id)
    cast.move(case_id, "carry_out")
    cast.move(case_id, "evaluate")
    cast.evaluate(case_id, measure)
    cast.child_heard(case_id)
    cast.accept(case_id, cast.offer(case_id, "siri"), by="siri")
    cast.move(case_id, "decide", by="siri")
    half = cast.ask_consent(case_id, "health", purpose="share", by="siri")
    cast.act(
        answers.record, by="siri", case_id=case_id, consent_id=half, party_id=cast.parties(half)[0],
        answer="given", said=cast.said(),
    )  # fmt: skip
    cast.withdraw(case_id, shared, by="siri")
    cast.accept(case_id, cast.offer(case_id, "per", by="rune"), by="per")
    cast.move(case_id, "close", by="per", closing_reason="guardians_wish", reason="Mor og far ønsker det")
    return case_id
