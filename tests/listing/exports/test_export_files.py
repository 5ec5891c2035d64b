"""Export files: the content of CSV and XLSX, and the escaping of formulas."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
from decimal import Decimal
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.errors import FileTooLarge
from views.exports import columns as exports_columns
from views.exports import xlsx_export
from views.exports.columns import CellKind, ExportColumn, zone_name
from views.exports.csv_export import CsvDialect, csv_stream, escape_formula
from views.exports.xlsx_export import xlsx_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIB = ZoneInfo("Asia/Jakarta")
TEXT = ExportColumn("Judul")
MOMENT = ExportColumn("Tiba", CellKind.DATETIME)
DATE = ExportColumn("Tanggal", CellKind.DATE)
NUMBER = ExportColumn("Jumlah", CellKind.NUMBER)
MONEY = ExportColumn("Harga", CellKind.MONEY)
CHOICE = ExportColumn("Jenis", CellKind.CHOICE, {"app": "Aplikasi, daring", "evil": "=1"})
YES_NO = ExportColumn("Mendesak", CellKind.BOOLEAN, {"yes": "Ya", "no": "Tidak"})


class Kind(StrEnum):
    """An enum as the database returns it."""

    APP = "app"


FORMULAS = [
    "=cmd|' /C calc'!A0",
    "\t=1",
    "\tx",
    "\r=1",
    "\nx",
    "＝1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "-2+3",
    "+62 811+A1",
    "+A1",
    "-A1",
    "-1-1",
    "+1+1",
    "-1E5+1",
    "- Restart",
    "-- DROP",
    "-12|A1",
    "-5 (A1)",
    "@SUM(A1:A9)",
    " =1",
    "\u00a0=1",
    "\u3000=1",
    "\u200b=1",
    "\ufeff=1",
    "\x00=1",
    '=HYPERLINK("http://x","y")',
    "=1\r\n=2",
]


def read_csv(
    columns: Sequence[ExportColumn], rows: Iterable[Sequence[object]], zone: ZoneInfo = WIB, separator: str = ","
) -> list[list[str]]:
    """Return the rows of a CSV, parsed by RFC 4180, including the headings."""
    text = b"".join(csv_stream(columns, rows, zone, separator)).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.reader(StringIO(text[1:], newline=""), delimiter=separator, strict=True))


def read_column(column: ExportColumn, *cells: object, zone: ZoneInfo = WIB, separator: str = ",") -> list[str]:
    """Return one column of a CSV without its heading."""
    return [line[0] for line in read_csv([column], [(cell,) for cell in cells], zone, separator)[1:]]


def read_xlsx(
    columns: Sequence[ExportColumn], rows: Iterable[Sequence[object]], expected_rows: int = 0
) -> openpyxl.Workbook:
    """Return a workbook, read from the exported file."""
    with xlsx_file(columns, rows, WIB, "Permintaan", expected_rows=expected_rows) as file:
        return openpyxl.load_workbook(file)


def xlsx_cells(column: ExportColumn, *cells: object) -> list[object]:
    """Return the values of one column of a sheet without its heading."""
    sheet = read_xlsx([column], [(cell,) for cell in cells]).worksheets[0]
    return [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]


# --- CSV


def test_the_headings_arrive_before_the_first_row_is_asked_for() -> None:
    asked = itertools.count()
    stream = csv_stream([TEXT, MOMENT], ((next(asked), None) for _row in range(1)), WIB)
    assert next(stream) == b"\xef\xbb\xbfJudul,Tiba (WIB)\r\n"
    assert next(asked) == 0


def test_rows_are_fetched_a_batch_at_a_time() -> None:
    fetched = itertools.count()
    stream = csv_stream([NUMBER], ((next(fetched),) for _row in range(5_000)), WIB)
    next(stream)
    next(stream)
    assert next(fetched) < 5_000


@pytest.mark.parametrize(
    "text",
    [
        'dengan "kutip"',
        "koma, titik",
        "a;b",
        "dua\r\nbaris",
        "dua\nbaris",
        "satu\rdua",
        '"',
        "é 漢字 😀",
        "",
        " spasi ",
    ],
)
def test_a_text_is_read_back_as_it_was(text: str) -> None:
    assert read_csv([TEXT, TEXT], [(text, "lain")])[1] == [text, "lain"]
    assert read_column(TEXT, text) == [text]


def test_lines_end_as_rfc_4180_says_and_only_what_needs_quotes_has_them() -> None:
    written = b"".join(csv_stream([TEXT, TEXT], [("a", 'b "c", d'), (None, 5)], WIB))
    assert written == b'\xef\xbb\xbfJudul,Judul\r\na,"b ""c"", d"\r\n,5\r\n'


def test_more_rows_than_a_batch_arrive_complete_and_in_order() -> None:
    rows = [(number, f"teks {number}") for number in range(2_345)]
    assert read_csv([NUMBER, TEXT], rows)[1:] == [[str(number), text] for number, text in rows]


def test_half_a_letter_does_not_break_the_export() -> None:
    assert read_column(TEXT, "a\ud83d") == ["a?"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_of_any_kind_gets_an_apostrophe(formula: str) -> None:
    assert escape_formula(formula).startswith("'")
    assert read_column(TEXT, "biasa", formula, None) == ["biasa", escape_formula(formula), ""]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_caught_in_headings_labels_dates_and_numbers_too(formula: str) -> None:
    columns = [
        ExportColumn(formula),
        ExportColumn("b", CellKind.CHOICE, {"x": formula}),
        CHOICE,
        DATE,
        MOMENT,
        ExportColumn("c", CellKind.NUMBER),
    ]
    heading, row = read_csv(columns, [("a", "x", formula, formula, formula, f"{formula}x")])
    assert all(cell.startswith("'") for cell in [heading[0], *row[1:]])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a;=1;b", "a;'=1;b"),
        ("a\n=1", "a\n'=1"),
        ("a\r\n +62 811+A1", "a\r\n '+62 811+A1"),
        ("a\r\n +62 811", "a\r\n +62 811"),
        ("a; -; b", "a; -; b"),
        ("a;-12,5;b", "a;-12,5;b"),
        ("a; -2+3", "a; '-2+3"),
        ("a\n- cmd|' /C calc'!A0", "a\n'- cmd|' /C calc'!A0"),
        ("butir:\n- satu\n- dua", "butir:\n- satu\n- dua"),
        ("a = b; c - d", "a = b; c - d"),
        ("a-b@c+d", "a-b@c+d"),
    ],
)
def test_a_formula_behind_a_semicolon_or_line_end_is_caught_since_excel_may_part_the_text_there(
    text: str, written: str
) -> None:
    assert escape_formula(text) == written
    assert read_column(TEXT, text) == [written]


NO_FORMULAS = [
    "-",
    "--",
    " - ",
    "-12",
    "-12,5",
    "- 3",
    "+7",
    "-1.250,50",
    "-12 %",
    "+62 852-1234-5678",
    "+62852-1234-5678",
    "+62 (852) 1234.5678",
    "+62 852-1234-5678 / +62 813-1234-5678",
    "+62 852-1234-5678 / 0813 1234 5678",
    "0852-1234-5678",
    "Rp 12.500.000,-",
    "suhu 20, -5 derajat, lalu naik",
    "2020-2024",
    "a@b.example",
    "butir:\n- satu\n- dua",
]


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("text", NO_FORMULAS)
def test_a_stroke_a_number_and_a_telephone_number_stay_as_they_are(text: str, separator: str) -> None:
    assert escape_formula(text, CsvDialect(separator)) == text
    assert read_column(TEXT, "=1", text, separator=separator) == ["'=1", text]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_gets_an_apostrophe_between_semicolons_too(formula: str) -> None:
    (written,) = read_column(TEXT, formula, separator=";")
    assert written.startswith("'")
    assert written.replace("'", "") == formula.replace("'", "")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a,=1", "a,'=1"),
        ("a, @SUM(A1)", "a, '@SUM(A1)"),
        ("a,+A1", "a,'+A1"),
        ("a, -cmd|x", "a, '-cmd|x"),
        ("a;=1", "a;'=1"),
        ("a, b - c", "a, b - c"),
    ],
)
def test_a_formula_behind_a_comma_is_caught_between_semicolons(text: str, written: str) -> None:
    assert read_column(TEXT, text, separator=";") == [written]


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), min_size=2, max_size=2), max_size=6
    ),
    st.sampled_from([",", ";"]),
)
def test_what_is_no_formula_is_read_back_from_either_kind_of_file(rows: list[list[str]], separator: str) -> None:
    result = read_csv([TEXT, TEXT], rows, separator=separator)[1:]
    dialect = CsvDialect(separator)
    assert result == [[escape_formula(text, dialect) for text in row] for row in rows]
    # Nothing but apostrophes was added.
    assert [[text.replace("'", "") for text in row] for row in result] == [
        [text.replace("'", "") for text in row] for row in rows
    ]


@given(st.from_regex(r"[-+]?[0-9]{1,9}([.,][0-9]{1,3})?", fullmatch=True))
def test_any_number_with_its_sign_stays_as_it_is(number: str) -> None:
    assert escape_formula(number) == number


@given(st.lists(st.text(st.sampled_from("=+-@;, \t\r\n\"'a1\u200b＝"), max_size=8), min_size=1, max_size=5))
def test_a_batch_is_neutralised_as_each_of_its_texts_is(texts: list[str]) -> None:
    assert read_column(TEXT, *texts) == [escape_formula(text) for text in texts]


def test_numbers_are_plain_and_negative_ones_are_left_alone() -> None:
    numbers = [5, -5, None, True, Decimal("1E+3"), Decimal("-12.50"), 1e22, 0.1, "7.25", 2**70]
    written = ["5", "-5", "", "1", "1000", "-12.50", "10000000000000000000000", "0.1", "7.25", str(2**70)]
    assert read_column(NUMBER, *numbers) == written
    assert read_column(MONEY, *numbers) == written
    assert read_column(NUMBER, float("nan"), Decimal("Infinity"), "tidak ada") == ["", "", "tidak ada"]


def test_choices_and_yes_or_no_are_written_by_their_labels() -> None:
    assert read_column(CHOICE, "app", Kind.APP, None, "lain") == ["Aplikasi, daring", "Aplikasi, daring", "", "lain"]
    assert read_column(CHOICE, "evil") == ["'=1"]
    assert read_column(YES_NO, *(True, False, 1, 0, None)) == ["Ya", "Tidak", "Ya", "Tidak", ""]


def test_dates_are_iso() -> None:
    assert read_column(DATE, dt.date(2026, 3, 31), "2026-04-01", None) == ["2026-03-31", "2026-04-01", ""]


AWARE = dt.datetime(2026, 3, 31, 17, 30, 5, 123456, tzinfo=dt.UTC)
LOCAL = "2026-04-01 00:30:05"
MOMENTS = [
    AWARE,
    AWARE.astimezone(ZoneInfo("Asia/Jayapura")),
    AWARE.replace(tzinfo=None),
    "2026-03-31 17:30:05.123456",
    "2026-03-31 17:30:05",
    "2026-03-31T17:30:05",
    "2026-03-31 17:30:05+00:00",
    "2026-04-01T00:30:05+07:00",
    "2026-03-31T17:30:05Z",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_moment_of_any_form_is_written_in_the_zone(moment: object) -> None:
    assert read_column(MOMENT, moment, None) == [LOCAL, ""]
    assert xlsx_cells(MOMENT, moment, moment) == [dt.datetime.fromisoformat(LOCAL)] * 2


def test_moments_of_many_forms_stand_in_one_column() -> None:
    assert read_column(MOMENT, *MOMENTS, None) == [LOCAL] * len(MOMENTS) + [""]
    assert read_column(MOMENT, None, None) == ["", ""]


@pytest.mark.parametrize("zone", ["Asia/Makassar", "Asia/Kolkata", "Europe/Berlin", "Australia/Lord_Howe"])
def test_a_moment_is_right_in_every_zone_and_on_the_days_its_clocks_change(zone: str) -> None:
    start = dt.datetime(2026, 3, 28, 12, 0, 1, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(minutes=10 * number) for number in range(2_000)]
    expected = [moment.astimezone(ZoneInfo(zone)).isoformat(" ")[:19] for moment in moments]
    assert read_column(MOMENT, *moments, zone=ZoneInfo(zone)) == expected
    assert read_column(MOMENT, *[f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments], zone=ZoneInfo(zone)) == expected


def test_what_is_no_moment_is_text() -> None:
    assert read_column(MOMENT, "belum", "2026-03-31 99:00:00") == ["belum", "2026-03-31 99:00:00"]
    edge = dt.datetime(9999, 12, 31, 23, 0, tzinfo=dt.UTC)
    assert read_column(MOMENT, edge) == [str(edge)]


def test_the_cache_of_computed_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports_columns, "_MAX_CACHED", 30)
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=number) for number in range(100)]
    assert read_column(DATE, *days) == [str(day) for day in days]
    assert read_column(MOMENT, *[f"{day} 01:00:00" for day in days]) == [f"{day} 08:00:00" for day in days]


def test_indonesian_zones_go_by_the_names_that_people_use() -> None:
    zones = ["Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura", "Europe/Berlin"]
    assert [zone_name(ZoneInfo(zone)) for zone in zones] == ["WIB", "WIB", "WITA", "WIT", "Europe/Berlin"]


# --- XLSX


def test_cells_of_a_sheet_are_typed() -> None:
    columns = [TEXT, NUMBER, MONEY, DATE, MOMENT, CHOICE, YES_NO]
    row = ("0012", 3, Decimal("12500000.50"), dt.date(2026, 3, 31), AWARE, Kind.APP, True)
    sheet = read_xlsx(columns, [row, (None,) * 7]).worksheets[0]
    cells = list(sheet.iter_rows(min_row=2))
    assert [cell.value for cell in cells[0]] == [
        "0012",
        3,
        12500000.5,
        dt.datetime(2026, 3, 31),  # noqa: DTZ001 - a sheet has no time zones
        dt.datetime.fromisoformat(LOCAL),
        "Aplikasi, daring",
        "Ya",
    ]
    assert [cell.data_type for cell in cells[0]] == ["s", "n", "n", "d", "d", "s", "s"]
    assert [cell.number_format for cell in cells[0]][2:5] == ["[$Rp-421]#,##0.00", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"]
    assert {cell.value for row in cells[1:] for cell in row} <= {None, ""}


def test_the_headings_of_a_sheet_are_bold_and_stay_in_sight() -> None:
    sheet = read_xlsx([TEXT, TEXT, MOMENT], [("a", "b", None)]).worksheets[0]
    assert [cell.value for cell in sheet[1]] == ["Judul", "Judul", "Tiba (WIB)"]
    assert all(cell.font.b for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert sheet.title == "Permintaan"
    assert [cell.value for cell in sheet[2]][:2] == ["a", "b"]


def test_an_empty_list_still_has_its_headings() -> None:
    sheet = read_xlsx([TEXT, NUMBER], []).worksheets[0]
    assert list(sheet.values) == [("Judul", "Jumlah")]
    assert read_csv([TEXT, NUMBER], []) == [["Judul", "Jumlah"]]


@pytest.mark.parametrize("formula", [text for text in FORMULAS if text.isprintable() or text[0] in "\t＝"])
def test_a_formula_in_a_sheet_is_text_and_stays_it_when_edited(formula: str) -> None:
    cell = read_xlsx([TEXT], [(formula,)]).worksheets[0]["A2"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (formula, "s", True)


def test_numbers_that_excel_would_round_are_written_as_text() -> None:
    big = 10**15 + 1
    assert xlsx_cells(NUMBER, 10**14, 10**15, big, -big, Decimal("0.1234567890123456")) == [
        10**14,
        10**15,
        str(big),
        str(-big),
        "0.1234567890123456",
    ]
    assert xlsx_cells(NUMBER, *[0.1, "7.25", True, "tidak ada", float("nan"), 1]) == [
        0.1,
        7.25,
        1,
        "tidak ada",
        None,
        1,
    ]


def test_times_before_excels_calendar_and_what_is_no_time_are_text() -> None:
    assert xlsx_cells(DATE, dt.date(1899, 12, 31), "2026-03-31", "kemarin") == [
        "1899-12-31",
        dt.datetime(2026, 3, 31),  # noqa: DTZ001 - a sheet has no time zones
        "kemarin",
    ]
    assert xlsx_cells(MOMENT, "1899-12-30 00:00:00", AWARE, None, "2026-03-31 99:00:00", 1) == [
        "1899-12-30 07:07:12",
        dt.datetime.fromisoformat(LOCAL),
        None,
        "2026-03-31 99:00:00",
        "1",
    ]
    assert xlsx_cells(MOMENT, "kemarin", "x") == ["kemarin", "x"]


def test_what_xml_cannot_say_is_shown_as_a_sign_for_it() -> None:
    assert xlsx_cells(TEXT, "a\x00b\x1bc\ufffed\ud83d", "baris\ndua") == ["a\ufffdb\ufffdc\ufffdd\ufffd", "baris\ndua"]


def test_a_text_that_is_longer_than_a_cell_is_cut_visibly() -> None:
    whole, longer, emoji = "a" * 32_767, "a" * 32_768, "😀" * 20_000
    read = xlsx_cells(TEXT, whole, longer, emoji)
    assert read[:2] == [whole, "a" * 32_763 + " […]"]
    assert read[2] == "😀" * 16_381 + " […]"


def test_more_rows_than_a_sheet_holds_go_on_in_further_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_export, "MAX_SHEET_ROWS", 10)
    book = read_xlsx([NUMBER], [(number,) for number in range(25)], expected_rows=25)
    assert book.sheetnames == ["Permintaan", "Permintaan (2)", "Permintaan (3)"]
    assert [[row[0] for row in sheet.values] for sheet in book.worksheets] == [
        ["Jumlah", *range(10)],
        ["Jumlah", *range(10, 20)],
        ["Jumlah", *range(20, 25)],
    ]


def test_rows_for_which_no_sheet_is_ready_are_refused_and_nothing_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(xlsx_export, "MAX_SHEET_ROWS", 10)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(FileTooLarge, match="more rows than an Excel sheet can hold"):
        xlsx_file([NUMBER], [(number,) for number in range(11)], WIB, "x")
    assert not list(tmp_path.iterdir())


def test_the_file_stands_at_its_beginning_and_is_gone_when_closed() -> None:
    file = xlsx_file([TEXT], [("a",)], WIB, "x")
    path = Path(file.name)
    assert path.exists()
    assert file.read(4) == b"PK\x03\x04"
    file.close()
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "sheet"),
    [
        ("Permintaan/Perubahan", "Permintaan Perubahan"),
        ("[a]:*?\\", "a"),
        ("'kutip'", "kutip"),
        ("", "Data"),
        ("History", "Data"),
        ("x" * 40, "x" * 31),
    ],
)
def test_a_sheet_gets_a_name_that_excel_allows(name: str, sheet: str) -> None:
    with xlsx_file([TEXT], [], WIB, name) as file:
        assert openpyxl.load_workbook(file).sheetnames == [sheet]
