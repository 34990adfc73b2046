"""Every move of every definition, from every step, for everybody, with all in place and with anything missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bti.decision import decide, options
from bti.errors import Forbidden, NotPossible, NotReady, Refused
from bti.needs import EXTERNAL_NEEDS, LOG_NEEDS, NEEDS, SHARING_NEEDS, judge
from bti.workflow.definition import CLOSED, Move
from bti.workflow.library import load_definition, released
from bti.workflow.model import Model
from tests.scenes import RELATIONS, WITHOUT, bare, ready

MODELS = [load_definition(name, version) for name, version in released() if name != "guides"]
STANDARD = load_definition("bti", 1)


def places(model: Model) -> list[str]:
    return [*(step.key for level in model.definition.levels for step in level.steps), CLOSED]


def ways(model: Model) -> Iterator[tuple[Move, str]]:
    return ((move, source) for move in model.definition.moves for source in move.from_)


@pytest.fixture(params=MODELS, ids=lambda model: model.name)
def model(request: pytest.FixtureRequest) -> Model:
    found: Model = request.param
    return found


def refusal_of(model: Model, step: str, relation: str, name: str) -> Refused | None:
    return decide(model, ready(model, step), {relation}, name).refusal


class TestEveryMove:
    def test_is_allowed_to_exactly_those_the_definition_names(self, model: Model) -> None:
        for move, source in ways(model):
            for relation in RELATIONS:
                refusal = refusal_of(model, source, relation, move.name)
                if relation in move.by:
                    assert refusal is None, f"{relation} could not {move.name} from {source}: {refusal!r}"
                else:
                    assert type(refusal) is Forbidden, f"{relation} could {move.name} from {source}"
                    assert refusal.code == "not_your_move"

    def test_leads_where_the_definition_says(self, model: Model) -> None:
        for move, source in ways(model):
            assert decide(model, ready(model, source), set(move.by), move.name).to == move.to

    def test_is_not_possible_from_any_other_step_whoever_asks(self, model: Model) -> None:
        names = {move.name for move in model.definition.moves}
        there = {(move.name, source) for move, source in ways(model)}
        tried = 0
        for step in places(model):
            for name in names:
                if (name, step) in there:
                    continue
                for relation in RELATIONS:
                    refusal = refusal_of(model, step, relation, name)
                    assert type(refusal) is NotPossible, f"{relation} could {name} from {step}"
                    assert refusal.code == "move_not_possible"
                    tried += 1
        assert tried > 500

    def test_that_nobody_has_heard_of_is_not_possible(self, model: Model) -> None:
        for name in ("", "close ", "CLOSE", "__init__", "next_state", "to_1.1", "\0", "x" * 100_000):
            for step in places(model):
                assert isinstance(refusal_of(model, step, "holder", name), NotPossible)

    def test_is_refused_to_somebody_without_any_relation(self, model: Model) -> None:
        for move, source in ways(model):
            assert isinstance(decide(model, ready(model, source), set(), move.name).refusal, Forbidden)


class TestTheOptions:
    def test_are_the_moves_from_the_step_in_the_order_of_the_definition(self, model: Model) -> None:
        for step in places(model):
            shown = [option.move for option in options(model, ready(model, step), {"holder"})]
            assert shown == [move for move in model.definition.moves if step in move.from_]

    def test_say_of_each_move_what_the_decision_says(self, model: Model) -> None:
        for step in places(model):
            for facts in (ready(model, step), bare(model, step)):
                for relation in RELATIONS:
                    for option in options(model, facts, {relation}):
                        decision = decide(model, facts, {relation}, option.move.name)
                        if decision.to is not None:
                            assert option.allowed
                            assert not option.missing
                        else:
                            assert not option.allowed or option.missing

    def test_leave_nobody_without_a_way_to_close(self, model: Model) -> None:
        for step in places(model)[:-1]:
            for relation in ("holder", "unit_leader"):
                closing = [o for o in options(model, bare(model, step), {relation}) if o.to == CLOSED]
                assert closing, f"no way to close from {step}"
                assert all(option.allowed and not option.missing for option in closing)


class TestWhatIsMissing:
    def test_is_named_alone_when_it_alone_is_missing(self, model: Model) -> None:
        for move, source in ways(model):
            for need in model.needs_of(move, source):
                facts = WITHOUT[need](ready(model, source))
                refusal = decide(model, facts, set(move.by), move.name).refusal
                assert isinstance(refusal, NotReady), f"{move.name} from {source} without {need}"
                assert [found.code for found in refusal.missing] == [need]
                assert refusal.missing[0].fixer == NEEDS[need].fixer

    def test_is_named_all_at_once_when_nothing_is_in_place(self, model: Model) -> None:
        for move, source in ways(model):
            needs = model.needs_of(move, source)
            refusal = decide(model, bare(model, source), set(move.by), move.name).refusal
            if not needs:
                assert refusal is None
                continue
            assert isinstance(refusal, NotReady)
            assert [found.code for found in refusal.missing] == list(needs)

    def test_is_not_named_to_somebody_who_may_not_move_anyway(self, model: Model) -> None:
        for move, source in ways(model):
            stranger = set(RELATIONS) - set(move.by)
            assert isinstance(decide(model, bare(model, source), stranger, move.name).refusal, Forbidden)

    def test_does_not_stand_in_the_way_of_other_moves(self, model: Model) -> None:
        for move, source in ways(model):
            for need in set(WITHOUT) - set(model.needs_of(move, source)):
                facts = WITHOUT[need](ready(model, source))
                asked = model.needs_of(move, source)
                # The consent of a partner needs the own service's door too, whoever asks for the log's.
                left = [found.name for found in judge(asked, facts) if found.state == "missing"]
                assert (decide(model, facts, set(move.by), move.name).refusal is None) == (not left)
                assert not left, f"{move.name} from {source} asks for {left} without {need}"


class TestTheEnginesOwnNeeds:
    def stripped(self, model: Model) -> Model:
        """The same definition with every need taken out of every move."""
        moves = tuple(move.model_copy(update={"needs": ()}) for move in model.definition.moves)
        return Model(model.definition.model_copy(update={"moves": moves}))

    def test_are_demanded_though_the_definition_leaves_them_out(self, model: Model) -> None:
        without = self.stripped(model)
        entered = 0
        for move, source in ways(without):
            if move.to == CLOSED or not without.changes_level(source, move.to):
                continue
            refusal = decide(without, bare(without, source), set(move.by), move.name).refusal
            wanted: list[str] = []
            if without.has_log(move.to):
                wanted += LOG_NEEDS
            if without.is_shared(move.to) and not without.is_shared(source):
                wanted += SHARING_NEEDS
            if without.is_external(move.to):
                wanted += EXTERNAL_NEEDS
            named = {found.code for found in refusal.missing} if isinstance(refusal, NotReady) else set()
            assert named >= set(wanted), f"{move.name} from {source} went without {set(wanted) - named}"
            entered += bool(wanted)
        assert entered > 3

    def test_let_no_case_without_a_child_a_holder_or_a_consent_into_a_level_with_a_log(self, model: Model) -> None:
        without = self.stripped(model)
        for move, source in ways(without):
            if move.to == CLOSED or not without.has_log(move.to) or not without.changes_level(source, move.to):
                continue
            for need in LOG_NEEDS:
                facts = WITHOUT[need](ready(without, source))
                assert isinstance(decide(without, facts, set(move.by), move.name).refusal, NotReady)

    def test_count_an_interim_holder_as_not_decided(self) -> None:
        facts = replace(ready(STANDARD, "0.4"), is_interim=True)
        refusal = decide(STANDARD, facts, {"holder"}, "start_own_service").refusal
        assert isinstance(refusal, NotReady)
        assert [found.code for found in refusal.missing] == ["holder_decided"]


class TestEachNeed:
    def test_is_met_when_everything_is_in_place(self) -> None:
        for step in places(STANDARD):
            for found in judge(NEEDS, ready(STANDARD, step)):
                assert found.state == "met", f"{found.name} at {step}"

    def test_is_not_asked_where_there_is_nothing_to_ask_about(self) -> None:
        facts = replace(ready(STANDARD, "1.4"), open_measures=0, shared_with_leader_at=None, participants=())
        states = {found.name: found.state for found in judge(NEEDS, facts)}
        assert [states[n] for n in ("measures_evaluated", "leader_feedback", "consent_external")] == ["na"] * 3

    def test_has_somebody_who_can_mend_it(self) -> None:
        assert {need.fixer for need in NEEDS.values()} <= {*RELATIONS, "giver", "administrator"}
