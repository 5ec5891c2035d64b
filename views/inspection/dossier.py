"""The page of the dossiers: period and office in one form, and those that were made before."""

from __future__ import annotations

from contextlib import ExitStack
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import TYPE_CHECKING

from flask import Blueprint, Response, render_template, request
from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, NotFound, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.dates import read_date
from models.audit.trail import AuditEntry
from models.database import db
from views.app.access import can, require, visible_agencies
from views.app.http.head_requests import is_head
from views.i18n.language import today
from views.inspection.archive import MADE, write_dossier
from views.inspection.folders import safe_name
from views.inspection.period import require_period
from views.listing.export_log import note_reading

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from flask.typing import ResponseReturnValue

    from models.office.agency import Agency

blueprint = Blueprint("inspection", __name__, url_prefix="/admin/inspection")

_MOST_LISTED = 10
_CHUNK_SIZE = 1 << 16
#: One dossier at a time: each takes a core while it is made.
_making = Lock()


@blueprint.get("/")
def show() -> str:
    """Show the form, and the dossiers that were made last."""
    require(can(Verb.READ, Resource.INSPECTION))
    return _page({}, None)


@blueprint.get("/export/<export_type>/")
def export(export_type: str) -> ResponseReturnValue:
    """Make the dossier of the period and the office in the address, and send it."""
    require(can(Verb.EXPORT, Resource.INSPECTION))
    if export_type != "zip":
        raise NotFound(_("A dossier is a ZIP file."))
    try:
        first, last = _date("from"), _date("until")
        require_period(first, last)
    except ValidationFailed as refusal:
        return _page(refusal.field_errors, refusal), refusal.status
    agency = _agency()
    if first is None or last is None or is_head():
        return Response(mimetype="application/zip")
    return _send(agency.id, agency.name, first, last)


def _send(agency_id: int, name: str, first: dt.date, last: dt.date) -> Response:
    """Make a dossier in a temporary file, note it, and send it."""
    if not _making.acquire(blocking=False):
        raise NoSuchMove(_("Another dossier is being made. Try again in some minutes."))
    try:
        with ExitStack() as stack:
            file = stack.enter_context(NamedTemporaryFile())
            result = write_dossier(agency_id, first, last, file, lambda _done, _total: None)
            note_reading(MADE, f"{first} – {last}; {result.fingerprint}", agency_id)
            close = stack.pop_all().close
    finally:
        _making.release()
    file.seek(0)
    response = Response(iter(lambda: file.read(_CHUNK_SIZE), b""), mimetype="application/zip", direct_passthrough=True)
    response.call_on_close(close)
    title = f"berkas-pemeriksaan_{safe_name(name)}_{first}_{last}.zip".replace(" ", "-").lower()
    response.headers["Content-Disposition"] = f'attachment; filename="{title}"'
    response.headers["Content-Length"] = str(result.size)
    response.headers["Cache-Control"] = "no-store"
    return response


def _date(name: str) -> dt.date | None:
    """Return a day of the address; raises ValidationFailed for what is none."""
    try:
        return read_date(request.args.get(name, "")[:40])
    except UnreadableError as error:
        key = "first" if name == "from" else "last"
        raise ValidationFailed(error.message, field_errors={key: error.message}) from None


def _agency() -> Agency:
    """Return the office of the address among those that the reader sees; raises NotFound."""
    offices = visible_agencies(db.session())
    chosen = request.args.get("office", "")
    found = [one for one in offices if one.key == chosen] if chosen else list(offices[:1])
    if not found:
        raise NotFound(_("There is no such record, or you may not see it."))
    return found[0]


def _page(errors: Mapping[str, Message], refusal: ValidationFailed | None) -> str:
    offices = visible_agencies(db.session())
    year = today().year
    return render_template(
        "inspection/page.html",
        offices=offices,
        office=request.args.get("office", ""),
        first=request.args.get("from", f"{year}-01-01")[:40],
        last=request.args.get("until", f"{today()}")[:40],
        errors=errors,
        refusal=refusal,
        made=_made_before([one.id for one in offices]),
    )


def _made_before(agency_ids: Sequence[int]) -> Sequence[AuditEntry]:
    """Return the entries of the dossiers that were made last."""
    statement = select(AuditEntry).where(AuditEntry.chain.in_(agency_ids), AuditEntry.action == MADE.value)
    return db.session.scalars(statement.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(_MOST_LISTED)).all()
