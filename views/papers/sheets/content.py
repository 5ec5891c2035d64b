"""What stands on a printed sheet of the asset list: headings, rows as text, and who signs."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lpse_admin.i18n import _
from lpse_admin.inventory.cards import CARD_COLUMNS, AssetCondition, Card, CardColumn, CardColumnKind
from lpse_admin.inventory.codes import CodeScheme, code_scheme
from lpse_admin.inventory.sheets import Movement, group_equal, heading_rows, movement_rows, totals
from lpse_admin.parsing.numbers import write_number
from models.inventory.period import SIGNATORY_KEYS
from views.i18n.language import format_date, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpse_admin.inventory.half_years import HalfYear
    from lpse_admin.inventory.sheets import MovementRow, SheetRow
    from models.inventory.period import Signatories
    from models.inventory.room import Room
    from models.office.agency import Agency
    from models.reports.asset_history import ItemHistory

    State = Mapping[str, Any]

_NOTHING = "-"
_CONDITION_LETTERS = {
    CodeScheme.PERMENDAGRI_17_2007: {"good": "B", "light-damage": "KB", "heavy-damage": "RB"},
    CodeScheme.PERMENDAGRI_108_2016: {"good": "B", "light-damage": "RR", "heavy-damage": "RB"},
}
#: How many columns from the end the last place to sign begins.
_SIGNING_COLUMNS = 4
_NUMBERS = frozenset({CardColumnKind.NUMBER, CardColumnKind.MONEY})
#: How wide a column is beside the others.
_WIDTHS = {"name": 2.2, "location": 1.8, "remarks": 1.6, "brand_type": 1.6, "code": 1.7, "register": 1.2, "price": 1.5}
#: Whole columns of a sheet that say what kind of item it is.
_SPECIFICATION = ("specification", "software_title", "book_title", "construction", "material", "size_cc")
_YEARS = ("purchase_year", "acquired_year", "print_year")
_SERIALS = ("certificate_number", "factory_number", "chassis_number", "engine_number")


@dataclass(slots=True)
class Sheet:
    """A sheet as its layout takes it (templates/papers/sheets/sheet.typ)."""

    title: str
    office: str
    made: tuple[int, int, int]
    printed: str
    under: list[str] = field(default_factory=list)
    about: list[tuple[str, str]] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    head: list[list[dict[str, Any]]] = field(default_factory=list)
    #: The headings in one row, for a spreadsheet.
    headings: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    center: list[int] = field(default_factory=list)
    total: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    signers: list[dict[str, str]] = field(default_factory=list)
    size: float = 7.5

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def _cell(text: str, colspan: int = 1, rowspan: int = 1) -> dict[str, Any]:
    return {"text": text, "colspan": colspan, "rowspan": rowspan}


def value_text(column: CardColumn, state: State) -> str:
    """Return a value as it is printed; "-" where there is nothing."""
    value = state.get(column.key)
    if value in {None, ""}:
        return _NOTHING
    match column.kind:
        case CardColumnKind.CONDITION:
            scheme = code_scheme(str(state["code"])) or CodeScheme.PERMENDAGRI_108_2016
            return _CONDITION_LETTERS[scheme][AssetCondition(str(value)).value]
        case CardColumnKind.YES_NO:
            words = column.words[bool(value)] if column.words else ("Ya" if value else "Tidak",)
            return words[0]
        case CardColumnKind.DATE:
            return f"{dt.date.fromisoformat(str(value)):%d-%m-%Y}"
        case CardColumnKind.NUMBER | CardColumnKind.MONEY:
            return write_number(Decimal(str(value)))
        case _:
            return str(value)


def _first(state: State, keys: Iterable[str]) -> str:
    return next((str(state[key]) for key in keys if state.get(key)), _NOTHING)


def _all(state: State, keys: Iterable[str]) -> str:
    return " / ".join(str(state[key]) for key in keys if state.get(key)) or _NOTHING


def kept_signatories(signatories: Signatories | None) -> dict[str, str | None]:
    """Return who signs as it was set, by key; None for what was not."""
    return {key: getattr(signatories, key, None) for key in SIGNATORY_KEYS}


def signers_of(known: Mapping[str, str | None], day: dt.date, place: str) -> list[dict[str, str]]:
    """Return who signs a card: who has it kept on the left, the keeper on the right, with place and day."""
    return [
        _signer("", "Mengetahui,", known["head_title"], known["head_name"], known["head_nip"]),
        _signer(
            f"{known['place'] or place}, {format_date(day)}", "", known["keeper_title"] or "Pengurus Barang",
            known["keeper_name"], known["keeper_nip"],
        ),
    ]  # fmt: skip


def _signer(place: str, caption: str, title: str | None, name: str | None, nip: str | None) -> dict[str, str]:
    return {
        "place": place or "\u00a0",
        "caption": caption or "\u00a0",
        "title": title or "\u00a0",
        "name": name or "." * 40,
        "nip": f"NIP. {nip or '.' * 30}",
    }


def new_sheet(agency: Agency, title: str, day: dt.date, printed: str) -> Sheet:
    """Return a sheet without rows."""
    return Sheet(title, agency.name, (day.year, day.month, day.day), printed)


def spreadsheet_rows(sheet: Sheet) -> list[list[str]]:
    """Return the rows of a spreadsheet: those of the sheet, NIHIL for none, the sums, and below them who signs."""
    width = len(sheet.headings)
    sums = [text for one in sheet.total for text in (one["text"], *[""] * (one["colspan"] - 1))]
    return [
        *(sheet.rows or [["NIHIL", *[""] * (width - 1)]]),
        *([sums] if sums else []),
        [""] * width,
        *_signing_rows(sheet.signers, width),
    ]


def _signing_rows(signers: Sequence[Mapping[str, str]], width: int) -> list[list[str]]:
    """Return the places to sign side by side, with three lines for the signature."""
    parts = [
        [
            *(one[key].replace("\u00a0", "") for key in ("place", "caption", "title")),
            "",
            "",
            "",
            one["name"],
            one["nip"],
        ]
        for one in signers
    ]
    rows = []
    for texts in zip(*parts, strict=True):
        row = [""] * width
        for number, text in enumerate(texts):
            row[1 + number * (width - _SIGNING_COLUMNS) // max(len(texts) - 1, 1)] = text
        rows.append(row)
    return rows


def notes_of(sheet: Sheet) -> list[tuple[str, str]]:
    """Return what a sheet says above and below its rows, as label and text."""
    return [*(("", line) for line in sheet.under), *sheet.about, *(("", note) for note in sheet.notes)]


def card_sheet(sheet: Sheet, card: Card, states: Sequence[State]) -> Sheet:
    """Fill in a card with its official columns, equal items in one row, and the sum of their prices."""
    columns = {column.key: column for column in CARD_COLUMNS[card]}
    upper, lower = heading_rows(card)
    has_nibar = any(state.get("nibar") for state in states)
    keys = [*columns, *(["nibar"] if has_nibar else [])]
    top = [_cell("No.", 1, 2)]
    for key, span, depth, title in upper:
        top.append(_cell(title or tr(columns[key].label), span, depth))
    if has_nibar:
        top.append(_cell("NIBAR", 1, 2))
    sheet.head = (
        [top, [_cell(tr(columns[key].label)) for key in lower]] if lower else [[{**one, "rowspan": 1} for one in top]]
    )
    sheet.headings = ["No.", *(tr(columns[key].label) if key in columns else "NIBAR" for key in keys)]
    sheet.widths = [0.5, *(_WIDTHS.get(key, 2.0 if key == "nibar" else 1.0) for key in keys)]
    sheet.right = [location for location, key in enumerate(keys, 1) if key in columns and columns[key].kind in _NUMBERS]
    sheet.center = [0, *(location for location, key in enumerate(keys, 1) if key in {"code", "register"})]
    rows = group_equal(states)
    for number, row in enumerate(rows, 1):
        sheet.rows.append([str(number), *(_card_text(columns, key, row) for key in keys)])
    money = "contract_value" if card is Card.F else "price"
    location = keys.index(money) + 1
    total = sum((Decimal(str(state.get(money) or 0)) for state in states), Decimal(0))
    sheet.total = [
        {"text": _("Sum of %(count)s items", count=len(states)), "colspan": location, "align": "center"},
        {"text": write_number(total), "colspan": 1, "align": "right"},
        {"text": "", "colspan": len(keys) - location, "align": "center"},
    ]
    sheet.total = [{**one, "text": tr(one["text"])} for one in sheet.total if one["colspan"]] if states else []
    return sheet


def _card_text(columns: Mapping[str, CardColumn], key: str, row: SheetRow) -> str:
    if key == "register":
        return row.register_text
    if key == "nibar":
        return str(row.state.get("nibar") or _NOTHING) if row.count == 1 else _NOTHING
    if key == "price" and row.state.get("price"):
        return write_number(row.price)
    return value_text(columns[key], row.state)


def room_sheet(sheet: Sheet, room: Room, states: Sequence[State]) -> Sheet:
    """Fill in the inventory of a room (KIR) with its eleven columns."""
    sheet.headings = [
        "No.", "NIBAR", "Nomor register", "Kode barang", "Nama barang", "Spesifikasi nama barang", "Merek / tipe",
        "Tahun perolehan", "Jumlah", "Satuan", "Keterangan",
    ]  # fmt: skip
    sheet.head = [[_cell(text) for text in sheet.headings]]
    sheet.widths, sheet.center = [0.4, 2.6, 1.1, 1.5, 1.8, 2, 1.6, 0.8, 0.6, 0.6, 1.6], [0, 2, 3, 7, 8, 9]
    for number, row in enumerate(group_equal(states), 1):
        state = row.state
        nibar = str(state.get("nibar") or _NOTHING) if row.count == 1 else _NOTHING
        condition = value_text(_CONDITION, state)
        remarks = " · ".join(part for part in (condition, str(state.get("remarks") or _NOTHING)) if part != _NOTHING)
        sheet.rows.append([
            str(number), nibar, row.register_text, str(state["code"]), str(state["name"]),
            _all(state, _SPECIFICATION), _first(state, ("brand_type", "creator")), _first(state, _YEARS),
            str(row.count), "Unit", remarks or _NOTHING,
        ])  # fmt: skip
    sheet.about += [
        ("Pengguna", room.unit or sheet.office), ("Kode lokasi", room.location_code or _NOTHING),
        ("Ruangan", f"{room.code} {room.name}"),
    ]  # fmt: skip
    return sheet


_CONDITION = CardColumn("condition", _("Condition"), CardColumnKind.CONDITION)
_AMOUNTS = ("Barang", "Harga (Rp)")
_MOVEMENT_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Nomor", ("No.", "Kode barang", "Register")),
    (
        "Spesifikasi barang",
        ("Nama / jenis barang", "Merek / tipe", "No. sertifikat / pabrik / rangka / mesin", "Bahan"),
    ),
    ("", ("Asal / cara perolehan",)),
    ("", ("Tahun perolehan",)),
    ("", ("Ukuran / konstruksi",)),
    ("", ("Satuan",)),
    ("", ("Kondisi",)),
    ("Jumlah awal", _AMOUNTS),
    ("Berkurang", _AMOUNTS),
    ("Bertambah", _AMOUNTS),
    ("Jumlah akhir", _AMOUNTS),
    ("", ("Keterangan",)),
)
_BEFORE_NUMBERS = 12


def movement_sheet(sheet: Sheet, history: Sequence[ItemHistory], half_year: HalfYear) -> Sheet:
    """Fill in the changes of a half-year; NIHIL where there are none."""
    rows = movement_rows([_movement(item, half_year) for item in history])
    sheet.head = [
        [_cell(title or texts[0], len(texts), 1 if title else 2) for title, texts in _MOVEMENT_GROUPS],
        [_cell(text) for title, texts in _MOVEMENT_GROUPS if title for text in texts],
    ]
    sheet.headings = [
        f"{title}: {text}" if title and texts == _AMOUNTS else text
        for title, texts in _MOVEMENT_GROUPS
        for text in texts
    ]
    sheet.widths = [0.4, 1.5, 1.2, 1.7, 1.3, 1.6, 0.8, 1, 0.7, 0.9, 0.6, 0.6, *(0.5, 1.3) * 4, 1.9]
    sheet.right = list(range(_BEFORE_NUMBERS, _BEFORE_NUMBERS + 8))
    sheet.center = [0, 1, 2, 8, 10, 11]
    sheet.size = 6.5
    for number, row in enumerate(rows, 1):
        sheet.rows.append(_movement_cells(number, row))
    if rows:
        sheet.total = [{"text": "Jumlah", "colspan": _BEFORE_NUMBERS, "align": "center"}]
        for count, price in totals(rows):
            sheet.total += [
                {"text": str(count), "colspan": 1, "align": "right"},
                {"text": write_number(price), "colspan": 1, "align": "right"},
            ]
        sheet.total.append({"text": "", "colspan": 1, "align": "center"})
    return sheet


def _movement_cells(number: int, row: MovementRow) -> list[str]:
    state = row.state
    amounts = [
        text for count, price in (row.start, row.minus, row.plus, row.end)
        for text in (str(count) if count or price else _NOTHING, write_number(price) if count or price else _NOTHING)
    ]  # fmt: skip
    known = [
        str(state["code"]), row.register_text, str(state["name"]), _first(state, ("brand_type", "creator")),
        _all(state, _SERIALS), _first(state, ("material",)), str(state.get("origin") or _NOTHING),
        _first(state, _YEARS), _first(state, ("size_cc", "size", "construction")), "Unit",
    ]  # fmt: skip
    return [str(number), *known, value_text(_CONDITION, state), *amounts, row.note or _NOTHING]


_KINDS = {
    "added": "Ditambahkan",
    "altered": "Diubah",
    "moved": "Dipindahkan",
    "retired": "Dihapus",
    "corrected": "Koreksi",
}


def _movement(item: ItemHistory, half_year: HalfYear) -> Movement:
    before = item.as_of(half_year.first_day - dt.timedelta(days=1))
    after = item.as_of(half_year.last_day)
    notes = [
        " ".join(part for part in (_KINDS[event.kind], event.number) if part)
        for event in item.events_between(half_year.first_day, half_year.last_day)
    ]
    if before is None and not notes:
        notes = ["Pencatatan"]
    return Movement(before, after, "; ".join(dict.fromkeys(notes)))
