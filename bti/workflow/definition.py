"""The form of a definition file: what a municipality may say about its BTI model.

A file that has this form is not yet safe; `bti.workflow.checks` decides that. Texts are kept as `Words`
with possibly empty languages so that the checks can name every missing one at once.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

LANGUAGES = ("nb", "nn", "en")
CLOSED = "closed"
RELATIONS = ("author", "holder", "unit_leader", "coordinating_unit")
GIVERS = ("guardians", "subject", "child_welfare")
PURPOSES = ("log", "share", "external", "takeover")
OCCASIONS = ("service_added", "takeover", "external_partners")
SERVICE_KINDS = (
    "school", "kindergarten", "health_centre", "nav", "ppt", "child_welfare", "family_support",
    "leisure", "specialist_health", "coordinating_unit", "administration",
)  # fmt: skip
COLOURS = ("grey", "green", "petrol", "plum", "moss", "slate")
GUIDE_PARTS = ("what", "how", "who", "tools")


class Form(BaseModel):
    """Base of all parts: unknown keys are an error, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Words(Form):
    """One text in the three languages people read."""

    nb: str = ""
    nn: str = ""
    en: str = ""

    def in_language(self, language: str) -> str:
        """Return the text in `language` (nb, nn, en); Bokmål where that is empty or unknown."""
        return getattr(self, language, "") or self.nb


class Choice(Form):
    """A key people choose by its label: a theme, a closing reason, a kind of information."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: Words


class Deadline(Form):
    """The next date a step or move sets, in calendar days from the move.

    `since = "level"` counts from when the case came to the level: a term that moves inside it don't prolong.
    `owner` is who answers for it; `theme_days` gives shorter terms to cases with a theme.
    """

    days: StrictInt = Field(ge=1, le=366)
    since: Literal["move", "level"] = "move"
    label: Words
    owner: Literal["holder", "unit_leader"] | None = None
    theme_days: dict[str, StrictInt] = Field(default_factory=dict)


class Step(Form):
    """A place on the map where a case can stand. `guide` names a topic of the guide file."""

    key: str = Field(pattern=r"^[0-9A-Za-z]+\.[0-9]+$")
    title: Words
    guide: str | None = None
    deadline: Deadline | None = None


class Level(Form):
    """A level of the model, in the order of the file. `external`: partners outside the municipality join."""

    key: str = Field(pattern=r"^[0-9A-Za-z]+$")
    label: Words
    name: Words
    description: Words = Words()
    colour: Literal["grey", "green", "petrol", "plum", "moss", "slate"]
    external: StrictBool = False
    steps: tuple[Step, ...] = Field(min_length=1)


class Move(Form):
    """A named way from one or more steps to one step (or `closed`), with who may take it and what it needs.

    `ends` names what stops when the move is made: offer, participations, measures.
    `does` names what the move itself brings about: share_with_leader opens the wonder to the unit's leader.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: Words
    from_: tuple[str, ...] = Field(alias="from", min_length=1)
    to: str
    by: tuple[str, ...] = Field(min_length=1)
    needs: tuple[str, ...] = ()
    reason: Literal["none", "optional", "required"] = "none"
    deadline: Deadline | None = None
    ends: tuple[Literal["offer", "participations", "measures"], ...] = ()
    does: tuple[Literal["share_with_leader"], ...] = ()


class Log(Form):
    """From which level there is a log, and from which one other services take part."""

    starts_at: str
    shared_from: str


class AgeRule(Form):
    """Who must consent from age `from_age` up to and including `to_age` (years; absent: no upper limit)."""

    from_age: StrictInt = Field(ge=0, le=130)
    to_age: StrictInt | None = Field(default=None, ge=0, le=130)
    givers: tuple[str, ...] = Field(min_length=1)
    purposes: tuple[str, ...] = PURPOSES


class SpecialRule(Form):
    """Who must consent when the subject is pregnant, or in the guardians' place when there is a care order.

    Pregnant: instead of the age rules. Care order: instead of the guardians only, so that the right a young
    person has by age is kept.
    """

    when: Literal["care_order", "pregnant"]
    givers: tuple[str, ...] = Field(min_length=1)


class ConsentRules(Form):
    """How long a consent lasts (months), when to warn (days), when it is asked anew, and who gives it."""

    validity_months: StrictInt = Field(ge=1, le=36)
    warn_days: StrictInt = Field(default=30, ge=1, le=120)
    ask_again_on: tuple[str, ...]
    ages: tuple[AgeRule, ...] = Field(min_length=1)
    special: tuple[SpecialRule, ...] = ()


class Heading(Form):
    """Name, version and title of the definition, and the versions of the small machines it runs with."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    version: StrictInt = Field(ge=1)
    title: Words
    guide: str | None = None
    handover: StrictInt = 1
    consent: StrictInt = 1
    measure: StrictInt = 1


class Definition(Form):
    """A whole model: levels with steps, moves, consent rules and the lists people choose from."""

    definition: Heading
    log: Log
    consent: ConsentRules
    levels: tuple[Level, ...] = Field(min_length=1)
    moves: tuple[Move, ...] = Field(min_length=1)
    themes: tuple[Choice, ...] = Field(min_length=1)
    closing_reasons: tuple[Choice, ...] = Field(min_length=1)
    information_kinds: tuple[Choice, ...] = Field(min_length=1)
    legal_bases: tuple[Choice, ...] = ()


class GuideText(Form):
    """What, how, who and tools for one step and one kind of service. An empty part falls back to `common`."""

    what: Words = Words()
    how: Words = Words()
    who: Words = Words()
    tools: Words = Words()


class Guide(Form):
    """A guide file: topics, each with a `common` text and texts per kind of service."""

    name: str
    version: StrictInt = Field(ge=1)
    topics: dict[str, dict[str, GuideText]]


class SmallState(Form):
    key: str
    label: Words
    ended: StrictBool = False


class SmallMove(Form):
    """A move of a small machine. `by`: holder, offered, unit_leader, giver, responsible, system."""

    name: str
    label: Words
    from_: tuple[str, ...] = Field(alias="from", min_length=1)
    to: str
    by: tuple[Literal["holder", "offered", "unit_leader", "giver", "responsible", "system"], ...] = Field(min_length=1)


class SmallHeading(Form):
    name: Literal["handover", "consent", "measure"]
    version: StrictInt = Field(ge=1)
    initial: str
    expires_after_days: StrictInt | None = Field(default=None, ge=1, le=60)


class SmallMachine(Form):
    """The machine of a handover, a consent or a measure."""

    machine: SmallHeading
    states: tuple[SmallState, ...] = Field(min_length=2)
    moves: tuple[SmallMove, ...] = Field(min_length=1)
    reasons: tuple[Choice, ...] = ()
