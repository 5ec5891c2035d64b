"""What is measured at one size: each thing on both sides in turn, so that whatever else the machine does hits both."""

from __future__ import annotations

import http
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TYPE_CHECKING

from bench.client import Answer, running
from demo import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.client import Side

    Ask = Callable[[int], Answer]

LIST, HEAD_LIST, QUEUE, PAGE, MOVE, CSV, XLSX = (
    "list",
    "list of the head",
    "queue of the head",
    "one request's page",
    "one move",
    "CSV of everything",
    "XLSX of everything",
)
PAGES, EXPORTS = (LIST, HEAD_LIST, QUEUE, PAGE, MOVE), (CSV, XLSX)

#: Pairs of questions for a page, and for an export by the number of requests.
_PAIRS, _WARM_UP = 60, 8
_EXPORT_PAIRS = ((1_000, 9), (10_000, 5), (0, 3))

_VERSION = re.compile(r'name="version" value="(\d+)"')
_FOUND = frozenset({http.HTTPStatus.OK, http.HTTPStatus.FOUND, http.HTTPStatus.SEE_OTHER})


@dataclass(slots=True)
class Series:
    """One thing measured on one side: seconds each, and MiB by which an export made the process grow."""

    seconds: list[float] = field(default_factory=list)
    first_byte: list[float] = field(default_factory=list)
    growth: list[float] = field(default_factory=list)

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles."""
        low, _middle, high = quantiles(self.seconds, n=4)
        return low, high


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing measured on both sides."""

    ours: Series = field(default_factory=Series)
    stock: Series = field(default_factory=Series)

    @property
    def ratio(self) -> float:
        """Our median in terms of theirs."""
        return self.ours.middle / self.stock.middle


def measure(database: Path, requests: int) -> dict[str, Pair]:
    """Return every measurement on the register in ``database``, which the moves change."""
    with running("ours", database) as head, running("stock", database) as stock:
        head.log_in("kepala", PASSWORD)
        manager, admin = head.beside(), head.beside()
        manager.log_in("pengelola", PASSWORD)
        admin.log_in("admin", PASSWORD)
        ids = _some_requests(database)
        found = {
            LIST: _pages(lambda _: admin.get("/admin/change/"), lambda _: stock.get("/admin/change/")),
            HEAD_LIST: _pages(lambda _: head.get("/admin/change/"), lambda _: stock.get("/admin/change/")),
            QUEUE: _pages(
                lambda _: head.get("/admin/approval/?state=open&urgency=emergency"),
                lambda _: stock.get("/admin/approval/"),
            ),
            PAGE: _pages(
                lambda turn: head.get(f"/admin/change/details/?id={ids[turn % len(ids)]}"),
                lambda turn: stock.get(f"/admin/change/details/?id={ids[turn % len(ids)]}"),
            ),
            MOVE: _moves(database, manager, stock),
        }
        pairs = next(pairs for most, pairs in _EXPORT_PAIRS if requests <= most or not most)
        for name, kind in ((CSV, "csv"), (XLSX, "xlsx")):
            found[name] = _exports(pairs, f"/admin/change/export/{kind}/", admin, stock)
        return found


def _pages(ours: Ask, stock: Ask, pairs: int = _PAIRS, warm_up: int = _WARM_UP) -> Pair:
    """Ask both sides in turn, and now the one and now the other first."""
    pair = Pair()
    for turn in range(-warm_up, pairs):
        sides = [(ours, pair.ours), (stock, pair.stock)]
        for ask, series in sides if turn % 2 else reversed(sides):
            answer = ask(turn)
            assert answer.status in _FOUND, answer.body.decode()[:2000]
            if turn >= 0:
                series.seconds.append(answer.seconds)
    return pair


def _exports(pairs: int, path: str, ours: Side, stock: Side) -> Pair:
    pair = Pair()
    for side in (ours, stock):
        # What is loaded at a side's first export is not what an export costs.
        side.get(f"{path}?search=0001", keep=False)
    for turn in range(pairs):
        sides = [(ours, pair.ours), (stock, pair.stock)]
        for side, series in sides if turn % 2 else reversed(sides):
            before = side.forget_peak()
            answer = side.get(path, keep=False)
            assert answer.status == http.HTTPStatus.OK
            series.seconds.append(answer.seconds)
            series.first_byte.append(answer.first_byte)
            if before is not None:
                series.growth.append(side.peak() - before)
    return pair


# -- requests, and their moves ---------------------------------------------------------------------------------


def _rows(database: Path, statement: str) -> Sequence[tuple[str, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def _some_requests(database: Path) -> list[str]:
    """Return ids of requests of the head's agency, from all of the register."""
    rows = _rows(database, "SELECT id FROM change_request WHERE agency_id = 1 AND submitted_at IS NOT NULL")
    every = max(1, len(rows) // _PAIRS)
    return [row[0] for row in rows[::every]]


def _moves(database: Path, manager: Side, stock: Side) -> Pair:
    """Move requests from evaluation on to urgency and from there to implementation; stock sets a column.

    The database itself refuses a step that no history leads to, so stock sets the urgency, which costs it the same.
    """
    ready = _rows(database, f"{_READY} ORDER BY id LIMIT 30")
    theirs = _rows(database, f"SELECT {', '.join(_FORM)} FROM change_request WHERE {_OPEN} LIMIT 60")  # noqa: S608 - our own words
    moves = [(row[0], step) for step in ("evaluation", "urgency") for row in ready]

    def ours(turn: int) -> Answer:
        id_, step = moves[turn]
        fields = _STEP_FIELDS[step] | {"version": _version(manager, id_)}
        return manager.post(f"/admin/change/{id_}/move", fields)

    def plain(turn: int) -> Answer:
        row = dict(zip(_FORM, theirs[turn], strict=True))
        row["urgency"] = "emergency" if row["urgency"] == "normal" else "normal"
        return stock.post(f"/admin/change/edit/?id={row.pop('id')}", {**row, "result": ""})

    return _pages(ours, plain, pairs=min(len(moves), len(theirs)), warm_up=0)


#: What nobody else holds; all of it is late, so that each move accounts for that as well.
_READY = (
    "SELECT id, step FROM change_request WHERE agency_id = 1 AND step = 'evaluation' AND NOT is_refused"
    " AND id IN (SELECT change_id FROM activity WHERE finished_at IS NULL AND held_by_id IS NULL)"
)
_OPEN = "agency_id = 2 AND submitted_at IS NOT NULL AND closed_at IS NULL"
_FORM = ("id", "number", "title", "kind", "source", "urgency", "step")

_STEP_FIELDS = {
    "evaluation": {"outcome": "accepted", "findings": "Berkas lengkap.", "risk": "low", "account-time": "Antrean."},
    "urgency": {"outcome": "normal", "assessment": "Dapat menunggu.", "account-time": "Antrean."},
}


def _version(manager: Side, id_: str) -> str:
    found = _VERSION.search(manager.get(f"/admin/change/details/?id={id_}").body.decode())
    assert found is not None, f"request {id_} cannot be moved"
    return found[1]
