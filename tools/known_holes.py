"""Known holes of what the program runs on: `make audit`.

pip-audit asks the registry's list of known holes. Where that cannot be reached it says so instead of "none".
"""

from __future__ import annotations

import json
import sys
from typing import Any


def report(answer: str) -> tuple[int, list[str]]:
    """Return the exit code and the lines for what pip-audit answered: 0 for none, 1 for holes, 2 for no data."""
    try:
        parts: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        return 2, ["The list of known holes could not be reached: nothing is known."]
    asked = [part for part in parts if "skip_reason" not in part]
    lines = [_line(part, hole) for part in asked for hole in part["vulns"]]
    if len(asked) < len(parts):
        unknown = len(parts) - len(asked)
        lines.append(f"Of {unknown} of {len(parts)} packages nothing is known: their data was not reached.")
    if any("skip_reason" not in part and part["vulns"] for part in parts):
        return 1, lines
    if lines:
        return 2, lines
    return 0, [f"No known hole in {len(parts)} packages."]


def _line(part: dict[str, Any], hole: dict[str, Any]) -> str:
    versions = ", ".join(hole["fix_versions"]) or "no version yet"
    return f"{part['name']} {part['version']}: {hole['id']}, mended in {versions}"


def main() -> int:
    """Print what pip-audit found, whose JSON comes by the standard input."""
    code, lines = report(sys.stdin.read())
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return code


if __name__ == "__main__":
    sys.exit(main())
