"""The files of the demo: a few for each office, attached repeatedly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from demo.content import attachments
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import Step

if TYPE_CHECKING:
    from demo.agency.office import Deputy
    from demo.content.attachments import Attachment
    from lpse_admin.sop import Sop

REQUEST, LOG, SCREEN, MINUTES = "request", "log", "screen", "minutes"
_VARIANTS = range(1, 4)


def letters_of(sop: Sop, lpse: str) -> dict[str, tuple[Attachment, ...]]:
    """Return the files of one office by the key of the SOP's item, and the extra files by kind."""
    files = {
        item.key: tuple(_letter(item.label, lpse, number) for number in _VARIANTS)
        for rule in sop.rules.values()
        for item in rule.requires
        if item.kind is ItemKind.DOCUMENT
    }
    files[REQUEST] = tuple(_letter("Surat permohonan perubahan", lpse, number) for number in _VARIANTS)
    files[LOG] = tuple(
        attachments.log("catatan-pelaksanaan.txt", [f"{step}. {text}" for step, text in enumerate(_LOG[:number], 1)])
        for number in (3, 4, 5)
    )
    files[SCREEN] = tuple(attachments.screenshot("tangkapan-layar.png", shade) for shade in (30, 90, 150))
    files[MINUTES] = tuple(
        attachments.minutes("laporan-perubahan.docx", ["LAPORAN PERUBAHAN", lpse, text]) for text in _REPORTS
    )
    return files


def unasked(sop: Sop) -> dict[Step, tuple[tuple[str, float], ...]]:
    """Return the kinds of extra files by step, each with its probability."""
    requires_document = any(item.kind is ItemKind.DOCUMENT for item in sop.rules[sop.first_step].requires)
    files: dict[Step, tuple[tuple[str, float], ...]] = {
        Step.IMPLEMENTATION: ((LOG, 0.2),),
        Step.TEST: ((SCREEN, 0.4),),
        Step.REPORT: ((MINUTES, 0.3),),
    }
    return files if requires_document else {sop.first_step: ((REQUEST, 0.7),), **files}


def decree(number: str, deputy: Deputy, lpse: str) -> Attachment:
    """Return the scanned decree of a delegation."""
    return attachments.letter(
        f"{_slug(f'spt {number}')}.pdf",
        [
            "SURAT PERINTAH TUGAS",
            f"Nomor {number}",
            f"Kepala {lpse} memerintahkan pejabat di bawahnya untuk bertindak sebagai {deputy.kind.prefix}"
            f" Kepala LPSE sejak {deputy.first:%d-%m-%Y} sampai dengan {deputy.last:%d-%m-%Y}.",
            f"Alasan: {deputy.reason}.",
        ],
    )


def _letter(label: str, lpse: str, number: int) -> Attachment:
    return attachments.letter(
        f"{_slug(label)}.pdf",
        [
            label.upper(),
            f"Kepada Yth. Koordinator Perubahan {lpse}",
            "Dengan hormat, bersama surat ini kami sampaikan permohonan perubahan sebagaimana diuraikan pada formulir"
            " perubahan. Kami bertanggung jawab atas kebenaran isi permohonan ini.",
            f"Lampiran: {number} lembar.",
            "Pemohon",
        ],
    )


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80]


_LOG = (
    "cadangan dibuat dan diperiksa",
    "layanan dihentikan",
    "perubahan dipasang",
    "layanan dihidupkan kembali",
    "catatan galat diperiksa: tidak ada galat baru",
)
_REPORTS = (
    "Perubahan dilaksanakan sesuai rencana. Hasil uji dan bukti terlampir pada berkas permintaan.",
    "Perubahan dilaksanakan oleh Pengelola Perubahan. Penyimpangan waktu dicatat pada berkas permintaan.",
)
