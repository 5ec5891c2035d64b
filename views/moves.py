"""What a step's form sends, on its way to the door: fields, ticks and files read once for moving and for keeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from flask_login import current_user

from lpse_admin import files
from lpse_admin.errors import Incomplete, Malformed, NoSuchMove, NotAllowed
from lpse_admin.message import Message, _
from models import audit
from models.database import db
from models.document import attach
from views.clock import now
from views.step_form import StepForm, UnreadableValues, step_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.change import ChangeRequest

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
    """Return the open step's form with what was sent, for its actor only."""
    if change.current is None:
        raise NoSuchMove(_("This request is closed; nothing more can be done on it."))
    if refusal := change.bar(current_user, now()):
        raise NotAllowed(refusal)
    return step_form(change, change.current, request.form)


def attach_files(change: ChangeRequest, form: StepForm) -> None:
    """Attach the files that came with the form to the open step; raises Incomplete with a sentence for each bad one."""
    faults: dict[str, Message] = {}
    for key, file in form.files(request.files):
        content = file.read(files.MOST_BYTES + 1)
        file.seek(0)
        try:
            checked = files.inspect(file.filename or "", content)
        except Incomplete as refusal:
            faults[f"document-{key}" if key else "document"] = refusal.message
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
    if faults:
        raise Incomplete(_("A file cannot be attached."), fields=faults)


def keep(load: Callable[[], ChangeRequest]) -> None:
    """Keep what was typed and attached without moving; raises Incomplete for the rest once the sound part is kept.

    ``load`` returns the request as it is stored now.
    """
    session = db.session()
    change = load()
    form = sent_form(change)
    trouble: Incomplete | None = None
    try:
        values = form.values(request.form)
    except UnreadableValues as refusal:
        values, trouble = refusal.readable, refusal
    values.pop("reason", None)
    try:
        _save(change, form, values)
    except Incomplete as refusal:
        trouble = refusal
        session.rollback()
        change = load()
        sound = {key: value for key, value in values.items() if key not in refusal.fields}
        _save(change, form, sound, with_files=not any(name.startswith("document") for name in refusal.fields))
    audit.give(session, action="change.save")
    session.commit()
    if trouble is not None:
        raise trouble


def _save(change: ChangeRequest, form: StepForm, values: dict[str, object], *, with_files: bool = True) -> None:
    if with_files:
        attach_files(change, form)
    change.save(current_user, now=now(), values=values, equipment=form.equipment(), version=sent_version())
