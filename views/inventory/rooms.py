"""Rooms, and the list of item codes with their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask_admin import expose
from typing_extensions import override
from wtforms import BooleanField, StringField

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import _
from models.database import db
from models.inventory.code_list import AssetCode
from models.inventory.room import Room, enter_room
from models.takeover.code_import import upload_codes
from views.app.access import get_current_user
from views.app.clock import now
from views.forms.base import Form, Required
from views.forms.recovery import recoverable
from views.inventory.list_file import SpreadsheetField
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


class _RoomFields(Form):
    """What is entered of a room and can be corrected."""

    name = StringField(_("Room"), [Required()])
    unit = StringField(_("User (unit)"))
    location_code = StringField(_("Location code"))
    keeper_name = StringField(_("Keeper of the goods"))
    keeper_nip = StringField(_("NIP of the keeper"))
    answerable_name = StringField(_("Answerable for the room"))
    answerable_title = StringField(_("Title of who answers"))
    answerable_nip = StringField(_("NIP of who answers"))


class RoomCorrectionForm(_RoomFields):
    """A room as it is corrected; its code stays."""

    is_closed = BooleanField(_("Closed"))


class RoomForm(_RoomFields):
    """A room as it is entered."""

    code = StringField(_("Room code"), [Required()], description=_("As on the room inventory (KIR); it stays."))


class RoomView(RecordView):
    """The rooms of the reader's office."""

    resource = Resource.ROOM
    model = Room
    title = _("Rooms")
    create_label = _("New room")
    empty_message = _("No rooms yet. Items name their room by its code, and each room has its printed inventory (KIR).")
    details_template = "inventory/room.html"
    column_list = ("code", "name", "agency", "unit", "keeper_name", "answerable_name", "is_closed")
    column_labels: ClassVar = {
        "code": _("Room code"),
        "name": _("Room"),
        "unit": _("User (unit)"),
        "location_code": _("Location code"),
        "keeper_name": _("Keeper of the goods"),
        "keeper_nip": _("NIP of the keeper"),
        "answerable_name": _("Answerable for the room"),
        "answerable_title": _("Title of who answers"),
        "answerable_nip": _("NIP of who answers"),
        "is_closed": _("Closed"),
    }
    column_details_list = (
        "code", "name", "agency", "unit", "location_code", "keeper_name", "keeper_nip", "answerable_name",
        "answerable_title", "answerable_nip", "is_closed",
    )  # fmt: skip
    column_searchable_list = ("code", "name", "unit")
    search_hint = _("Code, room and unit.")
    column_sortable_list = ("code",)
    column_default_sort = ("code", False)

    form = RoomForm
    edit_form_class = RoomCorrectionForm
    create, edit = enter_room, Room.correct


class CodeListForm(Form):
    """A list of item codes as a file."""

    file = SpreadsheetField(
        _("List of item codes"),
        [Required()],
        description=_("XLSX, ODS or CSV with the columns “Kode barang” and “Nama barang”; known codes are renamed."),
    )

    @override
    def arguments(self) -> dict[str, Any]:
        """Return the file."""
        return {"file": self.file.given}


class AssetCodeView(RecordView):
    """The item codes that the reader's office has imported."""

    resource = Resource.ASSET_CODE
    model = AssetCode
    title = _("Item codes")
    create_label = _("Import codes")
    create_submit = _("Import")
    empty_message = _("No list of item codes was imported. With one, names are shown and unknown codes are noticed.")
    column_list = ("code", "name", "agency", "scheme")
    column_labels: ClassVar = {"code": _("Item code"), "name": _("Name"), "scheme": _("Code scheme")}
    column_filters = ("scheme",)
    column_searchable_list = ("code", "name")
    search_hint = _("Code and name.")
    column_sortable_list = ("id",)
    column_default_sort = "id"

    form = CodeListForm
    create = upload_codes

    @expose("/new/", methods=("GET", "POST"))
    @recoverable
    def create_view(self) -> ResponseReturnValue:
        """Import a list of codes."""
        self.require_permission(Verb.CREATE)
        form = self.create_form()
        return self.submit_form(
            form,
            lambda: upload_codes(db.session(), by=get_current_user(), now=now(), **form.arguments()),
            lambda counts: self.redirect_with_message(
                _("%(added)s codes were entered, %(renamed)s renamed.", added=counts[0], renamed=counts[1]),
                self.get_url(".index_view"),
            ),
            location=lambda _counts: self.get_url(".index_view"),
            heading=self.create_label,
            submit=self.create_submit,
        )
