"""How the columns of a list stand in its file: found by the headings, or pointed at, and kept by name for the next."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lpse_admin.inventory.cards import CARD_COLUMNS, FURTHER_COLUMNS, Card, CardColumn, card_columns
from lpse_admin.inventory.codes import read_code
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import is_blank, is_dash, strip_blank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpse_admin.takeover.spreadsheet import Table


#: What a column may be besides a column of a card: not taken over.
IGNORED = "-"
#: In how many rows the headings are looked for, and over how many they may go.
_MAX_ROWS_ABOVE = 30
_MAX_HEADING_ROWS = 4
#: How many rows are looked at to see where a code stands.
_SAMPLE = 25
_CODE_SPANS = (7, 5)
#: The fewest columns that make a list, or a row that numbers its columns.
_FEWEST = 2

#: What lists call the columns, besides the heading on the card: in lower case, letters and digits alone.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "code": ("kode", "kodebarang", "kodebrg", "kdbarang", "nomorkodebarang", "nokodebarang", "kodelokasibarang",
             "kodeaset", "nomorkode"),
    "register": ("register", "noregister", "noreg", "reg", "nomorregister", "nup"),
    "name": ("nama", "namabarang", "jenisbarang", "jenisnamabarang", "namajenisbarang", "nmbarang", "uraian",
             "jenisbarangnamabarang", "namaaset", "spesifikasinamabarang"),
    "nibar": ("nibar", "nomorinduk", "nomorindukbarang"),
    "room": ("koderuangan", "koderuang", "kdruangan"),
    "condition": ("kondisi", "keadaan", "keadaanbarang", "kondisibarang", "kondisibangunan", "kondisibkbrb",
                  "kondisibrrrb"),
    "origin": ("asalusul", "asal", "caraperolehan", "asalusulperolehan", "perolehan", "sumberdana",
               "asalusulcaraperolehan", "asalcaraperolehan", "asalcaraperolehanbarang"),
    "price": ("harga", "hargaperolehan", "nilai", "nilaiperolehan", "hargaribuan", "hargasatuan", "nilaiaset",
              "hargaribuanrp", "hargarp", "nilairp", "hargaperolehanrp"),
    "remarks": ("keterangan", "ket", "catatan"),
    "location": ("lokasi", "letak", "alamat", "letaklokasi", "ruangan", "ruang", "tempat", "letakalamat"),
    "area": ("luas", "luasm2", "luastanah", "luastanahm2"),
    "acquired_year": ("tahun", "tahunpengadaan", "tahunperolehan", "thn", "th", "thnperolehan", "thperolehan"),
    "purchase_year": ("tahun", "tahunpembelian", "tahunperolehan", "thn", "th", "thnpembelian", "tahunpengadaan",
                      "thperolehan", "thnperolehan"),
    "print_year": ("tahun", "tahuncetak", "tahuncetakpembelian", "tahunpembelian", "tahunperolehan", "thn"),
    "right": ("hak", "hakatastanah", "statushak"),
    "certificate_date": ("tanggalsertifikat", "tglsertifikat", "sertifikattanggal"),
    "certificate_number": ("nomorsertifikat", "nosertifikat", "sertifikat", "sertifikatnomor"),
    "use": ("penggunaan",),
    "brand_type": ("merk", "merek", "merktype", "merktipe", "merektipe", "tipe", "type", "merektype"),
    "size_cc": ("ukuran", "ukurancc", "cc"),
    "material": ("bahan",),
    "factory_number": ("nomorpabrik", "nopabrik", "nomorseri", "noseri", "serialnumber", "pabrik"),
    "chassis_number": ("nomorrangka", "norangka", "rangka", "nomorchasis", "nochasis"),
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
}  # fmt: skip
#: Headings of what lists have besides, which is not taken over.
_BESIDES = frozenset({
    "no", "nomor", "nourut", "nomorurut", "opd", "skpd", "unit", "unitkerja", "kuasapengguna", "penggunabarang",
    "pengguna", "namaopd", "namaskpd", "namaunit", "kantor", "instansi", "kodelokasi", "kodeopd", "kodeskpd", "satuan",
    "jumlah", "jml", "jumlahbarang", "tanggalperolehan", "tglperolehan", "tanggalbuku", "tglbuku",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """Where what stands: rows and columns counted from 1 as a spreadsheet does, ``columns`` by their position."""

    heading_row: int
    first_row: int
    columns: Mapping[int, str]
    sheet: int = 1
    #: The columns over which a code goes, where it goes over several.
    code_columns: tuple[int, ...] = ()
    #: Whether prices are in thousands of rupiah.
    is_in_thousands: bool = False
    headings: tuple[str, ...] = field(default=(), compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "heading_row": self.heading_row,
            "first_row": self.first_row,
            "columns": {str(position): key for position, key in self.columns.items()},
            "sheet": self.sheet,
            "code_columns": list(self.code_columns),
            "is_in_thousands": self.is_in_thousands,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any], table: Table) -> Layout:
        """Return a layout that was kept, with the headings of this file."""
        return cls(
            kept["heading_row"],
            kept["first_row"],
            {int(position): key for position, key in kept["columns"].items()},
            kept["sheet"],
            tuple(kept["code_columns"]),
            kept["is_in_thousands"],
            _kept_headings(table.rows, kept["heading_row"]),
        )

    def heading(self, position: int) -> str:
        """Return the heading of a column."""
        return self.headings[position - 1] if position <= len(self.headings) else ""

    def keys(self, card: Card) -> dict[int, str]:
        """Return the keys of the columns that ``card`` has, by their positions; each key once."""
        known = card_columns(card)
        result: dict[int, str] = {}
        for position, key in sorted(self.columns.items()):
            own = _own_key(key, known)
            if own is not None and own not in result.values():
                result[position] = own
        return result

    def has(self, key: str) -> bool:
        """Whether the file has a column."""
        return key in self.columns.values() or (key == "code" and bool(self.code_columns))


#: Columns that are called alike on several cards, by what a list has as one column.
_ALIKE: tuple[tuple[str, ...], ...] = (
    ("purchase_year", "acquired_year", "print_year"),
    ("size_cc", "size"),
    ("area", "floor_area"),
)


def _own_key(key: str, known: Mapping[str, CardColumn]) -> str | None:
    if key in known:
        return key
    alike = next((group for group in _ALIKE[:2] if key in group), ())
    return next((one for one in alike if one in known), None)


def all_columns() -> dict[str, CardColumn]:
    """Return the columns of all cards by key."""
    every = (column for columns in CARD_COLUMNS.values() for column in (*columns, *FURTHER_COLUMNS))
    return {column.key: column for column in every}


_ALL = all_columns()
_NAMES: dict[str, str] = {}
for _key, _column in _ALL.items():
    for _name in (_key, _column.label.text, *ALIASES.get(_key, ())):
        _NAMES.setdefault("".join(one for one in _name.casefold() if one.isalnum()).replace("²", "2"), _key)
_NOT_WORD = re.compile(r"[\W_]+")
_FURTHER = re.compile(r"[/(]")


def heading_key(heading: str) -> str | None:
    """Return the key of the column that a heading means, IGNORED for what is not taken over, None if it is unknown."""
    name = _NOT_WORD.sub("", heading.casefold()).replace("²", "2")
    if name in _BESIDES:
        return IGNORED
    # "Nama Barang/Jenis" and "Tahun (Beli)" mean what stands first.
    first = _NOT_WORD.sub("", _FURTHER.split(heading.casefold(), maxsplit=1)[0])
    others = (name.removeprefix("nomor"), name.removesuffix("rp"), first)
    return _NAMES.get(name) or next((_NAMES[one] for one in others if one in _NAMES), None)


def find_layout(table: Table) -> Layout | None:
    """Return how the file is laid out by its headings; None if they are not found among its first rows."""
    best: tuple[int, Layout] | None = None
    for last in range(1, min(len(table.rows), _MAX_ROWS_ABOVE) + 1):
        for span in range(1, min(last, _MAX_HEADING_ROWS) + 1):
            layout = _layout_below(table.rows, last - span + 1, last)
            score = _score(layout, span, table.rows)
            if score and (best is None or score > best[0]):
                best = score, layout
    return best[1] if best else None


#: What each column of a card that is found counts, beside one that is unknown or a further row of headings.
_WEIGHT = 10


def _score(layout: Layout, span: int, rows: Sequence[tuple[str, ...]]) -> int:
    """Return how well a layout fits: how many columns of cards it finds; 0 if none that matters."""
    keys = {key for key in layout.columns.values() if key not in {IGNORED, ""}}
    keys |= {"code"} if layout.code_columns else set()
    if not keys & {"code", "name", "register", "nibar"} or len(keys) < _FEWEST:
        return 0
    unknown = sum(1 for key in layout.columns.values() if not key)
    places = layout.code_columns or [location for location, key in layout.columns.items() if key == "code"]
    begins_with_code = layout.first_row <= len(rows) and bool(places) and _reads(rows[layout.first_row - 1], places)
    return _WEIGHT * (len(keys) + 2 * begins_with_code) - unknown - span


def _layout_below(rows: Sequence[tuple[str, ...]], first: int, last: int) -> Layout:
    texts = heading_texts(rows, first, last)
    start = last + 1
    while start <= len(rows) and _is_no_data(rows[start - 1]):
        start += 1
    columns: dict[int, str] = {}
    for position, text in enumerate(texts, 1):
        key = _key_of(text, rows[last - 1][position - 1] if position <= len(rows[last - 1]) else "")
        if key is not None:
            columns[position] = key if key not in columns.values() else IGNORED
    layout = Layout(last, start, columns, headings=texts)
    return replace(
        _with_code_over_columns(layout, rows[start - 1 : start - 1 + _SAMPLE]),
        is_in_thousands=any("ribuan" in text.casefold() for text in texts),
    )


def _key_of(text: str, own: str) -> str | None:
    """Return the key of a column by its whole heading or the last line of it; "" for a heading that is unknown."""
    if is_blank(text):
        return None
    parts = text.split(" / ")
    candidates = (text, own, " ".join(parts[-2:]), parts[-1], parts[0])
    return next((key for key in map(heading_key, candidates) if key is not None), "")


def heading_texts(rows: Sequence[tuple[str, ...]], first: int, last: int) -> tuple[str, ...]:
    """Return the headings of rows ``first`` to ``last``, what stands above each other joined by a stroke."""
    lines = rows[first - 1 : last]
    width = max(map(len, lines), default=0)
    texts = []
    for position in range(width):
        parts = [" ".join(line[position].split()) for line in lines if position < len(line)]
        texts.append(" / ".join(dict.fromkeys(part for part in parts if not is_blank(part))))
    return tuple(texts)


def _kept_headings(rows: Sequence[tuple[str, ...]], row: int) -> tuple[str, ...]:
    """Return the headings of a row, and those above it where it has none."""
    own, above = heading_texts(rows, row, row), heading_texts(rows, row - 1, row - 1) if row > 1 else ()
    width = max(len(own), len(above))
    return tuple((*own, *[""] * width)[location] or (*above, *[""] * width)[location] for location in range(width))


def _is_no_data(row: Sequence[str]) -> bool:
    """Whether a row is empty, or numbers the columns as printed cards do below their headings: 1 2 3 4."""
    cells = [strip_blank(cell) for cell in row if not is_blank(cell)]
    numbers = [int(cell) for cell in cells if cell.isascii() and cell.isdigit()]
    is_numbered = len(numbers) == len(cells) > _FEWEST and numbers[0] == 1
    return not cells or (is_numbered and all(one <= two <= one + 1 for one, two in pairwise(numbers)))


def _with_code_over_columns(layout: Layout, sample: Sequence[tuple[str, ...]]) -> Layout:
    """Return the layout with the columns of the code, where its levels stand in columns of their own."""
    filled = [row for row in sample if not all(map(is_blank, row))]
    code = next((position for position, key in layout.columns.items() if key == "code"), None)
    if code is not None and any(_reads(row, (code,)) for row in filled):
        return layout
    width = max(map(len, filled), default=0)
    for start in [code] if code else range(1, width + 1):
        for span in _CODE_SPANS:
            columns = tuple(range(start, start + span))
            if filled and 2 * sum(_reads(row, columns) for row in filled) > len(filled):
                return _spread(layout, columns, filled)
    return layout


def _spread(layout: Layout, columns: tuple[int, ...], filled: Sequence[tuple[str, ...]]) -> Layout:
    """Return the layout with the code over ``columns``, and the register near them where no heading says it."""
    others = {position: key for position, key in layout.columns.items() if position not in columns and key != "code"}
    if "register" not in others.values():
        for position in (columns[-1] + 2, columns[-1] + 1):
            cells = [row[position - 1] if position <= len(row) else "" for row in filled]
            if others.get(position, "") in {"", IGNORED} and all(
                re.match(r"\s*[A-Z]?\d{1,4}\b", cell) for cell in cells
            ):
                others[position] = "register"
                break
    return replace(layout, columns=others, code_columns=columns)


def _reads(row: Sequence[str], columns: Sequence[int]) -> bool:
    try:
        read_code(join_code([row[position - 1] if position <= len(row) else "" for position in columns]))
    except UnreadableError:
        return False
    return True


def join_code(parts: Iterable[str]) -> str:
    """Return the code of levels that stand in columns of their own, each with the digits of its level: 2 is 02."""
    levels = [strip_blank(part) for part in parts if not is_blank(part) and not is_dash(part)]
    if len(levels) == 1:
        return levels[0]
    widths = (1, 1, 1, 2, 2, 2, 3) if len(levels) >= _CODE_SPANS[0] else (2,) * len(levels)
    return ".".join(level.zfill(width) for level, width in zip(levels, (*widths, *(4,) * len(levels)), strict=False))
