"""Fetches the front-end files of others anew: `python -m tools.vendor`, which needs npm; the program does not.

`python -m tools.vendor tests/support/vendor` does the same for what the tests load into a page.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_FOLDER = Path(__file__).parent
FOLDER = _FOLDER.parent / "views" / "static" / "vendor"
PACKAGE_LIST = _FOLDER / "vendor.toml"


def packages(path: Path = PACKAGE_LIST) -> list[dict[str, Any]]:
    """Return what the list says of each package: name, version, sha256, and its files with theirs."""
    listed: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["package"]
    return listed


def fetch(package: dict[str, Any], folder: Path = FOLDER) -> None:
    """Put the files of ``package`` into ``folder``; raises ValueError where one is not what the list says."""
    wanted = f"{package['name']}@{package['version']}"
    with TemporaryDirectory() as place:
        subprocess.run(["npm", "pack", wanted, "--silent"], cwd=place, check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607 - npm as it is installed, a name from our own list
        archive = next(Path(place).glob("*.tgz"))
        _verify_digest(wanted, archive.read_bytes(), package["sha256"])
        with tarfile.open(archive) as packed:
            for file in package["files"]:
                member = packed.extractfile(f"package/{file['from']}")
                if member is None:
                    raise ValueError(f"{wanted} has no {file['from']}")
                content = member.read()
                _verify_digest(file["from"], content, file["sha256"])
                target = folder / file["to"]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)


def _verify_digest(name: str, content: bytes, expected: str) -> None:
    if (found := hashlib.sha256(content).hexdigest()) != expected:
        raise ValueError(f"{name} has the SHA-256 {found}, the list says {expected}")


if __name__ == "__main__":
    where = Path(sys.argv[1]) if sys.argv[1:] else None
    for listed in packages(where / "vendor.toml" if where else PACKAGE_LIST):
        fetch(listed, where or FOLDER)
        sys.stdout.write(f"{listed['name']} {listed['version']}\n")
