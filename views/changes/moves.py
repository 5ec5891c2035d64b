"""The submitted form of a step: fields, ticked equipment and files, parsed once for a move or for saving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from lpse_admin.documents.file_types import MAX_FILE_BYTES
from lpse_admin.documents.inspection import inspect_file
from lpse_admin.errors import FileTooLarge, Malformed, NotFound, Refused, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.workflow.record_fields import REASON_FIELD
from models.audit import trail
from models.changes.case_file import CaseFile, open_case, read_case
from models.changes.change import ChangeRequest
from models.changes.loading import load_change, steps_of
from models.changes.transition import Given, save
from models.database import db
from models.documents.document import attach
from models.scope import visible
from views.app.access import current_delegation, get_current_user, is_acting_head
from views.app.clock import now
from views.changes.step_form import InvalidFieldValues, build_step_form, form_field_name
from views.forms.recovery import require_resubmit

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_MAX_DIGITS = 9


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
        try:
            self.values = self.form.values(request.form)
        except InvalidFieldValues as refusal:
            self.values, self.refusal = refusal.valid_values, refusal
        self._is_attached = False

    def given(self) -> Given:
        """Attach the files and return the values. Raises ValidationFailed or FileTooLarge for invalid ones."""
        if self.refusal is not None:
            raise self.refusal
        require_resubmit()
        if refusal := self._attach():
            raise refusal
        return Given(self.values, self.form.ticked_equipment())

    def save_valid(self) -> Refused | None:
        """Save and commit the valid values without a move, and return the error for the others."""
        values = {key: value for key, value in self.values.items() if key != REASON_FIELD.key}
        refusal = (None if self._is_attached else self._attach()) or self.refusal
        try:
            save(self.case, Given(values, self.form.ticked_equipment()))
        except ValidationFailed as error:
            refusal = error
            valid = {key: value for key, value in values.items() if key not in error.field_errors}
            save(self.case, Given(valid, self.form.ticked_equipment()))
        session = db.session()
        trail.update_audit_context(session, action="change.save")
        session.commit()
        return refusal

    def _attach(self) -> Refused | None:
        """Attach the valid files to the open step, and return the error for the others."""
        self._is_attached = True
        errors: dict[str, Message] = {}
        error_class: type[Refused] = ValidationFailed
        for key, file in self.form.files(request.files):
            content = file.read(MAX_FILE_BYTES + 1)
            file.seek(0)
            try:
                checked = inspect_file(file.filename or "", content, self.form.accepted_types)
            except (ValidationFailed, FileTooLarge) as refusal:
                errors[f"document-{key}" if key else "document"] = refusal.message
                error_class = FileTooLarge if isinstance(refusal, FileTooLarge) else error_class
                continue
            attach(
                db.session(),
                name=checked.name,
                media_type=checked.type.media_type,
                content=content,
                by=get_current_user(),
                now=now(),
                item_key=key,
                activity=self.case.current,
                is_locked=True,
            )
        return error_class(_("A file cannot be attached."), field_errors=errors) if errors else None


def save_step_input(change_id: int, visible: ColumnElement[bool]) -> None:
    """Save values and files without a move. Raises ValidationFailed or FileTooLarge for invalid ones."""
    if refusal := SentStep(locked_case(change_id, visible)).save_valid():
        raise refusal


def with_form_field_names(refusal: Refused) -> Refused:
    """Return ``refusal`` with the names of the form's fields as keys of its errors."""
    refusal.field_errors = {form_field_name(key): message for key, message in refusal.field_errors.items()}
    return refusal
