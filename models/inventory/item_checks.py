"""What an item has to be beside the others.

The only one with its register number and NIBAR, in a room that is there, with a code that the list of codes has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import or_, select

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.inventory.checks import UnknownCode
from lpse_admin.inventory.code_list import first_unknown_level, unknown_code
from lpse_admin.inventory.codes import code_levels, code_scheme, read_reference, register_number, write_register
from models.inventory.asset import Asset
from models.inventory.code_list import AssetCode
from models.inventory.lookup import item_with
from models.inventory.period import InventoryOptions
from models.inventory.room import Room, find_room

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session


class Holder(NamedTuple):
    """The item that has a number already: its id, and what people write of it."""

    id: int
    reference: str


class ListedItems:
    """The list of an agency, asked item by item."""

    def __init__(self, session: Session, agency_id: int) -> None:
        """Ask ``session`` of the list of an agency."""
        self._session = session
        self._agency_id = agency_id
        self.unknown_code = (
            session.scalar(select(InventoryOptions.unknown_code).where(InventoryOptions.agency_id == agency_id))
            or UnknownCode.WARN
        )

    def with_register(self, code: str, register: str) -> Holder | None:
        """Return the item with this code and register number."""
        return _holder(item_with(self._session, self._agency_id, code, register))

    def with_nibar(self, nibar: str) -> Holder | None:
        """Return the item with this NIBAR."""
        wanted = select(Asset).where(Asset.agency_id == self._agency_id, Asset.details["nibar"].as_string() == nibar)
        return _holder(self._session.scalars(wanted.limit(1)).one_or_none())

    def room(self, code: str) -> str | None:
        """Return the code of a room as it was entered."""
        room = find_room(self._session, self._agency_id, code)
        return None if room is None else room.code

    def has_code(self, level: str) -> bool:
        """Whether the list of codes has ``level``: as a code, or above one."""
        result = select(AssetCode.id).where(
            AssetCode.agency_id == self._agency_id,
            or_(AssetCode.code == level, AssetCode.code.startswith(f"{level}.", autoescape=True)),
        )
        return self._session.scalar(result.limit(1)) is not None

    def has_list_of(self, code: str) -> bool:
        """Whether the office has imported codes of the scheme of ``code``."""
        result = select(AssetCode.id).where(
            AssetCode.agency_id == self._agency_id, AssetCode.scheme == code_scheme(code)
        )
        return self._session.scalar(result.limit(1)) is not None

    def code_warning(self, code: str) -> Message | None:
        """Return the sentence about a code that is not on the list of codes; None where there is no list."""
        if not self.has_list_of(code):
            return None
        level = first_unknown_level(code, self.has_code)
        return None if level is None else unknown_code(code, level)


def _holder(asset: Asset | None) -> Holder | None:
    return None if asset is None else Holder(asset.id, asset.reference)


class LoadedItems(ListedItems):
    """The list of an agency, read once for the many items of a file."""

    def __init__(self, session: Session, agency_id: int) -> None:
        """Read the list, the rooms and the codes of an agency."""
        super().__init__(session, agency_id)
        self._by_register: dict[tuple[str, str], Holder] = {}
        self._by_nibar: dict[str, Holder] = {}
        self.by_serial: dict[tuple[str, str], Holder] = {}
        rows = session.execute(
            select(Asset.id, Asset.code, Asset.register, Asset.details).where(Asset.agency_id == agency_id)
        )
        for id_, code, register, details in rows:
            self.add(Holder(id_, f"{code}.{register}"), {"code": code, "register": register, **(details or {})})
        rooms = session.scalars(select(Room.code).where(Room.agency_id == agency_id))
        self._rooms = {code.casefold(): code for code in rooms}
        codes = list(session.execute(select(AssetCode.scheme, AssetCode.code).where(AssetCode.agency_id == agency_id)))
        self._schemes = {scheme for scheme, _code in codes}
        self._codes = {level for _scheme, code in codes for level in code_levels(code)}

    def add(self, holder: Holder, values: Mapping[str, object]) -> None:
        """Remember the numbers of an item."""
        self._by_register.setdefault(_key(str(values["code"]), str(values["register"])), holder)
        if nibar := values.get("nibar"):
            self._by_nibar.setdefault(str(nibar), holder)
        for column in SERIAL_COLUMNS:
            if serial := values.get(column):
                self.by_serial.setdefault((column, serial_key(str(serial))), holder)

    def with_register(self, code: str, register: str) -> Holder | None:
        """Return the item with this code and register number."""
        return self._by_register.get(_key(code, register))

    def with_nibar(self, nibar: str) -> Holder | None:
        """Return the item with this NIBAR."""
        return self._by_nibar.get(nibar)

    def room(self, code: str) -> str | None:
        """Return the code of a room as it was entered."""
        return self._rooms.get(code.casefold())

    def has_code(self, level: str) -> bool:
        """Whether the list of codes has ``level``: as a code, or above one."""
        return level in self._codes

    def has_list_of(self, code: str) -> bool:
        """Whether the office has imported codes of the scheme of ``code``."""
        return code_scheme(code) in self._schemes


#: Numbers that a maker or an authority gave to one item.
SERIAL_COLUMNS = ("factory_number", "chassis_number", "engine_number", "plate_number", "ownership_book")


def serial_key(serial: str) -> str:
    """Return a number of a maker without what is written in one way or another: blanks, dots, capitals."""
    return "".join(one for one in serial.casefold() if one.isalnum())


def _key(code: str, register: str) -> tuple[str, str]:
    """Return code and register number in their stored form, also of items of earlier versions."""
    result, number = read_reference(f"{code} {register}"), register_number(register)
    return (result.code if result else code, write_register(number) if number else register)


def check_item(
    listed: ListedItems, values: Mapping[str, object], own_id: int | None = None, *, keeps_number: bool = False
) -> dict[str, object]:
    """Return ``values`` with the room as it is called; raises ValidationFailed with an error for each wrong column.

    ``own_id`` is the item that the values are for, if it is on the list; of one that ``keeps_number`` code and register
    number are not looked at again.
    """
    errors: dict[str, Message] = {}
    code, register = str(values["code"]), str(values["register"])
    holder = None if keeps_number else listed.with_register(code, register)
    if holder is not None and holder.id != own_id:
        errors["register"] = _(
            "Code %(code)s with register number %(register)s is already on the list.", code=code, register=register
        )
    nibar = values.get("nibar")
    holder = listed.with_nibar(str(nibar)) if nibar else None
    if holder is not None and holder.id != own_id:
        errors["nibar"] = _("Item %(item)s has this NIBAR.", item=holder.reference)
    checked = dict(values)
    if room := values.get("room"):
        checked["room"] = listed.room(str(room))
        if checked["room"] is None:
            errors["room"] = _("There is no room %(code)s: enter it in the list of rooms first.", code=room)
    if listed.unknown_code is UnknownCode.REFUSE and not keeps_number and (warning := listed.code_warning(code)):
        errors["code"] = warning
    if errors:
        raise ValidationFailed(next(iter(errors.values())), field_errors=errors)
    return checked
