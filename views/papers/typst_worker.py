"""A process that does nothing but set papers: it reads jobs from standard input and writes PDF to standard output.

It is started by ``views.papers.typesetting`` as a file of its own. A layout that an office has adapted is text that
somebody typed: here it finds the job's own folder alone, no network, and a limit of memory.

A job is a line of JSON: the files by name (in Base64) and the time of the document. The answer is a line of JSON with
``pdf`` (in Base64), or with ``error`` (typst's message) and ``at`` (file and line).
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

import typst

_MEMORY = 3 * 1024**3
_STANDARDS: list[typst.PDFStandard] = ["a-2a", "ua-1"]
#: Those that typst brings, read once: those of the system differ from one machine to the next.
_FONTS = typst.Fonts(include_system_fonts=False)
_PLACE = re.compile(r"([\w.-]+\.typ):(\d+):\d+")


def main() -> None:
    """Set the papers of all jobs until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for line in sys.stdin.buffer:
        with tempfile.TemporaryDirectory() as folder:
            answer = json.dumps(_answer(json.loads(line), Path(folder)))
        sys.stdout.buffer.write(answer.encode() + b"\n")
        sys.stdout.buffer.flush()


def _answer(job: dict[str, Any], folder: Path) -> dict[str, str]:
    for name, text in job["files"].items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(base64.b64decode(text))
    try:
        pdf = typst.compile(
            folder / "main.typ",
            root=folder,
            format="pdf",
            pdf_standards=_STANDARDS,
            font_paths=_FONTS,
            timestamp=dt.datetime.fromisoformat(job["at"]),
        )
    except typst.TypstError as error:
        match = _PLACE.search(error.diagnostic)
        return {"error": error.message, "file": match[1] if match else "", "line": match[2] if match else ""}
    return {"pdf": base64.b64encode(pdf).decode()}


if __name__ == "__main__":
    main()
