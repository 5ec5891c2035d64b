"""The office at a glance: what a register comes to in a period, one statement for each figure, grouped in SQL.

Each figure counts what a list shows under filters that the screens know, so that it can lead to that list and the
list shows exactly that number. Whose figures they are is said by ``Scope``: an office's own, or those of several
offices for who reaches across.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, literal_column, select

from lpse_admin.sop.steps import Outcome, Result, Step, Urgency
from lpse_admin.workflow.deviations import DeviationKind
from models.changes.activity import Activity, Release
from models.changes.change import ChangeRequest
from models.deviations.deviation import Deviation, DeviationState, in_state
from models.worktime.step_durations import StepTime, late_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, SQLColumnExpression
    from sqlalchemy.orm import Session

    from lpse_admin.worktime.periods import ReportPeriod
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
    """How many requests were submitted, by (place of the month, result or None while open, urgency or None)."""

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
    """Return what was submitted in ``months``, which follow one another."""
    at = ChangeRequest.submitted_at
    ends = [(at < scope.start_of_day(later.first), place) for place, (_earlier, later) in enumerate(pairwise(months))]
    month: Any = case(*ends, else_=len(ends)) if ends else literal_column("0")
    submitted = and_(
        at >= scope.start_of_day(months[0].first), at < scope.start_of_day(months[-1].last + dt.timedelta(1))
    )
    rows = session.execute(
        select(month.label("month"), ChangeRequest.result, ChangeRequest.urgency, func.count())
        .where(scope.in_agencies(ChangeRequest.agency_id), submitted)
        .group_by("month", ChangeRequest.result, ChangeRequest.urgency)
    )
    return RequestCounts(Counter({(place, result, urgency): number for place, result, urgency, number in rows}))


@dataclass(slots=True)
class StepFigures:
    """What the finished visits to one step come to; waits are in working minutes."""

    late: int = 0
    in_time: int = 0
    #: How many waited so long, by minutes.
    counts_by_wait: Counter[int] = field(default_factory=Counter)
    #: The latest of the visits that waited so long, by minutes.
    latest_by_wait: dict[int, int] = field(default_factory=dict)

    @property
    def finished(self) -> int:
        """How many visits were finished."""
        return self.counts_by_wait.total()

    @property
    def with_standard(self) -> int:
        """How many of them had a standard."""
        return self.late + self.in_time

    @property
    def longest_wait(self) -> int | None:
        """The longest wait; None without any."""
        return max(self.counts_by_wait, default=None)

    @property
    def longest_visit_id(self) -> int | None:
        """The id of a visit that waited longest; None without any."""
        return None if self.longest_wait is None else self.latest_by_wait[self.longest_wait]

    @property
    def median_wait(self) -> int | None:
        """The wait in the middle, of an even number the longer of the two; None without any."""
        passed = 0
        for minutes in sorted(self.counts_by_wait):
            passed += self.counts_by_wait[minutes]
            if passed * 2 > self.finished:
                return minutes
        return None


def step_figures(
    session: Session, scope: AgencyScope, period: ReportPeriod, steps: Sequence[Step]
) -> dict[Step, StepFigures]:
    """Return what the visits to each of these steps come to that were finished in ``period``, by step."""
    rows = session.connection().execute(
        select(StepTime.step, StepTime.is_late, StepTime.waited_minutes, func.count(), func.max(StepTime.activity_id))
        .where(
            scope.in_agencies(StepTime.agency_id),
            StepTime.step.in_(steps),
            scope.in_period(StepTime.finished_at, period),
        )
        .group_by(StepTime.step, StepTime.is_late, StepTime.waited_minutes)
    )
    found: dict[Step, StepFigures] = {step: StepFigures() for step in steps}
    for step, is_late, waited, number, visit in rows:
        of_step = found[step]
        of_step.latest_by_wait[waited] = max(visit, of_step.latest_by_wait.get(waited, 0))
        of_step.counts_by_wait[waited] += number
        of_step.late += number if is_late else 0
        of_step.in_time += number if is_late is False else 0
    return found


def longest_waits(session: Session, figures: dict[Step, StepFigures]) -> dict[Step, tuple[int, str]]:
    """Return (id, number) of a request that waited longest, for each step of ``figures`` that was finished at all."""
    visits = [of_step.longest_visit_id for of_step in figures.values() if of_step.finished]
    rows = session.connection().execute(
        select(_activity.step, ChangeRequest.id, ChangeRequest.number)
        .join_from(Activity.__table__, ChangeRequest, ChangeRequest.id == _activity.change_id)
        .where(_activity.id.in_(visits))
    )
    return {step: (id_, number) for step, id_, number in rows}


def count_deviations(
    session: Session, scope: AgencyScope, period: ReportPeriod
) -> Counter[tuple[DeviationKind, DeviationState]]:
    """Return how many deviations were raised in ``period``, by class and by how far they are on their way."""
    rows = session.execute(
        select(Deviation.kind, _DEVIATION_STATE.label("state"), func.count())
        .where(scope.in_agencies(Deviation.agency_id), scope.in_period(Deviation.raised_at, period))
        .group_by(Deviation.kind, "state")
    )
    return Counter({(kind, DeviationState(state)): number for kind, state, number in rows})


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
        .where(
            scope.in_agencies(_activity.agency_id), _activity.finished_at.is_(None), _activity.step.in_(_QUEUED_STEPS)
        )
        .group_by(_activity.step)
    )
    found = {step: Queue(step, waiting, int(late), oldest) for step, waiting, late, oldest in rows}
    return [found[step] for step in Step if step in found]


_activity: Any = Activity.__table__.c
_QUEUED_STEPS = [step for step in Step if step not in {Step.REQUEST, Step.CLOSED}]


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
