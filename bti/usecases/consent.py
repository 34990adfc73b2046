"""Consent: asking everybody who must answer, and taking it back. What they answer is `bti.usecases.answers`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from bti.actor import Actor
from bti.audit.trail import canonical
from bti.clock import add_months
from bti.consents import Effects, doors_of, effects_of_ending
from bti.engine import Scene, after_readings, change, load_scene, require_open, require_relation, require_seen
from bti.errors import Invalid, Missing, NotFound, NotPossible, NotReady
from bti.models import consent_parties, consent_units, consents, new_id, units
from bti.models.sealed import sealed
from bti.queries.consents import Consent, Giver, consents_of_case, givers_for
from bti.usecases.answers import Said, check_said, find, insert_event
from bti.usecases.doors import check_kinds, check_until, shut
from bti.usecases.text import collect, one_of, optional, required
from bti.workflow.definition import PURPOSES
from bti.workflow.library import small_track

# --- asking -----------------------------------------------------------------------------------------------------


def ask(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    purpose: str,
    unit_ids: Sequence[str],
    kinds: Sequence[str],
    about: str,
    reservations: str,
    valid_to: date | None,
    seen_version: int,
    now: datetime,
    renews_id: str | None = None,
) -> str:
    """Ask for a consent and return its id. Nothing is opened until everybody who must has said yes.

    `purpose` is log, share, external or takeover; `valid_to` at most the definition's validity ahead (default).
    Raises NotFound, Forbidden, Stale, NotReady (`subject_known`, `giver_known`), NotPossible (`already_asked`),
    Invalid (purpose, units, kinds, about, valid_to).
    """
    scene = load_scene(session, actor=actor, case_id=case_id, now=now, lock=True)
    wish = _wish(scene, purpose, unit_ids, kinds, about, reservations, valid_to, renews_id)
    givers = _givers_to_ask(session, scene, wish, seen_version)
    return _insert_consent(session, scene, wish, givers)


def preview_ask(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    purpose: str,
    unit_ids: Sequence[str],
    kinds: Sequence[str],
    about: str,
    reservations: str,
    valid_to: date | None,
    seen_version: int,
    now: datetime,
    renews_id: str | None = None,
) -> tuple[date, tuple[Giver, ...]]:
    """Return how long the consent would last and who must answer, without asking. Raises as `ask`."""
    scene = load_scene(session, actor=actor, case_id=case_id, now=now)
    wish = _wish(scene, purpose, unit_ids, kinds, about, reservations, valid_to, renews_id)
    return wish.valid_to, _givers_to_ask(session, scene, wish, seen_version)


@dataclass(frozen=True)
class _Wish:
    """What was typed, each service and kind once, before anything is checked."""

    purpose: str
    unit_ids: tuple[str, ...]
    kinds: tuple[str, ...]
    about: str
    reservations: str
    valid_to: date
    longest: date
    renews_id: str | None


def _wish(
    scene: Scene,
    purpose: str,
    unit_ids: Sequence[str],
    kinds: Sequence[str],
    about: str,
    reservations: str,
    valid_to: date | None,
    renews_id: str | None,
) -> _Wish:
    longest = add_months(scene.today, scene.model.definition.consent.validity_months)
    each_unit, each_kind = tuple(dict.fromkeys(unit_ids)), tuple(dict.fromkeys(kinds))
    return _Wish(purpose, each_unit, each_kind, about, reservations, valid_to or longest, longest, renews_id)


def _givers_to_ask(session: sa.Connection, scene: Scene, wish: _Wish, seen_version: int) -> tuple[Giver, ...]:
    """Return who must answer, once it is clear that they may be asked exactly this."""
    require_open(scene)
    require_relation(scene, "holder", "author", "unit_leader")
    require_seen(scene, seen_version)
    if scene.facts.subject_id is None:
        raise NotReady([Missing("subject_known", "holder")])
    collect(
        lambda: one_of("purpose", wish.purpose, PURPOSES),
        lambda: _check_units(session, scene, wish.purpose, wish.unit_ids),
        lambda: check_kinds(scene, wish.kinds),
        lambda: required("about", wish.about, longest=2_000),
        lambda: optional("reservations", wish.reservations, longest=2_000),
        lambda: check_until(wish.valid_to, scene.today, wish.longest),
    )
    _refuse_twice(session, scene, wish)
    givers = givers_for(
        session, municipality_id=scene.facts.municipality_id, subject_id=scene.facts.subject_id,
        purpose=wish.purpose, model=scene.model, today=scene.today,
    )  # fmt: skip
    if not givers:
        raise NotReady([Missing("giver_known", "administrator")])
    return givers


def _check_units(session: sa.Connection, scene: Scene, purpose: str, unit_ids: Sequence[str]) -> None:
    if not unit_ids:
        raise Invalid(units="missing")
    known = {
        row.id: row.is_external
        for row in session.execute(
            sa.select(units.c.id, units.c.is_external).where(
                units.c.municipality_id == scene.facts.municipality_id,
                units.c.id.in_(set(unit_ids)),
                units.c.ended_at.is_(None),
            )
        )
    }
    if set(known) != set(unit_ids):
        raise Invalid(units="unknown")
    own = scene.facts.unit_id
    if purpose == "log" and own not in known:
        raise Invalid(units="own_service_missing")
    if purpose != "log" and not set(known) - {own}:
        raise Invalid(units="other_service_missing")
    if any(known.values()) and purpose != "external":
        raise Invalid(purpose="external_needs_own_consent")


def _refuse_twice(session: sa.Connection, scene: Scene, wish: _Wish) -> None:
    existing = consents_of_case(
        session, municipality_id=scene.facts.municipality_id, case_id=scene.facts.id, moment=scene.now
    )
    # Renewing shuts the old consent's doors, so it must be to the same thing.
    if wish.renews_id is not None and wish.renews_id not in {one.id for one in existing if one.purpose == wish.purpose}:
        raise NotFound()
    for consent in existing:
        same = consent.purpose == wish.purpose and {unit for unit, _ in consent.units} == set(wish.unit_ids)
        if consent.is_open and same:
            raise NotPossible("already_asked")


def _insert_consent(session: sa.Connection, scene: Scene, wish: _Wish, givers: Sequence[Giver]) -> str:
    tenant: dict[str, object] = {"municipality_id": scene.facts.municipality_id}
    consent_id = new_id()
    session.execute(
        sa.insert(consents),
        sealed(session, consents, tenant
        | {
            "id": consent_id, "case_id": scene.facts.id, "subject_id": scene.facts.subject_id,
            "purpose": wish.purpose, "kinds": wish.kinds, "about": required("about", wish.about),
            "reservations": optional("reservations", wish.reservations),
            "notice_version": f"{scene.model.name}.{scene.model.version}"[:40],
            "notice_hash": _notice_hash(wish),
            "valid_to": wish.valid_to, "asked_by": scene.actor.person_id, "asked_at": scene.now,
            "renews_id": wish.renews_id,
        }),
    )  # fmt: skip
    session.execute(
        sa.insert(consent_units),
        [tenant | {"id": new_id(), "consent_id": consent_id, "unit_id": unit} for unit in wish.unit_ids],
    )
    parties = [
        tenant
        | {
            "id": new_id(), "consent_id": consent_id, "authority": giver.authority,
            "guardian_id": giver.guardian_id, "subject_id": giver.subject_id, "unit_id": giver.unit_id,
        }
        for giver in givers
    ]  # fmt: skip
    session.execute(sa.insert(consent_parties), parties)
    change(
        session,
        scene,
        event="consent.ask",
        object_id=consent_id,
        fields={
            "purpose": wish.purpose,
            "units": list(wish.unit_ids),
            "kinds": list(wish.kinds),
            "parties": [party["id"] for party in parties],
            "valid_to": wish.valid_to,
            "renews": wish.renews_id,
        },
    )
    return consent_id


def _notice_hash(wish: _Wish) -> str:
    """Return SHA-256 over what the givers were told, so that it can be shown later what they said yes to."""
    told = {
        "purpose": wish.purpose,
        "units": sorted(wish.unit_ids),
        "kinds": sorted(wish.kinds),
        "about": optional("about", wish.about),
        "reservations": optional("reservations", wish.reservations),
        "valid_to": wish.valid_to,
    }
    return hashlib.sha256(canonical(told).encode()).hexdigest()


# --- ending -----------------------------------------------------------------------------------------------------


def preview_withdrawal(
    session: sa.Connection, *, actor: Actor, case_id: str, consent_id: str, now: datetime
) -> tuple[Consent, Effects]:
    """Return what withdrawing the consent will end, without doing it. Raises NotFound, Forbidden."""
    scene = load_scene(session, actor=actor, case_id=case_id, now=now)
    require_relation(scene, "holder", "author", "unit_leader", "participant")
    return find(session, scene, consent_id), effects_of_ending(scene.facts, doors_of(scene.facts, consent_id))


def withdraw(
    session: sa.Connection,
    *,
    actor: Actor,
    case_id: str,
    consent_id: str,
    party_id: str,
    said: Said,
    now: datetime,
) -> Effects:
    """Record that a giver takes the consent back. It ends sharing and access at once and deletes nothing.

    Anybody of staff with a part in the case records it; said aloud counts as much as in writing.
    Raises NotFound, Forbidden, NotPossible (`consent_ended`), Invalid (party, channel, said_on, witness, evidence).
    """
    scene = after_readings(session, load_scene(session, actor=actor, case_id=case_id, now=now, lock=True))
    require_relation(scene, "holder", "author", "unit_leader", "participant")
    consent = find(session, scene, consent_id)
    if party_id and party_id not in {p.id for p in consent.parties}:
        raise NotFound()
    collect(lambda: required("party", party_id), lambda: check_said(scene, said))
    if not (consent.is_open or consent.is_live):
        raise NotPossible("consent_ended", state=consent.state)
    small_track("consent", scene.model.definition.definition.consent).next_state("withdraw", consent.state)
    doors = doors_of(scene.facts, consent_id)
    ending = effects_of_ending(scene.facts, doors)
    insert_event(session, scene, consent, party_id, "withdrawn", said)
    fields = {"party": party_id, "channel": said.channel, "said_on": said.said_on}
    scene = change(session, scene, event="consent.withdraw", object_id=consent_id, fields=fields)
    shut(session, scene, doors, cause="consent_withdrawn")
    return ending
