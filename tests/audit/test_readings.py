"""What inspectors open is in the trail, once a day for each record, and the head is told of it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Step
from models.audit.trail import AuditEntry
from models.audit.verification import verify_chains
from models.documents.document import Document
from tests.support.cast import NOW, change_at_step
from tests.support.program import Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp


@pytest.fixture(scope="module")
def change_id(running_app: RunningApp) -> int:
    """Bring a request with files to its evaluation."""
    with running_app.session() as session:
        return change_at_step(session, running_app.cast(session).lumajang, Step.APPROVAL).id


def opened(running_app: RunningApp) -> list[str]:
    """Return what the trail tells of openings."""
    with running_app.session() as session:
        told = select(AuditEntry.reason).where(AuditEntry.action == "inspection.open").order_by(AuditEntry.id)
        return [reason or "" for reason in session.scalars(told)]


def test_a_record_and_a_file_are_noted_once_a_day_and_others_reading_is_not(
    running_app: RunningApp, change_id: int
) -> None:
    with running_app.session() as session:
        file = session.scalars(select(Document).where(Document.change_id == change_id)).first()
        assert file is not None
        file_id, name = file.id, file.name
    page, content = f"/admin/change/details/?id={change_id}", f"/admin/document/{file_id}/file"
    for reader in ("kepala", "pengelola", "administrator"):
        assert running_app.visitor(reader).get(page).status_code == 200
        assert running_app.visitor(reader).get(content).status_code == 200
    inspector = running_app.visitor("pemeriksa")
    assert inspector.client.head(page).status_code == 200
    assert inspector.get("/admin/change/details/?id=999").status_code == 404
    assert inspector.get("/admin/change/").status_code == 200
    assert opened(running_app) == []
    for _time in range(3):
        assert inspector.get(page).status_code == 200
        assert inspector.get(content).status_code == 200
        assert inspector.get(f"/admin/document/{file_id}/preview").status_code == 200
    told = opened(running_app)
    assert [reason.rpartition(" ")[2] for reason in told] == [f"[change/{change_id}]", f"[document/{file_id}/file]"]
    assert "RFC/" in told[0]
    assert name in told[1]
    running_app.now = NOW + dt.timedelta(days=1)
    assert Visitor(running_app.app, "pemeriksa").get(page).status_code == 200
    running_app.now = NOW
    assert len(opened(running_app)) == 3
    with running_app.session() as session:
        assert verify_chains(session) is None


def test_the_head_s_home_says_whose_account_is_open_and_what_they_read(running_app: RunningApp, change_id: int) -> None:
    inspector = running_app.visitor("pemeriksa")
    assert inspector.get(f"/admin/change/details/?id={change_id}").status_code == 200
    assert inspector.get("/admin/change/export/csv/").status_code == 200
    for reader in ("kepala", "administrator"):
        page = running_app.visitor(reader).get("/").text
        assert "Gita Maharani" in page
        assert "akun tanpa tanggal berlaku" in page
        assert "1 ekspor" in page
    assert "Gita Maharani" not in running_app.visitor("kepala.tt").get("/").text
    assert "inspectors-heading" not in running_app.visitor("pengelola").get("/").text
    listed = running_app.visitor("kepala").get("/admin/audit/?action=inspection.open&actor=Gita+Maharani").text
    assert f"[change/{change_id}]" in listed
    assert "Membuka data dalam pemeriksaan" in listed
