"""Columns and a filter for the working times of steps, computed with the office's calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select
from typing_extensions import override

from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.worktime.step_timing import StepTimestamps, duration_message, measure_step, round_up_to_minutes
from models.changes.steps.activity import Activity
from models.changes.steps.durations import StepTime, late_now, open_with_standard
from models.database import db
from models.reports.figures import count_by_timeliness
from models.scope import sees_all_requests
from models.sops.clocks import load_calendars_and_sops
from views.app.access import get_current_user, is_acting_head, visible_agencies
from views.app.clock import now
from views.exports.columns import CellKind
from views.i18n.language import tr
from views.listing.filters.kinds import ChoiceFilter
from views.listing.filters.order import Shortcut, SortTable
from views.listing.lists import MAX_COUNT, Column, ComputedColumns

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from lpse_admin.i18n import Message
    from lpse_admin.sop.steps import Step
    from lpse_admin.worktime.step_timing import StepTiming
    from views.listing.lists import ListQuery

    #: The columns of the table of steps, or an alias of the steps.
    _ActivityColumns = ReadOnlyColumnCollection[str, Any] | type[Activity]


class Timeliness(LabelledEnum):
    """Whether a step is within its standard time."""

    IN_TIME = "in-time", _("On time")
    LATE = "late", _("Late")


#: The filter's value for steps for which their SOP sets no standard.
NO_STANDARD = "no-standard"

#: The keys of the columns of a step's timing.
TIMING_KEYS = ("lateness", "waited", "handled", "due", "judged")

_activity_columns: Any = Activity.__table__.c
_step_times: Any = StepTime.__table__.c


def _load_timing_cells(session: Session) -> Callable[..., Mapping[str, object]]:
    """Return a function that computes the cells of one step; calendars and SOPs are loaded before."""
    calendars, sops = load_calendars_and_sops(session, visible_agencies(session))
    at = now()

    def compute(
        agency_id: int,
        sop_id: int,
        step: Step,
        arrived: dt.datetime | None,
        taken_up: dt.datetime | None,
        finished: dt.datetime | None,
    ) -> Mapping[str, object]:
        if arrived is None:  # a request without an open step
            return dict.fromkeys(TIMING_KEYS)
        timestamps = StepTimestamps(arrived, taken_up, finished)
        timing = measure_step(calendars[agency_id], sops[sop_id], step, timestamps, at)
        judged = None if timing.allowed_time is None else Timeliness.LATE if timing.is_late else Timeliness.IN_TIME
        return {
            "waited": round_up_to_minutes(timing.waiting_time),
            "handled": None if timing.handling_time is None else round_up_to_minutes(timing.handling_time),
            "due": timing.due,
            "judged": judged,
            "lateness": lateness_text(timing),
        }

    return compute


def lateness_text(timing: StepTiming) -> str:
    """Return in words how late a step is, or how much of its time is or was left; "" without a standard."""
    if timing.allowed_time is None:
        return ""
    over = round_up_to_minutes(timing.measured_time) - round_up_to_minutes(timing.allowed_time)
    if timing.is_late:
        return tr(_("late by %(time)s", time=duration_message(over, by_clock=timing.by_clock)))
    return tr(_("%(time)s left", time=duration_message(-over, by_clock=timing.by_clock)))


def timing_columns(activity: _ActivityColumns, due: SortTable) -> tuple[Column, ...]:
    """Return the columns of the timing of a step, with these ``activity`` columns; sorted by due time along ``due``.

    They are in working minutes of the agency's calendar; up to now for an open step.
    """
    names = ("agency_id", "sop_id", "step", "arrived_at", "taken_up_at", "finished_at")
    timing = ComputedColumns(tuple(getattr(activity, name) for name in names), _load_timing_cells)
    return (
        Column(
            "lateness",
            _("Deadline"),
            timing,
            in_list=False,
            in_list_while_open=True,
            sortable=True,
            sort_table=due,
        ),
        Column("waited", _("Waited"), timing, CellKind.MINUTES, in_list=False),
        Column("handled", _("Handled"), timing, CellKind.MINUTES, in_list=False),
        Column("due", _("Due at"), timing, CellKind.DATETIME, in_list=False, sortable=True, sort_table=due),
        Column(
            "judged", _("Basis of the standard time"), timing, CellKind.CHOICE, Timeliness, in_list_while_open=False
        ),
    )


@dataclass(frozen=True, slots=True)
class TimelinessFilter(ChoiceFilter):
    """Steps within or beyond their standard time, or without one: ``?judged=late``.

    Stored for finished steps (``models.changes.steps.durations``), computed at the time of the query for open ones.
    """

    steps: tuple[Step, ...] = ()

    @override
    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return (value, title) of the choices."""
        return [*ChoiceFilter.options(self), (NO_STANDARD, _("Without a standard"))]

    @override
    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the chosen timeliness. Raises Malformed for an unknown one."""
        value = given.get(self.key)
        if not value:
            return None
        if value == NO_STANDARD:
            has_standard = open_with_standard(db.session(), visible_agencies(db.session()))
            measured = select(StepTime.activity_id).where(
                StepTime.activity_id == _activity_columns.id, _step_times.is_late.is_not(None)
            )
            return and_(~measured.exists(), ~has_standard)
        if value not in set(Timeliness):
            raise self._malformed(value)
        is_late, session = value == Timeliness.LATE, db.session()
        agencies = visible_agencies(session)
        finished = select(StepTime.activity_id).where(_step_times.is_late if is_late else ~_step_times.is_late)
        if is_late:
            # Few rows: selected first, by a partial index.
            ids = finished.where(StepTime.agency_id.in_([one.id for one in agencies]), StepTime.step.in_(self.steps))
            of_finished = _activity_columns.id.in_(ids)
        else:
            # Most rows: looked up one by one.
            of_finished = finished.where(StepTime.activity_id == _activity_columns.id).exists()
        late = late_now(session, agencies, now())
        return or_(of_finished, late if is_late else and_(open_with_standard(session, agencies), ~late))


def timeliness_shortcut(step: Step) -> Callable[[ListQuery, Session], Shortcut | None]:
    """Return a function that counts late or timely records of ``step`` if the list has no other filter or search."""

    def shortcut(query: ListQuery, session: Session) -> Shortcut | None:
        args = query.arguments
        user = get_current_user()
        if (
            set(args.filter_values) != {"judged"}
            or args.filter_values["judged"] == NO_STANDARD
            or args.search
            or not (sees_all_requests(user) or is_acting_head())
        ):
            return None
        agencies = visible_agencies(session)
        late = args.filter_values["judged"] == Timeliness.LATE

        def count() -> int:
            return min(count_by_timeliness(session, agencies, step, now(), late=late), MAX_COUNT + 1)

        return Shortcut(count=count)

    return shortcut
