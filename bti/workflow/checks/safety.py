"""What the engine demands anyway, so that a file that doesn't say it is wrong about its own model."""

from __future__ import annotations

from bti.needs import EXTERNAL_NEEDS, SHARING_NEEDS
from bti.workflow.checks.finding import Findings, found, listed
from bti.workflow.checks.names import deadlines_of, steps_of
from bti.workflow.definition import Definition
from bti.workflow.model import Model

_CODES = dict.fromkeys(SHARING_NEEDS, "sharing_need_missing") | dict.fromkeys(EXTERNAL_NEEDS, "external_need_missing")


def levels(definition: Definition) -> Findings:
    """Find an order of levels that would leave consent out: log, then sharing, then external partners."""
    keys = [level.key for level in definition.levels]
    log, shared = definition.log.starts_at, definition.log.shared_from
    if log not in keys or shared not in keys:
        return
    if keys.index(log) == 0:
        sentence = "The log would start with the wonder, before anybody has consented to anything."
        mend = "Let `log.starts_at` name a level above the first."
        yield found("log_from_the_start", "log.starts_at", sentence, mend)
    if keys.index(shared) < keys.index(log):
        sentence = f"Other services take part from level {shared}, but the log, with its consent, starts at {log}."
        mend = "Let `log.shared_from` be the log's first level or one above."
        yield found("log_order", "log.shared_from", sentence, mend)
    for i, level in enumerate(definition.levels):
        if level.external and i < keys.index(shared):
            sentence = f"Level {level.key} has partners outside the municipality, but nothing is shared there."
            mend = f"Let `log.shared_from` be {level.key!r} or a level before, or remove `external`."
            yield found("external_not_shared", f"levels[{i}].external", sentence, mend)


def needs(definition: Definition) -> Findings:
    """Find moves that don't name what the engine will demand of them."""
    keys = {level.key for level in definition.levels}
    places = {step.key for _, _, step in steps_of(definition)} | {"closed"}
    if not {definition.log.starts_at, definition.log.shared_from} <= keys:
        return
    model = Model(definition)
    for i, move in enumerate(definition.moves):
        sources = [source for source in move.from_ if {source, move.to} <= places]
        demanded = {need: s for s in sources for need in model.engine_needs(s, move.to)}
        for code in dict.fromkeys(_CODES.get(need, "log_need_missing") for need in demanded):
            missing = [
                need for need in demanded if need not in move.needs and _CODES.get(need, "log_need_missing") == code
            ]
            if missing:
                sentence = f"{move.name!r} to step {move.to} doesn't name {listed(missing)}."
                mend = "Add it to `needs`: the engine demands it anyway, and readers should know."
                yield found(code, f"moves[{i}].needs", sentence, mend)


def deadlines(definition: Definition) -> Findings:
    """Find steps where a case could be forgotten: no deadline, or one that nobody answers for."""
    for path, _, step in steps_of(definition):
        if step.deadline is None:
            sentence = f"Step {step.key} ({step.title.nb}) has no deadline: a case could be forgotten there."
            mend = "Add a deadline with days, owner and label."
            yield found("step_without_deadline", path, sentence, mend)
    for path, deadline in deadlines_of(definition):
        if deadline.owner is None:
            sentence = f"Nobody answers for the deadline {deadline.label.nb!r}."
            mend = 'Add owner = "holder" or "unit_leader".'
            yield found("deadline_without_owner", path, sentence, mend)
        for theme, days in deadline.theme_days.items():
            if not 1 <= days <= deadline.days:
                sentence = f"{days} days for the theme {theme!r} isn't between 1 and {deadline.days}."
                mend = "A theme can only shorten the term."
                yield found("bad_value", f"{path}.theme_days.{theme}", sentence, mend)
