"""What givers answer when they are asked for consent: one at a time, or all who were talked with in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from bti.actor import Actor
from bti.consents import doors_of
from bti.engine import Scene, change, load_scene, require_open, require_relation
from bti.errors import Invalid, NotFound, NotPossible
from bti.grants import open_door
from bti.models import consent_events, consents, new_id
from bti.models.sealed import sealed
from bti.queries.consents import Consent, consents_of_case
from bti.usecases.doors import shut
from bti.usecases.text import collect, one_of, optional, required
from bti.usecases.wonders import check_past
from bti.workflow.library import small_track

CHANNELS = ("written", "oral")
ANSWERS = ("given", "refused")


@dataclass(frozen=True)
class Said:
    """How an answer reached us: channel, the day it was given, witness (oral), where the evidence is."""

    channel: str
    said_on: date | None
    witness: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class Answer:
    """What one giver answered (given, refused)."""

    party_id: str
    answer: str
    said: Said


def record(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    consent_id: str,
    party_id: str,
    answer: str,
    said: Said,
    now: datetime,
) -> str:
    """Record a giver's `answer` (given, refused) and return the consent's state after it.

    The last yes opens the doors. Raises NotFound, Forbidden, NotPossible (`consent_ended`, `already_answered`),
    Invalid (answer, channel, said_on, witness, evidence).
    """
    scene, consent = _asked(session, actor, case_id, consent_id, now)
    one = Answer(party_id, answer, said)
    _find_party(consent, party_id)
    _check(scene, one)
    return _record(session, scene, consent, [one])


def record_all(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    consent_id: str,
    answers: Sequence[Answer],
    now: datetime,
) -> str:
    """Record what several givers answered, all of it or nothing, and return the consent's state after it.

    Two who say no are both written down, though the first no has ended the question. Raises as `record`; the fields
    of Invalid are `PARTY.answer`, `PARTY.channel` and so on, or `answers` when nobody has answered.
    """
    scene, consent = _asked(session, actor, case_id, consent_id, now)
    for one in answers:
        _find_party(consent, one.party_id)
    if not answers or len({one.party_id for one in answers}) < len(answers):
        raise Invalid(answers="missing")
    collect(*(_naming_the_party(scene, one) for one in answers))
    return _record(session, scene, consent, answers)


def _asked(session: sa.Connection, actor: Actor, case_id: str, consent_id: str, now: datetime) -> tuple[Scene, Consent]:
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    require_open(scene)
    require_relation(scene, "holder", "author", "unit_leader")
    return scene, find(session, scene, consent_id)


def find(session: sa.Connection, scene: Scene, consent_id: str) -> Consent:
    """Return a consent of the case as it is now. Raises NotFound."""
    for consent in consents_of_case(
        session, municipality_id=scene.facts.municipality_id, case_id=scene.facts.id, moment=scene.now
    ):
        if consent.id == consent_id:
            return consent
    raise NotFound()


def _find_party(consent: Consent, party_id: str) -> None:
    if party_id not in {party.id for party in consent.parties}:
        raise NotFound()


def _check(scene: Scene, one: Answer) -> None:
    collect(lambda: one_of("answer", one.answer, ANSWERS), lambda: check_said(scene, one.said))


def _naming_the_party(scene: Scene, one: Answer) -> object:
    def check() -> None:
        try:
            _check(scene, one)
        except Invalid as wrong:
            raise Invalid(**{f"{one.party_id}.{name}": code for name, code in wrong.fields.items()}) from None

    return check


def check_said(scene: Scene, said: Said) -> None:
    """Raise Invalid (channel, said_on, witness, evidence) when it isn't known how something was said."""
    collect(
        lambda: one_of("channel", said.channel, CHANNELS),
        lambda: _required_day(said.said_on),
        lambda: check_past("said_on", said.said_on, scene.today),
        # What is said aloud needs somebody who heard it; what is signed needs a place where it lies.
        lambda: said.channel == "oral" and required("witness", said.witness, longest=200),
        lambda: said.channel == "written" and required("evidence", said.evidence, longest=500),
    )


def _required_day(day: date | None) -> None:
    if day is None:
        raise Invalid(said_on="missing")


def _record(session: sa.Connection, scene: Scene, consent: Consent, answers: Sequence[Answer]) -> str:
    if not consent.is_open:
        raise NotPossible("consent_ended", state=consent.state)
    unanswered = {party.id for party in consent.parties if not party.answer}
    if not {one.party_id for one in answers} <= unanswered:
        raise NotPossible("already_answered")
    state = consent.state
    # Each yes before any no: the other way round, the no would have ended the question they answer.
    for one in sorted(answers, key=lambda one: ANSWERS.index(one.answer)):
        unanswered.discard(one.party_id)
        state = state if state == "refused" else _next_state(scene, state, one, last=not unanswered)
        insert_event(session, scene, consent, one.party_id, one.answer, one.said)
        scene = _tell(session, scene, consent.id, one, complete=state == "given")
    if state == "given":
        _open_doors(session, scene, consent)
    return state


def _next_state(scene: Scene, state: str, one: Answer, *, last: bool) -> str:
    move = "refuse" if one.answer == "refused" else "give_last" if last else "give_some"
    return small_track("consent", scene.model.definition.definition.consent).next_state(move, state)


def insert_event(
    session: sa.Connection, scene: Scene, consent: Consent, party_id: str | None, event: str, said: Said
) -> None:
    """Write down what a giver said (given, refused, withdrawn), and how."""
    # Never before what was said earlier, though the clock may have been turned back: the order of times is the order
    # in which it happened.
    recorded_at = max([scene.now, *(earlier.recorded_at for earlier in consent.events)])
    session.execute(
        sa.insert(consent_events),
        sealed(session, consent_events, {
            "municipality_id": scene.facts.municipality_id, "id": new_id(), "case_id": scene.facts.id,
            "consent_id": consent.id, "party_id": party_id, "event": event, "channel": said.channel,
            "witness": optional("witness", said.witness), "evidence": optional("evidence", said.evidence),
            "said_on": said.said_on or scene.today, "recorded_at": recorded_at,
            "recorded_by": scene.actor.person_id,
        }),
    )  # fmt: skip


def _tell(session: sa.Connection, scene: Scene, consent_id: str, one: Answer, *, complete: bool) -> Scene:
    fields = {"party": one.party_id, "channel": one.said.channel, "said_on": one.said.said_on}
    if one.answer == "refused":
        return change(session, scene, event="consent.refuse", object_id=consent_id, fields=fields)
    return change(session, scene, event="consent.give", object_id=consent_id, fields=fields | {"complete": complete})


def _open_doors(session: sa.Connection, scene: Scene, consent: Consent) -> Scene:
    renewed = session.execute(
        sa.select(consents.c.renews_id).where(
            consents.c.municipality_id == scene.facts.municipality_id, consents.c.id == consent.id
        )
    ).scalar_one()
    for unit_id, _ in consent.units:
        scene = open_door(
            session, scene, unit_id=unit_id, kinds=consent.kinds, purpose=consent.purpose,
            consent_id=consent.id, valid_to=consent.valid_to,
        )  # fmt: skip
    # What the old one opened and the new one doesn't is closed, with all that stood on it.
    return shut(session, scene, doors_of(scene.facts, renewed), cause="renewed") if renewed else scene
