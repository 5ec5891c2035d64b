"""Templates: the requests to copy, with their rows and the weeks to which each can be moved."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, Table, select

from lpse_admin.workflow.deviations import DeviationKind
from models.audit.trail import AuditEntry, AuditRow
from models.base import Base, UtcDateTime
from models.changes.steps.activity import ACTIVITY_CLASSES, Activity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Column, Connection

    from demo.agency.office import Office

#: The tables of a request's rows, each with the column that refers to the request or to the parent row.
OWNERS = {
    "change_request": "id",
    "change_revision": "change_id",
    "activity": "change_id",
    "document": "change_id",
    "deviation": "change_id",
    "handover": "change_id",
    **{
        record.__tablename__: "id"
        for record in ACTIVITY_CLASSES.values()
        if record.__tablename__ != Activity.__tablename__
    },
    "test_case": "run_id",
    "release_asset": "release_id",
    "asset_review_item": "review_id",
    "change_item": "change_id",
    "evaluation_item": "evaluation_id",
    "release_revision": "release_id",
    "step_time": "activity_id",
}
#: The same tables in the order of their foreign keys.
TABLES: dict[str, Table] = {table.name: table for table in Base.metadata.sorted_tables if table.name in OWNERS}
#: The primary key column of each table.
KEYS = {name: next(iter(table.primary_key.columns)).name for name, table in TABLES.items()}
#: Tables that share the primary key of their activity.
RECORDS = frozenset(name for name in TABLES if KEYS[name] == OWNERS[name] and name != "change_request")
#: The tables with their own ids.
COUNTED = tuple(name for name in TABLES if name not in RECORDS)
#: The table whose datetimes are outside working time.
PLANNED = "release"

_WEEK = dt.timedelta(days=7)
_ONE_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)
#: Working days after the last event that must match as well, because standards in days extend that far.
_DAYS_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Template:
    """A request that is copied."""

    id: int
    agency_id: int
    created_at: dt.datetime
    submitted_at: dt.datetime | None
    is_open: bool
    #: The ids of its rows by table, in order.
    rows: dict[str, list[int]]
    #: Possible shifts in days, and the maximum number of additional seconds.
    days: list[int]
    most_seconds: int


def is_moment(column: Column[Any]) -> bool:
    """Whether a column has datetimes."""
    return isinstance(column.type, UtcDateTime)


def is_date(column: Column[Any]) -> bool:
    """Whether a column has dates."""
    return isinstance(column.type, Date)


def counted_target(column: Column[Any]) -> str | None:
    """Return the table in ``COUNTED`` that a column refers to, or None."""
    for key in column.foreign_keys:
        target = key.column.table.name
        if target in TABLES and key.column.name == "id":
            return target if target in COUNTED else Activity.__tablename__
    return None


def read_templates(connection: Connection, offices: Iterable[Office], after: int) -> list[Template]:
    """Return the requests with ids above ``after`` that can be copied."""
    rows = _rows(connection, after)
    bound = _bound(connection, rows)
    entry_times = _entry_times(connection, rows)
    by_agency = {office.agency_id: office for office in offices}
    return [
        _template(request, rows, entry_times[request["id"]], by_agency[request["agency_id"]])
        for request in rows["change_request"].get(None, [])
        if request["id"] not in bound
    ]


#: Rows by table and request; the requests themselves under None.
_Rows = dict[str, dict[Any, list[dict[str, Any]]]]


def _rows(connection: Connection, after: int) -> _Rows:
    """Return all rows of the requests with ids above ``after``."""
    rows: _Rows = {}
    owners: dict[str, dict[int, int]] = {}
    for name, table in TABLES.items():
        owner = table.c[OWNERS[name]]
        parent = "change_request" if name == "change_request" else counted_target(owner) or "activity"
        # Rows of earlier requests have lower ids.
        wanted = select(table).where(owner >= min(owners[parent])) if rows else select(table).where(owner > after)
        grouped: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        own: dict[int, int] = {}
        for row in connection.execute(wanted.order_by(*table.primary_key)).mappings():
            request = row["id"] if name == "change_request" else owners[parent].get(row[owner.name])
            if request is not None:
                grouped[None if name == "change_request" else request].append(dict(row))
                own[row[KEYS[name]]] = request
        rows[name], owners[name] = grouped, own
    return rows


def _bound(connection: Connection, rows: _Rows) -> set[int]:
    """Return the ids of the requests that depend on other records and cannot be copied."""
    bound = {row["id"] for row in rows["change_request"].get(None, []) if row["linked_change_id"]}
    for name in ("activity", "deviation"):
        bound |= {request for request, own in rows[name].items() if any(row["delegation_id"] for row in own)}
    for name in ("asset_mutation", "freeze_permit"):
        bound |= set(connection.scalars(select(Base.metadata.tables[name].c.change_id)))
    return bound


def _entry_times(connection: Connection, rows: _Rows) -> dict[int, set[dt.datetime]]:
    """Return the times of the audit entries of each request."""
    times: dict[int, set[dt.datetime]] = defaultdict(set)
    requests = [str(row["id"]) for row in rows["change_request"].get(None, [])]
    entries = (
        select(AuditRow.row_id, AuditEntry.at)
        .join(AuditEntry, AuditEntry.id == AuditRow.entry_id)
        .where(AuditRow.table_name == "change_request", AuditRow.row_id.in_(requests))
    )
    for request, at in connection.execute(entries):
        times[int(request)].add(at)
    return times


def _template(request: dict[str, Any], rows: _Rows, entry_times: set[dt.datetime], office: Office) -> Template:
    id_ = request["id"]
    own = {name: [request] if name == "change_request" else of.get(id_, []) for name, of in rows.items()}
    moments = sorted(_moments(own) | entry_times)
    is_open = request["closed_at"] is None
    windows = [(row["window_start_at"], row["window_end_at"]) for row in own[PLANNED] if row["window_start_at"]]
    days = [0] if is_open else _days(office, moments[0], moments[-1], windows)
    # Measures of time deviations depend on the time of day of the start.
    is_measured = any(row["kind"] is DeviationKind.TIME for row in own["deviation"])
    return Template(
        id=id_,
        agency_id=office.agency_id,
        created_at=request["created_at"],
        submitted_at=request["submitted_at"],
        is_open=is_open,
        rows={name: [row[KEYS[name]] for row in of] for name, of in own.items()},
        days=days,
        most_seconds=0 if is_measured else min(_until_closing(office, moment) for moment in moments),
    )


def _moments(rows: dict[str, list[dict[str, Any]]]) -> set[dt.datetime]:
    """Return all datetimes in ``rows``, except those of planned releases."""
    return {
        row[column.name]
        for name, of in rows.items()
        if name != PLANNED
        for column in TABLES[name].columns
        if is_moment(column)
        for row in of
        if row[column.name] is not None
    }


def _until_closing(office: Office, moment: dt.datetime) -> int:
    """Return the seconds from ``moment`` until the end of its working span, or of the demo."""
    spans, end = office.calendar.spans(office.date_of(moment)), office.hours.at(office.end)
    return next((min(closes, end) - moment) // _SECOND - 1 for opens, closes in spans if opens <= moment < closes)


def _days(
    office: Office, first: dt.datetime, last: dt.datetime, windows: list[tuple[dt.datetime, dt.datetime]]
) -> list[int]:
    """Return the shifts, in days, to weeks with the same working time as from ``first`` to ``last``.

    The ``windows`` of its releases must not overlap a freeze after the shift.
    """
    hours = office.hours
    begin, end = office.date_of(first), office.date_of(last)
    end_of_comparison = hours.days[min(bisect_right(hours.days, end) + _DAYS_AHEAD - 1, len(hours.days) - 1)]
    dates = [begin + _ONE_DAY * number for number in range((end_of_comparison - begin).days + 1)]
    earliest, latest = hours.day(0) + _ONE_DAY, hours.day(office.end - 1)
    weeks = range(-((begin - earliest) // _WEEK), (latest - end) // _WEEK + 1)
    spans = [_spans(office, date, dt.timedelta()) for date in dates]
    return [
        week * _WEEK.days
        for week in weeks
        if week
        and spans == [_spans(office, date, _WEEK * week) for date in dates]
        and not any(office.is_frozen(start + _WEEK * week, end + _WEEK * week) for start, end in windows)
    ]


def _spans(office: Office, date: dt.date, later: dt.timedelta) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return the working spans of the day that is ``later`` than ``date``, moved back to ``date``."""
    return [(opens - later, closes - later) for opens, closes in office.calendar.spans(date + later)]
