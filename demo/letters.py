"""The files that come with the demo register: a few contents, attached over and over by their hash."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import select

from demo import attachments
from demo.bulk import inserted
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import Step
from models.documents.document import FileContent

if TYPE_CHECKING:
    from demo.attachments import Attachment
    from demo.bulk import Ledger, Told
    from lpse_admin.sop import Sop
    from models.delegation.delegation import Delegation

REQUEST, LOG, SCREEN, MINUTES = "request", "log", "screen", "minutes"
_VARIANTS = range(1, 4)


def letters_of(paper: Sop, lpse: str) -> dict[str, tuple[Attachment, ...]]:
    """Return the files of one office by the key of the paper's item, and those that come unasked for."""
    found = {
        item.key: tuple(_letter(item.label, lpse, number) for number in _VARIANTS)
        for rule in paper.rules.values()
        for item in rule.requires
        if item.kind is ItemKind.DOCUMENT
    }
    found[REQUEST] = tuple(_letter("Surat permohonan perubahan", lpse, number) for number in _VARIANTS)
    found[LOG] = tuple(
        attachments.log("catatan-pelaksanaan.txt", [f"{step}. {text}" for step, text in enumerate(_LOG[:number], 1)])
        for number in (3, 4, 5)
    )
    found[SCREEN] = tuple(attachments.screenshot("tangkapan-layar.png", shade) for shade in (30, 90, 150))
    found[MINUTES] = tuple(
        attachments.minutes("laporan-perubahan.docx", ["LAPORAN PERUBAHAN", lpse, text]) for text in _REPORTS
    )
    return found


def unasked(paper: Sop) -> dict[Step, tuple[tuple[str, float], ...]]:
    """Return what is attached at which step although the paper does not ask for it, and how often."""
    asks = any(item.kind is ItemKind.DOCUMENT for item in paper.rules[paper.first_step].requires)
    found: dict[Step, tuple[tuple[str, float], ...]] = {
        Step.IMPLEMENTATION: ((LOG, 0.2),),
        Step.TEST: ((SCREEN, 0.4),),
        Step.REPORT: ((MINUTES, 0.3),),
    }
    return found if asks else {paper.first_step: ((REQUEST, 0.7),), **found}


class Shelf:
    """The contents that the database has already: each is stored once."""

    def __init__(self, ledger: Ledger) -> None:
        """See what is there."""
        self._ledger = ledger
        self._known = set(ledger.connection.scalars(select(FileContent.sha256)))

    def keep(self, file: Attachment) -> list[Told]:
        """Store a content that is new and return what the trail says of it; nothing for one that is there."""
        if file.sha256 in self._known:
            return []
        self._known.add(file.sha256)
        row = {"sha256": file.sha256, "size": len(file.content), "content": file.content}
        self._ledger.add("file_content", row)
        return inserted("file_content", row, secret=FileContent.secret_columns)


def decree(delegation: Delegation, lpse: str) -> Attachment:
    """Return the decree of a delegation, as it was scanned."""
    number = delegation.decree_number
    return attachments.letter(
        f"{_slug(f'spt {number}')}.pdf",
        [
            "SURAT PERINTAH TUGAS",
            f"Nomor {number}",
            f"Kepala {lpse} memerintahkan pejabat di bawahnya untuk bertindak sebagai {delegation.kind.prefix}"
            f" Kepala LPSE sejak {delegation.from_date:%d-%m-%Y} sampai dengan {delegation.until_date:%d-%m-%Y}.",
            f"Alasan: {delegation.reason}.",
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
