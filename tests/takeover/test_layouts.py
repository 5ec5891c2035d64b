"""Lists of other programs are read as they come: titles above, codes over several columns, any kind of file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from html import escape
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from lpse_admin.inventory.cards import Card
from lpse_admin.parsing import UnreadableError
from lpse_admin.takeover import spreadsheet
from lpse_admin.takeover.card_file import CardFile, read_card_file
from lpse_admin.takeover.layout import Layout, find_layout, heading_key, join_code
from lpse_admin.takeover.spreadsheet import MAX_BYTES, number_of_a_program, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence


def xlsx(rows: Sequence[Sequence[object]], merged: str = "") -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    if merged:
        sheet.merge_cells(merged)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


_ODS = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="Daftar">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
)
_ODS_CELL = '<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
_ODS_KIND = "application/vnd.oasis.opendocument.spreadsheet"


def ods(rows: Sequence[Sequence[object]]) -> bytes:
    texts = [["" if cell is None else escape(str(cell)) for cell in row] for row in rows]
    lines = ["".join(_ODS_CELL.format(text=text) for text in row) or "<table:table-cell/>" for row in texts]
    content = _ODS.format(rows="".join(f"<table:table-row>{line}</table:table-row>" for line in lines))
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_ODS_KIND}"/>'
    names = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
    manifest = f"<manifest:manifest {names}>{entry}</manifest:manifest>"
    parts = {"mimetype": _ODS_KIND, "META-INF/manifest.xml": manifest, "content.xml": content}
    return packed({name: text.encode() for name, text in parts.items()})


def csv_of(rows: Sequence[Sequence[object]], separator: str = ";", encoding: str = "utf-8-sig") -> bytes:
    lines = [separator.join("" if cell is None else str(cell) for cell in row) for row in rows]
    return ("\r\n".join(lines) + "\r\n").encode(encoding)


def items(file: CardFile) -> list[tuple[str, str, str]]:
    assert [str(error) for error in file.errors] == []
    return [(row.texts["code"], row.texts["register"], row.texts["name"]) for row in file.rows]


#: A spreadsheet knows no zones.
_MORNING = dt.datetime.fromisoformat("2025-12-31 08:30:00")

EBMD: tuple[list[Any], ...] = (
    ["PEMERINTAH KABUPATEN"], ["DAFTAR BARANG MILIK DAERAH"], ["PERALATAN DAN MESIN"], [],
    ["Kuasa pengguna", "", ": LPSE"],
    ["Tahun", "", ": 2025"], [],
    ["No", "Kode Barang", None, None, None, None, None, None, "Nama Barang", "Register", "Merk/Type", "Nomor", None,
     "Tahun Perolehan", "Harga (Rp)", "Kondisi (B/RR/RB)", "Keterangan"],
    [None, None, None, None, None, None, None, None, None, None, None, "Pabrik", "Rangka", None, None, None, None],
    list(range(1, 18)),
    [1, 1, 3, 2, 10, 1, 2, 2, "Laptop", "0001", "Merek C", "SN-1", None, 2021, 12500000, "B", "-"],
    [2, 1, 3, 2, 2, 1, 1, 1, "Sedan", "0004", "Merek A", None, "RK 1", 2010, 406736000, "RB", None],
    [None, None, None, None, None, None, None, None, "Jumlah", None, None, None, None, None, 419236000, None, None],
)  # fmt: skip


@pytest.mark.parametrize("kind", [xlsx, ods, csv_of])
def test_nine_heading_rows_and_a_code_over_seven_columns_are_understood(kind: object) -> None:
    assert callable(kind)
    file = read_card_file(kind(EBMD))
    assert items(file) == [("1.3.2.10.01.02.002", "0001", "Laptop"), ("1.3.2.02.01.01.001", "0004", "Sedan")]
    first, second = file.rows
    assert (first.texts["factory_number"], second.texts["chassis_number"]) == ("SN-1", "RK 1")
    assert (first.texts["price"], first.texts["purchase_year"], first.number) == ("12500000", "2021", 11)


TYPED = (
    ["KARTU INVENTARIS BARANG (KIB) B"],
    ["No", "Nama OPD", "NIBAR", "Kode Barang", "Nama Barang", "No. Register", "Merk / Tipe", "Ukuran / CC", "Bahan",
     "Tahun", "No. Pabrik", "No. Rangka", "No. Mesin", "No. Polisi", "BPKB", "Asal Usul", "Harga", "Kondisi", "Jumlah",
     "Ket"],
    ["1", "LPSE", "1" * 45, "1.3.2.10.01.02.002\t", "Laptop", "0001", "Merek C", "-", "-", "2021", "SN-1", "-", "-",
     "-", "-", "APBD", "Rp 12.500.000,-", "B", "1", "-"],
)  # fmt: skip


@pytest.mark.parametrize("kind", [xlsx, ods, csv_of])
def test_a_typed_card_of_twenty_columns_is_understood(kind: object) -> None:
    assert callable(kind)
    file = read_card_file(kind(TYPED))
    assert [row.texts["nibar"] for row in file.rows] == ["1" * 45]
    assert (file.rows[0].texts["origin"], file.rows[0].texts["ownership_book"]) == ("APBD", "-")
    assert file.errors == ()


def test_a_list_from_row_13_with_the_code_in_columns_1_to_5_and_7_is_understood() -> None:
    above: list[list[Any]] = [["REKAPITULASI"], *([""] for _row in range(9))]
    headings: list[list[Any]] = [
        ["Kode", "", "", "", "", "Nama Barang", "Reg.", "Merk", "Harga (ribuan)"],
        ["Gol", "Bid", "Kel", "Sub", "SSub", "", "", "", ""],
    ]
    rows: list[list[Any]] = [
        ["02", "06", "01", "04", "06", "Genset", "0001", "Merek B", "14.900"],
        [2, 6, 1, 4, 6, "Genset", 2, "B", 900],
    ]
    file = read_card_file(xlsx([*above, *headings, *rows]))
    assert [row.number for row in file.rows] == [13, 14]
    assert items(file) == [("02.06.01.04.06", "0001", "Genset"), ("02.06.01.04.06", "2", "Genset")]
    assert [row.texts["price"] for row in file.rows] == ["14900000", "900000"]
    wrong = spreadsheet._too_large().message
    assert str(file.error_at(file.rows[0], "code", wrong)).startswith("Row 13, column 1 (Kode / Gol): ")


def test_an_amount_in_thousands_that_is_no_number_stays_as_it_was_typed() -> None:
    rows = [["Kode Barang", "Nama Barang", "Register", "Harga (ribuan)"]]
    rows += [["1.3.2.10.01.02.002", "Laptop", "1", price] for price in ("1.500,5", "1,2345", "hibah", "Rp 5", "-5")]
    file = read_card_file(csv_of(rows))
    assert [row.texts["price"] for row in file.rows] == ["1500500", "1234,5", "hibah", "Rp 5", "-5"]


def test_a_register_number_in_a_column_without_its_heading_is_found_behind_the_code() -> None:
    neighbour = [
        ["Kode Barang", "", "", "", "", "", "", "Nama Barang"],
        ["02", "06", "01", "04", "06", "", "0001", "Genset"],
        ["02", "06", "01", "04", "06", "", "0002", "Genset"],
    ]
    assert [row.texts["code"] for row in read_card_file(csv_of(neighbour)).rows] == [
        "02.06.01.04.06.0001", "02.06.01.04.06.0002",
    ]  # fmt: skip
    behind_the_name = [
        ["Kode Barang", "", "", "", "", "Nama Barang", ""],
        ["02", "06", "01", "04", "06", "Genset", "0001"],
        ["02", "06", "01", "04", "06", "Genset", "0002 s/d 0004"],
    ]
    assert items(read_card_file(csv_of(behind_the_name)))[1] == ("02.06.01.04.06", "0002 s/d 0004", "Genset")


def test_sums_and_signatures_below_the_list_are_left_out_and_a_row_without_its_code_is_not() -> None:
    rows = [
        ["Kode Barang", "Nama Barang", "Register", "Harga"], ["1.3.2.10.01.02.002", "Laptop", "1", "1"],
        ["", "", "", "1"], ["", "Meja", "", ""], ["", "JUMLAH", "", "1"], ["", "Kepala", "", ""],
    ]  # fmt: skip
    assert [str(error)[:16] for error in read_card_file(csv_of(rows)).errors] == ["Row 4, column 1 "]


def test_columns_that_are_pointed_at_are_read_so() -> None:
    rows = [["x", "y"], ["Apa", "Kode", "Nr", "Rp"], [], ["Laptop", "1.3.2.10.01.02.002", "1", "1.500"]]
    layout = Layout(2, 4, {1: "name", 2: "code", 3: "register", 4: "price"}, is_in_thousands=True)
    assert Layout.from_json(layout.to_json(), read_table(csv_of(rows))) == layout
    file = read_card_file(csv_of(rows), None, layout.to_json())
    assert items(file) == [("1.3.2.10.01.02.002", "1", "Laptop")]
    assert file.rows[0].texts["price"] == "1500000"
    assert str(file.error_at(file.rows[0], "price", spreadsheet._too_large().message)).startswith(
        "Row 4, column 4 (Rp)"
    )


def test_a_file_without_known_headings_asks_for_them() -> None:
    assert "The headings of the columns were not found" in str(
        read_card_file(csv_of([["a", "b"], ["c", "d"]])).errors[0]
    )
    assert find_layout(read_table(csv_of([["Warna", "Kota"]]))) is None


def test_a_number_of_which_a_spreadsheet_kept_the_first_digits_is_refused() -> None:
    rows: list[list[Any]] = [
        ["Kode Barang", "Nama Barang", "Register", "Nomor Rangka"],
        ["1.3.2.10.01.02.002", "Laptop", 1, 1234567890123456789],
    ]
    (error,) = read_card_file(xlsx(rows)).errors
    assert str(error).startswith("Row 2, column 4 (Nomor Rangka): The spreadsheet has lost digits")


def test_cells_are_written_as_in_indonesia() -> None:
    row: list[object] = ["a", 1.0, 2.5, True, dt.date(2025, 12, 31), _MORNING, 0.001, 1200]
    assert read_table(xlsx([row])).rows[0] == (
        "a", "1", "2,5", "ya", "2025-12-31", "2025-12-31 08:30:00", "0,001", "1200",
    )  # fmt: skip
    assert (number_of_a_program("1250.5"), number_of_a_program("1.250")) == ("1250,5", "1.250")


def packed(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_sheet(rows: Sequence[Sequence[object]], old: bytes, new: bytes) -> bytes:
    """Return a workbook in whose sheet one text stands for another."""
    book = zipfile.ZipFile(io.BytesIO(xlsx(rows)))
    parts = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert re.search(old, parts[sheet])
    parts[sheet] = re.sub(old, new, parts[sheet])
    return packed(parts)


def far_cell(attribute: bytes = b'r="XFD1048576"') -> bytes:
    return with_sheet([["a"]], b'r="A1"', attribute)


def repeated_cells(quote: bytes = b'"') -> bytes:
    book = zipfile.ZipFile(io.BytesIO(ods([["a"], ["b"]])))
    parts = {name: book.read(name) for name in book.namelist()}
    content = parts["content.xml"].replace(
        b"<table:table-row", b'<table:table-row table:number-rows-repeated="1000000"'.replace(b'"', quote)
    )
    parts["content.xml"] = content.replace(
        b"<table:table-cell", b'<table:table-cell table:number-columns-repeated="1000"'.replace(b'"', quote)
    )
    return packed(parts)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(
            packed({"xl/workbook.xml": b"\0" * 100_000_001}), "too large when it is unpacked", id="100 MB of zeros"
        ),
        pytest.param(far_cell(), "too large when it is unpacked", id="a cell at the far end"),
        pytest.param(far_cell(b"r = 'XFD1048576'"), "too large when it is unpacked", id="a far cell in other quotes"),
        pytest.param(far_cell(b'r="xfd1048576"'), "too large when it is unpacked", id="a far cell in small letters"),
        pytest.param(repeated_cells(), "too large when it is unpacked", id="cells that are repeated a billion times"),
        pytest.param(repeated_cells(b"'"), "too large when it is unpacked", id="repeated cells in other quotes"),
        pytest.param(b"x" * (MAX_BYTES + 1), "larger than 20 MB", id="too many bytes"),
        pytest.param(xlsx([["a"]])[:-30], "damaged or has a password", id="a workbook that is cut"),
        pytest.param(packed({"a.txt": b"x"}), "cannot be opened", id="an archive that is no workbook"),
        pytest.param(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "cannot be opened", id="an old workbook that is broken"
        ),
    ],
)
def test_what_would_fill_the_memory_or_cannot_be_opened_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableError, match=sentence):
        read_table(content)
    assert read_card_file(content).errors != ()


def test_a_part_that_unpacks_to_more_than_it_says_is_refused() -> None:
    content = bytearray(packed({"xl/workbook.xml": b"\0" * 3_000_000}))
    for location in (content.index(b"PK\x03\x04") + 22, content.index(b"PK\x01\x02") + 24):
        content[location : location + 4] = (2_000_000).to_bytes(4, "little")
    with pytest.raises(UnreadableError, match="damaged"):
        read_table(bytes(content))


def test_cells_that_do_not_say_where_they_stand_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    content = with_sheet([["a", "b"], ["c", "d"]], rb'<c r="[A-Z]\d"', b"<c")
    assert read_table(content).rows == (("a", "b"), ("c", "d"))
    monkeypatch.setattr(spreadsheet, "MAX_CELLS", 3)
    with pytest.raises(UnreadableError, match="too large when it is unpacked"):
        read_table(content)


def test_a_workbook_that_is_not_packed_is_bounded_by_what_its_reader_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    # No library writes the old format here: the check of packed ones is left out instead.
    monkeypatch.setattr(spreadsheet, "_require_bounded", lambda _content: None)
    monkeypatch.setattr(spreadsheet, "MAX_CELLS", 3)
    with pytest.raises(UnreadableError, match="too large when it is unpacked"):
        read_table(xlsx([["a", "b"], ["c", "d"]]))


def test_a_picture_that_looks_like_a_tag_without_an_end_is_no_cell() -> None:
    book = zipfile.ZipFile(io.BytesIO(xlsx([["a"]])))
    parts = {name: book.read(name) for name in book.namelist()}
    picture = b"\x89PNG" + b"<" + b"x" * 200_000
    assert read_table(packed(parts | {"xl/media/image1.png": picture})).rows == (("a",),)


SHEET = b"<worksheet><sheetData>%s</sheetData></worksheet>"


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(
            b'<row r="1"><c r="XFD1"><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>',
            id="a far row whose cell does not say where it is",
        ),
        pytest.param(
            b"<row r=\"1048575\"/><row><c/><c r='XFC1048576'/><c><v>1</v></c></row>",
            id="a cell behind an empty far one",
        ),
        pytest.param(b"<row/>" * 5_000 + b"<row>" + b"<c/>" * 1_000 + b"<c><v>1</v></c></row>", id="many empty ones"),
        pytest.param(b'<row><c t=">" r="XFD1048576"><v>1</v></c></row>', id="a tag that holds the end of one"),
        pytest.param(b"<row>" + b" " * 70_000 + b'<c r="XFD1048576"><v>1</v></c></row>', id="a far cell behind blanks"),
        pytest.param(
            b"<row/>" + b" " * ((1 << 20) - 60) + b'<c r="XFD1048576"><v>1</v></c>',
            id="a tag in two pieces",
        ),
        pytest.param(b"<row/>" + b" " * 1_000_000 + b"<c " + b" " * 200_000 + b'r="XFD1048576">', id="a long tag"),
        pytest.param(b"<row/>" + b" " * 900_000 + b"<c " + b" " * 300_000 + b'r="A1">', id="a tag longer than any"),
    ],
)
def test_cells_that_span_too_much_are_refused_before_the_workbook_is_opened(rows: bytes) -> None:
    with pytest.raises(UnreadableError, match="too large when it is unpacked"):
        spreadsheet._require_bounded(packed({"xl/worksheets/sheet1.xml": SHEET % rows}))


def test_empty_far_cells_and_pictures_are_no_reason_to_refuse() -> None:
    spreadsheet._require_bounded(
        packed(
            {
                "xl/worksheets/sheet1.xml": SHEET % b'<row r="1"><c r="A1"><v>1</v></c><c r="XFD1048576" s="1"/></row>',
                "xl/media/image1.png": b"\x89PNG" + b"<c " * 1_000_000,
            }
        )
    )


@pytest.mark.parametrize("limit", [131_072, 10_000_000])
def test_a_csv_with_an_open_quotation_mark_is_refused_whatever_the_limit_of_a_cell_is(limit: int) -> None:
    before = csv.field_size_limit(limit)
    try:
        with pytest.raises(UnreadableError, match="not a CSV file"):
            read_table(b'a;"' + b"x;y\n" * 40_000)
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("2025-12-31", "2025-12-31"),
        ("2025-12-31T00:00:00", "2025-12-31"),
        ("2025-12-31T08:30:00", "2025-12-31 08:30:00"),
    ],
)
def test_a_day_of_an_ods_is_written_without_its_midnight(value: str, written: str) -> None:
    book = zipfile.ZipFile(io.BytesIO(ods([["a"]])))
    parts = {name: book.read(name) for name in book.namelist()}
    typed = f'office:value-type="date" office:date-value="{value}"'.encode()
    parts["content.xml"] = parts["content.xml"].replace(b'office:value-type="string"', typed)
    assert read_table(packed(parts)).rows == ((written,),)


def test_a_long_number_is_written_so_that_its_lost_digits_are_seen() -> None:
    assert read_table(xlsx([[1234567890123456789, -(10**15), 10**15 - 1]])).rows[0] == (
        "1,234567890123457E+18", "-1,0000000000000000E+15", "999999999999999",
    )  # fmt: skip


def test_a_sheet_is_chosen_by_its_number() -> None:
    with pytest.raises(UnreadableError, match="no sheet 3"):
        read_table(xlsx([["a"]]), 2)
    assert read_table(xlsx([["a"]])).sheets == ("Sheet",)


def test_the_parts_of_a_code_get_the_digits_of_their_levels() -> None:
    assert join_code(["1", "3", "2", "1", "1", "2", "2"]) == "1.3.2.01.01.02.002"
    assert join_code(["2", "6", "1", "4", "6"]) == "02.06.01.04.06"
    assert join_code(["1.3.2.10.01.02.002", "", "-"]) == "1.3.2.10.01.02.002"
    assert join_code([]) == ""


@pytest.mark.parametrize(
    ("heading", "key"),
    [("Kode Barang", "code"), ("No. Rangka", "chassis_number"), ("NIBAR", "nibar"), ("SKPD", "-"), ("Warna", None),
     ("Harga Perolehan (Rp)", "price"), ("Kondisi (B, KB, RB)", "condition")],
)  # fmt: skip
def test_headings_are_known_in_the_words_of_lists(heading: str, key: str | None) -> None:
    assert heading_key(heading) == key


_TEXT = st.text(st.characters(categories=["L", "N"], include_characters=" -./"), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(_TEXT, st.integers(1, 9999)), min_size=1, max_size=5), st.sampled_from([xlsx, ods, csv_of]))
def test_any_texts_come_through_every_kind_of_file(rows: list[tuple[str, int]], kind: object) -> None:
    assert callable(kind)
    listed = [["Kode Barang", "Nama Barang", "Register", "Keterangan"]]
    listed += [["1.3.2.10.01.02.002", "Laptop", f"{number:04d}", f"a{text}z"] for text, number in rows]
    file = read_card_file(kind(listed))
    assert [(row.texts["remarks"], row.texts["register"]) for row in file.rows] == [
        (f"a{text}z", f"{number:04d}") for text, number in rows
    ]
    assert {row.card for row in file.rows} == {Card.B}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_a_list_is_read_in_the_encodings_and_with_the_separators_that_programs_write(
    encoding: str, separator: str
) -> None:
    rows = (["Kode Barang", "Nama Barang", "Register"], ["1.3.2.10.01.02.002", "Laptop \u00e9", "0001"])
    assert items(read_card_file(csv_of(rows, separator, encoding))) == [("1.3.2.10.01.02.002", "0001", "Laptop \u00e9")]


@pytest.mark.parametrize("heading", ["Nama Barang/Jenis", "NAMA BARANG (JENIS)", "Nama/Jenis Barang", "nama_barang"])
def test_a_heading_of_several_names_is_known_by_the_first(heading: str) -> None:
    rows = (["KODE_BARANG", heading, "NO. REG.", "TH. PEROLEHAN"], ["1.3.2.10.01.02.002", "Laptop", "0001", "2021"])
    file = read_card_file(csv_of(rows))
    assert items(file) == [("1.3.2.10.01.02.002", "0001", "Laptop")]
    assert file.rows[0].texts["purchase_year"] == "2021"


@pytest.mark.parametrize("start", ["<html>", "<!DOCTYPE html>", "\ufeff\n<table border=1>", "<meta charset=utf-8>"])
def test_a_web_page_that_is_called_a_workbook_is_refused_with_the_way_out(start: str) -> None:
    (error,) = read_card_file(f"{start}<tr><td>Kode Barang</td></tr>".encode()).errors
    assert "save it as XLSX" in str(error)
