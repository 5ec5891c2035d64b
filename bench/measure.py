"""The measurements at one size, alternating between both programs, so that other load affects both."""

from __future__ import annotations

import http
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TYPE_CHECKING

from bench.program.client import TimedResponse, run_program
from demo import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.program.client import ProgramClient

    SendRequest = Callable[[int], TimedResponse]

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

#: Pairs of measurements for a page, and for an export by the size of the register.
_ROUNDS, _WARM_UP = 60, 8
_EXPORT_ROUNDS = ((1_000, 9), (10_000, 5), (0, 3))

_VERSION = re.compile(r'name="version" value="(\d+)"')
_OK_STATUSES = frozenset({http.HTTPStatus.OK, http.HTTPStatus.FOUND, http.HTTPStatus.SEE_OTHER})


@dataclass(slots=True)
class Measurements:
    """Measurements of one page or export of one program: times in seconds, memory growth in MiB."""

    seconds: list[float] = field(default_factory=list)
    first_byte: list[float] = field(default_factory=list)
    growth: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median."""
        return median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The quartiles."""
        low, _middle, high = quantiles(self.seconds, n=4)
        return low, high


@dataclass(frozen=True, slots=True)
class Comparison:
    """Measurements of both programs."""

    ours: Measurements = field(default_factory=Measurements)
    stock: Measurements = field(default_factory=Measurements)

    @property
    def ratio(self) -> float:
        """Our median divided by that of stock Flask-Admin."""
        return self.ours.median / self.stock.median


def measure(database: Path, requests: int) -> dict[str, Comparison]:
    """Return all measurements on the register in ``database``, which the moves change."""
    with run_program("ours", database) as head, run_program("stock", database) as stock:
        head.log_in("kepala", PASSWORD)
        manager, admin = head.open_session(), head.open_session()
        manager.log_in("pengelola", PASSWORD)
        admin.log_in("admin", PASSWORD)
        ids = _sample_request_ids(database)
        results = {
            LIST: _measure_pages(lambda _: admin.get("/admin/change/"), lambda _: stock.get("/admin/change/")),
            HEAD_LIST: _measure_pages(lambda _: head.get("/admin/change/"), lambda _: stock.get("/admin/change/")),
            QUEUE: _measure_pages(
                lambda _: head.get("/admin/approval/?state=open&urgency=emergency"),
                lambda _: stock.get("/admin/approval/"),
            ),
            PAGE: _measure_pages(
                lambda turn: head.get(f"/admin/change/details/?id={ids[turn % len(ids)]}"),
                lambda turn: stock.get(f"/admin/change/details/?id={ids[turn % len(ids)]}"),
            ),
            MOVE: _measure_moves(database, manager, stock),
        }
        pairs = next(pairs for most, pairs in _EXPORT_ROUNDS if requests <= most or not most)
        for name, kind in ((CSV, "csv"), (XLSX, "xlsx")):
            results[name] = _measure_exports(pairs, f"/admin/change/export/{kind}/", admin, stock)
        return results


def _measure_pages(ours: SendRequest, stock: SendRequest, pairs: int = _ROUNDS, warm_up: int = _WARM_UP) -> Comparison:
    """Send the requests to both programs in turn, alternating which one is first."""
    pair = Comparison()
    for turn in range(-warm_up, pairs):
        sides = [(ours, pair.ours), (stock, pair.stock)]
        for send, series in sides if turn % 2 else reversed(sides):
            response = send(turn)
            assert response.status in _OK_STATUSES, response.body.decode()[:2000]
            if turn >= 0:
                series.seconds.append(response.seconds)
    return pair


def _measure_exports(pairs: int, path: str, ours: ProgramClient, stock: ProgramClient) -> Comparison:
    pair = Comparison()
    for side in (ours, stock):
        # The first export loads modules, which is not measured.
        side.get(f"{path}?search=0001", keep_body=False)
    for turn in range(pairs):
        sides = [(ours, pair.ours), (stock, pair.stock)]
        for side, series in sides if turn % 2 else reversed(sides):
            before = side.reset_peak_memory()
            response = side.get(path, keep_body=False)
            assert response.status == http.HTTPStatus.OK
            series.seconds.append(response.seconds)
            series.first_byte.append(response.first_byte)
            if before is not None:
                series.growth.append(side.peak_memory() - before)
    return pair


# -- requests, and their moves ---------------------------------------------------------------------------------


def _fetch_rows(database: Path, statement: str) -> Sequence[tuple[str, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def _sample_request_ids(database: Path) -> list[str]:
    """Return ids of submitted requests of the head's agency, spread over the register."""
    rows = _fetch_rows(database, "SELECT id FROM change_request WHERE agency_id = 1 AND submitted_at IS NOT NULL")
    every = max(1, len(rows) // _ROUNDS)
    return [row[0] for row in rows[::every]]


def _measure_moves(database: Path, manager: ProgramClient, stock: ProgramClient) -> Comparison:
    """Move requests from their current step up to the report; stock Flask-Admin edits a column.

    Triggers reject a step that contradicts the history, so stock Flask-Admin edits the urgency, at the same cost.
    """
    ready = ready_requests(database)
    theirs = _fetch_rows(database, _OPEN_REQUESTS_SQL)
    steps = list(STEP_FIELDS)
    moves = [(id_, step) for step in steps for id_, current in ready if steps.index(current) <= steps.index(step)]

    def ours(turn: int) -> TimedResponse:
        id_, step = moves[turn + _WARM_UP]
        fields = STEP_FIELDS[step] | {"account-time": "Antrean.", "version": read_version(manager, id_)}
        return manager.post(f"/admin/change/{id_}/move", fields)

    def edit(turn: int) -> TimedResponse:
        row = dict(zip(_EDIT_FORM_COLUMNS, theirs[turn + _WARM_UP], strict=True))
        row["urgency"] = "emergency" if row["urgency"] == "normal" else "normal"
        return stock.post(f"/admin/change/edit/?id={row.pop('id')}", {**row, "result": ""})

    return _measure_pages(ours, edit, pairs=min(_ROUNDS, len(moves) - _WARM_UP, len(theirs) - _WARM_UP))


#: The form values of each step of the manager; the account of lateness is added to all.
STEP_FIELDS = {
    "evaluation": {
        "outcome": "accepted",
        "findings": "Berkas lengkap.",
        "resources": "Pengelola, satu jam.",
        "risk": "low",
    },
    "urgency": {"outcome": "normal", "assessment": "Dapat menunggu."},
    "implementation": {
        "outcome": "done",
        "environment": "production",
        "steps_taken": "Dipasang.",
        "participants": "Pengelola.",
        "equipment-pc": "y",
    },
    "test": {
        "outcome": "passed",
        "cases-0-name": "Masuk",
        "cases-0-expected": "Berhasil",
        "cases-0-actual": "Berhasil",
        "documentation": "Tangkapan layar.",
        "equipment-pc": "y",
    },
    "report": {"outcome": "reported", "summary": "Selesai."},
}
#: Requests at one of these steps without an assignee.
_READY_REQUESTS_SQL = """
    SELECT id, step FROM change_request
    WHERE agency_id = 1 AND step IN ('evaluation', 'urgency', 'implementation', 'test', 'report') AND NOT is_refused
      AND id IN (SELECT change_id FROM activity WHERE finished_at IS NULL AND held_by_id IS NULL)
    ORDER BY id LIMIT 60
"""
_OPEN_REQUESTS_SQL = """
    SELECT id, number, title, kind, source, urgency, step FROM change_request
    WHERE agency_id = 2 AND submitted_at IS NOT NULL AND closed_at IS NULL LIMIT 100
"""
_EDIT_FORM_COLUMNS = ("id", "number", "title", "kind", "source", "urgency", "step")


def ready_requests(database: Path) -> Sequence[tuple[str, ...]]:
    """Return (id, step) of requests that a change manager can move on."""
    return _fetch_rows(database, _READY_REQUESTS_SQL)


def read_version(manager: ProgramClient, id_: str) -> str:
    """Return the version that the form on a request's page has."""
    match = _VERSION.search(manager.get(f"/admin/change/details/?id={id_}").body.decode())
    assert match is not None, f"request {id_} cannot be moved"
    return match[1]
