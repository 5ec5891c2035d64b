"""A KIB card is read from what spreadsheets and other programs write, and errors say row and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from lpse_admin.i18n import Message
from lpse_admin.inventory.cards import CARD_COLUMNS, Card
from lpse_admin.takeover.card_file import MAX_ROWS, CellError, read_card_file

_FILE = Path(__file__).parent / "files" / "peralatan.csv"
_LINES = ("Kode Barang;Nama Barang;Register", "1.3.2.10.01.02.002;Laptop;0001")


def csv_of(*lines: str, end: str = "\r\n", encoding: str = "utf-8-sig") -> bytes:
    return (end.join(lines) + end).encode(encoding)


def errors_of(*lines: str, card: Card | None = None) -> list[str]:
    return [str(error) for error in read_card_file(csv_of(*lines), card).errors]


def test_a_card_as_an_office_keeps_it_is_read_with_its_zeros() -> None:
    file = read_card_file(_FILE.read_bytes())
    assert file.errors == ()
    assert [(row.number, row.card) for row in file.rows] == [(2, Card.B), (3, Card.B), (4, Card.B), (5, Card.B)]
    assert file.rows[0].texts["ownership_book"] == "0001234J"
    assert file.rows[3].texts["ownership_book"] == "000000000000"
    assert set(file.rows[0].texts) == {
        "code", "name", "register", "brand_type", "purchase_year", "plate_number", "ownership_book", "price",
        "condition", "remarks",
    }  # fmt: skip


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_any_separator_line_end_and_encoding_is_read(separator: str, end: str, encoding: str) -> None:
    lines = [line.replace(";", separator) for line in (*_LINES, "1.3.2.10.01.02.002;Café;0002", "", ";;")]
    file = read_card_file(csv_of(*lines, end=end, encoding=encoding))
    assert [row.texts for row in file.rows] == [
        {"code": "1.3.2.10.01.02.002", "name": "Laptop", "register": "0001"},
        {"code": "1.3.2.10.01.02.002", "name": "Café", "register": "0002"},
    ]


@pytest.mark.parametrize("card", list(Card))
def test_the_headings_of_every_card_are_known_by_key_and_by_label(card: Card) -> None:
    columns = CARD_COLUMNS[card]
    for headings in ([column.key for column in columns], [column.label.text for column in columns]):
        extra = [] if card is not Card.F else ["code", "register"]
        file = read_card_file(csv_of(";".join(["No.", *headings, *extra]), "1;x"), card)
        assert file.errors == ()
        assert set(file.rows[0].texts) == {columns[0].key}


@pytest.mark.parametrize(
    ("code", "card"),
    [("1.3.1.01.01.01.001", Card.A), ("1.5.3.01.01.05.001", Card.INTANGIBLE), ("03.11.01.01.01", Card.C),
     ("0206010406", Card.B), ("05.17.01.01.01.0001", Card.E), ("132100102002", Card.B)],
)  # fmt: skip
def test_the_card_follows_from_the_code(code: str, card: Card) -> None:
    file = read_card_file(csv_of(_LINES[0], f"{code};Barang;1"))
    assert [row.card for row in file.rows] == [card]


def test_a_number_that_a_program_wrote_is_read_with_its_decimals() -> None:
    lines = ("code,name,register,area,price", "1.3.1.01.01.01.001,Tanah,1,2.44,406736000.00",
             "1.3.1.01.01.01.001,Tanah,2,2.446,500.00")  # fmt: skip
    first, second = read_card_file(csv_of(*lines)).rows
    assert (first.texts["area"], first.texts["price"]) == ("2,44", "406736000,00")
    assert (second.texts["area"], second.texts["price"]) == ("2.446", "500,00")
    with_semicolons = [line.replace(",", ";") for line in lines]
    assert read_card_file(csv_of(*with_semicolons)).rows[0].texts["area"] == "2.44"


def test_a_row_that_numbers_the_columns_is_left_out() -> None:
    file = read_card_file(csv_of(_LINES[0], "1;2;3", _LINES[1]))
    assert [row.number for row in file.rows] == [3]


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (("",), "The file has no rows."),
        (("Kode Barang;Nama Barang;Warna", "x;y;z"), "Row 1, column 3 (Warna): This is not a column of a KIB card."),
        (("Nama Barang;Register", "x;1"), "Row 1: The file has no column “Item code”."),
        ((_LINES[0], "1.3.2;Laptop;1"), "Row 2, column 1 (Kode Barang): “1.3.2” is not an item code"),
        ((_LINES[0],), ""),
        ((_LINES[0], ""), ""),
        (
            (_LINES[0], "1.3.7.01.01.01.001;Akumulasi;1"),
            "Row 2, column 1 (Kode Barang): The code belongs to no KIB card",
        ),
        ((_LINES[0], f"{_LINES[1]};lebih"), "Row 2, column 4 (): This row has more columns than the first row."),
        (
            (f"{_LINES[0]};Nomor Polisi", "1.3.1.01.01.01.001;Tanah;1;X 1 YZ"),
            "Row 2, column 4 (Nomor Polisi): “KIB A. Land” has no such column.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_row_and_column(lines: tuple[str, ...], error: str) -> None:
    assert "".join(errors_of(*lines)).startswith(error)
    assert bool(errors_of(*lines)) is bool(error)


def test_a_short_row_lacks_its_last_columns_and_a_dash_is_no_value_of_another_card() -> None:
    file = read_card_file(csv_of(f"{_LINES[0]};Nomor Polisi", "1.3.1.01.01.01.001;Tanah;1;-", "1.3.2.10.01.02.002"))
    assert file.errors == ()
    assert file.rows[1].texts == {"code": "1.3.2.10.01.02.002"}
    assert errors_of("Nama Barang;Kode Barang", "Laptop") != []


def test_too_many_rows_and_what_is_no_csv_are_refused() -> None:
    assert "more than" in errors_of(_LINES[0], *[_LINES[1]] * (MAX_ROWS + 1))[0]
    assert "not a CSV file" in errors_of(_LINES[0], f'1.3.2.10.01.02.002;"{"x" * 140_000}";1')[0]
    assert read_card_file(b"\x81\x8d\xff").errors != ()


def test_an_error_of_a_column_that_the_file_lacks_is_that_of_its_row() -> None:
    file = read_card_file(csv_of(*_LINES))
    assert str(file.error_at(file.rows[0], "price", Message("Wrong."))) == "Row 2: Wrong."
    assert str(file.error_at(file.rows[0], "name", Message("Wrong."))) == "Row 2, column 2 (Nama Barang): Wrong."
    assert str(CellError(Message("Wrong."))) == "Wrong."
