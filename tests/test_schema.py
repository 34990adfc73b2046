"""What the migrations make is what the code reads and writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bti.models import metadata

VERSIONS = sorted((Path(__file__).parents[1] / "migrations" / "versions").glob("0*.py"))


class TestTheSchema:
    def test_has_the_tables_of_the_code_and_no_others(self, database: sa.Engine) -> None:
        with database.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []


class TestAMigration:
    @pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
    def test_says_its_number_and_what_it_comes_after(self, file: Path) -> None:
        number, text = file.stem[:4], file.read_text("utf-8")
        before = f"{int(number) - 1:04}"
        assert f'\nrevision = "{number}"\n' in text
        if number == "0001":
            assert "\ndown_revision = None\n" in text
            return
        assert f'\ndown_revision = "{before}"\n' in text
        assert f"\nRevision: {number}, after {before}\n" in text

    @pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
    def test_goes_forward_only(self, file: Path) -> None:
        refused = r"def downgrade\(\) -> None:\n.*\n    raise NotImplementedError\n"
        assert re.search(refused, file.read_text("utf-8")), f"{file.name} could be undone by halves"
