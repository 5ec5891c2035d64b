"""A KIB card as a CSV file: which column is which, and the text of each row.

Takes what spreadsheets and other programs write: a byte order mark or none, semicolons, commas or tabs, any line end.
The card of a row follows from its code, unless it is given.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.inventory.cards import CARD_COLUMNS, Card, CardColumn, CardColumnKind, card_columns
from lpse_admin.inventory.codes import CodeScheme, read_code
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import is_blank, is_dash, shorten, strip_blank

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: The most rows of a file.
MAX_ROWS = 20_000
_DELIMITERS = ";,\t|"
_ENCODINGS = ("utf-8-sig", "cp1252")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

#: What lists call the columns, besides the heading on the card: in lower case, letters and digits alone.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "code": ("kode", "kodebarang", "kodebrg", "kdbarang", "nomorkodebarang", "nokodebarang", "kodelokasibarang"),
    "register": ("register", "noregister", "noreg", "reg", "nomorregister"),
    "name": ("nama", "namabarang", "jenisbarang", "jenisnamabarang", "namajenisbarang", "nmbarang", "uraian"),
    "condition": ("kondisi", "keadaan", "keadaanbarang", "kondisibarang", "kondisibangunan", "kondisibkbrb"),
    "origin": ("asalusul", "asal", "caraperolehan", "asalusulperolehan", "perolehan", "sumberdana"),
    "price": ("harga", "hargaperolehan", "nilai", "nilaiperolehan", "hargaribuan", "hargasatuan", "nilaiaset"),
    "remarks": ("keterangan", "ket", "catatan"),
    "location": ("lokasi", "letak", "alamat", "letaklokasi", "ruangan", "ruang", "tempat", "letakalamat"),
    "area": ("luas", "luasm2", "luastanah", "luastanahm2"),
    "acquired_year": ("tahun", "tahunpengadaan", "tahunperolehan", "thn", "thnperolehan"),
    "purchase_year": ("tahun", "tahunpembelian", "tahunperolehan", "thn", "thnpembelian", "tahunpengadaan"),
    "print_year": ("tahun", "tahuncetak", "tahuncetakpembelian", "tahunpembelian", "tahunperolehan", "thn"),
    "right": ("hak", "hakatastanah", "statushak"),
    "certificate_date": ("tanggalsertifikat", "tglsertifikat"),
    "certificate_number": ("nomorsertifikat", "nosertifikat", "sertifikat"),
    "use": ("penggunaan",),
    "brand_type": ("merk", "merek", "merktype", "merktipe", "merektipe", "tipe", "type"),
    "size_cc": ("ukuran", "ukurancc", "cc"),
    "material": ("bahan",),
    "factory_number": ("nomorpabrik", "nopabrik", "nomorseri", "noseri", "serialnumber"),
    "chassis_number": ("nomorrangka", "norangka", "rangka"),
    "engine_number": ("nomormesin", "nomesin", "mesin"),
    "plate_number": ("nomorpolisi", "nopolisi", "nopol", "polisi"),
    "ownership_book": ("nomorbpkb", "nobpkb", "bpkb"),
    "multi_storey": ("bertingkat", "bertingkattidak", "konstruksibertingkat"),
    "concrete": ("beton", "betontidak", "konstruksibeton"),
    "floor_area": ("luaslantai", "luaslantaim2"),
    "document_date": ("tanggaldokumen", "tgldokumen", "dokumentanggal"),
    "document_number": ("nomordokumen", "nodokumen", "dokumennomor"),
    "land_status": ("statustanah",),
    "land_code": ("nomorkodetanah", "kodetanah", "nokodetanah"),
    "construction": ("konstruksi",),
    "length": ("panjang", "panjangkm"),
    "width": ("lebar", "lebarm"),
    "book_title": ("judul", "judulpencipta", "judulbuku"),
    "specification": ("spesifikasi", "spek"),
    "region_of_origin": ("asaldaerah",),
    "creator": ("pencipta", "pengarang"),
    "species": ("jenis",),
    "size": ("ukuran",),
    "quantity": ("jumlah", "jml", "jumlahbarang"),
    "building": ("bangunan", "bangunanpspd"),
    "start_date": ("tanggalmulai", "tglmulai", "tanggalbulantahunmulai"),
    "financing": ("asalusulpembiayaan", "pembiayaan"),
    "contract_value": ("nilaikontrak", "nilaikontrakrp"),
    "software_title": ("judulperangkatlunak", "perangkatlunak", "software", "judulnamaperangkatlunak"),
    "version": ("versi",),
    "licence": ("lisensi",),
    "valid_until": ("berlakusampai", "masaberlaku"),
}
#: Headings of the row number, which is not taken over.
_ROW_NUMBER = frozenset({"no", "nomor", "nourut", "nomorurut"})
#: The card by the beginning of the code.
_CARD_BY_CODE: Mapping[CodeScheme, Mapping[str, Card]] = {
    CodeScheme.PERMENDAGRI_108_2016: {
        "1.3.1": Card.A, "1.3.2": Card.B, "1.3.3": Card.C, "1.3.4": Card.D, "1.3.5": Card.E, "1.3.6": Card.F,
        "1.5.3": Card.INTANGIBLE,
    },
    CodeScheme.PERMENDAGRI_17_2007: {
        "01": Card.A, "02": Card.B, "03": Card.C, "04": Card.D, "05": Card.E, "06": Card.F, "07": Card.INTANGIBLE,
    },
}  # fmt: skip
#: A number as a program writes it into a file with commas between the columns, where three decimals are no thousands.
_PROGRAMS_NUMBER = re.compile(r"(-?\d+)\.(\d{1,2}|\d{4,})", re.ASCII)


@dataclass(frozen=True, slots=True)
class CellError:
    """What is wrong with a cell, a row (without a column) or the file (without a row); numbers count from 1."""

    message: Message
    row: int | None = None
    column: int | None = None
    heading: str = ""

    def __str__(self) -> str:
        """Return the sentence in English."""
        return str(self.full_message)

    @property
    def full_message(self) -> Message:
        """The sentence with row and column before it."""
        if self.row is None:
            return self.message
        if self.column is None:
            return _("Row %(row)s: %(error)s", row=self.row, error=self.message)
        return _(
            "Row %(row)s, column %(column)s (%(heading)s): %(error)s",
            row=self.row,
            column=self.column,
            heading=self.heading,
            error=self.message,
        )


@dataclass(frozen=True, slots=True)
class CardRow:
    """A row of the file: its number as a spreadsheet counts it, its card, and its texts by column key."""

    number: int
    card: Card
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CardFile:
    """What was read of a file: its rows, what is wrong with it, and where each column stands."""

    rows: tuple[CardRow, ...]
    errors: tuple[CellError, ...]
    headings: tuple[str, ...] = ()

    def error_at(self, row: CardRow, key: str, message: Message) -> CellError:
        """Return the error of the column ``key`` in ``row``; of the whole row where the file has no such column."""
        names = _keys_by_position(self.headings, row.card)
        position = next((index for index, name in names.items() if name == key), None)
        if position is None:
            return CellError(message, row.number)
        return CellError(message, row.number, position + 1, shorten(self.headings[position]))


def read_card_file(content: bytes, card: Card | None = None) -> CardFile:
    """Read a KIB card; ``card`` is given where the codes do not say which."""
    text = _decode(content)
    delimiter = _delimiter(text)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return CardFile((), (CellError(_("This is not a CSV file: save the list as CSV and try again.")),))
    numbered = [(number, line) for number, line in enumerate(lines, 1) if not all(map(is_blank, line))]
    if not numbered:
        return CardFile((), (CellError(_("The file has no rows.")),))
    first, headings = numbered[0][0], tuple(map(strip_blank, numbered[0][1]))
    errors = list(_heading_errors(headings, first, card))
    if len(numbered) - 1 > MAX_ROWS:
        errors.append(CellError(_("The file has more than %(most)s rows: split it.", most=MAX_ROWS)))
    if errors:
        return CardFile((), tuple(errors), headings)
    rows = []
    for number, line in numbered[1:]:
        if _is_row_of_numbers(line):
            continue
        row, wrong = _read_row(number, line, headings, card, is_from_program=delimiter == ",")
        errors += wrong
        if row is not None:
            rows.append(row)
    return CardFile(tuple(rows), tuple(errors), headings)


def _decode(content: bytes) -> str:
    if content.startswith(_UTF16_MARKS):
        return content.decode("utf-16", "replace")
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _delimiter(text: str) -> str:
    """Return the separator of the columns: the one that the first line with anything on it has most of."""
    first = next((line for line in text.splitlines() if not is_blank(line)), "")
    return max(_DELIMITERS, key=first.count)


def _key(heading: str) -> str:
    return "".join(one for one in heading.casefold() if one.isalnum()).replace("²", "2")


def _names(column: CardColumn) -> set[str]:
    return {_key(column.key), _key(column.label.text), *_ALIASES.get(column.key, ())}


def _keys_by_position(headings: Iterable[str], card: Card) -> dict[int, str]:
    """Return the keys of the card's columns by where they stand; each column once."""
    names = {column.key: _names(column) for column in card_columns(card).values()}
    found: dict[int, str] = {}
    for position, heading in enumerate(headings):
        key = next((key for key, known in names.items() if _key(heading) in known and key not in found.values()), None)
        if key is not None:
            found[position] = key
    return found


def _heading_errors(headings: tuple[str, ...], row: int, card: Card | None) -> Iterator[CellError]:
    cards = [card] if card else [*Card]
    known = set().union(*(_keys_by_position(headings, one) for one in cards))
    for position, heading in enumerate(headings):
        if position not in known and not is_blank(heading) and _key(heading) not in _ROW_NUMBER:
            message = _("This is not a column of a KIB card.")
            yield CellError(message, row, position + 1, shorten(heading))
    present = {key for one in cards for key in _keys_by_position(headings, one).values()}
    for column in CARD_COLUMNS[Card.B]:
        if column.key in {"code", "name"} and column.key not in present:
            yield CellError(_("The file has no column “%(column)s”.", column=column.label), row)


def _is_row_of_numbers(line: list[str]) -> bool:
    """Whether the row numbers the columns, as printed cards do below their headings: 1 2 3 4."""
    cells = [strip_blank(cell) for cell in line]
    return len(cells) > 1 and cells == [str(number) for number in range(1, len(cells) + 1)]


def _read_row(
    number: int, line: list[str], headings: tuple[str, ...], card: Card | None, *, is_from_program: bool
) -> tuple[CardRow | None, list[CellError]]:
    found = card or _card_of(number, line, headings)
    if isinstance(found, CellError):
        return None, [found]
    errors = [
        CellError(_("This row has more columns than the first row."), number, position + 1)
        for position, cell in enumerate(line)
        if position >= len(headings) and not is_blank(cell)
    ]
    keys, columns = _keys_by_position(headings, found), card_columns(found)
    texts: dict[str, str] = {}
    for position, (heading, cell) in enumerate(zip(headings, line, strict=False)):
        key = keys.get(position)
        if key is not None:
            texts[key] = _programs_number(columns[key], cell) if is_from_program else cell
        elif not is_blank(cell) and not is_dash(cell) and _key(heading) not in _ROW_NUMBER:
            message = _("“%(card)s” has no such column.", card=found.title)
            errors.append(CellError(message, number, position + 1, shorten(heading)))
    return CardRow(number, found, texts), errors


def _card_of(number: int, line: list[str], headings: tuple[str, ...]) -> Card | CellError:
    """Return the card that the code of the row belongs to, or what is wrong with it."""
    position = next(index for index, key in _keys_by_position(headings, Card.B).items() if key == "code")
    text = line[position] if position < len(line) else ""
    try:
        found = read_code(text)
    except UnreadableError as refusal:
        return CellError(refusal.message, number, position + 1, shorten(headings[position]))
    for beginning, card in _CARD_BY_CODE[found.scheme].items():
        if found.code.startswith(f"{beginning}."):
            return card
    message = _("The code belongs to no KIB card: say which one with --card.")
    return CellError(message, number, position + 1, shorten(headings[position]))


def _programs_number(column: CardColumn, cell: str) -> str:
    """Return a number with a point before its decimals as it is written in Indonesia."""
    if column.kind not in {CardColumnKind.NUMBER, CardColumnKind.MONEY}:
        return cell
    found = _PROGRAMS_NUMBER.fullmatch(strip_blank(cell))
    return f"{found[1]},{found[2]}" if found else cell
