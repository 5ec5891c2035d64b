"""Files that were chosen survive a login that lapsed before their form was sent, as the text does."""

from __future__ import annotations

import html
import re
import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lpse_admin.documents.file_types import MAX_FILE_BYTES
from lpse_admin.sop.steps import Outcome, Step
from models.delegation.delegation import Delegation
from models.documents.document import Document
from models.forms.pending_upload import PendingUpload
from tests.support.cast import LUMAJANG, PASSWORD
from tests.support.program import PDF, Visitor
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp


def lapsed(running_app: RunningApp, name: str) -> Visitor:
    """Return a user whose page is open and whose session has ended."""
    visitor = Visitor(running_app.app, name)
    visitor.token = visitor._token()
    visitor.client.delete_cookie("lpse")
    return visitor


def log_in_again(visitor: Visitor, page: TestResponse, name: str) -> TestResponse:
    """Log in on the page that answered the form, and open the form again."""
    match = re.search(r'name="typed" value="([^"]+)"', page.text)
    assert match, page.text
    visitor.token = ""
    offered = visitor.post("/login", username=name, password=PASSWORD, typed=html.unescape(match.group(1)))
    return reopened(visitor, offered)


def reopened(visitor: Visitor, offered: TestResponse) -> TestResponse:
    """Press the button that opens the form again."""
    form = offered.text.partition("data-keeps-drafts")[2].partition("</form>")[0]
    action = re.search(r'action="([^"]+)"', form)
    assert action, offered.text
    fields = dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', form))
    fields |= re.findall(r'<textarea name="([\w-]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    return visitor.client.post(html.unescape(action.group(1)), data={k: html.unescape(v) for k, v in fields.items()})


def typed_again(page: TestResponse, form: str) -> dict[str, str]:
    """Return the values of the inputs of a form that came back, and of the token."""
    part = page.text.partition(form)[2].partition("</form>")[0]
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<input[^>]* name="([\w-]+)"[^>]* value="([^"]*)"', part)
    } | dict(re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', part))


def test_the_files_of_a_step_are_there_after_logging_in_again(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    visitor, address = lapsed(running_app, "pengelola"), f"/admin/change/{change_id}/move"
    fields = running_app.move_form(change_id, Outcome.ACCEPTED, findings="Ketikan saya")
    page = visitor.post(address, **fields, document=upload_file("hasil uji.pdf"), form_id=secrets.token_hex(16))
    assert page.status_code == 401
    back = log_in_again(visitor, page, "pengelola")
    assert back.status_code == 422
    assert "Ketikan saya" in back.text
    assert "hasil uji.pdf" in back.text
    version = str(running_app.step_and_version(change_id)[1])
    visitor.token = ""
    assert visitor.post(address, **fields | {"version": version}).status_code == 303
    with running_app.session() as session:
        names = session.scalars(select(Document.name).where(Document.change_id == change_id)).all()
        assert "hasil uji.pdf" in names
        assert session.scalar(select(func.count()).select_from(PendingUpload)) == 0


def test_the_letters_of_a_new_request_are_there_after_logging_in_again(running_app: RunningApp) -> None:
    visitor = lapsed(running_app, "pemohon")
    sent: dict[str, Any] = {"title": "Surat tidak hilang", "outcome": "submitted", "form_id": secrets.token_hex(16)}
    page = visitor.post("/admin/change/new/", **sent, document=upload_file("surat dinas.pdf"))
    assert page.status_code == 401
    back = log_in_again(visitor, page, "pemohon")
    assert back.status_code == 422
    assert "Surat tidak hilang" in back.text
    assert "surat dinas.pdf" in back.text


def test_the_decree_of_a_delegation_is_there_after_logging_in_again(running_app: RunningApp) -> None:
    visitor, path = lapsed(running_app, "kepala"), "/admin/delegation/new/"
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        head, delegate = str(office.head.id), str(office.delegate.id)
    typed: dict[str, Any] = {
        "head_id": head, "delegate_id": delegate, "kind": "plh", "decree_number": "800/7/2026",
        "from_date": "2026-03-03", "until_date": "2026-03-05", "reason": "Dinas luar",
        "form_id": secrets.token_hex(16),
    }  # fmt: skip
    page = visitor.post(path, **typed, decree=upload_file("keputusan.pdf"))
    assert page.status_code == 401
    back = log_in_again(visitor, page, "kepala")
    assert back.status_code == 422
    assert "Sudah terunggah: keputusan.pdf" in back.text
    again = typed_again(back, 'enctype="multipart/form-data"')
    visitor.token = ""
    answer = visitor.post(path, **typed | {"form_id": again["form_id"]})
    assert answer.status_code == 303, re.findall(r"field-error.*?<span>(.*?)</span>", answer.text, re.DOTALL)
    with running_app.session() as session:
        granted = session.scalars(select(Delegation).where(Delegation.decree_number == "800/7/2026")).one()
        assert [one.name for one in granted.documents] == ["keputusan.pdf"]


def test_a_page_of_an_ended_session_keeps_its_files_too(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    visitor = lapsed(running_app, "pengelola")
    stale, visitor.token = visitor.token, ""
    assert visitor.post("/login", username="pengelola", password=PASSWORD).status_code == 303
    visitor.token = stale
    fields: dict[str, Any] = {"findings": "Dari tab lama", "form_id": secrets.token_hex(16)}
    page = visitor.post(f"/admin/change/{change_id}/save", **fields, document=upload_file("tab lama.pdf"))
    assert page.status_code == 400
    assert "Berkas yang dipilih: tab lama.pdf" in page.text
    reopened(visitor, page)
    assert "tab lama.pdf" in visitor.get(f"/admin/change/details/?id={change_id}").text


def test_nothing_is_kept_of_what_is_not_from_a_form_of_ours_or_is_too_large(running_app: RunningApp) -> None:
    stranger, id_ = running_app.app.test_client(), secrets.token_hex(16)
    before = uploads(running_app)
    for token in ("", "palsu", "IjEuYWJjIg.aaaa.bbbb"):
        data = {"csrf_token": token, "title": "Dari luar", "form_id": id_, "document": upload_file("luar.pdf")}
        assert stranger.post("/admin/change/new/", data=data).status_code == 401
    large = PDF + b" " * MAX_FILE_BYTES
    visitor = lapsed(running_app, "pemohon")
    visitor.post("/admin/change/new/", title="Besar", form_id=id_, document=upload_file("besar.pdf", large))
    visitor.post("/admin/change/new/", title="Tanpa nomor", form_id="bukan", document=upload_file("lain.pdf"))
    assert uploads(running_app) == before


def uploads(running_app: RunningApp) -> int:
    with running_app.session() as session:
        return session.scalar(select(func.count()).select_from(PendingUpload)) or 0
