"""The log of a case: entries, goals, measures and their evaluations, and files that belong to it.

Each row says which service wrote it and which kind of information it is; that is what a consent opens.
"""

from __future__ import annotations

import sqlalchemy as sa

from bti.models.base import at, code, confidential, key, link, tenant_table

# `kind`: note, guardian_talk, child_voice, log, meeting, closing. `happened_on` and `asked_by` belong to talks.
entries = tenant_table(
    "entries",
    key("case_id"),
    code("kind"),
    code("information_kind"),
    confidential("title"),
    confidential("text"),
    sa.Column("happened_on", sa.Date),
    confidential("asked_by"),
    key("author_id"),
    key("unit_id"),
    at("written_at"),
    link("case_id", "cases"),
    link("author_id", "people"),
    link("unit_id", "units"),
    sa.Index(None, "municipality_id", "case_id", "written_at"),
    owner="case_id",
)

goals = tenant_table(
    "goals",
    key("case_id"),
    code("information_kind"),
    confidential("text"),
    key("author_id"),
    key("unit_id"),
    at("set_at"),
    at("ended_at", nullable=True),
    code("ended_how", nullable=True),
    link("case_id", "cases"),
    link("author_id", "people"),
    link("unit_id", "units"),
    sa.Index(None, "municipality_id", "case_id"),
    owner="case_id",
)

# `responsible` is a person of staff, or, for a measure at home, a guardian: never both, possibly not yet anyone.
measures = tenant_table(
    "measures",
    key("case_id"),
    key("goal_id", nullable=True),
    code("information_kind"),
    confidential("text"),
    key("responsible_person_id", nullable=True),
    key("responsible_guardian_id", nullable=True),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("evaluate_on", sa.Date),
    code("state"),
    key("author_id"),
    key("unit_id"),
    at("planned_at"),
    at("evaluated_at", nullable=True),
    at("ended_at", nullable=True),
    link("case_id", "cases"),
    link("goal_id", "goals"),
    link("responsible_person_id", "people"),
    link("responsible_guardian_id", "guardians"),
    link("author_id", "people"),
    link("unit_id", "units"),
    sa.CheckConstraint(
        "responsible_person_id IS NULL OR responsible_guardian_id IS NULL", name="one_responsible_at_most"
    ),
    sa.Index(None, "municipality_id", "case_id"),
    owner="case_id",
)

evaluations = tenant_table(
    "evaluations",
    key("case_id"),
    key("measure_id"),
    code("done_as_planned"),
    code("effect"),
    code("outcome"),
    confidential("text"),
    key("author_id"),
    key("unit_id"),
    at("evaluated_at"),
    link("case_id", "cases"),
    link("measure_id", "measures"),
    link("author_id", "people"),
    link("unit_id", "units"),
    sa.Index(None, "municipality_id", "case_id"),
    owner="case_id",
)

# A file as it was sent, in base 64. `type` is what its content says that it is.
attachments = tenant_table(
    "attachments",
    key("case_id"),
    code("information_kind"),
    confidential("name"),
    code("type"),
    sa.Column("size", sa.Integer, nullable=False),
    confidential("content"),
    key("author_id"),
    key("unit_id"),
    at("added_at"),
    link("case_id", "cases"),
    link("author_id", "people"),
    link("unit_id", "units"),
    sa.Index(None, "municipality_id", "case_id", "added_at"),
    owner="case_id",
    at_once=4,
)
