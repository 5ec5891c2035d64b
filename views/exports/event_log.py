"""The event log of the procedure for process mining: XES 2.0 (IEEE 1849) and CSV with the same names, as streams.

One event for each finished step: its case is the request, its time that of its end, and ``start_timestamp`` that of its
taking up, as tools for logs of intervals have it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from views.exports.csv_export import escape_formula

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_EXTENSIONS = (("Lifecycle", "lifecycle"), ("Organizational", "org"), ("Time", "time"), ("Concept", "concept"))
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="2.0" xes.features="" xmlns="http://www.xes-standard.org/">
"""
_GLOBALS = """  <global scope="trace">
    <string key="concept:name" value=""/>
  </global>
  <global scope="event">
    <string key="concept:name" value=""/>
    <date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
    <string key="lifecycle:transition" value="complete"/>
  </global>
  <classifier name="Activity" keys="concept:name"/>
  <classifier name="Activity and outcome" keys="concept:name outcome"/>
"""


@dataclass(frozen=True, slots=True)
class Event:
    """A finished step; the events of a case follow one another."""

    case: str
    case_title: str
    activity: str
    outcome: str
    resource: str
    role: str
    arrived_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime


#: The names of the attributes of an event, in the order of ``Event``; those of the case are columns of the CSV too.
_KEYS = (
    "case:concept:name", "case:title", "concept:name", "outcome", "org:resource", "org:role", "arrived_timestamp",
    "start_timestamp", "time:timestamp",
)  # fmt: skip
_OF_CASE = 2


def xes_stream(events: Iterable[Event], name: str) -> Iterator[bytes]:
    """Yield the log as XES; ``name`` is that of the log."""
    yield _HEAD.encode()
    for title, prefix in _EXTENSIONS:
        address = f"http://www.xes-standard.org/{prefix}.xesext"
        yield f'  <extension name="{title}" prefix="{prefix}" uri="{address}"/>\n'.encode()
    yield _GLOBALS.encode()
    yield f'  <string key="concept:name" value={quoteattr(name)}/>\n'.encode()
    case = None
    for event in events:
        if event.case != case:
            yield from (b"  </trace>\n",) if case is not None else ()
            case = event.case
            yield b"  <trace>\n"
            yield _attribute("concept:name", event.case, 4)
            yield _attribute("title", event.case_title, 4)
        yield _event(event)
    yield from (b"  </trace>\n",) if case is not None else ()
    yield b"</log>\n"


def _event(event: Event) -> bytes:
    pairs = zip(_KEYS[_OF_CASE:], astuple(event)[_OF_CASE:], strict=True)
    parts = [_attribute(key, value, 6) for key, value in pairs if value not in {None, ""}]
    return b"".join((b"    <event>\n", *parts, _attribute("lifecycle:transition", "complete", 6), b"    </event>\n"))


def _attribute(key: str, value: str | dt.datetime | None, indent: int) -> bytes:
    kind = "date" if isinstance(value, dt.datetime) else "string"
    text = _time(value) if isinstance(value, dt.datetime) else str(value)
    return f'{" " * indent}<{kind} key="{key}" value={quoteattr(text)}/>\n'.encode()


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds")


def csv_log_stream(events: Iterable[Event]) -> Iterator[bytes]:
    """Yield the log as CSV, in which no spreadsheet finds a formula."""
    yield ",".join((*_KEYS, "lifecycle:transition\r\n")).encode()
    for event in events:
        line = io.StringIO(newline="")
        cells = [
            _time(cell) if isinstance(cell, dt.datetime) else escape_formula(cell or "") for cell in astuple(event)
        ]
        csv.writer(line).writerow((*cells, "complete"))
        yield line.getvalue().encode()


def _cell(value: str | dt.datetime | None) -> str:
    return _time(value) if isinstance(value, dt.datetime) else escape_formula(value or "")
