"""The clock of a step as the columns of a list show it, worked out by the office's own calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lpse_admin.clock import Clock, minutes, reading, standard_of
from lpse_admin.message import _
from lpse_admin.word import Word
from models.activity import Activity
from models.agency import Agency
from models.sop import papers
from models.working_time import calendar_of
from views.base import me
from views.clock import now
from views.exporting import CellKind
from views.lists import Column, Derivation

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from sqlalchemy.orm import Session

    from lpse_admin.steps import Step


class Judgement(Word):
    """What a step's standard says to its clock."""

    IN_TIME = "in-time", _("In time")
    LATE = "late", _("Late")


_activity: Any = Activity.__table__.c


def _work(session: Session) -> Callable[..., Mapping[str, object]]:
    """Return what reads one step's clock; calendars and papers, of which there are few, are read beforehand."""
    own = me().agency
    agencies = [own] if own is not None else session.scalars(select(Agency))
    calendars = {agency.id: calendar_of(session, agency) for agency in agencies}
    papers_of = papers(session, None if own is None else own.id)
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
    Column("waited", _("Waited (minutes)"), _CLOCK, CellKind.NUMBER),
    Column("handled", _("Handled (minutes)"), _CLOCK, CellKind.NUMBER),
    Column("due", _("Due"), _CLOCK, CellKind.MOMENT, listed=False),
    Column("judged", _("Judged"), _CLOCK, CellKind.CHOICE, Judgement),
)
