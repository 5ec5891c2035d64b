"""Summary tables: totals by month that the dashboards read instead of the register.

Triggers append a row with the difference to a summary in the transaction that writes the row it counts, so every path
that writes is covered (screens, commands, bulk SQL). Rows are appended and not updated, so that transactions do not
wait for one another; ``merge`` adds up what was appended since. A total is the sum of its rows.

``rebuild`` recomputes all summaries set-based (after SQL that was run without triggers, say), ``differences`` compares
them with a recount.

Months begin at midnight in UTC+7 (Western Indonesian Time), whatever the office's zone: what another zone's month has
more or less is read from the rows themselves (``models.reports.figures``).
"""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, delete, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from lpse_admin.sop.steps import Result, Step, Urgency
from lpse_admin.workflow.deviations import DeviationKind
from models import sync_trigger
from models.base import Base, IdType, PrimaryKey, Timestamp, enum_type, partial_index
from models.database import is_sqlite
from models.deviations.deviation import DeviationState
from models.step_types import step_type
from models.sync_trigger import SyncTrigger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

#: The zone in which the months of the summaries begin.
MONTH_ZONE = dt.timezone(dt.timedelta(hours=7))

#: Waiting times are first counted by quarters of an hour, then by minutes within the quarter that is looked for.
MINUTES_PER_CLASS = 15

#: Appended rows of each summary that are merged at a time.
_MAX_MERGED = 5000


class RequestTotal(Base):
    """How many submitted requests there are, by month of submission, result and urgency."""

    __tablename__ = "request_total"
    __table_args__ = (
        Index("ix_request_total_month", "agency_id", "month", "result", "urgency", "number"),
        Index("ix_request_total_appended", "agency_id", **partial_index("NOT is_merged")),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    month: Mapped[dt.date]
    result: Mapped[Result | None] = mapped_column(enum_type(Result, "result"))
    urgency: Mapped[Urgency | None] = mapped_column(enum_type(Urgency, "urgency"))
    number: Mapped[int]
    is_merged: Mapped[bool]


class RequesterTotal(Base):
    """How many closed requests a requester has, by result."""

    __tablename__ = "requester_total"
    __table_args__ = (
        Index("ix_requester_total_result", "requester_id", "result", "number"),
        Index("ix_requester_total_appended", "agency_id", **partial_index("NOT is_merged")),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    requester_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    result: Mapped[Result] = mapped_column(enum_type(Result, "result"))
    number: Mapped[int]
    is_merged: Mapped[bool]


class StepTotal(Base):
    """How many visits to a step were finished, by month and waiting time, and how many of them late or in time.

    Each visit is counted twice: in the row of its class of waiting times (``waited_minutes`` is None), and in the row
    of its minutes within that class.
    """

    __tablename__ = "step_total"
    __table_args__ = (
        Index(
            "ix_step_total_class",
            "agency_id", "step", "month", "wait_class", "finished", "late", "in_time",
            **partial_index("waited_minutes IS NULL"),
        ),
        Index(
            "ix_step_total_minutes",
            "agency_id", "step", "wait_class", "month", "waited_minutes", "finished",
            **partial_index("waited_minutes IS NOT NULL"),
        ),
        Index("ix_step_total_appended", "agency_id", **partial_index("NOT is_merged")),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    step: Mapped[Step] = mapped_column(step_type())
    month: Mapped[dt.date]
    #: Waiting time in quarters of an hour, rounded down.
    wait_class: Mapped[int]
    waited_minutes: Mapped[int | None]
    finished: Mapped[int]
    late: Mapped[int]
    in_time: Mapped[int]
    is_merged: Mapped[bool]


class DeviationTotal(Base):
    """How many deviations were raised, by month, class, step, state and executor.

    Each deviation is counted twice: in its month, and in the row of all months (``month`` is None).
    """

    __tablename__ = "deviation_total"
    __table_args__ = (
        Index("ix_deviation_total_month", "agency_id", "month", "kind", "step", "state", "executor_id", "number"),
        Index("ix_deviation_total_appended", "agency_id", **partial_index("NOT is_merged")),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    month: Mapped[dt.date | None]
    kind: Mapped[DeviationKind] = mapped_column(enum_type(DeviationKind, "kind"))
    step: Mapped[Step] = mapped_column(step_type())
    state: Mapped[DeviationState] = mapped_column(enum_type(DeviationState, "state"))
    executor_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    number: Mapped[int]
    is_merged: Mapped[bool]


class RequesterDeviationTotal(Base):
    """How many deviations the requests of a requester have, as in ``DeviationTotal``, and by who follows them up."""

    __tablename__ = "requester_deviation_total"
    __table_args__ = (
        Index(
            "ix_requester_deviation_total_month",
            "requester_id", "month", "kind", "step", "state", "executor_id", "follower_id", "number",
        ),
        Index("ix_requester_deviation_total_appended", "agency_id", **partial_index("NOT is_merged")),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    requester_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    month: Mapped[dt.date | None]
    kind: Mapped[DeviationKind] = mapped_column(enum_type(DeviationKind, "kind"))
    step: Mapped[Step] = mapped_column(step_type())
    state: Mapped[DeviationState] = mapped_column(enum_type(DeviationState, "state"))
    executor_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    follower_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    number: Mapped[int]
    is_merged: Mapped[bool]


class RequesterDeviation(Base):
    """The deviations of a requester's requests in the order in which they were raised: an index over two tables."""

    __tablename__ = "requester_deviation"
    __table_args__ = (Index("ix_requester_deviation_raised", "requester_id", "raised_at", "deviation_id"),)

    deviation_id: Mapped[int] = mapped_column(IdType, ForeignKey("deviation.id", ondelete="CASCADE"), primary_key=True)
    requester_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    raised_at: Mapped[Timestamp]


@dataclass(frozen=True, slots=True)
class _Summary:
    """How the rows of ``source`` are counted: SQL expressions over a row, written ``{row}``, by column of ``model``.

    ``keys`` are the columns that are grouped by, ``sums`` those that are added up. Where a row is written, ``changes``
    are the columns on which the keys, sums and criterion depend.
    """

    model: type[Base]
    source: str
    keys: dict[str, str]
    sums: dict[str, str]
    changes: tuple[str, ...]
    criterion: str

    #: Columns that say what was done with the row itself.
    flags: tuple[str, ...] = ("is_merged",)

    @property
    def table(self) -> str:
        return str(self.model.__tablename__)

    def append_statement(self, dialect: str, row: str, sign: str) -> str:
        """Return the statement that appends the difference that ``row`` makes: NEW with "", OLD with "-"."""
        values = ", ".join(
            [
                *(_expression(keys, row, dialect) for keys in self.keys.values()),
                *(f"{sign}({_expression(one, row, dialect)})" for one in self.sums.values()),
                *("FALSE" for _flag in self.flags),
            ]
        )
        columns = ", ".join([*self.keys, *self.sums, *self.flags])
        criterion = _expression(self.criterion, row, dialect)
        return f"INSERT INTO {self.table} ({columns}) SELECT {values} WHERE {criterion}"

    def recount_statement(self, dialect: str) -> str:
        """Return the statement that reads keys and sums from the source."""
        keys = [f"{_expression(one, 't', dialect)} AS {name}" for name, one in self.keys.items()]
        sums = [f"sum({_expression(one, 't', dialect)}) AS {name}" for name, one in self.sums.items()]
        criterion = _expression(self.criterion, "t", dialect)
        groups = ", ".join(str(number + 1) for number in range(len(keys)))
        return f"SELECT {', '.join([*keys, *sums])} FROM {self.source} t WHERE {criterion} GROUP BY {groups}"

    def totals_statement(self) -> str:
        """Return the statement that reads keys and sums from the summary."""
        sums = [f"sum({name}) AS {name}" for name in self.sums]
        keys = ", ".join(self.keys)
        any_left = " OR ".join(f"sum({name}) <> 0" for name in self.sums)
        return f"SELECT {', '.join([keys, *sums])} FROM {self.table} GROUP BY {keys} HAVING {any_left}"


@dataclass(frozen=True, slots=True)
class _RowIndex(_Summary):
    """One row for each of ``source`` that fulfils the criterion, by its first key; nothing is added up."""

    flags: tuple[str, ...] = ()

    def append_statement(self, dialect: str, row: str, sign: str) -> str:
        """Return the statement that adds the row of NEW, or removes that of OLD."""
        if not sign:
            return _Summary.append_statement(self, dialect, row, sign)
        key, expression = next(iter(self.keys.items()))
        return f"DELETE FROM {self.table} WHERE {key} = {_expression(expression, row, dialect)}"

    def totals_statement(self) -> str:
        """Return the statement that reads all rows."""
        return f"SELECT {', '.join(self.keys)} FROM {self.table}"


def _expression(template: str, row: str, dialect: str) -> str:
    """Return ``template`` for a row; ``month(column)`` is the first day of the month of a moment."""
    before, result, rest = template.format(row=row).partition("month(")
    if not result:
        return before
    moment, _found, after = rest.partition(")")
    hours = int((MONTH_ZONE.utcoffset(None) or dt.timedelta()) / dt.timedelta(hours=1))
    if dialect == "sqlite":
        month = f"strftime('%Y-%m-01', {moment}, '+{hours} hours')"
    else:
        month = f"CAST(date_trunc('month', {moment} AT TIME ZONE 'UTC' + INTERVAL '{hours} hours') AS date)"
    return f"{before}{month}{after}"


_REQUESTS = _Summary(
    RequestTotal,
    "change_request",
    {
        "agency_id": "{row}.agency_id",
        "month": "month({row}.submitted_at)",
        "result": "{row}.result",
        "urgency": "{row}.urgency",
    },
    {"number": "1"},
    ("agency_id", "submitted_at", "result", "urgency"),
    "{row}.submitted_at IS NOT NULL",
)
_RESULTS = _Summary(
    RequesterTotal,
    "change_request",
    {"agency_id": "{row}.agency_id", "requester_id": "{row}.requester_id", "result": "{row}.result"},
    {"number": "1"},
    ("agency_id", "requester_id", "result"),
    "{row}.result IS NOT NULL",
)
_VISITS = {
    "finished": "1",
    "late": "CASE WHEN {row}.is_late THEN 1 ELSE 0 END",
    "in_time": "CASE WHEN NOT {row}.is_late THEN 1 ELSE 0 END",
}
_VISIT_KEYS = {
    "agency_id": "{row}.agency_id",
    "step": "{row}.step",
    "month": "month({row}.finished_at)",
    "wait_class": f"{{row}}.waited_minutes / {MINUTES_PER_CLASS}",
}
_VISIT_CHANGES = ("agency_id", "step", "finished_at", "is_late", "waited_minutes")
_WAIT_CLASSES = _Summary(
    StepTotal, "step_time", _VISIT_KEYS | {"waited_minutes": "CAST(NULL AS INTEGER)"}, _VISITS, _VISIT_CHANGES, "TRUE"
)
_WAIT_MINUTES = _Summary(
    StepTotal, "step_time", _VISIT_KEYS | {"waited_minutes": "{row}.waited_minutes"}, _VISITS, _VISIT_CHANGES, "TRUE"
)
_DEVIATION_KEYS = {
    "agency_id": "{row}.agency_id",
    "kind": "{row}.kind",
    "step": "{row}.step",
    "state": "CASE WHEN {row}.account IS NULL THEN 'raised' WHEN {row}.disposal IS NULL THEN 'accounted'"
    " WHEN {row}.disposal = 'follow-up' AND {row}.followed_up_at IS NULL THEN 'follow-up' ELSE 'settled' END",
    "executor_id": "{row}.executor_id",
}
_DEVIATION_CHANGES = ("account", "disposal", "followed_up_at", "executor_id")
_DEVIATIONS = _Summary(
    DeviationTotal,
    "deviation",
    _DEVIATION_KEYS | {"month": "month({row}.raised_at)"},
    {"number": "1"},
    _DEVIATION_CHANGES,
    "TRUE",
)
_DEVIATIONS_OF_ALL_MONTHS = _Summary(
    DeviationTotal,
    "deviation",
    _DEVIATION_KEYS | {"month": "CAST(NULL AS date)"},
    {"number": "1"},
    _DEVIATION_CHANGES,
    "TRUE",
)
#: A request has deviations from its submission on; another requester takes them over (``_requester_changes``).
_REQUESTER = "(SELECT c.requester_id FROM change_request c WHERE c.id = {row}.change_id)"
_REQUESTER_DEVIATION_KEYS = _DEVIATION_KEYS | {"requester_id": _REQUESTER, "follower_id": "{row}.follow_up_by_id"}
_DEVIATIONS_OF_REQUESTERS = _Summary(
    RequesterDeviationTotal,
    "deviation",
    _REQUESTER_DEVIATION_KEYS | {"month": "month({row}.raised_at)"},
    {"number": "1"},
    _DEVIATION_CHANGES,
    "TRUE",
)
_DEVIATIONS_OF_REQUESTERS_OF_ALL_MONTHS = _Summary(
    RequesterDeviationTotal,
    "deviation",
    _REQUESTER_DEVIATION_KEYS | {"month": "CAST(NULL AS date)"},
    {"number": "1"},
    _DEVIATION_CHANGES,
    "TRUE",
)
_DEVIATION_OF_REQUESTER = _RowIndex(
    RequesterDeviation,
    "deviation",
    {"deviation_id": "{row}.id", "requester_id": _REQUESTER, "raised_at": "{row}.raised_at"},
    {},
    (),
    "TRUE",
)
_SUMMARIES = (
    _REQUESTS,
    _RESULTS,
    _WAIT_CLASSES,
    _WAIT_MINUTES,
    _DEVIATIONS,
    _DEVIATIONS_OF_ALL_MONTHS,
    _DEVIATIONS_OF_REQUESTERS,
    _DEVIATIONS_OF_REQUESTERS_OF_ALL_MONTHS,
    _DEVIATION_OF_REQUESTER,
)
_MODELS = tuple(dict.fromkeys(summary.model for summary in _SUMMARIES))


def _sync_triggers(dialect: str) -> Iterator[SyncTrigger]:
    for source in dict.fromkeys(summary.source for summary in _SUMMARIES):
        of_source = [summary for summary in _SUMMARIES if summary.source == source]
        added = tuple(one.append_statement(dialect, "NEW", "") for one in of_source)
        taken = tuple(one.append_statement(dialect, "OLD", "-") for one in of_source)
        columns = tuple(dict.fromkeys(name for one in of_source for name in one.changes))
        differs = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in columns)
        yield SyncTrigger(f"total_{source}_inserted", source, "INSERT", added)
        changing = [summary for summary in of_source if summary.changes]
        added = tuple(one.append_statement(dialect, "NEW", "") for one in changing)
        taken_off = tuple(one.append_statement(dialect, "OLD", "-") for one in changing)
        yield SyncTrigger(
            f"total_{source}_updated", source, f"UPDATE OF {', '.join(columns)}", (*taken_off, *added), differs
        )
        yield SyncTrigger(f"total_{source}_deleted", source, "DELETE", taken)
    yield SyncTrigger(
        "total_requester_changed",
        "change_request",
        "UPDATE OF requester_id",
        tuple(_requester_changes(dialect)),
        "NEW.requester_id IS DISTINCT FROM OLD.requester_id",
    )


def _requester_changes(dialect: str) -> Iterator[str]:
    """Yield the statements that give the deviations of a request to another requester."""
    for summary in (_DEVIATIONS_OF_REQUESTERS, _DEVIATIONS_OF_REQUESTERS_OF_ALL_MONTHS):
        for requester, sign in (("OLD", "-"), ("NEW", "")):
            statement = summary.append_statement(dialect, "d", sign).removesuffix("WHERE TRUE")
            statement = statement.replace(_REQUESTER.format(row="d"), f"{requester}.requester_id")
            yield f"{statement}FROM deviation d WHERE d.change_id = NEW.id"
    yield (
        "UPDATE requester_deviation SET requester_id = NEW.requester_id"
        " WHERE deviation_id IN (SELECT d.id FROM deviation d WHERE d.change_id = NEW.id)"
    )


def ddl_statements(dialect: str) -> list[tuple[str, str]]:
    """Return (table, statement) for the triggers that append to the summaries."""
    triggers = list(_sync_triggers(dialect))
    if dialect == "sqlite":
        return [(trigger.table, trigger.sqlite_statement()) for trigger in triggers]
    return [(trigger.table, statement) for trigger in triggers for statement in trigger.postgresql_statements()]


def rebuild(connection: Connection) -> int:
    """Recompute all summaries from the rows that they count, in the open transaction; return how many rows they have.

    Needed only after rows were written while the triggers were off. On PostgreSQL whoever writes those rows waits.
    """
    if not is_sqlite(connection):
        sources = ", ".join(dict.fromkeys(summary.source for summary in _SUMMARIES))
        connection.exec_driver_sql(f"LOCK TABLE {sources} IN SHARE ROW EXCLUSIVE MODE")
    for model in _MODELS:
        connection.execute(delete(model))
    for summary in _SUMMARIES:
        columns = ", ".join([*summary.keys, *summary.sums, *summary.flags])
        recount = summary.recount_statement(connection.dialect.name)
        values = ", ".join(["counted.*", *("TRUE" for _flag in summary.flags)])
        connection.exec_driver_sql(
            f"INSERT INTO {summary.table} ({columns}) SELECT {values} FROM ({recount}) AS counted"
        )
    return sum(connection.scalar(select(func.count()).select_from(model)) or 0 for model in _MODELS)


@contextmanager
def suspended(connection: Connection) -> Iterator[None]:
    """Write many rows without updating the summaries; they are rebuilt at the end, in the open transaction."""
    with sync_trigger.suspended(connection, _sync_triggers(connection.dialect.name)):
        yield
    rebuild(connection)


def differences(connection: Connection) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield (table, keys and sums) of each total that is another than a recount, as either has it."""
    for model in _MODELS:
        of_model = [summary for summary in _SUMMARIES if summary.model is model]
        recount = " UNION ALL ".join(
            f"SELECT {_all_columns(of_model[0])} FROM ({one.recount_statement(connection.dialect.name)}) AS counted"
            for one in of_model
        )
        saved = f"SELECT {_all_columns(of_model[0])} FROM ({of_model[0].totals_statement()}) AS saved"
        for one, other in ((recount, saved), (saved, recount)):
            result = connection.exec_driver_sql(f"SELECT * FROM ({one}) AS one EXCEPT SELECT * FROM ({other}) AS other")
            yield from ((model.__tablename__, tuple(row)) for row in result)


def _all_columns(summary: _Summary) -> str:
    return ", ".join([*sorted(summary.keys), *summary.sums])


def merge(connection: Connection, agency_id: int) -> int:
    """Add up rows that were appended for an agency since the last time, some thousands; return how many there were.

    Appended rows are locked, so that two that merge at once do not both count them.
    """
    return sum(_merge(connection, summary, agency_id) for summary in _first_summaries())


def _first_summaries() -> Iterator[_Summary]:
    """Yield one summary of each table whose rows are added up: its keys and sums are those of the table."""
    yield from {summary.model: summary for summary in _SUMMARIES if summary.flags}.values()


def _merge(connection: Connection, summary: _Summary, agency_id: int) -> int:
    table: Any = summary.model.__table__
    keys, sums = [table.c[name] for name in summary.keys], [table.c[name] for name in summary.sums]
    appended = connection.execute(
        select(table.c.id, *keys)
        .where(table.c.agency_id == agency_id, ~table.c.is_merged)
        .order_by(table.c.id)
        .limit(_MAX_MERGED)
        .with_for_update()
    ).all()
    for key in dict.fromkeys(tuple(row[1:]) for row in appended):
        same = [column.is_not_distinct_from(value) for column, value in zip(keys, key, strict=True)]
        rows = connection.execute(select(table.c.id, *sums).where(*same).order_by(table.c.id).with_for_update()).all()
        totals = [sum(row[location] for row in rows) for location in range(1, len(sums) + 1)]
        connection.execute(delete(table).where(table.c.id.in_([row.id for row in rows])))
        if any(totals):
            values = dict(zip(summary.keys, key, strict=True)) | dict(zip(summary.sums, totals, strict=True))
            connection.execute(insert(table).values(**values, is_merged=True))
    return len(appended)
