"""The diagram's own words; everything else is said by the definition."""

from __future__ import annotations

from bti.workflow.definition import CLOSED
from bti.workflow.diagram.ways import Kind
from bti.workflow.model import Model

WORDS: dict[str, dict[str, str]] = {
    "closed": {"nb": "Avsluttet", "nn": "Avslutta", "en": "Closed"},
    "days": {"nb": "{days} dager", "nn": "{days} dagar", "en": "{days} days"},
    "log": {"nb": "logg", "nn": "logg", "en": "log"},
    "shared": {"nb": "flere tjenester", "nn": "fleire tenester", "en": "several services"},
    "external": {"nb": "også utenfor kommunen", "nn": "òg utanfor kommunen", "en": "outside partners too"},
    "from": {"nb": "Fra {step}", "nn": "Frå {step}", "en": "From {step}"},
    "to": {"nb": "til {step}", "nn": "til {step}", "en": "to {step}"},
}
LEGEND: dict[Kind, dict[str, str]] = {
    "next": {"nb": "Neste trinn", "nn": "Neste steg", "en": "Next step"},
    "loop": {"nb": "Tilbake på samme nivå", "nn": "Tilbake på same nivå", "en": "Back on the same level"},
    "up": {"nb": "Til et høyere nivå", "nn": "Til eit høgare nivå", "en": "To a higher level"},
    "down": {"nb": "Til et lavere nivå", "nn": "Til eit lågare nivå", "en": "To a lower level"},
    "jump": {"nb": "Forbi et nivå", "nn": "Forbi eit nivå", "en": "Past a level"},
    "close": {"nb": "Avslutte", "nn": "Avslutte", "en": "Close"},
    "reopen": {"nb": "Åpne igjen", "nn": "Opne igjen", "en": "Open again"},
}


def describe(model: Model, language: str) -> str:
    """Say the whole diagram in words, step by step, for those who don't see it."""
    sentences = []
    for level in model.definition.levels:
        for step in level.steps:
            name = f"{step.key} {step.title.in_language(language)}"
            sentences.append(f"{_from(model, step.key, name, language)}.")
    sentences.append(f"{_from(model, CLOSED, WORDS['closed'][language], language)}.")
    return " ".join(sentences)


def _from(model: Model, step: str, name: str, language: str) -> str:
    ways = []
    for move in model.moves_from(step):
        target = WORDS["closed"][language].lower() if move.to == CLOSED else move.to
        ways.append(f"{move.label.in_language(language)} ({WORDS['to'][language].format(step=target)})")
    return f"{WORDS['from'][language].format(step=name)}: {'; '.join(ways)}"
