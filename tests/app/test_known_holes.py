"""`make audit`: none, some, or nothing known."""

from __future__ import annotations

import json

from tools.known_holes import report

WHOLE = {"name": "a", "version": "1", "vulns": []}
HOLE = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found"}


def answer(*parts: object) -> str:
    return json.dumps({"dependencies": parts})


def test_none_is_said_only_where_every_package_was_looked_up() -> None:
    assert report(answer(WHOLE)) == (0, ["No known hole in 1 packages."])
    code, lines = report(answer(WHOLE, UNKNOWN))
    assert (code, len(lines)) == (2, 1)
    assert "nothing is known" in lines[0]


def test_a_hole_is_named_with_the_version_that_mends_it() -> None:
    code, lines = report(answer(WHOLE, HOLE, UNKNOWN))
    assert code == 1
    assert lines[0] == "b 2: CVE-1, mended in 3"


def test_a_list_that_cannot_be_reached_is_no_answer() -> None:
    for nothing in ("", "Traceback", "{}"):
        assert report(nothing)[0] == 2
