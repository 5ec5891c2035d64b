"""Files of a form that came back: kept for it, so that they need not be chosen again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request

from models.database import db
from models.forms.pending_upload import keep_upload, pending_uploads
from views.app.access import current_user_or_none
from views.app.clock import now
from views.forms.once import returned_form_id

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that was sent with the form before: the field it was chosen in, its name and its content."""

    field: str
    name: str
    content: bytes


def kept_files(field: str | None = None) -> list[KeptFile]:
    """Return the files that are kept for the form that was sent, of ``field`` or of all fields."""
    user = current_user_or_none() if request.method == "POST" else None
    rows = () if user is None else pending_uploads(db.session(), user.id, returned_form_id())
    return [KeptFile(row.field, row.name, row.content) for row in rows if field in {None, row.field}]


def keep_files(form_id: str, files: Iterable[KeptFile], *, replace: bool) -> None:
    """Keep files for the form ``form_id``, in a transaction of their own; ``replace`` those of the same field."""
    user, chosen = current_user_or_none(), list(files)
    if user is None or not chosen:
        return
    session = db.session()
    for file in chosen:
        keep_upload(session, user.id, form_id, file.field, file.name, file.content, now=now(), replace=replace)
    session.commit()
