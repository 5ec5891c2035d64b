"""How long records are kept: rules, holds, destruction by the head's approval, and what stays verifiable after it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text, update

from lpse_admin.retention.rules import Disposition, RecordClass, counts_for_destruction, due_date, rule_errors
from lpse_admin.sop.steps import Outcome
from models.audit.erasure import Erasure
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.documents.document import Document, FileContent
from models.integrity.run import verify_register
from models.retention.archive_reference import ArchiveReference
from models.retention.destruction import Destruction, DestructionState
from models.retention.hold import Hold
from tests.support.cast import NOW, move_through
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

#: A request that is rejected has its texts, its files and an evaluation.
WAY = (Outcome.SUBMITTED, Outcome.ACCEPTED, Outcome.NORMAL, Outcome.DONE, Outcome.PASSED, Outcome.REPORTED,
       Outcome.VERIFIED, Outcome.NO_RELEASE, Outcome.UNCHANGED)  # fmt: skip
LATER = NOW + dt.timedelta(days=6 * 366)
RULE: dict[str, Any] = {"record_class": "request", "active_years": "2", "inactive_years": "3", "disposition": "destroy",
        "basis": "Perbup 12/2025"}  # fmt: skip


def test_a_retention_is_over_after_its_active_and_inactive_years() -> None:
    assert due_date(dt.date(2026, 3, 2), 2, 3) == dt.date(2031, 3, 2)
    assert due_date(dt.date(2024, 2, 29), 1, 0) == dt.date(2025, 3, 1)


@pytest.mark.parametrize(
    ("record_class", "years", "disposition", "fields"),
    [
        (RecordClass.REQUEST, (2, 3), Disposition.DESTROY, []),
        (RecordClass.REQUEST, (-1, 101), Disposition.DESTROY, ["active_years", "inactive_years"]),
        (RecordClass.REQUEST, (0, 0), Disposition.DESTROY, ["inactive_years"]),
        (RecordClass.REQUEST, (0, 1), Disposition.DESTROY, []),
        (RecordClass.REQUEST, (0, 0), Disposition.ASSESS, []),
        (RecordClass.REQUEST, (None, 0), Disposition.PERMANENT, ["active_years"]),
        (RecordClass.AUDIT, (2, 3), Disposition.DESTROY, ["disposition"]),
        (RecordClass.AUDIT, (2, 3), Disposition.ASSESS, []),
    ],
)
def test_a_rule_has_years_and_lets_requests_alone_be_destroyed(
    record_class: RecordClass, years: tuple[int | None, int], disposition: Disposition, fields: list[str]
) -> None:
    assert list(rule_errors(record_class, *years, disposition)) == fields


def test_a_rule_counts_for_destruction_after_it_has_stood_for_thirty_days() -> None:
    days = [dt.timedelta(days=29, hours=23), dt.timedelta(days=30)]
    assert [counts_for_destruction(NOW, NOW + stood) for stood in days] == [False, True]


@pytest.fixture(scope="module")
def numbers(running_app: RunningApp) -> dict[str, str]:
    """Close two requests, and return their ids with their numbers."""
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        closed = [move_through(session, office, *WAY) for _place in range(2)]
        return {str(change.id): change.number or "" for change in closed}


def findings(running_app: RunningApp) -> list[str]:
    with running_app.session() as session:
        return [f"{finding.table} {finding.row}" for finding in verify_register(session).findings]


def nothing_is_due_by_a_rule_of_the_program(running_app: RunningApp, numbers: dict[str, str]) -> None:
    running_app.now = LATER
    page = running_app.visitor("administrator").get("/admin/destruction/new/").text
    assert not any(number in page for number in numbers.values())
    assert "Belum ada aturan: semuanya disimpan." in running_app.visitor("kepala").get("/admin/retention/").text


def the_office_sets_a_rule_once_for_each_class(running_app: RunningApp) -> None:
    administrator = running_app.visitor("administrator")
    wrong = administrator.post("/admin/retention/new/", **RULE | {"record_class": "audit", "basis": " "})
    assert wrong.status_code == 422
    assert {'id="disposition-error"' in wrong.text, 'id="basis-error"' in wrong.text} == {True}
    assert administrator.post("/admin/retention/new/", **RULE).status_code == 303
    assert administrator.post("/admin/retention/new/", **RULE | {"basis": "lain"}).status_code == 422
    for name in ("pemeriksa", "pengelola", "pemohon"):
        assert running_app.visitor(name).post("/admin/retention/new/", **RULE).status_code == 403


def what_has_come_due_is_proposed_and_a_hold_stands_against_its_destruction(
    running_app: RunningApp, numbers: dict[str, str]
) -> None:
    first, _second = numbers
    administrator = running_app.visitor("administrator")
    assert "kurang dari 30 hari" in administrator.get("/admin/destruction/new/").text
    early = administrator.post("/admin/destruction/new/", record_ids=[first], reason="Masa simpan habis")
    assert early.status_code in {409, 422}
    assert numbers[first] in running_app.visitor("kepala").get("/admin/retention/details/?id=1").text
    running_app.now = LATER + dt.timedelta(days=30)
    running_app._visitors.clear()  # their sessions have ended by then
    administrator, head = running_app.visitor("administrator"), running_app.visitor("kepala")
    assert all(number in administrator.get("/admin/destruction/new/").text for number in numbers.values())
    assert numbers[first] in head.get("/admin/retention/details/?id=1").text
    sent = administrator.post("/admin/destruction/new/", record_ids=[first], reason="Masa simpan habis")
    assert sent.status_code == 303
    assert administrator.post("/admin/destruction/1/approve", note="").status_code == 403
    held = head.post("/admin/hold/new/", number=numbers[first], reason="Pemeriksaan Inspektorat")
    assert held.status_code == 303
    assert head.post("/admin/hold/new/", number=numbers[first], reason="Lagi").status_code == 422
    assert running_app.visitor("administrator").post("/admin/hold/new/", number="1", reason="x").status_code == 403
    refused = head.post("/admin/destruction/1/approve", note="")
    assert (refused.status_code, numbers[first] in refused.text) == (409, True)
    assert numbers[first] not in administrator.get("/admin/destruction/new/").text
    assert head.post("/admin/hold/1/lift", reason="Pemeriksaan selesai").status_code == 303
    assert head.post("/admin/hold/1/lift", reason="Lagi").status_code == 409
    with running_app.session() as session:
        hold = session.get_one(Hold, 1)
        assert (hold.placed_by_name, hold.lifted_by_name) == ("Endah Kusuma", "Endah Kusuma")
        assert session.get_one(Destruction, 1).state is DestructionState.PROPOSED


def an_approved_destruction_removes_content_and_files_and_every_verification_holds(
    running_app: RunningApp, numbers: dict[str, str]
) -> None:
    first, second = map(int, numbers)
    head = running_app.visitor("kepala")
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, first)
        title, description, hashes = change.title, change.description, [one.sha256 for one in change.documents]
        files = [one.id for one in change.documents]
        assert title
        assert description
        assert hashes
    assert findings(running_app) == []
    assert head.post("/admin/destruction/1/approve", note="Setuju").status_code == 303
    assert head.post("/admin/destruction/1/approve", note="Lagi").status_code in {403, 409}
    with running_app.session() as session:
        change, other = session.get_one(ChangeRequest, first), session.get_one(ChangeRequest, second)
        assert (change.title, change.requester_contact, change.number) == ("***", "***", numbers[str(first)])
        assert other.title == title
        told = session.scalars(select(AuditEntry.rows).where(AuditEntry.rows.contains(f'"change_id":{first}'))).all()
        assert told
        assert not any(str(description) in rows for rows in told if f'"change_id":{second}' not in rows)
        assert session.scalars(select(Erasure).where(Erasure.table_name == "audit_entry")).first() is not None
    assert findings(running_app) == []
    lists = ("change", "evaluation", "document", "destruction", "audit")
    pages = (f"/admin/change/details/?id={first}", f"/admin/paper/of/{first}", "/admin/destruction/details/?id=1")
    for path in (*pages, *(f"/admin/{name}/" for name in lists), f"/admin/document/details/?id={files[0]}"):
        assert head.get(path).status_code == 200, path


def a_file_attached_by_mistake_is_erased_and_its_hash_stays(running_app: RunningApp, numbers: dict[str, str]) -> None:
    _first, second = numbers
    with running_app.session() as session:
        document = session.scalars(select(Document).where(Document.change_id == int(second))).first()
        assert document is not None
        file_id, sha256, name = document.id, document.sha256, document.name
    head = running_app.visitor("kepala")
    for other in ("administrator", "pengelola", "pemeriksa"):
        assert running_app.visitor(other).post(f"/admin/document/{file_id}/erase", reason="KTP").status_code == 403
    assert head.post(f"/admin/document/{file_id}/erase", reason=" ").status_code == 422
    assert head.post(f"/admin/document/{file_id}/erase", reason="KTP terlampir").status_code == 303
    assert head.post(f"/admin/document/{file_id}/erase", reason="KTP terlampir lagi").status_code == 409
    assert head.get(f"/admin/document/{file_id}/file").status_code == 410
    with running_app.session() as session:
        content = session.get_one(FileContent, sha256)
        assert (content.content, content.size > 0) == (b"", True)
        assert session.get_one(Document, file_id).name == name
    assert findings(running_app) == []


def what_no_erasure_on_record_allows_is_refused_by_the_database_and_found_if_it_is_done(
    running_app: RunningApp, numbers: dict[str, str]
) -> None:
    _first, second = map(int, numbers)
    entry: Any = AuditEntry.__table__
    with running_app.engine.connect() as connection, pytest.raises(Exception, match="append-only"):
        connection.execute(update(entry).where(entry.c.id == 1).values(reason="***"))
    # Somebody with the database's password says that an erasure allowed it.
    with running_app.engine.begin() as connection:
        columns = "agency_id, table_name, row_key, content_hash, reason, erased_at, erased_by_id, erased_by_name"
        values = f"1, 'change_request', '{second}', 'x', 'y', '2026-01-01 00:00:00+00:00', 1, 'z'"
        connection.execute(text(f"INSERT INTO erasure ({columns}) VALUES ({values})"))
        connection.execute(text(f"UPDATE change_request SET title = 'lain' WHERE id = {second}"))
    result = findings(running_app)
    assert any(finding.startswith("erasure") for finding in result)
    assert any(finding.startswith(f"change_request {second}") for finding in result)


def where_a_request_is_filed_is_noted_shown_filtered_and_exported(
    running_app: RunningApp, numbers: dict[str, str]
) -> None:
    _first, second = numbers
    manager = running_app.visitor("pengelola")
    typed: dict[str, Any] = {
        "number": numbers[second],
        "reference_number": "SRIKANDI-77/2026",
        "classification_code": "000.9.3",
    }
    assert manager.post("/admin/archive-reference/new/", **typed | {"number": "RFC/1999/9999"}).status_code == 422
    assert manager.post("/admin/archive-reference/new/", number=typed["number"]).status_code == 422
    assert manager.post("/admin/archive-reference/new/", **typed).status_code == 303
    assert manager.post("/admin/archive-reference/new/", **typed | {"reference_number": "2"}).status_code == 422
    with running_app.session() as session:
        assert session.scalars(select(ArchiveReference)).one().set_by_name == "Citra Dewanti"
    reader = running_app.visitor("pemeriksa")
    assert "SRIKANDI-77/2026" in reader.get("/admin/archive-reference/?code=000.9.3").text
    assert "SRIKANDI-77/2026" in reader.get("/admin/archive-reference/export/csv/").text
    assert "SRIKANDI-77/2026" not in reader.get("/admin/archive-reference/?code=999").text


def test_records_are_kept_held_destroyed_and_erased_as_the_office_and_its_head_decide(
    running_app: RunningApp, numbers: dict[str, str]
) -> None:
    """Each part builds on those before it, so that they are one test."""
    nothing_is_due_by_a_rule_of_the_program(running_app, numbers)
    the_office_sets_a_rule_once_for_each_class(running_app)
    what_has_come_due_is_proposed_and_a_hold_stands_against_its_destruction(running_app, numbers)
    an_approved_destruction_removes_content_and_files_and_every_verification_holds(running_app, numbers)
    a_file_attached_by_mistake_is_erased_and_its_hash_stays(running_app, numbers)
    what_no_erasure_on_record_allows_is_refused_by_the_database_and_found_if_it_is_done(running_app, numbers)
    where_a_request_is_filed_is_noted_shown_filtered_and_exported(running_app, numbers)
