"""What a test run may do without, and what it was told it may not."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

KINDS = ("pg", "browser")


def required() -> set[str]:
    """Return the kinds named in BTI_REQUIRE, separated by commas. Raises `pytest.UsageError` for others."""
    named = {word.strip() for word in os.environ.get("BTI_REQUIRE", "").split(",") if word.strip()}
    unknown = named - set(KINDS)
    if unknown:
        raise pytest.UsageError(f"BTI_REQUIRE names {', '.join(sorted(unknown))}; it knows {', '.join(KINDS)}")
    return named


def do_without(kind: str, reason: str) -> NoReturn:
    """Skip the test because `kind` isn't here, or fail it if BTI_REQUIRE names that kind."""
    if kind in required():
        pytest.fail(f"BTI_REQUIRE names {kind}, but: {reason}", pytrace=False)
    pytest.skip(reason)
