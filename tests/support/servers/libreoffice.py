"""LibreOffice for the tests, which opens what the program exports. Run as a program, this module installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Commas, quotes, UTF-8, as stored; every sheet of a workbook becomes a file of its own.
_EVERY_SHEET_AS_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"

MISSING_MESSAGE = "no LibreOffice: neither on this system nor by apt-get as root"


def find_libreoffice() -> str | None:
    """Return the path of LibreOffice, or None if there is none."""
    return shutil.which("soffice") or shutil.which("libreoffice")


def install_libreoffice() -> None:
    """Install LibreOffice Calc without its windows if it is missing and that is possible."""
    if find_libreoffice() or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing LibreOffice Calc from the system's packages.", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "libreoffice-calc-nogui"]):
        subprocess.run(["apt-get", "-qq", *words], env=environment, stdout=subprocess.DEVNULL, check=False)


def convert(program: str, files: list[Path], target: str, folder: Path) -> list[Path]:
    """Open `files` in LibreOffice and save each as `target` ("csv", say) in `folder`; return what was saved."""
    how = _EVERY_SHEET_AS_CSV if target == "csv" else target
    subprocess.run(
        [
            program,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            "--headless",
            "--convert-to",
            how,
            "--outdir",
            str(folder),
            *map(str, files),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return sorted(folder.glob(f"*.{target}"))


if __name__ == "__main__":
    install_libreoffice()
    if not find_libreoffice():
        print(MISSING_MESSAGE)
