"""Trying a definition out: the same seed gives the same walk, and a broken promise is named."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from bti.cli.simulate import simulate_command
from bti.cli.workflow import workflow
from bti.simulation import PROMISES, simulate
from bti.workflow.library import load_definition, released
from bti.workflow.model import Model

STANDARD = load_definition("bti", 1)


class Careless(Model):
    """An engine that demands nothing of its own."""

    def engine_needs(self, from_step: str, to_step: str) -> tuple[str, ...]:
        """Demand nothing."""
        return ()


def needless(**changes: object) -> Model:
    """The standard model without a single need, on an engine without any of its own."""
    moves = tuple(move.model_copy(update={"needs": (), **changes}) for move in STANDARD.definition.moves)
    return Careless(STANDARD.definition.model_copy(update={"moves": moves}))


class TestAWalk:
    def test_is_the_same_for_the_same_seed_and_another_for_another(self) -> None:
        first, again, other = simulate(STANDARD, 7, 120), simulate(STANDARD, 7, 120), simulate(STANDARD, 8, 120)
        assert first.lines == again.lines
        assert first.broken == again.broken
        assert first.lines != other.lines

    @pytest.mark.parametrize(("name", "version"), released())
    def test_keeps_every_promise_in_every_model_we_ship(self, name: str, version: int) -> None:
        model = load_definition(name, version)
        reached: set[str] = set()
        for seed in range(4):
            walk = simulate(model, seed, 1_000)
            assert walk.holds, walk.broken
            reached |= walk.steps_reached
        # It comes to every level, and out again.
        levels = {model.level_of(step).key for step in reached - {"closed"}}
        assert levels == {level.key for level in model.definition.levels}
        assert "closed" in reached

    def test_tells_who_did_what_and_why_not(self) -> None:
        told = "\n".join(simulate(STANDARD, 3, 400).lines)
        for words in ("refused (not_your_move)", "refused (missing ", "→", "somebody consents", "can't be now"):
            assert words in told


class TestABrokenPromise:
    def test_is_named_when_the_engine_forgets_its_own_needs(self) -> None:
        walk = simulate(needless(), 1, 600)
        assert not walk.holds
        assert walk.broken["a log only with child, holder and consent"]
        assert walk.broken["shared only with services that are covered"]

    def test_is_named_when_nobody_can_close(self) -> None:
        moves = tuple(move for move in STANDARD.definition.moves if move.to != "closed")
        walk = simulate(Model(STANDARD.definition.model_copy(update={"moves": moves})), 1, 50)
        assert any("can't close" in breach for breach in walk.broken["always a way on and a way out"])

    def test_is_named_when_a_step_has_no_date(self) -> None:
        first, *levels = STANDARD.definition.levels
        steps = tuple(step.model_copy(update={"deadline": None}) for step in first.steps)
        dateless = STANDARD.definition.model_copy(
            update={"levels": (first.model_copy(update={"steps": steps}), *levels)}
        )
        walk = simulate(Model(dateless), 1, 20)
        assert walk.broken["one holder and a next date"]


class TestTheCommand:
    def run(self, *words: str) -> tuple[int, str]:
        result = CliRunner().invoke(simulate_command, words)
        return result.exit_code, result.output

    def test_prints_the_walk_and_every_verdict(self) -> None:
        file = str(files("workflows") / "bti.1.toml")
        status, said = self.run(file, "--seed", "5", "--steps", "30")
        assert status == 0
        assert sum(line.startswith("held") for line in said.splitlines()) == len(PROMISES)
        assert self.run(file, "--seed", "5", "--steps", "30") == (status, said)

    def test_exits_1_and_says_what_broke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bti.cli.simulate.load_file", lambda file: needless())
        status, said = self.run("any.toml", "--steps", "600")
        assert status == 1
        assert "BROKEN  a log only with child, holder and consent" in said
        assert "nobody consented to" in said

    def test_exits_1_with_the_findings_of_an_unsafe_file(self, tmp_path: Path) -> None:
        broken = tmp_path / "bti.1.toml"
        broken.write_text("[definition]\nname = 'bti'\n", "utf-8")
        status, said = self.run(str(broken))
        assert status == 1
        assert "missing_key" in said

    def test_is_one_of_those_about_definitions(self) -> None:
        assert workflow.commands["simulate"] is simulate_command
