"""The models that come with the program: released files stay as they are, safety can't be switched off, and the
variants differ in data only."""

import hashlib
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from bti.needs import EXTERNAL_NEEDS, LOG_NEEDS, NEEDS, SHARING_NEEDS
from bti.workflow.checks import check_file
from bti.workflow.definition import CLOSED, GUIDE_PARTS, LANGUAGES, PURPOSES, Definition
from bti.workflow.library import (
    UnknownDefinition,
    UnsafeDefinition,
    guide_text,
    load_definition,
    load_file,
    load_guide,
    released,
    small_machine,
)
from bti.workflow.model import Model

WORKFLOWS = Path(str(files("workflows")))
SHIPPED = sorted([*WORKFLOWS.glob("*.toml"), *WORKFLOWS.glob("guides/*.toml")])
RELEASED = {
    "bti.1.toml": "5e73707f5819fc6720e8d9ed1ec80ff4ba72fe9e438e3cf33f79473cf1624155",
    "consent.1.toml": "5ed37498ff5b684f67f9fab6b24f6dafa0c8c1615e66874bd8304a714d536f6c",
    "guides/standard.1.toml": "268efc4f124af6f30cb316bb2aa2846e0cc402769b78e8e8a1c7796a9457bf43",
    "handover.1.toml": "9c904bfb10138c879601ab4baed371055e9e52caae1fa2e4e739fb7a157ede5b",
    "measure.1.toml": "60d3e0b24790e733cc1e6a989bf0e970a74b97b8dd1783d8a23c246ea14ed5e2",
    "overhalla.1.toml": "7035f3c128204e9daa81cad713fcfb7af6132fd0fe2b80a77a3842755141b4d5",
    "risor-school.1.toml": "8cb519d8065d71b22239317d1b788399cc92c0975d5fb49a0d7784e3c328e5c3",
    "tromso.1.toml": "b756da813082924a2afad748005e2b4410013f83f934c42ddf45c0647a1615d2",
    "vestre-toten.1.toml": "ab6a21816247cbf21706a12294372e91abe198b9b89cb63bea392fb152e76473",
}


def names(paths):
    return [path.relative_to(WORKFLOWS).as_posix() for path in paths]


@pytest.mark.parametrize("path", SHIPPED, ids=names(SHIPPED))
class TestAShippedFile:
    def test_is_safe(self, path):
        assert [str(finding) for finding in check_file(path)] == []

    def test_is_released_as_it_is(self, path):
        name = path.relative_to(WORKFLOWS).as_posix()
        assert name in RELEASED, f"{name} is new: add its SHA-256 here when it is released"
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        assert found == RELEASED[name], f"{name}: a released definition is never edited: make a new version"


def test_no_released_file_is_gone():
    assert set(RELEASED) <= set(names(SHIPPED)), "cases remember their definition: keep every released file"


def walk(model):
    """Give every move with a step it can be made from."""
    return [(move, source) for move in model.definition.moves for source in move.from_]


def stripped(model):
    """The same model with every need removed: what a careless author might run, had it not been refused."""
    moves = [move.model_copy(update={"needs": ()}) for move in model.definition.moves]
    return Model(model.definition.model_copy(update={"moves": tuple(moves)}))


MODELS = [load_definition(name, version) for name, version in released()]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
class TestTheEnginesOwnNeeds:
    def test_hold_when_the_definition_leaves_them_out(self, model):
        bare = stripped(model)
        for move, source in walk(bare):
            needs = set(bare.needs_of(move, source))
            came_from = -1 if source == CLOSED else bare.level_index(source)
            goes_to = -1 if move.to == CLOSED else bare.level_index(move.to)
            if goes_to != came_from and bare.has_log(move.to):
                assert set(LOG_NEEDS) <= needs, (move.name, source)
            if goes_to > came_from and bare.is_shared(move.to):
                assert set(SHARING_NEEDS) <= needs, (move.name, source)
            if goes_to != came_from and bare.is_external(move.to):
                assert set(EXTERNAL_NEEDS) <= needs, (move.name, source)

    def test_are_demanded_of_nobody_who_stays_or_closes(self, model):
        bare = stripped(model)
        for move, source in walk(bare):
            if move.to == CLOSED or not bare.changes_level(source, move.to):
                assert bare.needs_of(move, source) == ()

    def test_are_named_in_the_file_too(self, model):
        for move, source in walk(model):
            assert model.needs_of(move, source) == tuple(dict.fromkeys(move.needs)), move.name

    def test_are_all_in_the_closed_table(self, model):
        assert {need for move, source in walk(model) for need in model.needs_of(move, source)} <= set(NEEDS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
class TestEveryModel:
    def test_begins_at_its_first_step_without_a_log(self, model):
        assert model.initial_step == model.definition.levels[0].steps[0].key
        assert not model.has_log(model.initial_step)

    def test_has_neither_log_nor_sharing_when_closed(self, model):
        for holds in (model.has_log, model.is_shared, model.is_external):
            assert not holds(CLOSED)

    def test_names_somebody_to_consent_at_every_age(self, model):
        for age in (*range(131), None):
            for purpose in PURPOSES:
                for care_order in (False, True):
                    for pregnant in (False, True):
                        assert model.givers(age, purpose, care_order, pregnant)

    def test_never_asks_guardians_under_a_care_order_or_of_a_pregnant_woman(self, model):
        for age in range(131):
            assert "guardians" not in model.givers(age, "log", care_order=True)
            assert model.givers(age, "log", pregnant=True) == ("subject",)

    def test_asks_the_subject_alone_from_eighteen(self, model):
        for age in range(18, 131):
            for purpose in PURPOSES:
                assert model.givers(age, purpose, care_order=True) == ("subject",)

    def test_sets_a_deadline_with_an_owner_at_every_arrival(self, model):
        for move, _ in walk(model):
            term = model.deadline_for(move, move.to)
            if move.to == CLOSED:
                assert term is None
            else:
                assert term is not None
                assert term.days > 0
                assert term.owner in ("holder", "unit_leader")

    def test_can_be_walked_from_the_wonder_to_the_highest_level_and_down_again(self, model):
        order = {step.key: i for i, level in enumerate(model.definition.levels) for step in level.steps}
        ways = [(order[source], order[move.to]) for move, source in walk(model) if CLOSED not in (source, move.to)]
        highest = max(order.values())
        assert {(low, low + 1) for low in range(highest)} <= set(ways)
        assert any(start == highest and end < highest for start, end in ways)
        assert (0, 2) in ways, "another service may be needed straight from the wonder"

    def test_has_a_guide_for_every_step_kind_of_service_and_language(self, model):
        for level in model.definition.levels:
            for step in level.steps:
                for kind in ("common", "school", "kindergarten", "health_centre", "nav", "leisure"):
                    text = guide_text(model, step.key, kind)
                    for part in GUIDE_PARTS:
                        for language in LANGUAGES:
                            assert getattr(getattr(text, part), language), (step.key, kind, part, language)


def term(model, *arguments):
    found = model.deadline_for(*arguments)
    assert found is not None
    return found


def days(model, *arguments):
    return term(model, *arguments).days


def due_on(model, *arguments, **dates):
    due = model.due(*arguments, **dates)
    assert due is not None
    return due.on


class TestTheStandard:
    model = load_definition("bti", 1)

    @pytest.mark.parametrize(
        ("age", "givers"),
        [
            (0, ("guardians",)),
            (14, ("guardians",)),
            (15, ("guardians", "subject")),
            (16, ("subject",)),
            (18, ("subject",)),
            (None, ("guardians", "subject")),
        ],
    )
    def test_asks_by_age(self, age, givers):
        assert self.model.givers(age, "share") == givers

    def test_keeps_the_young_persons_say_under_a_care_order(self):
        assert self.model.givers(14, "log", care_order=True) == ("child_welfare",)
        assert self.model.givers(15, "log", care_order=True) == ("child_welfare", "subject")
        assert self.model.givers(16, "log", care_order=True) == ("subject",)

    def test_shortens_the_talk_in_a_school_environment_case(self):
        move = self.model.move("clarify_who_talks", "0.2")
        assert days(self.model, move, "0.3", ["absence"]) == 14
        assert days(self.model, move, "0.3", ["absence", "bullying"]) == 7

    def test_counts_the_talk_from_the_wonder_and_never_into_the_past(self):
        move = self.model.move("clarify_who_talks", "0.2")
        wonder = date(2026, 3, 2)
        due = due_on(self.model, move, "0.3", [], moved_on=date(2026, 3, 9), level_entered_on=wonder)
        assert due == date(2026, 3, 16)
        late = date(2026, 4, 20)
        assert due_on(self.model, move, "0.3", [], moved_on=late, level_entered_on=wonder) == late

    def test_says_what_each_kind_of_service_does_differently(self):
        texts = {guide_text(self.model, "0.1", kind).how.nb for kind in ("school", "kindergarten", "nav", "common")}
        assert len(texts) == 4
        assert guide_text(self.model, "0.1", "school").who == guide_text(self.model, "0.1").who


class TestTheVariantsRules:
    standard, overhalla = load_definition("bti", 1), load_definition("overhalla", 1)

    def test_overhalla_starts_its_log_where_the_second_service_joins(self):
        assert not self.overhalla.has_log("A.3")
        assert self.overhalla.has_log("B.1")
        assert self.standard.has_log("1.1")

    def test_overhalla_asks_for_no_consent_on_the_way_to_a(self):
        move = self.overhalla.move("start_own_service", "0.4")
        assert "consent_log" not in self.overhalla.needs_of(move, "0.4")
        move = self.overhalla.move("start_with_other_service", "0.4")
        assert {"consent_log", "consent_partner"} <= set(self.overhalla.needs_of(move, "0.4"))

    def test_overhalla_lets_a_fifteen_year_old_consent_alone(self):
        assert self.overhalla.givers(15, "log") == ("subject",)
        assert self.standard.givers(15, "log") == ("guardians", "subject")

    def test_overhalla_gives_four_weeks_to_contact_the_guardians_and_one_in_school_cases(self):
        for step in ("0.1", "0.2", "0.3"):
            assert days(self.overhalla, None, step) == 28
            assert days(self.overhalla, None, step, ["bullying"]) == 7
        opened = date(2026, 8, 17)
        move = self.overhalla.move("share_with_leader", "0.1")
        due = due_on(self.overhalla, move, "0.2", [], moved_on=date(2026, 8, 31), level_entered_on=opened)
        assert due == date(2026, 9, 14), "moving on doesn't prolong the four weeks"

    def test_vestre_toten_has_levels_of_different_length(self):
        levels = load_definition("vestre-toten", 1).definition.levels
        assert [len(level.steps) for level in levels] == [3, 5, 4, 4]

    def test_risor_turns_to_the_coordinating_unit_without_progress(self):
        risor = load_definition("risor-school", 1)
        move = risor.move("no_progress", "3.5")
        assert "coordinating_unit" in move.by
        assert move.reason == "required"
        assert move.deadline is not None
        assert term(risor, move, move.to).label == move.deadline.label, "the move's own term goes first"

    def test_tromso_decides_within_a_fortnight_and_follows_the_standard_above(self):
        tromso = load_definition("tromso", 1)
        assert {days(tromso, None, f"0.{i}") for i in range(1, 5)} == {14}
        assert tromso.definition.levels[1:] == self.standard.definition.levels[1:]


JOURNEYS = {
    "bti": "talk_directly 0.3 share_with_leader 0.2 clarify_who_talks 0.3 decide_on_wonder 0.4 start_own_service 1.1* "
    "plan 1.2* carry_out 1.3* evaluate 1.4* decide 1.5* new_measures 1.2* invite_services 2.1* plan 2.2* "
    "carry_out 2.3* evaluate 2.4* decide 2.5* invite_externals 3.1* plan 3.2* carry_out 3.3* evaluate 3.4* decide 3.5* "
    "back_to_two_services 2.2* close closed reopen_with_log 1.1* close closed reopen 0.4 no_need 0.5 close closed",
    "overhalla": "share_with_leader 0.2 clarify_who_talks 0.3 decide_on_wonder 0.4 start_own_service A.1 plan A.2 "
    "carry_out A.3 evaluate A.4 decide A.5 invite_services B.1* plan B.2* carry_out B.3* evaluate B.4* decide B.5* "
    "invite_externals C.1* plan C.2* carry_out C.3* evaluate C.4* decide C.5* back_to_own_service A.2 close closed "
    "reopen 0.4 start_with_other_service B.1* close closed reopen_in_own_service A.1",
    "vestre-toten": "share_with_leader 0.2 clarify_follow_up 0.3 start_own_service 1.1* understand_together 1.2* "
    "plan 1.3* carry_out 1.4* evaluate 1.5* invite_services 2.1* plan 2.2* carry_out 2.3* evaluate 2.4* "
    "back_to_own_service 1.3* close closed reopen_with_log 1.2*",
    "risor-school": "talk_directly 0.3 decide_on_wonder 0.4 start_with_other_service 2.1* plan 2.2* carry_out 2.3* "
    "evaluate 2.4* decide 2.5* invite_externals 3.1* meet 3.2* carry_out 3.3* evaluate 3.4* decide 3.5* "
    "no_progress 3.1* close closed",
    "tromso": "make_concrete 0.2 share_with_leader 0.3 sum_up 0.4 back_to_wondering 0.2 share_with_leader 0.3 "
    "sum_up 0.4 start_own_service 1.1* close closed",
}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_case_goes_its_way_and_has_a_log_where_the_star_says(model):
    step, words = model.initial_step, JOURNEYS[model.name].split()
    for move, expected in zip(words[::2], words[1::2], strict=True):
        step = model.next_step(move, step)
        assert f"{step}{'*' if model.has_log(step) else ''}" == expected, move


class TestLoading:
    def test_knows_what_is_released(self):
        assert {"bti", "overhalla", "vestre-toten", "risor-school", "tromso"} <= {name for name, _ in released()}
        assert "consent" not in {name for name, _ in released()}

    def test_reads_each_file_once(self):
        assert load_definition("bti", 1) is load_definition("bti", 1)

    def test_says_when_there_is_no_such_file(self, tmp_path):
        for load in (load_definition, load_guide, small_machine):
            with pytest.raises(UnknownDefinition):
                load("nowhere", 1, tmp_path)
        with pytest.raises(UnknownDefinition):
            load_definition("../etc/passwd", 1)

    def test_prefers_a_municipalitys_own_folder(self, tmp_path):
        text = (WORKFLOWS / "bti.1.toml").read_text("utf-8").replace('name = "bti"', 'name = "fjordvik"', 1)
        (tmp_path / "fjordvik.1.toml").write_text(text, "utf-8")
        model = load_definition("fjordvik", 1, tmp_path)
        assert model.name == "fjordvik"
        assert guide_text(model, "0.1", folder=tmp_path).what.nb
        assert ("fjordvik", 1) in released(tmp_path)
        assert ("bti", 1) in released(tmp_path)

    def test_refuses_an_unsafe_file_with_all_its_findings(self, tmp_path):
        text = (WORKFLOWS / "bti.1.toml").read_text("utf-8").replace('"consent_log"', '"no_open_offer"')
        path = tmp_path / "bti.1.toml"
        path.write_text(text, "utf-8")
        for load in (lambda: load_definition("bti", 1, tmp_path), lambda: load_file(path)):
            with pytest.raises(UnsafeDefinition) as refusal:
                load()
            assert {finding.code for finding in refusal.value.findings} == {"log_need_missing"}
            assert len(refusal.value.findings) > 1

    def test_a_definition_never_changes_after_reading(self):
        definition = load_definition("bti", 1).definition
        assert isinstance(definition, Definition)
        with pytest.raises(ValueError, match="frozen"):
            definition.log.starts_at = "3"
