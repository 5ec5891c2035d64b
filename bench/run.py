"""The benchmark: ``python -m bench.run [--sizes 1000,10000] [--keep FOLDER]``; `make bench` runs all of it.

The registers are created first, each in its own process; ``--keep`` names a folder in which they are saved for the
next run, which then works on copies. The table goes to docs/PERFORMANCE.md and to the terminal.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench import report
from bench.measure import measure
from bench.pages import measure_pages, missed_pages, render_pages
from bench.writers import SIZE, measure_writers, missed_writers, render_writers

_ROOT = Path(__file__).resolve().parent.parent
_REPORT_PATH = _ROOT / "docs" / "PERFORMANCE.md"
_SIZES = (1_000, 10_000, 100_000)


def main() -> None:
    """Create the registers, measure on each, write the page, and print the missed targets."""
    parser = argparse.ArgumentParser(description=__doc__, prog="make bench")
    parser.add_argument("--sizes", type=_sizes, default=_SIZES, help="requests, with commas between: 1000,10000")
    parser.add_argument("--keep", type=Path, help="a folder for the registers, to use them again")
    parser.add_argument("--print", action="store_true", help="leave docs/PERFORMANCE.md as it is")
    options = parser.parse_args()
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lpse-bench-")))
        folder = options.keep or work
        folder.mkdir(parents=True, exist_ok=True)
        _make_registers(folder, options.sizes)
        results, pages, writes = {}, {}, []
        for size in options.sizes:
            print(f"measuring at {size:,}", flush=True)
            database = _writable_copy(folder, work, size)
            pages[size] = measure_pages(database)
            results[size] = measure(database, size)
            if size == SIZE:
                writes = measure_writers(database)
    text = "\n".join([report.render_page(results), render_pages(pages), *([render_writers(writes)] if writes else [])])
    print(f"\n{text}\n")
    if not options.print:
        report.update_page(_REPORT_PATH, text)
    missed = [*report.missed_targets(results), *missed_pages(pages), *(missed_writers(writes) if writes else [])]
    print("\n".join(missed) or "All that was to be reached is reached.")


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _make_registers(folder: Path, sizes: tuple[int, ...]) -> None:
    """Create the missing registers in parallel, the largest first."""
    begin = time.monotonic()
    missing = [size for size in sorted(sizes, reverse=True) if not _register_path(folder, size).exists()]
    if not missing:
        return
    print(f"making registers of {', '.join(f'{size:,}' for size in missing)} requests", flush=True)
    running = [
        subprocess.Popen(  # noqa: S603 - own module
            [sys.executable, "-m", "bench.register", str(size), str(_unfinished_path(folder, size))], cwd=_ROOT
        )
        for size in missing
    ]
    for size, process in zip(missing, running, strict=True):
        assert process.wait() == 0, f"the register of {size:,} requests could not be made"
        _unfinished_path(folder, size).rename(_register_path(folder, size))
    print(f"made in {time.monotonic() - begin:.0f} s", flush=True)


def _register_path(folder: Path, size: int) -> Path:
    return folder.resolve() / f"register-{size}.db"


def _unfinished_path(folder: Path, size: int) -> Path:
    return folder.resolve() / f"unfinished-{size}.db"


def _writable_copy(folder: Path, work: Path, size: int) -> Path:
    """Return a copy of the register, or the register itself if it is temporary."""
    database = _register_path(folder, size)
    return database if folder == work else Path(shutil.copy(database, work))


if __name__ == "__main__":
    main()
