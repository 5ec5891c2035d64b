"""The clock of a step as the columns of a list show it, worked out by the office's own calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import and_, or_, select

from lpse_admin.i18n import Word, _
from lpse_admin.worktime.step_timing import Clock, minutes, reading, standard_of
from models.changes.activity import Activity
from models.database import db
from models.office.agency import Agency
from models.office.calendars import clockwork_of
from models.worktime.step_durations import StepTime, judged_now, late_now
from views.app.clock import now
from views.exports.columns import CellKind
from views.listing.filters import ChoiceFilter
from views.listing.lists import Column, Derivation
from views.listing.record_view import me

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from lpse_admin.sop.steps import Step


class Judgement(Word):
    """What a step's standard says to its clock."""

    IN_TIME = "in-time", _("In time")
    LATE = "late", _("Late")


_activity: Any = Activity.__table__.c


def my_agencies(session: Session) -> Sequence[Agency]:
    """Return the offices that the one who asks sees anything of."""
    own = me().agency
    return [own] if own is not None else session.scalars(select(Agency).order_by(Agency.id)).all()


def _work(session: Session) -> Callable[..., Mapping[str, object]]:
    """Return what reads one step's clock; calendars and papers, of which there are few, are read beforehand."""
    calendars, papers_of = clockwork_of(session, my_agencies(session))
    at = now()

    def work(  # noqa: PLR0913, PLR0917 - the columns of a clock
        agency_id: int,
        sop_id: int,
        step: Step,
        arrived: dt.datetime,
        taken_up: dt.datetime | None,
        finished: dt.datetime | None,
    ) -> Mapping[str, object]:
        paper = papers_of[sop_id]
        read = reading(
            calendars[agency_id], standard_of(paper, step), paper.switches.clock, Clock(arrived, taken_up, finished), at
        )
        judged = None if read.allowed is None else Judgement.LATE if read.is_late else Judgement.IN_TIME
        return {
            "waited": minutes(read.waiting),
            "handled": None if read.handling is None else minutes(read.handling),
            "due": read.due,
            "judged": judged,
        }

    return work


_CLOCK = Derivation(
    (
        _activity.agency_id,
        _activity.sop_id,
        _activity.step,
        _activity.arrived_at,
        _activity.taken_up_at,
        _activity.finished_at,
    ),
    _work,
)

#: Minutes are working minutes of the LPSE's own calendar, up to now for a step that is open.
TIMES = (
    Column("waited", _("Waited (minutes)"), _CLOCK, CellKind.NUMBER, listed=False, listed_while_open=True),
    Column("handled", _("Handled (minutes)"), _CLOCK, CellKind.NUMBER),
    Column("due", _("Due"), _CLOCK, CellKind.MOMENT, listed=False, listed_while_open=True),
    Column("judged", _("Judged"), _CLOCK, CellKind.CHOICE, Judgement),
)


@dataclass(frozen=True, slots=True)
class JudgedFilter(ChoiceFilter):
    """What the standard says to the clock of a step: ``?judged=late``.

    Of finished steps it is kept (``worktime.step_durations``); open ones are judged as they stand when this is asked.
    """

    is_fixed: ClassVar[bool] = False

    step: Step | None = None

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:  # noqa: ARG002
        """Return the criterion for the judgement that was chosen."""
        value = given.get(self.key)
        if not value:
            return None
        if value not in set(Judgement):
            raise self._malformed(value)
        is_late, session = value == Judgement.LATE, db.session()
        agencies = my_agencies(session)
        kept = select(StepTime.activity_id).where(
            StepTime.agency_id.in_([agency.id for agency in agencies]),
            StepTime.step == self.step,
            StepTime.is_late.is_(is_late),
        )
        late = late_now(session, agencies, now())
        return or_(_activity.id.in_(kept), late if is_late else and_(judged_now(session, agencies), ~late))
