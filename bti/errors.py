"""What a person meets when something can't be done. The core speaks in codes; `web` turns them into sentences.

Three questions, three answers: may this person (`Forbidden`), is it possible from here (`NotPossible`),
is everything in place (`NotReady`). Not yours and not there are the same answer: `NotFound`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Missing:
    """One thing that is not in place: `code` from the table of needs, `fixer` a relation that can mend it."""

    code: str
    fixer: str = "holder"
    details: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A command that was understood and turned down. Nothing has been changed.

    `code` is stable and untranslated; `status` is the HTTP status that means the same.
    """

    status = 409

    def __init__(self, code: str, **details: str) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


class NotFound(Refused):
    """The thing isn't there, or isn't yours to see. The two are never told apart."""

    status = 404

    def __init__(self, code: str = "not_found", **details: str) -> None:
        super().__init__(code, **details)


class Forbidden(Refused):
    """This person may not do this, though they may see the thing."""

    status = 403


class NotPossible(Refused):
    """Nobody can do this from the state the thing is in."""

    status = 409


class Stale(Refused):
    """Somebody else changed the thing after the page was shown."""

    status = 409

    def __init__(self, code: str = "stale", **details: str) -> None:
        super().__init__(code, **details)


class NotReady(Refused):
    """Allowed and possible, but not everything is in place. `missing` names all of it at once."""

    status = 422

    def __init__(self, missing: Sequence[Missing]) -> None:
        super().__init__("not_ready")
        self.missing = tuple(missing)


class Invalid(Refused):
    """Input that can't be used. `fields` maps a field's name to a code."""

    status = 422

    def __init__(self, **fields: str) -> None:
        super().__init__("invalid")
        self.fields = fields


class TooSoon(Refused):
    """Tried too often. The next try is let in after `seconds`."""

    status = 429

    def __init__(self, seconds: int, code: str = "too_soon") -> None:
        super().__init__(code)
        self.seconds = seconds


class TooManyCases(TooSoon):
    """So many different cases opened in a short time that one has to wait for the next one, longer each time."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds, "many_cases")


class Unopened(Exception):
    """A sealed cell that doesn't open: what stands there isn't what was written there, or its key is gone.

    `cause` is `no_key`, `not_sealed` or `changed` (altered, or moved from another place). No refusal: nobody can do
    anything about it from a page.
    """

    def __init__(self, cause: str, municipality_id: str, table: str, column: str, row_id: str) -> None:
        super().__init__(f"{table}.{column} of {row_id} doesn't open: {cause}")
        self.cause = cause
        self.municipality_id = municipality_id
        self.table = table
        self.column = column
        self.row_id = row_id
