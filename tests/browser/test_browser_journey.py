"""One request of each LPSE from login to closed in a real browser, and one that tries to get round the head."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from demo.cast import PASSWORD
from tests.support.pages.browser import serve_app
from tests.support.program import PDF, close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, FilePayload, Page


#: What each field of the procedure is filled with; a field that is not there is passed over.
_TEXTS = {
    "title": "Pembaruan sertifikat TLS aplikasi SPSE",
    "description": "Mengganti sertifikat yang akan kedaluwarsa.",
    "purpose": "Layanan tetap dapat diakses.",
    "impact": "Layanan berhenti sekitar sepuluh menit.",
    "risk_if_not_done": "Penyedia tidak dapat masuk.",
    "test_plan": "Membuka halaman muka dan masuk sebagai penyedia.",
    "rollback_plan": "Memasang kembali sertifikat lama.",
    "requester_contact": "0812-0000-0000",
    "requester_institution": "Dinas Komunikasi dan Informatika",
    "resources": "Dua orang, setengah hari.",
    "findings": "Berkas lengkap.",
    "assessment": "Telah ditimbang.",
    "considerations": "Telah ditimbang.",
    "steps_taken": "Memasang sertifikat dan memuat ulang layanan.",
    "participants": "Dua pengelola perubahan.",
    "documentation": "Hasil didokumentasikan.",
    "cases-0-name": "Masuk",
    "cases-0-expected": "Berhasil",
    "cases-0-actual": "Gagal",
    "cause": "Rantai sertifikat tidak lengkap.",
    "state_restored": "Sertifikat lama.",
    "verified_how": "Halaman muka dibuka kembali.",
    "summary": "Perubahan dikembalikan ke keadaan semula.",
    "notes": "Laporan diperiksa.",
    "reason": "Sesuai hasil pemeriksaan.",
    "answer_to_refusal": "Risiko telah dikurangi.",
    "assets-0-finding": "Sertifikat baru dipasang.",
}
_CHOICES = {
    "source": "maintenance",
    "risk": "low",
    "ground": "security",
    "environment": "production",
}
#: The item that an update of the asset list adds, on a page of its own.
_ITEM = {"code": "1.5.3.01.01.05.001", "register": "0001", "name": "Sertifikat TLS"}
_LETTER: FilePayload = {"name": "surat.pdf", "mimeType": "application/pdf", "buffer": PDF}


class Desk:
    """One person at a browser of their own."""

    def __init__(self, browser: Browser, address: str, username: str, **options: Any) -> None:
        self.address = address
        # Smooth scrolling would have every press wait for its end.
        self.page: Page = browser.new_context(locale="id-ID", reduced_motion="reduce", **options).new_page()
        self.page.set_default_timeout(10_000)
        self.username = username
        self.log_in()

    def log_in(self) -> None:
        """Log in: at first, and after the session has ended."""
        self.page.goto(f"{self.address}/login")
        self.page.fill("[name=username]", self.username)
        self.page.fill("[name=password]", PASSWORD)
        self.click("main button[type=submit]")
        assert self.page.url == f"{self.address}/"

    def click(self, selector: str) -> None:
        """Press what leads to another page, and wait for that page: a click alone returns while the old one stands."""
        with self.page.expect_event("load"):
            self.page.click(selector)

    def request(self) -> str:
        """Make a request and submit it; return its number."""
        self.page.goto(f"{self.address}/admin/change/new/")
        self.finish("submitted")
        return self.page.inner_text(".where strong")

    def open(self, number: str) -> None:
        """Go to a request from the home page, as one finds it waiting there."""
        self.page.goto(self.address)
        self.click(f"main a:text-is('{number}')")

    def finish(self, outcome: str) -> None:
        """Fill in whatever the step's form asks for and press the button of ``outcome``, which is taken."""
        if outcome == "updated":
            self.note_item()
        self.unfold(outcome)
        self.fill_in()
        self.press(outcome)
        assert self.page.locator(".alert-danger").count() == 0, self.page.inner_text("main")

    def note_item(self) -> None:
        """Note an item that is added to the asset list."""
        path = self.page.get_attribute(".step-form a[href$='/item']", "href")
        self.page.goto(f"{self.address}{path}?kind=added&card=ATB")
        for name, text in _ITEM.items():
            self.page.fill(f"main [name={name}]", text)
        self.click("main form[method=post] button.btn-primary")

    def press(self, outcome: str) -> None:
        """Press the button of ``outcome``."""
        self.unfold(outcome)
        self.click(f".step-form button[value='{outcome}']")

    def unfold(self, outcome: str) -> None:
        """Have the consequence of ``outcome`` shown, if it is confirmed first; its button stands there."""
        summary = self.page.locator(f".decision:not([open]):has(button[value='{outcome}']) > summary")
        if summary.count():
            summary.click()

    def fill_in(self, *, without: str = "") -> None:
        """Fill in whatever the step's form asks for, ``without`` one file."""
        form = self.page.locator(".step-form")
        # One look at what there is: asking for each field by itself took longer than all the rest.
        names = set(form.locator("[name]").evaluate_all("fields => fields.map(field => field.name)"))
        for name in names.intersection(_TEXTS):
            if form.locator(f"[name='{name}']").is_visible():  # not what belongs to another outcome
                form.locator(f"[name='{name}']").fill(_TEXTS[name])
        for name in names.intersection(_CHOICES):
            if form.locator(f"[name='{name}']").is_visible():
                form.locator(f"[name='{name}']").select_option(_CHOICES[name])
        for tick in form.locator(".requirement input[type=checkbox], [name=kind][value=application]").all():
            if tick.is_visible():
                tick.check()
        for letter in form.locator(".requirement input[type=file]").all():
            if letter.get_attribute("name") != without:
                letter.set_input_files(_LETTER)

    def step(self) -> str:
        """Return the heading that says where the request stands."""
        return self.page.inner_text("#step")


@pytest.fixture
def address(database_url: str) -> Iterator[str]:
    """Serve the program with its cast on a fresh database."""
    app = make_app(database_url)
    with serve_app(app) as result:
        yield result
    close_app(app)


def test_a_request_travels_from_login_to_closed_through_a_roll_back(
    browser: Browser, address: str, database_url: str
) -> None:
    # Each paper on one of the two databases: by the screens alone the moves of both are tried on both elsewhere.
    suffix = ".tt" if database_url.startswith("postgresql") else ""
    requester, evaluator, head, implementer, inspector = (
        Desk(browser, address, name + suffix) for name in ("pemohon", "pengelola", "kepala", "pengelola2", "pemeriksa")
    )
    number = requester.request()
    way = [
        (evaluator, "accepted"),
        (evaluator, "emergency"),
        (head, "approved"),
        (implementer, "done"),
        (implementer, "failed"),
        (implementer, "rolled-back"),
        (implementer, "reported"),
        (head, "verified"),
        (implementer, "no-release"),
        (implementer, "changed"),
        (implementer, "updated"),
    ]
    for desk, outcome in way:
        desk.open(number)
        desk.finish(outcome)
    inspector.page.goto(f"{address}/admin/change/?result=rolled-back")
    assert number in inspector.page.inner_text("main")
    inspector.click(f"main a:text-is('{number}')")
    assert inspector.page.locator(".steps-taken > li").count() == len(way) + 1
    assert inspector.page.locator(".step-form").count() == 0


def test_a_late_step_a_missing_letter_and_an_absent_head_are_told_and_disposed_of(
    browser: Browser, database_url: str
) -> None:
    clock = [dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)]  # a Monday, nine in the morning
    app = make_app(database_url, clock=lambda: clock[0])
    with serve_app(app) as address:
        requester, manager, head = (Desk(browser, address, name) for name in ("pemohon", "pengelola", "kepala"))
        requester.page.goto(f"{address}/admin/change/new/")
        letter = "document-surat-permohonan"
        requester.fill_in(without=letter)
        requester.press("submitted")
        assert "Surat permohonan" in requester.page.inner_text(".step-form .field-errors >> nth=0")
        requester.page.fill(f"[name='account-{letter}']", "Surat menyusul besok")
        requester.press("submitted")
        number = requester.page.inner_text(".where strong")

        manager.open(number)
        manager.click("text=Mulai tangani")
        clock[0] += dt.timedelta(hours=3)
        manager.page.reload()
        manager.page.fill("[name='account-time']", "Jaringan kantor padam")
        manager.finish("accepted")
        manager.open(number)
        manager.finish("emergency")

        head.log_in()
        head.page.goto(f"{address}/admin/absence/new/")
        head.page.fill("[name=reason]", "Dinas luar")
        head.click("main form[method=post] button.btn-primary")
        clock[0] += dt.timedelta(days=1)
        manager.log_in()
        head.log_in()
        manager.click(f"main a:text-is('{number}')")
        assert "Dinas luar" in manager.page.inner_text("main")
        _delegate(head, address)
        deputy = Desk(browser, address, "plh")
        deputy.open(number)
        deputy.page.fill("[name='account-time']", "Delegasi baru terbit")
        deputy.finish("approved")
        for outcome in ("done", "passed", "reported"):
            manager.open(number)
            manager.finish(outcome)

        head.page.goto(address)
        head.click(f"main a:text-is('{number}')")
        disposals = head.page.locator("select[name^='disposal-']")
        assert disposals.count() == 3
        for location in range(3):
            disposals.nth(location).select_option("accepted")
        head.finish("verified")
        page = head.page.inner_text("main")
        for words in ("Surat menyusul besok", "Jaringan kantor padam", "Delegasi baru terbit", "Plh. Kepala LPSE",
                      "800/3/2026", "Pertanggungjawaban diterima"):  # fmt: skip
            assert words in page
    close_app(app)


def _delegate(head: Desk, address: str) -> None:
    """Grant a delegation to the deputy, from its decree."""
    page = head.page
    page.goto(f"{address}/admin/delegation/new/")
    page.select_option(
        "[name=delegate_id]", label=page.inner_text("[name=delegate_id] option:has-text('Sekretaris LPSE')")
    )
    page.fill("[name=decree_number]", "800/3/2026")
    page.fill("[name=from_date]", "2026-03-03")
    page.fill("[name=until_date]", "2026-03-06")
    page.set_input_files("[name=decree]", _LETTER)
    head.click("main form[method=post] button.btn-primary")


@pytest.mark.sqlite_alone
def test_a_refused_emergency_cannot_be_walked_around(browser: Browser, address: str) -> None:
    requester, manager, head = (Desk(browser, address, name) for name in ("pemohon", "pengelola", "kepala"))
    number = requester.request()
    for desk, outcome in ((manager, "accepted"), (manager, "emergency"), (head, "refused"), (manager, "accepted")):
        desk.open(number)
        desk.finish(outcome)
    manager.open(number)
    assert manager.page.locator("button[value=normal]").count() == 0
    change_page = manager.page.url.partition("#")[0]
    change_id = change_page.rpartition("=")[2]
    form: dict[str, str | float | bool] = {
        "outcome": "normal",
        "csrf_token": manager.page.locator(".step-form [name=csrf_token]").get_attribute("value") or "",
        "version": manager.page.locator(".step-form [name=version]").get_attribute("value") or "",
    }
    answer = manager.page.request.post(f"{address}/admin/change/{change_id}/move", form=form, max_redirects=0)
    assert answer.status == 409
    manager.page.goto(change_page)
    manager.finish("emergency")
    head.page.goto(f"{address}/admin/approval/?state=open&urgency=emergency")
    head.click(f"main a:text-is('{number}')")
    head.finish("approved")
    assert "button[value=done]" not in head.page.content()
    manager.open(number)
    assert manager.page.locator("button[value=done]").count() == 1
