"""Consent: somebody to ask at every age and for every purpose, one rule each, asked anew when it must be."""

from __future__ import annotations

from itertools import groupby

from bti.workflow.checks.finding import Findings, found
from bti.workflow.definition import OCCASIONS, PURPOSES, AgeRule, Definition
from bti.workflow.model import covers_age

_OLDEST = 130
_CASES = {"care_order": "a child under a care order", "pregnant": "a pregnant woman"}
_OCCASION_WORDS = {
    "service_added": "a service is added",
    "takeover": "another service takes over the log",
    "external_partners": "partners outside the municipality join",
}


def occasions(definition: Definition) -> Findings:
    """Find occasions at which the family wouldn't be asked anew. Source: domain.md, Consent."""
    for occasion in OCCASIONS:
        if occasion not in definition.consent.ask_again_on:
            sentence = f"Nobody would be asked anew when {_OCCASION_WORDS[occasion]}."
            yield found("ask_again_missing", "consent.ask_again_on", sentence, f"Add {occasion!r}.")


def ages(definition: Definition) -> Findings:
    """Find ages, 0 to 130, at which nobody is named to consent to a purpose, or two rules are."""
    rules = definition.consent.ages
    for i, rule in enumerate(rules):
        if rule.to_age is not None and rule.to_age < rule.from_age:
            sentence = f"The rule goes from {rule.from_age} to {rule.to_age} years."
            yield found("ages_reversed", f"consent.ages[{i}]", sentence, "Put the lower age first.")
    for purpose in PURPOSES:
        counted = [(age, _count(rules, age, purpose)) for age in range(_OLDEST + 1)]
        for count, span in groupby(counted, key=lambda pair: min(pair[1], 2)):
            years = [age for age, _ in span]
            when = f"At {_years(years)} and for the purpose {purpose!r}"
            if count == 0:
                sentence = f"{when} nobody can consent."
                yield found("nobody_consents", "consent.ages", sentence, "Add a rule for these ages.")
            elif count == 2:
                sentence = f"{when} more than one rule says who consents."
                mend = "Let the rules meet without overlapping."
                yield found("ages_overlap", "consent.ages", sentence, mend)


def special_cases(definition: Definition) -> Findings:
    """Find special cases without a rule, or with two."""
    named = [rule.when for rule in definition.consent.special]
    for case, words in _CASES.items():
        if case not in named:
            sentence = f"Nothing says who consents for {words}."
            mend = f'Add [[consent.special]] with when = "{case}".'
            yield found("special_case_missing", "consent.special", sentence, mend)
        elif named.count(case) > 1:
            sentence = f"The special case {case!r} is there twice."
            yield found("duplicate_name", "consent.special", sentence, "Keep one.")


def _count(rules: tuple[AgeRule, ...], age: int, purpose: str) -> int:
    return sum(purpose in rule.purposes and covers_age(rule.from_age, rule.to_age, age) for rule in rules)


def _years(years: list[int]) -> str:
    if len(years) == 1:
        return f"{years[0]} years"
    return f"{years[0]}–{years[-1]} years"
