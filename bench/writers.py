"""Twenty people who move requests without a pause: how long each waits for its answer."""

from __future__ import annotations

import http
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import TYPE_CHECKING

from bench.measure import STEP_FIELDS, read_version, ready_requests
from bench.program.client import run_program
from demo import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.program.client import ProgramClient

#: So many people at once, at a register of this size, and the most that 95 of 100 writes may take, in seconds.
WRITERS, SIZE, MAX_SECONDS = 20, 10_000, 0.5


def measure_writers(database: Path) -> list[float]:
    """Return the seconds of each write on the register in ``database``; each person has requests of their own."""
    ready = ready_requests(database)
    with run_program("ours", database) as first, ThreadPoolExecutor(WRITERS) as pool:
        people = [first.open_session() for _number in range(WRITERS)]
        for person in people:
            person.log_in("pengelola", PASSWORD)
        shares = [ready[number::WRITERS] for number in range(WRITERS)]
        return [seconds for found in pool.map(_move_on, people, shares) for seconds in found]


def _move_on(person: ProgramClient, requests: Sequence[tuple[str, ...]]) -> list[float]:
    """Move each of ``requests`` from its step to the report, reading its page before each move."""
    steps, seconds = list(STEP_FIELDS), []
    for id_, current in requests:
        for step in steps[steps.index(current) :]:
            fields = STEP_FIELDS[step] | {"account-time": "Antrean.", "version": read_version(person, id_)}
            response = person.post(f"/admin/change/{id_}/move", fields)
            seconds.append(response.seconds)
            if response.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
                break  # told to try again later: this one has waited in vain, and its time counts
            assert response.status == http.HTTPStatus.SEE_OTHER, response.body.decode()[:2000]
    return seconds


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """Return what half of the writes, and 95 of 100, took at the most."""
    cut = quantiles(seconds, n=20)
    return cut[9], cut[18]


def render_writers(seconds: Sequence[float]) -> str:
    """Return what was measured, as Markdown."""
    half, most = _percentiles(seconds)
    return "\n".join(
        [
            "",
            f"### {WRITERS} people who read a page and make a move without a pause, at {SIZE:,} (milliseconds)",
            "",
            "| moves | half within | 95 of 100 within | to reach |",
            "| ---: | ---: | ---: | ---: |",
            f"| {len(seconds)} | {half * 1000:.0f} | **{most * 1000:.0f}** | ≤ {MAX_SECONDS * 1000:.0f} |",
        ]
    )


def missed_writers(seconds: Sequence[float]) -> list[str]:
    """Return what was not reached, in words."""
    _half, most = _percentiles(seconds)
    return (
        []
        if most <= MAX_SECONDS
        else [f"{WRITERS} writers: 95 of 100 within {most * 1000:.0f} ms, not {MAX_SECONDS * 1000:.0f}"]
    )
