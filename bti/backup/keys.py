"""Does the key store at hand open what a backup holds?"""

from __future__ import annotations

import sqlalchemy as sa

from bti.config import Misconfigured
from bti.queries.sealed_cells import key_problems, keys_missing


def require_keys(session: sa.Connection) -> None:
    """Raise Misconfigured when what was restored would stay shut, wholly or in part."""
    problems = key_problems(session)
    if not problems and (missing := keys_missing(session)):
        problems = [
            f"The key store lacks the keys of {missing} cases or people in this backup: restore the key store from a "
            "backup of its own that was made after this one."
        ]
    if problems:
        raise Misconfigured([*problems, "Nothing was restored."])
