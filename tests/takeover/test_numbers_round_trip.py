"""A number that a CSV export writes is read by the import as the same number, with commas and with semicolons."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lpse_admin.inventory.cards import Card
from lpse_admin.parsing.numbers import read_money, read_number
from lpse_admin.takeover.card_file import read_card_file
from views.exports.columns import CellKind, ExportColumn
from views.exports.csv_export import csv_stream

_COLUMNS = [
    ExportColumn("Kode Barang", CellKind.TEXT),
    ExportColumn("Nama Barang", CellKind.TEXT),
    ExportColumn("Register", CellKind.TEXT),
    ExportColumn("area", CellKind.NUMBER),
    ExportColumn("price", CellKind.MONEY),
]
_NUMBERS = st.decimals(0, 10**9, places=3)


@pytest.mark.parametrize("separator", [",", ";"])
@given(area=_NUMBERS, price=st.decimals(0, 10**12, places=2))
@example(Decimal("1.234"), Decimal("12500000.50"))
@example(Decimal("1250.5"), Decimal(1000))
@example(Decimal("0.125"), Decimal(0))
def test_a_number_is_the_same_after_export_and_import(separator: str, area: Decimal, price: Decimal) -> None:
    row = ("1.3.1.01.01.01.001", "Tanah", "0001", area, price)
    file = b"".join(csv_stream(_COLUMNS, [row], ZoneInfo("Asia/Jakarta"), separator))
    (result,) = read_card_file(file, Card.A).rows
    assert read_number(result.texts["area"]) == area
    assert read_money(result.texts["price"]) == price
