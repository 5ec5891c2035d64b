"""A form that meets a lapsed login: what was typed goes with the login page and comes back to be sent again.

The program keeps nothing of it, and nothing is sent by itself: whoever logs in as the one who typed it is shown the
form again as it was, and presses its button anew (docs/decisions/2026-11-21-lapsed-login.md).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from flask import current_app, g, render_template, request, session
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.exceptions import HTTPException

from lpse_admin.documents.file_types import MAX_FILE_BYTES
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _
from models.database import db
from models.forms.pending_upload import keep_upload, pending_uploads
from views.app.clock import now
from views.forms.base import FORM_ID, is_form_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.accounts.user import User

View = TypeVar("View", bound="Callable[..., Any]")

_CSRF_FIELD = "csrf_token"
_RECOVERED_FIELD = "resumed"
#: How long what was typed may be on its way, and how old the page may be that it was typed into, in seconds.
_MAX_RECOVERY_SECONDS, _MAX_PAGE_SECONDS = 60 * 60, 7 * 24 * 60 * 60
#: The most that goes with a login, in characters, packed.
_MAX_LENGTH = 1024 * 1024
_EXCLUDED_FIELDS = (_CSRF_FIELD, _RECOVERED_FIELD)


@dataclass(frozen=True, slots=True)
class SubmittedForm:
    """What was typed, by whom, and where it was sent."""

    user_id: int
    url: str
    fields: tuple[tuple[str, str], ...]

    @property
    def form_id(self) -> str | None:
        """The id that its page gave the form."""
        result = dict(self.fields).get(FORM_ID, "")
        return result if is_form_id(result) else None

    def serialize(self) -> str | None:
        """Return it as signed text; None if it is too long to go with a login."""
        text = str(_serializer().dumps([self.user_id, self.url, self.fields]))
        return text if len(text) <= _MAX_LENGTH else None


def recoverable(view: View) -> View:
    """Mark a view whose form can be shown again after a new login: it calls ``require_resubmit`` before it commits."""
    vars(view)["is_recoverable"] = True
    return view


def is_recoverable(endpoint: str | None) -> bool:
    """Whether what is sent to this endpoint can be shown again after a new login."""
    return bool(getattr(current_app.view_functions.get(endpoint or ""), "is_recoverable", False))


def bind_csrf_token_to(user: User) -> None:
    """Let the token in every form of this session say whose it is."""
    session[_CSRF_FIELD] = f"{user.id}.{secrets.token_hex(20)}"
    g.pop(_CSRF_FIELD, None)  # one of the session before


def submitted_form() -> SubmittedForm | None:
    """Return what this request brought, if it came from a form of this program that can be shown again."""
    if request.method != "POST" or not is_recoverable(request.endpoint):
        return None
    try:
        writer_id = _user_id_from_token(request.form.get(_CSRF_FIELD, ""))
    except HTTPException:  # too large, or no form at all
        return None
    if writer_id is None:
        return None
    fields = [
        (name, text)
        for name, text in request.form.items(multi=True)
        if name not in _EXCLUDED_FIELDS and "password" not in name and text
    ]
    return SubmittedForm(writer_id, request.full_path.rstrip("?"), tuple(fields))


def load_submitted_form(text: str | None) -> SubmittedForm | None:
    """Return what came along with a login; None where nothing did, or it is too old or not ours."""
    try:
        writer_id, address, fields = _serializer().loads(text or "", max_age=_MAX_RECOVERY_SECONDS)
    except BadData:
        return None
    return SubmittedForm(writer_id, address, tuple((name, value) for name, value in fields))


def recovery_page(form: SubmittedForm) -> str:
    """Return the page that leads back to the form with what was typed and the files that were chosen."""
    files = names_of_kept_files(form)
    return render_template("app/form_recovery.html", typed=form, files=files, back=_RECOVERED_FIELD)


def keep_files_of_lapsed(form: SubmittedForm) -> None:
    """Keep the files of a form that met a lapsed login, for the one who filled it in; none that is too large.

    The token of the form says that it came from a page of theirs; of each user no more is kept than of other forms.
    """
    sent = [(name, file) for name, file in request.files.items(multi=True) if file.filename]
    if form.form_id is None or not sent:
        return
    session = db.session()
    for field, file in sent:
        content = file.read(MAX_FILE_BYTES + 1)
        if len(content) <= MAX_FILE_BYTES:
            name = file.filename or ""
            keep_upload(session, form.user_id, form.form_id, field, name, content, now=now(), replace=False)
    session.commit()


def names_of_kept_files(form: SubmittedForm) -> list[str]:
    """Return the names of the files that are kept for a form that met a lapsed login."""
    if form.form_id is None:
        return []
    return [row.name for row in pending_uploads(db.session(), form.user_id, form.form_id)]


def require_resubmit() -> None:
    """Refuse, once, what came back after a lapsed login: its form is shown as it was, to be looked at and sent."""
    if request.form.get(_RECOVERED_FIELD):
        raise ValidationFailed(
            _("Your login had expired. This is what you had entered: check it and its files, and send it.")
        )


def _user_id_from_token(token: str) -> int | None:
    """Return whose form a token comes from, as ``sign_forms_of`` put it."""
    signer = URLSafeTimedSerializer(_secret_key(), salt="wtf-csrf-token")  # Flask-WTF's own
    try:
        writer, dot, _rest = str(signer.loads(token, max_age=_MAX_PAGE_SECONDS)).partition(".")
    except BadData:
        return None
    return int(writer) if dot and writer.isdigit() else None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_secret_key(), salt="lpse-typed")


def _secret_key() -> str | bytes:
    key: str | bytes = current_app.config["SECRET_KEY"]
    return key


__all__ = [
    "SubmittedForm",
    "bind_csrf_token_to",
    "is_recoverable",
    "keep_files_of_lapsed",
    "load_submitted_form",
    "recoverable",
    "recovery_page",
    "require_resubmit",
    "submitted_form",
]
