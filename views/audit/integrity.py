"""What verifications of the register came to, the anchors of each day, and a verification now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, url_for
from flask_admin import expose
from sqlalchemy import select
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NotFound
from lpse_admin.i18n import _
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.database import db
from models.integrity.anchors.delivery import AnchorDelivery
from models.integrity.findings import FindingKind
from models.integrity.jobs import ask_for_verification, open_job
from models.integrity.record import (
    VerificationFinding,
    VerificationRun,
    last_run,
    message_of_json,
    newest_run_id,
    visible_findings,
)
from models.scope import visible
from views.app.access import can, get_current_user, is_acting_head, settings
from views.app.clock import now
from views.audit.words import TABLES, column_title, table_title
from views.exports.columns import CellKind
from views.forms.base import Form
from views.i18n.language import tr
from views.listing.filters.kinds import CaseFilter, ChoiceFilter, DateRangeFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView, get_visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement

    from views.listing.lists import ListQuery, Page

#: So many days of anchors are shown.
_SHOWN_ANCHORS = 14


def _error_text(stored: Mapping[str, Any]) -> str:
    return tr(message_of_json(stored))


def _table_text(name: str | None) -> str:
    return table_title(name) if name in TABLES else name or ""


def _column_text(name: str | None) -> str:
    return column_title(name) if name else ""


class IntegrityView(RecordView):
    """What the verifications found, in what concerns the reader's office."""

    resource = Resource.INTEGRITY
    model = VerificationFinding
    title = _("Verification of the register")
    empty_message = _("The verification found nothing.")
    list_template = "audit/integrity_list.html"
    details_template = "audit/integrity_details.html"
    column_joins = ((VerificationRun, VerificationRun.id == VerificationFinding.run_id),)
    column_list = (
        Column("kind", _("Finding"), VerificationFinding.kind, CellKind.CHOICE, FindingKind, is_link=True),
        Column("table", _("Kind of record"), VerificationFinding.table_name, formatter=_table_text),
        Column("row", _("Row"), VerificationFinding.row_id),
        Column("column", _("Column"), VerificationFinding.column_name, formatter=_column_text),
        Column("number", _("Request"), VerificationFinding.change_number),
        Column("error", _("What is wrong"), VerificationFinding.error, wide=True, formatter=_error_text),
        Column("entry", _("Told last in entry"), VerificationFinding.entry_number, CellKind.NUMBER, in_list=False),
        Column("at", _("Told last"), VerificationFinding.at, CellKind.DATETIME),
        Column("verified", _("Verified"), VerificationRun.finished_at, CellKind.DATETIME, in_list=False),
    )
    column_filters = (
        CaseFilter(
            "run",
            _("Verification"),
            cases=(
                ("last", _("the last one"), VerificationFinding.run_id == newest_run_id()),
                ("former", _("former ones"), VerificationFinding.run_id.is_distinct_from(newest_run_id())),
            ),
            default="last",
        ),
        ChoiceFilter("kind", _("Finding"), column=VerificationFinding.kind, choices=FindingKind),
        DateRangeFilter("verified", _("Verified"), column=VerificationRun.finished_at),
    )
    column_searchable_list = (VerificationFinding.change_number, VerificationFinding.row_id)
    search_hint = _("Number of the request, and the row's own number.")
    column_default_sort = "-id"

    @override
    def record_name(self, record: VerificationFinding) -> str:
        """Return what is wrong, and with which record."""
        return " ".join(filter(None, (tr(record.kind.title), _table_text(record.table_name), record.row_id)))

    def visible_criterion(self) -> ColumnElement[bool]:
        """Return the criterion for what concerns the reader's office."""
        return visible_findings(get_current_user(), is_acting_head=is_acting_head())

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return the last verification, the one that waits, and the anchors of the last days."""
        session, run = db.session(), last_run(db.session())
        mine = visible(AnchorDelivery, get_current_user(), is_acting_head=is_acting_head())
        newest = select(AnchorDelivery).where(mine).order_by(AnchorDelivery.day.desc(), AnchorDelivery.id.desc())
        return {
            "run": run,
            "notes": [tr(message_of_json(note)) for note in run.notes] if run else [],
            "job": open_job(session),
            "anchors": session.scalars(newest.limit(_SHOWN_ANCHORS)).all(),
            "has_mail_server": settings().mail_server is not None,
            "may_ask": can(Verb.EXPORT, self.resource),
            "may_set": can(Verb.EDIT, Resource.SETTING),
        }

    @override
    def details_context(self, id: int) -> dict[str, Any]:
        """Return where the request, and the entry of the trail that told of the row last, are."""
        finding = self.get_one(str(id))
        reader = get_current_user()
        entry = select(AuditEntry.id).where(
            AuditEntry.chain == finding.chain,
            AuditEntry.number == finding.entry_number,
            visible(AuditEntry, reader, is_acting_head=is_acting_head()),
        )
        change = select(ChangeRequest.id).where(
            ChangeRequest.id == finding.change_id, visible(ChangeRequest, reader, is_acting_head=is_acting_head())
        )
        entry_id, change_id = db.session.scalar(entry), db.session.scalar(change)
        return {
            "change_url": change_id and url_for("change.details_view", id=change_id),
            "entry_url": entry_id and url_for("audit.details_view", id=entry_id),
        }

    @expose("/run", methods=("POST",))
    def run_now(self) -> ResponseReturnValue:
        """Ask for a verification now."""
        self.require_permission(Verb.EXPORT)
        back = self.get_url(".index_view")
        success = _("The verification begins within a minute. Its result will be here.")
        return self.submit_form(
            Form(),
            lambda: ask_for_verification(db.session(), by=get_current_user(), now=now()),
            lambda _job: self.redirect_with_message(success, back),
            location=lambda _job: back,
            heading=_("Verify now"),
            submit=_("Verify now"),
            back=back,
        )

    @expose("/anchor/<anchor_id>")
    def anchor(self, anchor_id: str) -> ResponseReturnValue:
        """Give the anchors of a day as a file."""
        self.require_permission(Verb.READ)
        row = get_visible(AnchorDelivery, anchor_id)
        return _download(row.anchors_text().encode(), f"jangkar-{row.day.isoformat()}.txt", "text/plain; charset=utf-8")

    @expose("/anchor/<anchor_id>/stamp")
    def stamp(self, anchor_id: str) -> ResponseReturnValue:
        """Give the time stamp over the anchors of a day as a file."""
        self.require_permission(Verb.READ)
        row = get_visible(AnchorDelivery, anchor_id)
        if (content := row.stamp_bytes()) is None:
            raise NotFound(_("There is no such record, or you may not see it."))
        return _download(content, f"jangkar-{row.day.isoformat()}.tsr", "application/timestamp-reply")


def _download(content: bytes, name: str, kind: str) -> Response:
    answer = Response(content, content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
