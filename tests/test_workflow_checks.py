"""Each way a definition can be unsafe has a broken file here, made from the standard by one change."""

import random
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bti.workflow.checks import CODES, Finding, check_file

WORKFLOWS = Path(str(files("workflows")))
MODEL, GUIDE = "bti.1.toml", "guides/standard.1.toml"
HANDOVER, CONSENT, MEASURE = "handover.1.toml", "consent.1.toml", "measure.1.toml"

LAST_STEP = """
[[levels.steps]]
key = "3.6"
guide = "broad_decide"
title = { nb = "Ekstra", nn = "Ekstra", en = "Extra" }
[levels.steps.deadline]
days = 7
owner = "holder"
label = { nb = "Ekstra", nn = "Ekstra", en = "Extra" }

# ---- Moves: level 0"""
EXTRA_MOVE = '''[[moves]]
name = "{name}"
from = [{source}]
to = "{to}"
by = ["holder"]
label = {{ nb = "{label}", nn = "{label}", en = "{label}" }}

[[themes]]
key = "absence"'''
FIRST_THEME = '[[themes]]\nkey = "absence"'
TERM_0_5 = """[levels.steps.deadline]
days = 7
owner = "holder"
label = { nb = "Gi beskjed og avslutt", nn = "Gi beskjed og avslutt", en = "Tell those concerned, and close" }
"""


def extra_move(name, source, to, label="Noe helt annet"):
    return (MODEL, FIRST_THEME, EXTRA_MOVE.format(name=name, source=source, to=to, label=label))


# code, then file, what is replaced (everywhere), by what, and where the finding must point.
BROKEN = [
    # form
    ("broken_toml", MODEL, "validity_months = 12", "validity_months 12", "line 22"),
    ("broken_toml", MODEL, 'name = "bti"', 'name = "bti', "line 8"),
    ("missing_key", MODEL, "validity_months = 12\n", "", "consent.validity_months"),
    ("missing_key", HANDOVER, 'name = "decline"', 'name = "say_no"', "moves"),
    ("unknown_key", MODEL, 'shared_from = "2"', 'shared_from = "2"\ncolour = "red"', "log.colour"),
    ("bad_value", MODEL, "validity_months = 12", "validity_months = 0", "consent.validity_months"),
    ("bad_value", MODEL, "days = 56", 'days = "soon"', "levels[1].steps[2].deadline.days"),
    ("bad_value", MODEL, "days = 56", "days = true", "levels[1].steps[2].deadline.days"),
    ("bad_value", MODEL, "external = true", 'external = "yes"', "levels[3].external"),
    ("bad_value", MODEL, "bullying = 7", "bullying = 70", "levels[0].steps[2].deadline.theme_days.bullying"),
    ("not_checked_further", MODEL, 'key = "3.5"', 'key = "three"', ""),
    # names
    ("name_is_not_file_name", MODEL, "version = 1", "version = 2", "definition.name"),
    ("name_is_not_file_name", MEASURE, "version = 1", "version = 2", "machine.name"),
    ("duplicate_name", MODEL, 'key = "2.4"', 'key = "2.3"', "levels[2].steps[3].key"),
    ("duplicate_name", MODEL, 'key = "friends"', 'key = "language"', "themes[4].key"),
    ("duplicate_name", MODEL, 'key = "moved"', 'key = "referred"', "closing_reasons[5].key"),
    ("duplicate_name", MODEL, 'key = "duty_to_avert"', 'key = "duty_to_report"', "legal_bases[1].key"),
    ("duplicate_name", MODEL, 'when = "care_order"', 'when = "pregnant"', "consent.special"),
    ("duplicate_name", MODEL, '["measures_evaluated", "child_heard"]', '["child_heard", "child_heard"]', "moves[12]"),
    ("duplicate_name", CONSENT, 'key = "refused"', 'key = "given"', "states[3].key"),
    ("step_outside_level", MODEL, 'key = "3.5"', 'key = "2.9"', "levels[3].steps[4].key"),
    ("unknown_name", MODEL, 'starts_at = "1"', 'starts_at = "9"', "log.starts_at"),
    ("unknown_name", MODEL, 'shared_from = "2"', 'shared_from = "9"', "log.shared_from"),
    ("unknown_name", MODEL, 'needs = ["leader_feedback"]', 'needs = ["leaders_feedback"]', "moves[2].needs"),
    ("unknown_name", MODEL, 'by = ["author", "holder"]', 'by = ["author", "teacher"]', "moves[0].by"),
    ("unknown_name", MODEL, 'to = "0.5"', 'to = "0.7"', "moves[7].to"),
    ("unknown_name", MODEL, 'from = ["0.3"]', 'from = ["*"]', "moves[3].from"),
    ("unknown_name", MODEL, "bullying = 7", "bulying = 7", "levels[0].steps[2].deadline.theme_days"),
    ("unknown_name", MODEL, 'givers = ["guardians", "subject"]', 'givers = ["parents"]', "consent.ages[1].givers"),
    ("unknown_name", MODEL, "to_age = 15", 'to_age = 15\npurposes = ["fun"]', "consent.ages[1].purposes"),
    ("unknown_name", MODEL, '"takeover", ', '"take_over", ', "consent.ask_again_on"),
    ("unknown_name", MODEL, 'guide = "own_plan"', 'guide = "own_plans"', "levels[1].steps[1].guide"),
    ("unknown_name", MODEL, 'guide = "standard.1"', 'guide = "standard.9"', "definition.guide"),
    ("unknown_name", MODEL, "handover = 1", "handover = 9", "definition.handover"),
    ("unknown_name", MODEL, 'colour = "plum"', 'colour = "pink"', "levels[3].colour"),
    ("unknown_name", MODEL, 'owner = "unit_leader"', 'owner = "teacher"', "levels[0].steps[1].deadline.owner"),
    ("unknown_name", GUIDE, "wonder_define.school", "wonder_define.skole", "topics.wonder_define.skole"),
    ("unknown_name", HANDOVER, 'initial = "offered"', 'initial = "open"', "machine.initial"),
    # the map
    ("unreachable_step", MODEL, "\n# ---- Moves: level 0", LAST_STEP, "levels[3].steps[5]"),
    ("unreachable_step", CONSENT, 'to = "expired"', 'to = "withdrawn"', "states[5]"),
    ("nobody_may_leave", MODEL, "\n# ---- Moves: level 0", LAST_STEP, "levels[3].steps[5]"),
    ("no_way_to_close", MODEL, '"3.4", "3.5"]', '"3.4"]', "levels[3].steps[4]"),
    ("no_way_down", MODEL, 'from = ["2.5"]\nto = "1.2"', 'from = ["2.5"]\nto = "2.1"', "levels[2]"),
    ("ambiguous_move", *extra_move("plan", '"1.1"', "1.3"), "moves["),
    ("ambiguous_move", *extra_move("plan_more", '"1.1"', "1.2", "Planlegg tiltak"), "moves["),
    ("ambiguous_move", MODEL, 'en = "Try new measures"', 'en = "Continue the measures"', ".label.en"),
    ("ambiguous_move", MEASURE, 'name = "change"', 'name = "continue"', "moves[1].name"),
    ("closed_mixed_with_steps", *extra_move("again", '"closed", "0.4"', "0.1"), "moves["),
    ("reopens_into_shared", MODEL, 'from = ["closed"]\nto = "1.1"', 'from = ["closed"]\nto = "2.1"', "moves["),
    ("leader_never_told", MODEL, 'does = ["share_with_leader"]\n', "", "moves"),
    (
        "moves_on_from_the_end", HANDOVER, 'from = ["offered"]\nto = "expired"',
        'from = ["declined"]\nto = "expired"', "states[2]",
    ),
    ("ends_in_open_state", HANDOVER, 'key = "overtaken"\nended = true', 'key = "overtaken"', "states[5]"),
    ("wrong_person", HANDOVER, 'by = ["offered"]', 'by = ["holder"]', "moves[0].by"),
    (
        "wrong_person", CONSENT, '"partly_given", "given"]\nto = "withdrawn"',
        '"partly_given"]\nto = "withdrawn"', "states[2]",
    ),
    # safety
    ("log_from_the_start", MODEL, 'starts_at = "1"', 'starts_at = "0"', "log.starts_at"),
    ("log_order", MODEL, 'shared_from = "2"', 'shared_from = "0"', "log.shared_from"),
    ("log_order", MODEL, 'starts_at = "1"', 'starts_at = "3"', "log.shared_from"),
    ("external_not_shared", MODEL, 'colour = "green"', 'colour = "green"\nexternal = true', "levels[1].external"),
    ("log_need_missing", MODEL, '"holder_decided", ', "", "moves[5].needs"),
    ("log_need_missing", MODEL, '"consent_log"', '"no_open_offer"', "moves[5].needs"),
    ("log_need_missing", MODEL, '"subject_known", ', "", "moves[5].needs"),
    ("sharing_need_missing", MODEL, ', "consent_partner"', "", "moves[6].needs"),
    ("external_need_missing", MODEL, ', "consent_external"', "", "moves["),
    ("step_without_deadline", MODEL, TERM_0_5, "", "levels[0].steps[4]"),
    (
        "deadline_without_owner", MODEL, TERM_0_5,
        TERM_0_5.replace('owner = "holder"\n', ""), "levels[0].steps[4].deadline",
    ),
    ("safety_rule_switched_off", MODEL, 'shared_from = "2"', 'shared_from = "2"\nrequire_consent = false', "log."),
    # consent
    ("ask_again_missing", MODEL, '"service_added", ', "", "consent.ask_again_on"),
    ("ask_again_missing", MODEL, ', "external_partners"', "", "consent.ask_again_on"),
    ("nobody_consents", MODEL, "to_age = 17", "to_age = 16", "consent.ages"),
    ("nobody_consents", MODEL, "from_age = 18", 'from_age = 18\npurposes = ["log", "share"]', "consent.ages"),
    ("ages_overlap", MODEL, "to_age = 14", "to_age = 15", "consent.ages"),
    ("ages_reversed", MODEL, "to_age = 17", "to_age = 7", "consent.ages[2]"),
    (
        "special_case_missing", MODEL, '[[consent.special]]\nwhen = "care_order"\ngivers = ["child_welfare"]\n',
        "", "consent.special",
    ),
    # words
    ("label_missing", MODEL, ', nn = "Fråvær"', "", "themes[0].label"),
    ("label_missing", MODEL, 'en = "Close the case"', 'en = " "', "moves["),
    (
        "label_missing", MODEL, 'nn = "Éi teneste prøver ut tiltak saman med barnet og føresette."',
        "", "levels[1].description",
    ),
    ("label_missing", GUIDE, "what.nn = \"Skriv ned", "what.nn = \"\" # ", "topics.wonder_define.common.what"),
    ("label_missing", MEASURE, ', en = "In progress"', "", "states[0].label"),
    (
        "guide_part_missing", GUIDE, "[topics.own_plan.common]",
        "[topics.new.common]\n[topics.own_plan.common]", "topics.new.common.what",
    ),
    (
        "guide_without_common", GUIDE, "[topics.own_plan.common]",
        "[topics.new.school]\n[topics.own_plan.common]", "topics.new",
    ),
]  # fmt: skip


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def text_of(name):
    return (WORKFLOWS / name).read_text("utf-8")


@pytest.mark.parametrize(
    ("code", "file", "old", "new", "where"), BROKEN, ids=[f"{row[0]}-{i}" for i, row in enumerate(BROKEN)]
)
def test_a_broken_file_is_found_out(tmp_path, code, file, old, new, where):
    text = text_of(file)
    assert old in text, "the change must change something"
    findings = check_file(write(tmp_path, file, text.replace(old, new)))
    there = [finding for finding in findings if finding.code == code]
    assert there, [str(finding) for finding in findings]
    assert any(where in finding.key_path for finding in there), [finding.key_path for finding in there]
    for finding in findings:
        assert finding.code in CODES
        assert finding.file.endswith(file)
        assert finding.sentence.endswith("."), finding
        assert finding.mend.endswith((".", "?")), finding


def test_every_code_has_a_broken_file():
    assert {row[0] for row in BROKEN} | {"not_readable"} == CODES


class TestAFileThatCannotBeRead:
    @pytest.mark.parametrize("name", ["nothing.1.toml", "."])
    def test_is_a_finding(self, tmp_path, name):
        assert [finding.code for finding in check_file(tmp_path / name)] == ["not_readable"]

    def test_that_is_not_utf8_is_a_finding(self, tmp_path):
        path = tmp_path / "bti.1.toml"
        path.write_bytes(b"\xff\xfe\x00")
        assert [finding.code for finding in check_file(path)] == ["broken_toml"]

    @pytest.mark.parametrize("text", ["", "a = 1", "x = " + "[" * 5000, '"\\u0000" = 1', "levels = 7\nmoves = {}"])
    def test_that_says_nothing_of_use_is_findings(self, tmp_path, text):
        assert check_file(write(tmp_path, "bti.1.toml", text))


class TestEveryFindingComesAtOnce:
    def test_faults_of_form_and_of_meaning_together(self, tmp_path):
        text = text_of(MODEL)
        for old, new in (
            ("validity_months = 12\n", ""),
            ('colour = "plum"', 'colour = "pink"'),
            ('shared_from = "2"', 'shared_from = "2"\nwithout_consent = true\nhue = 3'),
            ('owner = "unit_leader"', 'owner = "nobody"'),
            ('to = "0.5"', 'to = "0.7"'),
            ("to_age = 17", "to_age = 16"),
            (', nn = "Fråvær"', ""),
            ('"holder_decided", ', ""),
        ):
            assert old in text
            text = text.replace(old, new)
        codes = {finding.code for finding in check_file(write(tmp_path, MODEL, text))}
        assert codes >= {
            "missing_key", "unknown_name", "safety_rule_switched_off", "unknown_key", "unreachable_step",
            "nobody_consents", "label_missing", "log_need_missing",
        }  # fmt: skip
        assert "not_checked_further" not in codes


class TestNoDefinitionSwitchesSafetyOff:
    SWITCHES = (
        "safety = false", "skip_needs = true", "without = ['consent_log']", "override = true",
        "require_consent = false", "allow_without_consent = true", "needs_consent = false",
        "ignore_secrecy = true", "unsafe = 1", "[engine]\nsafety = 'off'", "bypass_engine = true",
        "enforce = false", "disable_checks = true", "no_consent = true", "consent_required = false",
    )  # fmt: skip

    @pytest.mark.parametrize("switch", SWITCHES)
    def test_at_the_top(self, tmp_path, switch):
        self.refused(tmp_path, text_of(MODEL).replace("[definition]", f"{switch}\n[definition]", 1))

    @pytest.mark.parametrize(
        "place", ["[log]", "[consent]", "[[levels]]", "[[levels.steps]]", "[[moves]]", "[[themes]]"]
    )
    def test_anywhere(self, tmp_path, place):
        self.refused(tmp_path, text_of(MODEL).replace(place, f"{place}\nskip_safety = true"))

    @pytest.mark.parametrize("need", ["not consent_log", "!consent_log", "no_consent_log", "-holder_decided"])
    def test_in_the_needs(self, tmp_path, need):
        self.refused(tmp_path, text_of(MODEL).replace('"leader_feedback"', f'"{need}"'))

    def refused(self, folder, text):
        findings = check_file(write(folder, MODEL, text))
        assert "safety_rule_switched_off" in {finding.code for finding in findings}


class TestWhatAFindingSays:
    def test_names_the_nearest_known_name(self, tmp_path):
        text = text_of(MODEL).replace('"leader_feedback"', '"leaders_feedback"')
        (finding,) = check_file(write(tmp_path, MODEL, text))
        assert finding.mend == "Did you mean 'leader_feedback'?"

    def test_is_one_line_with_everything(self):
        finding = Finding("code", "a.toml", "log", "It is wrong.", "Mend it.")
        assert str(finding) == "a.toml: log: It is wrong. Mend it. [code]"


ODD: tuple[Any, ...] = (0, -1, "", "closed", "0.1", True, [], {}, [1], {"nb": 1}, 1.5, "x" * 1000, ["closed"])


def scrambled(tables, pick):
    """Change one thing at random: remove it, or put something else in its place."""
    place: Any = tables
    parent: Any = tables
    key: Any = "definition"
    while isinstance(place, dict | list) and place:
        parent = place
        key = pick.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
        place = place[key]
        if pick.random() < 0.2:
            break
    if pick.random() < 0.5:
        del parent[key]
    else:
        parent[key] = pick.choice(
            [0, -1, "", "closed", "0.1", True, [], {}, [1], {"nb": 1}, 1.5, "x" * 1000, ["closed"]]
        )
    return tables


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9), file=st.sampled_from([MODEL, HANDOVER, CONSENT, MEASURE]), changes=st.integers(1, 4))
def test_no_file_whatsoever_gives_a_traceback(monkeypatch, seed, file, changes):
    tables, pick = tomllib.loads(text_of(file)), random.Random(seed)
    for _ in range(changes):
        tables = scrambled(tables, pick)
    monkeypatch.setattr("bti.workflow.checks.read", lambda _: (tables, []))
    for finding in check_file(WORKFLOWS / file):
        assert finding.code in CODES
        assert finding.sentence
