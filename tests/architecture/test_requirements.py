"""What is installed: the versions that people read, by the hashes of their files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==([^\s;\\#]+)(.*)")


def pins(name: str) -> dict[str, str]:
    """Return the version of each package that a file names."""
    found = filter(None, map(PINNED.match, (ROOT / name).read_text().splitlines()))
    return {re.sub(r"[-_.]+", "-", pin[1]).lower(): pin[2] for pin in found}


@pytest.mark.parametrize(
    ("hashed", "read"),
    [
        ("requirements-hashes.txt", ["requirements.txt"]),
        ("requirements-test-hashes.txt", ["requirements.txt", "requirements-test.txt"]),
    ],
)
def test_what_is_installed_are_the_versions_that_are_read_each_with_hashes(hashed: str, read: list[str]) -> None:
    expected: dict[str, str] = {}
    for name in read:
        expected |= pins(name)
    text = (ROOT / hashed).read_text()
    # What another system alone needs is named with its condition.
    elsewhere = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"(?m)^([\w.-]+)==\S+ ; ", text)}
    assert {name: version for name, version in pins(hashed).items() if name not in elsewhere} == expected
    for block in re.split(r"(?m)^(?=[\w.-]+==)", text)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), block


def test_the_goals_install_by_hashes_alone() -> None:
    goals = (ROOT / "Makefile").read_text()
    installs = [line for line in goals.splitlines() if "$(PIP)" in line and ":=" not in line]
    assert len(installs) == 2
    assert all("--require-hashes" in line for line in installs)
