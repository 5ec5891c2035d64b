"""Taking over a list: looked at row by row, entered as a whole or not at all, and undone as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, or_, select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.takeover.card_file import CellError, read_card_file
from models.accounts.permission import require_permission
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH, session_of
from models.database import update_statistics
from models.documents.document import store_content
from models.inventory.asset import Asset, AssetMutation
from models.inventory.item_checks import SERIAL_COLUMNS, Holder, LoadedItems, check_item, serial_key
from models.inventory.locking import locked_until, require_open_day
from models.inventory.mutation import new_asset, parse_new_assets
from models.office.agency import Agency, lock_agency
from models.office.upload import count_upload
from models.takeover.asset_import import AssetImport, ImportProfile, ImportState
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from lpse_admin.inventory.cards import Card
    from lpse_admin.takeover.card_file import CardFile, CardRow
    from models.accounts.user import User

_UPLOADED = AuditAction("asset.import.upload", _("Uploaded a list of assets"))
_LAID_OUT = AuditAction("asset.import.layout", _("Said which column of a list is which"))
_APPLIED = AuditAction("asset.import.apply", _("Took over a list of assets"))
_UNDONE = AuditAction("asset.import.undo", _("Undid the takeover of a list of assets"))
_DISCARDED = AuditAction("asset.import.discard", _("Discarded a list of assets"))
#: A list of so many items changes what the database has to know of its tables.
_MANY_ITEMS = 500
_NOT_ALLOWED = _("Only a change manager or an administrator takes over lists of assets.")


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file that is taken over, and how it is read: its card and layout where codes and headings do not say them."""

    name: str
    content: bytes
    card: Card | None = None
    layout: dict[str, Any] | None = None
    booked_on: dt.date | None = None


class ImportFailed(ValidationFailed):
    """The file is refused; ``errors`` are all that is wrong with it, by row and column."""

    def __init__(self, errors: list[CellError]) -> None:
        """Store the errors."""
        super().__init__(_("Nothing was imported."))
        self.errors = errors


@dataclass(slots=True)
class RowPreview:
    """A row of the file: what it would enter, what is wrong with it, and what is to be said of it."""

    row: CardRow
    items: list[dict[str, object]] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    notices: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class Preview:
    """What a file would enter."""

    file: CardFile
    rows: list[RowPreview]
    errors: list[CellError]

    @property
    def item_count(self) -> int:
        """How many items it would enter."""
        return sum(len(row.items) for row in self.rows)


def preview(
    session: Session, agency_id: int, content: bytes, card: Card | None, layout: Mapping[str, Any] | None
) -> Preview:
    """Read a file and compare it with the list of the agency and with itself; nothing is written."""
    file = read_card_file(content, card, layout)
    listed = LoadedItems(session, agency_id)
    rows = [_preview_row(file, row, listed) for row in file.rows]
    errors = [*file.errors, *(error for row in rows for error in row.errors)]
    if not rows and not errors:
        errors.append(CellError(_("The file has no rows.")))
    return Preview(file, rows, sorted(errors, key=lambda error: (error.row or 0, error.column or 0)))


def _preview_row(file: CardFile, row: CardRow, listed: LoadedItems) -> RowPreview:
    result = RowPreview(row)
    try:
        for values in parse_new_assets(row.card, row.texts):
            checked = check_item(listed, values)
            result.items.append(checked)
            result.notices += _notices(listed, checked)
            # A row that comes again is compared with this one.
            listed.add(Holder(-row.number, f"{checked['code']}.{checked['register']}"), checked)
    except ValidationFailed as refusal:
        result.errors += [file.error_at(row, key, message) for key, message in refusal.field_errors.items()]
    if result.items and (warning := listed.code_warning(str(result.items[0]["code"]))):
        result.notices.append(warning)
    return result


def _notices(listed: LoadedItems, values: Mapping[str, object]) -> list[Message]:
    """Return what is like an item on the list or in the file: the same number of its maker."""
    notices = []
    for column in SERIAL_COLUMNS:
        key = serial_key(str(values.get(column) or ""))
        same = listed.by_serial.get((column, key)) if key.strip("0") else None
        if same is not None:
            notices.append(
                _("Item %(item)s has the same number %(number)s.", item=same.reference, number=str(values[column]))
            )
    return notices


def upload_list(session: Session, *, by: User, now: dt.datetime, file: ListFile | None) -> AssetImport:
    """Keep a file to be looked at; raises NotAllowed, ValidationFailed with an error for each field."""
    if by.agency_id is None:
        raise NotAllowed(_NOT_ALLOWED)
    require_permission(by, Verb.CREATE, Resource.ASSET_IMPORT, by.agency_id, _NOT_ALLOWED)
    if file is None:
        message = _("Choose a file.")
        raise ValidationFailed(message, field_errors={"file": message})
    return _keep(session, session.get_one(Agency, by.agency_id), file, now, by)


def _keep(session: Session, agency: Agency, file: ListFile, now: dt.datetime, by: User | None) -> AssetImport:
    if by is not None:
        count_upload(session, agency.id, len(file.content), by=by, now=now, field="file")
    row = AssetImport(
        agency_id=agency.id,
        name=file.name[-SHORT_TEXT_LENGTH:],
        size=len(file.content),
        sha256=store_content(session, file.content).sha256,
        layout=file.layout,
        card=file.card,
        booked_on=require_open_day(session, agency, file.booked_on, now),
        state=ImportState.PREVIEW,
        uploaded_at=now,
        uploaded_by_id=by.id if by else None,
    )
    session.add(row)
    _UPLOADED.describe(session, reason=row.name)
    session.flush()
    return row


def preview_of(row: AssetImport) -> Preview:
    """Return what a kept file would enter now."""
    return preview(session_of(row), row.agency_id, row.file_content.content, row.card, row.layout)


def lay_out(
    row: AssetImport, by: User, now: dt.datetime, *, card: Card | None, layout: dict[str, Any], profile: str = ""
) -> None:
    """Say how a file is laid out; ``profile`` is the name to keep it by for the next. Raises NotAllowed, NoSuchMove."""
    session = session_of(row)
    _require(row, by, ImportState.PREVIEW)
    row.card, row.layout = card, layout
    _LAID_OUT.describe(session, reason=row.name)
    name = strip_blank(profile)
    if error := text_error(name, max_length=SHORT_TEXT_LENGTH):
        raise ValidationFailed(error, field_errors={"profile": error})
    if name:
        saved = session.scalars(
            select(ImportProfile).where(ImportProfile.agency_id == row.agency_id, ImportProfile.name == name)
        ).one_or_none()
        if saved is None:
            saved = ImportProfile(agency_id=row.agency_id, name=name)
            session.add(saved)
        saved.layout, saved.set_by_id, saved.set_at = layout, by.id, now
    session.flush()


def apply_import(row: AssetImport, *, by: User | None, now: dt.datetime) -> int:
    """Enter all items of a kept file and return how many; raises NotAllowed, NoSuchMove, ImportFailed.

    ``by`` None is the terminal. Where it raises nothing must be committed.
    """
    session = session_of(row)
    lock_agency(session, row.agency_id)
    _require(row, by, ImportState.PREVIEW)
    require_open_day(session, row.agency, row.booked_on, now)
    result = preview_of(row)
    if result.errors:
        raise ImportFailed(result.errors)
    for one in result.rows:
        for values in one.items:
            asset = new_asset(row.agency_id, one.row.card, values, now, row.booked_on)
            asset.import_id, asset.entered_by_id = row.id, by.id if by else None
            session.add(asset)
    row.state, row.applied_at, row.applied_by_id = ImportState.APPLIED, now, by.id if by else None
    row.item_count = result.item_count
    _APPLIED.describe(session, reason=f"{row.name}, SHA-256 {row.sha256}")
    session.flush()
    if result.item_count >= _MANY_ITEMS:
        update_statistics(session.connection(), "asset", "search_record", "search_index")
    return result.item_count


def import_file(session: Session, agency: Agency, file: ListFile, *, now: dt.datetime) -> AssetImport:
    """Keep and apply a file at the terminal; raises as ``apply_import`` does."""
    row = _keep(session, agency, file, now, None)
    apply_import(row, by=None, now=now)
    return row


def undo_import(row: AssetImport, *, by: User, now: dt.datetime, reason: str) -> None:
    """Take every item of a list that was taken over out again; raises NotAllowed, NoSuchMove, ValidationFailed.

    Only while no item of it was changed, corrected or named by a request, and its half-year is open.
    """
    session = session_of(row)
    lock_agency(session, row.agency_id)
    _require(row, by, ImportState.APPLIED)
    if error := text_error(reason, required_label=_("Reason")):
        raise ValidationFailed(error, field_errors={"reason": error})
    if refusal := why_not_undone(row):
        raise NoSuchMove(refusal)
    row.state, row.undone_at, row.undone_by_id, row.reason = ImportState.UNDONE, now, by.id, strip_blank(reason)
    _UNDONE.describe(session, reason=row.reason)
    session.flush()
    for asset in session.scalars(select(Asset).where(Asset.import_id == row.id)):
        session.delete(asset)
    session.flush()


def why_not_undone(row: AssetImport) -> Message | None:
    """Return why a takeover cannot be undone any more; None if it can."""
    session = session_of(row)
    locked = locked_until(session, row.agency_id)
    if locked is not None and row.booked_on <= locked:
        return _("Its items are booked in a half-year that is locked.")
    touched = or_(
        exists().where(AssetMutation.asset_id == Asset.id), Asset.review_items.any(), Asset.release_assets.any(),
        *(exists().where(table.c.asset_id == Asset.id) for name, table in Asset.metadata.tables.items()
          if name in {"change_item", "evaluation_item"}),
    )  # fmt: skip
    count = session.scalar(select(func.count()).select_from(Asset).where(Asset.import_id == row.id, touched))
    if count:
        return _("%(count)s of its items were changed since, or a request names them.", count=count)
    return None


def discard_import(row: AssetImport, by: User) -> None:
    """Set a file aside that is not taken over; raises NotAllowed, NoSuchMove."""
    _require(row, by, ImportState.PREVIEW)
    row.state = ImportState.DISCARDED
    _DISCARDED.describe(session_of(row), reason=row.name)


def _require(row: AssetImport, by: User | None, state: ImportState) -> None:
    if by is not None:
        require_permission(by, Verb.EDIT, Resource.ASSET_IMPORT, row.agency_id, _NOT_ALLOWED)
    if row.state is not state:
        raise NoSuchMove(_("This list is not in that state any more: open its page again."))
