"""What the checks say: one finding each, in a sentence, with how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

# Every code there is. A test demands a broken file for each.
CODES = frozenset(
    {
        "ages_overlap",
        "ages_reversed",
        "ambiguous_move",
        "ask_again_missing",
        "bad_value",
        "broken_toml",
        "closed_mixed_with_steps",
        "deadline_without_owner",
        "duplicate_name",
        "ends_in_open_state",
        "external_need_missing",
        "external_not_shared",
        "guide_part_missing",
        "guide_without_common",
        "label_missing",
        "leader_never_told",
        "log_from_the_start",
        "log_need_missing",
        "log_order",
        "missing_key",
        "moves_on_from_the_end",
        "name_is_not_file_name",
        "no_way_down",
        "no_way_to_close",
        "nobody_consents",
        "nobody_may_leave",
        "not_checked_further",
        "not_readable",
        "reopens_into_shared",
        "safety_rule_switched_off",
        "sharing_need_missing",
        "special_case_missing",
        "step_outside_level",
        "step_without_deadline",
        "unknown_key",
        "unknown_name",
        "unreachable_step",
        "wrong_person",
    }
)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a file: a stable code, where, what, and how to mend it."""

    code: str
    file: str
    key_path: str
    sentence: str
    mend: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.key_path}" if self.key_path else self.file
        return f"{where}: {self.sentence} {self.mend} [{self.code}]"


Findings = Iterator[Finding]


def found(code: str, key_path: str, sentence: str, mend: str) -> Finding:
    """Make a finding; `check_file` adds which file it is about."""
    return Finding(code, "", key_path, sentence, mend)


def unknown(key_path: str, kind: str, name: str, known: Iterable[str]) -> Finding:
    """Make the finding that `name` is none of the known names of a kind, with the nearest one."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    mend = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names) or 'none'}."
    return found("unknown_name", key_path, f"There is no {kind} {name!r}.", mend)


def listed(names: Iterable[str]) -> str:
    """Join names as a sentence does: `a, b and c`."""
    *head, last = list(names) or [""]
    return f"{', '.join(head)} and {last}" if head else last
