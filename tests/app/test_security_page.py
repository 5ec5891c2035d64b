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
