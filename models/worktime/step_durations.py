"""What the clocks of finished steps came to, kept so that a whole register can be counted without reading each clock.

A row says of one finished step whether it was late and how long it waited. It is no record but a reckoning: it can be
made anew from the step, its paper and the office's calendar at any time, and so the trail does not tell of it. Beside
it stands by which working time each month was reckoned; where the office's calendar says otherwise by now (a holiday
that was decreed after the fact), ``refresh`` reckons anew the steps that lay in that month, and no others.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, String, and_, case, false, func, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.sop.steps import Step
from lpse_admin.worktime.periods import ReportPeriod
from lpse_admin.worktime.step_timing import (
    StepTimestamps,
    late_threshold,
    measure_step,
    round_up_to_minutes,
    standard_time_of,
)
from models.base import Base, IdType, Timestamp, enum_type
from models.changes.activity import Activity
from models.database import is_sqlite
from models.office.calendars import load_calendar
from models.sops.sop import load_sops

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sqlalchemy import ColumnElement, Insert

    from lpse_admin.sop import Sop
    from lpse_admin.worktime.step_timing import StepTiming
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.office.agency import Agency

#: Rows that are held, and written, at a time.
_BATCH_SIZE = 2000


class StepTime(Base):
    """What the clock of one finished step came to; ``is_late`` is None where the paper has no standard for it."""

    __tablename__ = "step_time"
    __table_args__ = (
        # With all that the figures ask about, so that they are counted along the index alone.
        Index("ix_step_time_figures", "agency_id", "step", "finished_at", "is_late", "waited_minutes"),
        # The request that waited longest in a period.
        Index("ix_step_time_waited", "agency_id", "step", "waited_minutes", "finished_at", "activity_id"),
        # What is late alone, with what that has in common first: see ix_activity_waiting.
        Index(
            "ix_step_time_late",
            "is_late",
            "agency_id",
            "step",
            "activity_id",
            sqlite_where=text("is_late = 1"),
            postgresql_where=text("is_late"),
        ),
    )

    activity_id: Mapped[int] = mapped_column(IdType, ForeignKey("activity.id"), primary_key=True)
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    step: Mapped[Step] = mapped_column(enum_type(Step, "step"))
    finished_at: Mapped[Timestamp]
    is_late: Mapped[bool | None]
    #: Working minutes from its arrival until somebody took it up (or finished it).
    waited_minutes: Mapped[int]


class CalendarFingerprint(Base):
    """By which working time the steps of a month were reckoned."""

    __tablename__ = "reckoned_month"

    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"), primary_key=True)
    first_day: Mapped[dt.date] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))


def save_step_time(session: Session, activity: Activity, timing: StepTiming) -> None:
    """Keep what the clock of ``activity``, which has just been finished, came to."""
    if activity.step is not Step.REQUEST and activity.finished_at is not None:
        _upsert(
            session,
            StepTime,
            [_step_time_row(activity.id, activity.agency_id, activity.step, activity.finished_at, timing)],
        )


def recompute_stale(session: Session, agency: Agency, now: dt.datetime, *, everything: bool = False) -> int:
    """Recompute finished steps of the months whose working time has changed; all of them with ``everything``.

    Returns how many steps were looked at; the caller commits.
    """
    calendar = load_calendar(session, agency)
    stale = _stale_months(session, agency, now, calendar, known={} if everything else None)
    done = 0
    for first, last in _consecutive_runs(stale):
        done += _recompute(session, agency, calendar, ReportPeriod(first.first, last.last))
    if stale:
        rows = [
            {"agency_id": agency.id, "first_day": month.first, "fingerprint": _fingerprint(calendar, month)}
            for month in stale
        ]
        _upsert(session, CalendarFingerprint, rows)
    return done


def is_up_to_date(session: Session, agencies: Iterable[Agency], now: dt.datetime) -> bool:
    """Whether what is kept is reckoned by the calendars as they stand."""
    return not any(_stale_months(session, agency, now, load_calendar(session, agency)) for agency in agencies)


def late_now(session: Session, agencies: Iterable[Agency], now: dt.datetime) -> ColumnElement[bool]:
    """Return the criterion for the open steps of these offices that are late at ``now``, each by its own paper.

    Not each step's clock is read, but for each standard the moment before which what has waited since is late.
    """
    return or_(false(), *(one for agency in agencies for one in _late_criteria(session, agency, now)))


def open_with_standard(session: Session, agencies: Collection[Agency]) -> ColumnElement[bool]:
    """Return the criterion for the open steps of these offices that have a standard to be judged by."""
    parts = (
        and_(_activity.sop_id == id_, _activity.step.in_(_steps_with_standard(paper)))
        for agency in agencies
        for id_, paper in load_sops(session, agency.id).items()
    )
    return and_(_activity.finished_at.is_(None), or_(false(), *parts))


_activity: Any = Activity.__table__.c


def _late_criteria(session: Session, agency: Agency, now: dt.datetime) -> Iterator[ColumnElement[bool]]:
    calendar = load_calendar(session, agency)
    for id_, paper in load_sops(session, agency.id).items():
        since: Any = _activity.arrived_at
        if paper.switches.timing_basis == "handling":
            since = func.coalesce(_activity.taken_up_at, _activity.arrived_at)
        standards = {step: standard for step in paper.rules if (standard := standard_time_of(paper, step)) is not None}
        moments = {standard: late_threshold(calendar, standard, now) for standard in set(standards.values())}
        limits = {step: moments[standard] for step, standard in standards.items()}
        if limits:
            # None, and so never late, for the other steps.
            limit = case(*((_activity.step == step, moment) for step, moment in limits.items()))
            yield and_(_activity.sop_id == id_, _activity.finished_at.is_(None), since < limit)


def _steps_with_standard(sop: Sop) -> list[Step]:
    return [step for step in sop.rules if standard_time_of(sop, step) is not None]


# -- months -----------------------------------------------------------------------------------------------------------


def _stale_months(
    session: Session,
    agency: Agency,
    now: dt.datetime,
    calendar: WorkCalendar,
    known: dict[dt.date, str] | None = None,
) -> list[ReportPeriod]:
    """Return the months, from that of the office's first step on, that were not reckoned by ``calendar``."""
    of_agency = (_activity.agency_id == agency.id, _activity.step == Step.REQUEST)
    begin = session.scalar(select(func.min(_activity.arrived_at)).where(*of_agency))
    if begin is None:
        return []
    if known is None:
        kept = select(CalendarFingerprint.first_day, CalendarFingerprint.fingerprint).where(
            CalendarFingerprint.agency_id == agency.id
        )
        known = {row.first_day: row.fingerprint for row in session.execute(kept)}
    months = _whole_months(agency.local_date(begin), agency.local_date(now))
    return [month for month in months if known.get(month.first) != _fingerprint(calendar, month)]


def _whole_months(first: dt.date, last: dt.date) -> list[ReportPeriod]:
    end = (last.replace(day=1) + dt.timedelta(31)).replace(day=1) - dt.timedelta(1)
    return ReportPeriod(first.replace(day=1), end).months()


@lru_cache(maxsize=2048)
def _fingerprint(calendar: WorkCalendar, month: ReportPeriod) -> str:
    """Return what tells the working time of a month apart from any other."""
    days = (month.last - month.first).days + 1
    spans = [calendar.spans(month.first + dt.timedelta(day)) for day in range(days)]
    return hashlib.sha256(repr(spans).encode()).hexdigest()


def _consecutive_runs(months: list[ReportPeriod]) -> Iterator[tuple[ReportPeriod, ReportPeriod]]:
    """Yield first and last of each run of months that follow one another."""
    begin = former = None
    for month in months:
        if begin is None or former is None:
            begin = month
        elif (month.first - former.last).days > 1:
            yield begin, former
            begin = month
        former = month
    if begin is not None and former is not None:
        yield begin, former


# -- reckoning --------------------------------------------------------------------------------------------------------

_TIMING_COLUMNS = (
    _activity.id,
    _activity.sop_id,
    _activity.step,
    _activity.arrived_at,
    _activity.taken_up_at,
    _activity.finished_at,
)


def _recompute(session: Session, agency: Agency, calendar: WorkCalendar, period: ReportPeriod) -> int:
    """Write what the clocks of the steps came to that lay in ``period``: what was over before is as it was."""
    begin, end = (
        dt.datetime.combine(day, dt.time.min, agency.zone) for day in (period.first, period.last + dt.timedelta(1))
    )
    papers_of = load_sops(session, agency.id)
    lay_in_it = (
        select(_activity.id)
        .where(_activity.agency_id == agency.id, _activity.step != Step.REQUEST)
        .where(_activity.finished_at >= begin, _activity.arrived_at < end)
        .order_by(_activity.id)
    )
    # The ids at once and the steps by them: asked for batch by batch, all would be sorted anew for each. Each batch is
    # read whole before it is written, so that nothing is read along an index while that grows.
    ids = session.connection().scalars(lay_in_it).all()
    for place in range(0, len(ids), _BATCH_SIZE):
        wanted = (
            select(*_TIMING_COLUMNS).where(_activity.id.in_(ids[place : place + _BATCH_SIZE])).order_by(_activity.id)
        )
        found = []
        for id_, sop_id, step, arrived, taken_up, finished in session.connection().execute(wanted).all():
            timestamps = StepTimestamps(arrived, taken_up, finished)
            read = measure_step(calendar, papers_of[sop_id], step, timestamps, finished)
            found.append(_step_time_row(id_, agency.id, step, finished, read))
        _upsert(session, StepTime, found)
    return len(ids)


def _step_time_row(
    activity_id: int, agency_id: int, step: Step, finished_at: dt.datetime, timing: StepTiming
) -> dict[str, Any]:
    return {
        "activity_id": activity_id,
        "agency_id": agency_id,
        "step": step,
        "finished_at": finished_at,
        "is_late": None if timing.allowed_time is None else timing.is_late,
        "waited_minutes": round_up_to_minutes(timing.waiting_time),
    }


def _upsert(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Write ``rows``, over those of the same key that are there; the trail is not told of reckonings."""
    session.flush()
    session.connection().execute(_upsert_statement(model, on_sqlite=is_sqlite(session)), rows)


@lru_cache(maxsize=4)
def _upsert_statement(model: type[Base], *, on_sqlite: bool) -> Insert:
    """Return the statement for it, put together once for each table: every move asks for one."""
    insert: Any = sqlite.insert if on_sqlite else postgresql.insert  # of one signature, but no common type
    table: Any = model.__table__
    statement = insert(table)
    values = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    upsert: Insert = statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=values)
    return upsert
