"""The figures of an office in a period, each counted as the list counts it that the figure links to.

What grows with the register is read from the summaries by month (``models.reports.totals``). Where a period, or a month
of the office's zone, begins or ends elsewhere than a month of the summaries, the rows between the two are read and
added or taken off, so that every figure is exact for every period and zone. ``AgencyScope`` says whose figures they
are: one office's, or those of several.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, and_, case, column, false, func, or_, select, values

from lpse_admin.sop.steps import Outcome, Result, Step, Urgency
from lpse_admin.workflow.deviations import DeviationKind
from lpse_admin.worktime.periods import ReportPeriod
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity, Release
from models.changes.steps.durations import StepTime, late_now, open_with_standard
from models.deviations.deviation import Deviation, DeviationState, in_state
from models.reports.totals import (
    MINUTES_PER_CLASS,
    MONTH_ZONE,
    DeviationTotal,
    RequesterDeviation,
    RequesterDeviationTotal,
    RequestTotal,
    StepTotal,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, Select, SQLColumnExpression
    from sqlalchemy.orm import Session

    from models.office.agency import Agency


@dataclass(frozen=True, slots=True)
class AgencyScope:
    """The offices that are counted, and the zone in which days begin."""

    agencies: Sequence[Agency]
    zone: ZoneInfo

    def in_agencies(self, column: SQLColumnExpression[Any]) -> ColumnElement[bool]:
        """Return the criterion that a row belongs to these offices."""
        result: ColumnElement[bool] = column.in_([agency.id for agency in self.agencies])
        return result

    def in_period(self, column: SQLColumnExpression[Any], period: ReportPeriod) -> ColumnElement[bool]:
        """Return the criterion that a moment lies in ``period``."""
        return and_(
            column >= self.start_of_day(period.first), column < self.start_of_day(period.last + dt.timedelta(1))
        )

    def start_of_day(self, day: dt.date) -> dt.datetime:
        """Return the moment at which ``day`` begins."""
        return dt.datetime.combine(day, dt.time.min, self.zone)


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How many requests were submitted, by (index of the month, result or None while open, urgency or None)."""

    counts: Counter[tuple[int, Result | None, Urgency | None]]

    def in_month(self, place: int, result: Result | None) -> int:
        """Return those of one month with one result."""
        return sum(number for key, number in self.counts.items() if key[:2] == (place, result))

    def of_urgency(self, urgency: Urgency | None) -> int:
        """Return those of one urgency."""
        return sum(number for (_month, _result, judged), number in self.counts.items() if judged is urgency)

    @property
    def total(self) -> int:
        """All of them."""
        return self.counts.total()


def count_requests(session: Session, scope: AgencyScope, months: Sequence[ReportPeriod]) -> RequestCounts:
    """Return how many requests were submitted in ``months``, which follow one another."""
    cells = _Cells.of(scope, months)
    key = (RequestTotal.result, RequestTotal.urgency)
    counts: Counter[tuple[int, Result | None, Urgency | None]] = Counter()
    for month, result, urgency, number in session.execute(
        select(RequestTotal.month, *key, func.sum(RequestTotal.number))
        .where(scope.in_agencies(RequestTotal.agency_id), cells.in_months(RequestTotal.month))
        .group_by(RequestTotal.month, *key)
    ):
        counts[cells.index_of(month), result, urgency] += number
    at = ChangeRequest.submitted_at
    for row in session.execute(
        select(at, ChangeRequest.result, ChangeRequest.urgency).where(
            scope.in_agencies(ChangeRequest.agency_id), cells.is_elsewhere(at)
        )
    ):
        for cell, sign in cells.corrections(row.submitted_at):
            counts[cell, row.result, row.urgency] += sign
    return RequestCounts(+counts)


@dataclass(frozen=True, slots=True)
class _Cells:
    """The parts of a period that are counted apart: at which moments they begin and end.

    ``months`` are the months of the summaries at which each begins and ends instead.
    """

    edges: Sequence[dt.datetime]
    months: Sequence[dt.date]

    @classmethod
    def of(cls, scope: AgencyScope, periods: Sequence[ReportPeriod]) -> _Cells:
        """Return the cells of ``periods``, which follow one another."""
        starts = [scope.start_of_day(period.first) for period in periods]
        end = scope.start_of_day(periods[-1].last + dt.timedelta(1))
        # A period mostly ends today: there is nothing between now and the end of the month.
        return cls([*starts, end], [*map(_nearest_month, starts), _next_month(end)])

    def in_months(self, column: SQLColumnExpression[Any]) -> ColumnElement[bool]:
        """Return the criterion for the months of the summaries that are added up."""
        return and_(column >= self.months[0], column < self.months[-1])

    def index_of(self, month: dt.date) -> int:
        """Return the cell that a month of the summaries is counted in."""
        return bisect_right(self.months, month, hi=len(self.months) - 1) - 1

    def is_elsewhere(self, column: SQLColumnExpression[Any]) -> ColumnElement[bool]:
        """Return the criterion for the moments that are in another cell than their month is."""
        return or_(false(), *(and_(column >= start, column < end) for _edge, start, end in self._differences()))

    def corrections(self, moment: dt.datetime) -> Iterator[tuple[int, int]]:
        """Yield (cell, 1 or -1) for a row at ``moment``: where it is to be added, and where to be taken off."""
        for edge, start, end in self._differences():
            if start <= moment < end:
                # The cell after the edge begins before its month does, or only after that.
                sign = 1 if start == self.edges[edge] else -1
                if edge < len(self.edges) - 1:
                    yield edge, sign
                if edge > 0:
                    yield edge - 1, -sign

    def differ_within(self) -> bool:
        """Whether a cell begins elsewhere than its month does."""
        return any(edge < len(self.edges) - 1 for edge, _start, _end in self._differences())

    def _differences(self) -> Iterator[tuple[int, dt.datetime, dt.datetime]]:
        """Yield (edge, start, end) of what lies between each edge and the month in its place."""
        for number, (edge, month) in enumerate(zip(self.edges, self.months, strict=True)):
            begin = dt.datetime.combine(month, dt.time.min, MONTH_ZONE)
            if edge != begin:
                yield number, min(edge, begin), max(edge, begin)


def _nearest_month(moment: dt.datetime) -> dt.date:
    """Return the month of the summaries that begins nearest to ``moment``."""
    local = moment.astimezone(MONTH_ZONE)
    first = local.date().replace(day=1)
    return first if local.day <= _MIDDLE_OF_MONTH else _next_month(moment)


def _next_month(moment: dt.datetime) -> dt.date:
    """Return the first month of the summaries that begins at ``moment`` or later."""
    local = moment.astimezone(MONTH_ZONE)
    first = local.date().replace(day=1)
    is_beginning = local == dt.datetime.combine(first, dt.time.min, MONTH_ZONE)
    return first if is_beginning else (first + dt.timedelta(31)).replace(day=1)


_MIDDLE_OF_MONTH = 15


@dataclass(frozen=True, slots=True)
class StepFigures:
    """The visits to one step that were finished: how many, and how long they waited, in working minutes."""

    finished: int = 0
    late: int = 0
    in_time: int = 0
    #: The wait in the middle, of an even number the longer of the two; None without any.
    median_wait: int | None = None
    longest_wait: int | None = None

    @property
    def with_standard(self) -> int:
        """How many of them had a standard."""
        return self.late + self.in_time


def step_figures(
    session: Session, scope: AgencyScope, period: ReportPeriod, steps: Sequence[Step]
) -> dict[Step, StepFigures]:
    """Return the figures of the visits to each of ``steps`` that were finished in ``period``."""
    cells = _Cells.of(scope, [period])
    elsewhere = _visits_elsewhere(session, scope, cells, steps)
    totals: dict[Step, Counter[str]] = {step: Counter() for step in steps}
    by_class: dict[Step, Counter[int]] = {step: Counter() for step in steps}
    for step, wait_class, finished, late, in_time in session.connection().execute(
        select(
            StepTotal.step,
            StepTotal.wait_class,
            func.sum(StepTotal.finished),
            func.sum(StepTotal.late),
            func.sum(StepTotal.in_time),
        )
        .where(
            scope.in_agencies(StepTotal.agency_id),
            cells.in_months(StepTotal.month),
            StepTotal.waited_minutes.is_(None),
            StepTotal.step.in_(steps),
        )
        .group_by(StepTotal.step, StepTotal.wait_class)
    ):
        by_class[step][wait_class] += finished
        totals[step].update(late=late, in_time=in_time)
    for step, is_late, waited, sign in elsewhere:
        by_class[step][waited // MINUTES_PER_CLASS] += sign
        if is_late is not None:
            totals[step]["late" if is_late else "in_time"] += sign
    medians = {step: _median_class(counts) for step, counts in by_class.items() if counts.total()}
    longest = {step: max(+counts) for step, counts in by_class.items() if counts.total()}
    minutes = _waits_of_classes(session, scope, cells, {*medians.items(), *longest.items()}, elsewhere)
    return {
        step: StepFigures(
            finished=counts.total(),
            late=totals[step]["late"],
            in_time=totals[step]["in_time"],
            median_wait=_median(counts, medians[step], minutes[step, medians[step]]) if step in medians else None,
            longest_wait=max(+minutes[step, longest[step]]) if step in longest else None,
        )
        for step, counts in by_class.items()
    }


#: (step, whether it was late, working minutes that it waited, 1 or -1)
_SignedVisit = tuple[Step, "bool | None", int, int]


def _visits_elsewhere(
    session: Session, scope: AgencyScope, cells: _Cells, steps: Sequence[Step]
) -> Sequence[_SignedVisit]:
    """Return the visits that are to be added to the totals of the months, or taken off."""
    rows = session.connection().execute(
        select(StepTime.step, StepTime.is_late, StepTime.waited_minutes, StepTime.finished_at).where(
            scope.in_agencies(StepTime.agency_id), StepTime.step.in_(steps), cells.is_elsewhere(StepTime.finished_at)
        )
    )
    return [
        (step, is_late, waited, sign)
        for step, is_late, waited, finished_at in rows
        for _cell, sign in cells.corrections(finished_at)
    ]


def _median_class(by_class: Counter[int]) -> int:
    """Return the class of waiting times that the wait in the middle is in."""
    passed = 0
    for wait_class in sorted(by_class):
        passed += by_class[wait_class]
        if passed * 2 > by_class.total():
            return wait_class
    raise ValueError("nothing was counted")


def _median(by_class: Counter[int], median_class: int, minutes: Counter[int]) -> int:
    """Return the wait in the middle; ``minutes`` are the waits of its class."""
    passed = sum(number for wait_class, number in by_class.items() if wait_class < median_class)
    for waited in sorted(minutes):
        passed += minutes[waited]
        if passed * 2 > by_class.total():
            return waited
    raise ValueError("the totals of the classes and of the minutes differ: flask report rebuild")


def _waits_of_classes(
    session: Session,
    scope: AgencyScope,
    cells: _Cells,
    classes: Collection[tuple[Step, int]],
    elsewhere: Sequence[_SignedVisit],
) -> dict[tuple[Step, int], Counter[int]]:
    """Return how many visits waited so many minutes, for each step and class of waiting times in ``classes``."""
    result: dict[tuple[Step, int], Counter[int]] = {wanted: Counter() for wanted in classes}
    if not result:
        return result
    columns = column("step", StepTotal.step.type), column("wait_class", Integer)
    wanted = values(*columns, name="wanted").data(sorted(result)).cte()
    for step, wait_class, waited, number in session.connection().execute(
        select(StepTotal.step, StepTotal.wait_class, _waited_minutes, func.sum(StepTotal.finished))
        .join_from(
            wanted, StepTotal, and_(StepTotal.step == wanted.c.step, StepTotal.wait_class == wanted.c.wait_class)
        )
        .where(
            scope.in_agencies(StepTotal.agency_id),
            cells.in_months(StepTotal.month),
            StepTotal.waited_minutes.is_not(None),
        )
        .group_by(StepTotal.step, StepTotal.wait_class, StepTotal.waited_minutes)
    ):
        result[step, wait_class][waited] += number
    for step, _is_late, waited, sign in elsewhere:
        if (step, waited // MINUTES_PER_CLASS) in result:
            result[step, waited // MINUTES_PER_CLASS][waited] += sign
    return result


def count_by_timeliness(
    session: Session, agencies: Sequence[Agency], step: Step, now: dt.datetime, *, late: bool
) -> int:
    """Return how many visits to ``step`` are late, or in time: finished ones by total, open ones as of ``now``."""
    of_agencies = [agency.id for agency in agencies]
    finished = select(func.sum(StepTotal.late if late else StepTotal.in_time)).where(
        StepTotal.agency_id.in_(of_agencies), StepTotal.step == step, StepTotal.waited_minutes.is_(None)
    )
    is_late = late_now(session, agencies, now)
    is_counted = is_late if late else and_(open_with_standard(session, agencies), ~is_late)
    still_open = select(func.count()).where(
        _activity.agency_id.in_(of_agencies), _activity.finished_at.is_(None), _activity.step == step, is_counted
    )
    return (session.scalar(finished) or 0) + (session.connection().scalar(still_open) or 0)


def longest_waits(
    session: Session, scope: AgencyScope, period: ReportPeriod, figures: dict[Step, StepFigures]
) -> dict[Step, tuple[int, str]]:
    """Return (id, number) of the latest request that waited longest, for each step that was finished at all."""
    longest = sorted((step, one.longest_wait) for step, one in figures.items() if one.longest_wait is not None)
    if not longest:
        return {}
    columns = column("step", StepTime.step.type), column("waited_minutes", Integer)
    wanted = values(*columns, name="wanted").data(longest).cte()
    is_wanted = and_(StepTime.step == wanted.c.step, StepTime.waited_minutes == wanted.c.waited_minutes)
    visits = (
        select(StepTime.step, func.max(StepTime.activity_id).label("id"))
        .join_from(wanted, StepTime, is_wanted)
        .where(scope.in_agencies(StepTime.agency_id), scope.in_period(StepTime.finished_at, period))
        .group_by(StepTime.step)
        .subquery()
    )
    rows = session.connection().execute(
        select(visits.c.step, ChangeRequest.id, ChangeRequest.number)
        .join_from(visits, Activity.__table__, _activity.id == visits.c.id)
        .join(ChangeRequest, ChangeRequest.id == _activity.change_id)
    )
    return {step: (id_, number) for step, id_, number in rows}


def count_deviations(
    session: Session, scope: AgencyScope, period: ReportPeriod
) -> Counter[tuple[DeviationKind, DeviationState]]:
    """Return how many deviations were raised in ``period``, by class and state."""
    cells = _Cells.of(scope, [period])
    key = (DeviationTotal.kind, DeviationTotal.state)
    counts: Counter[tuple[DeviationKind, DeviationState]] = Counter()
    for kind, state, number in session.execute(
        select(*key, func.sum(DeviationTotal.number))
        .where(scope.in_agencies(DeviationTotal.agency_id), cells.in_months(DeviationTotal.month))
        .group_by(*key)
    ):
        counts[kind, state] += number
    for kind, state, raised_at in session.execute(
        select(Deviation.kind, _DEVIATION_STATE.label("state"), Deviation.raised_at).where(
            scope.in_agencies(Deviation.agency_id), cells.is_elsewhere(Deviation.raised_at)
        )
    ):
        for _cell, sign in cells.corrections(raised_at):
            counts[kind, DeviationState(state)] += sign
    return +counts


@dataclass(frozen=True, slots=True)
class DeviationCounts:
    """Numbers of deviations: (class, step, executor's id, their name, number), and (month of raising, number)."""

    groups: Sequence[tuple[DeviationKind, Step, int | None, str | None, int]]
    months: Sequence[tuple[dt.date, int]]


def count_all_deviations(
    session: Session,
    scope: AgencyScope,
    values: Mapping[str, DeviationKind | DeviationState | Step | int],
    requester_id: int | None = None,
) -> DeviationCounts:
    """Return how many deviations there are by class, step and executor, and by month in the zone of ``scope``.

    ``values`` are those of columns of ``DeviationTotal`` that are counted alone; with ``requester_id``, the deviations
    of that requester's requests alone.
    """
    columns: Any = (DeviationTotal if requester_id is None else RequesterDeviationTotal).__table__.c
    criteria = [columns[name] == value for name, value in values.items()]
    if requester_id is None:
        criteria.append(scope.in_agencies(columns.agency_id))
    else:
        criteria.append(columns.requester_id == requester_id)
    key = (columns.kind, columns.step, columns.executor_id, User.full_name)
    number = func.sum(columns.number)
    groups = session.connection().execute(
        select(*key, number)
        .join_from(columns.number.table, User, User.id == columns.executor_id, isouter=True)
        .where(*criteria, columns.month.is_(None))
        .group_by(*key)
        .having(number != 0)
    )
    by_month = session.connection().execute(
        select(columns.month, number).where(*criteria, columns.month.is_not(None)).group_by(columns.month)
    )
    months = _months_in_zone(session, scope, {row[0]: row[1] for row in by_month}, values, requester_id)
    return DeviationCounts([tuple(row) for row in groups], sorted((+months).items()))


def _months_in_zone(
    session: Session,
    scope: AgencyScope,
    by_month: Mapping[dt.date, int],
    values: Mapping[str, DeviationKind | DeviationState | Step | int],
    requester_id: int | None,
) -> Counter[dt.date]:
    """Return the deviations by the months of the zone of ``scope`` instead of those of the summaries."""
    counts = Counter(by_month)
    if not by_month:
        return counts
    around = ReportPeriod(min(by_month) - dt.timedelta(1), max(by_month) + dt.timedelta(days=62))
    periods = around.months()
    periods[0] = ReportPeriod(periods[0].first.replace(day=1), periods[0].last)
    cells = _Cells.of(scope, periods)
    if not cells.differ_within():
        return counts
    criteria = [
        in_state(value) if isinstance(value, DeviationState) else Deviation.__table__.c[name] == value
        for name, value in values.items()
    ]
    if requester_id is not None:
        of_requester = select(RequesterDeviation.deviation_id).where(RequesterDeviation.requester_id == requester_id)
        criteria.append(Deviation.id.in_(of_requester))
    for (raised_at,) in session.execute(
        select(Deviation.raised_at).where(
            scope.in_agencies(Deviation.agency_id), cells.is_elsewhere(Deviation.raised_at), *criteria
        )
    ):
        for cell, sign in cells.corrections(raised_at):
            counts[periods[cell].first] += sign
    return counts


_DEVIATION_STATE = case(
    *((in_state(state), state.value) for state in DeviationState if state is not DeviationState.SETTLED),
    else_=DeviationState.SETTLED.value,
)


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits at one step now, how much of it is late, and since when the oldest waits."""

    step: Step
    waiting: int
    late: int
    oldest_arrival: dt.datetime


def queues(session: Session, scope: AgencyScope, now: dt.datetime) -> list[Queue]:
    """Return what waits at each step now where anything does, in the order of the steps; drafts are nobody's queue."""
    late = late_now(session, scope.agencies, now)
    rows = session.connection().execute(
        select(_activity.step, func.count(), func.sum(case((late, 1), else_=0)), func.min(_activity.arrived_at))
        .where(scope.in_agencies(_activity.agency_id), _activity.finished_at.is_(None), _activity.step != Step.REQUEST)
        .group_by(_activity.step)
    )
    results = {step: Queue(step, waiting, int(late), oldest) for step, waiting, late, oldest in rows}
    order = {step: place for place, step in enumerate(Step)}
    return [results[step] for step in sorted(results, key=lambda step: (order[step.kind], step.own_name))]


_activity: Any = Activity.__table__.c
_waited_minutes: Any = StepTotal.__table__.c.waited_minutes


@dataclass(frozen=True, slots=True)
class NextRelease:
    """A release that is planned."""

    change_id: int
    number: str
    title: str
    start: dt.datetime
    end: dt.datetime | None
    agency_id: int


def next_releases(session: Session, scope: AgencyScope, today: dt.date, limit: int) -> list[NextRelease]:
    """Return the releases that are planned from ``today`` on, the next one first; at most ``limit``."""
    rows = session.connection().execute(
        select(
            ChangeRequest.id,
            ChangeRequest.number,
            ChangeRequest.title,
            _release.window_start_at,
            _release.window_end_at,
            _activity.agency_id,
        )
        .select_from(_RELEASES_WITH_ACTIVITY.join(ChangeRequest.__table__, ChangeRequest.id == _activity.change_id))
        .where(*_planned_criteria(scope, today))
        .order_by(_release.window_start_at, _release.id)
        .limit(limit)
    )
    return [NextRelease(*row) for row in rows]


def count_planned_releases(session: Session, scope: AgencyScope, today: dt.date) -> int:
    """Return how many releases are planned from ``today`` on."""
    statement = select(func.count()).select_from(_RELEASES_WITH_ACTIVITY).where(*_planned_criteria(scope, today))
    return session.connection().scalar(statement) or 0


_release: Any = Release.__table__.c
_RELEASES_WITH_ACTIVITY = Release.__table__.join(Activity.__table__, _activity.id == _release.id)


def _planned_criteria(scope: AgencyScope, today: dt.date) -> tuple[ColumnElement[bool], ...]:
    # Few windows are still to come: it is their index that is read along, not the office's.
    to_come = _release.window_start_at >= scope.start_of_day(today)
    return (to_come, scope.in_agencies(_activity.agency_id + 0), _activity.outcome == Outcome.SCHEDULED)


def newest_deviations_of(session: Session, requester_id: int, limit: int, *, oldest: bool = False) -> Sequence[int]:
    """Return the ids of a requester's deviations, the newest (or the oldest) first; at most ``limit``."""
    order = (RequesterDeviation.raised_at, RequesterDeviation.deviation_id)
    return session.scalars(
        select(RequesterDeviation.deviation_id)
        .where(RequesterDeviation.requester_id == requester_id)
        .order_by(*(order if oldest else (column.desc() for column in order)))
        .limit(limit)
    ).all()


def count_deviations_of(session: Session, requester_id: int) -> int:
    """Return how many deviations the requests of a requester have."""
    total = select(func.sum(RequesterDeviationTotal.number)).where(
        RequesterDeviationTotal.requester_id == requester_id, RequesterDeviationTotal.month.is_(None)
    )
    return session.scalar(total) or 0


def people_in_deviations(requester_id: int, column: str) -> Select[int]:
    """Return a statement for the ids of those who executed a requester's deviations, or follow them up.

    ``column`` is that of ``RequesterDeviationTotal``: "executor_id" or "follower_id".
    """
    of: Any = RequesterDeviationTotal.__table__.c
    return (
        select(of[column])
        .where(of.requester_id == requester_id, of.month.is_(None), of[column].is_not(None))
        .group_by(of[column])
        .having(func.sum(of.number) != 0)
    )
