"""A made-up paper of each layout: for the preview, and to try an adapted layout before it counts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.papers.content import Choice, PaperContent, PaperFact, PaperTable, Part, Signer
from lpse_admin.papers.kinds import PaperKind
from models.sops.sop import sop_in_force
from views.papers.contents.signing import HEAD, MANAGER
from views.papers.contents.sop_paper import sop_paper
from views.papers.printing import BASE, LAYOUT_KEYS, Draft, layout_of, set_layout
from views.papers.typesetting import LayoutError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from views.papers.printing import Office

_AT = dt.datetime(2026, 3, 2, 3, 4, tzinfo=dt.UTC)
_LONG = "Contoh isian yang panjang agar terlihat bagaimana baris dipatahkan pada naskah ini. " * 3
_NUMBER = "RFC/2026/0001"


def sample(session: Session, office: Office, key: str) -> Draft | None:
    """Return a paper that the layout ``key`` sets; None for an SOP where none is in force."""
    kind = next((kind for kind in PaperKind if layout_of(kind) == key), PaperKind.EVALUATION)
    if kind is PaperKind.SOP:
        revision = sop_in_force(session, office.agency.id)
        return Draft(sop_paper(revision), revision.number or revision.key) if revision else None
    return Draft(_content(kind), f"{_NUMBER}/{kind.code}", "contoh" if office.base_url else None)


def layout_error(session: Session, office: Office, key: str, text: str) -> Message | None:
    """Return why ``text`` cannot be the layout ``key`` of ``office``, in a sentence with typst's own words, or None."""
    changed = office.with_layout(key, text)
    for one in LAYOUT_KEYS[1:] if key == BASE else (key,):
        draft = sample(session, changed, one)
        if draft is None:
            continue
        try:
            set_layout(changed, draft)
        except LayoutError as error:
            return describe_layout_error(error)
    return None


def describe_layout_error(error: LayoutError) -> Message:
    """Return what typst says, with the line."""
    if not error.line:
        return _("The layout cannot be set: %(message)s.", message=error.message)
    return _(
        "The layout cannot be set. %(file)s, line %(line)s: %(message)s.",
        file=error.file,
        line=error.line,
        message=error.message,
    )


def _content(kind: PaperKind) -> PaperContent:
    facts = (
        PaperFact("title", "Judul", "Pembaruan sertifikat TLS aplikasi SPSE", ""),
        PaperFact("description", "Uraian", _LONG, ""),
    )
    table = PaperTable(
        "cases", "Kasus uji", ("Kasus", "Hasil"), (("Masuk", "Berhasil"), ("Keluar", "Berhasil")), (1, 2)
    )
    choices = (
        ("Kategori", (Choice("normal", "Normal", is_ticked=True), Choice("emergency", "Mendesak", is_ticked=False))),
    )
    head = Signer(
        HEAD, ("Kepala LPSE",), "Nama Kepala, S.Kom.", "Penata Tk. I, III/d", "19800101 200501 1 001", "2 Maret 2026"
    )
    manager = Signer(
        MANAGER, ("Pengelola Perubahan",), "Nama Pengelola, S.T.", "Penata Muda, III/a", "", "2 Maret 2026"
    )
    return PaperContent(
        kind,
        "Contoh naskah",
        _NUMBER,
        _AT,
        facts[:1],
        "Pada hari ini, hari Senin, tanggal dua bulan Maret tahun dua ribu dua puluh enam, contoh ini dicetak.",
        (
            Part("a", "1. Bagian pertama", facts, choices, (table,), "", (head,)),
            Part("b", "2. Bagian kedua", text="NIHIL"),
        ),
        (head, manager),
    )
