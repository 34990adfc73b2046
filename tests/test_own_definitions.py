"""BTI_WORKFLOWS: a municipality's own definitions beside those that come with the program."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from bti.cli import main
from bti.cli.serve import checked_settings
from bti.config import Misconfigured, load_settings
from bti.db import writing
from bti.models import audit_entries, handovers, municipalities
from bti.usecases.auditing import shared_steps
from bti.workflow import own
from bti.workflow.library import UnknownDefinition, guide_text, load_definition, released
from tests.auditor import ask, plant
from tests.cast import HERE, Cast, settle
from tests.own_definitions import GUIDE, NAME, SHIPPED, overhalla, own_folder

SECRET = "s" * 48
Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _nothing_stays_in_use() -> Iterator[None]:
    yield
    own.use(None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return own_folder(tmp_path)


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


@pytest.fixture
def bti(cast: Cast, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `bti` against the test's database, with the municipality's own folder."""
    monkeypatch.setenv("BTI_DATABASE_URL", cast.database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("BTI_SECRET_KEY", SECRET)
    monkeypatch.setenv("BTI_WORKFLOWS", str(folder))
    monkeypatch.setenv("BTI_BIND", "127.0.0.1:8999")

    def run(*words: str) -> Result:
        result = CliRunner().invoke(main, list(words))
        assert "Traceback" not in result.output
        return result

    return run


class TestTheFolder:
    def test_is_read_beside_the_programs_own(self, folder: Path) -> None:
        before = released()
        own.use(folder)
        assert set(released()) == {*before, (NAME, 1)}
        model = load_definition(NAME, 1)
        assert [level.label.nb for level in model.definition.levels] == ["Trinn 0", "Trinn A", "Trinn B", "Trinn C"]
        assert guide_text(model, "0.1").what.nb.startswith(GUIDE)
        assert load_definition("bti", 1).definition.levels[0].label.nb == "Nivå 0"
        assert guide_text(load_definition("overhalla", 1), "0.1").what.nb.startswith("Skriv ned")

    def test_is_read_no_more_when_it_isnt_in_use(self, folder: Path) -> None:
        own.use(folder)
        assert shared_steps()[NAME, 1] == frozenset(f"{level}.{step}" for level in "BC" for step in range(1, 6))
        own.use(None)
        assert (NAME, 1) not in released()
        assert (NAME, 1) not in shared_steps()
        with pytest.raises(UnknownDefinition):
            load_definition(NAME, 1)

    def test_may_be_given_from_where_one_stands(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder.parent)
        environ = {"BTI_DATABASE_URL": "sqlite:///x.db", "BTI_SECRET_KEY": SECRET, "BTI_WORKFLOWS": " modeller "}
        settings = load_settings(environ)
        assert settings.workflows == folder
        assert load_settings(environ | {"BTI_WORKFLOWS": ""}).workflows is None


class TestWhatIsRefused:
    def problems(self, folder: Path) -> list[str]:
        with pytest.raises(Misconfigured) as refused:
            own.use(folder)
        assert own.folder() is None, "what was refused is not in use"
        return refused.value.problems

    def test_a_folder_that_isnt_there(self, tmp_path: Path) -> None:
        (told,) = self.problems(tmp_path / "nowhere")
        assert "there is no such folder" in told

    @pytest.mark.parametrize("name", ["overhalla.1.toml", "consent.1.toml", "guides/standard.1.toml"])
    def test_a_file_that_comes_with_the_program(self, folder: Path, name: str) -> None:
        (folder / name).write_text((SHIPPED / name).read_text("utf-8"), "utf-8")
        (told,) = self.problems(folder)
        assert f"{name} comes with Stafett" in told
        assert "a name of your own" in told

    def test_but_not_another_version_of_its_own(self, folder: Path) -> None:
        (folder / f"{NAME}.2.toml").write_text(overhalla(version=2), "utf-8")
        own.use(folder)
        assert load_definition(NAME, 2).version == 2

    def test_everything_that_bti_workflow_check_would_find_in_every_file_at_once(self, folder: Path) -> None:
        first, second = folder / f"{NAME}.1.toml", folder / "annet.1.toml"
        first.write_text(overhalla().replace('"leader_feedback"', '"leaders_feedback"'), "utf-8")
        second.write_text(overhalla("noe-annet", guide="ingen.1"), "utf-8")
        (folder / "guides" / "tom.1.toml").write_text("name = 'tom'", "utf-8")
        (folder / "rot.toml").write_text("= nothing", "utf-8")
        told = "\n".join(self.problems(folder))
        for words in (
            "Did you mean 'leader_feedback'?", "is called 'annet.1.toml'", "ingen.1", "tom.1.toml", "rot.toml",
            "[broken_toml]", "[name_is_not_file_name]", "[unknown_name]",
        ):  # fmt: skip
            assert words in told, words
        checked = CliRunner().invoke(main, ["workflow", "check", str(first), str(second)])
        assert "Did you mean 'leader_feedback'?" in checked.output
        assert "is called 'annet.1.toml'" in checked.output

    def test_a_definition_that_switches_the_engines_rules_off(self, folder: Path) -> None:
        text = overhalla().replace('"holder_decided", "consent_log", "consent_partner"', '"consent_partner"')
        (folder / f"{NAME}.1.toml").write_text(text, "utf-8")
        assert any("log_need_missing" in told for told in self.problems(folder))


class TestTheCommands:
    def test_choose_it_for_new_cases_and_leave_the_others_alone(self, bti: Run, cast: Cast) -> None:
        before = cast.wonder()
        told = bti("municipality", "model", NAME)
        assert (told.exit_code, told.output) == (0, f"New cases in {HERE} follow {NAME}.1 from now on.\n")
        after = cast.wonder(about="mia")
        assert (cast.facts(before).definition, cast.facts(after).definition) == ("bti", NAME)
        cast.move(after, "share_with_leader")
        assert cast.facts(after).step == "0.2"
        with writing(cast.database) as session:
            e = audit_entries.c
            entry = session.execute(sa.select(e.fields, e.role).where(e.event == "municipality.model")).one()
        assert entry.fields == f'{{"definition":"{NAME}","definition_version":1}}'
        assert entry.role == "system"

    def test_list_them_and_mark_the_one_that_is_followed(self, bti: Run, cast: Cast) -> None:
        assert "* bti 1" in bti("municipality", "model").output
        bti("municipality", "model", NAME, "1")
        lines = bti("municipality", "model").output.splitlines()
        assert f"* {NAME} 1" in lines
        assert "  bti 1" in lines
        assert len(lines) == len(released())

    def test_choose_nothing_that_isnt_there_or_is_followed_already(self, bti: Run, cast: Cast) -> None:
        assert "isn't one of those there are" in bti("municipality", "model", "nothing").output
        assert "isn't one of those there are" in bti("municipality", "model", NAME, "2").output
        assert bti("municipality", "model", NAME, "0").exit_code == 2
        assert bti("municipality", "model", "bti").output == "New cases follow bti.1 already.\n"
        assert bti("municipality", "model", NAME, "--municipality", "nowhere").exit_code == 1

    def test_find_it_for_a_new_municipality_too(self, bti: Run, cast: Cast) -> None:
        assert bti("municipality", "add", "nabo", "--name", "Nabo kommune", "--definition", NAME).exit_code == 0
        with writing(cast.database) as session:
            m = municipalities.c
            row = session.execute(sa.select(m.definition, m.definition_version).where(m.id == "nabo")).one()
        assert tuple(row) == (NAME, 1)

    @pytest.mark.parametrize("words", [("tidy",), ("municipality", "list"), ("unit", "list"), ("demo", "--no-serve")])
    def test_are_refused_while_something_is_wrong_in_it(self, bti: Run, folder: Path, words: tuple[str, ...]) -> None:
        (folder / "overhalla.1.toml").write_text(overhalla(), "utf-8")
        result = bti(*words)
        assert result.exit_code == 1
        assert "comes with Stafett" in result.output
        assert "[name_is_not_file_name]" in result.output

    def test_that_help_to_mend_it_still_run(self, bti: Run, folder: Path) -> None:
        (folder / f"{NAME}.1.toml").write_text("= nothing", "utf-8")
        assert "[broken_toml]" in bti("workflow", "check", str(folder / f"{NAME}.1.toml")).output
        assert bti("db", "status").exit_code == 0

    def test_say_what_to_set_when_a_case_follows_one_that_isnt_read(
        self, bti: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bti("municipality", "model", NAME)
        case_id = cast.wonder()
        cast.move(case_id, "share_with_leader")
        cast.offer(case_id, "per")
        cast.later(days=-30)
        with writing(cast.database) as session:
            session.execute(sa.update(handovers).values(expires_on=cast.today))
        monkeypatch.delenv("BTI_WORKFLOWS")
        result = bti("tidy")
        assert result.exit_code == 1
        assert f"There is no definition {NAME}.1.toml: set BTI_WORKFLOWS" in result.output


class TestTheServer:
    def test_starts_with_it(self, bti: Run, cast: Cast) -> None:
        bti("municipality", "model", NAME)
        with writing(cast.database) as session:
            session.execute(sa.update(municipalities).values(is_demo=True))
        assert checked_settings(os.environ).workflows is not None
        assert (NAME, 1) in released()

    def test_refuses_to_start_and_says_all_that_is_wrong_with_all_else(
        self, bti: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bti("municipality", "model", NAME)
        monkeypatch.setenv("BTI_SECRET_KEY", "short")
        (folder / "overhalla.1.toml").write_text(overhalla("overhalla"), "utf-8")
        (folder / f"{NAME}.1.toml").write_text(overhalla().replace('"leader_feedback"', '"leaders_feedback"'), "utf-8")
        result = bti("serve")
        assert result.exit_code == 1
        for words in ("BTI_SECRET_KEY is too short", "comes with Stafett", "Did you mean 'leader_feedback'?"):
            assert words in result.output
        assert "there is no such definition" not in result.output, "it is there, and unsafe"

    def test_refuses_to_start_without_what_a_municipality_or_a_case_follows(
        self, bti: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with writing(cast.database) as session:
            session.execute(sa.update(municipalities).values(is_demo=True))
        bti("municipality", "model", NAME)
        cast.wonder()
        bti("municipality", "model", "bti")
        monkeypatch.delenv("BTI_WORKFLOWS")
        result = bti("serve")
        assert result.exit_code == 1
        assert f"Cases in {HERE} (1) follow {NAME}.1, and there is no such definition" in result.output
        assert "BTI_WORKFLOWS" in result.output


class TestTheAuditor:
    def test_judges_reads_by_the_rules_of_the_cases_own_definition(self, bti: Run, cast: Cast) -> None:
        bti("municipality", "model", NAME)
        case_id = cast.at_decision()
        cast.move(case_id, "start_own_service")
        assert cast.facts(case_id).step == "A.1"
        plant(cast, case_id, by="kari", basis="own_service")
        assert ask(cast, "no_live_basis").rows == ()
        cast.confirm(case_id)
        cast.consented(case_id, "school")
        cast.consented(case_id, "ppt", purpose="share")
        cast.join(case_id, "siri")
        for move in ("plan", "carry_out", "evaluate", "decide", "invite_services"):
            cast.move(case_id, move)
        plant(cast, case_id, by="kari", basis="own_service")
        assert [row.verdict for row in ask(cast, "no_live_basis").rows] == ["shared"]


def test_what_is_in_use_is_no_part_of_any_other_test() -> None:
    values: dict[str, Any] = {"folder": own.folder(), "own": [one for one in released() if one[0] == NAME]}
    assert values == {"folder": None, "own": []}
