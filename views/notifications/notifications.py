"""Notifications: what the reader was told, newest first; opened, and marked as read, by a button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import flash, redirect, url_for
from flask_admin import expose
from flask_babel import ngettext
from markupsafe import Markup, escape

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import Message, _
from lpse_admin.notifications.events import Event
from models.audit import trail
from models.database import db
from models.notifications.notification import MOST_UNREAD, Notification, read_all
from views.app.access import unread_count
from views.app.clock import now
from views.exports.columns import CellKind
from views.i18n.wording import tr
from views.listing.bulk import BulkAction, BulkView
from views.listing.cells import NOTHING, renderer
from views.listing.filters import CaseFilter, ChoiceFilter, PeriodFilter
from views.listing.lists import Column, ListSpec
from views.listing.record_view import me
from views.listing.rows import box
from views.notifications.notices import facts, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from werkzeug.wrappers import Response

    from views.forms.base import Form
    from views.listing.lists import Listing, Page
    from views.listing.rows import Row

_number: Any = Notification.details["number"].as_string()
_title: Any = Notification.details["title"].as_string()
_reason: Any = Notification.details["reason"].as_string()


class MarkAsRead(BulkAction):
    """Mark several as read: nothing is to be asked."""

    key = "read"
    title = _("Mark as read")

    def may(self) -> bool:
        """Everybody may with what they were told."""
        return True

    def act(self, view: BulkView, id_: int, form: Form | None) -> Message:  # noqa: ARG002
        """Mark one as read."""
        one = view.get_one(str(id_))
        if one.read_at is not None:
            return _("It was read already.")
        trail.give(db.session(), action="notification.read")
        one.read(now())
        return _("It is marked as read.")


class NotificationView(BulkView):
    """Everything that the reader was told, and nothing that anybody else was."""

    resource = Resource.NOTIFICATION
    title = _("Notifications")
    empty = _("You were told of nothing yet. You are told here what waits for you, and what became of your requests.")
    list_template = "notifications/list.html"
    may_choose_columns = False
    bulk = (MarkAsRead(),)
    bulk_columns = ("at", "sentence")
    details_template = "notifications/details.html"
    spec: ClassVar[ListSpec] = ListSpec(
        model=Notification,
        columns=(
            Column("id", _("Id"), Notification.id, CellKind.NUMBER, listed=False, exported=False),
            Column("at", _("When"), Notification.at, CellKind.MOMENT, sortable=True),
            Column("event", _("Event"), Notification.event, CellKind.CHOICE, Event),
            Column("number", _("Request"), _number),
            Column("title", _("Title"), _title),
            Column("sentence", _("Message"), Notification.details, leads=True, written=sentence),
            Column("reason", _("Reason"), _reason),
            Column("read", _("Read"), Notification.read_at, CellKind.MOMENT),
        ),
        filters=(
            CaseFilter(
                "state",
                _("State"),
                cases=(
                    ("unread", _("Unread"), Notification.read_at.is_(None)),
                    ("read", _("Read"), Notification.read_at.is_not(None)),
                ),
            ),
            ChoiceFilter("event", _("Event"), of=Notification.event, choices=Event),
            PeriodFilter("at", _("When"), of=Notification.at),
        ),
        search=(_number, _title),
        order="-at",
    )

    def list_extras(self, listing: Listing, page: Page) -> dict[str, Any]:  # noqa: ARG002
        """Return whether there is anything to be marked as read."""
        return {"has_unread": unread_count() > 0}

    def written(self, columns: Sequence[Column], rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Return the rows as the template of this list writes them."""
        keys, writers = [column.key for column in columns], [renderer(column) for column in columns]
        row_url, lead_url, tick = self.row_urls(), self.lead_urls(), box()
        return [
            _notice(
                {"id": id_, **{key: write(value) for key, write, value in zip(keys, writers, values, strict=True)}},
                row_url(id_),
                lead_url(lead),
                tick,
            )
            for id_, lead, values in rows
        ]

    def lead_urls(self) -> Callable[[int], str]:
        """Return what gives the address of a row's button."""
        start, end = url_for(".open", notification_id=0).rsplit("0", 1)
        return lambda id_: f"{start}{id_}{end}"

    def details_extras(self, id: int) -> dict[str, Any]:  # noqa: A002
        """Return the sentence and what was told beside it."""
        one = self.get_one(str(id))
        return {"notification": one, "sentence": sentence(one.details), "told": facts(one.details)}

    @expose("/<notification_id>/open", methods=("POST",))
    def open(self, notification_id: str) -> Response:
        """Mark one as read, and go where it leads."""
        one = self.get_one(notification_id)
        if one.read_at is None:
            trail.give(db.session(), action="notification.read")
            one.read(now())
            db.session.commit()
        if one.change_id is None:
            return redirect(self.row_url(one.id), 303)
        return redirect(url_for("change.details_view", id=one.change_id), 303)

    @expose("/read-all", methods=("POST",))
    def read_all(self) -> Response:
        """Mark everything as read."""
        session = db.session()
        trail.give(session, action="notification.read")
        count = read_all(session, me(), now())
        session.commit()
        flash(ngettext("%(num)s notification is marked as read.", "%(num)s notifications are marked as read.", count))
        return redirect(url_for(".index_view"), 303)


def _notice(cell: dict[str, Any], url: str, open_url: str, tick: Callable[[int, Markup], str]) -> dict[str, Any]:
    """Return one row with what its template asks of it."""
    request = " ".join(cell[key] for key in ("number", "title") if cell[key] is not NOTHING)
    return {
        **cell,
        "tick": Markup(tick(cell["id"], escape(cell["sentence"]))),  # noqa: S704 - escaped, or our own
        "url": url,
        "open_url": open_url,
        "is_read": cell["read"] is not NOTHING,
        "reason": None if cell["reason"] is NOTHING else cell["reason"],
        "request": request,
        "button": tr(_("Open the request") if request else _("Open")),
    }


def unread_label(count: int) -> str:
    """Return the count as the page's head shows it."""
    return f"{MOST_UNREAD}+" if count > MOST_UNREAD else str(count)
