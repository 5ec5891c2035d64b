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

from sqlalchemy import ForeignKey, Index, String, and_, case, false, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.sop.steps import Step
from lpse_admin.worktime.periods import Period
from lpse_admin.worktime.step_timing import Clock, late_before, minutes, reading, standard_of
from models.base import Base, Identity, Moment, stored
from models.changes.activity import Activity
from models.database import is_sqlite
from models.office.calendars import calendar_of
from models.sops.sop import papers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sqlalchemy import ColumnElement

    from lpse_admin.sop import Sop
    from lpse_admin.worktime.step_timing import Reading
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.office.agency import Agency

#: Rows that are held, and written, at a time.
_BATCH = 2000


class StepTime(Base):
    """What the clock of one finished step came to; ``is_late`` is None where the paper has no standard for it."""

    __tablename__ = "step_time"
    __table_args__ = (
        # With all that the figures ask about, so that they are counted along the index alone.
        Index("ix_step_time_figures", "agency_id", "step", "finished_at", "is_late", "waited_minutes"),
    )

    activity_id: Mapped[int] = mapped_column(Identity, ForeignKey("activity.id"), primary_key=True)
    agency_id: Mapped[int] = mapped_column(Identity, ForeignKey("agency.id"))
    step: Mapped[Step] = mapped_column(stored(Step, "step"))
    finished_at: Mapped[Moment]
    is_late: Mapped[bool | None]
    #: Working minutes from its arrival until somebody took it up (or finished it).
    waited_minutes: Mapped[int]


class ReckonedMonth(Base):
    """By which working time the steps of a month were reckoned."""

    __tablename__ = "reckoned_month"

    agency_id: Mapped[int] = mapped_column(Identity, ForeignKey("agency.id"), primary_key=True)
    first_day: Mapped[dt.date] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))


def keep(session: Session, activity: Activity, read: Reading) -> None:
    """Keep what the clock of ``activity``, which has just been finished, came to."""
    if activity.step is not Step.REQUEST and activity.finished_at is not None:
        _write(session, StepTime, [_row(activity.id, activity.agency_id, activity.step, activity.finished_at, read)])


def refresh(session: Session, agency: Agency, now: dt.datetime, *, anew: bool = False) -> int:
    """Reckon anew the finished steps of the months whose working time is not what it was; all of them with ``anew``.

    Returns how many steps were looked at; the caller commits.
    """
    calendar = calendar_of(session, agency)
    stale = _stale(session, agency, now, calendar, known={} if anew else None)
    done = 0
    for first, last in _stretches(stale):
        done += _reckon(session, agency, calendar, Period(first.first, last.last))
    if stale:
        rows = [
            {"agency_id": agency.id, "first_day": month.first, "fingerprint": _fingerprint(calendar, month)}
            for month in stale
        ]
        _write(session, ReckonedMonth, rows)
    return done


def is_fresh(session: Session, agencies: Iterable[Agency], now: dt.datetime) -> bool:
    """Whether what is kept is reckoned by the calendars as they stand."""
    return not any(_stale(session, agency, now, calendar_of(session, agency)) for agency in agencies)


def late_now(session: Session, agencies: Iterable[Agency], now: dt.datetime) -> ColumnElement[bool]:
    """Return the criterion for the open steps of these offices that are late at ``now``, each by its own paper.

    Not each step's clock is read, but for each standard the moment before which what has waited since is late.
    """
    return or_(false(), *(one for agency in agencies for one in _late_of(session, agency, now)))


def judged_now(session: Session, agencies: Collection[Agency]) -> ColumnElement[bool]:
    """Return the criterion for the open steps of these offices that have a standard to be judged by."""
    parts = (
        and_(_activity.sop_id == id_, _activity.step.in_(_judged_steps(paper)))
        for agency in agencies
        for id_, paper in papers(session, agency.id).items()
    )
    return and_(_activity.finished_at.is_(None), or_(false(), *parts))


_activity: Any = Activity.__table__.c


def _late_of(session: Session, agency: Agency, now: dt.datetime) -> Iterator[ColumnElement[bool]]:
    calendar = calendar_of(session, agency)
    for id_, paper in papers(session, agency.id).items():
        since: Any = _activity.arrived_at
        if paper.switches.clock == "handling":
            since = func.coalesce(_activity.taken_up_at, _activity.arrived_at)
        standards = {step: standard for step in paper.rules if (standard := standard_of(paper, step)) is not None}
        moments = {standard: late_before(calendar, standard, now) for standard in set(standards.values())}
        limits = {step: moments[standard] for step, standard in standards.items()}
        if limits:
            limit = case(*((_activity.step == step, moment) for step, moment in limits.items()))
            in_paper = (_activity.agency_id == agency.id, _activity.sop_id == id_, _activity.step.in_(list(limits)))
            yield and_(*in_paper, _activity.finished_at.is_(None), since < limit)


def _judged_steps(paper: Sop) -> list[Step]:
    return [step for step in paper.rules if standard_of(paper, step) is not None]


# -- months -----------------------------------------------------------------------------------------------------------


def _stale(
    session: Session,
    agency: Agency,
    now: dt.datetime,
    calendar: WorkCalendar,
    known: dict[dt.date, str] | None = None,
) -> list[Period]:
    """Return the months, from that of the office's first step on, that were not reckoned by ``calendar``."""
    of_agency = (_activity.agency_id == agency.id, _activity.step == Step.REQUEST)
    begin = session.scalar(select(func.min(_activity.arrived_at)).where(*of_agency))
    if begin is None:
        return []
    if known is None:
        kept = select(ReckonedMonth.first_day, ReckonedMonth.fingerprint).where(ReckonedMonth.agency_id == agency.id)
        known = {row.first_day: row.fingerprint for row in session.execute(kept)}
    months = _whole_months(agency.date_of(begin), agency.date_of(now))
    return [month for month in months if known.get(month.first) != _fingerprint(calendar, month)]


def _whole_months(first: dt.date, last: dt.date) -> list[Period]:
    end = (last.replace(day=1) + dt.timedelta(31)).replace(day=1) - dt.timedelta(1)
    return Period(first.replace(day=1), end).months()


@lru_cache(maxsize=2048)
def _fingerprint(calendar: WorkCalendar, month: Period) -> str:
    """Return what tells the working time of a month apart from any other."""
    days = (month.last - month.first).days + 1
    spans = [calendar.spans(month.first + dt.timedelta(day)) for day in range(days)]
    return hashlib.sha256(repr(spans).encode()).hexdigest()


def _stretches(months: list[Period]) -> Iterator[tuple[Period, Period]]:
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

_READ = (
    _activity.id,
    _activity.sop_id,
    _activity.step,
    _activity.arrived_at,
    _activity.taken_up_at,
    _activity.finished_at,
)


def _reckon(session: Session, agency: Agency, calendar: WorkCalendar, period: Period) -> int:
    """Write what the clocks of the steps came to that lay in ``period``: what was over before is as it was."""
    begin, end = (
        dt.datetime.combine(day, dt.time.min, agency.zone) for day in (period.first, period.last + dt.timedelta(1))
    )
    papers_of = papers(session, agency.id)
    lay_in_it = (
        select(_activity.id)
        .where(_activity.agency_id == agency.id, _activity.step != Step.REQUEST)
        .where(_activity.finished_at >= begin, _activity.arrived_at < end)
        .order_by(_activity.id)
    )
    # The ids at once and the steps by them: asked for batch by batch, all would be sorted anew for each. Each batch is
    # read whole before it is written, so that nothing is read along an index while that grows.
    ids = session.connection().scalars(lay_in_it).all()
    for place in range(0, len(ids), _BATCH):
        wanted = select(*_READ).where(_activity.id.in_(ids[place : place + _BATCH])).order_by(_activity.id)
        found = []
        for id_, sop_id, step, arrived, taken_up, finished in session.connection().execute(wanted).all():
            paper = papers_of[sop_id]
            clock = Clock(arrived, taken_up, finished)
            read = reading(calendar, standard_of(paper, step), paper.switches.clock, clock, finished)
            found.append(_row(id_, agency.id, step, finished, read))
        _write(session, StepTime, found)
    return len(ids)


def _row(activity_id: int, agency_id: int, step: Step, finished_at: dt.datetime, read: Reading) -> dict[str, Any]:
    return {
        "activity_id": activity_id,
        "agency_id": agency_id,
        "step": step,
        "finished_at": finished_at,
        "is_late": None if read.allowed is None else read.is_late,
        "waited_minutes": minutes(read.waiting),
    }


def _write(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Write ``rows``, over those of the same key that are there; the trail is not told of reckonings."""
    insert: Any = sqlite.insert if is_sqlite(session) else postgresql.insert
    table: Any = model.__table__
    statement = insert(table)
    values = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    statement = statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=values)
    session.flush()
    session.connection().execute(statement, rows)
