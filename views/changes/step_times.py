"""The clock of a step as the columns of a list show it, worked out by the office's own calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select
from typing_extensions import override

from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.worktime.step_timing import StepTimestamps, measure_step, round_up_to_minutes
from models.changes.activity import Activity
from models.database import db
from models.office.calendars import load_calendars_and_sops
from models.reports.figures import count_by_timeliness
from models.scope import sees_all_requests
from models.worktime.step_durations import StepTime, late_now, open_with_standard
from views.app.access import get_current_user, is_acting_head, visible_agencies
from views.app.clock import now
from views.exports.columns import CellKind
from views.listing.filters import ChoiceFilter
from views.listing.lists import MAX_COUNT, Column, ComputedColumns, Shortcut

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from lpse_admin.sop.steps import Step
    from views.listing.lists import ListQuery


class Timeliness(LabelledEnum):
    """What a step's standard says to its clock."""

    IN_TIME = "in-time", _("On time")
    LATE = "late", _("Late")


_activity_columns: Any = Activity.__table__.c
_step_times: Any = StepTime.__table__.c


def _load_timing_cells(session: Session) -> Callable[..., Mapping[str, object]]:
    """Return what reads one step's clock; calendars and papers, of which there are few, are read beforehand."""
    calendars, papers_of = load_calendars_and_sops(session, visible_agencies(session))
    at = now()

    def work(
        agency_id: int,
        sop_id: int,
        step: Step,
        arrived: dt.datetime,
        taken_up: dt.datetime | None,
        finished: dt.datetime | None,
    ) -> Mapping[str, object]:
        timestamps = StepTimestamps(arrived, taken_up, finished)
        read = measure_step(calendars[agency_id], papers_of[sop_id], step, timestamps, at)
        judged = None if read.allowed_time is None else Timeliness.LATE if read.is_late else Timeliness.IN_TIME
        return {
            "waited": round_up_to_minutes(read.waiting_time),
            "handled": None if read.handling_time is None else round_up_to_minutes(read.handling_time),
            "due": read.due,
            "judged": judged,
        }

    return work


_TIMING = ComputedColumns(
    (
        _activity_columns.agency_id,
        _activity_columns.sop_id,
        _activity_columns.step,
        _activity_columns.arrived_at,
        _activity_columns.taken_up_at,
        _activity_columns.finished_at,
    ),
    _load_timing_cells,
)

#: Minutes are working minutes of the LPSE's own calendar, up to now for a step that is open.
TIMING_COLUMNS = (
    Column("waited", _("Waited (minutes)"), _TIMING, CellKind.NUMBER, in_list=False, in_list_while_open=True),
    Column("handled", _("Handled (minutes)"), _TIMING, CellKind.NUMBER),
    Column("due", _("Due"), _TIMING, CellKind.DATETIME, in_list=False, in_list_while_open=True),
    Column("judged", _("Basis of the standard time"), _TIMING, CellKind.CHOICE, Timeliness),
)


@dataclass(frozen=True, slots=True)
class TimelinessFilter(ChoiceFilter):
    """What the standard says to the clock of a step: ``?judged=late``.

    Of finished steps it is kept (``worktime.step_durations``); open ones are judged as they stand when this is asked.
    """

    step: Step | None = None

    @override
    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the judgement that was chosen."""
        value = given.get(self.key)
        if not value:
            return None
        if value not in set(Timeliness):
            raise self._malformed(value)
        is_late, session = value == Timeliness.LATE, db.session()
        agencies = visible_agencies(session)
        finished = select(StepTime.activity_id).where(_step_times.is_late if is_late else ~_step_times.is_late)
        if is_late:
            # Few: all of them are found first, by an index of their own.
            ids = finished.where(StepTime.agency_id.in_([one.id for one in agencies]), StepTime.step == self.step)
            of_finished = _activity_columns.id.in_(ids)
        else:
            # Most: looked up for each row.
            of_finished = finished.where(StepTime.activity_id == _activity_columns.id).exists()
        late = late_now(session, agencies, now())
        return or_(of_finished, late if is_late else and_(open_with_standard(session, agencies), ~late))


def timeliness_shortcut(step: Step) -> Callable[[ListQuery, Session], Shortcut | None]:
    """Return what counts the records of ``step`` that are late, or in time, where nothing else is asked of the list."""

    def shortcut(query: ListQuery, session: Session) -> Shortcut | None:
        asked = query.arguments
        user = get_current_user()
        if set(asked.filter_values) != {"judged"} or asked.search or not (sees_all_requests(user) or is_acting_head()):
            return None
        agencies = visible_agencies(session)
        late = asked.filter_values["judged"] == Timeliness.LATE

        def count() -> int:
            return min(count_by_timeliness(session, agencies, step, now(), late=late), MAX_COUNT + 1)

        return Shortcut(count=count)

    return shortcut
