"""Lists of assets that are taken over: uploaded, looked at row by row, entered as a whole, undone as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import g, request
from flask_admin import expose
from sqlalchemy import select
from typing_extensions import override
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import _
from lpse_admin.inventory.cards import Card
from lpse_admin.takeover.layout import IGNORED, Layout, all_columns, find_layout, heading_texts
from lpse_admin.takeover.spreadsheet import read_table
from models.database import db
from models.inventory.code_list import AssetCode
from models.takeover.asset_import import AssetImport, ImportProfile, ImportState
from models.takeover.takeover import (
    ListFile,
    apply_import,
    discard_import,
    lay_out,
    preview_of,
    undo_import,
    upload_list,
    why_not_undone,
)
from views.app.access import can, get_current_user
from views.app.clock import now
from views.forms.base import Form, Required
from views.forms.fields import DateField, IntegerField
from views.forms.recovery import recoverable
from views.i18n.language import tr
from views.inventory.list_file import SpreadsheetField
from views.listing.actions import action
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    import datetime as dt

    from flask.typing import ResponseReturnValue

    from lpse_admin.takeover.spreadsheet import Table
    from models.accounts.user import User
    from models.takeover.takeover import Preview
    from views.listing.actions import When

#: Rows of a preview on one page, and the most errors above them.
_PAGE = 50
_MAX_ERRORS = 30
#: The most columns whose meaning is asked.
_MAX_COLUMNS = 60
#: The key of a column with a part of the code.
_CODE_PART = "code-part"


def _card_choices() -> list[SelectChoice]:
    return [SelectChoice("", tr(_("As the codes say"))), *(SelectChoice(one.value, tr(one.title)) for one in Card)]


class UploadForm(Form):
    """A list as a file."""

    file = SpreadsheetField(
        _("List of assets"),
        [Required()],
        description=_(
            "XLSX, XLS, ODS or CSV, at most 20 MB and 20,000 rows. Nothing is entered before you have seen it."
        ),
    )
    profile = SelectField(_("Layout"), description=_("Found by the headings, or one that was kept by name."))
    card = SelectField(_("Card"))
    booked_on = DateField(
        _("Booked on"),
        description=_(
            "The day that half-years count the items on; today if it is left empty. Not in a locked half-year."
        ),
    )

    @override
    def set_up(self, record: object) -> None:
        """Offer cards and the layouts of the office."""
        saved = db.session.scalars(
            select(ImportProfile)
            .where(ImportProfile.agency_id == get_current_user().agency_id)
            .order_by(ImportProfile.name)
        )
        self.profiles = {str(one.id): one for one in saved}
        result = SelectChoice("", tr(_("By the headings")))
        self.profile.choices = [result, *(SelectChoice(key, one.name) for key, one in self.profiles.items())]
        self.card.choices = _card_choices()

    @override
    def arguments(self) -> dict[str, Any]:
        """Return file, layout, card and day."""
        profile = self.profiles.get(self.profile.data or "")
        card = Card(self.card.data) if self.card.data else None
        layout = dict(profile.layout) if profile else None
        given = self.file.given
        return {"file": given and ListFile(*given, card=card, layout=layout, booked_on=self.booked_on.data)}


class UndoForm(Form):
    """Why a takeover is undone."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})


def _is_in(state: ImportState) -> When:
    return lambda record, _user, _now: record.state is state


def _can_be_undone(record: AssetImport, _user: User, _now: dt.datetime) -> bool:
    return record.state is ImportState.APPLIED and why_not_undone(record) is None


def _is_clean(record: AssetImport, _user: User, _now: dt.datetime) -> bool:
    return record.state is ImportState.PREVIEW and not _preview_of(record).errors


def _preview_of(record: AssetImport) -> Preview:
    """Return the preview of a file, once for each page."""
    saved: dict[int, Preview] = g.setdefault("import_previews", {})
    if record.id not in saved:
        saved[record.id] = preview_of(record)
    return saved[record.id]


class AssetImportView(RecordView):
    """The lists that the reader's office has taken over, or looked at."""

    resource = Resource.ASSET_IMPORT
    model = AssetImport
    title = _("Lists taken over")
    create_label = _("Take over a list")
    create_submit = _("Look at it")
    create_success = _("Nothing is entered yet: look at the rows, then apply them.")
    empty_message = _("No list was taken over yet.")
    details_template = "takeover/import.html"
    column_list = ("name", "agency", "state", "item_count", "booked_on", "uploaded_at", "uploaded_by", "applied_at")
    column_labels: ClassVar = {
        "name": _("File"), "state": _("State"), "item_count": _("Items entered"), "booked_on": _("Booked on"),
        "uploaded_at": _("Uploaded"), "uploaded_by": _("Uploaded by"), "applied_at": _("Taken over at"),
        "applied_by": _("Taken over by"), "undone_at": _("Undone at"), "undone_by": _("Undone by"),
        "reason": _("Reason"), "sha256": _("SHA-256 of the content"), "card": _("Card"),
    }  # fmt: skip
    column_details_list = (*column_list, "applied_by", "card", "undone_at", "undone_by", "reason", "sha256")
    column_filters = ("state",)
    column_searchable_list = ("name",)
    search_hint = _("Name of the file.")
    column_sortable_list = ("uploaded_at",)
    column_default_sort = ("uploaded_at", True)

    form = UploadForm
    create = upload_list

    @override
    def record_context(self, record: AssetImport) -> dict[str, Any]:
        """Return the preview of a file that is not taken over yet, a page at a time."""
        context: dict[str, Any] = {"may_edit": can(Verb.EDIT, self.resource), "import_row": record}
        if record.state is ImportState.APPLIED:
            return context | {"why_not_undone": why_not_undone(record)}
        if record.state is not ImportState.PREVIEW:
            return context
        result = _preview_of(record)
        wrong_only = request.args.get("rows") == "wrong"
        rows = [row for row in result.rows if not wrong_only or row.errors or row.notices]
        page = request.args.get("page", 0, type=int)
        page = min(max(page, 0), max(0, (len(rows) - 1) // _PAGE))
        return context | {
            "preview": result,
            "errors": result.errors[:_MAX_ERRORS],
            "more_errors": max(0, len(result.errors) - _MAX_ERRORS),
            "rows": rows[page * _PAGE : (page + 1) * _PAGE],
            "row_count": len(rows),
            "noticed": sum(1 for row in result.rows if row.notices),
            "names": _names_of(result, record.agency_id),
            "preview_page": page,
            "has_more": (page + 1) * _PAGE < len(rows),
            "wrong_only": wrong_only,
        }

    @action("apply", _("Apply all"), when=_is_clean, success=_("Taken over: %(name)s."))
    def apply_list(self, record: AssetImport, _form: Form) -> None:
        """Enter all items."""
        apply_import(record, by=get_current_user(), now=now())

    @action("discard", _("Discard"), when=_is_in(ImportState.PREVIEW), success=_("Discarded: %(name)s."))
    def discard(self, record: AssetImport, _form: Form) -> None:
        """Set the file aside."""
        discard_import(record, get_current_user())

    @action(
        "undo", _("Undo the whole takeover"), form=UndoForm, when=_can_be_undone, is_dangerous=True,
        success=_("Undone: %(name)s. Its items are off the list."),
    )  # fmt: skip
    def undo(self, record: AssetImport, form: UndoForm) -> None:
        """Take all its items out again."""
        undo_import(record, by=get_current_user(), now=now(), **form.arguments())

    @expose("/<record_id>/layout", methods=("GET", "POST"))
    @recoverable
    def layout(self, record_id: str) -> ResponseReturnValue:
        """Say in which row the headings are, and which column is which."""
        self.require_permission(Verb.EDIT)
        record = self.get_one(record_id)
        content = record.file_content.content
        table = read_table(content, max(request.args.get("sheet", 1, type=int) - 1, 0))
        form = layout_form(record, table, request.args.get("row", type=int))
        back = self.row_url(record.id)
        return self.submit_form(
            form,
            lambda: lay_out(record, get_current_user(), now(), **layout_arguments(form)),
            lambda _result: self.redirect_with_message(_("The columns are set; look at the rows."), back),
            location=lambda _result: back,
            heading=_("Columns of %(name)s", name=record.name),
            submit=_("Look at it"),
            back=back,
        )


def _names_of(found: Preview, agency_id: int) -> dict[str, str]:
    """Return the names of the codes in a preview, from the office's list of codes."""
    codes = {str(item["code"]) for row in found.rows for item in row.items[:1]}
    wanted = select(AssetCode.code, AssetCode.name).where(AssetCode.agency_id == agency_id)
    return {code: name for code, name in db.session.execute(wanted) if code in codes}


def layout_form(record: AssetImport, table: Table, row: int | None) -> Form:
    """Return the form with a choice for each column of a file, filled in with what is known of it."""
    known = Layout.from_json(record.layout, table) if record.layout else find_layout(table)
    if row is not None and 0 < row <= len(table.rows):
        known = Layout(row, row + 1, {}, headings=heading_texts(table.rows, row, row))
    known = known or Layout(1, 2, {}, headings=heading_texts(table.rows, 1, 1))
    columns = all_columns()
    choices = [
        SelectChoice(IGNORED, tr(_("Not taken over"))),
        SelectChoice(_CODE_PART, tr(_("A part of the item code"))),
    ]
    choices += [SelectChoice(key, tr(column.label)) for key, column in columns.items()]
    fields: dict[str, Any] = {
        "card": SelectField(_("Card"), choices=_card_choices(), default=record.card or ""),
        "sheet": IntegerField(_("Sheet"), default=known.sheet),
        "heading_row": IntegerField(_("Row of the headings"), default=known.heading_row),
        "first_row": IntegerField(_("First row of the list"), default=known.first_row),
        "is_in_thousands": BooleanField(_("Prices are in thousands of rupiah"), default=known.is_in_thousands),
    }
    first = table.rows[known.first_row - 1] if known.first_row <= len(table.rows) else ()
    for position in range(1, min(_width(table), _MAX_COLUMNS) + 1):
        key = _CODE_PART if position in known.code_columns else known.columns.get(position) or IGNORED
        sample = first[position - 1] if position <= len(first) else ""
        label = _("Column %(number)s: %(heading)s", number=position, heading=known.heading(position) or "–")
        fields[f"column_{position}"] = SelectField(label, choices=choices, default=key, description=sample[:80])
    fields["profile"] = StringField(_("Keep this layout as"), description=_("A name, for the next list of this kind."))
    form: Form = type("LayoutForm", (Form,), fields)()
    return form


def _width(table: Table) -> int:
    return max(map(len, table.rows), default=0)


def layout_arguments(form: Form) -> dict[str, Any]:
    """Return the arguments of ``lay_out`` from the form of ``layout_form``."""
    values = form.arguments()
    chosen = {
        int(name.removeprefix("column_")): key for name, key in values.items() if name.startswith("column_") and key
    }
    layout = Layout(
        max(values["heading_row"] or 1, 1),
        max(values["first_row"] or 1, 1),
        {position: key for position, key in chosen.items() if key != _CODE_PART},
        max(values["sheet"] or 1, 1),
        tuple(position for position, key in sorted(chosen.items()) if key == _CODE_PART),
        bool(values["is_in_thousands"]),
    )
    return {
        "card": Card(values["card"]) if values["card"] else None,
        "layout": layout.to_json(),
        "profile": values["profile"],
    }
