"""What an inspector opens is noted in the trail: the page of each record, and each attached file, once a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import current_app, make_response, request
from sqlalchemy.exc import SQLAlchemyError

from lpse_admin.accounts.permissions import Resource
from lpse_admin.accounts.roles import Role
from models.audit.readings import OPENED, is_noted
from models.audit.trail import INSTALLATION_CHAIN
from models.database import db
from models.papers.printed import SignedPaper
from views.app.access import current_user_or_none
from views.app.clock import now
from views.app.errors import error_response
from views.i18n.language import current_timezone, tr
from views.listing.export_log import note_reading
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from flask import Flask, Response

    from models.accounts.user import User

#: The last part of an endpoint that sends the file of a record, with the record's number in the address.
_FILES = {"file": "document_id", "preview": "document_id", "draft": "print_id", "signed": "signed_id"}


@dataclass(frozen=True, slots=True)
class _Opened:
    """A record whose page, or whose file, an address shows."""

    view: RecordView
    id: str
    #: "" for the page, else what of the record it is.
    part: str = ""

    @property
    def place(self) -> str:
        """What the entry ends with, and is known again by."""
        return f"[{'/'.join(filter(None, (self.view.resource.value, self.id, self.part)))}]"

    @property
    def name(self) -> str:
        """What people know the record by."""
        if self.part == "signed":
            return db.session.get_one(SignedPaper, int(self.id)).name
        model: Any = self.view.spec.model
        return self.view.record_name(db.session.get_one(model, int(self.id)))


def _note_opened(response: Response) -> Response:
    """Note what an inspector opened; if that cannot be written, it is not shown."""
    if request.method != "GET" or response.status_code != HTTPStatus.OK:
        return response
    opened = _opened()
    user = current_user_or_none() if opened else None
    if opened is None or user is None or Role.INSPECTOR not in user.roles:
        return response
    try:
        _note(user, opened)
    except SQLAlchemyError:
        current_app.logger.exception("what an inspector opened could not be noted")
        return make_response(error_response(HTTPStatus.SERVICE_UNAVAILABLE))
    return response


def _opened() -> _Opened | None:
    """Return the record that the request shows, if it shows one; notifications are the reader's own."""
    endpoint = request.endpoint or ""
    view = getattr(current_app.view_functions.get(endpoint), "__self__", None)
    if not isinstance(view, RecordView) or view.resource is Resource.NOTIFICATION:
        return None
    tail, arguments = endpoint.partition(".")[2], request.view_args or {}
    if tail == "details_view":
        return _Opened(view, request.args.get("id", ""))
    if _FILES.get(tail) in arguments:
        return _Opened(view, str(arguments[_FILES[tail]]), "signed" if tail == "signed" else "file")
    return None


def _note(user: User, opened: _Opened) -> None:
    zone = current_timezone()
    since = dt.datetime.combine(now().astimezone(zone).date(), dt.time(), zone)
    if not is_noted(db.session(), user.agency_id or INSTALLATION_CHAIN, user.id, opened.place, since):
        note_reading(OPENED, f"{tr(opened.view.title)}: {opened.name} {opened.place}", user.agency_id)


def init_app(app: Flask) -> None:
    """Note what inspectors open in ``app``."""
    app.after_request(_note_opened)
