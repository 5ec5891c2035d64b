"""The screen of the user's notifications, the newest first, with buttons to open and to mark as read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect, url_for
from flask_admin import expose
from flask_babel import ngettext
from markupsafe import Markup, escape
from sqlalchemy import select
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource
from lpse_admin.accounts.roles import ACTOR_ROLES
from lpse_admin.i18n import Message, _
from lpse_admin.notifications.events import DOSSIER_EVENTS, Event
from models.audit import trail
from models.database import db
from models.notifications.notification import MAX_UNREAD, Notification, mark_all_read
from views.app.access import get_current_user, unread_count
from views.app.clock import now
from views.exports.columns import CellKind
from views.i18n.html import own_html
from views.i18n.wording import tr
from views.listing.bulk import BulkAction, BulkView
from views.listing.filters.kinds import CaseFilter, ChoiceFilter, DateRangeFilter
from views.listing.lists import Column
from views.listing.page.cells import EMPTY_CELL, cell_formatter
from views.listing.page.rows import row_checkbox
from views.listing.record_view import current_principal
from views.notifications.notices import notification_facts, notification_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from werkzeug.wrappers import Response

    from views.forms.base import Form
    from views.listing.lists import ListQuery, Page
    from views.listing.page.rows import Row

#: Lines in the menu under the bell.
_MAX_LATEST = 6
_number: Any = Notification.details["number"].as_string()
_title: Any = Notification.details["title"].as_string()
_reason: Any = Notification.details["reason"].as_string()


class MarkAsRead(BulkAction):
    """Mark notifications as read, without a form."""

    key = "read"
    title = _("Mark as read")

    def is_allowed(self) -> bool:
        """Return True: users see their own notifications only."""
        return True

    @override
    def apply(self, view: BulkView, id_: int, form: Form | None) -> Message:
        """Mark one as read."""
        one = view.get_one(str(id_))
        if one.read_at is not None:
            return _("It was already read.")
        trail.update_audit_context(db.session(), action="notification.read")
        one.mark_read(now())
        return _("It is marked as read.")


class NotificationView(BulkView):
    """The notifications of the user."""

    resource = Resource.NOTIFICATION
    title = _("Notifications")
    empty_message = _(
        "You have no notifications yet. You are notified here of what is waiting for you, and of the outcome of "
        "your requests."
    )
    list_template = "notifications/list.html"
    can_choose_columns = False
    actions = (MarkAsRead(),)
    bulk_label_columns = ("at", "sentence")
    details_template = "notifications/details.html"
    model = Notification
    column_list = (
        Column("at", _("Date and time"), Notification.at, CellKind.DATETIME, sortable=True),
        Column("event", _("Event"), Notification.event, CellKind.CHOICE, Event),
        Column("number", _("Request"), _number),
        Column("title", _("Title"), _title),
        Column("sentence", _("Message"), Notification.details, is_link=True, formatter=notification_text),
        Column("reason", _("Reason"), _reason),
        Column("read", _("Read"), Notification.read_at, CellKind.DATETIME),
    )
    column_filters = (
        CaseFilter(
            "state",
            _("State"),
            cases=(
                ("unread", _("Unread"), Notification.read_at.is_(None)),
                ("read", _("Read"), Notification.read_at.is_not(None)),
            ),
        ),
        ChoiceFilter("event", _("Event"), column=Notification.event, choices=Event),
        DateRangeFilter("at", _("Date and time"), column=Notification.at),
    )
    column_searchable_list = (_number, _title)
    search_hint = _("Number and title of the request.")
    column_default_sort = "-at"

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return whether there are unread notifications."""
        return {"has_unread": unread_count() > 0}

    def render_rows(self, columns: Sequence[Column], rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Return the groups of rows for the template of this list."""
        keys, formatters = [column.key for column in columns], [cell_formatter(column) for column in columns]
        row_url, link_url, checkbox = self.row_url_builder(), self.link_url_builder(), row_checkbox()
        lines = [
            _row_context(
                {
                    "id": id_,
                    **{key: format_(value) for key, format_, value in zip(keys, formatters, values, strict=True)},
                },
                row_url(id_),
                link_url(link_id),
                checkbox,
            )
            for id_, link_id, values in rows
        ]
        return _grouped(lines)

    def link_url_builder(self) -> Callable[[int], str]:
        """Return a function for the address of a row's button."""
        start, end = url_for(".open", notification_id=0).rsplit("0", 1)
        return lambda id_: f"{start}{id_}{end}"

    @expose("/latest")
    def latest(self) -> str:
        """Show the newest notifications as a part of a page, for the menu under the bell."""
        newest = db.session.scalars(
            select(Notification)
            .where(Notification.user_id == get_current_user().id)
            .order_by(Notification.at.desc(), Notification.id.desc())
            .limit(_MAX_LATEST)
        )
        acts = current_principal().decides_as_head or not get_current_user().roles.isdisjoint(ACTOR_ROLES)
        return str(
            self.render(
                "notifications/latest.html",
                latest=[_latest(one, self.row_url(one.id)) for one in newest],
                waiting_url=url_for("change.index_view", waiting="me") if acts else "",
            )
        )

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the message and the values below it."""
        one = self.get_one(str(id))
        return {
            "notification": one,
            "sentence": notification_text(one.details),
            "labelled_values": notification_facts(one.details),
        }

    @expose("/<notification_id>/open", methods=("POST",))
    def open(self, notification_id: str) -> Response:
        """Mark one as read, and all others of its request, and redirect to the request or its own page."""
        one = self.get_one(notification_id)
        of_request = Notification.id == one.id if one.change_id is None else Notification.change_id == one.change_id
        unread = db.session.scalars(
            select(Notification).where(Notification.user_id == one.user_id, Notification.read_at.is_(None), of_request)
        ).all()
        for notification in unread:
            trail.update_audit_context(db.session(), action="notification.read")
            notification.mark_read(now())
        db.session.commit()
        if one.event in DOSSIER_EVENTS:
            return redirect(url_for("inspection.show"), 303)
        if one.change_id is None:
            return redirect(self.row_url(one.id), 303)
        return redirect(url_for("change.details_view", id=one.change_id), 303)

    @expose("/read-all", methods=("POST",))
    def read_all(self) -> Response:
        """Mark all as read."""
        session = db.session()
        trail.update_audit_context(session, action="notification.read")
        count = mark_all_read(session, get_current_user(), now())
        session.commit()
        flash(ngettext("%(num)s notification is marked as read.", "%(num)s notifications are marked as read.", count))
        return redirect(url_for(".index_view"), 303)


def _latest(one: Notification, url: str) -> dict[str, Any]:
    """Return a line of the menu under the bell; it leads to the request, or to the notification itself."""
    number, title = one.details.get("number"), one.details.get("title")
    return {
        "heading": " ".join(str(part) for part in (number, title) if part),
        "sentence": notification_text(one.details),
        "at": one.at,
        "is_read": one.read_at is not None,
        "url": url if one.change_id is None else url_for("change.details_view", id=one.change_id),
    }


def _grouped(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of each request together, in the order of their newest; a line without a request by itself."""
    groups: dict[object, dict[str, Any]] = {}
    for line in lines:
        group = groups.setdefault(
            line["request"] or line["id"],
            {
                "heading": line["request"] or line["event"],
                "open_url": line["open_url"],
                "button": line["button"],
                "is_unread": False,
                "rows": [],
            },
        )
        group["rows"].append(line)
        group["is_unread"] = group["is_unread"] or not line["is_read"]
    return list(groups.values())


def _row_context(
    cell: dict[str, Any], url: str, open_url: str, checkbox: Callable[[int, Markup], str]
) -> dict[str, Any]:
    """Return the template context of a row."""
    request = " ".join(cell[key] for key in ("number", "title") if cell[key] is not EMPTY_CELL)
    return {
        **cell,
        "tick": own_html(checkbox(cell["id"], escape(cell["sentence"]))),
        "url": url,
        "open_url": open_url,
        "is_read": cell["read"] is not EMPTY_CELL,
        "reason": None if cell["reason"] is EMPTY_CELL else cell["reason"],
        "request": request,
        "button": tr(_("Open the request") if request else _("Open")),
    }


def unread_label(count: int) -> str:
    """Return the count as text for the page header: at most "<MAX_UNREAD>+"."""
    return f"{MAX_UNREAD}+" if count > MAX_UNREAD else str(count)
