"""An official who never saw a file makes an SOP in the browser, and the head enacts it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.test_browser_journey import Desk
from tests.support.pages.browser import serve_app
from tests.support.program import close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.conftest import NewDatabase

#: Kind of row, what the SOP's table says in it, and its executor.
_ROWS = (
    ("Evaluasi", "Tim Teknis menelaah permintaan", "Tim Teknis"),
    ("Persetujuan", "Kepala UKPBJ memutuskan permintaan", "Kepala UKPBJ"),
    ("Pelaksanaan Perubahan", "Tim Teknis melaksanakan perubahan", "Tim Teknis"),
    ("Verifikasi Laporan", "Kepala UKPBJ memeriksa hasilnya", "Kepala UKPBJ"),
)


@pytest.fixture(scope="module")
def address(new_database: NewDatabase) -> Iterator[str]:
    """Serve the program with its cast."""
    with new_database("sqlite") as url:
        app = make_app(url)
        try:
            with serve_app(app) as served:
                yield served
        finally:
            close_app(app)


def begin_blank(desk: Desk) -> None:
    """Find the editor in the menu and begin with the blank form."""
    page = desk.page
    page.goto(f"{desk.address}/admin/edited-sop/")
    desk.click("main a:text-is('Susun SOP')")
    page.get_by_label("Berawal dari").select_option(label="Formulir SOP-AP kosong")
    if page.get_by_label("LPSE").count():
        page.get_by_label("LPSE").select_option(label="LPSE Kabupaten Lumajang")
    desk.click("main button:text-is('Mulai menyusun')")


def go(desk: Desk, link: str) -> None:
    desk.click(f"main a:text-is('{link}')")


def press(desk: Desk, button: str) -> None:
    desk.click(f"main button:text-is('{button}')")


def wait_until_saved(page: Page) -> None:
    page.locator("[data-status]").get_by_text(re.compile(r"^(Disimpan|Tersimpan)")).wait_for()


def press_of(page: Page, name: str) -> None:
    """Press the button of one row, by what it is called for who cannot see where it stands."""
    with page.expect_event("load"):
        page.get_by_role("button", name=name).click()


def name_executors(desk: Desk) -> None:
    page = desk.page
    go(desk, "Pelaksana")
    second, third = (page.get_by_role("group", name=f"Kolom {number}") for number in (2, 3))
    second.get_by_label("Sebutan dalam naskah").fill("Tim Teknis")
    third.get_by_label("Sebutan dalam naskah").fill("Kepala UKPBJ")
    press(desk, "Simpan")


def add_rows(desk: Desk) -> None:
    page = desk.page
    for kind, text, executor in _ROWS:
        go(desk, "Aktivitas")
        go(desk, "Tambah baris")
        page.get_by_label("Jenis baris").select_option(label=kind)
        page.get_by_label("Kegiatan atau teks").fill(text)
        page.get_by_label("Pelaksana").select_option(label=executor)
        press(desk, "Tambahkan baris")


def test_an_official_makes_an_sop_by_clicks_and_typing_and_the_head_enacts_it(browser: Browser, address: str) -> None:
    desk = Desk(browser, address, "admin")
    page = desk.page
    begin_blank(desk)
    go(desk, "Identitas SOP")
    page.get_by_label("Nomor SOP").fill("000.5/06/2026")
    page.get_by_label("Nama SOP").fill("PENGELOLAAN PERUBAHAN")
    page.get_by_label("Nama penanda tangan").fill("Endah Kusuma, S.Kom.")
    page.get_by_label("Dasar hukum").fill(
        "Peraturan Presiden Nomor 16 Tahun 2018\nPeraturan Presiden Nomor 12 Tahun 2021"
    )
    press(desk, "Simpan")
    name_executors(desk)
    go(desk, "Aktivitas")
    go(desk, "1. Permintaan Perubahan")
    # What stands beside the form follows what is typed, before any button is pressed.
    page.get_by_label("Aktivitas").fill("Unit kerja mengajukan permintaan")
    page.get_by_label("Waktu", exact=True).fill("1 hari")
    page.keyboard.press("Tab")
    wait_until_saved(page)
    page.wait_for_function(
        "document.querySelector('.edit-panel').innerText.includes('Unit kerja mengajukan permintaan')"
    )
    add_rows(desk)
    # A field of the office's own, shown and required for one outcome.
    go(desk, "Aktivitas")
    go(desk, "2. Evaluasi")
    go(desk, "Tambah isian")
    page.get_by_label("Label").fill("Perkiraan biaya")
    page.get_by_label("Jenis").select_option(label="Jumlah uang")
    page.get_by_role("group", name="Wajib diisi untuk hasil").get_by_label("Diterima").check()
    press(desk, "Tambahkan isian")
    # By keyboard alone: the approval is moved up and back again.
    go(desk, "Aktivitas")
    for button in ("Naik 3. Persetujuan", "Turun 2. Persetujuan"):
        page.get_by_role("button", name=button).focus()
        with page.expect_event("load"):
            page.keyboard.press("Enter")
    # A wrong turn is said at its row, and its button puts it right.
    press_of(page, "Hapus 4. Pelaksanaan Perubahan")
    assert "menuju “Pelaksanaan Perubahan”, baris yang tidak ada" in page.inner_text("#row-2")
    press(desk, "Tambahkan baris “Pelaksanaan Perubahan”")
    go(desk, "4. Pelaksanaan Perubahan")
    page.get_by_label("Aktivitas").fill("Tim Teknis melaksanakan perubahan")
    press(desk, "Simpan")
    assert "SOP sudah lengkap dan alurnya utuh" in page.inner_text(".edit-panel")
    press(desk, "Simpan sebagai revisi")
    sop = page.url
    assert "Disimpan sebagai revisi" in page.inner_text("main")
    assert "Perkiraan biaya" in page.inner_text("main")
    head = Desk(browser, address, "kepala")
    head.page.goto(sop)
    head.page.click("summary:text-is('Berlakukan SOP ini')")
    press(head, "Berlakukan sekarang")
    if head.page.locator("[name=current-password]").count():
        head.page.fill("[name=current-password]", "lpse-demo-2026")
        head.click("main button[type=submit]")
    assert "Berlaku" in head.page.inner_text(".where strong")


def test_without_a_script_and_on_a_telephone_rows_are_edited_one_at_a_time(browser: Browser, address: str) -> None:
    desk = Desk(browser, address, "kepala", java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = desk.page
    begin_blank(desk)
    go(desk, "1. Permintaan Perubahan")
    page.get_by_label("Aktivitas").fill("Unit kerja mengajukan permintaan")
    page.get_by_label("Persyaratan lain").fill("Surat permohonan")
    press(desk, "Simpan, dan tambah persyaratan")
    page.get_by_label("Persyaratan lain").fill("Surat kuasa")
    press(desk, "Simpan")
    go(desk, "Tambah baris")
    page.get_by_label("Jenis baris").select_option(label="Baris di luar aplikasi")
    page.get_by_label("Kegiatan atau teks").fill("Sekretariat mencatat surat")
    press(desk, "Tambahkan baris")
    go(desk, "Aktivitas")
    press_of(page, "Naik 2. Sekretariat mencatat surat")
    names = page.locator(".edit-row-head a").all_inner_texts()
    assert names == ["1. Sekretariat mencatat surat", "2. Permintaan Perubahan"]
