"""Other people's software that opens and validates the PDF files of the program.

No validator of PDF/A can be had from the package registries (veraPDF is in none of them): that a paper is PDF/A-2a is
what typst holds itself to; asked here are its syntax (qpdf) and its fonts (poppler). PDF/UA-1 is validated by outloud,
whose rules of conformance were compared with veraPDF's.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import outloud

if TYPE_CHECKING:
    from pathlib import Path

#: It takes a row for too short whose last column is a cell that goes on from the row above.
ROW_LENGTHS = "TBL-004"


def require_valid(file: Path, *skipped: str) -> None:
    """Ask each validator that there is on this system about a paper."""
    result = outloud.check(str(file), layers=["conformance"], skip=skipped)
    assert result.error is None, file.name
    assert [(one.rule, one.message) for one in result.findings] == [], file.name
    if shutil.which("qpdf"):
        subprocess.run(["qpdf", "--check", str(file)], check=True, capture_output=True)
    if shutil.which("pdffonts"):
        lines = subprocess.run(["pdffonts", str(file)], check=True, capture_output=True).stdout.decode().splitlines()
        for line in lines[2:]:
            assert line.split()[-5:-2] == ["yes", "yes", "yes"], f"{file.name}: embedded, subset, with letters: {line}"
