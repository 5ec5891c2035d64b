"""The sweep over open steps: what has become overdue is raised, and who is about to be late is told.

Run by ``flask deadline sweep`` and by the server itself; two at once do no harm, since each request is looked at
under its lock and everything that a sweep writes has a key of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.deviations import DeviationKind
from lpse_admin.worktime.step_timing import StepTimestamps, measure_step
from models.changes.activity import Activity
from models.changes.change import ChangeRequest
from models.delegation.acting_head import notify_of_waiting_steps
from models.delegation.delegation import delegations_in_force
from models.deviations.deviation import Deviation
from models.notifications import rules
from models.notifications.notification import Notification
from models.office.agency import Agency
from models.office.calendars import load_calendar, load_warning_share
from models.sops.sop import SopRevision
from models.worktime import step_durations
from models.worktime.timing import measure_activity, raise_overdue

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

_PERCENT = 100


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What one sweep did: the deviations that it raised, and how many steps it found late and about to be late."""

    raised: tuple[Deviation, ...] = ()
    overdue: int = 0
    due_soon: int = 0

    def __add__(self, other: SweepResult) -> SweepResult:
        """Return what two sweeps did together."""
        return SweepResult(self.raised + other.raised, self.overdue + other.overdue, self.due_soon + other.due_soon)


def sweep(session: Session, agency: Agency, now: dt.datetime) -> SweepResult:
    """Look at every open step of ``agency`` and return what became of it; the caller commits.

    What is overdue under a paper that knows deviations is raised as one (procedure.md, reading 13); everybody whom it
    concerns is told, once, also under a paper that knows none. Whoever stands in for the head, from a day that has
    come since the decree was recorded, is told of what waits. Finished steps are reckoned anew where the calendar
    is another than it was.
    """
    step_durations.recompute_stale(session, agency, now)
    for delegation in session.scalars(delegations_in_force(agency.id, agency.local_date(now))):
        notify_of_waiting_steps(session, delegation, now)
    share = load_warning_share(session, agency.id) / _PERCENT
    done = SweepResult()
    for change_id in _changes_to_process(session, agency, share, now):
        done += _process_change(session, change_id, share, now)
    return done


def _changes_to_process(session: Session, agency: Agency, share: float, now: dt.datetime) -> list[int]:
    """Return the requests whose open step has something to be raised or told, as read without a lock."""
    calendar = load_calendar(session, agency)
    revisions = session.scalars(select(SopRevision).where(SopRevision.agency_id == agency.id))
    papers = {revision.id: revision.sop for revision in revisions}
    open_ = (Activity.agency_id == agency.id, Activity.finished_at.is_(None), Activity.step != Step.REQUEST)
    of_open = Activity.id.in_(select(Activity.id).where(*open_))
    raised = {
        (activity_id, subject)
        for activity_id, subject in session.execute(
            select(Deviation.activity_id, Deviation.subject)
            .join(Activity, Activity.id == Deviation.activity_id)
            .where(of_open, Deviation.kind == DeviationKind.TIME)
        )
    }
    told = {
        (activity_id, event)
        for activity_id, event in session.execute(
            select(Notification.activity_id, Notification.event)
            .join(Activity, Activity.id == Notification.activity_id)
            .where(of_open, Notification.event.in_((Event.SOON_LATE, Event.OVERDUE)))
        )
    }
    found = []
    for activity in session.execute(select(*_TIMESTAMP_COLUMNS).where(*open_).order_by(Activity.change_id)):
        paper = papers[activity.sop_id]
        timestamps = StepTimestamps(activity.arrived_at, activity.taken_up_at, None)
        times = measure_step(calendar, paper, activity.step, timestamps, now)
        if times.is_late:
            is_raised = (activity.id, times.basis) in raised or not paper.switches.deviations
            is_done = is_raised and (activity.id, Event.OVERDUE) in told
        else:
            is_done = (times.fraction_used or 0) < share or (activity.id, Event.SOON_LATE) in told
        if not is_done:
            found.append(activity.change_id)
    return found


_TIMESTAMP_COLUMNS = (
    Activity.id,
    Activity.change_id,
    Activity.sop_id,
    Activity.step,
    Activity.arrived_at,
    Activity.taken_up_at,
)


def _process_change(session: Session, change_id: int, share: float, now: dt.datetime) -> SweepResult:
    """Raise and tell what has become true of one request, as it is under its lock."""
    change = session.scalars(
        select(ChangeRequest)
        .where(ChangeRequest.id == change_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    session.expire(change, ["activities"])
    current = change.current_activity
    if current is None:
        return SweepResult()
    times = measure_activity(change, current, now)
    if times.is_late:
        raised = raise_overdue(change, now)
        session.flush()
        rules.notify_overdue(session, change, current, now)
        return SweepResult(tuple(raised), overdue=1)
    if times.due is not None and times.fraction_used is not None and times.fraction_used >= share:
        rules.notify_due_soon(session, change, current, times.due, now)
        return SweepResult(due_soon=1)
    return SweepResult()
