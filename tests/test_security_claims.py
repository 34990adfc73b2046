"""What SECURITY.md says is true as far as a program can tell: its tests and files exist, and its sums are right."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
SAID = (HOUSE / "SECURITY.md").read_text(encoding="utf-8")
TESTS = sorted(set(re.findall(r"tests/[\w/]+\.py(?:::\w+)*", SAID)))
FILES = sorted(set(re.findall(r"`((?:bti|web|workflows|docs|migrations)(?:/[\w.]+)*/?)`", SAID)))
# A chapter's heading, then its rows: number, our words, points, where.
CHAPTERS = {
    part.partition("\n")[0]: re.findall(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([012]) \| ([^|]+) \|$", part, re.MULTILINE)
    for part in SAID.split("\n### ")
    if re.match(r"V\d+ ", part)
}
ROWS = [row for rows in CHAPTERS.values() for row in rows]


@cache
def collected(file: str) -> frozenset[str]:
    """Return what pytest finds in a file: each test, each class that has tests, and each test of a class."""
    found: set[str] = set()
    for node in ast.parse((HOUSE / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            tests = [part.name for part in node.body if isinstance(part, ast.FunctionDef) and part.name[:5] == "test_"]
            found |= {node.name} if tests else set()
            found |= {f"{node.name}::{name}" for name in tests}
    return frozenset(found)


class TestWhatIsClaimed:
    @pytest.mark.parametrize("named", TESTS)
    def test_is_tested_by_what_it_names(self, named: str) -> None:
        file, _, inside = named.partition("::")
        assert (HOUSE / file).is_file(), f"{file} isn't there: SECURITY.md claims a test that nobody runs"
        assert collected(file), f"{file} has no tests"
        assert not inside or inside in collected(file), f"{inside} isn't a test in {file}"

    @pytest.mark.parametrize("named", FILES)
    def test_is_kept_where_it_says(self, named: str) -> None:
        assert (HOUSE / named).exists()

    def test_is_linked_to_from_where_people_begin(self) -> None:
        for file in ("README.md", "CHANGELOG.md"):
            assert "(SECURITY.md)" in (HOUSE / file).read_text(encoding="utf-8"), file


class TestTheScorecard:
    def test_has_every_row_in_its_own_chapter_once(self) -> None:
        assert len(ROWS) > 150
        assert [number for number, many in Counter(row[0] for row in ROWS).items() if many > 1] == []
        for chapter, rows in CHAPTERS.items():
            own = chapter.split()[0].removeprefix("V")
            assert rows
            assert {row[0].partition(".")[0] for row in rows} == {own}
            assert len(rows) == SAID.split(f"### {chapter}\n")[1].split("\n### ")[0].count("\n| ") - 2, chapter

    @pytest.mark.parametrize(("number", "points", "where"), [(row[0], row[2], row[3]) for row in ROWS])
    def test_gives_two_points_for_a_test_and_for_nothing_else(self, number: str, points: str, where: str) -> None:
        assert ("::" in where) == (points == "2"), f"{number} has {points} points for: {where}"

    def test_adds_up(self) -> None:
        for chapter, rows in [*CHAPTERS.items(), ("**All**", ROWS)]:
            points = Counter(row[2] for row in rows)
            sums = [len(rows), points["0"], points["1"], points["2"]]
            whole = f"{points['1'] + 2 * points['2']} of {2 * len(rows)}"
            assert f"| {chapter} | {' | '.join(map(str, sums))} | {whole} |" in SAID, f"{chapter}: {sums}, {whole}"
