"""The submitted form of a step: fields, ticked equipment and files, parsed once for a move or for saving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from lpse_admin.documents.file_types import MAX_FILE_BYTES
from lpse_admin.errors import FileTooLarge, Malformed, NotFound, Refused, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.sop import ItemKind
from lpse_admin.workflow.record_fields import REASON_FIELD
from models.audit import trail
from models.changes.assets import affected
from models.changes.change import ChangeRequest
from models.changes.loading import load_change, steps_of
from models.changes.moves.case_file import CaseFile, open_case, read_case
from models.changes.moves.transition import Given, advance, save_valid
from models.database import db
from models.documents.document import attach
from models.forms.pending_upload import remove_uploads_of
from models.scope import visible
from views.app.access import current_delegation, get_current_user, is_acting_head
from views.app.clock import now
from views.changes.steps.fields import field_key, form_field_name
from views.changes.steps.form import InvalidFieldValues, build_step_form
from views.forms.base import CONFIRM_PREFIX
from views.forms.once import keep_submission, returned_form_id
from views.forms.recovery import require_resubmit
from views.forms.scanning import check_file
from views.forms.uploads import KeptFile, keep_files

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from lpse_admin.sop.steps import Outcome
    from models.changes.steps.activity import Activity

_MAX_DIGITS = 9
_MIB = 1024 * 1024
#: The most that the files of one form may have together.
MAX_FORM_BYTES = 64 * _MIB


def version_from_request() -> int | None:
    """Return the version of the request that the form was rendered from. Raises Malformed if it is not a number."""
    text = request.form.get("version", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
        raise Malformed(_("The form does not state the version of the request."))
    return int(text)


def locked_case(change_id: int, visible: ColumnElement[bool]) -> CaseFile:
    """Lock a request and return its case file for the current user.

    Raises NotFound (404) if it is not ``visible``, and NoSuchMove (409) if it is closed or has another version than
    the form.
    """
    change = load_change(db.session(), change_id, visible, lock=True)
    if change is None:
        raise NotFound(_("There is no such record, or you may not see it."))
    return open_case(
        change,
        get_current_user(),
        now(),
        version=version_from_request(),
        delegation=current_delegation(),
        is_locked=True,
    )


def current_case(change_id: int) -> CaseFile:
    """Return the case file of a request for the current user, without a lock. Raises NotFound if it is not visible."""
    scope = visible(ChangeRequest, get_current_user(), is_acting_head=is_acting_head())
    change = load_change(db.session(), change_id, scope)
    if change is None:
        raise NotFound(_("There is no such record, or you may not see it."))
    steps = steps_of(db.session(), change_id)
    return read_case(change, get_current_user(), now(), delegation=current_delegation(), visits=steps)


class SentStep:
    """The submitted form of a step."""

    def __init__(self, case: CaseFile) -> None:
        """Parse the form. Raises NotAllowed (403) if the current user is not the step's actor."""
        case.require_actor()
        self.case = case
        self.form = build_step_form(case, request.form)
        self.refusal: Refused | None = None
        self.file_refusal: Refused | None = None
        try:
            self.values = self.form.values(request.form)
        except InvalidFieldValues as refusal:
            self.values, self.refusal = refusal.valid_values, refusal
        self.affected = self._read_affected()
        self._is_attached = False

    def given(self) -> Given:
        """Attach the files and return the values, with the errors of what cannot be read or attached."""
        require_resubmit()
        self._store_affected()
        self.file_refusal = self._attach()
        refused = (self.refusal, self.file_refusal)
        errors = {key: error for one in refused if one is not None for key, error in one.field_errors.items()}
        return Given(self.values, self.form.ticked_equipment(), errors, confirmed_questions())

    def advance(self, outcome: Outcome) -> Activity:
        """Make the move. Raises what ``transition.advance`` raises, FileTooLarge for a file with all other errors."""
        try:
            return advance(self.case, outcome, self.given())
        except ValidationFailed as refusal:
            if not isinstance(self.file_refusal, FileTooLarge):
                raise
            raise FileTooLarge(self.file_refusal.message, field_errors=refusal.field_errors) from None

    def save_valid(self, *, action: str = "change.save", location: str | None = None) -> Refused | None:
        """Save and commit the valid values without a move, and return the error for the others.

        ``location`` is where who sends the form again is led, if there is no error.
        """
        values = {key: value for key, value in self.values.items() if key != REASON_FIELD.key}
        refusal = None if self._is_attached else self._attach()
        unread = self.refusal.field_errors if self.refusal else {}
        self._store_affected()
        errors = save_valid(self.case, Given(values, self.form.ticked_equipment(), unread))
        if errors:
            refusal = refusal or ValidationFailed(_("Some of the values entered cannot be saved."))
            refusal.field_errors = {**errors, **refusal.field_errors}
        session = db.session()
        trail.update_audit_context(session, action=action)
        remove_uploads_of(session, get_current_user().id, returned_form_id())  # they were attached or refused
        if refusal is None and location is not None:
            keep_submission(location)
        session.commit()
        return refusal

    def _read_affected(self) -> list[affected.Affected] | None:
        """Return the assets and services that the form names; None if it does not ask, or names what is not there."""
        if affected.FIELD not in request.form or not self.form.has_field(affected.FIELD):
            return None
        try:
            return affected.read_lines(db.session(), self.case.change.agency_id, request.form[affected.FIELD])
        except ValidationFailed as refusal:
            errors = {**(self.refusal.field_errors if self.refusal else {}), **refusal.field_errors}
            self.refusal = InvalidFieldValues(self.values, errors)
            return None

    def _store_affected(self) -> None:
        if self.affected is not None:
            affected.store(self.case.change, self.case.require_open(), self.affected)

    def _attach(self) -> Refused | None:
        """Attach the valid files to the open step, and return the error for the others."""
        self._is_attached = True
        errors: dict[str, Message] = {}
        error_class: type[Refused] = ValidationFailed
        files = self.form.files(request.files)
        total = sum(len(file.content) for file in files)
        attached = 0
        for file in files:
            try:
                checked = check_file(file.name, file.content, self.form.accepted_types)
                _require_room(attached + len(file.content), total)
                attach(
                    db.session(),
                    name=checked.name,
                    media_type=checked.type.media_type,
                    content=file.content,
                    by=get_current_user(),
                    now=now(),
                    item_key=file.item_key,
                    activity=self.case.current,
                    is_locked=True,
                )
            except (ValidationFailed, FileTooLarge) as refusal:
                errors[file.field] = refusal.message
                error_class = FileTooLarge if isinstance(refusal, FileTooLarge) else error_class
                continue
            attached += len(file.content)
        return error_class(_("A file cannot be attached."), field_errors=errors) if errors else None


def _require_room(size: int, total: int) -> None:
    """Raise FileTooLarge if ``size`` is more than a form may have; ``total`` is that of all its files, in bytes."""
    if size > MAX_FORM_BYTES:
        raise FileTooLarge(
            _(
                "The files have %(size)s MB together, and at most %(most)s MB can be sent at a time. Those that fit"
                " were attached; send the others afterwards.",
                size=-(-total // _MIB),
                most=MAX_FORM_BYTES // _MIB,
            )
        )


def save_step_input(
    change_id: int, visible: ColumnElement[bool], *, action: str = "change.save", location: str | None = None
) -> None:
    """Save values and files without a move. Raises ValidationFailed or FileTooLarge for invalid ones."""
    if refusal := SentStep(locked_case(change_id, visible)).save_valid(action=action, location=location):
        raise refusal


def confirmed_questions() -> frozenset[str]:
    """Return the field keys of the questions that are ticked as "it is so"."""
    ticked = [name.removeprefix(CONFIRM_PREFIX) for name in request.form if name.startswith(CONFIRM_PREFIX)]
    return frozenset(field_key(name) for name in ticked)


def keep_step_files() -> None:
    """Keep the files that were sent with a step's form, which is not taken and comes back."""
    keep_files(
        returned_form_id(),
        (
            KeptFile(field, file.filename or "", file.read(MAX_FILE_BYTES + 1))
            for field, file in request.files.items(multi=True)
            if file.filename and (field == "document" or field.startswith(f"{ItemKind.DOCUMENT}-"))
        ),
        replace=False,
    )


def with_form_field_names(refusal: Refused) -> Refused:
    """Return ``refusal`` with the names of the form's fields as keys of its errors."""
    refusal.field_errors = {form_field_name(key): message for key, message in refusal.field_errors.items()}
    return refusal
