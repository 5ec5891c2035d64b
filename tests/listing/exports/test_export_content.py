"""What an export holds, what it is called, and that the trail knows of it; the separator of CSV files."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from lpse_admin.inventory.cards import CARD_COLUMNS, Card
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import CsvSeparator, User
from models.audit.trail import AuditEntry
from models.audit.verification import verify_chains
from models.changes.change import ChangeRequest
from tests.support.cast import NOW, OUTCOMES_TO, asset, make_move, move_through, new_change
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

RETURN_REASON = "Surat permohonan belum ditandatangani"
WITHDRAWAL_REASON = "Diajukan ulang tahun depan"


def exported(running_app: RunningApp, path: str, who: str = "kepala", separator: str = ",") -> list[dict[str, str]]:
    """Return the rows of an export by their headings."""
    answer = running_app.visitor(who).get(path)
    assert answer.status_code == 200, answer.text
    text = answer.text.removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text), delimiter=separator))


@pytest.fixture(scope="module", autouse=True)
def register(running_app: RunningApp) -> str:
    """Create a request that is returned, resubmitted, returned again and withdrawn, and return its number."""
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        change = new_change(session, office, now=NOW)
        values = {
            "title": "Ganti sertifikat", "description": "Uraian yang panjang", "purpose": "Tujuannya",
            "impact": "Dampaknya", "risk_if_not_done": "Risikonya", "test_plan": "Rencana uji",
            "rollback_plan": "Rencana kembali", "requester_contact": "+62 852-1234-5678",
        }  # fmt: skip
        make_move(session, change, Outcome.SUBMITTED, change.requester, now=NOW, values=values)
        for minutes, outcome, actor, reason in (
            (1, Outcome.RETURNED, office.manager, RETURN_REASON),
            (2, Outcome.RESUBMITTED, change.requester, None),
            (3, Outcome.RETURNED, office.manager, "Masih kurang"),
            (4, Outcome.WITHDRAWN, change.requester, WITHDRAWAL_REASON),
        ):
            when = NOW + dt.timedelta(minutes=minutes)
            make_move(session, change, outcome, actor, now=when, values={"reason": reason} if reason else {})
        asset(session, office, price="1234567.89", year="2021")
        session.commit()
        return str(change.number)


def test_the_register_of_requests_has_what_was_asked_and_who_to_call(running_app: RunningApp, register: str) -> None:
    (row,) = exported(running_app, f"/admin/change/export/csv/?search={quote(register)}")
    assert row["Uraian perubahan"] == "Uraian yang panjang"
    assert {"Tujuannya", "Dampaknya", "Risikonya", "Rencana uji", "Rencana kembali"} <= set(row.values())
    assert "+62 852-1234-5678" in row.values()


def test_returns_resubmissions_and_withdrawals_are_in_an_export_of_their_own(
    running_app: RunningApp, register: str
) -> None:
    rows = exported(running_app, f"/admin/returned/export/csv/?search={quote(register)}&sort=arrived")
    assert [row["Alasan pengembalian"] for row in rows] == [RETURN_REASON, "Masih kurang"]
    assert [row["Hasil"] for row in rows] == ["Diajukan kembali", "Dibatalkan"]
    assert rows[1]["Alasan"] == WITHDRAWAL_REASON
    page = running_app.visitor("kepala").get("/admin/returned/").text
    assert RETURN_REASON in page


def test_the_register_of_assets_has_the_columns_of_every_card(running_app: RunningApp) -> None:
    rows = exported(running_app, "/admin/asset/export/csv/", "pengelola")
    headings = set(rows[0])
    for heading in ("Merk/Type", "Ukuran/CC", "Nomor Rangka", "Luas (m²)", "Konstruksi", "Lisensi"):
        assert heading in headings, heading
    own = {column.key for columns in CARD_COLUMNS.values() for column in columns}
    assert len(headings) > len(own)
    assert len(exported(running_app, f"/admin/asset/export/csv/?card={Card.B.value}", "pengelola")[0]) < len(headings)


# --- the file's name -------------------------------------------------------------------------------------------------


def name_of(running_app: RunningApp, path: str, username: str) -> str:
    """Return the name of an export, which is read to its end."""
    answer = running_app.visitor(username).get(path)
    assert answer.data
    return answer.headers["Content-Disposition"].partition('filename="')[2].rstrip('"')


@pytest.mark.parametrize(
    ("username", "query", "parts"),
    [
        ("kepala", "", ("lpse", "lumajang", "permintaan")),
        ("kepala", "state=open&urgency=emergency", ("status-belum-selesai", "mendesak")),
        ("kepala", "submitted-from=2026-03-01&submitted-until=2026-03-31", ("1-maret-2026", "31-maret-2026")),
        ("kepala", "search=Sertifikat%20%22baru%22", ("sertifikat-baru",)),
        ("admin", "", ("semua-lpse",)),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_name_of_the_file_tells_office_list_period_and_filter(
    running_app: RunningApp, username: str, query: str, parts: tuple[str, ...], kind: str
) -> None:
    name = name_of(running_app, f"/admin/change/export/{kind}/?{query}", username)
    assert name.isascii()
    assert len(name) <= 150
    assert name.endswith(f"2026-03-02-0900.{kind}")
    for part in parts:
        assert part in name


def test_a_long_search_leaves_the_name_short_enough(running_app: RunningApp) -> None:
    name = name_of(running_app, f"/admin/change/export/csv/?search={'kata-' * 39}", "kepala")
    assert len(name) <= 150
    assert name.endswith("_2026-03-02-0900.csv")


# --- the trail -------------------------------------------------------------------------------------------------------


def test_an_export_is_in_the_trail_with_who_what_and_which_rows(running_app: RunningApp) -> None:
    name_of(running_app, "/admin/change/export/xlsx/?state=open&search=sertifikat", "pemeriksa")
    with running_app.session() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "list.export").order_by(AuditEntry.id.desc())
        ).first()
        assert entry is not None
        person = session.scalars(select(User).where(User.username == "pemeriksa")).one()
        assert (entry.actor_id, entry.chain, entry.row_changes) == (person.id, person.agency_id, [])
        assert entry.reason == "Permintaan Perubahan (RFC) (XLSX); Status: Belum selesai; Cari: sertifikat"
        assert verify_chains(session) is None
    assert "Mengekspor daftar" in running_app.visitor("pemeriksa").get("/admin/audit/").text


def test_what_is_refused_is_not_in_the_trail_as_an_export(running_app: RunningApp) -> None:
    counted = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "list.export")
    with running_app.session() as session:
        before = session.scalar(counted)
    visitor = running_app.visitor("pemohon")
    assert visitor.get("/admin/change/export/csv/?sort=title").status_code == 400
    assert visitor.get("/admin/audit/export/csv/").status_code == 403
    assert visitor.get("/admin/change/export/docx/").status_code == 404
    assert visitor.client.head("/admin/change/export/csv/").status_code == 200
    with running_app.session() as session:
        assert session.scalar(counted) == before


# --- the separator ---------------------------------------------------------------------------------------------------


def test_the_separator_is_chosen_beside_the_export_and_remembered(running_app: RunningApp, register: str) -> None:
    visitor = running_app.visitor("kepala")
    assert "CSV dengan koma" in visitor.get("/admin/change/").text
    answer = visitor.post("/profile/csv", separator="semicolon", next="/admin/change/?state=open")
    assert (answer.status_code, answer.location) == (303, "/admin/change/?state=open")
    try:
        assert "CSV dengan titik koma" in visitor.get("/admin/change/").text
        (row,) = exported(running_app, f"/admin/change/export/csv/?search={quote(register)}", separator=";")
        assert row["Nomor"] == register
        with running_app.session() as session:
            entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "profile.csv")).one()
            (changed,) = entry.row_changes
            assert (changed["before"], changed["after"]) == (
                {"csv_separator": "comma"}, {"csv_separator": "semicolon"},
            )  # fmt: skip
            # Nobody else's exports have changed.
            others = session.scalars(select(User.csv_separator).where(User.username != "kepala")).all()
            assert set(others) == {CsvSeparator.COMMA}
    finally:
        visitor.post("/profile/csv", separator="comma")


@pytest.mark.parametrize("separator", ["", "tab", "semicolon\x00"])
def test_what_is_no_separator_changes_nothing_and_leads_back(running_app: RunningApp, separator: str) -> None:
    answer = running_app.visitor("plh").post("/profile/csv", separator=separator, next="https://jahat.example/")
    assert (answer.status_code, answer.location) == (303, "/profile#csv")
    with running_app.session() as session:
        assert session.scalars(select(User.csv_separator).where(User.username == "plh")).one() is CsvSeparator.COMMA


def test_strokes_and_telephone_numbers_come_through_and_formulas_do_not(running_app: RunningApp) -> None:
    texts = ("-", "-12", "+62 852-1234-5678", "=1+1")
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        for number, text in enumerate(texts):
            change = new_change(session, office, now=NOW)
            values = {"title": f"Tanda {number}", "requester_contact": text, "requester_name": text}
            make_move(session, change, Outcome.SUBMITTED, change.requester, now=NOW, values=values)
        session.commit()
    rows = exported(running_app, "/admin/change/export/csv/?search=Tanda&sort=submitted")
    results = {row["Judul"]: row["Kontak Pemohon"] for row in rows if row["Judul"].startswith("Tanda ")}
    assert [results[f"Tanda {number}"] for number in range(len(texts))] == [*texts[:3], "'=1+1"]


def test_a_request_in_every_step_is_exported_whole(running_app: RunningApp) -> None:
    with running_app.session() as session:
        change = move_through(session, running_app.cast(session).lumajang, *OUTCOMES_TO[Step.TEST])
        number, description = change.number, session.get_one(ChangeRequest, change.id).description
    (row,) = exported(running_app, f"/admin/change/export/csv/?search={quote(str(number))}")
    assert description in row.values()
