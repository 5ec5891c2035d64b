"""The screen of all notifications of an agency with the state of their mail, and those of a single request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, url_for
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy import bindparam, case, func, select
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove
from lpse_admin.i18n import Message, _
from lpse_admin.notifications.events import Event
from lpse_admin.notifications.mail_faults import MailFault
from models.accounts.user import User
from models.audit import trail
from models.changes.change import ChangeRequest
from models.database import db
from models.notifications.mail import Mail, MailState, MailStatus, mail_status
from models.notifications.notification import Notification
from models.office.agency import Agency
from models.scope import sees_all_requests, visible_agency_notifications
from views.app.access import can, current_delegation, get_current_user, is_acting_head
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import Form
from views.forms.once import keep_submission
from views.i18n.language import tr
from views.listing.bulk import BulkAction, BulkView
from views.listing.filters.kinds import CaseFilter, ChoiceFilter, DateRangeFilter
from views.listing.lists import Column
from views.notifications.notices import notification_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from werkzeug.wrappers import Response

    from views.listing.lists import ListQuery, Page


_SETTING_FAULTS = [fault for fault in MailFault if fault.is_of_setting]


def _format_request_number(number: str | None) -> str:
    """Return the request number, or a text for a notification without a request."""
    return number or gettext("No request")


class Resend(BulkAction):
    """Queue failed mails again."""

    key = "again"
    title = _("Send again")
    explanation = _("Only a mail that has failed can be sent again.")

    def is_allowed(self) -> bool:
        """Whether the user may edit mails."""
        return can(Verb.EDIT, Resource.MAIL)

    @override
    def form(self, view: BulkView, ids: Sequence[int]) -> Form:
        """Return a form without fields, for a confirmation."""
        return Form()

    @override
    def apply(self, view: BulkView, id_: int, form: Form | None) -> Message:
        """Queue one mail again."""
        resend(view.get_one(str(id_)))
        return _("The mail is queued again.")


def resend(one: Notification) -> None:
    """Queue the failed mail of a notification again; raises NoSuchMove if there is none."""
    if one.mail is None:
        raise NoSuchMove(_("Only a mail that has failed can be sent again."))
    trail.update_audit_context(db.session(), action="mail.again")
    one.mail.send_again(now())


#: When a mail that waits is tried next, or goes out with the daily digest.
_next_try = case((Mail.state == MailState.WAITING, Mail.next_try_at))


class MailView(BulkView):
    """All notifications of the agency, with their mails."""

    resource = Resource.MAIL
    title = _("Notifications and mail")
    empty_message = _("No notifications yet. Each notification is listed here with the state of its mail.")
    list_template = "notifications/mail_list_page.html"
    details_template = "notifications/mail_details.html"
    actions = (Resend(),)
    bulk_label_columns = ("at", "number", "to", "sentence", "state")
    model = Notification
    column_joins = (
        (Mail, Mail.notification_id == Notification.id),
        (User, User.id == Notification.user_id),
        (ChangeRequest, ChangeRequest.id == Notification.change_id),
        (Agency, Agency.id == Notification.agency_id),
    )
    column_list = (
        Column("at", _("Date and time"), Notification.at, CellKind.DATETIME, sortable=True, is_link=True),
        Column("number", _("Number"), ChangeRequest.number, formatter=_format_request_number),
        Column("agency", _("Agency"), Agency.name, superadmin_only=True),
        Column("to", _("To"), User.full_name),
        Column("event", _("Event"), Notification.event, CellKind.CHOICE, Event, in_list=False),
        Column("sentence", _("Message"), Notification.details, wide=True, formatter=notification_text),
        Column("state", _("Mail"), mail_status, CellKind.CHOICE, MailStatus),
        Column("address", _("Mail address"), Mail.address, in_list=False),
        Column("attempts", _("Attempts"), Mail.attempts, CellKind.NUMBER, in_list=False),
        Column("sent", _("Sent"), Mail.sent_at, CellKind.DATETIME),
        Column("fault", _("What is at fault"), Mail.fault, CellKind.CHOICE, MailFault, wide=True),
        Column("error", _("Mail server response"), Mail.last_error, wide=True, in_list=False),
        Column("next_try", _("Next attempt"), _next_try, CellKind.DATETIME, in_list=False),
        Column("read", _("Read"), Notification.read_at, CellKind.DATETIME, in_list=False),
    )
    column_filters = (
        CaseFilter(
            "state",
            _("Mail"),
            cases=(
                (MailStatus.NOT_MAILED.value, MailStatus.NOT_MAILED.title, Mail.id.is_(None)),
                *((state.value, state.title, Mail.state == state) for state in MailState),
            ),
        ),
        ChoiceFilter("event", _("Event"), column=Notification.event, choices=Event),
        DateRangeFilter("at", _("Date and time"), column=Notification.at),
    )
    column_searchable_list = (ChangeRequest.number,)
    search_hint = _("Number of the request.")
    column_default_sort = "-at"

    @override
    def record_name(self, record: Notification) -> str:
        """Return the event that it tells of."""
        return tr(record.event.title)

    def visible_criterion(self) -> ColumnElement[bool]:
        """Return the criterion for all notifications of the agency, not only the user's own."""
        return visible_agency_notifications(get_current_user(), is_acting_head=is_acting_head())

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return what of the installation's setting keeps mail waiting, and how many mails."""
        faults = db.session.execute(
            select(Mail.fault, func.count())
            .join(Notification, Notification.id == Mail.notification_id)
            .where(Mail.state == MailState.WAITING, Mail.fault.in_(_SETTING_FAULTS), self.visible_criterion())
            .group_by(Mail.fault)
            .order_by(func.count().desc())
        )
        return {"setting_faults": [(fault.title, count) for fault, count in faults if fault]}

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the notification, and whether the user may queue its mail again."""
        one = self.get_one(str(id))
        has_failed = one.mail is not None and one.mail.state is MailState.FAILED
        return {"notification": one, "may_send_again": has_failed and can(Verb.EDIT, self.resource)}

    @expose("/<notification_id>/again", methods=("POST",))
    def resend(self, notification_id: str) -> Response:
        """Queue a failed mail again."""
        self.require_permission(Verb.EDIT)
        one = self.get_one(notification_id)
        resend(one)
        location = self.row_url(one.id)
        keep_submission(location)
        db.session.commit()
        flash(gettext("The mail is queued again."), "success")
        return redirect(location, 303)


@dataclass(frozen=True, slots=True)
class NotifiedUser:
    """A notification about a request, with the state of its mail."""

    at: dt.datetime
    recipient: str
    event: Event
    text: str
    mailed: MailStatus
    sent_at: dt.datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ChangeNotifications:
    """The notifications about a request, in order; ``list_url`` is the address of the list of them."""

    recipients: tuple[NotifiedUser, ...]
    list_url: str | None


def change_notifications(change: ChangeRequest, user: User) -> ChangeNotifications | None:
    """Return the notifications about ``change``, by one statement; None if the user sees only their own."""
    if change.number is None or not (sees_all_requests(user) or current_delegation() is not None):
        return None
    rows = db.session.connection().execute(_NOTIFICATIONS_OF_CHANGE, {"change": change.id})
    return ChangeNotifications(
        tuple(
            NotifiedUser(at, name, event, notification_text(details), MailStatus(state), sent_at, error)
            for at, name, event, details, state, sent_at, error in rows
        ),
        url_for("mail.index_view", search=change.number, sort="at") if can(Verb.READ, Resource.MAIL) else None,
    )


_NOTIFICATIONS_OF_CHANGE = (
    select(
        Notification.at, User.full_name, Notification.event, Notification.details, mail_status, Mail.sent_at,
        Mail.last_error,
    )
    .join(User, User.id == Notification.user_id)
    .outerjoin(Mail, Mail.notification_id == Notification.id)
    .where(Notification.change_id == bindparam("change"))
    .order_by(Notification.at, Notification.id)
)  # fmt: skip
