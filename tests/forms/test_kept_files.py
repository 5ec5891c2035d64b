"""Files survive a form that comes back, also one with too much in it, through the server that is used."""

from __future__ import annotations

import datetime as dt
import io
import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from sqlalchemy import select
from waitress import create_server
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from app import SERVING
from lpse_admin.sop.steps import Outcome, Step
from models.documents.document import Document
from models.forms.pending_upload import KEPT_FOR, MAX_BYTES, PendingUpload, keep_upload, remove_old_uploads
from tests.support.cast import LUMAJANG, PASSWORD
from tests.support.program import PDF
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

MIB = 1024 * 1024


def form_id(page: str) -> str:
    match = re.search(r'name="form_id" value="([0-9a-f]{32})"', page.partition('id="step-form"')[2])
    assert match
    return match.group(1)


def names(running_app: RunningApp, change_id: int) -> set[str]:
    with running_app.session() as session:
        return set(session.scalars(select(Document.name).where(Document.change_id == change_id)))


def test_the_files_of_a_form_that_somebody_was_faster_with_are_attached_when_it_is_sent_again(
    running_app: RunningApp,
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    visitor, stale = running_app.visitor("pengelola"), running_app.step_and_version(change_id)[1] - 1
    fields = running_app.move_form(change_id, Outcome.ACCEPTED)
    address = f"/admin/change/{change_id}/move"
    refused = visitor.post(address, **fields | {"version": str(stale), "document": upload_file("catatan uji.pdf")})
    assert refused.status_code == 409
    assert "Sudah terunggah: catatan uji.pdf" in refused.text
    assert "catatan uji.pdf" not in names(running_app, change_id)
    assert visitor.post(address, **fields | {"form_id": form_id(refused.text)}).status_code == 303
    assert "catatan uji.pdf" in names(running_app, change_id)
    with running_app.session() as session:
        assert list(session.scalars(select(PendingUpload))) == []


def test_of_the_files_of_one_user_the_newest_are_kept_and_none_for_ever(running_app: RunningApp) -> None:
    third = MAX_BYTES // 3 + 1
    with running_app.session() as session:
        user = running_app.cast(session).lumajang.requester.id
        for location in range(3):
            keep_upload(
                session,
                user,
                f"{location:032d}",
                "document",
                f"{location}.pdf",
                b"0" * third,
                now=running_app.now,
                replace=True,
            )
        saved = select(PendingUpload.name).where(PendingUpload.user_id == user).order_by(PendingUpload.id)
        assert session.scalars(saved).all() == ["1.pdf", "2.pdf"]
        remove_old_uploads(session, running_app.now + KEPT_FOR + dt.timedelta(minutes=1))
        assert session.scalars(saved).all() == []
        session.commit()


def test_four_large_files_come_back_with_the_text_and_say_that_they_are_too_much_together(
    running_app: RunningApp,
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    serving: dict[str, Any] = dict(SERVING)
    server: Any = create_server(running_app.app, host="127.0.0.1", port=0, **serving)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        status, page = send_large_files(f"http://127.0.0.1:{server.effective_port}", change_id)
    finally:
        server.close()
        thread.join()
    assert status == 413
    assert "bersama-sama 80 MB" in page
    assert "Ketikan yang tidak boleh hilang" in page
    assert names(running_app, change_id) >= {"0.pdf", "1.pdf", "2.pdf"}
    assert "3.pdf" not in names(running_app, change_id)


def send_large_files(address: str, change_id: int) -> tuple[int, str]:
    """Send four files of almost 20 MB with a step's form, as a browser does; return status and page."""
    browser = build_opener(HTTPCookieProcessor())
    token = csrf_token(browser.open(f"{address}/login").read().decode())
    login = {"username": "pengelola", "password": PASSWORD, "csrf_token": token}
    browser.open(f"{address}/login", urlencode(login).encode()).read()
    page = browser.open(f"{address}/admin/change/details/?id={change_id}").read().decode()
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    head, tail = PDF.rsplit(b"trailer", 1)
    files = [
        FileStorage(
            io.BytesIO(head + b"%" + b"%d" % location * (20 * MIB - 4096) + b"\ntrailer" + tail), f"{location}.pdf"
        )
        for location in range(4)
    ]
    fields: dict[str, Any] = {
        "csrf_token": csrf_token(page),
        "form_id": form_id(page),
        "version": version.group(1),
        "outcome": "accepted",
        "findings": "Ketikan yang tidak boleh hilang",
        "document": files,
    }
    boundary, body = encode_multipart(MultiDict(fields))
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    try:
        answer = browser.open(Request(f"{address}/admin/change/{change_id}/move", body, kind))
    except HTTPError as refusal:
        answer = refusal
    with answer:
        return answer.status, answer.read().decode()


def csrf_token(page: str) -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert match
    return match.group(1)
