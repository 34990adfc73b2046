"""The same diagram as Mermaid text, for wikis and other tools that draw it themselves."""

from __future__ import annotations

from bti.workflow.definition import CLOSED
from bti.workflow.diagram.ways import Kind, Way, ways_of
from bti.workflow.diagram.words import WORDS
from bti.workflow.model import Model

_ARROWS: dict[Kind, str] = {
    "next": "-->", "skip": "-->", "loop": "-.->", "up": "==>",
    "down": "-.->", "jump": "==>", "close": "--x", "reopen": "-.->",
}  # fmt: skip


def mermaid(model: Model, language: str = "nb") -> str:
    """Return the model's diagram in a language (nb, nn, en) as a Mermaid flowchart."""
    lines = ["flowchart TB"]
    for level in model.definition.levels:
        title = f"{level.label.in_language(language)}: {level.name.in_language(language)}"
        lines += [f'  subgraph level_{level.key}["{_escaped(title)}"]', "    direction LR"]
        for step in level.steps:
            lines.append(f'    {_id(step.key)}["{step.key} {_escaped(step.title.in_language(language))}"]')
        lines.append("  end")
    lines.append(f'  {_id(CLOSED)}(["{WORDS["closed"][language]}"])')
    lines += [f"  {_way(way)}" for way in ways_of(model, language)]
    return "\n".join(lines) + "\n"


def _way(way: Way) -> str:
    sources = " & ".join(_id(source) for source in way.sources)
    return f'{sources} {_ARROWS[way.kind]}|"{_escaped(way.label)}"| {_id(way.target)}'


def _id(step: str) -> str:
    return f"s_{step.replace('.', '_')}"


def _escaped(text: str) -> str:
    # Mermaid has its own entities: a semicolon or quote would end the text.
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
