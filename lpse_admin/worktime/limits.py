"""Limits on stretches of a request's steps: when each began and ended, and whether it took too long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lpse_admin.sop.steps import Step

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from lpse_admin.sop import Sop, TimeLimit
    from lpse_admin.worktime.working_calendar import WorkCalendar

#: Before what identifies the lateness of a stretch among the deviations of a request.
LIMIT_PREFIX = "limit-"


class Visit(Protocol):
    """A visit to a step, finished or not."""

    @property
    def step(self) -> Step:
        """The step."""

    @property
    def arrived_at(self) -> dt.datetime:
        """When the request arrived there."""

    @property
    def finished_at(self) -> dt.datetime | None:
        """When the step was finished; None while it is open."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One time that a request went through the stretch of a limit.

    ``subject`` identifies it within the request: the place of the limit in the SOP, and the visit that it began with.
    ``ended_at`` is None while the request is in it. A stretch that is gone through again is judged anew.
    """

    limit: TimeLimit
    subject: str
    began_at: dt.datetime
    ended_at: dt.datetime | None
    measured_time: dt.timedelta
    allowed_time: dt.timedelta
    due: dt.datetime

    @property
    def by_clock(self) -> bool:
        """Whether it is measured by the clock, day and night."""
        return self.limit.standard.by_clock

    @property
    def is_open(self) -> bool:
        """Whether the request is still in it."""
        return self.ended_at is None

    @property
    def is_late(self) -> bool:
        """Whether it took longer than the limit allows."""
        return self.measured_time > self.allowed_time

    @property
    def fraction_used(self) -> float:
        """The used fraction of the allowed time (1.0 is all of it)."""
        return self.measured_time / self.allowed_time


def measure_stretches(
    calendar: WorkCalendar, sop: Sop, visits: Iterable[Visit], now: dt.datetime
) -> tuple[Stretch, ...]:
    """Return the stretches that a request went through or is in at ``now``, limit by limit.

    ``visits`` are all of its visits to steps in order. Raises OutsideCalendar for years whose holidays nobody knows.
    """
    visits = tuple(visits)
    stretches = []
    for place, limit in enumerate(sop.limits):
        for number, began, ended in _passes(limit, visits):
            until = ended or max(now, began)
            stretches.append(
                Stretch(
                    limit,
                    f"{LIMIT_PREFIX}{place}-{number}",
                    began,
                    ended,
                    calendar.elapsed_for(limit.standard, began, until),
                    calendar.allowed_time(began, limit.standard),
                    calendar.deadline(began, limit.standard),
                )
            )
    return tuple(stretches)


def _passes(limit: TimeLimit, visits: tuple[Visit, ...]) -> Iterator[tuple[int, dt.datetime, dt.datetime | None]]:
    """Yield of each time through the stretch the number of its first visit, its beginning and its end."""
    began: tuple[int, dt.datetime] | None = None
    for number, visit in enumerate(visits, 1):
        if began is None and (start := _start(limit, visit)) is not None:
            began = number, start
        if began is not None and visit.step is limit.last and visit.finished_at is not None:
            yield (*began, visit.finished_at)
            began = None
    if began is not None:
        # After the last step of a closed request nothing is open.
        yield (*began, visits[-1].finished_at)


def _start(limit: TimeLimit, visit: Visit) -> dt.datetime | None:
    """Return when the stretch begins, if it begins with this visit: with the request, at its submission."""
    if limit.first in {None, Step.REQUEST}:
        return visit.finished_at if visit.step is Step.REQUEST else None
    return visit.arrived_at if visit.step is limit.first else None
