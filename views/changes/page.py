"""What the page of one request shows: where it stands, what was done, and what the reader may do now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask_babel import gettext
from markupsafe import Markup

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import HEAD_STEPS, NEEDS_REASON, REQUESTER_STEPS, Outcome, Step
from lpse_admin.workflow.record_fields import RECORD_FIELDS, REQUEST_FIELDS, REQUEST_FIELDSETS, RecordField
from lpse_admin.workflow.transitions import required_items
from models.changes import record_store
from models.changes.activity import Approval, AssetReview, AssetUpdate, Evaluation, Release
from models.database import db
from models.deviations.deviation import undisposed
from models.office.calendars import load_calendar
from models.worktime.timing import is_obsolete, measure_activity, time_deviations
from views.changes.assignment import Assignment
from views.changes.chart import ChangeChart
from views.changes.step_form import build_step_form
from views.delegation.absent_head import absent_head, may_record_absence
from views.forms.folding import collapsible_text
from views.i18n.language import format_date, format_datetime, tr
from views.inventory.mutations import changed_columns
from views.listing.cells import EMPTY_CELL
from views.notifications.mails import change_notifications
from views.releases.conflicts import ReleaseConflicts

if TYPE_CHECKING:
    from lpse_admin.errors import Refused
    from lpse_admin.sop import Move, RequiredItem
    from lpse_admin.workflow.deviations import DetectedDeviation
    from lpse_admin.worktime.step_timing import StepTiming
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.accounts.user import User
    from models.changes.activity import Activity
    from models.changes.change import ChangeRequest
    from models.deviations.deviation import Deviation
    from models.documents.document import Document
    from views.changes.assignment import ReassignForm
    from views.changes.step_form import StepForm
    from views.delegation.absent_head import AbsentHead
    from views.notifications.mails import ChangeNotifications


@dataclass(frozen=True, slots=True)
class Fact:
    """A label with what stands beside it."""

    label: Message
    value: Markup | str


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Facts that belong together, under a heading."""

    title: Message
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class FinishedStep:
    """One finished step, as the history tells it; ``times`` is what its clock shows."""

    activity: Activity
    reason: Markup | None
    facts: tuple[Fact, ...]
    documents: tuple[Document, ...]
    timing: StepTiming


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the paper requires at this step, and whether it is there; ``is_own`` is the record that is being typed."""

    item: RequiredItem
    field_name: str
    is_met: bool
    is_current_record: bool


@dataclass(frozen=True, slots=True)
class ChangePage:
    """The page's content; ``form`` is None for a reader who cannot act on the present step."""

    change: ChangeRequest
    request_facts: tuple[FactGroup, ...]
    chart: ChangeChart
    finished_steps: tuple[FinishedStep, ...]
    current: Activity | None
    waiting_for: str | None
    reason_cannot_act: Message | None
    form: StepForm | None
    moves: tuple[Move, ...]
    requirements: tuple[Requirement, ...]
    decision_facts: tuple[Fact, ...]
    refusal: Refused | None
    documents: tuple[Document, ...]
    #: What the clock of the present step shows, and in whose hands it is for the reader.
    timing: StepTiming | None
    assignment: Assignment | None
    #: The deviations that wait for the head's disposal at this verification.
    undisposed: tuple[Deviation, ...]
    #: What the executor of the present step has to account for in time, and what the calendar has overtaken since.
    delays: tuple[DetectedDeviation, ...]
    outdated_deviation_ids: frozenset[int]
    #: While it waits for a head who is not there.
    absent_head: AbsentHead | None
    may_record_absence: bool
    release_conflicts: ReleaseConflicts
    #: For those of the office: everybody who was told of it, and the mail.
    notifications: ChangeNotifications | None

    @classmethod
    def of(
        cls,
        change: ChangeRequest,
        user: User,
        now: dt.datetime,
        *,
        form: StepForm | None = None,
        refusal: Refused | None = None,
        reassign_form: ReassignForm | None = None,
    ) -> ChangePage:
        """Return the page of ``change`` as ``user`` sees it at this moment."""
        current = change.current_activity
        why_not = change.reason_cannot_act(user, now)
        if form is None and current is not None and why_not is None:
            form = build_step_form(change, current)
        calendar = load_calendar(db.session(), change.agency)
        rule = change.sop.rules.get(change.step)
        at_the_head = current is not None and rule is not None and rule.actor is Role.HEAD
        waits_for = str(change.sop.actor_title(change.step)) if current is not None else None
        moves = change.open_moves(user, now) if form is not None else ()
        return cls(
            change=change,
            request_facts=_request_facts(change),
            chart=ChangeChart.of(change),
            finished_steps=tuple(_finished_steps(change, now, calendar)),
            current=current,
            waiting_for=waits_for,
            reason_cannot_act=why_not,
            form=form,
            moves=moves,
            requirements=tuple(_requirements(change, current, form, moves)) if current is not None else (),
            decision_facts=tuple(_decision_facts(change)) if change.step in HEAD_STEPS else (),
            refusal=refusal,
            documents=tuple(document for document in change.documents if document.activity_id is not None),
            timing=measure_activity(change, current, now, calendar)
            if current is not None and not change.is_draft
            else None,
            assignment=Assignment.of(change, user, now, reassign_form),
            delays=tuple(time_deviations(change, current, now, calendar))
            if form is not None and current is not None
            else (),
            outdated_deviation_ids=frozenset(
                one.id for one in change.deviations if is_obsolete(change, one, now, calendar)
            ),
            undisposed=tuple(undisposed(change)) if form is not None and change.step is Step.VERIFICATION else (),
            absent_head=_absent_head(change, current, waits_for) if at_the_head else None,
            may_record_absence=at_the_head and may_record_absence(),
            release_conflicts=ReleaseConflicts.of(change, user, now, form),
            notifications=change_notifications(change, user),
        )

    def outcomes_requiring_reason(self) -> list[Outcome]:
        """Return those of the open moves' outcomes that need a reason."""
        return [move.outcome for move in self.moves if move.outcome in NEEDS_REASON]

    def is_required(self, field: RecordField) -> bool:
        """Whether every open move needs this field."""
        return bool(self.moves) and all(move.outcome in field.required_for for move in self.moves)

    def outcomes_requiring_text(self, field: RecordField) -> str:
        """Return the open moves that need this field, as the page tells its script."""
        return " ".join(move.outcome for move in self.moves if move.outcome in field.required_for)

    def count_met(self) -> int:
        """Return how many of the paper's requirements are there."""
        return sum(requirement.is_met for requirement in self.requirements)

    def count_filled(self) -> tuple[int, int]:
        """Return how many of the fields that the first open move needs are filled, and how many there are."""
        return _count_filled(self.form, self.moves)

    def is_required_by_first_move(self, field: RecordField) -> bool:
        """Whether this field is one of those."""
        return bool(self.moves) and self.moves[0].outcome in field.required_for

    def outcomes_requiring(self, field: RecordField) -> list[Outcome]:
        """Return the open moves that need this field, where not all of them do."""
        some = [move.outcome for move in self.moves if move.outcome in field.required_for]
        return some if len(some) < len(self.moves) else []

    def standard_text(self) -> str:
        """Return the paper's standard time of the present step."""
        rule = self.change.sop.rules.get(self.change.step)
        return rule.standard.text if rule and rule.standard else gettext("not specified")


def _count_filled(form: StepForm | None, moves: tuple[Move, ...]) -> tuple[int, int]:
    if form is None or not moves:
        return 0, 0
    needed = [field for field, _input in form.record_fields() if moves[0].outcome in field.required_for]
    return sum(form.is_filled(field) for field in needed), len(needed)


def _absent_head(change: ChangeRequest, current: Activity | None, head: str | None) -> AbsentHead | None:
    return absent_head(change.agency, head=head, arrived=current.arrived_at if current else None, change=change)


def format_field_value(value: object) -> Markup | str:
    """Return the value of a record's field as the page shows it."""
    if value in (None, "", []):
        return EMPTY_CELL
    match value:
        case dt.datetime():
            return format_datetime(value)
        case dt.date():
            return format_date(value)
        case LabelledEnum():
            return tr(value)
        case list():
            return Markup("<br>").join(_row_text(row) for row in value)
        case _:
            return collapsible_text(str(value))


def _row_text(row: dict[str, Any]) -> str:
    if "expected" in row:
        return tr(_("%(name)s: expected %(expected)s; actual %(actual)s", **row))
    return " · ".join(str(value) for value in row.values() if value not in (None, ""))


def _request_facts(change: ChangeRequest) -> tuple[FactGroup, ...]:
    """Return what a request says, group by group; its title and the request that it follows stand above that."""
    fields = {field.key: field for field in REQUEST_FIELDS if field.key not in {"title", "linked_change_id"}}
    return tuple(
        FactGroup(
            title,
            tuple(Fact(fields[key].label, format_field_value(getattr(change, key))) for key in keys if key in fields),
        )
        for title, keys in REQUEST_FIELDSETS
    )


def _finished_steps(change: ChangeRequest, now: dt.datetime, calendar: WorkCalendar) -> list[FinishedStep]:
    by_activity: dict[int, list[Document]] = {}
    for document in change.documents:
        if document.activity_id is not None:
            by_activity.setdefault(document.activity_id, []).append(document)
    return [
        FinishedStep(
            activity,
            collapsible_text(activity.reason) if activity.reason else None,
            tuple(_record_facts(change, activity)),
            tuple(by_activity.get(activity.id, ())),
            measure_activity(change, activity, now, calendar),
        )
        for activity in change.activities
        if not activity.is_open
    ]


def _record_facts(change: ChangeRequest, activity: Activity) -> list[Fact]:
    if activity.step in REQUESTER_STEPS:
        return []
    if isinstance(activity, AssetUpdate):
        notes = [Fact(_("Notes"), collapsible_text(activity.notes))] if activity.notes else []
        return [Fact(_("Mutations"), _mutation_lines(activity)), *notes]
    values = record_store.read_record(change, activity)
    if isinstance(activity, Release):
        values["touched_assets"] = [{"asset": str(item.asset)} for item in activity.release_assets]
    if isinstance(activity, AssetReview):
        values["assets"] = [{"asset": str(item.asset or ""), "finding": item.finding} for item in activity.items]
    return [
        Fact(field.label, format_field_value(values[field.key]))
        for field in RECORD_FIELDS[activity.step]
        if values[field.key] not in (None, "", [])
    ]


def _mutation_lines(activity: AssetUpdate) -> Markup:
    """Return each asset with what changed on it: the column, before and after."""
    lines = []
    for mutation in activity.mutations:
        lines.append(Markup("{}: {}").format(tr(mutation.kind.title), mutation.asset))
        lines.extend(
            Markup("{}: {} → {}").format(tr(heading), before, after)
            for heading, before, after in changed_columns(mutation)
        )
    return Markup("<br>").join(lines)


def _requirements(
    change: ChangeRequest, current: Activity, form: StepForm | None, moves: tuple[Move, ...]
) -> list[Requirement]:
    filled, needed = _count_filled(form, moves)
    attached = {document.item_key for document in change.documents}
    finished = {activity.step for activity in change.activities if not activity.is_open}
    found = []
    for item in required_items(change.sop.rules[change.step], change.position):
        name = f"{item.kind}-{item.key}"
        is_own = item.kind is ItemKind.RECORD and item.record_step in {None, change.step}
        if item.kind is ItemKind.DOCUMENT:
            there = item.key in attached
        elif item.kind is ItemKind.EQUIPMENT:
            there = bool(form[name].data) if form is not None else item.key in (current.equipment or ())
        else:
            there = filled == needed if is_own else item.record_step in finished
        found.append(Requirement(item, name, there, is_own))
    return found


def _decision_facts(change: ChangeRequest) -> list[Fact]:
    """Return what the head weighs: the risk, the way back, and the manager's evaluation."""
    facts = [
        Fact(_("Risk of not changing"), _text_or_nothing(change.risk_if_not_done)),
        Fact(_("Impact"), _text_or_nothing(change.impact)),
        Fact(_("Roll back plan"), _text_or_nothing(change.rollback_plan)),
    ]
    evaluation = next((one for one in reversed(change.activities) if isinstance(one, Evaluation)), None)
    if evaluation is not None:
        facts.append(Fact(_("Risk"), tr(evaluation.risk.title) if evaluation.risk else EMPTY_CELL))
        facts.append(Fact(_("Evaluation findings"), _text_or_nothing(evaluation.findings)))
    refusals = [one for one in change.activities if isinstance(one, Approval) and one.outcome is Outcome.REFUSED]
    if refusals:
        facts.append(Fact(_("Reason for the last refusal"), _text_or_nothing(refusals[-1].reason)))
        if evaluation is not None and evaluation.answer_to_refusal:
            facts.append(Fact(_("Response to the refusal"), _text_or_nothing(evaluation.answer_to_refusal)))
    facts.extend(
        Fact(_("Reason for the emergency"), _text_or_nothing(one.reason))
        for one in change.activities
        if one.outcome is Outcome.EMERGENCY and one.reason
    )
    return facts


def _text_or_nothing(text: str | None) -> Markup | str:
    return collapsible_text(text) if text else EMPTY_CELL
