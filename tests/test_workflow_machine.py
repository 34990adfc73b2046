"""Moves lead where the definition says, and nowhere else."""

import pytest

from bti.errors import NotPossible
from bti.workflow.definition import CLOSED
from bti.workflow.library import load_definition, released, small_machine, small_track
from bti.workflow.machine import Track

MODELS = [load_definition(name, version) for name, version in released()]
SMALL = ["handover", "consent", "measure"]


def places(model):
    return [*(step.key for level in model.definition.levels for step in level.steps), CLOSED]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
class TestEveryPairOfMoveAndStep:
    def test_leads_where_the_file_says(self, model):
        for place in places(model):
            for move in model.moves_from(place):
                assert model.next_step(move.name, place) == move.to

    def test_is_refused_where_the_file_says_nothing(self, model):
        names = {move.name for move in model.definition.moves}
        for place in places(model):
            for name in names - {move.name for move in model.moves_from(place)}:
                with pytest.raises(NotPossible) as refusal:
                    model.next_step(name, place)
                assert refusal.value.code == "move_not_possible"
                assert refusal.value.details == {"move": name, "step": place}

    def test_offers_moves_in_the_order_of_the_file(self, model):
        order = {id(move): i for i, move in enumerate(model.definition.moves)}
        for place in places(model):
            there = [order[id(move)] for move in model.moves_from(place)]
            assert there == sorted(there)

    def test_looks_moves_up_by_name_and_step(self, model):
        for place in places(model):
            for move in model.moves_from(place):
                assert model.move(move.name, place) is move
        with pytest.raises(KeyError):
            model.move("close", CLOSED)


class TestAMachine:
    def test_refuses_unknown_triggers_and_states(self):
        track = Track(["a", "b"], [("go", "a", "b")])
        for trigger, state in (("go", "nowhere"), ("fly", "a"), ("to_b", "a"), ("trigger", "a")):
            with pytest.raises(NotPossible):
                track.next_state(trigger, state)

    @pytest.mark.parametrize("wild", ["*", "=", "c"])
    def test_is_not_built_with_ways_to_nowhere(self, wild):
        with pytest.raises(ValueError, match="no such state"):
            Track(["a", "b"], [("go", wild, "b")])
        with pytest.raises(ValueError, match="no such state"):
            Track(["a", "b"], [("go", "a", wild)])

    def test_keeps_nothing_from_one_run_to_the_next(self):
        track = Track(["a", "b", "c"], [("go", "a", "b"), ("go", "b", "c")])
        assert [track.next_state("go", "a") for _ in range(3)] == ["b", "b", "b"]


@pytest.mark.parametrize("name", SMALL)
class TestASmallMachine:
    def test_takes_every_move_it_names_and_no_other(self, name):
        machine, track = small_machine(name, 1), small_track(name, 1)
        ways = {(move.name, source): move.to for move in machine.moves for source in move.from_}
        for state in (state.key for state in machine.states):
            for trigger in {move.name for move in machine.moves}:
                if (trigger, state) in ways:
                    assert track.next_state(trigger, state) == ways[trigger, state]
                else:
                    with pytest.raises(NotPossible):
                        track.next_state(trigger, state)

    def test_does_not_go_on_when_it_has_ended(self, name):
        machine = small_machine(name, 1)
        ended = {state.key for state in machine.states if state.ended}
        assert not [move.name for move in machine.moves if ended & set(move.from_)]
