"""docs/SECURITY.md names code and tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PATH = re.compile(r"(?<![\w/.])(?:app\.py|(?:lpse_admin|models|views|tests|deploy|docs)/[\w./-]+\w)")


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(_PATH.findall((ROOT / "docs" / "SECURITY.md").read_text()))
    assert len(named) > 40
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_every_requirement_has_code_and_a_test() -> None:
    table = (ROOT / "docs" / "SECURITY.md").read_text().partition("## OWASP ASVS")[2].partition("\n\nNot met")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if re.match(r"\| \d", line)]
    assert len(rows) > 30
    for requirement, code, tests in rows:
        assert code, requirement
        assert "tests/" in tests, requirement


#: How many requirements of level 1 and 2 each section of ASVS 5.0 has, by chapter.
SECTIONS = {
    1: {1: 2, 2: 9, 3: 11, 4: 3, 5: 2},
    2: {1: 3, 2: 3, 3: 4, 4: 1},
    3: {2: 2, 3: 4, 4: 6, 5: 5, 7: 2},
    4: {1: 3, 2: 1, 3: 2, 4: 4},
    5: {1: 1, 2: 3, 3: 2, 4: 3},
    6: {1: 3, 2: 12, 3: 4, 4: 4, 5: 5, 6: 3, 8: 4},
    7: {1: 3, 2: 4, 3: 2, 4: 5, 5: 2, 6: 2},
    8: {1: 2, 2: 3, 3: 1, 4: 1},
    9: {1: 3, 2: 4},
    10: {1: 2, 2: 2, 3: 4, 4: 11, 5: 5, 6: 2, 7: 3},
    11: {1: 2, 2: 3, 3: 3, 4: 4, 5: 1, 6: 1},
    12: {1: 3, 2: 2, 3: 4},
    13: {1: 1, 2: 5, 3: 2, 4: 5},
    14: {1: 2, 2: 4, 3: 3},
    15: {1: 3, 2: 3, 3: 7},
    16: {1: 1, 2: 5, 3: 4, 4: 3, 5: 3},
    17: {1: 1, 2: 4, 3: 2},
}
_RANGE = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:–(\d+)\.(\d+)\.(\d+))?")


def test_every_requirement_of_levels_1_and_2_has_a_line() -> None:
    requirements = {
        (chapter, section, number)
        for chapter, sections in SECTIONS.items()
        for section, last in sections.items()
        for number in range(1, last + 1)
    }
    page = (ROOT / "docs" / "SECURITY.md").read_text().partition("## OWASP ASVS")[2].partition("\n## ")[0]
    named = set()
    for line in re.findall(r"(?m)^\| (\d[^|]*)\|", page):
        for first in _RANGE.finditer(line):
            ends = [int(part) for part in first.groups() if part is not None]
            low, high = tuple(ends[:3]), tuple(ends[-3:])
            named |= {one for one in requirements if low <= one <= high}
    assert requirements - named == set()
