"""The screen of delegations: granted with the scanned decree, in force between its days, withdrawn with a reason."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.documents.file_types import MAX_FILE_BYTES
from models.accounts.user import User
from models.audit.trail import entries_for_record
from models.delegation.delegation import Delegation
from models.forms.pending_upload import PendingUpload
from tests.support.cast import NOW
from tests.support.program import PDF
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

TODAY = NOW.date()
#: Of decrees; each serves one delegation.
_numbers = itertools.count(100)


def user_id(running_app: RunningApp, username: str) -> str:
    with running_app.session() as opened:
        return str(opened.scalars(select(User.id).where(User.username == username)).one())


def delegations(running_app: RunningApp) -> list[Delegation]:
    with running_app.session() as opened:
        return list(opened.scalars(select(Delegation).order_by(Delegation.id)))


def sent(
    running_app: RunningApp, by: str = "kepala", *, json: bool = False, first: int = 0, days: int = 3, **values: Any
) -> TestResponse:
    """Send the form for a delegation that begins ``first`` days from today."""
    fields = {
        "head_id": user_id(running_app, "kepala"),
        "delegate_id": user_id(running_app, "plh"),
        "kind": "plh",
        "decree_number": f"800/{next(_numbers)}/2026",
        "from_date": str(TODAY + dt.timedelta(days=first)),
        "until_date": str(TODAY + dt.timedelta(days=first + days - 1)),
        "reason": "Dinas luar <daerah>",
        "decree": ("SK Plh.pdf", PDF),
    } | values
    if fields["decree"]:
        fields["decree"] = upload_file(*fields["decree"])
    return running_app.visitor(by).post(
        "/admin/delegation/new/", json=json, **{k: v for k, v in fields.items() if v is not None}
    )


def granted(running_app: RunningApp, by: str = "kepala", **values: Any) -> Delegation:
    answer = sent(running_app, by, **values)
    assert answer.status_code == 303, answer.text
    return delegations(running_app)[-1]


@pytest.fixture(autouse=True)
def _afterwards_nobody_stands_in(running_app: RunningApp) -> Iterator[None]:
    yield
    head = running_app.visitor("kepala")
    for one in delegations(running_app):
        if one.withdrawn_at is None and one.void_at is None:
            assert head.post(f"/admin/delegation/{one.id}/withdraw", reason="Selesai").status_code == 303


def test_a_head_grants_it_with_the_decree_which_the_office_downloads(running_app: RunningApp) -> None:
    one = granted(running_app)
    page = running_app.visitor("pengelola").get(f"/admin/delegation/details/?id={one.id}")
    assert "SK Plh.pdf" in page.text
    assert "Dinas luar &lt;daerah&gt;" in page.text
    with running_app.session() as opened:
        entries = entries_for_record(opened, "delegation", one.id)
        assert [(entry.action, entry.reason) for entry in entries] == [("delegation.grant", "Dinas luar <daerah>")]
        (document,) = opened.get_one(Delegation, one.id).documents
    path = f"/admin/document/{document.id}/file"
    assert running_app.visitor("pemeriksa").get(path).status_code == 200
    for stranger in ("pemohon", "kepala.tt", "pengelola.tt"):
        assert running_app.visitor(stranger).get(path).status_code == 404
    assert running_app.visitor("kepala.tt").get(f"/admin/delegation/details/?id={one.id}").status_code == 404
    assert running_app.visitor("pemohon").get("/admin/delegation/").status_code == 403


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.4\n%%EOF\n",
        b"%PDF-1.4\n1 0 obj<</Type/Pages/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
        b"Surat keputusan",
    ],
)
def test_whoever_records_it_for_the_head_attaches_a_pdf_with_pages(running_app: RunningApp, content: bytes) -> None:
    name = "SK.pdf" if content.startswith(b"%PDF") else "SK.txt"
    refused = sent(running_app, "administrator", decree=(name, content))
    assert (refused.status_code, 'id="decree-error"' in refused.text) == (422, True)


def test_an_administrator_records_it_for_the_head_they_choose(running_app: RunningApp) -> None:
    one = granted(running_app, "administrator")
    with running_app.session() as opened:
        stored = opened.get_one(Delegation, one.id)
        assert stored.head is not None
        assert (stored.head.username, stored.recorded_by.username) == ("kepala", "administrator")
    answer = sent(running_app, "administrator", head_id=user_id(running_app, "kepala.tt"))
    assert (answer.status_code, 'id="head_id-error"' in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("typed", "status", "field"),
    [
        ({"decree": None}, 422, "decree"),
        ({"decree": ("kosong.pdf", b"")}, 422, "decree"),
        ({"decree": ("program.pdf", b"MZ\x00")}, 422, "decree"),
        ({"decree": ("besar.pdf", b"%PDF-" + b"0" * MAX_FILE_BYTES)}, 413, "decree"),
        ({"decree_number": " "}, 422, "decree_number"),
        ({"decree_number": "x" * 301}, 422, "decree_number"),
        ({"from_date": ""}, 422, "from_date"),
        ({"until_date": "besok"}, 422, "until_date"),
        ({"days": 0}, 422, "until_date"),
        ({"first": -9}, 422, "until_date"),
        ({"delegate_id": ""}, 422, "delegate_id"),
        ({"delegate_id": "abc"}, 422, "delegate_id"),
        ({"kind": "plx"}, 422, "kind"),
    ],
)
def test_wrong_input_is_refused_beside_its_field_and_nothing_is_lost(
    running_app: RunningApp, typed: dict[str, Any], status: int, field: str
) -> None:
    before = len(delegations(running_app))
    answer = sent(running_app, **typed)
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (status, True)
    assert "Dinas luar &lt;daerah&gt;" in answer.text
    assert len(delegations(running_app)) == before


def test_the_scanned_decree_survives_a_form_that_comes_back(running_app: RunningApp) -> None:
    answer = sent(running_app, days=0)
    assert (answer.status_code, 'id="until_date-error"' in answer.text) == (422, True)
    assert 'id="decree-error"' not in answer.text
    assert "Sudah terunggah: SK Plh.pdf" in answer.text
    match = re.search(r'name="form_id"[^>]* value="([0-9a-f]{32})"', answer.text)
    assert match
    again = sent(running_app, decree=None, decree_number="800/78/2026", form_id=match.group(1))
    assert again.status_code == 303, again.text
    with running_app.session() as session:
        newest = session.scalars(select(Delegation).order_by(Delegation.id.desc()).limit(1)).one()
        assert [one.name for one in newest.documents] == ["SK Plh.pdf"]
        assert list(session.scalars(select(PendingUpload).where(PendingUpload.form_id == match.group(1)))) == []


def test_a_refusal_is_told_as_json_where_asked(running_app: RunningApp) -> None:
    answer = sent(running_app, json=True, decree=None, decree_number="800/1")
    assert (answer.status_code, list(answer.get_json()["fields"])) == (422, ["decree"])


def test_two_do_not_overlap(running_app: RunningApp) -> None:
    granted(running_app)
    answer = sent(running_app, first=2)
    assert (answer.status_code, 'id="from_date-error"' in answer.text) == (422, True)
    granted(running_app, first=3)


def test_the_list_says_what_each_is_good_for_today(running_app: RunningApp) -> None:
    now, later = granted(running_app), granted(running_app, first=10)
    head = running_app.visitor("kepala")

    def listed(state: str) -> set[int]:
        page = head.get(f"/admin/delegation/?state={state}&size=100").text
        return {one.id for one in delegations(running_app) if f'details/?id={one.id}"' in page}

    assert (listed("in-force"), listed("coming")) == ({now.id}, {later.id})
    assert not listed("withdrawn") & {now.id, later.id}
    with running_app.session() as opened:
        opened.scalars(select(User).where(User.username == "kepala")).one().roles = [Role.INSPECTOR]
        opened.commit()
    try:
        inspector = running_app.visitor("pemeriksa").get("/admin/delegation/?state=void").text
        assert f'details/?id={now.id}"' in inspector
    finally:
        with running_app.session() as opened:
            opened.scalars(select(User).where(User.username == "kepala")).one().roles = [Role.HEAD]
            opened.commit()
    running_app.now = NOW + dt.timedelta(days=20)
    try:
        assert (listed("ended"), listed("void")) == (set(), {now.id, later.id}), "it was in force again"
    finally:
        running_app.now = NOW
    assert head.get("/admin/delegation/?state=bogus").status_code == 400
    assert head.get("/admin/delegation/export/xlsx/?state=in-force").status_code == 200


def test_it_is_withdrawn_once_with_a_reason(running_app: RunningApp) -> None:
    one = granted(running_app)
    head, path = running_app.visitor("kepala"), f"/admin/delegation/{one.id}/withdraw"
    for name, status in (("pengelola", 403), ("plh", 403), ("pemeriksa", 403), ("kepala.tt", 404)):
        assert running_app.visitor(name).post(path, reason="Tidak berhak").status_code == status
    without = head.post(path, reason=" ")
    assert (without.status_code, 'id="reason-error"' in without.text) == (422, True)
    assert head.post(path, reason="Kepala telah kembali").status_code == 303
    page = head.get(f"/admin/delegation/details/?id={one.id}")
    assert "Kepala telah kembali" in page.text
    assert path not in page.text
    assert head.post(path, reason="Lagi").status_code == 409


def test_only_the_head_and_an_administrator_grant(running_app: RunningApp) -> None:
    for name in ("pengelola", "plh", "pemohon", "pemeriksa"):
        assert running_app.visitor(name).get("/admin/delegation/new/").status_code == 403
        assert sent(running_app, name).status_code == 403
