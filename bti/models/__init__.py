"""The tables. Schema is made by `migrations/`; this is what the code reads and writes.

Every table carries its municipality, first in its primary key and in every foreign key, so that no row can point
into another municipality and no query can forget which one it is about.
"""

from bti.models.base import metadata, new_id
from bti.models.cases import batons, cases, handovers, participations, referrals, wonders
from bti.models.consents import (
    consent_events,
    consent_parties,
    consent_units,
    consents,
    disclosures,
)
from bti.models.desk import TURNS, anonymous_discussions, audit_entries, drafts, import_runs, submissions
from bti.models.log import attachments, entries, evaluations, goals, measures
from bti.models.merkle import audit_checkpoints, audit_epochs, audit_leaves, audit_nodes
from bti.models.oversight import LONGEST_MINUTES, alerts, break_glass, sample_items, samples
from bti.models.people import (
    care_orders,
    guardians,
    guardianships,
    memberships,
    municipalities,
    people,
    subjects,
    units,
)
from bti.models.sessions import recovery_codes, second_factors, sessions, throttles

__all__ = [
    "LONGEST_MINUTES",
    "TURNS",
    "alerts",
    "anonymous_discussions",
    "attachments",
    "audit_checkpoints",
    "audit_entries",
    "audit_epochs",
    "audit_leaves",
    "audit_nodes",
    "batons",
    "break_glass",
    "care_orders",
    "cases",
    "consent_events",
    "consent_parties",
    "consent_units",
    "consents",
    "disclosures",
    "drafts",
    "entries",
    "evaluations",
    "goals",
    "guardians",
    "guardianships",
    "handovers",
    "import_runs",
    "measures",
    "memberships",
    "metadata",
    "municipalities",
    "new_id",
    "participations",
    "people",
    "recovery_codes",
    "referrals",
    "sample_items",
    "samples",
    "second_factors",
    "sessions",
    "subjects",
    "submissions",
    "throttles",
    "units",
    "wonders",
]
