"""Who is acting: a person with the roles they hold right now, passed into every use case."""

from __future__ import annotations

from dataclasses import dataclass

ROLES = ("employee", "unit_leader", "coordinator", "bti_team", "administrator", "auditor")
# Roles that see no case content, whatever else is true.
CONTENT_FREE_ROLES = ("administrator", "auditor", "bti_team")


@dataclass(frozen=True)
class Membership:
    """A live role in a unit. `unit_kind` is the unit's kind of service."""

    unit_id: str
    role: str
    unit_kind: str
    unit_name: str = ""


@dataclass(frozen=True)
class Actor:
    """A person of staff at the moment of the request; `request_id` ties audit entries of one request together."""

    municipality_id: str
    person_id: str
    name: str
    memberships: tuple[Membership, ...] = ()
    language: str = "nb"
    title: str = ""
    request_id: str = ""

    def units(self, *roles: str) -> frozenset[str]:
        """Return the ids of units where the person has one of `roles` (none named: a role that meets children)."""
        wanted = roles or ("employee", "unit_leader", "coordinator")
        return frozenset(m.unit_id for m in self.memberships if m.role in wanted)

    def has(self, *roles: str) -> bool:
        """Return whether the person has one of `roles` in any unit."""
        return any(m.role in roles for m in self.memberships)

    def unit_for(self, *roles: str) -> str | None:
        """Return the first unit where the person has one of `roles`, or None."""
        return next((m.unit_id for m in self.memberships if m.role in roles), None)

    @property
    def main_role(self) -> str:
        """Return the role written in the trail when no relation to a case says more."""
        return self.memberships[0].role if self.memberships else ""

    @property
    def main_unit(self) -> str | None:
        """Return the unit written in the trail when no relation to a case says more."""
        return self.memberships[0].unit_id if self.memberships else None
