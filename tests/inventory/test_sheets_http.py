"""Cards, room inventories and half-years as they are printed: PDF, and spreadsheets with the same rows and names."""

from __future__ import annotations

import io
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from python_calamine import CalamineWorkbook

from lpse_admin.inventory.cards import CARD_COLUMNS, Card
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.running_app import RunningApp

BASE = "/admin/asset-period/sheets"
#: An item of each card, with its code.
CODES = {
    Card.A: "1.3.1.01.01.04.001",
    Card.B: "1.3.2.10.01.02.002",
    Card.C: "1.3.3.01.01.01.001",
    Card.D: "1.3.4.04.01.01.001",
    Card.E: "1.3.5.01.01.01.001",
    Card.F: "1.3.6.01.01.01.001",
    Card.INTANGIBLE: "1.5.3.01.01.01.005",
}
SIGNERS: dict[str, Any] = {
    "place": "Lumajang",
    "keeper_name": "Budi Santoso",
    "keeper_title": "Pengurus Barang",
    "keeper_nip": "19790101 200801 1 001",
    "head_name": "Siti Aminah",
    "head_title": "Kepala LPSE",
    "head_nip": "19850101 201001 2 001",
}


@pytest.fixture(scope="module", autouse=True)
def listed(running_app: RunningApp) -> None:
    """Set who signs, enter a room, and items of each card: of card B four equal ones, in that room."""
    administrator, manager = running_app.visitor("administrator"), running_app.visitor("pengelola")
    answer = administrator.post("/admin/asset-period/signatories/", unknown_code="warn", **SIGNERS)
    assert answer.status_code == 303
    room: dict[str, Any] = {"code": "R.1", "name": "Ruang server", "answerable_name": "Tono", "keeper_name": "Budi"}
    assert manager.post("/admin/room/new/", **room).status_code == 303
    for card, code in CODES.items():
        entry: dict[str, Any] = {"code": code, "register": "0001", "name": f"Barang {card.value}", "condition": "good"}
        if card is Card.B:
            entry |= {"register": "0001 s/d 0004", "room": "R.1", "price": "12.500.000,00", "purchase_year": "2024"}
        answer = manager.post(f"/admin/asset/new/?card={card.value}", **entry)
        assert answer.status_code == 303, card


def rows_of(running_app: RunningApp, address: str, kind: str, sheet: int = 0) -> list[list[str]]:
    """Return the rows of a sheet as texts."""
    answer = running_app.visitor("pemeriksa").get(f"{BASE}/{address}.{kind}")
    assert answer.status_code == 200
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(sheet).to_python()
    return [[str(cell) for cell in row] for row in rows]


def below(rows: list[list[str]], count: int) -> list[list[str]]:
    """Return the filled cells of each row behind the first ``count``."""
    return [filled for row in rows[count:] if (filled := [cell for cell in row if cell])]


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
@pytest.mark.parametrize("card", list(Card))
def test_a_card_as_a_spreadsheet_has_its_columns_its_items_their_sum_and_who_signs(
    kind: str, card: Card, running_app: RunningApp
) -> None:
    heading, first, sums, *_rest = rows = rows_of(running_app, f"card/{card.value}", kind)
    assert len(heading) == 1 + len(CARD_COLUMNS[card])
    assert f"Barang {card.value}" in first
    if card is not Card.F:  # the form of card F has no register
        assert ("0001 s/d 0004" if card is Card.B else "0001") in first
    assert sums[0] == f"Jumlah {4 if card is Card.B else 1} barang"
    assert ("50.000.000" in sums) is (card is Card.B)
    assert below(rows, 3) == [
        ["Lumajang, 2 Maret 2026"],
        ["Mengetahui,"],
        ["Kepala LPSE", "Pengurus Barang"],
        ["Siti Aminah", "Budi Santoso"],
        ["NIP. 198501012010012001", "NIP. 197901012008011001"],
    ]
    notes = [row[1] for row in rows_of(running_app, f"card/{card.value}", kind, 1)]
    assert "Keadaan per 2 Maret 2026" in notes


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_card_as_of_a_day_before_its_items_is_nil_and_is_signed_with_that_day(
    kind: str, running_app: RunningApp
) -> None:
    answer = running_app.visitor("pemeriksa").get(f"{BASE}/card/B.{kind}?date=2024-12-31")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert rows[1][0] == "NIHIL"
    assert "Lumajang, 31 Desember 2024" in [cell for row in rows for cell in row]


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_room_and_a_half_year_are_spreadsheets_too(kind: str, running_app: RunningApp) -> None:
    page = running_app.visitor("pemeriksa").get(f"{BASE}/").text
    room = page.split(f"{BASE}/room/")[1].split(".")[0]
    rows = rows_of(running_app, f"room/{room}", kind)
    assert len(rows[0]) == 11
    assert [rows[1][column] for column in (2, 3, 4, 8)] == [
        "0001 s/d 0004",
        CODES[Card.B],
        "Barang B",
        "4",
    ]
    assert ["Tono", "Budi"] in below(rows, 2)
    for half, is_nil in (("2026-1", False), ("2024-1", True)):
        rows = rows_of(running_app, f"half-year/{half}", kind)
        assert (rows[1][0] == "NIHIL") is is_nil, half
        assert ["Siti Aminah", "Budi Santoso"] in below(rows, 2)


def test_every_sheet_on_paper_says_who_signs_and_lies_across(running_app: RunningApp, tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("no poppler on this system")
    file = tmp_path / "sheet.pdf"
    for card in Card:
        file.write_bytes(running_app.visitor("pemeriksa").get(f"{BASE}/card/{card.value}.pdf").data)
        text = subprocess.run(["pdftotext", str(file), "-"], check=True, capture_output=True).stdout.decode()
        for words in ("Lumajang, 2 Maret 2026", "Siti Aminah", "NIP. 197901012008011001", f"Barang {card.value}"):
            assert words in text, (card, words)
        size = subprocess.run(["pdfinfo", str(file)], check=True, capture_output=True).stdout.decode()
        assert "935.433 x 609.449" in size, size  # F4, 330 by 215 mm


def test_a_locked_half_year_is_printed_the_same_whatever_is_corrected_later(running_app: RunningApp) -> None:
    manager, reader = running_app.visitor("pengelola"), running_app.visitor("pemeriksa")
    item: dict[str, Any] = {"code": CODES[Card.B], "name": "Peladen", "condition": "good", "price": "1.000.000"}
    booked = item | {"register": "0501", "booked_on": "2025-11-03"}
    answer = manager.post("/admin/asset/new/?card=B", **booked)
    assert answer.status_code == 303
    address = answer.location
    locked: dict[str, Any] = {"half_year": "2025-2", "signed_on": "2026-01-05", **SIGNERS}
    assert manager.post("/admin/asset-period/new/", **locked).status_code == 303
    kept = [reader.get(f"{BASE}/half-year/2025-2.{kind}").data for kind in ("pdf", "ods")]
    rows = rows_of(running_app, "half-year/2025-2", "ods")
    assert "Peladen" in rows[1]
    assert "Lumajang, 5 Januari 2026" in [cell for row in rows for cell in row]
    late = booked | {"register": "0502", "booked_on": "2025-12-31"}
    assert manager.post("/admin/asset/new/?card=B", **late).status_code == 422
    corrected = item | {"register": "0501", "price": "2.000.000"}
    assert manager.post(address.replace("/details/", "/edit/"), **corrected).status_code == 303
    others: dict[str, Any] = {**SIGNERS, "keeper_name": "Pengurus Lain", "head_name": "Kepala Lain"}
    administrator = running_app.visitor("administrator")
    assert administrator.post("/admin/asset-period/signatories/", unknown_code="warn", **others).status_code == 303
    assert [reader.get(f"{BASE}/half-year/2025-2.{kind}").data for kind in ("pdf", "ods")] == kept
    after = next(row for row in rows_of(running_app, "half-year/2026-1", "ods") if "Peladen" in row)
    assert {"1.000.000", "2.000.000"} <= set(after)
    assert any("Koreksi" in cell for cell in after)
    assert administrator.post("/admin/asset-period/signatories/", unknown_code="warn", **SIGNERS).status_code == 303
