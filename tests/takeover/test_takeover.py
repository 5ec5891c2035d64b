"""A list is taken over as a whole, comes out of its export as it went in, and is undone as a whole while untouched."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.inventory.cards import Card, card_columns
from lpse_admin.inventory.half_years import HalfYear
from models.audit.trail import AuditEntry
from models.inventory.asset import Asset
from models.inventory.asset_entry import correct_asset
from models.inventory.locking import lock_half_year
from models.inventory.mutation import snapshot
from models.takeover.asset_import import AssetImport, ImportState
from models.takeover.takeover import (
    ImportFailed,
    ListFile,
    apply_import,
    discard_import,
    lay_out,
    preview_of,
    undo_import,
    upload_list,
)
from tests.support.cast import NOW, AuditedSession, Cast, set_test_audit_context
from views.inventory.item_form import to_form_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cast import Office

_CODE = "1.3.2.10.01.02.002"
_HEADINGS = ("Kode Barang", "Nama Barang", "Register", "Nomor Rangka", "NIBAR", "Harga")


@pytest.fixture
def opened(shared: tuple[AuditedSession, Cast]) -> Iterator[tuple[AuditedSession, Office]]:
    session, cast = shared
    set_test_audit_context(session)
    yield session, cast.lumajang
    session.rollback()


def list_of(*rows: tuple[str, ...], booked_on: dt.date | None = None) -> ListFile:
    lines = ["; ".join(_HEADINGS).replace("; ", ";"), *(";".join(row) for row in rows)]
    return ListFile("daftar.csv", "\r\n".join(lines).encode(), booked_on=booked_on)


def uploaded(session: AuditedSession, office: Office, *rows: tuple[str, ...], **text: dt.date) -> AssetImport:
    return upload_list(session, by=office.manager, now=NOW, file=list_of(*rows, **text))


def items_of(session: AuditedSession, row: AssetImport) -> list[Asset]:
    return list(session.scalars(select(Asset).where(Asset.import_id == row.id).order_by(Asset.register)))


def test_a_list_is_applied_as_a_whole_with_its_trail(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    row = uploaded(
        session, office, (_CODE, "Laptop", "8001 s/d 8003", "", "", "Rp 12.500.000,-"), (_CODE, "Meja", "8004")
    )
    assert (preview_of(row).item_count, row.state) == (4, ImportState.PREVIEW)
    assert items_of(session, row) == []
    assert apply_import(row, by=office.manager, now=NOW) == 4
    assert [one.register for one in items_of(session, row)] == ["8001", "8002", "8003", "8004"]
    assert {one.booked_on for one in items_of(session, row)} == {office.agency.local_date(NOW)}
    session.flush()
    with pytest.raises(NoSuchMove):
        apply_import(row, by=office.manager, now=NOW)


def test_one_wrong_row_keeps_the_whole_list_out(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    row = uploaded(session, office, (_CODE, "Laptop", "8011"), (_CODE, "", "8012"), (_CODE, "Laptop", "8011"))
    with pytest.raises(ImportFailed) as refusal:
        apply_import(row, by=office.manager, now=NOW)
    assert [(error.row, error.column) for error in refusal.value.errors] == [(3, 2), (4, 3)]
    assert items_of(session, row) == []


def test_a_preview_names_what_is_like_it_on_the_list(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    nibar = "7" * 45
    apply_import(uploaded(session, office, (_CODE, "Laptop", "8021", "RK 77", nibar)), by=office.manager, now=NOW)
    result = preview_of(
        uploaded(session, office, (_CODE, "A", "8021"), (_CODE, "B", "8022", "rk-77"), (_CODE, "C", "8023", "", nibar))
    )
    assert [(error.row, error.column) for error in result.errors] == [(2, 3), (4, 5)]
    assert f"Item {_CODE}.8021 has this NIBAR." in str(result.errors[1])
    assert [str(notice) for notice in result.rows[1].notices] == [f"Item {_CODE}.8021 has the same number rk-77."]


def test_a_takeover_is_undone_as_a_whole_while_nothing_of_it_was_changed(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    row = uploaded(session, office, (_CODE, "Laptop", "8031"), (_CODE, "Meja", "8032"))
    apply_import(row, by=office.manager, now=NOW)
    with pytest.raises(ValidationFailed):
        undo_import(row, by=office.manager, now=NOW, reason=" ")
    undo_import(row, by=office.manager, now=NOW, reason="Berkas keliru")
    assert (items_of(session, row), row.state, row.reason) == ([], ImportState.UNDONE, "Berkas keliru")
    again = uploaded(session, office, (_CODE, "Laptop", "8031"))
    apply_import(again, by=office.manager, now=NOW)
    (item,) = items_of(session, again)
    texts = {one.key: to_form_text(one, snapshot(item).get(one.key)) for one in card_columns(Card.B).values()}
    correct_asset(item, office.manager, texts={**texts, "name": "Komputer"}, now=NOW)
    with pytest.raises(NoSuchMove, match="1 of its items were changed"):
        undo_import(again, by=office.manager, now=NOW, reason="Berkas keliru")


def test_a_takeover_of_a_locked_half_year_stays(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    row = uploaded(session, office, (_CODE, "Laptop", "8041"), booked_on=dt.date(2025, 12, 1))
    apply_import(row, by=office.manager, now=NOW)
    lock_half_year(
        session, by=office.manager, now=NOW, half_year=HalfYear(2025, 2), signed_on=dt.date(2026, 1, 5),
        keeper_name="Budi", head_name="Siti",
    )  # fmt: skip
    with pytest.raises(NoSuchMove, match="locked"):
        undo_import(row, by=office.manager, now=NOW, reason="Berkas keliru")
    with pytest.raises(ValidationFailed, match="locked until 31-12-2025"):
        uploaded(session, office, (_CODE, "Laptop", "8042"), booked_on=dt.date(2025, 12, 31))


def test_a_layout_is_kept_by_name_and_a_file_can_be_set_aside(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    row = upload_list(
        session, by=office.manager, now=NOW, file=ListFile("x.csv", f"a;b;c\n{_CODE};8051;Laptop".encode())
    )
    assert preview_of(row).errors != []
    layout = {"heading_row": 1, "first_row": 2, "columns": {"1": "code", "2": "register", "3": "name"}, "sheet": 1,
              "code_columns": [], "is_in_thousands": False}  # fmt: skip
    for _time in range(2):
        lay_out(row, office.manager, NOW, card=None, layout=layout, profile="Daftar singkat")
    assert preview_of(row).errors == []
    discard_import(row, office.manager)
    with pytest.raises(NoSuchMove):
        apply_import(row, by=office.manager, now=NOW)
    with pytest.raises(NotAllowed):
        upload_list(session, by=office.requester, now=NOW, file=list_of((_CODE, "Laptop", "8061")))
    with pytest.raises(ValidationFailed):
        upload_list(session, by=office.manager, now=NOW, file=None)


def test_what_was_taken_over_is_written_and_taken_over_again_unchanged(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    first = uploaded(
        session,
        office,
        (_CODE, "Laptop; besar".replace(";", ","), "8071 s/d 8072", "RK 1", "", "1.250,5"),
        (_CODE, "Kursi", "A001"),
    )
    apply_import(first, by=office.manager, now=NOW)
    before = [snapshot(one) for one in items_of(session, first)]
    columns = list(card_columns(Card.B).values())
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";")
    writer.writerow([column.key for column in columns])
    writer.writerows([to_form_text(column, state.get(column.key)) for column in columns] for state in before)
    undo_import(first, by=office.manager, now=NOW, reason="Coba ulang")
    again = upload_list(session, by=office.manager, now=NOW, file=ListFile("lagi.csv", file.getvalue().encode()))
    apply_import(again, by=office.manager, now=NOW)
    assert [snapshot(one) for one in items_of(session, again)] == before


def test_a_small_file_that_unpacks_to_100_megabytes_is_refused(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * 100_000_000)
    row = upload_list(session, by=office.manager, now=NOW, file=ListFile("nol.xlsx", file.getvalue()))
    assert "too large when it is unpacked" in str(preview_of(row).errors[0])


def test_every_step_of_a_takeover_is_in_the_trail(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    row = uploaded(session, office, (_CODE, "Laptop", "8081"))
    session.commit()
    set_test_audit_context(session)
    apply_import(row, by=office.manager, now=NOW)
    session.commit()
    set_test_audit_context(session)
    undo_import(row, by=office.manager, now=NOW, reason="Berkas keliru")
    session.commit()
    actions = session.scalars(
        select(AuditEntry.action).where(AuditEntry.action.startswith("asset.import")).order_by(AuditEntry.id)
    )
    assert list(actions) == ["asset.import.upload", "asset.import.apply", "asset.import.undo"]
