"""The deadline sweep over open steps: raises overdue steps as deviations and sends warnings.

Run by ``flask deadline sweep`` and by the scheduler of the server. Concurrent sweeps are safe: each request is
processed under its lock, and deviations and notifications have unique keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.deviations import DeviationKind
from lpse_admin.worktime.limits import measure_stretches
from lpse_admin.worktime.step_timing import StepTimestamps, measure_step
from models.changes.change import ChangeRequest
from models.changes.steps import durations
from models.changes.steps.activity import Activity
from models.changes.steps.due_times import recompute_due_times
from models.changes.steps.timing import measure_activity, raise_overdue
from models.delegation.acting_head import notify_of_waiting_steps
from models.delegation.delegation import delegations_in_force
from models.deviations.deviation import Deviation
from models.notifications import rules
from models.notifications.notification import Notification
from models.office.agency import Agency
from models.office.calendars import load_calendar, load_warning_share
from models.releases.revising import remind_of_unrecorded
from models.sops.sop import SopRevision, load_sops

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

    from lpse_admin.worktime.step_timing import StepTiming

_PERCENT = 100


@dataclass(frozen=True, slots=True)
class SweepResult:
    """Result of a sweep: the raised deviations, and the numbers of steps that are overdue and due soon."""

    raised: tuple[Deviation, ...] = ()
    overdue: int = 0
    due_soon: int = 0

    def __add__(self, other: SweepResult) -> SweepResult:
        """Return the sum of two results."""
        return SweepResult(self.raised + other.raised, self.overdue + other.overdue, self.due_soon + other.due_soon)


def sweep(session: Session, agency: Agency, now: dt.datetime) -> SweepResult:
    """Check the deadlines of every open step of ``agency``; the caller commits.

    An overdue step is raised as a deviation if its SOP has deviations (procedure.md, reading 13); in any case the
    people concerned are notified once. An acting head whose delegation has begun is notified of the waiting steps.
    So are the change managers, of a release whose window has passed without its actual time.
    Stored durations of finished steps and due times of open ones are recomputed where the calendar has changed.
    """
    durations.recompute_stale(session, agency, now)
    recompute_due_times(session, agency, now)
    for delegation in session.scalars(delegations_in_force(agency.id, agency.local_date(now))):
        notify_of_waiting_steps(session, delegation, now)
    remind_of_unrecorded(session, agency, now)
    share = load_warning_share(session, agency.id) / _PERCENT
    result = SweepResult()
    change_ids = [
        *_changes_to_process(session, agency, share, now),
        *_changes_in_stretches(session, agency, share, now),
    ]
    for change_id in dict.fromkeys(change_ids):
        result += _process_change(session, change_id, share, now)
    return result


def _changes_to_process(session: Session, agency: Agency, share: float, now: dt.datetime) -> list[int]:
    """Return the ids of the requests whose open step needs a deviation or a notification, read without a lock."""
    calendar = load_calendar(session, agency)
    revisions = session.scalars(select(SopRevision).where(SopRevision.agency_id == agency.id))
    sops = {revision.id: revision.sop for revision in revisions}
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
    notified = {
        (activity_id, event)
        for activity_id, event in session.execute(
            select(Notification.activity_id, Notification.event)
            .join(Activity, Activity.id == Notification.activity_id)
            .where(of_open, Notification.event.in_((Event.SOON_LATE, Event.OVERDUE)))
        )
    }
    change_ids = []
    for activity in session.execute(select(*_TIMESTAMP_COLUMNS).where(*open_).order_by(Activity.change_id)):
        sop = sops[activity.sop_id]
        timestamps = StepTimestamps(activity.arrived_at, activity.taken_up_at, None)
        times = measure_step(calendar, sop, activity.step, timestamps, now)
        if times.is_late:
            is_raised = (activity.id, times.basis) in raised or not sop.switches.deviations
            is_done = is_raised and (activity.id, Event.OVERDUE) in notified
        else:
            is_done = (times.fraction_used or 0) < share or (activity.id, Event.SOON_LATE) in notified
        if not is_done:
            change_ids.append(activity.change_id)
    return change_ids


_TIMESTAMP_COLUMNS = (
    Activity.id,
    Activity.change_id,
    Activity.sop_id,
    Activity.step,
    Activity.arrived_at,
    Activity.taken_up_at,
)


def _changes_in_stretches(session: Session, agency: Agency, share: float, now: dt.datetime) -> list[int]:
    """Return the ids of the open requests in a stretch whose limit is passed or nearly so, and which nobody was told.

    SOPs without limits take no statement of their own.
    """
    sops = {id_: sop for id_, sop in load_sops(session, agency.id).items() if sop.limits}
    if not sops:
        return []
    is_open = (ChangeRequest.agency_id == agency.id, ChangeRequest.closed_at.is_(None))
    rows = session.execute(
        select(
            Activity.id, Activity.change_id, Activity.sop_id, Activity.step, Activity.arrived_at, Activity.finished_at
        )
        .join(ChangeRequest, ChangeRequest.id == Activity.change_id)
        .where(*is_open, ChangeRequest.submitted_at.is_not(None), Activity.sop_id.in_(sops))
        .order_by(Activity.change_id, Activity.sequence)
    )
    told = set(
        session.scalars(
            select(Notification.key)
            .join(ChangeRequest, ChangeRequest.id == Notification.change_id)
            .where(*is_open, Notification.event.in_((Event.SOON_LATE, Event.OVERDUE)))
        )
    )
    calendar = load_calendar(session, agency)
    change_ids = []
    for change_id, group in groupby(rows, key=attrgetter("change_id")):
        visits = list(group)
        for stretch in measure_stretches(calendar, sops[visits[0].sop_id], visits, now):
            key = rules.key_of_limit(stretch, change_id, visits[-1].id)
            if stretch.is_open and stretch.fraction_used >= share and key not in told:
                change_ids.append(change_id)
    return change_ids


def _process_stretches(
    session: Session, change: ChangeRequest, current: Activity, share: float, now: dt.datetime
) -> SweepResult:
    """Notify whom it concerns of the limits that a request has passed, or is about to."""
    if not change.sop.limits:
        return SweepResult()
    result = SweepResult()
    calendar = load_calendar(session, change.agency)
    for stretch in measure_stretches(calendar, change.sop, change.activities, now):
        if stretch.is_open and stretch.fraction_used >= share:
            rules.notify_limit(session, change, current, stretch, now)
            result += SweepResult(overdue=1) if stretch.is_late else SweepResult(due_soon=1)
    return result


def _process_change(session: Session, change_id: int, share: float, now: dt.datetime) -> SweepResult:
    """Raise the deviation and send the notifications that are due for one request, under its lock."""
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
    raised = raise_overdue(change, now)
    session.flush()
    stretches = _process_stretches(session, change, current, share, now)
    return SweepResult(tuple(raised)) + stretches + _process_step(session, change, current, times, share, now)


def _process_step(  # the state of one step
    session: Session, change: ChangeRequest, current: Activity, times: StepTiming, share: float, now: dt.datetime
) -> SweepResult:
    if times.is_late:
        rules.notify_overdue(session, change, current, now)
        return SweepResult(overdue=1)
    if times.due is not None and times.fraction_used is not None and times.fraction_used >= share:
        rules.notify_due_soon(session, change, current, times.due, now)
        return SweepResult(due_soon=1)
    return SweepResult()
