"""Every list in every format: the same cells, chosen or all columns, and a head that says what was asked."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from lpse_admin.sop.steps import Outcome
from tests.support.cast import asset, make_move, new_change
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from tests.support.servers.libreoffice import MISSING_MESSAGE, convert, find_libreoffice
from views.exports import pdf_export
from views.listing.exporting import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.running_app import RunningApp

#: What a requester may type, in the description.
TEXTS = (
    "=1+1",
    "+62 812 3456",
    "<b>&\"'",
    "dua  spasi",
    "baris satu\nbaris dua",
    "Émoji \U0001f680 漢",
    "#set text()",
)
SCREENS = ("change", "evaluation", "approval", "release", "deviation", "asset", "sop", "delegation", "user", "audit")


@pytest.fixture(scope="module", autouse=True)
def register(running_app: RunningApp) -> None:
    """Create a request for each odd text, and an item with a price."""
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        for text in TEXTS:
            change = new_change(session, office)
            make_move(session, change, Outcome.SUBMITTED, change.requester, values={"description": text})
        asset(session, office, price="12500000.50", year="2021")


def fetch(running_app: RunningApp, address: str, name: str = "kepala") -> bytes:
    answer = running_app.visitor(name).get(address)
    assert answer.status_code == 200, answer.text
    data: bytes = answer.data
    return data


def csv_rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def ods_rows(data: bytes, sheet: int = 0) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(sheet).to_python()


def test_every_list_is_exported_in_every_format(running_app: RunningApp) -> None:
    for screen in SCREENS:
        for kind in FORMATS:
            answer = running_app.visitor("pemeriksa").get(f"/admin/{screen}/export/{kind}/")
            assert answer.status_code == 200, (screen, kind, answer.text)
            assert answer.headers["Content-Disposition"].endswith(f'.{kind}"')
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.data


def test_the_formats_have_the_same_texts_in_the_same_order(running_app: RunningApp) -> None:
    address = "/admin/change/export/{}/?sort=submitted"
    in_json = [row["description"] for row in json.loads(fetch(running_app, address.format("json")))["rows"]]
    heading, *rows = ods_rows(fetch(running_app, address.format("ods")))
    location = heading.index("Uraian perubahan")
    in_ods = [row[location] for row in rows]
    sheet = load_workbook(io.BytesIO(fetch(running_app, address.format("xlsx")))).worksheets[0]
    in_xlsx = [row[location] for row in sheet.iter_rows(values_only=True)][1:]
    assert in_json == in_ods == in_xlsx
    assert set(in_json) == set(TEXTS)


def test_an_export_has_the_columns_that_the_address_names_in_their_order(running_app: RunningApp) -> None:
    query = "?columns=title,number,requester"
    assert csv_rows(fetch(running_app, f"/admin/change/export/csv/{query}"))[0] == ["Judul", "Nomor", "Pemohon"]
    assert ods_rows(fetch(running_app, f"/admin/change/export/ods/{query}"))[0] == ["Judul", "Nomor", "Pemohon"]
    result = json.loads(fetch(running_app, f"/admin/change/export/json/{query}"))
    assert [column["key"] for column in result["columns"]] == ["title", "number", "requester"]
    assert all(list(row) == ["title", "number", "requester"] for row in result["rows"])
    assert running_app.visitor("kepala").get("/admin/change/export/csv/?columns=password").status_code == 400


def test_the_head_says_what_was_asked_by_whom_when_and_under_which_sop(running_app: RunningApp) -> None:
    query = "?state=open&submitted-from=2026-01-01&submitted-until=2026-12-31"
    head = json.loads(fetch(running_app, f"/admin/change/export/json/{query}"))["head"]
    assert head["Daftar"] == "Permintaan Perubahan (RFC)"
    assert "Belum selesai" in head["Saringan"]
    assert "2026" in head["Saringan"]
    assert head["Jumlah baris"] == str(len(TEXTS))
    with running_app.session() as session:
        person = running_app.cast(session).lumajang.head.full_name
    assert person in head["Diminta oleh"]
    assert "2026" in head["Diekspor pada"]
    assert "Perubahan" in head["SOP yang berlaku"] or "PERUBAHAN" in head["SOP yang berlaku"].upper()
    book = load_workbook(io.BytesIO(fetch(running_app, f"/admin/change/export/xlsx/{query}")))
    assert book.sheetnames[1] == "Keterangan"
    notes = {row[0]: row[1] for row in book["Keterangan"].iter_rows(values_only=True)}
    assert notes["Saringan"] == head["Saringan"]
    assert {row[0]: row[1] for row in ods_rows(fetch(running_app, f"/admin/change/export/ods/{query}"), 1)}[
        "Saringan"
    ] == head["Saringan"]
    above = csv_rows(fetch(running_app, f"/admin/change/export/csv/{query}&head=1"))
    assert above[0][0] == head["Daftar"]
    assert ["Saringan", head["Saringan"]] in above
    plain = csv_rows(fetch(running_app, f"/admin/change/export/csv/{query}"))
    assert above[above.index([]) + 1 :] == plain


def test_every_export_is_in_the_trail_with_its_format(running_app: RunningApp) -> None:
    for kind in FORMATS:
        fetch(running_app, f"/admin/holiday/export/{kind}/")
    page = running_app.visitor("kepala").get("/admin/audit/?action=list.export").text
    for kind in FORMATS:
        assert f"({kind.upper()})" in page, kind


def test_ods_cells_are_typed(running_app: RunningApp) -> None:
    heading, *rows = ods_rows(fetch(running_app, "/admin/asset/export/ods/"))
    row = dict(zip(heading, rows[0], strict=True))
    assert 12500000.5 in row.values()


def test_a_pdf_is_a_tagged_paper_with_its_head_and_its_rows(running_app: RunningApp, tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None or shutil.which("qpdf") is None:
        pytest.skip("no poppler or no qpdf on this system")
    narrow = tmp_path / "narrow.pdf"
    narrow.write_bytes(fetch(running_app, "/admin/change/export/pdf/?columns=number,description&search=spasi"))
    wide = tmp_path / "wide.pdf"
    wide.write_bytes(fetch(running_app, "/admin/change/export/pdf/?search=spasi"))
    for file in (narrow, wide):
        subprocess.run(["qpdf", "--check", str(file)], check=True, capture_output=True)
        text = subprocess.run(["pdftotext", "-layout", str(file), "-"], check=True, capture_output=True).stdout.decode()
        assert "Permintaan Perubahan (RFC)" in text
        assert "Saringan" in text
        assert "dua" in text
        facts = subprocess.run(["pdfinfo", str(file)], check=True, capture_output=True).stdout.decode()
        assert "Tagged:          yes" in facts
    everything = tmp_path / "all.pdf"
    everything.write_bytes(fetch(running_app, "/admin/change/export/pdf/"))
    text = subprocess.run(["pdftotext", str(everything), "-"], check=True, capture_output=True).stdout.decode()
    assert "#set text()" in text  # what was typed is never a command of the layout


def test_an_empty_list_says_so_on_paper(running_app: RunningApp, tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("no poppler on this system")
    file = tmp_path / "empty.pdf"
    file.write_bytes(fetch(running_app, "/admin/change/export/pdf/?search=tidakadasamasekali"))
    assert "NIHIL" in subprocess.run(["pdftotext", str(file), "-"], check=True, capture_output=True).stdout.decode()


def test_a_pdf_of_too_many_rows_is_refused_with_the_way_out(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_export, "MAX_ROWS", 2)
    answer = running_app.visitor("kepala").get("/admin/change/export/pdf/")
    assert answer.status_code == 413
    assert "paling banyak 2 baris" in answer.text


def test_libreoffice_opens_what_is_exported_with_the_same_cells(running_app: RunningApp, tmp_path: Path) -> None:
    program = find_libreoffice()
    if program is None:
        pytest.skip(MISSING_MESSAGE)
    query = "?columns=number,description,submitted&sort=submitted"
    files = [tmp_path / "a.ods", tmp_path / "b.xlsx"]
    for file in files:
        file.write_bytes(fetch(running_app, f"/admin/change/export/{file.suffix[1:]}/{query}"))
    saved = convert(program, files, "csv", tmp_path)
    assert len(saved) == 4  # two sheets each
    expected = json.loads(fetch(running_app, f"/admin/change/export/json/{query}"))["rows"]
    for file in saved:
        rows = csv_rows(file.read_bytes())
        if "Keterangan" in file.name:
            assert ["Daftar", "Permintaan Perubahan (RFC)"] in rows
        else:
            assert [row[1] for row in rows[1:]] == [row["description"] for row in expected], file.name
            assert [row[2] for row in rows[1:]] == [row["submitted"].replace("T", " ") for row in expected]
