"""The audit trail: who did what, when, in what capacity, from where and why, with each row before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import BigInteger, case, cast, exists, literal, select

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import Message, _
from lpse_admin.sop.steps import Outcome
from models.audit.trail import AuditEntry, AuditRow, RowAction
from models.changes.change import ChangeRequest
from models.database import db
from views.exports.columns import CellKind
from views.i18n.language import tr
from views.listing.filters import PeriodFilter, TextFilter
from views.listing.lists import Column, ListSpec
from views.listing.record_view import RecordView


@dataclass(frozen=True, slots=True)
class Action:
    """An action of the trail: as it is stored, and what it is called."""

    value: str
    title: Message


#: What the trail's actions are called; a command, or an address that has no name here, is shown as it is.
ACTIONS = (
    Action("change.draft", _("Began a request")),
    Action("change.save", _("Kept a step's record")),
    Action("change.discard", _("Threw a draft away")),
    *(Action(f"change.{outcome}", _("Move: %(outcome)s", outcome=outcome.title)) for outcome in Outcome),
    Action("document.remove", _("Removed a file")),
    Action("release.actual", _("Recorded the actual time of a release")),
    Action("sop.load", _("Loaded an SOP")),
    Action("sop.enact", _("Put an SOP in force")),
    Action("user.create", _("Made an account")),
    Action("user.edit", _("Changed an account")),
    Action("user.password", _("Set a new password for somebody")),
    Action("user.disable", _("Disabled an account")),
    Action("user.enable", _("Opened an account again")),
    Action("asset.enter", _("Entered an item in the asset list")),
    Action("asset.correct", _("Corrected an entry of the asset list")),
    Action("change.take-up", _("Took a step up")),
    Action("change.hand-over", _("Handed a step over")),
    Action("deviation.dispose", _("Disposed of a deviation")),
    Action("deviation.follow-up", _("Followed a deviation up")),
    Action("deadline.sweep", _("Looked for overdue steps")),
    Action("delegation.grant", _("Recorded a delegation")),
    Action("delegation.withdraw", _("Withdrew a delegation")),
    Action("notification.read", _("Read a notification")),
    Action("mail.send", _("Sent a mail")),
    Action("mail.again", _("Had a failed mail sent again")),
    Action("profile.mail", _("Chose which mail they get")),
    Action("profile.colours", _("Chose the colours of their screens")),
    Action("holiday.set", _("Set what a day is")),
    Action("holiday.alter", _("Altered a day that the office had set")),
    Action("holiday.remove", _("Removed a day that the office had set")),
    Action("setting.hours", _("Set the working hours")),
    Action("setting.hours.alter", _("Altered working hours")),
    Action("setting.hours.remove", _("Removed working hours")),
    Action("setting.ramadan", _("Set the month of Ramadan")),
    Action("setting.ramadan.remove", _("Removed a month of Ramadan")),
    Action("setting.threshold", _("Set when somebody is warned")),
    Action("absence.record", _("Recorded an absence of the head")),
    Action("absence.end", _("Ended an absence of the head")),
    Action("freeze.enter", _("Entered a freeze period")),
    Action("freeze.alter", _("Corrected a freeze period")),
    Action("freeze.lift", _("Lifted a freeze period")),
    Action("freeze.permit", _("Allowed a release in a freeze")),
    Action("feed.make", _("Made a calendar address")),
    Action("feed.revoke", _("Revoked a calendar address")),
    Action("list.columns", _("Chose the columns of a list")),
    Action("list.view.save", _("Saved a view of a list")),
    Action("list.view.alter", _("Altered a saved view")),
    Action("list.view.begin", _("Chose what a list begins with")),
    Action("list.view.discard", _("Removed a saved view")),
    Action("POST access.login", _("Logged in")),
    Action("POST access.logout", _("Logged out")),
    Action("POST language.choose", _("Chose a language")),
    Action("POST profile.change_password", _("Changed their own password")),
    Action("POST profile.confirm_second_factor", _("Turned their second factor on")),
    Action("POST profile.turn_off_second_factor", _("Turned their second factor off")),
)
#: Whether an entry tells of a request that is not submitted, or was thrown away before it was. The trail says that
#: there was a draft; what stands in it is the requester's own.
_change_id: Any = cast(case((AuditRow.table_name == ChangeRequest.__tablename__, AuditRow.row_id)), BigInteger)
_OF_A_DRAFT = exists().where(
    AuditRow.entry_id == AuditEntry.id,
    AuditRow.table_name == ChangeRequest.__tablename__,
    ~exists().where(ChangeRequest.id == _change_id, ChangeRequest.submitted_at.is_not(None)),
)
_ROWS = case((_OF_A_DRAFT, literal("***")), else_=AuditEntry.rows)

_TITLES = {action.value: action.title for action in ACTIONS}


def audit_action(action: str) -> str:
    """Return what an action is called on screen."""
    return tr(_TITLES.get(action, action))


class AuditView(RecordView):
    """The trail of the reader's agency."""

    resource = Resource.AUDIT
    title = _("Audit trail")
    empty = _("No entry yet. Whatever anybody writes leaves one here.")
    details_template = "audit/details.html"
    spec: ClassVar[ListSpec] = ListSpec(
        model=AuditEntry,
        columns=(
            Column("id", _("Id"), AuditEntry.id, CellKind.NUMBER, listed=False, exported=False),
            Column("at", _("When"), AuditEntry.at, CellKind.MOMENT, sortable=True, leads=True),
            Column("chain", _("Chain"), AuditEntry.chain, CellKind.NUMBER, across_only=True),
            Column("number", _("Entry"), AuditEntry.number, CellKind.NUMBER),
            Column("actor", _("Who"), AuditEntry.actor_name),
            Column("capacity", _("In the capacity of"), AuditEntry.capacity),
            Column("action", _("What"), AuditEntry.action, CellKind.CHOICE, ACTIONS),
            Column("reason", _("Why"), AuditEntry.reason),
            Column("address", _("From where"), AuditEntry.address),
            Column("request", _("Request of the browser"), AuditEntry.request_id, listed=False),
            Column("rows", _("Rows"), _ROWS, listed=False),
            Column("previous_hash", _("Hash of the entry before"), AuditEntry.previous_hash, listed=False),
            Column("hash", _("Hash"), AuditEntry.hash, listed=False),
        ),
        filters=(
            PeriodFilter("at", _("When"), of=AuditEntry.at),
            TextFilter("action", _("What"), of=AuditEntry.action),
        ),
        search=(AuditEntry.actor_name, AuditEntry.reason),
        order="-at",
    )

    def details_extras(self, id: int) -> dict[str, Any]:  # noqa: A002
        """Return each row that the entry tells of, before and after; what a draft says is left out."""
        entry = self.get_one(str(id))
        is_of_a_draft = bool(db.session.scalar(select(_OF_A_DRAFT).where(AuditEntry.id == entry.id)))
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
            for row in entry.told
        ]
        return {"told": told, "is_of_a_draft": is_of_a_draft}

    def history(self, id: int) -> list[Any]:  # noqa: A002, ARG002
        """Return nothing: the trail does not tell of itself."""
        return []
