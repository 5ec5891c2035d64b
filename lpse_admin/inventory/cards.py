"""Kartu Inventaris Barang: the inventory cards and the official columns of each (procedure.md, KIB).

Screens, forms, imports and printed cards read the columns from ``CARD_COLUMNS``, so a further card needs no code of its
own. Columns with a key in ``COMMON_COLUMNS`` are columns of the database table; the others are in the asset's details.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.inventory.codes import read_nibar
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.parsing.choices import YES_NO_WORDS, read_choice
from lpse_admin.parsing.dates import read_date
from lpse_admin.parsing.numbers import read_money, read_number, read_year

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Card(LabelledEnum):
    """An inventory card. Software belongs to the intangible assets, not to card E."""

    A = "A", _("KIB A. Land")
    B = "B", _("KIB B. Equipment and machines")
    C = "C", _("KIB C. Buildings")
    D = "D", _("KIB D. Roads, irrigation and networks")
    E = "E", _("KIB E. Other fixed assets")
    F = "F", _("KIB F. Construction in progress")
    INTANGIBLE = "ATB", _("Intangible assets")


class AssetCondition(LabelledEnum):
    """The condition of an item."""

    GOOD = "good", _("Good")
    LIGHT_DAMAGE = "light-damage", _("Slightly damaged")
    HEAVY_DAMAGE = "heavy-damage", _("Heavily damaged")


#: How the conditions are written on screens and cards, the word of the screen first (KIB: B, KB, RB).
CONDITION_WORDS: Mapping[AssetCondition, tuple[str, ...]] = {
    AssetCondition.GOOD: ("Baik", "Good", "B", "Bagus", "good"),
    AssetCondition.LIGHT_DAMAGE: (
        "Rusak ringan", "Slightly damaged", "Kurang baik", "KB", "RR", "Rusak sedang", "light-damage",
    ),
    AssetCondition.HEAVY_DAMAGE: ("Rusak berat", "Heavily damaged", "RB", "heavy-damage"),
}  # fmt: skip
#: How "yes" and "no" are written in the columns that ask whether a building is of a kind.
STOREYS_WORDS = {True: ("Bertingkat",), False: ("Tidak bertingkat",)}
CONCRETE_WORDS = {True: ("Beton",), False: ("Tidak beton", "Bukan beton")}


class CardColumnKind(StrEnum):
    """The type of a column's values."""

    TEXT = "text"
    DATE = "date"
    YEAR = "year"
    NUMBER = "number"
    MONEY = "money"
    CONDITION = "condition"
    YES_NO = "yes-no"
    NIBAR = "nibar"


@dataclass(frozen=True, slots=True)
class CardColumn:
    """An official column: its key, its printed heading and its type."""

    key: str
    label: Message
    kind: CardColumnKind = CardColumnKind.TEXT
    #: Further words for yes and no.
    words: Mapping[bool, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def read(self, text: str) -> object:
        """Return what is typed as a value: None, str, int, Decimal, date, bool or AssetCondition.

        Raises UnreadableError with a sentence that says how to write it.
        """
        if self.kind is CardColumnKind.CONDITION:
            return read_choice(text, CONDITION_WORDS, {one: one.title for one in AssetCondition})
        if self.kind is CardColumnKind.YES_NO:
            words = {answer: (*names, *self.words.get(answer, ())) for answer, names in YES_NO_WORDS.items()}
            return read_choice(text, words, {True: _("Yes"), False: _("No")})
        return _READERS[self.kind](text)


_READERS: Mapping[CardColumnKind, Callable[[str], object]] = {
    CardColumnKind.TEXT: lambda text: strip_blank(text) or None,
    CardColumnKind.DATE: read_date,
    CardColumnKind.YEAR: read_year,
    CardColumnKind.NUMBER: read_number,
    CardColumnKind.MONEY: read_money,
    CardColumnKind.NIBAR: read_nibar,
}

#: Columns that every item has, on every card.
COMMON_COLUMNS = frozenset({"code", "register", "name", "condition", "origin", "price", "remarks"})

_NAME = CardColumn("name", _("Item type or name"))
_CODE = CardColumn("code", _("Item code"))
_REGISTER = CardColumn("register", _("Register number"))
_ORIGIN = CardColumn("origin", _("Origin"))
_PRICE = CardColumn("price", _("Price (Rp)"), CardColumnKind.MONEY)
_REMARKS = CardColumn("remarks", _("Remarks"))
_CONDITION = CardColumn("condition", _("Condition"), CardColumnKind.CONDITION)
_LOCATION = CardColumn("location", _("Location"))
#: What every item has besides the official columns of its card.
FURTHER_COLUMNS = (
    _LOCATION,
    CardColumn("room", _("Room (code)")),
    CardColumn("nibar", _("NIBAR"), CardColumnKind.NIBAR),
)
_STOREYS = CardColumn("multi_storey", _("Multi-storey"), CardColumnKind.YES_NO, STOREYS_WORDS)
_CONCRETE = CardColumn("concrete", _("Concrete"), CardColumnKind.YES_NO, CONCRETE_WORDS)
_DOCUMENT_DATE = CardColumn("document_date", _("Document date"), CardColumnKind.DATE)
_DOCUMENT_NUMBER = CardColumn("document_number", _("Document number"))
_LAND_STATUS = CardColumn("land_status", _("Land status"))
_LAND_CODE = CardColumn("land_code", _("Land code"))
_AREA = CardColumn("area", _("Area (m²)"), CardColumnKind.NUMBER)

#: The columns of each card in the printed order, without the row number ("no").
CARD_COLUMNS: Mapping[Card, tuple[CardColumn, ...]] = {
    Card.A: (
        _NAME, _CODE, _REGISTER, _AREA,
        CardColumn("acquired_year", _("Year of acquisition"), CardColumnKind.YEAR),
        _LOCATION,
        CardColumn("right", _("Land title")),
        CardColumn("certificate_date", _("Certificate date"), CardColumnKind.DATE),
        CardColumn("certificate_number", _("Certificate number")),
        CardColumn("use", _("Use")),
        _ORIGIN, _PRICE, _REMARKS,
    ),
    Card.B: (
        _CODE, _NAME, _REGISTER,
        CardColumn("brand_type", _("Brand / type")),
        CardColumn("size_cc", _("Size / CC")),
        CardColumn("material", _("Material")),
        CardColumn("purchase_year", _("Year of purchase"), CardColumnKind.YEAR),
        CardColumn("factory_number", _("Factory number")),
        CardColumn("chassis_number", _("Chassis number")),
        CardColumn("engine_number", _("Engine number")),
        CardColumn("plate_number", _("Licence plate")),
        CardColumn("ownership_book", _("BPKB")),
        _ORIGIN, _PRICE, _REMARKS,
    ),
    Card.C: (
        _NAME, _CODE, _REGISTER, _CONDITION, _STOREYS, _CONCRETE,
        CardColumn("floor_area", _("Floor area (m²)"), CardColumnKind.NUMBER),
        _LOCATION, _DOCUMENT_DATE, _DOCUMENT_NUMBER, _AREA, _LAND_STATUS, _LAND_CODE,
        _ORIGIN, _PRICE, _REMARKS,
    ),
    Card.D: (
        _NAME, _CODE, _REGISTER,
        CardColumn("construction", _("Construction")),
        CardColumn("length", _("Length (km)"), CardColumnKind.NUMBER),
        CardColumn("width", _("Width (m)"), CardColumnKind.NUMBER),
        _AREA, _LOCATION, _DOCUMENT_DATE, _DOCUMENT_NUMBER, _LAND_STATUS, _LAND_CODE,
        _ORIGIN, _PRICE, _CONDITION, _REMARKS,
    ),
    Card.E: (
        _NAME, _CODE, _REGISTER,
        CardColumn("book_title", _("Title / author")),
        CardColumn("specification", _("Specification")),
        CardColumn("region_of_origin", _("Region of origin")),
        CardColumn("creator", _("Creator")),
        CardColumn("material", _("Material")),
        CardColumn("species", _("Species")),
        CardColumn("size", _("Size")),
        CardColumn("quantity", _("Quantity"), CardColumnKind.NUMBER),
        CardColumn("print_year", _("Year of print / purchase"), CardColumnKind.YEAR),
        _ORIGIN, _PRICE, _REMARKS,
    ),
    Card.F: (
        _NAME,
        CardColumn("building", _("Building (P/SP/D)")),
        _STOREYS, _CONCRETE, _AREA, _LOCATION, _DOCUMENT_DATE, _DOCUMENT_NUMBER,
        CardColumn("start_date", _("Start date"), CardColumnKind.DATE),
        _LAND_STATUS, _LAND_CODE,
        CardColumn("financing", _("Source of financing")),
        CardColumn("contract_value", _("Contract value (Rp)"), CardColumnKind.MONEY),
        _REMARKS,
    ),
    Card.INTANGIBLE: (
        _CODE, _NAME, _REGISTER,
        CardColumn("software_title", _("Software title or name")),
        CardColumn("creator", _("Creator")),
        CardColumn("specification", _("Specification")),
        CardColumn("version", _("Version")),
        CardColumn("licence", _("Licence")),
        CardColumn("acquired_year", _("Year of acquisition"), CardColumnKind.YEAR),
        CardColumn("valid_until", _("Valid until"), CardColumnKind.DATE),
        _CONDITION, _ORIGIN, _PRICE, _REMARKS,
    ),
}  # fmt: skip


def card_columns(card: Card) -> dict[str, CardColumn]:
    """Return the columns of an item of ``card`` by key: its own, the common ones, where the item is, and its NIBAR."""
    columns = {column.key: column for column in CARD_COLUMNS[card]}
    for column in (*CARD_COLUMNS[Card.B], *CARD_COLUMNS[Card.C]):
        if column.key in COMMON_COLUMNS:
            columns.setdefault(column.key, column)
    for column in FURTHER_COLUMNS:
        columns.setdefault(column.key, column)
    return columns
