"""What a live person meets in a form: drafts, files by drop and paste, a count of what is there, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.cast import PASSWORD
from tests.support.pages.browser import serve_app
from tests.support.program import close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import FilePayload, Page

    from tests.conftest import NewDatabase

_DROP = """([name, bytes, kind]) => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], name, { type: "" }));
  const given = kind === "paste" ? { clipboardData: files } : { dataTransfer: files };
  const event = kind === "paste" ? new ClipboardEvent("paste", { ...given, bubbles: true, cancelable: true })
    : new DragEvent("drop", { ...given, bubbles: true, cancelable: true });
  document.querySelector("[name=document]").closest(".drop").dispatchEvent(event);
}"""
_TEXTS = ("title", "description", "purpose", "impact", "risk_if_not_done", "test_plan", "rollback_plan")
_KEPT = "Object.keys(localStorage).filter((key) => key.startsWith('lpse-draft:')).length"


@pytest.fixture(scope="module")
def address(new_database: NewDatabase) -> Iterator[str]:
    """Give the address of a running program with the demo cast."""
    with new_database("sqlite") as url:
        app = make_app(url)
        with serve_app(app) as result:
            yield result
        close_app(app)


def log_in(page: Page, address: str, username: str) -> None:
    page.goto(f"{address}/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    with page.expect_event("load"):
        page.click("main button[type=submit]")


def test_a_form_keeps_counts_takes_and_tells_while_one_types(page: Page, address: str) -> None:  # noqa: PLR0915 - one session
    page.set_default_timeout(10_000)
    log_in(page, address, "pemohon")
    new = f"{address}/admin/change/new/"
    page.goto(new)
    assert "0 dari 2 ada" in page.inner_text(".checklist-count")
    assert page.locator("[data-when=account]:visible").count() == 0
    page.fill("[name=title]", "Ganti <sertifikat>")
    page.locator("details:has([name=kind]) > summary").click()
    page.check("[name=kind][value=account]")
    assert "0 dari 3 ada" in page.inner_text(".checklist-count")
    assert page.locator(".requirement[data-when=account]").is_visible()

    # A tab is closed at once, and the form opened again: it says from when, and can be discarded.
    page.goto(f"{address}/")
    assert page.evaluate(_KEPT) == 1
    page.goto(new)
    assert "Dipulihkan dari" in page.inner_text(".draft-note")
    assert page.input_value("[name=title]") == "Ganti <sertifikat>"
    page.click(".draft-note button")
    assert page.input_value("[name=title]") == ""
    assert page.evaluate(_KEPT) == 0

    # What is missing is said before it is sent, at the field and above the form, where the focus goes.
    page.click("button[value=submitted]")
    assert page.evaluate("document.activeElement.classList.contains('live-summary')")
    assert page.locator(".live-summary li").count() == 3
    page.click(".live-summary a:text-is('Judul')")
    assert page.evaluate("document.activeElement.name") == "title"
    assert "wajib" in page.inner_text("#title-live")
    page.keyboard.type("Ganti sertifikat")
    assert page.locator("#title-live").count() == 0

    # Files are taken by drop and paste, and what is none is refused at once, with a sentence.
    page.evaluate(_DROP, ["jahat.exe", [77, 90], "drop"])
    alert = page.locator(".drop:has([name=document]) [role=alert]")
    assert "jahat.exe tidak diterima" in alert.inner_text()
    page.evaluate(_DROP, ["layar.png", [1], "drop"])
    page.evaluate(_DROP, ["rapat.txt", [82, 97], "paste"])
    assert alert.is_hidden()
    assert page.locator(".drop:has([name=document]) li").count() == 2
    page.click(".drop:has([name=document]) li:first-child button")
    assert page.evaluate("[...document.querySelector('[name=document]').files].map((file) => file.name)") == [
        "rapat.txt"
    ]

    # A lapsed login: the same person finds it all again, and sends it.
    page.locator(".group-fold").evaluate_all("folds => folds.forEach((fold) => { fold.open = true; })")
    for name in _TEXTS:
        page.fill(f"[name={name}]", f"Isi {name}")
    page.check("[name=kind][value=application]")
    page.select_option("[name=source]", "incident")
    page.context.clear_cookies()
    with page.expect_event("load"):
        page.click("button[value=submitted]")
    page.fill("[name=username]", "pemohon")
    page.fill("[name=password]", PASSWORD)
    for _button in ("log in", "open again"):
        with page.expect_event("load"):
            page.click("main button.btn-primary")
    assert page.input_value("[name=rollback_plan]") == "Isi rollback_plan"
    letter: FilePayload = {"name": "surat.txt", "mimeType": "text/plain", "buffer": b"Surat permohonan"}
    page.set_input_files(".requirement:not([hidden]) input[type=file]", letter)
    assert "2 dari 2 ada" in page.inner_text(".checklist-count")
    with page.expect_event("load"):
        page.click("button[value=submitted]")
    assert "Diajukan" in page.inner_text(".alert-success")
    assert page.evaluate(_KEPT) == 0


def test_a_draft_is_nobody_else_s_and_goes_with_the_logout(page: Page, address: str) -> None:
    page.set_default_timeout(10_000)
    log_in(page, address, "pemohon")
    page.goto(f"{address}/admin/change/new/")
    page.fill("[name=title]", "Rahasia kantor")
    page.goto(f"{address}/")
    assert page.evaluate(_KEPT) == 1
    page.context.clear_cookies()
    log_in(page, address, "pemohon2")
    assert page.evaluate(_KEPT) == 0  # it ended with the session
    page.goto(f"{address}/admin/change/new/")
    assert page.input_value("[name=title]") == ""
    page.context.clear_cookies()
    log_in(page, address, "pemohon")
    page.click(".account summary")
    with page.expect_event("load"):
        page.click("button[form=logout]")
    assert page.evaluate(_KEPT) == 0


def test_a_date_is_written_out_beside_its_field_in_the_reader_s_language(page: Page, address: str) -> None:
    page.set_default_timeout(10_000)
    log_in(page, address, "kepala")
    page.goto(f"{address}/admin/delegation/new/")
    dates = page.locator("main input[type=date]")
    dates.first.fill("2026-12-02")
    assert dates.first.evaluate("field => field.nextElementSibling.textContent") == "Rabu, 2 Desember 2026"
    dates.first.fill("")
    assert dates.first.evaluate("field => field.nextElementSibling.textContent") == ""
