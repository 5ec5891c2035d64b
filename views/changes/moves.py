"""What a step's form sends, on its way to the door: fields, ticks and files read once for moving and for keeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from lpse_admin.documents.file_types import MAX_FILE_BYTES
from lpse_admin.documents.inspection import inspect_file
from lpse_admin.errors import FileTooLarge, Malformed, NoSuchMove, NotAllowed, Refused, ValidationFailed
from lpse_admin.i18n import Message, _
from models.audit import trail
from models.database import db
from models.documents.document import attach
from views.app.access import get_current_user
from views.app.clock import now
from views.changes.step_form import InvalidFieldValues, StepForm, build_step_form, form_field_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.changes.change import ChangeRequest

_MAX_DIGITS = 9


def version_from_request() -> int | None:
    """Return the version of the request that the form was made from; raises Malformed for anything else."""
    text = request.form.get("version", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
        raise Malformed(_("The form does not state the version of the request."))
    return int(text)


def step_form_from_request(change: ChangeRequest) -> StepForm:
    """Return the open step's form with what was sent, for its actor only, and only from the present version."""
    if change.current_activity is None:
        raise NoSuchMove(_("This request is closed; no further action is possible."))
    if version_from_request() not in {
        None,
        change.version,
    }:  # whoever moved it themselves a moment ago is told that, not 403
        raise NoSuchMove(_("Conflict: this request has been moved or changed since you opened it."))
    if refusal := change.reason_cannot_act(get_current_user(), now()):
        raise NotAllowed(refusal)
    return build_step_form(change, change.current_activity, request.form)


def attach_files(change: ChangeRequest, form: StepForm, *, skip_invalid: bool = False) -> None:
    """Attach the files that came with the form to the open step; ``skip_invalid`` passes over the bad ones.

    Raises TooLarge where one is, else Incomplete, with a sentence for each bad one.
    """
    faults: dict[str, Message] = {}
    trouble: type[Refused] = ValidationFailed
    for key, file in form.files(request.files):
        content = file.read(MAX_FILE_BYTES + 1)
        file.seek(0)
        try:
            checked = inspect_file(file.filename or "", content)
        except (ValidationFailed, FileTooLarge) as refusal:
            faults[f"document-{key}" if key else "document"] = refusal.message
            trouble = FileTooLarge if isinstance(refusal, FileTooLarge) else trouble
            continue
        attach(
            db.session(),
            name=checked.name,
            media_type=checked.type.media_type,
            content=content,
            by=get_current_user(),
            now=now(),
            item_key=key,
            activity=change.current_activity,
        )
    if faults and not skip_invalid:
        raise trouble(_("A file cannot be attached."), field_errors=faults)


def with_form_field_names(refusal: Refused) -> Refused:
    """Return ``refusal`` with its fields under the names that a form sends them by."""
    refusal.field_errors = {form_field_name(key): message for key, message in refusal.field_errors.items()}
    return refusal


def save_step_input(load: Callable[[], ChangeRequest]) -> None:
    """Keep what was typed and attached without moving; raises Incomplete or TooLarge for the rest, the sound part kept.

    ``load`` returns the request as it is stored now.
    """
    session = db.session()
    change = load()
    form = step_form_from_request(change)
    trouble: Refused | None = None
    try:
        values = form.values(request.form)
    except InvalidFieldValues as refusal:
        values, trouble = refusal.valid_values, refusal
    values.pop("reason", None)
    try:
        _save_values(change, form, values)
    except (ValidationFailed, FileTooLarge) as refusal:
        trouble = refusal
        session.rollback()
        change = load()
        sound = {key: value for key, value in values.items() if key not in refusal.field_errors}
        _save_values(change, form, sound, skip_invalid=True)
    trail.update_audit_context(session, action="change.save")
    session.commit()
    if trouble is not None:
        raise trouble


def _save_values(
    change: ChangeRequest, form: StepForm, values: dict[str, object], *, skip_invalid: bool = False
) -> None:
    attach_files(change, form, skip_invalid=skip_invalid)
    change.save(
        get_current_user(), now=now(), values=values, equipment=form.ticked_equipment(), version=version_from_request()
    )
