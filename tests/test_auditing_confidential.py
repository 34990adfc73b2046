"""What no auditor is ever shown, in pages and in copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from bti.audit.vocabulary import EVENTS
from bti.db import writing
from bti.errors import Invalid
from bti.models import (
    audit_entries,
    break_glass,
    consent_events,
    consent_parties,
    consents,
    disclosures,
    handovers,
    metadata,
    participations,
    people,
)
from bti.queries.audit_details import DETAILS
from bti.usecases import auditing
from bti.usecases.auditing_copies import harmless
from tests.auditor import (
    ask,
    consent_of,
    consents_csv,
    dossier,
    expired_csv,
    ids,
    list_consents,
    log_csv,
    open_by_law,
    plant,
    read,
    reference,
    search,
    statements,
    who_had_access,
)
from tests.cast import GUARDIANS, MONDAY, PEOPLE, SUBJECTS, UNITS, Cast, settle
from tests.keys import change

ALLOWED = {
    "audit_entries": {c.name for c in audit_entries.c},
    "batons": {"municipality_id", "case_id", "person_id", "unit_id", "started_at", "ended_at", "id"},
    "cases": {
        "municipality_id", "id", "reference", "definition", "definition_version", "author_id", "opened_at",
        "shared_with_leader_at", "closed_at",
    },
    "break_glass": {c.name for c in break_glass.c} - {"reason", "review_note"},
    "consents": {
        "municipality_id", "id", "case_id", "subject_id", "purpose", "kinds", "valid_to", "asked_at", "asked_by",
        "renews_id",
    },
    "consent_events": {c.name for c in consent_events.c},
    "consent_parties": {"municipality_id", "id", "consent_id", "authority", "guardian_id"},
    "consent_units": {"municipality_id", "consent_id", "unit_id"},
    "disclosures": {c.name for c in disclosures.c} - {"law_reason"},
    "guardianships": {"municipality_id", "id", "subject_id", "guardian_id", "relation"},
    "memberships": {"municipality_id", "id", "person_id", "unit_id", "role", "started_at", "ended_at"},
    "participations": {
        "municipality_id", "id", "case_id", "person_id", "unit_id", "answered_at", "ended_at", "decline_reason",
    },
    "people": {"municipality_id", "id", "username", "name", "ended_at"},
    "units": {"municipality_id", "id", "name", "kind"},
}  # fmt: skip


ONLY_WHETHER = {"consent_events.witness", "consent_events.evidence"}


WORDS = {
    *GUARDIANS.values(), *(word for given, family, *_ in SUBJECTS.values() for word in (given, family)),
    *SUBJECTS, *GUARDIANS, "4B", "10A", "Kommer for sent", "Fravær", "Snakket med", "foretrekker telefon",
    "Fast voksen", "På skolen hver dag", "Det er bedre nå", "Per Olsen", "Fare for barnets liv", "Lesing",
}  # fmt: skip


@pytest.fixture
def cast(database: sa.Engine) -> Cast:
    return settle(database)


class TestNothingConfidential:
    def test_is_in_any_statement_of_an_auditor(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        case_id, consent_id = _full_case(cast)
        actor, ref = cast.actor("tove"), reference(cast, case_id)
        monkeypatch.setattr(Cast, "actor", lambda self, name: actor)
        monkeypatch.setattr("tests.auditor.reference", lambda cast, case_id: ref)
        monkeypatch.setitem(globals(), "reference", lambda cast, case_id: ref)
        with statements(cast.database) as seen:
            _everything_an_auditor_can_ask(cast, case_id, consent_id)
        reads = [statement for statement in seen if isinstance(statement, sa.Select | sa.CompoundSelect)]
        assert len(reads) > 50
        confidential = {f"{t.name}.{c.name}" for t in metadata.tables.values() for c in t.c if c.info}
        assert "subjects.given_name" in confidential
        touched = set()
        for statement in reads:
            compiled = str(statement.compile(cast.database))
            for column in _columns(statement):
                origin: Any = column.table
                origin = origin.element if isinstance(origin, sa.sql.expression.Alias) else origin
                touched.add(f"{origin.name}.{column.name}")
            for table in ("subjects", "guardians", "wonders", "entries", "goals", "measures", "evaluations"):
                assert f" {table} " not in f" {compiled} ".replace("\n", " ").replace(",", " "), compiled
            for name in ONLY_WHETHER:
                # No more of it than the question whether it is empty.
                assert compiled.count(name) == compiled.count(f"{name} !="), compiled
        allowed = {f"{table}.{column}" for table, columns in ALLOWED.items() for column in columns}
        assert touched - allowed == set()
        assert touched & confidential == ONLY_WHETHER

    def test_is_in_any_answer_or_copy(self, cast: Cast) -> None:
        case_id, consent_id = _full_case(cast)
        answers = " ".join(repr(one) for one in _everything_an_auditor_can_ask(cast, case_id, consent_id))
        assert "Kari Nordmann" in answers
        for ours in (case_id, consent_id, reference(cast, case_id), *_opaque(cast)):
            answers = answers.replace(ours, "")
        words = {word for word in WORDS if word.casefold() not in " ".join(_staff_and_units()).casefold()}
        found = {word for word in words if f" {word.casefold()} " in _spaced(answers)}
        assert found == set()

    def test_the_search_for_names_would_find_one(self) -> None:
        assert " ola " in _spaced("(subject='ola', x)")
        assert "ola" in WORDS

    def test_every_event_of_the_vocabulary_has_been_thought_about(self) -> None:
        assert set(DETAILS) == set(EVENTS)
        for event, fields in DETAILS.items():
            assert set(fields) <= set(EVENTS[event]), event
            assert not set(fields) & {"subject", "parties", "closing_reason", "effect", "filters", "information_kind"}


class TestCopies:
    def test_open_in_norwegian_excel(self, cast: Cast) -> None:
        case_id = cast.at_level_1()
        text = log_csv(cast)
        lines = text.split("\r\n")
        assert text.startswith("\ufeffid;at;event;actor;")
        assert lines[-1] == ""
        assert "16.11.2026 10:00:00;case.open;Kari Nordmann;Fjordvik skole;author;" + reference(cast, case_id) in text

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
    def test_hold_nothing_a_spreadsheet_would_run(self, cast: Cast, start: str) -> None:
        assert harmless(f"{start}1+1") == f"'{start}1+1"
        with writing(cast.database) as session:
            change(session, people, people.c.id == "kari", name=f"{start}HYPERLINK(1)")
        cast.wonder()
        cells = log_csv(cast).replace('"', "").split(";")
        assert f"'{start}HYPERLINK(1)" in cells
        assert f"{start}HYPERLINK(1)" not in cells

    def test_hold_all_the_rows_however_many(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bti.queries.audit.EXPORT_BATCH", 7)
        monkeypatch.setattr("bti.queries.audit_consents.EXPORT_BATCH", 2)
        cast.at_level_2()
        cast.at_level_2(about="mia")
        page, rows = search(cast), []
        while page:
            rows += ids(page)
            page = search(cast, before=page.next) if page.next else None
        assert [int(line.split(";")[0]) for line in log_csv(cast)[1:].split("\r\n")[1:-1]] == rows
        assert consents_csv(cast).count("\r\n") == 1 + list_consents(cast).count

    def test_too_many_rows_are_refused_rather_than_cut_off(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        cast.at_level_1()
        monkeypatch.setattr("bti.usecases.auditing_copies.MOST_EXPORTED", 3)
        with pytest.raises(Invalid) as refused:
            log_csv(cast)
        assert refused.value.fields == {"period": "too_many_rows"}

    def test_of_an_answer_hold_the_verdict(self, cast: Cast) -> None:
        case_id = cast.at_level_2()
        plant(cast, case_id, by="nils", basis="own_service")
        line = log_csv(cast, question="no_live_basis").split("\r\n")[1].split(";")
        assert (line[3], line[7], line[8]) == ("Nils Berg", "own_service", "not_own_service")


def _everything_an_auditor_can_ask(cast: Cast, case_id: str, consent_id: str) -> list[object]:
    return [
        search(cast),
        search(cast, person="kari", case=reference(cast, case_id), unit="school", event="reads", since=MONDAY),
        *(ask(cast, key) for key in auditing.QUESTIONS),
        list_consents(cast),
        list_consents(cast, state="given", unit="ppt", case=reference(cast, case_id), since=MONDAY, until=cast.now),
        dossier(cast, consent_id),
        who_had_access(cast, case_id, MONDAY),
        log_csv(cast),
        *(log_csv(cast, question=key) for key in auditing.QUESTIONS if key != "expired_with_access"),
        expired_csv(cast),
        consents_csv(cast),
    ]


def _full_case(cast: Cast) -> tuple[str, str]:
    case_id = cast.at_level_2()
    measure = cast.plan(case_id)
    cast.child_heard(case_id)
    cast.evaluate(case_id, measure)
    open_by_law(cast, case_id, "health")
    for person in ("kari", "siri", "rune"):
        read(cast, case_id, by=person)
    consent_id = consent_of(cast, case_id, "share")
    cast.later(days=1)
    cast.withdraw(case_id, consent_id)
    plant(cast, case_id, by="siri", basis=f"consent:{consent_id}")
    cast.later(days=800)
    return case_id, consent_id


def _columns(statement: Any) -> Iterator[sa.Column[Any]]:
    for part in sa.sql.visitors.iterate(statement):
        if isinstance(part, sa.Column) and isinstance(part.table, sa.Table | sa.sql.expression.Alias):
            yield part


def _spaced(text: str) -> str:
    return " " + "".join(sign if sign.isalnum() else " " for sign in text.casefold()) + " "


def _opaque(cast: Cast) -> list[str]:
    """Random ids may hold any letters."""
    with writing(cast.database) as session:
        tables = (consents, consent_parties, consent_events, disclosures, participations, handovers)
        return [row.id for table in tables for row in session.execute(sa.select(table.c.id))]


def _staff_and_units() -> list[str]:
    return [name for name, _roles in PEOPLE.values()] + [name for name, *_ in UNITS.values()]
