"""A case in memory, with everything in place or with one thing lacking: what the pure rules are tried on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from bti.facts import CaseFacts, Cover, Participant, PendingOffer
from bti.workflow.definition import CLOSED
from bti.workflow.model import Model

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
UNTIL = date(2027, 6, 1)
RELATIONS = ("author", "holder", "unit_leader", "participant", "invited", "offered", "coordinating_unit")
OFFER = PendingOffer("offer", "kari", "siri", "ppt", False, UNTIL)


def door(unit: str, purpose: str, *, law: str | None = None) -> Cover:
    """Return a live door to a unit, on a consent unless a law is named."""
    consent = None if law else f"consent-{unit}"
    return Cover(f"door-{unit}-{purpose}", unit, purpose, frozenset({"everyday"}), consent, law, UNTIL)


def ready(model: Model, step: str) -> CaseFacts:
    """Return a case on `step` (or `closed`) that lacks nothing that any move could need."""
    closed = step == CLOSED
    return CaseFacts(
        municipality_id="fjordvik", id="case", reference="2026-ABCDE", definition=model.name,
        definition_version=model.version, step=step, level_order=0 if closed else model.level_index(step), version=7,
        unit_id="school", subject_id="ola", author_id="kari", holder_id="kari", holder_unit_id="school",
        is_interim=False, holder_confirmed=True, has_log=model.has_log(step), is_shared=model.is_shared(step),
        opened_at=NOW, level_entered_on=NOW.date(), shared_with_leader_at=NOW, feedback_given=True,
        closed_at=NOW if closed else None, themes=("absence",),
        covers=(door("school", "log"), door("ppt", "share"), door("hospital", "external")),
        participants=(
            Participant("p1", "siri", "ppt", "active"),
            Participant("p2", "eva", "hospital", "active", is_external=True),
        ),
        open_goals=1, open_measures=1, child_voices=1, guardian_talks=1,
    )  # fmt: skip


# How to take away exactly one thing.
WITHOUT = {
    "note_written": lambda facts: replace(facts, note_written=False),
    "shared_with_leader": lambda facts: replace(facts, shared_with_leader_at=None),
    "leader_feedback": lambda facts: replace(facts, feedback_given=False),
    "guardians_talked": lambda facts: replace(facts, guardian_talks=0),
    "subject_known": lambda facts: replace(facts, subject_id=None),
    "holder_decided": lambda facts: replace(facts, holder_confirmed=False),
    # A law opens the own service's door, but it is no consent to a log.
    "consent_log": lambda facts: _with_door(facts, "school", door("school", "law", law="law")),
    "consent_partner": lambda facts: _with_door(facts, "ppt", None),
    # A consent to share inside the municipality doesn't reach outside it.
    "consent_external": lambda facts: _with_door(facts, "hospital", door("hospital", "share")),
    "partner_joined": lambda facts: replace(facts, participants=()),
    "goal_set": lambda facts: replace(facts, open_goals=0),
    "measure_planned": lambda facts: replace(facts, incomplete_measures=1),
    "measures_evaluated": lambda facts: replace(facts, unevaluated_measures=1),
    "child_heard": lambda facts: replace(facts, child_voices=0),
    "no_open_offer": lambda facts: replace(facts, offer=OFFER),
}


def _with_door(facts: CaseFacts, unit: str, instead: Cover | None) -> CaseFacts:
    others = tuple(cover for cover in facts.covers if cover.unit_id != unit)
    return replace(facts, covers=(*others, instead) if instead else others)


def bare(model: Model, step: str) -> CaseFacts:
    """Return a case on `step` where nothing at all is in place."""
    return replace(
        ready(model, step), note_written=False, feedback_given=False, guardian_talks=0, subject_id=None, covers=(),
        holder_confirmed=False, open_goals=0, open_measures=1, incomplete_measures=1, unevaluated_measures=1,
        child_voices=0, offer=OFFER,
        participants=(Participant("p2", "eva", "hospital", "invited", is_external=True),),
    )  # fmt: skip
