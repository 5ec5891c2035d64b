"""The page of the dossiers: period and office in one form, what became of those that were asked for, their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, NotFound, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.dates import read_date
from models.audit.trail import AuditEntry
from models.base import is_id
from models.database import db
from models.inspection.dossier import DOWNLOADED, MADE, Dossier, DossierState, ask_for_dossier
from views.app.access import can, get_current_user, require, visible_agencies
from views.app.clock import now
from views.forms.once import keep_submission
from views.forms.recovery import recoverable, require_resubmit
from views.i18n.language import today
from views.inspection.contents.folders import safe_name
from views.inspection.contents.period import require_period
from views.inspection.making import dossier_path, is_intact, read_progress, start_worker
from views.listing.export_log import note_reading

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from flask.typing import ResponseReturnValue

    from models.office.agency import Agency

blueprint = Blueprint("inspection", __name__, url_prefix="/admin/inspection")

_MOST_LISTED = 10
#: The states in which a page that shows it asks again.
_UNFINISHED = frozenset({DossierState.WAITING, DossierState.MAKING})


@blueprint.get("/")
def show() -> str:
    """Show the form, and the dossiers that were asked for last."""
    require(can(Verb.READ, Resource.INSPECTION))
    return _page({}, None)


@blueprint.post("/")
@recoverable
def ask() -> ResponseReturnValue:
    """Ask for the dossier of a period and an office; it is made in the background."""
    require(can(Verb.EXPORT, Resource.INSPECTION))
    try:
        first, last = _date("from"), _date("until")
        require_period(first, last)
        require_resubmit()
    except ValidationFailed as refusal:
        return _page(refusal.field_errors, refusal), refusal.status
    agency = _agency()
    if first is None or last is None:
        raise NotFound(_("There is no such record, or you may not see it."))
    dossier = ask_for_dossier(db.session(), agency, first, last, by=get_current_user(), now=now())
    location = url_for("inspection.show", _anchor=f"dossier-{dossier.id}")
    keep_submission(location)
    db.session.commit()
    start_worker()
    return redirect(location, 303)


@blueprint.get("/<int:dossier_id>/progress")
def progress(dossier_id: int) -> ResponseReturnValue:
    """Return how far a dossier is, for the page that shows it."""
    dossier = _visible(dossier_id)
    return {"finished": dossier.state not in _UNFINISHED, "percent": read_progress(dossier.id).percent}


@blueprint.get("/<int:dossier_id>/export/<export_type>/")
def export(dossier_id: int, export_type: str) -> ResponseReturnValue:
    """Send the file of a dossier, in parts where the browser asks for parts."""
    dossier = _visible(dossier_id, Verb.EXPORT)
    if export_type != "zip":
        raise NotFound(_("A dossier is a ZIP file."))
    if dossier.state is not DossierState.READY:
        raise NoSuchMove(_("The file of this dossier is not ready, or was removed. Make it again."))
    if not is_intact(dossier):
        raise NoSuchMove(_("The file of this dossier is no longer there as it was made. Make it again."))
    note_reading(DOWNLOADED, f"{dossier}; {dossier.fingerprint}", dossier.agency_id)
    name = f"berkas-pemeriksaan_{safe_name(dossier.agency.name)}_{dossier.first_day}_{dossier.last_day}.zip"
    response: Response = send_file(
        dossier_path(dossier),
        "application/zip",
        as_attachment=True,
        download_name=name.replace(" ", "-").lower(),
        etag=dossier.sha256 or "",
        max_age=0,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _visible(dossier_id: int, verb: Verb = Verb.READ) -> Dossier:
    """Return a dossier of an office that the reader inspects; raises NotFound."""
    require(can(verb, Resource.INSPECTION))
    dossier = db.session.get(Dossier, dossier_id) if is_id(dossier_id) else None
    if dossier is None or dossier.agency_id not in {one.id for one in visible_agencies(db.session())}:
        raise NotFound(_("There is no such record, or you may not see it."))
    return dossier


def _date(name: str) -> dt.date | None:
    """Return a day of the form; raises ValidationFailed for what is none."""
    try:
        return read_date(request.form.get(name, "")[:40])
    except UnreadableError as error:
        key = "first" if name == "from" else "last"
        raise ValidationFailed(error.message, field_errors={key: error.message}) from None


def _agency() -> Agency:
    """Return the office of the form among those that the reader sees; raises NotFound."""
    offices = visible_agencies(db.session())
    chosen = request.form.get("office", "")
    result = [one for one in offices if one.key == chosen] if chosen else list(offices[:1])
    if not result:
        raise NotFound(_("There is no such record, or you may not see it."))
    return result[0]


def _page(errors: Mapping[str, Message], refusal: ValidationFailed | None) -> str:
    offices = visible_agencies(db.session())
    year = today().year
    agency_ids = [one.id for one in offices]
    dossiers = _asked_before(agency_ids)
    return render_template(
        "inspection/page.html",
        offices=offices,
        office=request.form.get("office", ""),
        first=request.form.get("from", f"{year}-01-01")[:40],
        last=request.form.get("until", f"{today()}")[:40],
        errors=errors,
        refusal=refusal,
        dossiers=[(one, read_progress(one.id)) for one in dossiers],
        is_any_unfinished=any(one.state in _UNFINISHED for one in dossiers),
        made=_made_elsewhere(agency_ids, dossiers),
        can_export=can(Verb.EXPORT, Resource.INSPECTION),
    )


def _asked_before(agency_ids: Sequence[int]) -> Sequence[Dossier]:
    """Return the dossiers that were asked for last."""
    statement = select(Dossier).where(Dossier.agency_id.in_(agency_ids))
    return db.session.scalars(statement.order_by(Dossier.asked_at.desc(), Dossier.id.desc()).limit(_MOST_LISTED)).all()


def _made_elsewhere(agency_ids: Sequence[int], dossiers: Sequence[Dossier]) -> list[AuditEntry]:
    """Return the entries of those that were made by the command."""
    statement = select(AuditEntry).where(AuditEntry.chain.in_(agency_ids), AuditEntry.action == MADE.value)
    result = db.session.scalars(statement.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(_MOST_LISTED))
    listed = {one.fingerprint for one in dossiers if one.fingerprint}
    return [entry for entry in result if not any(one in (entry.reason or "") for one in listed)]
