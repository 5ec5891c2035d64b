"""The measurements as Markdown: ratios, then memory and first bytes, then times."""

from __future__ import annotations

import datetime as dt
import math
import os
import platform
import sqlite3
from importlib.metadata import version
from typing import TYPE_CHECKING

from bench.measure import CSV, EXPORTS, HEAD_LIST, LIST, MOVE, PAGE, PAGES, QUEUE, XLSX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.measure import Comparison

    Results = Mapping[int, Mapping[str, Comparison]]

BEGIN_MARK, END_MARK = "<!-- measured: from here on `make bench` writes -->", "<!-- measured: to here -->"

#: Targets: maximum ratios to stock Flask-Admin's time, seconds to the first byte, and memory growth in MiB.
MAX_RATIOS = {LIST: 0.6, HEAD_LIST: 0.6, QUEUE: 0.6, PAGE: 3.0, MOVE: 4.0, CSV: 0.3, XLSX: 0.3}
MAX_FIRST_BYTE = 0.1
MAX_GROWTH = {CSV: 20, XLSX: 50}


def render_page(results: Results) -> str:
    """Return all results as Markdown."""
    sizes = sorted(results)
    return "\n".join(
        [
            f"Measured on {dt.datetime.now(dt.UTC):%Y-%m-%d} with {_versions()}, on {os.cpu_count()} cores.",
            "",
            "### Our time for stock Flask-Admin's 1",
            "",
            *_markdown_table(
                ["", *map(_format_size, sizes), "to reach", "our growth", "theirs"],
                [_ratio_row(results, sizes, name) for name in (*PAGES, *EXPORTS)],
            ),
            "",
            "Growth is the exponent of the requests in the time: 0 is flat, 1 grows as they do.",
            "",
            "### Exports: first byte and memory, ours / stock's",
            "",
            *_markdown_table(["", *map(_format_size, sizes), "to reach"], _export_rows(results, sizes)),
            "",
            "### Times (only of this machine in that hour: medians, quartiles in brackets; milliseconds)",
            "",
            *_markdown_table(
                ["", *(f"{_format_size(size)} {side}" for size in sizes for side in ("ours", "stock"))],
                [_time_row(results, sizes, name) for name in (*PAGES, *EXPORTS)],
            ),
        ]
    )


def update_page(path: Path, text: str, marks: tuple[str, str] = (BEGIN_MARK, END_MARK)) -> None:
    """Replace the text between the marks in the page at ``path``."""
    head, begin, rest = path.read_text(encoding="utf-8").partition(marks[0])
    _old, end, tail = rest.partition(marks[1])
    path.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")


def missed_targets(results: Results) -> list[str]:
    """Return one line for each missed target."""
    missed = []
    for size, pairs in results.items():
        for name, most in MAX_RATIOS.items():
            if pairs[name].ratio > most:
                missed.append(f"{name} at {_format_size(size)}: {pairs[name].ratio:.2f} of stock, not {most}")
        for name, most in MAX_GROWTH.items():
            if max(pairs[name].ours.growth, default=0) > most:
                missed.append(
                    f"{name} at {_format_size(size)}: grows by {max(pairs[name].ours.growth):.0f} MiB, not {most}"
                )
        if max(pairs[CSV].ours.first_byte) > MAX_FIRST_BYTE:
            missed.append(
                f"{CSV} at {_format_size(size)}: first byte after {max(pairs[CSV].ours.first_byte) * 1000:.0f} ms"
            )
    return missed


def _versions() -> str:
    parts = ("Flask-Admin", "SQLAlchemy", "Flask", "waitress")
    named = [f"{part} {version(part)}" for part in parts]
    return ", ".join([f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}", *named])


def _format_size(requests: int) -> str:
    return f"{requests:,}"


def _markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _ratio_row(results: Results, sizes: Sequence[int], name: str) -> list[str]:
    pairs = [results[size][name] for size in sizes]
    reach = f"≤ {MAX_RATIOS[name]}" if name in MAX_RATIOS else ""
    sides = ([pair.ours for pair in pairs], [pair.stock for pair in pairs])
    growth = [_exponent(sizes, [series.median for series in side]) for side in sides]
    return [name, *(f"**{pair.ratio:.2f}**" for pair in pairs), reach, *growth]


def _exponent(sizes: Sequence[int], seconds: Sequence[float]) -> str:
    """Return the growth exponent: the least-squares slope of log(seconds) over log(size)."""
    if len(sizes) < 2:  # noqa: PLR2004 - a slope needs two points
        return ""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in seconds]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    rise = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return f"{rise / sum((a - middle_x) ** 2 for a in x):.2f}"


def _export_rows(results: Results, sizes: Sequence[int]) -> list[list[str]]:
    rows = []
    for name in EXPORTS:
        pairs = [results[size][name] for size in sizes]
        rows.append(
            [
                f"{name}: first byte, ms",
                *(
                    f"{_max_milliseconds(pair.ours.first_byte)} / {_max_milliseconds(pair.stock.first_byte)}"
                    for pair in pairs
                ),
                f"≤ {MAX_FIRST_BYTE * 1000:.0f}" if name == CSV else "",
            ]
        )
        rows.append(
            [
                f"{name}: growth, MiB",
                *(f"{_max_mebibytes(pair.ours.growth)} / {_max_mebibytes(pair.stock.growth)}" for pair in pairs),
                f"≤ {MAX_GROWTH[name]}",
            ]
        )
    return rows


def _max_milliseconds(seconds: Sequence[float]) -> str:
    return f"{max(seconds) * 1000:.0f}"


def _max_mebibytes(growth: Sequence[float]) -> str:
    return f"{max(growth):.0f}" if growth else "–"


def _time_row(results: Results, sizes: Sequence[int], name: str) -> list[str]:
    cells = [name]
    for size in sizes:
        for series in (results[size][name].ours, results[size][name].stock):
            low, high = series.quartiles
            cells.append(f"{series.median * 1000:.0f} ({low * 1000:.0f}–{high * 1000:.0f})")
    return cells
