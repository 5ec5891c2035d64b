"""Entering what an assessor found, the action on it, and what the assessor says of the action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.notifications.events import Event
from lpse_admin.parsing.blank import shorten, strip_blank
from models.accounts.permission import require_permission
from models.accounts.user import User
from models.assessment.finding import ActionStatus, Agreement, AssessorFinding, Priority
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH, session_of
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Release
from models.inventory.lookup import find_asset
from models.notifications.notification import notify
from models.office.agency import Agency, lock_agency
from models.sops.sop import SopRevision
from models.validation import is_plausible_date, text_error

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

_ENTERED = AuditAction("finding.enter", _("Entered a finding of an assessor"))
_CORRECTED = AuditAction("finding.correct", _("Corrected a finding of an assessor"))
_ACTED = AuditAction("finding.act", _("Recorded the action on a finding"))
_ANSWERED = AuditAction("finding.agree", _("Recorded the assessor's answer to an action"))
_NOT_ALLOWED = _("Only the head, a change manager or an administrator records findings.")
_INVALID = _("The finding cannot be saved with these values.")


class Subject(LabelledEnum):
    """What a finding can be about."""

    NOTHING = "none", _("Nothing in the register")
    CHANGE = "change", _("A request")
    RELEASE = "release", _("The release of a request")
    ASSET = "asset", _("An asset")
    SOP = "sop", _("An SOP")


@dataclass(frozen=True, slots=True)
class FindingValues:
    """A finding as it is typed; ``reference`` says which request, asset or SOP the ``subject`` is."""

    number: str
    found_on: dt.date | None
    assessor: str
    clause: str
    finding: str
    improvement: str
    priority: Priority
    due_on: dt.date | None
    subject: Subject = Subject.NOTHING
    reference: str = ""

    def errors(self) -> dict[str, Message]:
        """Return an error for each wrong field."""
        results = {
            "number": text_error(self.number, required_label=_("Number of the finding"), max_length=SHORT_TEXT_LENGTH),
            "assessor": text_error(self.assessor, required_label=_("Assessor"), max_length=SHORT_TEXT_LENGTH),
            "clause": text_error(self.clause, max_length=SHORT_TEXT_LENGTH),
            "finding": text_error(self.finding, required_label=_("Finding")),
            "improvement": text_error(self.improvement, required_label=_("Request for improvement")),
            "found_on": _date_error(self.found_on),
            "due_on": _date_error(self.due_on),
        }
        if self.found_on and self.due_on and self.due_on < self.found_on:
            results["due_on"] = _("The target date is before the day of the finding.")
        return {key: error for key, error in results.items() if error}

    def apply_to(self, row: AssessorFinding) -> None:
        """Write what was typed into the row, without its subject."""
        if self.found_on is None or self.due_on is None:
            raise ValueError("the dates have not been validated")
        row.number, row.assessor = strip_blank(self.number), strip_blank(self.assessor)
        row.clause = strip_blank(self.clause) or None
        row.finding, row.improvement = strip_blank(self.finding), strip_blank(self.improvement)
        row.found_on, row.due_on, row.priority = self.found_on, self.due_on, self.priority


def _date_error(day: dt.date | None) -> Message | None:
    return None if day is not None and is_plausible_date(day) else _("This is not a date.")


def enter_finding(
    session: Session, *, by: User, now: dt.datetime, entry: FindingValues, agency: Agency | None = None
) -> AssessorFinding:
    """Enter a finding; raises NotAllowed, ValidationFailed with an error for each wrong field."""
    office = agency or by.agency
    require_permission(by, Verb.CREATE, Resource.FINDING, office.id if office else None, _NOT_ALLOWED)
    if office is None:
        raise ValidationFailed(_INVALID)
    lock_agency(session, office.id)
    row = AssessorFinding(agency_id=office.id, entered_by_id=by.id, entered_at=now)
    _write(session, row, entry)
    session.add(row)
    _ENTERED.describe(session)
    session.flush()
    return row


def correct_finding(finding: AssessorFinding, *, by: User, now: dt.datetime, entry: FindingValues) -> None:
    """Correct what the assessor said; raises NotAllowed, NoSuchMove once there is an action, ValidationFailed."""
    require_permission(by, Verb.EDIT, Resource.FINDING, finding.agency_id, _NOT_ALLOWED)
    session = _lock(finding)
    if not finding.can_be_corrected_by(by, now):
        raise NoSuchMove(_("There is an action on this finding: it stays as the assessor said it."))
    _write(session, finding, entry)
    _CORRECTED.describe(session)
    session.flush()


def _write(session: Session, row: AssessorFinding, entry: FindingValues) -> None:
    errors = entry.errors()
    with session.no_autoflush:
        same = select(AssessorFinding.id).where(
            AssessorFinding.agency_id == row.agency_id, AssessorFinding.number == strip_blank(entry.number)
        )
        if any(id_ != row.id for id_ in session.scalars(same)):
            errors.setdefault("number", _("There is a finding of this number."))
        try:
            subject = _find_subject(session, row.agency_id, entry)
        except ValidationFailed as refusal:
            errors["reference"] = refusal.message
    if errors:
        raise ValidationFailed(_INVALID, field_errors=errors)
    entry.apply_to(row)
    row.change_id = row.release_id = row.asset_id = row.sop_id = None
    for column, id_ in subject.items():
        setattr(row, column, id_)


def _find_subject(session: Session, agency_id: int, entry: FindingValues) -> dict[str, int]:
    """Return the column and the key of what a finding is about. Raises ValidationFailed if there is no such thing."""
    text = strip_blank(entry.reference)
    if entry.subject is Subject.NOTHING:
        return {}
    if not text:
        raise ValidationFailed(_("State which one: a number, a code or a name."))
    if entry.subject is Subject.ASSET:
        return {"asset_id": find_asset(session, agency_id, text).id}
    if entry.subject is Subject.SOP:
        is_named = or_(func.lower(SopRevision.key) == text.lower(), func.lower(SopRevision.number) == text.lower())
        sops = select(SopRevision.id).where(SopRevision.agency_id == agency_id, is_named)
        result = session.scalar(sops.order_by(SopRevision.id.desc()).limit(1))
        column = "sop_id"
    else:
        change = select(ChangeRequest.id).where(
            ChangeRequest.agency_id == agency_id, func.lower(ChangeRequest.number) == text.lower()
        )
        release = select(Release.id).where(Release.change_id.in_(change)).order_by(Release.id.desc()).limit(1)
        is_release = entry.subject is Subject.RELEASE
        result = session.scalar(release if is_release else change)
        column = "release_id" if is_release else "change_id"
    if result is None:
        raise ValidationFailed(_("“%(value)s” is not in the register.", value=shorten(text)))
    return {column: result}


@dataclass(frozen=True, slots=True)
class ActionValues:
    """An action as it is typed: who carries it out, how far it is, and when it was carried out."""

    action: str
    action_by: User | None
    status: ActionStatus
    action_on: dt.date | None

    def errors(self, agency_id: int) -> dict[str, Message]:
        """Return an error for each wrong field."""
        is_colleague = self.action_by is not None and self.action_by.agency_id == agency_id
        results = {
            "action": text_error(self.action, required_label=_("Action")),
            "person_id": None if is_colleague else _("State who carries it out."),
            "action_on": _date_error(self.action_on) if self.status is ActionStatus.DONE else None,
        }
        return {key: error for key, error in results.items() if error}


@dataclass(frozen=True, slots=True)
class AgreementValues:
    """What the assessor says of an action, as it is typed."""

    agreement: Agreement
    agreed_by: str
    agreed_on: dt.date | None
    note: str

    def errors(self) -> dict[str, Message]:
        """Return an error for each wrong field."""
        note = _("Note of the assessor") if self.agreement is Agreement.NOT_AGREED else None
        results = {
            "agreed_by": text_error(self.agreed_by, required_label=_("Assessor"), max_length=SHORT_TEXT_LENGTH),
            "agreed_on": _date_error(self.agreed_on),
            "note": text_error(self.note, required_label=note),
        }
        return {key: error for key, error in results.items() if error}


def record_action(finding: AssessorFinding, *, by: User, now: dt.datetime, entry: ActionValues) -> None:
    """Record the action, who carries it out and how far it is; an answer of the assessor to a former one goes.

    Raises NotAllowed, NoSuchMove once the assessor agreed, ValidationFailed.
    """
    require_permission(by, Verb.EDIT, Resource.FINDING, finding.agency_id, _NOT_ALLOWED)
    session = _lock(finding)
    if not finding.can_be_acted_on_by(by, now):
        raise NoSuchMove(_("The assessor agreed: this finding is closed."))
    if errors := entry.errors(finding.agency_id):
        raise ValidationFailed(_INVALID, field_errors=errors)
    former = finding.action_by_id
    finding.action, finding.action_by, finding.action_status = strip_blank(entry.action), entry.action_by, entry.status
    finding.action_on = entry.action_on if entry.status is ActionStatus.DONE else None
    finding.action_recorded_by_id, finding.action_recorded_at = by.id, now
    finding.agreement = finding.agreement_note = finding.agreed_by = finding.agreed_on = None
    finding.agreement_recorded_by_id = finding.agreement_recorded_by_name = finding.agreement_recorded_at = None
    _ACTED.describe(session)
    session.flush()
    if (person := finding.action_by) is not None and person.id not in {by.id, former}:
        notify(session, Event.FINDING_ASSIGNED, [person], now=now, key=f"finding-{finding.id}-{person.id}",
               finding=finding.number, action=finding.action, target=finding.due_on)  # fmt: skip


def record_agreement(finding: AssessorFinding, *, by: User, now: dt.datetime, entry: AgreementValues) -> None:
    """Record what the assessor says of the action; raises NotAllowed, NoSuchMove, ValidationFailed."""
    require_permission(by, Verb.EDIT, Resource.FINDING, finding.agency_id, _NOT_ALLOWED)
    session = _lock(finding)
    if not finding.can_be_agreed_by(by, now):
        raise NoSuchMove(_("There is no action that was carried out and waits for the assessor."))
    if errors := entry.errors():
        raise ValidationFailed(_INVALID, field_errors=errors)
    finding.agreement, finding.agreed_on = entry.agreement, entry.agreed_on
    finding.agreed_by = strip_blank(entry.agreed_by)
    finding.agreement_note = strip_blank(entry.note) or None
    finding.agreement_recorded_by_id, finding.agreement_recorded_at = by.id, now
    _ANSWERED.describe(session)
    session.flush()


def _lock(finding: AssessorFinding) -> Session:
    session = session_of(finding)
    session.flush()
    session.refresh(finding, with_for_update=True)
    return session
