"""What a step's form sends, on its way to the door: fields, ticks and files read once for moving and for keeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from flask_login import current_user

from lpse_admin.documents import files
from lpse_admin.errors import Incomplete, Malformed, NoSuchMove, NotAllowed, Refused, TooLarge
from lpse_admin.i18n import Message, _
from models.audit import trail
from models.database import db
from models.documents.document import attach
from views.app.clock import now
from views.changes.step_form import StepForm, UnreadableValues, sent_as, step_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.changes.change import ChangeRequest

_MOST_DIGITS = 9


def sent_version() -> int | None:
    """Return the version of the request that the form was made from; raises Malformed for anything else."""
    text = request.form.get("version", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        raise Malformed(_("The form does not say which version of the request it was made from."))
    return int(text)


def sent_form(change: ChangeRequest) -> StepForm:
    """Return the open step's form with what was sent, for its actor only, and only from the present version."""
    if change.current is None:
        raise NoSuchMove(_("This request is closed; nothing more can be done on it."))
    if sent_version() not in {None, change.version}:  # whoever moved it themselves a moment ago is told that, not 403
        raise NoSuchMove(_("Somebody else was faster: this request has moved or changed since you opened it."))
    if refusal := change.bar(current_user, now()):
        raise NotAllowed(refusal)
    return step_form(change, change.current, request.form)


def attach_files(change: ChangeRequest, form: StepForm, *, only_sound: bool = False) -> None:
    """Attach the files that came with the form to the open step; ``only_sound`` passes over the bad ones.

    Raises TooLarge where one is, else Incomplete, with a sentence for each bad one.
    """
    faults: dict[str, Message] = {}
    trouble: type[Refused] = Incomplete
    for key, file in form.files(request.files):
        content = file.read(files.MOST_BYTES + 1)
        file.seek(0)
        try:
            checked = files.inspect(file.filename or "", content)
        except (Incomplete, TooLarge) as refusal:
            faults[f"document-{key}" if key else "document"] = refusal.message
            trouble = TooLarge if isinstance(refusal, TooLarge) else trouble
            continue
        attach(
            db.session(),
            name=checked.name,
            media_type=checked.type.media_type,
            content=content,
            by=current_user,
            now=now(),
            item_key=key,
            activity=change.current,
        )
    if faults and not only_sound:
        raise trouble(_("A file cannot be attached."), fields=faults)


def named_as_sent(refusal: Refused) -> Refused:
    """Return ``refusal`` with its fields under the names that a form sends them by."""
    refusal.fields = {sent_as(key): message for key, message in refusal.fields.items()}
    return refusal


def keep(load: Callable[[], ChangeRequest]) -> None:
    """Keep what was typed and attached without moving; raises Incomplete or TooLarge for the rest, the sound part kept.

    ``load`` returns the request as it is stored now.
    """
    session = db.session()
    change = load()
    form = sent_form(change)
    trouble: Refused | None = None
    try:
        values = form.values(request.form)
    except UnreadableValues as refusal:
        values, trouble = refusal.readable, refusal
    values.pop("reason", None)
    try:
        _save(change, form, values)
    except (Incomplete, TooLarge) as refusal:
        trouble = refusal
        session.rollback()
        change = load()
        sound = {key: value for key, value in values.items() if key not in refusal.fields}
        _save(change, form, sound, only_sound=True)
    trail.give(session, action="change.save")
    session.commit()
    if trouble is not None:
        raise trouble


def _save(change: ChangeRequest, form: StepForm, values: dict[str, object], *, only_sound: bool = False) -> None:
    attach_files(change, form, only_sound=only_sound)
    change.save(current_user, now=now(), values=values, equipment=form.equipment(), version=sent_version())
