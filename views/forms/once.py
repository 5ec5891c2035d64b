"""Each form is taken once: who sends it again, from a second tab or by a second click, is led to what it made.

A page gives each of its forms an id (``views.forms.base.FORM_ID``). The id is kept in the transaction that does what
the form asks for (``keep_submission``), and looked up before a form is handled. What comes without an id, from a
script, is handled as it comes.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, TypeVar

from flask import current_app, flash, g, redirect, request

from lpse_admin.i18n import _
from models.database import db
from models.forms.pending_upload import remove_uploads_of
from models.forms.submission import (
    Submission,
    find_same_content,
    find_submission,
    forget_location,
    lock_forms_of,
)
from views.app.access import current_user_or_none
from views.app.clock import now
from views.forms.base import FORM_ID, is_form_id, new_form_id
from views.i18n.language import tr

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from flask import Flask
    from werkzeug.wrappers import Response

View = TypeVar("View", bound="Callable[..., Any]")

#: Fields that differ between two pages with the same form.
_FIELDS_OF_THE_PAGE = frozenset({FORM_ID, "csrf_token", "version", "current-password"})
_MAX_LOCATION = 500
_CHUNK = 1024 * 1024


def creates(view: View) -> View:
    """Mark a view that makes something new: the same content from another page, shortly after, is the same thing.

    Every ``create_view`` of a screen is one.
    """
    vars(view)["leads_same_content"] = True
    return view


def submitted_form_id() -> str | None:
    """Return the id of the form that was sent, if it came from a page of this program."""
    form_id = request.form.get(FORM_ID, "") if request.method == "POST" else ""
    return form_id if is_form_id(form_id) else None


def _lead_back() -> Response | None:
    """Lead who sends a form again to what it made; the forms of one user are handled one after the other."""
    user = current_user_or_none() if request.method == "POST" else None
    sent = submitted_form_id() if user is not None else None
    if user is None or sent is None:
        return None
    session, content = db.session(), _content_hash()
    g.submission = (sent, content)
    lock_forms_of(session, user.id)
    result = find_submission(session, user.id, sent, content)
    if result is None and _leads_same_content():
        result = find_same_content(session, user.id, content, now())
    if result is None:
        return None
    flash(tr(_("This was sent already; nothing was done twice. This is what it made.")), "info")
    return redirect(result.location, 303)


def _leads_same_content() -> bool:
    if (request.endpoint or "").endswith(".create_view"):
        return True
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "leads_same_content", False))


def keep_submission(location: str) -> None:
    """Keep, with what is committed next, that the form was sent and led to ``location``; its kept files go."""
    user, saved = current_user_or_none(), g.get("submission")
    if user is None or saved is None:
        return
    sent, content = saved
    session = db.session()
    session.add(
        Submission(user_id=user.id, form_id=sent, content_hash=content, at=now(), location=location[:_MAX_LOCATION])
    )
    remove_uploads_of(session, user.id, sent)


def earlier_location() -> str | None:
    """Return where this form led when it was sent before with other content; None if it was not."""
    user, saved = current_user_or_none(), g.get("submission")
    if user is None or saved is None:
        return None
    result = find_submission(db.session(), user.id, saved[0])
    return None if result is None else result.location


def forget_submissions_of(location: str) -> None:
    """Forget what led to ``location``, which is gone."""
    forget_location(db.session(), location)


def _content_hash() -> str:
    """Return a keyed SHA-256 of what was sent, passwords included: address, fields and files, in the form's order."""
    key = current_app.config["SECRET_KEY"]
    digest = hmac.new(key if isinstance(key, bytes) else key.encode(), request.full_path.encode(), hashlib.sha256)
    for name, text in request.form.items(multi=True):
        if name not in _FIELDS_OF_THE_PAGE:
            digest.update(f"\0{name}\0{text}".encode("utf-8", "surrogatepass"))
    for name, file in request.files.items(multi=True):
        if file.filename:
            digest.update(f"\0{name}\0{file.filename}\0".encode("utf-8", "surrogatepass"))
            while chunk := file.stream.read(_CHUNK):
                digest.update(chunk)
            file.stream.seek(0)
    return digest.hexdigest()


def form_id(*, kept: object = False) -> str:
    """Return the id of a form on a page: a new one, or with ``kept`` that of the form that came back."""
    return returned_form_id() if kept else new_form_id()


def returned_form_id() -> str:
    """Return the id of the form that was sent and comes back; a new one if it came without."""
    if "returned_form_id" not in g:
        g.returned_form_id = submitted_form_id() or new_form_id()
    result: str = g.returned_form_id
    return result


def init_app(app: Flask) -> None:
    """Look at each form before it is handled, and give each on a page its id."""
    app.before_request(_lead_back)
    app.jinja_env.globals["form_id"] = form_id
