"""The content of a request's page: its progress, its history, and what the current user may do now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request
from flask_babel import gettext
from markupsafe import Markup

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotFound
from lpse_admin.i18n import Message, _
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import REQUESTER_STEPS, Outcome, Step, Urgency
from lpse_admin.workflow.deviations import DeviationKind
from lpse_admin.workflow.record_fields import (
    REASON_FIELD,
    REQUEST_FIELDS,
    REQUEST_FIELDSETS,
    RecordField,
    fields_of_step,
)
from lpse_admin.workflow.transitions import required_items
from lpse_admin.worktime.limits import measure_stretches
from models.changes.assets.affected import affected_by
from models.changes.loading import ChangeDetails, details_of, load_change, steps_of
from models.changes.moves.case_file import read_case, with_record
from models.changes.steps.timing import is_obsolete, time_deviations
from models.changes.steps.undisposed import undisposed
from models.database import db
from models.retention.archive_reference import reference_of
from views.app.access import current_delegation, get_current_user
from views.app.clock import now
from views.changes.chart import ChangeChart
from views.changes.comments import ChangeComments
from views.changes.moves.assignment import Assignment
from views.changes.moves.consents import StepConsents
from views.changes.moves.decisions import decisions, outcomes_of_field
from views.changes.moves.material import Material, decision_material, format_field_value
from views.changes.moves.queue import next_in_queue
from views.changes.own_fields.facts import own_facts
from views.changes.steps.form import OWN_FIELDS_TITLE, build_step_form
from views.delegation.absent_head import absent_head, may_record_absence
from views.forms.folding import collapsible_text
from views.i18n.language import tr
from views.inventory.mutations import changed_columns
from views.listing.page.cells import Fact
from views.notifications.mails import change_notifications
from views.releases.conflicts import ReleaseConflicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import ColumnElement
    from wtforms import Field

    from lpse_admin.errors import Refused
    from lpse_admin.sop import Move, RequiredItem
    from lpse_admin.workflow.deviations import DetectedDeviation
    from lpse_admin.worktime.limits import Stretch
    from lpse_admin.worktime.step_timing import StepTiming
    from models.changes.assets.change_item import ChangeItem
    from models.changes.change import ChangeRequest
    from models.changes.loading import ReassignmentShown, StepShown
    from models.changes.moves.case_file import CaseFile
    from models.changes.steps.activity import EvaluationItem
    from models.deviations.deviation import Deviation
    from models.documents.document import Document
    from models.inventory.asset import AssetMutation
    from models.retention.archive_reference import ArchiveReference
    from views.changes.comments import CommentForm
    from views.changes.moves.assignment import ReassignForm
    from views.changes.moves.consents import ConsentForm
    from views.changes.moves.decisions import Decision
    from views.changes.moves.queue import NextInQueue
    from views.changes.steps.form import StepForm
    from views.delegation.absent_head import AbsentHead
    from views.notifications.mails import ChangeNotifications


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Facts under one heading."""

    title: Message
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class FinishedStep:
    """A finished step in the history; ``timing`` holds its waiting and handling times."""

    step: StepShown
    reason: Markup | None
    facts: tuple[Fact, ...]
    documents: tuple[Document, ...]
    reassignments: Sequence[ReassignmentShown]
    timing: StepTiming


@dataclass(frozen=True, slots=True)
class Requirement:
    """An item that the SOP requires at this step; ``is_current_record`` if it is the record in the form."""

    item: RequiredItem
    field_name: str
    is_met: bool
    is_current_record: bool


@dataclass(frozen=True, slots=True)
class SentForms:
    """Forms of the page beside the step's own that were sent and come back with their errors."""

    reassign: ReassignForm | None = None
    comment: CommentForm | None = None
    consent: ConsentForm | None = None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """The page's content; ``form`` is None for a user who cannot act on the current step."""

    case: CaseFile
    request_facts: tuple[FactGroup, ...]
    #: The assets and services that the change affects.
    affected: tuple[ChangeItem | EvaluationItem, ...]
    chart: ChangeChart
    finished_steps: tuple[FinishedStep, ...]
    current: StepShown | None
    reassignments: Sequence[ReassignmentShown]
    waiting_for: str | None
    reason_cannot_act: Message | None
    form: StepForm | None
    #: What else waits for the reader at the same step.
    queue: NextInQueue | None
    moves: tuple[Move, ...]
    decisions: tuple[Decision, ...]
    requirements: tuple[Requirement, ...]
    #: What the head decides on, and nothing of it again in ``request_facts``.
    material: tuple[Fact, ...]
    refusal: Refused | None
    documents: Sequence[Document]
    deviations: Sequence[Deviation]
    sop_revision: int | None
    #: The stretches of steps that have a limit, as far as the request went through them.
    stretches: tuple[Stretch, ...]
    #: Times and assignment of the current step.
    timing: StepTiming | None
    assignment: Assignment | None
    #: Deviations for the head to dispose of at this verification.
    undisposed: tuple[Deviation, ...]
    #: Delays that the executor has to explain, and deviations that no longer apply since the calendar changed.
    delays: tuple[DetectedDeviation, ...]
    outdated_deviation_ids: frozenset[int]
    #: Set while the request waits for an absent head.
    absent_head: AbsentHead | None
    may_record_absence: bool
    release_conflicts: ReleaseConflicts
    #: The comments on it; None for a request that is not saved yet.
    comments: ChangeComments | None
    #: Where it is filed in the archive application; None where nothing was noted.
    filed: ArchiveReference | None
    #: What others than the actor say to the steps; None where the SOP asks nobody.
    consents: StepConsents | None
    #: All notifications about the request, with their mails; None for requesters.
    notifications: ChangeNotifications | None

    @property
    def change(self) -> ChangeRequest:
        """The request."""
        return self.case.change

    @classmethod
    def read(
        cls,
        change_id: int,
        visible: ColumnElement[bool],
        *,
        refusal: Refused | None = None,
        is_typed: bool = False,
        sent: SentForms | None = None,
    ) -> ChangePage:
        """Return the page of a request for the current user.

        ``is_typed`` fills the form with the submitted values and adds the field errors of ``refusal``.
        Raises NotFound if the request is not visible.
        """
        session, sent = db.session(), sent or SentForms()
        change = load_change(session, change_id, visible)
        if change is None:
            raise NotFound(_("There is no such record, or you may not see it."))
        steps = steps_of(session, change_id)
        case = read_case(change, get_current_user(), now(), delegation=current_delegation(), visits=steps)
        form = None
        if case.reason_cannot_act is None:
            case = with_record(case)
            form = build_step_form(case, request.form if is_typed else None)
            if is_typed and refusal is not None:
                form.add_field_errors(refusal.field_errors)
        details = details_of(session, change, steps)
        return cls._of(case, details, form, refusal=refusal, sent=sent)

    @classmethod
    def of_new(cls, change: ChangeRequest) -> ChangePage:
        """Return the page of an unsaved request, for its requester."""
        case = with_record(
            read_case(change, get_current_user(), now(), delegation=current_delegation(), visits=change.activities)
        )
        return cls._of(case, ChangeDetails(), build_step_form(case))

    @classmethod
    def _of(
        cls,
        case: CaseFile,
        details: ChangeDetails,
        form: StepForm | None,
        *,
        refusal: Refused | None = None,
        sent: SentForms | None = None,
    ) -> ChangePage:
        change, rule = case.change, case.rule
        sent = sent or SentForms()
        material = decision_material(change, details) if form is not None else Material()
        current = next((step for step in details.steps if step.is_open), None)
        timing = None if current is None else case.timing(current)
        waits_for_head = current is not None and rule is not None and rule.actor is Role.HEAD
        waits_for = str(case.sop.actor_title(change.step)) if rule is not None else None
        moves = case.open_moves() if form is not None else ()
        return cls(
            case=case,
            request_facts=(*_request_facts(change, material.request_keys), *_own_facts_of_request(details)),
            affected=tuple(affected_by(change)) if change.id else (),
            chart=ChangeChart.of(case),
            finished_steps=tuple(_finished_steps(case, details)),
            current=current,
            reassignments=details.reassignments.get(current.id, ()) if current is not None else (),
            waiting_for=waits_for,
            reason_cannot_act=case.reason_cannot_act,
            form=form,
            queue=None if change.is_draft else next_in_queue(case, details.steps, can_act=form is not None),
            moves=moves,
            decisions=decisions(case.sop, moves, form) if form is not None else (),
            requirements=tuple(_requirements(case, details, form, moves)) if rule is not None else (),
            material=material.facts,
            refusal=refusal,
            documents=details.documents,
            deviations=details.deviations,
            sop_revision=details.sop_revision,
            stretches=() if change.is_draft else measure_stretches(case.calendar, case.sop, case.visits, case.now),
            timing=timing if not change.is_draft else None,
            assignment=Assignment.of(case, current, sent.reassign) if current is not None else None,
            delays=tuple(time_deviations(case, timing)) if form is not None and timing is not None else (),
            outdated_deviation_ids=frozenset(_outdated_deviations(case, details)),
            undisposed=tuple(undisposed(change)) if form is not None and change.step.kind is Step.VERIFICATION else (),
            absent_head=_absent_head(case, current, waits_for) if waits_for_head else None,
            may_record_absence=waits_for_head and may_record_absence(),
            release_conflicts=ReleaseConflicts.of(case, form),
            comments=None if change.is_draft else ChangeComments.of(change, sent.comment),
            consents=StepConsents.of(case, sent.consent),
            filed=None if change.is_draft else reference_of(db.session(), change.id),
            notifications=change_notifications(change, case.actor),
        )

    def is_required(self, field: RecordField) -> bool:
        """Whether every open move requires this field."""
        return bool(self.moves) and all(move.outcome in field.required_for for move in self.moves)

    @property
    def is_requester_step(self) -> bool:
        """Whether the form is that of the request itself, which has a page of its own."""
        return self.change.step in REQUESTER_STEPS

    def outcomes_of_field_text(self, field: RecordField) -> str:
        """Return the outcomes that this field belongs to, space-separated; "" if it belongs to all of them."""
        return " ".join(sorted(outcomes_of_field(field, self.moves)))

    def is_required_in_its_group(self, field: RecordField) -> bool:
        """Whether every outcome under whose name this field stands requires it."""
        own = outcomes_of_field(field, self.moves)
        return bool(own) and own <= field.required_for

    def applies(self, field: RecordField) -> bool:
        """Whether this field applies to the request as it stands, or is filled in all the same."""
        when = _APPLIES_WHEN.get(field.key)
        return when is None or when(self.change) or (self.form is not None and self.form.is_filled(field))

    def reason_input(self) -> tuple[RecordField, Field]:
        """Return the reason of an outcome with its form field."""
        if self.form is None:
            raise ValueError("the page has no form")
        return self.form.reason or REASON_FIELD, self.form[REASON_FIELD.key]

    def fields_by_outcome(
        self, fields: Sequence[tuple[RecordField, Field]]
    ) -> list[tuple[tuple[Outcome, ...], list[tuple[RecordField, Field]]]]:
        """Return (outcomes, fields) of the fields that belong to some outcomes alone, in the SOP's order."""
        result: dict[tuple[Outcome, ...], list[tuple[RecordField, Field]]] = {}
        for one in fields:
            if self.applies(one[0]) and (own := outcomes_of_field(one[0], self.moves)):
                key = tuple(move.outcome for move in self.moves if move.outcome in own)
                result.setdefault(key, []).append(one)
        return list(result.items())

    def fields_of_decisions(self) -> frozenset[str]:
        """Return the keys of the fields that stand beside the button of their outcome."""
        return frozenset(field.key for decision in self.decisions for field in decision.fields)

    def outcomes_requiring_text(self, field: RecordField) -> str:
        """Return the outcomes that require this field, space-separated, for a data attribute."""
        return " ".join(move.outcome for move in self.moves if move.outcome in field.required_for)

    def count_met(self) -> int:
        """Return how many of the SOP's requirements are met."""
        return sum(requirement.is_met for requirement in self.requirements)

    def count_filled(self) -> tuple[int, int]:
        """Return (filled, all) of the fields that the first open move requires."""
        return _count_filled(self.form, self.moves)

    def is_required_by_first_move(self, field: RecordField) -> bool:
        """Whether the first open move requires this field."""
        return bool(self.moves) and self.moves[0].outcome in field.required_for

    def outcomes_requiring(self, field: RecordField) -> list[Outcome]:
        """Return the outcomes that require this field; an empty list if all open moves do."""
        some = [move.outcome for move in self.moves if move.outcome in field.required_for]
        return some if len(some) < len(self.moves) else []

    def standard_text(self) -> str:
        """Return the SOP's standard time for the current step."""
        rule = self.case.rule
        return rule.standard.text if rule and rule.standard else gettext("not specified")


#: Fields that only some requests have a use for.
_APPLIES_WHEN: dict[str, Callable[[ChangeRequest], bool]] = {
    "answer_to_refusal": lambda change: change.is_refused,
    "actual_at": lambda change: change.urgency is Urgency.EMERGENCY,
}


def _count_filled(form: StepForm | None, moves: tuple[Move, ...]) -> tuple[int, int]:
    if form is None or not moves:
        return 0, 0
    required = (field for field, _input in form.record_fields() if moves[0].outcome in field.required_for)
    needed = [field for field in required if form.asks_for(field)]
    return sum(form.is_filled(field) for field in needed), len(needed)


def _absent_head(case: CaseFile, current: StepShown | None, head: str | None) -> AbsentHead | None:
    arrived = current.arrived_at if current else None
    return absent_head(case.change.agency, head=head, arrived=arrived, position=case.position)


def _outdated_deviations(case: CaseFile, details: ChangeDetails) -> Iterator[int]:
    """Yield the ids of the deviations from a standard time that no longer are any."""
    steps = {step.id: step for step in details.steps}
    for one in details.deviations:
        if one.kind is DeviationKind.TIME and is_obsolete(one, case.timing(steps[one.activity_id])):
            yield one.id


def _request_facts(change: ChangeRequest, said: frozenset[str]) -> tuple[FactGroup, ...]:
    """Return the filled fields of a request in groups.

    Without title and linked request, which are in the page's heading, and the keys that are ``said`` elsewhere.
    """
    fields = {field.key: field for field in REQUEST_FIELDS if field.key not in {"title", "linked_change_id", *said}}
    groups = (
        FactGroup(
            title,
            tuple(
                Fact(fields[key].label, format_field_value(value))
                for key in keys
                if key in fields and (value := getattr(change, key)) not in (None, "", [])
            ),
        )
        for title, keys in REQUEST_FIELDSETS
    )
    return tuple(group for group in groups if group.facts)


def _own_facts_of_request(details: ChangeDetails) -> list[FactGroup]:
    """Return what the request says in the fields that its SOP asks for, as last submitted or saved."""
    last = next((step for step in reversed(details.steps) if step.step in REQUESTER_STEPS), None)
    facts = tuple(own_facts(last)) if last is not None else ()
    return [FactGroup(OWN_FIELDS_TITLE, facts)] if facts else []


def _finished_steps(case: CaseFile, details: ChangeDetails) -> list[FinishedStep]:
    by_step: dict[int, list[Document]] = {}
    for document in details.documents:
        if document.activity_id is not None:
            by_step.setdefault(document.activity_id, []).append(document)
    return [
        FinishedStep(
            step,
            collapsible_text(step.reason) if step.reason else None,
            tuple(_record_facts(step)),
            tuple(by_step.get(step.id, ())),
            details.reassignments.get(step.id, ()),
            case.timing(step),
        )
        for step in details.steps
        if not step.is_open
    ]


def _record_facts(step: StepShown) -> list[Fact]:
    values = step.record
    if step.step in REQUESTER_STEPS:
        return []
    if step.step.kind is Step.ASSET_UPDATE:
        notes = [Fact(_("Notes"), collapsible_text(values["notes"]))] if values["notes"] else []
        return [Fact(_("Mutations"), _mutation_lines(values["mutations"])), *notes, *own_facts(step)]
    results = [
        Fact(field.label, format_field_value(values[field.key]))
        for field in fields_of_step(step.step)
        if values[field.key] not in (None, "", [])
    ]
    return [*results, *own_facts(step)]


def _mutation_lines(mutations: Sequence[AssetMutation]) -> Markup:
    """Return each asset with its changed columns, their values before and after."""
    lines = []
    for mutation in mutations:
        lines.append(Markup("{}: {}").format(tr(mutation.kind.title), mutation.asset))
        lines.extend(
            Markup("{}: {} → {}").format(tr(heading), before, after)
            for heading, before, after in changed_columns(mutation)
        )
    return Markup("<br>").join(lines)


def _requirements(
    case: CaseFile, details: ChangeDetails, form: StepForm | None, moves: tuple[Move, ...]
) -> list[Requirement]:
    filled, needed = _count_filled(form, moves)
    attached = {document.item_key for document in details.documents}
    finished = {step.step for step in details.steps if not step.is_open}
    ticked = next((step.equipment for step in details.steps if step.is_open), ())
    requirements = []
    for item in required_items(case.sop.rules[case.position.step], case.position):
        name = f"{item.kind}-{item.key}"
        is_own = item.kind is ItemKind.RECORD and item.record_step in {None, case.position.step}
        if item.kind is ItemKind.DOCUMENT:
            is_met = item.key in attached
        elif item.kind is ItemKind.EQUIPMENT:
            is_met = bool(form[name].data) if form is not None else item.key in ticked
        else:
            is_met = filled == needed if is_own else item.record_step in finished
        requirements.append(Requirement(item, name, is_met, is_own))
    return requirements
