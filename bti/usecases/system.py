"""The system itself as actor: the command line and the nightly tidying, behind which no person of staff stands."""

from __future__ import annotations

from bti.actor import Actor


class System(Actor):
    """Whoever may run commands on the server with the database's address.

    They stand above the municipality's administrators (and add the first one), but aren't one of its people: the
    trail says role `system` and no person. Only `bti.cli` makes one; the web never does.
    """

    def __init__(self, municipality_id: str) -> None:
        super().__init__(municipality_id, person_id="", name="system")

    def has(self, *roles: str) -> bool:
        """Return whether one of `roles` is the administrator's: units, people and imports are what it may do."""
        return "administrator" in roles

    @property
    def main_role(self) -> str:
        """The role written in the trail."""
        return "system"
