"""Rooms, and who keeps and answers for what is in them: the heads of the room inventories (KIR)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.parsing.identity_numbers import read_nip
from models.accounts.permission import require_permission
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH, Base, IdType, PrimaryKey, ShortText, session_of
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency, lock_agency
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt

    from models.accounts.user import User

_ENTERED = AuditAction("room.enter", _("Entered a room"))
_CORRECTED = AuditAction("room.correct", _("Corrected a room"))
_NOT_ALLOWED = _("Only a change manager or an administrator maintains the rooms.")
_CODE_LENGTH = 40
#: The columns that can be corrected, besides the NIPs.
_TEXTS = ("name", "unit", "location_code", "keeper_name", "answerable_name", "answerable_title")
_LABELS = {
    "name": _("Room"),
    "unit": _("User (unit)"),
    "location_code": _("Location code"),
    "keeper_name": _("Keeper of the goods"),
    "answerable_name": _("Answerable for the room"),
    "answerable_title": _("Title of who answers"),
}


class Room(Base):
    """A room of an agency. Items name it by its code, which therefore stays."""

    __tablename__ = "room"
    is_office_record = True
    __table_args__ = (UniqueConstraint("agency_id", "code"),)

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "room_keeps_its_code",
            "items name a room by its code",
            (Immutable(mutable=(*_TEXTS, "keeper_nip", "answerable_nip", "is_closed")),),
        ),
        DeleteRule("room_kept", "a room is closed, not deleted"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    code: Mapped[str] = mapped_column(String(_CODE_LENGTH))
    name: Mapped[ShortText]
    #: The unit that uses the room.
    unit: Mapped[ShortText | None]
    location_code: Mapped[ShortText | None]
    keeper_name: Mapped[ShortText | None]
    keeper_nip: Mapped[str | None] = mapped_column(String(18))
    answerable_name: Mapped[ShortText | None]
    answerable_title: Mapped[ShortText | None]
    answerable_nip: Mapped[str | None] = mapped_column(String(18))
    is_closed: Mapped[bool] = mapped_column(default=False)

    agency: Mapped[Agency] = relationship()

    def correct(self, *, by: User, now: dt.datetime, is_closed: bool, **texts: str) -> None:  # noqa: ARG002
        """Correct what was entered, or close the room; raises as ``enter_room`` does."""
        require_permission(by, Verb.EDIT, Resource.ROOM, self.agency_id, _NOT_ALLOWED)
        for key, value in _read(texts).items():
            setattr(self, key, value)
        self.is_closed = is_closed
        _CORRECTED.describe(session_of(self))

    def __str__(self) -> str:
        """Return code and name."""
        return f"{self.code} {self.name}"


def enter_room(session: Session, *, by: User, now: dt.datetime, code: str, **texts: str) -> Room:  # noqa: ARG001
    """Enter a room of the agency of ``by``; raises NotAllowed, ValidationFailed with an error for each field."""
    if by.agency_id is None:
        raise NotAllowed(_NOT_ALLOWED)
    require_permission(by, Verb.CREATE, Resource.ROOM, by.agency_id, _NOT_ALLOWED)
    lock_agency(session, by.agency_id)
    code = strip_blank(code)
    error = text_error(code, required_label=_("Room code"), max_length=_CODE_LENGTH)
    if error is None and find_room(session, by.agency_id, code) is not None:
        error = _("There is a room with this code already.")
    values = _read(texts, {"code": error} if error else {})
    room = Room(agency_id=by.agency_id, code=code, is_closed=False, **values)
    session.add(room)
    _ENTERED.describe(session)
    session.flush()
    return room


def find_room(session: Session, agency_id: int, code: str) -> Room | None:
    """Return the room of this code, whatever the case of its letters."""
    rooms = session.scalars(select(Room).where(Room.agency_id == agency_id))
    return next((room for room in rooms if room.code.casefold() == code.casefold()), None)


def _read(texts: dict[str, str], errors: dict[str, Message] | None = None) -> dict[str, str | None]:
    """Return the values of the columns; raises ValidationFailed, also for ``errors`` that were found before."""
    result = dict(errors or {})
    values: dict[str, str | None] = {}
    for key in _TEXTS:
        text = texts.get(key, "")
        label = _LABELS[key] if key == "name" else None
        if error := text_error(text, required_label=label, max_length=SHORT_TEXT_LENGTH):
            result[key] = error
        values[key] = strip_blank(text) or None
    for key in ("keeper_nip", "answerable_nip"):
        try:
            values[key] = read_nip(texts.get(key, ""))
        except UnreadableError as refusal:
            result[key] = refusal.message
    if result:
        raise ValidationFailed(_("The room cannot be saved with these values."), field_errors=result)
    return values
