"""The dossier of a year and the verification of everything: ``python -m bench.dossier [--sizes 200,10000]``.

Each command runs in a process of its own, as an office runs it, on a register that is made first (or kept in a folder
with ``--keep``). The dossier is made twice and compared; then it is altered in each way, which the verifier in it has
to find. What was measured goes to docs/PERFORMANCE.md and to the terminal.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.register import create_register
from bench.report import update_page
from views.inspection import periksa

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROOT = Path(__file__).resolve().parent.parent
_MARKS = (
    "<!-- dossier: from here on `python -m bench.dossier` writes -->",
    "<!-- dossier: to here -->",
)
_SIZES = (200, 10_000)
_CHANGED, _MISSING, _TRAIL = "register/change.csv", "register/release.ods", "jejak/jejak-audit.jsonl"


@dataclass(frozen=True, slots=True)
class Run:
    """What a command took: seconds, the most memory of its process and of a process that it started, in MiB."""

    seconds: float
    memory: int
    helper: int
    output: str

    def __str__(self) -> str:
        helper = f" + {self.helper}" if self.helper else ""
        return f"{self.seconds:,.0f} s, {self.memory}{helper} MiB"


def run_command(database: Path, *words: str) -> Run:
    """Run ``words`` on the register in ``database``, and look at its memory all the while; it has to succeed."""
    environment = os.environ | {"LPSE_DATABASE_URL": f"sqlite:///{database}", "LPSE_SECRET_KEY": "bench" * 8}
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), number) for number in (1, 2)]
        pid = os.posix_spawn(sys.executable, [sys.executable, *words], environment, file_actions=actions)
        memory = helper = 0
        while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
            memory = max(memory, _peak(pid))
            helper = max([helper, *map(_peak, _children(pid))])
            time.sleep(0.1)
        output.seek(0)
        text = output.read()
    assert ended[1] == 0, text
    return Run(time.monotonic() - begin, memory, helper, text)


def _peak(pid: int) -> int:
    """Return the most memory that a running process has had, in MiB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured on a register: its requests, those of the dossier, size and files of it, and each command."""

    size: int
    requests: int
    files: int
    bytes: int
    runs: dict[str, Run]


def measure_dossier(database: Path, size: int, folder: Path) -> Measured:
    """Make the dossier of the demo's last year twice, verify it and the register, and alter it in each way."""
    flask = ("-m", "flask", "--app", str(_ROOT / "app.py"))
    first, again = folder / f"dossier-{size}.zip", folder / f"dossier-{size}-again.zip"
    period = ("--office", "lumajang", "--from", "2025-12-01", "--to", "2026-11-30", "--out")
    runs = {
        "audit verify": run_command(database, *flask, "audit", "verify"),
        "inspection export": run_command(database, *flask, "inspection", "export", *period, str(first)),
        "inspection verify": run_command(database, *flask, "inspection", "verify", str(first)),
    }
    with zipfile.ZipFile(first) as archive:
        program = folder / "periksa.py"
        program.write_bytes(archive.read(program.name))
        requests = json.loads(archive.read("manifest.json"))["requests"]
        files = len(archive.namelist())
    runs["periksa.py of the ZIP"] = run_command(database, "-I", "-S", str(program), str(first))
    run_command(database, *flask, "inspection", "export", *period, str(again))
    assert _hash_of(first) == _hash_of(again), "the same data gave other bytes"
    again.unlink()
    alter_each_way(first, folder)
    return Measured(size, requests, files, first.stat().st_size, runs)


def _hash_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def alter_each_way(dossier: Path, folder: Path) -> None:
    """Alter a copy of the dossier in each way; the verifier has to say where."""
    with zipfile.ZipFile(dossier) as archive:
        cell = archive.read(_CHANGED).splitlines()[1].split(b",")[1]
        file = next(name for name in archive.namelist() if "/lampiran/" in name)
    ways: dict[str, tuple[str, Callable[[bytes], bytes | None]]] = {
        "diubah": (_CHANGED, lambda data: data.replace(cell, b"Judul lain", 1)),
        "rusak": (file, lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        "hilang": (_MISSING, lambda _data: None),
        "dipotong": (_TRAIL, lambda data: b"".join(data.splitlines(keepends=True)[:-3])),
        "ditambahkan": ("permohonan/palsu.pdf", lambda _data: b"%PDF"),
    }
    for word, (name, change) in ways.items():
        altered = _rewritten(dossier, folder / "altered.zip", name, change)
        faults = periksa.verify(str(altered))
        assert any(word in fault for fault in faults), (word, faults[:5])
        assert all(fault.startswith((name, name.rsplit("/", 1)[0])) for fault in faults[:1]), faults[:5]
    (folder / "altered.zip").unlink()


def _rewritten(dossier: Path, target: Path, name: str, change: Callable[[bytes], bytes | None]) -> Path:
    """Copy ``dossier`` with another content of one member: what it has, or of a new one."""
    with zipfile.ZipFile(dossier) as source, zipfile.ZipFile(target, "w") as copy:
        members = source.namelist()
        for member in members:
            data = source.read(member)
            content = change(data) if member == name else data
            if content is not None:
                copy.writestr(member, content)
        if name not in members:
            copy.writestr(name, change(b"") or b"")
    return target


def render(results: Sequence[Measured]) -> str:
    """Return what was measured, as Markdown."""
    commands = list(results[0].runs)
    lines = [
        f"Measured on {dt.datetime.now(dt.UTC):%Y-%m-%d} on SQLite, on {os.cpu_count()} cores.",
        "",
        "| register | requests of the dossier | files | MiB | " + " | ".join(commands) + " |",
        "| ---: | ---: | ---: | ---: |" + " ---: |" * len(commands),
    ]
    for one in results:
        cells = [f"{one.size:,}", f"{one.requests:,}", f"{one.files:,}", f"{one.bytes / 1024**2:,.0f}"]
        lines.append(f"| {' | '.join([*cells, *map(str, one.runs.values())])} |")
    return "\n".join(lines)


def main() -> None:
    """Make the registers, measure on each, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=_sizes, default=_SIZES, help="requests, with commas between: 200,10000")
    parser.add_argument("--keep", type=Path, help="a folder for the registers, to use them again")
    parser.add_argument("--print", action="store_true", help="leave docs/PERFORMANCE.md as it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lpse-bench-") as work:
        folder = Path(work)
        results = [measure_dossier(_register(options.keep, folder, size), size, folder) for size in options.sizes]
    text = render(results)
    print(text)
    if not options.print:
        update_page(_ROOT / "docs" / "PERFORMANCE.md", text, _MARKS)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _register(kept: Path | None, work: Path, size: int) -> Path:
    """Return a register of ``size`` requests to work on: a copy of the kept one, which is made if there is none."""
    folder = (kept or work).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    register = folder / f"register-{size}.db"
    if not register.exists():
        create_register(size, str(register))
    return Path(shutil.copy(register, work / f"work-{size}.db"))


if __name__ == "__main__":
    main()
