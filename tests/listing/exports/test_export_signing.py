"""Where an export is signed: place and date, capacity, name, rank and NIP of the head, or of who acts for the head."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from lpse_admin.sop import spaced_nip
from lpse_admin.sop.steps import Step
from models.papers.letterhead import LetterheadInput, set_letterhead
from tests.support.cast import NOW, change_at_step, set_test_audit_context
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.running_app import RunningApp

ADDRESS = "/admin/change/export/{}/"


@pytest.fixture(scope="module", autouse=True)
def signed_office(running_app: RunningApp) -> None:
    """Give the office a place and a superior, and its head rank and NIP."""
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        set_test_audit_context(session)
        given = LetterheadInput("Pemerintah Kabupaten\nLPSE", place="Lumajang", signs_for="Kepala Dinas Kominfo")
        set_letterhead(session, office.agency, given, by=office.administrator, now=NOW, reason="Kop kantor")
        office.head.rank = "Pembina Tk. I, IV/b"
        session.commit()
        change_at_step(session, office, Step.EVALUATION)


def cells(running_app: RunningApp, kind: str) -> list[str]:
    """Return what the sheet of notes has in its second column, from its place to sign on."""
    data = running_app.visitor("pemeriksa").get(ADDRESS.format(kind)).data
    rows: list[list[Any]]
    if kind == "ods":
        rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(1).to_python()
    else:
        rows = [list(row) for row in load_workbook(io.BytesIO(data)).worksheets[1].iter_rows(values_only=True)]
    texts = [str(row[1] or "") for row in rows]
    return texts[next(number for number, text in enumerate(texts) if text.startswith("Lumajang, ")) :]


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_spreadsheet_is_signed_on_its_sheet_of_notes(kind: str, running_app: RunningApp) -> None:
    with running_app.session() as session:
        head = running_app.cast(session).lumajang.head
        person = head.full_name, "Pembina Tk. I, IV/b", f"NIP. {spaced_nip(head.nip or '')}"
    place, superior, capacity, *room, name, rank, nip = cells(running_app, kind)
    assert place == "Lumajang, 2 Maret 2026"
    assert (superior, capacity) == ("a.n. Kepala Dinas Kominfo", "Kepala LPSE")
    assert room == ["", "", ""]
    assert (name, rank, nip) == person


def test_the_rows_of_a_signed_spreadsheet_are_data_alone(running_app: RunningApp) -> None:
    data = running_app.visitor("pemeriksa").get(ADDRESS.format("xlsx")).data
    rows = json.loads(running_app.visitor("pemeriksa").get(ADDRESS.format("json")).data)["rows"]
    assert len(rows) == 1
    assert load_workbook(io.BytesIO(data)).worksheets[0].max_row == len(rows) + 1


def test_a_list_on_paper_is_signed_below_its_rows(running_app: RunningApp, tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("no poppler on this system")
    file = tmp_path / "list.pdf"
    file.write_bytes(running_app.visitor("pemeriksa").get(ADDRESS.format("pdf")).data)
    text = subprocess.run(["pdftotext", "-layout", str(file), "-"], check=True, capture_output=True).stdout.decode()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    start = lines.index("Lumajang, 2 Maret 2026")
    assert lines[start + 1 : start + 3] == ["a.n. Kepala Dinas Kominfo", "Kepala LPSE"]
    assert "Pembina Tk. I, IV/b" in lines[start:]
    assert any(line.startswith("NIP. ") for line in lines[start:])


def test_an_administrator_of_all_offices_signs_nothing(running_app: RunningApp) -> None:
    data = running_app.visitor("admin").get(ADDRESS.format("xlsx")).data
    notes = load_workbook(io.BytesIO(data)).worksheets[1]
    assert not any(str(row[1] or "").startswith("NIP") for row in notes.iter_rows(values_only=True))
