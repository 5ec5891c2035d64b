"""The audit trail: who did what, when, in what capacity, from where and why, with each row before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, case, cast, exists, literal, select
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from lpse_admin.sop.steps import Outcome
from models.audit.actions import AUDIT_ACTIONS, AuditAction
from models.audit.search import TrailSearch
from models.audit.trail import AuditEntry, AuditRow, RowAction
from models.changes.change import ChangeRequest
from models.database import db
from views.app.access import get_current_user
from views.exports.columns import CellKind
from views.i18n.language import tr
from views.listing.filters import DateRangeFilter, TextFilter
from views.listing.lists import MAX_COUNT, Column, ListIndex, Shortcut
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from views.listing.lists import ListQuery

#: Actions that no operation of the models names. What has no title (a command, an address) is shown as it is stored.
_ACTIONS = (
    AuditAction("change.draft", _("Started a request")),
    AuditAction("change.save", _("Saved a step's record")),
    AuditAction("change.discard", _("Discarded a draft")),
    *(AuditAction(f"change.{outcome}", _("Move: %(outcome)s", outcome=outcome.title)) for outcome in Outcome),
    AuditAction("document.remove", _("Removed a file")),
    AuditAction("release.actual", _("Recorded the actual time of a release")),
    AuditAction("sop.load", _("Loaded an SOP")),
    AuditAction("sop.enact", _("Enacted an SOP")),
    AuditAction("asset.enter", _("Entered an item in the asset list")),
    AuditAction("asset.correct", _("Corrected an entry of the asset list")),
    AuditAction("change.take-up", _("Assigned a step to themselves")),
    AuditAction("change.hand-over", _("Reassigned a step")),
    AuditAction("deviation.dispose", _("Decided on a deviation")),
    AuditAction("deviation.follow-up", _("Recorded a follow-up of a deviation")),
    AuditAction("deadline.sweep", _("Checked for overdue steps")),
    AuditAction("notification.read", _("Read a notification")),
    AuditAction("mail.send", _("Sent a mail")),
    AuditAction("mail.again", _("Requeued a failed mail")),
    AuditAction("profile.mail", _("Chose their mail notifications")),
    AuditAction("profile.colours", _("Chose their colour theme")),
    AuditAction("feed.make", _("Created a calendar address")),
    AuditAction("feed.revoke", _("Revoked a calendar address")),
    AuditAction("list.columns", _("Chose the columns of a list")),
    AuditAction("list.view.save", _("Saved a list view")),
    AuditAction("list.view.alter", _("Changed a saved view")),
    AuditAction("list.view.begin", _("Chose the default view of a list")),
    AuditAction("list.view.discard", _("Removed a saved view")),
    AuditAction("POST access.login", _("Logged in")),
    AuditAction("POST access.logout", _("Logged out")),
    AuditAction("POST language.choose", _("Chose a language")),
    AuditAction("POST profile.change_password", _("Changed their own password")),
    AuditAction("POST profile.confirm_second_factor", _("Enabled their second factor")),
    AuditAction("POST profile.turn_off_second_factor", _("Disabled their second factor")),
)
#: Whether an entry tells of a request that is not submitted, or was thrown away before it was. The trail says that
#: there was a draft; what stands in it is the requester's own.
_change_id: Any = cast(case((AuditRow.table_name == ChangeRequest.__tablename__, AuditRow.row_id)), BigInteger)
_IS_OF_DRAFT = exists().where(
    AuditRow.entry_id == AuditEntry.id,
    AuditRow.table_name == ChangeRequest.__tablename__,
    ~exists().where(ChangeRequest.id == _change_id, ChangeRequest.submitted_at.is_not(None)),
)
_ROWS = case((_IS_OF_DRAFT, literal("***")), else_=AuditEntry.rows)


def audit_action_label(action: str) -> str:
    """Return what an action is called on screen."""
    return tr(next((known.title for known in AUDIT_ACTIONS if known.value == action), action))


def _search(query: ListQuery) -> TrailSearch:
    user = get_current_user()
    return TrailSearch(db.session(), query.arguments.search, None if user.is_superadmin else user.agency_id)


def _search_criterion(query: ListQuery) -> ColumnElement[bool]:
    return _search(query).criterion()


def _search_shortcut(query: ListQuery, _session: Session) -> Shortcut | None:
    """Return the entries of a page that a text is searched for, where nothing else is asked of the list."""
    asked = query.arguments
    limit = (asked.page + 1) * asked.size + 1
    if not asked.search or asked.filter_values or limit > MAX_COUNT:
        return None
    search = _search(query)
    return Shortcut(search.newest(limit, oldest=not asked.sort.startswith("-")), lambda: search.count(MAX_COUNT))


class AuditView(RecordView):
    """The trail of the reader's agency."""

    resource = Resource.AUDIT
    title = _("Audit trail")
    empty_message = _("No entry yet. Every write adds one here.")
    details_template = "audit/details.html"
    model = AuditEntry
    column_list = (
        Column("at", _("Date and time"), AuditEntry.at, CellKind.DATETIME, sortable=True, is_link=True),
        Column("chain", _("Chain"), AuditEntry.chain, CellKind.NUMBER, superadmin_only=True),
        Column("number", _("Entry"), AuditEntry.number, CellKind.NUMBER),
        Column("actor", _("User"), AuditEntry.actor_name),
        Column("capacity", _("Capacity"), AuditEntry.capacity),
        Column("action", _("Action performed"), AuditEntry.action, CellKind.CHOICE, AUDIT_ACTIONS),
        Column("reason", _("Reason given"), AuditEntry.reason),
        Column("address", _("Client address"), AuditEntry.address),
        Column("request", _("HTTP request ID"), AuditEntry.request_id, in_list=False),
        Column("rows", _("Changed rows"), _ROWS, in_list=False),
        Column("previous_hash", _("Hash of the previous entry"), AuditEntry.previous_hash, in_list=False),
        Column("hash", _("Hash"), AuditEntry.hash, in_list=False),
    )
    column_filters = (
        DateRangeFilter("at", _("Date and time"), column=AuditEntry.at),
        TextFilter("action", _("Action performed"), column=AuditEntry.action),
    )
    column_searchable_list = (AuditEntry.actor_name, AuditEntry.reason)
    search_hint = _("Name of the user, and reason given.")
    list_index = ListIndex(_search_shortcut, _search_criterion)
    column_default_sort = "-at"

    def details_context(self, id: int) -> dict[str, Any]:
        """Return each row that the entry tells of, before and after; what a draft says is left out."""
        entry = self.get_one(str(id))
        is_of_a_draft = bool(db.session.scalar(select(_IS_OF_DRAFT).where(AuditEntry.id == entry.id)))
        told = [
            {
                "table": row["table"],
                "id": row["id"],
                "action": tr(RowAction(row["action"]).title),
                "columns": [
                    (name, row["before"].get(name), row["after"].get(name))
                    for name in sorted({*row["before"], *row["after"]} if not is_of_a_draft else ())
                ],
            }
            for row in entry.row_changes
        ]
        return {"told": told, "is_of_a_draft": is_of_a_draft}

    @override
    def history(self, id: int) -> list[Any]:
        """Return nothing: the trail does not tell of itself."""
        return []
