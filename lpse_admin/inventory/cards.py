"""Kartu Inventaris Barang: the cards, and the official columns of each (SOP page, 'KIB').

A card's columns are data: a screen, a form, an import or a printed card asks ``CARDS`` and needs no code of its
own for a further card. Columns whose ``key`` is in ``COMMON`` are columns of the table; the others are kept in
the asset's details.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, Word, _

if TYPE_CHECKING:
    from collections.abc import Mapping


class Card(Word):
    """A card of the inventory. Software belongs to the intangible assets, not on card E."""

    A = "A", _("KIB A. Land")
    B = "B", _("KIB B. Equipment and machines")
    C = "C", _("KIB C. Buildings")
    D = "D", _("KIB D. Roads, irrigation and networks")
    E = "E", _("KIB E. Other fixed assets")
    F = "F", _("KIB F. Construction in progress")
    INTANGIBLE = "ATB", _("Intangible assets")


class Condition(Word):
    """The state of an item."""

    GOOD = "good", _("Good")
    LIGHT_DAMAGE = "light-damage", _("Lightly damaged")
    HEAVY_DAMAGE = "heavy-damage", _("Heavily damaged")


class ColumnKind(StrEnum):
    """What stands in a column."""

    TEXT = "text"
    DATE = "date"
    YEAR = "year"
    NUMBER = "number"
    MONEY = "money"
    CONDITION = "condition"
    YES_NO = "yes-no"


@dataclass(frozen=True, slots=True)
class Column:
    """One official column: its key, its heading as printed, and what stands in it."""

    key: str
    heading: Message
    kind: ColumnKind = ColumnKind.TEXT


#: Columns that every item has, whatever its card.
COMMON = frozenset({"code", "register", "name", "condition", "origin", "price", "remarks"})

_NAME = Column("name", _("Kind / name of the item"))
_CODE = Column("code", _("Item code"))
_REGISTER = Column("register", _("Register number"))
_ORIGIN = Column("origin", _("Origin"))
_PRICE = Column("price", _("Price (Rp)"), ColumnKind.MONEY)
_REMARKS = Column("remarks", _("Remarks"))
_CONDITION = Column("condition", _("Condition"), ColumnKind.CONDITION)
_LOCATION = Column("location", _("Location"))
_STOREYS = Column("multi_storey", _("Multi-storey"), ColumnKind.YES_NO)
_CONCRETE = Column("concrete", _("Concrete"), ColumnKind.YES_NO)
_DOCUMENT_DATE = Column("document_date", _("Document date"), ColumnKind.DATE)
_DOCUMENT_NUMBER = Column("document_number", _("Document number"))
_LAND_STATUS = Column("land_status", _("Status of the land"))
_LAND_CODE = Column("land_code", _("Code of the land"))
_AREA = Column("area", _("Area (m²)"), ColumnKind.NUMBER)

#: The columns of each card in the printed order; the running number ("no") is the row's own.
CARDS: Mapping[Card, tuple[Column, ...]] = {
    Card.A: (
        _NAME, _CODE, _REGISTER, _AREA,
        Column("acquired_year", _("Year of acquisition"), ColumnKind.YEAR),
        _LOCATION,
        Column("right", _("Right to the land")),
        Column("certificate_date", _("Certificate date"), ColumnKind.DATE),
        Column("certificate_number", _("Certificate number")),
        Column("use", _("Use")),
        _ORIGIN, _PRICE, _REMARKS,
    ),
    Card.B: (
        _CODE, _NAME, _REGISTER,
        Column("brand_type", _("Brand / type")),
        Column("size_cc", _("Size / CC")),
        Column("material", _("Material")),
        Column("purchase_year", _("Year of purchase"), ColumnKind.YEAR),
        Column("factory_number", _("Factory number")),
        Column("chassis_number", _("Chassis number")),
        Column("engine_number", _("Engine number")),
        Column("plate_number", _("Police number")),
        Column("ownership_book", _("BPKB")),
        _ORIGIN, _PRICE, _REMARKS,
    ),
    Card.C: (
        _NAME, _CODE, _REGISTER, _CONDITION, _STOREYS, _CONCRETE,
        Column("floor_area", _("Floor area (m²)"), ColumnKind.NUMBER),
        _LOCATION, _DOCUMENT_DATE, _DOCUMENT_NUMBER, _AREA, _LAND_STATUS, _LAND_CODE,
        _ORIGIN, _PRICE, _REMARKS,
    ),
    Card.D: (
        _NAME, _CODE, _REGISTER,
        Column("construction", _("Construction")),
        Column("length", _("Length (km)"), ColumnKind.NUMBER),
        Column("width", _("Width (m)"), ColumnKind.NUMBER),
        _AREA, _LOCATION, _DOCUMENT_DATE, _DOCUMENT_NUMBER, _LAND_STATUS, _LAND_CODE,
        _ORIGIN, _PRICE, _CONDITION, _REMARKS,
    ),
    Card.E: (
        _NAME, _CODE, _REGISTER,
        Column("book_title", _("Title / author")),
        Column("specification", _("Specification")),
        Column("region_of_origin", _("Region of origin")),
        Column("creator", _("Creator")),
        Column("material", _("Material")),
        Column("species", _("Species")),
        Column("size", _("Size")),
        Column("quantity", _("Quantity"), ColumnKind.NUMBER),
        Column("print_year", _("Year of print / purchase"), ColumnKind.YEAR),
        _ORIGIN, _PRICE, _REMARKS,
    ),
    Card.F: (
        _NAME,
        Column("building", _("Building (P/SP/D)")),
        _STOREYS, _CONCRETE, _AREA, _LOCATION, _DOCUMENT_DATE, _DOCUMENT_NUMBER,
        Column("start_date", _("Start date"), ColumnKind.DATE),
        _LAND_STATUS, _LAND_CODE,
        Column("financing", _("Source of financing")),
        Column("contract_value", _("Contract value (Rp)"), ColumnKind.MONEY),
        _REMARKS,
    ),
    Card.INTANGIBLE: (
        _CODE, _NAME, _REGISTER,
        Column("software_title", _("Title / name of the software")),
        Column("creator", _("Creator")),
        Column("specification", _("Specification")),
        Column("version", _("Version")),
        Column("licence", _("Licence")),
        Column("acquired_year", _("Year of acquisition"), ColumnKind.YEAR),
        Column("valid_until", _("Valid until"), ColumnKind.DATE),
        _CONDITION, _ORIGIN, _PRICE, _REMARKS,
    ),
}  # fmt: skip


class CodeScheme(StrEnum):
    """The regulation that an item code follows."""

    PERMENDAGRI_108_2016 = "Permendagri 108/2016"
    PERMENDAGRI_17_2007 = "Permendagri 17/2007"


#: 12 digits in seven levels: 1.3.2.10.01.02.002.
_CODE_108 = re.compile(r"\d\.\d\.\d\.\d{2}\.\d{2}\.\d{2}\.\d{3}", re.ASCII)
#: 14 digits, the register in the last four: 02.06.03.02.01.0001.
_CODE_17 = re.compile(r"\d{2}\.\d{2}\.\d{2}\.\d{2}\.\d{2}\.\d{4}", re.ASCII)
_LEVELS: Mapping[CodeScheme | None, tuple[int, ...]] = {
    CodeScheme.PERMENDAGRI_108_2016: (1, 1, 1, 2, 2, 2, 3),
    CodeScheme.PERMENDAGRI_17_2007: (2, 2, 2, 2, 2, 4),
}
_DIGITS_108, _DIGITS_17 = (sum(levels) for levels in _LEVELS.values())


def dotted(code: str) -> str:
    """Return an item code in its levels, so that one item has one code: 132100102002 is 1.3.2.10.01.02.002."""
    digits = code.replace(".", "")
    lengths = _LEVELS.get(code_scheme(code))
    if lengths is None:
        return code
    places = [sum(lengths[:level]) for level in range(len(lengths) + 1)]
    return ".".join(digits[start:end] for start, end in pairwise(places))


def code_scheme(code: str) -> CodeScheme | None:
    """Return the scheme of an item code, with its dots or as bare digits; None where it follows neither."""
    if _CODE_108.fullmatch(code) or (code.isascii() and code.isdigit() and len(code) == _DIGITS_108):
        return CodeScheme.PERMENDAGRI_108_2016
    if _CODE_17.fullmatch(code) or (code.isascii() and code.isdigit() and len(code) == _DIGITS_17):
        return CodeScheme.PERMENDAGRI_17_2007
    return None
