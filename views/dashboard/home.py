"""The home page: what waits for the user and for others, and the figures of the office for whoever oversees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import ACTOR_ROLES, Role
from lpse_admin.i18n import _
from lpse_admin.self_check.rules import Severity
from lpse_admin.sop.steps import HEAD_STEPS, Result, Step, Urgency
from lpse_admin.worktime.periods import PeriodKind
from lpse_admin.worktime.step_timing import duration_message
from models.changes.steps.activity import Release
from models.database import db
from models.deviations.deviation import DeviationState
from models.integrity.record import VerificationFinding, VerificationRun, last_run, visible_findings
from models.releases.revising import count_unrecorded
from models.reports import waiting
from models.scope import sees_all_requests, visible
from models.self_check.finding import SelfCheckFinding
from models.self_check.run import open_counts
from views.app.access import can, get_current_user, is_acting_head
from views.app.clock import now
from views.changes.waiting_filter import LATE, ME, OTHERS
from views.dashboard.account_changes import account_panel
from views.dashboard.first_steps import first_steps
from views.dashboard.inspectors import open_inspections, sees_inspections
from views.dashboard.office import STEP_SCREENS, OfficeDashboard, OfficeSelection
from views.delegation.absent_head import absent_head
from views.i18n.language import relative_time, today, tr
from views.listing.record_view import current_principal

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from models.reports.waiting import ActingUser, WaitingStep

blueprint = Blueprint("home", __name__)

#: Rows of what waits for the user, and of what waits for others.
_MAX_ROWS, _MAX_SENT, _MAX_FOLLOW_UPS = 8, 5, 5
#: Roles whose home page has the office dashboard.
_OVERSIGHT_ROLES = frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR})
#: What somebody does with a step that waits for them.
_ACTIONS = {
    Step.APPROVAL: _("Decide"),
    Step.VERIFICATION: _("Verify"),
    Step.RETURNED: _("Revise"),
    Step.REQUEST: _("Continue"),
}
_OTHER_ACTION = _("Work on it")
#: What the head is asked for.
_HEAD_COUNTERS = {Step.APPROVAL: _("To decide"), Step.VERIFICATION: _("Reports to verify")}


@dataclass(frozen=True, slots=True)
class CountedList:
    """A number, and the list of as many rows that it leads to."""

    title: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A request in a list of the home page, as text; ``action`` is what the user does with it, "" for nothing."""

    number: str
    title: str
    url: str
    requester: str
    step: str
    ground: str
    risk: str
    lateness: str
    is_late: bool
    is_emergency: bool
    action: str
    #: Whom it waits for.
    waits_for: str
    #: Why it was returned.
    reason: str


@blueprint.get("/")
def index() -> tuple[str, int]:
    """Show the home page of the current user."""
    session, principal = db.session(), current_principal()
    roles = principal.user.roles
    sees_office = sees_all_requests(principal.user) or principal.decides_as_head
    office = OfficeSelection.from_args(request.args) if sees_office else None
    oversees = office is not None and (principal.decides_as_head or not _OVERSIGHT_ROLES.isdisjoint(roles))
    dashboard = OfficeDashboard.from_args(office, request.args) if office is not None and oversees else None
    acts = principal.decides_as_head or not roles.isdisjoint(ACTOR_ROLES)
    page = render_template(
        "dashboard/index.html",
        **(_waiting_for_user(principal) if acts else {"rows": [], "counters": []}),
        **_waiting_for_others(principal, as_rows=acts and not principal.decides_as_head),
        today=today(),
        may_request=can(Verb.CREATE, Resource.CHANGE),
        decides=principal.decides_as_head,
        acts=acts,
        follow_ups=waiting.load_follow_ups(session, principal, _MAX_FOLLOW_UPS),
        own=None if sees_office else waiting.count_own_requests(session, principal.user),
        late=None if sees_office else _late_requests(principal),
        office=office,
        glance=dashboard,
        first_steps=first_steps(roles | ({Role.HEAD} if principal.is_acting_head else set())),
        inspects=Role.INSPECTOR in roles,
        self_check=_self_check() if oversees else [],
        accounts=account_panel(roles),
        inspectors=open_inspections() if sees_inspections(principal.user, decides=principal.decides_as_head) else [],
        verification=_verification() if oversees else None,
        results={result.value: result for result in Result},
        period_kinds=list(PeriodKind),
        may=lambda resource: can(Verb.READ, Resource(resource)),
    )
    return page, 400 if dashboard is not None and dashboard.form.error else 200


def _self_check() -> list[CountedList]:
    """Return how many findings of the self-check are open in what the user sees, by severity."""
    criterion = visible(SelfCheckFinding, get_current_user(), is_acting_head=is_acting_head())
    counts = open_counts(db.session(), criterion)
    return [
        CountedList(tr(severity.title), count, url_for("self-check.index_view", severity=severity.value))
        for severity in Severity
        if (count := counts.get(severity, 0))
    ]


def _verification() -> VerificationRun | None:
    """Return the last verification, if it found something that concerns what the user sees."""
    session, run = db.session(), last_run(db.session())
    if run is None or run.is_clean:
        return None
    mine = visible_findings(get_current_user(), is_acting_head=is_acting_head())
    result = select(VerificationFinding.id).where(VerificationFinding.run_id == run.id, mine).limit(1)
    return None if session.scalar(result) is None else run


def _waiting_for_user(principal: ActingUser) -> dict[str, Any]:
    """Return the counters and the first rows of what waits for the user."""
    session = db.session()
    counts = waiting.count_waiting(session, principal)
    counters = [
        CountedList(tr(title), counts.get(step, 0), _waiting_url(step))
        for step, title in (_HEAD_COUNTERS.items() if principal.decides_as_head else ())
    ]
    if principal.decides_as_head:
        undisposed = waiting.count_undisposed(session, principal)
        accounted = url_for("deviation.index_view", state=DeviationState.ACCOUNTED.value, waiting=ME)
        counters.append(CountedList(tr(_("Deviations to decide on")), undisposed, accounted))
    counters += _counters_of_steps(counts, without=HEAD_STEPS if principal.decides_as_head else ())
    counters += _unrecorded_releases(principal)
    rows = waiting.waiting_for_user(session, principal, _MAX_ROWS, now())
    everything = CountedList(tr(_("All that waits for me")), counts.total(), url_for("change.index_view", waiting=ME))
    return {
        "counters": counters,
        "rows": _work_rows(rows, for_user=True),
        "everything": everything if counts.total() > len(rows) else None,
    }


def _unrecorded_releases(principal: ActingUser) -> list[CountedList]:
    """Return how many releases lack their actual time, for those who record it and for the head; nothing for none."""
    if not (principal.decides_as_head or Role.CHANGE_MANAGER in principal.user.roles):
        return []
    criterion = visible(Release, principal.user, is_acting_head=principal.is_acting_head)
    count = count_unrecorded(db.session(), criterion, now())
    title, url = tr(_("Releases without an actual time")), url_for("release.index_view", plan="unrecorded")
    return [CountedList(title, count, url)] if count else []


def _counters_of_steps(counts: Counter[Step], without: Sequence[Step]) -> list[CountedList]:
    """Return what waits for the user at each step of the office, in the order of the procedure."""
    order = {step: place for place, step in enumerate(STEP_SCREENS)}
    steps = [step for step in counts if step.record in order and counts[step] and step.kind not in without]
    steps.sort(key=lambda step: (order[step.record], step.own_name))
    return [CountedList(tr(step.title), counts[step], _waiting_url(step)) for step in steps]


def _waiting_url(step: Step) -> str:
    screen = f"{STEP_SCREENS[step.record]}.index_view"
    if step.record is step:
        return url_for(screen, state="open", waiting=ME)
    return url_for(screen, state="open", waiting=ME, step=step.value)


def _waiting_for_others(principal: ActingUser, *, as_rows: bool) -> dict[str, Any]:
    """Return what waits for somebody else: its number, and the first rows."""
    session = db.session()
    count = waiting.count_waiting_for_others(session, principal)
    rows = waiting.waiting_for_others(session, principal, _MAX_SENT, now()) if as_rows and count else []
    at_head_since = min((row.arrived_at for row in rows if row.is_for_head), default=None)
    return {
        "others": CountedList(tr(_("All that waits for others")), count, url_for("change.index_view", waiting=OTHERS)),
        "sent": _work_rows(rows, for_user=False),
        # The actor of a step and its request belong to the same agency.
        "absent_head": absent_head(principal.user.agency, arrived=at_head_since) if at_head_since else None,
    }


def _late_requests(principal: ActingUser) -> CountedList:
    """Return how many of a requester's own requests are late."""
    count = waiting.count_late_requests(db.session(), principal, now())
    return CountedList(tr(_("Late now")), count, url_for("change.index_view", judged=LATE))


def _work_rows(rows: Sequence[WaitingStep], *, for_user: bool) -> list[WorkRow]:
    details, edit = url_for("change.details_view", id=""), url_for("change.edit_view", id="")
    return [
        WorkRow(
            number=row.number or tr(_("Draft")),
            title=row.title or tr(_("Untitled draft")),
            # What its requester goes on with begins with its form: a draft, and what was returned, below the reason.
            url=f"{edit}{row.id}"
            if row.number is None or (for_user and row.step is Step.RETURNED)
            else f"{details}{row.id}{'#step' if for_user else ''}",
            requester=row.requester or "–",
            step=tr(row.step.title),
            ground=tr(row.ground.title) if row.ground and row.urgency is Urgency.EMERGENCY else "–",
            risk=tr(row.risk.title) if row.risk else "–",
            lateness=_lateness(row),
            is_late=row.is_late,
            is_emergency=row.urgency is Urgency.EMERGENCY,
            action=tr(_ACTIONS.get(row.step.kind, _OTHER_ACTION)) if for_user else "",
            waits_for=f"{row.actor}: {row.assignee}" if row.assignee else row.actor,
            reason=row.reason or "",
        )
        for row in rows
    ]


def _lateness(row: WaitingStep) -> str:
    """Return in words how late a step is, how much time is left, or since when it waits if it has no standard."""
    if row.used_minutes is None or row.allowed_minutes is None:
        return relative_time(row.arrived_at)
    time = duration_message(abs(row.used_minutes - row.allowed_minutes), by_clock=row.by_clock)
    return tr(_("late by %(time)s", time=time) if row.is_late else _("%(time)s left", time=time))
