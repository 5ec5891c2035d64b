"""One word for one thing: words that screens, mails, guides and README do not use, each with the one that they do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
CATALOGUES = ROOT / "views" / "translations" / "id" / "LC_MESSAGES"
GUIDES = [ROOT / "README.md", ROOT / "docs" / "sop-format.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]

#: What is not written, and what is written instead. A pattern leaves out what is another thing: a decree is a "surat
#: keputusan", and "Penilaian Tingkat Keterdesakan" is the name of a step in the SOPs.
INSTEAD = {
    r"darurat": "mendesak",
    r"(?<!ke)putusan\b": "keputusan: a putusan is a court's",
    r"konsep\b": "draf",
    r"rancangan": "draf",
    r"tenggat": "batas waktu",
    r"jatuh tempo": "batas waktu",
    r"tahap(an)?\b": "langkah",
    r"penyaring\b|\bfilter\b": "saringan, menyaring",
    r"program(?! Windows)(nya)?\b(?! pengadaan)": "aplikasi",
    r"\bkantor (ini|lain)\b|ditetapkan kantor": "LPSE",
    r"dalam sekilas": "Ringkasan kinerja",
    r"dalam kapasitas": "selaku",
    r"\bpelaku\b": "pengguna, sistem",
    r"(?<!hasil )penilaian(?! tingkat keterdesakan)(?! muncul)": "ketepatan waktu",
    r"(dicatat|disimpan|ditetapkan|dijadwalkan|diserahkan|diakhiri) seperti ini": "periksa isian berikut",
    r"didahului (orang|pengguna) lain": "data telah diubah pengguna lain sejak Anda membukanya",
    r"nasib": "status surel",
    r"bertemu masa pembekuan": "berbenturan dengan masa pembekuan",
    r"selama tidak boleh": "selama masa pembekuan rilis tidak dapat dijadwalkan",
    r"sakelar": "pengaturan",
    r"lihat di sini": "pratinjau",
    r"ke isian\b": "ke formulir",
    r"kata sandi pertama": "kata sandi awal",
    r"nomor akses ini": "kode rujukan",
    r"baris, sebelum dan sesudah": "data sebelum dan sesudah",
    r"di tangan\b": "menangani, ditangani",
    r"urgensi": "tingkat keterdesakan",
    r"reviu": "evaluasi",
    r"pemutakhiran": "pembaruan",
    r"tidak dibaca oleh siapa pun": "mohon tidak dibalas",
}


def written() -> list[tuple[str, str]]:
    """Return each text that an Indonesian reader sees, with the place it is from."""
    texts = []
    for name in ("messages", "admin"):
        with (CATALOGUES / f"{name}.po").open("rb") as file:
            for message in read_po(file):
                strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
                texts += [
                    (f"{name}.po: {message.id}", re.sub(r"%\(\w+\)s", "…", string)) for string in strings if message.id
                ]
    for guide in GUIDES:
        lines = re.sub(r"```.*?```|`[^`\n]*`|\]\([^)]*\)", " ", guide.read_text(), flags=re.DOTALL)
        texts.append((guide.name, lines))
    return texts


@pytest.mark.parametrize(("pattern", "instead"), INSTEAD.items(), ids=INSTEAD)
def test_a_word_that_has_been_replaced_does_not_come_back(pattern: str, instead: str) -> None:
    results = [
        f"{location}: …{text[max(0, match.start() - 40) : match.end() + 40]}…"
        for location, text in written()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]
    assert not results, f"Write “{instead}” here:\n" + "\n".join(results)
