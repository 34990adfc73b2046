"""Closed by default: every page the application has stands here with who may open it, or this test fails.

One scene with a case on level 2 and everything in it. Everybody of the cast knocks at every door. Who isn't named is
turned away with the same page as for something that isn't there, and sees no name and no word of the case. Whoever
is shown a word of it has left an entry in the trail.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bti import models
from bti.audit import READS
from bti.db import reading, writing
from bti.models import audit_entries, metadata
from bti.usecases import attachments, break_glass, referrals, workbench
from bti.usecases.imports import runs
from bti.usecases.reading import read_case
from tests.cast import GUARDIANS, PEOPLE, SUBJECTS, Cast
from tests.files import PDF
from tests.web.visitor import Visitor, on_both_databases
from web.audit import SLUGS

EVERYBODY = frozenset(PEOPLE)
CONTENT = frozenset(name for name, (_, roles) in PEOPLE.items() if roles[0][1] in ("employee", "unit_leader"))
STAFF = CONTENT | {"berit"}
LEADERS = frozenset({"rune", "nina", "liv", "hege"})
AUDITOR, ADMINISTRATOR, COORDINATOR = frozenset({"tove"}), frozenset({"arne"}), frozenset({"berit"})
# In the scene: Kari holds the baton, Rune leads her school, Siri takes part, Amir is invited, Per is offered the baton,
# and Nils, whom Nina leads, has broken the glass.
INSIDE = frozenset({"kari", "rune", "siri"})
EMERGENCY = frozenset({"nils"})
# Reads the case, and then finds that there is nothing to hand it on to: a reading in the trail, and not a refusal.
READ_IN_VAIN = frozenset({"wonders.hand_on"})
ANSWERING = frozenset({"per", "amir"})


@dataclass(frozen=True)
class Door:
    """Who may open an endpoint by GET, and which values of the scene stand in its address.

    `open_to` None: not by GET; `sent_by` may then post to it. `shut_by` are the statuses that turn the others
    away. `query` goes after the address.
    """

    open_to: frozenset[str] | None
    shut_by: tuple[int, ...] = (404, 403)
    values: dict[str, Any] = field(default_factory=dict)
    query: str = ""
    sent_by: frozenset[str] = frozenset()


def _case(open_to: frozenset[str] | None, **values: str) -> Door:
    return Door(open_to, values={"reference": "case", **values})


def _wonder(open_to: frozenset[str] | None) -> Door:
    return Door(open_to, values={"reference": "wonder"})


DOORS: dict[str, Door] = {
    "account.login": Door(EVERYBODY),
    "account.login_as": Door(None),
    "account.code": Door(EVERYBODY),
    "account.logout": Door(None),
    "account.choose_language": Door(EVERYBODY, values={"code": "nn"}),
    "about.report": Door(EVERYBODY),
    "about.accessibility": Door(EVERYBODY),
    "about.privacy": Door(EVERYBODY),
    "about.health": Door(EVERYBODY),
    "administration.home": Door(ADMINISTRATOR),
    "administration.new_unit": Door(ADMINISTRATOR),
    "administration.unit": Door(ADMINISTRATOR, values={"unit_id": "school"}),
    "administration.end_unit": Door(ADMINISTRATOR, values={"unit_id": "school"}),
    "administration.staff": Door(ADMINISTRATOR),
    "administration.new_person": Door(ADMINISTRATOR),
    "administration.person": Door(ADMINISTRATOR, values={"person_id": "kari"}),
    "administration.grant": Door(None, values={"person_id": "kari"}, sent_by=ADMINISTRATOR),
    "administration.password": Door(None, values={"person_id": "kari"}, sent_by=ADMINISTRATOR),
    "administration.end_role": Door(ADMINISTRATOR, values={"person_id": "kari"}, query="enhet=school&rolle=employee"),
    "administration.end_person": Door(ADMINISTRATOR, values={"person_id": "kari"}),
    "audit.questions": Door(AUDITOR),
    "audit.access": Door(AUDITOR),
    "audit.consent": Door(AUDITOR, values={"consent_id": "consent"}),
    "audit.consents": Door(AUDITOR),
    "audit.consents_copy": Door(AUDITOR),
    "audit.log": Door(AUDITOR),
    "audit.log_copy": Door(AUDITOR),
    "audit.question": Door(AUDITOR, values={"slug": "question"}),
    "audit.question_copy": Door(AUDITOR, values={"slug": "question"}),
    "attachments.index": _case(INSIDE | EMERGENCY),
    "attachments.download": _case(INSIDE | EMERGENCY, attachment_id="attachment"),
    "baton.offer": _case(frozenset({"kari", "rune"})),
    "baton.withdraw": _case(None),
    "baton.answer": _case(frozenset({"per"})),
    "baton.confirm": _case(frozenset({"kari", "rune"})),
    "baton.interim": _case(frozenset({"rune"})),
    "baton.history": _case(INSIDE | EMERGENCY),
    "break_glass.new": Door(CONTENT - {"eva"}),
    "break_glass.end": Door(None, values={"break_glass_id": "broken"}, sent_by=frozenset({"nils", "rune", "nina"})),
    "break_glass.review": Door(frozenset({"rune", "nina"}), values={"break_glass_id": "broken"}),
    "cases.home": Door(EVERYBODY),
    "cases.worklist": Door(STAFF),
    "cases.case": _case(INSIDE | ANSWERING | EMERGENCY),
    "consents.index": _case(INSIDE | EMERGENCY),
    "consents.ask": _case(frozenset({"kari", "rune"})),
    "consents.show": _case(INSIDE | EMERGENCY, consent_id="consent"),
    "consents.answer": _case(frozenset({"kari", "rune"}), consent_id="asked", party_id="party"),
    "consents.answers_of_all": _case(frozenset({"kari", "rune"}), consent_id="asked"),
    "consents.withdraw": _case(INSIDE, consent_id="consent"),
    "legal_basis.record": _case(frozenset({"kari", "rune"})),
    "legal_basis.end": _case(None),
    "discussions.desk": Door(STAFF),
    "discussions.new": Door(CONTENT),
    "discussions.show": Door(frozenset({"kari", "siri", "liv"}), values={"discussion_id": "discussion"}),
    "imports.index": Door(ADMINISTRATOR),
    "imports.upload": Door(ADMINISTRATOR, values={"kind": "children"}),
    "imports.example": Door(ADMINISTRATOR, values={"kind": "children"}),
    "imports.run": Door(ADMINISTRATOR, values={"run_id": "run"}),
    "imports.findings": Door(ADMINISTRATOR, values={"run_id": "run"}),
    "imports.carry_out": Door(None, values={"run_id": "run"}, sent_by=ADMINISTRATOR),
    "imports.discard": Door(None, values={"run_id": "run"}, sent_by=ADMINISTRATOR),
    "leader.desk": Door(LEADERS),
    "leader.feedback": _wonder(frozenset({"rune"})),
    "log.entry": _case(INSIDE),
    "log.goal": _case(INSIDE),
    "log.end_goal": _case(INSIDE, goal_id="goal"),
    "log.measure": _case(INSIDE),
    "log.evaluate": _case(INSIDE, measure_id="measure"),
    "log.next_date": _case(INSIDE),
    "models.index": Door(EVERYBODY),
    "models.show": Door(EVERYBODY, values={"name": "bti", "version": 1}),
    "models.text": Door(EVERYBODY, values={"name": "bti", "version": 1}),
    "moves.check": _case(INSIDE, name="close"),
    "oversight.queue": Door(AUDITOR),
    "oversight.break_glass": Door(AUDITOR, values={"break_glass_id": "broken"}),
    "oversight.alert": Door(AUDITOR, values={"alert_id": "alert"}),
    "oversight.draw": Door(None, sent_by=AUDITOR),
    "oversight.sample": Door(AUDITOR, values={"sample_id": "sample"}),
    "oversight.next_item": Door(AUDITOR, values={"sample_id": "sample"}),
    "oversight.item": Door(AUDITOR, values={"sample_id": "sample", "place": 1}),
    "signed_log.home": Door(AUDITOR),
    "signed_log.check": Door(AUDITOR),
    "signed_log.bundle": Door(AUDITOR),
    "own.home": Door(EVERYBODY),
    "own.end_session": Door(None, values={"session_id": "nobodys"}),
    "own.end_everywhere": Door(None),
    "own.factor": Door(EVERYBODY),
    "own.no_factor": Door(EVERYBODY),
    "own.password": Door(EVERYBODY),
    "own.step_up": Door(EVERYBODY),
    "participants.invite": _case(frozenset({"kari"})),
    "participants.answer": _case(frozenset({"amir"}), participation_id="invitation"),
    "participants.end": _case(frozenset({"kari", "siri"}), participation_id="participation"),
    "referrals.desk": Door(COORDINATOR),
    "referrals.refer": _case(frozenset({"kari", "rune"})),
    "referrals.decide": _case(COORDINATOR),
    "wonders.new": Door(CONTENT),
    "wonders.mine": Door(CONTENT),
    "wonders.status": _wonder(frozenset({"kari"})),
    "wonders.note": _wonder(frozenset({"kari", "rune"})),
    "wonders.identify": Door(frozenset({"kari"}), values={"reference": "nameless"}),
    "wonders.hand_on": _wonder(frozenset({"kari"})),
    "wonders.search": Door(CONTENT, query="q=ola"),
    "wonders.keep_draft": Door(None),
    "wonders.drop_draft": Door(None),
}


@dataclass
class Scene:
    """The case with everything in it, and the addresses that lead to it."""

    cast: Cast
    values: dict[str, str]
    secrets: tuple[str, ...]


@pytest.fixture
def scene(cast: Cast) -> Scene:
    case_id = cast.at_level_2()
    cast.consented(case_id, "health", purpose="share")
    asked = cast.ask_consent(case_id, "other_school", purpose="share")
    invitation = cast.invite(case_id, "amir")
    measure = cast.plan(case_id)
    cast.child_heard(case_id)
    _refer(cast, case_id)
    cast.offer(case_id, "per")
    wonder, nameless = cast.wonder(about="mia"), cast.wonder(about=None)
    cast.move(wonder, "share_with_leader")
    cast.wonder(about="mia")
    values = _addresses(cast, case_id, measure)
    values |= {"asked": asked, "party": cast.parties(asked)[0], "invitation": invitation}
    values |= {"wonder": cast.facts(wonder).reference, "nameless": cast.facts(nameless).reference}
    values |= {"attachment": _attach(cast, case_id)}
    values |= {"discussion": _discuss(cast), "run": _upload(cast), "question": next(iter(SLUGS))}
    values |= {"broken": _break_glass(cast, values["case"]), "alert": _alert(cast), "sample": _draw(cast)}
    return Scene(cast, values, _secrets())


def _refer(cast: Cast, case_id: str) -> None:
    seen = cast.version(case_id)
    with writing(cast.database) as session:
        referrals.refer(
            session, actor=cast.actor_in(session, "kari"), case_id=case_id, cause="stuck", seen_version=seen,
            question="Vi kommer ikke videre.", now=cast.now,
        )  # fmt: skip


def _attach(cast: Cast, case_id: str) -> str:
    added: str = cast.act(
        attachments.add, by="kari", case_id=case_id, information_kind="everyday", name="Notat.pdf", content=PDF
    )
    return added


def _discuss(cast: Cast) -> str:
    with writing(cast.database) as session:
        return referrals.ask_anonymously(
            session, actor=cast.actor_in(session, "kari"), unit_id="ppt", question="Et barn leser sent.", now=cast.now
        )


def _break_glass(cast: Cast, reference: str) -> str:
    reason = "Barnet er funnet alene ute, og vi må vite hvem som kan ta imot det."
    wanted = break_glass.Wanted(reference=reference, cause="danger", reason=reason)
    cast.act(break_glass.open_case, by="nils", wanted=wanted)
    with reading(cast.database) as session:
        return str(session.execute(sa.select(models.break_glass.c.id)).scalar_one())


def _alert(cast: Cast) -> str:
    # So long ago that nobody is slowed down by it any more.
    long_ago = cast.now - timedelta(hours=2)
    row = {
        "municipality_id": cast.municipality_id, "id": "alert", "kind": "bulk_reading", "person_id": "nils",
        "cases": 50, "since": long_ago, "raised_at": long_ago,
    }  # fmt: skip
    with writing(cast.database) as session:
        session.execute(sa.insert(models.alerts), row)
    return "alert"


def _draw(cast: Cast) -> str:
    case_id = cast.wonder()
    cast.act(read_case, by="kari", case_id=case_id)
    wanted = workbench.Wanted(cast.now - timedelta(days=1), cast.now + timedelta(days=1), 10)
    tove = cast.actor("tove")
    with writing(cast.database) as session:
        picked = workbench.pick(session, actor=tove, wanted=wanted)
        return workbench.keep(session, actor=tove, picked=picked, now=cast.now)


def _upload(cast: Cast) -> str:
    file = "nokkel;fornavn;etternavn;fodt;enhet\n1;Ola;Nordmann;ikke en dato;Fjordvik skole\n"
    with writing(cast.database) as session:
        arne = cast.actor_in(session, "arne")
        run_id = runs.receive(session, actor=arne, kind="children", content=file.encode(), now=cast.now)
    runs.check(cast.database, actor=arne, run_id=run_id, clock=lambda: cast.now)
    return run_id


def _addresses(cast: Cast, case_id: str, measure: str) -> dict[str, str]:
    facts = cast.facts(case_id)
    with reading(cast.database) as session:
        goal = session.execute(sa.text("SELECT id FROM goals")).scalar_one()
    siri = next(p.id for p in facts.participants if p.person_id == "siri")
    consent_id = next(c.consent_id for c in facts.covers if c.unit_id == "ppt") or ""
    return {
        "case": facts.reference, "measure": measure, "goal": goal, "consent": consent_id, "participation": siri,
    }  # fmt: skip


def _secrets() -> tuple[str, ...]:
    """Names of children and guardians, and words that only stand in the case."""
    # Both forms, "Ola Nordli" and "Ola N.": a family name alone turns up by chance in a random token.
    names = [f"{given} {rest}" for given, family, *_ in SUBJECTS.values() for rest in (family, f"{family[0]}.")]
    names += GUARDIANS.values()
    return (
        *names,
        "Kommer for sent fire av fem",
        "Fast voksen ved skolestart",
        "Det er bedre nå",
        "På skolen hver dag",
    )


def _path(app: Flask, endpoint: str, scene: Scene) -> str:
    door = DOORS[endpoint]
    values = {name: scene.values.get(str(value), value) for name, value in door.values.items()}
    with app.test_request_context():
        path = app.url_for(endpoint, **values)
    return f"{path}?{door.query}" if door.query else path


def _endpoints(app: Flask) -> set[str]:
    return {rule.endpoint for rule in app.url_map.iter_rules()} - {"static"}


def _newest(cast: Cast) -> int:
    with reading(cast.database) as session:
        return int(session.execute(sa.select(sa.func.max(audit_entries.c.id))).scalar_one())


def _reads(cast: Cast, after: int) -> list[Any]:
    """The entries of readings and refusals since the one with the number `after`."""
    events = [*READS, "session.login", "refused"]
    with reading(cast.database) as session:
        query = sa.select(audit_entries).where(audit_entries.c.event.in_(events), audit_entries.c.id > after)
        return list(session.execute(query.order_by(audit_entries.c.id)))


class TestEveryRoute:
    def test_stands_in_the_table(self, app: Flask) -> None:
        unknown, gone = _endpoints(app) - set(DOORS), set(DOORS) - _endpoints(app)
        assert not unknown, f"say in DOORS who may open {sorted(unknown)}"
        assert not gone, f"DOORS names pages that aren't there: {sorted(gone)}"

    def test_sends_a_stranger_to_the_login_page(self, app: Flask, scene: Scene, stranger: Visitor) -> None:
        from web.access import OPEN

        for endpoint in sorted(_endpoints(app) - OPEN):
            methods = {m for rule in app.url_map.iter_rules(endpoint) for m in rule.methods or ()}
            path = _path(app, endpoint, scene)
            response = stranger.client.open(path, method="GET" if "GET" in methods else "POST")
            assert response.status_code == 303, endpoint
            assert response.headers["Location"].startswith("/logg-inn"), endpoint

    @on_both_databases
    def test_opens_to_those_named_and_to_nobody_else(
        self, app: Flask, scene: Scene, client_of: Callable[[str], Visitor]
    ) -> None:
        wrong: list[str] = []
        for name in sorted(EVERYBODY):
            client = client_of(name).client
            for endpoint, door in sorted(DOORS.items()):
                if door.open_to is None or endpoint == "account.login":
                    continue
                before = _newest(scene.cast)
                response = client.get(_path(app, endpoint, scene))
                seen = [secret for secret in scene.secrets if secret in response.get_data(as_text=True)]
                told = _reads(scene.cast, before)
                wrong += _verdict(name, endpoint, door, response.status_code, seen, told)
                wrong += [f"{name} at {endpoint}: {finding}" for entry in told for finding in _lacking(name, entry)]
        assert not wrong, "\n".join(wrong)

    def test_takes_no_form_from_anybody_else(
        self, app: Flask, scene: Scene, client_of: Callable[[str], Visitor]
    ) -> None:
        wrong = []
        for name in ("nils", "tove", "arne", "bti", "eva"):
            visitor = client_of(name)
            token = visitor.get("/modellen").value("csrf_token")
            for endpoint in sorted(_posts(app)):
                if name in (DOORS[endpoint].open_to or DOORS[endpoint].sent_by) or _anybodys(endpoint, name):
                    continue
                before = _content(scene.cast)
                sent = {"csrf_token": token, "once": f"{name}-{endpoint}-{'x' * 20}"[:60], "versjon": "1"}
                status = visitor.client.post(_path(app, endpoint, scene), data=sent).status_code
                if status not in (403, 404) or _content(scene.cast) != before:
                    wrong.append(f"{name} posted to {endpoint}: {status}")
        assert not wrong, "\n".join(wrong)

    def test_takes_no_form_without_its_token(
        self, app: Flask, scene: Scene, client_of: Callable[[str], Visitor]
    ) -> None:
        client = client_of("kari").client
        for endpoint in sorted(_posts(app)):
            assert client.post(_path(app, endpoint, scene), data={}).status_code == 400, endpoint


def _verdict(name: str, endpoint: str, door: Door, status: int, seen: list[str], told: list[Any]) -> list[str]:
    allowed = name in (door.open_to or ())
    wrong = []
    if allowed and status not in (200, 303):
        wrong.append(f"{name} may open {endpoint} but got {status}")
    if not allowed and status not in door.shut_by:
        wrong.append(f"{name} may not open {endpoint} but got {status}")
    if not allowed and seen:
        wrong.append(f"{name} was turned away from {endpoint} but read {seen}")
    if seen and not [entry for entry in told if entry.decision == "allowed"]:
        wrong.append(f"{name} read {seen} at {endpoint} and the trail doesn't know")
    if status in (403, 404) and endpoint not in READ_IN_VAIN and [entry.decision for entry in told] != ["refused"]:
        wrong.append(f"{name} was turned away from {endpoint} with {[entry.event for entry in told]} in the trail")
    return wrong


def _lacking(name: str, entry: Any) -> list[str]:
    """What an entry doesn't say of a reading, a search, a copy or an attempt: who, for which unit, as what, what for
    and on which basis. An attempt that was refused has no basis, nor has what shows nothing of a case."""
    needed = {"actor": entry.actor_id == name, "unit": entry.unit_id, "role": entry.role}
    if entry.event in READS:
        is_shell = entry.event == "case.read" and json.loads(entry.fields)["view"] == "shell"
        needed |= {"purpose": entry.purpose, "basis": entry.basis or is_shell}
    return [f"{entry.event} says no {what}" for what, said in needed.items() if not said]


def _posts(app: Flask) -> set[str]:
    return {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}


def _anybodys(endpoint: str, name: str) -> bool:
    """Whether everybody logged in may send this form: it touches nothing but their own session or draft."""
    own = endpoint.startswith(("account.", "own."))
    return own or (endpoint.startswith(("wonders.keep", "wonders.drop")) and name in CONTENT)


def _content(cast: Cast) -> dict[str, int]:
    """How many rows each table has, but for the trail and what is each person's own."""
    own = {"audit_entries", "submissions", "drafts", "sessions", "second_factors", "recovery_codes", "throttles"}
    with reading(cast.database) as session:
        return {
            table.name: session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
            if table.name not in own
        }
