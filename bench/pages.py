"""The pages that people wait for besides those of ``measure``, each in turn with the list of requests."""

from __future__ import annotations

import http
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from bench.program.client import run_program
from demo import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    PageResults = Mapping[int, Mapping[str, "PageTimes"]]

#: What each is to stay below, as a multiple of the list of requests.
MAX_RATIO = 3.0
_LIST = ("admin", "/admin/change/")
#: Name, account and address.
PAGES: tuple[tuple[str, str, str], ...] = (
    ("home of a requester", "pemohon", "/"),
    ("home of a change manager", "pengelola", "/"),
    ("home of the head", "kepala", "/"),
    ("home of the inspector", "pemeriksa", "/"),
    ("home of an administrator", "admin", "/"),
    ("deviations of an office", "kepala", "/admin/deviation/"),
    ("deviations of all offices", "admin", "/admin/deviation/"),
    ("deviations of a requester", "pemohon", "/admin/deviation/"),
    ("deviations of a requester with many", "pemohon2", "/admin/deviation/"),
    ("open requests", "kepala", "/admin/change/?state=open"),
    ("own open requests", "pemohon", "/admin/change/?state=open"),
    ("late evaluations", "kepala", "/admin/evaluation/?judged=late"),
    ("evaluations in time", "kepala", "/admin/evaluation/?judged=in-time"),
    ("release calendar", "kepala", "/admin/release/calendar"),
    ("audit trail with a word", "kepala", "/admin/audit/?search=setuju"),
    ("audit trail of all with a word", "admin", "/admin/audit/?search=setuju"),
    ("search of an office", "kepala", "/search?q=server"),
    ("search of a requester", "pemohon", "/search?q=server"),
    ("search with one letter wrong", "kepala", "/search?q=servar"),
    ("requests with a word", "kepala", "/admin/change/?search=server"),
    ("evaluations with a word", "kepala", "/admin/evaluation/?search=server"),
)
_ROUNDS, _WARM_UP = 15, 3


@dataclass(slots=True)
class PageTimes:
    """Seconds of a page, and those of the list of requests that was asked for before each."""

    page: list[float] = field(default_factory=list)
    list: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The page's median in terms of the list's."""
        return median(self.page) / median(self.list)


def measure_pages(database: Path) -> dict[str, PageTimes]:
    """Return the times of ``PAGES`` on the register in ``database``."""
    with run_program("ours", database) as first:
        clients = {}
        for account in dict.fromkeys((_LIST[0], *(account for _name, account, _path in PAGES))):
            clients[account] = first.open_session()
            clients[account].log_in(account, PASSWORD)
        found = {}
        for name, account, path in PAGES:
            times = found[name] = PageTimes()
            for turn in range(-_WARM_UP, _ROUNDS):
                of_list, of_page = clients[_LIST[0]].get(_LIST[1]), clients[account].get(path)
                assert of_list.status == of_page.status == http.HTTPStatus.OK, name
                if turn >= 0:
                    times.list.append(of_list.seconds)
                    times.page.append(of_page.seconds)
        return found


def render_pages(results: PageResults) -> str:
    """Return what was measured, as Markdown."""
    sizes = sorted(results)
    return "\n".join(
        [
            "",
            "### Other pages: our time for our list of requests 1 (median in milliseconds)",
            "",
            f"| | {' | '.join(f'{size:,}' for size in sizes)} | to reach |",
            f"| --- |{' ---: |' * (len(sizes) + 1)}",
            *(f"| {name} | {' | '.join(_cells(results, sizes, name))} | ≤ {MAX_RATIO:g} |" for name, *_of in PAGES),
        ]
    )


def _cells(results: PageResults, sizes: Sequence[int], name: str) -> list[str]:
    times = [results[size][name] for size in sizes]
    return [f"**{one.ratio:.1f}** ({median(one.page) * 1000:.0f})" for one in times]


def missed_pages(results: PageResults) -> list[str]:
    """Return what was not reached at the largest size, in words."""
    size = max(results)
    return [
        f"{name} at {size:,}: {times.ratio:.1f} of the list, not {MAX_RATIO:g}"
        for name, times in results[size].items()
        if times.ratio > MAX_RATIO
    ]
