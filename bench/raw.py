"""The other side of the comparison: the same rows read and written by the bare driver, in SQL written by hand.

No policy, no needs, no types: what a careful person would write who knew beforehand that the move is allowed.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import timedelta
from typing import Any

import psycopg
import sqlalchemy as sa

from bench.towns import HERE, NOW, TODAY
from bti.db import SQLITE_BUSY_MS
from bti.models import new_id

OPEN_MEASURE = "FROM measures m WHERE m.municipality_id = c.municipality_id AND m.case_id = c.id AND m.ended_at IS NULL"
CASE = f"""
SELECT c.id, c.reference, c.definition, c.definition_version, c.step, c.level_order, c.version, c.unit_id, c.subject_id,
  c.author_id, c.holder_id, c.holder_unit_id, c.is_interim, c.holder_confirmed, c.has_log, c.is_shared, c.opened_at,
  c.level_entered_on, c.due_on, c.due_reason, c.shared_with_leader_at, c.closed_at,
  w.themes, w.talked, w.seen <> '', w.feedback_at,
  h.id, h.from_person_id, h.to_person_id, h.to_unit_id, h.takes_over_log, h.expires_on, r.id, r.unit_id,
  (SELECT count(*) FROM goals g
    WHERE g.municipality_id = c.municipality_id AND g.case_id = c.id AND g.ended_at IS NULL),
  (SELECT count(*) {OPEN_MEASURE}),
  (SELECT count(*) {OPEN_MEASURE} AND (m.evaluate_on IS NULL
    OR (m.responsible_person_id IS NULL AND m.responsible_guardian_id IS NULL))),
  (SELECT count(*) {OPEN_MEASURE} AND (m.evaluated_at IS NULL OR m.evaluate_on IS NULL OR m.evaluate_on <= :today)),
  (SELECT min(m.evaluate_on) {OPEN_MEASURE}),
  (SELECT count(*) FROM entries e WHERE e.municipality_id = c.municipality_id AND e.case_id = c.id
    AND e.kind = 'child_voice' AND e.happened_on >= c.level_entered_on),
  (SELECT count(*) FROM entries e WHERE e.municipality_id = c.municipality_id AND e.case_id = c.id
    AND e.kind = 'guardian_talk')
FROM cases c
LEFT JOIN wonders w ON w.municipality_id = c.municipality_id AND w.case_id = c.id
LEFT JOIN handovers h ON h.municipality_id = c.municipality_id AND h.case_id = c.id AND h.state = 'offered'
  AND h.expires_on >= :today
LEFT JOIN referrals r ON r.municipality_id = c.municipality_id AND r.case_id = c.id AND r.decided_at IS NULL
WHERE c.municipality_id = :here AND c.id = :case
"""
DOORS_AND_PARTICIPANTS = """
SELECT 1, id, unit_id, purpose, kinds, consent_id, law_reference, valid_to, NULL, NULL, NULL, opened_at AS began_at
FROM disclosures
WHERE municipality_id = :here AND case_id = :case AND ended_at IS NULL AND valid_to >= :today
UNION ALL
SELECT 0, p.id, p.unit_id, NULL, NULL, NULL, NULL, NULL, p.person_id, p.state, u.is_external, p.invited_at
FROM participations p JOIN units u ON u.municipality_id = p.municipality_id AND u.id = p.unit_id
WHERE p.municipality_id = :here AND p.case_id = :case AND p.ended_at IS NULL ORDER BY began_at, id
"""
MOVE = """
UPDATE cases SET step = '2.1', level_order = 2, has_log = true, is_shared = true, step_due_on = :due, due_on = :due,
  due_reason = 'step', step_entered_at = :now, level_entered_on = :today, closed_at = NULL, closing_reason = NULL,
  holder_confirmed = false, shared_with_leader_at = :shared, version = :version + 1
WHERE municipality_id = :here AND id = :case AND version = :version
"""
TRAIL = """
INSERT INTO audit_entries (municipality_id, at, event, actor_id, unit_id, role, case_id, object_id, purpose, basis,
  decision, fields, request_id)
VALUES (:here, :now, 'case.move', :person, :unit, 'holder', :case, NULL, '', 'own_service', 'allowed', :fields, '')
"""
ENTRY = """
INSERT INTO entries (municipality_id, id, case_id, kind, information_kind, title, text, happened_on, asked_by,
  author_id, unit_id, written_at)
VALUES (:here, :entry, :case, 'decision', 'measures', 'start_with_other_service', '', :today, '', :person, :unit, :now)
"""
FIELDS = (
    '{"closing_reason":null,"due_on":"2026-11-23","from":"0.4","move":"start_with_other_service",'
    '"reason_given":false,"to":"2.1","unit":"school0","version":10}'
)


class RawMove:
    """A connection of the bare driver, as durable as the product's own, and the move on it."""

    def __init__(self, url: str) -> None:
        parts = sa.make_url(url)
        self._sqlite = parts.get_backend_name() == "sqlite"
        self._connection: Any = _sqlite(parts.database or "") if self._sqlite else _postgresql(parts)
        given: dict[str, Any] = {"here": HERE, "today": TODAY, "now": NOW, "due": TODAY + timedelta(days=7)}
        if self._sqlite:
            plain = NOW.replace(tzinfo=None)
            given |= {"today": TODAY.isoformat(), "due": given["due"].isoformat(), "now": plain.isoformat(" ")}
        self._given = given
        self._said = [self._in_dialect(one) for one in (CASE, DOORS_AND_PARTICIPANTS, MOVE, TRAIL, ENTRY)]

    def _in_dialect(self, statement: str) -> str:
        return statement if self._sqlite else re.sub(r":([a-z]+)", r"%(\1)s", statement)

    def __call__(self, case_id: str) -> None:
        """Move the case from 0.4 to 2.1."""
        case, around, move, trail, entry = self._said
        cursor, asked = self._connection.cursor(), self._given | {"case": case_id}
        cursor.execute("BEGIN IMMEDIATE" if self._sqlite else "BEGIN")
        row = cursor.execute(case, asked).fetchone()
        found = cursor.execute(around, asked).fetchall()
        assert row[4] == "0.4", "the case isn't ready to be moved"
        assert len(found) == 3, "the case hasn't the doors and participants of one that is ready"
        told = asked | {"version": row[6], "shared": row[20], "person": row[10], "unit": row[11]}
        told |= {"fields": FIELDS, "entry": new_id()}
        cursor.execute(move, told)
        cursor.execute(trail, told)
        cursor.execute(entry, told)
        cursor.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _sqlite(file: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", f"busy_timeout = {SQLITE_BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _postgresql(parts: sa.URL) -> psycopg.Connection[Any]:
    url = parts.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True)
